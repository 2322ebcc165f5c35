//! The parts of a saved audit that are compared, as they stand in its JSON. What else stands there is passed over.

use allod_facts::{Confidence, Country, LinkKind, Mitigation, Role, Severity};
use serde::Deserialize;
use std::borrow::Cow;

/// A text that is borrowed from the file where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow)]
    pub schema: Text<'a>,
    #[serde(borrow)]
    pub root: Text<'a>,
    #[serde(borrow)]
    pub home: Vec<Text<'a>>,
    #[serde(borrow)]
    pub components: Vec<ComponentIn<'a>>,
    #[serde(borrow)]
    pub links: Vec<LinkIn<'a>>,
    #[serde(borrow)]
    pub powers: Vec<PowerIn<'a>>,
    #[serde(borrow)]
    pub findings: Vec<RemarkIn<'a>>,
    #[serde(borrow)]
    pub unresolved: Vec<UnresolvedIn<'a>>,
    #[serde(borrow)]
    pub diagnostics: Vec<DiagnosticIn<'a>>,
    pub coverage: CoverageIn,
}

#[derive(Deserialize)]
pub(super) struct CoverageIn {
    pub components: usize,
}

#[derive(Deserialize)]
pub(super) struct ComponentIn<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub layer: Text<'a>,
    #[serde(borrow)]
    pub kind: Text<'a>,
    pub role: Role,
    #[serde(borrow)]
    pub service: Option<NamedIn<'a>>,
    #[serde(borrow)]
    pub controllers: Vec<PartyIn<'a>>,
    pub control: ControlIn,
    #[serde(borrow)]
    pub location: Option<LocationIn<'a>>,
    pub confidence: Confidence,
    #[serde(borrow)]
    pub evidence: Vec<SeenIn<'a>>,
    #[serde(borrow)]
    pub data: Vec<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct NamedIn<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct PartyIn<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    pub country: Option<Country>,
    #[serde(borrow)]
    pub ground: Text<'a>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ControlIn {
    Known,
    Unknown,
    #[serde(rename = "self")]
    SelfHosted,
}

#[derive(Deserialize)]
pub(super) struct LocationIn<'a> {
    pub country: Option<Country>,
    #[serde(borrow)]
    pub region: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct SeenIn<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    pub line: u32,
}

#[derive(Deserialize)]
pub(super) struct LinkIn<'a> {
    #[serde(borrow)]
    pub from: Text<'a>,
    #[serde(borrow)]
    pub to: Text<'a>,
    pub kind: LinkKind,
    #[serde(borrow)]
    pub data: Vec<Text<'a>>,
    pub mitigations: Vec<Mitigation>,
    #[serde(borrow)]
    pub any_of: Option<Text<'a>>,
    #[serde(borrow)]
    pub evidence: Vec<SeenIn<'a>>,
}

#[derive(Deserialize)]
pub(super) struct PowerIn<'a> {
    #[serde(borrow)]
    pub jurisdiction: Text<'a>,
    pub power: PowerName,
    pub when: WhenName,
    #[serde(borrow)]
    pub component: Text<'a>,
    #[serde(borrow)]
    pub data: Vec<Text<'a>>,
    #[serde(borrow)]
    pub path: Vec<Text<'a>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PowerName {
    Read,
    Stop,
    Change,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WhenName {
    Now,
    Later,
}

#[derive(Deserialize)]
pub(super) struct RemarkIn<'a> {
    #[serde(borrow)]
    pub code: Text<'a>,
    pub severity: Severity,
    #[serde(borrow)]
    pub message: Text<'a>,
    #[serde(borrow)]
    pub component: Text<'a>,
    #[serde(borrow)]
    pub evidence: Vec<SeenIn<'a>>,
}

#[derive(Deserialize)]
pub(super) struct UnresolvedIn<'a> {
    #[serde(borrow)]
    pub code: Text<'a>,
    #[serde(borrow)]
    pub message: Text<'a>,
    #[serde(borrow)]
    pub component: Option<Text<'a>>,
    #[serde(borrow)]
    pub evidence: SeenIn<'a>,
}

#[derive(Deserialize)]
pub(super) struct DiagnosticIn<'a> {
    #[serde(borrow)]
    pub code: Text<'a>,
    pub severity: Severity,
    #[serde(borrow)]
    pub message: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    pub line: u32,
}

use crate::{ComponentRef, Evidence};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A dependency of one component on another. `from` needs or uses `to`; powers over `to` reach `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub from: ComponentRef,
    pub to: ComponentRef,
    pub kind: LinkKind,
    /// Data classes that travel here, when the file states them; empty means all that `from` has.
    pub data: Vec<Arc<str>>,
    /// What cuts a power on this link. Each one was seen in the file: the link's evidence shows it.
    pub mitigations: Vec<Mitigation>,
    /// Links of `from` with the same group name are alternatives: one of them is enough for `from` to work.
    pub any_of: Option<Arc<str>>,
    pub evidence: Vec<Evidence>,
}

/// The kinds of links and, in the stack crate, the powers that each one passes (see `docs/GLOSSARY.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    RunsOn,
    StoresIn,
    SendsTo,
    BuiltFrom,
    DeployedBy,
    ResolvedBy,
    Trusts,
}

impl LinkKind {
    pub fn name(self) -> &'static str {
        match self {
            LinkKind::RunsOn => "runs_on",
            LinkKind::StoresIn => "stores_in",
            LinkKind::SendsTo => "sends_to",
            LinkKind::BuiltFrom => "built_from",
            LinkKind::DeployedBy => "deployed_by",
            LinkKind::ResolvedBy => "resolved_by",
            LinkKind::Trusts => "trusts",
        }
    }
}

impl Mitigation {
    pub fn name(self) -> &'static str {
        match self {
            Mitigation::CustomerHeldKey => "customer-held key",
            Mitigation::ClientSideEncryption => "client-side encryption",
            Mitigation::PinnedDigest => "pinned digest",
            Mitigation::LocalMirror => "local mirror",
            Mitigation::NotRequired => "works without it",
            Mitigation::TlsPassesThrough => "TLS passes through",
        }
    }
}

/// What cuts a power, as seen in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mitigation {
    /// The customer holds the key, outside the provider: cuts *read* at rest.
    CustomerHeldKey,
    /// Data is encrypted before it is sent: cuts *read*.
    ClientSideEncryption,
    /// The artefact is pinned by digest or commit: cuts *change*.
    PinnedDigest,
    /// The artefact is served from a mirror of one's own: cuts *stop*.
    LocalMirror,
    /// `from` works without `to` (telemetry, a notification): cuts *stop*.
    NotRequired,
    /// The party in between does not end TLS (a DNS-only record): cuts *read*.
    TlsPassesThrough,
}

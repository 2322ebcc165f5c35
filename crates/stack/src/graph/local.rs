//! What the passes over the graph do with one part or link. Each looks at nothing but what it is given, so that a part
//! can be done again by itself.

use crate::graph::Unknown;
use crate::resolve::{Control, Part, resolve, under_own_zone};
use allod_facts::{
    Clue, ClueKind, Component, Confidence, Delivered, Evidence, Layer, Link, LinkKind, Role, Unresolved,
};
use allod_readers::endpoint::{HostKind, host_kind};
use allod_register::{Register, Service};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of the DNS zone that a component is.
pub(crate) fn own_zone(component: &Component) -> Option<String> {
    (&*component.kind == "zone").then(|| component.name.to_ascii_lowercase())
}

pub(crate) fn plain_link(from: u32, kind: LinkKind, to: u32, evidence: Vec<Evidence>) -> Link {
    Link { from, to, kind, data: Vec::new(), mitigations: Vec::new(), any_of: None, evidence }
}

/// The order of the links of a stack. What is alike in it stays as it was.
pub(crate) fn sort_links(links: &mut [Link]) {
    links.sort_by(|a, b| {
        (a.from, a.to, a.kind, &a.any_of, &a.evidence).cmp(&(b.from, b.to, b.kind, &b.any_of, &b.evidence))
    });
}

/// Whether what takes its mail is no part of it: see [`mail_of`].
pub(crate) fn has_mail(part: &Part<'_>) -> bool {
    matches!(&*part.fact.kind, "zone" | "name") && part.fact.role == Role::Own
}

/// The mail of a zone or name.
pub(crate) fn mail_of<'r>(owner: &Part<'_>, seen: Evidence, register: &'r Register) -> Part<'r> {
    let name = &owner.fact.name;
    let fact = Component::new(&format!("mail:{name}"), name, "mail-domain", Layer::Mail, Role::Own, seen);
    resolve(Arc::new(fact), register, &BTreeSet::new())
}

/// Whether it is a library or a variable name of which the register knows no service.
pub(crate) fn is_empty_hint(part: &Part<'_>) -> bool {
    let hint = part.is_hint() && !matches!(part.fact.role, Role::Own);
    let library = &*part.fact.kind == "package";
    part.service.is_none() && (hint || library) && part.fact.clues.iter().all(|clue| clue.kind != ClueKind::Host)
}

/// The layer of a part that is built from an image of one software, of which this is the layer.
pub(crate) fn layer_from_image(part: &Part<'_>, image: Layer) -> Layer {
    let takes = part.fact.role == Role::Own && part.layer == Layer::Application;
    if takes && !matches!(image, Layer::Os | Layer::Cloud) { image } else { part.layer }
}

/// What software uses by default: a part for the service.
pub(crate) fn default_of<'r>(service: &'r Service, seen: Evidence, register: &'r Register) -> Part<'r> {
    let id = format!("default:{}", service.id);
    let mut fact = Component::new(&id, &service.name, "default", service.layer, Role::Provided, seen);
    fact.confidence = Confidence::Medium;
    Part {
        layer: service.layer,
        control: if service.operator.is_some() { Control::Known } else { Control::Unknown },
        service: Some(service),
        software: None,
        named_publisher: None,
        own_keys: false,
        matched_by: None,
        operator: service.operator.as_ref().and_then(|id| register.entity(id)),
        location: None,
        fact: Arc::new(fact),
    }
}

/// In the order in which it was first seen.
pub(crate) fn each_once(mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    let mut seen = FxHashSet::default();
    evidence.retain(|one| seen.insert(one.clone()));
    evidence
}

/// Whether it is a name under which we are reached.
pub(crate) fn states_name(part: &Part<'_>) -> bool {
    &*part.fact.kind == "name" && part.fact.role == Role::Own
}

/// The id of the name that would make it ours, if we are reached under it.
pub(crate) fn name_to_state(part: &Part<'_>) -> Option<String> {
    let host = part.fact.id.strip_prefix("host:")?;
    (part.control == Control::Unknown && part.service.is_none()).then(|| format!("name:{host}"))
}

/// The ids of the record and of the zone that a host of ours depends on.
pub(crate) fn own_names(part: &Part<'_>, own_zones: &BTreeSet<String>) -> Vec<String> {
    let Some(host) = part.fact.id.strip_prefix("host:").filter(|_| part.control == Control::SelfHosted) else {
        return Vec::new();
    };
    let zone = std::iter::successors(Some(host), |rest| rest.split_once('.').map(|(_, shorter)| shorter))
        .find(|name| own_zones.contains(*name));
    std::iter::once(format!("name:{host}")).chain(zone.map(|zone| format!("zone:{zone}"))).collect()
}

/// What a live look-up did not give is no reason why nobody is known.
pub(crate) fn tells_why(one: &Unknown) -> bool {
    !matches!(one.code, "U012" | "U013")
}

/// Why nobody is known to control a part; `told` when something unresolved says it.
pub(crate) fn why_unknown(part: &Part<'_>, at: u32, told: bool, own_zones: &BTreeSet<String>) -> Option<Unknown> {
    let evidence = part.fact.evidence.first().cloned()?;
    let (code, message) = match (part.control, part.service, part.operator) {
        (Control::Known, Some(service), Some(operator)) if operator.country.is_none() => {
            ("U011", format!("`{}` is run by {}, whose country no source gives", service.name, operator.name))
        }
        (Control::Unknown, Some(service), None) => ("U011", format!("no source says who runs `{}`", service.name)),
        (Control::Unknown, ..) if !told => unknown_reason(part, own_zones),
        _ => return None,
    };
    Some(Unresolved { code, message, component: Some(at), evidence })
}

/// Our own parts that files under a path describe (the jobs and repositories that deliver are not delivered
/// themselves), and what the provided ones of a design are (a bucket of a Terraform root); an image by its name.
pub(crate) fn is_delivered(part: &Part<'_>, what: &Delivered) -> bool {
    match what {
        Delivered::Files(folder) => {
            let deliverable = match part.fact.role {
                Role::Own => !matches!(part.layer, Layer::Ci | Layer::Source),
                // A resource of a design is somebody's service, and what it does is decided by who applies the design.
                Role::Provided => part.fact.clues.iter().any(|clue| clue.kind == ClueKind::TerraformType),
                Role::Artefact => false,
            };
            let under = |seen: &Evidence| {
                let rest = seen.path.strip_prefix(folder.as_str());
                folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            deliverable && part.fact.evidence.first().is_some_and(under)
        }
        Delivered::Image(name) => {
            part.fact.role == Role::Artefact
                && part.fact.clues.iter().any(|clue| clue.kind == ClueKind::Image && &*clue.text == name.as_str())
        }
    }
}

fn unknown_reason(part: &Part<'_>, own_zones: &BTreeSet<String>) -> (&'static str, String) {
    let clue: Option<&Clue> = part.fact.clues.first();
    match clue {
        Some(clue) if clue.kind == ClueKind::Host && host_kind(&clue.text) == HostKind::Placeholder => {
            debug_assert!(!under_own_zone(&clue.text, own_zones));
            ("U006", format!("`{}` is a reserved or placeholder name", clue.text))
        }
        Some(clue) if is_server(clue.kind) => ("U008", format!("the register knows nobody who runs `{}`", clue.text)),
        Some(clue) => ("U009", format!("the register does not know `{}`", clue.text)),
        None => ("U007", format!("no file says who provides `{}`", part.fact.name)),
    }
}

/// Whether a clue is the name of a machine that answers.
fn is_server(kind: ClueKind) -> bool {
    matches!(kind, ClueKind::Host | ClueKind::NameServer | ClueKind::MailExchanger | ClueKind::CanonicalName)
}

use super::same::Counterparts;
use crate::diff::{Component, Link, Snapshot};
use crate::resolve::Control;
use allod_facts::{LinkKind, Mitigation};
use std::collections::BTreeSet;

/// In what a component differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Where it is.
    Place,
    /// Who runs it, and who owns that one.
    Control,
    /// The data classes that it states.
    Data,
    /// What it uses: its image, a host that it talks to, a store.
    Link(LinkKind),
    /// What cut a power on a link: a key of one's own, a pinned digest.
    Mitigation(LinkKind),
    /// Nothing of its own: somebody holds more over what it uses.
    Powers,
}

impl What {
    /// The word in documents for machines.
    pub fn name(self) -> &'static str {
        match self {
            What::Place => "place",
            What::Control => "control",
            What::Data => "data",
            What::Link(kind) => kind.name(),
            What::Mitigation(_) => "mitigation",
            What::Powers => "powers",
        }
    }
}

/// One difference, told on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: What,
    /// Empty when nothing was allowed there.
    pub allowed: String,
    pub running: String,
    pub allowed_seen: Option<(String, u32)>,
    pub running_seen: Option<(String, u32)>,
}

impl Difference {
    fn of(what: What, (allowed, running): (String, String), other: &Component, one: &Component) -> Difference {
        Difference { what, allowed, running, allowed_seen: seen(other), running_seen: seen(one) }
    }

    pub(super) fn powers(other: Option<&Component>, one: &Component) -> Difference {
        Difference {
            what: What::Powers,
            allowed: String::new(),
            running: String::new(),
            allowed_seen: other.and_then(seen),
            running_seen: seen(one),
        }
    }
}

fn seen(one: &Component) -> Option<(String, u32)> {
    one.seen.as_ref().map(|seen| (seen.path.to_string(), seen.line))
}

fn seen_link(link: &Link, from: &Component) -> Option<(String, u32)> {
    link.seen.as_ref().map(|seen| (seen.path.to_string(), seen.line)).or_else(|| seen(from))
}

/// How a component that runs (second position) differs from what was allowed (first position).
pub(super) fn differences(
    allowed: &Snapshot,
    running: &Snapshot,
    counterparts: &Counterparts,
    (of, at): (u32, u32),
) -> Vec<Difference> {
    let mut found = Vec::new();
    let sides = allowed.components.get(of as usize).zip(running.components.get(at as usize));
    let Some((other, one)) = sides else { return found };
    if moved(other, one) {
        found.push(Difference::of(What::Place, (place(other), place(one)), other, one));
    }
    // What the allowed side does not know is no contradiction; that nobody knows any more is one.
    if other.control != Control::Unknown && is_controlled_otherwise(other, one) {
        found.push(Difference::of(What::Control, (controller(other), controller(one)), other, one));
    }
    if other.data != one.data {
        found.push(Difference::of(What::Data, (other.data.join(", "), one.data.join(", ")), other, one));
    }
    let mut told = BTreeSet::new();
    for link in links(running, at) {
        let Some(to) = running.components.get(link.to as usize).filter(|to| !to.hint) else { continue };
        let same = |known: &&Link| known.kind == link.kind && counterparts.of_running(link.to) == Some(known.to);
        let known: Vec<&Link> = links(allowed, of).filter(same).collect();
        let (what, text) = if known.is_empty() {
            let was = in_place_of(allowed, running, (of, at), link, counterparts);
            (What::Link(link.kind), (was, to.name.to_string()))
        } else {
            // What cut a power on every allowed link, and cuts it here no more.
            let kept = |one: &Mitigation| known.iter().all(|link| link.mitigations.contains(one));
            let all: BTreeSet<Mitigation> = known.iter().flat_map(|link| &link.mitigations).copied().collect();
            let lost: Vec<&str> = all
                .into_iter()
                .filter(|one| kept(one) && !link.mitigations.contains(one))
                .map(Mitigation::name)
                .collect();
            if lost.is_empty() {
                continue;
            }
            (What::Mitigation(link.kind), (lost.join(", "), format!("{} without it", to.name)))
        };
        if !told.insert((what, text.clone())) {
            continue;
        }
        let allowed_seen =
            links(allowed, of).find(|known| known.kind == link.kind).and_then(|known| seen_link(known, other));
        found.push(Difference {
            what,
            allowed: text.0,
            running: text.1,
            allowed_seen: allowed_seen.or_else(|| seen(other)),
            running_seen: seen_link(link, one),
        });
    }
    found
}

fn links(snapshot: &Snapshot, at: u32) -> impl Iterator<Item = &Link> {
    let first = snapshot.links.partition_point(|link| link.from < at);
    snapshot.links.iter().skip(first).take_while(move |link| link.from == at)
}

/// What was allowed where a new link leads: the links of its kind that what runs has no more.
fn in_place_of(
    allowed: &Snapshot,
    running: &Snapshot,
    (of, at): (u32, u32),
    new: &Link,
    counterparts: &Counterparts,
) -> String {
    let still = |known: &Link| {
        links(running, at).any(|link| link.kind == known.kind && counterparts.of_running(link.to) == Some(known.to))
    };
    let gone = links(allowed, of).filter(|known| known.kind == new.kind && !still(known));
    let names: BTreeSet<&str> =
        gone.filter_map(|known| allowed.components.get(known.to as usize)).map(|to| &*to.name).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Whether both sides say where it is, and say different places. A zone of a region (`eu-west-1a`) is in it.
pub(super) fn moved(other: &Component, one: &Component) -> bool {
    let (Some(was), Some(is)) = (&other.location, &one.location) else { return false };
    let countries = was.country.zip(is.country).is_some_and(|(was, is)| was != is);
    let regions = was.region.as_ref().zip(is.region.as_ref()).is_some_and(|(was, is)| {
        let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|zone| zone.trim_start_matches('-').len() <= 1);
        !within(was, is) && !within(is, was)
    });
    countries || regions
}

fn place(one: &Component) -> String {
    let Some(location) = &one.location else { return "unknown".to_owned() };
    match (&location.country, &location.region) {
        (Some(country), Some(region)) => format!("{} ({region})", country.code()),
        (Some(country), None) => country.code().to_owned(),
        (None, Some(region)) => region.to_string(),
        (None, None) => "unknown".to_owned(),
    }
}

fn is_controlled_otherwise(other: &Component, one: &Component) -> bool {
    let ids = |one: &Component| -> BTreeSet<(String, String)> {
        one.controllers.iter().map(|party| (party.id.to_string(), party.ground.to_string())).collect()
    };
    (other.control, &other.service) != (one.control, &one.service) || ids(other) != ids(one)
}

fn controller(one: &Component) -> String {
    match (one.control, &one.service) {
        (Control::Known, Some(service)) => format!("{} ({service})", one.who()),
        _ => one.who().to_owned(),
    }
}

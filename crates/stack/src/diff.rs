//! What changed from one audit to another: which powers were gained and lost, by whom, and through which change.
//!
//! Pure functions over two [`Snapshot`]s. What is lost from one to the other is, by construction, what is gained the
//! other way round. Lines that only moved, and the order of anything, make no difference.

mod cause;
mod same;
mod snapshot;
#[cfg(test)]
mod tests;

pub use cause::{Cause, CauseKind};
pub use snapshot::{Component, Held, Link, Party, Remark, Seen, Shared, Snapshot};

use crate::powers::{Power, When};
use crate::resolve::{Control, Location};
use allod_facts::Country;
use same::View;
use std::collections::BTreeMap;

/// Everything that changed.
#[derive(Clone, Debug, Default)]
pub struct Diff<'a> {
    /// By cause.
    pub gained: Vec<Group<'a>>,
    pub lost: Vec<Group<'a>>,
    /// The same component under another id: its file was moved, its version changed. (before, after)
    pub renamed: Vec<(&'a Component, &'a Component)>,
    /// Components that are there before and after, and are controlled otherwise.
    pub controllers: Vec<Recontrolled<'a>>,
    /// Components that are there before and after, in another place.
    pub locations: Vec<Relocated<'a>>,
    pub findings: Remarks<'a>,
    pub unresolved: Remarks<'a>,
    pub diagnostics: Remarks<'a>,
}

/// The powers that one change gave or took.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'a> {
    pub cause: Cause<'a>,
    /// By component, jurisdiction and power.
    pub powers: Vec<PowerChange<'a>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PowerChange<'a> {
    /// `None`: a party that nobody knows.
    pub jurisdiction: Option<Country>,
    pub power: Power,
    /// On the side where there is more of the power: after a gain, before a loss.
    pub when: When,
    /// When the power is there on the other side too, and only sooner here or over more data: its time there.
    pub other: Option<When>,
    /// For *read*: the data classes that were gained or lost.
    pub data: Vec<&'a str>,
    pub component: &'a Component,
    /// The shortest path, from the component itself on.
    pub path: Vec<&'a Component>,
    /// Entity ids from the operator of the last component on.
    pub parties: &'a [std::sync::Arc<str>],
}

/// A component that somebody else controls now.
#[derive(Clone, Debug, PartialEq)]
pub struct Recontrolled<'a> {
    pub before: &'a Component,
    pub after: &'a Component,
    pub gained: Vec<&'a Party>,
    pub lost: Vec<&'a Party>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Relocated<'a> {
    pub before: &'a Component,
    pub after: &'a Component,
}

/// Findings, unresolved facts or diagnostics that came and went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remarks<'a> {
    pub gained: Vec<(&'a Remark, Option<&'a Component>)>,
    pub lost: Vec<(&'a Remark, Option<&'a Component>)>,
}

impl PowerChange<'_> {
    /// Whether it counts in a review: powers over a hint are shown and do not count.
    pub fn counts(&self) -> bool {
        !self.component.hint
    }
}

impl Diff<'_> {
    pub fn is_empty(&self) -> bool {
        let remarks = [&self.findings, &self.unresolved, &self.diagnostics];
        self.gained.is_empty()
            && self.lost.is_empty()
            && self.renamed.is_empty()
            && self.controllers.is_empty()
            && self.locations.is_empty()
            && remarks.iter().all(|one| one.gained.is_empty() && one.lost.is_empty())
    }
}

/// Compares two audits. Linear in components, links and powers, but for sorting.
pub fn diff<'a>(before: &'a Snapshot, after: &'a Snapshot) -> Diff<'a> {
    let (forth, back) = same::matched(before, after);
    let (old, new) = (View::new(before, forth), View::new(after, back));
    let mut diff = Diff {
        gained: cause::gained(&new, &old),
        lost: cause::gained(&old, &new),
        findings: remarks(&old, &new, |snapshot| &snapshot.findings),
        unresolved: remarks(&old, &new, |snapshot| &snapshot.unresolved),
        diagnostics: remarks(&old, &new, |snapshot| &snapshot.diagnostics),
        ..Diff::default()
    };
    for (at, one) in before.components.iter().enumerate() {
        let Some(other) = old.other(at as u32).and_then(|at| new.component(at)) else { continue };
        if one.id != other.id {
            diff.renamed.push((one, other));
        }
        if one.location.as_ref().map(place) != other.location.as_ref().map(place) {
            diff.locations.push(Relocated { before: one, after: other });
        }
        if !same::same_control(one, other) {
            let only = |a: &'a Component, b: &'a Component| {
                a.controllers.iter().filter(|party| !b.controllers.iter().any(|known| same::same_party(known, party)))
            };
            diff.controllers.push(Recontrolled {
                before: one,
                after: other,
                gained: only(other, one).collect(),
                lost: only(one, other).collect(),
            });
        }
    }
    diff
}

fn place(location: &Location) -> (Option<Country>, Option<&str>) {
    (location.country, location.region.as_deref())
}

/// Counted by what they say and about which component or file, whatever the line.
fn remarks<'a>(old: &View<'a>, new: &View<'a>, of: fn(&'a Snapshot) -> &'a Vec<Remark>) -> Remarks<'a> {
    type Key<'a> = (&'a str, &'a str, Option<u32>, &'a str, Option<allod_facts::Severity>);
    let mut counted: BTreeMap<Key<'a>, (Vec<&'a Remark>, Vec<&'a Remark>)> = BTreeMap::new();
    for one in of(old.snapshot) {
        counted.entry(key(one, one.component)).or_default().0.push(one);
    }
    for one in of(new.snapshot) {
        // A component that is on both sides is named by its position before; one that is new, by none of them.
        let component = one.component.map(|at| new.other(at).unwrap_or(u32::MAX - at));
        counted.entry(key(one, component)).or_default().1.push(one);
    }
    fn key<'a>(one: &'a Remark, component: Option<u32>) -> Key<'a> {
        let path = one.seen.as_ref().filter(|_| component.is_none()).map_or("", |seen| &*seen.path);
        (path, &one.code, component, &one.message, one.severity)
    }
    let mut out = Remarks::default();
    for (before, after) in counted.into_values() {
        let with = |view: &View<'a>, one: &'a Remark| (one, one.component.and_then(|at| view.component(at)));
        out.lost.extend(before.iter().skip(after.len()).map(|one| with(old, one)));
        out.gained.extend(after.iter().skip(before.len()).map(|one| with(new, one)));
    }
    for side in [&mut out.gained, &mut out.lost] {
        side.sort_by(|(a, _), (b, _)| (&a.seen, &a.code, &a.message).cmp(&(&b.seen, &b.code, &b.message)));
    }
    out
}

impl Component {
    /// Who controls it, for a sentence: its service or first controller.
    pub fn who(&self) -> &str {
        match self.control {
            Control::SelfHosted => "ourselves",
            Control::Unknown => "unknown",
            Control::Known => self.controllers.first().map_or("unknown", |party| &party.name),
        }
    }
}

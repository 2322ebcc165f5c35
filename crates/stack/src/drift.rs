//! How what runs differs from what was allowed: components that nobody allowed, and components that differ in what
//! matters to control, each with what the difference gives to whom.
//!
//! Pure functions over two [`Snapshot`]s. Only what runs and was not allowed is a drift: what the allowed side leaves
//! open (a place that a variable decides) and what it has besides (its pipelines) is none.

mod differ;
mod same;
#[cfg(test)]
mod tests;

use crate::diff::{Component, Group, Snapshot, diff};
use crate::powers::Power;
use allod_facts::{Country, Role};
pub use differ::{Difference, What};
use same::Counterparts;
use std::collections::{BTreeMap, BTreeSet};

/// What runs, compared with what was allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drifts {
    /// By component.
    pub drifts: Vec<Drift>,
    /// What was allowed and does not run, of the kinds that the source of what runs can show. By component.
    pub missing: Vec<Named>,
    /// Components of what runs that were compared, hints left out.
    pub compared: usize,
}

/// A component with where it was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// Path and line; line 0 for a whole file or an object.
    pub seen: Option<(String, u32)>,
}

/// One component that runs otherwise than it was allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    pub running: Named,
    /// What it was compared with; `None`: nothing of the kind was allowed.
    pub allowed: Option<Named>,
    /// Empty when nothing of the kind was allowed.
    pub differences: Vec<Difference>,
    pub gives: Vec<Gain>,
}

/// A power that somebody has over what runs and would not have over what was allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gain {
    /// `None`: a party that nobody knows.
    pub jurisdiction: Option<Country>,
    pub power: Power,
    /// The components over which it is held, by id.
    pub over: BTreeSet<String>,
}

impl Named {
    pub(crate) fn of(one: &Component) -> Named {
        Named {
            id: one.id.to_string(),
            name: one.name.to_string(),
            kind: one.kind.to_string(),
            seen: one.seen.as_ref().map(|seen| (seen.path.to_string(), seen.line)),
        }
    }
}

/// Compares what runs with what was allowed. `shows` says of which allowed components the source of what runs would
/// show that they run; only these can be missing.
pub fn drift(allowed: &Snapshot, running: &Snapshot, shows: &dyn Fn(&Component) -> bool) -> Drifts {
    let counterparts = Counterparts::of(allowed, running);
    let mut found = Found { allowed, running, counterparts: &counterparts, drifts: BTreeMap::new() };
    for at in 0..running.components.len() as u32 {
        found.compare(at);
    }
    found.unexpected();
    let aligned = counterparts.aligned(allowed, running);
    let mut users: BTreeMap<u32, u32> = BTreeMap::new();
    for link in running.links.iter().filter(|link| found.drifts.contains_key(&link.from)) {
        users.entry(link.to).or_insert(link.from);
    }
    for group in &diff(allowed, &aligned).gained {
        found.gives(group, &aligned, &users);
    }
    let drifts = found.drifts.into_values().collect();
    let missing = |(at, one): (usize, &Component)| {
        let gone = !counterparts.is_met(at as u32) && !one.hint && same::is_described(one) && shows(one);
        gone.then(|| Named::of(one))
    };
    Drifts {
        drifts,
        missing: allowed.components.iter().enumerate().filter_map(missing).collect(),
        compared: running.components.iter().filter(|one| !one.hint).count(),
    }
}

struct Found<'a> {
    allowed: &'a Snapshot,
    running: &'a Snapshot,
    counterparts: &'a Counterparts,
    /// By position among what runs.
    drifts: BTreeMap<u32, Drift>,
}

impl<'a> Found<'a> {
    fn one(&self, at: u32) -> Option<&'a Component> {
        self.running.components.get(at as usize)
    }

    /// A component that was allowed, with how it differs.
    fn compare(&mut self, at: u32) {
        let (Some(one), Some(of)) = (self.one(at), self.counterparts.of_running(at)) else { return };
        let Some(other) = self.allowed.components.get(of as usize).filter(|_| !one.hint) else { return };
        let differences = differ::differences(self.allowed, self.running, self.counterparts, (of, at));
        if !differences.is_empty() {
            let (running, allowed) = (Named::of(one), Some(Named::of(other)));
            self.drifts.insert(at, Drift { running, allowed, differences, gives: Vec::new() });
        }
    }

    /// Components that nobody allowed. What is only used by one that is told already (its image, a host that it talks
    /// to) is told with it.
    fn unexpected(&mut self) {
        let used: BTreeSet<u32> = self.running.links.iter().map(|link| link.to).collect();
        for (at, one) in self.running.components.iter().enumerate() {
            let at = at as u32;
            let known = one.hint || self.counterparts.of_running(at).is_some() || same::is_the_file(one);
            if known || used.contains(&at) && one.role != Role::Own && !same::is_described(one) {
                continue;
            }
            let drift = Drift { running: Named::of(one), allowed: None, differences: Vec::new(), gives: Vec::new() };
            self.drifts.insert(at, drift);
        }
    }

    /// Puts what a change gives with the drift that is the change, or that uses it (`users`).
    fn gives(&mut self, group: &Group<'_>, aligned: &Snapshot, users: &BTreeMap<u32, u32>) {
        let position = |one: &Component| aligned.find(&one.id).and_then(|at| self.counterparts.unaligned(at));
        let Some(at) = position(group.cause.component) else { return };
        let at = if self.drifts.contains_key(&at) { at } else { users.get(&at).copied().unwrap_or(at) };
        let Some(one) = self.one(at).filter(|one| !one.hint) else { return };
        let mut gains: BTreeMap<(Option<Country>, Power), BTreeSet<String>> = BTreeMap::new();
        for change in group.powers.iter().filter(|change| change.counts()) {
            let over = position(change.component).and_then(|at| self.one(at)).unwrap_or(change.component);
            gains.entry((change.jurisdiction, change.power)).or_default().insert(over.id.to_string());
        }
        if gains.is_empty() {
            return;
        }
        let other = self.counterparts.of_running(at).and_then(|of| self.allowed.components.get(of as usize));
        let drift = self.drifts.entry(at).or_insert_with(|| {
            // Nothing of the component itself differs, and still somebody holds more: said as that.
            let powers = Difference::powers(other, one);
            Drift {
                running: Named::of(one),
                allowed: other.map(Named::of),
                differences: vec![powers],
                gives: Vec::new(),
            }
        });
        for ((jurisdiction, power), over) in gains {
            match drift.gives.iter_mut().find(|gain| (gain.jurisdiction, gain.power) == (jurisdiction, power)) {
                Some(gain) => gain.over.extend(over),
                None => drift.gives.push(Gain { jurisdiction, power, over }),
            }
        }
        drift.gives.sort();
    }
}

impl Drift {
    /// The code of the finding.
    pub fn code(&self) -> &'static str {
        if self.allowed.is_some() || !self.differences.is_empty() { "F011" } else { "F010" }
    }
}

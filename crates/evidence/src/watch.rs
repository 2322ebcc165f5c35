//! What runs, as it is watched: the state at a moment, and what changed from one moment to the next.

mod human;
mod json;

use crate::check::{Key, key};
use allod_facts::Diagnostic;
use allod_rules::{Excepted, Severity, Violation};
use allod_stack::Home;
use allod_stack::drift::{Drift, Named};
use std::collections::{BTreeMap, BTreeSet};

pub use human::{human, line};
pub use json::{EVENT_SCHEMA, event_json, json};

/// What was found at one moment.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What runs, and what it is compared with, as the user named them.
    pub running: String,
    pub allowed: Option<String>,
    pub home: Home,
    pub rules: usize,
    /// Components that the rules were asked about.
    pub components: usize,
    pub violations: Vec<Violation>,
    pub excepted: Vec<Excepted>,
    pub drifts: Vec<Drift>,
    pub missing: Vec<Named>,
    /// Whether what is missing counts.
    pub missing_counts: bool,
    pub unseen: Vec<Unseen>,
    /// How much of it the baseline has.
    pub known: usize,
    /// About the rule files and the exceptions.
    pub diagnostics: Vec<Diagnostic>,
}

/// What could not be seen, or could not be judged: no statement is made about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    pub what: String,
    pub why: String,
    /// When it was last seen, in seconds since 1970; `None`: never.
    pub since: Option<u64>,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Found => "found",
            Outcome::Unseen => "unseen",
        }
    }
}

/// What a state comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Clean,
    /// The rules say no to what runs, or it is not what was allowed.
    Found,
    /// Something was not seen: nobody can say.
    Unseen,
}

impl State {
    pub fn outcome(&self) -> Outcome {
        let denied = self.violations.iter().any(|one| one.severity == Severity::Deny);
        match () {
            () if !self.unseen.is_empty() => Outcome::Unseen,
            () if denied || !self.drifts.is_empty() || self.missing_counts && !self.missing.is_empty() => {
                Outcome::Found
            }
            () => Outcome::Clean,
        }
    }

    /// The state when nothing could be seen or judged: what was known before stays, since nobody knows better.
    pub fn not_seen(before: &State, unseen: Unseen) -> State {
        State { unseen: vec![unseen], ..before.clone() }
    }

    /// What a baseline knows it by.
    pub fn keys(&self) -> BTreeSet<Key> {
        let violations = self.violations.iter().flat_map(|one| one.components.iter().map(move |at| key(one, at)));
        violations.chain(self.drifts.iter().map(drift_key)).collect()
    }

    /// Takes out what a baseline has: it was seen, and somebody works it off.
    pub fn known(&mut self, before: &BTreeSet<Key>) {
        let violations = self.violations.len() + self.drifts.len();
        self.drifts.retain(|one| !before.contains(&drift_key(one)));
        self.violations.retain_mut(|one| {
            let whole = one.clone();
            one.components.retain(|at| !before.contains(&key(&whole, at)));
            !one.components.is_empty()
        });
        self.known = violations - self.violations.len() - self.drifts.len();
    }

    fn entries(&self) -> BTreeMap<String, Entry<'_>> {
        let mut entries = BTreeMap::new();
        for one in &self.violations {
            entries.insert(format!("violation {} {} {}", one.rule, one.requirement, one.cause), Entry::Violation(one));
        }
        for one in &self.drifts {
            entries.insert(format!("drift {} {}", one.code(), one.running.id), Entry::Drift(one));
        }
        for one in &self.missing {
            entries.insert(format!("missing {}", one.id), Entry::Missing(one));
        }
        for one in &self.unseen {
            entries.insert(format!("unseen {}", one.what), Entry::Unseen(one));
        }
        entries
    }
}

/// A drift in the form of a baseline: another difference of the same component is a new one.
fn drift_key(one: &Drift) -> Key {
    let what: Vec<String> =
        one.differences.iter().map(|of| format!("{}: {} -> {}", of.what.name(), of.allowed, of.running)).collect();
    ("allod/drift".to_owned(), one.code().to_owned(), what.join("; "), one.running.id.clone())
}

/// One thing of a state.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// What the state comes to.
    Outcome(Outcome),
    Violation(&'a Violation),
    Drift(&'a Drift),
    Missing(&'a Named),
    Unseen(&'a Unseen),
}

impl PartialEq for Entry<'_> {
    /// Whether it says the same. Lines that moved, and since when something is not seen, say nothing new.
    fn eq(&self, other: &Entry<'_>) -> bool {
        match (self, other) {
            (Entry::Outcome(a), Entry::Outcome(b)) => a == b,
            (Entry::Violation(a), Entry::Violation(b)) => {
                (&a.components, &a.message, a.severity) == (&b.components, &b.message, b.severity)
            }
            (Entry::Drift(a), Entry::Drift(b)) => drift_key(a) == drift_key(b) && a.gives == b.gives,
            (Entry::Missing(a), Entry::Missing(b)) => a.id == b.id,
            (Entry::Unseen(a), Entry::Unseen(b)) => (&a.what, &a.why) == (&b.what, &b.why),
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Began,
    Changed,
    Ended,
}

impl Change {
    pub fn name(self) -> &'static str {
        match self {
            Change::Began => "began",
            Change::Changed => "changed",
            Change::Ended => "ended",
        }
    }
}

/// A change of the state, with the moment at which it was noticed in seconds since 1970.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    pub at: u64,
    pub change: Change,
    pub entry: Entry<'a>,
    pub home: &'a Home,
}

/// What changed from one state to the next; from nothing at first. What ended is told first,
/// and what it comes to last.
pub fn changes<'a>(before: Option<&'a State>, now: &'a State, at: u64) -> Vec<Event<'a>> {
    let old = before.map(State::entries).unwrap_or_default();
    let new = now.entries();
    let mut events = Vec::new();
    for (key, entry) in &old {
        if !new.contains_key(key) {
            events.push(Event { at, change: Change::Ended, entry: *entry, home: &now.home });
        }
    }
    for (key, entry) in &new {
        let change = match old.get(key) {
            None => Change::Began,
            Some(known) if known == entry => continue,
            Some(_) => Change::Changed,
        };
        events.push(Event { at, change, entry: *entry, home: &now.home });
    }
    let outcome = now.outcome();
    let change = match before.map(State::outcome) {
        None => Some(Change::Began),
        Some(known) => (known != outcome).then_some(Change::Changed),
    };
    events.extend(change.map(|change| Event { at, change, entry: Entry::Outcome(outcome), home: &now.home }));
    events
}

/// A moment as RFC 3339 writes it, in UTC.
pub fn moment(at: u64) -> String {
    let of_day = at % 86_400;
    let (hours, minutes, seconds) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}Z", allod_rules::Date::of_unix_seconds(at))
}

//! Renderings of what is known: the audit for a person, a machine, a code review. Nothing is analysed here.

pub mod check;
mod chokepoints;
mod csv;
mod cyclonedx;
pub mod diff;
mod dot;
mod drill;
mod github;
mod gitlab;
mod glance;
mod held;
mod html;
mod human;
mod json;
mod markdown;
mod mermaid;
mod picture;
mod review;
mod sarif;
mod saved;
mod table;
mod trace;
pub mod watch;

pub use chokepoints::{Chokepoints, chokepoints_human, chokepoints_json};
pub use csv::csv;
pub use cyclonedx::cyclonedx;
pub use dot::dot;
pub use drill::{DRILL_SCHEMA, DrillReport, Replaced, drill_human, drill_json};
pub use github::github;
pub use gitlab::gitlab;
pub use glance::{Glance, glance_human};
pub use html::html;
pub use human::{Look, human};
pub use json::{SCHEMA, json};
pub use markdown::markdown;
pub use mermaid::mermaid;
pub use sarif::sarif;
pub use saved::{Saved, SavedError, is_saved, read_saved};
pub use table::wrap;
pub use trace::{NoSuchPart, trace};

use allod_facts::{Country, Facts, Layer, Role};
use allod_stack::diff::Snapshot;
use allod_stack::{
    Control, Finding, Holder, Home, Kept, NoReplacement, Part, Powers, Priority, Renewed, Replacement, Stack,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One audit, ready to be shown.
#[derive(Debug)]
pub struct Audit<'r> {
    /// The audited root as the user named it.
    pub root: String,
    pub home: Home,
    pub stack: Stack<'r>,
    pub powers: Powers,
    pub findings: Vec<Finding>,
    pub priorities: Vec<Priority<'r>>,
    pub coverage: Coverage,
}

/// What was looked at, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub files_seen: usize,
    pub files_read: usize,
    /// Reason to number of files.
    pub files_skipped: BTreeMap<&'static str, usize>,
}

/// What of an audit is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Show {
    pub only: Option<Layer>,
    /// What was not understood, and nothing else.
    pub unresolved_only: bool,
    /// Every part, not one line for those that are alike.
    pub all: bool,
}

/// On which side a part stands, seen from home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Foreign,
    Unknown,
    Home,
    Ours,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Side::Foreign => "foreign",
            Side::Unknown => "unknown",
            Side::Home => "home",
            Side::Ours => "ours",
        }
    }
}

impl<'r> Audit<'r> {
    /// What of it is compared with another audit.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.stack, &self.powers, &self.findings, &self.home)
    }

    pub fn new(root: String, home: Home, stack: Stack<'r>, coverage: Coverage) -> Audit<'r> {
        let powers = Powers::of(&stack);
        let findings = stack.findings(&powers, &home);
        let priorities = stack.priorities(&powers, &home);
        Audit { root, home, stack, powers, findings, priorities, coverage }
    }

    /// Brings an audit up to date: `kept` is what its stack was built from, `batches` are the facts now.
    pub fn renew(&mut self, kept: &mut Kept<'r>, batches: &[Arc<Facts>]) -> Renewed {
        let renewed = kept.renew(batches, &mut self.stack, &mut self.powers);
        if renewed != Renewed::Same {
            self.findings = self.stack.findings(&self.powers, &self.home);
            self.priorities = self.stack.priorities(&self.powers, &self.home);
        }
        renewed
    }

    /// Puts something of the register in the place of parts, and analyses anew; says which parts, by id.
    ///
    /// # Errors
    /// What [`Stack::replace`] gives; nothing was changed then.
    pub fn replace(&mut self, replacement: &Replacement) -> Result<Vec<String>, NoReplacement> {
        let replaced = self.stack.replace(replacement)?;
        self.powers = Powers::of(&self.stack);
        self.findings = self.stack.findings(&self.powers, &self.home);
        self.priorities = self.stack.priorities(&self.powers, &self.home);
        Ok(replaced)
    }

    /// The sentence of a finding.
    fn say(&self, finding: &Finding) -> String {
        finding.message(&self.stack, &self.home)
    }

    /// Whether anybody abroad holds a power over any part (hints do not count).
    pub fn foreign_power(&self) -> bool {
        let abroad = self.abroad();
        (0..self.stack.parts.len())
            .filter(|at| self.stack.parts.get(*at).is_some_and(|part| !part.is_hint()))
            .any(|at| self.powers.lanes().any(|lane| abroad.iter().any(|holder| self.powers.has(at, lane, *holder))))
    }

    /// The jurisdictions that are not home, as holders.
    fn abroad(&self) -> Vec<usize> {
        let outside = |holder: &Holder| matches!(holder, Holder::Jurisdiction(country) if !self.home.has(*country));
        self.powers.holders.iter().enumerate().filter(|(_, holder)| outside(holder)).map(|(at, _)| at).collect()
    }

    pub fn side(&self, part: &Part<'_>) -> Side {
        match part.control {
            Control::SelfHosted => Side::Ours,
            Control::Unknown => Side::Unknown,
            Control::Known => {
                let countries = part.controlled_from(self.stack.register);
                if countries.iter().any(|country| !self.home.has(*country)) {
                    Side::Foreign
                } else if countries.is_empty() {
                    Side::Unknown
                } else {
                    Side::Home
                }
            }
        }
    }

    fn parts_shown(&self, show: Show) -> impl Iterator<Item = (usize, &Part<'r>)> {
        self.stack.parts.iter().enumerate().filter(move |(_, part)| show.only.is_none_or(|layer| part.layer == layer))
    }

    fn count(&self, side: Side) -> usize {
        self.stack.parts.iter().filter(|part| !part.is_hint() && self.side(part) == side).count()
    }
}

fn codes(countries: &[Country]) -> String {
    countries.iter().map(|country| country.code()).collect::<Vec<_>>().join(",")
}

/// Whether a part is fetched, provided or run: for headings.
fn is_artefact(part: &Part<'_>) -> bool {
    part.fact.role == Role::Artefact
}

fn place_of(evidence: Option<&allod_facts::Evidence>) -> String {
    evidence.map_or_else(String::new, |seen| match seen.line {
        0 => seen.path.to_string(),
        line => format!("{}:{line}", seen.path),
    })
}

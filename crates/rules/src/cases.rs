//! Cases of a rule set: a component is given, a verdict is expected. For people who change rules.

mod read;
#[cfg(test)]
mod tests;

use crate::cedar::{Broken, Compiled, Decider, Gate};
use crate::rule::{RuleSet, Severity};
use crate::subject::Subject;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use read::parse_cases;

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub name: String,
    pub subject: Subject,
    pub expect: Expect,
    /// The rules that have to be broken, all of them and no other; `None` when the case does not say.
    pub rules: Option<BTreeSet<String>>,
    pub path: Arc<str>,
    pub line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Allow,
    /// Allowed, with a warning.
    Warn,
    Deny,
}

impl Expect {
    pub fn name(self) -> &'static str {
        match self {
            Expect::Allow => "allow",
            Expect::Warn => "warn",
            Expect::Deny => "deny",
        }
    }
}

/// What came out of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub name: String,
    pub expected: Expect,
    pub got: Expect,
    /// Rules that were broken.
    pub broken: BTreeSet<String>,
    /// Rules that had to be broken and were not, and those that were and had not to be.
    pub differs: BTreeSet<String>,
    pub path: Arc<str>,
    pub line: u32,
}

impl Outcome {
    pub fn passes(&self) -> bool {
        self.expected == self.got && self.differs.is_empty()
    }
}

/// Asks the rules about each case.
pub fn run_cases(cases: &[Case], compiled: &Compiled) -> Vec<Outcome> {
    let Some(mut decider) = Decider::new(compiled, Gate::Repository) else { return Vec::new() };
    let each = cases.iter().map(|case| {
        let mut subject = case.subject.clone();
        for policy in &compiled.policies {
            subject.tags.entry(Subject::over_tag(&policy.rule)).or_default();
        }
        let decision = decider.decide(&subject);
        let mut broken = BTreeSet::new();
        let mut warns = false;
        for one in &decision.broken {
            match one {
                Broken::Policy { at, severity } => {
                    broken.extend(compiled.policies.get(*at).map(|policy| policy.rule.clone()));
                    warns |= *severity == Severity::Warn;
                }
                Broken::NotPermitted => drop(broken.insert("default".to_owned())),
                Broken::Undecided(_) => drop(broken.insert("undecided".to_owned())),
            }
        }
        let got = match (decision.allowed, warns) {
            (false, _) => Expect::Deny,
            (true, true) => Expect::Warn,
            (true, false) => Expect::Allow,
        };
        let differs = case.rules.as_ref().map(|rules| rules.symmetric_difference(&broken).cloned().collect());
        Outcome {
            name: case.name.clone(),
            expected: case.expect,
            got,
            broken,
            differs: differs.unwrap_or_default(),
            path: case.path.clone(),
            line: case.line,
        }
    });
    each.collect()
}

/// Rules that no case breaks: nothing shows that they do what they are meant to do.
pub fn never_broken<'s>(rules: &'s RuleSet, outcomes: &[Outcome]) -> Vec<&'s str> {
    let ids = rules.rules.iter().map(|rule| rule.id.as_str());
    ids.filter(|id| !outcomes.iter().any(|outcome| outcome.broken.contains(*id))).collect()
}

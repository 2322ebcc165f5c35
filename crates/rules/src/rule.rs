//! The rule files (`rules/*.yaml`): what has to hold, in the words of the people who answer for it.

mod must;
mod read;
mod select;
#[cfg(test)]
pub mod tests;

use crate::date::Date;
use crate::pattern::Pattern;
use crate::source::Said;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use must::{AuditFact, Must, OnlyFor, Requirement, Share, Who};
pub use select::{Selector, SelectorKey};

/// All rule files together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    /// In the order of the files.
    pub rules: Vec<Rule>,
    pub tiers: BTreeMap<String, Tier>,
    pub exceptions: Vec<Exception>,
    /// Nothing is allowed but what a Cedar policy of the user permits.
    pub default_deny: bool,
    /// Policies that the user wrote in Cedar.
    pub cedar: Vec<CedarFile>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name in the file.
    pub id: String,
    /// Why it is there, in a sentence or a paragraph of a law.
    pub why: Option<String>,
    pub severity: Severity,
    /// Where it applies; empty for everything.
    pub select: Vec<Selector>,
    /// Where it does not apply, although `select` fits: all of these have to fit.
    pub except: Vec<Selector>,
    pub must: Vec<Must>,
    pub path: Arc<str>,
    pub line: u32,
}

/// What a broken rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Warn,
    #[default]
    Deny,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warn => "warn",
            Severity::Deny => "deny",
        }
    }
}

/// A bundle of rules for workloads of one weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tier {
    /// Rule ids. A rule that selects nothing itself applies to the tiers that use it.
    pub uses: Vec<Said>,
    /// Tiers whose rules hold here, too.
    pub extends: Vec<Said>,
    pub path: Arc<str>,
    pub line: u32,
}

/// A violation that somebody answers for, until a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    pub rule: Said,
    pub component: Pattern,
    /// The last day on which it holds.
    pub until: Date,
    pub by: String,
    pub why: String,
    pub path: Arc<str>,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CedarFile {
    pub path: Arc<str>,
    pub text: String,
}

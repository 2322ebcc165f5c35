//! What the rules say, rendered.

mod baseline;
mod human;
mod json;
mod review;

use allod_facts::{Diagnostic, Evidence, Severity as Weight};
use allod_rules::{Excepted, Judgement, Severity, Violation};
use std::collections::BTreeSet;

pub use baseline::{Baseline, BaselineError};
pub use human::human;
pub use json::json;
pub(crate) use json::violation_json;
pub use review::{github, gitlab, junit, sarif};

/// What a check found, as it is shown.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// What was checked, as the user named it.
    pub root: String,
    pub home: Vec<String>,
    /// `repository`, `plan`, ...
    pub gate: &'static str,
    /// Ids of the rules that were asked, in the order of the files.
    pub rules: Vec<RuleAsked>,
    pub components: usize,
    pub violations: Vec<Violation>,
    pub excepted: Vec<Excepted>,
    /// Violations that were there before: at the revision of `--since`, or in the baseline.
    pub before: Vec<Violation>,
    /// What stands in for what was there before, for the reader: `since v1.2`, `baseline old.json`.
    pub before_is: Option<String>,
    /// About the rule files and the exceptions.
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleAsked {
    pub id: String,
    pub severity: Severity,
    pub why: Option<String>,
    /// Components that it is about.
    pub selected: usize,
}

impl Check {
    /// Whether the gate lets it through.
    pub fn denies(&self) -> bool {
        self.violations.iter().any(|one| one.severity == Severity::Deny)
    }

    fn count(&self, severity: Severity) -> usize {
        self.violations.iter().filter(|one| one.severity == severity).count()
    }

    /// Moves to `before` what was there before.
    pub fn known(&mut self, before: &BTreeSet<Key>, what: String) {
        let mut new = Vec::new();
        for violation in std::mem::take(&mut self.violations) {
            let (old, left): (Vec<String>, Vec<String>) = violation
                .components
                .iter()
                .cloned()
                .partition(|component| before.contains(&key(&violation, component)));
            if !old.is_empty() {
                self.before.push(Violation { components: old, ..violation.clone() });
            }
            if !left.is_empty() {
                new.push(Violation { components: left, ..violation });
            }
        }
        self.violations = new;
        self.before_is = Some(what);
    }
}

/// The rule that files which look like something known can be read: what is in others was not checked.
pub const READABLE: &str = "allod/readable";

/// Files that could not be read as violations: a gate does not let through what it did not see.
pub fn unread(diagnostics: &[Diagnostic]) -> Vec<Violation> {
    let is_unread = |one: &&Diagnostic| {
        one.severity != Weight::Note && matches!(one.code, "D001" | "D002" | "D003" | "D004" | "D005" | "D006" | "D012")
    };
    let violation = |one: &Diagnostic| Violation {
        rule: READABLE.to_owned(),
        requirement: "read",
        severity: Severity::Deny,
        why: Some("what could not be read was not checked".to_owned()),
        cause: one.path.to_string(),
        components: vec![one.path.to_string()],
        message: format!("`{}` could not be read: {} ({})", one.path, one.message, one.code),
        evidence: Some(Evidence { path: one.path.clone(), line: one.line, end_line: one.line, reader: "" }),
        rule_path: "".into(),
        rule_line: 0,
        way_out: vec!["correct the file, or leave it out with an ignore file".to_owned()],
    };
    let mut violations: Vec<Violation> = diagnostics.iter().filter(is_unread).map(violation).collect();
    violations.dedup_by(|a, b| a.cause == b.cause);
    violations
}

/// What a violation is recognised by from one check to the next: rule, requirement, cause and component. No lines: one
/// that only moves is no new one.
pub type Key = (String, String, String, String);

pub fn key(violation: &Violation, component: &str) -> Key {
    (violation.rule.clone(), violation.requirement.to_owned(), violation.cause.clone(), component.to_owned())
}

/// All keys of a judgement.
pub fn keys(judgement: &Judgement) -> BTreeSet<Key> {
    let all = judgement.violations.iter().chain(judgement.excepted.iter().map(|one| &one.violation));
    all.flat_map(|one| one.components.iter().map(move |component| key(one, component))).collect()
}

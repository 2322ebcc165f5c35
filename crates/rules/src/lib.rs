//! The rules of an organisation: short YAML files compiled to Cedar, asked about every component of a stack, with
//! verdicts that say which fact failed, where, and what would pass.
//!
//! The only crate that knows Cedar. No IO, no clock, no ranking; what is not known never satisfies a rule, and what
//! cannot be decided is denied.

mod cases;
mod cedar;
mod check;
mod date;
mod judge;
pub mod lint;
mod organisation;
mod pattern;
mod prove;
mod rule;
mod select;
mod source;
mod subject;
#[cfg(test)]
mod tests;
mod union;
pub mod words;

pub use cases::{Case, Expect, Outcome, never_broken, parse_cases, run_cases};
pub use cedar::{Broken, Compiled, Decider, Decision, Gate, PolicyText, Question, SCHEMA};
pub use date::Date;
pub use judge::{Excepted, Judgement, Rulebook, Violation, judge, judge_some};
pub use organisation::{DataClass, Environment, Exit, Organisation, Says, Statement, Where, Workload};
pub use pattern::Pattern;
pub use prove::{Answer, ClaimError, Comparison, Example, Proof, ProveError, Solver, claim, compare, prove};
pub use rule::{
    AuditFact, CedarFile, Exception, Must, OnlyFor, Requirement, Rule, RuleSet, Selector, SelectorKey, Severity, Share,
    Tier, Who,
};
pub use source::{MAX_FILE_BYTES, Said};
pub use subject::{Scene, Set, Subject, UNKNOWN};

//! Rules as Cedar policies. The only place that knows the policy language; printed on request, decided by nothing else.

mod compile;
mod decide;
mod entity;
#[cfg(test)]
mod tests;
mod text;
mod uses;

pub(crate) use compile::policy;
pub use compile::{Compiled, PolicyText};
pub use decide::{Broken, Decider, Decision, Gate, Question};

/// The published schema, in Cedar's own syntax.
pub const SCHEMA: &str = include_str!("schema.cedarschema");

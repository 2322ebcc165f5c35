//! What holds for every component, not for those of a sample: claims about a rule set, and two rule sets compared, by
//! Cedar's symbolic compiler and the solver cvc5. The only place that runs a program, and only on request.
//!
//! A proof is about attributes: that no component with such attributes passes. Whether the attributes of a component
//! are true is the audit's affair. What the solver does not answer is not proved.

mod claim;
mod example;
mod solver;
#[cfg(test)]
mod tests;

use crate::cedar::{Compiled, PolicyText};
use crate::rule::{Rule, RuleSet};
use allod_register::Register;
use cedar_policy::{Authorizer, Decision, Policy, PolicyId, PolicySet};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicySet, Env};
use std::future::Future;

pub use claim::{ClaimError, claim};
pub use example::Example;
pub use solver::Solver;

/// The answer about one requirement of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// No component that the rules allow breaks it.
    Proved,
    /// A component that the rules allow and that breaks it; the engine was asked again and says the same.
    Refuted(Example),
    /// Nobody knows: the solver gave up, ran out of time, or gave an example that the engine does not confirm.
    NotProved(String),
}

/// How two rule sets compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Something that the old rules deny and the new ones allow: the new ones are looser there.
    pub looser: Answer,
    /// Something that the old rules allow and the new ones deny.
    pub stricter: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Proved that there is nothing.
    Nothing,
    Example(Example),
    /// See [`Proof::NotProved`].
    Unknown(String),
}

#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    #[error("the solver `{program}` cannot be run")]
    NoSolver {
        program: String,
        #[source]
        cause: cedar_policy_symcc::solver::SolverError,
    },
    #[error("the solver could not be started")]
    Runtime(#[source] std::io::Error),
    #[error("the claim cannot be compiled: {0}")]
    Claim(String),
    #[error("the rules cannot be compiled for the solver: {0}")]
    Rules(String),
}

/// Asks whether every component that the rules allow fulfils each requirement of a claim. A claim is a rule: what it
/// selects must be as it says.
///
/// # Errors
/// [`ProveError`]: nothing was asked then.
pub fn prove(
    compiled: &Compiled,
    claim: &Rule,
    register: &Register,
    solver: &Solver,
) -> Result<Vec<(&'static str, Proof)>, ProveError> {
    let rules = RuleSet { rules: vec![claim.clone()], ..RuleSet::default() };
    let mut answers = Vec::new();
    for (at, must) in claim.must.iter().enumerate() {
        let broken = breaks(&crate::cedar::policy(&rules, claim, at, must, register))?;
        let proof = match ask(compiled, &compiled.deny, &broken, Question::Disjoint, solver)? {
            Answer::Nothing => Proof::Proved,
            Answer::Example(example) => Proof::Refuted(example),
            Answer::Unknown(why) => Proof::NotProved(why),
        };
        answers.push((must.requirement.name(), proof));
    }
    Ok(answers)
}

/// Compares two rule sets by what they let through. Warnings let everything through.
///
/// # Errors
/// [`ProveError`]: nothing was asked then.
pub fn compare(old: &Compiled, new: &Compiled, solver: &Solver) -> Result<Comparison, ProveError> {
    Ok(Comparison {
        looser: ask(old, &new.deny, &old.deny, Question::AllowedByFirstOnly, solver)?,
        stricter: ask(old, &old.deny, &new.deny, Question::AllowedByFirstOnly, solver)?,
    })
}

/// Whether anything that a rule is about is allowed by all of them.
pub(crate) fn allowed_and_selected(
    rules: &RuleSet,
    compiled: &Compiled,
    rule: &Rule,
    register: &Register,
    solver: &Solver,
) -> Result<Answer, ProveError> {
    let mut selected = PolicySet::new();
    for (at, must) in rule.must.iter().enumerate() {
        // What a requirement applies to, whether or not it holds.
        let policy = crate::cedar::policy(rules, rule, at, must, register);
        let text = permitted(&policy);
        let Some((scope, _)) = text.split_once("\nunless {") else { continue };
        let failed = |error: &dyn std::fmt::Display| ProveError::Claim(error.to_string());
        let parsed = Policy::parse(Some(PolicyId::new(&policy.id)), format!("{scope};"));
        selected.add(parsed.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
    }
    ask(compiled, &compiled.deny, &selected, Question::Disjoint, solver)
}

/// Whether anything is denied by this rule alone.
pub(crate) fn allowed_without(compiled: &Compiled, rule: &Rule, solver: &Solver) -> Result<Answer, ProveError> {
    let mut without = PolicySet::new();
    for policy in compiled.deny.policies() {
        let id: &str = policy.id().as_ref();
        let of_rule = |text: &PolicyText| text.must.is_some() && text.rule == rule.id && text.id == id;
        if !compiled.policies.iter().any(of_rule) {
            without.add(policy.clone()).map_err(|error| ProveError::Rules(error.to_string()))?;
        }
    }
    ask(compiled, &without, &compiled.deny, Question::AllowedByFirstOnly, solver)
}

/// A `forbid` turned round. Annotations are lines of their own, so that their texts cannot be mistaken for it.
fn permitted(policy: &PolicyText) -> String {
    policy.text.replacen("\nforbid (principal", "\npermit (principal", 1)
}

/// The policy set that allows exactly what breaks a requirement: its `forbid` turned round.
fn breaks(policy: &PolicyText) -> Result<PolicySet, ProveError> {
    let failed = |error: &dyn std::fmt::Display| ProveError::Claim(error.to_string());
    let parsed = Policy::parse(Some(PolicyId::new("claim")), permitted(policy)).map_err(|error| failed(&error))?;
    let mut set = PolicySet::new();
    set.add(parsed).map_err(|error| failed(&error))?;
    Ok(set)
}

#[derive(Clone, Copy)]
enum Question {
    /// Is there something that both allow?
    Disjoint,
    /// Is there something that the first allows and the second does not?
    AllowedByFirstOnly,
}

fn ask(
    compiled: &Compiled,
    first: &PolicySet,
    second: &PolicySet,
    question: Question,
    solver: &Solver,
) -> Result<Answer, ProveError> {
    let schema = &compiled.schema;
    for env in schema.request_envs() {
        let compile = |set: &PolicySet| {
            CompiledPolicySet::compile(set, &env, schema).map_err(|error| ProveError::Rules(error.to_string()))
        };
        let (one, two) = (compile(first)?, compile(second)?);
        let found = run(async {
            let started = solver.start()?;
            let mut compiler = CedarSymCompiler::new(started).map_err(|error| ProveError::Rules(error.to_string()))?;
            let asked = async {
                match question {
                    Question::Disjoint => compiler.check_disjoint_with_counterexample_opt(&one, &two).await,
                    Question::AllowedByFirstOnly => compiler.check_implies_with_counterexample_opt(&one, &two).await,
                }
            };
            Ok(tokio::time::timeout(solver.limit, asked).await)
        })?;
        match found {
            Err(_) => return Ok(Answer::Unknown(format!("no answer within {} s", solver.limit.as_secs()))),
            Ok(Err(error)) => return Ok(Answer::Unknown(chain(&error))),
            Ok(Ok(None)) => {}
            Ok(Ok(Some(example))) => return Ok(replayed(&example, first, second, question)),
        }
    }
    Ok(Answer::Nothing)
}

/// A current-thread runtime: the solver is another process.
fn run<T>(future: impl Future<Output = Result<T, ProveError>>) -> Result<T, ProveError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ProveError::Runtime)?;
    runtime.block_on(future)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

/// The example, when the engine itself confirms it.
fn replayed(env: &Env, first: &PolicySet, second: &PolicySet, question: Question) -> Answer {
    let allows = |set: &PolicySet| {
        let response = Authorizer::new().is_authorized(&env.request, set, &env.entities);
        response.decision() == Decision::Allow
    };
    let confirmed = match question {
        Question::Disjoint => allows(first) && allows(second),
        Question::AllowedByFirstOnly => allows(first) && !allows(second),
    };
    match Example::of(env) {
        Some(example) if confirmed => Answer::Example(example),
        _ => Answer::Unknown("the solver's example is not confirmed by the engine".to_owned()),
    }
}

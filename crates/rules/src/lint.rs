//! What is odd about a rule set: rules that are about nothing, that nothing can fulfil, or that others make needless.

use crate::cedar::Compiled;
use crate::prove::{Answer, ProveError, Solver, allowed_and_selected, allowed_without};
use crate::rule::{RuleSet, Severity};
use allod_facts::{Diagnostic, Severity as Weight};
use allod_register::Register;
use std::collections::BTreeMap;

/// Rules that are about no component of what was checked (`selected`: by rule, how many it is about).
pub fn about_nothing(rules: &RuleSet, selected: &BTreeMap<String, usize>) -> Vec<Diagnostic> {
    let nothing = rules.rules.iter().filter(|rule| selected.get(&rule.id) == Some(&0));
    let told = nothing.map(|rule| Diagnostic {
        code: "P007",
        severity: Weight::Warning,
        message: format!("rule `{}` is about no component", rule.id),
        path: rule.path.clone(),
        line: rule.line,
        hint: Some("see that its words stand on something: `on` in allod.yaml, labels, the provider".to_owned()),
    });
    told.collect()
}

/// Tiers that count on a rule which only warns.
pub fn weak_tiers(rules: &RuleSet) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    for (name, tier) in &rules.tiers {
        for said in &tier.uses {
            let weak = rules.rule(&said.text).is_some_and(|rule| rule.severity == Severity::Warn);
            if weak {
                told.push(Diagnostic {
                    code: "P013",
                    severity: Weight::Warning,
                    message: format!("tier `{name}` counts on `{}`, which only warns", said.text),
                    path: tier.path.clone(),
                    line: said.line,
                    hint: Some("take `severity: warn` away, or the rule out of the tier".to_owned()),
                });
            }
        }
    }
    told
}

/// Rules that nothing can fulfil, and rules that others make needless. Asks the solver.
///
/// # Errors
/// [`ProveError`]: nothing was looked for then.
pub fn by_solver(
    rules: &RuleSet,
    compiled: &Compiled,
    register: &Register,
    solver: &Solver,
) -> Result<Vec<Diagnostic>, ProveError> {
    let mut told = Vec::new();
    for rule in rules.rules.iter().filter(|rule| rule.severity == Severity::Deny) {
        let tell = |code: &'static str, message: String, hint: &str| Diagnostic {
            code,
            severity: Weight::Warning,
            message,
            path: rule.path.clone(),
            line: rule.line,
            hint: Some(hint.to_owned()),
        };
        match allowed_and_selected(rules, compiled, rule, register, solver)? {
            Answer::Nothing => {
                let message = format!("nothing that rule `{}` is about can ever be allowed", rule.id);
                told.push(tell(
                    "P011",
                    message,
                    "another rule asks for the contrary: `allod rules explain` shows both",
                ));
                continue;
            }
            Answer::Unknown(why) => {
                told.push(tell(
                    "P014",
                    format!("whether anything can fulfil `{}` is not known: {why}", rule.id),
                    "the solver gave no answer",
                ));
            }
            Answer::Example(_) => {}
        }
        match allowed_without(compiled, rule, solver)? {
            Answer::Nothing => {
                let message = format!("rule `{}` is needless: others deny all that it denies", rule.id);
                told.push(tell("P012", message, "take it out, or leave it for the reader"));
            }
            Answer::Unknown(why) => {
                told.push(tell(
                    "P014",
                    format!("whether `{}` adds anything is not known: {why}", rule.id),
                    "the solver gave no answer",
                ));
            }
            Answer::Example(_) => {}
        }
    }
    Ok(told)
}

//! The part of the expression language of GitHub Actions that says where a job runs: `matrix`, `env`, `inputs` with
//! their defaults, alternatives, and `fromJSON` of a literal. Everything else is known only when the job runs.

use crate::node::{Node, parse_json};
use allod_facts::{Confidence, Evidence};
use std::collections::BTreeMap;

/// One value that an expression can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub text: String,
    /// The lines that set it.
    pub also: Vec<Evidence>,
    pub confidence: Confidence,
}

/// What is known where an expression stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// `matrix.<key>`, `env.<NAME>`, `inputs.<name>`, `github.<name>` to what they can be.
    pub known: BTreeMap<String, Vec<Outcome>>,
}

/// Outcomes of one text; a matrix has 256 jobs at most.
const MAX_OUTCOMES: usize = 256;
/// Expressions in the values of expressions.
const MAX_NESTING: usize = 8;

impl Scope {
    /// Every value that a text can have, or why that is not known (a code and a message).
    pub(super) fn resolve(&self, text: &str) -> Result<Vec<Outcome>, (&'static str, String)> {
        self.resolve_at(text, 0)
    }

    /// The value of a text when it has exactly one.
    pub(super) fn one(&self, text: &str) -> Option<Outcome> {
        let mut all = self.resolve(text).ok()?;
        if all.len() == 1 { all.pop() } else { None }
    }

    /// The text with every expression replaced that has exactly one value; the others stay.
    pub(super) fn partly(&self, text: &str) -> Outcome {
        let mut all = Outcome { text: String::new(), also: Vec::new(), confidence: Confidence::High };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let Some((expression, tail)) = after.split_once("}}") else { break };
            all.text.push_str(before);
            match self.evaluate(expression.trim(), 0).as_deref() {
                Ok([one]) => {
                    all.text.push_str(&one.text);
                    all.also.extend(one.also.iter().cloned());
                    all.confidence = all.confidence.min(one.confidence);
                }
                _ => all.text.push_str(&format!("${{{{{expression}}}}}")),
            }
            rest = tail;
        }
        all.text.push_str(rest);
        all
    }

    fn resolve_at(&self, text: &str, depth: usize) -> Result<Vec<Outcome>, (&'static str, String)> {
        let mut outcomes = vec![Outcome { text: String::new(), also: Vec::new(), confidence: Confidence::High }];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let Some((expression, tail)) = after.split_once("}}") else { break };
            let options = self.evaluate(expression.trim(), depth)?;
            let mut next = Vec::new();
            for outcome in &outcomes {
                for option in &options {
                    if next.len() >= MAX_OUTCOMES {
                        break;
                    }
                    next.push(Outcome {
                        text: format!("{}{before}{}", outcome.text, option.text),
                        also: outcome.also.iter().chain(&option.also).cloned().collect(),
                        confidence: outcome.confidence.min(option.confidence),
                    });
                }
            }
            outcomes = next;
            rest = tail;
        }
        outcomes.iter_mut().for_each(|outcome| outcome.text.push_str(rest));
        Ok(outcomes)
    }

    fn evaluate(&self, expression: &str, depth: usize) -> Result<Vec<Outcome>, (&'static str, String)> {
        if depth >= MAX_NESTING {
            return Err(("U002", "expressions are nested too deeply".into()));
        }
        let mut outcomes = Vec::new();
        let mut problem = None;
        let alternatives: Vec<&str> = expression.split("||").collect();
        for alternative in &alternatives {
            // `condition && value`: the value is what can come out.
            let value = alternative.rsplit("&&").next().unwrap_or(alternative).trim();
            match self.value(value.trim_matches(['(', ')']).trim(), value, depth) {
                Ok(found) => outcomes.extend(found),
                Err(error) => problem = problem.or(Some(error)),
            }
            if outcomes.len() > MAX_OUTCOMES {
                break;
            }
        }
        if outcomes.is_empty() {
            return Err(problem.unwrap_or(("U002", "an empty expression".into())));
        }
        // More than one way, or a condition: each is possible.
        if alternatives.len() > 1 || expression.contains("&&") {
            outcomes.iter_mut().for_each(|outcome| outcome.confidence = outcome.confidence.min(Confidence::Medium));
        }
        outcomes.dedup();
        Ok(outcomes)
    }

    fn value(&self, value: &str, whole: &str, depth: usize) -> Result<Vec<Outcome>, (&'static str, String)> {
        let literal = |text: &str| Outcome { text: text.to_owned(), also: Vec::new(), confidence: Confidence::High };
        if let Some(text) = quoted(value) {
            return Ok(vec![literal(text)]);
        }
        if let Some(argument) =
            whole.trim().strip_prefix("fromJSON(").or_else(|| whole.trim().strip_prefix("fromJson("))
        {
            let argument = argument.strip_suffix(')').unwrap_or(argument).trim();
            return match quoted(argument).map(parse_json) {
                Some(Ok(node)) => Ok(node.items().iter().filter_map(Node::as_str).map(literal).collect()),
                _ => match self.known.get(argument) {
                    Some(known) => Ok(known.iter().flat_map(from_json).collect()),
                    None => Err(("U002", format!("`{}` is known only when the job runs", shown(whole)))),
                },
            };
        }
        let name = value.strip_prefix("github.event.inputs.").map(|name| format!("inputs.{name}"));
        match self.known.get(name.as_deref().unwrap_or(value)) {
            Some(known) => {
                let mut all = Vec::new();
                for one in known {
                    if one.text.contains("${{") {
                        all.extend(self.resolve_at(&one.text, depth + 1)?);
                    } else {
                        all.push(one.clone());
                    }
                }
                Ok(all)
            }
            None if ["secrets.", "vars.", "inputs."].iter().any(|start| value.starts_with(start)) => {
                Err(("U001", format!("`{}` is set nowhere in the files", shown(value))))
            }
            None => Err(("U002", format!("`{}` is known only when the job runs", shown(value)))),
        }
    }
}

fn from_json(outcome: &Outcome) -> Vec<Outcome> {
    let with = |text: &str| Outcome { text: text.to_owned(), ..outcome.clone() };
    match parse_json(&outcome.text) {
        Ok(node) => node.items().iter().filter_map(Node::as_str).map(with).collect(),
        Err(_) => Vec::new(),
    }
}

fn quoted(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains('\'')).then_some(inner)
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let mut scope = Scope::default();
        let one = |text: &str| Outcome { text: text.into(), also: Vec::new(), confidence: Confidence::High };
        scope.known.insert("matrix.os".into(), vec![one("ubuntu-latest"), one("windows-latest")]);
        scope.known.insert("env.REGISTRY".into(), vec![one("ghcr.io")]);
        scope.known.insert("inputs.self".into(), vec![one("${{ inputs.self }}")]);
        let check = |text: &str, expect: &str| {
            let shown = match scope.resolve(text) {
                Ok(all) => all.iter().map(|one| one.text.clone()).collect::<Vec<_>>().join(" "),
                Err((code, _)) => code.to_owned(),
            };
            assert_eq!(shown, expect, "{text}");
        };
        check("plain", "plain");
        check("${{ matrix.os }}", "ubuntu-latest windows-latest");
        check("${{ env.REGISTRY }}/x", "ghcr.io/x");
        check("${{ inputs.runner || 'ubuntu-22.04' }}", "ubuntu-22.04");
        check("${{ github.event_name == 'push' && 'a' || 'b' }}", "a b");
        check("${{ fromJSON('[\"x\",\"y\"]') }}", "x y");
        check("${{ fromJSON(needs.a.outputs.b) }}", "U002");
        check("${{ vars.RUNNER }}", "U001");
        check("${{ inputs.self }}", "U002");
        check("${{ unclosed", "${{ unclosed");
        assert_eq!(scope.partly("https://${{ env.REGISTRY }}/${{ github.x }}").text, "https://ghcr.io/${{ github.x }}");
    }
}

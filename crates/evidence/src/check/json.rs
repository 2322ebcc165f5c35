use super::Check;
use allod_facts::{Diagnostic, Evidence, Severity as Weight};
use allod_rules::Violation;
use serde_json::{Value, json};
use std::io::Write;

/// Writes a check as `allod.check/1` (`schemas/allod.check.1.json`).
///
/// # Errors
/// What writing gives.
pub fn json(check: &Check, out: &mut dyn Write) -> std::io::Result<()> {
    let excepted = check.excepted.iter().map(|one| {
        let mut value = violation_json(&one.violation);
        if let Some(fields) = value.as_object_mut() {
            let exception = json!({ "until": one.until.to_string(), "by": one.by, "why": one.why });
            fields.insert("exception".into(), exception);
        }
        value
    });
    let document = json!({
        "schema": "allod.check/1",
        "root": check.root,
        "home": check.home,
        "gate": check.gate,
        "allowed": !check.denies(),
        "components": check.components,
        "rules": check.rules.iter().map(|rule| json!({
            "id": rule.id,
            "severity": rule.severity.name(),
            "why": rule.why,
            "selected": rule.selected,
        })).collect::<Vec<_>>(),
        "violations": check.violations.iter().map(violation_json).collect::<Vec<_>>(),
        "excepted": excepted.collect::<Vec<_>>(),
        "before": check.before.iter().map(violation_json).collect::<Vec<_>>(),
        "compared_with": check.before_is,
        "diagnostics": check.diagnostics.iter().map(diagnostic).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

pub(crate) fn violation_json(one: &Violation) -> Value {
    json!({
        "rule": one.rule,
        "requirement": one.requirement,
        "severity": one.severity.name(),
        "why": one.why,
        "cause": one.cause,
        "components": one.components,
        "message": one.message,
        "evidence": one.evidence.as_ref().map(evidence),
        "rule_at": { "path": &*one.rule_path, "line": one.rule_line },
        "way_out": one.way_out,
    })
}

fn evidence(seen: &Evidence) -> Value {
    json!({ "path": &*seen.path, "line": seen.line, "end_line": seen.end_line, "reader": seen.reader })
}

fn diagnostic(one: &Diagnostic) -> Value {
    let severity = match one.severity {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Note => "note",
    };
    json!({
        "code": one.code,
        "severity": severity,
        "message": one.message,
        "path": &*one.path,
        "line": one.line,
        "hint": one.hint,
    })
}

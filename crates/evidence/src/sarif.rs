use crate::Audit;
use crate::review::from_folder;
use allod_facts::{CODES, Evidence, Severity};
use serde_json::{Value, json};
use std::io::Write;

/// Writes findings, unresolved facts and diagnostics as SARIF 2.1.0. `folder` is the audited root as seen from the root
/// of the repository.
/// Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.
///
/// # Errors
/// What writing gives.
pub fn sarif(audit: &Audit<'_>, folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let mut results: Vec<Value> = Vec::new();
    for finding in &audit.findings {
        let part = audit.stack.parts.get(finding.part);
        let seen = part.map(|part| part.fact.evidence.as_slice()).unwrap_or_default();
        results.push(result(finding.code, level(finding.severity), &audit.say(finding), folder, seen));
    }
    for one in &audit.stack.unresolved {
        results.push(result(one.code, "note", &one.message, folder, std::slice::from_ref(&one.evidence)));
    }
    for one in &audit.stack.diagnostics {
        let seen = Evidence { path: one.path.clone(), line: one.line, end_line: one.line, reader: "" };
        results.push(result(one.code, level(one.severity), &one.message, folder, &[seen]));
    }
    let rules: Vec<Value> = CODES
        .iter()
        .filter(|code| results.iter().any(|result| result.get("ruleId").and_then(Value::as_str) == Some(code.id)))
        .map(|code| json!({ "id": code.id, "name": code.name, "shortDescription": { "text": code.summary } }))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "allod", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

pub(crate) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

pub(crate) fn result(code: &str, level: &str, message: &str, folder: &str, seen: &[Evidence]) -> Value {
    let mut result = json!({ "ruleId": code, "level": level, "message": { "text": message } });
    let (first, rest) = seen.split_first().map_or((None, seen), |(first, rest)| (Some(first), rest));
    if let (Some(first), Some(fields)) = (first, result.as_object_mut()) {
        fields.insert("locations".into(), json!([location(folder, first)]));
        if !rest.is_empty() {
            fields.insert("relatedLocations".into(), rest.iter().map(|seen| location(folder, seen)).collect());
        }
    }
    result
}

pub(crate) fn location(folder: &str, seen: &Evidence) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&from_folder(folder, &seen.path)) } });
    if let (true, Some(fields)) = (seen.line > 0, physical.as_object_mut()) {
        fields.insert("region".into(), json!({ "startLine": seen.line, "endLine": seen.end_line.max(seen.line) }));
    }
    json!({ "physicalLocation": physical })
}

/// A relative path as a URI reference: what RFC 3986 does not allow in a path is percent-encoded.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'+' | b'@' | b'=' | b',' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

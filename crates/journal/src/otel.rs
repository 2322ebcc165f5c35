//! An entry as a log record of OpenTelemetry, in the JSON of OTLP: one line for a collector that reads files.
//!
//! Stable attributes where the conventions have them: `service.*`, `otel` scope, `error.type`. In development, and
//! written all the same: `log.record.uid`, `user.name`, and for an agent's call `gen_ai.agent.id`, whose conventions
//! moved to a repository of their own and may change. All else is under `allod.`: `cloud.*` says where the sender of a
//! log runs, not where something was done.

use crate::commitment::Digest;
use crate::entry::{Action, Phase, Succeeded};
use crate::shown::{Shown, Weight, said, word};
use serde_json::{Value, json};

/// The release of the semantic conventions: <https://github.com/open-telemetry/semantic-conventions/tree/v1.44.0>.
pub const SEMANTIC_CONVENTIONS: &str = "1.44.0";

/// A `LogsData` of one record (opentelemetry-proto 1.9.0, `logs/v1/logs.proto`).
pub fn otel(shown: &Shown<'_>) -> Value {
    let entry = shown.entry;
    let trace = entry.trace.as_ref();
    let (severity, severity_text) = match shown.weight() {
        Weight::Plain => (9, "INFO"),
        Weight::Notice => (13, "WARN"),
        Weight::Look => (17, "ERROR"),
    };
    // Of what does not fit the 64 bits of the format (after the year 2554) the time is unknown: 0.
    let time_ns = shown.time_us.checked_mul(1000).unwrap_or(0);
    let (program, version) = shown.program();
    let record = json!({
        "timeUnixNano": time_ns.to_string(),
        "severityNumber": severity,
        "severityText": severity_text,
        "eventName": format!("allod.{}", word(&shown.action())),
        "body": { "stringValue": shown.message() },
        "attributes": attributes(shown),
        "traceId": trace.and_then(|trace| hexadecimal(trace.trace_id.as_deref(), TRACE_ID_DIGITS)),
        "spanId": trace.and_then(|trace| hexadecimal(trace.span_id.as_deref(), SPAN_ID_DIGITS)),
    });
    let resource =
        [attribute("service.name", Some(program.to_owned())), attribute("service.version", version.map(str::to_owned))];
    let data = json!({
        "resourceLogs": [{
            "resource": { "attributes": resource },
            "scopeLogs": [{
                "scope": { "name": "allod.entry", "version": entry.allod.to_string() },
                "logRecords": [record],
            }],
            "schemaUrl": format!("https://opentelemetry.io/schemas/{SEMANTIC_CONVENTIONS}"),
        }],
    });
    said(data).unwrap_or_default()
}

/// Of 16 bytes.
const TRACE_ID_DIGITS: usize = 32;
/// Of 8 bytes.
const SPAN_ID_DIGITS: usize = 16;

/// An entry takes any name for a trace; the format only knows numbers of this many digits, other than 0.
fn hexadecimal(text: Option<&str>, digits: usize) -> Option<&str> {
    text.filter(|text| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .filter(|text| text.bytes().any(|byte| byte != b'0'))
}

fn attributes(shown: &Shown<'_>) -> Vec<Value> {
    let entry = shown.entry;
    let why = entry.why.as_ref();
    let trace = entry.trace.as_ref();
    let outcome = entry.outcome.as_ref();
    let principal = shown.opened("who.principal").map(str::to_owned);
    let ended = shown.result().filter(|_| entry.phase != Phase::Intent);
    let failed = ended.filter(|result| *result != Succeeded::Done).map(|result| word(&result));
    let agent = principal.clone().filter(|_| shown.action() == Action::AgentCall);
    let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
    let mut all = vec![
        attribute("log.record.uid", Some(shown.uid())),
        attribute("error.type", failed),
        attribute("user.name", principal.filter(|_| shown.action() != Action::AgentCall)),
        attribute("gen_ai.agent.id", agent),
        attribute("allod.id", Some(entry.id.to_string())),
        attribute("allod.phase", Some(word(&entry.phase))),
        attribute("allod.when.source", Some(word(&entry.when.source))),
        attribute("allod.who.authenticated", Some(word(&entry.who.authenticated))),
        attribute("allod.who.subject", Some(entry.who.subject.to_string())),
        attribute("allod.what.action", Some(word(&shown.action()))),
        attribute("allod.what.before", digest(entry.what.before)),
        attribute("allod.what.after", digest(entry.what.after)),
        attribute("allod.why.rules", digest(why.and_then(|why| why.rules))),
        attribute("allod.why.verdict", shown.verdict().map(|verdict| word(&verdict))),
        attribute("allod.where.gate", entry.place.gate.clone()),
        attribute("allod.where.provider", entry.place.provider.clone()),
        attribute("allod.where.region", entry.place.region.clone()),
        attribute("allod.trace.correlation", trace.and_then(|trace| trace.correlation.clone())),
        attribute("allod.trace.trace_id", trace.and_then(|trace| trace.trace_id.clone())),
        attribute("allod.trace.span_id", trace.and_then(|trace| trace.span_id.clone())),
        attribute("allod.outcome.result", shown.result().map(|result| word(&result))),
    ];
    // 64-bit numbers are texts in this JSON.
    let number = |key: &str, value: u64| json!({ "key": key, "value": { "intValue": value.to_string() } });
    all.push(number("allod.index", shown.index));
    all.extend(outcome.map(|outcome| number("allod.outcome.intent", outcome.intent)));
    let rules: Vec<Value> =
        why.iter().flat_map(|why| &why.determining).map(|rule| json!({ "stringValue": rule })).collect();
    if !rules.is_empty() {
        all.push(json!({ "key": "allod.why.determining", "value": { "arrayValue": { "values": rules } } }));
    }
    for (field, commitment) in entry.commitments() {
        all.push(attribute(&format!("allod.{field}.commitment"), Some(commitment.to_string())));
        if field != "who.principal" {
            all.push(attribute(&format!("allod.{field}"), shown.opened(field).map(str::to_owned)));
        }
    }
    all
}

fn attribute(key: &str, value: Option<String>) -> Value {
    value.map_or(Value::Null, |value| json!({ "key": key, "value": { "stringValue": value } }))
}

//! An entry as an event of the Open Cybersecurity Schema Framework, for log platforms that read OCSF.
//!
//! Every action is an *API Activity* (6003) with the profile `security_control` where rules were asked, and `trace` where
//! a trace is named. What OCSF has no place for is under `unmapped`, the entry itself is `raw_data`. It never says more
//! than the entry: a committed value that was not opened is shown as its commitment, marked `Committed`; the source
//! endpoint, which the class requires, is the program that wrote the entry, as no entry has a network address.

use crate::commitment::Digest;
use crate::entry::{Action, Phase, Succeeded, Verdict};
use crate::shown::{Shown, Weight, said, word};
use serde_json::{Value, json};

/// The release of OCSF that is written: <https://github.com/ocsf/ocsf-schema/tree/1.8.0>, of 18 March 2026.
pub const OCSF_VERSION: &str = "1.8.0";

const CATEGORY: (u32, &str) = (6, "Application Activity");
const CLASS: (u32, &str) = (6003, "API Activity");
const SHA_256: (u32, &str) = (3, "SHA-256");
/// `type_id` for what OCSF does not know.
const OTHER: u32 = 99;
const COMMITTED: &str = "Committed";

/// The event, as one JSON object.
pub fn ocsf(shown: &Shown<'_>) -> Value {
    let entry = shown.entry;
    let why = entry.why.as_ref();
    let (activity, activity_name) = activity(shown.action());
    let (severity, severity_name) = severity(shown.weight());
    let (status, status_name) = status(shown);
    let control = control(shown);
    let (program, version) = shown.program();
    let product = json!({ "name": program, "version": version });
    let decision = shown.verdict().map(|verdict| word(&verdict));
    let authorizations: Vec<Value> = why
        .map(|why| &why.determining)
        .into_iter()
        .flatten()
        .map(|rule| json!({ "decision": decision, "policy": { "name": rule } }))
        .collect();
    let rules = why.and_then(|why| why.rules).map(|rules| rules.to_string());
    let asked = control.is_some() || rules.is_some() || !authorizations.is_empty();
    let trace_id = entry.trace.as_ref().and_then(|trace| trace.trace_id.as_deref());
    let profiles = [asked.then_some("security_control"), trace_id.map(|_| "trace")];
    let event = json!({
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": CATEGORY.0,
        "category_name": CATEGORY.1,
        "class_uid": CLASS.0,
        "class_name": CLASS.1,
        "type_uid": CLASS.0 * 100 + activity,
        "type_name": format!("{}: {activity_name}", CLASS.1),
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "status_code": shown.result().filter(|_| entry.phase != Phase::Intent).map(|result| word(&result)),
        "status_detail": shown.opened("why.reason"),
        "time": shown.time_us / 1000,
        "message": shown.message(),
        "actor": { "user": actor(shown) },
        "api": {
            "operation": word(&shown.action()),
            "service": product,
            "request": { "uid": entry.id.to_string() },
        },
        "src_endpoint": { "svc_name": program },
        "resources": [resource(shown)],
        "action_id": control.map(|control| control.0.0),
        "action": control.map(|control| control.0.1),
        "disposition_id": control.map(|control| control.1.0),
        "disposition": control.map(|control| control.1.1),
        "policy": { "uid": rules },
        "authorizations": authorizations,
        "trace": { "uid": trace_id },
        "metadata": {
            "version": OCSF_VERSION,
            "uid": shown.uid(),
            "original_event_uid": shown.uid(),
            "sequence": shown.index,
            "event_code": word(&shown.action()),
            "correlation_uid": entry.trace.as_ref().and_then(|trace| trace.correlation.as_deref()),
            "original_time": entry.when.time,
            "log_version": entry.allod.to_string(),
            "product": product,
            "profiles": profiles,
        },
        "raw_data": String::from_utf8_lossy(&shown.bytes),
        "raw_data_hash": {
            "algorithm_id": SHA_256.0,
            "algorithm": SHA_256.1,
            "value": Digest::of(&shown.bytes).to_string().trim_start_matches("sha256:"),
        },
        "unmapped": unmapped(shown),
    });
    said(event).unwrap_or_default()
}

fn activity(action: Action) -> (u32, String) {
    match action {
        Action::Init => (1, "Create".into()),
        Action::Check | Action::Drill | Action::Watch => (2, "Read".into()),
        Action::RulesChange | Action::KeyChange => (3, "Update".into()),
        Action::Destroy | Action::Erase => (4, "Delete".into()),
        // An apply creates, changes and deletes; the others are none of the four.
        Action::Exception
        | Action::Admission
        | Action::Plan
        | Action::Apply
        | Action::AgentCall
        | Action::Heartbeat => (OTHER, word(&action)),
    }
}

fn severity(weight: Weight) -> (u32, &'static str) {
    match weight {
        Weight::Plain => (1, "Informational"),
        Weight::Notice => (2, "Low"),
        Weight::Look => (3, "Medium"),
    }
}

/// An intent is neither success nor failure: what became of it is told by another entry, if there is one.
/// Neither is what rules said no to, unless the entry says what became of it.
fn status(shown: &Shown<'_>) -> (u32, &'static str) {
    match (shown.entry.phase, shown.result(), shown.verdict()) {
        (Phase::Intent, _, _) => (OTHER, "Intent"),
        (_, Some(Succeeded::Done), _) => (1, "Success"),
        (_, Some(Succeeded::Refused | Succeeded::Failed), _) => (2, "Failure"),
        (Phase::Result, None, _) | (Phase::Event, None, Some(Verdict::Deny)) => (0, "Unknown"),
        (Phase::Event, None, _) => (1, "Success"),
    }
}

type Named = (u32, &'static str);

/// What the rules, as a control, did (action) and what came of it (disposition). `Blocked` is only said of what the
/// entry says was refused, and never of what was done all the same.
fn control(shown: &Shown<'_>) -> Option<(Named, Named)> {
    let result = shown.result().filter(|_| shown.entry.phase != Phase::Intent);
    match (shown.verdict(), result) {
        (_, Some(Succeeded::Refused)) => Some(((2, "Denied"), (2, "Blocked"))),
        (None, _) => None,
        (Some(Verdict::Deny), Some(Succeeded::Done)) => Some(((3, "Observed"), (15, "Detected"))),
        (Some(Verdict::Deny), Some(Succeeded::Failed) | None) => Some(((0, "Unknown"), (0, "Unknown"))),
        (Some(Verdict::Allow | Verdict::Warn), _) => Some(((1, "Allowed"), (1, "Allowed"))),
    }
}

fn actor(shown: &Shown<'_>) -> Value {
    match shown.opened("who.principal") {
        Some(name) => json!({ "name": name, "type_id": 0, "type": "Unknown" }),
        None => json!({ "uid": shown.entry.who.principal.to_string(), "type_id": OTHER, "type": COMMITTED }),
    }
}

fn resource(shown: &Shown<'_>) -> Value {
    let Some(object) = shown.entry.what.object else { return Value::Null };
    match shown.opened("what.object") {
        Some(name) => json!({ "name": name }),
        None => json!({ "uid": object.to_string(), "type": COMMITTED }),
    }
}

fn unmapped(shown: &Shown<'_>) -> Value {
    let entry = shown.entry;
    json!({
        "allod": entry.allod,
        "phase": entry.phase,
        "when": { "source": entry.when.source },
        "who": {
            "authenticated": entry.who.authenticated,
            "on_behalf_of": shown.either("who.on_behalf_of"),
            "subject": entry.who.subject,
        },
        "what": { "before": entry.what.before, "after": entry.what.after },
        "why": {
            "verdict": shown.verdict(),
            // Opened, it is the status detail.
            "reason": if shown.opened("why.reason").is_none() { shown.either("why.reason") } else { Value::Null },
            "findings": shown.either("why.findings"),
        },
        "where": entry.place,
        "trace": { "span_id": entry.trace.as_ref().and_then(|trace| trace.span_id.as_deref()) },
        "outcome": { "intent": entry.outcome.as_ref().map(|outcome| outcome.intent) },
    })
}

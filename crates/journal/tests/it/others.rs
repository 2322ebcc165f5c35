//! What others read: OCSF and OpenTelemetry.
#![allow(clippy::panic)]

use crate::draft;
use allod_journal::*;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

const ACTIONS: [Action; 14] = [
    Action::Init,
    Action::Check,
    Action::RulesChange,
    Action::Exception,
    Action::Admission,
    Action::Drill,
    Action::Watch,
    Action::Plan,
    Action::Apply,
    Action::Destroy,
    Action::AgentCall,
    Action::Heartbeat,
    Action::Erase,
    Action::KeyChange,
];
const PHASES: [Phase; 3] = [Phase::Intent, Phase::Result, Phase::Event];
const VERDICTS: [Option<Verdict>; 4] = [None, Some(Verdict::Allow), Some(Verdict::Warn), Some(Verdict::Deny)];
const RESULTS: [Option<Succeeded>; 4] =
    [None, Some(Succeeded::Done), Some(Succeeded::Refused), Some(Succeeded::Failed)];

fn kinds() -> Vec<(Phase, Option<Verdict>, Option<Succeeded>)> {
    let mut all = Vec::new();
    for phase in PHASES {
        for verdict in VERDICTS {
            all.extend(RESULTS.map(|result| (phase, verdict, result)));
        }
    }
    all
}

/// What the release of OCSF asks for (its source is named in it).
fn table() -> Value {
    serde_json::from_str(include_str!("ocsf-1.8.0.json")).unwrap()
}

/// What in the value is not as the class or object of the table says. An attribute that the table does not have is a
/// problem as well: the table has what is required, and what we write.
fn problems(table: &Value, of: &str, value: &Value, at: &str) -> Vec<String> {
    let shape = table["of"].get(of).unwrap();
    let (Some(attributes), Some(object)) = (shape["attributes"].as_object(), value.as_object()) else {
        return vec![format!("{at}: no {of}")];
    };
    let mut found = Vec::new();
    for (name, attribute) in attributes {
        if attribute["requirement"] == "required" && !object.contains_key(name) {
            found.push(format!("{at}.{name} is missing"));
        }
    }
    if let Some(any) = shape["at_least_one"].as_array()
        && !any.iter().any(|name| object.contains_key(name.as_str().unwrap()))
    {
        found.push(format!("{at} has none of {any:?}"));
    }
    for (name, value) in object {
        let at = format!("{at}.{name}");
        let Some(attribute) = attributes.get(name) else {
            found.push(format!("{at} is unknown"));
            continue;
        };
        let kind = attribute["type"].as_str().unwrap();
        match (kind.strip_suffix("[]"), value.as_array()) {
            (Some(kind), Some(all)) => found.extend(all.iter().flat_map(|one| typed(table, kind, one, &at))),
            (None, None) => found.extend(typed(table, kind, value, &at)),
            _ => found.push(format!("{at} is no {kind}")),
        }
        if let Some(all) = attribute["enum"].as_object() {
            let caption = all.get(&value.to_string()).and_then(Value::as_str);
            let sibling = object.get(attribute["sibling"].as_str().unwrap_or_default()).and_then(Value::as_str);
            match (caption, sibling) {
                (None, _) => found.push(format!("{at}: {value} is none of its values")),
                // The word of the source stands for what the schema does not know.
                (Some("Other"), Some(word)) if !word.is_empty() => {}
                (Some("Other"), _) => found.push(format!("{at} is other, and says not what")),
                (Some(caption), Some(word)) if caption != word => found.push(format!("{at} is {caption}, not {word}")),
                (Some(_), _) => {}
            }
        }
    }
    found
}

fn typed(table: &Value, kind: &str, value: &Value, at: &str) -> Vec<String> {
    let good = match kind {
        "string_t" => value.as_str().is_some_and(|text| !text.is_empty()),
        "integer_t" | "long_t" | "timestamp_t" => value.as_i64().is_some(),
        "object" => value.is_object(),
        object => return problems(table, object, value, at),
    };
    if good { Vec::new() } else { vec![format!("{at} is no {kind}: {value}")] }
}

fn event_problems(event: &Value) -> Vec<String> {
    let mut found = problems(&table(), "api_activity", event, "event");
    let number = |name: &str| event[name].as_u64().unwrap_or_default();
    // "class_uid * 100 + activity_id", the dictionary says of `type_uid`.
    if number("type_uid") != number("class_uid") * 100 + number("activity_id") {
        found.push("event.type_uid is not of its class and activity".into());
    }
    found
}

/// Without random salts, so that snapshots stay.
fn closed(draft: Draft) -> (Entry, Openings) {
    let (mut entry, mut openings) = draft.close().unwrap();
    for (field, opening) in &mut openings {
        opening.salt = "00".repeat(32);
        let commitment = opening.commitment();
        match field.as_str() {
            "who.principal" => entry.who.principal = commitment,
            "who.on_behalf_of" => entry.who.on_behalf_of = Some(commitment),
            "what.object" => entry.what.object = Some(commitment),
            "why.reason" => entry.why.as_mut().unwrap().reason = Some(commitment),
            "why.findings" => entry.why.as_mut().unwrap().findings = Some(commitment),
            other => panic!("{other}"),
        }
    }
    (entry, openings)
}

fn bare(action: Action, phase: Phase) -> Draft {
    Draft {
        action,
        phase,
        object: None,
        after: None,
        rules: None,
        determining: Vec::new(),
        verdict: None,
        reason: None,
        findings: None,
        place: Where::default(),
        outcome: None,
        ..draft()
    }
}

/// A refused check with its openings, a heartbeat and an erasure without.
fn three() -> [(&'static str, Entry, Openings); 3] {
    let mut check = draft();
    check.trace = Some(Trace {
        correlation: Some("pipeline-7".into()),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        span_id: Some("00f067aa0ba902b7".into()),
    });
    let (check, openings) = closed(check);
    let (heartbeat, _) = closed(bare(Action::Heartbeat, Phase::Event));
    let mut erase = bare(Action::Erase, Phase::Result);
    erase.object = Some("marie@clinic.example".into());
    erase.outcome = Some(Outcome { intent: 41, result: Succeeded::Done });
    let (erase, _) = closed(erase);
    [("check_refused", check, openings), ("heartbeat", heartbeat, Openings::new()), ("erase", erase, Openings::new())]
}

/// With the keys of each object sorted: whether JSON values keep the order of their keys depends on who else is built.
fn pretty(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(all) => {
                let mut all: Vec<(String, Value)> = all.iter().map(|(key, one)| (key.clone(), sorted(one))).collect();
                all.sort_by(|(a, _), (b, _)| a.cmp(b));
                Value::Object(all.into_iter().collect())
            }
            Value::Array(all) => Value::Array(all.iter().map(sorted).collect()),
            plain => plain.clone(),
        }
    }
    serde_json::to_string_pretty(&sorted(value)).unwrap()
}

#[test]
fn as_ocsf() {
    for (name, entry, openings) in three() {
        let event = ocsf(&Shown::new(&entry, 42, &openings).unwrap());
        assert_eq!(event_problems(&event), Vec::<String>::new(), "{name}");
        insta::assert_snapshot!(format!("ocsf_{name}"), pretty(&event));
    }
}

#[test]
fn as_open_telemetry() {
    for (name, entry, openings) in three() {
        let data = otel(&Shown::new(&entry, 42, &openings).unwrap());
        insta::assert_snapshot!(format!("otel_{name}"), pretty(&data));
    }
}

/// Every action in every phase, with every verdict and outcome, is what the schema asks for.
#[test]
fn every_kind_of_entry_is_an_event_of_the_schema() {
    let mut seen = BTreeSet::new();
    for action in ACTIONS {
        for (phase, verdict, result) in kinds() {
            let mut one = bare(action, phase);
            one.verdict = verdict;
            one.outcome = result.map(|result| Outcome { intent: 1, result });
            let (entry, openings) = one.close().unwrap();
            for openings in [&openings, &Openings::new()] {
                let event = ocsf(&Shown::new(&entry, u64::from(u32::MAX), openings).unwrap());
                assert_eq!(event_problems(&event), Vec::<String>::new(), "{event:#}");
                seen.insert((action, event["activity_id"].as_u64()));
            }
        }
    }
    assert_eq!(seen.len(), ACTIONS.len());
}

/// The table can refuse: what is taken away, or written otherwise, is seen.
#[test]
fn an_event_that_is_not_of_the_schema_is_seen() {
    let [(_, entry, openings), ..] = three();
    let event = ocsf(&Shown::new(&entry, 42, &openings).unwrap());
    for pointer in [
        "/activity_id",
        "/actor",
        "/api",
        "/api/operation",
        "/api/request/uid",
        "/category_uid",
        "/class_uid",
        "/metadata",
        "/metadata/product",
        "/metadata/version",
        "/raw_data_hash/value",
        "/severity_id",
        "/src_endpoint",
        "/src_endpoint/svc_name",
        "/time",
        "/trace/uid",
        "/type_uid",
        "/actor/user/name",
    ] {
        let mut broken = event.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        broken.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        assert_ne!(event_problems(&broken), Vec::<String>::new(), "without {pointer}");
    }
    for (pointer, value) in [
        ("/severity_id", "7"),
        ("/status_id", "3"),
        ("/status", "\"Refused\""),
        ("/time", "\"2026-11-24\""),
        ("/type_uid", "600399"),
        ("/class_uid", "6004"),
        ("/disposition", "\"Allowed\""),
        ("/resources", "{}"),
        ("/actor/user/name", "\"\""),
        ("/metadata/uid", "42"),
    ] {
        let mut broken = event.clone();
        *broken.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        assert_ne!(event_problems(&broken), Vec::<String>::new(), "{pointer} {value}");
    }
    let mut more = event;
    more.as_object_mut().unwrap().insert("verdict".into(), "deny".into());
    assert_eq!(event_problems(&more), ["event.verdict is unknown"]);
}

/// What became of an action is never said better than the entry says it.
#[test]
fn verdict_and_outcome_in_the_words_of_ocsf() {
    let mut lines = Vec::new();
    for (phase, verdict, result) in kinds() {
        let mut one = bare(Action::Apply, phase);
        one.verdict = verdict;
        one.outcome = result.map(|result| Outcome { intent: 1, result });
        let (entry, openings) = one.close().unwrap();
        let event = ocsf(&Shown::new(&entry, 1, &openings).unwrap());
        let said = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        let words = ["severity", "status", "action", "disposition"].map(said).join(" / ");
        lines.push(format!("{phase:?} {verdict:?} {result:?}: {words}"));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn openings_of_another_entry_are_not_shown() {
    let (entry, mut openings) = draft().close().unwrap();
    openings.get_mut("who.principal").unwrap().value = "jean".into();
    let refused = Shown::new(&entry, 1, &openings).map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::NotCommitted(field) if field == "who.principal"));
}

/// The agent's conventions are for calls of agents only; a trace that the format does not know stays a name.
#[test]
fn what_is_only_sometimes_in_open_telemetry() {
    let record = |draft: Draft| {
        let (entry, openings) = draft.close().unwrap();
        otel(&Shown::new(&entry, 1, &openings).unwrap())["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].clone()
    };
    let key = |record: &Value, key: &str| {
        let all = record["attributes"].as_array().unwrap();
        all.iter().find(|one| one["key"] == key).map(|one| one["value"].to_string())
    };
    let call = record(bare(Action::AgentCall, Phase::Event));
    assert_eq!(key(&call, "gen_ai.agent.id").unwrap(), r#"{"stringValue":"marie@clinic.example"}"#);
    assert_eq!(key(&call, "user.name"), None);
    let check = record(bare(Action::Check, Phase::Event));
    assert_eq!(key(&check, "gen_ai.agent.id"), None);
    assert_eq!(key(&check, "error.type"), None);
    for trace_id in ["run-7", &"0".repeat(32), &"a".repeat(31)] {
        let mut one = bare(Action::Check, Phase::Event);
        one.trace = Some(Trace { correlation: None, trace_id: Some(trace_id.to_owned()), span_id: None });
        let record = record(one);
        assert_eq!(record.get("traceId"), None, "{trace_id}");
        assert!(key(&record, "allod.trace.trace_id").unwrap().contains(trace_id));
    }
    for (time, nanoseconds) in [
        ("1970-01-01T00:00:01.000002Z", "1000002000"),
        ("2026-11-24T17:30:00.000000Z", "1795541400000000000"),
        ("9999-12-31T23:59:59.999999Z", "0"),
    ] {
        let mut one = bare(Action::Check, Phase::Event);
        one.when.time = time.into();
        assert_eq!(record(one)["timeUnixNano"], nanoseconds, "{time}");
    }
}

proptest! {
    /// Whatever was committed to: a valid event, with nothing of it unless it was opened.
    #[test]
    fn nothing_committed_is_shown_unopened(
        texts in prop::collection::vec("[A-Z]{12}[^\0]{0,20}", 5),
        opened in 0_usize..6,
        index in 0..u64::MAX / 2,
        rules in prop::collection::vec("[a-z-]{1,20}", 0..5),
    ) {
        let mut one = draft();
        let mut all = texts.iter().cloned();
        one.principal = all.next().unwrap();
        one.on_behalf_of = all.next();
        one.object = all.next();
        one.reason = all.next();
        one.findings = all.next();
        one.determining = rules;
        let (entry, openings) = one.close().unwrap();
        let shown: Openings = openings.into_iter().take(opened).collect();
        let shown = Shown::new(&entry, index, &shown).unwrap();
        let event = ocsf(&shown);
        prop_assert_eq!(event_problems(&event), Vec::<String>::new());
        for told in [event.to_string(), otel(&shown).to_string()] {
            let seen = texts.iter().filter(|text| told.contains(text.get(..12).unwrap())).count();
            prop_assert_eq!(seen, opened.min(5), "{}", told);
        }
    }
}

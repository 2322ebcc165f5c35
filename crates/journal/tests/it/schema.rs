//! The schema for others says what the program reads.

use crate::draft;
use allod_journal::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("../../../../schemas/allod.entry.1.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn problems(validator: &jsonschema::Validator, entry: &Value) -> Vec<String> {
    validator.iter_errors(entry).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// An entry with every field.
fn full() -> Value {
    let mut one = draft();
    one.on_behalf_of = Some("the clinic".into());
    one.before = Some(Digest::of(b"before"));
    one.place = Where { gate: Some("apply".into()), provider: Some("ovh".into()), region: Some("eu-west-gra".into()) };
    one.trace = Some(Trace { correlation: Some("a".into()), trace_id: Some("b".into()), span_id: Some("c".into()) });
    serde_json::from_slice(&one.close().unwrap().0.to_bytes().unwrap()).unwrap()
}

/// Every object of the value, by its JSON pointer.
fn objects(at: &str, value: &Value, all: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    all.push(at.to_owned());
    for (name, value) in object {
        objects(&format!("{at}/{name}"), value, all);
    }
}

fn parsed(value: &Value) -> Result<Entry, Error> {
    Entry::parse(&serde_json_canonicalizer::to_vec(value).unwrap())
}

/// Each field with a value of another kind, each object with a field more, each required field taken away: refused by
/// the schema, and by the program.
#[test]
fn what_is_no_entry_is_none_for_the_schema() {
    let validator = validator();
    let full = full();
    assert_eq!(problems(&validator, &full), Vec::<String>::new());
    let refused = |what: &str, value: &Value| {
        assert!(!validator.is_valid(value), "the schema takes {what}");
        assert!(parsed(value).is_err(), "the program takes {what}");
    };
    let mut all = Vec::new();
    objects("", &full, &mut all);
    assert_eq!(all.len(), 8);
    let (mut required, mut optional) = (Vec::new(), Vec::new());
    for at in &all {
        let mut more = full.clone();
        more.pointer_mut(at).unwrap().as_object_mut().unwrap().insert("more".into(), json!("x"));
        refused(&format!("{at}/more"), &more);
        for name in full.pointer(at).unwrap().as_object().unwrap().keys() {
            for kind in [json!(-1), json!(1.5), json!(true), json!("\u{7}"), json!(""), json!([1])] {
                let mut mutated = full.clone();
                *mutated.pointer_mut(&format!("{at}/{name}")).unwrap() = kind.clone();
                refused(&format!("{at}/{name} = {kind}"), &mutated);
            }
            let mut less = full.clone();
            less.pointer_mut(at).unwrap().as_object_mut().unwrap().remove(name);
            assert_eq!(validator.is_valid(&less), parsed(&less).is_ok(), "without {at}/{name}");
            if parsed(&less).is_err() { &mut required } else { &mut optional }.push(format!("{at}/{name}"));
        }
    }
    insta::assert_snapshot!(format!("required\n{}\n\noptional\n{}", required.join("\n"), optional.join("\n")));
}

#[test]
fn values_at_the_limits() {
    let validator = validator();
    let with = |at: &str, value: Value| {
        let mut entry = full();
        *entry.pointer_mut(at).unwrap() = value;
        (validator.is_valid(&entry), parsed(&entry).is_ok())
    };
    let rules = |count: usize| json!((0..count).map(|at| format!("rule-{at}")).collect::<Vec<_>>());
    let good = [
        ("/why/determining", rules(MAX_RULES)),
        ("/where/region", json!("x".repeat(MAX_NAME_BYTES))),
        ("/where/region", json!("é ü 中")),
        ("/when/time", json!("1970-01-01T00:00:00.000000Z")),
        ("/outcome/intent", json!(0)),
    ];
    for (at, value) in good {
        assert_eq!(with(at, value.clone()), (true, true), "{at} {value}");
    }
    let bad = [
        ("/why/determining", rules(MAX_RULES + 1)),
        ("/why/determining", json!([])),
        ("/where/region", json!("x".repeat(MAX_NAME_BYTES + 1))),
        ("/where/region", json!("a\"b")),
        ("/where/region", json!("a\\b")),
        ("/where/region", json!("a\nb")),
        ("/where/region", json!("a\u{9f}b")),
        ("/when/time", json!("2026-11-24T17:30:00Z")),
        ("/when/time", json!("1969-12-31T23:59:59.999999Z")),
        ("/allod", json!(2)),
        ("/phase", json!("Intent")),
        ("/id", json!("0".repeat(31))),
        ("/who/principal", json!(format!("sha256:{}", "A".repeat(64)))),
        ("/who/principal", json!("marie@clinic.example")),
        ("/outcome/intent", json!("41")),
    ];
    for (at, value) in bad {
        assert_eq!(with(at, value.clone()), (false, false), "{at} {value}");
    }
}

proptest! {
    #[test]
    fn every_entry_is_of_the_schema(
        rules in prop::collection::vec("[^\"\\\\\\p{C}]{1,32}", 0..20),
        texts in prop::collection::vec(any::<String>(), 4),
        names in prop::collection::vec(proptest::option::of("[^\"\\\\\\p{C}]{1,32}"), 6),
        (action, verdict, phase) in (0_usize..3, 0_usize..4, 0_usize..3),
        second in 0_u32..60,
    ) {
        let mut one = draft();
        one.determining = rules;
        one.action = [Action::AgentCall, Action::RulesChange, Action::Erase][action];
        one.verdict = [None, Some(Verdict::Allow), Some(Verdict::Warn), Some(Verdict::Deny)][verdict];
        one.phase = [Phase::Intent, Phase::Result, Phase::Event][phase];
        one.when.time = format!("2026-02-28T23:59:{second:02}.000001Z");
        let mut texts = texts.into_iter();
        (one.principal, one.object, one.reason) = (texts.next().unwrap(), texts.next(), texts.next());
        let mut names = names.into_iter().flatten();
        one.place = Where { gate: names.next(), provider: names.next(), region: names.next() };
        one.trace = Some(Trace { correlation: names.next(), trace_id: names.next(), span_id: names.next() });
        let entry: Value = serde_json::from_slice(&one.close().unwrap().0.to_bytes().unwrap()).unwrap();
        prop_assert_eq!(problems(&validator(), &entry), Vec::<String>::new());
    }
}

#![allow(clippy::unwrap_used)]

mod others;
mod schema;

use allod_journal::*;
use proptest::prelude::*;

fn draft() -> Draft {
    Draft {
        id: Id::from_bytes([1; 16]),
        phase: Phase::Result,
        when: When { time: "2026-11-24T17:30:00.000000Z".into(), source: TimeSource::System },
        principal: "marie@clinic.example".into(),
        authenticated: Authentication::OsUser,
        on_behalf_of: None,
        subject: Id::from_bytes([2; 16]),
        action: Action::Check,
        object: Some("/home/marie/clinic".into()),
        before: None,
        after: Some(Digest::of(b"report")),
        rules: Some(Digest::of(b"rules")),
        determining: vec!["patient-stays".into(), "aws-runs-the-website-only".into(), "patient-stays".into()],
        verdict: Some(Verdict::Deny),
        reason: Some("the backup of Jean Dupont is in Virginia".into()),
        findings: Some("[]".into()),
        place: Where { gate: Some("repository".into()), provider: None, region: None },
        trace: None,
        outcome: Some(Outcome { intent: 41, result: Succeeded::Refused }),
        by: "allod 0.1.0".into(),
    }
}

#[test]
fn what_an_entry_looks_like() {
    let (mut entry, _) = draft().close().unwrap();
    // Salts are random: the shape is what is fixed.
    let fixed = Digest::of(b"committed");
    entry.who.principal = fixed;
    entry.what.object = Some(fixed);
    let why = entry.why.as_mut().unwrap();
    (why.reason, why.findings) = (Some(fixed), Some(fixed));
    insta::assert_snapshot!(String::from_utf8(entry.to_bytes().unwrap()).unwrap());
}

#[test]
fn nothing_about_a_person_is_in_an_entry() {
    let (entry, openings) = draft().close().unwrap();
    let text = String::from_utf8(entry.to_bytes().unwrap()).unwrap();
    for secret in ["marie", "clinic.example", "Dupont", "Virginia"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for opening in openings.values() {
        assert!(!text.contains(&opening.salt));
    }
}

/// As `printf '%s\n%s' 00ff marie | sha256sum` prints it.
#[test]
fn a_commitment_is_checked_by_the_tools_at_hand() {
    let opening = Opening { salt: "00ff".into(), value: "marie".into() };
    assert_eq!(
        opening.commitment().to_string(),
        "sha256:f9802e815c9948a332692949bd37b685c1296fd5905ec205d6393943714a37cf"
    );
}

#[test]
fn openings_prove_what_was_committed_and_nothing_else() {
    let (entry, openings) = draft().close().unwrap();
    entry.opened_by(&openings).unwrap();
    let one = |field: &str| Openings::from([(field.to_owned(), openings[field].clone())]);
    entry.opened_by(&one("who.principal")).unwrap();
    let mut other = one("who.principal");
    other.get_mut("who.principal").unwrap().value = "jean".into();
    assert!(matches!(entry.opened_by(&other), Err(Error::NotCommitted(field)) if field == "who.principal"));
    let foreign = Openings::from([("who.on_behalf_of".to_owned(), openings["who.principal"].clone())]);
    assert!(matches!(entry.opened_by(&foreign), Err(Error::NotCommitted(_))));
}

#[test]
fn sealed_openings_belong_to_one_key_and_one_entry() {
    let (entry, openings) = draft().close().unwrap();
    let bytes = entry.to_bytes().unwrap();
    let (key, other) = (SubjectKey::random().unwrap(), SubjectKey::random().unwrap());
    let sealed = Sealed::seal(&openings, &bytes, entry.who.subject, &key).unwrap();
    let text = serde_json::to_string(&sealed).unwrap();
    assert!(!text.contains("marie"));
    let key = SubjectKey::parse(&key.to_text()).unwrap();
    assert_eq!(sealed.open(&bytes, &key).unwrap(), openings);
    assert!(matches!(sealed.open(&bytes, &other), Err(Error::Sealed)));
    assert!(matches!(sealed.open(b"another entry", &key), Err(Error::Sealed)));
    for at in text.find("\"sealed\":\"").unwrap() + 10..text.len() - 2 {
        let mut damaged = text.clone().into_bytes();
        damaged[at] = if damaged[at] == b'0' { b'1' } else { b'0' };
        let damaged: Sealed = serde_json::from_slice(&damaged).unwrap();
        assert!(matches!(damaged.open(&bytes, &key), Err(Error::Sealed)), "at {at}");
    }
}

#[test]
fn what_is_no_entry_is_refused() {
    let (entry, _) = draft().close().unwrap();
    let text = String::from_utf8(entry.to_bytes().unwrap()).unwrap();
    let refused = |text: &str| Entry::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(refused(&format!(" {text}")), "the entry is not written canonically");
    assert_eq!(
        refused(&text.replacen("\"allod\":1", "\"allod\":2", 1)),
        "the entry is of version 2 of the schema; this program knows 1"
    );
    assert_eq!(
        refused(&text.replacen("{\"allod\":1,", "{\"allod\":1,\"allod\":1,", 1)),
        "the entry is no JSON of the schema"
    );
    assert_eq!(refused(&text.replacen("\"by\"", "\"bye\"", 1)), "the entry is no JSON of the schema");
    assert_eq!(refused(&text.replacen("sha256:", "SHA256:", 1)), "the entry is no JSON of the schema");
    assert_eq!(refused(""), "the entry is no JSON of the schema");
    let mut long = draft();
    long.place.region = Some("x".repeat(MAX_NAME_BYTES + 1));
    assert!(matches!(long.close().unwrap().0.to_bytes(), Err(Error::Name { field: "where.region" })));
    let mut many = draft();
    many.determining = (0..=MAX_RULES).map(|at| format!("rule-{at}")).collect();
    assert!(matches!(many.close().unwrap().0.to_bytes(), Err(Error::Rules(401))));
}

/// The clock of an entry is one that others can read.
#[test]
fn what_is_no_time_is_refused() {
    let at = |time: &str| {
        let mut one = draft();
        one.when.time = time.into();
        one.close().unwrap().0.to_bytes().map(|_| ()).map_err(|error| error.to_string())
    };
    for time in ["1970-01-01T00:00:00.000000Z", "2024-02-29T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"] {
        assert_eq!(at(time), Ok(()));
    }
    for time in [
        "2026-11-24T17:30:00Z",
        "2026-11-24T17:30:00.000000+01:00",
        "2026-11-24t17:30:00.000000z",
        "2026-02-29T17:30:00.000000Z",
        "2100-02-29T17:30:00.000000Z",
        "2026-13-01T17:30:00.000000Z",
        "2026-00-01T17:30:00.000000Z",
        "2026-11-00T17:30:00.000000Z",
        "2026-11-24T24:00:00.000000Z",
        "2026-11-24T17:60:00.000000Z",
        "2026-11-24T17:30:60.000000Z",
        "1969-12-31T23:59:59.999999Z",
        "2026-11-24T17:30:00.00000éZ",
        "now",
    ] {
        assert!(at(time).unwrap_err().contains("is no time as entries write it"), "{time}");
    }
}

proptest! {
    #[test]
    fn every_entry_is_read_back_and_fits(
        rules in prop::collection::vec("[^\"\\\\\\p{C}]{1,128}", 0..MAX_RULES),
        texts in prop::collection::vec(any::<String>(), 4),
        region in proptest::option::of("[^\"\\\\\\p{C}]{1,40}"),
        trace in "[0-9a-f]{32}",
    ) {
        let mut one = draft();
        // Bytes, not letters, are what is limited.
        one.determining = rules.into_iter().filter(|rule| rule.len() <= MAX_NAME_BYTES).collect();
        one.place.region = region.filter(|name| name.len() <= MAX_NAME_BYTES);
        one.trace = Some(Trace { correlation: Some(trace.clone()), trace_id: Some(trace), span_id: None });
        let mut texts = texts.into_iter();
        (one.principal, one.object, one.reason) = (texts.next().unwrap(), texts.next(), texts.next());
        one.on_behalf_of = texts.next();
        let (entry, openings) = one.close().unwrap();
        let bytes = entry.to_bytes().unwrap();
        prop_assert!(bytes.len() <= 65_535);
        prop_assert_eq!(Entry::parse(&bytes).unwrap(), entry.clone());
        prop_assert!(entry.opened_by(&openings).is_ok());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Entry::parse(&bytes);
    }
}

/// An entry as large as entries get.
#[test]
fn the_largest_entry_fits() {
    let mut one = draft();
    let name = |at: usize| format!("{at:0>128}");
    one.determining = (0..MAX_RULES).map(name).collect();
    one.place = Where { gate: Some(name(1)), provider: Some(name(2)), region: Some(name(3)) };
    one.trace = Some(Trace { correlation: Some(name(4)), trace_id: Some(name(5)), span_id: Some(name(6)) });
    one.on_behalf_of = Some("x".repeat(1 << 20));
    one.before = Some(Digest::of(b""));
    assert!(one.close().unwrap().0.to_bytes().unwrap().len() <= 65_535);
}

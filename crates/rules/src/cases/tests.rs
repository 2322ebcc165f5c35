use super::*;
use crate::tests::{compiled, organisation, register, rules, told};

#[test]
fn what_is_wrong_with_cases() {
    let case = |component: &str| {
        format!("version: 1\ncases:\n  - name: a\n    expect: deny\n    component:\n      {component}\n")
    };
    let components = [
        "provider: aws-s4",
        "provider: [aws-s3]",
        "in: Luxembourg",
        "in: [LU, EU]",
        "in: unknown",
        "controlled_from: [USA]",
        "layer: storrage",
        "role: ours",
        "ours: perhaps",
        "at_rest: 3",
        "keys: theirs",
        "audit: [access-log, everything]",
        "audit: []",
        "exit_tested_days: soon",
        "exit_tested_days: -3",
        "powers: { reads: US }",
        "powers: [read]",
        "kind: [a]",
        "data: {}",
        "datta: patient",
        "data: patient\n      data: public",
    ];
    let components: Vec<String> = components.iter().map(|one| case(one)).collect();
    let mut cases: Vec<(&str, &str)> = components.iter().map(|text| ("component", text.as_str())).collect();
    cases.extend([
        ("nothing", ""),
        ("several documents", "version: 1\n---\nversion: 1\n"),
        ("no version", "cases: []\n"),
        ("unknown keys", "version: 1\ncase: []\n"),
        ("no name", "version: 1\ncases:\n  - { expect: deny, component: {} }\n"),
        ("a name that is none", "version: 1\ncases:\n  - { name: [a], expect: deny, component: {} }\n"),
        (
            "no verdict",
            "version: 1\ncases:\n  - { name: a, component: {} }\n  - { name: b, expect: no, component: {} }\n",
        ),
        (
            "no component",
            "version: 1\ncases:\n  - { name: a, expect: deny }\n  - { name: a, expect: deny, component: aws }\n",
        ),
        ("a case that is a text", "version: 1\ncases: [a]\n"),
        (
            "rules that are none",
            "version: 1\ncases:\n  - { name: a, expect: deny, component: {}, rules: [], why: so }\n",
        ),
    ]);
    insta::assert_snapshot!("cases_told", told(&cases, |text| parse_cases("a.test.yaml", text, register()).1));
}

#[test]
fn a_case_is_a_component_with_what_the_register_knows() {
    let text = "version: 1\ncases:\n  - name: bucket\n    expect: deny\n    component: { provider: aws-s3, in: [us, LU], layer: storage, data: patient, labels: [team=core, x], powers: { stop_later: [mistral-ai, FR] } }\n  - { name: own, expect: allow, component: { audit: full, powers: { read: unknown } } }\n";
    let (cases, told) = parse_cases("a.test.yaml", text, register());
    assert_eq!(told, []);
    let texts = |set: &[Arc<str>]| set.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let bucket = &cases[0].subject;
    assert_eq!((bucket.ours, bucket.at_rest, bucket.role, cases[0].line), (false, true, "provided", 3));
    assert_eq!((texts(&bucket.countries), texts(&bucket.labels)), ("LU,US".to_owned(), "team,team=core,x".to_owned()));
    assert_eq!(texts(&bucket.controlled_from), "US");
    assert!(texts(&bucket.parties).contains("amazon-com") && texts(&bucket.parties).contains("aws-s3"));
    // Who provides it holds everything over it, of each class.
    for tag in ["readable-from", "readable-from:patient", "stoppable-from", "changeable-from"] {
        assert_eq!(texts(&bucket.tags[tag]), "US", "{tag}");
    }
    assert_eq!(texts(&bucket.tags["stoppable-ever-from"]), "FR,US");
    assert!(texts(&bucket.tags["stoppable-ever-by"]).contains("mistral-ai"));
    let own = &cases[1].subject;
    assert_eq!((own.ours, own.at_rest, own.role, texts(&own.countries).as_str()), (true, false, "own", "unknown"));
    assert_eq!((own.audit.len(), texts(&own.controlled_from)), (5, String::new()));
    assert_eq!(
        (texts(&own.tags["readable-from"]), texts(&own.tags["readable-by"])),
        ("unknown".into(), "unknown".into())
    );
    assert_eq!(texts(&own.tags["stoppable-from"]), "");
}

const RULES: &str = "version: 1\nrules:\n  here: { data: patient, must: { be_in: LU } }\n  ours: { severity: warn, must: { keys: ours } }\n  home: { data: patient, must: { not_be_readable_from: { outside: home } } }\n";

fn run(cases: &str, more: &[&str]) -> (Vec<Outcome>, Vec<String>) {
    let organisation = organisation("version: 1\nhome: [EU]\ndata: { patient: {} }\n");
    let rules = rules(&[&[RULES], more].concat(), &organisation.home.clone().unwrap());
    let (cases, told) = parse_cases("a.test.yaml", cases, register());
    assert_eq!(told, []);
    let outcomes = run_cases(&cases, &compiled(&rules, &organisation));
    let never = never_broken(&rules, &outcomes).into_iter().map(str::to_owned).collect();
    (outcomes, never)
}

fn check(case: &str, got: Expect, broken: &[&str], passes: bool) {
    let (outcomes, _) = run(&format!("version: 1\ncases:\n  - {{ name: a, {case} }}\n"), &[]);
    let rules: Vec<&str> = outcomes[0].broken.iter().map(String::as_str).collect();
    assert_eq!((outcomes[0].got, rules, outcomes[0].passes()), (got, broken.to_vec(), passes), "{case}");
}

#[test]
fn verdicts_of_cases() {
    check("expect: allow, component: { data: patient, in: LU }", Expect::Allow, &[], true);
    check("expect: deny, component: { data: patient, in: LU }", Expect::Allow, &[], false);
    check("expect: deny, component: { data: patient, in: DE }", Expect::Deny, &["here"], true);
    check("expect: deny, component: { data: patient }", Expect::Deny, &["here"], true);
    check("expect: deny, component: { data: patient, in: [LU, unknown] }", Expect::Deny, &["here"], true);
    check("expect: warn, component: { at_rest: true }", Expect::Warn, &["ours"], true);
    check("expect: allow, component: { at_rest: true }", Expect::Warn, &["ours"], false);
    check("expect: allow, component: { at_rest: true, keys: ours }", Expect::Allow, &[], true);
    let s3 = "component: { provider: aws-s3, layer: storage, data: patient, in: LU }";
    check(&format!("expect: deny, {s3}"), Expect::Deny, &["home", "ours"], true);
    // What others hold over a thing that no file describes is judged where we depend on it.
    let host = s3.replace("{", "{ described: false,");
    check(&format!("expect: warn, {host}"), Expect::Warn, &["ours"], true);
    let own = "component: { data: patient, in: LU, powers: { read: US } }";
    check(&format!("expect: deny, {own}"), Expect::Deny, &["home"], true);
    // The rules that a case names are all and no other.
    check(&format!("expect: deny, rules: home, {own}"), Expect::Deny, &["home"], true);
    check(&format!("expect: deny, rules: [home, here], {own}"), Expect::Deny, &["home"], false);
    check(&format!("expect: deny, rules: [here], {own}"), Expect::Deny, &["home"], false);
}

#[test]
fn rules_that_no_case_breaks() {
    let none = "version: 1\ncases:\n  - { name: a, expect: allow, component: { data: patient, in: LU } }\n";
    assert_eq!(run(none, &[]).1, ["here", "ours", "home"]);
    let some = format!(
        "{none}  - {{ name: b, expect: deny, component: {{ data: patient, at_rest: true, powers: {{ read: US }} }} }}\n"
    );
    let (outcomes, never) = run(&some, &[]);
    assert_eq!((outcomes.len(), never.len()), (2, 0));
    let denied = run(none, &["version: 1\ndefault: deny\n"]).0;
    assert_eq!(denied[0].broken.iter().map(String::as_str).collect::<Vec<_>>(), ["default"]);
}

use super::*;
use crate::tests::told;
use proptest::prelude::*;

#[test]
fn what_is_wrong_with_an_organisation() {
    let many: String = (0..257).map(|at| format!("  e{at}: {{}}\n")).collect();
    let many = format!("version: 1\nenvironments:\n{many}");
    let cases = [
        ("nothing", ""),
        ("a list", "- version: 1\n"),
        ("no YAML", "version: 1\ndata: [\n"),
        ("several documents", "version: 1\n---\nversion: 1\n"),
        ("no version", "organisation: Clinic\n"),
        ("another version", "version: 2\n"),
        ("unknown keys", "version: 1\nenviroments: {}\nfleet: {}\n"),
        ("a key twice", "version: 1\ndata: {}\ndata: {}\n"),
        ("a class twice", "version: 1\ndata:\n  patient: {}\n  patient: {}\n"),
        ("keys that are no names", "version: 1\n[a]: b\ndata:\n  [patient]: {}\n  {x: y}: {}\n"),
        ("name of the wrong type", "version: 1\norganisation: [a, b]\n"),
        ("no home", "version: 1\nhome: []\n"),
        ("a home that there is not", "version: 1\nhome: [EU, Europe]\n"),
        ("data of the wrong type", "version: 1\ndata: [patient]\n"),
        ("a class of the wrong type", "version: 1\ndata:\n  patient: personal\n  public: [a]\n"),
        ("a class with keys of a workload", "version: 1\ndata:\n  patient: { tier: gold }\n"),
        ("an empty list", "version: 1\ndata:\n  patient: { is: [] }\n"),
        ("a list in a list", "version: 1\ndata:\n  patient:\n    is:\n      - [personal]\n"),
        ("`unknown` is no name", "version: 1\ndata: { unknown: {} }\nworkloads:\n  unknown: {}\n"),
        ("places beside `on`", "version: 1\nenvironments:\n  production:\n    path: a\n    on: { path: b }\n"),
        ("empty places", "version: 1\nenvironments:\n  production:\n    on:\n      - {}\n      - deploy/**\n"),
        ("bad pattern", "version: 1\nenvironments:\n  production:\n    path:\n      - a/**\n      - \"a[\"\n"),
        ("dates", "version: 1\nworkloads:\n  a: { exit: { tested: 2027-02-29 } }\n  b: { exit: { tested: [x] } }\n"),
        ("an exit without a date", "version: 1\nworkloads:\n  a: { exit: {} }\n  b: { exit: 2026-01-01 }\n"),
        (
            "statements",
            "version: 1\nstates:\n  - { component: a }\n  - { component: a, run_by: them }\n  - { component: a, run_by: us, runs_on: b }\n  - { component: a, located_in: EU }\n  - { run_by: us }\n  - records\n  - { component: a, run_by: us, because: so }\n",
        ),
    ];
    let read = |text: &str| Organisation::parse("allod.yaml", text).1;
    let mut shown = told(&cases, read);
    shown.push_str("== too many environments\n");
    shown.push_str(&crate::tests::shown(&read(&many)));
    shown.push_str("== too large\n");
    shown.push_str(&crate::tests::shown(&read(&format!("version: 1\n#{}", "x".repeat(crate::MAX_FILE_BYTES)))));
    insta::assert_snapshot!("organisation_told", shown);
}

#[test]
fn a_sound_one() {
    let text = "version: 1\norganisation: Clinique\nhome: EU\ndata:\n  patient: { is: personal, namespace: records }\n  public:\nenvironments:\n  production: { on: [{ path: ./deploy/prod/** }, { label: env=prod }] }\nworkloads:\n  records: { namespace: records, tier: gold, exit: { tested: 2026-09-14 } }\nstates:\n  - { component: openstack, located_in: LU, why: our rooms }\n";
    let (organisation, told) = Organisation::parse("allod.yaml", text);
    assert_eq!(told, []);
    assert_eq!(organisation.data["patient"].is, ["personal"]);
    assert_eq!((organisation.data["patient"].line, organisation.environments["production"].on.len()), (5, 2));
    assert_eq!(organisation.workloads["records"].exit.map(|exit| exit.line), Some(10));
    assert!(organisation.home.is_some_and(|home| home.has(allod_facts::Country::new("LU").unwrap())));
    assert!(matches!(organisation.states[0].says, Says::LocatedIn(_)));
}

proptest! {
    /// Whatever is in the file: it is read, and what is told stands on a line of it.
    #[test]
    fn no_text_panics(text in crate::rule::tests::scrambled(crate::rule::tests::ORGANISATION)) {
        let (_, told) = Organisation::parse("allod.yaml", &text);
        let lines = text.lines().count().max(1) as u32 + 1;
        prop_assert!(told.iter().all(|one| one.line <= lines), "{:?}", told);
    }
}

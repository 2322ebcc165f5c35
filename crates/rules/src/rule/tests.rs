use super::*;
use crate::tests::{register, told};
use crate::{Compiled, Organisation};
use allod_facts::Diagnostic;
use allod_stack::Home;
use proptest::prelude::*;

pub const ORGANISATION: &str = include_str!("../../../../examples/clinic/allod.yaml");
const RULES: &str = include_str!("../../../../examples/clinic/rules/clinic.yaml");

fn read(text: &str) -> Vec<Diagnostic> {
    RuleSet::parse(&[("rules/a.yaml".to_owned(), text.to_owned())], &Home::default()).1
}

#[test]
fn what_is_wrong_with_a_rule_file() {
    let rule = |must: &str| format!("version: 1\nrules:\n  a:\n    must:\n      {must}\n");
    let musts = [
        "be_in: []",
        "be_in: Europe",
        "be_in: [[LU]]",
        "be_inn: LU",
        "be_controlled_from: { outside: home }",
        "be_operated_by: []",
        "keys: theirs",
        "audit: everything",
        "audit: [retention, acces-log]",
        "exit: soon",
        "exit: {}",
        "exit: { tested_within: 3 months }",
        "exit: { tested_within: 9999999999y }",
        "at_most: 50%",
        "at_most: { share: 101%, of: provider }",
        "at_most: { share: 50, of: provider }",
        "at_most: { share: 50%, of: planet }",
        "at_most: { share: 50%, off: provider, of: provider }",
        "only_for: {}",
        "only_for: website",
        "only_for: { workloads: [] }",
        "only_for: { workload: [website] }",
        "not_be_readable_from: {}",
        "not_be_readable_from: { outside: home, among: [US] }",
        "not_be_readable_from: { outside: home, when: later }",
        "not_be_stoppable_from: { outside: home, wen: ever }",
        "not_be_stoppable_by: { parties: [aws], when: later }",
        "not_be_stoppable_by: { parties: [aws], wen: ever }",
        "not_be_stoppable_by: { when: ever }",
        "not_be_changeable_by: []",
    ];
    let musts: Vec<String> = musts.iter().map(|must| rule(must)).collect();
    let mut cases: Vec<(&str, &str)> = musts.iter().map(|text| ("must", text.as_str())).collect();
    let asks = "    must: { keys: ours }\n";
    let of = |head: &str| format!("version: 1\nrules:\n  a:\n{head}{asks}");
    let texts = [
        ("severity", of("    severity: fatal\n")),
        ("a selector that is empty", of("    data: []\n")),
        ("a selector of the wrong type", of("    provider: { name: aws }\n")),
        ("an unknown key", of("    enviroment: production\n    mustt: x\n")),
        ("why of the wrong type", of("    why: [a]\n")),
        ("except of the wrong type", of("    except: website\n")),
        ("a key twice", of("    data: patient\n    data: public\n")),
    ];
    cases.extend(texts.iter().map(|(name, text)| (*name, text.as_str())));
    cases.extend([
        ("nothing", ""),
        ("no map", "- a\n"),
        ("no YAML", "version: 1\nrules: {\n"),
        ("several documents", "version: 1\n---\nversion: 1\n"),
        ("no version", "rules: {}\n"),
        ("an unknown key at the top", "version: 1\nrule: {}\n"),
        ("default", "version: 1\ndefault: maybe\n"),
        ("rules that are a list", "version: 1\nrules:\n  - a\n"),
        ("a rule that is a text", "version: 1\nrules:\n  a: everything in LU\n"),
        ("a rule that is nothing", "version: 1\nrules:\n  a:\n  b: {}\n  c: { must: }\n  d: { must: {} }\n"),
        ("must is a list", "version: 1\nrules:\n  a:\n    must: [be_in]\n"),
        ("must is a text", "version: 1\nrules:\n  a:\n    must: keys\n"),
        ("names that are none", "version: 1\nrules:\n  \"a b\": { must: { keys: ours } }\n  \"\": { must: { keys: ours } }\n  [c]: { must: { keys: ours } }\n"),
        ("a rule twice", "version: 1\nrules:\n  a: { must: { keys: ours } }\n  a: { must: { audit: full } }\n"),
        ("a tier of the wrong type", "version: 1\ntiers:\n  gold: [a]\n  silver: { use: [], uses: a }\n  unknown: {}\n"),
        ("only_for of nothing", "version: 1\nrules:\n  a:\n    provider: aws\n    only_for:\n"),
        ("an exception without its keys", "version: 1\nexceptions:\n  - { rule: a, component: b }\n  - a\n  - {}\n"),
        (
            "exceptions with bad values",
            "version: 1\nexceptions:\n  - { rule: a, component: b, until: 2027-02-30, by: c, why: d }\n  - { rule: a, component: b, until: forever, by: c, why: d }\n  - { rule: [a], component: b, until: 2027-02-28, by: c, why: d }\n  - { rule: a, component: \"\", until: 2027-02-28, by: c, why: d }\n  - { rule: a, component: b, until: 2027-02-28, by: c, why: d, also: e }\n  - { rule: a, component: b, until:, by: c, why: d }\n",
        ),
    ]);
    let mut shown = told(&cases, read);
    shown.push_str("== too large\n");
    shown.push_str(&crate::tests::shown(&read(&format!("version: 1\n#{}", "x".repeat(crate::MAX_FILE_BYTES)))));
    shown.push_str("== a rule and a tier in two files\n");
    let one = "version: 1\ntiers: { gold: {} }\nrules:\n  a: { must: { keys: ours } }\n";
    let files = [("rules/a.yaml".to_owned(), one.to_owned()), ("rules/b.yaml".to_owned(), format!("\n{one}"))];
    shown.push_str(&crate::tests::shown(&RuleSet::parse(&files, &Home::default()).1));
    insta::assert_snapshot!("rules_told", shown);
}

#[test]
fn what_names_nothing() {
    let organisation = crate::tests::organisation(
        "version: 1\ndata: { patient: {} }\nenvironments: { production: {} }\nworkloads: { records: { tier: goldd } }\n",
    );
    let rule = |key: &str| {
        format!("version: 1\ntiers: {{ gold: {{}} }}\nrules:\n  a:\n    {key}\n    must: {{ keys: ours }}\n")
    };
    let keys = [
        "data: patiant",
        "data: [patient, unclassified, secrets]",
        "environment: prod",
        "workload: record",
        "tier: golden",
        "layer: storrage",
        "provider: nobody-at-all",
        "service: aws-s4",
        "provider: us",
        "except: { data: x }",
    ];
    let keys: Vec<String> = keys.iter().map(|key| rule(key)).collect();
    let mut cases: Vec<(&str, &str)> = keys.iter().map(|text| ("selector", text.as_str())).collect();
    let all = "version: 1\ntiers:\n  gold: { use: [b], extends: silver }\n  silver: { extends: bronze }\n  bronze: { extends: [gold, tin] }\n  lead: { extends: lead }\nrules:\n  a:\n    must:\n      only_for: { workloads: [web], data: [publik], environments: [x] }\n      be_operated_by: [nobody-at-all]\n      not_be_stoppable_by: [nobody-at-all]\nexceptions:\n  - { rule: c, component: x, until: 2027-01-01, by: me, why: so }\n";
    cases.push(("tiers, requirements and exceptions", all));
    let check = |text: &str| {
        let (rules, told) = RuleSet::parse(&[("rules/a.yaml".to_owned(), text.to_owned())], &Home::default());
        assert!(told.is_empty(), "{told:?}");
        let (compiled, told) = Compiled::new(&rules, &organisation, register());
        assert!(compiled.is_none(), "half a rule set was compiled");
        told
    };
    insta::assert_snapshot!("rules_name_nothing", crate::tests::told(&cases, check));
}

#[test]
fn sound_rules() {
    let (rules, told) = RuleSet::parse(&[("r.yaml".to_owned(), RULES.to_owned())], &Home::default());
    assert_eq!(told, []);
    assert_eq!(rules.rules.len(), 5);
    assert_eq!(rules.exceptions[0].until.to_string(), "2027-03-31");
    let ids: Vec<&str> = rules.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.first(), Some(&"patient-stays-in-luxembourg"));
    // A rule that selects nothing itself is about the tiers that use it.
    let scope = rules.scope(rules.rule("exit-is-tested").unwrap());
    assert_eq!((scope[0].key, scope[0].values[0].text.as_str()), (SelectorKey::Tier, "sovereign-critical"));
    let mut sentences = String::new();
    for rule in &rules.rules {
        sentences += &format!("{}\n", crate::words::rule(rule, &rules.scope(rule)));
    }
    insta::assert_snapshot!("rules_in_sentences", sentences);
}

/// A sound text with pieces cut, doubled, moved and replaced.
pub fn scrambled(text: &'static str) -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "\n",
        "\n\n  ",
        "\t",
        "\"",
        "'",
        "&a ",
        "*a",
        "---\n",
        "null",
        "~",
        "2027-02-30",
        "unknown",
        "é",
        "\u{85}",
        "\0",
        "50%",
        "home",
        "must",
        "only_for",
        "extends",
        "use",
        "<<: ",
        "!!str ",
        "9999999999",
    ]);
    let edit = (any::<prop::sample::Index>(), 0..40usize, pieces);
    prop::collection::vec(edit, 0..6).prop_map(move |edits| {
        let mut letters: Vec<char> = text.chars().collect();
        for (at, cut, piece) in edits {
            let at = at.index(letters.len() + 1);
            let end = (at + cut).min(letters.len());
            letters.splice(at..end, piece.chars());
        }
        letters.into_iter().collect()
    })
}

proptest! {
    /// Whatever is in the files: they are read and, without errors, compiled; what is told stands on a line of them.
    #[test]
    fn no_text_panics(text in scrambled(RULES)) {
        let (rules, told) = RuleSet::parse(&[("r.yaml".to_owned(), text.clone())], &Home::default());
        let lines = text.lines().count().max(1) as u32 + 1;
        prop_assert!(told.iter().all(|one| one.line <= lines), "{:?}", told);
        if told.is_empty() {
            let organisation = Organisation::parse("allod.yaml", ORGANISATION).0;
            let (compiled, told) = Compiled::new(&rules, &organisation, register());
            prop_assert!(compiled.is_some() != told.iter().any(|one| one.severity == allod_facts::Severity::Error));
        }
    }

    #[test]
    fn no_bytes_panic(text in "\\PC{0,80}|[\\[\\]{}:,\\-&*!|>'\"%@` \n#?ab]{0,60}") {
        drop(RuleSet::parse(&[("r.yaml".to_owned(), text.clone()), ("r.cedar".to_owned(), text.clone())], &Home::default()));
        drop(crate::parse_cases("r.test.yaml", &text, register()));
    }
}

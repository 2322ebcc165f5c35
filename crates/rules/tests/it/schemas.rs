//! The published schemas say what the parsers take: the same keys, and of sound and broken files the same.

use allod_facts::Diagnostic;
use allod_readers::node::{Node, Value as Shape, parse_yaml};
use allod_register::Register;
use allod_rules::{Organisation, RuleSet, parse_cases};
use allod_stack::Home;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join(format!("schemas/allod.{name}.1.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn parse(name: &str, text: &str) -> Vec<Diagnostic> {
    match name {
        "organisation" => Organisation::parse("a", text).1,
        "rules" => RuleSet::parse(&[("a".to_owned(), text.to_owned())], &Home::default()).1,
        _ => parse_cases("a", text, &Register::builtin().unwrap()).1,
    }
}

/// YAML as an editor understands it (the core schema of YAML 1.2).
fn plain(node: &Node) -> Value {
    match &node.value {
        Shape::Null => Value::Null,
        Shape::Scalar(scalar) if scalar.quoted => json!(scalar.text),
        Shape::Scalar(scalar) => match scalar.text.as_str() {
            "true" => json!(true),
            "false" => json!(false),
            text => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        },
        Shape::Seq(items) => items.iter().map(plain).collect(),
        Shape::Map(entries) => {
            let name = |key: &Node| key.as_str().map_or_else(|| "?".to_owned(), str::to_owned);
            Value::Object(entries.iter().map(|(key, value)| (name(key), plain(value))).collect::<Map<_, _>>())
        }
    }
}

fn problems(name: &str, text: &str) -> Vec<String> {
    let (documents, broken) = parse_yaml(text);
    assert!(broken.is_none() && documents.len() == 1, "{text}");
    let validator = jsonschema::validator_for(&schema(name)).unwrap();
    let value = plain(&documents[0]);
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_examples_are_what_the_schemas_say() {
    let mut seen = 0;
    let check = |name: &str, path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(problems(name, &text), Vec::<String>::new(), "{}", path.display());
    };
    for folder in std::fs::read_dir(root().join("examples")).unwrap() {
        let folder = folder.unwrap().path();
        let organisation = folder.join("allod.yaml");
        if organisation.is_file() {
            check("organisation", &organisation);
            seen += 1;
        }
        let Ok(files) = std::fs::read_dir(folder.join("rules")) else { continue };
        for file in files {
            let path = file.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if name.ends_with(".yaml") {
                check(if name.ends_with(".test.yaml") { "rules-test" } else { "rules" }, &path);
                seen += 1;
            }
        }
    }
    assert!(seen >= 3, "{seen} files of examples");
}

/// The keys that a parser names when it is given one that it does not have.
fn parser_keys(name: &str, text: &str) -> BTreeSet<String> {
    let told = parse(name, &text.replace("HERE", "zzzzzzzzzzzz: x"));
    let hints = told.iter().filter(|one| one.message.contains("zzzzzzzzzzzz")).filter_map(|one| one.hint.as_deref());
    let keys = hints.filter_map(|hint| hint.rsplit_once(": ")).map(|(_, keys)| keys);
    keys.flat_map(|keys| keys.split(", ")).map(str::to_owned).collect()
}

#[test]
fn the_schemas_have_the_keys_that_the_parsers_know() {
    let rule = |inner: &str| format!("version: 1\nrules:\n  a:\n    {inner}\n");
    let must = |inner: &str| rule(&format!("must: {{ {inner} }}"));
    let maps = [
        ("organisation", "", "HERE\nversion: 1\n".to_owned()),
        ("organisation", "/$defs/data-class", "version: 1\ndata: { a: { HERE } }\n".to_owned()),
        ("organisation", "/$defs/environment", "version: 1\nenvironments: { a: { HERE } }\n".to_owned()),
        ("organisation", "/$defs/workload", "version: 1\nworkloads: { a: { HERE } }\n".to_owned()),
        (
            "organisation",
            "/$defs/workload/properties/exit",
            "version: 1\nworkloads: { a: { exit: { HERE, tested: 2026-01-01 } } }\n".to_owned(),
        ),
        ("organisation", "/$defs/where", "version: 1\ndata: { a: { on: { HERE, path: x } } }\n".to_owned()),
        ("organisation", "/$defs/statement", "version: 1\nstates: [{ HERE, component: x, run_by: us }]\n".to_owned()),
        ("rules", "", "HERE\nversion: 1\n".to_owned()),
        ("rules", "/$defs/rule", rule("HERE")),
        ("rules", "/$defs/selectors", rule("except: { HERE }")),
        ("rules", "/$defs/must", must("HERE")),
        ("rules", "/$defs/from/anyOf/1", must("not_be_readable_from: { HERE, outside: home }")),
        ("rules", "/$defs/by/anyOf/1", must("not_be_readable_by: { HERE, parties: aws }")),
        ("rules", "/$defs/must/properties/exit/anyOf/1", must("exit: { HERE, tested_within: 1y }")),
        ("rules", "/$defs/must/properties/at_most", must("at_most: { HERE, share: 1%, of: provider }")),
        ("rules", "/$defs/only_for", must("only_for: { HERE, data: x }")),
        ("rules", "/$defs/tier", "version: 1\ntiers: { a: { HERE } }\n".to_owned()),
        ("rules", "/$defs/exception", "version: 1\nexceptions: [{ HERE }]\n".to_owned()),
        ("rules-test", "", "HERE\nversion: 1\n".to_owned()),
        ("rules-test", "/$defs/case", "version: 1\ncases: [{ HERE }]\n".to_owned()),
        (
            "rules-test",
            "/$defs/component",
            "version: 1\ncases: [{ name: a, expect: deny, component: { HERE } }]\n".to_owned(),
        ),
        (
            "rules-test",
            "/$defs/component/properties/powers",
            "version: 1\ncases: [{ name: a, expect: deny, component: { powers: { HERE } } }]\n".to_owned(),
        ),
    ];
    for (name, pointer, text) in &maps {
        let schema = schema(name);
        let object = schema.pointer(pointer).unwrap_or_else(|| panic!("{name} has no {pointer}"));
        let keys: BTreeSet<String> = object["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, parser_keys(name, text), "{name} {pointer}");
        assert_eq!(object["additionalProperties"], json!(false), "{name} {pointer}");
    }
    // No map of a schema was left out: each has its line above.
    for name in ["organisation", "rules", "rules-test"] {
        let closed = schema(name).to_string().matches("\"additionalProperties\":false").count();
        assert_eq!(closed, maps.iter().filter(|(of, ..)| of == &name).count(), "{name}");
    }
}

/// Files that are nearly right, with what a parser and its schema say: both yes, or both no.
#[test]
fn schemas_and_parsers_agree() {
    let check = |name: &str, text: &str, sound: bool| {
        let told: Vec<String> = parse(name, text).into_iter().map(|one| one.message).collect();
        assert_eq!(told.is_empty(), sound, "parser of {name}: {told:?}\n{text}");
        let problems = problems(name, text);
        assert_eq!(problems.is_empty(), sound, "schema of {name}: {problems:?}\n{text}");
    };
    let must = |text: &str, sound: bool| {
        check("rules", &format!("version: 1\nrules:\n  a:\n    must: {{ {text} }}\n"), sound);
    };
    for text in [
        "be_in: LU",
        "be_in: [eu, home]",
        "be_controlled_from: [EEA, CH]",
        "be_operated_by: [ovhcloud, 3]",
        "keys: ours",
        "audit: full",
        "audit: retention",
        "audit: [retention, rule-gate]",
        "exit: tested",
        "exit: { tested_within: 6m }",
        "at_most: { share: 50%, of: jurisdiction }",
        "only_for: { data: [a, b] }",
        "not_be_readable_from: [US]",
        "not_be_stoppable_from: { among: US, when: ever }",
        "not_be_changeable_by: [aws]",
        "not_be_stoppable_by: { parties: aws, when: now }",
    ] {
        must(text, true);
    }
    for text in [
        "",
        "be_in: []",
        "be_in: Europe",
        "be_in: { outside: home }",
        "keys: theirs",
        "audit: everything",
        "audit: []",
        "exit: soon",
        "exit: {}",
        "exit: { tested_within: 6 months }",
        "at_most: 50%",
        "at_most: { share: 101%, of: provider }",
        "at_most: { share: 50%, of: planet }",
        "at_most: { share: 50% }",
        "only_for: {}",
        "only_for: { workloads: [] }",
        "not_be_readable_from: {}",
        "not_be_readable_from: { outside: EU, among: US }",
        "not_be_readable_from: { outside: EU, when: later }",
        "not_be_stoppable_by: { when: ever }",
        "be_inn: LU",
    ] {
        must(text, false);
    }
    let exception = "version: 1\nexceptions:\n  - { rule: a, component: b, until: 2027-03-31, by: c, why: d }\n";
    check("rules", exception, true);
    for (from, to) in
        [("until: 2027-03-31", "until: soon"), ("by: c, ", ""), ("why: d", "why: d, also: e"), ("rule: a", "rule: []")]
    {
        check("rules", &exception.replace(from, to), false);
    }
    for (text, sound) in [
        ("version: 1\n", true),
        ("version: 1\ndefault: deny\ntiers:\n  gold:\n  silver: { use: [a], extends: gold }\n", true),
        ("version: 1\ntiers: { gold: [a] }\n", false),
        ("version: 1\ntiers: { unknown: {} }\n", false),
        ("version: 2\n", false),
        ("rules: {}\n", false),
        ("version: 1\ndefault: perhaps\n", false),
        ("version: 1\nrules: [a]\n", false),
        ("version: 1\nrules: { a: {} }\n", false),
        ("version: 1\nrules: { 'a b': { must: { keys: ours } } }\n", false),
        ("version: 1\nrules: { a: { severity: fatal, must: { keys: ours } } }\n", false),
        ("version: 1\nrules: { a: { layer: storrage, must: { keys: ours } } }\n", false),
    ] {
        // Whether a layer exists is asked when the rules are compiled.
        if !text.contains("storrage") {
            check("rules", text, sound);
        } else {
            assert!(!problems("rules", text).is_empty());
        }
    }
    for (text, sound) in [
        (
            "version: 1\nhome: EU\ndata:\n  public:\n  patient: { is: personal, on: [{ path: a/** }, { label: x=y }] }\n",
            true,
        ),
        ("version: 1\nenvironments: { production: { path: [a, b], namespace: c } }\n", true),
        ("version: 1\nworkloads: { web: { tier: gold, exit: { tested: 2026-01-31 }, kind: Deployment } }\n", true),
        (
            "version: 1\nstates:\n  - { component: a, run_by: us, why: so }\n  - { component: a, located_in: LU }\n",
            true,
        ),
        ("version: 1\nhome: Europe\n", false),
        ("version: 1\nhome: []\n", false),
        ("version: 1\ndata: { patient: personal }\n", false),
        ("version: 1\ndata: { unknown: {} }\n", false),
        ("version: 1\ndata: { patient: { path: a, on: { path: b } } }\n", false),
        ("version: 1\ndata: { patient: { on: {} } }\n", false),
        ("version: 1\nworkloads: { web: { exit: {} } }\n", false),
        ("version: 1\nworkloads: { web: { exit: { tested: soon } } }\n", false),
        ("version: 1\nstates: [{ component: a }]\n", false),
        ("version: 1\nstates: [{ component: a, run_by: us, located_in: LU }]\n", false),
        ("version: 1\nstates: [{ component: a, run_by: them }]\n", false),
    ] {
        check("organisation", text, sound);
    }
    let case = |text: &str, sound: bool| check("rules-test", &format!("version: 1\ncases:\n  - {{ {text} }}\n"), sound);
    for component in [
        "{}",
        "{ provider: aws-s3, in: [LU, unknown], layer: storage }",
        "{ ours: true, exit_tested_days: 3, audit: full }",
        "{ keys: ours, powers: { read: US, stop_later: [unknown] }, labels: [a=b], role: own }",
    ] {
        case(&format!("name: a, expect: deny, rules: [x], component: {component}"), true);
    }
    for component in [
        "a",
        "{ in: Luxembourg }",
        "{ layer: storrage }",
        "{ ours: perhaps }",
        "{ exit_tested_days: soon }",
        "{ audit: [x] }",
        "{ powers: { reads: US } }",
        "{ keys: theirs }",
        "{ role: x }",
        "{ data: [] }",
    ] {
        case(&format!("name: a, expect: deny, component: {component}"), false);
    }
    case("expect: deny, component: {}", false);
    case("name: a, expect: no, component: {}", false);
    case("name: a, expect: deny", false);
}

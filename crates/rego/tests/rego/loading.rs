use crate::{ask, document, load, load_with, shown};
use allod_rego::{Error, Options};

#[test]
fn what_is_wrong_with_rule_files_shows_its_line() {
    let found: Vec<String> = [
        ("syntax, new", "package main\n\ndeny contains msg if {\n  msg := \n}\n"),
        ("syntax, old", "package main\n\ndeny[msg] {\n  msg = \"x\"\n}\n\nwarn[msg] {\n  msg = = 1\n}\n"),
        ("no package", "deny contains \"x\"\n"),
        ("only true", "package main\ndeny if input.x\n"),
        ("only true, written out", "package main\ndeny := true if input.x\n"),
        ("an object", "package main\ndeny[msg] if { msg := \"x\" }\n"),
        ("deeper", "package main\ndeny.x contains \"x\"\n"),
        ("reaches out", "package main\ndeny contains \"x\" if {\n  http.send({\"method\": \"get\", \"url\": input.u}).status_code == 200\n}\n"),
        ("reads the environment", "package main\ndeny contains opa.runtime().env.HOME\n"),
        ("dice", "package main\ndeny contains \"x\" if rand.intn(\"a\", 2) == 1\n"),
        ("clock", "package main\ndeny contains \"x\" if time.now_ns() > 1\n"),
        ("inside a function", "package main\nf(x) if http.send(x)\ndeny contains \"x\" if not f(input)\n"),
        ("inside a comprehension", "package main\ndeny contains \"x\" if count([y | y := nowhere.f(input)]) > 0\n"),
        ("calls itself", "package main\nf(x) := g(x)\ng(x) := f(x)\ndeny contains \"x\" if f(1)\n"),
        ("unset variable", "package main\ndeny contains msg if msg == missing\n"),
        ("other package", "package other\ndeny contains \"x\"\n"),
        ("no rule", "package main\nhelper := 1\ndenying contains \"x\"\ndeny_ contains \"y\"\n"),
        ("too deep", &format!("package main\ndeny contains {}1{}\n", "[".repeat(5000), "]".repeat(5000))),
    ]
    .iter()
    .map(|(what, text)| {
        let (policies, diagnostics) = load(&[("a.rego", text)]);
        assert!(!policies.is_usable(), "{what}");
        assert!(matches!(policies.evaluate(&document("a.json", "{}")), Err(Error::Unusable)), "{what}");
        format!("{what}: {}", shown(&diagnostics))
    })
    .collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn one_broken_file_stops_all() {
    let (policies, diagnostics) = load(&[("a.rego", "package main\ndeny contains \"x\"\n"), ("b.rego", "package")]);
    assert_eq!(diagnostics.len(), 1);
    assert!(matches!(policies.evaluate(&document("a.json", "{}")), Err(Error::Unusable)));
}

#[test]
fn functions_are_found_where_they_are() {
    let library = "package lib.k8s\nimage(x) := x.image\n";
    let rules = "package main\nimport data.lib.k8s\nimport data.lib.k8s as k\nown(x) if x\ndeny contains msg if {\n  own(true)\n  msg := concat(\"\", [k8s.image(input), k.image(input), data.lib.k8s.image(input)])\n}\n";
    let (policies, diagnostics) = load(&[("lib.rego", library), ("main.rego", rules)]);
    assert_eq!(diagnostics, []);
    insta::assert_snapshot!(ask(&policies, &document("a.json", r#"{"image": "x"}"#)), @"Fail main.deny [main.rego:5] xxx");
}

#[test]
fn tests_of_rules_are_left_out() {
    let test = "package main\ntest_x if { cfg := parse_config_file(\"x\"); deny with input as cfg }\n";
    let (policies, diagnostics) = load(&[("a.rego", "package main\ndeny contains \"x\"\n"), ("a_test.rego", test)]);
    assert_eq!(diagnostics, []);
    assert_eq!(policies.rules().len(), 1);
}

#[test]
fn data_that_cannot_be_used_is_said() {
    let rules = [("a.rego", "package main\ndeny contains \"x\"\n")];
    let (policies, diagnostics) = load_with(
        &rules,
        &[("a.yaml", "x: [1\n"), ("b.txt", ""), ("c.json", r#"{"k": 1}"#), ("d.json", r#"{"k": 2}"#)],
        Options::default(),
    );
    assert!(!policies.is_usable());
    let codes: Vec<(&str, &str)> = diagnostics.iter().map(|one| (one.code, &*one.path)).collect();
    assert_eq!(codes, [("P045", "a.yaml"), ("P045", "b.txt"), ("P045", "d.json")]);
}

use crate::{ask, document, load_with, usable};
use allod_rego::{Document, Error, Options};

const V1: &str = r#"package main

deny contains msg if {
	input.kind == "Deployment"
	not input.spec.nonRoot
	msg := sprintf("%s runs as root", [input.metadata.name])
}

deny contains msg if {
	some image in input.spec.images
	endswith(image, ":latest")
	msg := sprintf("%s is not pinned", [image])
}

violation_labels contains {"msg": msg, "details": {"missing": missing}, "severity": 3} if {
	missing := {"owner"} - object.keys(object.get(input.metadata, "labels", {}))
	count(missing) > 0
	msg := "labels are missing"
}

warn_replicas contains "one replica" if input.spec.replicas == 1
"#;

const ROOT: &str = "kind: Deployment\nmetadata: {name: shop}\nspec: {images: ['a:1', 'b:latest'], replicas: 1}\n";

#[test]
fn levels_messages_details_and_lines() {
    insta::assert_snapshot!(ask(&usable(&[("k8s.rego", V1)]), &document("shop.yaml", ROOT)), @r#"
    Fail main.deny [k8s.rego:9] b:latest is not pinned
    Fail main.deny [k8s.rego:3] shop runs as root
    Fail main.violation_labels [k8s.rego:15] labels are missing {"details":{"missing":["owner"]},"severity":3}
    Warn main.warn_replicas [k8s.rego:21] one replica
    "#);
}

#[test]
fn the_old_syntax_stands_beside_the_new() {
    let old = "package main\n\ndeny[msg] {\n  input.kind = \"Deployment\"\n  msg = \"old\"\n}\n";
    let imports = "package main\nimport future.keywords\n\nwarn[msg] {\n  some x in input.spec.images\n  msg := x\n}\n";
    let policies = usable(&[("new.rego", V1), ("old.rego", old), ("imports.rego", imports)]);
    insta::assert_snapshot!(ask(&policies, &document("shop.yaml", ROOT)), @"
    Fail main.deny [new.rego:9] b:latest is not pinned
    Fail main.deny [old.rego:3] old
    Fail main.deny [new.rego:3] shop runs as root
    Fail main.violation_labels [new.rego:15] labels are missing {\"details\":{\"missing\":[\"owner\"]},\"severity\":3}
    Warn main.warn [imports.rego:4] a:1
    Warn main.warn [imports.rego:4] b:latest
    Warn main.warn_replicas [new.rego:21] one replica
    ");
}

#[test]
fn each_document_and_each_item_is_looked_at_alone() {
    let policies = usable(&[("a.rego", "package main\ndeny contains input.name if input.bad\n")]);
    let several = "name: one\nbad: true\n---\nname: two\nbad: false\n---\nname: three\nbad: yes\n";
    assert_eq!(ask(&policies, &document("a.yaml", several)).lines().count(), 2);
    let list = r#"[{"name": "one", "bad": true}, {"name": "two"}]"#;
    insta::assert_snapshot!(ask(&policies, &document("a.json", list)), @"Fail main.deny [a.rego:2] one");
}

#[test]
fn combined_files_are_one_list() {
    let policies = usable(&[(
        "a.rego",
        "package main\ndeny contains msg if { count(input) == 3; msg := concat(\" \", [c.path | c := input[_]]) }\n",
    )]);
    let all = vec![document("b.yaml", "x: 1\n---\nx: 2\n"), document("a.json", "{}")];
    insta::assert_snapshot!(ask(&policies, &Document::combine(all)), @"Fail main.deny [a.rego:2] a.json b.yaml b.yaml");
}

#[test]
fn exceptions_name_rules_without_their_first_word() {
    let rules = r#"package main
deny_root contains "root" if input.root
violation contains "bare" if input.root
warn_root contains "warned" if input.root
exception contains rules if { input.name == "spared"; rules := ["root"] }
exception contains rules if { input.name == "all"; rules := ["root", ""] }
"#;
    let policies = usable(&[("a.rego", rules)]);
    let input = |name: &str| document("a.json", &format!(r#"{{"name": "{name}", "root": true}}"#));
    assert_eq!(ask(&policies, &input("other")).lines().filter(|line| line.starts_with("Excepted")).count(), 0);
    insta::assert_snapshot!(ask(&policies, &input("spared")), @"
    Excepted main.deny_root [a.rego:2] excepted by `main.exception`
    Fail main.violation [a.rego:3] bare
    Excepted main.warn_root [a.rego:4] excepted by `main.exception`
    ");
    assert!(ask(&policies, &input("all")).lines().all(|line| line.starts_with("Excepted")));
}

#[test]
fn namespaces_data_and_file_names() {
    let files = [
        ("a.rego", "package team.a\nimport data.lists\ndeny contains x if { some x in lists.banned; input[x] }\n"),
        ("b.rego", "package team.b\ndeny contains x if { x := data.conftest.file.name }\n"),
        ("c.rego", "package other\ndeny contains \"never\"\n"),
    ];
    let data = [("lists/banned.yaml", "banned: [ftp, telnet]\n")];
    let options = Options { namespaces: vec!["team.*".into()], ..Options::default() };
    let (policies, diagnostics) = load_with(&files, &data, options);
    assert_eq!(diagnostics, []);
    insta::assert_snapshot!(ask(&policies, &document("conf/x.json", r#"{"ftp": true}"#)), @"
    Fail team.a.deny [a.rego:3] ftp
    Fail team.b.deny [b.rego:2] x.json
    ");
}

#[test]
fn complete_rules_may_give_lists() {
    let rules = "package main\ndeny := [m | m := input.all[_]]\ndefault warn := false\nwarn := [\"w\"] if input.w\n";
    let policies = usable(&[("a.rego", rules)]);
    insta::assert_snapshot!(ask(&policies, &document("a.json", r#"{"all": ["x", "y"]}"#)), @"
    Fail main.deny [a.rego:2] x
    Fail main.deny [a.rego:2] y
    ");
}

#[test]
fn what_is_no_message_is_no_pass() {
    for (rule, input, expected) in [
        ("deny := input.x", r#"{"x": "text"}"#, "a text instead of a set"),
        ("deny := input.x", r#"{"x": true}"#, "a truth value"),
        ("deny contains input.x", r#"{"x": 3}"#, "a number"),
        ("deny contains input.x", r#"{"x": {"message": "m"}}"#, "an object without the text `msg`"),
        ("deny contains input.x", r#"{"x": {"msg": 1}}"#, "an object without the text `msg`"),
    ] {
        let policies = usable(&[("a.rego", &format!("package main\n{rule}\n"))]);
        let found = ask(&policies, &document("a.json", input));
        assert_eq!(found, format!("error: `main.deny` gave {expected} on `a.json`, which is no message"), "{rule}");
    }
}

#[test]
fn errors_in_rules_are_errors() {
    // Two answers of one function.
    let rules = "package main\nf(x) := 1 if x\nf(x) := 2 if x\ndeny contains \"m\" if f(input.x) == 1\n";
    let found = usable(&[("a.rego", rules)]).evaluate(&document("a.json", r#"{"x": true}"#)).unwrap_err();
    assert!(matches!(&found, Error::Rule { policy: Some((path, 4)), .. } if path == "a.rego"), "{found:?}");
    let shown = found.diagnostic(&"x".into());
    assert_eq!((shown.code, &*shown.path, shown.line), ("P043", "a.rego", 4));
}

#[test]
fn a_message_that_nothing_sets_is_an_error() {
    let policies = usable(&[("a.rego", "package main\ndeny contains msg if input.x\n")]);
    assert_eq!(ask(&policies, &document("a.json", "{}")), "");
    assert!(ask(&policies, &document("a.json", r#"{"x": true}"#)).contains("var msg is unsafe"));
}

#[test]
fn results_and_time_have_limits() {
    let many = usable(&[(
        "a.rego",
        "package main\ndeny contains m if { m := sprintf(\"%d\", [numbers.range(1, 20000)[_]]) }\n",
    )]);
    assert!(matches!(many.evaluate(&document("a.json", "{}")), Err(Error::Results { .. })));
    let rules = "package main\ndeny contains \"m\" if { some a in numbers.range(1, 5000); some b in numbers.range(1, 5000); a * b == -1 }\n";
    let options = Options { time_limit_ms: 1, ..Options::default() };
    let (slow, diagnostics) = load_with(&[("a.rego", rules)], &[], options);
    assert_eq!(diagnostics, []);
    assert!(matches!(slow.evaluate(&document("a.json", "{}")), Err(Error::Time { limit_ms: 1, .. })));
}

#[test]
fn the_clock_is_the_callers() {
    let rules = "package main\ndeny contains \"expired\" if time.now_ns() > time.parse_rfc3339_ns(input.until)\n";
    let at = |now_ns| {
        let options = Options { now_ns: Some(now_ns), ..Options::default() };
        let (policies, diagnostics) = load_with(&[("a.rego", rules)], &[], options);
        assert_eq!(diagnostics, []);
        ask(&policies, &document("a.json", r#"{"until": "2020-01-01T00:00:00Z"}"#))
    };
    assert_eq!(at(0), "");
    insta::assert_snapshot!(at(1_600_000_000_000_000_000), @"Fail main.deny [a.rego:2] expired");
}

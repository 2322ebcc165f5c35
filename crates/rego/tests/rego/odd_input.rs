//! Whatever stands in a file, there is an answer: a document or a diagnostic, findings or an error.

use crate::{load, usable};
use allod_rego::{Document, Kind};
use proptest::prelude::*;

const KINDS: [Kind; 6] = [Kind::Yaml, Kind::Json, Kind::Toml, Kind::Dockerfile, Kind::Hcl, Kind::Dotenv];

const RULES: &str = r#"package main
deny contains msg if { some k, v in input; msg := sprintf("%v %d %s", [k, v, v]) }
warn contains msg if { walk(input, [path, value]); is_string(value); re := regex.match(value, "a"); msg := sprintf("%v %v", [path, re]) }
violation contains {"msg": "n", "n": n} if { n := to_number(input[_]) }
"#;

/// Pieces of the formats, in any order.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("---\n"),
        Just("\n"),
        Just("a: "),
        Just("- "),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just("\""),
        Just("'"),
        Just("= "),
        Just("&a "),
        Just("*a"),
        Just("<<: "),
        Just("${"),
        Just("%{"),
        Just("<<EOF\n"),
        Just("EOF\n"),
        Just("FROM a\n"),
        Just("RUN \\\n"),
        Just("# "),
        Just("0x"),
        Just("-1e"),
        Just("."),
        Just(","),
        Just("\u{0}"),
        Just("é"),
        Just("~"),
        Just("!!str "),
        Just("? "),
        Just("|\n"),
        Just("x"),
        Just(":"),
        Just(" "),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_has_an_answer(text in prop_oneof![text(), any::<String>()], kind in prop::sample::select(&KINDS[..])) {
        let policies = usable(&[("a.rego", RULES)]);
        if let Ok(document) = Document::parse("a", kind, &text) {
            let _ = policies.evaluate(&document);
        }
    }

    #[test]
    fn any_rule_file_has_an_answer(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30)) {
        let text = format!("package main\n{}", pieces.join(" "));
        let (policies, diagnostics) = load(&[("a.rego", &text)]);
        prop_assert_eq!(policies.is_usable(), diagnostics.is_empty());
        let document = Document::parse("a", Kind::Json, "{\"x\": [1, \"y\"]}").unwrap();
        let _ = policies.evaluate(&document);
    }
}

const PIECES: [&str; 40] = [
    "deny", "contains", "msg", "if", "{", "}", "[", "]", "(", ")", "input", ".", "x", "some", "in", ":=", "=", "==",
    "not", "every", "\n", "\"m\"", "1", "with", "as", "data", "default", "else", "import", "count", "f", "|", "&", "-",
    ",", ";", "_", "`", "null", "sprintf",
];

#[test]
fn deep_and_wide_inputs_have_an_answer() {
    let policies = usable(&[("a.rego", RULES)]);
    for (kind, text) in [
        (Kind::Json, format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        (Kind::Json, format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120))),
        (Kind::Yaml, "- ".repeat(100_000)),
        (Kind::Yaml, format!("{}x", "{a: ".repeat(99))),
        (Kind::Hcl, "a {\n".repeat(100_000)),
        (Kind::Hcl, format!("a = {}", "[".repeat(100_000))),
        (Kind::Toml, format!("a = {}", "[".repeat(100_000))),
        (Kind::Dockerfile, "ONBUILD ".repeat(100_000)),
    ] {
        if let Ok(document) = Document::parse("a", kind, &text) {
            let _ = policies.evaluate(&document);
        }
    }
}

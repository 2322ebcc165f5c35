//! Rules of a few lines, in the styles that teams have them in, over inputs of a few lines.

#![allow(clippy::unwrap_used)]

mod documents;
mod evaluation;
mod loading;
mod odd_input;

use allod_facts::Diagnostic;
use allod_rego::{Document, Kind, Options, Policies, Violation};

fn load(files: &[(&str, &str)]) -> (Policies, Vec<Diagnostic>) {
    load_with(files, &[], Options::default())
}

fn load_with(files: &[(&str, &str)], data: &[(&str, &str)], options: Options) -> (Policies, Vec<Diagnostic>) {
    let owned = |files: &[(&str, &str)]| files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
    Policies::load(owned(files), owned(data), options)
}

fn usable(files: &[(&str, &str)]) -> Policies {
    let (policies, diagnostics) = load(files);
    assert_eq!(diagnostics, []);
    policies
}

fn shown(diagnostics: &[Diagnostic]) -> String {
    let line = |one: &Diagnostic| format!("{} {}:{} {}", one.code, one.path, one.line, one.message);
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn document(path: &str, text: &str) -> Document {
    Document::parse(path, Kind::of(path).unwrap(), text).unwrap()
}

/// One line a finding: level, rule, message, line of the rule.
fn ask(policies: &Policies, document: &Document) -> String {
    match policies.evaluate(document) {
        Err(error) => format!("error: {error}"),
        Ok(violations) => violations.iter().map(line_of).collect::<Vec<_>>().join("\n"),
    }
}

fn line_of(one: &Violation) -> String {
    let place = one.place.as_ref().map_or("?".into(), |place| format!("{}:{}", place.path, place.line));
    let details = if one.details.is_empty() { String::new() } else { serde_json::to_string(&one.details).unwrap() };
    format!("{:?} {}.{} [{place}] {} {details}", one.level, one.namespace, one.rule, one.message).trim_end().to_owned()
}

//! What the tests of several modules need.

use crate::{Compiled, Organisation, RuleSet};
use allod_facts::{Diagnostic, Severity};
use allod_register::Register;
use allod_stack::Home;
use std::fmt::Write as _;
use std::sync::LazyLock;

static REGISTER: LazyLock<Register> = LazyLock::new(|| Register::builtin().unwrap());

pub fn register() -> &'static Register {
    &REGISTER
}

pub fn shown(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for one in diagnostics {
        let severity = if one.severity == Severity::Error { "" } else { " (warning)" };
        let _ = writeln!(out, "{}{severity} {}:{} {}", one.code, one.path, one.line, one.message);
        if let Some(hint) = &one.hint {
            let _ = writeln!(out, "     hint: {hint}");
        }
    }
    out
}

/// Texts with the lines of each numbered, and what is told about it.
pub fn told(cases: &[(&str, &str)], read: impl Fn(&str) -> Vec<Diagnostic>) -> String {
    let mut out = String::new();
    for (name, text) in cases {
        let _ = writeln!(out, "== {name}");
        for (at, line) in text.lines().enumerate() {
            let _ = writeln!(out, "{:>3} | {line}", at + 1);
        }
        let diagnostics = read(text);
        let _ = writeln!(out, "{}", if diagnostics.is_empty() { "nothing\n".to_owned() } else { shown(&diagnostics) });
    }
    out
}

/// An organisation without errors.
pub fn organisation(text: &str) -> Organisation {
    let (organisation, told) = Organisation::parse("allod.yaml", text);
    assert!(told.is_empty(), "{}", shown(&told));
    organisation
}

/// Rules without errors: a text that begins with `version` is a rule file, another one Cedar.
pub fn rules(texts: &[&str], home: &Home) -> RuleSet {
    let files: Vec<(String, String)> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let ending = if text.trim_start().starts_with("version") { "yaml" } else { "cedar" };
            (format!("rules/{at}.{ending}"), (*text).to_owned())
        })
        .collect();
    let (rules, told) = RuleSet::parse(&files, home);
    assert!(told.is_empty(), "{}", shown(&told));
    rules
}

pub fn compiled(rules: &RuleSet, organisation: &Organisation) -> Compiled {
    let (compiled, told) = Compiled::new(rules, organisation, register());
    compiled.unwrap_or_else(|| panic!("{}", shown(&told)))
}

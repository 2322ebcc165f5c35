use super::object::Document;
use crate::files::Files;
use crate::helm::template;
use crate::node::{Broken, Node, Value, parse_json, parse_yaml};
use allod_facts::{Diagnostic, Evidence, Facts, Severity};
use std::sync::Arc;

/// Parses the documents of a file; what is broken becomes a diagnostic, and the documents beside it are kept.
pub(crate) fn load(files: &Files, path: &str, reader: &'static str, facts: &mut Facts, into: &mut Vec<Document>) {
    let shared = files.shared_path(path);
    let text = match files.text(path) {
        None => return,
        Some(Err(_)) => return facts.diagnostics.push(not_text(&shared)),
        Some(Ok(text)) => text,
    };
    let (mut nodes, broken) = parse(path, &text);
    if let Some(broken) = broken {
        if broken.code == "D004" && (text.contains("{{") || text.contains("{%")) {
            return load_templated(&shared, reader, &text, broken.line, facts, into);
        }
        if broken.code == "D004" && !is_json(path) {
            nodes = parse_apart(&text);
        }
        facts.diagnostics.push(broken.diagnostic(&shared));
    }
    // `{{ name }}` without quotes is a map in a map to YAML.
    if text.contains("{{")
        && let Some(line) = nodes.iter().find_map(braces)
    {
        return load_templated(&shared, reader, &text, line, facts, into);
    }
    into.extend(nodes.into_iter().map(|node| Document { path: shared.clone(), reader, node }));
}

/// The line of the first key that is no scalar.
fn braces(node: &Node) -> Option<u32> {
    match &node.value {
        Value::Seq(items) => items.iter().find_map(braces),
        Value::Map(entries) => entries.iter().find_map(|(key, value)| match key.value {
            Value::Map(_) | Value::Seq(_) => Some(key.line),
            _ => braces(value),
        }),
        Value::Null | Value::Scalar(_) => None,
    }
}

fn is_json(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".json")
}

fn parse(path: &str, text: &str) -> (Vec<Node>, Option<Broken>) {
    if !is_json(path) {
        return parse_yaml(text);
    }
    match parse_json(text) {
        Ok(node) => (vec![node], None),
        Err(broken) => (Vec::new(), Some(broken)),
    }
}

/// A file that only a template engine could make YAML: one unresolved fact, and what is literal is read.
fn load_templated(
    path: &Arc<str>,
    reader: &'static str,
    text: &str,
    line: u32,
    facts: &mut Facts,
    into: &mut Vec<Document>,
) {
    let message = "the file becomes YAML only in a template engine, so only its literal lines are read".to_owned();
    facts.unresolved("U004", message, None, Evidence::line(path, line.max(1), reader));
    // `{% if x %}` on a line of its own, in the spelling of Jinja.
    let text: Vec<&str> =
        text.lines().map(|line| if line.trim_start().starts_with("{%") { "" } else { line }).collect();
    let rendered = template::render(&text.join("\n"), &template::Scope::default());
    let nodes = parse_apart(&rendered.text);
    into.extend(nodes.into_iter().map(|node| Document { path: path.clone(), reader, node }));
}

/// Parses each document by itself, so that a broken one does not take its neighbours with it.
pub(crate) fn parse_apart(text: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut chunk = String::new();
    let mut first_line = 0_u32;
    let mut flush = |chunk: &mut String, first_line: u32| {
        for mut node in parse_yaml(chunk).0 {
            shift(&mut node, first_line);
            nodes.push(node);
        }
        chunk.clear();
    };
    for (at, line) in text.lines().enumerate() {
        if line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r'])) {
            flush(&mut chunk, first_line);
            first_line = at as u32 + 1;
            continue;
        }
        chunk.push_str(line);
        chunk.push('\n');
    }
    flush(&mut chunk, first_line);
    nodes
}

/// Moves a tree down by some lines. The tree comes from a parser with a depth limit.
pub(crate) fn shift(node: &mut Node, by: u32) {
    node.line += by;
    node.end_line += by;
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Value::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            shift(key, by);
            shift(value, by);
        }),
        Value::Null | Value::Scalar(_) => {}
    }
}

pub(crate) fn not_text(path: &Arc<str>) -> Diagnostic {
    Diagnostic {
        code: "D002",
        severity: Severity::Error,
        message: "not a text in UTF-8 or UTF-16".to_owned(),
        path: path.clone(),
        line: 0,
        hint: None,
    }
}

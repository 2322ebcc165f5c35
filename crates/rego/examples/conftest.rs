//! Asks rules about files as `conftest test` does, and prints all that `testbed/rego/compare.py` compares as JSON.

use allod_rego::{Document, Kind, Options, Policies};
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

#[derive(Default)]
struct Arguments {
    policies: Vec<String>,
    data: Vec<String>,
    namespaces: Vec<String>,
    combine: bool,
    now_ns: Option<i64>,
    files: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let mut policies = Vec::new();
    for path in &arguments.policies {
        collect(Path::new(path), &["rego"], Path::new(""), &mut policies)?;
    }
    let mut data = Vec::new();
    for path in &arguments.data {
        collect(Path::new(path), &["json", "yaml", "yml"], Path::new(path), &mut data)?;
    }
    let mut options = Options { now_ns: arguments.now_ns, ..Options::default() };
    if !arguments.namespaces.is_empty() {
        options.namespaces.clone_from(&arguments.namespaces);
    }
    let (policies, mut diagnostics) = Policies::load(policies, data, options);
    let mut documents = Vec::new();
    for path in &arguments.files {
        let Some(kind) = Kind::of(path) else { return Err(format!("`{path}` has no kind").into()) };
        match Document::parse(path, kind, &fs::read_to_string(path)?) {
            Ok(document) => documents.push(document),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    let documents = if arguments.combine { vec![Document::combine(documents)] } else { documents };
    let mut results = Vec::new();
    for document in documents {
        let answer = match policies.evaluate(&document) {
            Ok(violations) => violations.iter().map(violation).collect(),
            Err(error) => json!({ "error": error.to_string() }),
        };
        results.push(json!({ "path": &*document.path, "inputs": document.to_json(), "answer": answer }));
    }
    let rules: Vec<Value> = policies
        .rules()
        .iter()
        .map(|rule| json!({ "namespace": rule.namespace, "name": rule.name, "definitions": rule.places.len() }))
        .collect();
    let diagnostics: Vec<Value> = diagnostics
        .iter()
        .map(|one| json!({ "code": one.code, "path": &*one.path, "line": one.line, "message": one.message }))
        .collect();
    let all = json!({ "diagnostics": diagnostics, "rules": rules, "results": results });
    writeln!(std::io::stdout(), "{all}")?;
    Ok(())
}

fn violation(found: &allod_rego::Violation) -> Value {
    json!({
        "level": format!("{:?}", found.level),
        "namespace": found.namespace,
        "rule": found.rule,
        "msg": found.message,
        "details": found.details,
        "place": found.place.as_ref().map(|place| format!("{}:{}", place.path, place.line)),
    })
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
        match word.as_str() {
            "--policy" => found.policies.push(value()?),
            "--data" => found.data.push(value()?),
            "--namespace" => found.namespaces.push(value()?),
            "--now-ns" => found.now_ns = Some(value()?.parse()?),
            "--all-namespaces" => found.namespaces.push("*".into()),
            "--combine" => found.combine = true,
            _ => found.files.push(word),
        }
    }
    Ok(found)
}

/// Files with an extension below a path, with their paths below `base`.
fn collect(
    path: &Path,
    extensions: &[&str],
    base: &Path,
    into: &mut Vec<(String, String)>,
) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::path);
        for entry in entries {
            collect(&entry.path(), extensions, base, into)?;
        }
    } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
        let below = path.strip_prefix(base).unwrap_or(path).to_string_lossy();
        let below = if below.is_empty() { path.file_name().unwrap_or_default().to_string_lossy() } else { below };
        into.push((below.into_owned(), fs::read_to_string(path)?));
    }
    Ok(())
}

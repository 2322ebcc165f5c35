use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files longer than this are spoken about.
const LONG_LINES: usize = 1_000;
/// Names that say nothing about what is in them.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "types", "misc", "mod"];

/// Looks over the house; lists everything that is out of order.
pub fn tidy(root: &Path) -> Result<(), String> {
    let mut wrong = tower(root)?;
    for path in sources(&root.join("crates")) {
        wrong.extend(source(root, &path));
    }
    wrong.extend(codes(root));
    if wrong.is_empty() {
        println!("tidy: fine");
        return Ok(());
    }
    Err(wrong.join("\n"))
}

/// The edges between our crates are those of `tower.toml`, and no other.
fn tower(root: &Path) -> Result<Vec<String>, String> {
    let allowed = allowed(root)?;
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata.get("packages").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let from = name(package);
        let Some(may) = allowed.get(&from) else {
            wrong.push(format!("tower.toml does not have the crate `{from}`"));
            continue;
        };
        let dependencies = package.get("dependencies").and_then(Value::as_array).cloned().unwrap_or_default();
        for to in dependencies.iter().map(name).filter(|to| ours.contains(to)) {
            if !may.contains(&to) {
                wrong.push(format!("`{from}` may not use `{to}` (tower.toml)"));
            }
        }
    }
    wrong.extend(
        allowed
            .keys()
            .filter(|name| !ours.contains(*name))
            .map(|name| format!("tower.toml has `{name}`, which is no crate")),
    );
    Ok(wrong)
}

fn allowed(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let text = std::fs::read_to_string(root.join("tower.toml")).map_err(|error| format!("tower.toml: {error}"))?;
    let node = allod_readers::node::parse_toml(&text)
        .map_err(|broken| format!("tower.toml:{}: {}", broken.line, broken.message))?;
    let crates = node.get("crates").ok_or("tower.toml has no [crates]")?;
    Ok(crates
        .entries()
        .map(|(name, _, uses)| {
            (name.to_owned(), uses.items().iter().filter_map(|one| one.as_str()).map(str::to_owned).collect())
        })
        .collect())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source(root: &Path, path: &Path) -> Vec<String> {
    let shown = path.strip_prefix(root).unwrap_or(path).display();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let mut wrong = Vec::new();
    if EMPTY_NAMES.contains(&stem) {
        wrong.push(format!("{shown}: the name says nothing about what is in it"));
    }
    if text.lines().count() > LONG_LINES {
        wrong.push(format!("{shown}: longer than {LONG_LINES} lines"));
    }
    // The words are put together here, so that this file does not find itself.
    for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")] {
        for (at, _) in text.lines().enumerate().filter(|(_, line)| line.contains(word)) {
            wrong.push(format!("{shown}:{}: `{word}` left in the code", at + 1));
        }
    }
    let shipped = !path.components().any(|part| part.as_os_str() == "xtask" || part.as_os_str() == "tests");
    if shipped && path.ends_with("src/lib.rs") && !text.starts_with("//!") {
        wrong.push(format!("{shown}: does not say what the crate is"));
    }
    wrong
}

/// Every code that the sources name is in the list, and every code of the list has its page and is used.
fn codes(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let list = std::fs::read_to_string(root.join("crates/facts/src/codes.rs")).unwrap_or_default();
    let listed: BTreeSet<&str> = list.split("c(\"").skip(1).filter_map(|rest| rest.get(..4)).collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for path in
        sources(&root.join("crates")).iter().filter(|path| !path.ends_with("codes.rs") && !path.ends_with("pages.rs"))
    {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        for word in text.split('"').filter(|word| is_code(word)) {
            if !listed.contains(word) {
                wrong.push(format!("{}: the code {word} is not in crates/facts/src/codes.rs", path.display()));
            }
            used.insert(word.to_owned());
        }
    }
    for code in listed {
        if !root.join(format!("docs/codes/{code}.md")).is_file() {
            wrong.push(format!("docs/codes/{code}.md is missing"));
        }
        if !used.contains(code) {
            wrong.push(format!("nothing gives the code {code}"));
        }
    }
    wrong
}

fn is_code(word: &str) -> bool {
    let mut bytes = word.bytes();
    word.len() == 4 && bytes.next().is_some_and(|b| b"DUFREPLW".contains(&b)) && bytes.all(|b| b.is_ascii_digit())
}

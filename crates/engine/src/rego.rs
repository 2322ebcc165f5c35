use crate::audit::Error;
use crate::collect::{Collected, Stage, collect};
use allod_facts::{Diagnostic, Evidence, Severity as Weight};
use allod_readers::files::decode;
use allod_rego::{Document, Kind, Level, Options, Policies, Violation as Found, limits::MAX_INPUT_BYTES};
use allod_rules::{Severity, Violation};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rego rules in the way of conftest, asked beside the rules of the organisation.
#[derive(Clone, Debug, Default)]
pub struct RegoOptions {
    pub folders: Vec<PathBuf>,
    /// Packages, as patterns.
    pub namespaces: Vec<String>,
    pub data: Vec<PathBuf>,
    /// Files that cannot be read are no violation.
    pub allow_unread: bool,
}

/// Files of one folder of Rego or data; more are something else.
const MAX_FILES: usize = 10_000;
/// A larger file of rules or data is no file that somebody wrote.
const MAX_BYTES: u64 = 64 << 20;

/// Asks Rego rules about every file of the paths that is of a kind which they can look at. What cannot be evaluated is a
/// violation.
///
/// # Errors
/// [`Error::RuleFile`] and [`Error::RuleProblems`]; those of an audit about the paths.
pub fn rego(paths: &[PathBuf], options: &RegoOptions, tell: &(dyn Fn(Stage) + Sync)) -> Result<Vec<Violation>, Error> {
    let texts = |paths: &[PathBuf], endings: &[&str]| -> Result<Vec<(String, String)>, Error> {
        let mut found = Vec::new();
        for path in paths {
            walk(path, path, endings, &mut found)?;
        }
        Ok(found)
    };
    let rules = texts(&options.folders, &[".rego"])?;
    let data = texts(&options.data, &[".json", ".yaml", ".yml"])?;
    let asked = Options { namespaces: options.namespaces.clone(), ..Options::default() };
    let (policies, told) = Policies::load(rules, data, asked);
    if !policies.is_usable() || told.iter().any(|one| one.severity == Weight::Error) {
        return Err(Error::RuleProblems(told));
    }
    let collected = collect(paths, None, tell)?;
    let mut violations = Vec::new();
    for (path, text) in inputs(&collected)? {
        let Some(kind) = Kind::of(&path) else { continue };
        let document = match Document::parse(&path, kind, &text) {
            Ok(document) => document,
            Err(told) => {
                if !options.allow_unread {
                    violations.push(not_evaluated(&told, &path));
                }
                continue;
            }
        };
        match policies.evaluate(&document) {
            Ok(found) => violations.extend(found.into_iter().filter_map(|one| violation(&one))),
            Err(error) => violations.push(not_evaluated(&error.diagnostic(&path), &path)),
        }
    }
    Ok(violations)
}

/// The texts that rules look at, by path.
fn inputs(collected: &Collected) -> Result<Vec<(Arc<str>, String)>, Error> {
    let mut inputs = Vec::new();
    for (path, loaded) in collected.files.loaded() {
        if let Ok(text) = decode(loaded.bytes()) {
            inputs.push((path.clone(), text));
        }
    }
    for (path, (real, _)) in &collected.streamed {
        let failed = |cause| Error::RuleFile { path: real.clone(), cause };
        let file = std::fs::File::open(real).map_err(failed)?;
        let mut bytes = Vec::new();
        // One byte more than the limit: the document refuses it with its reason.
        file.take(MAX_INPUT_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if let Ok(text) = decode(&bytes) {
            inputs.push((path.clone(), text));
        }
    }
    inputs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(inputs)
}

fn violation(found: &Found) -> Option<Violation> {
    let severity = match found.level {
        Level::Fail => Severity::Deny,
        Level::Warn => Severity::Warn,
        Level::Excepted => return None,
    };
    let at = found.location.as_ref();
    let path = at.and_then(|(path, _)| path.clone()).map_or_else(|| found.input.clone(), Arc::from);
    let line = at.and_then(|(_, line)| *line).unwrap_or(0);
    Some(Violation {
        rule: format!("{}.{}", found.namespace, found.rule),
        requirement: "rego",
        severity,
        why: None,
        cause: format!("{}: {}", found.input, found.message),
        components: vec![found.input.to_string()],
        message: found.message.clone(),
        evidence: Some(Evidence { path, line, end_line: line, reader: "rego" }),
        rule_path: found.place.as_ref().map_or_else(|| Arc::from(""), |place| Arc::from(&*place.path)),
        rule_line: found.place.as_ref().map_or(0, |place| place.line),
        way_out: Vec::new(),
    })
}

/// A rule without an answer is a no.
fn not_evaluated(told: &Diagnostic, input: &Arc<str>) -> Violation {
    Violation {
        rule: "rego".to_owned(),
        requirement: "evaluated",
        severity: Severity::Deny,
        why: Some("a rule that gives no answer lets nothing through".to_owned()),
        cause: format!("{input}: {}", told.code),
        components: vec![input.to_string()],
        message: told.message.clone(),
        evidence: Some(Evidence { path: input.clone(), line: 0, end_line: 0, reader: "rego" }),
        rule_path: told.path.clone(),
        rule_line: told.line,
        way_out: Vec::new(),
    }
}

/// Files with an ending under a path, sorted; data files are named as seen from their folder, as `opa` does it.
fn walk(root: &Path, path: &Path, endings: &[&str], found: &mut Vec<(String, String)>) -> Result<(), Error> {
    let failed = |cause| Error::RuleFile { path: path.to_owned(), cause };
    if !path.is_dir() {
        let name = path.to_string_lossy();
        if endings.iter().any(|ending| name.ends_with(ending)) {
            if found.len() >= MAX_FILES {
                return Err(failed(std::io::Error::from(std::io::ErrorKind::FileTooLarge)));
            }
            let is_data = !endings.contains(&".rego");
            let shown = if is_data { path.strip_prefix(root).unwrap_or(path) } else { path };
            let mut text = String::new();
            let file = std::fs::File::open(path).map_err(failed)?;
            file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
            if text.len() as u64 > MAX_BYTES {
                return Err(failed(std::io::Error::from(std::io::ErrorKind::FileTooLarge)));
            }
            found.push((shown.to_string_lossy().into_owned(), text));
        }
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    // A link to a folder could lead back here, or out.
    let inside = entries.iter().filter(|entry| !(entry.is_dir() && entry.is_symlink()));
    inside.map(PathBuf::as_path).try_for_each(|entry| walk(root, entry, endings, found))
}

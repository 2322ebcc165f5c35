use crate::audit::Error;
use crate::collect::root_of;
use allod_facts::{Diagnostic, Facts, Severity};
use allod_journal::Digest;
use allod_register::Register;
use allod_rules::{
    Compiled, Date, Gate, Judgement, MAX_FILE_BYTES, Organisation, RuleSet, Rulebook, Violation, judge, judge_some,
};
use allod_stack::{Home, Powers, Stack, build};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The organisation's own description, beside its files.
const ORGANISATION: &str = "allod.yaml";
/// The folder of rule files beside it.
const RULES: &str = "rules";
/// Files of one rule folder; more are something else.
const MAX_RULE_FILES: usize = 10_000;

/// Where rules and the organisation's description are.
#[derive(Clone, Debug, Default)]
pub struct PolicyOptions {
    /// `allod.yaml`; `None`: the nearest one at or above what is checked, within the repository.
    pub organisation: Option<PathBuf>,
    /// Rule files and folders of them; none: `rules/` beside `allod.yaml`.
    pub rules: Vec<PathBuf>,
    /// What is home, whatever `allod.yaml` says.
    pub home: Option<Home>,
    /// That there are no rules is no error: others are asked, too.
    pub may_be_none: bool,
}

/// The description of an organisation and its rules, ready to be asked.
#[derive(Debug)]
pub struct Policies {
    pub organisation: Organisation,
    pub rules: RuleSet,
    pub compiled: Compiled,
    pub home: Home,
    /// Of all files that were read: that of the lines `DIGEST  NAME` which `sha256sum` prints for them, with names
    /// without folders, sorted.
    pub digest: Digest,
    /// Warnings about the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// The organisation alone, as an audit uses it: `None` when no file describes it.
///
/// # Errors
/// [`Error::RuleFile`] and [`Error::RuleProblems`]: a description that cannot be read is never half used.
pub fn organisation(paths: &[PathBuf], stated: Option<&Path>) -> Result<Option<Organisation>, Error> {
    Ok(described(paths, stated)?.map(|(organisation, _)| organisation))
}

/// A file's path as it is shown, and its text.
type Text = (String, String);

/// The organisation with the file that describes it.
fn described(paths: &[PathBuf], stated: Option<&Path>) -> Result<Option<(Organisation, Text)>, Error> {
    let Some(file) = stated.map(Path::to_owned).or_else(|| nearest(paths)) else { return Ok(None) };
    let (shown, text) = (shown(&file), read(&file)?);
    let (mut organisation, diagnostics) = Organisation::parse(&shown, &text);
    sound(&diagnostics)?;
    organisation.base = base(&file, paths);
    Ok(Some((organisation, (shown, text))))
}

impl Policies {
    /// Reads and compiles the rules for what is checked.
    ///
    /// # Errors
    /// [`Error::NoRules`], [`Error::RuleFile`] and [`Error::RuleProblems`]: a gate without sound rules lets nothing
    /// through.
    pub fn load(paths: &[PathBuf], options: &PolicyOptions, register: &Register) -> Result<Policies, Error> {
        let described = described(paths, options.organisation.as_deref())?;
        let (organisation, description) = described.map(|(one, file)| (one, Some(file))).unwrap_or_default();
        let home = options.home.clone().or_else(|| organisation.home.clone()).unwrap_or_default();
        let files = rule_files(paths, options)?;
        let (rules, mut diagnostics) = RuleSet::parse(&files, &home);
        sound(&diagnostics)?;
        let (compiled, told) = Compiled::new(&rules, &organisation, register);
        diagnostics.extend(told);
        sound(&diagnostics)?;
        let Some(compiled) = compiled else { return Err(Error::RuleProblems(diagnostics)) };
        if rules.rules.is_empty() && rules.cedar.is_empty() && !options.may_be_none {
            return Err(Error::NoRules { path: root_of(paths) });
        }
        let digest = digest(files.iter().chain(&description));
        Ok(Policies { organisation, rules, compiled, home, digest, diagnostics })
    }

    /// The rules asked about every component of a stack to which the organisation's words were applied.
    pub fn judge(&self, stack: &Stack<'_>, powers: &Powers, gate: Gate, today: Date) -> Judgement {
        judge(self.book(today), stack, powers, gate)
    }

    /// The rules asked about what was described to a gate: an object that a cluster is to admit, an offer that a plan is
    /// to take, a call of an agent. `context` is what else is known (the repository that describes where things run); it is
    /// looked at, and not judged.
    ///
    /// # Errors
    /// [`Error::RuleProblems`]: a statement of the organisation names what neither has. The gate has to say no.
    pub fn judge_facts(
        &self,
        register: &Register,
        context: &[Facts],
        facts: Facts,
        gate: Gate,
        today: Date,
    ) -> Result<Judgement, Error> {
        let asked: BTreeSet<Arc<str>> = facts.components.iter().map(|one| one.id.clone()).collect();
        let mut stack = build(context.iter().cloned().chain([facts]).collect(), register);
        let told = self.organisation.apply(&mut stack);
        sound(&told)?;
        let powers = Powers::of(&stack);
        let is_asked = |id: &str| asked.contains(id);
        let mut judgement = judge_some(self.book(today), &stack, &powers, gate, &is_asked);
        let about = |violation: &mut Violation| {
            violation.components.retain(|id| asked.contains(id.as_str()));
            !violation.components.is_empty()
        };
        judgement.violations.retain_mut(about);
        judgement.excepted.retain_mut(|one| about(&mut one.violation));
        Ok(judgement)
    }

    pub fn book(&self, today: Date) -> Rulebook<'_> {
        Rulebook {
            rules: &self.rules,
            compiled: &self.compiled,
            organisation: &self.organisation,
            home: &self.home,
            today,
        }
    }
}

fn digest<'f>(files: impl Iterator<Item = &'f Text>) -> Digest {
    let mut lines: Vec<String> = files
        .map(|(path, text)| {
            let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
            format!("{}  {name}\n", Digest::of(text.as_bytes()).to_string().trim_start_matches("sha256:"))
        })
        .collect();
    lines.sort_unstable();
    Digest::of(lines.concat().as_bytes())
}

/// The files that [`Policies::load`] would read, with their texts: so that a change of them is noticed.
///
/// # Errors
/// [`Error::RuleFile`].
pub(crate) fn texts(paths: &[PathBuf], options: &PolicyOptions) -> Result<Vec<(String, String)>, Error> {
    let mut texts = rule_files(paths, options)?;
    if let Some(file) = options.organisation.clone().or_else(|| nearest(paths)) {
        texts.push((shown(&file), read(&file)?));
    }
    Ok(texts)
}

/// Today by the clock of this machine, in UTC.
pub fn today() -> Date {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Date::of_unix_seconds(since.as_secs())
}

fn sound(diagnostics: &[Diagnostic]) -> Result<(), Error> {
    if diagnostics.iter().any(|one| one.severity == Severity::Error) {
        return Err(Error::RuleProblems(diagnostics.to_vec()));
    }
    Ok(())
}

/// The nearest `allod.yaml` at or above the root of what is checked, up to the root of its repository.
fn nearest(paths: &[PathBuf]) -> Option<PathBuf> {
    let root = root_of(paths);
    let root = std::fs::canonicalize(&root).unwrap_or(root);
    let mut folder = Some(root.as_path());
    while let Some(here) = folder {
        let file = here.join(ORGANISATION);
        if file.is_file() {
            return Some(file);
        }
        if here.join(".git").exists() {
            return None;
        }
        folder = here.parent();
    }
    None
}

/// What the options name, or the folder beside `allod.yaml`.
fn rule_folders(paths: &[PathBuf], options: &PolicyOptions) -> Vec<PathBuf> {
    if !options.rules.is_empty() {
        return options.rules.clone();
    }
    let beside = options.organisation.clone().or_else(|| nearest(paths));
    let folder = beside.and_then(|file| file.parent().map(Path::to_owned)).unwrap_or_else(|| root_of(paths));
    let folder = folder.join(RULES);
    if folder.is_dir() { vec![folder] } else { Vec::new() }
}

fn rule_files(paths: &[PathBuf], options: &PolicyOptions) -> Result<Vec<(String, String)>, Error> {
    let mut found = Vec::new();
    for path in rule_folders(paths, options) {
        if path.is_dir() {
            in_folder(&path, &is_rules, &mut found)?;
        } else {
            found.push(path);
        }
    }
    found.into_iter().map(|path| Ok((shown(&path), read(&path)?))).collect()
}

/// Files of cases beside the rules: paths and texts.
///
/// # Errors
/// [`Error::RuleFile`].
pub fn case_files(paths: &[PathBuf], options: &PolicyOptions) -> Result<Vec<(String, String)>, Error> {
    let mut found = Vec::new();
    for folder in rule_folders(paths, options).iter().filter(|path| path.is_dir()) {
        in_folder(folder, &is_cases, &mut found)?;
    }
    found.into_iter().map(|path| Ok((shown(&path), read(&path)?))).collect()
}

fn is_cases(name: &str) -> bool {
    name.ends_with(".test.yaml") || name.ends_with(".test.yml")
}

/// Cases of `rules test` are no rules, nor is what describes the organisation.
fn is_rules(name: &str) -> bool {
    name != ORGANISATION && [".yaml", ".yml", ".cedar"].iter().any(|ending| name.ends_with(ending)) && !is_cases(name)
}

/// Files of a folder and those below it, sorted.
fn in_folder(folder: &Path, wanted: &dyn Fn(&str) -> bool, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |cause| Error::RuleFile { path: folder.to_owned(), cause };
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        // A link to a folder could lead back here, or out.
        if path.is_dir() && !path.is_symlink() {
            in_folder(&path, wanted, found)?;
        } else if wanted(&name) {
            if found.len() >= MAX_RULE_FILES {
                let cause = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
                return Err(Error::RuleFile { path: folder.to_owned(), cause });
            }
            found.push(path);
        }
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let failed = |cause| Error::RuleFile { path: path.to_owned(), cause };
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    // One byte more than the limit, so that the parser tells the size.
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// A path as one sees it from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok().and_then(|here| std::fs::canonicalize(here).ok());
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let short = here.and_then(|here| real.strip_prefix(here).ok().map(Path::to_owned));
    short.unwrap_or(real).to_string_lossy().into_owned()
}

/// What runs as seen from the folder of the `allod.yaml` that stands beside something else.
pub(crate) fn base_of(stated: Option<&Path>, beside: &[PathBuf], running: &[PathBuf]) -> String {
    let file = stated.map(Path::to_owned).or_else(|| nearest(beside));
    file.map(|file| base(&file, running)).unwrap_or_default()
}

/// What is checked as seen from the folder of `allod.yaml`: paths there are relative to that folder.
fn base(organisation: &Path, paths: &[PathBuf]) -> String {
    let folder = organisation.parent().filter(|one| !one.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let root = root_of(paths);
    let root = std::fs::canonicalize(&root).unwrap_or(root);
    root.strip_prefix(&folder).map(|base| base.to_string_lossy().into_owned()).unwrap_or_default()
}

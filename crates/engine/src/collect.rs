use crate::audit::Error;
use crate::seen::{Seen, Stamp};
use allod_evidence::Coverage;
use allod_facts::{Diagnostic, Severity};
use allod_readers::files::Loaded;
use allod_readers::limits::MAX_FILE_BYTES;
use allod_readers::{Files, READERS, Read, Reader, recognise};
use ignore::WalkBuilder;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where an audit is, for progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Walking { files: usize },
    Loading { files: usize },
    Reading { files: usize },
    Resolving { done: usize, names: usize },
    Building,
}

/// The files of an audit.
pub(crate) struct Collected {
    /// Evidence paths are relative to it.
    pub root: PathBuf,
    pub files: Files,
    /// Where the files lie that are streamed, not loaded, and when they were seen.
    pub streamed: BTreeMap<Arc<str>, (PathBuf, Option<Stamp>)>,
    /// Paths with the position of their reader in [`READERS`], sorted.
    pub recognised: Vec<(Arc<str>, usize)>,
    pub coverage: Coverage,
    pub diagnostics: Vec<Diagnostic>,
}

/// Folders that hold other people's code or build products, whatever `.gitignore` says.
const NEVER_ENTERED: &[&str] =
    &[".git", "node_modules", ".terraform", ".venv", "venv", "__pycache__", "bower_components", ".terragrunt-cache"];

/// The first bytes of a file decide about its format (see `recognise`).
const HEAD_BYTES: usize = 16 << 10;

/// Files that no reader takes and that others refer to (templates, policies, scripts) are loaded up to this size.
const MAX_SUPPORT_BYTES: u64 = 1 << 20;

/// Walks the paths and loads what can be read. What `seen` knows and what did not change is not opened again; `seen`
/// is brought up to date, when it is kept.
pub(crate) fn collect(
    paths: &[PathBuf],
    seen: Option<&mut Seen>,
    tell: &(dyn Fn(Stage) + Sync),
) -> Result<Collected, Error> {
    for path in paths {
        std::fs::symlink_metadata(path).map_err(|cause| Error::NoSuchPath { path: path.clone(), cause })?;
    }
    let root = root_of(paths);
    let mut collected = Collected {
        root: root.clone(),
        files: Files::new(),
        streamed: BTreeMap::new(),
        recognised: Vec::new(),
        coverage: Coverage::default(),
        diagnostics: Vec::new(),
    };
    let found = walk(paths, &mut collected, tell);
    collected.coverage.files_seen += found.len();
    tell(Stage::Loading { files: found.len() });
    let known = seen.as_deref();
    let looked: Vec<Looked> = found.into_par_iter().map(|found| look(found, known)).collect();
    if let Some(seen) = seen {
        seen.renew(&looked);
    }
    for one in looked {
        take(one, &mut collected);
    }
    collected.recognised.sort();
    Ok(collected)
}

/// The folder that evidence is relative to: the path itself, the folder of a single file, or what several have in
/// common.
pub fn root_of(paths: &[PathBuf]) -> PathBuf {
    let folder = |path: &PathBuf| {
        let parent = || path.parent().map(Path::to_owned).unwrap_or_default();
        if path.is_dir() { path.clone() } else { parent() }
    };
    let mut folders = paths.iter().map(folder);
    let first = folders.next().unwrap_or_default();
    folders.fold(first, |common, other| {
        let same = common.components().zip(other.components()).take_while(|(a, b)| a == b);
        same.map(|(part, _)| part).collect()
    })
}

/// Every file under the paths, relative to the root and sorted. Links are not followed; one that leads out of the root
/// is reported.
fn walk(paths: &[PathBuf], collected: &mut Collected, tell: &(dyn Fn(Stage) + Sync)) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let Some((first, rest)) = paths.split_first() else { return found };
    let mut builder = WalkBuilder::new(first);
    rest.iter().for_each(|path| {
        builder.add(path);
    });
    builder.hidden(false).require_git(false).follow_links(false).filter_entry(|entry| {
        let name = entry.file_name().to_str().unwrap_or_default();
        !(entry.depth() > 0 && NEVER_ENTERED.contains(&name) && entry.file_type().is_some_and(|kind| kind.is_dir()))
    });
    for entry in builder.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let diagnostic = Diagnostic {
                    code: "D001",
                    severity: Severity::Warning,
                    message: format!("could not be entered: {error}"),
                    path: Arc::from("."),
                    line: 0,
                    hint: None,
                };
                collected.diagnostics.push(diagnostic);
                continue;
            }
        };
        let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else { continue };
        let Some(relative) = relative(&collected.root, entry.path()) else { continue };
        if kind.is_symlink() && entry.depth() > 0 {
            link(entry.path(), &relative, collected);
        } else {
            // Pipes and devices are files nobody can read to the end.
            if entry.depth() > 0 && !kind.is_file() {
                *collected.coverage.files_skipped.entry("not a regular file").or_default() += 1;
                collected.coverage.files_seen += 1;
                continue;
            }
            found.push(Found { shown: relative, path: entry.into_path() });
            if found.len().is_multiple_of(1_000) {
                tell(Stage::Walking { files: found.len() });
            }
        }
    }
    found.sort();
    found.dedup_by(|a, b| a.path == b.path);
    found
}

/// The path with `/` between its parts; a name that is no UTF-8 is shown with replacement characters.
fn relative(root: &Path, path: &Path) -> Option<Arc<str>> {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let text = parts.join("/");
    let text = text.strip_prefix("./").unwrap_or(&text);
    (!text.is_empty()).then(|| Arc::from(text))
}

fn link(path: &Path, relative: &Arc<str>, collected: &mut Collected) {
    collected.coverage.files_seen += 1;
    *collected.coverage.files_skipped.entry("link").or_default() += 1;
    let inside = match (path.canonicalize(), collected.root.canonicalize()) {
        (Ok(target), Ok(root)) => target.starts_with(root),
        _ => true,
    };
    if !inside {
        collected.diagnostics.push(Diagnostic {
            code: "D009",
            severity: Severity::Warning,
            message: "the link leads out of the audited tree and was not followed".to_owned(),
            path: relative.clone(),
            line: 0,
            hint: None,
        });
    }
}

/// What a look at one file gave.
pub(crate) struct Looked {
    pub path: Arc<str>,
    pub real: PathBuf,
    /// `None` when it was not opened, or could not be.
    pub stamp: Option<Stamp>,
    pub outcome: Outcome,
}

#[derive(Clone)]
pub(crate) enum Outcome {
    /// Without bytes when its reader streams it.
    Recognised {
        reader: usize,
        loaded: Option<Arc<Loaded>>,
    },
    Support(Arc<Loaded>),
    Skipped(&'static str),
    Refused(Diagnostic, &'static str),
}

/// A file of the walk. Where its name is no UTF-8, what is shown is not its path.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    shown: Arc<str>,
    path: PathBuf,
}

fn look(found: Found, seen: Option<&Seen>) -> Looked {
    let Found { shown: path, path: real } = found;
    if !allod_readers::worth_opening(&path) {
        return Looked { path, real, stamp: None, outcome: Outcome::Skipped("no known format") };
    }
    if let Some((stamp, outcome)) = seen.and_then(|seen| seen.unchanged(&real, &path)) {
        return Looked { path, real, stamp: Some(stamp), outcome };
    }
    let mut stamp = None;
    let outcome = outcome(&real, &path, &mut stamp)
        .unwrap_or_else(|error| Outcome::Refused(unreadable(&path, &error), "unreadable"));
    let outcome = match seen {
        Some(seen) => seen.same(&real, outcome),
        None => outcome,
    };
    Looked { path, real, stamp, outcome }
}

pub(crate) fn unreadable(path: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic {
        code: "D001",
        severity: Severity::Warning,
        message: format!("could not be read: {error}"),
        path: Arc::from(path),
        line: 0,
        hint: None,
    }
}

fn outcome(real: &Path, path: &Arc<str>, stamp: &mut Option<Stamp>) -> std::io::Result<Outcome> {
    let mut file = File::open(real)?;
    let metadata = file.metadata()?;
    *stamp = Stamp::of(&metadata);
    let size = metadata.len();
    let mut bytes = Vec::with_capacity(HEAD_BYTES.min(size as usize + 1));
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    let Some(reader) = recognise(path, &bytes) else {
        if size > MAX_SUPPORT_BYTES || !allod_readers::may_be_referred_to(path) {
            return Ok(Outcome::Skipped(if bytes.contains(&0) { "binary" } else { "no known format" }));
        }
        file.read_to_end(&mut bytes)?;
        return Ok(Outcome::Support(Arc::new(Loaded::new(bytes))));
    };
    let at = READERS.iter().position(|known| known.id == reader.id).unwrap_or(usize::MAX);
    if matches!(reader.read, Read::Streamed(_)) {
        return Ok(Outcome::Recognised { reader: at, loaded: None });
    }
    if size > MAX_FILE_BYTES {
        return Ok(too_large(path, reader, size));
    }
    // The size may lie (a file that grows, `/proc`): one byte more than the limit tells.
    file.take(MAX_FILE_BYTES + 1 - bytes.len() as u64).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Ok(too_large(path, reader, bytes.len() as u64));
    }
    if allod_readers::files::decode(&bytes).is_err() {
        let diagnostic = Diagnostic {
            code: "D002",
            severity: Severity::Warning,
            message: format!("looks like {} by its name and is not text (UTF-8, or UTF-16 with a mark)", reader.about),
            path: path.clone(),
            line: 0,
            hint: None,
        };
        return Ok(Outcome::Refused(diagnostic, "not text"));
    }
    Ok(Outcome::Recognised { reader: at, loaded: Some(Arc::new(Loaded::new(bytes))) })
}

fn too_large(path: &Arc<str>, reader: &Reader, size: u64) -> Outcome {
    let diagnostic = Diagnostic {
        code: "D003",
        severity: Severity::Warning,
        message: format!("has {size} bytes; {} are read up to {MAX_FILE_BYTES} bytes", reader.about),
        path: path.clone(),
        line: 0,
        hint: None,
    };
    Outcome::Refused(diagnostic, "too large")
}

fn take(looked: Looked, collected: &mut Collected) {
    let Looked { path, real, stamp, outcome } = looked;
    match outcome {
        Outcome::Recognised { reader, loaded } => {
            collected.coverage.files_read += 1;
            match loaded {
                Some(loaded) => collected.files.insert_loaded(path.clone(), loaded),
                None => drop(collected.streamed.insert(path.clone(), (real, stamp))),
            }
            collected.recognised.push((path, reader));
        }
        Outcome::Support(loaded) => {
            *collected.coverage.files_skipped.entry("no known format").or_default() += 1;
            collected.files.insert_loaded(path, loaded);
        }
        Outcome::Skipped(reason) => *collected.coverage.files_skipped.entry(reason).or_default() += 1,
        Outcome::Refused(diagnostic, reason) => {
            *collected.coverage.files_skipped.entry(reason).or_default() += 1;
            collected.diagnostics.push(diagnostic);
        }
    }
}

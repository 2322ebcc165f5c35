use crate::collect::{Collected, Stage, collect};
use crate::overlay;
use crate::resolve::{Resolver, resolve};
use crate::revision::RevisionError;
use allod_evidence::{Audit, SavedError};
use allod_facts::{Diagnostic, Facts, Severity};
use allod_readers::{Files, READERS, Read, Reader, Scope};
use allod_register::{Problem, Register};
use allod_stack::{Home, build};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

/// What is audited, and from where it is looked at.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and folders; at least one.
    pub paths: Vec<PathBuf>,
    pub home: Home,
    /// A folder of register files that add to or correct the built-in ones; besides it, `register/` in the root.
    pub register: Option<PathBuf>,
    /// Look up zones and hosts of the files in the live DNS, at this resolver. `None`: nothing leaves the machine.
    pub resolve: Option<Resolver>,
}

/// The audit could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is nothing at `{}`", path.display())]
    NoSuchPath {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("nothing under `{}` is in a format that can be read ({seen} files seen)", path.display())]
    NothingRead { path: PathBuf, seen: usize },
    #[error("could not read the register folder `{}`", path.display())]
    RegisterFolder {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("the register overlay has problems, so no audit was made")]
    RegisterProblems(Vec<Problem>),
    #[error("could not use the built-in register")]
    Register(#[source] allod_register::Error),
    #[error("could not read the saved audit `{}`", path.display())]
    SavedFile {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("`{}` cannot be used as a saved audit", path.display())]
    Saved {
        path: PathBuf,
        #[source]
        cause: SavedError,
    },
    #[error("the audits look from different homes: `{one}` and `{other}`")]
    OtherHome { one: String, other: String },
    #[error("could not read revision `{revision}` of `{}`", path.display())]
    Revision {
        revision: String,
        path: PathBuf,
        #[source]
        cause: RevisionError,
    },
}

impl Error {
    /// The code under which `allod explain` has a page.
    pub fn code(&self) -> &'static str {
        match self {
            Error::NoSuchPath { .. } | Error::NothingRead { .. } => "E001",
            Error::SavedFile { .. } | Error::Saved { .. } | Error::OtherHome { .. } => "E005",
            Error::Revision { .. } => "E006",
            Error::RegisterFolder { .. } | Error::RegisterProblems(_) | Error::Register(_) => "E004",
        }
    }
}

/// The register for an audit: built in, with the overlays of the options and of the audited root.
///
/// # Errors
/// [`Error::RegisterFolder`] and [`Error::RegisterProblems`]: a broken overlay stops the audit, it is never half used.
pub fn register(options: &Options) -> Result<Register, Error> {
    let files = overlay::files(options)?;
    let register = if files.is_empty() { Register::builtin() } else { Register::with_overlay(&files) };
    register.map_err(|error| match error {
        allod_register::Error::Overlay(problems) => Error::RegisterProblems(problems),
        builtin => Error::Register(builtin),
    })
}

/// Audits what the options name. `tell` hears which stage the audit is in, for progress.
///
/// # Errors
/// [`Error::NoSuchPath`] and [`Error::NothingRead`]; a broken file is no error but a diagnostic of the audit.
pub fn audit<'r>(options: &Options, register: &'r Register, tell: &(dyn Fn(Stage) + Sync)) -> Result<Audit<'r>, Error> {
    let mut collected = collect(&options.paths, tell)?;
    if collected.coverage.files_read == 0 && collected.diagnostics.is_empty() {
        return Err(Error::NothingRead { path: collected.root, seen: collected.coverage.files_seen });
    }
    tell(Stage::Reading { files: collected.coverage.files_read });
    let mut batches = read_all(&collected);
    if let Some(resolver) = options.resolve {
        batches.push(resolve(resolver, &batches, register, tell));
    }
    let mut found = Facts::new();
    found.diagnostics = std::mem::take(&mut collected.diagnostics);
    batches.push(found);
    tell(Stage::Building);
    let root = options.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
    let Collected { files, coverage, .. } = collected;
    drop(files);
    Ok(Audit::new(root, options.home.clone(), build(batches, register), coverage))
}

/// Readers recurse over nested values up to their limits: their threads get room for that.
const READER_STACK_BYTES: usize = 64 << 20;

fn read_all(collected: &Collected) -> Vec<Facts> {
    let jobs = jobs(collected);
    let run = || jobs.par_iter().map(|job| guarded(job, collected)).collect();
    match rayon::ThreadPoolBuilder::new().stack_size(READER_STACK_BYTES).build() {
        Ok(pool) => pool.install(run),
        // No thread can be had: the global pool falls back to this one.
        Err(_) => run(),
    }
}

/// One call of a reader.
struct Job<'a> {
    reader: &'static Reader,
    paths: Vec<&'a str>,
}

fn jobs(collected: &Collected) -> Vec<Job<'_>> {
    let mut by_reader: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (path, reader) in &collected.recognised {
        by_reader.entry(*reader).or_default().push(path);
    }
    let mut jobs = Vec::new();
    for (at, paths) in by_reader {
        let Some(reader) = READERS.get(at).copied() else { continue };
        match (reader.scope, reader.read) {
            (Scope::Tree, Read::Loaded(_)) => jobs.push(Job { reader, paths }),
            _ => jobs.extend(paths.into_iter().map(|path| Job { reader, paths: vec![path] })),
        }
    }
    jobs
}

/// A reader must not panic; if one does (a defect in it, or in a parser that it uses), its files are reported as not
/// read, and the audit goes on.
fn guarded(job: &Job<'_>, collected: &Collected) -> Facts {
    let call = AssertUnwindSafe(|| run(job, collected));
    catch_unwind(call).unwrap_or_else(|_| {
        let mut facts = Facts::new();
        facts.diagnostics.extend(job.paths.iter().map(|path| Diagnostic {
            code: "D012",
            severity: Severity::Error,
            message: format!("the reader `{}` broke down on its files, and none of them was read", job.reader.id),
            path: Arc::from(*path),
            line: 0,
            hint: Some("this is a defect of allod: please report the file".to_owned()),
        }));
        facts
    })
}

fn run(job: &Job<'_>, collected: &Collected) -> Facts {
    let files: &Files = &collected.files;
    match job.reader.read {
        Read::Loaded(read) => read(files, &job.paths),
        Read::Streamed(read) => {
            let mut facts = Facts::new();
            for path in &job.paths {
                let Some(real) = collected.streamed.get(*path) else { continue };
                match File::open(real) {
                    Ok(file) => facts.absorb(read(path, &mut BufReader::with_capacity(1 << 20, file))),
                    Err(error) => facts.diagnostics.push(crate::collect::unreadable(path, &error)),
                }
            }
            facts
        }
    }
}

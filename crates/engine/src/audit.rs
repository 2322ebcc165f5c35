use crate::collect::{Collected, Stage, collect};
use crate::jobs::read_all;
use crate::overlay;
use crate::resolve::{Resolver, resolve};
use crate::revision::RevisionError;
use allod_evidence::{Audit, SavedError};
use allod_facts::{Diagnostic, Facts, Severity};
use allod_register::{Problem, Register};
use allod_rules::Organisation;
use allod_stack::{Home, build};
use std::path::PathBuf;

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
    #[error("since a revision, one path is checked, not several")]
    SeveralPaths,
    #[error("there are no rules for `{}`", path.display())]
    NoRules { path: PathBuf },
    #[error("could not read the rule file `{}`", path.display())]
    RuleFile {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("the rules have problems, so nothing was decided by them")]
    RuleProblems(Vec<Diagnostic>),
    #[cfg(feature = "kubernetes")]
    #[error("the cluster cannot be asked")]
    Cluster(#[source] allod_providers::kubernetes::Error),
    #[error("the audits look from different homes: `{one}` and `{other}`")]
    OtherHome { one: String, other: String },
    #[error("nothing was done, because it could not be written down")]
    Unlogged(#[source] allod_workspace::Error),
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
            Error::SeveralPaths => "E002",
            Error::SavedFile { .. } | Error::Saved { .. } | Error::OtherHome { .. } => "E005",
            Error::Revision { .. } => "E006",
            Error::Unlogged(error) => error.code(),
            #[cfg(feature = "kubernetes")]
            Error::Cluster(_) => "E011",
            Error::NoRules { .. } | Error::RuleFile { .. } | Error::RuleProblems(_) => "E007",
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
    audit_of(options, register, None, tell)
}

/// As [`audit`], with the words of an organisation applied.
///
/// # Errors
/// Those of [`audit`], and [`Error::RuleProblems`] when a statement of the organisation names what does not exist.
pub fn audit_of<'r>(
    options: &Options,
    register: &'r Register,
    organisation: Option<&Organisation>,
    tell: &(dyn Fn(Stage) + Sync),
) -> Result<Audit<'r>, Error> {
    let mut collected = collect(&options.paths, None, tell)?;
    collected.says_something()?;
    tell(Stage::Reading { files: collected.coverage.files_read });
    let mut batches = read_all(&collected);
    if let Some(resolver) = options.resolve {
        batches.push(resolve(resolver, &batches, register, tell));
    }
    let mut found = Facts::new();
    found.diagnostics = std::mem::take(&mut collected.diagnostics);
    batches.push(found);
    tell(Stage::Building);
    let Collected { files, coverage, .. } = collected;
    drop(files);
    let mut stack = build(batches, register);
    if let Some(organisation) = organisation {
        let told = organisation.apply(&mut stack);
        if told.iter().any(|one| one.severity == Severity::Error) {
            return Err(Error::RuleProblems(told));
        }
        stack.diagnostics.extend(told);
    }
    Ok(Audit::new(shown_root(options), options.home.clone(), stack, coverage))
}

/// What the files of the paths describe, one batch a job of a reader: the context of a gate that judges something else.
///
/// # Errors
/// Those of [`audit`].
pub fn facts_of(paths: &[PathBuf], tell: &(dyn Fn(Stage) + Sync)) -> Result<Vec<Facts>, Error> {
    let collected = collect(paths, None, tell)?;
    collected.says_something()?;
    Ok(read_all(&collected))
}

/// What is audited, as the user named it.
pub(crate) fn shown_root(options: &Options) -> String {
    options.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}

impl Collected {
    /// That nothing can be read is no audit.
    pub(crate) fn says_something(&self) -> Result<(), Error> {
        if self.coverage.files_read == 0 && self.diagnostics.is_empty() {
            return Err(Error::NothingRead { path: self.root.clone(), seen: self.coverage.files_seen });
        }
        Ok(())
    }
}

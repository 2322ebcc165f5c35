use crate::audit::{Error, Options, audit_of, register};
use crate::collect::Stage;
use crate::policies::organisation;
use crate::revision;
use allod_evidence::{Saved, is_saved, read_saved};
use allod_stack::Home;
use allod_stack::diff::Snapshot;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is compared, and from where it is looked at.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    pub before: Source,
    pub after: Source,
    pub home: Home,
    /// Whether the user named the home. If not, the one of a saved audit is taken.
    pub home_is_stated: bool,
    /// See [`Options::register`]. Besides it, each side has the overlay of its own root.
    pub register: Option<PathBuf>,
}

/// One side.
#[derive(Clone, Debug)]
pub enum Source {
    /// A folder or file to audit, or a saved audit.
    Path(PathBuf),
    /// The same path as the other side, at a git revision.
    Revision { path: PathBuf, revision: String },
}

/// Two audits, ready for `allod_stack::diff::diff`.
#[derive(Debug)]
pub struct Compared {
    pub before: Snapshot,
    pub after: Snapshot,
    /// What to call them.
    pub names: (String, String),
    pub home: Home,
}

/// Saved audits are read as a whole: larger ones would not fit into most memories.
const MAX_SAVED_BYTES: u64 = 8 << 30;

/// Audits both sides, or reads them where they are saved audits.
///
/// # Errors
/// Those of [`audit`](crate::audit); [`Error::Saved`], [`Error::OtherHome`] and [`Error::Revision`]. Between revisions one side may
/// have nothing that can be read: then everything was gained, or lost.
pub fn compare(options: &CompareOptions, tell: &(dyn Fn(Stage) + Sync)) -> Result<Compared, Error> {
    let saved = (saved(&options.before)?, saved(&options.after)?);
    let home = home_of(options, [&saved.0, &saved.1])?;
    let between = [&options.before, &options.after].iter().any(|one| matches!(one, Source::Revision { .. }));
    let side = |source: &Source, saved: Option<Saved>| match saved {
        Some(saved) => Ok((saved.snapshot, shown(source))),
        None => audited(source, options, &home, tell),
    };
    let nothing = |error: Error| match error {
        Error::NothingRead { .. } if between => Ok(None),
        other => Err(other),
    };
    let before = side(&options.before, saved.0).map(Some).or_else(nothing)?;
    let after = side(&options.after, saved.1).map(Some).or_else(nothing)?;
    if before.is_none() && after.is_none() {
        return Err(Error::NothingRead { path: path_of(&options.after).to_owned(), seen: 0 });
    }
    let or_empty = |side: Option<(Snapshot, String)>, source: &Source| {
        side.unwrap_or_else(|| (Snapshot::default(), shown(source)))
    };
    let ((mut before, from), (mut after, to)) = (or_empty(before, &options.before), or_empty(after, &options.after));
    if between {
        // Links are no files of a revision: that they are not followed is nothing new.
        [&mut before, &mut after].into_iter().for_each(|side| side.diagnostics.retain(|one| &*one.code != "D009"));
    }
    Ok(Compared { before, after, names: (from, to), home })
}

fn path_of(source: &Source) -> &Path {
    match source {
        Source::Path(path) | Source::Revision { path, .. } => path,
    }
}

fn shown(source: &Source) -> String {
    match source {
        Source::Path(path) => path.display().to_string(),
        Source::Revision { revision, path } => format!("{} at {revision}", path.display()),
    }
}

fn audited(
    source: &Source,
    options: &CompareOptions,
    home: &Home,
    tell: &(dyn Fn(Stage) + Sync),
) -> Result<(Snapshot, String), Error> {
    let run = |path: PathBuf| {
        let options =
            Options { paths: vec![path], home: home.clone(), register: options.register.clone(), resolve: None };
        let register = register(&options)?;
        let organisation = organisation(&options.paths, None)?;
        audit_of(&options, &register, organisation.as_ref(), tell).map(|audit| audit.snapshot())
    };
    let name = shown(source);
    match source {
        Source::Path(path) => Ok((run(path.clone())?, name)),
        Source::Revision { path, revision } => {
            std::fs::symlink_metadata(path).map_err(|cause| Error::NoSuchPath { path: path.clone(), cause })?;
            let failed = |cause| Error::Revision { revision: revision.clone(), path: path.clone(), cause };
            let tree = revision::at(path, revision).map_err(failed)?;
            // The path is new since then.
            if !tree.path.exists() {
                return Ok((Snapshot::default(), name));
            }
            Ok((run(tree.path.clone())?, name))
        }
    }
}

/// The saved audit that a source is; `None` when it is to be audited.
fn saved(source: &Source) -> Result<Option<Saved>, Error> {
    let Source::Path(path) = source else { return Ok(None) };
    if !path.is_file() {
        return Ok(None);
    }
    let failed = |cause| Error::SavedFile { path: path.clone(), cause };
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = vec![0; 1];
    let read = file.read(&mut bytes).map_err(failed)?;
    bytes.truncate(read);
    // Anything else than JSON is not read twice.
    if !bytes.first().is_some_and(|byte| *byte == b'{' || byte.is_ascii_whitespace()) {
        return Ok(None);
    }
    let size = file.take(MAX_SAVED_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    if size as u64 >= MAX_SAVED_BYTES {
        return Err(failed(std::io::Error::from(std::io::ErrorKind::FileTooLarge)));
    }
    if !is_saved(&bytes) {
        return Ok(None);
    }
    read_saved(&bytes).map(Some).map_err(|cause| Error::Saved { path: path.clone(), cause })
}

/// One home for both sides: what is foreign in a saved audit was decided when it was made.
fn home_of(options: &CompareOptions, saved: [&Option<Saved>; 2]) -> Result<Home, Error> {
    let mut home = options.home_is_stated.then(|| options.home.clone());
    for (one, source) in saved.into_iter().zip([&options.before, &options.after]) {
        let Some(saved) = one else { continue };
        let its = Home::new(&saved.home).map_err(|unknown| Error::Saved {
            path: path_of(source).to_owned(),
            cause: allod_evidence::SavedError::Contradicts(format!("`{}` is no jurisdiction", unknown.0)),
        })?;
        match &home {
            Some(home) if !home.same_places(&its) => {
                return Err(Error::OtherHome { one: home.names.join(","), other: its.names.join(",") });
            }
            Some(_) => {}
            None => home = Some(its),
        }
    }
    Ok(home.unwrap_or_else(|| options.home.clone()))
}

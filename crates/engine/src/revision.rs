use allod_readers::worth_opening;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

mod entries;

use entries::{Entry, Kind, is_ignore_file, parse, path_of};

/// The files of a git revision, in a folder that goes away with it.
///
/// Only objects are read (`git ls-tree`, `git cat-file`): nothing is checked out, no hook or filter runs, nothing is
/// fetched, nothing in the repository is written. Symbolic links are left out.
pub(crate) struct Revision {
    _folder: TempDir,
    /// What stands for the path that was asked for; it need not exist.
    pub path: PathBuf,
}

/// Why a revision could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    #[error("the program `git` cannot be run")]
    NoGit(#[source] std::io::Error),
    #[error("it lies in the working tree of no git repository: {0}")]
    NoRepository(String),
    #[error("the repository has no such commit")]
    NoRevision,
    #[error("the submodule `{path}` does not have its commit {commit}")]
    NoSubmodule { path: String, commit: String },
    #[error("the object {0} is not there: the clone is partial")]
    NoObject(String),
    #[error("git failed: {0}")]
    Git(String),
    #[error("the tree is too large: over {0}")]
    TooLarge(&'static str),
    #[error("could not write to a temporary folder")]
    Folder(#[source] std::io::Error),
}

/// More files than this are no tree that anybody reviews.
const MAX_FILES: usize = 2_000_000;
/// What is put into the temporary folder at most: one revision must not fill the disk.
const MAX_BYTES: u64 = 8 << 30;
/// Submodules within submodules.
const MAX_SUBMODULE_DEPTH: usize = 8;

/// Puts the files of a revision that could be read into a temporary folder: those under `path`, and the ignore files
/// above it, so that the same files are left out as in the working tree.
pub(crate) fn at(path: &Path, revision: &str) -> Result<Revision, RevisionError> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().filter(|one| !one.as_os_str().is_empty()).unwrap_or(Path::new("."))
    };
    let repository = Repository::of(folder)?;
    let commit = repository.commit(revision)?;
    let mut asked = repository.prefix.clone();
    if let (false, Some(name)) = (path.is_dir(), path.file_name()) {
        asked.extend_from_slice(name.as_encoded_bytes());
    }
    let wanted = |name: &[u8]| {
        name.starts_with(&asked) || (is_ignore_file(name) && repository.prefix.starts_with(entries::folder_of(name)))
    };

    let target = tempfile::Builder::new().prefix("allod-").tempdir().map_err(RevisionError::Folder)?;
    // A repository of its own: ignore files above the temporary folder say nothing about it.
    let info = target.path().join(".git/info");
    std::fs::create_dir_all(&info).map_err(RevisionError::Folder)?;
    if let Some(excludes) = repository.excludes() {
        std::fs::write(info.join("exclude"), excludes).map_err(RevisionError::Folder)?;
    }
    let mut budget = MAX_BYTES;
    copy(&repository, &commit, &[], &wanted, target.path(), &mut budget, 0)?;
    let path = target.path().join(path_of(&asked).unwrap_or_default());
    Ok(Revision { _folder: target, path })
}

/// A repository as seen from a folder of its working tree.
struct Repository {
    root: PathBuf,
    /// The folder within the working tree, with `/` at its end; empty at the root.
    prefix: Vec<u8>,
}

impl Repository {
    fn of(folder: &Path) -> Result<Repository, RevisionError> {
        let ask = |what: &str| {
            let mut command = git(folder);
            command.args(["rev-parse", what]);
            output(&mut command).map_err(|error| match error {
                RevisionError::Git(said) => RevisionError::NoRepository(said),
                other => other,
            })
        };
        let root = ask("--show-toplevel")?;
        let root = anywhere(&root).ok_or_else(|| RevisionError::NoRepository("its name is no text".to_owned()))?;
        Ok(Repository { root, prefix: ask("--show-prefix")? })
    }

    /// The id of a commit; a branch, a tag or anything else that git takes for one.
    fn commit(&self, revision: &str) -> Result<String, RevisionError> {
        let mut command = git(&self.root);
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]).arg(format!("{revision}^{{commit}}"));
        match output(&mut command) {
            Ok(id) => Ok(String::from_utf8_lossy(&id).into_owned()),
            Err(RevisionError::Git(_)) => Err(RevisionError::NoRevision),
            Err(other) => Err(other),
        }
    }

    /// What the user leaves out of this repository without telling others.
    fn excludes(&self) -> Option<Vec<u8>> {
        let mut command = git(&self.root);
        command.args(["rev-parse", "--git-path", "info/exclude"]);
        let path = output(&mut command).ok().and_then(|path| anywhere(&path))?;
        std::fs::read(self.root.join(path)).ok()
    }

    fn entries(&self, commit: &str) -> Result<Vec<Entry>, RevisionError> {
        let mut child =
            spawn(git(&self.root).args(["ls-tree", "-r", "-z", "--full-tree", commit]).stdin(Stdio::null()))?;
        let mut entries = Vec::new();
        if let Some(out) = child.stdout.take() {
            let mut out = BufReader::new(out);
            let mut line = Vec::new();
            while out.read_until(0, &mut line).map_err(RevisionError::NoGit)? > 0 {
                if entries.len() >= MAX_FILES {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(RevisionError::TooLarge("2,000,000 files"));
                }
                entries.extend(parse(line.strip_suffix(b"\0").unwrap_or(&line)));
                line.clear();
            }
        }
        finish(child)?;
        Ok(entries)
    }
}

/// `git` in a folder: with nothing that runs a program, asks somebody or writes.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["--no-pager", "--no-replace-objects", "--literal-pathspecs"])
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        // A repository may name a remote for objects that it lacks, and a program to reach it. Newer versions of
        // git obey the first of these; the second allows no protocol at all.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C");
    // Set by a hook or an alias that runs us, these would name another repository than the one of the path.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"] {
        command.env_remove(name);
    }
    command
}

fn spawn(command: &mut Command) -> Result<Child, RevisionError> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(RevisionError::NoGit)
}

/// What git prints, without the line's end.
fn output(command: &mut Command) -> Result<Vec<u8>, RevisionError> {
    let done = command.stdin(Stdio::null()).output().map_err(RevisionError::NoGit)?;
    if !done.status.success() {
        return Err(RevisionError::Git(said(&done.stderr)));
    }
    Ok(done.stdout.strip_suffix(b"\n").unwrap_or(&done.stdout).to_vec())
}

fn finish(child: Child) -> Result<(), RevisionError> {
    let done = child.wait_with_output().map_err(RevisionError::NoGit)?;
    if done.status.success() { Ok(()) } else { Err(RevisionError::Git(said(&done.stderr))) }
}

/// The first line of a complaint.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().next().unwrap_or("it says nothing").trim();
    line.strip_prefix("fatal: ").unwrap_or(line).to_owned()
}

/// A path that git names, not one from a tree.
fn anywhere(path: &[u8]) -> Option<PathBuf> {
    entries::os_string(path).map(PathBuf::from)
}

/// Copies the wanted files of a commit, those of its submodules with them. `above` is where the submodule stands.
fn copy(
    repository: &Repository,
    commit: &str,
    above: &[u8],
    wanted: &dyn Fn(&[u8]) -> bool,
    target: &Path,
    budget: &mut u64,
    depth: usize,
) -> Result<(), RevisionError> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for entry in repository.entries(commit)? {
        let name = [above, &entry.name].concat();
        let Some(path) = path_of(&name) else { continue };
        match entry.kind {
            Kind::File if wanted(&name) && worth_opening(&String::from_utf8_lossy(&name)) => {
                files.push((entry.object, path));
            }
            Kind::Submodule if depth < MAX_SUBMODULE_DEPTH => {
                let within = path_of(&entry.name).unwrap_or_default();
                let Some(inner) = submodule(repository, &within) else { continue };
                let inside = [&name, &b"/"[..]].concat();
                if !wanted(&inside) {
                    continue;
                }
                let commit = inner.commit(&entry.object).map_err(|_| RevisionError::NoSubmodule {
                    path: path.display().to_string(),
                    commit: entry.object.clone(),
                })?;
                copy(&inner, &commit, &inside, wanted, target, budget, depth + 1)?;
            }
            Kind::File | Kind::Submodule | Kind::Other => {}
        }
    }
    write(repository, &files, target, budget)
}

/// A submodule that is there in the working tree. One that is not has no files there, either.
fn submodule(repository: &Repository, within: &Path) -> Option<Repository> {
    let folder = repository.root.join(within).canonicalize().ok()?;
    // A link to somewhere else is followed by neither side.
    if folder != repository.root.canonicalize().ok()?.join(within) {
        return None;
    }
    Repository::of(&folder).ok().filter(|inner| inner.prefix.is_empty())
}

/// Reads objects and writes each one to its path.
fn write(
    repository: &Repository,
    files: &[(String, PathBuf)],
    target: &Path,
    budget: &mut u64,
) -> Result<(), RevisionError> {
    if files.is_empty() {
        return Ok(());
    }
    let mut child = spawn(git(&repository.root).args(["cat-file", "--batch"]).stdin(Stdio::piped()))?;
    let (Some(input), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(RevisionError::Git("it has no input".to_owned()));
    };
    let done = std::thread::scope(|scope| {
        // Asked from a thread of its own: git stops reading while nobody takes its answers.
        scope.spawn(move || {
            let mut input = BufWriter::new(input);
            // When git goes away, reading its answers says so.
            let _ = files.iter().try_for_each(|(object, _)| writeln!(input, "{object}")).and_then(|()| input.flush());
        });
        let mut out = BufReader::new(out);
        files.iter().try_for_each(|(object, path)| one(&mut out, object, &target.join(path), budget))
    });
    if done.is_err() {
        let _ = child.kill();
        let _ = child.wait();
        return done;
    }
    finish(child)
}

/// One answer of `git cat-file --batch`: `<id> <type> <size>`, the bytes, a line's end; or `<id> missing`.
/// As git 2.47 prints it; any other answer is an error.
fn one(out: &mut impl BufRead, object: &str, path: &Path, budget: &mut u64) -> Result<(), RevisionError> {
    let broken = || RevisionError::Git(format!("no answer about the object {object}"));
    let mut head = String::new();
    out.read_line(&mut head).map_err(|_| broken())?;
    let mut words = head.split_ascii_whitespace().skip(1);
    let size: u64 = match (words.next(), words.next()) {
        (Some("blob"), Some(size)) => size.parse().map_err(|_| broken())?,
        (Some("missing"), _) => return Err(RevisionError::NoObject(object.to_owned())),
        _ => return Err(broken()),
    };
    *budget = budget.checked_sub(size).ok_or(RevisionError::TooLarge("8 GiB"))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(RevisionError::Folder)?;
    }
    let mut file = std::fs::File::create_new(path).map_err(RevisionError::Folder)?;
    let written = std::io::copy(&mut out.take(size), &mut file).map_err(RevisionError::Folder)?;
    let mut end = [0];
    out.read_exact(&mut end).map_err(|_| broken())?;
    if written == size { Ok(()) } else { Err(broken()) }
}

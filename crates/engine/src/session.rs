use crate::audit::{Error, Options, shown_root};
use crate::collect::{Collected, Stage, collect};
use crate::jobs::{Job, in_pool, jobs};
use crate::seen::{Seen, Stamp};
use allod_evidence::Audit;
use allod_facts::{Diagnostic, Facts};
use allod_readers::Files;
use allod_readers::files::{Asked, Changes};
use allod_register::Register;
use allod_stack::{Known, build_again};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Audits the same paths again and again, and reads only what a change since the last time can affect.
///
/// Each audit is what a fresh one would be, byte for byte: a job of a reader is run again when anything that it asked
/// the files for would be answered differently. Asks no DNS.
pub struct Session<'r> {
    options: Options,
    register: &'r Register,
    known: Known<'r>,
    seen: Seen,
    files: Files,
    streamed: BTreeMap<Arc<str>, Option<Stamp>>,
    /// Of the walk.
    diagnostics: Vec<Diagnostic>,
    has_audited: bool,
    /// In the order of the jobs: so that nothing can tell a session from a fresh audit.
    kept: Vec<(Key, Kept)>,
    /// Of the last audit.
    pub work: Work,
}

/// How much of an audit was done anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Jobs of readers, and those of them that were run.
    pub jobs: usize,
    pub run: usize,
    /// Files that appeared, vanished or have other bytes.
    pub changed: usize,
}

/// What makes a job the same one in two audits.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    reader: &'static str,
    of: Vec<String>,
    paths: Vec<Arc<str>>,
}

struct Kept {
    asked: Asked,
    facts: Facts,
}

impl<'r> Session<'r> {
    pub fn new(options: Options, register: &'r Register) -> Session<'r> {
        Session {
            register,
            known: Known::default(),
            options,
            seen: Seen::default(),
            files: Files::new(),
            streamed: BTreeMap::new(),
            diagnostics: Vec::new(),
            has_audited: false,
            kept: Vec::new(),
            work: Work::default(),
        }
    }

    /// Audits what the options name, as [`crate::audit`] does.
    ///
    /// # Errors
    /// Those of [`crate::audit`]; the next audit of the session can succeed.
    pub fn audit(&mut self, tell: &(dyn Fn(Stage) + Sync)) -> Result<Audit<'r>, Error> {
        let collected = collect(&self.options.paths, Some(&mut self.seen), tell)?;
        self.audit_collected(collected, tell)
    }

    /// Audits when anything changed since the last audit, and always at first.
    ///
    /// # Errors
    /// Those of [`Session::audit`].
    pub fn audit_if_changed(&mut self, tell: &(dyn Fn(Stage) + Sync)) -> Result<Option<Audit<'r>>, Error> {
        let collected = collect(&self.options.paths, Some(&mut self.seen), tell)?;
        let same = self.has_audited
            && self.diagnostics == collected.diagnostics
            && collected.says_something().is_ok()
            && self.changes(&collected).is_empty();
        if same { Ok(None) } else { self.audit_collected(collected, tell).map(Some) }
    }

    fn audit_collected(&mut self, mut collected: Collected, tell: &(dyn Fn(Stage) + Sync)) -> Result<Audit<'r>, Error> {
        collected.says_something()?;
        tell(Stage::Reading { files: collected.coverage.files_read });
        self.read(&collected);
        self.diagnostics.clone_from(&collected.diagnostics);
        self.has_audited = true;
        let mut found = Facts::new();
        found.diagnostics = std::mem::take(&mut collected.diagnostics);
        let mut batches: Vec<Facts> = self.kept.iter().map(|(_, kept)| kept.facts.clone()).collect();
        batches.push(found);
        tell(Stage::Building);
        self.files = collected.files;
        self.streamed = collected.streamed.into_iter().map(|(path, (_, stamp))| (path, stamp)).collect();
        let stack = build_again(batches, self.register, &mut self.known);
        Ok(Audit::new(shown_root(&self.options), self.options.home.clone(), stack, collected.coverage))
    }

    /// Runs the jobs that have to be run, and forgets those that there are no more.
    fn read(&mut self, collected: &Collected) {
        let changes = self.changes(collected);
        let before = std::mem::take(&mut self.kept).into_iter();
        let mut before: HashMap<Key, Kept> =
            before.filter(|(_, kept)| !kept.asked.is_touched(&changes, &collected.files)).collect();
        let (jobs, new) = in_pool(|| {
            let jobs = jobs(collected);
            let keys: Vec<Key> = jobs.iter().map(|job| key(job, collected)).collect();
            let wanted: Vec<usize> =
                keys.iter().enumerate().filter(|(_, key)| !before.contains_key(key)).map(|(at, _)| at).collect();
            let new: Vec<(usize, Kept)> =
                wanted.into_par_iter().filter_map(|at| Some((at, run(jobs.get(at)?, collected)))).collect();
            (keys, new)
        });
        self.work = Work { jobs: jobs.len(), run: new.len(), changed: changes.edited.len() + changes.moved.len() };
        let mut new: HashMap<usize, Kept> = new.into_iter().collect();
        let kept = jobs.into_iter().enumerate().filter_map(|(at, key)| {
            let kept = new.remove(&at).or_else(|| before.remove(&key))?;
            Some((key, kept))
        });
        self.kept = kept.collect();
    }

    fn changes(&self, collected: &Collected) -> Changes {
        let mut changes = Changes::default();
        let before: BTreeMap<_, _> = self.files.loaded().collect();
        let now: BTreeMap<_, _> = collected.files.loaded().collect();
        differ(&mut changes, &before, &now, |a, b| Arc::ptr_eq(a, b));
        let now = collected.streamed.iter().map(|(path, (_, stamp))| (path, stamp)).collect();
        let before = self.streamed.iter().collect();
        differ(&mut changes, &before, &now, |before, now| {
            now.zip(**before).is_some_and(|(now, before)| now.is_same(&before))
        });
        changes
    }
}

/// Notes how two sets of files differ.
fn differ<T>(
    changes: &mut Changes,
    before: &BTreeMap<&Arc<str>, T>,
    now: &BTreeMap<&Arc<str>, T>,
    same: impl Fn(&T, &T) -> bool,
) {
    for (path, one) in before {
        match now.get(path) {
            Some(other) if same(one, other) => {}
            Some(_) => drop(changes.edited.insert(Box::from(&***path))),
            None => drop(changes.moved.insert(Box::from(&***path))),
        }
    }
    let new = now.keys().filter(|path| !before.contains_key(**path));
    changes.moved.extend(new.map(|path| Box::from(&***path)));
}

fn key(job: &Job<'_>, collected: &Collected) -> Key {
    let shared = |path: &&str| match collected.streamed.get_key_value(*path) {
        Some((path, _)) => path.clone(),
        None => collected.files.shared_path(path),
    };
    Key {
        reader: job.reader.id,
        of: job.group.as_ref().map_or_else(Vec::new, |(of, _)| of.clone()),
        paths: job.paths.iter().map(shared).collect(),
    }
}

fn run(job: &Job<'_>, collected: &Collected) -> Kept {
    let files = collected.files.remembering();
    // What is streamed was not loaded, and is asked for all the same.
    job.paths.iter().filter(|path| collected.streamed.contains_key(**path)).for_each(|path| _ = files.get(path));
    let mut facts = job.run(&files, collected);
    facts.settle();
    Kept { asked: files.into_asked(), facts }
}

#[cfg(test)]
mod tests;

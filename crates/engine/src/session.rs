use crate::audit::{Error, Options, shown_root};
use crate::collect::{Collected, Stage, collect};
use crate::jobs::{Job, ReadGroup, by_reader, in_pool, jobs_of};
use crate::seen::{Seen, Stamp};
use allod_evidence::Audit;
use allod_facts::Facts;
use allod_readers::files::{Asked, Changes};
use allod_readers::{Files, Reader};
use allod_register::Register;
use allod_stack::{Kept as KeptStack, Renewed};
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
    /// What was found, with what its stack was built from. `None` until the first audit.
    last: Option<(KeptStack<'r>, Audit<'r>)>,
    seen: Seen,
    files: Files,
    streamed: BTreeMap<Arc<str>, Option<Stamp>>,
    /// The diagnostics of the walk.
    found: Arc<Facts>,
    /// In the order of the readers.
    plans: Vec<Plan>,
    /// Whether the files were read at all.
    has_read: bool,
    /// Of the last audit.
    pub work: Work,
}

/// How much of an audit was done anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Jobs of readers, and those of them that were run.
    pub jobs: usize,
    pub run: usize,
    /// Files that appeared, vanished or have other bytes.
    pub changed: usize,
    /// How the stack was brought up to date; at first it is built.
    pub stack: Renewed,
}

/// The jobs of one reader.
struct Plan {
    reader: &'static Reader,
    /// The files that it was made for, and what was asked to make it.
    mine: Vec<Arc<str>>,
    asked: Asked,
    jobs: Vec<Kept>,
}

/// A job with what it gave.
struct Kept {
    paths: Vec<Arc<str>>,
    group: Option<(Vec<String>, usize, ReadGroup)>,
    asked: Asked,
    /// `None` until it was run.
    facts: Option<Arc<Facts>>,
}

impl<'r> Session<'r> {
    pub fn new(options: Options, register: &'r Register) -> Session<'r> {
        Session {
            register,
            last: None,
            options,
            seen: Seen::default(),
            files: Files::new(),
            streamed: BTreeMap::new(),
            found: Arc::default(),
            plans: Vec::new(),
            has_read: false,
            work: Work { jobs: 0, run: 0, changed: 0, stack: Renewed::Whole },
        }
    }

    /// Audits what the options name, as [`crate::audit`] does.
    ///
    /// # Errors
    /// Those of [`crate::audit`]; the next audit of the session can succeed.
    pub fn audit(&mut self, tell: &(dyn Fn(Stage) + Sync)) -> Result<&Audit<'r>, Error> {
        let collected = collect(&self.options.paths, Some(&mut self.seen), tell)?;
        self.audit_collected(collected, tell)
    }

    /// Audits when anything changed since the last audit, and always at first.
    ///
    /// # Errors
    /// Those of [`Session::audit`].
    pub fn audit_if_changed(&mut self, tell: &(dyn Fn(Stage) + Sync)) -> Result<Option<&Audit<'r>>, Error> {
        let collected = collect(&self.options.paths, Some(&mut self.seen), tell)?;
        let same = self.last.is_some()
            && self.found.diagnostics == collected.diagnostics
            && collected.says_something().is_ok()
            && self.changes(&collected).is_empty();
        if same { Ok(None) } else { self.audit_collected(collected, tell).map(Some) }
    }

    /// What the files describe, one batch a job of a reader, when anything changed since this was last asked. A session
    /// is asked for facts or for audits, not for both.
    ///
    /// # Errors
    /// Those of [`Session::audit`].
    pub fn facts_if_changed(&mut self, tell: &(dyn Fn(Stage) + Sync)) -> Result<Option<Vec<Arc<Facts>>>, Error> {
        let mut collected = collect(&self.options.paths, Some(&mut self.seen), tell)?;
        collected.says_something()?;
        let same =
            self.has_read && self.found.diagnostics == collected.diagnostics && self.changes(&collected).is_empty();
        if same {
            return Ok(None);
        }
        let batches = self.batches(&mut collected, tell);
        self.keep(collected);
        Ok(Some(batches))
    }

    fn batches(&mut self, collected: &mut Collected, tell: &(dyn Fn(Stage) + Sync)) -> Vec<Arc<Facts>> {
        tell(Stage::Reading { files: collected.coverage.files_read });
        self.read(collected);
        if self.found.diagnostics != collected.diagnostics {
            let mut found = Facts::new();
            found.diagnostics = std::mem::take(&mut collected.diagnostics);
            self.found = Arc::new(found);
        }
        let mut batches: Vec<Arc<Facts>> =
            self.plans.iter().flat_map(|plan| &plan.jobs).filter_map(|kept| kept.facts.clone()).collect();
        batches.push(self.found.clone());
        batches
    }

    /// Remembers which files were read.
    fn keep(&mut self, collected: Collected) -> allod_evidence::Coverage {
        self.files = collected.files;
        self.streamed = collected.streamed.into_iter().map(|(path, (_, stamp))| (path, stamp)).collect();
        self.has_read = true;
        collected.coverage
    }

    fn audit_collected(
        &mut self,
        mut collected: Collected,
        tell: &(dyn Fn(Stage) + Sync),
    ) -> Result<&Audit<'r>, Error> {
        collected.says_something()?;
        let batches = self.batches(&mut collected, tell);
        tell(Stage::Building);
        let coverage = self.keep(collected);
        self.work.stack = Renewed::Whole;
        let (_, audit) = match self.last.take() {
            Some((mut kept, mut audit)) => {
                self.work.stack = audit.renew(&mut kept, &batches);
                audit.coverage = coverage;
                self.last.insert((kept, audit))
            }
            None => {
                let (kept, stack) = KeptStack::of(&batches, self.register);
                let (root, home) = (shown_root(&self.options), self.options.home.clone());
                self.last.insert((kept, Audit::new(root, home, stack, coverage)))
            }
        };
        Ok(audit)
    }

    /// Runs the jobs that have to be run, and forgets those that there are no more.
    fn read(&mut self, collected: &Collected) {
        let changes = self.changes(collected);
        let mut before = std::mem::take(&mut self.plans);
        self.plans = in_pool(|| {
            let mut plans: Vec<Plan> = by_reader(collected)
                .into_iter()
                .map(|(reader, mine)| {
                    let at = before.iter().position(|plan| plan.reader.id == reader.id);
                    Plan::renew(at.map(|at| before.swap_remove(at)), reader, &mine, &changes, collected)
                })
                .collect();
            let jobs: Vec<(&'static Reader, &mut Kept)> =
                plans.iter_mut().flat_map(|plan| plan.jobs.iter_mut().map(|job| (plan.reader, job))).collect();
            self.work.jobs = jobs.len();
            self.work.changed = changes.edited.len() + changes.moved.len();
            let wanted: Vec<_> = jobs.into_iter().filter(|(_, job)| job.facts.is_none()).collect();
            self.work.run = wanted.len();
            wanted.into_par_iter().for_each(|(reader, job)| job.run(reader, collected));
            plans
        });
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

impl Plan {
    /// The jobs of a reader, with the facts of those that a change does not touch. In the order that a fresh audit has.
    fn renew(
        before: Option<Plan>,
        reader: &'static Reader,
        mine: &[&str],
        changes: &Changes,
        collected: &Collected,
    ) -> Plan {
        let (mut before, stays) = match before {
            Some(plan) => {
                let same = plan.mine.iter().map(|path| &**path).eq(mine.iter().copied());
                let stays = same && !plan.asked.is_touched(changes, &collected.files);
                (plan, stays)
            }
            None => (Plan { reader, mine: Vec::new(), asked: Asked::default(), jobs: Vec::new() }, false),
        };
        if !changes.is_empty() {
            let touched = |job: &&mut Kept| job.asked.is_touched(changes, &collected.files);
            before.jobs.iter_mut().filter(touched).for_each(|job| job.facts = None);
        }
        if stays {
            return before;
        }
        let files = collected.files.remembering();
        let jobs = jobs_of(reader, mine, &files);
        let mut known: HashMap<_, Kept> = before.jobs.into_iter().map(|job| (job.name(), job)).collect();
        let jobs = jobs.into_iter().map(|job| {
            let new = Kept::new(job, collected);
            known.remove(&new.name()).unwrap_or(new)
        });
        let jobs = jobs.collect();
        Plan {
            reader,
            mine: mine.iter().map(|path| shared(path, collected)).collect(),
            asked: files.into_asked(),
            jobs,
        }
    }
}

impl Kept {
    fn new(job: Job<'_>, collected: &Collected) -> Kept {
        let paths = job.paths.iter().map(|path| shared(path, collected)).collect();
        Kept { paths, group: job.group, asked: Asked::default(), facts: None }
    }

    /// What makes a job of a reader the same one in two audits.
    fn name(&self) -> (Vec<String>, usize, Vec<Arc<str>>) {
        let (of, peers) = self.group.as_ref().map_or((Vec::new(), 1), |(of, peers, _)| (of.clone(), *peers));
        (of, peers, self.paths.clone())
    }

    fn run(&mut self, reader: &'static Reader, collected: &Collected) {
        let files = collected.files.remembering();
        let job = Job { reader, paths: self.paths.iter().map(|path| &**path).collect(), group: self.group.clone() };
        // What is streamed was not loaded, and is asked for all the same.
        let streamed = job.paths.iter().filter(|path| collected.streamed.contains_key(**path));
        streamed.for_each(|path| _ = files.get(path));
        let mut facts = job.run(&files, collected);
        facts.settle();
        (self.asked, self.facts) = (files.into_asked(), Some(Arc::new(facts)));
    }
}

/// The path as the files of the audit share it.
fn shared(path: &str, collected: &Collected) -> Arc<str> {
    match collected.streamed.get_key_value(path) {
        Some((path, _)) => path.clone(),
        None => collected.files.shared_path(path),
    }
}

#[cfg(test)]
mod tests;

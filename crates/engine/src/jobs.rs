use crate::collect::Collected;
use allod_facts::{Diagnostic, Facts, Severity};
use allod_readers::{Files, Group, READERS, Read, Reader, Scope};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Readers recurse over nested values up to their limits: their threads get room for that.
const READER_STACK_BYTES: usize = 64 << 20;

/// Runs all jobs.
pub(crate) fn read_all(collected: &Collected) -> Vec<Facts> {
    in_pool(|| jobs(collected).par_iter().map(|job| job.run(&collected.files, collected)).collect())
}

/// Runs on threads that readers can run on.
pub(crate) fn in_pool<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    match rayon::ThreadPoolBuilder::new().stack_size(READER_STACK_BYTES).build() {
        Ok(pool) => pool.install(run),
        // No thread can be had: the global pool falls back to this one.
        Err(_) => run(),
    }
}

/// How a group is read.
pub(crate) type ReadGroup = fn(&Files, &[String], usize, &[&str]) -> Facts;

/// One call of a reader.
pub(crate) struct Job<'a> {
    pub reader: &'static Reader,
    pub paths: Vec<&'a str>,
    /// What the paths are read for, among how many peers, and with what, when they are a group.
    pub group: Option<(Vec<String>, usize, ReadGroup)>,
}

/// All jobs of an audit.
fn jobs(collected: &Collected) -> Vec<Job<'_>> {
    let by_reader = by_reader(collected);
    by_reader.into_iter().flat_map(|(reader, paths)| jobs_of(reader, &paths, &collected.files)).collect()
}

/// The recognised files, by reader.
pub(crate) fn by_reader(collected: &Collected) -> Vec<(&'static Reader, Vec<&str>)> {
    let mut by_reader: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (path, reader) in &collected.recognised {
        by_reader.entry(*reader).or_default().push(path);
    }
    by_reader.into_iter().filter_map(|(at, paths)| Some((*READERS.get(at)?, paths))).collect()
}

/// The jobs of one reader, for all of its files.
pub(crate) fn jobs_of<'a>(reader: &'static Reader, paths: &[&'a str], files: &Files) -> Vec<Job<'a>> {
    let alone = |path: &&'a str| Job { reader, paths: vec![path], group: None };
    match (reader.scope, reader.read) {
        (Scope::Tree, Read::Loaded(_)) => vec![Job { reader, paths: paths.to_vec(), group: None }],
        (Scope::Groups(groups), Read::Loaded(_)) => {
            // What finds the groups is a part of the reader, and must not take the audit with it either.
            let found = catch_unwind(AssertUnwindSafe(|| groups(files, paths)));
            let job = |Group { of, paths, peers, read }| Job { reader, paths, group: Some((of, peers, read)) };
            match found {
                Ok(groups) => groups.into_iter().map(job).collect(),
                Err(_) => vec![Job { reader, paths: paths.to_vec(), group: None }],
            }
        }
        _ => paths.iter().map(alone).collect(),
    }
}

impl Job<'_> {
    /// The facts of the job. A reader must not panic; if one does (a defect in it, or in a parser that it uses), its
    /// files are reported as not read, and the audit goes on.
    pub fn run(&self, files: &Files, collected: &Collected) -> Facts {
        let call = AssertUnwindSafe(|| self.call(files, collected));
        catch_unwind(call).unwrap_or_else(|_| {
            let mut facts = Facts::new();
            facts.diagnostics.extend(self.paths.iter().map(|path| Diagnostic {
                code: "D012",
                severity: Severity::Error,
                message: format!("the reader `{}` broke down on its files, and none of them was read", self.reader.id),
                path: Arc::from(*path),
                line: 0,
                hint: Some("this is a defect of allod: please report the file".to_owned()),
            }));
            facts
        })
    }

    fn call(&self, files: &Files, collected: &Collected) -> Facts {
        if let Some((of, peers, read)) = &self.group {
            return read(files, of, *peers, &self.paths);
        }
        match self.reader.read {
            Read::Loaded(read) => read(files, &self.paths),
            Read::Streamed(read) => {
                let mut facts = Facts::new();
                for path in &self.paths {
                    let Some((real, _)) = collected.streamed.get(*path) else { continue };
                    match File::open(real) {
                        Ok(file) => facts.absorb(read(path, &mut BufReader::with_capacity(1 << 20, file))),
                        Err(error) => facts.diagnostics.push(crate::collect::unreadable(path, &error)),
                    }
                }
                facts
            }
        }
    }
}

use crate::collect::{Looked, Outcome};
use allod_readers::files::Loaded;
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What the walk before saw of each file, so that one that did not change is not opened again.
#[derive(Default)]
pub(crate) struct Seen {
    files: HashMap<PathBuf, (Arc<str>, Stamp, Outcome)>,
}

/// By what a change of a file is noticed without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    size: u64,
    /// Of the file system, where it has them: the number of the file and the time of its last change of any kind.
    inode: u64,
    changed: (i64, i64),
    /// Whether the last change was long enough ago that a later one must have another time.
    settled: bool,
}

/// The coarsest clock of common file systems (FAT) counts two seconds: a file that changed in the last two could change
/// again without another time.
const SETTLED_AFTER_MS: u64 = 2_000;

impl Stamp {
    pub fn of(metadata: &Metadata) -> Option<Stamp> {
        let modified = metadata.modified().ok()?;
        let age = SystemTime::now().duration_since(modified).unwrap_or_default();
        let (inode, changed) = identity(metadata);
        let settled = age > Duration::from_millis(SETTLED_AFTER_MS);
        Some(Stamp { modified, size: metadata.len(), inode, changed, settled })
    }

    /// Whether a file with this stamp now is the one that had the other stamp before.
    pub fn is_same(&self, before: &Stamp) -> bool {
        before.settled && Stamp { settled: true, ..*self } == *before
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, (i64, i64)) {
    use std::os::unix::fs::MetadataExt;
    (metadata.ino(), (metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, (i64, i64)) {
    (0, (0, 0))
}

impl Seen {
    /// What is known of a file that did not change, with its stamp now.
    pub fn unchanged(&self, real: &Path, path: &Arc<str>) -> Option<(Stamp, Outcome)> {
        let (shown, before, outcome) = self.files.get(real)?;
        let now = Stamp::of(&std::fs::metadata(real).ok()?)?;
        (shown == path && now.is_same(before)).then(|| (now, outcome.clone()))
    }

    /// The outcome known before, when a second look gave the same bytes: what was parsed from them stays.
    pub fn same(&self, real: &Path, new: Outcome) -> Outcome {
        let Some((_, _, before)) = self.files.get(real) else { return new };
        let equal = |a: &Arc<Loaded>, b: &Arc<Loaded>| a.bytes() == b.bytes();
        match (before, &new) {
            (
                Outcome::Recognised { reader: was, loaded: Some(before) },
                Outcome::Recognised { reader, loaded: Some(now) },
            ) if was == reader && equal(before, now) => {
                Outcome::Recognised { reader: *reader, loaded: Some(before.clone()) }
            }
            (Outcome::Support(before), Outcome::Support(now)) if equal(before, now) => Outcome::Support(before.clone()),
            _ => new,
        }
    }

    /// Takes what a walk saw in place of what was known.
    pub fn renew(&mut self, looked: &[Looked]) {
        self.files.clear();
        let stamped = looked.iter().filter_map(|one| Some((one, one.stamp?)));
        self.files
            .extend(stamped.map(|(one, stamp)| (one.real.clone(), (one.path.clone(), stamp, one.outcome.clone()))));
    }
}

//! What can go wrong with a log on a disk. Each variant has a code that stays.

use std::io;
use std::sync::Arc;

use super::damage::Damage;

/// An operation on an embedded log that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process (or another value in this one) writes this log.
    #[error(
        "the log is open for writing elsewhere: `{file}` is locked\n\nhint: a log has one writer; readers need no lock"
    )]
    Locked {
        /// The file of the lock.
        file: &'static str,
    },
    /// One entry is longer than the format can hold.
    #[error(
        "an entry has {length} bytes, and can have at most {limit}\n\nhint: log its hash and keep the bytes elsewhere"
    )]
    EntryTooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// More was handed in at once than one batch holds.
    #[error("the entries have {length} bytes together, and one call can append at most {limit}")]
    BatchTooLong {
        /// Their length in bytes, with two more for each.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// An earlier write failed, so this writer writes nothing more. Opening the log again recovers it.
    #[error(
        "the log stopped after a write that failed; whether this entry is kept is not known\n\nhint: open the log again"
    )]
    Stopped(#[source] Arc<Error>),
    /// The disk is full.
    #[error("no space left to {attempt} `{file}`")]
    Full {
        /// What was tried.
        attempt: &'static str,
        /// On which file.
        file: String,
        /// What the file system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The folder cannot be written.
    #[error(
        "no permission to {attempt} `{file}`\n\nhint: the folder must be writable by this user, and not mounted read-only"
    )]
    ReadOnly {
        /// What was tried.
        attempt: &'static str,
        /// On which file.
        file: String,
        /// What the file system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file system failed in another way.
    #[error("could not {attempt} `{file}`")]
    Disk {
        /// What was tried.
        attempt: &'static str,
        /// On which file.
        file: String,
        /// What the file system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file does not hold what it must. Nothing was signed over it.
    #[error("the log is damaged: {0}\n\nhint: verify the whole log, and restore the file from a copy")]
    Damaged(Damage),
    /// The checkpoint is another log's.
    #[error("`{file}` is of the log `{found}`, not of `{expected}`")]
    WrongOrigin {
        /// The file.
        file: &'static str,
        /// Its origin line.
        found: String,
        /// The origin that the caller gave.
        expected: String,
    },
    /// The checkpoint carries no signature of a key that the caller gave.
    #[error("`{file}` is not signed by a key of this log\n\nhint: after a change of keys give the old one too")]
    WrongKey {
        /// The file.
        file: &'static str,
    },
    /// A checkpoint cannot be read.
    #[error("`{file}` is not a checkpoint of this log\n\nhint: restore it from a copy")]
    Checkpoint {
        /// The file.
        file: &'static str,
        /// Why not.
        #[source]
        source: Arc<crate::Error>,
    },
    /// The keys are none for this log.
    #[error(
        "the keys do not fit the log `{origin}`\n\nhint: signing keys are Ed25519 keys with the origin as their name; the timekeeper is another key, for cosignatures"
    )]
    Keys {
        /// The origin.
        origin: String,
    },
    /// There is no log in the folder.
    #[error(
        "there is no log in the folder: `{file}` is missing\n\nhint: if there was one, restore it; an empty one is made only when asked for"
    )]
    Missing {
        /// What is missing.
        file: &'static str,
    },
    /// The log is older than a state of it that is known, or contradicts it.
    #[error(
        "the log is not the one that was known: it has {size} entries, {known} were known, and {why}\n\nhint: an older copy may have been restored; do not go on writing it"
    )]
    Older {
        /// The entries that the folder holds.
        size: u64,
        /// The entries that were known.
        known: u64,
        /// What contradicts.
        why: &'static str,
    },
    /// A format was given something that it cannot hold.
    #[error("could not {attempt}")]
    Format {
        /// What was tried.
        attempt: &'static str,
        /// Why not.
        #[source]
        source: Arc<crate::Error>,
    },
    /// The thread that wrote ended in the middle of it.
    #[error("the thread that wrote the log ended in the middle of it")]
    Interrupted,
    /// What was asked for is beyond the end of the log.
    #[error("index {index} is not in the log, which has {size} entries")]
    OutOfRange {
        /// What was asked for.
        index: u64,
        /// The size of the checkpoint.
        size: u64,
    },
}

impl Error {
    /// The code, which stays the same when the wording changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "L001",
            Self::EntryTooLong { .. } => "L002",
            Self::BatchTooLong { .. } => "L003",
            Self::Stopped(_) => "L004",
            Self::Full { .. } => "L005",
            Self::ReadOnly { .. } => "L006",
            Self::Disk { .. } => "L007",
            Self::Damaged(_) => "L008",
            Self::WrongOrigin { .. } => "L009",
            Self::WrongKey { .. } => "L010",
            Self::Missing { .. } => "L011",
            Self::Older { .. } => "L012",
            Self::Format { .. } => "L013",
            Self::OutOfRange { .. } => "L014",
            Self::Interrupted => "L015",
            Self::Checkpoint { .. } => "L016",
            Self::Keys { .. } => "L017",
        }
    }

    /// What a call on the disk failed with.
    pub(super) fn disk(attempt: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let (file, source) = (file.to_owned(), Arc::new(source));
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { attempt, file, source },
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Self::ReadOnly { attempt, file, source }
                }
                _ => Self::Disk { attempt, file, source },
            }
        }
    }
}

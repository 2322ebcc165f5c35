//! What is wrong with a file of a log, and where.

use std::fmt;

/// One thing that a file should hold and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, from the log's folder.
    pub file: String,
    /// Where in it.
    pub at: At,
    /// What is wrong.
    pub what: Wrong,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The file as a whole.
    File,
    /// Bytes from its beginning.
    Offset(u64),
    /// The entry of this index.
    Entry(u64),
    /// The hash of this number in a tile, counted from its beginning.
    Hash(u64),
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The file is not there.
    Missing,
    /// The file cannot be read: the device or the file system fails.
    Unreadable,
    /// The file has another length than it must.
    Length,
    /// The head of a write-ahead segment or batch is not what was written.
    Head,
    /// The bytes of a batch are not those that were written.
    Batch,
    /// A batch does not begin where the one before ends.
    Gap,
    /// The text of a checkpoint or the framing of a bundle cannot be read.
    Unparsable,
    /// An entry does not hash to what the tile says.
    Entry,
    /// A hash of a tile is not that of the level below.
    Tile,
    /// The tree does not have the root that was signed.
    Root,
    /// No signature of a key of this log, or one that does not fit.
    Signature,
    /// The origin is another log's.
    Origin,
    /// An earlier checkpoint is of another tree.
    Earlier,
    /// The log ends before an earlier checkpoint does.
    Shorter,
    /// The last signed time is older than the caller allows.
    Stale,
}

impl Damage {
    pub(super) fn new(file: impl Into<String>, at: At, what: Wrong) -> Self {
        Self { file: file.into(), at, what }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.file)?;
        match self.at {
            At::File => {}
            At::Offset(offset) => write!(f, ", byte {offset}")?,
            At::Entry(index) => write!(f, ", entry {index}")?,
            At::Hash(number) => write!(f, ", hash {number}")?,
        }
        let what = match self.what {
            Wrong::Missing => "is missing",
            Wrong::Unreadable => "cannot be read",
            Wrong::Length => "has another length than it must",
            Wrong::Head => "a head is not what was written",
            Wrong::Batch => "a batch is not what was written",
            Wrong::Gap => "a batch does not begin where the one before ends",
            Wrong::Unparsable => "is not in its format",
            Wrong::Entry => "is not the entry that the tile names",
            Wrong::Tile => "is not the hash of the level below",
            Wrong::Root => "does not have the root that was signed",
            Wrong::Signature => "is not signed by a key of this log",
            Wrong::Origin => "is another log's",
            Wrong::Earlier => "is not of the same tree as an earlier checkpoint",
            Wrong::Shorter => "ends before an earlier checkpoint does",
            Wrong::Stale => "was last signed longer ago than is allowed",
        };
        write!(f, ": {what}")
    }
}

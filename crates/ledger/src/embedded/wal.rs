//! The write-ahead log: entries in the order of their index, durable before anything is answered.
//!
//! A segment is a file with a head and then batches, each written with one append and one sync:
//!
//! ```text
//! segment  "allodwal" | version u32 | first index u64 | SHA-256(origin)[..16] | check of the above [16]
//! batch    "ALWB" | entries u32 | body bytes u32 | first index u64 | check of segment head and the above [16]
//!          body: for each entry its length u16 and its bytes, as in a bundle of tlog-tiles
//!          check of the batch's head and body [16]
//! ```
//!
//! Integers are big-endian. A check is SHA-256 cut to 16 bytes: what is hashed here is signed later, so an accidental
//! match at one in 2^32 (crc32c) would be the weakest part of the chain; with SHA instructions it costs less than the
//! system call, and it needs no further dependency. It is no protection against who can write the folder: that is what
//! the signed tree is for.
//!
//! Segments are never cut or written over. After a crash a new one is begun at the first index that is not kept, and
//! what a torn batch left behind is ignored only when it cannot have been acknowledged (see [`Segment::batch`]).

mod segment;

pub(super) use segment::{Found, Segment, entries};

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::disk::{Append, Disk};
use super::error::Error;
use super::layout;
use super::stage::Staged;
use crate::tile::MAX_ENTRY_BYTES;

/// The head of a segment in bytes.
const SEGMENT_HEAD: usize = 52;
/// The head of a batch in bytes.
const BATCH_HEAD: usize = 36;
/// A check in bytes.
const CHECK: usize = 16;
const SEGMENT_MAGIC: &[u8; 8] = b"allodwal";
const BATCH_MAGIC: &[u8; 4] = b"ALWB";
const VERSION: u32 = 1;

/// The bytes of entries (with two for each length) in one batch. It bounds what a reader holds at once, and how much one
/// sync writes: at 100 MB/s that is 40 ms.
pub const BATCH_BYTES: usize = 4 << 20;
/// A segment that has become longer than this is followed by a new one, so that the old one can go when its entries are
/// in bundles.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// The first bytes of SHA-256 over the parts.
fn check(parts: &[&[u8]]) -> [u8; CHECK] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut out = [0; CHECK];
    for (to, from) in out.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    out
}

/// Entries on their way into one batch.
#[derive(Debug)]
pub(super) struct Batch {
    /// Room for the head, then the body.
    bytes: Vec<u8>,
    pub(super) count: u32,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; BATCH_HEAD], count: 0 }
    }

    /// The bytes of the body so far.
    pub(super) fn body(&self) -> usize {
        self.bytes.len() - BATCH_HEAD
    }

    /// What an entry adds to the body.
    pub(super) fn cost(entry: &[u8]) -> usize {
        entry.len() + 2
    }

    /// Adds an entry.
    pub(super) fn push(&mut self, entry: &[u8]) -> Result<(), Error> {
        let too_long = || Error::EntryTooLong { length: entry.len(), limit: MAX_ENTRY_BYTES };
        let length = u16::try_from(entry.len()).map_err(|_| too_long())?;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(entry);
        self.count += 1;
        Ok(())
    }

    /// The bytes to write for a batch that begins at `first` in the segment with this head.
    fn seal(mut self, segment: &[u8], first: u64) -> Vec<u8> {
        let length = u32::try_from(self.body()).unwrap_or(u32::MAX);
        let mut head = Vec::with_capacity(BATCH_HEAD);
        head.extend_from_slice(BATCH_MAGIC);
        head.extend_from_slice(&self.count.to_be_bytes());
        head.extend_from_slice(&length.to_be_bytes());
        head.extend_from_slice(&first.to_be_bytes());
        let sealed = check(&[segment, &head]);
        head.extend_from_slice(&sealed);
        for (to, from) in self.bytes.iter_mut().zip(head) {
            *to = from;
        }
        let whole = check(&[&self.bytes]);
        self.bytes.extend_from_slice(&whole);
        self.bytes
    }
}

/// The writing end.
pub(super) struct Wal {
    disk: Arc<dyn Disk>,
    origin: String,
    file: Box<dyn Append>,
    path: String,
    head: Vec<u8>,
    length: u64,
    /// From this length on a new segment is begun.
    limit: u64,
    next: u64,
}

impl Wal {
    /// Begins a segment whose first entry will have the index `next`.
    pub(super) fn begin(disk: &Arc<dyn Disk>, origin: &str, next: u64, limit: u64) -> Result<Self, Error> {
        let path = layout::segment(next);
        let head = segment::head(origin, next);
        let staged = Staged::private(&**disk, "segment", &head)?;
        let file = staged.publish_open(&path)?;
        let length = head.len() as u64;
        Ok(Self { disk: Arc::clone(disk), origin: origin.to_owned(), file, path, head, length, limit, next })
    }

    /// The index that the next entry gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Writes a batch and returns when it is durable.
    ///
    /// After an error this value must not be used again: whether the batch is kept is not known.
    pub(super) fn append(&mut self, batch: Batch) -> Result<(), Error> {
        if self.length > self.limit {
            *self = Self::begin(&self.disk, &self.origin, self.next, self.limit)?;
        }
        let count = u64::from(batch.count);
        let bytes = batch.seal(&self.head, self.next);
        self.file.append(&bytes).map_err(Error::disk("write to", &self.path))?;
        self.file.sync().map_err(Error::disk("sync", &self.path))?;
        self.length += bytes.len() as u64;
        self.next += count;
        Ok(())
    }
}

/// The segments of a folder, by the index of their first entry.
pub(super) fn segments(disk: &dyn Disk) -> Result<Vec<u64>, Error> {
    let names = disk.list(layout::WAL).map_err(Error::disk("list", layout::WAL))?;
    Ok(names.iter().filter_map(|name| layout::segment_first(name)).collect())
}

/// Removes the segments before the one that begins at `segment`.
pub(super) fn drop_before(disk: &dyn Disk, segment: u64) -> Result<(), Error> {
    for first in segments(disk)?.into_iter().filter(|first| *first < segment) {
        let path = layout::segment(first);
        disk.remove(&path).map_err(Error::disk("remove", &path))?;
    }
    Ok(())
}

//! A segment as it is read back: after a crash, and each time before entries are signed.

use std::io;

use super::{BATCH_BYTES, BATCH_HEAD, BATCH_MAGIC, CHECK, SEGMENT_HEAD, SEGMENT_MAGIC, VERSION, check};
use crate::embedded::damage::{At, Damage, Wrong};
use crate::embedded::disk::{Disk, Source};
use crate::embedded::error::Error;
use crate::embedded::layout;
use crate::embedded::stage::Staged;

/// What a disk writes at once or not at all. A write that was torn misses whole sectors; they read as zeros.
const SECTOR: u64 = 512;
/// How much of a segment is copied, or looked through for what follows a damage, at once.
const PIECE_BYTES: usize = 1 << 20;

/// The head of a segment.
pub(super) fn head(origin: &str, first: u64) -> Vec<u8> {
    let mut head = Vec::with_capacity(SEGMENT_HEAD);
    head.extend_from_slice(SEGMENT_MAGIC);
    head.extend_from_slice(&VERSION.to_be_bytes());
    head.extend_from_slice(&first.to_be_bytes());
    head.extend_from_slice(&check(&[origin.as_bytes()]));
    let sealed = check(&[&head]);
    head.extend_from_slice(&sealed);
    head
}

/// A segment that is being read.
pub(in crate::embedded) struct Segment {
    pub(in crate::embedded) path: String,
    source: Box<dyn Source>,
    head: Vec<u8>,
}

/// What stands at a place of a segment.
pub(in crate::embedded) enum Found {
    /// A whole batch.
    Batch {
        /// The index of its first entry.
        first: u64,
        /// How many entries it has.
        count: u64,
        /// Lengths and entries.
        body: Vec<u8>,
        /// Where the next one begins.
        next: u64,
    },
    /// The end of the file.
    End,
    /// What a crash left of a batch that was never acknowledged.
    Torn,
}

struct Head {
    bytes: [u8; BATCH_HEAD],
    count: u32,
    length: u32,
    first: u64,
}

impl Segment {
    /// Opens the segment that begins at `first`.
    pub(in crate::embedded) fn open(disk: &dyn Disk, origin: &str, first: u64) -> Result<Self, Error> {
        let path = layout::segment(first);
        let source = match disk.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Damaged(Damage::new(path, At::File, Wrong::Missing)));
            }
            opened => opened.map_err(Error::disk("open", &path))?,
        };
        let head = head(origin, first);
        let mut found = vec![0; SEGMENT_HEAD];
        // A segment gets its name only after its head is durable, so a head that is short or wrong was damaged later.
        match source.read_at(0, &mut found) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(Error::disk("read", &path)(error)),
            Ok(()) if found == head => Ok(Self { path, source, head }),
            _ => Err(Error::Damaged(Damage::new(path, At::Offset(0), Wrong::Head))),
        }
    }

    /// Where the first batch begins.
    pub(in crate::embedded) fn start(&self) -> u64 {
        self.head.len() as u64
    }

    /// Reads the batch at `offset`.
    ///
    /// The next batch is written only when the one before is durable. So what is not whole was never acknowledged if
    /// nothing follows it, and if it looks torn: the file ends too early, or a whole sector of it is empty. A batch that
    /// has all its bytes and not the right ones is damaged, wherever it stands, and that is an error: it may have been
    /// acknowledged.
    pub(in crate::embedded) fn batch(&self, offset: u64) -> Result<Found, Error> {
        let length = self.length()?;
        if offset >= length {
            return Ok(Found::End);
        }
        let mut bytes = [0; BATCH_HEAD];
        if length - offset < BATCH_HEAD as u64 {
            return Ok(Found::Torn);
        }
        self.read(offset, &mut bytes)?;
        let body_at = offset + BATCH_HEAD as u64;
        let Some(head) = self.parse(bytes) else {
            let torn = misses_sector(offset, &bytes) && !self.follows(offset + 1, length)?;
            return if torn { Ok(Found::Torn) } else { Err(self.damaged(offset, Wrong::Head)) };
        };
        let next = body_at + u64::from(head.length) + CHECK as u64;
        if next > length {
            return Ok(Found::Torn);
        }
        let mut body = vec![0; head.length as usize + CHECK];
        self.read(body_at, &mut body)?;
        let sealed = body.split_off(head.length as usize);
        if check(&[&head.bytes, &body]).as_slice() != sealed {
            body.extend_from_slice(&sealed);
            let torn = misses_sector(body_at, &body) && !self.follows(next, length)?;
            return if torn { Ok(Found::Torn) } else { Err(self.damaged(offset, Wrong::Batch)) };
        }
        Ok(Found::Batch { first: head.first, count: u64::from(head.count), body, next })
    }

    /// Replaces the segment by a copy of its first `length` bytes.
    ///
    /// What a writer that crashed did not sync may be in the memory of the kernel only, and look as good as the rest; the
    /// copy is on the disk.
    pub(in crate::embedded) fn renew(&self, disk: &dyn Disk, length: u64) -> Result<(), Error> {
        let mut offset = 0;
        let staged = Staged::pieces(disk, "segment", || {
            let size = usize::try_from(length - offset).unwrap_or(usize::MAX).min(PIECE_BYTES);
            let mut piece = vec![0; size];
            self.read(offset, &mut piece)?;
            offset += size as u64;
            Ok((size > 0).then_some(piece))
        })?;
        staged.publish(&self.path)
    }

    fn length(&self) -> Result<u64, Error> {
        self.source.length().map_err(Error::disk("read", &self.path))
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Error> {
        self.source.read_at(offset, into).map_err(Error::disk("read", &self.path))
    }

    pub(in crate::embedded) fn damaged(&self, offset: u64, what: Wrong) -> Error {
        Error::Damaged(Damage::new(&*self.path, At::Offset(offset), what))
    }

    /// The head of a batch, if it is whole.
    fn parse(&self, bytes: [u8; BATCH_HEAD]) -> Option<Head> {
        let (before, sealed) = bytes.split_at_checked(BATCH_HEAD - CHECK)?;
        let rest = before.strip_prefix(BATCH_MAGIC)?;
        if check(&[&self.head, before]).as_slice() != sealed {
            return None;
        }
        let (count, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (first, _) = rest.split_first_chunk()?;
        let head = Head {
            bytes,
            count: u32::from_be_bytes(*count),
            length: u32::from_be_bytes(*length),
            first: u64::from_be_bytes(*first),
        };
        (head.length as usize <= BATCH_BYTES && head.count > 0).then_some(head)
    }

    /// Whether the head of a batch of this segment stands anywhere from `offset` on.
    fn follows(&self, mut offset: u64, length: u64) -> Result<bool, Error> {
        while offset < length {
            let window = usize::try_from(length - offset).unwrap_or(usize::MAX).min(PIECE_BYTES + BATCH_HEAD);
            let mut bytes = vec![0; window];
            self.read(offset, &mut bytes)?;
            let found = bytes.windows(BATCH_HEAD).any(|candidate| {
                candidate.starts_with(BATCH_MAGIC) && candidate.try_into().is_ok_and(|head| self.parse(head).is_some())
            });
            if found {
                return Ok(true);
            }
            offset += PIECE_BYTES as u64;
        }
        Ok(false)
    }
}

/// Whether the part of some sector that belongs to these bytes at `offset` is empty.
fn misses_sector(offset: u64, bytes: &[u8]) -> bool {
    let first = usize::try_from(SECTOR - offset % SECTOR).unwrap_or(bytes.len()).min(bytes.len());
    let (edge, rest) = bytes.split_at_checked(first).unwrap_or((bytes, &[]));
    std::iter::once(edge)
        .chain(rest.chunks(SECTOR as usize))
        .any(|sector| !sector.is_empty() && sector.iter().all(|byte| *byte == 0))
}

/// The entries of a body, or nothing when the lengths do not add up.
pub(in crate::embedded) fn entries(mut body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        body = rest;
    }
    Some(entries)
}

//! Reading a log from its folder alone: without its keys' secrets, without the lock, beside a writer.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::damage::{At, Damage, Wrong};
use super::disk::{self, Disk};
use super::error::Error;
use super::files::{self, Folder};
use super::layout;
use super::sign::{self, CHECKPOINT_LIMIT, Root};
use crate::checkpoint::Checkpoint;
use crate::note::{Note, VerifyingKey};
use crate::proof::Proof;
use crate::tile::{Bundle, TILE_WIDTH};
use crate::tree::{Hash, leaf_hash, prove_inclusion, verify_inclusion};

/// A log that is open for reading. Only the files under `public/` are read, so a copy of that folder will do.
pub struct Reader {
    pub(super) disk: Arc<dyn Disk>,
    origin: String,
    keys: Vec<VerifyingKey>,
    timekeeper: Option<VerifyingKey>,
}

/// A checkpoint whose signature by the log was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The note with all its signatures.
    pub note: Note,
    /// When the log's timekeeper said that this is the last one, in seconds since 1970.
    pub time_s: Option<u64>,
}

impl Signed {
    pub(super) fn root(&self) -> Root {
        Root { size: self.checkpoint.size(), hash: *self.checkpoint.root() }
    }
}

impl Reader {
    /// A reader of the log `origin`, which one of `keys` signs.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, origin: &str, keys: Vec<VerifyingKey>, timekeeper: Option<VerifyingKey>) -> Self {
        Self { disk, origin: origin.to_owned(), keys, timekeeper }
    }

    /// The checkpoint that the folder shows.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Checkpoint`], [`Error::WrongOrigin`], [`Error::WrongKey`]; errors of the file system.
    pub fn checkpoint(&self) -> Result<Signed, Error> {
        let file = layout::CHECKPOINT;
        let bytes = disk::read(&*self.disk, file, CHECKPOINT_LIMIT).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing { file },
            _ => Error::disk("read", file)(error),
        })?;
        let keys: Vec<_> = self.keys.iter().collect();
        let sign::Read { checkpoint, note } = sign::read(file, &bytes, &self.origin, &keys)?;
        let time_s = match note.verify(&self.timekeeper) {
            Ok(verified) => verified.iter().find_map(|one| one.time_s),
            Err(crate::Error::Unsigned) => None,
            Err(source) => return Err(Error::Checkpoint { file, source: Arc::new(source) }),
        };
        Ok(Signed { checkpoint, note, time_s })
    }

    /// The entry of this index, proved to be in the signed tree.
    ///
    /// # Errors
    /// [`Error::OutOfRange`]; [`Error::Damaged`] when the files do not lead to the signed root.
    pub fn entry(&self, signed: &Signed, index: u64) -> Result<Vec<u8>, Error> {
        self.prove(signed, index).map(|(entry, _)| entry)
    }

    /// The entry of this index with its proof of inclusion (RFC 6962), which was checked.
    ///
    /// # Errors
    /// As [`Reader::entry`].
    pub fn prove(&self, signed: &Signed, index: u64) -> Result<(Vec<u8>, Vec<Hash>), Error> {
        let Root { size, hash } = signed.root();
        let bundle =
            Bundle::at(index / TILE_WIDTH, size).filter(|_| index < size).ok_or(Error::OutOfRange { index, size })?;
        let (found, bytes) = self.bundle(bundle)?;
        let at = usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX);
        let entries = found.decode(&bytes).map_err(files::failed("read a bundle"))?;
        let damaged = |what| Error::Damaged(Damage::new(files::path(found), At::Entry(index), what));
        let entry = entries.get(at).ok_or_else(|| damaged(Wrong::Length))?;
        let proof =
            prove_inclusion(index, size, &Folder::new(&*self.disk, size)).map_err(files::failed("prove inclusion"))?;
        match verify_inclusion(&leaf_hash(entry), index, size, &proof, &hash) {
            Ok(()) => Ok((entry.to_vec(), proof)),
            Err(_) => Err(damaged(Wrong::Root)),
        }
    }

    /// The entry of this index with its proof as a file (`.tlog-proof`), which others can verify by themselves.
    ///
    /// # Errors
    /// As [`Reader::entry`].
    pub fn proof(&self, signed: &Signed, index: u64) -> Result<(Vec<u8>, Proof), Error> {
        let (entry, hashes) = self.prove(signed, index)?;
        Proof::new(index, hashes, signed.note.clone())
            .map(|proof| (entry, proof))
            .map_err(files::failed("write a proof"))
    }

    /// The proof that the signed tree begins with the tree of an earlier checkpoint (RFC 6962), which was checked.
    ///
    /// # Errors
    /// [`Error::Older`] when it does not; [`Error::Damaged`] when the files do not lead to the signed root.
    pub fn prove_consistency(&self, earlier: &Checkpoint, signed: &Signed) -> Result<Vec<Hash>, Error> {
        files::contains(&*self.disk, &signed.root(), &Root { size: earlier.size(), hash: *earlier.root() })
    }

    /// Calls `each` with every entry of a range in order, as the bundles have them; [`Reader::verify`] says whether they
    /// are those that were signed. Holds one bundle at a time.
    ///
    /// # Errors
    /// [`Error::OutOfRange`]; [`Error::Damaged`] when a bundle is missing or broken.
    pub fn entries(&self, signed: &Signed, range: Range<u64>, mut each: impl FnMut(u64, &[u8])) -> Result<(), Error> {
        let size = signed.checkpoint.size();
        if range.end > size {
            return Err(Error::OutOfRange { index: range.end - 1, size });
        }
        for number in range.start / TILE_WIDTH..range.end.div_ceil(TILE_WIDTH) {
            let bundle = Bundle::at(number, size).ok_or(Error::OutOfRange { index: number * TILE_WIDTH, size })?;
            let (found, bytes) = self.bundle(bundle)?;
            let entries = found.decode(&bytes).map_err(files::failed("read a bundle"))?;
            for (entry, index) in entries.into_iter().zip(number * TILE_WIDTH..) {
                if range.contains(&index) {
                    each(index, entry);
                }
            }
        }
        Ok(())
    }

    /// A bundle, or the full one in its place.
    pub(super) fn bundle(&self, bundle: Bundle) -> Result<(Bundle, Vec<u8>), Error> {
        let full = Bundle::new(bundle.index(), TILE_WIDTH as u16).filter(|full| *full != bundle);
        match (files::bundle(&*self.disk, bundle), full) {
            (Ok(bytes), _) => Ok((bundle, bytes)),
            (Err(error), None) => Err(error),
            (Err(error), Some(full)) => files::bundle(&*self.disk, full).map(|bytes| (full, bytes)).map_err(|_| error),
        }
    }
}

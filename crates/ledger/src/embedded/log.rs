//! The one writer of a log.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::{Disk, Lock};
use super::error::Error;
use super::group::Group;
use super::integrate::Integrator;
use super::layout;
use super::recover::{Recovered, recover};
use super::sign::{Root, Signing};
use super::wal::SEGMENT_BYTES;
use crate::checkpoint::Checkpoint;
use crate::note::SigningKey;

/// A log that is open for writing. It can be shared between threads; all of its functions block.
pub struct Log {
    group: Group,
    integrator: Mutex<Integrator>,
    _lock: Box<dyn Lock>,
}

/// How a log is opened.
pub struct Open {
    /// The origin line of its checkpoints. It cannot be changed later.
    pub origin: String,
    /// The keys that sign checkpoints: all of them sign each one. While keys change these are the new and the old one.
    pub signers: Vec<SigningKey>,
    /// The log's own second key, which says when a checkpoint was the last one (see the module's doc on heartbeats).
    pub timekeeper: Option<SigningKey>,
    /// Makes an empty log where there is none. Leave it off where there was one: a folder that was wiped is then an error.
    pub create: bool,
    /// A state of the log that the caller keeps elsewhere (size and root of a checkpoint that was shown to somebody).
    pub not_older_than: Option<Checkpoint>,
    /// A write-ahead segment that has become longer than this is followed by a new one; it goes when its entries are signed.
    pub segment_bytes: u64,
}

impl Open {
    /// Opens the log whose origin is the name of `signer`, and does not make one.
    #[must_use]
    pub fn new(signer: SigningKey) -> Self {
        let origin = signer.verifying_key().name().to_owned();
        let signers = vec![signer];
        Self { origin, signers, timekeeper: None, create: false, not_older_than: None, segment_bytes: SEGMENT_BYTES }
    }
}

impl Log {
    /// Opens a log for writing: takes the lock, recovers what a crash left, and brings what was acknowledged into the tree.
    ///
    /// `now` is the time in seconds since 1970, for the timekeeper, which refuses zero. It is the caller's word: that it
    /// does not go back is the caller's to see to.
    ///
    /// # Errors
    /// [`Error::Locked`] when it is open already; [`Error::Missing`], [`Error::WrongOrigin`], [`Error::WrongKey`],
    /// [`Error::Older`] and [`Error::Damaged`] when it is not the log that it must be (nothing is then signed); errors of
    /// the file system.
    pub fn open(disk: &Arc<dyn Disk>, open: Open, now: u64) -> Result<Self, Error> {
        let Open { origin, signers, timekeeper, create, not_older_than, segment_bytes } = open;
        let signing = Signing::new(origin, signers, timekeeper)?;
        if create {
            for folder in [layout::PRIVATE, layout::WAL, layout::STAGING, layout::PUBLIC] {
                disk.make_folder(folder).map_err(Error::disk("make the folder", folder))?;
            }
        }
        let lock = lock(&**disk)?;
        if let Some(known) = not_older_than.as_ref().filter(|known| known.origin() != signing.origin()) {
            return Err(Error::WrongOrigin {
                file: "not_older_than",
                found: known.origin().to_owned(),
                expected: signing.origin().to_owned(),
            });
        }
        let known: Vec<_> =
            not_older_than.iter().map(|known| Root { size: known.size(), hash: *known.root() }).collect();
        let Recovered { integrator, wal } = recover(disk, signing, create, segment_bytes, &known, now)?;
        Ok(Self { group: Group::new(wal), integrator: Mutex::new(integrator), _lock: lock })
    }

    /// Appends an entry and returns its index once it is durable in the write-ahead log.
    ///
    /// It is in the tree, and can be proved, from the next [`Log::integrate`] on.
    ///
    /// # Errors
    /// [`Error::EntryTooLong`], after which the log goes on; [`Error::Stopped`] after a write that failed: whether this
    /// entry is kept is then not known until the log is opened again.
    pub fn append(&self, entry: &[u8]) -> Result<u64, Error> {
        self.append_all(&[entry]).map(|indices| indices.start)
    }

    /// Appends entries with consecutive indices, in this order; all of them are kept, or none.
    ///
    /// # Errors
    /// As [`Log::append`], and [`Error::BatchTooLong`].
    pub fn append_all(&self, entries: &[&[u8]]) -> Result<Range<u64>, Error> {
        self.group.append(entries)
    }

    /// The entries before this index are durable.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.group.durable()
    }

    /// How many entries the last signed checkpoint has.
    #[must_use]
    pub fn signed(&self) -> u64 {
        self.integrator.lock().unwrap_or_else(PoisonError::into_inner).size()
    }

    /// Brings all durable entries into the tree, and signs it: returns the checkpoint. Signs again, with the new time,
    /// when there is nothing new; that is a heartbeat.
    ///
    /// # Errors
    /// [`Error::Damaged`] when what was written is not what is read back; errors of the file system. The log is then
    /// stopped, and takes no further entries.
    pub fn integrate(&self, now: u64) -> Result<Vec<u8>, Error> {
        let Ok(mut integrator) = self.integrator.lock() else {
            // A thread ended in the middle of it.
            self.group.stop(&Error::Interrupted);
            return Err(Error::Interrupted);
        };
        self.group.check()?;
        let end = self.group.durable();
        let signed =
            if end > integrator.size() { integrator.integrate(end, &[], now) } else { integrator.sign_again(now) };
        signed.inspect_err(|error| self.group.stop(error))
    }
}

/// Takes the lock of the one writer.
pub(super) fn lock(disk: &dyn Disk) -> Result<Box<dyn Lock>, Error> {
    disk.lock(layout::LOCK).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => Error::Locked { file: layout::LOCK },
        std::io::ErrorKind::NotFound => Error::Missing { file: layout::LOCK },
        _ => Error::disk("lock", layout::LOCK)(error),
    })
}

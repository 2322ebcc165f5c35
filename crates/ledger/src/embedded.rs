//! A log in one folder: one writer, any number of readers, no server.
//!
//! **What an answer means.** [`Log::append`] returns the index of an entry once the entry is durable in the write-ahead
//! log. It is then never lost, and never gets another index. It is not yet in the signed tree: [`Log::integrate`] brings
//! all durable entries there, and from then on there is a proof. Who needs the proof with the answer integrates before
//! answering; for everybody else one signature serves all entries of an interval that the caller chooses. An error
//! instead of an answer means that it is not known whether the entry is kept: look for it after opening the log again.
//!
//! **What is signed** was read back from the disk and hashed again just before ([`Log::integrate`]). A damage that is found
//! on the way is an error with file and place, nothing is signed over it, and nothing is left out.
//!
//! **When something fails** in writing, this writer stops for good; it never syncs again what could not be synced, for the
//! kernel may have forgotten it and then say yes. The next [`Log::open`] recovers: it copies what the last segment holds
//! before relying on it, integrates it, and begins a new segment. It ignores the rest of a batch only when no batch
//! follows and whole sectors of it are missing, so that it cannot have been acknowledged. A last batch that has all of
//! its bytes and not the right ones is an error, for it may have been: restore the file from a copy, or, when it is known
//! that nothing was answered, cut the file at the offset that the error names. One case remains that cannot be told
//! apart: a last batch, not integrated, that lost whole sectors after it was acknowledged, or whose end was cut off by
//! somebody. Integrate before stopping, and keep a checkpoint elsewhere ([`Open::not_older_than`]).
//!
//! **Heartbeats.** A log whose tail was cut off is a valid shorter log. What shows it is time: the log's own second key,
//! the timekeeper, cosigns each checkpoint (C2SP tlog-cosignature: as of this time, no larger tree was seen), and
//! [`Log::integrate`] signs again with a new time when there is no new entry. A reader that knows the interval finds a
//! checkpoint that is too old ([`Check::signed_since_s`]). A cosignature was chosen over an entry in the tree as other
//! people's tools read it, and an idle log does not grow; where silence itself has to be provable years later, append an
//! entry of your own at each interval, too. Neither shows anything to who holds no earlier checkpoint when key and folder
//! are in one hand: that is what witnesses are for. There is no clock here; the caller gives the time.
//!
//! **Older copies.** `private/checkpoint` is written before `public/checkpoint`, and the log does not open when the served
//! folder is older or of another tree. A restored copy of the whole folder is noticed only against a checkpoint that is
//! kept elsewhere.
//!
//! **Change of keys.** All of [`Open::signers`] sign each checkpoint; readers accept any key that they know. To change a
//! key, open with the new one first and the old one second until every reader knows the new one, then with the new one
//! alone after one checkpoint was signed by both.
//!
//! **Not here:** sharding by time and retention. As designed: a log is closed by a last checkpoint, a new folder with its
//! own origin begins with an entry that names that checkpoint, and closed folders are kept or removed as a whole, by a
//! published policy, since tlog-tiles forbids pruning without one. Entries are bytes, and what they mean is not known.
//!
//! **Repair.** [`Reader::verify`] names every damaged file. Tiles are made again from the entries
//! ([`Reader::rebuild_tiles`]); a bundle has to come from a copy once its entries have left the write-ahead log, and any
//! static copy of the served folder is one.
//!
//! The disk must keep its word: `fsync` reaches the disk, `rename` replaces at once. A local ext4 or XFS does; network
//! and object-store mounts do not.

mod damage;
pub mod disk;
mod error;
mod files;
mod folder;
mod group;
mod integrate;
pub mod layout;
mod log;
mod reader;
mod rebuild;
mod recover;
mod sign;
mod stage;
mod verify;
mod wal;

pub use damage::{At, Damage, Wrong};
pub use disk::{Append, Disk, Folder, Lock, Source};
pub use error::Error;
pub use folder::RealDisk;
pub use group::BATCH_WINDOW;
pub use log::{Log, Open};
pub use reader::{Reader, Signed};
pub use verify::{Check, Report};
pub use wal::{BATCH_BYTES, SEGMENT_BYTES};

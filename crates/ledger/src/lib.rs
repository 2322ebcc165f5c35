//! The ledger: a transparency log in the C2SP formats, so that other people's tools verify it.
//!
//! Entries are bytes; what they mean is not known here. A signed [`note`] carries a [`checkpoint`] (origin, size and root
//! of a Merkle [`tree`]); the hashes of the tree and the entries are kept in files called tiles and bundles ([`tile`]).
//! Witnesses put [`cosignature`]s under it when they have seen that the log only grew ([`witness`]), and a [`proof`] shows
//! to anyone, offline, that an entry is in a log which a [`policy`] accepts.
//!
//! Everything here parses strictly: a text that another honest tool would not write is refused, so that two readers
//! cannot see two things in one file. Nothing here opens a socket or reads a clock.

pub mod checkpoint;
pub mod cosignature;
pub mod embedded;
mod error;
pub mod note;
pub mod policy;
pub mod proof;
mod strict;
pub mod tile;
pub mod tree;
pub mod witness;

pub use error::Error;

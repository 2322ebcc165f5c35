//! The ledger against its specifications and against the crates of other people.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod memory;
mod note;
mod policy;
mod proof;
mod tile;
mod tree;
mod witness;

use allod_ledger::note::{KeyKind, SigningKey};

const ORIGIN: &str = "log.example/audit";

/// A key that is the same in every run.
fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, kind, &[seed; 32]).unwrap()
}

fn log_key() -> SigningKey {
    key(ORIGIN, KeyKind::Ed25519, 1)
}

/// Bytes with each single bit flipped, one after the other.
fn each_bit_flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut other = bytes.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        (bit, other)
    })
}

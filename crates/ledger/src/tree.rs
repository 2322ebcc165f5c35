//! The Merkle tree: hashes, roots, and proofs of inclusion and consistency (RFC 6962 section 2.1, SHA-256).
//!
//! Sizes and indices count entries. [`Builder`] grows a tree and gives its root after any entry; proofs are made from
//! tiles ([`Tiles`], [`Checked`] where they are those of somebody else) and checked against nothing but roots.

mod builder;
mod checked;
mod hash;
mod proof;
mod range;

pub use builder::Builder;
pub use checked::Checked;
pub use hash::{EMPTY_ROOT, leaf_hash, node_hash};
pub use proof::{inclusion_root, verify_consistency, verify_inclusion};
pub use range::{Tiles, prove_consistency, prove_inclusion, root};

/// A SHA-256 hash: of an entry (leaf), or of two hashes (node).
pub type Hash = [u8; 32];

/// The most entries that a tree may have: other implementations hold sizes in signed 64 bits, and a size that they refuse
/// would split readers.
pub const MAX_SIZE: u64 = i64::MAX as u64;

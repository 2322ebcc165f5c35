//! The ledger against its specifications and against the crates of other people.

mod memory;
mod tile;
mod tree;

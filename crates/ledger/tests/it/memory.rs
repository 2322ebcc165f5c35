//! A log in memory, computed by the recursion of RFC 6962 and not by the code under test.

use allod_ledger::tile::Tile;
use allod_ledger::tree::{EMPTY_ROOT, Hash, Tiles, leaf_hash, node_hash};

/// The hashes of each level of tiles, however large the tree is read.
pub struct Memory(Vec<Vec<Hash>>);

pub fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A log of entries that all differ.
pub fn log(size: u64) -> Memory {
    log_of((0..size).map(|index| leaf_hash(&entry(index))).collect())
}

pub fn log_of(leaves: Vec<Hash>) -> Memory {
    let mut levels: Vec<Vec<Hash>> = vec![leaves];
    while levels.last().unwrap().len() >= 256 {
        levels.push(levels.last().unwrap().as_chunks::<256>().0.iter().map(|tile| plain_root(tile)).collect());
    }
    Memory(levels)
}

pub fn plain_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&plain_root(left), &plain_root(right))
        }
    }
}

impl Memory {
    pub fn leaves(&self) -> &[Hash] {
        &self.0[0]
    }

    pub fn root(&self, size: u64) -> Hash {
        plain_root(&self.leaves()[..size as usize])
    }

    pub fn hashes(&self, tile: Tile) -> Option<&[Hash]> {
        let from = tile.index() as usize * 256;
        self.0.get(usize::from(tile.level()))?.get(from..from + usize::from(tile.width()))
    }
}

impl Tiles for Memory {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.hashes(tile).ok_or("no such tile")?.to_vec())
    }
}

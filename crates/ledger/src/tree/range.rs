use super::builder::subtree_root;
use super::{EMPTY_ROOT, Hash, MAX_SIZE, node_hash};
use crate::Error;
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, Tile};
use std::collections::BTreeMap;

/// Where tiles are read: a folder, a server, the memory.
pub trait Tiles {
    /// The hashes of `tile`, at least as many as it is wide; the hashes of the whole tile do for a partial one, too.
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>>;
}

impl<F: Fn(Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>>> Tiles for F {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>> {
        self(tile)
    }
}

/// The proof that entry `index` is in the tree of `size` entries: its siblings from the leaf to the root (RFC 6962 section
/// 2.1.1). Reads two tiles a level at most.
///
/// What is read is believed: tiles of somebody else belong into [`super::Checked`], or the proof is checked.
pub fn prove_inclusion(index: u64, size: u64, tiles: &impl Tiles) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::NoSuchEntry { index, size });
    }
    let mut ranges = Ranges::new(size, tiles)?;
    let (mut low, mut high) = (0, size);
    let mut siblings = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            siblings.push((middle, high));
            high = middle;
        } else {
            siblings.push((low, middle));
            low = middle;
        }
    }
    siblings.into_iter().rev().map(|(low, high)| ranges.root(low, high)).collect()
}

/// The proof that the tree of `old` entries is the beginning of that of `new` (RFC 6962 section 2.1.2); empty where that
/// needs no proof. Believes what it reads, as [`prove_inclusion`].
pub fn prove_consistency(old: u64, new: u64, tiles: &impl Tiles) -> Result<Vec<Hash>, Error> {
    if old > new {
        return Err(Error::Shrinks { old, new });
    }
    let mut ranges = Ranges::new(new, tiles)?;
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut low, mut high) = (0, new);
    let mut parts = Vec::new();
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            parts.push((middle, high));
            high = middle;
        } else {
            parts.push((low, middle));
            low = middle;
        }
    }
    // The verifier knows the old root; only what is a smaller part of the old tree is told.
    if low > 0 {
        parts.push((low, high));
    }
    parts.into_iter().rev().map(|(low, high)| ranges.root(low, high)).collect()
}

/// The root of the tree of `size` entries, computed from its tiles.
pub fn root(size: u64, tiles: &impl Tiles) -> Result<Hash, Error> {
    let mut ranges = Ranges::new(size, tiles)?;
    if size == 0 { Ok(EMPTY_ROOT) } else { ranges.root(0, size) }
}

/// The largest power of two below `entries`, which are more than one.
fn split(entries: u64) -> u64 {
    1 << (entries - 1).ilog2()
}

/// Roots of ranges of entries; each tile is read once.
struct Ranges<'a, T> {
    size: u64,
    tiles: &'a T,
    read: BTreeMap<Tile, Vec<Hash>>,
}

impl<'a, T: Tiles> Ranges<'a, T> {
    fn new(size: u64, tiles: &'a T) -> Result<Self, Error> {
        if size > MAX_SIZE {
            return Err(Error::TreeTooLarge(size));
        }
        Ok(Self { size, tiles, read: BTreeMap::new() })
    }

    /// The root of entries `low` to `high`, a range that the tree of all entries has as a subtree.
    fn root(&mut self, low: u64, high: u64) -> Result<Hash, Error> {
        let entries = high - low;
        if entries.is_power_of_two() {
            return self.whole(low, entries.ilog2());
        }
        let middle = low + split(entries);
        let left = self.root(low, middle)?;
        let right = self.root(middle, high)?;
        Ok(node_hash(&left, &right))
    }

    /// The root of the whole subtree of `height` that begins at entry `low`.
    fn whole(&mut self, low: u64, height: u32) -> Result<Hash, Error> {
        let level = height / TILE_HEIGHT;
        let first = low >> (level * TILE_HEIGHT);
        let outside = Error::NoSuchEntry { index: low, size: self.size };
        let Some(tile) = Tile::at(level as u8, first / TILE_WIDTH, self.size) else { return Err(outside) };
        let hashes = match self.read.entry(tile) {
            std::collections::btree_map::Entry::Occupied(read) => read.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(tile.read(self.tiles)?),
        };
        let from = (first % TILE_WIDTH) as usize;
        hashes.get(from..from + (1 << (height % TILE_HEIGHT))).and_then(subtree_root).ok_or(outside)
    }
}

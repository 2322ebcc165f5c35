use super::{EMPTY_ROOT, Hash, MAX_SIZE, Tiles, node_hash};
use crate::Error;
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, Tile};

/// A tree that grows entry by entry.
///
/// It holds the right edge only: the rightmost tile of each level and one hash for each bit of the size, about 16 KiB for
/// a million entries. An entry costs one node hash on average, the root a few more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Builder {
    size: u64,
    /// The roots of the whole subtrees that the tree falls into, the largest first.
    peaks: Vec<Hash>,
    /// What the rightmost tile of each level has so far; always less than a whole tile.
    edge: Vec<Vec<Hash>>,
}

impl Builder {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` entries that `tiles` holds, ready to grow. Reads its partial tiles only.
    ///
    /// What is read is believed: compare [`Builder::root`] with a root that is known.
    pub fn resume(size: u64, tiles: &impl Tiles) -> Result<Self, Error> {
        if size > MAX_SIZE {
            return Err(Error::TreeTooLarge(size));
        }
        let mut edge = Vec::new();
        for level in 0.. {
            let hashes = size >> (TILE_HEIGHT * u32::from(level));
            if hashes == 0 {
                break;
            }
            edge.push(match Tile::at(level, hashes / TILE_WIDTH, size) {
                Some(tile) => tile.read(tiles)?,
                None => Vec::new(),
            });
        }
        let mut peaks = Vec::new();
        for hashes in edge.iter().rev() {
            let mut rest = hashes.as_slice();
            for bit in (0..TILE_HEIGHT).rev() {
                let Some((whole, behind)) = rest.split_at_checked(1 << bit) else { continue };
                peaks.extend(subtree_root(whole));
                rest = behind;
            }
        }
        Ok(Self { size, peaks, edge })
    }

    /// How many entries the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        self.peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or(EMPTY_ROOT)
    }

    /// Adds an entry by its leaf hash and returns its index. `whole` gets each tile that it completes, lowest level first.
    pub fn push(&mut self, leaf: Hash, mut whole: impl FnMut(Tile, &[Hash])) -> Result<u64, Error> {
        if self.size >= MAX_SIZE {
            return Err(Error::TreeTooLarge(self.size));
        }
        let index = self.size;
        let mut hash = leaf;
        for height in 0.. {
            if height % TILE_HEIGHT == 0 {
                self.widen(height / TILE_HEIGHT, hash, &mut whole);
            }
            if index >> height & 1 == 0 {
                break;
            }
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
        Ok(index)
    }

    /// The partial tiles of the tree as it is now, lowest level first.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0..).zip(&self.edge).filter_map(|(level, hashes)| {
            let index = self.size.checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0);
            Some((Tile::at(level, index, self.size)?, hashes.as_slice()))
        })
    }

    fn widen(&mut self, level: u32, hash: Hash, whole: &mut impl FnMut(Tile, &[Hash])) {
        let at = level as usize;
        if self.edge.len() <= at {
            self.edge.resize_with(at + 1, || Vec::with_capacity(TILE_WIDTH as usize));
        }
        let Some(hashes) = self.edge.get_mut(at) else { return };
        hashes.push(hash);
        if hashes.len() < TILE_WIDTH as usize {
            return;
        }
        let index = self.size.checked_shr(TILE_HEIGHT * (level + 1)).unwrap_or(0);
        if let Some(tile) = Tile::at(level as u8, index, self.size + 1) {
            whole(tile, hashes);
        }
        hashes.clear();
    }
}

/// The root of a whole subtree with these hashes at its bottom, a power of two of them.
pub(super) fn subtree_root(hashes: &[Hash]) -> Option<Hash> {
    debug_assert!(hashes.len().is_power_of_two());
    let mut row: Vec<Hash> = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.pop()
}

use super::builder::subtree_root;
use super::{Builder, Hash, Tiles};
use crate::Error;
use crate::tile::{TILE_WIDTH, Tile};
use std::collections::BTreeMap;

/// Tiles of somebody who is not believed: each is compared with a root that is known before it is used.
///
/// Partial tiles are read and compared together at the beginning; a whole one is compared with its hash in the tile above,
/// which is compared in turn. It serves trees of up to the size of that root.
#[derive(Debug)]
pub struct Checked<'a, T> {
    tiles: &'a T,
    size: u64,
    /// The partial tiles, by level.
    edge: BTreeMap<u8, (Tile, Vec<Hash>)>,
}

impl<'a, T: Tiles> Checked<'a, T> {
    /// The tiles of the tree of `size` entries under `root`.
    pub fn new(size: u64, root: &Hash, tiles: &'a T) -> Result<Self, Error> {
        let builder = Builder::resume(size, tiles)?;
        if builder.root() != *root {
            return Err(Error::Tile("the partial tiles lead to another root"));
        }
        let edge = builder.partial().map(|(tile, hashes)| (tile.level(), (tile, hashes.to_vec()))).collect();
        Ok(Self { tiles, size, edge })
    }

    /// The hashes of a tile of this tree, as wide as it is in it.
    fn checked(&self, level: u8, index: u64) -> Result<Vec<Hash>, Error> {
        let none = Error::Tile("the tree has no such tile");
        let tile = Tile::at(level, index, self.size).ok_or(none)?;
        if tile.is_partial() {
            let known = self.edge.get(&level).filter(|(known, _)| *known == tile);
            return known.map(|(_, hashes)| hashes.clone()).ok_or(Error::Tile("the tree has no such tile"));
        }
        let hashes = tile.read(self.tiles)?;
        let above = self.checked(level + 1, index / TILE_WIDTH)?;
        if subtree_root(&hashes).as_ref() != above.get((index % TILE_WIDTH) as usize) {
            return Err(Error::ForgedTile { tile });
        }
        Ok(hashes)
    }
}

impl<T: Tiles> Tiles for Checked<'_, T> {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.checked(tile.level(), tile.index())?)
    }
}

//! Tiles made again from bundles: entries are what is signed, tiles follow from them.

use std::sync::Arc;

use super::damage::{At, Damage, Wrong};
use super::error::Error;
use super::files;
use super::integrate::grow;
use super::layout;
use super::log::lock;
use super::reader::Reader;
use super::stage::{Round, clear};
use crate::tile::{Bundle, TILE_WIDTH, Tile};
use crate::tree::{Builder, Hash, leaf_hash};

impl Reader {
    /// Writes again each tile of the signed tree that is missing or damaged, from the entries; returns how many.
    ///
    /// The entries are all hashed before anything is written, and nothing is written unless they have the signed root.
    /// The log must not be open for writing. Bundles cannot be made again once their entries have left the write-ahead
    /// log: restore them from a copy.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::Damaged`] when a bundle is damaged or the entries do not have the signed root; errors
    /// of the file system.
    pub fn rebuild_tiles(&self) -> Result<u64, Error> {
        let disk = Arc::clone(&self.disk);
        let _lock = lock(&*disk)?;
        clear(&*disk)?;
        let signed = self.checkpoint()?;
        let size = signed.checkpoint.size();
        if self.tiles(size, |_, _| Ok(()))? != *signed.checkpoint.root() {
            return Err(Error::Damaged(Damage::new(layout::CHECKPOINT, At::File, Wrong::Root)));
        }
        let mut round = Round::new(&*disk);
        let mut written = 0;
        let root = self.tiles(size, |tile, hashes| {
            if files::tile(&*disk, tile).is_ok_and(|stored| stored == hashes) {
                return Ok(());
            }
            written += 1;
            round.add(files::path(tile), Tile::encode(hashes))
        })?;
        round.publish()?;
        if root == *signed.checkpoint.root() {
            return Ok(written);
        }
        Err(Error::Damaged(Damage::new(layout::CHECKPOINT, At::File, Wrong::Root)))
    }

    /// Calls `each` with every tile that follows from the entries; returns the root.
    fn tiles(&self, size: u64, mut each: impl FnMut(Tile, &[Hash]) -> Result<(), Error>) -> Result<Hash, Error> {
        let mut tree = Builder::new();
        for bundle in (0..size.div_ceil(TILE_WIDTH)).filter_map(|number| Bundle::at(number, size)) {
            let (found, bytes) = self.bundle(bundle)?;
            let entries = found.decode(&bytes).map_err(files::failed("read a bundle"))?;
            for entry in entries.into_iter().take(usize::from(bundle.width())) {
                for (tile, hashes) in grow(&mut tree, leaf_hash(entry))? {
                    each(tile, &hashes)?;
                }
            }
        }
        for (tile, hashes) in tree.partial() {
            each(tile, hashes)?;
        }
        Ok(tree.root())
    }
}

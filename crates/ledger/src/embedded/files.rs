//! Tiles and bundles as files of the served folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::damage::{At, Damage, Wrong};
use super::disk::{self, Disk};
use super::error::Error;
use super::layout;
use super::sign::Root;
use crate::tile::{Bundle, MAX_BUNDLE_BYTES, TILE_WIDTH, Tile};
use crate::tree::{Builder, Hash, Tiles, prove_consistency, verify_consistency};

/// The bytes of a whole tile.
const TILE_BYTES: usize = TILE_WIDTH as usize * size_of::<Hash>();

/// The file of a tile or a bundle.
pub(super) fn path(item: impl std::fmt::Display) -> String {
    format!("{}/{item}", layout::PUBLIC)
}

/// The folder of the partial files of a tile or bundle, which is given as its full one.
pub(super) fn partial_folder(full: impl std::fmt::Display) -> String {
    format!("{}/{full}.p", layout::PUBLIC)
}

/// The bytes of a file, or its damage.
fn bytes(disk: &dyn Disk, path: &str, limit: usize) -> Result<Vec<u8>, Error> {
    disk::read(disk, path, limit).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::Damaged(Damage::new(path, At::File, Wrong::Missing)),
        std::io::ErrorKind::FileTooLarge => Error::Damaged(Damage::new(path, At::File, Wrong::Length)),
        _ => Error::disk("read", path)(error),
    })
}

/// The hashes of the file of a tile.
pub(super) fn tile(disk: &dyn Disk, tile: Tile) -> Result<Vec<Hash>, Error> {
    let path = path(tile);
    let bytes = bytes(disk, &path, TILE_BYTES)?;
    tile.decode(&bytes).map_err(|_| Error::Damaged(Damage::new(path, At::File, Wrong::Length)))
}

/// The bytes of the file of a bundle, which has the form of one.
pub(super) fn bundle(disk: &dyn Disk, bundle: Bundle) -> Result<Vec<u8>, Error> {
    let path = path(bundle);
    let bytes = bytes(disk, &path, MAX_BUNDLE_BYTES)?;
    match bundle.decode(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(Error::Damaged(Damage::new(path, At::File, Wrong::Unparsable))),
    }
}

/// The tiles of a folder, each read once as long as few are asked for.
pub(super) struct Folder<'a> {
    disk: &'a dyn Disk,
    /// The tree whose tiles they are: of a tile, the file of this size is read, which may be wider than what is wanted.
    size: u64,
    /// The last tile of each level.
    last: RefCell<BTreeMap<u8, (Tile, Vec<Hash>)>>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(disk: &'a dyn Disk, size: u64) -> Self {
        Self { disk, size, last: RefCell::default() }
    }
}

impl Tiles for Folder<'_> {
    fn tile(&self, wanted: Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>> {
        let wanted = Tile::at(wanted.level(), wanted.index(), self.size).unwrap_or(wanted);
        let mut last = self.last.borrow_mut();
        if let Some((_, hashes)) = last.get(&wanted.level()).filter(|(held, _)| *held == wanted) {
            return Ok(hashes.clone());
        }
        let hashes = match tile(self.disk, wanted) {
            // A partial tile goes when the whole one has come.
            Err(error) => match wanted.whole().filter(|whole| *whole != wanted).map(|whole| tile(self.disk, whole)) {
                Some(Ok(hashes)) => hashes,
                _ => return Err(Box::new(error)),
            },
            Ok(hashes) => hashes,
        };
        last.insert(wanted.level(), (wanted, hashes.clone()));
        Ok(hashes)
    }
}

/// What reading tiles failed with, as an error of ours.
pub(super) fn failed(attempt: &'static str) -> impl Fn(crate::Error) -> Error {
    move |error| {
        if let crate::Error::ReadTile { source, .. } = &error
            && let Some(ours) = source.downcast_ref::<Error>()
        {
            return ours.clone();
        }
        Error::Format { attempt, source: Arc::new(error) }
    }
}

/// The tree of a signed root, ready to grow; its tiles must have that root.
pub(super) fn resume(disk: &dyn Disk, signed: &Root) -> Result<Builder, Error> {
    let tree = Builder::resume(signed.size, &Folder::new(disk, signed.size)).map_err(failed("read the tree"))?;
    if tree.root() == signed.hash {
        return Ok(tree);
    }
    Err(Error::Damaged(Damage::new(layout::SIGNED, At::File, Wrong::Root)))
}

/// That the tree in the folder, which has the root `now`, begins with the tree `earlier`: the proof of it.
pub(super) fn contains(disk: &dyn Disk, now: &Root, earlier: &Root) -> Result<Vec<Hash>, Error> {
    let older = |why| Error::Older { size: now.size, known: earlier.size, why };
    if earlier.size > now.size {
        return Err(older("it is shorter"));
    }
    let tiles = Folder::new(disk, now.size);
    let proof = prove_consistency(earlier.size, now.size, &tiles).map_err(failed("prove consistency"))?;
    let leads = |from: &Hash| verify_consistency(earlier.size, from, now.size, &now.hash, &proof).is_ok();
    if leads(&earlier.hash) {
        return Ok(proof);
    }
    // Files that lead from a root of their own to ours show that the other tree is another one; others are damaged.
    let ours = crate::tree::root(earlier.size, &tiles).map_err(failed("read the tree"))?;
    if leads(&ours) {
        return Err(older("it is of another tree"));
    }
    Err(Error::Damaged(Damage::new(layout::CHECKPOINT, At::File, Wrong::Root)))
}

/// Whether there is any tile or bundle.
pub(super) fn any(disk: &dyn Disk) -> Result<bool, Error> {
    let path = format!("{}/tile", layout::PUBLIC);
    Ok(!disk.list(&path).map_err(Error::disk("list", &path))?.is_empty())
}

//! From the write-ahead log to a signed tree.
//!
//! Two passes. The first reads entries back from the write-ahead log (each batch with its check) and writes bundles and
//! tiles. The second reads those files back, hashes every entry again, and compares every tile. Only a tree that both
//! found is signed: a bit that flips anywhere between the writing of an entry and its signature is found, and stops the
//! log instead of being signed over. What the kernel gives back may be its own copy and not the disk's; to find a disk
//! that lies, verify the log later.

use std::sync::Arc;

use super::damage::{At, Damage, Wrong};
use super::disk::Disk;
use super::error::Error;
use super::files;
use super::layout;
use super::sign::{Root, Signing};
use super::stage::{Round, Staged};
use super::wal::{self, Found, Segment};
use crate::tile::{Bundle, TILE_WIDTH, Tile, append_entry, bundles_between};
use crate::tree::{Builder, Hash, leaf_hash};

/// The tree as far as it is signed, and where to read on.
pub(super) struct Integrator {
    disk: Arc<dyn Disk>,
    signing: Signing,
    tree: Builder,
    cursor: Cursor,
}

/// A place in the write-ahead log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// The segment that begins at this index.
    pub(super) segment: u64,
    /// Where in it; none for its first batch.
    pub(super) offset: Option<u64>,
    /// The index of the first entry there.
    pub(super) index: u64,
}

impl Integrator {
    pub(super) fn new(disk: Arc<dyn Disk>, signing: Signing, tree: Builder, cursor: Cursor) -> Self {
        Self { disk, signing, tree, cursor }
    }

    /// How many entries are signed.
    pub(super) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Continues in the segment that begins at `index`.
    pub(super) fn go_to(&mut self, index: u64) {
        self.cursor = Cursor { segment: index, offset: None, index };
    }

    /// Brings the entries before `end` into the tree, which must contain each of `known`, and signs it.
    pub(super) fn integrate(&mut self, end: u64, known: &[Root], now: u64) -> Result<Vec<u8>, Error> {
        let (tree, cursor) = self.write(end)?;
        if self.read_back(end)? != tree {
            return Err(Error::Damaged(Damage::new(layout::WAL, At::Entry(self.size()), Wrong::Entry)));
        }
        let root = Root { size: tree.size(), hash: tree.root() };
        for earlier in known {
            files::contains(&*self.disk, &root, earlier)?;
        }
        let text = self.sign(&root, now)?;
        let before = std::mem::replace(&mut self.tree, tree);
        self.cursor = cursor;
        self.remove_partial(&before)?;
        // The one that is read on in stays, also when all of it is signed.
        wal::drop_before(&*self.disk, self.cursor.segment)?;
        Ok(text)
    }

    /// Signs the tree as it is once more.
    pub(super) fn sign_again(&mut self, now: u64) -> Result<Vec<u8>, Error> {
        self.sign(&Root { size: self.tree.size(), hash: self.tree.root() }, now)
    }

    /// First pass: bundles and tiles from the write-ahead log.
    fn write(&self, end: u64) -> Result<(Builder, Cursor), Error> {
        let mut round = Round::new(&*self.disk);
        let mut tree = self.tree.clone();
        let mut cursor = self.cursor;
        let mut bundle = self.open_bundle()?;
        let mut segment = Segment::open(&*self.disk, self.signing.origin(), cursor.segment)?;
        while tree.size() < end {
            let offset = cursor.offset.unwrap_or(segment.start());
            match segment.batch(offset)? {
                Found::Batch { first, count, body, next } if first == cursor.index => {
                    let Some(entries) = wal::entries(&body).filter(|entries| entries.len() as u64 == count) else {
                        return Err(segment.damaged(offset, Wrong::Batch));
                    };
                    // What is signed already is passed over.
                    for (entry, _) in entries.into_iter().zip(first..).filter(|(_, index)| *index >= self.size()) {
                        push(&mut tree, &mut bundle, entry, &mut round)?;
                    }
                    cursor = Cursor { offset: Some(next), index: first + count, ..cursor };
                }
                Found::End | Found::Torn if cursor.index > cursor.segment => {
                    segment = Segment::open(&*self.disk, self.signing.origin(), cursor.index)?;
                    cursor = Cursor { segment: cursor.index, offset: None, ..cursor };
                }
                _ => return Err(segment.damaged(offset, Wrong::Gap)),
            }
        }
        if let Some(open) = Bundle::at(tree.size() / TILE_WIDTH, tree.size()) {
            round.add(files::path(open), &bundle)?;
        }
        for (tile, hashes) in tree.partial() {
            round.add(files::path(tile), Tile::encode(hashes))?;
        }
        round.publish()?;
        Ok((tree, cursor))
    }

    /// The bytes of the bundle that is not full. What is wrong with them is found when they are read back.
    fn open_bundle(&self) -> Result<Vec<u8>, Error> {
        let Some(open) = Bundle::at(self.size() / TILE_WIDTH, self.size()) else { return Ok(Vec::new()) };
        files::bundle(&*self.disk, open)
    }

    /// Second pass: the tree at `end` from the bundles as they are on the disk, with every tile compared.
    fn read_back(&self, end: u64) -> Result<Builder, Error> {
        let mut tree = self.tree.clone();
        for bundle in bundles_between(self.size(), end) {
            let bytes = files::bundle(&*self.disk, bundle)?;
            let old = tree.size() - bundle.index() * TILE_WIDTH;
            let seen = if old > 0 { leaves(&self.tree) } else { &[] };
            let hashes = compare_entries(bundle, &bytes, seen)?;
            for hash in hashes.into_iter().skip(seen.len()) {
                for (tile, hashes) in grow(&mut tree, hash)? {
                    self.compare_tile(tile, &hashes)?;
                }
            }
        }
        for (tile, hashes) in tree.partial() {
            self.compare_tile(tile, hashes)?;
        }
        Ok(tree)
    }

    fn compare_tile(&self, tile: Tile, hashes: &[Hash]) -> Result<(), Error> {
        let found = files::tile(&*self.disk, tile)?;
        match found.iter().zip(hashes).position(|(found, hash)| found != hash) {
            Some(at) => Err(Error::Damaged(Damage::new(files::path(tile), At::Hash(at as u64), Wrong::Tile))),
            None => Ok(()),
        }
    }

    /// Signs, keeps what is signed, then shows it.
    fn sign(&self, root: &Root, now: u64) -> Result<Vec<u8>, Error> {
        let text = self.signing.sign(root, now)?;
        show(&*self.disk, &text)?;
        Ok(text)
    }

    /// Removes partial files of before whose full file is now there, as tlog-tiles allows.
    fn remove_partial(&self, before: &Builder) -> Result<(), Error> {
        let bundle = Bundle::at(before.size() / TILE_WIDTH, before.size());
        let bundle = bundle.and_then(|open| Bundle::at(open.index(), self.size())).filter(|now| !now.is_partial());
        let tiles = before.partial().filter_map(|(tile, _)| Tile::at(tile.level(), tile.index(), self.size()));
        let tiles = tiles.filter(|now| !now.is_partial()).map(files::partial_folder);
        for folder in bundle.map(files::partial_folder).into_iter().chain(tiles) {
            let names = self.disk.list(&folder).map_err(Error::disk("list", &folder))?;
            let files = names.iter().map(|name| format!("{folder}/{name}"));
            for path in files.chain((!names.is_empty()).then(|| folder.clone())) {
                self.disk.remove(&path).map_err(Error::disk("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// Puts a signed checkpoint in its two places: ours first. So what readers may have seen is never newer than what the
/// next start knows of.
pub(super) fn show(disk: &dyn Disk, text: &[u8]) -> Result<(), Error> {
    Staged::private(disk, "checkpoint", text)?.publish(layout::SIGNED)?;
    Staged::public(disk, "checkpoint", text)?.publish(layout::CHECKPOINT)
}

/// The leaf hashes behind the last full tile.
fn leaves(tree: &Builder) -> &[Hash] {
    tree.partial().find(|(tile, _)| tile.level() == 0).map_or(&[], |(_, hashes)| hashes)
}

/// Hashes the entries of a bundle, the first of which must have these hashes.
fn compare_entries(bundle: Bundle, bytes: &[u8], expected: &[Hash]) -> Result<Vec<Hash>, Error> {
    let entries = bundle
        .decode(bytes)
        .map_err(|_| Error::Damaged(Damage::new(files::path(bundle), At::File, Wrong::Unparsable)))?;
    let hashes: Vec<_> = entries.into_iter().map(leaf_hash).collect();
    match hashes.iter().zip(expected).position(|(found, expected)| found != expected) {
        Some(at) => {
            let index = bundle.index() * TILE_WIDTH + at as u64;
            Err(Error::Damaged(Damage::new(files::path(bundle), At::Entry(index), Wrong::Entry)))
        }
        None => Ok(hashes),
    }
}

/// Adds a leaf; returns the tiles that it filled.
pub(super) fn grow(tree: &mut Builder, leaf: Hash) -> Result<Vec<(Tile, Vec<Hash>)>, Error> {
    let mut full = Vec::new();
    tree.push(leaf, |tile, hashes| full.push((tile, hashes.to_vec()))).map_err(files::failed("add to the tree"))?;
    Ok(full)
}

/// Adds an entry to the tree and to its bundle; files that it filled go out.
fn push(tree: &mut Builder, bundle: &mut Vec<u8>, entry: &[u8], round: &mut Round<'_>) -> Result<(), Error> {
    append_entry(bundle, entry).map_err(files::failed("add to a bundle"))?;
    for (tile, hashes) in grow(tree, leaf_hash(entry))? {
        if let Some(full) = Bundle::new(tile.index(), tile.width()).filter(|_| tile.level() == 0) {
            round.add(files::path(full), bundle)?;
            bundle.clear();
        }
        round.add(files::path(tile), Tile::encode(&hashes))?;
    }
    Ok(())
}

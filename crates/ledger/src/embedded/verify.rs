//! Verification of a log against what was signed: every entry, every hash of every tile, streaming. What is held is one
//! bundle and the right edge of the tree, whatever the size of the log.

use std::ops::Range;

use super::damage::{At, Damage, Wrong};
use super::error::Error;
use super::files::{self, Folder};
use super::integrate::grow;
use super::layout;
use super::reader::{Reader, Signed};
use super::sign::Root;
use crate::checkpoint::Checkpoint;
use crate::tile::{Bundle, TILE_WIDTH, Tile};
use crate::tree::{Builder, Hash, leaf_hash, prove_inclusion, verify_inclusion};

/// The damages that are listed; further ones are counted. A log whose files are all broken needs no longer list.
const LISTED: usize = 1_000;

/// What is asked of a log.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// The entries to look at, each proved to be in the signed tree; none for the whole log, which includes all tiles.
    pub range: Option<Range<u64>>,
    /// Checkpoints of before: the tree must begin with each of theirs.
    pub earlier: Vec<Checkpoint>,
    /// The timekeeper must have signed at this time or later, in seconds since 1970: shows a tail that was cut off.
    pub signed_since_s: Option<u64>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The checkpoint, where it could be read.
    pub signed: Option<Signed>,
    /// How many entries were hashed.
    pub entries: u64,
    /// What is wrong; empty for a log that is whole.
    pub damages: Vec<Damage>,
    /// Damages that are not listed.
    pub unlisted: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty()
    }

    fn note(&mut self, damage: Damage) {
        if self.damages.len() < LISTED { self.damages.push(damage) } else { self.unlisted += 1 }
    }

    /// What was read, or nothing with a note of why not.
    fn keep<T>(&mut self, file: &str, read: Result<T, Error>) -> Option<T> {
        match read {
            Ok(value) => return Some(value),
            Err(Error::Damaged(damage)) => self.note(damage),
            Err(error) => self.note(Damage::new(file, At::File, wrong(&error))),
        }
        None
    }
}

/// What an error says about a file.
fn wrong(error: &Error) -> Wrong {
    match error {
        Error::Missing { .. } => Wrong::Missing,
        Error::Checkpoint { source, .. } if matches!(**source, crate::Error::BadSignature { .. }) => Wrong::Signature,
        Error::Checkpoint { .. } | Error::Format { .. } => Wrong::Unparsable,
        Error::WrongOrigin { .. } => Wrong::Origin,
        Error::WrongKey { .. } => Wrong::Signature,
        _ => Wrong::Unreadable,
    }
}

impl Reader {
    /// Verifies the log. Every damage is in the report, with its file and place; nothing is changed.
    #[must_use]
    pub fn verify(&self, check: &Check) -> Report {
        let mut report = Report::default();
        let Some(signed) = report.keep(layout::CHECKPOINT, self.checkpoint()) else { return report };
        if check.signed_since_s.is_some_and(|since| signed.time_s.is_none_or(|time| time < since)) {
            report.note(Damage::new(layout::CHECKPOINT, At::File, Wrong::Stale));
        }
        for earlier in &check.earlier {
            let earlier = Root { size: earlier.size(), hash: *earlier.root() };
            match files::contains(&*self.disk, &signed.root(), &earlier) {
                Err(Error::Older { .. }) => {
                    let what = if earlier.size > signed.root().size { Wrong::Shorter } else { Wrong::Earlier };
                    report.note(Damage::new(layout::CHECKPOINT, At::Entry(earlier.size), what));
                }
                other => drop(report.keep(layout::CHECKPOINT, other)),
            }
        }
        match &check.range {
            None => {
                Whole { reader: self, report: &mut report, root: signed.root(), tree: Builder::new(), trusted: true }
                    .verify()
            }
            Some(range) => self.verify_range(&mut report, &signed, range),
        }
        report.signed = Some(signed);
        report
    }

    fn verify_range(&self, report: &mut Report, signed: &Signed, range: &Range<u64>) {
        let Root { size, hash: root } = signed.root();
        if range.end > size {
            report.note(Damage::new(layout::CHECKPOINT, At::Entry(range.end), Wrong::Shorter));
        }
        let range = range.start..range.end.min(size);
        let tiles = Folder::new(&*self.disk, size);
        for number in range.start / TILE_WIDTH..range.end.div_ceil(TILE_WIDTH) {
            let Some(bundle) = Bundle::at(number, size) else { return };
            let Some((found, bytes)) = report.keep(&files::path(bundle), self.bundle(bundle)) else { continue };
            let entries = found.decode(&bytes).unwrap_or_default();
            for (entry, index) in
                entries.into_iter().zip(number * TILE_WIDTH..).filter(|(_, index)| range.contains(index))
            {
                report.entries += 1;
                let proof = prove_inclusion(index, size, &tiles).map_err(files::failed("prove inclusion"));
                let Some(proof) = report.keep(&files::path(bundle.tile()), proof) else { continue };
                if verify_inclusion(&leaf_hash(entry), index, size, &proof, &root).is_err() {
                    report.note(Damage::new(files::path(found), At::Entry(index), Wrong::Root));
                }
            }
        }
    }
}

/// The verification of a whole log, from the entries up.
struct Whole<'a> {
    reader: &'a Reader,
    report: &'a mut Report,
    root: Root,
    tree: Builder,
    /// Whether everything so far could be put together; otherwise what is above it is no news.
    trusted: bool,
}

impl Whole<'_> {
    fn verify(mut self) {
        for number in 0..self.root.size.div_ceil(TILE_WIDTH) {
            let Some(bundle) = Bundle::at(number, self.root.size) else { return };
            let leaves = self.leaves(bundle);
            for leaf in leaves {
                let Ok(full) = grow(&mut self.tree, leaf) else { return };
                for (tile, hashes) in full.into_iter().filter(|(tile, _)| tile.level() > 0) {
                    self.compare(tile, &hashes);
                }
            }
        }
        let partial: Vec<_> = self.tree.partial().map(|(tile, hashes)| (tile, hashes.to_vec())).collect();
        for (tile, hashes) in partial.into_iter().filter(|(tile, _)| tile.level() > 0) {
            self.compare(tile, &hashes);
        }
        if self.trusted && self.tree.root() != self.root.hash {
            self.report.note(Damage::new(layout::CHECKPOINT, At::File, Wrong::Root));
        }
    }

    /// The leaf hashes of a bundle: those of its entries, unless only the tile can be read, or fits.
    fn leaves(&mut self, bundle: Bundle) -> Vec<Hash> {
        let width = usize::from(bundle.width());
        let read = self.reader.bundle(bundle);
        let entries = self.report.keep(&files::path(bundle), read).and_then(|(found, bytes)| {
            let entries = found.decode(&bytes).ok()?;
            Some(entries.into_iter().take(width).map(leaf_hash).collect::<Vec<_>>())
        });
        let stored = self.stored(bundle.tile());
        self.report.entries += entries.as_ref().map_or(0, |entries| entries.len() as u64);
        let leaves = match (entries, stored) {
            (Some(entries), Some(stored)) if entries != stored => self.settle(bundle, entries, stored),
            (Some(leaves), _) | (None, Some(leaves)) => leaves,
            (None, None) => {
                self.trusted = false;
                vec![Hash::default(); width]
            }
        };
        if self.trusted {
            self.older_bundles(bundle, &leaves);
            self.older_tiles(bundle.tile(), &leaves);
        }
        leaves
    }

    /// A tile as the folder has it: partial, or full in its place.
    fn stored(&mut self, tile: Tile) -> Option<Vec<Hash>> {
        let disk = &*self.reader.disk;
        let mut read = files::tile(disk, tile);
        if let (Err(_), Some(whole)) = (&read, tile.whole().filter(|whole| *whole != tile))
            && let Ok(mut hashes) = files::tile(disk, whole)
        {
            hashes.truncate(usize::from(tile.width()));
            read = Ok(hashes);
        }
        self.report.keep(&files::path(tile), read)
    }

    /// Entries and tile differ: what is above says which of them is damaged.
    fn settle(&mut self, bundle: Bundle, entries: Vec<Hash>, stored: Vec<Hash>) -> Vec<Hash> {
        let tile = bundle.tile();
        let at = |number: usize| bundle.index() * TILE_WIDTH + number as u64;
        let differing: Vec<_> =
            entries.iter().zip(&stored).enumerate().filter(|(_, (a, b))| a != b).map(|(n, _)| n).collect();
        let (entries_fit, stored_fit) = (self.fits(bundle, &entries), self.fits(bundle, &stored));
        if !entries_fit {
            for number in &differing {
                self.report.note(Damage::new(files::path(bundle), At::Entry(at(*number)), Wrong::Entry));
            }
        }
        if !stored_fit {
            for number in &differing {
                self.report.note(Damage::new(files::path(tile), At::Hash(*number as u64), Wrong::Tile));
            }
        }
        self.trusted &= entries_fit || stored_fit;
        if stored_fit { stored } else { entries }
    }

    /// Whether these leaves are those of the tile above, or lead to the signed root when there is none.
    fn fits(&self, bundle: Bundle, leaves: &[Hash]) -> bool {
        if bundle.is_partial() {
            let mut tree = self.tree.clone();
            return leaves.iter().all(|leaf| grow(&mut tree, *leaf).is_ok()) && tree.root() == self.root.hash;
        }
        let mut own = Builder::new();
        let grown = leaves.iter().all(|leaf| grow(&mut own, *leaf).is_ok());
        let above = Tile::at(1, bundle.index() / TILE_WIDTH, self.root.size)
            .map(|above| files::tile(&*self.reader.disk, above));
        let number = usize::try_from(bundle.index() % TILE_WIDTH).unwrap_or(usize::MAX);
        grown && above.is_some_and(|above| above.is_ok_and(|hashes| hashes.get(number) == Some(&own.root())))
    }

    /// Compares a tile of a higher level with what the entries below give.
    fn compare(&mut self, tile: Tile, hashes: &[Hash]) {
        let Some(stored) = self.stored(tile) else { return };
        if !self.trusted {
            return;
        }
        for (number, _) in stored.iter().zip(hashes).enumerate().filter(|(_, (stored, hash))| stored != hash) {
            self.report.note(Damage::new(files::path(tile), At::Hash(number as u64), Wrong::Tile));
        }
        self.older_tiles(tile, hashes);
    }

    /// The partial files of earlier sizes, which are still served.
    fn older_tiles(&mut self, tile: Tile, hashes: &[Hash]) {
        for width in self.widths(tile.whole().map(files::partial_folder), tile.width()) {
            let Some(older) = Tile::new(tile.level(), tile.index(), width) else { continue };
            let read = files::tile(&*self.reader.disk, older);
            let Some(stored) = self.report.keep(&files::path(older), read) else { continue };
            if let Some(number) = stored.iter().zip(hashes).position(|(stored, hash)| stored != hash) {
                self.report.note(Damage::new(files::path(older), At::Hash(number as u64), Wrong::Tile));
            }
        }
    }

    fn older_bundles(&mut self, bundle: Bundle, leaves: &[Hash]) {
        let full = Bundle::new(bundle.index(), TILE_WIDTH as u16);
        for width in self.widths(full.map(files::partial_folder), bundle.width()) {
            let Some(older) = Bundle::new(bundle.index(), width) else { continue };
            let read = files::bundle(&*self.reader.disk, older);
            let Some(bytes) = self.report.keep(&files::path(older), read) else { continue };
            let entries = older.decode(&bytes).unwrap_or_default();
            if let Some(number) =
                entries.into_iter().map(leaf_hash).zip(leaves).position(|(found, leaf)| found != *leaf)
            {
                let index = bundle.index() * TILE_WIDTH + number as u64;
                self.report.note(Damage::new(files::path(older), At::Entry(index), Wrong::Entry));
            }
        }
    }

    /// The widths of the partial files in a folder that are narrower than what is current. Wider ones were never signed.
    fn widths(&mut self, folder: Option<String>, current: u16) -> Vec<u16> {
        let Some(folder) = folder else { return Vec::new() };
        let names = self.reader.disk.list(&folder).map_err(Error::disk("list", &folder));
        let names = self.report.keep(&folder, names).unwrap_or_default();
        names.iter().filter_map(|name| name.parse().ok()).filter(|width| *width < current).collect()
    }
}

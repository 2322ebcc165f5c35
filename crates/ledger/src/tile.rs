//! Tiles and entry bundles: the files in which a log keeps its hashes and its entries
//! (<https://c2sp.org/tlog-tiles>).
//!
//! A tile holds up to 256 consecutive hashes of one level; each hash of level 1 and above is the root of a whole tile
//! below. A bundle holds the entries of one tile of level 0. Both are never changed: a partial one (less than 256 wide) is
//! followed by a wider one under another path.

mod bundle;
mod path;

pub use bundle::{Bundle, MAX_BUNDLE_BYTES, MAX_ENTRY_BYTES, append_entry};

use crate::Error;
use crate::tree::{Hash, MAX_SIZE, Tiles};
use std::fmt;

/// How many hashes a whole tile has.
pub const TILE_WIDTH: u64 = 256;
/// How many rows of the tree a level of tiles spans: the logarithm of [`TILE_WIDTH`].
pub const TILE_HEIGHT: u32 = 8;
/// The bytes of a hash in a tile.
const HASH_BYTES: usize = 32;
/// The path of the checkpoint under the prefix of a log.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// Which tile: level, number within the level, and width. It is one that a tree of at most [`MAX_SIZE`] entries can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile with these coordinates, where a log can have it (`width` 1 to 256).
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        let end = index.checked_mul(TILE_WIDTH)?.checked_add(u64::from(width))?;
        let most = MAX_SIZE.checked_shr(TILE_HEIGHT * u32::from(level))?;
        let fits = (1..=TILE_WIDTH).contains(&u64::from(width)) && end <= most;
        fits.then_some(Self { level, index, width })
    }

    /// Tile `index` of `level` as a tree of `size` entries has it: whole, partial, or not at all.
    pub fn at(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(TILE_HEIGHT * u32::from(level))?;
        let width = hashes.checked_sub(index.checked_mul(TILE_WIDTH)?)?.min(TILE_WIDTH);
        Self::new(level, index, width as u16)
    }

    /// The level: a hash of level `l` spans 256 to the power of `l` entries.
    pub fn level(self) -> u8 {
        self.level
    }

    /// The number of the tile within its level.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many hashes it has, 1 to 256.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Whether it is less than 256 wide.
    pub fn is_partial(self) -> bool {
        u64::from(self.width) < TILE_WIDTH
    }

    /// The whole tile in the place of a partial one.
    #[must_use]
    pub fn whole(self) -> Option<Self> {
        Self::new(self.level, self.index, TILE_WIDTH as u16)
    }

    /// The path under the prefix of the log: `tile/0/x001/x234/067`, with `.p/8` behind it for a partial one of 8.
    pub fn path(self) -> String {
        self.to_string()
    }

    /// Reads a path as [`Tile::path`] writes it.
    pub fn parse(path: &str) -> Result<Self, Error> {
        path::tile(path).ok_or_else(|| path::refused(path))
    }

    /// The hashes as the file holds them: 32 bytes each, nothing between.
    pub fn encode(hashes: &[Hash]) -> &[u8] {
        hashes.as_flattened()
    }

    /// The hashes of the file of this tile, exactly as many as it is wide.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<Hash>, Error> {
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        if !rest.is_empty() || hashes.len() != usize::from(self.width) {
            return Err(Error::Tile("its length is not that of its hashes"));
        }
        Ok(hashes.to_vec())
    }

    /// Asks `tiles` for this tile.
    pub(crate) fn read(self, tiles: &impl Tiles) -> Result<Vec<Hash>, Error> {
        let mut hashes = tiles.tile(self).map_err(|source| Error::ReadTile { tile: self, source })?;
        if hashes.len() < usize::from(self.width) {
            return Err(Error::ShortTile { tile: self, hashes: hashes.len() });
        }
        hashes.truncate(usize::from(self.width));
        Ok(hashes)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        path::write(f, self.index, self.width)
    }
}

/// The tiles that a tree has at size `new` and had not at size `old`: what is written when a log grows. Lowest level first.
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    (0..)
        .map_while(move |level: u8| {
            let shift = TILE_HEIGHT * u32::from(level);
            let (before, after) = (old.checked_shr(shift)?, new.checked_shr(shift)?);
            (after > 0).then_some((level, before, after))
        })
        .flat_map(move |(level, before, after)| {
            let end = if before < after { after.div_ceil(TILE_WIDTH) } else { 0 };
            (before / TILE_WIDTH..end).filter_map(move |index| Tile::at(level, index, new))
        })
}

/// The bundles that a tree has at size `new` and had not at size `old`.
pub fn bundles_between(old: u64, new: u64) -> impl Iterator<Item = Bundle> {
    let end = if old < new { new.div_ceil(TILE_WIDTH) } else { 0 };
    (old / TILE_WIDTH..end).filter_map(move |index| Bundle::at(index, new))
}

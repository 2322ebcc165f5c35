use super::{TILE_WIDTH, Tile, path};
use crate::Error;
use std::fmt;

/// The longest entry: its length is written in two bytes.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;
/// The bytes of the length before an entry.
const LENGTH_BYTES: usize = 2;
/// The longest bundle: 256 entries of the greatest length.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (LENGTH_BYTES + MAX_ENTRY_BYTES);

/// Which bundle: its number and how many entries it has (1 to 256). Its entries are those of the tile of level 0 with the
/// same number and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle(Tile);

impl Bundle {
    /// The bundle with these coordinates, where a log can have it.
    pub fn new(index: u64, width: u16) -> Option<Self> {
        Tile::new(0, index, width).map(Self)
    }

    /// Bundle `index` as a tree of `size` entries has it: whole, partial, or not at all.
    pub fn at(index: u64, size: u64) -> Option<Self> {
        Tile::at(0, index, size).map(Self)
    }

    /// The number of the bundle; its first entry is 256 times that.
    pub fn index(self) -> u64 {
        self.0.index
    }

    /// How many entries it has, 1 to 256.
    pub fn width(self) -> u16 {
        self.0.width
    }

    /// Whether it has less than 256 entries.
    pub fn is_partial(self) -> bool {
        self.0.is_partial()
    }

    /// The tile with the leaf hashes of its entries.
    pub fn tile(self) -> Tile {
        self.0
    }

    /// The path under the prefix of the log: `tile/entries/x001/x234/067`, with `.p/8` behind it for a partial one of 8.
    pub fn path(self) -> String {
        self.to_string()
    }

    /// Reads a path as [`Bundle::path`] writes it.
    pub fn parse(path: &str) -> Result<Self, Error> {
        path::bundle(path).ok_or_else(|| path::refused(path))
    }

    /// The entries in the file of this bundle, exactly as many as it is wide and nothing behind them.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<&[u8]>, Error> {
        let mut entries = Vec::with_capacity(usize::from(self.0.width));
        let mut rest = bytes;
        for _ in 0..self.0.width {
            let (length, behind) = rest.split_first_chunk().ok_or(Error::Bundle("it ends before its last entry"))?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, behind) = behind.split_at_checked(length).ok_or(Error::Bundle("it ends within an entry"))?;
            entries.push(entry);
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(Error::Bundle("it goes on behind its last entry"));
        }
        Ok(entries)
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        path::write(f, self.0.index, self.0.width)
    }
}

/// Adds an entry to the bytes of a bundle: its length in two bytes, big-endian, then the entry.
pub fn append_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), Error> {
    let Ok(length) = u16::try_from(entry.len()) else {
        return Err(Error::EntryTooLong { bytes: entry.len(), limit: MAX_ENTRY_BYTES });
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

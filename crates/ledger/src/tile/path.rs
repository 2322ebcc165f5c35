use super::{Bundle, TILE_WIDTH, Tile};
use crate::{Error, strict};
use std::fmt;

/// Longer paths are no paths: the longest is that of a partial tile with a 19-digit number.
const MAX_PATH_BYTES: usize = 64;

/// The number in groups of three digits, all but the last with an `x`, and the width of a partial tile.
pub(super) fn write(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let mut groups = Vec::new();
    let mut rest = index;
    while rest >= 1000 {
        groups.push(rest % 1000);
        rest /= 1000;
    }
    if let Some((last, middle)) = groups.split_first() {
        write!(f, "x{rest:03}/")?;
        for group in middle.iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{last:03}")?;
    } else {
        write!(f, "{rest:03}")?;
    }
    if u64::from(width) < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
}

pub(super) fn tile(path: &str) -> Option<Tile> {
    let (level, rest) = short(path)?.strip_prefix("tile/")?.split_once('/')?;
    let (index, width) = numbers(rest)?;
    let level = u8::try_from(strict::decimal(level)?).ok()?;
    Tile::new(level, index, width).filter(|tile| tile.path() == path)
}

pub(super) fn bundle(path: &str) -> Option<Bundle> {
    let (index, width) = numbers(short(path)?.strip_prefix("tile/entries/")?)?;
    Bundle::new(index, width).filter(|bundle| bundle.path() == path)
}

pub(super) fn refused(path: &str) -> Error {
    Error::TilePath(path.chars().take(MAX_PATH_BYTES).collect())
}

fn short(path: &str) -> Option<&str> {
    (path.len() <= MAX_PATH_BYTES).then_some(path)
}

/// Number and width; that they are written as they must be, the caller sees by writing them again.
fn numbers(text: &str) -> Option<(u64, u16)> {
    let (text, width) = match text.split_once(".p/") {
        Some((text, width)) => (text, u16::try_from(strict::decimal(width)?).ok()?),
        None => (text, TILE_WIDTH as u16),
    };
    let mut index = 0_u64;
    for group in text.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some((index, width))
}

use super::{EMPTY_ROOT, Hash, node_hash};
use crate::Error;

/// Checks that the entry with the hash `leaf` is number `index` of the `size` entries under `root` (RFC 9162 section
/// 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), Error> {
    if inclusion_root(leaf, index, size, proof)? == *root {
        return Ok(());
    }
    Err(Error::Inclusion("it leads to another root"))
}

/// The root to which an inclusion proof leads; compare it with one that is known.
pub fn inclusion_root(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Result<Hash, Error> {
    if index >= size {
        return Err(Error::NoSuchEntry { index, size });
    }
    let mut path = Path { at: index, last: size - 1 };
    let mut root = *leaf;
    for sibling in proof {
        root = match path.step().ok_or(Error::Inclusion("it is too long"))? {
            Side::Left => node_hash(sibling, &root),
            Side::Right => node_hash(&root, sibling),
        };
    }
    if path.last != 0 {
        return Err(Error::Inclusion("it is too short"));
    }
    Ok(root)
}

/// Checks that the `old` entries under `old_root` are the first of the `new` ones under `new_root` (RFC 9162 section
/// 2.1.4.2). The empty tree is the beginning of every other one, and needs an empty proof, as does a tree of itself.
pub fn verify_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, proof: &[Hash]) -> Result<(), Error> {
    if old > new {
        return Err(Error::Shrinks { old, new });
    }
    if (old == 0 && *old_root != EMPTY_ROOT) || (new == 0 && *new_root != EMPTY_ROOT) {
        return Err(Error::Consistency("the tree without entries has another root"));
    }
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(Error::Consistency("it is too long"));
        }
        if old == new && old_root != new_root {
            return Err(Error::Consistency("trees of one size have two roots"));
        }
        return Ok(());
    }
    let mut path = Path { at: old - 1, last: new - 1 };
    path.rise(path.at.trailing_ones());
    // A whole subtree is its own beginning: its root is known and not told.
    let (first, rest) = match proof.split_first() {
        _ if old.is_power_of_two() => (old_root, proof),
        Some(told) => told,
        None => return Err(Error::Consistency("it is too short")),
    };
    let (mut before, mut after) = (*first, *first);
    for part in rest {
        match path.step().ok_or(Error::Consistency("it is too long"))? {
            Side::Left => {
                before = node_hash(part, &before);
                after = node_hash(part, &after);
            }
            Side::Right => after = node_hash(&after, part),
        }
    }
    if path.last != 0 {
        return Err(Error::Consistency("it is too short"));
    }
    if before != *old_root {
        return Err(Error::Consistency("it leads to another old root"));
    }
    if after != *new_root {
        return Err(Error::Consistency("it leads to another new root"));
    }
    Ok(())
}

/// On which side of the node the next hash of a proof stands.
enum Side {
    Left,
    Right,
}

/// The way from a node to the root: its number in its row, and that of the last node there.
struct Path {
    at: u64,
    last: u64,
}

impl Path {
    fn rise(&mut self, rows: u32) {
        self.at = self.at.checked_shr(rows).unwrap_or(0);
        self.last = self.last.checked_shr(rows).unwrap_or(0);
    }

    /// One sibling up; nothing at the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        if self.at & 1 == 1 {
            self.rise(1);
            return Some(Side::Left);
        }
        if self.at == self.last {
            // The last node of an odd row has no sibling: it rises until it is a right one.
            self.rise(self.at.trailing_zeros() + 1);
            return Some(Side::Left);
        }
        self.rise(1);
        Some(Side::Right)
    }
}

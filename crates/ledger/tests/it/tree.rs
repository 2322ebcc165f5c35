use crate::memory::{Memory, entry, log};
use allod_ledger::Error;
use allod_ledger::tile::{Tile, tiles_between};
use allod_ledger::tree::{
    Builder, Checked, EMPTY_ROOT, Hash, MAX_SIZE, Tiles as _, leaf_hash, prove_consistency, prove_inclusion, root,
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use tlog_tiles::tlog;

/// Three levels of tiles: more than 256 times 256 entries.
const LARGE: u64 = 66_000;
static LOG: LazyLock<Memory> = LazyLock::new(|| log(LARGE));

/// The same log as the other implementation stores it: every node once.
static STORED: LazyLock<Stored> = LazyLock::new(|| {
    let mut stored = Stored(Vec::new());
    for index in 0..LARGE {
        let hashes = tlog::stored_hashes(index, &entry(index), &stored).unwrap();
        stored.0.extend(hashes);
    }
    stored
});

struct Stored(Vec<tlog::Hash>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes.iter().map(|at| self.0[*at as usize]).collect())
    }
}

fn theirs(hashes: &[Hash]) -> Vec<tlog::Hash> {
    hashes.iter().copied().map(tlog::Hash).collect()
}

fn ours(hashes: &[tlog::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| hash.0).collect()
}

/// Small sizes, and sizes around the edges of tiles.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..600_u64,
        65_200..=LARGE,
        0..=LARGE,
        (0..257_u64, 0..3_u64).prop_map(|(tile, more)| tile * 256 + more)
    ]
    .prop_map(|size| size.min(LARGE))
}

#[test]
fn a_builder_gives_the_roots_and_tiles_of_every_size() {
    let mut builder = Builder::new();
    assert_eq!(builder.root(), EMPTY_ROOT);
    for (index, leaf) in (0..).zip(LOG.leaves()) {
        let mut written = BTreeMap::new();
        assert_eq!(builder.push(*leaf, |tile, hashes| _ = written.insert(tile, hashes.to_vec())).unwrap(), index);
        let size = index + 1;
        if size < 1_100 || size > 65_000 && size % 7 == 0 || size == 65_536 {
            written.extend(builder.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
            for tile in tiles_between(index, size) {
                assert_eq!(written.get(&tile).map(Vec::as_slice), LOG.hashes(tile), "{tile} at {size}");
            }
            assert_eq!(builder.root(), root(size, &*LOG).unwrap());
        }
        if size < 1_100 {
            assert_eq!(builder.root(), LOG.root(size));
        }
    }
    assert_eq!(builder.root(), LOG.root(LARGE));
}

#[test]
fn every_proof_of_small_trees_holds() {
    for size in 0..70 {
        let root = LOG.root(size);
        for index in 0..size {
            let proof = prove_inclusion(index, size, &*LOG).unwrap();
            verify_inclusion(&LOG.leaves()[index as usize], index, size, &proof, &root).unwrap();
        }
        for old in 0..=size {
            let proof = prove_consistency(old, size, &*LOG).unwrap();
            verify_consistency(old, &LOG.root(old), size, &root, &proof).unwrap();
        }
    }
}

#[test]
fn what_is_outside_of_a_tree_is_refused() {
    let leaf = leaf_hash(b"");
    for (index, size) in [(0, 0), (7, 7), (u64::MAX, 7), (u64::MAX, u64::MAX)] {
        assert!(matches!(prove_inclusion(index, size, &*LOG), Err(Error::NoSuchEntry { .. })));
        assert!(matches!(verify_inclusion(&leaf, index, size, &[], &leaf), Err(Error::NoSuchEntry { .. })));
    }
    assert!(matches!(prove_inclusion(0, MAX_SIZE + 1, &*LOG), Err(Error::TreeTooLarge(_))));
    assert!(matches!(prove_consistency(8, 7, &*LOG), Err(Error::Shrinks { .. })));
    assert!(matches!(verify_consistency(8, &leaf, 7, &leaf, &[]), Err(Error::Shrinks { .. })));
    assert!(matches!(Builder::resume(MAX_SIZE + 1, &*LOG), Err(Error::TreeTooLarge(_))));
    // Trees of the greatest size that numbers have: proofs of any length end.
    for size in [MAX_SIZE, MAX_SIZE - 1, 1 << 62] {
        assert!(verify_inclusion(&leaf, size - 1, size, &[leaf; 64], &leaf).is_err());
        assert!(verify_consistency(size - 1, &leaf, size, &leaf, &[leaf; 64]).is_err());
    }
}

#[test]
fn the_empty_tree_has_one_root_and_no_proof() {
    let root = LOG.root(5);
    for (old_root, size, new_root, proof, holds) in [
        (EMPTY_ROOT, 5, root, &[][..], true),
        (EMPTY_ROOT, 0, EMPTY_ROOT, &[], true),
        (root, 5, root, &[], false),
        (EMPTY_ROOT, 5, root, &[root], false),
        (EMPTY_ROOT, 0, root, &[], false),
        (root, 0, root, &[], false),
    ] {
        assert_eq!(verify_consistency(0, &old_root, size, &new_root, proof).is_ok(), holds);
    }
}

/// A proof that stops early leads to a node, which is no root of a tree of this size.
#[test]
fn a_proof_that_ends_at_a_node_is_refused() {
    let proof = prove_inclusion(0, 8, &*LOG).unwrap();
    verify_inclusion(&LOG.leaves()[0], 0, 8, &proof, &LOG.root(8)).unwrap();
    let refused = verify_inclusion(&LOG.leaves()[0], 0, 8, &proof[..1], &LOG.root(2));
    assert_eq!(refused.unwrap_err().to_string(), "the inclusion proof does not hold: it is too short");
    let proof = prove_consistency(2, 8, &*LOG).unwrap();
    verify_consistency(2, &LOG.root(2), 8, &LOG.root(8), &proof).unwrap();
    let refused = verify_consistency(2, &LOG.root(2), 8, &LOG.root(4), &proof[..1]);
    assert_eq!(refused.unwrap_err().to_string(), "the consistency proof does not hold: it is too short");
}

#[test]
fn a_reader_with_the_wrong_tiles_is_found_out() {
    let short = |tile: Tile| Ok(LOG.hashes(tile).unwrap()[1..].to_vec());
    assert!(matches!(prove_inclusion(3, 700, &short), Err(Error::ShortTile { .. })));
    assert!(matches!(Builder::resume(700, &short), Err(Error::ShortTile { .. })));
    let none = |_: Tile| Err("gone".into());
    assert!(matches!(root(700, &none), Err(Error::ReadTile { .. })));
    // The whole tile in the place of the partial one, which a log may have deleted.
    let whole = |tile: Tile| Ok(LOG.hashes(tile.whole().unwrap()).unwrap_or(LOG.hashes(tile).unwrap()).to_vec());
    assert_eq!(root(700, &whole).unwrap(), LOG.root(700));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// One bit of any tile, whole or partial, of any level: what is read through a check is right, or is refused.
    #[test]
    fn no_forged_tile_passes_the_check(size in size(), at in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        prop_assume!(size > 0);
        let top = root(size, &*LOG).unwrap();
        let tiles: Vec<Tile> = tiles_between(0, size).collect();
        let honest = Checked::new(size, &top, &*LOG).unwrap();
        let forged = *at.get(&tiles);
        let forger = |tile: Tile| {
            let mut hashes = LOG.hashes(tile).ok_or("no such tile")?.to_vec();
            if tile == forged {
                let place = bit.get(&hashes);
                let which = hashes.iter().position(|hash| std::ptr::eq(hash, place)).unwrap();
                hashes[which] = flipped(&hashes[which], bit.index(256));
            }
            Ok(hashes)
        };
        prop_assert_eq!(honest.tile(forged).unwrap(), LOG.hashes(forged).unwrap());
        let Ok(checked) = Checked::new(size, &top, &forger) else {
            prop_assert!(forged.is_partial());
            return Ok(());
        };
        prop_assert!(!forged.is_partial());
        prop_assert!(checked.tile(forged).is_err());
        for tile in tiles.iter().step_by(tiles.len().div_ceil(40)) {
            if let Ok(hashes) = checked.tile(*tile) {
                prop_assert_eq!(&hashes, LOG.hashes(*tile).unwrap());
            }
        }
        prop_assert!(root(size, &checked).map_or(true, |found| found == top));
    }

    /// A check serves proofs of the trees before, too.
    #[test]
    fn proofs_are_made_through_a_check(a in size(), b in size()) {
        let (old, new) = (a.min(b), a.max(b));
        prop_assume!(old > 0);
        let checked = Checked::new(new, &root(new, &*LOG).unwrap(), &*LOG).unwrap();
        prop_assert_eq!(prove_consistency(old, new, &checked).unwrap(), prove_consistency(old, new, &*LOG).unwrap());
        prop_assert_eq!(prove_inclusion(old - 1, old, &checked).unwrap(), prove_inclusion(old - 1, old, &*LOG).unwrap());
        prop_assert_eq!(root(old, &checked).unwrap(), root(old, &*LOG).unwrap());
        prop_assert!(Checked::new(new, &LOG.leaves()[0], &*LOG).is_err() || new == 1);
    }

    #[test]
    fn a_builder_goes_on_where_it_was(old in size(), more in 0..600_u64) {
        let new = (old + more).min(LARGE);
        let mut builder = Builder::resume(old, &*LOG).unwrap();
        prop_assert_eq!(builder.root(), root(old, &*LOG).unwrap());
        for leaf in &LOG.leaves()[old as usize..new as usize] {
            builder.push(*leaf, |_, _| {}).unwrap();
        }
        prop_assert_eq!(builder.root(), root(new, &*LOG).unwrap());
        prop_assert_eq!(builder, Builder::resume(new, &*LOG).unwrap());
    }

    #[test]
    fn roots_are_those_of_the_other_implementation(size in size()) {
        prop_assert_eq!(root(size, &*LOG).unwrap(), tlog::tree_hash(size, &*STORED).unwrap().0);
    }

    #[test]
    fn inclusion_proofs_hold_in_both_implementations(size in size(), at in any::<prop::sample::Index>()) {
        prop_assume!(size > 0);
        let index = at.index(size as usize) as u64;
        let (leaf, top) = (LOG.leaves()[index as usize], root(size, &*LOG).unwrap());
        let proof = prove_inclusion(index, size, &*LOG).unwrap();
        let other = tlog::prove_record(size, index, &*STORED).unwrap();
        prop_assert_eq!(&proof, &ours(&other));
        verify_inclusion(&leaf, index, size, &proof, &top).unwrap();
        prop_assert!(tlog::check_record(&theirs(&proof), size, tlog::Hash(top), index, tlog::Hash(leaf)).is_ok());
    }

    #[test]
    fn consistency_proofs_hold_in_both_implementations(a in size(), b in size()) {
        let (old, new) = (a.min(b), a.max(b));
        prop_assume!(old > 0);
        let (before, after) = (root(old, &*LOG).unwrap(), root(new, &*LOG).unwrap());
        let proof = prove_consistency(old, new, &*LOG).unwrap();
        prop_assert_eq!(&proof, &ours(&tlog::prove_tree(new, old, &*STORED).unwrap()));
        verify_consistency(old, &before, new, &after, &proof).unwrap();
        let theirs = tlog::check_tree(&theirs(&proof), new, tlog::Hash(after), old, tlog::Hash(before));
        prop_assert!(theirs.is_ok());
    }

    #[test]
    fn no_bit_of_an_inclusion_proof_can_change(size in size(), at in any::<prop::sample::Index>(), bit in 0..256_usize) {
        prop_assume!(size > 0);
        let index = at.index(size as usize) as u64;
        let (leaf, top) = (LOG.leaves()[index as usize], root(size, &*LOG).unwrap());
        let proof = prove_inclusion(index, size, &*LOG).unwrap();
        let holds = |leaf: &Hash, index, size, proof: &[Hash], root: &Hash| {
            verify_inclusion(leaf, index, size, proof, root).is_ok()
        };
        prop_assert!(holds(&leaf, index, size, &proof, &top));
        prop_assert!(!holds(&flipped(&leaf, bit), index, size, &proof, &top));
        prop_assert!(!holds(&leaf, index, size, &proof, &flipped(&top, bit)));
        for number in 0..64 {
            prop_assert!(!holds(&leaf, index ^ 1 << number, size, &proof, &top), "another index");
        }
        for at in 0..proof.len() {
            let mut other = proof.clone();
            other[at] = flipped(&other[at], bit);
            prop_assert!(!holds(&leaf, index, size, &other, &top));
            other.remove(at);
            prop_assert!(!holds(&leaf, index, size, &other, &top));
        }
        for at in 0..=proof.len() {
            let mut other = proof.clone();
            other.insert(at, leaf);
            prop_assert!(!holds(&leaf, index, size, &other, &top));
        }
    }

    #[test]
    fn no_bit_of_a_consistency_proof_can_change(a in size(), b in size(), bit in 0..256_usize) {
        let (old, new) = (a.min(b), a.max(b));
        prop_assume!(0 < old && old < new);
        let (before, after) = (root(old, &*LOG).unwrap(), root(new, &*LOG).unwrap());
        let proof = prove_consistency(old, new, &*LOG).unwrap();
        let holds = |before: &Hash, after: &Hash, proof: &[Hash]| {
            verify_consistency(old, before, new, after, proof).is_ok()
        };
        prop_assert!(holds(&before, &after, &proof));
        prop_assert!(!holds(&flipped(&before, bit), &after, &proof));
        prop_assert!(!holds(&before, &flipped(&after, bit), &proof));
        for at in 0..proof.len() {
            let mut other = proof.clone();
            other[at] = flipped(&other[at], bit);
            prop_assert!(!holds(&before, &after, &other));
            other.remove(at);
            prop_assert!(!holds(&before, &after, &other));
        }
        for at in 0..=proof.len() {
            let mut other = proof.clone();
            other.insert(at, before);
            prop_assert!(!holds(&before, &after, &other));
        }
    }

    /// Proofs of anybody: both implementations say the same.
    #[test]
    fn both_implementations_refuse_the_same(
        old in 1..40_u64, new in 1..40_u64, proof in prop::collection::vec(0..40_usize, 0..7), roots in (0..40_u64, 0..40_u64)
    ) {
        let proof: Vec<Hash> = proof.into_iter().map(|at| LOG.leaves()[at]).collect();
        let (before, after) = (LOG.root(roots.0), LOG.root(roots.1));
        let other = tlog::check_tree(&theirs(&proof), new, tlog::Hash(after), old, tlog::Hash(before)).is_ok();
        prop_assert_eq!(verify_consistency(old, &before, new, &after, &proof).is_ok(), old <= new && other);
        let leaf = LOG.leaves()[roots.0 as usize];
        let other = tlog::check_record(&theirs(&proof), new, tlog::Hash(after), old, tlog::Hash(leaf)).is_ok();
        prop_assert_eq!(verify_inclusion(&leaf, old, new, &proof, &after).is_ok(), old < new && other);
    }
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut hash = *hash;
    hash[bit / 8] ^= 1 << (bit % 8);
    hash
}

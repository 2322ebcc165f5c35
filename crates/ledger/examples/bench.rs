//! How fast a whole log is verified, beside what the machine can hash: `cargo run --release -p allod-ledger --example bench`.
//!
//! All figures are of one core and one run, so their ratio says more than any of them. The limit is the same SHA-256 over
//! as many bytes as the hashes of the log take, in one piece; `openssl speed` stands beside it where it is installed.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use allod_ledger::tile::{Bundle, Tile, append_entry, bundles_between};
use allod_ledger::tree::{
    Builder, Hash, Tiles, leaf_hash, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion,
};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

const ENTRIES: u64 = 1_000_000;
/// What is compared is measured in turn, slice by slice of so many bundles, and each slice counts by its fastest round:
/// others work on the machine, too.
const SLICE: usize = 40;
const ROUNDS: usize = 7;
const BLOCK: u64 = 64;

fn main() {
    for entry_bytes in [64, 257, 1024] {
        verification(entry_bytes);
    }
    proofs();
    openssl();
}

/// Bundles as they are stored, to the root: what an auditor does with every entry.
fn verification(entry_bytes: usize) {
    let entry = vec![7_u8; entry_bytes];
    let bundles: Vec<(Bundle, Vec<u8>)> = bundles_between(0, ENTRIES)
        .map(|bundle| {
            let mut bytes = Vec::new();
            (0..bundle.width()).for_each(|_| append_entry(&mut bytes, &entry).unwrap());
            (bundle, bytes)
        })
        .collect();
    // Prefix, message, one byte of end and eight of length, in blocks; a node is two.
    let blocks = (entry_bytes as u64 + 1 + 9).div_ceil(BLOCK) + 2;
    let piece = vec![7_u8; (blocks * BLOCK) as usize * SLICE * 256];
    let mut best = vec![[f64::INFINITY; 3]; bundles.len().div_ceil(SLICE)];
    for _ in 0..ROUNDS {
        let mut builder = Builder::new();
        let mut stored = Stored(Vec::with_capacity(2 * ENTRIES as usize), 0);
        for (slice, best) in bundles.chunks(SLICE).zip(&mut best) {
            let entries = || slice.iter().flat_map(|(bundle, bytes)| bundle.decode(bytes).unwrap());
            let bytes =
                slice.iter().map(|(bundle, _)| u64::from(bundle.width()) * blocks * BLOCK).sum::<u64>() as usize;
            let spent = [
                seconds(|| Sha256::digest(piece.get(..bytes).unwrap())),
                seconds(|| {
                    for entry in entries() {
                        builder.push(leaf_hash(entry), |_, _| {}).unwrap();
                    }
                }),
                seconds(|| {
                    for entry in entries() {
                        let hashes = tlog_tiles::stored_hashes(stored.1, entry, &stored).unwrap();
                        stored.0.extend(hashes);
                        stored.1 += 1;
                    }
                }),
            ];
            best.iter_mut().zip(spent).for_each(|(best, spent)| *best = best.min(spent));
        }
        assert_eq!(builder.root(), tlog_tiles::tree_hash(ENTRIES, &stored).unwrap().0);
    }
    let sum = |at: usize| best.iter().filter_map(|best| best.get(at)).sum::<f64>();
    let (limit, ours, others) = (sum(0), sum(1), sum(2));
    println!(
        "{ENTRIES} entries of {entry_bytes} bytes: {ours:.3} s, {:.2} million a second; bare SHA-256 {:.2} GB/s, of which \
         {:.0} % are reached (tlog_tiles: {:.0} %)",
        ENTRIES as f64 / ours / 1e6,
        (ENTRIES * blocks * BLOCK) as f64 / limit / 1e9,
        100.0 * limit / ours,
        100.0 * limit / others
    );
}

/// The other implementation keeps every node; the entries are counted beside.
struct Stored(Vec<tlog_tiles::Hash>, u64);

impl tlog_tiles::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::tlog::Error> {
        Ok(indexes.iter().filter_map(|at| self.0.get(*at as usize).copied()).collect())
    }
}

fn proofs() {
    let mut tiles: HashMap<Tile, Vec<Hash>> = HashMap::new();
    let mut builder = Builder::new();
    for index in 0..ENTRIES {
        builder.push(leaf_hash(&index.to_be_bytes()), |tile, hashes| _ = tiles.insert(tile, hashes.to_vec())).unwrap();
    }
    tiles.extend(builder.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
    let tiles = Memory(tiles);
    let root = builder.root();
    const PROOFS: u64 = 1_000;
    let indices: Vec<u64> = (0..PROOFS).map(|at| at * 7_919 % ENTRIES).collect();
    let each = |seconds: f64| seconds / PROOFS as f64 * 1e6;
    let made =
        seconds(|| indices.iter().map(|index| prove_inclusion(*index, ENTRIES, &tiles).unwrap()).collect::<Vec<_>>());
    let proofs: Vec<_> = indices.iter().map(|index| prove_inclusion(*index, ENTRIES, &tiles).unwrap()).collect();
    let checked = seconds(|| {
        for (index, proof) in indices.iter().zip(&proofs) {
            verify_inclusion(&leaf_hash(&index.to_be_bytes()), *index, ENTRIES, proof, &root).unwrap();
        }
    });
    println!(
        "inclusion in {ENTRIES}: made in {:.1} us, checked in {:.1} us, {} hashes",
        each(made),
        each(checked),
        proofs.iter().map(Vec::len).max().unwrap()
    );
    let old = ENTRIES / 3;
    let made = seconds(|| prove_consistency(old, ENTRIES, &tiles).unwrap());
    let proof = prove_consistency(old, ENTRIES, &tiles).unwrap();
    let before = allod_ledger::tree::root(old, &tiles).unwrap();
    let checked = seconds(|| verify_consistency(old, &before, ENTRIES, &root, &proof).unwrap());
    println!(
        "consistency of {old} with {ENTRIES}: made in {:.1} us, checked in {:.1} us, {} hashes",
        made * 1e6,
        checked * 1e6,
        proof.len()
    );
}

/// Tiles in memory; a partial tile that a smaller tree had is cut out of the whole one.
struct Memory(HashMap<Tile, Vec<Hash>>);

impl Tiles for Memory {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>> {
        let found = self.0.get(&tile).or_else(|| self.0.get(&tile.whole()?));
        // The edge of the tree that is there is wider than that of a smaller one.
        let found = found.or_else(|| {
            self.0
                .iter()
                .find(|(other, _)| (other.level(), other.index()) == (tile.level(), tile.index()))
                .map(|(_, hashes)| hashes)
        });
        Ok(found.ok_or("no such tile")?.clone())
    }
}

fn openssl() {
    let run =
        std::process::Command::new("openssl").args(["speed", "-seconds", "1", "-bytes", "16384", "sha256"]).output();
    match run {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            println!("openssl: {}", text.lines().last().unwrap_or("says nothing"));
        }
        Err(error) => println!("openssl: not measured, {error}"),
    }
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    black_box(work());
    started.elapsed().as_secs_f64()
}

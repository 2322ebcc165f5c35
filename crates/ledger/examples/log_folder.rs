//! Writes a log as a folder of files, with what is needed to verify it by other people's tools:
//! `cargo run -p allod-ledger --example log_folder -- FOLDER`. The checks are in `testbed/ledger`.
#![allow(clippy::unwrap_used)]

use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::cosignature::cosign;
use allod_ledger::note::{KeyKind, Note, SigningKey};
use allod_ledger::proof::Proof;
use allod_ledger::tile::{Tile, append_entry, bundles_between, tiles_between};
use allod_ledger::tree::{Builder, Hash, Tiles, leaf_hash, prove_consistency, prove_inclusion};
use allod_ledger::witness::Request;
use std::path::{Path, PathBuf};

/// Two sizes that leave partial tiles at several levels; the larger one is the example of the specification of tiles.
const SIZES: [u64; 2] = [23_333, 70_000];
/// Entries with a proof: both ends, both sides of a tile and of the old size, and one in the middle.
const PROVEN: [u64; 8] = [0, 255, 256, 12_345, 23_332, 23_333, 65_535, 69_999];
/// When the witness cosigned, in seconds since 1970: one more for each checkpoint.
const TIME_S: u64 = 1_790_000_000;

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap());
    let log = SigningKey::generate("log.example/audit", KeyKind::Ed25519).unwrap();
    let witness = SigningKey::generate("witness.example/w1", KeyKind::Cosignature).unwrap();
    write(&folder, "log.vkey", format!("{}\n", log.verifying_key()));
    write(&folder, "witness.vkey", format!("{}\n", witness.verifying_key()));
    let policy = format!("log {}\nwitness w1 {}\nquorum w1\n", log.verifying_key(), witness.verifying_key());
    write(&folder, "policy", policy);

    let mut builder = Builder::new();
    let mut old = 0;
    let mut signed = Vec::new();
    for (size, time_s) in SIZES.into_iter().zip(TIME_S..) {
        let note = grow(&folder, &mut builder, size, &log, &witness, time_s);
        write(&folder, &format!("checkpoint.{size}"), note.to_string());
        let proof = prove_consistency(old, size, &Folder(&folder)).unwrap();
        let request = Request::new(old, proof, note.clone()).unwrap();
        write(&folder, &format!("add-checkpoint.{size}"), request.to_string());
        signed.push(note);
        old = size;
    }
    let newest = signed.pop().unwrap();
    write(&folder, "checkpoint", newest.to_string());
    for index in PROVEN {
        let hashes = prove_inclusion(index, builder.size(), &Folder(&folder)).unwrap();
        write(
            &folder,
            &format!("proofs/{index}.tlog-proof"),
            Proof::new(index, hashes, newest.clone()).unwrap().to_string(),
        );
        write(&folder, &format!("proofs/{index}.entry"), entry(index));
    }
}

/// Entries of many lengths, an empty one and one of the greatest length among them.
fn entry(index: u64) -> Vec<u8> {
    match index {
        1 => Vec::new(),
        2 => vec![0xa5; allod_ledger::tile::MAX_ENTRY_BYTES],
        _ => format!("entry {index} {}", "x".repeat((index % 90) as usize)).into_bytes(),
    }
}

/// Adds entries up to `size`, writes the files that are new, and has the checkpoint signed and cosigned.
fn grow(folder: &Path, builder: &mut Builder, size: u64, log: &SigningKey, witness: &SigningKey, time_s: u64) -> Note {
    let old = builder.size();
    for index in old..size {
        let whole = |tile: Tile, hashes: &[Hash]| write(folder, &tile.path(), Tile::encode(hashes));
        builder.push(leaf_hash(&entry(index)), whole).unwrap();
    }
    for (tile, hashes) in builder.partial() {
        write(folder, &tile.path(), Tile::encode(hashes));
    }
    for bundle in bundles_between(old, size) {
        let mut bytes = Vec::new();
        let first = bundle.index() * 256;
        for index in first..first + u64::from(bundle.width()) {
            append_entry(&mut bytes, &entry(index)).unwrap();
        }
        write(folder, &bundle.path(), bytes);
    }
    assert!(tiles_between(old, size).all(|tile| folder.join(tile.path()).is_file()));
    let checkpoint = Checkpoint::new(log.verifying_key().name(), size, builder.root()).unwrap();
    let mut note = checkpoint.sign(log).unwrap();
    note.add(cosign(witness, note.text(), time_s).unwrap()).unwrap();
    note
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

struct Folder<'a>(&'a Path);

impl Tiles for Folder<'_> {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(tile.decode(&std::fs::read(self.0.join(tile.path()))?)?)
    }
}

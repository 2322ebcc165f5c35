//! Damage in every file: found with its place, or harmless; never signed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use allod_ledger::embedded::{Check, Disk, Error, Log, Open};
use allod_ledger::policy::Policy;

use super::simulated::{Fault, Simulated};
use super::world::{NOW, assert_holds, checkpoint, how, key, open, parse, reader};

/// A log of 300 entries that are signed, in two steps, and two that are not, whose writer has ended.
fn log() -> (Simulated, BTreeMap<u64, Vec<u8>>) {
    let (disk, mut acknowledged) = (Simulated::default(), BTreeMap::new());
    let log = open(&disk, true).unwrap();
    for (from, to) in [(0, 257), (257, 300), (300, 301), (301, 302)] {
        let entries: Vec<_> = (from..to).map(|number| format!("e{number}").into_bytes()).collect();
        let slices: Vec<_> = entries.iter().map(Vec::as_slice).collect();
        acknowledged.extend(log.append_all(&slices).unwrap().zip(entries));
        if to <= 300 {
            log.integrate(NOW).unwrap();
        }
    }
    (disk, acknowledged)
}

/// One bit of each byte flipped, and the file cut there.
fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        (at, flipped)
    })
}

#[test]
fn a_bit_that_flips_in_a_served_file_is_found_in_that_file() {
    let (disk, _) = log();
    let check = Check { signed_since_s: Some(NOW), ..Check::default() };
    assert!(reader(disk.clone()).verify(&check).is_whole());
    let served: Vec<_> = disk.files().into_iter().filter(|(path, _)| path.starts_with("public/")).collect();
    let names: Vec<_> = served.iter().map(|(path, _)| path.as_str()).collect();
    insta::assert_snapshot!("served", names.join("\n"));
    for (path, bytes) in &served {
        let missing = disk.fork();
        missing.lose(path);
        let narrower = path.ends_with(".p/1") && path != "public/tile/1/000.p/1";
        assert_eq!(reader(missing).verify(&check).is_whole(), narrower, "{path} is missing");
        for (at, flipped) in flips(bytes) {
            let disk = disk.fork();
            disk.put(path, &flipped);
            let report = reader(disk).verify(&check);
            let found = report.damages.iter().any(|damage| damage.file == *path);
            assert!(found, "{path}, byte {at}: {:?}", report.damages);
        }
    }
}

#[test]
fn what_is_found_says_where() {
    let (disk, _) = log();
    let cases: [(&str, &str, usize); 6] = [
        ("an entry", "public/tile/entries/000", 703),
        ("a length in a bundle", "public/tile/entries/000", 0),
        ("a leaf hash", "public/tile/0/000", 32 * 7),
        ("a hash above", "public/tile/1/000.p/1", 3),
        ("a leaf hash behind the last full tile", "public/tile/0/001.p/44", 64),
        ("the size in the checkpoint", "public/checkpoint", 20),
    ];
    let mut shown = String::new();
    for (what, path, at) in cases {
        let disk = disk.fork();
        let mut bytes = disk.files()[path].clone();
        bytes[at] ^= 1;
        disk.put(path, &bytes);
        let damages = reader(disk).verify(&Check::default()).damages;
        shown += &format!("{what}:\n");
        shown.extend(damages.iter().map(|damage| format!("  {damage}\n")));
    }
    // Entry and hash of it changed together: what is above does not fit.
    let forged = disk.fork();
    let (entries, tile) = ("public/tile/entries/000", "public/tile/0/000");
    let mut bytes = forged.files()[entries].clone();
    bytes[2] ^= 1;
    forged.put(entries, &bytes);
    let hash = allod_ledger::tree::leaf_hash(&bytes[2..4]);
    let mut bytes = forged.files()[tile].clone();
    bytes[..32].copy_from_slice(&hash);
    forged.put(tile, &bytes);
    let damages = reader(forged).verify(&Check::default()).damages;
    shown += "an entry with its leaf hash:\n";
    shown.extend(damages.iter().map(|damage| format!("  {damage}\n")));
    insta::assert_snapshot!("where", shown);
}

#[test]
fn a_bit_that_flips_in_the_write_ahead_log_is_never_signed_over() {
    let (disk, acknowledged) = log();
    let files = disk.files();
    let (path, bytes) = files.iter().find(|(path, _)| path.contains("/wal/")).unwrap();
    for (at, flipped) in flips(bytes) {
        let disk = disk.fork();
        disk.restart();
        disk.put(path, &flipped);
        let before = disk.signed().len();
        match open(&disk, false) {
            Err(Error::Damaged(damage)) => assert_eq!(damage.file, *path, "byte {at}"),
            Err(error) => panic!("byte {at}: {error}"),
            Ok(_) => assert_holds(&disk, &acknowledged, &format!("byte {at}")),
        }
        assert_eq!(disk.signed().len(), before, "byte {at}: something was signed");
    }
}

#[test]
fn a_batch_that_lost_sectors_is_damaged_when_another_one_follows() {
    let disk = Simulated::default();
    // One segment for all.
    let open =
        || Log::open(&(Arc::new(disk.clone()) as Arc<dyn Disk>), Open { segment_bytes: 1 << 20, ..how(true) }, NOW);
    let log = open().unwrap();
    for length in [1_500, 10, 2_000] {
        log.append(&vec![b'x'; length]).unwrap();
    }
    drop(log);
    let path = disk.files().into_keys().find(|path| path.contains("/wal/")).unwrap();
    let whole = disk.files()[&path].clone();
    // The first sector holds the head of the first batch, the second one a part of its body.
    for (sector, lost) in [(52..512, true), (512..1_024, true), (whole.len() - 1_024..whole.len() - 100, false)] {
        let mut bytes = whole.clone();
        bytes[sector.clone()].fill(0);
        disk.restart();
        disk.put(&path, &bytes);
        let signed = disk.signed().len();
        match open() {
            Err(Error::Damaged(damage)) => assert!(lost && damage.file == path, "{sector:?}: {damage}"),
            Err(error) => panic!("{sector:?}: {error}"),
            // The last batch may have been torn.
            Ok(log) => assert!(!lost && log.durable() == 2, "{sector:?}"),
        }
        assert_eq!(disk.signed().len() == signed, lost, "{sector:?}");
    }
}

#[test]
fn a_bit_that_flips_before_it_is_signed_stops_a_running_writer() {
    let (disk, _) = log();
    disk.restart();
    let log = open(&disk, false).unwrap();
    log.append(b"an entry").unwrap();
    let files = disk.files();
    let (path, bytes) = files.iter().rfind(|(path, _)| path.contains("/wal/")).unwrap();
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let before = disk.signed().len();
    disk.change(path, &flipped);
    let error = log.integrate(NOW).unwrap_err();
    assert!(matches!(&error, Error::Damaged(damage) if damage.file == *path), "{error}");
    assert!(matches!(log.append(b"more"), Err(Error::Stopped(_))));
    assert_eq!(disk.signed().len(), before);
}

#[test]
fn a_bit_that_flips_in_a_tile_or_bundle_is_never_signed_over() {
    let (disk, _) = log();
    for (path, at) in [("public/tile/entries/001.p/44", 3), ("public/tile/0/001.p/44", 5), ("public/tile/1/000.p/1", 7)]
    {
        let disk = disk.fork();
        disk.restart();
        let mut bytes = disk.files()[path].clone();
        bytes[at] ^= 1;
        disk.put(path, &bytes);
        let before = disk.signed().len();
        let error = open(&disk, false).map(drop).unwrap_err();
        assert!(matches!(error, Error::Damaged(_)), "{path}: {error}");
        assert_eq!(disk.signed().len(), before, "{path}: something was signed");
    }
}

#[test]
fn a_bit_that_flips_in_the_kept_checkpoint_is_found_or_harmless() {
    let (disk, acknowledged) = log();
    let path = "private/checkpoint";
    let mut harmless = 0;
    for (at, flipped) in flips(&disk.files()[path]) {
        let disk = disk.fork();
        disk.restart();
        disk.put(path, &flipped);
        // Harmless are the name and number of the timekeeper: without them the line is nobody's, and the next one is ours.
        if let Ok(log) = open(&disk, false) {
            harmless += 1;
            log.integrate(NOW).unwrap();
            assert_holds(&disk, &acknowledged, &format!("byte {at}"));
        }
    }
    assert!(harmless < 60, "{harmless}");
}

#[test]
fn what_is_lost_is_noticed() {
    let (disk, _) = log();
    let wal = disk.files().into_keys().find(|path| path.contains("/wal/")).unwrap();
    let mut shown = String::new();
    for path in [wal.as_str(), "private/checkpoint", "public/tile/0/001.p/44", "public/tile/entries/001.p/44"] {
        let disk = disk.fork();
        disk.restart();
        disk.lose(path);
        let error = open(&disk, true).map(drop).unwrap_err();
        shown += &format!("{} {path}: {error}\n", error.code());
    }
    insta::assert_snapshot!("lost", shown);
}

#[test]
fn ranges_and_earlier_checkpoints_are_verified() {
    let (disk, _) = log();
    let signed: Vec<_> = disk.signed().iter().map(|text| checkpoint(text)).collect();
    let whole = Check { range: Some(250..300), earlier: signed, ..Check::default() };
    let report = reader(disk.clone()).verify(&whole);
    assert!(report.is_whole(), "{:?}", report.damages);
    assert_eq!(report.entries, 50);

    let other = Simulated::default();
    let log = open(&other, true).unwrap();
    log.append(b"of another log").unwrap();
    let text = log.integrate(NOW).unwrap();
    let check = Check { range: Some(0..400), earlier: vec![checkpoint(&text)], signed_since_s: Some(NOW + 1) };
    let mut bytes = disk.files()["public/tile/entries/001.p/44"].clone();
    bytes[2] ^= 1;
    disk.put("public/tile/entries/001.p/44", &bytes);
    let shown: Vec<_> = reader(disk).verify(&check).damages.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("ranges", shown.join("\n"));
}

#[test]
fn proofs_from_the_folder_hold() {
    let (disk, acknowledged) = log();
    let reader = reader(disk.clone());
    let signed = reader.checkpoint().unwrap();
    let (size, root) = parse(signed.note.to_string().as_bytes());
    for index in [0, 1, 255, 256, 257, 299] {
        let (entry, proof) = reader.prove(&signed, index).unwrap();
        assert_eq!(entry, acknowledged[&index]);
        let leaf = allod_ledger::tree::leaf_hash(&entry);
        allod_ledger::tree::verify_inclusion(&leaf, index, size, &proof, &root).unwrap();
    }
    let policy = Policy::parse(format!("log {}\nquorum none\n", key(1).verifying_key()).as_bytes()).unwrap();
    let (entry, proof) = reader.proof(&signed, 257).unwrap();
    let read = allod_ledger::proof::Proof::parse(proof.to_string().as_bytes()).unwrap();
    read.verify(&allod_ledger::tree::leaf_hash(&entry), &policy).unwrap();
    for index in [300, 301, u64::MAX] {
        assert!(matches!(reader.prove(&signed, index), Err(Error::OutOfRange { .. })), "{index}");
    }
    for text in disk.signed() {
        let earlier = checkpoint(&text);
        let proof = reader.prove_consistency(&earlier, &signed).unwrap();
        allod_ledger::tree::verify_consistency(earlier.size(), earlier.root(), size, &root, &proof).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_read_is_reported() {
    let (disk, _) = log();
    let calls = {
        let counted = disk.fork();
        let before = counted.calls();
        assert!(reader(counted.clone()).verify(&Check::default()).is_whole());
        counted.calls() - before
    };
    for call in 0..calls {
        let disk = disk.fork();
        disk.fail(call, Fault::Error(std::io::ErrorKind::Other));
        let report = reader(disk.clone()).verify(&Check::default());
        assert!(!report.is_whole(), "call {call}: {}", disk.trace().last().unwrap());
    }
}

#[test]
fn tiles_are_made_again_from_entries_that_have_the_signed_root() {
    let (disk, acknowledged) = log();
    let before = disk.files();
    let tiles = ["public/tile/0/000", "public/tile/0/001.p/44", "public/tile/1/000.p/1"];
    disk.restart();
    disk.put(tiles[0], b"not a tile");
    disk.lose(tiles[1]);
    let mut bytes = before[tiles[2]].clone();
    bytes[9] ^= 4;
    disk.put(tiles[2], &bytes);
    assert_eq!(reader(disk.clone()).rebuild_tiles().unwrap(), 3);
    assert_eq!(reader(disk.clone()).rebuild_tiles().unwrap(), 0);
    for tile in tiles {
        assert_eq!(disk.files()[tile], before[tile], "{tile}");
    }
    let log = open(&disk, false).unwrap();
    assert_holds(&disk, &acknowledged, "made again");
    assert!(matches!(reader(disk.clone()).rebuild_tiles(), Err(Error::Locked { .. })));
    drop(log);
    // Entries that are not the signed ones make no tiles.
    let bundle = disk.files().into_keys().find(|path| path.starts_with("public/tile/entries")).unwrap();
    let mut bytes = disk.files()[&bundle].clone();
    bytes[2] ^= 1;
    disk.put(&bundle, &bytes);
    disk.lose(tiles[0]);
    assert!(matches!(reader(disk.clone()).rebuild_tiles(), Err(Error::Damaged(_))));
    assert!(!disk.files().contains_key(tiles[0]));
}

//! A log with fixed keys, and what must hold for it at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::embedded::{Check, Disk, Error, Log, Open, Reader};
use allod_ledger::note::{KeyKind, Note, SigningKey};
use allod_ledger::tree::{Builder, Hash, leaf_hash};

use super::simulated::Simulated;

pub const ORIGIN: &str = "log.example/clinic";
pub const NOW: u64 = 1_700_000_000;

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, KeyKind::Ed25519, &[seed; 32]).unwrap()
}

pub fn timekeeper() -> SigningKey {
    SigningKey::from_seed("log.example/clinic/time", KeyKind::Cosignature, &[9; 32]).unwrap()
}

pub fn how(create: bool) -> Open {
    // So short that a batch or two fill a segment.
    let segment_bytes = 1_000;
    Open { timekeeper: Some(timekeeper()), create, segment_bytes, ..Open::new(key(1)) }
}

pub fn open(disk: &Simulated, create: bool) -> Result<Log, Error> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Log::open(&disk, how(create), NOW)
}

pub fn reader(disk: impl Disk + 'static) -> Reader {
    let keys = vec![key(1).verifying_key().clone()];
    Reader::new(Arc::new(disk), ORIGIN, keys, Some(timekeeper().verifying_key().clone()))
}

/// The log is whole, holds every acknowledged entry, and no checkpoint that was ever signed contradicts it.
pub fn assert_holds(disk: &Simulated, acknowledged: &BTreeMap<u64, Vec<u8>>, label: &str) {
    let reader = reader(disk.clone());
    let report = reader.verify(&Check::default());
    assert!(report.is_whole(), "{label}: {:#?}", report.damages);
    let signed = report.signed.unwrap();
    let size = signed.checkpoint.size();
    let mut roots = vec![Builder::new().root()];
    let mut tree = Builder::new();
    let mut found = BTreeMap::new();
    reader
        .entries(&signed, 0..size, |index, entry| {
            tree.push(leaf_hash(entry), |_, _| {}).unwrap();
            roots.push(tree.root());
            found.insert(index, entry.to_vec());
        })
        .unwrap();
    for (index, entry) in acknowledged {
        assert_eq!(found.get(index), Some(entry), "{label}: entry {index} of {size} was acknowledged and is lost");
    }
    for text in disk.signed() {
        let (size, root) = parse(&text);
        let expected = roots.get(size as usize);
        assert_eq!(expected, Some(&root), "{label}: a checkpoint of size {size} was signed that is not of this tree");
    }
}

pub fn parse(text: &[u8]) -> (u64, Hash) {
    let checkpoint = checkpoint(text);
    (checkpoint.size(), *checkpoint.root())
}

pub fn checkpoint(text: &[u8]) -> Checkpoint {
    Checkpoint::parse(Note::parse(text).unwrap().text()).unwrap()
}

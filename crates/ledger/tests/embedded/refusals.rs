//! What a log refuses, with its code and in which words.

use std::io;
use std::sync::Arc;

use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::embedded::{Disk, Error, Log, Open, RealDisk};
use allod_ledger::note::{KeyKind, SigningKey};

use super::simulated::{Fault, Simulated};
use super::world::{NOW, ORIGIN, assert_holds, checkpoint, how, key, open, reader, timekeeper};

fn with(disk: &Simulated, open: Open) -> Result<Log, Error> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Log::open(&disk, open, NOW)
}

/// A log with two signed entries.
fn log() -> Simulated {
    let disk = Simulated::default();
    let log = open(&disk, true).unwrap();
    log.append_all(&[b"one", b"two"]).unwrap();
    log.integrate(NOW).unwrap();
    disk
}

#[test]
fn refusals_are_coded_and_change_nothing() {
    let disk = log();
    let before = disk.files();
    let other = SigningKey::from_seed("other.example", KeyKind::Ed25519, &[1; 32]).unwrap();
    let root = [7; 32];
    let older = |size, root| Open { not_older_than: Some(Checkpoint::new(ORIGIN, size, root).unwrap()), ..how(false) };
    let same = SigningKey::from_seed("log.example/clinic/time", KeyKind::Cosignature, &[1; 32]).unwrap();
    let cases: [(&str, Open); 8] = [
        ("another origin", Open { origin: "other.example".to_owned(), signers: vec![other.clone()], ..how(false) }),
        ("another key", Open { signers: vec![key(2)], ..how(false) }),
        ("no key", Open { signers: Vec::new(), ..how(false) }),
        ("a key of another name", Open { signers: vec![other], ..how(false) }),
        ("one key for both", Open { timekeeper: Some(same), ..how(false) }),
        ("shorter than known", older(3, root)),
        ("another tree than known", older(2, root)),
        ("another beginning than known", older(1, root)),
    ];
    let mut shown = String::new();
    for (what, open) in cases {
        let error = with(&disk, open).map(drop).unwrap_err();
        shown += &format!("{what}: {} {error}\n", error.code());
    }
    let empty = Simulated::default();
    let error = open(&empty, false).map(drop).unwrap_err();
    shown += &format!("no log: {} {error}\n", error.code());
    assert_eq!(disk.files(), before);
    let log = open(&disk, false).unwrap();
    let error = open(&disk, false).map(drop).unwrap_err();
    shown += &format!("a second writer: {} {error}\n", error.code());
    let error = log.append(&vec![0; 65_536]).unwrap_err();
    shown += &format!("a long entry: {} {error}\n", error.code());
    let many = vec![vec![0; 65_535]; 65];
    let error = log.append_all(&many.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap_err();
    shown += &format!("a long batch: {} {error}\n", error.code());
    // A refusal is no failure: the log goes on.
    assert_eq!(log.append(&vec![0; 65_535]).unwrap(), 2);
    drop(log);
    for (what, kind) in
        [("a full disk", io::ErrorKind::StorageFull), ("a read-only disk", io::ErrorKind::ReadOnlyFilesystem)]
    {
        let disk = disk.fork();
        let log = open(&disk, false).unwrap();
        disk.fail(0, Fault::Error(kind));
        let Error::Stopped(cause) = log.append(b"more").unwrap_err() else { panic!("{what}: not stopped") };
        shown += &format!("{what}: {} {cause}\n", cause.code());
        drop(log);
        disk.restart();
        let log = open(&disk, false).unwrap();
        log.append(b"after").unwrap();
        log.integrate(NOW).unwrap();
        assert_holds(&disk, &[(0, b"one".to_vec()), (2, vec![0; 65_535])].into(), what);
    }
    insta::assert_snapshot!("refusals", shown);
}

#[test]
fn a_state_that_is_known_is_accepted_when_the_log_contains_it() {
    let disk = log();
    let known = checkpoint(&disk.files()["public/checkpoint"]);
    let log = open(&disk, false).unwrap();
    log.append(b"three").unwrap();
    drop(log);
    disk.restart();
    with(&disk, Open { not_older_than: Some(known.clone()), ..how(false) }).unwrap();
    // An older copy of the whole folder: shorter, and then as long with other entries.
    let copy = Simulated::default();
    drop(open(&copy, true).unwrap());
    copy.restart();
    let error = with(&copy, Open { not_older_than: Some(known.clone()), ..how(false) }).map(drop).unwrap_err();
    assert!(matches!(error, Error::Older { size: 0, known: 2, .. }), "{error}");
    let log = open(&copy, false).unwrap();
    log.append_all(&[b"other", b"other", b"other"]).unwrap();
    drop(log);
    copy.restart();
    let signed = copy.signed().len();
    let error = with(&copy, Open { not_older_than: Some(known), ..how(false) }).map(drop).unwrap_err();
    assert!(matches!(error, Error::Older { size: 3, known: 2, .. }), "{error}");
    assert_eq!(copy.signed().len(), signed, "a second history was signed");
}

#[test]
fn a_served_folder_that_was_restored_is_noticed() {
    let disk = log();
    let old: Vec<_> = disk.files().into_iter().filter(|(path, _)| path.starts_with("public/")).collect();
    let log = open(&disk, false).unwrap();
    log.append_all(&vec![b"x".as_slice(); 300]).unwrap();
    log.integrate(NOW).unwrap();
    drop(log);
    disk.restart();
    for path in disk.files().into_keys().filter(|path| path.starts_with("public/")) {
        disk.lose(&path);
    }
    for (path, bytes) in old {
        disk.put(&path, &bytes);
    }
    let signed = disk.signed().len();
    let error = open(&disk, false).map(drop).unwrap_err();
    assert!(matches!(error, Error::Damaged(_)), "{error}");
    assert_eq!(disk.signed().len(), signed);
}

#[test]
fn a_heartbeat_signs_the_same_tree_at_a_new_time() {
    let disk = log();
    disk.restart();
    let log = open(&disk, false).unwrap();
    let before = reader(disk.clone()).checkpoint().unwrap();
    log.integrate(NOW + 60).unwrap();
    let after = reader(disk.clone()).checkpoint().unwrap();
    assert_eq!(before.checkpoint, after.checkpoint);
    assert_eq!((before.time_s, after.time_s), (Some(NOW), Some(NOW + 60)));
}

#[test]
fn keys_change_while_both_sign() {
    let disk = log();
    disk.restart();
    let log = with(&disk, Open { signers: vec![key(2), key(1)], ..how(false) }).unwrap();
    log.integrate(NOW).unwrap();
    drop(log);
    // Who knows the old key only can still read.
    assert_eq!(reader(disk.clone()).checkpoint().unwrap().note.signatures().len(), 3);
    let log = with(&disk, Open { signers: vec![key(2)], ..how(false) }).unwrap();
    log.integrate(NOW).unwrap();
    assert!(matches!(reader(disk.clone()).checkpoint(), Err(Error::WrongKey { .. })));
    assert_eq!(timekeeper().verifying_key().kind(), KeyKind::Cosignature);
}

#[test]
fn the_real_disk_refuses_as_the_simulated_one() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path().join("log")));
    assert!(matches!(Log::open(&disk, how(false), NOW), Err(Error::Missing { .. })));
    let log = Log::open(&disk, how(true), NOW).unwrap();
    assert!(matches!(Log::open(&disk, how(false), NOW), Err(Error::Locked { .. })));
    assert_eq!(log.append(b"one").unwrap(), 0);
    drop(log);
    let log = Log::open(&disk, how(false), NOW).unwrap();
    assert_eq!(log.signed(), 1);
    let private = folder.path().join("log/private");
    assert!(std::fs::metadata(private.join("checkpoint")).unwrap().len() > 0);
    drop(log);
    std::fs::write(private.join("wal"), b"").unwrap_err();
    std::fs::remove_dir_all(&private).unwrap();
    assert!(matches!(Log::open(&disk, how(false), NOW), Err(Error::Missing { .. })));
    assert!(matches!(Log::open(&disk, how(true), NOW), Err(Error::Missing { .. })), "a log was made over another one");
}

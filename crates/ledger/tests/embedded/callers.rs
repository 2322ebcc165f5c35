//! Many callers at once, on the real disk and on one that fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use allod_ledger::embedded::{Check, Disk, Error, Log, RealDisk};

use super::simulated::{Fault, Simulated};
use super::world::{NOW, assert_holds, how, open, reader};

const CALLERS: u64 = 16;
const EACH: u64 = 40;

#[test]
fn each_caller_gets_an_index_of_its_own_while_trees_are_signed_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    let log = Log::open(&disk, how(true), NOW).unwrap();
    let found = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (log, found) = (&log, &found);
            scope.spawn(move || {
                let mut last = None;
                for number in 0..EACH {
                    let entry = format!("{caller} {number}").into_bytes();
                    let index = log.append(&entry).unwrap();
                    assert!(last < Some(index), "the order of a caller's own entries");
                    last = Some(index);
                    assert_eq!(found.lock().unwrap().insert(index, entry), None, "index {index} was given twice");
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..10 {
                log.integrate(NOW).unwrap();
                let reader = reader(RealDisk::new(folder.path()));
                assert!(reader.checkpoint().unwrap().checkpoint.size() <= log.durable());
            }
        });
    });
    log.integrate(NOW).unwrap();
    let found = found.into_inner().unwrap();
    assert_eq!(found.len() as u64, CALLERS * EACH);
    let reader = reader(RealDisk::new(folder.path()));
    let report = reader.verify(&Check::default());
    assert!(report.is_whole(), "{:?}", report.damages);
    let signed = report.signed.unwrap();
    reader.entries(&signed, 0..CALLERS * EACH, |index, entry| assert_eq!(found[&index], entry)).unwrap();
}

#[test]
fn all_callers_hear_of_a_failure_and_none_hangs() {
    for seed in 0..20 {
        let disk = Simulated::default();
        let log = open(&disk, true).unwrap();
        disk.fail(20 + seed, Fault::Error(std::io::ErrorKind::Other));
        let found = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (log, found) = (&log, &found);
                scope.spawn(move || {
                    for number in 0.. {
                        let entry = format!("{caller} {number}").into_bytes();
                        match log.append(&entry) {
                            Ok(index) => drop(found.lock().unwrap().insert(index, entry)),
                            Err(error) => {
                                assert!(matches!(error, Error::Stopped(_)), "{error}");
                                return;
                            }
                        }
                    }
                });
            }
        });
        drop(log);
        disk.restart();
        let log = open(&disk, false).unwrap();
        assert_holds(&disk, &found.into_inner().unwrap(), &format!("seed {seed}"));
        drop(log);
    }
}

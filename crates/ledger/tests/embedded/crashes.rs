//! Crashes and faults: by many seeds, at every call of a small run, and at every byte of a write.

use std::collections::BTreeMap;
use std::io;

use allod_ledger::embedded::{Error, Log};

use super::simulated::{Fault, Random, Simulated};
use super::world::{NOW, assert_holds, open};

/// Each is a life of a log with about ten crashes or faults; together they take some seconds.
const SEEDS: u64 = 400;
const LIVES: u64 = 10;

struct World {
    disk: Simulated,
    random: Random,
    acknowledged: BTreeMap<u64, Vec<u8>>,
    created: bool,
    made: u64,
}

impl World {
    fn entry(&mut self) -> Vec<u8> {
        self.made += 1;
        let mut entry = format!("entry {} ", self.made).into_bytes();
        let length = match self.random.below(12) {
            0 => 0,
            1 => 3_000,
            _ => self.random.below(300),
        };
        // Some of what is written looks like a sector that was not.
        let filler = if self.random.one_in(4) { 0 } else { self.random.next() as u8 };
        entry.resize(entry.len() + length as usize, filler);
        if self.random.one_in(20) { Vec::new() } else { entry }
    }

    /// Works on an open log until something fails, or enough was done.
    fn work(&mut self, log: &Log) -> Result<(), Error> {
        for _ in 0..self.random.below(25) {
            match self.random.below(8) {
                0 => drop(log.integrate(NOW)?),
                1 => {
                    let entries: Vec<_> = (0..self.random.below(140)).map(|_| self.entry()).collect();
                    let slices: Vec<_> = entries.iter().map(Vec::as_slice).collect();
                    let indices = log.append_all(&slices)?;
                    assert_eq!(indices.end - indices.start, entries.len() as u64);
                    self.acknowledged.extend(indices.zip(entries));
                }
                _ => {
                    let entry = self.entry();
                    let index = log.append(&entry)?;
                    let before = self.acknowledged.insert(index, entry);
                    assert_eq!(before, None, "index {index} was given twice");
                }
            }
        }
        Ok(())
    }

    fn fault(&mut self) {
        let fault = match self.random.below(8) {
            0 => return,
            1 => Fault::Error(io::ErrorKind::StorageFull),
            2 | 3 => Fault::Error(io::ErrorKind::Other),
            _ => Fault::Crash,
        };
        let after = self.random.below(150);
        self.disk.fail(after, fault);
    }
}

fn live(seed: u64) {
    let mut world = World {
        disk: Simulated::default(),
        random: Random::new(seed),
        acknowledged: BTreeMap::new(),
        created: false,
        made: 0,
    };
    for life in 0..LIVES {
        let label = format!("seed {seed}, life {life}");
        world.fault();
        let calls = world.disk.calls();
        let opened = open(&world.disk, !world.created);
        match opened {
            Ok(log) => {
                world.created = true;
                let worked = world.work(&log);
                if let Err(error) = worked {
                    assert!(!matches!(error, Error::Damaged(_)), "{label}: {error}");
                    // A writer that failed once writes no more.
                    let before = world.disk.files();
                    assert!(matches!(log.append(b"late"), Err(Error::Stopped(_))), "{label}: went on after {error}");
                    assert!(log.integrate(NOW).is_err(), "{label}: signed after {error}");
                    assert_eq!(world.disk.files(), before, "{label}: wrote after {error}");
                }
            }
            Err(error) => {
                let benign = matches!(error, Error::Disk { .. } | Error::Full { .. });
                assert!(benign, "{label}: {error}\n{}", world.disk.trace()[calls as usize..].join("\n"));
            }
        }
        if world.disk.crashed() || world.random.one_in(3) {
            world.disk.reboot(&mut world.random);
        } else {
            world.disk.restart();
        }
    }
    let log = open(&world.disk, !world.created).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    assert_holds(&world.disk, &world.acknowledged, &format!("seed {seed}"));
    log.append(b"last").unwrap();
    log.integrate(NOW).unwrap();
    assert_holds(&world.disk, &world.acknowledged, &format!("seed {seed}, at the end"));
}

#[test]
fn whatever_crashes_nothing_acknowledged_is_lost_and_no_two_trees_are_signed() {
    let seeds = std::env::var("LEDGER_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    for seed in 0..seeds {
        live(seed);
    }
}

/// A life of a log that comes by everything: a tile that fills, partial files that go, a second start.
fn script(disk: &Simulated, acknowledged: &mut BTreeMap<u64, Vec<u8>>) -> Result<(), Error> {
    for round in 0..3_u8 {
        let log = open(disk, true)?;
        for number in 0..2_u8 {
            let entry = vec![b'a' + round, number];
            acknowledged.insert(log.append(&entry)?, entry);
        }
        log.integrate(NOW)?;
        let many = vec![[b'm', round]; 130];
        let slices: Vec<_> = many.iter().map(<[u8; 2]>::as_slice).collect();
        acknowledged.extend(log.append_all(&slices)?.zip(many.iter().map(|entry| entry.to_vec())));
        if round != 1 {
            log.integrate(NOW)?;
        }
        acknowledged.insert(log.append(b"last")?, b"last".to_vec());
    }
    Ok(())
}

#[test]
fn a_fault_at_any_call_loses_nothing() {
    let counted = Simulated::default();
    script(&counted, &mut BTreeMap::new()).unwrap();
    let calls = counted.calls();
    assert!(calls > 200, "the script does little: {calls} calls");
    let faults = [Fault::Crash, Fault::Error(io::ErrorKind::Other)];
    for (call, fault) in (0..calls).flat_map(|call| faults.map(|fault| (call, fault))) {
        // The power fails, or only the process ends.
        for power in [false, true] {
            let label = format!("{fault:?} at call {call} ({}), power {power}", counted.trace()[call as usize]);
            let (disk, mut acknowledged) = (Simulated::default(), BTreeMap::new());
            disk.fail(call, fault);
            let done = script(&disk, &mut acknowledged);
            assert!(done.is_err(), "{label}: was not noticed");
            if power {
                disk.reboot(&mut Random::new(call))
            } else {
                disk.restart()
            }
            let log = open(&disk, true).unwrap_or_else(|error| panic!("{label}: {error}"));
            assert_holds(&disk, &acknowledged, &label);
            drop(log);
            // What the first start found, the next one must find, too.
            disk.reboot(&mut Random::new(call + 1));
            let label = format!("{label}, and the power fails again");
            let log = open(&disk, true).unwrap_or_else(|error| panic!("{label}: {error}"));
            assert_holds(&disk, &acknowledged, &label);
            drop(log);
        }
    }
}

/// A log with entries that are integrated and one that is not, and another batch that was written and not synced.
fn torn() -> (Simulated, BTreeMap<u64, Vec<u8>>, String, usize) {
    let (disk, mut acknowledged) = (Simulated::default(), BTreeMap::new());
    let log = open(&disk, true).unwrap();
    for entry in [b"one".to_vec(), b"two".to_vec()] {
        acknowledged.insert(log.append(&entry).unwrap(), entry);
    }
    log.integrate(NOW).unwrap();
    let entry = vec![b'x'; 700];
    acknowledged.insert(log.append(&entry).unwrap(), entry);
    let before = disk.files();
    disk.fail(1, Fault::Crash);
    let unsynced: [&[u8]; 2] = [&[b'y'; 900], &[b'z'; 600]];
    log.append_all(&unsynced).unwrap_err();
    let path = before.keys().find(|path| path.contains("/wal/")).unwrap().clone();
    let written = disk.files()[&path].len() - before[&path].len();
    assert!(written > 1_500, "{written}");
    (disk, acknowledged, path, written)
}

#[test]
fn a_write_torn_at_any_byte_is_kept_whole_or_not_at_all() {
    let (disk, acknowledged, path, written) = torn();
    for kept in 0..=written {
        let disk = disk.fork();
        disk.reboot_with(&path, kept);
        let log = open(&disk, false).unwrap_or_else(|error| panic!("{kept} bytes: {error}"));
        assert_holds(&disk, &acknowledged, &format!("{kept} bytes of {written}"));
        assert_eq!(log.durable(), if kept == written { 5 } else { 3 }, "{kept} bytes");
    }
}

#[test]
fn a_write_torn_at_any_sectors_is_kept_whole_or_not_at_all() {
    let (disk, acknowledged, path, written) = torn();
    let whole = disk.files()[&path].clone();
    let synced = whole.len() - written;
    let sectors = synced / 512..whole.len().div_ceil(512);
    assert!(sectors.len() >= 4);
    for missing in 0..1_u32 << sectors.len() {
        let mut bytes = whole.clone();
        for (bit, sector) in sectors.clone().enumerate().filter(|(bit, _)| missing >> bit & 1 == 1) {
            let from = (sector * 512).max(synced);
            let to = ((sector + 1) * 512).min(whole.len());
            assert!(from < to, "{bit}");
            bytes[from..to].fill(0);
        }
        let disk = disk.fork();
        disk.restart();
        disk.put(&path, &bytes);
        let log = open(&disk, false).unwrap_or_else(|error| panic!("without {missing:b}: {error}"));
        assert_holds(&disk, &acknowledged, &format!("without {missing:b}"));
        assert_eq!(log.durable(), if missing == 0 { 5 } else { 3 }, "without {missing:b}");
    }
}

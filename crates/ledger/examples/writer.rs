//! Writes a log on the real disk, for `testbed/ledger/faults` to kill and to fail at every call.
//!
//! ```text
//! writer fill FOLDER N     makes a log of N entries that are signed
//! writer leave FOLDER N    appends N entries and ends without signing them
//! writer append FOLDER N   appends N entries one by one, signs after each, says which are acknowledged
//! writer verify FOLDER     recovers, signs and verifies; then each "INDEX ENTRY" of the standard input must be there
//! ```
#![allow(clippy::print_stderr)]

use std::error::Error;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;

use allod_ledger::embedded::{Check, Disk, Log, Open, Reader, RealDisk};
use allod_ledger::note::{KeyKind, SigningKey};

const ORIGIN: &str = "log.example/faults";
const NOW: u64 = 1_700_000_000;

fn keys() -> Result<(SigningKey, SigningKey), allod_ledger::Error> {
    let signer = SigningKey::from_seed(ORIGIN, KeyKind::Ed25519, &[1; 32])?;
    Ok((signer, SigningKey::from_seed("log.example/faults/time", KeyKind::Cosignature, &[2; 32])?))
}

fn open(disk: &Arc<dyn Disk>, create: bool) -> Result<Log, Box<dyn Error>> {
    let (signer, timekeeper) = keys()?;
    // So short that segments follow each other.
    let open = Open { timekeeper: Some(timekeeper), create, segment_bytes: 100, ..Open::new(signer) };
    Ok(Log::open(disk, open, NOW)?)
}

fn append(log: &Log, number: u64) -> Result<(), Box<dyn Error>> {
    let entry = format!("entry-{number}");
    let index = log.append(entry.as_bytes())?;
    // A pipe that is closed is no business of the log's.
    let mut out = std::io::stdout();
    Ok(writeln!(out, "{index} {entry}").and_then(|()| out.flush())?)
}

fn verify(disk: &Arc<dyn Disk>) -> Result<(), Box<dyn Error>> {
    let log = open(disk, false)?;
    log.integrate(NOW)?;
    let (signer, timekeeper) = keys()?;
    let verifying = |key: &SigningKey| key.verifying_key().clone();
    let reader = Reader::new(Arc::clone(disk), ORIGIN, vec![verifying(&signer)], Some(verifying(&timekeeper)));
    let report = reader.verify(&Check { signed_since_s: Some(NOW), ..Check::default() });
    if let Some(damage) = report.damages.first() {
        return Err(damage.to_string().into());
    }
    let signed = report.signed.ok_or("no checkpoint")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        // The last line of a writer that was killed may be cut.
        let Some((index, entry)) = line.split_once(' ') else { continue };
        let found = reader.entry(&signed, index.parse()?)?;
        if !found.starts_with(entry.as_bytes()) {
            return Err(format!("entry {index} is lost").into());
        }
    }
    Ok(())
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let disk = |folder: &str| -> Arc<dyn Disk> { Arc::new(RealDisk::new(folder)) };
    match arguments.as_slice() {
        ["fill", folder, count] => {
            let log = open(&disk(folder), true)?;
            let entries: Vec<_> =
                (0..count.parse()?).map(|number: u64| format!("filled-{number}").into_bytes()).collect();
            log.append_all(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
            log.integrate(NOW)?;
        }
        ["leave", folder, count] => {
            let log = open(&disk(folder), false)?;
            for number in 0..count.parse()? {
                append(&log, number)?;
            }
        }
        ["append", folder, count] => {
            let log = open(&disk(folder), false)?;
            for number in 0..count.parse()? {
                append(&log, 1_000 + number)?;
                log.integrate(NOW)?;
            }
        }
        ["verify", folder] => verify(&disk(folder))?,
        _ => return Err("writer fill|leave|append FOLDER N, writer verify FOLDER".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

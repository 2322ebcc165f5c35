//! What the embedded log costs beside the disk that it is on, measured in one run:
//! `cargo run --release -p allod-ledger --example throughput [FOLDER]`.
//!
//! The speed of a disk changes from minute to minute, so that of the disk alone is measured between the measurements of
//! the log, and figures are ratios.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use allod_ledger::embedded::{BATCH_WINDOW, Check, Disk, Log, Open, Reader, RealDisk};
use allod_ledger::note::{KeyKind, SigningKey};

const ORIGIN: &str = "log.example/throughput";
/// As an audit entry with its commitments.
const ENTRY: [u8; 256] = [7; 256];
/// What a batch of one such entry adds to the write-ahead log.
const RECORD: usize = 256 + 2 + 36 + 16;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;
const CALLERS: usize = 64;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn key() -> Outcome<SigningKey> {
    Ok(SigningKey::from_seed(ORIGIN, KeyKind::Ed25519, &[1; 32])?)
}

fn open(disk: &Arc<dyn Disk>) -> Outcome<Log> {
    Ok(Log::open(disk, Open { create: true, ..Open::new(key()?) }, 1)?)
}

/// Calls for a while; the time of each call.
fn times(mut call: impl FnMut() -> Outcome<()>) -> Outcome<Vec<Duration>> {
    let (started, mut times) = (Instant::now(), Vec::new());
    while started.elapsed() < ROUND {
        let before = Instant::now();
        call()?;
        times.push(before.elapsed());
    }
    Ok(times)
}

fn rate(times: &[Duration]) -> f64 {
    times.len() as f64 / ROUND.as_secs_f64()
}

fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

/// The memory of this process that is resident, in MiB.
fn resident() -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn speed(folder: &Path) -> Outcome<()> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.join("log")));
    let log = open(&disk)?;
    let mut file = File::create(folder.join("bare"))?;
    let mut bare = || times(|| Ok(file.write_all(&[7; RECORD]).and_then(|()| file.sync_data())?));
    println!("{:>12} {:>12} {:>6} {:>10} {:>10}   one caller", "disk/s", "log/s", "ratio", "disk p99", "log p99");
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let mut before = bare()?;
        let mut ours = times(|| Ok(log.append(&ENTRY).map(drop)?))?;
        let mut after = bare()?;
        let alone = f64::midpoint(rate(&before), rate(&after));
        ratios.push(rate(&ours) / alone);
        before.append(&mut after);
        let ratio = rate(&ours) / alone;
        println!(
            "{alone:>12.0} {:>12.0} {ratio:>6.2} {:>10.1?} {:>10.1?}",
            rate(&ours),
            p99(&mut before),
            p99(&mut ours)
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}\n", ratios.get(ROUNDS / 2).unwrap_or(&0.0));

    println!(
        "{:>12} {:>12} {:>6} {:>10} {:>10}   {CALLERS} callers",
        "disk/s", "log/s", "ratio", "window+p99", "log p99"
    );
    for signing in [false, true] {
        for _ in 0..ROUNDS.div_ceil(2) {
            let mut alone = bare()?;
            let ended = AtomicBool::new(false);
            let mut ours = thread::scope(|scope| {
                let callers: Vec<_> = (0..CALLERS)
                    .map(|_| {
                        scope.spawn(|| times(|| Ok(log.append(&ENTRY).map(drop)?)).map_err(|error| error.to_string()))
                    })
                    .collect();
                let signer = signing.then(|| {
                    scope.spawn(|| {
                        while !ended.load(Ordering::Relaxed) {
                            thread::sleep(Duration::from_millis(250));
                            log.integrate(1).map_err(|error| error.to_string())?;
                        }
                        Ok::<_, String>(())
                    })
                });
                let mut all = Vec::new();
                for caller in callers {
                    all.extend(caller.join().map_err(|_| "a caller panicked")??);
                }
                ended.store(true, Ordering::Relaxed);
                if let Some(signer) = signer {
                    signer.join().map_err(|_| "the signer panicked")??;
                }
                Outcome::Ok(all)
            })?;
            let ratio = rate(&ours) / rate(&alone);
            let bound = BATCH_WINDOW + p99(&mut alone);
            let note = if signing { "   signed every 250 ms meanwhile" } else { "" };
            println!(
                "{:>12.0} {:>12.0} {ratio:>6.1} {bound:>10.1?} {:>10.1?}{note}",
                rate(&alone),
                rate(&ours),
                p99(&mut ours)
            );
        }
        log.integrate(1)?;
    }
    Ok(())
}

fn memory(folder: &Path) -> Outcome<()> {
    println!(
        "\n{:>12} {:>14} {:>14} {:>12} {:>12}",
        "entries", "MiB integrate", "MiB verify", "integrate/s", "verify/s"
    );
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.join("sizes")));
    let log = open(&disk)?;
    for size in [10_000_u64, 100_000, 1_000_000] {
        let before = log.signed();
        while log.durable() < size {
            log.append_all(&vec![ENTRY.as_slice(); usize::try_from((size - log.durable()).min(4_096))?])?;
        }
        let started = Instant::now();
        log.integrate(1)?;
        let integrated = (size - before) as f64 / started.elapsed().as_secs_f64();
        let after = resident()?;
        let reader = Reader::new(Arc::clone(&disk), ORIGIN, vec![key()?.verifying_key().clone()], None);
        let started = Instant::now();
        let report = reader.verify(&Check::default());
        if !report.is_whole() || report.entries != size {
            return Err(format!("{} entries verified, {:?}", report.entries, report.damages.first()).into());
        }
        let verified = size as f64 / started.elapsed().as_secs_f64();
        println!("{size:>12} {after:>14.1} {:>14.1} {integrated:>12.0} {verified:>12.0}", resident()?);
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| "target".to_owned());
    let folder = Path::new(&parent).join("throughput");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    speed(&folder)?;
    memory(&folder)?;
    Ok(fs::remove_dir_all(&folder)?)
}

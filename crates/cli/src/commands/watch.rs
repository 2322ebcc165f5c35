use crate::args::{Global, Watch as WatchArgs, WatchFormat};
use crate::commands::audit::{failure, note};
use crate::commands::check::{baseline, day, options};
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use allod_engine::{
    ClusterOptions, Logbook, Options, Rounds, Running, RunningCluster, RunningFiles, Watch, WatchOptions,
};
use allod_evidence::Look;
use allod_evidence::check::Baseline;
use allod_evidence::watch::{Event, Outcome, State, event_json, human, json, line};
use allod_register::Register;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Changes that come together (a rollout) make one look: the first is waited with for as long, and for as long as a look
/// takes, so that a cluster that never rests leaves half of a processor free.
const SETTLE_MS: u64 = 500;
/// The shortest and the longest interval: a look costs a walk, and who looks once a day can use a timer.
const INTERVALS: std::ops::RangeInclusive<u64> = 1..=86_400;

/// What ends a wait.
pub enum Wake {
    Changed,
    End,
}

pub fn run(args: &WatchArgs, global: &Global) -> Result<Exit, Failure> {
    if args.rbac {
        let text = allod_engine::cluster_rbac();
        write(None, |out| out.write_all(text.as_bytes()))?;
        return Ok(Exit::Clean);
    }
    let policy = options(&args.policy)?;
    let known = args.baseline.as_deref().map(baseline).transpose()?;
    let beside = if args.allowed.is_empty() { &args.running } else { &args.allowed };
    let beside = if beside.is_empty() { vec![PathBuf::from(".")] } else { beside.clone() };
    let home = policy.home.clone().unwrap_or_default();
    let of_register = Options { paths: beside, home, register: args.policy.register.clone(), resolve: None };
    let register = allod_engine::register(&of_register).map_err(|error| failure(&error))?;
    let (send, wake) = channel();
    let source = source(args, &register, &send)?;
    let options = WatchOptions {
        running: args.running.clone(),
        allowed: args.allowed.clone(),
        context: args.context.clone(),
        policy,
        register: args.policy.register.clone(),
        allow_unread: args.allow_unread,
        fail_on_missing: args.fail_on_missing,
        baseline: known.map(|known| known.keys()).unwrap_or_default(),
    };
    let mut rounds = Rounds::new(Watch::new(options, source, &register));
    let logbook = super::log::logbook(&of_register.paths)?;
    let logbook = logbook.as_ref();
    let outcome = if args.once {
        once(args, global, &mut rounds, logbook)?
    } else {
        follow(args, global, &mut rounds, logbook, (send, &wake))?
    };
    Ok(match outcome {
        Outcome::Unseen => Exit::CouldNot,
        Outcome::Found if !args.exit_zero => Exit::Foreign,
        Outcome::Found | Outcome::Clean => Exit::Clean,
    })
}

fn source<'r>(args: &WatchArgs, register: &'r Register, send: &Sender<Wake>) -> Result<Box<dyn Running + 'r>, Failure> {
    let Some(context) = &args.cluster else { return Ok(Box::new(RunningFiles::new(&args.running, register))) };
    let options = ClusterOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: Some(context.clone()).filter(|context| !context.is_empty()),
        exclude: args.exclude.clone(),
    };
    let send = send.clone();
    // Nobody waits any more when the watch has ended.
    let changed = Box::new(move || _ = send.send(Wake::Changed));
    let cluster = RunningCluster::begin(&options, changed).map_err(|error| failure(&error))?;
    Ok(Box::new(cluster))
}

fn once(
    args: &WatchArgs,
    global: &Global,
    rounds: &mut Rounds<'_>,
    logbook: Option<&Logbook>,
) -> Result<Outcome, Failure> {
    let at = now();
    let mut seen = Vec::new();
    let mut log = |event: &Event<'_>| seen.push(line(event, PLAIN));
    let state = rounds.round(at, day(&args.policy)?, &mut log).map_err(|error| failure(&error))?;
    write_down(args, logbook, &seen)?;
    if let Some(path) = &args.write_baseline {
        write(Some(path), |out| Baseline::of_keys(state.keys()).write(out))?;
    }
    let look = look(global, false);
    write(None, |out| match args.format {
        WatchFormat::Human => out.write_all(human(state, global.verbose, look).as_bytes()),
        WatchFormat::Json => json(state, at, out),
    })?;
    Ok(state.outcome())
}

/// A line for the ledger: as wide as it is.
const PLAIN: Look = Look { width: usize::MAX, colour: false };

/// Before anybody is told.
fn write_down(args: &WatchArgs, logbook: Option<&Logbook>, seen: &[String]) -> Result<(), Failure> {
    let Some(logbook) = logbook else { return Ok(()) };
    let paths: Vec<String> = args.running.iter().map(|path| path.display().to_string()).collect();
    let cluster = args.cluster.as_ref().map(|context| format!("cluster {context}"));
    let object: Vec<String> = cluster.into_iter().chain(paths).collect();
    if seen.is_empty() {
        return Ok(());
    }
    // One entry a look: what a look finds at once can be thousands of things.
    let what: Vec<&str> = seen.iter().map(|line| line.trim_end()).collect();
    logbook.watched(object.join(" "), what.join("\n")).map_err(|error| failure(&error))?;
    Ok(())
}

/// Looks again and again, until it is told to end.
fn follow(
    args: &WatchArgs,
    global: &Global,
    rounds: &mut Rounds<'_>,
    logbook: Option<&Logbook>,
    (send, wake): (Sender<Wake>, &Receiver<Wake>),
) -> Result<Outcome, Failure> {
    end_on_signals(send)?;
    let look = look(global, false);
    loop {
        let first = rounds.state().is_none();
        let mut lines: Vec<u8> = Vec::new();
        let mut seen = Vec::new();
        let mut log = |event: &Event<'_>| {
            seen.push(line(event, PLAIN));
            match args.format {
                WatchFormat::Human if first => {}
                WatchFormat::Human => lines.extend(line(event, look).into_bytes()),
                // Writing into memory does not fail.
                WatchFormat::Json => _ = event_json(event, &mut lines),
            }
        };
        let begun = Instant::now();
        let state = rounds.round(now(), day(&args.policy)?, &mut log).map_err(|error| failure(&error))?;
        let found = (first && args.format == WatchFormat::Human).then(|| human(state, global.verbose, look));
        write_down(args, logbook, &seen)?;
        if let Some(found) = found {
            lines.extend(found.into_bytes());
        }
        write(None, |out| out.write_all(&lines))?;
        if first && !global.quiet {
            note("watching; Ctrl-C ends it");
        }
        if ends(wake, args.interval, begun.elapsed()) {
            return Ok(rounds.state().map_or(Outcome::Unseen, State::outcome));
        }
    }
}

/// Waits for the next look; says whether there is none.
fn ends(wake: &Receiver<Wake>, interval: Duration, took: Duration) -> bool {
    match wake.recv_timeout(interval) {
        Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => true,
        Err(RecvTimeoutError::Timeout) => false,
        Ok(Wake::Changed) => {
            let end = Instant::now() + took.max(Duration::from_millis(SETTLE_MS));
            loop {
                match wake.recv_timeout(end.saturating_duration_since(Instant::now())) {
                    Ok(Wake::Changed) => {}
                    Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => return true,
                    Err(RecvTimeoutError::Timeout) => return false,
                }
            }
        }
    }
}

fn end_on_signals(send: Sender<Wake>) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(|error| {
        let mut failure = Failure::new("E002", "could not listen for signals");
        failure.causes.push(error.to_string());
        failure
    })?;
    std::thread::spawn(move || signals.forever().try_for_each(|_| send.send(Wake::End)));
    Ok(())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// `30s`, `5m`, `1h`; a number alone are seconds.
pub fn interval(text: &str) -> Result<Duration, String> {
    let (number, factor) = match text.chars().last() {
        Some('s') => (text.trim_end_matches('s'), 1),
        Some('m') => (text.trim_end_matches('m'), 60),
        Some('h') => (text.trim_end_matches('h'), 3_600),
        _ => (text, 1),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    let seconds = seconds.filter(|seconds| INTERVALS.contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "an interval is 1s to 24h, such as 30s or 5m".to_owned())
}

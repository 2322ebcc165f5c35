use crate::args::{Bundle, Global, Ledger, LedgerAsk, Prove, Verify};
use crate::commands::log::{failure, logbook, named, workspace};
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use allod_journal::Action;
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::note::{Note, VerifyingKey};
use allod_workspace::bundle::BundleAsk;
use allod_workspace::{Workspace, rfc3339, seconds_now};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// A checkpoint is some hundred bytes; with the most signatures that a note takes, some thousand.
const MAX_CHECKPOINT_BYTES: u64 = 1 << 20;

pub fn run(args: &Ledger, global: &Global) -> Result<Exit, Failure> {
    let workspace = workspace(&args.at)?;
    match &args.ask {
        LedgerAsk::Verify(verify) => self::verify(&workspace, verify, global),
        LedgerAsk::Prove(prove) => self::prove(&workspace, prove, global),
        LedgerAsk::Bundle(bundle) => self::bundle(&workspace, bundle, global),
        LedgerAsk::Key => key(&workspace),
        LedgerAsk::Heartbeat => {
            workspace.heartbeat().map_err(|error| failure(&error))?;
            Ok(Exit::Clean)
        }
        LedgerAsk::Erase { name, yes } => erase(&workspace, args, name, *yes, global),
    }
}

fn verify(workspace: &Workspace, args: &Verify, global: &Global) -> Result<Exit, Failure> {
    let range = args.range.as_deref().map(range).transpose()?;
    let key = workspace.key().map_err(|error| failure(&error))?;
    let earlier = args.earlier.iter().map(|path| checkpoint(path, &key).map(|(checkpoint, _)| checkpoint));
    let earlier: Vec<Checkpoint> = earlier.collect::<Result<_, _>>()?;
    let since = args.max_age.map(|seconds| seconds_now().saturating_sub(seconds));
    let records = workspace.records().map_err(|error| failure(&error))?;
    let report = records.verify(range, earlier, since);
    let look = look(global, false);
    write(None, |out| {
        if report.is_whole() {
            writeln!(out, "{} {}", look.strong("whole:"), named(workspace))?;
        } else {
            writeln!(out, "{} {}", look.alarm("DAMAGED:"), named(workspace))?;
        }
        let size = report.signed.as_ref().map_or(0, |signed| signed.checkpoint.size());
        writeln!(out, "{} of {size} signed entries were hashed and compared", report.entries)?;
        let alive = report.signed.as_ref().and_then(|signed| signed.time_s);
        if let Some(seconds) = alive {
            let time = rfc3339(UNIX_EPOCH + Duration::from_secs(seconds));
            writeln!(out, "{}", look.faint(&format!("last sign of life: {time}")))?;
        }
        report.damages.iter().try_for_each(|damage| writeln!(out, "  {damage}"))?;
        if report.unlisted > 0 {
            writeln!(out, "  and {} more", report.unlisted)?;
        }
        if report.is_whole() && !global.quiet {
            let limit = "Unwitnessed: whoever holds the key could have written another ledger from the beginning.";
            writeln!(out, "{}", look.faint(limit))?;
        }
        Ok(())
    })?;
    Ok(if report.is_whole() { Exit::Clean } else { Exit::Foreign })
}

/// A checkpoint in a file, signed by this ledger.
fn checkpoint(path: &std::path::Path, key: &VerifyingKey) -> Result<(Checkpoint, Note), Failure> {
    let size = std::fs::metadata(path).map_or(0, |about| about.len());
    let bytes = match size {
        0..=MAX_CHECKPOINT_BYTES => std::fs::read(path),
        _ => Err(std::io::ErrorKind::FileTooLarge.into()),
    };
    let bytes = bytes.map_err(|error| unusable(path, &error))?;
    Checkpoint::open(&bytes, key).map_err(|error| unusable(path, &error))
}

/// `3,10..20`: numbers and ranges, in order, each once.
fn entries(text: &str, size: u64) -> Result<Vec<u64>, Failure> {
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let range = match part.parse::<u64>() {
            Ok(index) => index..index.saturating_add(1),
            Err(_) => range(part)?,
        };
        if range.end > size {
            let failure = Failure::new("L014", format!("there are {size} entries, and `{part}` asks for more"));
            return Err(failure.hint("entries are numbered from 0"));
        }
        all.extend(range);
    }
    Ok(all.into_iter().collect())
}

fn bundle(workspace: &Workspace, args: &Bundle, global: &Global) -> Result<Exit, Failure> {
    let records = workspace.records().map_err(|error| failure(&error))?;
    let key = workspace.key().map_err(|error| failure(&error))?;
    let ask = BundleAsk {
        entries: match &args.entries {
            Some(text) => entries(text, records.size())?,
            None => (0..records.size()).collect(),
        },
        show: if args.closed || !args.show.is_empty() { Some(args.show.clone()) } else { None },
        earlier: args.earlier.as_deref().map(|path| checkpoint(path, &key)).transpose()?,
    };
    let packed = records.bundle(&args.folder, &ask).map_err(|error| failure(&error))?;
    if !global.quiet {
        let folder = args.folder.display();
        let closed = match packed.closed {
            0 => String::new(),
            closed => format!(", {closed} that nobody can open any more"),
        };
        let text = format!(
            "{folder}: {} entries of {}{closed}\nGive the key by another way than the bundle:\n  {key}\nWho receives both runs:\n  allod verify {folder} --key KEY\n",
            packed.entries,
            named(workspace),
        );
        write(None, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(Exit::Clean)
}

fn unusable(path: &std::path::Path, error: &dyn std::error::Error) -> Failure {
    let mut failure = Failure::of("W004", error);
    failure.causes.insert(0, failure.message.clone());
    failure.message = format!("`{}` is no checkpoint of this ledger", path.display());
    failure
}

fn range(text: &str) -> Result<Range<u64>, Failure> {
    let parsed = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    parsed.filter(|range: &Range<u64>| range.start < range.end).ok_or_else(|| {
        Failure::new("E002", format!("`{text}` is no range of entries")).hint("write it as 100..200; 200 is not in it")
    })
}

fn prove(workspace: &Workspace, args: &Prove, global: &Global) -> Result<Exit, Failure> {
    let records = workspace.records().map_err(|error| failure(&error))?;
    let (entry, proof) = records.prove(args.index).map_err(|error| failure(&error))?;
    let file = |ending: &str| -> PathBuf { args.output.join(format!("entry-{}.{ending}", args.index)) };
    write(Some(&file("json")), |out| out.write_all(&entry))?;
    write(Some(&file("tlog-proof")), |out| write!(out, "{proof}"))?;
    if !global.quiet {
        let text = format!(
            "{}  the entry, byte for byte\n{}  the proof that {} has it\n",
            file("json").display(),
            file("tlog-proof").display(),
            named(workspace)
        );
        write(None, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(Exit::Clean)
}

fn key(workspace: &Workspace) -> Result<Exit, Failure> {
    let key = workspace.key().map_err(|error| failure(&error))?;
    write(None, |out| writeln!(out, "log {key}\nquorum none"))?;
    Ok(Exit::Clean)
}

fn erase(workspace: &Workspace, args: &Ledger, name: &str, yes: bool, global: &Global) -> Result<Exit, Failure> {
    if !yes {
        let failure = Failure::new("E002", format!("what is known about `{name}` would be destroyed, for good"));
        return Err(failure.hint("say that you mean it: --yes. Copies of the workspace elsewhere are not touched."));
    }
    let logbook = logbook(std::slice::from_ref(&args.at))?;
    let Some(logbook) = logbook else { return Err(failure(&allod_workspace::Error::None { path: args.at.clone() })) };
    let act = logbook.act(Action::Erase, String::new(), None, None);
    let erased = workspace.erase(name, act).map_err(|error| failure(&error))?;
    if !global.quiet {
        let text = format!(
            "The openings of {} entries are destroyed; subject {} is nobody any more.\nProofs about these entries stay valid. Copies and backups of the workspace still have them.\n",
            erased.entries, erased.subject
        );
        write(None, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(Exit::Clean)
}

mod asked;
mod show;
mod stats;

use crate::args::Global;
use crate::args::{Log, LogAction, LogAsk, LogFormat};
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use allod_engine::Logbook;
use allod_evidence::Look;
use allod_workspace::{Error, Record, Workspace};
use asked::Asked;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What writes entries.
pub const BY: &str = concat!("allod ", env!("CARGO_PKG_VERSION"));
/// How often is looked for new entries when following: soon enough for a person who waits.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

pub fn run(args: &Log, global: &Global) -> Result<Exit, Failure> {
    match &args.action {
        Some(LogAction::Stats(ask)) => stats(ask, global),
        None => show(&args.ask, global),
    }
}

/// The logbook of what is acted on; `None` where there is no workspace.
pub fn logbook(paths: &[PathBuf]) -> Result<Option<Logbook>, Failure> {
    Logbook::of(paths, BY).map_err(|error| super::audit::failure(&error))
}

pub fn workspace(path: &Path) -> Result<Workspace, Failure> {
    let found = Workspace::find(path).map_err(|error| failure(&error))?;
    found.ok_or_else(|| failure(&Error::None { path: path.to_owned() }))
}

/// An error of a workspace, for a person.
pub fn failure(error: &Error) -> Failure {
    let shown = Failure::of(error.code(), error);
    match error.hint() {
        Some(hint) => shown.hint(hint),
        None => shown,
    }
}

/// What the ledger is called, with what it is worth. A workspace has no witnesses that it could name yet, and the
/// signature of somebody whom nobody named is worth nothing.
pub fn named(workspace: &Workspace) -> String {
    format!("{} (unwitnessed)", workspace.origin())
}

fn show(ask: &LogAsk, global: &Global) -> Result<Exit, Failure> {
    let workspace = workspace(&ask.at)?;
    let asked = Asked::of(ask)?;
    let look = look(global, false);
    let records = workspace.records().map_err(|error| failure(&error))?;
    let size = records.size();
    drop(records);
    let mut found = read(&workspace, 0..size, &asked)?;
    if let Some(last) = ask.last {
        found.drain(..found.len().saturating_sub(last));
    }
    write(None, |out| {
        if ask.format == LogFormat::Human && !global.quiet {
            writeln!(out, "{}", look.faint(&format!("{} · {size} entries", named(&workspace))))?;
        }
        found.iter().try_for_each(|record| render(record, ask.format, look, out))
    })?;
    if ask.follow { follow(&workspace, size, ask.format, &asked, look) } else { Ok(Exit::Clean) }
}

/// Shows entries as they come. Ends with the process.
fn follow(workspace: &Workspace, mut next: u64, format: LogFormat, asked: &Asked, look: Look) -> Result<Exit, Failure> {
    loop {
        std::thread::sleep(FOLLOW_EVERY);
        let size = workspace.records().map_err(|error| failure(&error))?.size();
        let found = read(workspace, next..size, asked)?;
        next = size;
        write(None, |out| found.iter().try_for_each(|record| render(record, format, look, out)))?;
    }
}

fn render(record: &Record, format: LogFormat, look: Look, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    match format {
        LogFormat::Human => out.write_all(show::human(record, look).as_bytes()),
        LogFormat::Json => show::json(record, out),
        LogFormat::Ocsf => show::mapped(record, allod_journal::ocsf, out),
        LogFormat::Otel => show::mapped(record, allod_journal::otel, out),
    }
}

fn read(workspace: &Workspace, range: Range<u64>, asked: &Asked) -> Result<Vec<Record>, Failure> {
    let mut found = Vec::new();
    let mut unreadable = None;
    let records = workspace.records().map_err(|error| failure(&error))?;
    let read = records.opened(range, |index, record| match record {
        Ok(record) if asked.fits(&record) => found.push(record),
        Ok(_) => {}
        Err(cause) => drop(unreadable.get_or_insert(Error::Unreadable { index, cause })),
    });
    read.map_err(|error| failure(&error))?;
    // What cannot be read is not passed over: somebody else's program may have written it.
    unreadable.map_or(Ok(found), |error| Err(failure(&error)))
}

fn stats(ask: &LogAsk, global: &Global) -> Result<Exit, Failure> {
    let workspace = workspace(&ask.at)?;
    let asked = Asked::of(ask)?;
    let size = workspace.records().map_err(|error| failure(&error))?.size();
    let found = read(&workspace, 0..size, &asked)?;
    let counts = stats::Counts::of(&found);
    let look = look(global, false);
    write(None, |out| match ask.format {
        LogFormat::Human => out.write_all(counts.human(&named(&workspace), look).as_bytes()),
        LogFormat::Json | LogFormat::Ocsf | LogFormat::Otel => counts.json(out),
    })?;
    Ok(Exit::Clean)
}

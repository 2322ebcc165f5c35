//! The binary `allod`: arguments, rendering to a terminal or a file, progress, exit codes. No logic that another
//! embedder of the engine would need.

mod args;
mod commands;
mod exit;
mod output;
mod progress;

use args::{Args, Command};
use clap::Parser;
use exit::{Exit, Failure};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no failure; bad arguments are "could not be done".
            let _ = error.print();
            return if error.use_stderr() { Exit::CouldNot } else { Exit::Clean }.into();
        }
    };
    let done = match &args.command {
        Command::Audit(audit) => commands::audit::run(audit, &args.global),
        Command::Drill(drill) => commands::drill::run(drill, &args.global),
        Command::Diff(diff) => commands::diff::run(diff, &args.global),
        Command::Check(check) => commands::check::run(check, &args.global),
        Command::Watch(watch) => commands::watch::run(watch, &args.global),
        Command::Rules(rules) => commands::rules::run(rules, &args.global),
        Command::Explain(explain) => commands::explain::run(explain),
        Command::Register(register) => commands::register::run(register, &args.global),
        Command::Formats => commands::formats::run(),
        Command::Admit(admit) => commands::admit::run(admit, &args.global),
        Command::Init(init) => commands::init::run(init, &args.global),
        Command::Log(log) => commands::log::run(log, &args.global),
        Command::Verify(verify) => commands::verify::run(verify, &args.global),
        Command::Ledger(ledger) => commands::ledger::run(ledger, &args.global),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            report(&failure);
            Exit::CouldNot.into()
        }
    }
}

/// Prints a failure with its causes and its hint, once.
fn report(failure: &Failure) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "error[{}]: {}", failure.code, failure.message);
    for cause in &failure.causes {
        let _ = writeln!(stderr, "  cause: {cause}");
    }
    if let Some(hint) = &failure.hint {
        let _ = writeln!(stderr, "\nhint: {hint}");
    }
}

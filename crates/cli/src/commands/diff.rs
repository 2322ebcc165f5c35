use crate::args::{Diff as DiffArgs, DiffFormat, Global};
use crate::commands::audit::{failure, home};
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use crate::progress::Progress;
use allod_engine::{CompareOptions, Source};
use allod_evidence::Side;
use allod_evidence::diff::{Comparison, human, json, markdown};
use allod_stack::diff::diff;
use std::path::PathBuf;

/// What is home when nothing says so, as for `allod audit`.
const HOME: &str = "EU";

pub fn run(args: &DiffArgs, global: &Global) -> Result<Exit, Failure> {
    let (before, after) = sources(args)?;
    let options = CompareOptions {
        before,
        after,
        home: home(args.home.as_deref().unwrap_or(&[HOME.to_owned()]))?,
        home_is_stated: args.home.is_some(),
        register: args.register.clone(),
    };
    let progress = Progress::new(global);
    let compared = allod_engine::compare(&options, &|stage| progress.tell(stage));
    progress.done();
    let compared = compared.map_err(|error| failure(&error))?;
    let diff = diff(&compared.before, &compared.after);
    let view = Comparison { before: &compared.names.0, after: &compared.names.1, home: &compared.home, diff: &diff };
    let look = look(global, args.output.is_some());
    write(args.output.as_deref(), |out| match args.format {
        DiffFormat::Human => out.write_all(human(&view, global.verbose, look).as_bytes()),
        DiffFormat::Json => json(&view, out),
        DiffFormat::Markdown => out.write_all(markdown(&view).as_bytes()),
    })?;
    Ok(match () {
        () if args.exit_zero => Exit::Clean,
        () if view.gained_from(Side::Foreign) => Exit::Foreign,
        () if args.fail_on_unknown && view.gained_from(Side::Unknown) => Exit::Foreign,
        () => Exit::Clean,
    })
}

fn sources(args: &DiffArgs) -> Result<(Source, Source), Failure> {
    match (&args.since, args.paths.as_slice()) {
        (Some(revision), [] | [_]) => {
            let path = args.paths.first().cloned().unwrap_or_else(|| PathBuf::from("."));
            Ok((Source::Revision { path: path.clone(), revision: revision.clone() }, Source::Path(path)))
        }
        (Some(_), _) => {
            Err(Failure::new("E002", "with --since there is one path").hint("allod diff --since REV [PATH]"))
        }
        (None, [before, after]) => Ok((Source::Path(before.clone()), Source::Path(after.clone()))),
        (None, _) => Err(Failure::new("E002", "nothing says what to compare")
            .hint("two folders or saved audits: allod diff BEFORE AFTER\n  or the time since a git revision: allod diff --since REV [PATH]")),
    }
}

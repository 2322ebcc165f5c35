use crate::args::{Check as CheckArgs, CheckFormat, Global, Policy};
use crate::commands::audit::{failure, folder, home, note};
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use crate::progress::Progress;
use allod_engine::{CheckOptions, Options, PolicyOptions, RegoOptions, check, check_logged, today};
use allod_evidence::check::{Baseline, github, gitlab, human, json, junit, sarif};
use allod_rules::Date;
use std::path::Path;

pub fn run(args: &CheckArgs, global: &Global) -> Result<Exit, Failure> {
    let policy = options(&args.policy)?;
    let known = args.baseline.as_deref().map(baseline).transpose()?;
    let options = CheckOptions {
        audit: Options {
            paths: args.paths.clone(),
            home: policy.home.clone().unwrap_or_default(),
            register: args.policy.register.clone(),
            resolve: None,
        },
        policy,
        rego: RegoOptions {
            folders: args.rego.clone(),
            namespaces: args.namespace.clone(),
            data: args.data.clone(),
            allow_unread: args.allow_unread,
        },
        since: args.since.clone(),
        baseline: known.zip(args.baseline.as_ref()).map(|(known, path)| {
            let what = format!("baseline {}", path.display());
            (known.keys(), what)
        }),
        only_tells: args.exit_zero,
        allow_unread: args.allow_unread,
        today: day(&args.policy)?,
    };
    let register = allod_engine::register(&options.audit).map_err(|error| failure(&error))?;
    let logbook = super::log::logbook(&args.paths)?;
    let progress = Progress::new(global);
    let tell = |stage| progress.tell(stage);
    let checked = match &logbook {
        Some(logbook) => check_logged(&options, &register, logbook, &tell).map(|(check, at)| (check, Some(at))),
        None => check(&options, &register, &tell).map(|check| (check, None)),
    };
    progress.done();
    let (checked, logged) = checked.map_err(|error| failure(&error))?;
    if let Some(path) = &args.write_baseline {
        write(Some(path), |out| Baseline::of(&checked).write(out))?;
    }
    let (look, root) = (look(global, args.output.is_some()), folder(&args.paths));
    write(args.output.as_deref(), |out| match args.format {
        CheckFormat::Human => out.write_all(human(&checked, global.verbose, look).as_bytes()),
        CheckFormat::Json => json(&checked, out),
        CheckFormat::Sarif => sarif(&checked, &root, out),
        CheckFormat::Junit => junit(&checked, &root, out),
        CheckFormat::Github => github(&checked, &root, out),
        CheckFormat::Gitlab => gitlab(&checked, &root, out),
    })?;
    if args.format != CheckFormat::Human && !global.quiet && checked.denies() {
        let denied = checked.violations.len();
        note(&format!("the rules say no: {denied} violations"));
    }
    if let (Some(at), Some(logbook), false) = (logged, &logbook, global.quiet) {
        note(&format!("logged: entries {} and {} of {}", at.intent, at.result, super::log::named(&logbook.workspace)));
    }
    Ok(if checked.denies() && !args.exit_zero { Exit::Foreign } else { Exit::Clean })
}

pub fn options(policy: &Policy) -> Result<PolicyOptions, Failure> {
    Ok(PolicyOptions {
        organisation: policy.config.clone(),
        rules: policy.rules.clone(),
        home: policy.home.as_deref().map(home).transpose()?,
        may_be_none: false,
    })
}

pub fn day(policy: &Policy) -> Result<Date, Failure> {
    let Some(text) = &policy.today else { return Ok(today()) };
    Date::parse(text).ok_or_else(|| Failure::new("E002", format!("`{text}` is no date")).hint("write it as 2027-03-31"))
}

pub fn baseline(path: &Path) -> Result<Baseline, Failure> {
    let failed = |error: &dyn std::error::Error| {
        let mut failure = Failure::of("E007", error);
        failure.causes.insert(0, failure.message.clone());
        failure.message = format!("`{}` cannot be used as a baseline", path.display());
        failure.hint("make one: allod check PATH --write-baseline FILE --exit-zero")
    };
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    Baseline::read(&bytes).map_err(|error| failed(&error))
}

mod watch;

use crate::args::{Audit as AuditArgs, Format, Global};

use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use crate::progress::Progress;
use allod_engine::{Error, Options, Resolver, RevisionError, audit_of};
use allod_evidence::{
    Audit, NoSuchPart, Show, chokepoints_human, chokepoints_json, csv, cyclonedx, dot, github, gitlab, html, human,
    json, markdown, mermaid, sarif, trace,
};
use allod_facts::{Diagnostic, Layer};
use allod_stack::{Control, Home};
use allod_workspace::Workspace;
use std::path::PathBuf;

pub fn run(args: &AuditArgs, global: &Global) -> Result<Exit, Failure> {
    if args.unresolved && matches!(args.format, Format::Cyclonedx | Format::Mermaid | Format::Dot | Format::Csv) {
        return Err(Failure::new("E002", "this format shows components, not what was not understood")
            .hint("with --unresolved use human, json, markdown, github or gitlab"));
    }
    let only = args.only.as_deref().map(layer).transpose()?;
    let organisation = allod_engine::organisation(&args.paths, args.config.as_deref());
    let organisation = organisation.map_err(|error| failure(&error))?;
    let stated = args.home.as_deref().map(home).transpose()?;
    let home = stated.or_else(|| organisation.as_ref().and_then(|one| one.home.clone())).unwrap_or_default();
    let resolve = args.resolve.then(|| args.resolver.unwrap_or(Resolver::System));
    let options = Options { paths: args.paths.clone(), home, register: args.register.clone(), resolve };
    let show = Show { only, unresolved_only: args.unresolved, all: global.verbose };
    if args.watch {
        if args.format != Format::Human {
            return Err(Failure::new("E002", "what is watched is shown for a person, in no other format")
                .hint("leave --format out, or leave --watch out and run the audit again"));
        }
        if organisation.is_some() && !global.quiet {
            note("what allod.yaml states is not applied while watching");
        }
        return watch::watch(&options, show, global);
    }
    if !global.quiet {
        warn_unlogged(&args.paths);
    }
    let register = allod_engine::register(&options).map_err(|error| failure(&error))?;
    if args.chokepoints && !matches!(args.format, Format::Human | Format::Json) {
        return Err(Failure::new("E002", "chokepoints by themselves are shown as human or json")
            .hint("leave --chokepoints out for the audit in this format"));
    }
    let progress = Progress::new(global);
    let audit = audit_of(&options, &register, organisation.as_ref(), &|stage| progress.tell(stage));
    progress.done();
    let audit = audit.map_err(|error| failure(&error))?;

    let look = look(global, args.output.is_some());
    if let Some(asked) = &args.explain {
        let text = trace(&audit, asked, look).map_err(|missing| no_such_part(&missing))?;
        write(args.output.as_deref(), |out| out.write_all(text.as_bytes()))?;
    } else if args.chokepoints {
        let found = match &args.of {
            Some(asked) => audit.chokepoints_of(audit.target(asked).map_err(|missing| no_such_part(&missing))?),
            None => audit.chokepoints(),
        };
        write(args.output.as_deref(), |out| match args.format {
            Format::Json => chokepoints_json(&audit, &found, out),
            _ => out.write_all(chokepoints_human(&audit, &found, global.verbose, look).as_bytes()),
        })?;
    } else {
        write(args.output.as_deref(), |out| match args.format {
            Format::Human => out.write_all(human(&audit, show, look).as_bytes()),
            Format::Json => json(&audit, show, out),
            Format::Sarif => sarif(&audit, &folder(&args.paths), out),
            Format::Html => html(&audit, out),
            Format::Markdown => out.write_all(markdown(&audit, show).as_bytes()),
            Format::Cyclonedx => cyclonedx(&audit, show, out),
            Format::Mermaid => mermaid(&audit, show, out),
            Format::Dot => dot(&audit, show, out),
            Format::Csv => csv(&audit, show, out),
            Format::Github => github(&audit, &folder(&args.paths), show, out),
            Format::Gitlab => gitlab(&audit, &folder(&args.paths), show, out),
        })?;
    }
    Ok(exit(args, &audit))
}

/// A line beside the result.
/// An audit changes nothing, so that it goes on where nothing can be logged; whoever acts next will not.
fn warn_unlogged(paths: &[PathBuf]) {
    let root = allod_engine::root_of(paths);
    let ready = Workspace::find(&root).and_then(|found| found.map_or(Ok(()), |workspace| workspace.ready()));
    if let Err(error) = ready {
        // A path that does not exist is told by the audit itself.
        if root.exists() {
            note(&format!("warning[{}]: actions here cannot be logged: {error}", error.code()));
        }
    }
}

pub fn note(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn no_such_part(missing: &NoSuchPart) -> Failure {
    let failure = Failure::new("E002", format!("no single component is named `{}`", missing.asked));
    match missing.near.as_slice() {
        [] => failure.hint("ids are in `allod audit --format json`"),
        near => failure.hint(format!("did you mean one of these:\n  {}", near.join("\n  "))),
    }
}

/// The audited root as seen from the folder that one is in: a forge wants paths from the root of its repository.
pub fn folder(paths: &[PathBuf]) -> String {
    let root = allod_engine::root_of(paths);
    let here = std::env::current_dir().unwrap_or_default();
    root.strip_prefix(&here).unwrap_or(&root).to_string_lossy().into_owned()
}

fn exit(args: &AuditArgs, audit: &Audit<'_>) -> Exit {
    let unknown = || audit.stack.parts.iter().any(|part| part.control == Control::Unknown && !part.is_hint());
    match () {
        () if args.exit_zero => Exit::Clean,
        () if audit.foreign_power() => Exit::Foreign,
        () if args.fail_on_unknown && unknown() => Exit::Foreign,
        () => Exit::Clean,
    }
}

pub fn home(names: &[String]) -> Result<Home, Failure> {
    Home::new(names).map_err(|unknown| {
        Failure::new("E002", format!("`{}` is no jurisdiction", unknown.0))
            .hint("use EU, EEA or ISO country codes: --home EU,CH")
    })
}

pub fn layer(name: &str) -> Result<Layer, Failure> {
    Layer::from_name(&name.to_ascii_lowercase()).ok_or_else(|| {
        let names: Vec<&str> = Layer::ALL.iter().map(|(_, name)| *name).collect();
        Failure::new("E002", format!("`{name}` is no layer")).hint(format!("layers are: {}", names.join(", ")))
    })
}

pub fn failure(error: &Error) -> Failure {
    let mut failure = Failure::of(error.code(), error);
    match error {
        Error::RegisterProblems(problems) => {
            failure.causes = problems
                .iter()
                .map(|problem| format!("{}:{}: {} {}", problem.path, problem.line, problem.code, problem.message))
                .collect();
            failure.hint = Some("check the files by themselves: allod register check FILE...".to_owned());
        }
        Error::RuleProblems(told) => {
            failure.causes = told.iter().map(told_at).collect();
            failure.hint = Some("each code has a page: allod explain P003".to_owned());
        }
        Error::NoRules { .. } => {
            let hint = "write rules/*.yaml beside allod.yaml, or name them: --rules PATH";
            failure.hint = Some(hint.to_owned());
        }
        Error::NothingRead { .. } => {
            failure.hint = Some("`allod formats` lists what can be read".to_owned());
        }
        Error::Cluster(_) => {
            let hint = "give a token (`tokenFile:`) or a client certificate; `allod explain E011` says how to make one";
            failure.hint = Some(hint.to_owned());
        }
        Error::Saved { .. } | Error::SavedFile { .. } => {
            failure.hint = Some("make it again, whole: allod audit PATH --format json -o audit.json".to_owned());
        }
        Error::OtherHome { .. } => {
            failure.hint = Some("audit both with the same --home".to_owned());
        }
        Error::Revision { cause, .. } => failure.hint = Some(about_git(cause).to_owned()),
        _ => {}
    }
    failure
}

/// A problem of a rule file, with the way out.
fn told_at(one: &Diagnostic) -> String {
    let hint = one.hint.as_ref().map_or_else(String::new, |hint| format!("\n         {hint}"));
    format!("{}:{}: {} {}{hint}", one.path, one.line, one.code, one.message)
}

fn about_git(cause: &RevisionError) -> &'static str {
    match cause {
        RevisionError::NoGit(_) => "install git, or compare two folders: allod diff BEFORE AFTER",
        RevisionError::NoRepository(_) => "compare two folders or saved audits instead: allod diff BEFORE AFTER",
        RevisionError::NoRevision => {
            "`git log` lists commits; in CI, clone with history (GitHub: fetch-depth: 0, GitLab: GIT_DEPTH: 0)"
        }
        RevisionError::NoSubmodule { .. } => "fetch it first: git submodule update --init --recursive",
        RevisionError::NoObject(_) => "fetch the objects first: allod fetches nothing",
        RevisionError::Git(_) | RevisionError::TooLarge(_) | RevisionError::Folder(_) => {
            "compare two folders or saved audits instead: allod diff BEFORE AFTER"
        }
    }
}

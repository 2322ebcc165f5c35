use crate::args::{Global, Init};
use crate::commands::log::{BY, failure};
use crate::exit::{Exit, Failure};
use crate::output::write;
use allod_engine::Logbook;
use allod_journal::{Action, Id};
use allod_workspace::{Concluded, Workspace};
use std::path::Path;

/// A first description of the organisation, for somebody to fill in.
const DESCRIPTION: &str = include_str!("init/allod.yaml");

pub fn run(args: &Init, global: &Global) -> Result<Exit, Failure> {
    let folder = std::fs::canonicalize(&args.folder).map_err(|error| {
        let mut failure = Failure::new("E001", format!("there is no folder `{}`", args.folder.display()));
        failure.causes.push(error.to_string());
        failure
    })?;
    let origin = match &args.origin {
        Some(origin) => origin.clone(),
        None => default_origin(&folder)?,
    };
    let workspace = Workspace::init(&folder, &origin).map_err(|error| failure(&error))?;
    let description = folder.join("allod.yaml");
    let is_new = !description.exists();
    if is_new {
        write(Some(&description), |out| out.write_all(DESCRIPTION.as_bytes()))?;
    }
    let logbook = Logbook::of(std::slice::from_ref(&folder), BY).map_err(|error| super::audit::failure(&error))?;
    if let Some(logbook) = logbook {
        let act = logbook.act(Action::Init, folder.to_string_lossy().into_owned(), None, None);
        logbook.workspace.event(&act, Concluded::done()).map_err(|error| failure(&error))?;
    }
    let key = workspace.key().map_err(|error| failure(&error))?;
    if !global.quiet {
        let made = if is_new { "made" } else { "left as it is" };
        let text = format!(
            "A workspace for {origin}\n\
             \n  keys      {}  (yours alone; back them up apart)\n  ledger    {}\n  allod.yaml  {made}\n\
             \nPublic key, for who verifies:\n  {key}\n\
             \nFrom now on checks and drills here are logged. Next:\n  allod check          may this go to production?\n  allod log            who did what\n  allod ledger verify  nothing was changed\n\
             \nUnwitnessed: so far the ledger proves nothing against whoever holds its key.\n",
            workspace.root().join("keys").display(),
            workspace.root().join("ledger").display(),
        );
        write(None, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(Exit::Clean)
}

/// The folder's name with random letters: two ledgers must never have one origin.
fn default_origin(folder: &Path) -> Result<String, Failure> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let plain: String =
        name.chars().map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' }).collect();
    let id = Id::random().map_err(|error| Failure::of("W006", &error))?.to_string();
    let id: String = id.chars().take(12).collect();
    Ok(format!("allod/{}-{id}", plain.trim_matches('-')))
}

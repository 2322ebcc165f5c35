use crate::args::{Global, VerifyBundle};
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use allod_ledger::policy::Policy;
use allod_workspace::bundle::verify;
use std::path::Path;

/// A policy names some keys, a checkpoint has some signatures: more is something else.
const MAX_FILE_BYTES: u64 = 1 << 20;

pub fn run(args: &VerifyBundle, global: &Global) -> Result<Exit, Failure> {
    let text = match (&args.key, &args.policy) {
        (Some(key), _) => Some(format!("log {key}\nquorum none\n").into_bytes()),
        (None, Some(path)) => Some(read(path)?),
        (None, None) => None,
    };
    let policy = text.map(|text| Policy::parse(&text).map_err(|error| Failure::of("W004", &error))).transpose()?;
    let earlier = args.earlier.as_deref().map(read).transpose()?;
    let found = verify(&args.bundle, policy.as_ref(), earlier.as_deref()).map_err(|error| {
        let mut failure = Failure::new("E001", format!("`{}` cannot be read as a bundle", args.bundle.display()));
        failure.causes.push(error.to_string());
        failure
    })?;
    let look = look(global, false);
    let holds = found.problems.is_empty();
    write(None, |out| {
        let verdict = if holds { look.strong("proved:") } else { look.alarm("NOT PROVED:") };
        let origin = if found.origin.is_empty() { "an unknown ledger" } else { &found.origin };
        writeln!(out, "{verdict} {} entries of {origin}", found.entries.len())?;
        for problem in &found.problems {
            writeln!(out, "  {}: {}", problem.file, problem.what)?;
        }
        if found.size > 0 {
            let opened = found.entries.iter().filter(|(_, _, openings)| !openings.is_empty()).count();
            writeln!(out, "  the signed tree has {} entries; of {opened} it is shown what they commit to", found.size)?;
        }
        if let Some(size) = found.grew_from {
            writeln!(out, "  since the earlier checkpoint ({size} entries) it only grew")?;
        }
        match found.witnesses.as_slice() {
            [] => writeln!(out, "  unwitnessed: its owner could have shown others another ledger")?,
            names => writeln!(out, "  witnessed by {}", names.join(", "))?,
        }
        if policy.is_none() {
            let text = "  the key is the bundle's own: compare it, or give yours with --key";
            writeln!(out, "{}", look.alarm(text))?;
        }
        Ok(())
    })?;
    Ok(if holds { Exit::Clean } else { Exit::Foreign })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        let mut failure = Failure::new("E001", format!("`{}` cannot be read", path.display()));
        failure.causes.push(error.to_string());
        failure
    };
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
        return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read(path).map_err(failed)
}

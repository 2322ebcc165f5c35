//! What is done, written down: the intent before, the result after. What cannot be written down is not done.

use crate::audit::Error;
use crate::check::{CheckOptions, check_by, policies_of};
use crate::collect::{Stage, root_of};
use allod_evidence::check::{Check, json};
use allod_journal::{Action, Authentication, Digest, Succeeded, Trace, Verdict, Where};
use allod_register::Register;
use allod_rules::{Gate, Severity};
use allod_workspace::{Act, Concluded, Finding, Principal, Workspace};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// Where actions are written down, and by whom.
#[derive(Clone, Debug)]
pub struct Logbook {
    pub workspace: Workspace,
    pub who: Principal,
    pub trace: Option<Trace>,
    /// The program: `allod 0.1.0`.
    pub by: String,
}

/// Where in the ledger something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    pub intent: u64,
    pub result: u64,
}

impl Logbook {
    /// The logbook of the workspace at or above what is acted on. `None` where there is no workspace.
    ///
    /// # Errors
    /// [`Error::Unlogged`]: there is one, and it cannot be used.
    pub fn of(paths: &[PathBuf], by: &str) -> Result<Option<Logbook>, Error> {
        let root = root_of(paths);
        if !root.exists() {
            return Ok(None);
        }
        let found = Workspace::find(&root).map_err(Error::Unlogged)?;
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(found.map(|workspace| Logbook {
            workspace,
            who: principal(&variable),
            trace: trace(&variable),
            by: by.to_owned(),
        }))
    }

    /// What this logbook's principal is about to do.
    pub fn act(&self, action: Action, object: String, rules: Option<Digest>, gate: Option<&str>) -> Act {
        Act {
            who: self.who.clone(),
            action,
            object: Some(object),
            before: None,
            rules,
            place: Where { gate: gate.map(str::to_owned), ..Where::default() },
            trace: self.trace.clone(),
            by: self.by.clone(),
        }
    }

    /// What a watch saw change in what runs, in a sentence.
    ///
    /// # Errors
    /// [`Error::Unlogged`].
    pub fn watched(&self, object: String, what: String) -> Result<u64, Error> {
        let act = self.act(Action::Watch, object, None, Some(Gate::Running.name()));
        let end = Concluded { reason: Some(what), ..Concluded::done() };
        self.workspace.event(&act, end).map_err(Error::Unlogged)
    }

    /// That the rules are others than those that were asked last.
    fn note_rules(&self, object: &str, rules: Digest) -> Result<(), Error> {
        let last = self.workspace.last_rules().map_err(Error::Unlogged)?;
        if last.is_none_or(|last| last == rules) {
            return Ok(());
        }
        let act = Act { before: last, ..self.act(Action::RulesChange, object.to_owned(), Some(rules), None) };
        let end = Concluded { after: Some(rules), ..Concluded::done() };
        self.workspace.event(&act, end).map(drop).map_err(Error::Unlogged)
    }

    /// Each exception that was made use of, for all that it covered.
    fn note_exceptions(&self, object: &str, rules: Digest, check: &Check) -> Result<(), Error> {
        let mut used: BTreeMap<(&str, String), Vec<Finding>> = BTreeMap::new();
        for one in &check.excepted {
            let rule = one.violation.rule.as_str();
            let reason = format!("until {}, by {}: {}", one.until, one.by, one.why);
            let covered = one.violation.components.iter();
            let covered = covered.map(|component| Finding { rule: rule.to_owned(), component: component.clone() });
            used.entry((rule, reason)).or_default().extend(covered);
        }
        for ((rule, reason), findings) in used {
            let act = self.act(Action::Exception, object.to_owned(), Some(rules), Some(check.gate));
            let end =
                Concluded { determining: vec![rule.to_owned()], reason: Some(reason), findings, ..Concluded::done() };
            self.workspace.event(&act, end).map_err(Error::Unlogged)?;
        }
        Ok(())
    }
}

fn failed(error: &Error) -> Concluded {
    Concluded { result: Succeeded::Failed, reason: Some(error.to_string()), ..Concluded::done() }
}

/// As [`crate::check`], written down in the logbook.
///
/// # Errors
/// Those of [`crate::check`]; [`Error::Unlogged`]: the gate then says no.
pub fn check_logged(
    options: &CheckOptions,
    register: &Register,
    logbook: &Logbook,
    tell: &(dyn Fn(Stage) + Sync),
) -> Result<(Check, Logged), Error> {
    let object = object(&options.audit.paths);
    let policies = policies_of(options, register);
    let rules = policies.as_ref().ok().map(|policies| policies.digest);
    if let Some(rules) = rules {
        logbook.note_rules(&object, rules)?;
    }
    let act = logbook.act(Action::Check, object.clone(), rules, None);
    let intended = logbook.workspace.intend(act).map_err(Error::Unlogged)?;
    let intent = intended.index;
    let checked = policies.and_then(|policies| check_by(&policies, options, register, tell));
    let end = match &checked {
        Ok(check) => concluded(check, options.only_tells),
        // A gate that could not decide says no.
        Err(error) => Concluded { verdict: Some(Verdict::Deny), ..failed(error) },
    };
    let result = logbook.workspace.conclude(intended, end).map_err(Error::Unlogged)?;
    let check = checked?;
    if let Some(rules) = rules {
        logbook.note_exceptions(&object, rules, &check)?;
    }
    Ok((check, Logged { intent, result }))
}

/// What a check found, as the ledger has it.
fn concluded(check: &Check, only_tells: bool) -> Concluded {
    let denies = check.denies();
    let verdict = match (denies, check.violations.is_empty()) {
        (true, _) => Verdict::Deny,
        (false, false) => Verdict::Warn,
        (false, true) => Verdict::Allow,
    };
    let decided = check.violations.iter().filter(|one| !denies || one.severity == Severity::Deny);
    let findings = check.violations.iter().flat_map(|one| {
        one.components.iter().map(|component| Finding { rule: one.rule.clone(), component: component.clone() })
    });
    let mut report = Vec::new();
    let after = json(check, &mut report).is_ok().then(|| Digest::of(&report));
    Concluded {
        result: if denies && !only_tells { Succeeded::Refused } else { Succeeded::Done },
        verdict: Some(verdict),
        determining: decided.map(|one| name(&one.rule)).collect(),
        findings: findings.collect(),
        after,
        ..Concluded::done()
    }
}

/// A rule's name as an entry takes it: names of the user's own policies can be anything.
fn name(rule: &str) -> String {
    let clear = |one: &char| !one.is_control() && *one != '"' && *one != '\\';
    let mut name: String = rule.chars().filter(clear).collect();
    while name.len() > allod_journal::MAX_NAME_BYTES {
        name.pop();
    }
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// A drill, written down: `run` does it, and says whether anything of ours was hit.
///
/// # Errors
/// Those of `run`; [`Error::Unlogged`].
pub fn drill_logged<T, E>(
    logbook: &Logbook,
    object: String,
    run: impl FnOnce() -> Result<T, E>,
    unlogged: impl Fn(Error) -> E,
) -> Result<T, E> {
    let act = logbook.act(Action::Drill, object, None, None);
    let intended = logbook.workspace.intend(act).map_err(|error| unlogged(Error::Unlogged(error)))?;
    let ran = run();
    let result = if ran.is_ok() { Succeeded::Done } else { Succeeded::Failed };
    let end = Concluded { result, ..Concluded::done() };
    logbook.workspace.conclude(intended, end).map_err(|error| unlogged(Error::Unlogged(error)))?;
    ran
}

/// What is acted on, as one finds it again.
fn object(paths: &[PathBuf]) -> String {
    let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    paths.iter().map(|path| real(path).to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Who runs this program: the account of the operating system; for whom, as variables say.
pub fn principal(variable: &dyn Fn(&str) -> Option<String>) -> Principal {
    let uid = std::fs::metadata("/proc/self").map(|process| process.uid()).ok();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let (name, authenticated) = match uid {
        Some(uid) => (account(&accounts, uid).unwrap_or_else(|| format!("uid {uid}")), Authentication::OsUser),
        None => ("unknown".to_owned(), Authentication::None),
    };
    // Anybody can set these: they are kept apart from who is known to act.
    let claims = [("SUDO_USER", "sudo"), ("GITHUB_ACTOR", "GitHub Actions"), ("GITLAB_USER_LOGIN", "GitLab CI")];
    let claim = claims.iter().find_map(|(key, of)| Some(format!("{} (says {of})", variable(key)?)));
    Principal { name, authenticated, on_behalf_of: claim }
}

/// The name of an account in the format of passwd(5).
fn account(accounts: &str, uid: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// What the variables of a CI and of a trace say this belongs to. Source of `TRACEPARENT`:
/// <https://www.w3.org/TR/trace-context/#traceparent-header>.
fn trace(variable: &dyn Fn(&str) -> Option<String>) -> Option<Trace> {
    let short = |value: String| Some(value).filter(|value| value.len() <= allod_journal::MAX_NAME_BYTES);
    let plain = |value: &String| value.chars().all(|one| one.is_ascii_alphanumeric() || "-_./:".contains(one));
    let correlation = ["GITHUB_RUN_ID", "CI_PIPELINE_ID"].into_iter().find_map(variable);
    let correlation = correlation.and_then(short).filter(plain);
    let parent = variable("TRACEPARENT").filter(plain).unwrap_or_default();
    let (trace_id, span_id) = match parent.split('-').collect::<Vec<_>>().as_slice() {
        [_, trace, span, _] if trace.len() == 32 && span.len() == 16 => {
            (Some((*trace).to_owned()), Some((*span).to_owned()))
        }
        _ => (None, None),
    };
    let known = correlation.is_some() || trace_id.is_some();
    known.then_some(Trace { correlation, trace_id, span_id })
}

#[cfg(test)]
mod tests;

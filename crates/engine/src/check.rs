use crate::audit::{Error, Options, audit_of};
use crate::collect::{Stage, root_of};
use crate::policies::{Policies, PolicyOptions};
use crate::rego::{RegoOptions, rego};
use crate::revision;
use allod_evidence::Audit;
use allod_evidence::check::{Check, Key, RuleAsked, keys, unread};
use allod_register::Register;
use allod_rules::{Date, Gate};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What is checked, by which rules.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Its home is overridden by what the policy options and `allod.yaml` say.
    pub audit: Options,
    pub policy: PolicyOptions,
    /// Rego rules beside the organisation's own; empty folders: none.
    pub rego: RegoOptions,
    /// Only what is new since this git revision is a violation.
    pub since: Option<String>,
    /// Violations that were known before, and what stands in for them: they let through.
    pub baseline: Option<(BTreeSet<Key>, String)>,
    /// The answer is told, and stops nothing.
    pub only_tells: bool,
    /// Files that cannot be read are no violation.
    pub allow_unread: bool,
    /// The day by which exceptions are judged.
    pub today: Date,
}

/// Checks what files describe against the rules.
///
/// # Errors
/// Those of an audit, of [`Policies::load`] and, with a revision, [`Error::Revision`].
pub fn check(options: &CheckOptions, register: &Register, tell: &(dyn Fn(Stage) + Sync)) -> Result<Check, Error> {
    check_by(&policies_of(options, register)?, options, register, tell)
}

/// The rules that a check asks.
pub(crate) fn policies_of(options: &CheckOptions, register: &Register) -> Result<Policies, Error> {
    let policy = PolicyOptions { may_be_none: !options.rego.folders.is_empty(), ..options.policy.clone() };
    Policies::load(&options.audit.paths, &policy, register)
}

pub(crate) fn check_by(
    policies: &Policies,
    options: &CheckOptions,
    register: &Register,
    tell: &(dyn Fn(Stage) + Sync),
) -> Result<Check, Error> {
    let has_rego = !options.rego.folders.is_empty();
    let audit = Options { home: policies.home.clone(), ..options.audit.clone() };
    let now = audit_of(&audit, register, Some(&policies.organisation), tell)?;
    let mut check = checked(&now, policies, options);
    if check.components == 0 && check.violations.is_empty() && !has_rego {
        // That nothing was asked about is no yes.
        let path = root_of(&options.audit.paths);
        return Err(Error::NothingRead { path, seen: now.coverage.files_seen });
    }
    if has_rego {
        check.violations.extend(rego(&options.audit.paths, &options.rego, tell)?);
    }
    if let Some(since) = &options.since {
        let before = at_revision(since, &audit, policies, options, register, tell)?;
        check.known(&before, format!("since {since}"));
    }
    if let Some((known, what)) = &options.baseline {
        check.known(known, what.clone());
    }
    Ok(check)
}

fn checked(audit: &Audit<'_>, policies: &Policies, options: &CheckOptions) -> Check {
    let gate = gate(audit);
    let judgement = policies.judge(&audit.stack, &audit.powers, gate, options.today);
    let rules = policies.rules.rules.iter().map(|rule| RuleAsked {
        id: rule.id.clone(),
        severity: rule.severity,
        why: rule.why.clone(),
        selected: judgement.selected.get(&rule.id).copied().unwrap_or(0),
    });
    let mut violations = if options.allow_unread { Vec::new() } else { unread(&audit.stack.diagnostics) };
    violations.extend(judgement.violations);
    let mut diagnostics = policies.diagnostics.clone();
    diagnostics.extend(audit.stack.diagnostics.iter().filter(|one| one.code.starts_with('P')).cloned());
    diagnostics.extend(judgement.diagnostics);
    Check {
        root: audit.root.clone(),
        home: policies.home.names.clone(),
        gate: gate.name(),
        rules: rules.collect(),
        components: judgement.components,
        violations,
        excepted: judgement.excepted,
        before: Vec::new(),
        before_is: None,
        diagnostics,
    }
}

/// A plan says what will be, a repository what is wanted.
fn gate(audit: &Audit<'_>) -> Gate {
    let mut readers = audit.stack.parts.iter().filter_map(|part| part.fact.evidence.first()).map(|seen| seen.reader);
    let any = readers.clone().next().is_some();
    if any && readers.all(|reader| reader == "terraform-json") { Gate::Plan } else { Gate::Repository }
}

/// What the rules of today say of a revision.
fn at_revision(
    since: &str,
    audit: &Options,
    policies: &Policies,
    options: &CheckOptions,
    register: &Register,
    tell: &(dyn Fn(Stage) + Sync),
) -> Result<BTreeSet<Key>, Error> {
    let [path] = audit.paths.as_slice() else {
        return Err(Error::SeveralPaths);
    };
    let failed = |cause| Error::Revision { revision: since.to_owned(), path: path.clone(), cause };
    let tree = revision::at(path, since).map_err(failed)?;
    if !tree.path.exists() {
        return Ok(BTreeSet::new());
    }
    let audit = Options { paths: vec![PathBuf::from(&tree.path)], ..audit.clone() };
    let before = match audit_of(&audit, register, Some(&policies.organisation), tell) {
        // There was nothing yet.
        Err(Error::NothingRead { .. }) => return Ok(BTreeSet::new()),
        // What is stated now may be about what was not there then.
        Err(Error::RuleProblems(_)) => audit_of(&audit, register, None, tell)?,
        other => other?,
    };
    let judgement = policies.judge(&before.stack, &before.powers, Gate::Repository, options.today);
    let mut known = keys(&judgement);
    let by_rego = if options.rego.folders.is_empty() { Vec::new() } else { rego(&audit.paths, &options.rego, tell)? };
    for one in unread(&before.stack.diagnostics).into_iter().chain(by_rego) {
        known.extend(one.components.iter().map(|component| allod_evidence::check::key(&one, component)));
    }
    Ok(known)
}

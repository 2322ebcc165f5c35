mod proof;

use crate::args::{Global, Rules as RulesArgs, RulesAsk};
use crate::commands::audit::failure;
use crate::commands::check::{day, options};
use crate::exit::{Exit, Failure};
use crate::output::write;
use allod_engine::{CheckOptions, Options, Policies, PolicyOptions, RegoOptions, case_files, check};
use allod_facts::{Diagnostic, Severity};
use allod_register::Register;
use allod_rules::{ProveError, SCHEMA, Solver, lint, never_broken, parse_cases, run_cases, words};
use std::path::{Path, PathBuf};

pub fn run(args: &RulesArgs, global: &Global) -> Result<Exit, Failure> {
    let policy = options(&args.policy)?;
    let register = register(args, &policy)?;
    let load = || Policies::load(&here(), &policy, &register).map_err(|error| failure(&error));
    match &args.ask {
        RulesAsk::Schema => write(None, |out| out.write_all(SCHEMA.as_bytes()))?,
        RulesAsk::Show => show(&load()?)?,
        RulesAsk::Explain { rule } => explain(&load()?, rule.as_deref())?,
        RulesAsk::Lint { paths } => {
            let paths = if paths.is_empty() { meant_for(&policy) } else { paths.clone() };
            return look(args, &paths, &policy, &register);
        }
        RulesAsk::Test { all_rules } => return test(&load()?, &policy, &register, *all_rules, global),
        RulesAsk::Prove { claim, claims } => {
            return proof::prove(&load()?, claim.as_deref(), claims.as_deref(), &register);
        }
        RulesAsk::Diff { old, new, allow_looser } => {
            let set = |path: &PathBuf| {
                let policy = PolicyOptions { rules: vec![path.clone()], ..policy.clone() };
                Policies::load(&here(), &policy, &register).map_err(|error| failure(&error))
            };
            return proof::diff(&set(old)?, &set(new)?, *allow_looser);
        }
    }
    Ok(Exit::Clean)
}

fn here() -> Vec<PathBuf> {
    vec![PathBuf::from(".")]
}

/// What rules are meant for when nothing is said: what stands beside the file that describes the organisation.
fn meant_for(policy: &PolicyOptions) -> Vec<PathBuf> {
    let folder = policy.organisation.as_deref().and_then(Path::parent);
    folder.filter(|folder| !folder.as_os_str().is_empty()).map_or_else(here, |folder| vec![folder.to_owned()])
}

fn audited(args: &RulesArgs, policy: &PolicyOptions, paths: Vec<PathBuf>) -> Options {
    Options {
        paths,
        home: policy.home.clone().unwrap_or_default(),
        register: args.policy.register.clone(),
        resolve: None,
    }
}

fn register(args: &RulesArgs, policy: &PolicyOptions) -> Result<Register, Failure> {
    allod_engine::register(&audited(args, policy, here())).map_err(|error| failure(&error))
}

fn show(policies: &Policies) -> Result<(), Failure> {
    write(None, |out| {
        let texts = policies.compiled.policies.iter();
        texts.map(|policy| &policy.text).try_for_each(|text| writeln!(out, "{text}"))
    })
}

fn explain(policies: &Policies, asked: Option<&str>) -> Result<(), Failure> {
    let rules = &policies.rules;
    if let Some(asked) = asked.filter(|asked| rules.rule(asked).is_none()) {
        let names: Vec<&str> = rules.rules.iter().map(|rule| rule.id.as_str()).collect();
        return Err(Failure::new("E002", format!("there is no rule `{asked}`"))
            .hint(format!("rules are: {}", names.join(", "))));
    }
    write(None, |out| {
        for rule in rules.rules.iter().filter(|rule| asked.is_none_or(|asked| rule.id == asked)) {
            writeln!(out, "{} ({}, {}:{})", rule.id, rule.severity.name(), rule.path, rule.line)?;
            if let Some(why) = &rule.why {
                writeln!(out, "  why: {why}")?;
            }
            writeln!(out, "  {}", words::rule(rule, &rules.scope(rule)))?;
            for exception in rules.exceptions.iter().filter(|one| one.rule.text == rule.id) {
                let (component, until) = (&exception.component.text, exception.until);
                writeln!(out, "  except {component}, until {until}, by {}: {}", exception.by, exception.why)?;
            }
        }
        Ok(())
    })
}

/// Lints the rules with what they are meant for.
fn look(args: &RulesArgs, paths: &[PathBuf], policy: &PolicyOptions, register: &Register) -> Result<Exit, Failure> {
    let policies = Policies::load(paths, policy, register).map_err(|error| failure(&error))?;
    let options = CheckOptions {
        audit: audited(args, policy, paths.to_vec()),
        policy: policy.clone(),
        rego: RegoOptions::default(),
        since: None,
        baseline: None,
        only_tells: false,
        allow_unread: true,
        today: day(&args.policy)?,
    };
    let checked = check(&options, register, &|_| {}).map_err(|error| failure(&error))?;
    let selected = checked.rules.iter().map(|rule| (rule.id.clone(), rule.selected)).collect();
    let mut told: Vec<Diagnostic> = checked.diagnostics;
    told.extend(lint::about_nothing(&policies.rules, &selected));
    told.extend(lint::weak_tiers(&policies.rules));
    let by_solver = lint::by_solver(&policies.rules, &policies.compiled, register, &Solver::cvc5());
    let without_solver = match by_solver {
        Ok(more) => {
            told.extend(more);
            false
        }
        Err(ProveError::NoSolver { .. }) => true,
        Err(other) => return Err(proof::could_not(&other)),
    };
    write(None, |out| {
        for one in &told {
            writeln!(out, "{} {}:{}: {}", one.code, one.path, one.line, one.message)?;
            if let Some(hint) = &one.hint {
                writeln!(out, "     {hint}")?;
            }
        }
        if without_solver {
            writeln!(out, "not looked for: rules that nothing can fulfil, and needless ones (cvc5 is not installed)")?;
        }
        match told.len() {
            0 => writeln!(out, "{} rules: nothing odd was found", policies.rules.rules.len()),
            some => writeln!(out, "{} rules: {some} things to look at", policies.rules.rules.len()),
        }
    })?;
    Ok(if told.is_empty() { Exit::Clean } else { Exit::Foreign })
}

fn test(
    policies: &Policies,
    policy: &PolicyOptions,
    register: &Register,
    all_rules: bool,
    global: &Global,
) -> Result<Exit, Failure> {
    let files = case_files(&here(), policy).map_err(|error| failure(&error))?;
    let (mut cases, mut told) = (Vec::new(), Vec::new());
    for (path, text) in &files {
        let (more, problems) = parse_cases(path, text, register);
        cases.extend(more);
        told.extend(problems);
    }
    if told.iter().any(|one| one.severity == Severity::Error) {
        return Err(failure(&allod_engine::Error::RuleProblems(told)));
    }
    if cases.is_empty() {
        return Err(Failure::new("E007", "there are no cases").hint("write them beside the rules, in *.test.yaml"));
    }
    let outcomes = run_cases(&cases, &policies.compiled);
    let failed = outcomes.iter().filter(|outcome| !outcome.passes()).count();
    let never = never_broken(&policies.rules, &outcomes);
    write(None, |out| {
        for outcome in outcomes.iter().filter(|outcome| global.verbose || !outcome.passes()) {
            let mark = if outcome.passes() { "ok  " } else { "FAIL" };
            let (expected, got) = (outcome.expected.name(), outcome.got.name());
            writeln!(out, "{mark} {}:{} {}: {got}", outcome.path, outcome.line, outcome.name)?;
            if !outcome.passes() {
                let broken: Vec<&str> = outcome.broken.iter().map(String::as_str).collect();
                writeln!(out, "     expected {expected}; broken: {}", broken.join(", "))?;
            }
            if !outcome.differs.is_empty() {
                let differs: Vec<&str> = outcome.differs.iter().map(String::as_str).collect();
                writeln!(out, "     differs in: {}", differs.join(", "))?;
            }
        }
        if !never.is_empty() {
            writeln!(out, "broken by no case: {}", never.join(", "))?;
        }
        let covered = policies.rules.rules.len() - never.len();
        writeln!(
            out,
            "{} of {} cases as expected; {covered} of {} rules broken by a case",
            outcomes.len() - failed,
            outcomes.len(),
            policies.rules.rules.len()
        )
    })?;
    Ok(if failed > 0 || all_rules && !never.is_empty() { Exit::Foreign } else { Exit::Clean })
}

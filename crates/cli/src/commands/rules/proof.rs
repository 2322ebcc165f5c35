use crate::commands::audit::failure;
use crate::exit::{Exit, Failure};
use crate::output::write;
use allod_engine::{Error, Policies};
use allod_facts::Severity;
use allod_register::Register;
use allod_rules::{
    Answer, Compiled, Proof, ProveError, Rule, RuleSet, Solver, Tier, claim, compare, prove as prove_claim, words,
};
use std::io::Write;
use std::path::Path;

/// Proves a sentence, or each rule of a file.
pub fn prove(
    policies: &Policies,
    sentence: Option<&str>,
    file: Option<&Path>,
    register: &Register,
) -> Result<Exit, Failure> {
    let claims = match (sentence, file) {
        (Some(text), _) => {
            let claim = claim(text, &policies.organisation, &policies.rules, &policies.home);
            vec![claim.map_err(|error| {
                Failure::of("E002", &error)
                    .hint("write it like: patient data is never outside LU; see allod rules prove --help")
            })?]
        }
        (None, Some(file)) => from_file(policies, file, register)?,
        (None, None) => return Err(Failure::new("E002", "there is no claim")),
    };
    let mut all_proved = true;
    let mut text = Vec::new();
    for claim in &claims {
        let answers =
            prove_claim(&policies.compiled, claim, register, &Solver::cvc5()).map_err(|error| could_not(&error))?;
        all_proved &= answers.iter().all(|(_, proof)| *proof == Proof::Proved);
        show(&mut text, claim, &answers).map_err(|error| Failure::new("E003", error.to_string()))?;
    }
    let exceptions = policies.rules.exceptions.len();
    if exceptions > 0 {
        let _ = writeln!(text, "exceptions are no part of a proof: there are {exceptions}");
    }
    write(None, |out| out.write_all(&text))?;
    Ok(if all_proved { Exit::Clean } else { Exit::Foreign })
}

fn show(out: &mut Vec<u8>, claim: &Rule, answers: &[(&str, Proof)]) -> std::io::Result<()> {
    writeln!(out, "{}", words::rule(claim, &claim.select))?;
    for (requirement, proof) in answers {
        match proof {
            Proof::Proved => writeln!(out, "PROVED ({requirement}): nothing that the rules allow breaks it")?,
            Proof::Refuted(example) => {
                writeln!(
                    out,
                    "REFUTED ({requirement}): the rules allow this, and the engine says so, too:\n  {example}"
                )?;
            }
            Proof::NotProved(why) => writeln!(out, "NOT PROVED ({requirement}): {why}")?,
        }
    }
    Ok(())
}

/// What a claim names has to exist, as in a rule: a claim about a misspelt class would be about nothing.
fn from_file(policies: &Policies, file: &Path, register: &Register) -> Result<Vec<Rule>, Failure> {
    let shown = file.display().to_string();
    let text =
        std::fs::read_to_string(file).map_err(|cause| failure(&Error::RuleFile { path: file.to_owned(), cause }))?;
    let (claims, told) = RuleSet::parse(&[(shown, text)], &policies.home);
    if told.iter().any(|one| one.severity == Severity::Error) {
        return Err(failure(&Error::RuleProblems(told)));
    }
    let tiers = policies.rules.tiers.keys().map(|name| (name.clone(), Tier::default())).collect();
    let claims = RuleSet { rules: claims.rules, tiers, ..RuleSet::default() };
    let (compiled, told) = Compiled::new(&claims, &policies.organisation, register);
    if compiled.is_none() {
        return Err(failure(&Error::RuleProblems(told)));
    }
    Ok(claims.rules)
}

/// Compares two rule sets.
pub fn diff(old: &Policies, new: &Policies, allow_looser: bool) -> Result<Exit, Failure> {
    let comparison = compare(&old.compiled, &new.compiled, &Solver::cvc5()).map_err(|error| could_not(&error))?;
    let more: Vec<String> = new
        .rules
        .exceptions
        .iter()
        .filter(|one| !old.rules.exceptions.iter().any(|other| same(one, other)))
        .map(|one| {
            format!("{} for {} until {} ({}:{})", one.rule.text, one.component.text, one.until, one.path, one.line)
        })
        .collect();
    let verdict = match (&comparison.looser, &comparison.stricter) {
        (Answer::Unknown(_), _) | (_, Answer::Unknown(_)) => "not known",
        (Answer::Nothing, Answer::Nothing) if more.is_empty() => "equivalent",
        (Answer::Nothing, Answer::Nothing) => "equivalent but for exceptions",
        (Answer::Example(_), Answer::Nothing) => "looser",
        (Answer::Nothing, Answer::Example(_)) => "stricter",
        (Answer::Example(_), Answer::Example(_)) => "both looser and stricter",
    };
    write(None, |out| {
        writeln!(out, "the new rules are {verdict}")?;
        let sides =
            [(&comparison.looser, "allowed now, denied before"), (&comparison.stricter, "denied now, allowed before")];
        for (answer, what) in sides {
            match answer {
                Answer::Nothing => {}
                Answer::Example(example) => writeln!(out, "{what}:\n  {example}")?,
                Answer::Unknown(why) => writeln!(out, "whether anything is {what}: not known, {why}")?,
            }
        }
        more.iter().try_for_each(|one| writeln!(out, "new exception: {one}"))
    })?;
    let not_looser = comparison.looser == Answer::Nothing && more.is_empty();
    let known = !matches!(comparison.looser, Answer::Unknown(_));
    Ok(if not_looser || allow_looser && known { Exit::Clean } else { Exit::Foreign })
}

/// An exception that was there before, and not for longer.
fn same(one: &allod_rules::Exception, other: &allod_rules::Exception) -> bool {
    one.rule.text == other.rule.text && one.component == other.component && one.until <= other.until
}

pub fn could_not(error: &ProveError) -> Failure {
    let failure = Failure::of("E008", error);
    match error {
        ProveError::NoSolver { .. } => {
            failure.hint("install it (Debian: apt install cvc5), or name it in the variable CVC5")
        }
        _ => failure,
    }
}

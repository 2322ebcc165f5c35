use crate::organisation::Organisation;
use crate::rule::{AuditFact, Must, Requirement, Rule, RuleSet, Selector, SelectorKey, Severity, Who};
use crate::source::Said;
use allod_facts::{Country, Layer};
use allod_stack::{Home, Power};
use std::sync::Arc;

/// A sentence that is no claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("`{0}` is neither data, a workload, an environment, a tier nor a layer")]
    Subject(String),
    #[error("`{0}` says nothing that can be proved")]
    Predicate(String),
    #[error("`{0}` is no jurisdiction")]
    Place(String),
}

/// Reads a claim in a sentence: SUBJECT is never outside LU; SUBJECT is never readable from US, or from outside home
/// (stoppable, changeable); SUBJECT is always encrypted with our keys; SUBJECT is always auditable. A subject is
/// `patient data`, a workload, an environment, a tier or a layer by its name, or `everything`.
///
/// # Errors
/// [`ClaimError`] with the words that were not understood.
pub fn claim(text: &str, organisation: &Organisation, rules: &RuleSet, home: &Home) -> Result<Rule, ClaimError> {
    let text = text.trim().trim_end_matches('.');
    let (subject, predicate) = [" is ", " are ", " can ", " may "]
        .iter()
        .find_map(|verb| text.split_once(verb))
        .ok_or_else(|| ClaimError::Predicate(text.to_owned()))?;
    Ok(Rule {
        id: "claim".to_owned(),
        why: None,
        severity: Severity::Deny,
        select: subject_of(subject, organisation, rules)?,
        except: Vec::new(),
        must: vec![Must { requirement: requirement(predicate, home)?, line: 0 }],
        path: Arc::from(""),
        line: 0,
    })
}

fn subject_of(text: &str, organisation: &Organisation, rules: &RuleSet) -> Result<Vec<Selector>, ClaimError> {
    let said = |text: &str| vec![Said { text: text.to_owned(), line: 0 }];
    let one = |key: SelectorKey, text: &str| Ok(vec![Selector { key, values: said(text) }]);
    let name = text.trim();
    if matches!(name, "everything" | "anything" | "every component") {
        return Ok(Vec::new());
    }
    if let Some(class) = name.strip_suffix(" data")
        && organisation.data.contains_key(class)
    {
        return one(SelectorKey::Data, class);
    }
    let word = [
        "the workload ",
        "workload ",
        "the environment ",
        "environment ",
        "the tier ",
        "tier ",
        "the layer ",
        "layer ",
    ]
    .iter()
    .find_map(|start| name.strip_prefix(start))
    .unwrap_or(name);
    let found = [
        (SelectorKey::Workload, organisation.workloads.contains_key(word)),
        (SelectorKey::Environment, organisation.environments.contains_key(word)),
        (SelectorKey::Tier, rules.tiers.contains_key(word)),
        (SelectorKey::Data, organisation.data.contains_key(word)),
        (SelectorKey::Layer, Layer::from_name(word).is_some()),
    ];
    match found.into_iter().find(|(_, exists)| *exists) {
        Some((key, _)) => one(key, word),
        None => Err(ClaimError::Subject(name.to_owned())),
    }
}

fn requirement(text: &str, home: &Home) -> Result<Requirement, ClaimError> {
    let not_understood = || ClaimError::Predicate(text.to_owned());
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("never ").or_else(|| text.strip_prefix("not ")) {
        if let Some(rest) = rest.strip_prefix("outside ") {
            return Ok(Requirement::BeIn(places(rest, home)?));
        }
        let rest = rest.strip_prefix("be ").unwrap_or(rest);
        let (word, from) = rest.split_once(" from ").ok_or_else(not_understood)?;
        let (word, ever) = word.strip_suffix(" ever").map_or((word, false), |word| (word, true));
        let power = match word {
            "readable" | "read" => Power::Read,
            "stoppable" | "stopped" => Power::Stop,
            "changeable" | "changed" => Power::Change,
            _ => return Err(not_understood()),
        };
        let who = match from.strip_prefix("outside ") {
            Some(rest) => Who::Outside(places(rest, home)?),
            None => Who::Among(places(from, home)?),
        };
        return Ok(Requirement::NotFrom { power, ever, who });
    }
    let rest = text.strip_prefix("always ").ok_or_else(not_understood)?;
    if let Some(rest) = rest.strip_prefix("in ") {
        return Ok(Requirement::BeIn(places(rest, home)?));
    }
    if let Some(rest) = rest.strip_prefix("controlled from ") {
        return Ok(Requirement::BeControlledFrom(places(rest, home)?));
    }
    match rest {
        "encrypted with our keys" | "encrypted with keys of ours" => Ok(Requirement::OwnKeys),
        "auditable" | "fully auditable" => {
            Ok(Requirement::Audit(AuditFact::ALL.iter().map(|(fact, _)| *fact).collect()))
        }
        _ => Err(not_understood()),
    }
}

/// `LU`, `LU or FR`, `the EU`, `home`.
fn places(text: &str, home: &Home) -> Result<Vec<Country>, ClaimError> {
    let mut countries = Vec::new();
    for word in text.split([',', ' ']).map(str::trim).filter(|word| !matches!(*word, "" | "or" | "and" | "the")) {
        if word == "home" {
            countries.extend(home.countries());
        } else {
            let place = Home::new(&[word.to_owned()]).map_err(|_| ClaimError::Place(word.to_owned()))?;
            countries.extend(place.countries());
        }
    }
    countries.sort_unstable();
    countries.dedup();
    crate::union::add(&mut countries);
    if countries.is_empty() { Err(ClaimError::Place(text.to_owned())) } else { Ok(countries) }
}

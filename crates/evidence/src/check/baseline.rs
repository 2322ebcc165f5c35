use super::{Check, Key, key};
use allod_rules::Violation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Write;

/// Old violations that a team has not yet worked off: they do not fail a check, and stay visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    pub schema: String,
    pub violations: Vec<Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub rule: String,
    pub requirement: String,
    pub cause: String,
    pub component: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error("it is not JSON of a baseline")]
    NotJson(#[source] serde_json::Error),
    #[error("it is of schema `{0}`, not of {SCHEMA}")]
    OtherSchema(String),
}

const SCHEMA: &str = "allod.baseline/1";

impl Baseline {
    /// Of what a check found now, with what was there before.
    pub fn of(check: &Check) -> Baseline {
        let all = check.violations.iter().chain(&check.before);
        let each = |one: &Violation, component: &String| Known {
            rule: one.rule.clone(),
            requirement: one.requirement.to_owned(),
            cause: one.cause.clone(),
            component: component.clone(),
        };
        let known: BTreeSet<Known> =
            all.flat_map(|one| one.components.iter().map(move |component| each(one, component))).collect();
        Baseline { schema: SCHEMA.to_owned(), violations: known.into_iter().collect() }
    }

    /// Of what a watch found.
    pub fn of_keys(keys: BTreeSet<Key>) -> Baseline {
        let known = |(rule, requirement, cause, component)| Known { rule, requirement, cause, component };
        Baseline { schema: SCHEMA.to_owned(), violations: keys.into_iter().map(known).collect() }
    }

    /// # Errors
    /// [`BaselineError`].
    pub fn read(bytes: &[u8]) -> Result<Baseline, BaselineError> {
        let baseline: Baseline = serde_json::from_slice(bytes).map_err(BaselineError::NotJson)?;
        if baseline.schema != SCHEMA {
            return Err(BaselineError::OtherSchema(baseline.schema));
        }
        Ok(baseline)
    }

    /// # Errors
    /// What writing gives.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self).map_err(std::io::Error::from)?;
        out.write_all(b"\n")
    }

    pub fn keys(&self) -> BTreeSet<Key> {
        let key = |one: &Known| (one.rule.clone(), one.requirement.clone(), one.cause.clone(), one.component.clone());
        self.violations.iter().map(key).collect()
    }

    /// Entries that nothing of a check has any more: they can be taken out.
    pub fn gone(&self, check: &Check) -> usize {
        let all = check.violations.iter().chain(&check.before);
        let now: BTreeSet<Key> = all.flat_map(|one| one.components.iter().map(move |at| key(one, at))).collect();
        self.keys().difference(&now).count()
    }
}

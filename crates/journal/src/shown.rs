use crate::commitment::Openings;
use crate::entry::{Action, Entry, Outcome, Phase, Succeeded, Verdict};
use crate::error::Error;
use crate::moment::micros;
use serde::Serialize;
use serde_json::{Value, json};

/// An entry as it stands in the ledger, with what of it may be shown: what [`ocsf`](crate::ocsf) and
/// [`otel`](crate::otel) tell others.
#[derive(Debug)]
pub struct Shown<'a> {
    pub(crate) entry: &'a Entry,
    /// In the ledger, from 0.
    pub(crate) index: u64,
    openings: &'a Openings,
    /// As the ledger keeps them.
    pub(crate) bytes: Vec<u8>,
    /// Since 1970-01-01T00:00:00Z.
    pub(crate) time_us: u64,
}

/// How much an entry deserves a look. Only the verdict and the outcome decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Plain,
    /// A rule warned.
    Notice,
    /// A rule said no, or the action failed.
    Look,
}

impl<'a> Shown<'a> {
    /// Without openings (an empty map) every committed value is shown as its commitment.
    ///
    /// # Errors
    /// [`Error::NotCommitted`]: openings that the entry does not commit to are never shown. Else as
    /// [`Entry::to_bytes`].
    pub fn new(entry: &'a Entry, index: u64, openings: &'a Openings) -> Result<Shown<'a>, Error> {
        let bytes = entry.to_bytes()?;
        entry.opened_by(openings)?;
        let time_us = micros(&entry.when.time).ok_or_else(|| Error::Time(entry.when.time.clone()))?;
        Ok(Shown { entry, index, openings, bytes, time_us })
    }

    /// Unique in the ledger, and it tells where the entry is: `41/0101...`.
    pub(crate) fn uid(&self) -> String {
        format!("{}/{}", self.index, self.entry.id)
    }

    /// The value of a committed field, when it was opened and says something.
    pub(crate) fn opened(&self, field: &str) -> Option<&'a str> {
        self.openings.get(field).map(|opening| opening.value.as_str()).filter(|value| !value.is_empty())
    }

    /// A committed field for which the other schema has no place: what was opened, or else the commitment.
    pub(crate) fn either(&self, field: &str) -> Value {
        let commitments = self.entry.commitments();
        let committed = commitments.iter().find(|(name, _)| *name == field).map(|(_, one)| one.to_string());
        match (self.opened(field), committed) {
            (Some(value), _) => json!({ "opened": value }),
            (None, Some(commitment)) => json!({ "committed": commitment }),
            (None, None) => Value::Null,
        }
    }

    /// `allod` and `0.1.0`.
    pub(crate) fn program(&self) -> (&'a str, Option<&'a str>) {
        let by = self.entry.by.as_str();
        match by.rsplit_once(' ') {
            Some((name, version)) if !name.is_empty() && !version.is_empty() => (name, Some(version)),
            _ => (by, None),
        }
    }

    pub(crate) fn action(&self) -> Action {
        self.entry.what.action
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.entry.why.as_ref().and_then(|why| why.verdict)
    }

    pub(crate) fn result(&self) -> Option<Succeeded> {
        self.entry.outcome.as_ref().map(|Outcome { result, .. }| *result)
    }

    pub(crate) fn weight(&self) -> Weight {
        match (self.verdict(), self.result()) {
            (Some(Verdict::Deny), _) | (_, Some(Succeeded::Refused | Succeeded::Failed)) => Weight::Look,
            (Some(Verdict::Warn), _) => Weight::Notice,
            (Some(Verdict::Allow) | None, _) => Weight::Plain,
        }
    }

    /// In words of the entry that everybody may read: `check: refused`.
    pub(crate) fn message(&self) -> String {
        let action = word(&self.action());
        let verdict = self.verdict().map(|verdict| format!(", verdict {}", word(&verdict))).unwrap_or_default();
        let how = match self.result() {
            Some(result) if self.entry.phase == Phase::Result => word(&result),
            _ => word(&self.entry.phase),
        };
        format!("{action}: {how}{verdict}")
    }
}

/// How the entry writes a word of its closed lists.
pub(crate) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Without what is null, and without objects and lists that have nothing left.
pub(crate) fn said(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(all) => {
            let all: serde_json::Map<_, _> =
                all.into_iter().filter_map(|(name, value)| Some((name, said(value)?))).collect();
            (!all.is_empty()).then_some(Value::Object(all))
        }
        Value::Array(all) => {
            let all: Vec<_> = all.into_iter().filter_map(said).collect();
            (!all.is_empty()).then_some(Value::Array(all))
        }
        plain => Some(plain),
    }
}

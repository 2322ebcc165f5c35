use crate::commitment::{Commitment, Digest, hex, unhex};
use crate::error::Error;
use crate::moment::micros;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of the schema. Fields are never given another meaning: what is new comes with a new version.
pub const VERSION: u32 = 1;

/// Bytes of a name that stands in the clear: of a rule, a provider, a region, a trace.
pub const MAX_NAME_BYTES: usize = 128;
/// Rules that one entry names: with names of the greatest length it still is an entry that the ledger takes (65,535
/// bytes).
pub const MAX_RULES: usize = 400;

/// One action, or its result, as the ledger keeps it. Written as canonical JSON (RFC 8785).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// [`VERSION`].
    pub allod: u32,
    /// Of the action: its intent and its result have the same.
    pub id: Id,
    pub phase: Phase,
    pub when: When,
    pub who: Who,
    pub what: What,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    #[serde(rename = "where")]
    pub place: Where,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// Of a result, and of nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The program that wrote it: `allod 0.1.0`.
    pub by: String,
}

/// 128 random bits, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id([u8; 16]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It is about to be done: written before any effect.
    Intent,
    /// It was done, or it failed.
    Result,
    /// It happened; nothing was intended.
    Event,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// RFC 3339, UTC, microseconds: `2026-11-24T17:30:00.000000Z`.
    pub time: String,
    pub source: TimeSource,
}

/// Whose clock it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// The machine's; nothing says that it is set.
    System,
    /// The machine's, which says that it is set by a time server.
    SystemSynchronised,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// Committed: the account, agent or service that acted.
    pub principal: Commitment,
    pub authenticated: Authentication,
    /// Committed: for whom it acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Commitment>,
    /// Whose key seals the openings: a number that says nothing about the person.
    pub subject: Id,
}

/// How it is known who acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// The account of the operating system under which the program ran.
    OsUser,
    /// Variables of a CI system say so; nobody checked.
    CiVariables,
    /// A client certificate that was verified.
    Certificate,
    /// A token that was verified.
    Token,
    /// Nobody asked.
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct What {
    pub action: Action,
    /// Committed: what was acted on (a path, a component, a plan).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Commitment>,
    /// Of the object before and after, or of what was produced (the report of a check).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The workspace was made.
    Init,
    Check,
    /// The rules are others than at the action before.
    RulesChange,
    /// An exception was used for a violation.
    Exception,
    Admission,
    Drill,
    Watch,
    Plan,
    Apply,
    Destroy,
    AgentCall,
    /// Nothing happened, and the ledger is alive.
    Heartbeat,
    /// The openings about a person were destroyed.
    Erase,
    /// Keys of the ledger were changed.
    KeyChange,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Of the rule files and the organisation's description, as they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Digest>,
    /// The rules that decided, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub determining: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Committed: the reason in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Commitment>,
    /// Committed: the components that break rules, with the rule of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<Commitment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Allow,
    /// Allowed, with warnings.
    Warn,
    Deny,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// `repository`, `plan`, `admission`, `apply`, `agent`, `running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// Names that others gave: they are taken over, and mean nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// What belongs together: a pipeline, an apply, a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The index of the intent in the ledger.
    pub intent: u64,
    pub result: Succeeded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Succeeded {
    /// It was done.
    Done,
    /// A rule stopped it, before any effect.
    Refused,
    /// It could not be done.
    Failed,
}

impl Entry {
    /// The bytes that the ledger keeps: the same entry always gives the same.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Rules`] and [`Error::Time`]: what stands in the clear must be a name, or a time.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        serde_json_canonicalizer::to_vec(self).map_err(Error::Schema)
    }

    /// Reads an entry. One that is not written canonically is refused: what two readers could understand differently
    /// proves nothing.
    ///
    /// # Errors
    /// [`Error::Schema`], [`Error::Version`], [`Error::NotCanonical`], [`Error::Name`], [`Error::Rules`],
    /// [`Error::Time`].
    pub fn parse(bytes: &[u8]) -> Result<Entry, Error> {
        #[derive(Deserialize)]
        struct Versioned {
            allod: u32,
        }
        let version: Versioned = serde_json::from_slice(bytes).map_err(Error::Schema)?;
        if version.allod != VERSION {
            return Err(Error::Version(version.allod));
        }
        let entry: Entry = serde_json::from_slice(bytes).map_err(Error::Schema)?;
        if entry.to_bytes()? == bytes { Ok(entry) } else { Err(Error::NotCanonical) }
    }

    /// The commitments that stand in the entry, by the name of the field.
    pub fn commitments(&self) -> Vec<(&'static str, Commitment)> {
        let why = self.why.as_ref();
        let all = [
            ("who.principal", Some(self.who.principal)),
            ("who.on_behalf_of", self.who.on_behalf_of),
            ("what.object", self.what.object),
            ("why.reason", why.and_then(|why| why.reason)),
            ("why.findings", why.and_then(|why| why.findings)),
        ];
        all.into_iter().filter_map(|(name, commitment)| Some((name, commitment?))).collect()
    }

    fn check(&self) -> Result<(), Error> {
        if self.allod != VERSION {
            return Err(Error::Version(self.allod));
        }
        let trace = self.trace.as_ref();
        let names = [
            ("by", Some(&self.by)),
            ("when.time", Some(&self.when.time)),
            ("where.gate", self.place.gate.as_ref()),
            ("where.provider", self.place.provider.as_ref()),
            ("where.region", self.place.region.as_ref()),
            ("trace.correlation", trace.and_then(|one| one.correlation.as_ref())),
            ("trace.trace_id", trace.and_then(|one| one.trace_id.as_ref())),
            ("trace.span_id", trace.and_then(|one| one.span_id.as_ref())),
        ];
        let rules = self.why.iter().flat_map(|why| &why.determining);
        if rules.clone().count() > MAX_RULES {
            return Err(Error::Rules(rules.count()));
        }
        let rules = rules.map(|rule| ("why.determining", Some(rule)));
        for (field, name) in names.into_iter().chain(rules) {
            let bad = |name: &String| {
                let needs_escape = |one: char| one.is_control() || one == '"' || one == '\\';
                name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(needs_escape)
            };
            if name.is_some_and(bad) {
                return Err(Error::Name { field });
            }
        }
        if micros(&self.when.time).is_none() {
            return Err(Error::Time(self.when.time.clone()));
        }
        Ok(())
    }
}

impl Id {
    /// # Errors
    /// [`Error::Random`].
    pub fn random() -> Result<Id, Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(Error::Random)?;
        Ok(Id(id))
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Id {
        Id(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for Id {
    type Error = Error;

    fn try_from(text: String) -> Result<Id, Error> {
        unhex(&text).and_then(|bytes| bytes.try_into().ok()).map(Id).ok_or(Error::Name { field: "id" })
    }
}

mod document;

use crate::json::SCHEMA;
use allod_facts::{Confidence, Country, Layer};
use allod_stack::diff::{Component, Held, Link, Party, Remark, Seen, Shared, Snapshot};
use allod_stack::{Control, Location, Power, When};
use document::{ComponentIn, ControlIn, Document, PartyIn, PowerIn, PowerName, SeenIn, Text, WhenName};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::sync::Arc;

/// An audit read from a file that `allod audit --format json` wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub root: String,
    /// The jurisdictions that were home, as the user wrote them.
    pub home: Vec<String>,
    pub snapshot: Snapshot,
}

/// The file is a saved audit, or means to be one, and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    #[error("it has the schema `{0}`, and only `{SCHEMA}` can be read")]
    OtherSchema(String),
    #[error("it is no whole `{SCHEMA}`")]
    Broken(#[source] serde_json::Error),
    #[error("it shows {shown} of {all} components: it was written with --only or --unresolved")]
    Partial { shown: usize, all: usize },
    #[error("it contradicts itself: {0}")]
    Contradicts(String),
}

/// How far a file that was cut short is searched for the name of a schema.
const HEAD_BYTES: usize = 4 << 10;
/// What the names of our schemas begin with.
const OURS: &str = "allod.";

/// Whether a file is a saved audit, whole or broken, of this or another version: by its `schema`.
pub fn is_saved(bytes: &[u8]) -> bool {
    schema(bytes).is_some()
}

/// The name of our schema that a file states.
fn schema(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Probe<'a> {
        #[serde(borrow)]
        schema: Text<'a>,
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return None;
    }
    // It stands first in what we write, so a file that was cut short still says what it was going to be. Another tool
    // may have put it elsewhere.
    let stated = in_head(bytes).or_else(|| {
        let probe: Probe<'_> = serde_json::from_slice(bytes).ok()?;
        Some(probe.schema.0.into_owned())
    })?;
    stated.starts_with(OURS).then_some(stated)
}

fn in_head(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD_BYTES.min(bytes.len())).unwrap_or_default());
    let rest = head.trim_start().strip_prefix('{')?.trim_start().strip_prefix("\"schema\"")?;
    let text = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    text.split('"').next().map(str::to_owned)
}

/// Reads a saved audit.
///
/// # Errors
/// [`SavedError`]: another schema, cut short, a part of an audit only, or ids that lead nowhere.
pub fn read_saved(bytes: &[u8]) -> Result<Saved, SavedError> {
    if let Some(other) = schema(bytes).filter(|schema| schema != SCHEMA) {
        return Err(SavedError::OtherSchema(other));
    }
    let document: Document<'_> = serde_json::from_slice(bytes).map_err(SavedError::Broken)?;
    if &*document.schema.0 != SCHEMA {
        return Err(SavedError::OtherSchema(document.schema.0.into_owned()));
    }
    let (shown, all) = (document.components.len(), document.coverage.components);
    if shown != all {
        return Err(SavedError::Partial { shown, all });
    }
    let root = document.root.0.clone().into_owned();
    let home = document.home.iter().map(|name| name.0.clone().into_owned()).collect();
    Ok(Saved { root, home, snapshot: snapshot(document)? })
}

/// Positions of components by id.
struct Ids<'a>(FxHashMap<&'a str, u32>);

impl Ids<'_> {
    fn get(&self, id: &Text<'_>, by: &str) -> Result<u32, SavedError> {
        let known = self.0.get(&*id.0).copied();
        known.ok_or_else(|| SavedError::Contradicts(format!("{by} names `{}`, which is none of its components", id.0)))
    }
}

/// Texts that come again and again are kept once.
#[derive(Default)]
struct Names<'a>(FxHashMap<&'a str, Arc<str>>);

impl<'a> Names<'a> {
    fn get(&mut self, text: &'a Text<'_>) -> Arc<str> {
        self.0.entry(&text.0).or_insert_with_key(|text| Arc::from(*text)).clone()
    }

    fn all(&mut self, texts: &'a [Text<'_>]) -> Vec<Arc<str>> {
        texts.iter().map(|text| self.get(text)).collect()
    }

    fn seen(&mut self, seen: &'a SeenIn<'_>) -> Seen {
        Seen { path: self.get(&seen.path), line: seen.line }
    }
}

fn snapshot(mut document: Document<'_>) -> Result<Snapshot, SavedError> {
    document.components.sort_by(|a, b| a.id.0.cmp(&b.id.0));
    let document = &document;
    let mut names = Names::default();
    let mut ids = Ids(FxHashMap::default());
    for (at, one) in document.components.iter().enumerate() {
        if ids.0.insert(&one.id.0, at as u32).is_some() {
            return Err(SavedError::Contradicts(format!("two of its components are `{}`", one.id.0)));
        }
    }
    let mut parties = Shared::default();
    let components: Result<Vec<Component>, SavedError> =
        document.components.iter().map(|one| component(one, &mut names, &mut parties)).collect();
    let mut snapshot = Snapshot { components: components?, ..Snapshot::default() };
    for link in &document.links {
        snapshot.links.push(Link {
            from: ids.get(&link.from, "a link")?,
            to: ids.get(&link.to, "a link")?,
            kind: link.kind,
            data: names.all(&link.data),
            mitigations: link.mitigations.clone(),
            any_of: link.any_of.as_ref().map(|group| names.get(group)),
            seen: link.evidence.first().map(|seen| names.seen(seen)),
        });
    }
    let mut lists = Shared::default();
    for power in &document.powers {
        snapshot.powers.push(held(power, &ids, &mut names, &mut lists)?);
    }
    for one in &document.findings {
        snapshot.findings.push(Remark {
            code: names.get(&one.code),
            severity: Some(one.severity),
            message: one.message.0.as_ref().into(),
            component: Some(ids.get(&one.component, "a finding")?),
            seen: one.evidence.first().map(|seen| names.seen(seen)),
        });
    }
    for one in &document.unresolved {
        snapshot.unresolved.push(Remark {
            code: names.get(&one.code),
            severity: None,
            message: one.message.0.as_ref().into(),
            component: one.component.as_ref().map(|id| ids.get(id, "an unresolved fact")).transpose()?,
            seen: Some(names.seen(&one.evidence)),
        });
    }
    for one in &document.diagnostics {
        snapshot.diagnostics.push(Remark {
            code: names.get(&one.code),
            severity: Some(one.severity),
            message: one.message.0.as_ref().into(),
            component: None,
            seen: Some(Seen { path: names.get(&one.path), line: one.line }),
        });
    }
    snapshot.sort();
    Ok(snapshot)
}

fn component<'a>(
    one: &'a ComponentIn<'_>,
    names: &mut Names<'a>,
    parties: &mut Shared<Party>,
) -> Result<Component, SavedError> {
    let layer = Layer::from_name(&one.layer.0)
        .ok_or_else(|| SavedError::Contradicts(format!("`{}` is no layer", one.layer.0)))?;
    let party = |names: &mut Names<'a>, party: &'a PartyIn<'_>| Party {
        id: names.get(&party.id),
        name: names.get(&party.name),
        country: party.country,
        ground: names.get(&party.ground),
    };
    Ok(Component {
        id: one.id.0.as_ref().into(),
        name: one.name.0.as_ref().into(),
        kind: names.get(&one.kind),
        layer,
        role: one.role,
        hint: one.confidence == Confidence::Low,
        control: match one.control {
            ControlIn::Known => Control::Known,
            ControlIn::Unknown => Control::Unknown,
            ControlIn::SelfHosted => Control::SelfHosted,
        },
        service: one.service.as_ref().map(|service| names.get(&service.id)),
        controllers: {
            let list = one.controllers.iter().map(|one| party(names, one)).collect();
            parties.list(list)
        },
        location: one.location.as_ref().map(|place| Location {
            country: place.country,
            region: place.region.as_ref().map(|region| region.0.as_ref().into()),
        }),
        data: names.all(&one.data),
        seen: one.evidence.first().map(|seen| names.seen(seen)),
    })
}

fn held<'a>(
    power: &'a PowerIn<'_>,
    ids: &Ids<'_>,
    names: &mut Names<'a>,
    lists: &mut Shared<Arc<str>>,
) -> Result<Held, SavedError> {
    let jurisdiction = match &*power.jurisdiction.0 {
        "unknown" => None,
        code => {
            Some(Country::new(code).ok_or_else(|| SavedError::Contradicts(format!("`{code}` is no country code")))?)
        }
    };
    // Components first, then entities.
    let path: Vec<u32> = power.path.iter().map_while(|id| ids.0.get(&*id.0).copied()).collect();
    let entities = power.path.get(path.len()..).unwrap_or_default();
    Ok(Held {
        component: ids.get(&power.component, "a power")?,
        jurisdiction,
        power: match power.power {
            PowerName::Read => Power::Read,
            PowerName::Stop => Power::Stop,
            PowerName::Change => Power::Change,
        },
        when: match power.when {
            WhenName::Now => When::Now,
            WhenName::Later => When::Later,
        },
        data: lists.list(names.all(&power.data)),
        parties: lists.list(names.all(entities)),
        path: path.into(),
    })
}

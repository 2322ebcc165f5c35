use crate::{Clue, Clues, Labels, Layer, Place, Record, Records};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One part of a stack: a workload, a bucket, a zone, an image, a host that something talks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Identity within one audit, stable from run to run. Two readers that mean the same thing build the same id
    /// (`host:`, `image:`, `name:`, ...).
    pub id: Arc<str>,
    /// The name that a person would use (`financials`, `api.mistral.ai`, `postgres:16`).
    pub name: String,
    /// What kind of thing it is, in the words of its format (`aws_s3_bucket`, `Deployment`, `image`, `host`).
    pub kind: Arc<str>,
    pub layer: Layer,
    pub role: Role,
    /// What the register can recognise it by, the most telling first.
    pub clues: Clues,
    pub place: Option<Place>,
    /// Data classes that the file itself states, sorted.
    pub data: Vec<Arc<str>>,
    pub environment: Option<Arc<str>>,
    /// Tags, labels and annotations as the file writes them; `None` for none, which is the most.
    pub labels: Option<Labels>,
    /// What the file shows of how the part is recorded.
    pub records: Records,
    pub confidence: Confidence,
    /// Where it was seen: the block itself first, then every other line that decided something about it (the default
    /// of the variable that its region came from, say).
    pub evidence: Vec<Evidence>,
}

/// What the organisation has to do with a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The organisation runs it itself: a workload, a Compose service, a job. Nobody operates it for them; what holds
    /// power over it comes through its links.
    Own,
    /// Somebody provides it as a service: a bucket, an API, a zone's name servers, a hosted runner.
    Provided,
    /// Something that is fetched and built in: an image, an action, a package, a module, model weights.
    Artefact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A hint: the code could use it (an SDK in a manifest).
    Low,
    /// A default, or a name that usually means it.
    Medium,
    /// The file says so.
    High,
}

/// A place in a file, relative to the audited root. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Evidence {
    pub path: Arc<str>,
    pub line: u32,
    pub end_line: u32,
    /// The reader that saw it (`terraform`, `compose`, ...).
    pub reader: &'static str,
}

impl Evidence {
    pub fn line(path: &Arc<str>, line: u32, reader: &'static str) -> Evidence {
        Evidence { path: path.clone(), line, end_line: line, reader }
    }
}

impl Component {
    /// Adds what a file shows of how it is recorded, once.
    pub fn record(&mut self, record: Record) {
        self.records.add(record);
    }

    /// A component with nothing known but what it is; fields are public, fill in what the file says.
    pub fn new(id: &str, name: &str, kind: &str, layer: Layer, role: Role, seen: Evidence) -> Component {
        Component {
            id: Arc::from(id),
            name: name.to_owned(),
            kind: Arc::from(kind),
            layer,
            role,
            clues: Clues::default(),
            place: None,
            data: Vec::new(),
            environment: None,
            labels: None,
            records: Records::default(),
            confidence: Confidence::High,
            evidence: vec![seen],
        }
    }

    pub fn with_clue(mut self, clue: Clue) -> Component {
        self.clues.push(clue);
        self
    }
}

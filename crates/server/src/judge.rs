use allod_facts::Facts;
use serde::Deserialize;

/// Who says whether an object may be. A closure is a judge, too.
pub trait Judge: Send + Sync {
    /// Runs on a thread of its own and may take as long as [`crate::Limits::answer`].
    ///
    /// # Errors
    /// [`Unjudged`]: no statement can be made, which denies.
    fn judge(&self, subject: Subject) -> Result<Judgement, Unjudged>;
}

impl<F: Fn(Subject) -> Result<Judgement, Unjudged> + Send + Sync> Judge for F {
    fn judge(&self, subject: Subject) -> Result<Judgement, Unjudged> {
        self(subject)
    }
}

/// What is judged: one object that is about to be created or updated.
#[derive(Debug)]
pub struct Subject {
    /// What stands in evidence: `admission:apps/v1/Deployment/prod/web`.
    pub path: String,
    pub kind: Gvk,
    /// The resource in the API (`deployments`), and the part of it (`scale`), empty for the whole.
    pub resource: String,
    pub sub_resource: String,
    /// Empty for what lies in no namespace.
    pub namespace: String,
    /// The prefix where the API server makes up the rest of the name.
    pub name: String,
    pub operation: Operation,
    /// Nothing will be stored whatever is answered.
    pub dry_run: bool,
    /// Set when only the number of replicas is asked about. The facts then have no image: the pods that follow are
    /// judged one by one.
    pub scale: Option<Scale>,
    /// What the reader of manifests saw in the object.
    pub facts: Facts,
}

/// The change of the number of replicas of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// `None`: not told.
    pub from: Option<i64>,
    pub to: i64,
}

/// Group, version and kind of an object; the core group is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Gvk {
    pub group: String,
    pub version: String,
    pub kind: String,
}

impl Gvk {
    /// As it stands in an object: `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Connect => "CONNECT",
        }
    }
}

/// What the rules say; no violation, no objection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    pub violations: Vec<Violation>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the rule.
    pub rule: String,
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// On what grounds: a path of evidence, a source; empty when the message says all.
    pub why: String,
    /// What to do; empty when nobody knows.
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The object may be; who made it is told.
    Warn,
    Deny,
}

/// Why no statement could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unjudged(pub String);

/// The judge where no rules are loaded: a gate without rules lets nothing through.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl Judge for NoRules {
    fn judge(&self, _: Subject) -> Result<Judgement, Unjudged> {
        Err(Unjudged("no rules loaded".to_owned()))
    }
}

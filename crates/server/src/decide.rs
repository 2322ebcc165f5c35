//! What is done with a request: passed unjudged, or judged.
//!
//! No identity opens anything: whoever removes things may pass because of what the request does, not because of who
//! sends it. What passes unjudged:
//!
//! - DELETE, and evictions, which are deletions.
//! - An update that changes nothing but finalizers, owner references and what the API server keeps itself: what the
//!   garbage collector, the namespace controller and other finalizers do.
//! - An update that takes the last finalizer of an object that is being deleted: the object is gone with it.
//! - An update, or a scale, that only lowers the number of replicas: a rollout takes the old replicas away like this.
//! - `status` and `namespaces/finalize`, which change nothing that runs.
//! - CONNECT, unless the settings deny it: there is no object.
//!
//! Any other update of an object that is being deleted is judged: as long as somebody holds it with a finalizer it is in
//! effect (a Service routes, an Ingress has its names), so that it would be a way round.

use crate::judge::{Gvk, Judge, Judgement, Operation, Scale, Severity, Subject, Unjudged, Violation};
use crate::review::{Refusal, Request, defect};
use crate::settings::Connect;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What the judge, or what passes without one, says about a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Why it was let through without a judge.
    Passed(&'static str),
    Judged(Judgement),
    /// CONNECT, where the settings deny it.
    Closed,
    /// It was meant to be judged, and could not be: denied.
    Unjudged(Refusal),
}

/// What a person is told when an object is not readable as what it says it is.
fn unreadable(message: String) -> Refusal {
    Refusal { code: 400, message }
}

/// Decides what needs neither object nor judge.
pub fn at_once(request: &Request, connect: Connect) -> Option<Decision> {
    let passed = |why| Some(Decision::Passed(why));
    match (request.operation, request.sub_resource.as_str(), request.resource.resource.as_str()) {
        (Operation::Delete, ..) => passed("deletion"),
        (Operation::Connect, ..) => Some(match connect {
            Connect::Allow => Decision::Passed("connect"),
            Connect::Deny => Decision::Closed,
        }),
        (Operation::Create, "eviction", "pods") => passed("deletion"),
        (Operation::Update, "status", _) => passed("status"),
        (Operation::Update, "finalize", "namespaces") => passed("bookkeeping"),
        _ => None,
    }
}

/// The subject to judge, or the decision that needs no judge.
pub fn prepare(request: &Request) -> Result<Subject, Decision> {
    let Some(object) = &request.object else {
        return Err(Decision::Unjudged(unreadable("the request has no object".to_owned())));
    };
    let mut scale = None;
    if request.operation == Operation::Update {
        let new = value(object)?;
        let old = request.old_object.as_deref().map(value).transpose()?;
        if request.sub_resource == "scale" {
            let asked = Scale { from: old.as_ref().map(replicas), to: replicas(&new) };
            if asked.from.is_some_and(|from| asked.to <= from) {
                return Err(Decision::Passed("fewer replicas"));
            }
            scale = Some(asked);
        } else if let Some(why) = old.and_then(|old| harmless(old, new)) {
            return Err(Decision::Passed(why));
        }
    }
    Ok(subject(request, object, scale)?)
}

/// Asks the judge.
pub fn judge(judge: &dyn Judge, subject: Subject) -> Decision {
    match judge.judge(subject) {
        Ok(judgement) => Decision::Judged(judgement),
        Err(Unjudged(why)) => Decision::Unjudged(Refusal { code: 500, message: format!("could not be judged: {why}") }),
    }
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Decision {
        Decision::Unjudged(refusal)
    }
}

fn value(raw: &RawValue) -> Result<Value, Refusal> {
    serde_json::from_str(raw.get())
        .map_err(|error| unreadable(format!("the object cannot be read: {}", defect(&error))))
}

/// `spec.replicas` of a Scale, which leaves it out when it is zero.
fn replicas(scale: &Value) -> i64 {
    scale.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0)
}

/// Metadata that says nothing about what an object does.
const BOOKKEEPING: &[&str] = &[
    "finalizers",
    "ownerReferences",
    "managedFields",
    "resourceVersion",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Why an update need not be judged, if it need not.
fn harmless(mut old: Value, mut new: Value) -> Option<&'static str> {
    if removes(&old, &new) {
        return Some("removal");
    }
    strip(&mut old);
    strip(&mut new);
    if old == new {
        return Some("bookkeeping");
    }
    let before = old.pointer_mut("/spec/replicas").map(Value::take)?.as_i64()?;
    let after = new.pointer_mut("/spec/replicas").map(Value::take)?.as_i64()?;
    (after < before && old == new).then_some("fewer replicas")
}

fn strip(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        BOOKKEEPING.iter().for_each(|key| {
            metadata.remove(*key);
        });
    }
}

/// Whether the API server removes the object with this update (`ShouldDeleteDuringUpdate` of its store): it was being
/// deleted without a grace period that still runs, and no finalizer is left.
fn removes(old: &Value, new: &Value) -> bool {
    let is_set = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    let held = |list: Option<&Value>| list.and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let grace = old.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    is_set(old.pointer("/metadata/deletionTimestamp"))
        && grace == 0
        && !held(new.pointer("/metadata/finalizers"))
        && !held(new.pointer("/spec/finalizers"))
}

/// The object with its facts.
fn subject(request: &Request, object: &RawValue, scale: Option<Scale>) -> Result<Subject, Refusal> {
    if !object.get().starts_with('{') {
        return Err(unreadable("the object cannot be read: it is none".to_owned()));
    }
    let head: Head = serde_json::from_str(object.get())
        .map_err(|error| unreadable(format!("the object cannot be read: {}", defect(&error))))?;
    let (version, kind) = (request.kind.api_version(), &request.kind.kind);
    if (&head.api_version, &head.kind) != (&version, kind) {
        // Its facts would be those of something else, or none.
        return Err(unreadable(format!("the object does not say that it is `{version}` `{kind}`")));
    }
    let name = if request.name.is_empty() { head.metadata.named() } else { request.name.clone() };
    let path = path(&request.kind, &request.namespace, &name);
    let facts = allod_readers::kubernetes::object(&path, object.get());
    let wrong = facts.diagnostics.iter().find(|one| one.severity == allod_facts::Severity::Error);
    if let Some(wrong) = wrong {
        return Err(unreadable(format!("the object cannot be read: {} {}", wrong.code, wrong.message)));
    }
    Ok(Subject {
        path,
        kind: request.kind.clone(),
        resource: request.resource.resource.clone(),
        sub_resource: request.sub_resource.clone(),
        namespace: request.namespace.clone(),
        name,
        operation: request.operation,
        dry_run: request.dry_run.unwrap_or(false),
        scale,
        facts,
    })
}

/// What every object says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: String,
    kind: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    generate_name: Option<String>,
}

impl Metadata {
    /// The name, or what it will begin with once the API server has made it up.
    fn named(self) -> String {
        self.name.filter(|name| !name.is_empty()).or(self.generate_name).unwrap_or_default()
    }
}

fn path(kind: &Gvk, namespace: &str, name: &str) -> String {
    let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    format!("admission:{}/{}/{namespace}{name}", kind.api_version(), kind.kind)
}

/// Violations in one text for a person; the refusal comes first.
const SHOWN: usize = 20;

/// The refusal for what denies, and the warnings for what does not.
pub fn words(judgement: &Judgement) -> (Option<String>, Vec<String>) {
    let (denied, warned): (Vec<&Violation>, Vec<&Violation>) =
        judgement.violations.iter().partition(|one| one.severity == Severity::Deny);
    let more = denied.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = denied.iter().take(SHOWN).map(|one| sentence(one)).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let refusal = (!lines.is_empty()).then(|| lines.join("\n"));
    (refusal, warned.into_iter().map(sentence).collect())
}

fn sentence(violation: &Violation) -> String {
    let mut text = format!("{}: {}", violation.rule, violation.message);
    if !violation.why.is_empty() {
        text.push_str(&format!(" ({})", violation.why));
    }
    if !violation.hint.is_empty() {
        text.push_str(&format!("; hint: {}", violation.hint));
    }
    text
}

#[cfg(test)]
mod tests;

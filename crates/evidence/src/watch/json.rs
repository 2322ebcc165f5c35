use super::{Entry, Event, State, Unseen, moment};
use crate::check::violation_json;
use allod_stack::drift::{Difference, Drift, Gain, Named};
use serde_json::{Value, json};
use std::io::Write;

/// One change of the state, a line.
pub const EVENT_SCHEMA: &str = "allod.watch-event/1";
/// The state at a moment.
const SCHEMA: &str = "allod.watch/1";

/// Writes a state as `allod.watch/1` (`schemas/allod.watch.1.json`).
///
/// # Errors
/// What writing gives.
pub fn json(state: &State, at: u64, out: &mut dyn Write) -> std::io::Result<()> {
    let document = json!({
        "schema": SCHEMA,
        "at": moment(at),
        "running": state.running,
        "allowed": state.allowed,
        "home": state.home.names,
        "outcome": state.outcome().name(),
        "rules": state.rules,
        "components": state.components,
        "known": state.known,
        "violations": state.violations.iter().map(violation_json).collect::<Vec<_>>(),
        "drifts": state.drifts.iter().map(drift).collect::<Vec<_>>(),
        "missing": state.missing.iter().map(named).collect::<Vec<_>>(),
        "unseen": state.unseen.iter().map(unseen).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

/// Writes one change as a line of `allod.watch-event/1` (`schemas/allod.watch-event.1.json`).
///
/// # Errors
/// What writing gives.
pub fn event_json(event: &Event<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let (what, code, body) = match event.entry {
        Entry::Outcome(outcome) => ("outcome", None, outcome.name().into()),
        Entry::Violation(one) => ("violation", None, violation_json(one)),
        Entry::Drift(one) => ("drift", Some(one.code()), drift(one)),
        Entry::Missing(one) => ("missing", Some("F013"), named(one)),
        Entry::Unseen(one) => ("unseen", Some("F012"), unseen(one)),
    };
    let document = json!({
        "schema": EVENT_SCHEMA,
        "at": moment(event.at),
        "change": event.change.name(),
        "what": what,
        "code": code,
        what: body,
    });
    serde_json::to_writer(&mut *out, &document).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

fn drift(one: &Drift) -> Value {
    json!({
        "code": one.code(),
        "running": named(&one.running),
        "allowed": one.allowed.as_ref().map(named),
        "differences": one.differences.iter().map(difference).collect::<Vec<_>>(),
        "gives": one.gives.iter().map(gain).collect::<Vec<_>>(),
    })
}

fn difference(of: &Difference) -> Value {
    json!({
        "what": of.what.name(),
        "allowed": of.allowed,
        "running": of.running,
        "allowed_seen": seen(of.allowed_seen.as_ref()),
        "running_seen": seen(of.running_seen.as_ref()),
    })
}

fn gain(gain: &Gain) -> Value {
    json!({
        "jurisdiction": gain.jurisdiction.map(|country| country.code().to_owned()),
        "power": gain.power.name(),
        "over": gain.over,
    })
}

fn named(one: &Named) -> Value {
    json!({ "id": one.id, "name": one.name, "kind": one.kind, "seen": seen(one.seen.as_ref()) })
}

fn seen(seen: Option<&(String, u32)>) -> Value {
    seen.map_or(Value::Null, |(path, line)| json!({ "path": path, "line": line }))
}

fn unseen(one: &Unseen) -> Value {
    json!({ "what": one.what, "why": one.why, "last_seen": one.since.map(moment) })
}

//! The log: one JSON object a line. Names of objects and rules, never their content, and not who asked: the uid of a
//! request leads to the API server's own audit log.

use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where lines go (without the line break).
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// Failed handshakes are told at most as often: anybody who can connect makes them.
const HANDSHAKE_EVERY: Duration = Duration::from_secs(10);

pub struct Record {
    log: Log,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    handshakes: Mutex<(Option<Instant>, u64)>,
}

impl Record {
    pub fn new(log: Log, now: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Record {
        Record { log, now, handshakes: Mutex::default() }
    }

    /// One event; `fields` is an object.
    pub fn event(&self, event: &str, fields: Value) {
        let at = (self.now)().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64 / 1e3);
        let mut line = json!({"at": at, "event": event});
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
        }
        (self.log)(&line.to_string());
    }

    /// A handshake that failed, with how many before it were not told.
    pub fn handshake(&self, why: &str) {
        let mut told = self.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        if told.0.is_some_and(|last| last.elapsed() < HANDSHAKE_EVERY) {
            told.1 += 1;
            return;
        }
        let untold = std::mem::replace(&mut *told, (Some(Instant::now()), 0)).1;
        drop(told);
        self.event("handshake-failed", json!({"why": why, "not_told_before": untold}));
    }
}

/// A failure with its causes in one text.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

//! The log: one JSON object a line. Names of objects and rules, never their content, and not who asked: the uid of a
//! request leads to the API server's own audit log.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where lines go (without the line break).
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// What anybody who can connect can cause is told at most as often.
const NOISE_EVERY: Duration = Duration::from_secs(10);

pub struct Record {
    log: Log,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// By event: when it was told last, and how many were not told since.
    noise: Mutex<BTreeMap<&'static str, (Instant, u64)>>,
}

impl Record {
    pub fn new(log: Log, now: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Record {
        Record { log, now, noise: Mutex::default() }
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

    /// One event of those that anybody can cause, with how many before it were not told.
    pub fn noise(&self, event: &'static str, mut fields: Value) {
        let mut noise = self.noise.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = match noise.get_mut(event) {
            Some((last, untold)) if last.elapsed() < NOISE_EVERY => {
                *untold += 1;
                return;
            }
            Some((_, untold)) => *untold,
            None => 0,
        };
        noise.insert(event, (Instant::now(), 0));
        drop(noise);
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("not_told_before".to_owned(), untold.into());
        }
        self.event(event, fields);
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

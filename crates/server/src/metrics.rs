//! What is counted, in the text format of Prometheus (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper ends of the buckets of the time that answers take, in seconds: the API server waits for 5.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Debug, Default)]
pub struct Metrics {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// By operation and decision.
    requests: BTreeMap<(&'static str, &'static str), u64>,
    /// By HTTP status: what was no AdmissionReview.
    rejected: BTreeMap<u16, u64>,
    handshakes_failed: u64,
    reloads: BTreeMap<&'static str, u64>,
    /// Answers within each bucket, not added up.
    within: [u64; BUCKETS.len()],
    answers: u64,
    seconds: f64,
}

/// What is known at the time of asking.
pub struct Now {
    pub mode: &'static str,
    pub certificate_ends: Option<SystemTime>,
}

impl Metrics {
    fn count(&self, add: impl FnOnce(&mut Counts)) {
        add(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn answered(&self, operation: &'static str, decision: &'static str, took: Duration) {
        self.count(|counts| {
            *counts.requests.entry((operation, decision)).or_default() += 1;
            counts.answers += 1;
            counts.seconds += took.as_secs_f64();
            let bucket = BUCKETS.iter().zip(&mut counts.within).find(|(end, _)| took.as_secs_f64() <= **end);
            if let Some((_, count)) = bucket {
                *count += 1;
            }
        });
    }

    pub fn rejected(&self, code: u16) {
        self.count(|counts| *counts.rejected.entry(code).or_default() += 1);
    }

    pub fn handshake_failed(&self) {
        self.count(|counts| counts.handshakes_failed += 1);
    }

    pub fn reloaded(&self, result: &'static str) {
        self.count(|counts| *counts.reloads.entry(result).or_default() += 1);
    }

    pub fn render(&self, now: &Now) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        };
        head(&mut out, "allod_admit_requests_total", "counter", "AdmissionReviews that were answered, by decision.");
        for ((operation, decision), count) in &counts.requests {
            let labels = format!("operation=\"{operation}\",decision=\"{decision}\",mode=\"{}\"", now.mode);
            let _ = writeln!(out, "allod_admit_requests_total{{{labels}}} {count}");
        }
        head(
            &mut out,
            "allod_admit_rejected_total",
            "counter",
            "Requests that were no AdmissionReview, by HTTP status.",
        );
        for (code, count) in &counts.rejected {
            let _ = writeln!(out, "allod_admit_rejected_total{{code=\"{code}\"}} {count}");
        }
        let name = "allod_admit_duration_seconds";
        head(&mut out, name, "histogram", "From the headers of a request to its answer.");
        let mut sum = 0;
        for (end, count) in BUCKETS.iter().zip(&counts.within) {
            sum += count;
            let _ = writeln!(out, "{name}_bucket{{le=\"{end}\"}} {sum}");
        }
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {}", counts.answers);
        let _ = writeln!(out, "{name}_sum {}\n{name}_count {}", counts.seconds, counts.answers);
        head(&mut out, "allod_admit_handshakes_failed_total", "counter", "Connections that failed before any request.");
        let _ = writeln!(out, "allod_admit_handshakes_failed_total {}", counts.handshakes_failed);
        head(
            &mut out,
            "allod_admit_certificate_reloads_total",
            "counter",
            "Changes of the certificate files, by result.",
        );
        for (result, count) in &counts.reloads {
            let _ = writeln!(out, "allod_admit_certificate_reloads_total{{result=\"{result}\"}} {count}");
        }
        if let Some(ends) = now.certificate_ends.and_then(|ends| ends.duration_since(UNIX_EPOCH).ok()) {
            let name = "allod_admit_certificate_not_after_seconds";
            head(&mut out, name, "gauge", "When the certificate that is shown now ends, in Unix time.");
            let _ = writeln!(out, "{name} {}", ends.as_secs());
        }
        head(&mut out, "allod_admit_mode", "gauge", "1 for the mode: enforce denies, audit only warns.");
        for mode in ["enforce", "audit"] {
            let _ = writeln!(out, "allod_admit_mode{{mode=\"{mode}\"}} {}", u8::from(mode == now.mode));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_gets() {
        let metrics = Metrics::default();
        metrics.answered("CREATE", "denied", Duration::from_micros(700));
        metrics.answered("CREATE", "denied", Duration::from_millis(30));
        metrics.answered("DELETE", "passed", Duration::from_secs(9));
        metrics.rejected(413);
        metrics.handshake_failed();
        metrics.reloaded("taken");
        let ends = Some(UNIX_EPOCH + Duration::from_secs(1_900_000_000));
        insta::assert_snapshot!(metrics.render(&Now { mode: "audit", certificate_ends: ends }));
    }
}

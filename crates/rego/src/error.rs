use allod_facts::{Diagnostic, Severity};
use std::sync::Arc;

/// Why the rules gave no answer about a file. Whoever asks must treat it as a no.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the rule files have errors, so nothing was evaluated")]
    Unusable,
    #[error("`{rule}` could not be evaluated on `{input}`: {message}")]
    Rule {
        rule: String,
        input: Arc<str>,
        /// The line of the rule file, where the evaluator tells it.
        policy: Option<(String, u32)>,
        message: String,
    },
    #[error("the rules took longer than {limit_ms} ms on `{input}`")]
    Time { input: Arc<str>, limit_ms: u64 },
    #[error("`{rule}` gave more than {limit} results on `{input}`")]
    Results { rule: String, input: Arc<str>, limit: usize },
    /// The rule gave something that is no message.
    #[error("`{rule}` gave {found} on `{input}`, which is no message")]
    Shape { rule: String, input: Arc<str>, found: String },
}

impl Error {
    /// The error as a diagnostic (`P043`), at the line of the rule where it is known, else at the input.
    pub fn diagnostic(&self, fallback: &Arc<str>) -> Diagnostic {
        let (path, line) = match self {
            Error::Rule { policy: Some((path, line)), .. } => (Arc::from(path.as_str()), *line),
            Error::Rule { input, .. }
            | Error::Time { input, .. }
            | Error::Results { input, .. }
            | Error::Shape { input, .. } => (input.clone(), 0),
            Error::Unusable => (fallback.clone(), 0),
        };
        Diagnostic { code: "P043", severity: Severity::Error, message: self.to_string(), path, line, hint: None }
    }
}

/// An error of the evaluator, taken apart: its text shows the source line (`--> file:line:column`, three lines, then
/// `error: message`).
pub(crate) struct Located {
    pub place: Option<(String, u32)>,
    pub message: String,
}

pub(crate) fn located(error: &(dyn std::error::Error + 'static)) -> Located {
    let text = error.to_string();
    let place = text.lines().find_map(|line| {
        let (rest, _column) = line.trim().strip_prefix("--> ")?.rsplit_once(':')?;
        let (path, line) = rest.rsplit_once(':')?;
        Some((path.to_owned(), line.parse().ok()?))
    });
    let message = text.lines().rev().find_map(|line| line.trim().strip_prefix("error: "));
    let message = message.map_or_else(|| text.split_whitespace().collect::<Vec<_>>().join(" "), str::to_owned);
    Located { place, message: message.trim_end_matches('.').to_owned() }
}

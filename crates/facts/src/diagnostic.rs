use crate::{ComponentRef, Evidence};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The user's material has a problem: a broken file, a module that calls itself. The audit goes on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// One of [`crate::CODES`], e.g. `D004`.
    pub code: &'static str,
    pub severity: Severity,
    /// Lower case, no full stop, the user's values in backticks.
    pub message: String,
    pub path: Arc<str>,
    /// Line from 1; 0 when the whole file is meant.
    pub line: u32,
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// Something that was seen and not understood: a value nobody can know from the files, a source that was not fetched.
/// It never counts as harmless and never disappears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// One of [`crate::CODES`], e.g. `U001`.
    pub code: &'static str,
    pub message: String,
    pub component: Option<ComponentRef>,
    pub evidence: Evidence,
}

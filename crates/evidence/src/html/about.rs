use super::escape::esc;
use crate::Audit;

/// How the analysis works, and what it does not claim.
pub fn about(audit: &Audit<'_>) -> String {
    TEXT.replace("{home}", &esc(&audit.home.names.join(", ")))
}

const TEXT: &str = include_str!("page/about.html");

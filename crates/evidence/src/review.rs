use crate::{Audit, Show};
use allod_facts::{Evidence, Severity};
use std::borrow::Cow;

/// One remark for a code review: a finding, a broken rule, something unresolved, or a diagnostic, at its line.
pub(crate) struct Remark<'a> {
    pub code: &'a str,
    pub severity: Severity,
    pub message: Cow<'a, str>,
    /// What it is about, without a line in it: kind and name of the part, or nothing.
    pub subject: [&'a str; 2],
    /// Relative to the audited root; `None` when it was seen in no file (a live look-up).
    pub path: Option<&'a str>,
    /// From 1; 0 when the whole file is meant.
    pub line: u32,
    pub end_line: u32,
}

/// Every remark, the gravest first; among findings of one severity those about what is to be fixed first come first:
/// a forge may show ten and no more.
pub(crate) fn remarks<'a>(audit: &'a Audit<'_>, show: Show) -> Vec<Remark<'a>> {
    let ranks = ranks(audit);
    let rank = |at: usize| ranks.get(at).copied().unwrap_or(usize::MAX);
    let mut findings = Vec::new();
    for finding in audit.findings.iter().filter(|_| !show.unresolved_only) {
        let Some(part) = audit.stack.parts.get(finding.part) else { continue };
        if show.only.is_some_and(|layer| part.layer != layer) {
            continue;
        }
        let seen = part.fact.evidence.iter().find(|seen| seen.line > 0).or(part.fact.evidence.first());
        let subject = [&*part.fact.kind, part.fact.name.as_str()];
        findings.push((
            rank(finding.part),
            remark(finding.code, finding.severity, audit.say(finding).into(), subject, seen),
        ));
    }
    findings.sort_by_key(|(rank, _)| *rank);
    let unresolved = audit.stack.unresolved.iter().map(|one| {
        let part = one.component.and_then(|at| audit.stack.parts.get(at as usize));
        let subject = part.map_or(["", ""], |part| [&*part.fact.kind, part.fact.name.as_str()]);
        remark(one.code, Severity::Note, one.message.as_str().into(), subject, Some(&one.evidence))
    });
    let diagnostics = audit.stack.diagnostics.iter().map(|one| Remark {
        code: one.code,
        severity: one.severity,
        message: one.message.as_str().into(),
        subject: ["", ""],
        path: Some(&one.path),
        line: one.line,
        end_line: one.line,
    });
    let mut all: Vec<Remark<'a>> =
        findings.into_iter().map(|(_, one)| one).chain(diagnostics).chain(unresolved).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.severity));
    all
}

/// For each part, the first priority that it belongs to.
fn ranks(audit: &Audit<'_>) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; audit.stack.parts.len()];
    for (rank, priority) in audit.priorities.iter().enumerate().rev() {
        for at in &priority.parts {
            if let Some(known) = ranks.get_mut(*at) {
                *known = rank;
            }
        }
    }
    ranks
}

pub(crate) fn remark<'a>(
    code: &'a str,
    severity: Severity,
    message: Cow<'a, str>,
    subject: [&'a str; 2],
    seen: Option<&'a Evidence>,
) -> Remark<'a> {
    let in_file = seen.filter(|seen| !is_look_up(seen));
    Remark {
        code,
        severity,
        message,
        subject,
        path: in_file.map(|seen| &*seen.path),
        line: in_file.map_or(0, |seen| seen.line),
        end_line: in_file.map_or(0, |seen| seen.end_line.max(seen.line)),
    }
}

/// The evidence of a live look-up is its question (`dns:clinic.lu NS`), without a line.
fn is_look_up(seen: &Evidence) -> bool {
    seen.line == 0 && seen.path.starts_with("dns:")
}

/// A path of evidence as seen from the folder that `folder`, the audited root, is relative to.
pub(crate) fn from_folder(folder: &str, path: &str) -> String {
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    match folder {
        "" | "." => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::from_folder;

    #[test]
    fn paths_of_a_repository() {
        let check = |folder: &str, path: &str, expect: &str| assert_eq!(from_folder(folder, path), expect);
        check(".", "main.tf", "main.tf");
        check("./", "main.tf", "main.tf");
        check("", "a/main.tf", "a/main.tf");
        check("./infra/", "main.tf", "infra/main.tf");
        check("infra/prod", "main.tf", "infra/prod/main.tf");
    }
}

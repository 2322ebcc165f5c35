use crate::json::Each;
use crate::review::{Remark, from_folder, remarks};
use crate::{Audit, Show};
use allod_facts::Severity;
use serde::Serialize;
use std::collections::HashMap;
use std::io::Write;

/// Writes findings, unresolved facts and diagnostics as a GitLab Code Quality report. `folder` is the audited root as
/// seen from the root of the repository.
/// Source: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.
///
/// # Errors
/// What writing gives.
pub fn gitlab(audit: &Audit<'_>, folder: &str, show: Show, out: &mut dyn Write) -> std::io::Result<()> {
    report(&remarks(audit, show), folder, out)
}

/// # Errors
/// What writing gives.
pub(crate) fn report(remarks: &[Remark<'_>], folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let fingerprints = fingerprints(remarks);
    let report =
        || remarks.iter().zip(&fingerprints).map(|(remark, fingerprint)| violation(remark, fingerprint, folder));
    serde_json::to_writer_pretty(&mut *out, &Each(report)).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Violation<'a> {
    description: &'a str,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

fn violation<'a>(remark: &'a Remark<'_>, fingerprint: &'a str, folder: &str) -> Violation<'a> {
    // GitLab asks for a path and a line: what was seen in no file is told at the audited root.
    let root = if folder.is_empty() { "." } else { folder };
    let path = remark.path.map_or_else(|| root.to_owned(), |path| from_folder(folder, path));
    Violation {
        description: &remark.message,
        check_name: remark.code,
        fingerprint,
        severity: match remark.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Note => "info",
        },
        location: Location { path, lines: Lines { begin: remark.line.max(1) } },
    }
}

/// What GitLab recognises a violation by from one report to the next: code, file and subject, without lines, so that
/// one that only moves is no new one. A subject that stands in a file several times is counted.
fn fingerprints(remarks: &[Remark<'_>]) -> Vec<String> {
    let mut seen: HashMap<u128, u32> = HashMap::new();
    let mut fingerprint = |remark: &Remark<'_>| {
        let [kind, name] = remark.subject;
        // A diagnostic has no subject, and its message may tell a line: the file and the code are what stays.
        let message = if remark.code.starts_with('U') && remark.code.len() == 4 { &*remark.message } else { "" };
        let hash = fnv1a(&[remark.code, remark.path.unwrap_or_default(), kind, name, message]);
        let count = seen.entry(hash).and_modify(|count| *count += 1).or_insert(0);
        match *count {
            0 => format!("{hash:032x}"),
            again => format!("{:032x}", fnv1a(&[&format!("{hash:032x}"), &again.to_string()])),
        }
    };
    remarks.iter().map(&mut fingerprint).collect()
}

/// FNV-1a of 128 bits over texts with their lengths. It tells violations of one report apart and guards nothing; the
/// standard library's hasher may differ from one release to the next.
/// Source of the constants: <https://datatracker.ietf.org/doc/html/rfc9923>.
fn fnv1a(texts: &[&str]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = OFFSET;
    for text in texts {
        for byte in (text.len() as u64).to_le_bytes().iter().chain(text.as_bytes()) {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark<'a>(code: &'static str, message: &'a str, name: &'a str, line: u32) -> Remark<'a> {
        let subject = ["host", name];
        Remark {
            code,
            severity: Severity::Error,
            message: message.into(),
            subject,
            path: Some("a.tf"),
            line,
            end_line: line,
        }
    }

    #[test]
    fn fingerprints_stay_when_lines_move_and_differ_otherwise() {
        let of = |remarks: &[Remark<'_>]| fingerprints(remarks);
        let first = of(&[remark("F001", "x", "a", 1), remark("F001", "x", "a", 2), remark("F001", "x", "b", 3)]);
        let moved = of(&[remark("F001", "x", "a", 11), remark("F001", "x", "a", 12), remark("F001", "x", "b", 13)]);
        assert_eq!(first, moved);
        let different: std::collections::BTreeSet<&String> = first.iter().collect();
        assert_eq!(different.len(), 3, "{first:?}");
        assert_ne!(of(&[remark("U001", "x", "a", 1)]), of(&[remark("U001", "y", "a", 1)]));
        assert_eq!(of(&[remark("D004", "line 1", "", 1)]), of(&[remark("D004", "line 2", "", 2)]));
    }

    /// The hash must never change: GitLab would take every violation for a new one.
    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(&[]), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(&["F001", "a.tf"]), 0xe2f5_f85f_2c68_823a_ccba_e381_16d5_d35d);
        assert_ne!(fnv1a(&["ab", "c"]), fnv1a(&["a", "bc"]));
    }
}

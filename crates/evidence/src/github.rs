use crate::review::{Remark, from_folder, remarks};
use crate::{Audit, Show};
use allod_facts::{Severity, code};
use std::io::Write;

/// Writes findings, unresolved facts and diagnostics as workflow commands, which GitHub Actions shows as annotations of
/// a change. `folder` is the audited root as seen from the root of the repository.
///
/// Source of the commands: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>; of
/// their escapes: `packages/core/src/command.ts` of <https://github.com/actions/toolkit>. GitHub shows ten errors, ten
/// warnings and ten notices of a step; the log has all.
///
/// # Errors
/// What writing gives.
pub fn github(audit: &Audit<'_>, folder: &str, show: Show, out: &mut dyn Write) -> std::io::Result<()> {
    commands(&remarks(audit, show), folder, out)
}

/// # Errors
/// What writing gives.
pub(crate) fn commands(remarks: &[Remark<'_>], folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    remarks.iter().try_for_each(|remark| command(remark, folder, out))
}

fn command(remark: &Remark<'_>, folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let name = match remark.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    write!(out, "::{name} ")?;
    if let Some(path) = remark.path {
        write!(out, "file={},", property(&from_folder(folder, path)))?;
        if remark.line > 0 {
            write!(out, "line={},endLine={},", remark.line, remark.end_line)?;
        }
    }
    let title = code(remark.code).map_or(String::new(), |code| format!(" {}", code.name));
    writeln!(out, "title={}{}::{}", property(remark.code), property(&title), data(&remark.message))
}

/// Escapes the message of a command. One pass: an escape is not escaped again.
fn data(text: &str) -> String {
    escaped(text, &[])
}

/// Escapes the value of a property, where `:` and `,` would end it.
fn property(text: &str) -> String {
    escaped(text, &[':', ','])
}

fn escaped(text: &str, more: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        if matches!(one, '%' | '\r' | '\n') || more.contains(&one) {
            out.push_str(&format!("%{:02X}", u32::from(one)));
        } else {
            out.push(one);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(data("50%, a:b\r\n::error::x%0A"), "50%25, a:b%0D%0A::error::x%250A");
        assert_eq!(property("a,b: 1%\n"), "a%2Cb%3A 1%25%0A");
    }
}

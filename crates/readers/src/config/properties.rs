//! Java properties: `key=value`, `key: value`, continuation lines, comments.

/// Entries as key, value, line and whether a default stood in (never here).
pub(super) fn parse(text: &str) -> Vec<(String, Option<String>, u32, bool)> {
    let mut entries = Vec::new();
    let mut lines = (1_u32..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while let Some(open) = whole.strip_suffix('\\').map(str::len) {
            whole.truncate(open);
            match lines.next() {
                Some((_, next)) if whole.len() < MAX_LINE_BYTES => whole.push_str(next.trim_start()),
                _ => break,
            }
        }
        let end = whole.find(['=', ':']).unwrap_or(whole.len());
        let key = whole.get(..end).unwrap_or_default().trim();
        let value = whole.get(end + 1..).unwrap_or_default().trim();
        if !key.is_empty() {
            entries.push((key.to_owned(), Some(value.to_owned()), number, false));
        }
    }
    entries
}

/// The longest entry that is put together from continuation lines.
const MAX_LINE_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties() {
        let shown: Vec<String> = parse("# c\na.b=https://x\nc: d \\\n  e\n\nf\n")
            .into_iter()
            .map(|(key, value, line, _)| format!("{line} {key}={}", value.unwrap()))
            .collect();
        assert_eq!(shown, ["2 a.b=https://x", "3 c=d e", "6 f="]);
    }
}

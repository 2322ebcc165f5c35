//! Environment files: `KEY=value` lines with the quoting that Compose and the dotenv libraries share.

use crate::node::Broken;
use crate::variables::{Known, Syntax, expand};
use std::collections::HashMap;

/// One entry of an environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub key: String,
    /// `None`: the key stands alone and takes its value from outside.
    pub value: Option<String>,
    pub line: u32,
    /// Whether a default stood in for a variable.
    pub defaulted: bool,
}

/// Reads an environment file. Lines that are no entries are left out.
pub(crate) fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut known: HashMap<String, String> = HashMap::new();
    let mut lines = (1_u32..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value)),
            None => (line.trim(), None),
        };
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
            continue;
        }
        let Some(value) = value else {
            entries.push(Entry { key: key.to_owned(), value: None, line: number, defaulted: false });
            continue;
        };
        let (value, literal) = unquote(value.trim_start(), &mut lines);
        let (value, defaulted) = if literal {
            (value, false)
        } else {
            let expanded = expand(&value, Syntax::Shell, &|name| {
                known.get(name).map(|value| Known { value: value.clone(), ..Known::default() })
            });
            (expanded.text, expanded.defaulted)
        };
        if value.len() <= MAX_USED_BYTES {
            known.insert(key.to_owned(), value.clone());
        }
        entries.push(Entry { key: key.to_owned(), value: Some(value), line: number, defaulted });
    }
    entries
}

/// An environment file as plain JSON: a map of texts.
///
/// # Errors
/// A line that is no entry, and a key without a value: that one comes from outside, and nobody knows it.
pub fn plain(text: &str) -> Result<serde_json::Value, Broken> {
    let mut fields = serde_json::Map::new();
    let entries = parse(text);
    let mut seen = entries.iter().peekable();
    let mut until = 0;
    for (number, line) in (1_u32..).zip(text.lines()) {
        if seen.peek().is_some_and(|entry| entry.line == number) {
            let value = seen.next().and_then(|entry| entry.value.as_ref());
            until = number + value.map_or(0, |value| value.matches('\n').count() as u32);
            continue;
        }
        let line = line.trim();
        if number > until && !line.is_empty() && !line.starts_with('#') {
            return Err(Broken { code: "D004", message: format!("`{line}` is no `KEY=value`"), line: number });
        }
    }
    for Entry { key, value, line, .. } in entries {
        let Some(value) = value else {
            return Err(Broken { code: "D004", message: format!("`{key}` has no value"), line });
        };
        fields.insert(key, value.into());
    }
    Ok(serde_json::Value::Object(fields))
}

/// The value without quotes and comment, and whether it is taken literally. A quoted value may go on over lines.
fn unquote<'a>(value: &str, lines: &mut impl Iterator<Item = (u32, &'a str)>) -> (String, bool) {
    let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'' | '`')) else {
        let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
        return (value.get(..end).unwrap_or(value).trim_end().to_owned(), false);
    };
    let mut out = String::new();
    let mut rest = value.get(1..).unwrap_or_default();
    for _ in 0..MAX_QUOTED_LINES {
        if let Some(end) = rest.find(quote) {
            out.push_str(rest.get(..end).unwrap_or_default());
            return (out, quote == '\'');
        }
        out.push_str(rest);
        match lines.next() {
            Some((_, line)) => {
                out.push('\n');
                rest = line;
            }
            None => break,
        }
    }
    (out, quote == '\'')
}

/// A longer value is not put into others: references that double each other grow without end.
const MAX_USED_BYTES: usize = 1024;

/// Lines of one quoted value (a key in PEM has about 60).
const MAX_QUOTED_LINES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_all_or_nothing() {
        let text = "# c\nA=1\nexport B=\"x\ny\"\n\nC=$A\n";
        assert_eq!(plain(text).unwrap(), serde_json::json!({"A": "1", "B": "x\ny", "C": "1"}));
        assert_eq!(plain("A=1\nno entry\n").unwrap_err().line, 2);
        assert_eq!(plain("A=1\nB\n").unwrap_err().line, 2);
    }

    #[test]
    fn entries_of_an_environment_file() {
        let text = "# c\nA=one\nexport B = 'two $A' # x\nC=\"${A}-${D:-three}\"\n\nE\nF=a#b #c\nG=\"x\ny\"\nH=end\n not an entry\n";
        let shown: Vec<String> = parse(text)
            .into_iter()
            .map(|entry| format!("{} {}={}", entry.line, entry.key, entry.value.unwrap_or("-".into())))
            .collect();
        assert_eq!(shown, ["2 A=one", "3 B=two $A", "4 C=one-three", "6 E=-", "7 F=a#b", "8 G=x\ny", "10 H=end"]);
    }
}

use allod_facts::Country;
use std::fmt::Write as _;

/// A string literal of Cedar.
/// Source of the escapes: <https://docs.cedarpolicy.com/policies/syntax-grammar.html>, seen 2026-11-24.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out
}

/// A set literal. Cedar's analysis takes no empty one: it is never asked for one.
pub(super) fn set<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

pub(super) fn countries(countries: &[Country]) -> String {
    set(countries.iter().map(Country::code))
}

/// Pieces of which one has to hold.
pub(super) fn any(pieces: Vec<String>) -> String {
    join(pieces, " || ")
}

/// Pieces that all have to hold.
pub(super) fn all(pieces: Vec<String>) -> String {
    join(pieces, " && ")
}

fn join(mut pieces: Vec<String>, with: &str) -> String {
    match pieces.len() {
        1 => pieces.pop().unwrap_or_default(),
        _ => format!("({})", pieces.join(with)),
    }
}

/// `resource.x like "..."` of a pattern of names: `*` is any letters in both.
pub(super) fn like(attribute: &str, pattern: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for letter in pattern.chars() {
        // Several stars are one.
        if letter == '*' && before == '*' {
            continue;
        }
        before = letter;
        match letter {
            '*' => out.push('*'),
            letter => out.push_str(&escaped(&letter.to_string())),
        }
    }
    if pattern.contains('*') {
        format!("resource.{attribute} like \"{out}\"")
    } else {
        format!("resource.{attribute} == \"{out}\"")
    }
}

/// The lines of the words `permit` and `forbid` that begin the policies of a text, in its order.
pub(super) fn lines_of_policies(text: &str) -> Vec<u32> {
    let mut lines = Vec::new();
    let (mut line, mut begun, mut word) = (1, false, String::new());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() || matches!(letter, '_' | '@') {
            word.push(letter);
            continue;
        }
        if !begun && matches!(word.as_str(), "permit" | "forbid") {
            lines.push(line);
            begun = true;
        }
        word.clear();
        match letter {
            '\n' => line += 1,
            ';' => begun = false,
            // To the end of the line, which is counted next.
            '/' if letters.peek() == Some(&'/') => while letters.next_if(|next| *next != '\n').is_some() {},
            '"' => {
                while let Some(next) = letters.next() {
                    match next {
                        '\\' => drop(letters.next()),
                        '\n' => line += 1,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    lines
}

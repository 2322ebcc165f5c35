//! Variables in texts: `$NAME`, `${NAME}`, `${NAME:-default}` and its neighbours, nested.
//!
//! A variable that nobody sets stays in the text as it was written, so that no reader mistakes it for a value.

use crate::limits::{MAX_TEXT_BYTES, MAX_VARIABLE_DEPTH};
use allod_facts::{Confidence, Evidence};

/// A text with its variables replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    pub text: String,
    /// The lines that set the variables that were used.
    pub seen: Vec<Evidence>,
    /// Variables that nobody sets; they still stand in the text.
    pub missing: Vec<String>,
    /// Whether a default stood in for a value.
    pub defaulted: bool,
}

/// What a variable is set to, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub value: String,
    pub seen: Option<Evidence>,
    /// Whether the value is a default that something outside can replace (`ARG NAME=value`).
    pub default: bool,
}

/// How variables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// As shells, Compose and Dockerfiles do.
    Shell,
    /// As Spring and many configuration formats do: `${NAME:default}` is a default too, names have dots, and only
    /// braces make a variable.
    Braced,
}

pub(crate) type Lookup<'a> = dyn Fn(&str) -> Option<Known> + 'a;

/// Replaces the variables of a text.
pub(crate) fn expand(text: &str, syntax: Syntax, lookup: &Lookup<'_>) -> Expanded {
    let mut out = Expanded::default();
    if text.contains('$') {
        write(text, syntax, lookup, &mut out, 0);
    } else {
        text.clone_into(&mut out.text);
    }
    out
}

impl Expanded {
    pub(crate) fn confidence(&self) -> Confidence {
        if self.defaulted { Confidence::Medium } else { Confidence::High }
    }
}

fn write(text: &str, syntax: Syntax, lookup: &Lookup<'_>, out: &mut Expanded, depth: usize) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.text.push_str(before);
        if depth >= MAX_VARIABLE_DEPTH || out.text.len() > MAX_TEXT_BYTES {
            out.text.push('$');
            out.text.push_str(after.get(..after.len().min(MAX_TEXT_BYTES)).unwrap_or_default());
            return;
        }
        if let Some(after) = after.strip_prefix('$') {
            out.text.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('{') {
            match split_at_brace(inner) {
                // `${{ ... }}` is another language's.
                Some((body, tail)) if !body.starts_with('{') => {
                    braced(body, syntax, lookup, out, depth);
                    rest = tail;
                }
                Some((body, tail)) => {
                    out.text.push_str("${");
                    out.text.push_str(body);
                    out.text.push('}');
                    rest = tail;
                }
                // Nothing closes it: what follows is no variable either.
                None => {
                    out.text.push_str("${");
                    rest = "";
                    out.text.push_str(inner);
                }
            }
        } else {
            let end = name_length(after, Syntax::Shell);
            match after.split_at_checked(end) {
                Some((name, tail)) if end > 0 && syntax == Syntax::Shell => {
                    variable(name, &format!("${name}"), lookup, out);
                    rest = tail;
                }
                _ => {
                    out.text.push('$');
                    rest = after;
                }
            }
        }
    }
    out.text.push_str(rest);
}

/// Splits the text behind `${` at the brace that closes it.
fn split_at_brace(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate().take(MAX_TEXT_BYTES) {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn name_length(text: &str, syntax: Syntax) -> usize {
    let inside =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (syntax == Syntax::Braced && b".-".contains(&byte));
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if starts { text.bytes().take_while(|byte| inside(*byte)).count() } else { 0 }
}

fn braced(body: &str, syntax: Syntax, lookup: &Lookup<'_>, out: &mut Expanded, depth: usize) {
    // The OpenTelemetry Collector and others name the source of the value first.
    let body = body.strip_prefix("env:").unwrap_or(body);
    let (name, operation) = body.split_at_checked(name_length(body, syntax)).unwrap_or((body, ""));
    let raw = format!("${{{body}}}");
    let known = lookup(name);
    let full = known.as_ref().is_some_and(|known| !known.value.is_empty());
    let take = |known: Option<Known>, out: &mut Expanded| match known {
        Some(known) => use_known(known, out),
        None => miss(name, &raw, out),
    };
    let default = |word: &str, out: &mut Expanded| {
        out.defaulted = true;
        write(word, syntax, lookup, out, depth + 1);
    };
    if name.is_empty() {
        out.text.push_str(&raw);
    } else if let Some(word) = operation.strip_prefix(":-") {
        if full { take(known, out) } else { default(word, out) }
    } else if let Some(word) = operation.strip_prefix('-') {
        if known.is_some() { take(known, out) } else { default(word, out) }
    } else if let Some(word) = operation.strip_prefix(":+") {
        if full {
            write(word, syntax, lookup, out, depth + 1)
        }
    } else if let Some(word) = operation.strip_prefix('+') {
        if known.is_some() {
            write(word, syntax, lookup, out, depth + 1)
        }
    } else if operation.starts_with(":?") || operation.starts_with('?') || operation.is_empty() {
        take(known, out);
    } else if let (Some(word), Syntax::Braced) = (operation.strip_prefix(':'), syntax) {
        if full { take(known, out) } else { default(word, out) }
    } else {
        // A substring, a replacement: the value is there, what becomes of it is not known.
        miss(name, &raw, out);
    }
}

fn variable(name: &str, raw: &str, lookup: &Lookup<'_>, out: &mut Expanded) {
    match lookup(name) {
        Some(known) => use_known(known, out),
        None => miss(name, raw, out),
    }
}

fn use_known(known: Known, out: &mut Expanded) {
    out.text.push_str(&known.value);
    out.seen.extend(known.seen);
    out.defaulted |= known.default;
}

fn miss(name: &str, raw: &str, out: &mut Expanded) {
    out.text.push_str(raw);
    if !out.missing.iter().any(|known| known == name) {
        out.missing.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Expanded {
        expand(text, Syntax::Shell, &|name| {
            let value = match name {
                "A" => "one",
                "EMPTY" => "",
                _ => return None,
            };
            Some(Known { value: value.into(), ..Known::default() })
        })
    }

    #[test]
    fn shell_variables() {
        let check = |text: &str, expect: &str| assert_eq!(shell(text).text, expect, "{text}");
        check("plain", "plain");
        check("$A-${A}", "one-one");
        check("$$A", "$A");
        check("${B:-two}", "two");
        check("${EMPTY:-two}", "two");
        check("${EMPTY-two}", "");
        check("${A:+yes}${B:+no}", "yes");
        check("${B:-${C:-https://three/${A}}}", "https://three/one");
        check("${A:?must be set}", "one");
        check("$UNSET and ${UNSET}", "$UNSET and ${UNSET}");
        check("${unclosed", "${unclosed");
        check("cost: 5$", "cost: 5$");
        check("${{ secrets.A }}", "${{ secrets.A }}");
    }

    #[test]
    fn defaults_and_missing_ones_are_told() {
        assert!(shell("${B:-x}").defaulted);
        assert!(!shell("${A:-x}").defaulted);
        assert_eq!(shell("${B}$B${C:?no}").missing, ["B", "C"]);
    }

    #[test]
    fn braced_variables_have_defaults_behind_a_colon() {
        let text = expand("${api.host:https://a:1/x} $HOME ${env:K:-v}", Syntax::Braced, &|_| None);
        assert_eq!(text.text, "https://a:1/x $HOME v");
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = format!("{}x{}", "${A1:-".repeat(50_000), "}".repeat(50_000));
        assert!(expand(&deep, Syntax::Shell, &|_| None).text.len() <= deep.len());
    }
}

//! YAML as conftest reads it: the scalars of YAML 1.1 (`yes`, `0755`), keys as texts, and documents that are split at
//! lines of `---` before anything is parsed.
//!
//! Source: conftest `parser/yaml/yaml.go`; `sigs.k8s.io/yaml`; go-yaml v2 `resolve.go`.

use super::{split, value};
use allod_readers::node::{Broken, Node, Scalar, Value as Tree, parse_yaml};
use regorus::Value;

/// The values of a text. A document that conftest would drop without a word (behind a separator that its split does not
/// see) counts here.
pub(super) fn parts(text: &str) -> Result<Vec<Value>, Broken> {
    let pieces = pieces(text);
    let several = pieces.len() > 1;
    let mut parts = Vec::new();
    let mut first_line = 0;
    for piece in pieces {
        let (mut documents, broken) = parse_yaml(piece);
        if let Some(broken) = broken {
            return Err(Broken { line: broken.line + first_line, ..broken });
        }
        if let Some(last) = documents.last_mut().filter(|_| !piece.ends_with('\n')) {
            end_without_newline(last, piece);
        }
        let located = |broken: Broken| Broken { line: broken.line + first_line, ..broken };
        let values: Result<Vec<Value>, Broken> =
            documents.iter().map(|document| value::of_node(document, &resolve)).collect();
        let mut values = values.map_err(located)?;
        match values.len() {
            0 => parts.push(Value::Null),
            // The only document may be a list; one of several is what it is.
            1 if !several => parts.extend(values.pop().into_iter().flat_map(split)),
            _ => parts.append(&mut values),
        }
        first_line += piece.bytes().filter(|byte| *byte == b'\n').count() as u32 + 2;
    }
    Ok(parts)
}

/// A block scalar that ends with the text ends without a newline there, as in go-yaml (and the split takes the newline
/// in front of a separator).
fn end_without_newline(node: &mut Node, piece: &str) {
    let mut last = node;
    loop {
        last = match &mut last.value {
            Tree::Seq(items) => match items.last_mut() {
                Some(item) => item,
                None => return,
            },
            // What a merge key brings stands behind, and comes from further up.
            Tree::Map(entries) => match entries.iter_mut().max_by_key(|(_, value)| value.end_line) {
                Some((_, value)) => value,
                None => return,
            },
            Tree::Scalar(scalar) => {
                let line = piece.lines().last().unwrap_or_default().trim_start();
                if let Some(text) = scalar.text.strip_suffix('\n').filter(|text| scalar.quoted && text.ends_with(line))
                {
                    scalar.text = text.to_owned();
                }
                return;
            }
            Tree::Null => return,
        };
    }
}

/// The text between lines that are exactly `---`. A text that begins with a directive keeps it with its first document.
fn pieces(text: &str) -> Vec<&str> {
    let separator = if text.contains("\r\n") { "\r\n---\r\n" } else { "\n---\n" };
    let pieces: Vec<&str> = text.split(separator).collect();
    let Some(second) = text.starts_with('%').then(|| pieces.get(1)).flatten() else { return pieces };
    let first = text.get(..pieces.first().map_or(0, |first| first.len()) + separator.len() + second.len());
    first.into_iter().chain(pieces.iter().skip(2).copied()).collect()
}

/// A plain scalar by the rules of YAML 1.1 as go-yaml v2 has them. Times stay texts.
fn resolve(scalar: &Scalar, line: u32) -> Result<Value, Broken> {
    let text = scalar.text.as_str();
    Ok(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::from(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::from(false),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => {
            return Err(value::no_number(text, line));
        }
        _ => number(text).unwrap_or_else(|| Value::from(text)),
    })
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    let plain: String = text.chars().filter(|letter| *letter != '_').collect();
    if let Some(whole) = integer(&plain) {
        return Some(whole);
    }
    is_float(&plain).then(|| value::number(plain.trim_start_matches('+'))).flatten()
}

/// Go's `ParseInt` and `ParseUint` with base 0: `0x`, `0o`, `0b`, and a leading 0 for octal.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = u64::from_str_radix(digits, base).ok()?;
    if !negative {
        return Some(Value::from(number));
    }
    let number = i128::from(number).checked_neg()?;
    i64::try_from(number).ok().map(Value::from)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(left, right)| (left, Some(right)));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

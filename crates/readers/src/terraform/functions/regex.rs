//! `regex`, `regexall` and `replace` with a pattern: the RE2 syntax, as far as configurations use it.
//!
//! Patterns run as a set of threads over the text (as Pike's virtual machine), so that no pattern takes more than text
//! times pattern steps. What is not understood (`\p{..}`, flags inside) makes the value unknown.

mod machine;
mod pattern;

use super::{done, text_at};
use crate::limits::MAX_TEXT_BYTES;
use crate::terraform::eval::failed;
use crate::terraform::value::Value;
use machine::{Found, find};
use pattern::{Program, compile};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) fn call(name: &str, args: &[Value]) -> Option<Value> {
    if !matches!(name, "regex" | "regexall") {
        return None;
    }
    let Some((pattern, text)) = text_at(args, 0).zip(text_at(args, 1)) else { return done(None) };
    let Some(program) = compile(&pattern) else { return Some(not_understood()) };
    let Some(found) = all(&program, &text, if name == "regex" { 1 } else { usize::MAX }) else {
        return Some(not_understood());
    };
    let mut values = found.iter().map(|found| captured(&program, found, &text));
    Some(match name {
        "regex" => values.next().unwrap_or_else(|| failed("a pattern does not match")),
        _ => Value::list(values.collect()),
    })
}

/// `replace(text, "/pattern/", with)`: `$1` and `${name}` stand for groups.
pub(super) fn replace(text: &str, pattern: &str, with: &str) -> Option<Value> {
    let Some(program) = compile(pattern) else { return Some(not_understood()) };
    let Some(found) = all(&program, text, usize::MAX) else { return Some(not_understood()) };
    let mut out = String::new();
    let mut after = 0;
    for found in found {
        let (start, end) = found.group(0)?;
        out.push_str(text.get(after..start)?);
        expand(&program, &found, text, with, &mut out);
        after = end;
        if out.len() > MAX_TEXT_BYTES {
            break;
        }
    }
    out.push_str(text.get(after..)?);
    Some(Value::text(&out))
}

fn not_understood() -> Value {
    Value::unknown("U002", "a pattern is not evaluated".to_owned())
}

fn all(program: &Program, text: &str, most: usize) -> Option<Vec<Found>> {
    let mut found: Vec<Found> = Vec::new();
    let mut from = 0;
    while found.len() < most && from <= text.len() {
        let Some(next) = find(program, text, from)? else { break };
        let (start, end) = next.group(0)?;
        // An empty match moves on by one letter, so that it ends.
        from = if end > start { end } else { end + text.get(end..)?.chars().next().map_or(1, char::len_utf8) };
        found.push(next);
    }
    Some(found)
}

/// The whole match, or its groups: as a list, or by name.
fn captured(program: &Program, found: &Found, text: &str) -> Value {
    let part = |group: usize| match found.group(group).and_then(|(start, end)| text.get(start..end)) {
        Some(part) => Value::text(part),
        None => Value::null(),
    };
    if program.groups == 0 {
        return part(0);
    }
    if program.names.is_empty() {
        return Value::list((1..=program.groups).map(part).collect());
    }
    let field = |(name, group): (&String, &usize)| (Rc::from(name.as_str()), part(*group));
    Value::object(program.names.iter().map(field).collect::<BTreeMap<_, _>>())
}

fn expand(program: &Program, found: &Found, text: &str, with: &str, out: &mut String) {
    let mut rest = with;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, next) = match after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            Some((name, next)) => (name, next),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at_checked(end).unwrap_or((after, ""))
            }
        };
        let group = name.parse().ok().or_else(|| program.names.get(name).copied());
        let part = group.and_then(|group| found.group(group)).and_then(|(start, end)| text.get(start..end));
        out.push_str(part.unwrap_or(""));
        rest = next;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, text: &str, expect: &[&str]| {
            let program = compile(pattern).unwrap_or_else(|| panic!("{pattern}"));
            let found = all(&program, text, usize::MAX).unwrap();
            let parts: Vec<&str> =
                found.iter().map(|f| f.group(0).and_then(|(a, b)| text.get(a..b)).unwrap()).collect();
            assert_eq!(parts, expect, "{pattern}");
        };
        check("a+", "caaat a", &["aaa", "a"]);
        check("a+?", "aaa", &["a", "a", "a"]);
        check("[a-c_]+|x", "abx-_", &["ab", "x", "_"]);
        check("^\\d{2,3}$", "123", &["123"]);
        check("^\\d{2,3}$", "1234", &[]);
        check("(?:foo|fo)o?", "fooo", &["fooo"]);
        check("[^/]+$", "a/b/c", &["c"]);
        check("(?i)ABC", "xabc", &["abc"]);
        check("\\bcat\\b", "cat concat", &["cat"]);
        check("é.", "éa", &["éa"]);
        check("x*", "ab", &["", "", ""]);
    }

    #[test]
    fn what_is_not_understood_is_no_pattern() {
        for pattern in ["(", "[a", "a{2", "*a", "\\p{L}", "a{5000}", ")", "(?P<n", "(?<=a)b"] {
            assert!(compile(pattern).is_none(), "{pattern}");
        }
        assert!(compile(&"(".repeat(5_000)).is_none());
        assert!(compile("((((a{30}){30}){30}){30})").is_none());
    }

    #[test]
    fn hard_patterns_end() {
        let program = compile("(a*)*b").unwrap();
        assert!(find(&program, &"a".repeat(5_000), 0).unwrap().is_none());
    }
}

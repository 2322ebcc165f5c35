//! `regex`, `regexall` and `replace` with a pattern. Terraform's syntax is RE2's, which the `regex` crate shares; both
//! take time linear in the text whatever the pattern.

use super::{done, text_at};
use crate::limits::{MAX_PATTERN_BYTES, MAX_TEXT_BYTES};
use crate::terraform::eval::failed;
use crate::terraform::value::Value;
use regex::{Captures, Regex, RegexBuilder};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) fn call(name: &str, args: &[Value]) -> Option<Value> {
    if !matches!(name, "regex" | "regexall") {
        return None;
    }
    let Some((pattern, text)) = text_at(args, 0).zip(text_at(args, 1)) else { return done(None) };
    let Some(regex) = compile(&pattern) else { return Some(not_understood()) };
    let most = if name == "regex" { 1 } else { usize::MAX };
    let mut values = regex.captures_iter(&text).take(most).map(|found| captured(&regex, &found));
    Some(match name {
        "regex" => values.next().unwrap_or_else(|| failed("a pattern does not match")),
        _ => Value::list(values.collect()),
    })
}

/// `replace(text, "/pattern/", with)`: `$1` and `${name}` stand for groups.
pub(super) fn replace(text: &str, pattern: &str, with: &str) -> Option<Value> {
    let Some(regex) = compile(pattern) else { return Some(not_understood()) };
    let mut out = String::new();
    let mut after = 0;
    for found in regex.captures_iter(text) {
        let whole = found.get(0)?;
        out.push_str(text.get(after..whole.start())?);
        found.expand(with, &mut out);
        after = whole.end();
        if out.len() > MAX_TEXT_BYTES {
            break;
        }
    }
    out.push_str(text.get(after..)?);
    Some(Value::text(&out))
}

fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().ok()
}

fn not_understood() -> Value {
    Value::unknown("U002", "a pattern is not evaluated".to_owned())
}

/// The whole match, or its groups: as a list, or by name.
fn captured(regex: &Regex, found: &Captures<'_>) -> Value {
    let part = |group: usize| found.get(group).map_or_else(Value::null, |part| Value::text(part.as_str()));
    let groups = regex.captures_len() - 1;
    if groups == 0 {
        return part(0);
    }
    let names: BTreeMap<Rc<str>, Value> =
        regex.capture_names().enumerate().filter_map(|(group, name)| Some((Rc::from(name?), part(group)))).collect();
    if names.is_empty() { Value::list((1..=groups).map(part).collect()) } else { Value::object(names) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::value::{Data, equal};

    #[test]
    fn patterns_replace_with_groups() {
        let check = |text: &str, pattern: &str, with: &str, expect: &str| {
            assert!(equal(&replace(text, pattern, with).unwrap(), &Value::text(expect)) == Some(true), "{pattern}");
        };
        check("caaat", "a+", "o", "cot");
        check("a-b", "(\\w)-(?P<last>\\w)", "${last}-$1", "b-a");
        check("éa", "é.", "x", "x");
    }

    #[test]
    fn what_is_not_understood_is_unknown() {
        for pattern in ["(", "[a", "*a", "(?<=a)b", "((((a{30}){30}){30}){30})"] {
            assert!(matches!(replace("a", pattern, "").unwrap().data, Data::Unknown(_)), "{pattern}");
        }
    }
}

use allod_facts::Evidence;

/// The value of a variable and the line that sets it. Hosts are taken from it; the value itself is never kept.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub text: String,
    pub seen: Evidence,
}

/// A text with its variables put in.
#[derive(Clone, Debug, Default)]
pub(super) struct Expanded {
    pub text: String,
    /// The lines that set the variables.
    pub seen: Vec<Evidence>,
    /// Whether a default in the text itself decided.
    pub by_default: bool,
    /// The first variable that no file sets.
    pub missing: Option<String>,
}

/// Defaults inside defaults.
const MAX_NESTED: usize = 4;

/// Expands `${env:NAME:-default}`, `${NAME:-default}`, `${NAME:default}`, `${NAME}` and `$NAME`. What no file sets stays as
/// it is written.
pub(super) fn expand(text: &str, set: &dyn Fn(&str) -> Option<Value>) -> Expanded {
    let mut out = Expanded::default();
    expand_into(text, set, &mut out, 0);
    out
}

fn expand_into(text: &str, set: &dyn Fn(&str) -> Option<Value>, out: &mut Expanded, depth: usize) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.text.push('$');
            rest = after;
        } else if let Some((inner, behind)) = after.strip_prefix('{').and_then(braces) {
            variable(inner, set, out, depth);
            rest = behind;
        } else {
            let name: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
            if is_name {
                variable(&name, set, out, depth);
                rest = after.get(name.len()..).unwrap_or("");
            } else {
                out.text.push('$');
                rest = after;
            }
        }
    }
    out.text.push_str(rest);
}

/// The text up to the brace that closes, and what is behind it.
fn braces(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn variable(inner: &str, set: &dyn Fn(&str) -> Option<Value>, out: &mut Expanded, depth: usize) {
    let name_and_default = inner.strip_prefix("env:").unwrap_or(inner);
    let end = name_and_default.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name_and_default.len());
    let (name, rest) = name_and_default.split_at_checked(end).unwrap_or((name_and_default, ""));
    if let Some(value) = set(name) {
        out.text.push_str(&value.text);
        out.seen.push(value.seen);
        return;
    }
    let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')).or_else(|| {
        // `${NAME:default}` of Beats; `${file:path}` is no default.
        rest.strip_prefix(':')
            .filter(|_| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
    });
    match default.filter(|default| !default.is_empty() && !default.starts_with('?')) {
        Some(default) if depth < MAX_NESTED => {
            out.by_default = true;
            expand_into(default, set, out, depth + 1);
        }
        _ => {
            out.missing.get_or_insert_with(|| name.to_owned());
            out.text.push_str(&format!("${{{name}}}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_defaults() {
        let check = |text: &str, expect: &str, by_default: bool, missing: Option<&str>| {
            let set = |name: &str| {
                (name == "SET")
                    .then(|| Value { text: "here".into(), seen: Evidence::line(&"e".into(), 1, "telemetry") })
            };
            let out = expand(text, &set);
            assert_eq!(
                (out.text.as_str(), out.by_default, out.missing.as_deref()),
                (expect, by_default, missing),
                "{text}"
            );
        };
        check("${env:X:-https://a.net}", "https://a.net", true, None);
        check("${X:-a}/b", "a/b", true, None);
        check("${X:a.net}", "a.net", true, None);
        check("${X:-${Y:-z}}", "z", true, None);
        check("${env:SET:-other}", "here", false, None);
        check("$SET-x", "here-x", false, None);
        check("${X}", "${X}", false, Some("X"));
        check("${file:/x}", "${file}", false, Some("file"));
        check("a$$b", "a$b", false, None);
        check("${unclosed", "${unclosed", false, None);
    }
}

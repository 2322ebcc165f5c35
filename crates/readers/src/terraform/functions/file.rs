use super::text_at;
use crate::files::join;
use crate::limits::{MAX_INSTANCES, MAX_TEXT_BYTES};
use crate::terraform::eval::{Binding, Evaluator, Scope, failed, unknown_of};
use crate::terraform::parse::parse_template;
use crate::terraform::value::Value;

/// Functions that look at files of the tree. A path is relative to the root module, as Terraform is run there.
pub(super) fn call<'t>(eval: &Evaluator<'t>, name: &str, args: &[Value], scope: Scope<'_, 't>) -> Option<Value> {
    if !matches!(name, "file" | "fileexists" | "fileset" | "filebase64" | "templatefile" | "templatestring") {
        return None;
    }
    let first = args.first()?;
    let Some(path) = text_at(args, 0) else {
        return Some(unknown_of(first, "a path is no text"));
    };
    if name == "templatestring" {
        return Some(template(eval, &path, args.get(1), scope));
    }
    let Some(found) = resolve(&path, scope) else {
        return Some(Value::unknown("U002", "a file lies outside the tree".to_owned()));
    };
    let missing = || failed(&format!("`{found}` is not in the tree"));
    Some(match name {
        // A file may be made before the run; that it is not there now is not known to last.
        "fileexists" if eval.files.get(&found).is_some() => Value::bool(true),
        "fileexists" => Value::bool(false),
        "fileset" => fileset(eval, &found, &text_at(args, 1)?),
        _ => match eval.files.text(&found) {
            None => missing(),
            Some(Err(_)) => Value::unknown("U002", format!("`{found}` is no text")),
            Some(Ok(text)) if text.len() > MAX_TEXT_BYTES => Value::unknown("U002", format!("`{found}` is too large")),
            Some(Ok(text)) => match name {
                "templatefile" => template(eval, &text, args.get(1), scope),
                "file" => Value::text(&text),
                _ => super::encoding::call("base64encode", &[Value::text(&text)])?,
            },
        },
    })
}

/// A path as of this evaluation (see `path.module`: `/` is the root of the tree) as a path of the tree.
fn resolve(path: &str, scope: Scope<'_, '_>) -> Option<String> {
    match path.strip_prefix('/') {
        Some(inside) => join("", inside.trim_start_matches('/')),
        None => join(scope.instance.root, path),
    }
}

fn template<'t>(eval: &Evaluator<'t>, text: &str, variables: Option<&Value>, scope: Scope<'_, 't>) -> Value {
    let parts = match parse_template(text, 1) {
        Ok(parts) => parts,
        Err(broken) => return failed(&format!("a template has an error in line {}: {}", broken.line, broken.message)),
    };
    let bound = variables.map(|variables| Binding { name: Binding::ALL, value: variables.clone(), outer: None });
    eval.nested_template(&parts, Scope { bound: bound.as_ref(), ..scope })
}

fn fileset(eval: &Evaluator<'_>, folder: &str, pattern: &str) -> Value {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let under = eval.files.paths().filter_map(|path| path.strip_prefix(&prefix));
    let pattern: Vec<char> = pattern.chars().collect();
    let found = under.filter(|path| matches(&pattern, path)).take(MAX_INSTANCES);
    Value::list(found.map(Value::text).collect())
}

/// `*` and `?` inside a folder, `**` over folders, `{a,b}` for alternatives. Linear in text times pattern.
fn matches(pattern: &[char], path: &str) -> bool {
    if let Some(open) = pattern.iter().position(|letter| *letter == '{') {
        let close = pattern.iter().skip(open).position(|letter| *letter == '}').map(|at| at + open);
        if let Some(close) = close {
            let (before, inside, after) = (pattern.get(..open), pattern.get(open + 1..close), pattern.get(close + 1..));
            let (before, inside, after) = (before.unwrap_or(&[]), inside.unwrap_or(&[]), after.unwrap_or(&[]));
            // Only the first braces: a second pair would make the number of patterns grow.
            return inside
                .split(|letter| *letter == ',')
                .any(|choice| star_match(&[before, choice, after].concat(), path));
        }
    }
    star_match(pattern, path)
}

fn star_match(pattern: &[char], path: &str) -> bool {
    // The set of pattern positions that the text read so far can have reached.
    let mut reached = vec![false; pattern.len() + 1];
    let open = |reached: &mut Vec<bool>| {
        for at in 0..pattern.len() {
            if reached.get(at) == Some(&true) && pattern.get(at) == Some(&'*') {
                // `**/` may stand for no folder at all.
                let double = pattern.get(at + 1) == Some(&'*');
                let next = if double && pattern.get(at + 2) == Some(&'/') { at + 3 } else { at + 1 };
                if let Some(slot) = reached.get_mut(next) {
                    *slot = true;
                }
                if let Some(slot) = reached.get_mut(at + 1) {
                    *slot = true;
                }
            }
        }
    };
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    open(&mut reached);
    for letter in path.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, wanted) in pattern.iter().enumerate().filter(|(at, _)| reached.get(*at) == Some(&true)) {
            let double = pattern.get(at + 1) == Some(&'*') || at > 0 && pattern.get(at - 1) == Some(&'*');
            let to = match wanted {
                '*' if letter != '/' || double => at,
                '?' if letter != '/' => at + 1,
                wanted if *wanted == letter => at + 1,
                _ => continue,
            };
            if let Some(slot) = next.get_mut(to) {
                *slot = true;
            }
        }
        reached = next;
        open(&mut reached);
    }
    reached.last() == Some(&true)
}

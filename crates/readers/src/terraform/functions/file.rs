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
        "fileexists" if eval.files.has(&found) => Value::bool(true),
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
pub(super) fn resolve(path: &str, scope: Scope<'_, '_>) -> Option<String> {
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
    let key = (folder.to_owned(), pattern.to_owned());
    if let Some(known) = eval.filesets.borrow().get(&key) {
        return known.clone();
    }
    let pattern: Vec<char> = pattern.chars().collect();
    if pattern.len() > MAX_PATTERN {
        return Value::unknown("U002", "a pattern for files is too long".to_owned());
    }
    // Letters before the first special one must be at the start of every match.
    let fixed: String = pattern.iter().take_while(|letter| !"*?{[\\".contains(**letter)).collect();
    let found = eval
        .files
        .under(folder)
        .filter_map(|path| path.get(folder.len()..)?.strip_prefix('/').or((folder.is_empty()).then_some(path)));
    let found = found.filter(|path| path.starts_with(&fixed) && matches(&pattern, path)).take(MAX_INSTANCES);
    let value = Value::list(found.map(Value::text).collect());
    eval.filesets.borrow_mut().insert(key, value.clone());
    value
}

/// The longest pattern for file names, in letters.
const MAX_PATTERN: usize = 500;

/// `*` and `?` inside a folder, `**` over folders, `{a,b}` for alternatives.
fn matches(pattern: &[char], path: &str) -> bool {
    let open = pattern.iter().position(|letter| *letter == '{');
    let close = pattern.iter().position(|letter| *letter == '}');
    let (Some(open), Some(close)) = (open, close) else { return star_match(pattern, path) };
    let (Some(before), Some(inside), Some(after)) =
        (pattern.get(..open), pattern.get(open + 1..close), pattern.get(close + 1..))
    else {
        return star_match(pattern, path);
    };
    // Only the first braces: with more of them the number of patterns would grow fast.
    inside.split(|letter| *letter == ',').any(|choice| star_match(&[before, choice, after].concat(), path))
}

/// Takes text times pattern steps: `reached` are the places of the pattern that the text so far leads to.
fn star_match(pattern: &[char], path: &str) -> bool {
    let mut reached = vec![false; pattern.len() + 1];
    let mut next = reached.clone();
    reach(&mut reached, pattern, 0);
    for letter in path.chars() {
        next.fill(false);
        for (at, wanted) in pattern.iter().enumerate() {
            if reached.get(at) != Some(&true) {
                continue;
            }
            let double = pattern.get(at + 1) == Some(&'*') || at > 0 && pattern.get(at - 1) == Some(&'*');
            match wanted {
                '*' if letter != '/' || double => reach(&mut next, pattern, at),
                '?' if letter != '/' => reach(&mut next, pattern, at + 1),
                wanted if *wanted == letter => reach(&mut next, pattern, at + 1),
                _ => {}
            }
        }
        std::mem::swap(&mut reached, &mut next);
    }
    reached.last() == Some(&true)
}

/// Marks a place of the pattern, and those behind it that need no letter: a star may stand for nothing, `**/` for no
/// folder at all.
fn reach(reached: &mut [bool], pattern: &[char], mut at: usize) {
    while let Some(slot) = reached.get_mut(at).filter(|slot| !**slot) {
        *slot = true;
        if pattern.get(at) != Some(&'*') {
            return;
        }
        if pattern.get(at + 1) == Some(&'*') && pattern.get(at + 2) == Some(&'/') {
            reach(reached, pattern, at + 3);
        }
        at += 1;
    }
}

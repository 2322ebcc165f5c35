//! The functions of the language, as far as configurations use them.
//! Source: the function reference of Terraform and OpenTofu. Hashes, ciphers and the clock are not evaluated.

mod collection;
mod encoding;
mod file;
mod network;
mod number;
mod regex;
mod sets;
mod terragrunt;
mod text;

use super::eval::{Evaluator, FAILED, Scope, failed};
use super::value::{Data, Origin, Value};

/// Calls a function with evaluated arguments. What it cannot know is unknown, with the first unknown argument's reason.
pub(super) fn call<'t>(eval: &Evaluator<'t>, name: &str, args: &[Value], scope: Scope<'_, 't>) -> Value {
    let name = name.strip_prefix("core::").unwrap_or(name);
    if matches!(name, "try" | "can" | "coalesce" | "coalescelist") {
        return choose(name, args);
    }
    let mut origin = Origin::default();
    args.iter().for_each(|arg| origin.add(&arg.origin));
    // Most functions walk their arguments; those that only look into one of them cost what lies at its top.
    let shallow = matches!(name, "lookup" | "length" | "element" | "one" | "merge" | "concat" | "keys" | "values");
    let cost = if shallow { Value::len } else { Value::nodes };
    if let Some(spent) = eval.spend(args.iter().map(cost).sum()) {
        return spent;
    }
    let tolerant = collection::tolerant(name, args).or_else(|| text::tolerant(name, args));
    if let Some(value) = tolerant {
        return value.from(&origin);
    }
    if let Some(value) = terragrunt::call(eval, name, args, scope) {
        return value.from(&origin);
    }
    let file = file::call(eval, name, args, scope);
    if let Some(value) = file {
        return value.from(&origin);
    }
    if let Some(unknown) = args.iter().find_map(Value::first_unknown) {
        return Value::new(Data::Unknown(unknown)).from(&origin);
    }
    let value = match name {
        "timestamp" | "plantimestamp" | "uuid" | "uuidv5" | "bcrypt" => {
            Some(Value::unknown("U005", format!("`{name}` gives its value only when it is run")))
        }
        _ => collection::strict(name, args)
            .or_else(|| sets::call(name, args))
            .or_else(|| text::strict(name, args))
            .or_else(|| number::call(name, args))
            .or_else(|| encoding::call(name, args))
            .or_else(|| network::call(name, args))
            .or_else(|| regex::call(name, args)),
    };
    let value = value.unwrap_or_else(|| Value::unknown("U002", format!("the function `{name}` is not evaluated")));
    value.from(&origin)
}

/// Functions that pick one of their arguments: only those looked at decide.
fn choose(name: &str, args: &[Value]) -> Value {
    let is_error = |value: &Value| value.as_unknown().is_some_and(|unknown| unknown.code == FAILED);
    let mut origin = Origin::default();
    for arg in args {
        origin.add(&arg.origin);
        let taken = match (name, &arg.data) {
            ("can", Data::Unknown(_)) if !is_error(arg) => Some(arg.clone()),
            ("can", _) => Some(Value::bool(!is_error(arg))),
            ("try", _) => (!is_error(arg)).then(|| arg.clone()),
            (_, Data::Null) => None,
            ("coalesce", Data::Text(text)) => (!text.is_empty()).then(|| arg.clone()),
            ("coalescelist", Data::List(list)) => (!list.items.is_empty()).then(|| arg.clone()),
            _ => Some(arg.clone()),
        };
        if let Some(taken) = taken {
            return taken.from(&origin);
        }
    }
    let value = match name {
        "coalescelist" => Value::list(Vec::new()),
        "coalesce" => Value::null(),
        _ => failed("no argument of `try` has a value"),
    };
    value.from(&origin)
}

/// The text of an argument.
fn text_at(args: &[Value], at: usize) -> Option<std::rc::Rc<str>> {
    args.get(at)?.to_text()
}

fn number_at(args: &[Value], at: usize) -> Option<f64> {
    args.get(at)?.as_number()
}

/// A number that is a valid index or length.
fn whole_at(args: &[Value], at: usize) -> Option<i64> {
    number_at(args, at).filter(|number| number.abs() < 9e15).map(|number| number as i64)
}

fn list_at(args: &[Value], at: usize) -> Option<&[Value]> {
    args.get(at)?.as_list()
}

fn texts_at(args: &[Value], at: usize) -> Option<Vec<std::rc::Rc<str>>> {
    list_at(args, at)?.iter().map(Value::to_text).collect()
}

/// The result of a function that is known by name: without a result its arguments were wrong.
fn done(value: Option<Value>) -> Option<Value> {
    Some(value.unwrap_or_else(|| failed("a function has arguments of the wrong type")))
}

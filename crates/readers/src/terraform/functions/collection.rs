use super::{done, failed, list_at, texts_at, whole_at};
use crate::limits::MAX_NODES;
use crate::terraform::eval::set_of;
use crate::terraform::value::{Data, Unknown, Value, equal};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Functions that know something although a part of their arguments is unknown.
pub(super) fn tolerant(name: &str, args: &[Value]) -> Option<Value> {
    let first = args.first();
    match name {
        "merge" => Some(merge(args)),
        "concat" => concat(args),
        "flatten" => flatten(first?),
        "toset" | "distinct" if shallow(first?) => done(items(first?).map(|items| match name {
            "toset" => Value::list(set_of(items)),
            _ => Value::list(distinct(items)),
        })),
        "tolist" if !is_unknown(first?) => done(items(first?).map(Value::list)),
        "tomap" | "sensitive" | "nonsensitive" | "ephemeralasnull" | "issensitive" => first.cloned(),
        "length" => length(first?),
        "keys" => keys(first?),
        "values" => values(first?),
        "lookup" => lookup(args),
        "element" => element(args),
        "one" => one(first?),
        "zipmap" => zipmap(args),
        "slice" => slice(args),
        "compact" => compact(first?),
        "contains" => contains(args),
        "reverse" if !is_unknown(first?) => {
            done(items(first?).map(|items| Value::list(items.into_iter().rev().collect())))
        }
        _ => None,
    }
}

/// Functions that need to know all of their arguments.
pub(super) fn strict(name: &str, args: &[Value]) -> Option<Value> {
    match name {
        "sort" => done(texts_at(args, 0).map(|mut texts| {
            texts.sort_unstable();
            Value::list(texts.into_iter().map(|text| Value::new(Data::Text(text))).collect())
        })),
        "index" => done(list_at(args, 0).zip(args.get(1)).and_then(|(list, wanted)| {
            let at = list.iter().position(|item| equal(item, wanted) == Some(true))?;
            Some(Value::number(at as f64))
        })),
        "list" => Some(Value::list(args.to_vec())),
        "map" => {
            let mut map = BTreeMap::new();
            for pair in args.chunks(2) {
                if let (Some(key), Some(value)) = (pair.first().and_then(Value::to_text), pair.get(1)) {
                    map.insert(key, value.clone());
                }
            }
            Some(Value::object(map))
        }
        "matchkeys" => done(matchkeys(args)),
        "chunklist" => done(list_at(args, 0).zip(whole_at(args, 1)).map(|(list, size)| {
            let size = usize::try_from(size).unwrap_or(0).max(1);
            Value::list(list.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect())
        })),
        "alltrue" | "anytrue" => done(list_at(args, 0).map(|list| {
            let mut truths = list.iter().map(|item| item.as_bool() == Some(true));
            Value::bool(if name == "alltrue" { truths.all(|truth| truth) } else { truths.any(|truth| truth) })
        })),
        "transpose" => done(transpose(args)),
        "range" => done(range(args)),
        _ => None,
    }
}

fn is_unknown(value: &Value) -> bool {
    value.as_unknown().is_some()
}

/// Known, with known elements as far as they are compared.
fn shallow(value: &Value) -> bool {
    value.as_list().is_some_and(|items| !items.iter().any(is_unknown)) || matches!(value.data, Data::Null)
}

fn items(value: &Value) -> Option<Vec<Value>> {
    match &value.data {
        Data::List(list) => Some(list.items.clone()),
        Data::Null => Some(Vec::new()),
        Data::Object(fields) if fields.rest.is_none() => Some(fields.map.values().cloned().collect()),
        _ => None,
    }
}

/// Later arguments win; an unknown one may hide everything before it.
fn merge(args: &[Value]) -> Value {
    let mut map: BTreeMap<Rc<str>, Value> = BTreeMap::new();
    let mut rest: Option<Rc<Unknown>> = None;
    for arg in args {
        match &arg.data {
            Data::Object(fields) => {
                if fields.rest.is_some() {
                    map.clear();
                    rest.clone_from(&fields.rest);
                }
                let field = |(name, value): (&Rc<str>, &Value)| (name.clone(), value.clone().from(&arg.origin));
                map.extend(fields.map.iter().map(field));
            }
            Data::Unknown(unknown) => {
                map.clear();
                rest = Some(unknown.clone());
            }
            Data::Null => {}
            _ => return failed("`merge` has an argument that is no map"),
        }
    }
    Value::open_object(map, rest)
}

fn concat(args: &[Value]) -> Option<Value> {
    let mut all = Vec::new();
    for arg in args {
        let Some(list) = arg.as_list() else {
            return Some(super::super::eval::unknown_of(arg, "`concat` has an argument that is no list"));
        };
        all.extend(list.iter().cloned());
    }
    Some(Value::list(all))
}

fn flatten(value: &Value) -> Option<Value> {
    let mut flat = Vec::new();
    if value.nodes() > MAX_NODES || !flatten_into(value, &mut flat) {
        let unknown = value.first_unknown()?;
        return Some(Value::new(Data::Unknown(unknown)));
    }
    Some(Value::list(flat))
}

/// False when an element is unknown: it might be a list of any length.
fn flatten_into(value: &Value, flat: &mut Vec<Value>) -> bool {
    match &value.data {
        Data::List(list) => list.items.iter().all(|item| match &item.data {
            Data::List(_) => flatten_into(item, flat),
            Data::Unknown(_) => {
                // An element known after apply is taken for a single value, as it mostly is.
                flat.push(item.clone());
                true
            }
            _ => {
                flat.push(item.clone());
                true
            }
        }),
        Data::Unknown(_) => false,
        Data::Null => true,
        _ => {
            flat.push(value.clone());
            true
        }
    }
}

fn distinct(items: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    let fresh = |item: &Value| match item.to_text() {
        Some(text) => seen.insert(text),
        None => true,
    };
    let mut kept = items;
    kept.retain(fresh);
    kept
}

fn length(value: &Value) -> Option<Value> {
    let length = match &value.data {
        Data::List(list) => list.items.len(),
        Data::Object(fields) if fields.rest.is_none() => fields.map.len(),
        Data::Text(text) => text.chars().count(),
        Data::Null => 0,
        _ => return value.first_unknown().map(|unknown| Value::new(Data::Unknown(unknown))),
    };
    Some(Value::number(length as f64))
}

fn keys(value: &Value) -> Option<Value> {
    let fields = value.as_object().filter(|fields| fields.rest.is_none())?;
    Some(Value::list(fields.map.keys().map(|key| Value::new(Data::Text(key.clone()))).collect()))
}

fn values(value: &Value) -> Option<Value> {
    let fields = value.as_object().filter(|fields| fields.rest.is_none())?;
    Some(Value::list(fields.map.values().cloned().collect()))
}

fn lookup(args: &[Value]) -> Option<Value> {
    let (map, key) = (args.first()?, args.get(1)?);
    if is_unknown(map) || is_unknown(key) {
        return None;
    }
    let found = key.to_text().and_then(|key| map.field(&key));
    Some(found.or_else(|| args.get(2).cloned()).unwrap_or_else(|| failed("`lookup` finds no such key")))
}

fn element(args: &[Value]) -> Option<Value> {
    let list = list_at(args, 0)?;
    let at = whole_at(args, 1)?;
    let at = usize::try_from(at.checked_rem_euclid(list.len() as i64)?).ok()?;
    list.get(at).cloned()
}

fn one(value: &Value) -> Option<Value> {
    match &value.data {
        Data::List(list) => Some(match list.items.as_slice() {
            [] => Value::null(),
            [one] => one.clone(),
            _ => failed("`one` has more than one element"),
        }),
        Data::Null => Some(Value::null()),
        _ => None,
    }
}

fn zipmap(args: &[Value]) -> Option<Value> {
    let names: Option<Vec<Rc<str>>> = texts_at(args, 0);
    let map = names?.into_iter().zip(list_at(args, 1)?.iter().cloned()).collect();
    Some(Value::object(map))
}

fn slice(args: &[Value]) -> Option<Value> {
    let (from, to) = (whole_at(args, 1)?, whole_at(args, 2)?);
    let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
    let part = list_at(args, 0)?.get(range).map(<[Value]>::to_vec);
    done(part.map(Value::list))
}

fn compact(value: &Value) -> Option<Value> {
    let list = value.as_list()?;
    let kept = list.iter().filter(|item| !item.is_null() && item.as_text() != Some(""));
    // An unknown one may be empty; it is kept, as one that is there.
    Some(Value::list(kept.cloned().collect()))
}

fn contains(args: &[Value]) -> Option<Value> {
    let wanted = args.get(1)?;
    let answers: Vec<Option<bool>> = list_at(args, 0)?.iter().map(|item| equal(item, wanted)).collect();
    if answers.contains(&Some(true)) {
        return Some(Value::bool(true));
    }
    (!answers.contains(&None)).then(|| Value::bool(false))
}

fn matchkeys(args: &[Value]) -> Option<Value> {
    let (values, keys, wanted) = (list_at(args, 0)?, texts_at(args, 1)?, texts_at(args, 2)?);
    let wanted: std::collections::BTreeSet<Rc<str>> = wanted.into_iter().collect();
    let kept = values.iter().zip(keys).filter(|(_, key)| wanted.contains(key)).map(|(value, _)| value.clone());
    Some(Value::list(kept.collect()))
}

fn transpose(args: &[Value]) -> Option<Value> {
    let mut map: BTreeMap<Rc<str>, Vec<Value>> = BTreeMap::new();
    for (key, list) in &args.first()?.as_object()?.map {
        for item in list.as_list()? {
            map.entry(item.to_text()?).or_default().push(Value::new(Data::Text(key.clone())));
        }
    }
    Some(Value::object(map.into_iter().map(|(key, list)| (key, Value::list(list))).collect()))
}

fn range(args: &[Value]) -> Option<Value> {
    let numbers: Vec<f64> = args.iter().map(Value::as_number).collect::<Option<_>>()?;
    let (from, to, step) = match numbers.as_slice() {
        [to] => (0.0, *to, if *to < 0.0 { -1.0 } else { 1.0 }),
        [from, to] => (*from, *to, if to < from { -1.0 } else { 1.0 }),
        [from, to, step] => (*from, *to, *step),
        _ => return None,
    };
    let count = ((to - from) / step).ceil();
    // Terraform itself stops at 1024.
    if step == 0.0 || !count.is_finite() || count > 1024.0 {
        return None;
    }
    Some(Value::list((0..count.max(0.0) as usize).map(|at| Value::number(from + step * at as f64)).collect()))
}

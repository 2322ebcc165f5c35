use super::{Evaluator, Instance, Scope};
use crate::terraform::syntax::{Call, Expr, Kind};
use crate::terraform::value::{Data, Value, equal};
use std::collections::BTreeMap;
use std::rc::Rc;

impl<'t> Evaluator<'t> {
    /// A value as the type constraint of its variable makes it: `optional` attributes filled in, scalars converted.
    /// What does not fit stays as it is: the types are Terraform's to check.
    pub(super) fn convert(&self, value: Value, wanted: &Expr<'_>, instance: &Instance<'t>, file: u32) -> Value {
        if self.spend(1).is_some() {
            return value;
        }
        let origin = value.origin.clone();
        match &wanted.kind {
            Kind::Name(name) => scalar(value, name),
            Kind::Call(call) => match (&*call.name, call.args.first()) {
                ("object", Some(Expr { kind: Kind::Object(_), .. })) => {
                    self.convert_object(value, call, instance, file)
                }
                ("list" | "set" | "map", Some(inner)) => match &value.data {
                    Data::List(list) if call.name != "map" => {
                        let items: Vec<Value> =
                            list.items.iter().map(|item| self.convert(item.clone(), inner, instance, file)).collect();
                        Value::list(if call.name == "set" { set_of(items) } else { items }).from(&origin)
                    }
                    Data::Object(fields) if call.name == "map" => {
                        let item = |(name, item): (&Rc<str>, &Value)| {
                            (name.clone(), self.convert(item.clone(), inner, instance, file))
                        };
                        Value::open_object(fields.map.iter().map(item).collect(), fields.rest.clone()).from(&origin)
                    }
                    _ => value,
                },
                _ => value,
            },
            _ => value,
        }
    }

    fn convert_object(&self, value: Value, wanted: &Call<'_>, instance: &Instance<'t>, file: u32) -> Value {
        let (Some(Expr { kind: Kind::Object(items), .. }), Data::Object(fields)) = (wanted.args.first(), &value.data)
        else {
            return value;
        };
        let mut map: BTreeMap<Rc<str>, Value> = BTreeMap::new();
        for item in items {
            let Some(name) = item.key.literal() else { continue };
            let (inner, default) = match &item.value.kind {
                Kind::Call(call) if call.name == "optional" => (call.args.first(), call.args.get(1)),
                _ => (Some(&item.value), None),
            };
            let given = fields.map.get(name).filter(|given| !given.is_null() || default.is_none()).cloned();
            let given = match given {
                Some(given) => given,
                None if fields.rest.is_some() => continue,
                None => default.map_or_else(Value::null, |default| {
                    let scope = Scope { instance, file, each: &Default::default(), bound: None };
                    self.eval_at(default, item.line, scope)
                }),
            };
            let converted =
                inner.map_or_else(|| given.clone(), |inner| self.convert(given.clone(), inner, instance, file));
            map.insert(Rc::from(name), converted);
        }
        Value::open_object(map, fields.rest.clone()).from(&value.origin)
    }
}

fn scalar(value: Value, wanted: &str) -> Value {
    let converted = match wanted {
        "string" => value.to_text().map(Data::Text),
        "number" => value.as_number().map(Data::Number),
        "bool" => value.as_bool().map(Data::Bool),
        _ => None,
    };
    match converted {
        Some(data) => Value { data, origin: value.origin },
        None => value,
    }
}

/// Sorted, without equal items.
pub(in super::super) fn set_of(mut items: Vec<Value>) -> Vec<Value> {
    let rank = |value: &Value| match &value.data {
        Data::Bool(_) => 0,
        Data::Number(_) => 1,
        Data::Text(_) => 2,
        _ => 3,
    };
    // Only scalars have an order; the sort is stable, so that the others keep theirs.
    items.sort_by(|a, b| match (&a.data, &b.data) {
        (Data::Number(a), Data::Number(b)) => a.total_cmp(b),
        (Data::Text(a), Data::Text(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    });
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        let scalar = rank(&item) < 3;
        let same = |known: &Value| equal(known, &item) == Some(true);
        let double =
            if scalar { kept.last().is_some_and(same) } else { kept.iter().rev().take(MAX_COMPARED).any(same) };
        if !double {
            kept.push(item);
        }
    }
    kept
}

/// Collections in a set are compared with this many before them, so that a set costs linear time.
const MAX_COMPARED: usize = 100;

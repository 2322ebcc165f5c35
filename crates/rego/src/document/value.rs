use allod_readers::node::{Broken, Node, Scalar, Value as Tree};
use regorus::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// TOML as JSON: dates and times become texts.
pub(super) fn of_toml(node: &Node) -> Result<Value, Broken> {
    of_node(node, &|scalar, line| match scalar.text.as_str() {
        "true" => Ok(Value::from(true)),
        "false" => Ok(Value::from(false)),
        text => match number(text) {
            Some(number) => Ok(number),
            None if matches!(text.trim_start_matches(['+', '-']), "inf" | "NaN" | "nan") => Err(no_number(text, line)),
            None => Ok(Value::from(text)),
        },
    })
}

/// A tree with its plain scalars read by `resolve`; of a repeated key the last one counts.
pub(super) fn of_node(node: &Node, resolve: &dyn Fn(&Scalar, u32) -> Result<Value, Broken>) -> Result<Value, Broken> {
    match &node.value {
        Tree::Null => Ok(Value::Null),
        Tree::Scalar(scalar) if scalar.quoted => Ok(Value::from(scalar.text.as_str())),
        Tree::Scalar(scalar) => resolve(scalar, node.line),
        Tree::Seq(items) => {
            let items: Result<Vec<Value>, Broken> = items.iter().map(|item| of_node(item, resolve)).collect();
            Ok(Value::from(items?))
        }
        Tree::Map(entries) => {
            let mut fields = BTreeMap::new();
            for (key, value) in entries {
                fields.insert(key_of(key, resolve)?, of_node(value, resolve)?);
            }
            Ok(Value::from(fields))
        }
    }
}

/// Keys are texts: `on: push` has the key `true`, as conftest has it.
fn key_of(key: &Node, resolve: &dyn Fn(&Scalar, u32) -> Result<Value, Broken>) -> Result<Value, Broken> {
    match of_node(key, resolve)? {
        text @ Value::String(_) => Ok(text),
        Value::Bool(value) => Ok(Value::from(if value { "true" } else { "false" })),
        // From a million on Go writes a broken number with an exponent: no rule names such a key.
        Value::Number(number)
            if number.as_i64().is_some()
                || number.as_u64().is_some()
                || number.as_f64().is_some_and(|value| value.abs() < 1e6) =>
        {
            Ok(Value::from(number.format_decimal()))
        }
        _ => Err(Broken { code: "D011", message: "a key is no text".into(), line: key.line }),
    }
}

/// A whole or broken decimal number.
pub(super) fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let digits = text.trim_start_matches(['+', '-']).bytes().next()?;
    if !digits.is_ascii_digit() && digits != b'.' {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    number.is_finite().then(|| Value::from(number))
}

pub(super) fn no_number(text: &str, line: u32) -> Broken {
    Broken { code: "D011", message: format!("`{text}` is a number that JSON does not have"), line }
}

pub(super) fn of_json(json: Json) -> Result<Value, Broken> {
    serde_json::from_value(json).map_err(|error| Broken { code: "D011", message: error.to_string(), line: 0 })
}

/// A value as JSON: sets as lists, keys that are no texts as their JSON, numbers as exact as a double.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Undefined => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => number.into(),
            (_, Some(number), _) => number.into(),
            (_, _, Some(number)) => number.into(),
            _ => Json::Null,
        },
        Value::String(text) => Json::String(text.to_string()),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Set(items) => items.iter().map(to_json).collect(),
        Value::Object(fields) => {
            Json::Object(fields.iter().map(|(key, value)| (key_text(key), to_json(value))).collect())
        }
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.to_string(),
        other => to_json(other).to_string(),
    }
}

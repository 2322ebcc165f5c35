use super::{done, text_at};
use crate::limits::MAX_TEXT_BYTES;
use crate::node::{Node, Value as NodeValue, parse_json, parse_yaml_document};
use crate::terraform::value::{Data, Value, number_text};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) fn call(name: &str, args: &[Value]) -> Option<Value> {
    let text = |text: Option<String>| done(text.map(|text| Value::text(&text)));
    match name {
        // JSON is YAML, so one writer does for both.
        "jsonencode" | "yamlencode" => text(args.first().and_then(json)),
        "jsondecode" => done(text_at(args, 0).and_then(|text| parse_json(&text).ok()).map(|node| from_node(&node))),
        "yamldecode" => {
            done(text_at(args, 0).and_then(|text| parse_yaml_document(&text).ok()).map(|node| from_node(&node)))
        }
        "base64encode" => text(text_at(args, 0).map(|text| base64_encode(text.as_bytes()))),
        "base64decode" => text(text_at(args, 0).and_then(|text| base64_decode(&text))),
        "urlencode" => text(text_at(args, 0).map(|text| url_encode(&text))),
        "csvdecode" => done(text_at(args, 0).map(|text| csv(&text))),
        _ => None,
    }
}

/// A value as compact JSON; `None` when a part is unknown or it would be too long.
pub(super) fn json(value: &Value) -> Option<String> {
    let mut out = String::new();
    write_json(value, &mut out).then_some(out)
}

fn write_json(value: &Value, out: &mut String) -> bool {
    match &value.data {
        Data::Null => out.push_str("null"),
        Data::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number_text(*number)),
        Data::Text(text) => write_text(text, out),
        Data::List(list) => {
            out.push('[');
            for (at, item) in list.items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                if !write_json(item, out) {
                    return false;
                }
            }
            out.push(']');
        }
        Data::Object(fields) => {
            out.push('{');
            for (at, (key, item)) in fields.map.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                if !write_json(item, out) {
                    return false;
                }
            }
            out.push('}');
        }
        Data::Unknown(_) => return false,
    }
    out.len() <= MAX_TEXT_BYTES
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if u32::from(control) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// The nesting of a node has the limit of its parser.
fn from_node(node: &Node) -> Value {
    match &node.value {
        NodeValue::Null => Value::null(),
        NodeValue::Seq(items) => Value::list(items.iter().map(from_node).collect()),
        NodeValue::Map(entries) => {
            let field = |(key, value): &(Node, Node)| Some((Rc::from(key.as_str()?), from_node(value)));
            Value::object(entries.iter().filter_map(field).collect())
        }
        NodeValue::Scalar(scalar) => match node.as_bool() {
            Some(truth) => Value::bool(truth),
            None if scalar.quoted => Value::text(&scalar.text),
            None => match scalar.text.parse::<f64>() {
                Ok(number)
                    if number.is_finite() && scalar.text.starts_with(|c: char| c.is_ascii_digit() || c == '-') =>
                {
                    Value::number(number)
                }
                _ => Value::text(&scalar.text),
            },
        },
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = ALPHABET.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

fn base64_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.trim().trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)? as u32;
        bits = bits << 6 | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Rows as objects by the names of the first row. Quoted fields may hold commas; not line breaks.
fn csv(text: &str) -> Value {
    let mut rows = text.lines().filter(|line| !line.trim().is_empty()).map(fields);
    let names = rows.next().unwrap_or_default();
    let row = |row: Vec<String>| {
        let field = |(name, value): (&String, String)| (Rc::from(name.as_str()), Value::text(&value));
        Value::object(names.iter().zip(row).map(field).collect::<BTreeMap<_, _>>())
    };
    Value::list(rows.map(row).collect())
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.trim_end_matches('\r').chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => {
                if let Some(last) = fields.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    fields
}

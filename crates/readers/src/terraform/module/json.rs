//! The JSON syntax (`.tf.json`): the same tree from a JSON value.
//! Source: "JSON Configuration Syntax" in the documentation of Terraform. Comments (`//` keys) are skipped; an object
//! inside a resource may stand for an argument or a nested block, and is read as an argument: the evaluation treats
//! both alike.

use crate::node::{Node, Value};
use crate::terraform::parse::parse_template;
use crate::terraform::syntax::{Attribute, Block, Body, Expr, Item, Kind, Part};
use std::borrow::Cow;

/// The body of a file: a settings file is all attributes, a configuration is blocks with their labels as keys.
pub(super) fn body_of(node: &Node, settings: bool) -> Body<'_> {
    if settings {
        // Settings are plain values: no templates.
        return Body { attributes: attributes(node, false), blocks: Vec::new() };
    }
    let mut body = Body::default();
    for (kind, key, value) in node.entries() {
        match kind {
            "resource" | "data" => blocks(kind, key, value, 2, &mut Vec::new(), &mut body.blocks),
            "variable" | "output" | "module" | "provider" => {
                blocks(kind, key, value, 1, &mut Vec::new(), &mut body.blocks);
            }
            "locals" | "terraform" => blocks(kind, key, value, 0, &mut Vec::new(), &mut body.blocks),
            _ => {}
        }
    }
    body
}

fn blocks<'s>(
    kind: &'s str,
    key: &'s Node,
    value: &'s Node,
    labels_left: usize,
    labels: &mut Vec<&'s str>,
    out: &mut Vec<Block<'s>>,
) {
    for item in value.items() {
        if labels_left > 0 {
            for (label, key, value) in item.entries().filter(|(label, ..)| *label != "//") {
                labels.push(label);
                blocks(kind, key, value, labels_left - 1, labels, out);
                labels.pop();
            }
            continue;
        }
        let mut body = Body { attributes: attributes(item, true), blocks: Vec::new() };
        if kind == "terraform" {
            body.blocks = settings_blocks(item);
            body.attributes.clear();
        }
        let labels = labels.iter().map(|label| Cow::Borrowed(*label)).collect();
        let line = if value.as_seq().is_some() { item.line } else { key.line };
        out.push(Block { kind: Cow::Borrowed(kind), labels, line, end_line: item.end_line, body });
    }
}

/// The blocks inside `terraform`.
fn settings_blocks(node: &Node) -> Vec<Block<'_>> {
    let mut out = Vec::new();
    for (kind, key, value) in node.entries() {
        match kind {
            "required_providers" | "cloud" => blocks(kind, key, value, 0, &mut Vec::new(), &mut out),
            "backend" => blocks(kind, key, value, 1, &mut Vec::new(), &mut out),
            _ => {}
        }
    }
    out
}

fn attributes(node: &Node, templates: bool) -> Vec<Attribute<'_>> {
    let entries = node.entries().filter(|(name, ..)| *name != "//");
    entries
        .map(|(name, key, value)| Attribute {
            name: Cow::Borrowed(name),
            line: key.line,
            value: expression(value, templates),
        })
        .collect()
}

/// A JSON value as an expression; the depth is that of the JSON parser, which has a limit.
fn expression(node: &Node, templates: bool) -> Expr<'_> {
    let kind = match &node.value {
        Value::Null => Kind::Null,
        Value::Seq(items) => Kind::List(items.iter().map(|item| expression(item, templates)).collect()),
        Value::Map(entries) => Kind::Object(
            entries
                .iter()
                .map(|(key, value)| Item {
                    line: key.line,
                    key: text_expression(key, templates),
                    value: expression(value, templates),
                })
                .collect(),
        ),
        Value::Scalar(scalar) if scalar.quoted => return text_expression(node, templates),
        Value::Scalar(scalar) => match scalar.text.as_str() {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            number => number.parse().map_or(Kind::Text(Cow::Borrowed(number)), Kind::Number),
        },
    };
    Expr { line: node.line, span: (0, 0), kind }
}

/// A string, which is a template in a configuration. One that is no valid template counts as it stands.
fn text_expression(node: &Node, templates: bool) -> Expr<'_> {
    let text = node.as_str().unwrap_or_default();
    let parts = if templates && text.contains(['$', '%']) { parse_template(text, node.line).ok() } else { None };
    let kind = match parts {
        None => Kind::Text(Cow::Borrowed(text)),
        Some(mut parts) if parts.len() == 1 => match parts.pop() {
            Some(Part::Value(value)) => value.kind,
            Some(Part::Text(text)) => Kind::Text(text),
            other => Kind::Template(other.into_iter().collect()),
        },
        Some(parts) => Kind::Template(parts),
    };
    Expr { line: node.line, span: (0, 0), kind }
}

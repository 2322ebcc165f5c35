//! A value tree with line numbers, the same for YAML, JSON and TOML, so that readers are written once.

mod json;
mod toml;
mod yaml;

use allod_facts::{Diagnostic, Severity};
use std::sync::Arc;

pub use json::parse_json;
pub use toml::parse_toml;
pub use yaml::{parse_yaml, parse_yaml_document};

/// A value and the lines where it stands (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub value: Value,
    pub line: u32,
    pub end_line: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Scalar(Scalar),
    Seq(Vec<Node>),
    /// In the order of the file. A repeated key stands twice.
    Map(Vec<(Node, Node)>),
}

/// A string, number or boolean, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    /// Whether it was quoted, or a block scalar: then it is a string whatever it looks like.
    pub quoted: bool,
    /// For a literal block (`|`): the text stands line by line from the node's `line`, so that what is inside can be read
    /// with its own line numbers.
    pub literal: bool,
}

impl Node {
    /// The text of a scalar; `None` for null, sequences and maps.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(Scalar { text, quoted: false, .. }) => match text.as_str() {
                "true" | "True" | "TRUE" | "yes" | "on" => Some(true),
                "false" | "False" | "FALSE" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The value of a key; the last one when the key is repeated (as parsers do).
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().rev().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// A key and its value, so that the key's line can be shown.
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.as_map()?.iter().rev().find(|(name, _)| name.as_str() == Some(key))
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub fn str_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// The entries of a map, or nothing.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Node, &Node)> {
        self.as_map().unwrap_or_default().iter().filter_map(|(key, value)| Some((key.as_str()?, key, value)))
    }

    /// The items of a sequence; a single scalar or map counts as a sequence of one; null is empty.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Seq(items) => items,
            Value::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// Calls `visit` for every scalar with the keys above it, in the order of the file.
    pub fn walk_scalars<'a>(&'a self, visit: &mut dyn FnMut(&[&'a str], &'a Node)) {
        let mut path = Vec::new();
        self.walk(&mut path, visit);
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&'a str], &'a Node)) {
        match &self.value {
            Value::Null => {}
            Value::Scalar(_) => visit(path, self),
            Value::Seq(items) => items.iter().for_each(|item| item.walk(path, visit)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    path.push(key.as_str().unwrap_or(""));
                    value.walk(path, visit);
                    path.pop();
                }
            }
        }
    }
}

/// Why a text could not be made a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// `D004`, `D005` or `D006`.
    pub code: &'static str,
    pub message: String,
    /// Line from 1, 0 when not known.
    pub line: u32,
}

impl Broken {
    pub fn diagnostic(self, path: &Arc<str>) -> Diagnostic {
        Diagnostic {
            code: self.code,
            severity: Severity::Error,
            message: self.message,
            path: path.clone(),
            line: self.line,
            hint: None,
        }
    }
}

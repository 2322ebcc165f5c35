use super::{Broken, Node, Scalar, Value};
use crate::limits::MAX_NODES;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::io::Read;

/// Parses JSON with the line of every value. Nesting is limited by the parser (128 levels).
///
/// # Errors
/// `D004` for a syntax error, `D005` for too deep nesting, `D006` for too many values.
pub fn parse_json(text: &str) -> Result<Node, Broken> {
    let line = Cell::new(1);
    let count = Cell::new(0);
    let reader = LineReader { bytes: text.as_bytes(), line: &line };
    let mut parser = serde_json::Deserializer::from_reader(reader);
    let seed = Seed { line: &line, count: &count };
    seed.deserialize(&mut parser).and_then(|node| parser.end().map(|()| node)).map_err(|error| {
        let message = error.to_string();
        let code = if message.contains("recursion limit") {
            "D005"
        } else if message.contains(TOO_MANY) {
            "D006"
        } else {
            "D004"
        };
        // The parser appends " at line L column C", which is shown as the line already.
        let message = message.rsplit_once(" at line ").map_or(message.clone(), |(short, _)| short.to_owned());
        Broken { code, message, line: error.line() as u32 }
    })
}

const TOO_MANY: &str = "more values than are read";

/// Hands out the bytes one after the other and counts the lines behind them. The parser looks one byte ahead at most.
struct LineReader<'a> {
    bytes: &'a [u8],
    line: &'a Cell<u32>,
}

impl Read for LineReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match (self.bytes.split_first(), buffer.first_mut()) {
            (Some((byte, rest)), Some(slot)) => {
                *slot = *byte;
                self.bytes = rest;
                if *byte == b'\n' {
                    self.line.set(self.line.get().saturating_add(1));
                }
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    line: &'a Cell<u32>,
    count: &'a Cell<usize>,
}

impl Seed<'_> {
    fn node(self, value: Value, line: u32) -> Node {
        Node { value, line, end_line: self.line.get() }
    }

    fn scalar<E>(self, text: String, quoted: bool) -> Result<Node, E> {
        let line = self.line.get();
        Ok(self.node(Value::Scalar(Scalar { text, quoted, literal: false }), line))
    }

    fn count<E: Error>(self) -> Result<(), E> {
        self.count.set(self.count.get() + 1);
        if self.count.get() > MAX_NODES { Err(E::custom(TOO_MANY)) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        let line = self.line.get();
        Ok(self.node(Value::Null, line))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        self.scalar(value.to_string(), false)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        self.scalar(value.to_string(), false)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        self.scalar(value.to_string(), false)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        self.scalar(value.to_string(), false)
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        self.scalar(value.to_owned(), true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let line = self.line.get();
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(self.node(Value::Seq(items), line))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let line = self.line.get();
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let at = self.line.get();
            let key = self.node(Value::Scalar(Scalar { text: key, quoted: true, literal: false }), at);
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(self.node(Value::Map(entries), line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_text() {
        let node = parse_json("{\n  \"a\": [\n    1,\n    \"x\"\n  ],\n  \"b\": {\"c\": null}\n}\n").unwrap();
        assert_eq!(node.at(&["a"]).unwrap().line, 2);
        assert_eq!(node.at(&["a"]).unwrap().items()[1].line, 4);
        assert_eq!(node.at(&["b", "c"]).unwrap().line, 6);
        assert_eq!(node.end_line, 7);
    }

    #[test]
    fn broken_json_has_code_and_line() {
        let check = |text: &str, code: &str, line: u32| {
            let broken = parse_json(text).unwrap_err();
            assert_eq!((broken.code, broken.line), (code, line), "{broken:?}");
        };
        check("{\n\"a\": }", "D004", 2);
        check("", "D004", 1);
        check("{} {}", "D004", 1);
        check(&"[".repeat(500), "D005", 1);
    }
}

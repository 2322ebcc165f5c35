use super::{Broken, Node, Scalar, Value};
use crate::limits::MAX_DEPTH;
use toml_edit::{Document, Item, Table, TableLike};

/// Parses TOML with the line of every key and value.
///
/// # Errors
/// `D004` for a syntax error, `D005` for nesting that is deeper than the limit.
pub fn parse_toml(text: &str) -> Result<Node, Broken> {
    // The parser recurses: brackets are counted before it sees them.
    if deepest_bracket(text) > MAX_DEPTH {
        return Err(Broken { code: "D005", message: "nested too deeply".into(), line: 0 });
    }
    let lines = Lines::new(text);
    let document = Document::parse(text.to_owned()).map_err(|error| Broken {
        code: "D004",
        message: error.message().to_owned(),
        line: error.span().map_or(0, |span| lines.line(span.start)),
    })?;
    let table: &Table = document.as_table();
    let mut node = from_table(table, &lines);
    (node.line, node.end_line) = (1, lines.count());
    Ok(node)
}

fn deepest_bracket(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' if depth < MAX_DEPTH => {}
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Byte offsets to lines.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn new(text: &str) -> Lines {
        Lines {
            starts: std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect(),
        }
    }

    fn line(&self, offset: usize) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32
    }

    fn count(&self) -> u32 {
        self.starts.len() as u32
    }
}

fn from_table(table: &dyn TableLike, lines: &Lines) -> Node {
    let mut entries = Vec::new();
    for (key, item) in table.iter() {
        let mut value = from_item(item, lines);
        let line = table.key(key).and_then(|key| key.span()).map_or(value.line, |span| lines.line(span.start));
        if value.line == 0 {
            (value.line, value.end_line) = (line, line);
        }
        let name = Node {
            value: Value::Scalar(Scalar { text: key.to_owned(), quoted: true, literal: false }),
            line,
            end_line: line,
        };
        entries.push((name, value));
    }
    Node { value: Value::Map(entries), line: 0, end_line: 0 }
}

fn from_item(item: &Item, lines: &Lines) -> Node {
    let (line, end_line) = item.span().map_or((0, 0), |span| (lines.line(span.start), lines.line(span.end)));
    let value = match item {
        Item::None => Value::Null,
        Item::Value(value) => return from_value(value, lines),
        Item::Table(table) => from_table(table, lines).value,
        Item::ArrayOfTables(tables) => Value::Seq(
            tables
                .iter()
                .map(|table| {
                    let (line, end_line) =
                        table.span().map_or((0, 0), |span| (lines.line(span.start), lines.line(span.end)));
                    Node { line, end_line, ..from_table(table, lines) }
                })
                .collect(),
        ),
    };
    Node { value, line, end_line }
}

fn from_value(value: &toml_edit::Value, lines: &Lines) -> Node {
    let (line, end_line) = value.span().map_or((0, 0), |span| (lines.line(span.start), lines.line(span.end)));
    let plain = |text: String| Value::Scalar(Scalar { text, quoted: false, literal: false });
    let value = match value {
        toml_edit::Value::String(text) => {
            Value::Scalar(Scalar { text: text.value().clone(), quoted: true, literal: false })
        }
        toml_edit::Value::Integer(number) => plain(number.value().to_string()),
        toml_edit::Value::Float(number) => plain(number.value().to_string()),
        toml_edit::Value::Boolean(value) => plain(value.value().to_string()),
        toml_edit::Value::Datetime(time) => plain(time.value().to_string()),
        toml_edit::Value::Array(items) => Value::Seq(items.iter().map(|item| from_value(item, lines)).collect()),
        toml_edit::Value::InlineTable(table) => from_table(table, lines).value,
    };
    Node { value, line, end_line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_text() {
        let node = parse_toml("[a]\nb = 1\n\n[a.c]\nd = [\"x\",\n \"y\"]\n[[e]]\nf = true\n").unwrap();
        assert_eq!(node.at(&["a", "b"]).unwrap().line, 2);
        assert_eq!(node.at(&["a", "c", "d"]).unwrap().items()[1].line, 6);
        assert_eq!(node.at(&["e"]).unwrap().items()[0].get("f").unwrap().as_bool(), Some(true));
    }

    #[test]
    fn broken_toml_has_code_and_line() {
        assert_eq!(parse_toml("a = 1\nb = ").unwrap_err().line, 2);
        assert_eq!(parse_toml(&format!("a = {}", "[".repeat(100_000))).unwrap_err().code, "D005");
    }
}

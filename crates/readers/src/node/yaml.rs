use super::{Broken, Node, Scalar, Value};
use crate::limits::{MAX_DEPTH, MAX_NODES};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashMap;
use std::rc::Rc;

/// Parses every document of a YAML text. Documents before a syntax error are kept, with the error beside them.
///
/// Aliases are expanded and every expanded node counts, so that an alias bomb meets the limit. Merge keys (`<<`) are
/// applied: what the map itself says wins.
///
/// A closing bracket that stands no deeper than the key it belongs to breaks the letter of YAML, and common parsers take
/// it: so does this one.
pub fn parse_yaml(text: &str) -> (Vec<Node>, Option<Broken>) {
    match parse_strictly(text) {
        (_, Some(broken)) if broken.code == "D004" && closes_at(text, broken.line) => {
            parse_strictly(&indent_closing_brackets(text))
        }
        parsed => parsed,
    }
}

/// Whether a line begins with a closing bracket.
fn closes_at(text: &str, line: u32) -> bool {
    let line = text.lines().nth((line as usize).saturating_sub(1));
    line.is_some_and(|line| line.trim_start().starts_with([']', '}']))
}

/// The text with the lines moved to the right that begin with the bracket which closes what an earlier line left open.
fn indent_closing_brackets(text: &str) -> String {
    let mut indented = String::with_capacity(text.len() + 64);
    let (mut before, mut open) = (0, 0_usize);
    for line in text.split_inclusive('\n') {
        let content = line.trim_start();
        if open > 0 && content.starts_with([']', '}']) {
            open -= 1;
            indented.extend(std::iter::repeat_n(' ', before + 1));
            indented.push_str(content);
        } else {
            indented.push_str(line);
            before = if content.is_empty() { before } else { (line.len() - content.len()).min(MAX_INDENT) };
        }
        open += usize::from(content.trim_end().ends_with(['[', '{']));
    }
    indented
}

/// Deeper indentation than this is not moved further.
const MAX_INDENT: usize = 1000;

fn parse_strictly(text: &str) -> (Vec<Node>, Option<Broken>) {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    loop {
        match parser.next_event() {
            None => return (builder.documents, None),
            Some(Err(error)) => {
                let line = error.marker().line() as u32;
                return (builder.documents, Some(Broken { code: "D004", message: error.info().to_owned(), line }));
            }
            Some(Ok((event, span))) => {
                if let Err(broken) = builder.take(event, span) {
                    return (builder.documents, Some(broken));
                }
            }
        }
    }
}

/// Parses a text that has one document (an empty text is a null).
///
/// # Errors
/// As [`parse_yaml`]; further documents are ignored.
pub fn parse_yaml_document(text: &str) -> Result<Node, Broken> {
    let (documents, broken) = parse_yaml(text);
    match (documents.into_iter().next(), broken) {
        (Some(node), _) => Ok(node),
        (None, Some(broken)) => Err(broken),
        (None, None) => Ok(Node { value: Value::Null, line: 1, end_line: 1 }),
    }
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    /// Anchored nodes with the number of nodes that they expand to.
    anchors: HashMap<usize, (Rc<Node>, usize)>,
    nodes: usize,
}

struct Open {
    anchor: usize,
    line: u32,
    nodes_before: usize,
    kind: OpenKind,
}

enum OpenKind {
    Seq(Vec<Node>),
    Map { entries: Vec<(Node, Node)>, key: Option<Node> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Broken> {
        let line = span.start.line() as u32;
        let end_line = (span.end.line() as u32).max(line);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
            Event::DocumentEnd => self.anchors.clear(),
            Event::SequenceStart(anchor, _) => self.open(anchor, line, OpenKind::Seq(Vec::new()))?,
            Event::MappingStart(anchor, _) => {
                self.open(anchor, line, OpenKind::Map { entries: Vec::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end_line)?,
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(Broken { code: "D007", message: "alias of a node that is still open".into(), line });
                };
                self.count(size, line)?;
                self.place((*node).clone(), 0, size)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, line)?;
                let quoted = style != ScalarStyle::Plain;
                let null = !quoted && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                // A tag decides what a scalar is: `!!str 12` and `!mine 12` are texts.
                let is_text = tag.is_some_and(|tag| !tag.is_yaml_core_schema() || tag.suffix == "str");
                let literal = style == ScalarStyle::Literal;
                // A block scalar's span ends at the start of what follows.
                let end_line = if quoted && span.end.col() == 0 && end_line > line { end_line - 1 } else { end_line };
                let value = if null {
                    Value::Null
                } else {
                    Value::Scalar(Scalar { text: text.into_owned(), quoted: quoted || is_text, literal })
                };
                self.place(Node { value, line, end_line }, anchor, 1)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, more: usize, line: u32) -> Result<(), Broken> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            let message = format!("more than {MAX_NODES} nodes, aliases expanded");
            return Err(Broken { code: "D006", message, line });
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, line: u32, kind: OpenKind) -> Result<(), Broken> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Broken { code: "D005", message: format!("nested deeper than {MAX_DEPTH} levels"), line });
        }
        let nodes_before = self.nodes;
        self.count(1, line)?;
        self.open.push(Open { anchor, line, nodes_before, kind });
        Ok(())
    }

    fn close(&mut self, end_line: u32) -> Result<(), Broken> {
        let Some(Open { anchor, line, nodes_before, kind }) = self.open.pop() else {
            return Err(Broken { code: "D004", message: "unexpected end of a collection".into(), line: end_line });
        };
        let value = match kind {
            OpenKind::Seq(items) => Value::Seq(items),
            OpenKind::Map { entries, .. } => Value::Map(merge_keys(entries)),
        };
        // The end event of a block collection stands at the start of what follows it: the last child knows better.
        let last = match &value {
            Value::Seq(items) => items.last().map(|item| item.end_line),
            Value::Map(entries) => entries.iter().map(|(key, value)| key.end_line.max(value.end_line)).max(),
            _ => None,
        };
        let end_line = last.unwrap_or(end_line).max(line);
        let size = self.nodes - nodes_before;
        self.place(Node { value, line, end_line }, anchor, size)
    }

    fn place(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Broken> {
        if anchor > 0 {
            self.anchors.insert(anchor, (Rc::new(node.clone()), size));
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.documents.push(node),
            Some(OpenKind::Seq(items)) => items.push(node),
            Some(OpenKind::Map { entries, key }) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push((key, node)),
            },
        }
        Ok(())
    }
}

fn merge_keys(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    if !entries.iter().any(|(key, _)| is_merge_key(key)) {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| is_merge_key(key));
    for (_, merged) in merges {
        for source in merged.items() {
            for (key, value) in source.as_map().unwrap_or_default() {
                if !own.iter().any(|(known, _)| known.value == key.value) {
                    own.push((key.clone(), value.clone()));
                }
            }
        }
    }
    own
}

fn is_merge_key(key: &Node) -> bool {
    matches!(&key.value, Value::Scalar(Scalar { text, quoted: false, .. }) if text == "<<")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        parse_yaml_document(text).unwrap()
    }

    #[test]
    fn lines_and_literal_blocks() {
        let node = one("a:\n  b: 1\n  c:\n    - x\n    - y\nd: |\n  first\n  second\ne: 2\n");
        assert_eq!(node.at(&["a", "c"]).unwrap().items()[1].line, 5);
        let block = node.at(&["d"]).unwrap();
        assert_eq!((block.line, block.end_line, block.as_str()), (7, 8, Some("first\nsecond\n")));
        assert_eq!(node.at(&["a"]).unwrap().end_line, 5);
        assert_eq!(node.at(&["e"]).unwrap().line, 9);
    }

    #[test]
    fn documents_before_an_error_are_kept() {
        let (documents, broken) = parse_yaml("a: 1\n---\nb: [\n");
        assert_eq!(documents.len(), 1);
        assert_eq!(broken.unwrap().code, "D004");
    }

    #[test]
    fn closing_brackets_may_stand_at_their_key() {
        let text = "a:\n  b: [\n    x,\n  ]\n  c: {\n    d: 1,\n  }\n  e: 2\n";
        let node = one(text);
        assert_eq!(node.at(&["a", "b"]).unwrap().items()[0].line, 3);
        assert_eq!(node.str_at(&["a", "c", "d"]), Some("1"));
        assert_eq!(node.at(&["a", "e"]).unwrap().line, 8);
        assert_eq!(parse_yaml("a:\n  b: 1\n]\n").1.unwrap().line, 3);
    }

    #[test]
    fn aliases_and_merge_keys() {
        let node = one("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n");
        assert_eq!(node.str_at(&["y", "a"]), Some("1"));
        assert_eq!(node.str_at(&["y", "b"]), Some("3"));
    }

    #[test]
    fn bombs_meet_a_limit() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..12 {
            let inner = format!("*a{},", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert_eq!(parse_yaml(&bomb).1.unwrap().code, "D006");
        // The parser has a limit of its own, and says so as a syntax error.
        assert!(["D004", "D005"].contains(&parse_yaml(&"[".repeat(200_000)).1.unwrap().code));
        assert_eq!(parse_yaml(&"- ".repeat(200)).1.unwrap().code, "D005");
        assert_eq!(parse_yaml("a: &a [*a]").1.unwrap().code, "D007");
    }

    #[test]
    fn scalars_keep_their_words() {
        let node = one("a: 'true'\nb: true\nc: ~\nd: 0123\n");
        assert_eq!(node.get("a").unwrap().as_bool(), None);
        assert_eq!(node.get("b").unwrap().as_bool(), Some(true));
        assert!(node.get("c").unwrap().is_null());
        assert_eq!(node.str_at(&["d"]), Some("0123"));
    }
}

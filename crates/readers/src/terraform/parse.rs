//! The parser of the HCL native syntax, as Terraform and OpenTofu use it.
//!
//! Source of the grammar: the HCL native syntax specification (`hclsyntax/spec.md` in the HCL project). It is laxer than
//! Terraform where that costs nothing (repeated keys, newlines inside expressions): what Terraform takes must be read.
//! It never fails as a whole: after an error, reading goes on at the next top-level block.

mod expression;
mod template;

use super::syntax::{Attribute, Block, Body, Part};
use crate::limits::MAX_DEPTH;
use crate::node::Broken;
use std::borrow::Cow;

/// Reads a file. With the first error, if there is one, comes all that could be read around it.
pub(super) fn parse(text: &str) -> (Body<'_>, Option<Broken>) {
    let mut parser = Parser::new(text, 1);
    let mut body = Body::default();
    let mut first = None;
    while let Err(broken) = parser.body(&mut body, false) {
        first.get_or_insert(broken);
        parser.skip_to_next_block();
    }
    (body, first)
}

/// Reads a text as a template (`templatefile`, strings of the JSON syntax).
pub(super) fn parse_template(text: &str, line: u32) -> Result<Vec<Part<'_>>, Broken> {
    Parser::new(text, line).whole_template()
}

/// Words that start a line at the top of a file: where reading can go on after an error.
const TOP_LEVEL: &[&str] = &[
    "resource",
    "data",
    "module",
    "provider",
    "variable",
    "output",
    "locals",
    "terraform",
    "moved",
    "import",
    "check",
    "removed",
    "ephemeral",
];

pub(super) struct Parser<'s> {
    text: &'s str,
    at: usize,
    line: u32,
    depth: usize,
    /// Inside parentheses, brackets and `${}` a newline is white space.
    newline_is_space: bool,
}

type Parsed<T> = Result<T, Broken>;

impl<'s> Parser<'s> {
    fn new(text: &'s str, line: u32) -> Parser<'s> {
        Parser { text, at: 0, line, depth: 0, newline_is_space: false }
    }

    /// Attributes and blocks until the closing brace (or the end of the file).
    fn body(&mut self, body: &mut Body<'s>, in_block: bool) -> Parsed<()> {
        loop {
            self.skip_lines();
            match self.peek() {
                None if in_block => return Err(self.error("the file ends inside a block")),
                None => return Ok(()),
                Some(b'}') if in_block => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b',' | b';') => self.at += 1,
                Some(_) => self.item(body)?,
            }
        }
    }

    fn item(&mut self, body: &mut Body<'s>) -> Parsed<()> {
        let line = self.line;
        let name = match self.peek() {
            // Old files quote attribute names.
            Some(b'"') => self.quoted_label()?,
            _ => Cow::Borrowed(self.identifier().ok_or_else(|| self.unexpected("a name"))?),
        };
        self.skip_space();
        if self.peek() == Some(b'=') && self.peek_at(1) != Some(b'=') {
            self.at += 1;
            let value = self.expression()?;
            body.attributes.push(Attribute { name, line, value });
            return self.end_of_item();
        }
        let mut labels = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'"') => labels.push(self.quoted_label()?),
                Some(b'{') => break,
                _ => labels.push(Cow::Borrowed(self.identifier().ok_or_else(|| self.unexpected("`{` or `=`"))?)),
            }
        }
        self.at += 1;
        let mut block = Block { kind: name, labels, line, end_line: line, body: Body::default() };
        let outer = std::mem::replace(&mut self.newline_is_space, false);
        let read = self.deeper(|parser| parser.body(&mut block.body, true));
        self.newline_is_space = outer;
        block.end_line = self.line;
        body.blocks.push(block);
        read
    }

    /// After an attribute comes a new line, the end of the block or the end of the file.
    fn end_of_item(&mut self) -> Parsed<()> {
        self.skip_space();
        match self.peek() {
            None | Some(b'\n' | b'}' | b',') => Ok(()),
            Some(_) => Err(self.unexpected("the end of the line")),
        }
    }

    fn quoted_label(&mut self) -> Parsed<Cow<'s, str>> {
        self.at += 1;
        let rest = self.rest();
        let Some(length) = rest.bytes().position(|byte| byte == b'"' || byte == b'\n') else {
            return Err(self.error("a string is not closed"));
        };
        let label = rest.get(..length).unwrap_or_default();
        self.at += length;
        if self.peek() != Some(b'"') {
            return Err(self.error("a string is not closed"));
        }
        self.at += 1;
        Ok(Cow::Borrowed(label))
    }

    /// A name: letters, digits, `_` and `-`, not starting with a digit.
    fn identifier(&mut self) -> Option<&'s str> {
        let rest = self.rest();
        let mut end = 0;
        for (at, letter) in rest.char_indices() {
            let fits = letter == '_' || letter.is_alphabetic() || (at > 0 && (letter == '-' || letter.is_numeric()));
            if !fits {
                break;
            }
            end = at + letter.len_utf8();
        }
        let name = rest.get(..end).filter(|name| !name.is_empty())?;
        self.at += end;
        Some(name)
    }

    /// Runs a part of the parser one level deeper, or gives up when that is too deep.
    fn deeper<T>(&mut self, part: impl FnOnce(&mut Parser<'s>) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(Broken { code: "D005", message, line: self.line });
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }

    /// Skips to the next line that starts with a word of the top level.
    fn skip_to_next_block(&mut self) {
        self.newline_is_space = false;
        loop {
            let Some(newline) = memchr::memchr(b'\n', self.rest().as_bytes()) else {
                self.at = self.text.len();
                return;
            };
            self.at += newline + 1;
            self.line += 1;
            let rest = self.rest();
            let starts =
                |word: &str| rest.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t', '"', '{']));
            if TOP_LEVEL.iter().any(|word| starts(word)) {
                return;
            }
        }
    }

    fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    fn eat(&mut self, text: &str) -> bool {
        let there = self.starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// Skips blanks and comments, and newlines where they are white space.
    fn skip_space(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\n') if self.newline_is_space => self.next_line(),
                Some(b'#') => self.skip_comment(),
                Some(b'/') if self.peek_at(1) == Some(b'/') => self.skip_comment(),
                Some(b'/') if self.peek_at(1) == Some(b'*') => self.skip_block_comment(),
                _ => return,
            }
        }
    }

    /// Skips white space with newlines, whatever is around.
    fn skip_lines(&mut self) {
        let outer = std::mem::replace(&mut self.newline_is_space, true);
        self.skip_space();
        self.newline_is_space = outer;
    }

    fn next_line(&mut self) {
        self.at += 1;
        self.line += 1;
    }

    fn skip_comment(&mut self) {
        self.at = memchr::memchr(b'\n', self.rest().as_bytes()).map_or(self.text.len(), |end| self.at + end);
    }

    fn skip_block_comment(&mut self) {
        let rest = self.rest();
        let length = rest.get(2..).and_then(|inside| inside.find("*/")).map_or(rest.len(), |end| end + 4);
        self.line += rest.bytes().take(length).filter(|byte| *byte == b'\n').count() as u32;
        self.at += length;
    }

    fn error(&self, message: &str) -> Broken {
        Broken { code: "D004", message: message.to_owned(), line: self.line }
    }

    fn unexpected(&self, expected: &str) -> Broken {
        match self.rest().chars().next() {
            None => self.error(&format!("expected {expected}, and the file ends")),
            Some('\n') => self.error(&format!("expected {expected}, and the line ends")),
            Some(letter) => self.error(&format!("expected {expected}, found `{letter}`")),
        }
    }
}

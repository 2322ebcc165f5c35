use super::{Parsed, Parser};
use crate::terraform::syntax::{Kind, Part, TemplateFor, TemplateIf};
use std::borrow::Cow;

/// Where a template ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// At the closing quote; backslash escapes count.
    Quote,
    /// At this position of the text.
    At(usize),
}

/// What stopped a run of template parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    End,
    Else,
    EndIf,
    EndFor,
}

impl<'s> Parser<'s> {
    pub(super) fn whole_template(&mut self) -> Parsed<Vec<Part<'s>>> {
        self.all_parts(End::At(self.text.len()))
    }

    pub(super) fn quoted_template(&mut self) -> Parsed<Kind<'s>> {
        self.at += 1;
        let parts = self.deeper(|parser| parser.all_parts(End::Quote))?;
        self.at += 1;
        Ok(simplify(parts))
    }

    /// `<<EOT` or `<<-EOT`, the lines, and the word alone on a line.
    pub(super) fn heredoc(&mut self) -> Parsed<Kind<'s>> {
        self.at += 2;
        let indented = self.eat("-");
        let Some(word) = self.identifier() else { return Err(self.unexpected("a name after `<<`")) };
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        if self.peek() != Some(b'\n') {
            return Err(self.unexpected("the end of the line"));
        }
        self.next_line();
        let mut end = self.at;
        let mut indent = usize::MAX;
        let mut closed = None;
        for line in self.rest().split_inclusive('\n') {
            if line.trim() == word {
                closed = Some(end + line.trim_end_matches(['\n', '\r']).len());
                break;
            }
            if !line.trim().is_empty() {
                indent = indent.min(line.len() - line.trim_start_matches([' ', '\t']).len());
            }
            end += line.len();
        }
        let Some(after) = closed else { return Err(self.error(&format!("`{word}` never ends the text"))) };
        let mut parts = self.deeper(|parser| parser.all_parts(End::At(end)))?;
        self.at = after;
        if indented && indent > 0 && indent != usize::MAX {
            unindent(&mut parts, indent, &mut true);
        }
        Ok(simplify(parts))
    }

    fn all_parts(&mut self, end: End) -> Parsed<Vec<Part<'s>>> {
        match self.parts(end)? {
            (parts, Stop::End) => Ok(parts),
            _ => Err(self.error("a template directive has no beginning")),
        }
    }

    /// Text, `${}` and `%{}` up to the end, or after a directive that belongs to the caller.
    fn parts(&mut self, end: End) -> Parsed<(Vec<Part<'s>>, Stop)> {
        let mut parts = Vec::new();
        loop {
            let text = self.plain_text(end)?;
            if !text.is_empty() {
                parts.push(Part::Text(text));
            }
            if self.ended(end) {
                return Ok((parts, Stop::End));
            }
            let directive = self.starts_with("%{");
            self.at += 2;
            if self.eat("~") {
                trim_last(&mut parts);
            }
            if !directive {
                let value = self.enclosed(Parser::expression)?;
                parts.push(Part::Value(value));
                self.close(end)?;
                continue;
            }
            self.skip_lines();
            let stop = match self.identifier() {
                Some("if") => {
                    parts.push(self.deeper(|parser| parser.template_if(end))?);
                    continue;
                }
                Some("for") => {
                    parts.push(self.deeper(|parser| parser.template_for(end))?);
                    continue;
                }
                Some("else") => Stop::Else,
                Some("endif") => Stop::EndIf,
                Some("endfor") => Stop::EndFor,
                _ => return Err(self.error("unknown template directive")),
            };
            self.close(end)?;
            return Ok((parts, stop));
        }
    }

    fn template_if(&mut self, end: End) -> Parsed<Part<'s>> {
        let condition = self.enclosed(Parser::expression)?;
        self.close(end)?;
        let (then, stop) = self.parts(end)?;
        let (otherwise, stop) = if stop == Stop::Else { self.parts(end)? } else { (Vec::new(), stop) };
        if stop != Stop::EndIf {
            return Err(self.error("a template `if` has no `endif`"));
        }
        Ok(Part::If(Box::new(TemplateIf { condition, then, otherwise })))
    }

    fn template_for(&mut self, end: End) -> Parsed<Part<'s>> {
        let (key, value, source) = self.enclosed(Parser::for_header)?;
        self.close(end)?;
        let (body, stop) = self.parts(end)?;
        if stop != Stop::EndFor {
            return Err(self.error("a template `for` has no `endfor`"));
        }
        Ok(Part::For(Box::new(TemplateFor { key, value, source, body })))
    }

    /// `}` or `~}`; the latter swallows the white space after it.
    fn close(&mut self, end: End) -> Parsed<()> {
        self.skip_lines();
        let trims = self.eat("~");
        if !self.eat("}") {
            return Err(self.unexpected("`}`"));
        }
        while trims && !self.ended(end) {
            match self.peek() {
                Some(b'\n') => self.next_line(),
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                _ => break,
            }
        }
        Ok(())
    }

    fn ended(&self, end: End) -> bool {
        match end {
            End::Quote => self.peek() == Some(b'"'),
            End::At(position) => self.at >= position,
        }
    }

    /// Text up to the end or the next `${` or `%{`.
    fn plain_text(&mut self, end: End) -> Parsed<Cow<'s, str>> {
        let mut text: Cow<'s, str> = Cow::Borrowed("");
        let mut start = self.at;
        loop {
            if self.ended(end) {
                break;
            }
            match self.peek() {
                None => return Err(self.error("a string is not closed")),
                Some(b'\n') if end == End::Quote => return Err(self.error("a string is not closed")),
                Some(b'\n') => self.next_line(),
                Some(b'\\') if end == End::Quote => {
                    self.keep(&mut text, start);
                    let letter = self.escape()?;
                    text.to_mut().push(letter);
                    start = self.at;
                }
                Some(sign @ (b'$' | b'%')) if self.peek_at(1) == Some(sign) && self.peek_at(2) == Some(b'{') => {
                    // `$${` is a plain `${`.
                    self.at += 1;
                    self.keep(&mut text, start);
                    self.at += 2;
                    text.to_mut().push('{');
                    start = self.at;
                }
                Some(b'$' | b'%') if self.peek_at(1) == Some(b'{') => break,
                Some(_) => self.at += 1,
            }
        }
        self.keep(&mut text, start);
        Ok(text)
    }

    /// Appends what was passed over since `start`.
    fn keep(&self, text: &mut Cow<'s, str>, start: usize) {
        let passed = self.text.get(start..self.at).unwrap_or_default();
        if text.is_empty() {
            *text = Cow::Borrowed(passed);
        } else {
            text.to_mut().push_str(passed);
        }
    }

    /// A backslash escape of a quoted string. One that does not exist stands for itself.
    fn escape(&mut self) -> Parsed<char> {
        self.at += 1;
        let Some(letter) = self.rest().chars().next() else { return Err(self.error("a string is not closed")) };
        self.at += letter.len_utf8();
        let digits = match letter {
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'u' => 4,
            'U' => 8,
            '\n' => return Err(self.error("a string is not closed")),
            other => return Ok(other),
        };
        let code = self.rest().get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let Some(found) = code.and_then(char::from_u32) else {
            return Err(self.error("a `\\u` escape has no valid number"));
        };
        self.at += digits;
        Ok(found)
    }
}

/// A template that is a plain text or a single value is no template.
fn simplify(mut parts: Vec<Part<'_>>) -> Kind<'_> {
    match parts.len() {
        0 => Kind::Text(Cow::Borrowed("")),
        1 => match parts.pop() {
            Some(Part::Text(text)) => Kind::Text(text),
            Some(Part::Value(value)) => value.kind,
            other => Kind::Template(other.into_iter().collect()),
        },
        _ => Kind::Template(parts),
    }
}

fn trim_last(parts: &mut [Part<'_>]) {
    if let Some(Part::Text(text)) = parts.last_mut() {
        let kept = text.trim_end().len();
        match text {
            Cow::Borrowed(borrowed) => *text = Cow::Borrowed(borrowed.get(..kept).unwrap_or_default()),
            Cow::Owned(owned) => owned.truncate(kept),
        }
    }
}

/// Takes `indent` blanks from the start of every line of the literal text.
fn unindent(parts: &mut [Part<'_>], indent: usize, at_line_start: &mut bool) {
    for part in parts {
        match part {
            Part::Text(text) => {
                let mut cut = String::with_capacity(text.len());
                for line in text.split_inclusive('\n') {
                    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
                    let skip = if *at_line_start { blanks.min(indent) } else { 0 };
                    cut.push_str(line.get(skip..).unwrap_or_default());
                    *at_line_start = line.ends_with('\n');
                }
                *text = Cow::Owned(cut);
            }
            Part::Value(_) => *at_line_start = false,
            Part::If(inner) => {
                unindent(&mut inner.then, indent, at_line_start);
                unindent(&mut inner.otherwise, indent, at_line_start);
            }
            Part::For(inner) => unindent(&mut inner.body, indent, at_line_start),
        }
    }
}

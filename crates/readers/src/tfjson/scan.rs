//! A pull parser for JSON of any size: it holds one chunk of the input, counts lines and skips what nobody asks for.
//!
//! It is stricter than a bracket counter (structure, literals, escapes and control characters are checked, also in what
//! is skipped) and builds no tree. Source of the grammar: RFC 8259.

use crate::limits::{MAX_DEPTH, MAX_TEXT_BYTES};
use std::io::{ErrorKind, Read};

/// Bytes asked from the input at a time: large enough that the calls do not count, small enough for the cache.
const CHUNK_BYTES: usize = 256 << 10;

pub(super) struct Scan<'r> {
    from: &'r mut dyn Read,
    chunk: Vec<u8>,
    /// The next byte in `chunk`; what is behind `end` is stale.
    at: usize,
    end: usize,
    line: u32,
    depth: usize,
    /// A string that has escapes or crosses a chunk.
    text: Vec<u8>,
}

/// Why reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    /// `D001`, `D002`, `D004` or `D005`.
    pub code: &'static str,
    pub message: String,
    pub line: u32,
}

/// An object or array that is being read.
pub(super) struct Open {
    first: bool,
}

type Result<T> = std::result::Result<T, Stop>;

/// Where the bytes of a string stand.
enum Held {
    Chunk(usize, usize),
    Text,
}

impl<'r> Scan<'r> {
    /// Starts reading; a UTF-8 byte order mark is passed over.
    ///
    /// # Errors
    /// `D002` for binary input and `D001` when the input cannot be read.
    pub fn new(from: &'r mut dyn Read) -> Result<Scan<'r>> {
        let mut scan = Scan { from, chunk: vec![0; CHUNK_BYTES], at: 0, end: 0, line: 1, depth: 0, text: Vec::new() };
        scan.refill()?;
        match scan.chunk.get(..scan.end) {
            Some([0xef, 0xbb, 0xbf, ..]) => scan.at = 3,
            Some([0, ..]) => return Err(scan.stop("D002", "the file is not text")),
            _ => {}
        }
        Ok(scan)
    }

    /// The line of the next byte.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The line of the next value.
    pub fn value_line(&mut self) -> Result<u32> {
        self.peek()?;
        Ok(self.line)
    }

    /// Enters the object that comes next; anything else is skipped and gives `None`.
    pub fn object(&mut self) -> Result<Option<Open>> {
        self.enter(b'{')
    }

    /// Enters the array that comes next; anything else is skipped and gives `None`.
    pub fn array(&mut self) -> Result<Option<Open>> {
        self.enter(b'[')
    }

    /// The next key of an object, made into something by `as_key`; `None` closes the object.
    pub fn key<K>(&mut self, open: &mut Open, as_key: impl FnOnce(&str) -> K) -> Result<Option<K>> {
        if !self.next_of(open, b'}')? {
            return Ok(None);
        }
        if self.peek()? != b'"' {
            return Err(self.syntax("expected a key"));
        }
        self.at += 1;
        let held = self.string_body(true)?;
        let key = as_key(self.held(&held)?);
        self.colon()?;
        Ok(Some(key))
    }

    /// Whether the array has a further item; `false` closes it.
    pub fn item(&mut self, open: &mut Open) -> Result<bool> {
        self.next_of(open, b']')
    }

    /// Reads to the end of an object that was entered.
    pub fn leave_object(&mut self, open: &mut Open) -> Result<()> {
        while self.key(open, |_| ())?.is_some() {
            self.skip()?;
        }
        Ok(())
    }

    /// The string that comes next; anything else is skipped and gives `None`.
    pub fn string(&mut self) -> Result<Option<&str>> {
        if self.peek()? != b'"' {
            self.skip()?;
            return Ok(None);
        }
        self.at += 1;
        let held = self.string_body(true)?;
        self.held(&held).map(Some)
    }

    /// The string, number or boolean that comes next, as text; anything else is skipped and gives `None`.
    pub fn scalar(&mut self) -> Result<Option<String>> {
        Ok(match self.peek()? {
            b'"' => self.string()?.map(str::to_owned),
            b't' => self.literal(b"true").map(|()| Some("true".to_owned()))?,
            b'f' => self.literal(b"false").map(|()| Some("false".to_owned()))?,
            b'-' | b'0'..=b'9' => {
                self.text.clear();
                self.number(true)?;
                Some(String::from_utf8_lossy(&self.text).into_owned())
            }
            _ => {
                self.skip()?;
                None
            }
        })
    }

    /// The first byte of the value that comes next, without consuming it.
    pub fn next_byte(&mut self) -> Result<u8> {
        self.peek()
    }

    /// Whether the value that comes next is `true`; it is consumed whatever it is.
    pub fn is_true(&mut self) -> Result<bool> {
        let yes = self.peek()? == b't';
        self.skip()?;
        Ok(yes)
    }

    /// Whether the value that comes next is `null`; nothing is consumed.
    pub fn at_null(&mut self) -> Result<bool> {
        Ok(self.peek()? == b'n')
    }

    /// Passes over the value that comes next, checking its structure.
    pub fn skip(&mut self) -> Result<()> {
        // One bit a level: 1 for an object. The depth limit keeps it within the word.
        const { assert!(MAX_DEPTH <= 128) };
        let outer = self.depth;
        let mut objects = 0_u128;
        loop {
            match self.peek()? {
                b'{' => {
                    self.descend()?;
                    objects = objects << 1 | 1;
                    if self.peek()? != b'}' {
                        self.skip_key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.descend()?;
                    objects <<= 1;
                    if self.peek()? != b']' {
                        continue;
                    }
                }
                b'"' => {
                    self.at += 1;
                    self.string_body(false)?;
                }
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                b'-' | b'0'..=b'9' => self.number(false)?,
                _ => return Err(self.syntax("expected a value")),
            }
            if !self.close_skipped(outer, &mut objects)? {
                return Ok(());
            }
        }
    }

    /// After a skipped value: closes what ends here. `false`: the outermost skipped value has ended.
    fn close_skipped(&mut self, outer: usize, objects: &mut u128) -> Result<bool> {
        while self.depth > outer {
            let object = *objects & 1 == 1;
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    if object {
                        self.skip_key()?;
                    }
                    return Ok(true);
                }
                b'}' if object => {}
                b']' if !object => {}
                _ => return Err(self.syntax("expected a comma or the end of an object or array")),
            }
            self.at += 1;
            self.depth -= 1;
            *objects >>= 1;
        }
        Ok(false)
    }

    /// After the last value: only white space may follow.
    pub fn end(&mut self) -> Result<()> {
        match self.peek_or_end()? {
            None => Ok(()),
            Some(_) => Err(self.syntax("something follows the end of the document")),
        }
    }

    fn skip_key(&mut self) -> Result<()> {
        if self.peek()? != b'"' {
            return Err(self.syntax("expected a key"));
        }
        self.at += 1;
        self.string_body(false)?;
        self.colon()
    }

    fn colon(&mut self) -> Result<()> {
        if self.peek()? != b':' {
            return Err(self.syntax("expected a colon"));
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self, bracket: u8) -> Result<Option<Open>> {
        if self.peek()? != bracket {
            self.skip()?;
            return Ok(None);
        }
        self.descend()?;
        Ok(Some(Open { first: true }))
    }

    fn descend(&mut self) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(self.stop("D005", &format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.at += 1;
        self.depth += 1;
        Ok(())
    }

    fn next_of(&mut self, open: &mut Open, bracket: u8) -> Result<bool> {
        let first = std::mem::replace(&mut open.first, false);
        match self.peek()? {
            byte if byte == bracket => {
                self.at += 1;
                self.depth = self.depth.saturating_sub(1);
                Ok(false)
            }
            _ if first => Ok(true),
            b',' => {
                self.at += 1;
                if self.peek()? == bracket {
                    return Err(self.syntax("a comma before the end of an object or array"));
                }
                Ok(true)
            }
            _ => Err(self.syntax("expected a comma or the end of an object or array")),
        }
    }

    /// The next byte that is not white space, without consuming it.
    fn peek(&mut self) -> Result<u8> {
        match self.chunk.get(self.at) {
            Some(&byte) if byte > b' ' && self.at < self.end => Ok(byte),
            _ => self.peek_or_end()?.ok_or_else(|| self.syntax("the file ends in the middle")),
        }
    }

    fn peek_or_end(&mut self) -> Result<Option<u8>> {
        loop {
            let rest = self.chunk.get(self.at..self.end).unwrap_or_default();
            for (passed, &byte) in rest.iter().enumerate() {
                match byte {
                    b'\n' => self.line = self.line.saturating_add(1),
                    b' ' | b'\t' | b'\r' => {}
                    _ => {
                        self.at += passed;
                        return Ok(Some(byte));
                    }
                }
            }
            if !self.refill()? {
                return Ok(None);
            }
        }
    }

    /// The rest of a string behind its quote. What is kept is bounded; the rest of a longer one is cut off.
    fn string_body(&mut self, keep: bool) -> Result<Held> {
        let start = self.at;
        let mut crossed = false;
        loop {
            let from = self.at;
            let rest = self.chunk.get(from..self.end).unwrap_or_default();
            let length = plain_length(rest);
            let stopper = rest.get(length).copied();
            self.at = from + length;
            if stopper == Some(b'"') && !crossed {
                self.at += 1;
                return Ok(Held::Chunk(start, from + length));
            }
            if keep {
                if !crossed {
                    self.text.clear();
                }
                self.keep(from, from + length);
            }
            crossed = true;
            match stopper {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Held::Text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(keep)?;
                }
                Some(_) => return Err(self.syntax("a control character in a string")),
                None if self.refill()? => {}
                None => return Err(self.syntax("the file ends in the middle")),
            }
        }
    }

    fn keep(&mut self, from: usize, to: usize) {
        let room = MAX_TEXT_BYTES.saturating_sub(self.text.len());
        if let Some(part) = self.chunk.get(from..to.min(from + room)) {
            self.text.extend_from_slice(part);
        }
    }

    fn escape(&mut self, keep: bool) -> Result<()> {
        let character = match self.byte()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'u' => self.escaped_unit()?,
            _ => return Err(self.syntax("an unknown escape in a string")),
        };
        if keep && self.text.len() < MAX_TEXT_BYTES {
            self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }

    /// One UTF-16 unit. Halves of a pair become replacement characters: such texts are names in no cloud.
    fn escaped_unit(&mut self) -> Result<char> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.byte()?;
            let digit = char::from(byte).to_digit(16).ok_or_else(|| self.syntax("an unknown escape in a string"))?;
            unit = unit * 16 + digit;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn byte(&mut self) -> Result<u8> {
        if self.at >= self.end && !self.refill()? {
            return Err(self.syntax("the file ends in the middle"));
        }
        let byte = self.chunk.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self, keep: bool) -> Result<()> {
        loop {
            let from = self.at;
            let rest = self.chunk.get(from..self.end).unwrap_or_default();
            let length = rest
                .iter()
                .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
                .unwrap_or(rest.len());
            let ended = length < rest.len();
            self.at += length;
            if keep {
                self.keep(from, from + length);
            }
            if ended || !self.refill()? {
                return Ok(());
            }
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<()> {
        for &expected in word {
            if self.byte()? != expected {
                return Err(self.syntax("expected a value"));
            }
        }
        Ok(())
    }

    fn held(&self, held: &Held) -> Result<&str> {
        let bytes = match held {
            Held::Chunk(from, to) => self.chunk.get(*from..*to).unwrap_or_default(),
            Held::Text => &self.text,
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            // A text that was cut at the limit may end inside a character.
            Err(error) if error.error_len().is_none() => {
                Ok(bytes.get(..error.valid_up_to()).and_then(|part| std::str::from_utf8(part).ok()).unwrap_or(""))
            }
            Err(_) => Err(self.stop("D002", "a string is not UTF-8")),
        }
    }

    /// Gets the next chunk; `false` at the end of the input.
    fn refill(&mut self) -> Result<bool> {
        (self.at, self.end) = (0, 0);
        loop {
            match self.from.read(&mut self.chunk) {
                Ok(length) => {
                    self.end = length.min(self.chunk.len());
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.stop("D001", &format!("the file could not be read: {error}"))),
            }
        }
    }

    fn syntax(&self, message: &str) -> Stop {
        self.stop("D004", message)
    }

    fn stop(&self, code: &'static str, message: &str) -> Stop {
        Stop { code, message: message.to_owned(), line: self.line }
    }
}

/// How many bytes of a string come before a quote, a backslash or a control character. Eight bytes at a time: most
/// strings are longer than that.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, _) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let special = has_zero(word ^ (ONES * b'"' as u64)) | has_zero(word ^ (ONES * b'\\' as u64)) | below_space;
        if special != 0 {
            // Borrows run upwards only, so the lowest mark is exact.
            return length + special.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;

//! Variables that a script sets for itself.

use super::words::Word;
use crate::variables::{Known, Syntax, expand};
use std::collections::BTreeMap;

/// What the variables of a script are, as far as its lines tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Locals {
    known: BTreeMap<String, String>,
}

impl Locals {
    /// Replaces the variables of a command that were set before it, and defaults (`${A:-b}`).
    pub fn replace(&self, command: &mut [Word]) {
        for word in command.iter_mut().filter(|word| word.text.contains('$')) {
            let lookup = |name: &str| Some(Known { value: self.known.get(name)?.clone(), ..Known::default() });
            let expanded = expand(&word.text, Syntax::Shell, &lookup);
            if expanded.text.len() <= MAX_WORD_BYTES && !word.text.contains("$$") {
                word.text = expanded.text;
            }
        }
    }

    /// Remembers what a command assigns, by itself or behind `export`.
    pub fn assign(&mut self, command: &[Word]) {
        for (name, value, _) in assignments(command) {
            // The output of another command, or what only a run knows.
            let fine = !value.is_empty() && !value.contains(['$', '`']) && value.len() <= MAX_WORD_BYTES;
            if fine && self.known.len() < MAX_VARIABLES {
                self.known.insert(name.to_owned(), value.to_owned());
            } else {
                self.known.remove(name);
            }
        }
    }
}

/// The assignments that a command is made of: `A=b C=d`, `export A=b`. Name, value and line; nothing when a program
/// follows them.
pub(super) fn assignments(command: &[Word]) -> Vec<(&str, &str, u32)> {
    let mut found = Vec::new();
    for (at, word) in command.iter().enumerate() {
        let text = word.text.as_str();
        match text.split_once('=') {
            Some((name, value)) if is_name(name) => found.push((name, value, word.line)),
            _ if at == 0 && matches!(text, "export" | "declare" | "local" | "readonly" | "typeset" | "set") => {}
            _ if text.starts_with('-') && found.is_empty() && at > 0 => {}
            _ => return Vec::new(),
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Variables of one script.
const MAX_VARIABLES: usize = 1000;
/// A longer word is data.
const MAX_WORD_BYTES: usize = 4096;

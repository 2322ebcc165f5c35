//! A batch script as directives, assignments and commands. It is never run; what only a shell could know stays as it is
//! written (`$NAME`).

use crate::limits::{MAX_SCRIPT_WORDS, MAX_SHELL_VALUE_BYTES};
use rustc_hash::FxHashMap;

#[derive(Debug, Default)]
pub(super) struct Script<'a> {
    /// `#SBATCH` options with their values and lines; names without dashes, short ones as their long names.
    pub directives: Vec<(&'a str, String, u32)>,
    /// First and last line with a directive.
    pub header: Option<(u32, u32)>,
    pub comments: Vec<(&'a str, u32)>,
    pub assignments: Vec<(String, Word)>,
    pub commands: Vec<Vec<Word>>,
    /// The line from which on the script was not looked at, because it was too long.
    pub cut_at: Option<u32>,
}

/// A word of a command, quotes taken off and known variables filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub line: u32,
    /// Whether it holds something that only the shell could know.
    pub is_open: bool,
}

impl Script<'_> {
    pub fn directive(&self, name: &str) -> Option<(&str, u32)> {
        let found = self.directives.iter().rev().find(|(known, ..)| *known == name);
        found.map(|(_, value, line)| (value.as_str(), *line))
    }
}

pub(super) fn parse(text: &str) -> Script<'_> {
    let mut script = Script::default();
    let mut variables: FxHashMap<String, String> = FxHashMap::default();
    let mut words = 0;
    let mut command: Vec<Word> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let trimmed = text.trim();
        if let Some(options) = trimmed.strip_prefix("#SBATCH") {
            directives(&mut script, options, line);
            continue;
        }
        if let Some(comment) = trimmed.strip_prefix('#') {
            script.comments.push((comment.trim(), line));
            continue;
        }
        let (body, continues) = match trimmed.strip_suffix('\\') {
            Some(body) => (body, true),
            None => (trimmed, false),
        };
        for token in tokens(body) {
            words += 1;
            match token {
                _ if words > MAX_SCRIPT_WORDS => {
                    script.cut_at = Some(line);
                    return script;
                }
                Token::Comment(comment) => script.comments.push((comment, line)),
                Token::Separator => finish(&mut script, &mut command),
                Token::Word { raw, literal } => {
                    let (text, is_open) = if literal { (raw, false) } else { filled(&raw, &variables) };
                    let word = Word { text, line, is_open };
                    match assignment(&word, &command) {
                        Some((name, value)) => {
                            if !value.is_open {
                                variables.insert(name.clone(), value.text.clone());
                            }
                            script.assignments.push((name, value));
                        }
                        None => command.push(word),
                    }
                }
            }
        }
        if !continues {
            finish(&mut script, &mut command);
        }
    }
    finish(&mut script, &mut command);
    script
}

fn finish(script: &mut Script<'_>, command: &mut Vec<Word>) {
    let command = std::mem::take(command);
    if !command.is_empty() {
        script.commands.push(command);
    }
}

/// `NAME=value` before a command, or anywhere behind `export`.
fn assignment(word: &Word, command: &[Word]) -> Option<(String, Word)> {
    let before = command.first().map(|first| first.text.as_str());
    if !matches!(before, None | Some("export" | "env" | "declare" | "readonly" | "local")) {
        return None;
    }
    let (name, value) = word.text.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|character: char| character.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| (name.to_owned(), Word { text: value.to_owned(), ..*word }))
}

enum Token<'a> {
    /// `literal`: in single quotes, so that the shell fills in nothing.
    Word {
        raw: String,
        literal: bool,
    },
    Separator,
    Comment(&'a str),
}

/// The words of one line. An open quote ends with the line: texts over several lines are no addresses.
fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut word = String::new();
    let (mut quote, mut any, mut literal) = (None, false, false);
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(open), character) if open == character => quote = None,
            (Some('"'), '\\') | (None, '\\') => word.extend(characters.next().map(|(_, character)| character)),
            (Some(_), character) => word.push(character),
            (None, '"' | '\'') => {
                literal = character == '\'' && word.is_empty();
                (quote, any) = (Some(character), true);
            }
            (None, '#') if word.is_empty() && !any => {
                found.push(Token::Comment(line.get(at + 1..).unwrap_or_default().trim()));
                return found;
            }
            // `${NAME:-a b}` and `$(command)` are one word.
            (None, '$') if characters.peek().is_some_and(|(_, next)| matches!(next, '{' | '(')) => {
                word.push('$');
                bracketed(&mut characters, &mut word);
                any = true;
            }
            (None, ' ' | '\t' | ';' | '&' | '|' | '(' | ')' | '<' | '>' | '`') => {
                if any || !word.is_empty() {
                    found.push(Token::Word { raw: std::mem::take(&mut word), literal });
                    (any, literal) = (false, false);
                }
                if !matches!(character, ' ' | '\t') {
                    found.push(Token::Separator);
                }
            }
            (None, character) => word.push(character),
        }
    }
    if any || !word.is_empty() {
        found.push(Token::Word { raw: word, literal });
    }
    found
}

fn bracketed(characters: &mut std::iter::Peekable<std::str::CharIndices<'_>>, word: &mut String) {
    let mut depth = 0_usize;
    for (_, character) in characters.by_ref() {
        word.push(character);
        match character {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Fills in `$NAME`, `${NAME}` and `${NAME:-default}`; the flag says that something is left over.
fn filled(raw: &str, variables: &FxHashMap<String, String>) -> (String, bool) {
    let (mut text, mut is_open) = (String::new(), false);
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let (name, default, behind) = match after.strip_prefix('{') {
            Some(inner) => match inner.split_once('}') {
                Some((inner, behind)) => {
                    let (name, default) = match inner.split_once(":-").or_else(|| inner.split_once('-')) {
                        Some((name, default)) => (name, Some(default)),
                        None => (inner, None),
                    };
                    (name, default, behind)
                }
                None => (after, None, ""),
            },
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (after.get(..end).unwrap_or(""), None, after.get(end..).unwrap_or(""))
            }
        };
        match variables.get(name).map(String::as_str).or(default.filter(|default| !default.contains('$'))) {
            Some(value) => text.push_str(value),
            None => {
                is_open = true;
                text.push('$');
                text.push_str(name);
            }
        }
        rest = behind;
        if text.len() > MAX_SHELL_VALUE_BYTES {
            return (text, true);
        }
    }
    text.push_str(rest);
    (text, is_open)
}

fn directives(script: &mut Script<'_>, options: &str, line: u32) {
    let first = script.header.map_or(line, |(first, _)| first);
    script.header = Some((first, line));
    let options = options.split(" #").next().unwrap_or(options);
    let mut words = options.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                let value = words.next_if(|next| !next.starts_with('-')).unwrap_or_default();
                (word, value.to_owned())
            }
        };
        if let Some(name) = long_name(name) {
            script.directives.push((name, value.trim_matches(['"', '\'']).to_owned(), line));
        }
    }
}

/// The directives that say something about where a job runs and what in. Source: the manual page of `sbatch`.
fn long_name(option: &str) -> Option<&'static str> {
    Some(match option.trim_start_matches('-') {
        "J" | "job-name" => "job-name",
        "A" | "account" => "account",
        "p" | "partition" => "partition",
        "q" | "qos" => "qos",
        "M" | "clusters" | "cluster" => "clusters",
        "C" | "constraint" => "constraint",
        "container-image" | "image" => "container-image",
        "comment" => "comment",
        "mail-user" => "mail-user",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let commands = parse(text).commands;
        commands.into_iter().map(|command| command.into_iter().map(|word| word.text).collect()).collect()
    }

    #[test]
    fn words_of_commands() {
        let check = |text: &str, expect: &[&[&str]]| assert_eq!(words(text), expect, "{text}");
        check("a 'b c' \"d\" # e", &[&["a", "b c", "d"]]);
        check("a && b | c; d", &[&["a"], &["b"], &["c"], &["d"]]);
        check("a \\\n  b\nc", &[&["a", "b"], &["c"]]);
        check("X=1\nexport Y=${X}2\nrun $Y ${Z:-3} $W '$X'", &[&["export"], &["run", "12", "3", "$W", "$X"]]);
        check("run ${A:-x", &[&["run", "${A:-x"]]);
        check("a $(b c)/d", &[&["a", "$(b c)/d"]]);
    }

    #[test]
    fn directives_in_all_spellings() {
        let script =
            parse("#!/bin/bash\n#SBATCH -A p200 --partition=gpu\n#SBATCH --job-name \"x\" # why\n#SBATCH -M lumi\n");
        assert_eq!(script.directive("account"), Some(("p200", 2)));
        assert_eq!(script.directive("partition"), Some(("gpu", 2)));
        assert_eq!(script.directive("job-name"), Some(("x", 3)));
        assert_eq!(script.directive("clusters"), Some(("lumi", 4)));
        assert_eq!(script.header, Some((2, 4)));
    }
}

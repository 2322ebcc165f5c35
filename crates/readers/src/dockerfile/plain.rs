//! A Dockerfile as plain JSON, for rules that teams wrote against that shape: a list of commands, comments among them.
//!
//! Source of the shape: conftest (`parser/docker/docker.go`) over BuildKit's parser (`parser.go`, `line_parsers.go`,
//! `split_command.go`): `Cmd`, `SubCmd`, `JSON`, `Flags`, `Value`, `Stage`.

use super::instructions::{Instruction, escape_of, parse};
use crate::node::Broken;
use serde_json::{Value, json};

/// Reads a file as a list of commands.
///
/// # Errors
/// A file without instructions, an instruction that Docker does not know, or one without what it needs.
pub fn plain(text: &str) -> Result<Value, Broken> {
    let escape = escape_of(text);
    let comments = comments_before(text, escape);
    let mut commands = Vec::new();
    let mut stage: Option<u32> = None;
    for instruction in parse(text, 1) {
        let line = instruction.lines.first().map_or(0, |(line, _)| *line);
        let mut command = command(&instruction, escape, line)?;
        if instruction.word == "FROM" {
            stage = Some(stage.map_or(0, |stage| stage + 1));
        }
        let stage = stage.unwrap_or(0);
        for (_, comment) in comments.iter().filter(|(before, _)| *before == line) {
            commands.push(json!({
                "Cmd": "comment", "SubCmd": "", "JSON": false, "Flags": null, "Value": [comment], "Stage": stage,
            }));
        }
        if let Some(command) = command.as_object_mut() {
            command.insert("Stage".into(), stage.into());
        }
        commands.push(command);
    }
    if commands.is_empty() {
        return Err(Broken { code: "D004", message: "no instruction".into(), line: 0 });
    }
    Ok(Value::Array(commands))
}

/// Comments with the line of the instruction that follows. An empty comment forgets those before it; directives at the
/// top are none.
fn comments_before(text: &str, escape: char) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut waiting: Vec<String> = Vec::new();
    let instructions = parse(text, 1);
    let mut starts = instructions.iter();
    let mut next = starts.next();
    let mut directives = true;
    let mut until = 0;
    for (number, line) in (1_u32..).zip(text.lines()) {
        if let Some(instruction) = next.filter(|next| next.lines.first().is_some_and(|(line, _)| *line == number)) {
            found.extend(waiting.drain(..).map(|comment| (number, comment)));
            until = instruction.lines.last().map_or(number, |(line, _)| *line);
            // The closing word of a here-document is no line of the instruction.
            until += u32::from(instruction.lines.len() > continued(instruction, escape).1);
            (next, directives) = (starts.next(), false);
            continue;
        }
        // BuildKit cuts the first letter of the line, so that an indented comment keeps its sign.
        let comment = line.trim_start().starts_with('#').then(|| line.get(1..)).flatten();
        let Some(comment) = comment.filter(|_| number > until) else {
            directives &= number <= until;
            continue;
        };
        let directive = comment.split_once('=').map(|(key, _)| key.trim().to_ascii_lowercase());
        if directives && directive.is_some_and(|key| matches!(key.as_str(), "syntax" | "escape" | "check")) {
            continue;
        }
        directives = false;
        match comment.trim() {
            "" => waiting.clear(),
            comment => waiting.push(comment.to_owned()),
        }
    }
    found
}

/// The text of an instruction with its continuation lines joined, and how many lines that took; here-documents stay out.
fn continued(instruction: &Instruction<'_>, escape: char) -> (String, usize) {
    let mut joined = String::new();
    let mut taken = 0;
    for (_, line) in &instruction.lines {
        taken += 1;
        let trimmed = line.trim_end_matches([' ', '\t', '\r']);
        match trimmed.strip_suffix(escape) {
            Some(before) => joined.push_str(before),
            None => {
                joined.push_str(line);
                break;
            }
        }
    }
    (joined.trim().to_owned(), taken)
}

fn command(instruction: &Instruction<'_>, escape: char, line: u32) -> Result<Value, Broken> {
    let (text, _) = continued(instruction, escape);
    if instruction.word != "ONBUILD" {
        return arguments(&instruction.word, &text, escape, line).map(|found| found.json(&instruction.word, ""));
    }
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text.as_str(), ""));
    let found = arguments(&word.to_ascii_uppercase(), rest.trim(), escape, line)?;
    // The flags of the command behind `ONBUILD` are not told.
    Ok(Arguments { flags: Vec::new(), ..found }.json("ONBUILD", word))
}

struct Arguments {
    is_json: bool,
    flags: Vec<String>,
    values: Vec<String>,
}

impl Arguments {
    fn json(self, word: &str, inner: &str) -> Value {
        let values = if self.values.is_empty() { Value::Null } else { json!(self.values) };
        json!({
            "Cmd": word.to_ascii_lowercase(),
            "SubCmd": inner,
            "JSON": self.is_json,
            // BuildKit has no list where nothing can stand, and an empty one where nothing does.
            "Flags": self.flags,
            "Value": values,
            "Stage": 0,
        })
    }
}

fn arguments(word: &str, text: &str, escape: char, line: u32) -> Result<Arguments, Broken> {
    let broken = |message: String| Broken { code: "D004", message, line };
    let (flags, rest) = flags(text, escape);
    let blanks = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let whole = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    let (values, is_json) = match word {
        "CMD" | "ENTRYPOINT" | "RUN" | "SHELL" => match json_list(rest) {
            Some(values) => (values, true),
            None => (whole(rest), false),
        },
        "ADD" | "COPY" | "VOLUME" => match json_list(rest) {
            Some(values) => (values, true),
            None => (blanks(rest), false),
        },
        "HEALTHCHECK" => {
            let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let (mut values, is_json) = match json_list(rest) {
                Some(values) => (values, true),
                None => (whole(rest.trim_start()), false),
            };
            values.insert(0, kind.to_owned());
            (values, is_json)
        }
        "EXPOSE" | "FROM" => (blanks(rest), false),
        "ARG" => (words(rest, escape), false),
        "ENV" | "LABEL" => {
            let words = words(rest, escape);
            let pairs = match words.first() {
                Some(first) if !first.contains('=') => {
                    let (key, value) = rest
                        .split_once(char::is_whitespace)
                        .ok_or_else(|| broken(format!("`{word}` has a name and no value")))?;
                    vec![key.to_owned(), value.trim_start().to_owned(), String::new()]
                }
                _ => {
                    let mut pairs = Vec::new();
                    for word in &words {
                        let (key, value) =
                            word.split_once('=').ok_or_else(|| broken(format!("`{word}` has no `=`")))?;
                        pairs.extend([key.to_owned(), value.to_owned(), "=".to_owned()]);
                    }
                    pairs
                }
            };
            (pairs, false)
        }
        "MAINTAINER" | "STOPSIGNAL" | "USER" | "WORKDIR" => (whole(rest), false),
        _ => return Err(broken(format!("there is no instruction `{word}`"))),
    };
    if values.is_empty() {
        return Err(broken(format!("`{word}` has no argument")));
    }
    Ok(Arguments { is_json, flags, values })
}

/// A list of texts in JSON.
fn json_list(text: &str) -> Option<Vec<String>> {
    text.trim_start().starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
}

/// The words in front that begin with `--`, without their quotes, and the rest.
fn flags(text: &str, escape: char) -> (Vec<String>, &str) {
    let mut flags = Vec::new();
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        let mut word = String::new();
        let mut quote = None;
        let mut end = rest.len();
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match (quote, letter) {
                (Some(open), letter) if letter == open => quote = None,
                (None, '"' | '\'') => quote = Some(letter),
                (None, letter) if letter.is_whitespace() => {
                    end = at;
                    break;
                }
                (_, letter) if letter == escape => word.extend(letters.next().map(|(_, letter)| letter)),
                (_, letter) => word.push(letter),
            }
        }
        rest = rest.get(end..).unwrap_or_default().trim_start();
        if word == "--" {
            break;
        }
        flags.push(word);
    }
    (flags, rest)
}

/// Words with their quotes, which may have blanks inside.
fn words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match quote {
            None if letter.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            Some(open) if letter == open => quote = None,
            _ => {}
        }
        if letter == escape && quote != Some('\'') {
            if let Some(next) = letters.next() {
                word.extend([letter, next]);
            }
            continue;
        }
        word.push(letter);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_buildkit_has_them() {
        let text = "# syntax=docker/dockerfile:1\n# first\nFROM --platform=linux/amd64 a:1 AS b\n# x\n#\n# y\nENV A=1 B=\"two words\"\nENV C d e\n\
                    LABEL l=m\nRUN --mount=type=cache,target=/x apt-get update \\\n  # inside\n  && apt-get install x\nRUN [\"a\", \"b\"]\nRUN <<EOF\n# no comment\nx\nEOF\n\
                    FROM c\nHEALTHCHECK --interval=5s CMD curl x\nONBUILD RUN make it\nCOPY --from=b /x /y\nUSER root\nARG V=\"1 2\" W\n";
        let shown: Vec<String> = plain(text)
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                format!(
                    "{} {} {} {} {} {}",
                    one["Cmd"], one["SubCmd"], one["JSON"], one["Flags"], one["Value"], one["Stage"]
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn what_docker_refuses_is_an_error() {
        for (text, line) in
            [("", 0), ("FROM a\nBUILD x\n", 2), ("FROM a\nENV A\n", 2), ("FROM a\nENV A=1 B\n", 2), ("FROM\n", 1)]
        {
            assert_eq!(plain(text).unwrap_err().line, line, "{text}");
        }
    }
}

//! A Dockerfile's text to instructions: continuation lines (with comments between them), the escape directive, and
//! here-documents, each piece with its own line.

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instruction<'a> {
    /// Upper case.
    pub word: String,
    /// Its text behind the word, line by line, continuation signs kept as `\`.
    pub lines: Vec<(u32, &'a str)>,
}

impl<'a> Instruction<'a> {
    /// The words of an instruction that is no script, quotes kept out of the way.
    pub(super) fn words(&self) -> Vec<(u32, String)> {
        let mut words = Vec::new();
        for (line, text) in &self.lines {
            let text = text.trim_end();
            let text = text.strip_suffix(['\\', '`']).unwrap_or(text);
            let mut word = String::new();
            let mut quote = None;
            for char in text.chars() {
                match (quote, char) {
                    (Some(open), char) if char == open => quote = None,
                    (None, '"' | '\'') => quote = Some(char),
                    (None, char) if char.is_whitespace() => {
                        if !word.is_empty() {
                            words.push((*line, std::mem::take(&mut word)));
                        }
                    }
                    (_, char) => word.push(char),
                }
            }
            if !word.is_empty() {
                words.push((*line, word));
            }
        }
        words
    }

    /// The instruction behind `ONBUILD`.
    pub(super) fn inner(&self) -> Option<Instruction<'a>> {
        let ((line, first), rest) = self.lines.split_first()?;
        let (word, text) = first.trim_start().split_once(char::is_whitespace)?;
        let word = word.to_ascii_uppercase();
        (word != "ONBUILD")
            .then(|| Instruction { word, lines: std::iter::once((*line, text)).chain(rest.iter().copied()).collect() })
    }
}

pub(super) fn parse(text: &str, first_line: u32) -> Vec<Instruction<'_>> {
    let escape = escape_of(text);
    let mut all = Vec::new();
    let mut lines = (first_line..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (word, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
        let mut instruction = Instruction { word: word.to_ascii_uppercase(), lines: vec![(number, rest)] };
        let mut goes_on = trimmed.ends_with(escape);
        while goes_on {
            let Some((number, line)) = lines.next() else { break };
            let trimmed = line.trim();
            // Comments and empty lines between continuation lines are dropped.
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            instruction.lines.push((number, line));
            goes_on = trimmed.ends_with(escape);
        }
        for end in heredocs(&instruction) {
            for (number, line) in lines.by_ref() {
                if line.trim_start_matches('\t').trim_end() == end {
                    break;
                }
                instruction.lines.push((number, line));
            }
        }
        all.push(instruction);
    }
    all
}

/// The sign of continuation lines: a backslash, or what the `escape` directive at the top says.
pub(super) fn escape_of(text: &str) -> char {
    for line in text.lines() {
        let Some((key, value)) = line.trim().strip_prefix('#').and_then(|rest| rest.split_once('=')) else { break };
        if key.trim().eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}

/// The closing words of the here-documents that an instruction opens (`<<EOF`, `<<-"EOF"`).
fn heredocs(instruction: &Instruction<'_>) -> Vec<String> {
    if !matches!(instruction.word.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    let mut ends = Vec::new();
    for (_, line) in &instruction.lines {
        for word in line.split_whitespace() {
            let Some((before, after)) = word.split_once("<<") else { continue };
            let name = after.trim_start_matches('-').trim_matches(['"', '\'']);
            let fine = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if fine && (before.is_empty() || before.bytes().all(|byte| byte.is_ascii_digit())) {
                ends.push(name.to_owned());
            }
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_heredocs() {
        let text = "# escape=\\\nFROM a\nRUN b \\\n # c\n\n  && d\nRUN <<EOF\ne\nf\nEOF\nCOPY g h\n";
        let shown: Vec<String> = parse(text, 1)
            .iter()
            .map(|one| {
                let lines: Vec<String> =
                    one.lines.iter().map(|(line, text)| format!("{line}:{}", text.trim())).collect();
                format!("{} {}", one.word, lines.join(" "))
            })
            .collect();
        assert_eq!(shown, ["FROM 2:a", "RUN 3:b \\ 6:&& d", "RUN 7:<<EOF 8:e 9:f", "COPY 11:g h"]);
    }
}

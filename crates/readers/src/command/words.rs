//! Shell text to simple commands: words with their lines. Quotes, continuation lines and comments are understood;
//! substitutions stay words.

/// A word of a command and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub line: u32,
}

/// The simple commands of a script.
pub(crate) fn commands(lines: &[(u32, &str)]) -> Vec<Vec<Word>> {
    let mut all = Vec::new();
    let mut command = Vec::new();
    for (number, line) in lines {
        let trimmed = line.trim_end();
        let (text, goes_on) = match trimmed.strip_suffix(['\\', '`']) {
            Some(text) if !trimmed.ends_with("\\\\") => (text, true),
            _ => (trimmed, false),
        };
        split_line(text, *number, 0, &mut command, &mut all);
        if !goes_on {
            finish(&mut command, &mut all);
        }
    }
    finish(&mut command, &mut all);
    all
}

fn finish(command: &mut Vec<Word>, all: &mut Vec<Vec<Word>>) {
    if !command.is_empty() {
        all.push(std::mem::take(command));
    }
}

fn split_line(text: &str, line: u32, nested: u32, command: &mut Vec<Word>, all: &mut Vec<Vec<Word>>) {
    let mut word = String::new();
    let mut quote = None;
    let mut braces = 0_u32;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), char) if char == open => quote = None,
            // What a command inside quotes puts out: a part of the word, and a command of its own.
            (Some('"'), '(') if word.ends_with('$') => inside(&mut chars, line, nested, &mut word, all),
            (Some(_), char) => word.push(char),
            (None, '"' | '\'') => quote = Some(char),
            (None, '\\') => word.extend(chars.next()),
            (None, '{') => {
                braces += 1;
                word.push(char);
            }
            (None, '}') => {
                braces = braces.saturating_sub(1);
                word.push(char);
            }
            // Spaces inside `${{ }}` and `{{ }}` separate nothing.
            (None, char) if braces >= 2 => word.push(char),
            (None, '#') if word.is_empty() => break,
            // `<(command)` stands for a file: a word of the command around it, and a command of its own.
            (None, '(') if word.ends_with(['<', '>']) => inside(&mut chars, line, nested, &mut word, all),
            (None, ';' | '|' | '&' | '(' | ')') => {
                push(&mut word, line, command);
                if char == '(' && command.last().is_some_and(|last| last.text.ends_with('$')) {
                    command.pop();
                }
                // `2>&1` is no end of a command.
                if char == '&' && command.last().is_some_and(|last| last.text.ends_with('>')) {
                    continue;
                }
                finish(command, all);
            }
            (None, char) if char.is_whitespace() => push(&mut word, line, command),
            (None, char) => word.push(char),
        }
    }
    push(&mut word, line, command);
}

/// Takes the command in parentheses out of a word.
fn inside(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    line: u32,
    nested: u32,
    word: &mut String,
    all: &mut Vec<Vec<Word>>,
) {
    let inner = until_closed(chars);
    word.push_str("()");
    let mut within = Vec::new();
    if nested < MAX_NESTED {
        split_line(&inner, line, nested + 1, &mut within, all);
    }
    finish(&mut within, all);
}

/// The text up to the parenthesis that closes the one just read.
fn until_closed(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let (mut inner, mut open) = (String::new(), 0_u32);
    for char in chars {
        match char {
            '(' => open += 1,
            ')' if open == 0 => break,
            ')' => open -= 1,
            _ => {}
        }
        inner.push(char);
    }
    inner
}

/// Commands that stand for files, inside each other.
const MAX_NESTED: u32 = 4;

fn push(word: &mut String, line: u32, command: &mut Vec<Word>) {
    if !word.is_empty() {
        command.push(Word { text: std::mem::take(word), line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_split_into_commands() {
        let check = |text: &str, expect: &[&str]| {
            let lines: Vec<(u32, &str)> = (1..).zip(text.lines()).collect();
            let shown: Vec<String> = commands(&lines)
                .iter()
                .map(|command| command.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join("·"))
                .collect();
            assert_eq!(shown, expect, "{text}");
        };
        check("a b && c | d; e", &["a·b", "c", "d", "e"]);
        check("a \\\n b\nc", &["a·b", "c"]);
        check("a 'b c' \"d\" # e", &["a·b c·d"]);
        check("x $(curl -s y)", &["x", "curl·-s·y"]);
        check("a ${{ b.c }}/d e", &["a·${{ b.c }}/d·e"]);
        check("a 2>&1", &["a·2>·1"]);
        check("a=\"$(curl -s b)\" c", &["curl·-s·b", "a=$()·c"]);
        check("a <(b \"$C\") d | e", &["b·$C", "a·<()·d", "e"]);
    }
}

//! Whether a script lets nothing through that the rules do not allow: it runs `allod check` or `allod apply`, and fails
//! when they do. What only may fail (`|| true`, a pipe, a condition) is no gate.

/// The shell of a script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shell {
    /// Whether it stops at the first command that fails (`-e`).
    pub stops: bool,
    /// Whether a pipe fails with any of its commands.
    pub pipefail: bool,
}

/// What was found, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Allod(u32),
    /// `pre-commit run`, with the hook that it names: it is a gate when its hooks are.
    Hooks(Option<String>, u32),
}

/// The first gate of a script.
pub(crate) fn gate(lines: &[(u32, &str)], mut shell: Shell) -> Option<Gate> {
    let statements = statements(lines);
    for (at, statement) in statements.iter().enumerate() {
        settings(&statement.words, &mut shell);
        let rest = statements.get(at..).unwrap_or_default();
        if let Some(gate) = runs(statement).filter(|_| fails_with(rest, shell)) {
            return Some(gate);
        }
    }
    None
}

/// Whether words are a command that is a gate.
pub(crate) fn is_gate(words: &[String]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let arguments = match base_name(program) {
        "allod" => arguments,
        "docker" | "podman" | "nerdctl" => match arguments.iter().position(|word| is_image(word)) {
            Some(at) => arguments.get(at + 1..).unwrap_or_default(),
            None => return false,
        },
        _ => return false,
    };
    let first = arguments.iter().find(|word| !word.starts_with('-')).map(String::as_str);
    let harmless = |word: &String| matches!(word.as_str(), "--exit-zero" | "--help" | "-h" | "--version" | "-V");
    matches!(first, Some("check" | "apply")) && !arguments.iter().any(harmless)
}

fn is_image(word: &str) -> bool {
    let name = word.split(['@', ':']).next().unwrap_or(word);
    word.contains('/') && !word.starts_with(['-', '.', '/', '$']) && base_name(name) == "allod"
        || matches!(name, "allod") && word.contains(':')
}

fn base_name(text: &str) -> &str {
    text.rsplit(['/', '\\']).next().unwrap_or(text).trim_end_matches(".exe")
}

fn runs(statement: &Statement) -> Option<Gate> {
    // What comes before a command and does not change whether it fails.
    const BEFORE: &[&str] = &["sudo", "exec", "time", "env", "command", "then", "do", "else", "{", "nice"];
    let assigns = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    let start = statement.words.iter().position(|word| !BEFORE.contains(&word.as_str()) && !assigns(word))?;
    let words = statement.words.get(start..)?;
    if is_gate(words) {
        return Some(Gate::Allod(statement.line));
    }
    let (program, arguments) = words.split_first()?;
    if base_name(program) != "pre-commit" || arguments.first().is_none_or(|word| word != "run") {
        return None;
    }
    let hook = arguments.iter().skip(1).find(|word| !word.starts_with('-')).cloned();
    Some(Gate::Hooks(hook, statement.line))
}

/// `set -e`, `set +e`, `set -o pipefail`.
fn settings(words: &[String], shell: &mut Shell) {
    if words.first().is_none_or(|word| word != "set") {
        return;
    }
    let mut on = true;
    for word in words.iter().skip(1) {
        match word.split_at_checked(1) {
            Some((sign @ ("-" | "+"), flags)) => {
                on = sign == "-";
                if flags.contains('e') {
                    shell.stops = on;
                }
            }
            _ if word == "pipefail" => shell.pipefail = on,
            _ if word == "errexit" => shell.stops = on,
            _ => {}
        }
    }
}

/// Whether the script fails when the first of some statements does.
fn fails_with(statements: &[Statement], shell: Shell) -> bool {
    let mut chained = false;
    for (at, statement) in statements.iter().enumerate() {
        let next = statements.get(at + 1);
        match statement.then {
            Then::Background => return false,
            Then::Pipe if !shell.pipefail => return false,
            Then::Pipe => {}
            Then::Or => return next.is_some_and(gives_up),
            // A shell does not stop at what stands before `&&`: the whole line fails only where the script ends with it.
            Then::And => chained = true,
            Then::Next => return next.is_none() || shell.stops && !chained,
        }
    }
    true
}

/// `exit 1`, `false`: what makes a failure one.
fn gives_up(statement: &Statement) -> bool {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).filter(|word| *word != "{").collect();
    match words.as_slice() {
        ["exit" | "return", code, ..] => *code != "0",
        ["exit" | "return" | "false"] => true,
        _ => false,
    }
}

/// A command, and what joins it to the next one.
#[derive(Debug)]
struct Statement {
    words: Vec<String>,
    line: u32,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Next,
    And,
    Or,
    Pipe,
    Background,
}

fn statements(lines: &[(u32, &str)]) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut reader = Reader { words: Vec::new(), word: String::new(), line: 0, quote: None };
    let mut here: Option<String> = None;
    for (number, line) in lines {
        if let Some(end) = &here {
            if line.trim() == end {
                here = None;
            }
            continue;
        }
        let (text, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(text) => (text, true),
            None => (*line, false),
        };
        reader.read(text, *number, &mut all);
        here = heredoc(text);
        if !goes_on && reader.quote.is_none() {
            reader.end(Then::Next, &mut all);
        }
    }
    reader.end(Then::Next, &mut all);
    all
}

/// The word that ends the document which a line begins.
fn heredoc(line: &str) -> Option<String> {
    let (_, after) = line.split_once("<<")?;
    let word = after.trim_start_matches('-').trim_start().split([' ', ';', '|', '&', ')']).next()?;
    let word = word.trim_matches(['"', '\'']);
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).then(|| word.to_owned())
}

struct Reader {
    words: Vec<String>,
    word: String,
    line: u32,
    quote: Option<char>,
}

impl Reader {
    fn read(&mut self, text: &str, line: u32, all: &mut Vec<Statement>) {
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            if self.words.is_empty() && self.word.is_empty() {
                self.line = line;
            }
            match (self.quote, char) {
                (Some(open), char) if char == open => self.quote = None,
                (Some(_), char) => self.word.push(char),
                (None, '"' | '\'') => self.quote = Some(char),
                (None, '\\') => self.word.extend(chars.next()),
                (None, '#') if self.word.is_empty() => return,
                (None, ';') => self.end(Then::Next, all),
                (None, '|') if chars.next_if_eq(&'|').is_some() => self.end(Then::Or, all),
                (None, '|') => self.end(Then::Pipe, all),
                (None, '&') if chars.next_if_eq(&'&').is_some() => self.end(Then::And, all),
                // `2>&1` and `&>file` join no commands.
                (None, '&') if self.word.ends_with('>') || chars.peek() == Some(&'>') => self.word.push(char),
                (None, '&') => self.end(Then::Background, all),
                (None, char) if char.is_whitespace() => self.take_word(),
                (None, char) => self.word.push(char),
            }
        }
        // A quote goes on in the next line, a word does not.
        if self.quote.is_none() {
            self.take_word();
        }
    }

    fn take_word(&mut self) {
        if !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    fn end(&mut self, then: Then, all: &mut Vec<Statement>) {
        self.take_word();
        if !self.words.is_empty() {
            all.push(Statement { words: std::mem::take(&mut self.words), line: self.line, then });
        } else if let Some(last) = all.last_mut()
            && last.then == Then::Next
        {
            // `fi | tee`: what was a line of its own is joined.
            last.then = then;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASH: Shell = Shell { stops: true, pipefail: false };

    fn found(text: &str, shell: Shell) -> Option<Gate> {
        let lines: Vec<(u32, &str)> = (1..).zip(text.lines()).collect();
        gate(&lines, shell)
    }

    #[test]
    fn what_fails_a_script() {
        let check = |text: &str, expect: Option<u32>| assert_eq!(found(text, BASH), expect.map(Gate::Allod), "{text}");
        check("allod check", Some(1));
        check("echo hi\n./bin/allod apply plan.json --yes", Some(2));
        check("allod check . \\\n  --rules rules/\necho done", Some(1));
        check("sudo RUST_LOG=info allod --quiet check", Some(1));
        check("docker run --rm -v $PWD:/w registry.clinic.lu/allod:1 check /w", Some(1));
        check("docker run --rm alpine allod check", None);
        check("allod audit .", None);
        check("allod check --exit-zero", None);
        check("allod check --help", None);
        check("allod check || true", None);
        check("allod check || echo no", None);
        check("allod check || exit 1", Some(1));
        check("allod check || exit 0", None);
        check("allod check || { echo no; exit 1; }", None);
        check("allod check | tee log", None);
        check("cat x | allod check", Some(1));
        check("set -o pipefail\nallod check 2>&1 | tee log", Some(2));
        check("set -euo pipefail\nallod check | tee log | cat", Some(2));
        check("set +e\nallod check\necho", None);
        check("set +e\nallod check", Some(2));
        check("if allod check; then echo; fi", None);
        check("! allod check", None);
        check("allod check &", None);
        check("make && allod check", Some(1));
        check("allod check && ./deploy", Some(1));
        check("allod check && ./deploy\necho done", None);
        check("allod check && ./deploy || true", None);
        check("echo 'allod check'", None);
        check("echo \"\nallod check\n\"", None);
        check("# allod check", None);
        check("cat > x <<EOF\nallod check\nEOF\n", None);
        check("RESULT=$(allod check)", None);
        check("allod check; echo done", Some(1));
        check("ssh host allod check", None);
    }

    #[test]
    fn shells_that_go_on() {
        let goes_on = Shell { stops: false, pipefail: false };
        assert_eq!(found("allod check\necho done", goes_on), None);
        assert_eq!(found("echo begin\nallod check", goes_on), Some(Gate::Allod(2)));
        assert_eq!(found("set -e\nallod check\necho done", goes_on), Some(Gate::Allod(2)));
        let pipes = Shell { stops: true, pipefail: true };
        assert_eq!(found("allod check | tee log", pipes), Some(Gate::Allod(1)));
    }

    #[test]
    fn hooks() {
        assert_eq!(found("pre-commit run --all-files", BASH), Some(Gate::Hooks(None, 1)));
        assert_eq!(found("pre-commit run allod-check -a", BASH), Some(Gate::Hooks(Some("allod-check".into()), 1)));
        assert_eq!(found("pre-commit run || true", BASH), None);
        assert_eq!(found("pre-commit install", BASH), None);
    }
}

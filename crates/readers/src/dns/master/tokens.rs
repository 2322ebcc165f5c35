//! The text of a zone file to entries: one or more lines, tokens without quotes and escapes, comments apart.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub text: String,
}

/// One entry: a directive or a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub line: u32,
    pub end_line: u32,
    /// Whether it starts with a blank: then it has no owner of its own.
    pub indented: bool,
    pub tokens: Vec<Token>,
}

/// Entries, comments with their lines, and the line of a parenthesis or quote that is never closed.
pub(super) fn entries(text: &str) -> (Vec<Entry>, Vec<(u32, &str)>, Option<u32>) {
    let mut all = Vec::new();
    let mut comments = Vec::new();
    let mut entry: Option<Entry> = None;
    let mut depth = 0_u32;
    // A quoted text that goes on over lines.
    let mut quoted: Option<String> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let open = entry.get_or_insert_with(|| Entry {
            line: number,
            end_line: number,
            indented: line.starts_with([' ', '\t']),
            tokens: Vec::new(),
        });
        open.end_line = number;
        if let Some(at) = scan(line, open, &mut depth, &mut quoted) {
            comments.push((number, line.get(at..).unwrap_or_default()));
        }
        if depth == 0 && quoted.is_none() {
            all.extend(entry.take().filter(|entry| !entry.tokens.is_empty()));
        }
    }
    let unclosed = entry.map(|mut entry| {
        let line = entry.line;
        entry.tokens.extend(quoted.map(|text| Token { text }));
        if !entry.tokens.is_empty() {
            all.push(entry);
        }
        line
    });
    (all, comments, unclosed)
}

/// Reads one line; the place of its comment comes back.
fn scan(line: &str, entry: &mut Entry, depth: &mut u32, quoted: &mut Option<String>) -> Option<usize> {
    let mut word = String::new();
    let mut chars = line.char_indices();
    let push = |word: &mut String, entry: &mut Entry| {
        if !word.is_empty() {
            entry.tokens.push(Token { text: std::mem::take(word) });
        }
    };
    while let Some((at, char)) = chars.next() {
        if let Some(text) = quoted {
            match char {
                '"' => entry.tokens.extend(quoted.take().map(|text| Token { text })),
                '\\' => text.extend(chars.next().map(|(_, char)| char)),
                char => text.push(char),
            }
            continue;
        }
        match char {
            ';' => {
                push(&mut word, entry);
                return Some(at);
            }
            '"' => {
                push(&mut word, entry);
                *quoted = Some(String::new());
            }
            '(' => {
                push(&mut word, entry);
                *depth = depth.saturating_add(1);
            }
            ')' => {
                push(&mut word, entry);
                *depth = depth.saturating_sub(1);
            }
            '\\' => word.extend(chars.next().map(|(_, char)| char)),
            char if char.is_whitespace() => push(&mut word, entry),
            char => word.push(char),
        }
    }
    push(&mut word, entry);
    if let Some(text) = quoted {
        text.push('\n');
    }
    None
}

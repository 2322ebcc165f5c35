use crate::subject::UNKNOWN;
use allod_facts::{Diagnostic, Severity};
use allod_readers::node::{Node, parse_yaml};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A file of the organisation's own: read strictly. What is not understood is a diagnostic at its line, and whoever
/// decides by the file must not go on.
pub(crate) struct Source<'a> {
    pub path: Arc<str>,
    pub diagnostics: &'a mut Vec<Diagnostic>,
}

/// A text with the line where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    pub text: String,
    pub line: u32,
}

/// Files of rules and of the organisation are written by people; a larger one is something else.
pub const MAX_FILE_BYTES: usize = 1 << 20;

impl Source<'_> {
    pub fn error(&mut self, code: &'static str, line: u32, message: String, hint: Option<String>) {
        self.tell(Severity::Error, code, line, message, hint);
    }

    fn tell(&mut self, severity: Severity, code: &'static str, line: u32, message: String, hint: Option<String>) {
        self.diagnostics.push(Diagnostic { code, severity, message, path: self.path.clone(), line, hint });
    }

    /// The one document of the file; `None` with a diagnostic when there is none.
    pub fn document(&mut self, text: &str) -> Option<Node> {
        if text.len() > MAX_FILE_BYTES {
            self.error("P001", 0, format!("the file is larger than {} kB", MAX_FILE_BYTES >> 10), None);
            return None;
        }
        let (mut documents, broken) = parse_yaml(text);
        if let Some(broken) = broken {
            self.error("P001", broken.line, broken.message, None);
            return None;
        }
        if documents.len() > 1 {
            let line = documents.get(1).map_or(0, |node| node.line);
            self.error("P001", line, "the file has several documents".to_owned(), Some("make it one file each".into()));
            return None;
        }
        match documents.pop() {
            Some(node) if node.as_map().is_some() => Some(node),
            other => {
                let line = other.map_or(0, |node| node.line);
                self.error("P001", line, "the file is not a map of keys".to_owned(), None);
                None
            }
        }
    }

    /// Checks `version: 1`.
    pub fn version(&mut self, root: &Node) {
        match root.entry("version") {
            Some((_, value)) if value.as_str() == Some("1") => {}
            Some((_, value)) => {
                self.error(
                    "P001",
                    value.line,
                    "this version of the format is not known".to_owned(),
                    Some("version: 1".into()),
                );
            }
            None => self.error(
                "P001",
                root.line,
                "the file says no version".to_owned(),
                Some("begin it with `version: 1`".into()),
            ),
        }
    }

    /// Tells keys that the format does not have, and keys that stand twice. `false` with a diagnostic for what is no map:
    /// it could be meant to say something.
    pub fn keys(&mut self, node: &Node, known: &[&str], what: &str) -> bool {
        if node.as_map().is_none() && !node.is_null() {
            let hint = Some(format!("keys of {what}: {}", known.join(", ")));
            self.error("P001", node.line, format!("{what} is not a map of keys"), hint);
            return false;
        }
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (key, _) in node.as_map().unwrap_or_default() {
            let Some(name) = key.as_str() else {
                self.error("P001", key.line, format!("a key of {what} is not a name"), None);
                continue;
            };
            if !seen.insert(name) {
                self.error("P002", key.line, format!("`{name}` stands twice in {what}"), None);
            }
            if !known.contains(&name) {
                let hint = near(name, known.iter().copied());
                let hint = hint.map_or_else(
                    || format!("keys of {what}: {}", known.join(", ")),
                    |one| format!("did you mean `{one}`?"),
                );
                self.error("P002", key.line, format!("{what} has no key `{name}`"), Some(hint));
            }
        }
        true
    }

    /// The entries of a map by name; anything else is a diagnostic.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(&'n str, &'n Node, &'n Node)> {
        if node.is_null() {
            return Vec::new();
        }
        if node.as_map().is_none() {
            self.error("P001", node.line, format!("{what} is not a map"), None);
        }
        let (mut entries, mut seen) = (Vec::new(), BTreeSet::new());
        for (key, node) in node.as_map().unwrap_or_default() {
            match key.as_str() {
                None => self.error("P001", key.line, format!("a key of {what} is not a name"), None),
                Some(name) if !seen.insert(name) => {
                    self.error("P002", key.line, format!("`{name}` stands twice in {what}"), None);
                }
                Some(name) => entries.push((name, key, node)),
            }
        }
        entries
    }

    /// Tells a name that cannot be given: it stands for what is not known, and would let that satisfy a rule.
    pub fn own_name(&mut self, name: &str, line: u32) {
        if name == UNKNOWN {
            let hint = Some("choose another name".to_owned());
            self.error("P001", line, format!("`{UNKNOWN}` stands for what is not known"), hint);
        }
    }

    pub fn text(&mut self, node: &Node, what: &str) -> Option<Said> {
        match node.as_str().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(Said { text: text.to_owned(), line: node.line }),
            None => {
                self.error("P001", node.line, format!("{what} is not a text"), None);
                None
            }
        }
    }

    /// One text or a list of them; an empty list is a mistake, since it would say nothing.
    pub fn texts(&mut self, node: &Node, what: &str) -> Vec<Said> {
        if node.items().is_empty() {
            self.error("P001", node.line, format!("{what} is empty"), None);
        }
        node.items().iter().filter_map(|item| self.text(item, what)).collect()
    }

    /// A number of days: `90d`, `12w`, `6m` (of 30 days), `1y` (of 365).
    pub fn days(&mut self, node: &Node, what: &str) -> Option<u32> {
        let text = node.as_str().unwrap_or_default();
        let unit = text.chars().last().and_then(|unit| {
            Some(match unit {
                'd' => 1,
                'w' => 7,
                'm' => 30,
                'y' => 365,
                _ => return None,
            })
        });
        let number = unit.and_then(|unit| text.get(..text.len() - 1)?.parse::<u32>().ok()?.checked_mul(unit));
        if number.is_none() {
            self.error(
                "P001",
                node.line,
                format!("{what} is no span of time"),
                Some("write 90d, 12w, 6m or 1y".into()),
            );
        }
        number
    }
}

/// The name that was probably meant: the one that differs in the fewest letters, when these are few.
pub(crate) fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    known.map(|other| (distance(name, other), other)).filter(|(far, _)| *far <= limit).min().map(|(_, other)| other)
}

/// Letters to add, drop or change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&row, j) + usize::from(letter != *other);
            next.push(changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

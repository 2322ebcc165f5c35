use super::{HOLE, Scope, Tree, render};
use crate::node::Node;
use allod_facts::Evidence;
use std::collections::BTreeMap;

/// Named templates inside named templates.
const MAX_INCLUDES: usize = 8;
/// The longest value that is put into a line; longer ones are data.
const MAX_VALUE_BYTES: usize = 4096;
/// Parentheses in parentheses.
const MAX_PARENTHESES: usize = 16;

/// A value with the lines that decided it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub text: String,
    pub seen: Vec<Evidence>,
}

/// What an action does to the text.
pub(super) enum Act {
    /// Nothing: a comment, an assignment.
    Silent,
    /// Opens a block, or changes to its other branch.
    Open,
    Close,
    /// Puts a value there; `None` when only the engine knows which.
    Value(Option<Known>),
}

/// What the dot means inside a block.
enum Dot<'a> {
    Same,
    At(Option<Tree<'a>>),
}

pub(super) struct State<'a, 's> {
    scope: &'s Scope<'a>,
    blocks: Vec<Dot<'a>>,
    variables: BTreeMap<String, Option<Known>>,
}

/// The value of a term: a text, a tree, or not known.
enum Term<'a> {
    Known(Known),
    Tree(Tree<'a>),
    /// Set nowhere or empty: `default` takes the other one.
    Empty,
    Unknown,
}

/// Whether an action puts whole lines there.
pub(super) fn splices_block(action: &str) -> bool {
    ["toYaml", "nindent", "indent", "include", "template", "tpl", "toJson"].iter().any(|word| action.contains(word))
}

impl<'a, 's> State<'a, 's> {
    pub fn new(scope: &'s Scope<'a>) -> State<'a, 's> {
        State { scope, blocks: Vec::new(), variables: BTreeMap::new() }
    }

    pub fn act(&mut self, action: &str) -> Act {
        let action = action.trim();
        if action.is_empty() || action.starts_with("/*") {
            return Act::Silent;
        }
        let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
        match word {
            "if" | "block" | "define" => {
                self.blocks.push(Dot::Same);
                Act::Open
            }
            "with" => {
                let dot = match self.term(rest.trim(), 0) {
                    Term::Tree(tree) => Some(tree),
                    _ => None,
                };
                self.blocks.push(Dot::At(dot));
                Act::Open
            }
            "range" => {
                self.blocks.push(Dot::At(None));
                Act::Open
            }
            "else" => Act::Silent,
            "end" => {
                self.blocks.pop();
                Act::Close
            }
            "break" | "continue" => Act::Silent,
            _ if word.starts_with('$') && (rest.starts_with(":=") || rest.starts_with("= ")) => {
                let value = self.value(rest.trim_start_matches(':').trim_start_matches('=').trim(), 0);
                self.variables.insert(word.to_owned(), value);
                Act::Silent
            }
            "fail" => Act::Silent,
            _ => Act::Value(self.value(action, 0)),
        }
    }

    fn value(&self, expression: &str, depth: usize) -> Option<Known> {
        match self.term(expression, depth) {
            Term::Known(known) if known.text.len() <= MAX_VALUE_BYTES && is_plain(&known.text) => Some(known),
            Term::Empty => None,
            _ => None,
        }
    }

    /// A pipeline: the value of each stage is the last argument of the next.
    fn term(&self, expression: &str, depth: usize) -> Term<'a> {
        if depth > MAX_PARENTHESES {
            return Term::Unknown;
        }
        let mut stages = split(expression, '|').into_iter();
        let mut value = match stages.next() {
            Some(first) => self.call(&split(first, ' '), None, depth),
            None => return Term::Unknown,
        };
        for stage in stages {
            value = self.call(&split(stage, ' '), Some(value), depth);
        }
        value
    }

    fn call(&self, words: &[&str], piped: Option<Term<'a>>, depth: usize) -> Term<'a> {
        let Some((&function, arguments)) = words.split_first() else { return Term::Unknown };
        let argument = |at: usize| arguments.get(at).map(|word| self.operand(word, depth));
        let last = |piped: Option<Term<'a>>| {
            piped.or_else(|| arguments.last().map(|word| self.operand(word, depth))).unwrap_or(Term::Unknown)
        };
        match function {
            "quote" | "squote" | "toString" | "trim" | "int" | "int64" | "nindent" | "indent" | "toYaml" | "tpl" => {
                let value = if function == "tpl" { argument(0) } else { None };
                value.unwrap_or_else(|| last(piped))
            }
            "lower" => map_text(last(piped), |text| text.to_lowercase()),
            "upper" => map_text(last(piped), |text| text.to_uppercase()),
            "trunc" => last(piped),
            "trimSuffix" | "trimPrefix" => {
                let Some(Term::Known(cut)) = argument(0) else { return Term::Unknown };
                let prefix = function == "trimPrefix";
                map_text(last(piped), |text| {
                    let short = if prefix { text.strip_prefix(&*cut.text) } else { text.strip_suffix(&*cut.text) };
                    short.unwrap_or(text).to_owned()
                })
            }
            "required" => last(piped),
            "default" => match last(piped) {
                Term::Empty => argument(0).unwrap_or(Term::Unknown),
                set => set,
            },
            "coalesce" | "or" => arguments
                .iter()
                .map(|word| self.operand(word, depth))
                .chain(piped)
                .find(|term| !matches!(term, Term::Empty))
                .unwrap_or(Term::Empty),
            "printf" => self.printf(arguments, piped, depth),
            "include" => self.include(arguments, depth),
            _ if arguments.is_empty() && piped.is_none() => self.operand(function, depth),
            _ => Term::Unknown,
        }
    }

    fn printf(&self, arguments: &[&str], piped: Option<Term<'a>>, depth: usize) -> Term<'a> {
        let Some((format, rest)) = arguments.split_first() else { return Term::Unknown };
        let Term::Known(format) = self.operand(format, depth) else { return Term::Unknown };
        let mut values = rest.iter().map(|word| self.operand(word, depth)).chain(piped);
        let mut pieces = format.text.split("%s");
        let mut text = pieces.next().unwrap_or("").to_owned();
        let mut seen = format.seen;
        for piece in pieces {
            match values.next() {
                Some(Term::Known(value)) => {
                    text.push_str(&value.text);
                    seen.extend(value.seen);
                }
                Some(Term::Empty) => {}
                _ => return Term::Unknown,
            }
            text.push_str(piece);
        }
        if text.contains('%') { Term::Unknown } else { Term::Known(Known { text, seen }) }
    }

    /// Named templates: names of the release become the chart's name, an image helper is followed to its values, a
    /// short body is rendered.
    fn include(&self, arguments: &[&str], depth: usize) -> Term<'a> {
        let Some(Term::Known(name)) = arguments.first().map(|word| self.operand(word, depth)) else {
            return Term::Unknown;
        };
        if name.text.ends_with("name") {
            return self.chart_text("name");
        }
        if let Some(root) = arguments.get(1).and_then(|word| image_root(word)) {
            return match self.operand(root, depth) {
                Term::Tree(tree) => self.image_of(&tree),
                _ => Term::Unknown,
            };
        }
        let Some(body) = self.scope.defines.get(&name.text) else { return Term::Unknown };
        if depth >= MAX_INCLUDES || body.len() > MAX_VALUE_BYTES {
            return Term::Unknown;
        }
        let body = body.trim();
        if let Some(inner) = body.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"))
            && !inner.contains("{{")
        {
            return self.term(inner.trim(), depth + MAX_PARENTHESES / MAX_INCLUDES);
        }
        // A body with branches has several texts.
        if ["include", "if ", "with ", "range ", "\n"].iter().any(|word| body.contains(word)) {
            return Term::Unknown;
        }
        let rendered = render(body, self.scope);
        let text = rendered.text.trim().to_owned();
        if text.is_empty() || text.contains(HOLE) || text.contains('\n') {
            return Term::Unknown;
        }
        let mut seen: Vec<Evidence> = rendered.origins.into_values().flatten().collect();
        seen.sort();
        Term::Known(Known { text, seen })
    }

    /// The image that a block of `registry`, `repository`, `tag` and `digest` means.
    fn image_of(&self, tree: &Tree<'a>) -> Term<'a> {
        let version = match self.chart_text("appVersion") {
            Term::Known(version) => Some(version),
            _ => None,
        };
        let block = crate::helm::values::ImageBlock::of(tree.node);
        match block.and_then(|block| block.reference(version.as_ref().map(|version| version.text.as_str()))) {
            Some(reference) => Term::Known(Known { text: reference, seen: vec![tree.seen(tree.node)] }),
            None => Term::Unknown,
        }
    }

    fn operand(&self, word: &str, depth: usize) -> Term<'a> {
        let word = word.trim();
        if let Some(inner) = word.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            return self.term(inner, depth + 1);
        }
        for quote in ['"', '`'] {
            if let Some(text) = word.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
                return Term::Known(Known { text: text.to_owned(), seen: Vec::new() });
            }
        }
        if word.starts_with('$') && !word.starts_with("$.") {
            return match self.variables.get(word) {
                Some(Some(known)) => Term::Known(known.clone()),
                _ => Term::Unknown,
            };
        }
        if word.bytes().all(|b| b.is_ascii_digit()) && !word.is_empty() {
            return Term::Known(Known { text: word.to_owned(), seen: Vec::new() });
        }
        let Some(path) = word.strip_prefix("$.").or_else(|| word.strip_prefix('.')) else { return Term::Unknown };
        self.lookup(path, word.starts_with('$'))
    }

    fn lookup(&self, path: &str, from_root: bool) -> Term<'a> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        match first {
            "Values" => step(self.scope.values.clone(), rest),
            "Chart" => self.chart_text(rest),
            "Release" | "Capabilities" | "Files" | "Template" => Term::Unknown,
            _ => match self.blocks.iter().rev().find(|dot| !matches!(dot, Dot::Same)) {
                Some(Dot::At(Some(tree))) if !from_root => step(Some(tree.clone()), path),
                _ => Term::Unknown,
            },
        }
    }

    fn chart_text(&self, key: &str) -> Term<'a> {
        let Some(chart) = &self.scope.chart else { return Term::Unknown };
        let found = chart.node.entries().find(|(name, ..)| name.eq_ignore_ascii_case(key));
        match found.and_then(|(_, _, value)| Some((value, value.as_str()?))) {
            Some((value, text)) => Term::Known(Known { text: text.to_owned(), seen: vec![chart.seen(value)] }),
            None => Term::Empty,
        }
    }
}

fn step<'a>(tree: Option<Tree<'a>>, path: &str) -> Term<'a> {
    let Some(tree) = tree else { return Term::Unknown };
    let mut node: &'a Node = tree.node;
    for key in path.split('.').filter(|key| !key.is_empty()) {
        match node.get(key) {
            Some(inner) => node = inner,
            None => return Term::Empty,
        }
    }
    match node.as_str() {
        Some("") => Term::Empty,
        Some(text) => Term::Known(Known { text: text.to_owned(), seen: vec![tree.seen(node)] }),
        None if node.is_null() => Term::Empty,
        None => Term::Tree(Tree { node, ..tree }),
    }
}

fn map_text<'a>(term: Term<'a>, change: impl Fn(&str) -> String) -> Term<'a> {
    match term {
        Term::Known(known) => Term::Known(Known { text: change(&known.text), seen: known.seen }),
        other => other,
    }
}

/// `(dict "imageRoot" .Values.image ...)`: the operand behind `imageRoot` or `image`.
fn image_root(word: &str) -> Option<&str> {
    let inner = word.strip_prefix('(')?.strip_suffix(')')?;
    let words = split(inner, ' ');
    words
        .iter()
        .position(|word| matches!(*word, "\"imageRoot\"" | "\"image\""))
        .and_then(|at| words.get(at + 1).copied())
}

/// Splits at a character outside quotes and parentheses; empty parts are dropped.
fn split(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut quote = None;
    let mut depth = 0_u32;
    let mut start = 0;
    for (offset, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, c) if depth == 0 && (c == at || (at == ' ' && c.is_whitespace())) => {
                parts.extend(text.get(start..offset));
                start = offset + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Whether a text can stand in a YAML scalar, quoted or not, and stay itself.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/:@-+=,?&%~ ".contains(&b))
        && !text.contains(": ")
}

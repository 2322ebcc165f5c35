//! The tree of a configuration file, borrowed from its text. Lines count from 1.

use std::borrow::Cow;

/// The inside of a file or block, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Body<'s> {
    pub attributes: Vec<Attribute<'s>>,
    pub blocks: Vec<Block<'s>>,
}

#[derive(Clone, Debug)]
pub(super) struct Attribute<'s> {
    pub name: Cow<'s, str>,
    pub line: u32,
    pub value: Expr<'s>,
}

/// `kind "label" { ... }`. A block that breaks off is kept as far as it goes.
#[derive(Clone, Debug)]
pub(super) struct Block<'s> {
    pub kind: Cow<'s, str>,
    pub labels: Vec<Cow<'s, str>>,
    pub line: u32,
    pub end_line: u32,
    pub body: Body<'s>,
}

#[derive(Clone, Debug)]
pub(super) struct Expr<'s> {
    pub line: u32,
    /// Where it stands in the text, in bytes; empty for what was built from JSON.
    pub span: (u32, u32),
    pub kind: Kind<'s>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<'s> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'s, str>),
    Template(Vec<Part<'s>>),
    List(Vec<Expr<'s>>),
    Object(Vec<Item<'s>>),
    /// The first name of a reference: `var`, `local`, a resource type, a `for` variable.
    Name(Cow<'s, str>),
    Get(Box<Expr<'s>>, Vec<Step<'s>>),
    Call(Box<Call<'s>>),
    For(Box<For<'s>>),
    If(Box<[Expr<'s>; 3]>),
    Unary(Op, Box<Expr<'s>>),
    Binary(Op, Box<[Expr<'s>; 2]>),
}

#[derive(Clone, Debug)]
pub(super) struct Item<'s> {
    pub line: u32,
    /// A bare name counts as its text; `(expression)` and quoted keys are evaluated.
    pub key: Expr<'s>,
    pub value: Expr<'s>,
}

#[derive(Clone, Debug)]
pub(super) struct Call<'s> {
    pub name: Cow<'s, str>,
    pub args: Vec<Expr<'s>>,
    /// `f(list...)`: the last argument is spread.
    pub spread: bool,
}

#[derive(Clone, Debug)]
pub(super) struct For<'s> {
    pub key: Option<Cow<'s, str>>,
    pub value: Cow<'s, str>,
    pub source: Expr<'s>,
    /// `Some` for `{for ...}`.
    pub result_key: Option<Expr<'s>>,
    pub result: Expr<'s>,
    /// `...` after the value: values of equal keys become lists.
    pub grouped: bool,
    pub condition: Option<Expr<'s>>,
}

/// One step of a reference.
#[derive(Clone, Debug)]
pub(super) enum Step<'s> {
    Attr(Cow<'s, str>),
    Index(Box<Expr<'s>>),
    /// `[*]`: everything after it applies to each element.
    Splat,
    /// `.*`: the attribute names right after it apply to each element.
    AttrSplat,
}

/// A part of a template string.
#[derive(Clone, Debug)]
pub(super) enum Part<'s> {
    Text(Cow<'s, str>),
    Value(Expr<'s>),
    If(Box<TemplateIf<'s>>),
    For(Box<TemplateFor<'s>>),
}

#[derive(Clone, Debug)]
pub(super) struct TemplateIf<'s> {
    pub condition: Expr<'s>,
    pub then: Vec<Part<'s>>,
    pub otherwise: Vec<Part<'s>>,
}

#[derive(Clone, Debug)]
pub(super) struct TemplateFor<'s> {
    pub key: Option<Cow<'s, str>>,
    pub value: Cow<'s, str>,
    pub source: Expr<'s>,
    pub body: Vec<Part<'s>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Not,
    Negate,
}

impl<'s> Body<'s> {
    /// The attribute of a name; the last one when it is repeated.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'s>> {
        self.attributes.iter().rev().find(|attribute| attribute.name == name)
    }
}

impl<'s> Block<'s> {
    pub fn label(&self, at: usize) -> Option<&str> {
        self.labels.get(at).map(|label| &**label)
    }
}

impl Expr<'_> {
    /// The text of a plain string, or of a bare name (`provider = aws`).
    pub fn literal(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }
}

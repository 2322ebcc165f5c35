//! Values of expressions: what is known, why the rest is not, and which lines decided it.

mod origin;

use crate::limits::{MAX_DEPTH, MAX_NODES, MAX_TEXT_BYTES};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) use origin::{LineRef, Origin, ResourceRef};

/// A value and what decided it.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub data: Data,
    pub origin: Origin,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(f64),
    Text(Rc<str>),
    /// Lists, tuples and sets; a set is sorted and has no equal items.
    List(Rc<Items>),
    Object(Rc<Fields>),
    Unknown(Rc<Unknown>),
}

/// Why a value is not known.
#[derive(Debug)]
pub(super) struct Unknown {
    /// `U001`, `U002`, `U003` or `U005`.
    pub code: &'static str,
    /// What is missing, as the end of a sentence: "`var.region` is not set".
    pub reason: String,
    /// For a text with unknown parts: the text with [`HOLE`] in their place.
    pub shape: Option<Rc<str>>,
}

/// Stands for an unknown part in the shape of a text.
pub(super) const HOLE: char = '\u{1}';

#[derive(Debug)]
pub(super) struct Items {
    pub items: Vec<Value>,
    size: Size,
}

#[derive(Debug)]
pub(super) struct Fields {
    pub map: BTreeMap<Rc<str>, Value>,
    /// The value of any field that is not in the map: a resource's computed attributes. `None`: there are no others.
    pub rest: Option<Rc<Unknown>>,
    size: Size,
}

/// The size of a collection, so that no operation meets one that is too deep or too large to walk.
#[derive(Clone, Copy, Debug)]
struct Size {
    depth: usize,
    nodes: usize,
    unknown: bool,
}

impl Value {
    pub fn new(data: Data) -> Value {
        Value { data, origin: Origin::default() }
    }

    pub fn null() -> Value {
        Value::new(Data::Null)
    }

    pub fn bool(truth: bool) -> Value {
        Value::new(Data::Bool(truth))
    }

    pub fn number(number: f64) -> Value {
        Value::new(Data::Number(number))
    }

    /// A text, or an unknown when it is too long.
    pub fn text(text: &str) -> Value {
        if text.len() > MAX_TEXT_BYTES {
            return Value::unknown("U002", format!("a text is longer than {MAX_TEXT_BYTES} bytes"));
        }
        Value::new(Data::Text(Rc::from(text)))
    }

    pub fn unknown(code: &'static str, reason: String) -> Value {
        Value::new(Data::Unknown(Rc::new(Unknown { code, reason, shape: None })))
    }

    pub fn list(items: Vec<Value>) -> Value {
        let size = Size::of(items.iter(), false);
        size.checked(|| Data::List(Rc::new(Items { items, size })))
    }

    pub fn object(map: BTreeMap<Rc<str>, Value>) -> Value {
        Value::open_object(map, None)
    }

    /// An object whose other fields are unknown for one reason.
    pub fn open_object(map: BTreeMap<Rc<str>, Value>, rest: Option<Rc<Unknown>>) -> Value {
        let size = Size::of(map.values(), rest.is_some());
        size.checked(|| Data::Object(Rc::new(Fields { map, rest, size })))
    }

    pub fn from(mut self, origin: &Origin) -> Value {
        self.origin.add(origin);
        self
    }

    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    pub fn as_unknown(&self) -> Option<&Rc<Unknown>> {
        match &self.data {
            Data::Unknown(unknown) => Some(unknown),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a text, number or boolean, as Terraform converts them.
    pub fn to_text(&self) -> Option<Rc<str>> {
        match &self.data {
            Data::Text(text) => Some(text.clone()),
            Data::Number(number) => Some(Rc::from(number_text(*number))),
            Data::Bool(truth) => Some(Rc::from(if *truth { "true" } else { "false" })),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        match &self.data {
            Data::Number(number) => Some(*number),
            Data::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match &self.data {
            Data::Bool(truth) => Some(*truth),
            Data::Text(text) if &**text == "true" => Some(true),
            Data::Text(text) if &**text == "false" => Some(false),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(list) => Some(&list.items),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Fields> {
        match &self.data {
            Data::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// A field of an object, with the object's own origin.
    pub fn field(&self, name: &str) -> Option<Value> {
        let fields = self.as_object()?;
        let known = fields.map.get(name).cloned();
        known.or_else(|| fields.rest.clone().map(|rest| Value::new(Data::Unknown(rest)))).map(|v| v.from(&self.origin))
    }

    /// A field that is in the object, without its origin.
    pub fn known_field(&self, name: &str) -> Option<&Value> {
        self.as_object()?.map.get(name)
    }

    /// The first unknown in the value, at any depth.
    pub fn first_unknown(&self) -> Option<Rc<Unknown>> {
        match &self.data {
            Data::Unknown(unknown) => Some(unknown.clone()),
            Data::List(list) if list.size.unknown => list.items.iter().find_map(Value::first_unknown),
            Data::Object(fields) if fields.size.unknown => {
                fields.map.values().find_map(Value::first_unknown).or_else(|| fields.rest.clone())
            }
            _ => None,
        }
    }

    /// How many values it consists of: what a walk over it costs.
    pub fn nodes(&self) -> usize {
        match &self.data {
            Data::List(list) => list.size.nodes,
            Data::Object(fields) => fields.size.nodes,
            Data::Text(text) => 1 + text.len() / 64,
            _ => 1,
        }
    }

    /// How many elements it has; 1 for what has none.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::List(list) => list.items.len(),
            Data::Object(fields) => fields.map.len(),
            _ => 1,
        }
    }

    fn size(&self) -> Size {
        match &self.data {
            Data::List(list) => list.size,
            Data::Object(fields) => fields.size,
            Data::Unknown(_) => Size { depth: 0, nodes: 1, unknown: true },
            _ => Size { depth: 0, nodes: self.nodes(), unknown: false },
        }
    }
}

impl Size {
    fn of<'a>(parts: impl Iterator<Item = &'a Value>, unknown: bool) -> Size {
        let none = Size { depth: 0, nodes: 1, unknown };
        let sum = parts.map(Value::size).fold(none, |sum, part| Size {
            depth: sum.depth.max(part.depth),
            nodes: sum.nodes.saturating_add(part.nodes),
            unknown: sum.unknown || part.unknown,
        });
        Size { depth: sum.depth + 1, ..sum }
    }

    fn checked(self, data: impl FnOnce() -> Data) -> Value {
        if self.depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Value::unknown("U002", "a value is too large or too deep".to_owned());
        }
        Value::new(data())
    }
}

/// Equal as the language compares: by type and content, whatever decided them. `None` when something unknown decides.
pub(super) fn equal(left: &Value, right: &Value) -> Option<bool> {
    Some(match (&left.data, &right.data) {
        (Data::Unknown(_), _) | (_, Data::Unknown(_)) => return None,
        (Data::Null, Data::Null) => true,
        (Data::Bool(a), Data::Bool(b)) => a == b,
        (Data::Number(a), Data::Number(b)) => a == b,
        (Data::Text(a), Data::Text(b)) => a == b,
        (Data::List(a), Data::List(b)) => {
            a.items.len() == b.items.len() && all(a.items.iter().zip(&b.items).map(|(a, b)| equal(a, b)))?
        }
        (Data::Object(a), Data::Object(b)) => {
            if a.rest.is_some() || b.rest.is_some() {
                return None;
            }
            a.map.keys().eq(b.map.keys()) && all(a.map.values().zip(b.map.values()).map(|(a, b)| equal(a, b)))?
        }
        _ => false,
    })
}

/// False when one is false, else unknown when one is unknown.
fn all(mut parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    let no = parts.any(|part| {
        known &= part.is_some();
        part == Some(false)
    });
    if no { Some(false) } else { known.then_some(true) }
}

/// A number as Terraform writes it: whole numbers without a point.
pub(super) fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 { format!("{number:.0}") } else { format!("{number}") }
}

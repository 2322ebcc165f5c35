use super::{ABSENT, Evaluator, Scope, pairs};
use crate::limits::MAX_INSTANCES;
use crate::terraform::syntax::Body;
use crate::terraform::value::{Data, Origin, Unknown, Value};
use std::fmt;
use std::rc::Rc;

/// The instances of a resource or module call.
#[derive(Debug)]
pub(in super::super) struct Expansion {
    pub repeated: Repeated,
    pub instances: Vec<Each>,
    /// What decided how many there are.
    pub origin: Origin,
    pub doubt: Option<Doubt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Repeated {
    Once,
    Count,
    ForEach,
}

/// Why it is not certain that the instances exist.
#[derive(Clone, Debug)]
pub(in super::super) enum Doubt {
    /// `count` or `for_each` is not known; there is one instance that stands for whatever there will be.
    Unknown(Rc<Unknown>),
    /// Evaluates to none, because of a variable that an operator may set; one instance stands for what there could be.
    None,
    /// There are more than the limit; one instance stands for all of them.
    TooMany(usize),
}

/// What `each` and `count` mean in an instance.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Each {
    pub key: Option<Key>,
    pub value: Option<Value>,
}

#[derive(Clone, Debug)]
pub(in super::super) enum Key {
    Index(usize),
    Text(Rc<str>),
    /// The key of an instance that stands for others.
    Any(Rc<Unknown>),
}

/// As it stands in an address: `[0]`, `["a"]`, `[*]`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Index(index) => write!(f, "[{index}]"),
            Key::Text(text) => write!(f, "[\"{text}\"]"),
            Key::Any(_) => f.write_str("[*]"),
        }
    }
}

impl Each {
    pub fn address(&self) -> String {
        self.key.as_ref().map_or_else(String::new, Key::to_string)
    }
}

impl<'t> Evaluator<'t> {
    /// The instances of a block from its `count` or `for_each`.
    pub(super) fn expand(&self, body: &Body<'_>, scope: Scope<'_, 't>) -> Expansion {
        if let Some(count) = body.attribute("count") {
            return self.expand_count(&self.eval(&count.value, scope));
        }
        if let Some(for_each) = body.attribute("for_each") {
            return self.expand_for_each(&self.eval(&for_each.value, scope));
        }
        let instances = vec![Each::default()];
        Expansion { repeated: Repeated::Once, instances, origin: Origin::default(), doubt: None }
    }

    fn expand_count(&self, count: &Value) -> Expansion {
        let origin = count.origin.clone();
        let of = |instances, doubt| Expansion { repeated: Repeated::Count, instances, origin: origin.clone(), doubt };
        let number = match &count.data {
            Data::Null => Some(1.0),
            Data::Bool(truth) => Some(f64::from(u8::from(*truth))),
            _ => count.as_number(),
        };
        match number {
            Some(number) if number < 1.0 => none(&origin, of),
            Some(number) if number as usize > MAX_INSTANCES => {
                let all = unknown("U002", format!("it stands for {} instances", number as usize));
                of(vec![any(&all, &origin)], Some(Doubt::TooMany(number as usize)))
            }
            Some(number) => {
                let each = |at| Each { key: Some(Key::Index(at)), value: None };
                of((0..number as usize).map(each).collect(), None)
            }
            None => {
                let why = reason(count, "`count` is no number");
                of(vec![any(&why, &origin)], Some(Doubt::Unknown(why)))
            }
        }
    }

    fn expand_for_each(&self, source: &Value) -> Expansion {
        let origin = source.origin.clone();
        let of = |instances, doubt| Expansion { repeated: Repeated::ForEach, instances, origin: origin.clone(), doubt };
        let Ok(pairs) = pairs(source) else {
            let why = reason(source, "`for_each` is no map or set");
            return of(vec![any(&why, &origin)], Some(Doubt::Unknown(why)));
        };
        let rest = source.as_object().and_then(|fields| fields.rest.clone());
        if pairs.is_empty() && rest.is_none() {
            return none(&origin, of);
        }
        if pairs.len() > MAX_INSTANCES {
            let all = unknown("U002", format!("it stands for {} instances", pairs.len()));
            return of(vec![any(&all, &origin)], Some(Doubt::TooMany(pairs.len())));
        }
        let is_map = matches!(source.data, Data::Object(_));
        let mut doubt = rest.clone().map(Doubt::Unknown);
        let mut instances: Vec<Each> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key = if is_map { key } else { value.clone() };
            match key.to_text() {
                Some(text) => instances.push(Each { key: Some(Key::Text(text)), value: Some(value) }),
                None => {
                    let why = reason(&key, "a key of `for_each` is no text");
                    doubt.get_or_insert(Doubt::Unknown(why));
                }
            }
        }
        if let Some(Doubt::Unknown(why)) = &doubt {
            instances.push(any(why, &origin));
        }
        of(instances, doubt)
    }
}

fn none(origin: &Origin, of: impl FnOnce(Vec<Each>, Option<Doubt>) -> Expansion) -> Expansion {
    if origin.is_flippable() {
        let why = unknown(ABSENT, "it is not created with the values that are set".to_owned());
        of(vec![any(&why, origin)], Some(Doubt::None))
    } else {
        of(Vec::new(), None)
    }
}

fn any(why: &Rc<Unknown>, origin: &Origin) -> Each {
    Each { key: Some(Key::Any(why.clone())), value: Some(Value::new(Data::Unknown(why.clone())).from(origin)) }
}

fn unknown(code: &'static str, reason: String) -> Rc<Unknown> {
    Rc::new(Unknown { code, reason, shape: None })
}

fn reason(value: &Value, error: &str) -> Rc<Unknown> {
    value.first_unknown().unwrap_or_else(|| unknown("U002", error.to_owned()))
}

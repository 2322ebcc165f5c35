use super::{Binding, Evaluator, Scope, failed, pairs, unknown_of};
use crate::limits::{MAX_EVAL_DEPTH, MAX_TEXT_BYTES};
use crate::terraform::syntax::{Expr, Op, Part};
use crate::terraform::value::{Data, HOLE, Origin, Unknown, Value, equal};
use std::rc::Rc;

impl<'t> Evaluator<'t> {
    pub(super) fn conditional(&self, parts: &[Expr<'_>; 3], scope: Scope<'_, 't>) -> Value {
        let [condition, then, otherwise] = parts;
        let condition = self.eval(condition, scope);
        match condition.as_bool() {
            Some(true) => self.eval(then, scope).from(&condition.origin),
            Some(false) => self.eval(otherwise, scope).from(&condition.origin),
            None => {
                let then = self.eval(then, scope);
                let otherwise = self.eval(otherwise, scope);
                let same = equal(&then, &otherwise) == Some(true);
                let value = if same { then } else { unknown_of(&condition, "a condition is no truth value") };
                value.from(&condition.origin)
            }
        }
    }

    pub(super) fn unary(&self, op: Op, inner: &Expr<'_>, scope: Scope<'_, 't>) -> Value {
        let value = self.eval(inner, scope);
        let result = match op {
            Op::Not => value.as_bool().map(|truth| Value::bool(!truth)),
            _ => value.as_number().map(|number| Value::number(-number)),
        };
        result.unwrap_or_else(|| unknown_of(&value, "an operator has a value of the wrong type")).from(&value.origin)
    }

    pub(super) fn binary(&self, op: Op, sides: &[Expr<'_>; 2], scope: Scope<'_, 't>) -> Value {
        let [left, right] = sides;
        let left = self.eval(left, scope);
        let deciding = match op {
            Op::And => Some(false),
            Op::Or => Some(true),
            _ => None,
        };
        if deciding.is_some() && left.as_bool() == deciding {
            return left;
        }
        let right = self.eval(right, scope);
        if deciding.is_some() && right.as_bool() == deciding {
            return right;
        }
        let origin = left.origin.clone().and(&right.origin);
        let result = match op {
            Op::And | Op::Or => left.as_bool().and(right.as_bool()).map(Value::bool),
            Op::Equal => equal_loosely(&left, &right).map(Value::bool),
            Op::NotEqual => equal_loosely(&left, &right).map(|same| Value::bool(!same)),
            _ => left.as_number().zip(right.as_number()).map(|(a, b)| arithmetic(op, a, b)),
        };
        let result = result.unwrap_or_else(|| match (left.first_unknown(), right.first_unknown()) {
            (Some(unknown), _) | (None, Some(unknown)) => Value::new(Data::Unknown(unknown)),
            (None, None) => failed("an operator has values of the wrong type"),
        });
        result.from(&origin)
    }

    pub(super) fn template(&self, parts: &[Part<'_>], scope: Scope<'_, 't>) -> Value {
        let mut built = TextBuilder::default();
        self.build(parts, scope, &mut built);
        built.finish()
    }

    /// A template inside a function: it counts as deep as an expression.
    pub(in super::super) fn nested_template(&self, parts: &[Part<'_>], scope: Scope<'_, 't>) -> Value {
        if self.depth.get() >= MAX_EVAL_DEPTH {
            return Value::unknown("U002", "an expression leads through too many others".to_owned());
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.template(parts, scope);
        self.depth.set(self.depth.get() - 1);
        value
    }

    fn build(&self, parts: &[Part<'_>], scope: Scope<'_, 't>, built: &mut TextBuilder) {
        for part in parts {
            if built.text.len() > MAX_TEXT_BYTES || self.spend(1).is_some() {
                built.miss(&failed("a text is too long"));
                return;
            }
            match part {
                Part::Text(text) => built.text.push_str(text),
                Part::Value(expr) => built.push(&self.eval(expr, scope)),
                Part::If(inner) => {
                    let condition = self.eval(&inner.condition, scope);
                    match condition.as_bool() {
                        Some(true) => self.build(&inner.then, scope, built),
                        Some(false) => self.build(&inner.otherwise, scope, built),
                        None => built.miss(&unknown_of(&condition, "a condition is no truth value")),
                    }
                    built.origin.add(&condition.origin);
                }
                Part::For(inner) => {
                    let source = self.eval(&inner.source, scope);
                    match pairs(&source) {
                        Err(unknown) => built.miss(&unknown),
                        Ok(pairs) => {
                            for (key, value) in pairs {
                                let key_name = inner.key.as_deref().unwrap_or("");
                                let key = Binding { name: key_name, value: key, outer: scope.bound };
                                let value = Binding { name: &inner.value, value, outer: Some(&key) };
                                self.build(&inner.body, Scope { bound: Some(&value), ..scope }, built);
                            }
                        }
                    }
                    built.origin.add(&source.origin);
                }
            }
        }
    }
}

/// A text in the making: its shape, and the first part that is not known.
#[derive(Default)]
pub(in super::super) struct TextBuilder {
    text: String,
    origin: Origin,
    missing: Option<Rc<Unknown>>,
}

impl TextBuilder {
    pub fn push_text(&mut self, text: &str) {
        if self.text.len() <= MAX_TEXT_BYTES {
            self.text.push_str(text);
        }
    }

    pub fn push(&mut self, value: &Value) {
        match value.to_text() {
            Some(text) => self.push_text(&text),
            _ => self.miss(&unknown_of(value, "a template holds a value that is no text")),
        }
        self.origin.add(&value.origin);
    }

    fn miss(&mut self, value: &Value) {
        let unknown = value.as_unknown().cloned();
        match unknown.as_ref().and_then(|unknown| unknown.shape.as_deref()) {
            Some(shape) => self.text.push_str(shape),
            None => self.text.push(HOLE),
        }
        if self.missing.is_none() {
            self.missing = unknown;
        }
    }

    pub fn finish(self) -> Value {
        let value = match self.missing {
            None => Value::text(&self.text),
            Some(missing) => {
                let shape = (self.text.len() <= MAX_TEXT_BYTES).then(|| Rc::from(self.text));
                let unknown = Unknown { code: missing.code, reason: missing.reason.clone(), shape };
                Value::new(Data::Unknown(Rc::new(unknown)))
            }
        };
        value.from(&self.origin)
    }
}

fn arithmetic(op: Op, a: f64, b: f64) -> Value {
    let number = match op {
        Op::Less => return Value::bool(a < b),
        Op::LessEqual => return Value::bool(a <= b),
        Op::Greater => return Value::bool(a > b),
        Op::GreaterEqual => return Value::bool(a >= b),
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        Op::Divide => a / b,
        _ => a % b,
    };
    if number.is_finite() { Value::number(number) } else { failed("a number has no finite value") }
}

/// As [`equal`], but a number or truth value equals its text: variables set without a type arrive as text.
fn equal_loosely(left: &Value, right: &Value) -> Option<bool> {
    let scalar = |value: &Value| matches!(value.data, Data::Text(_) | Data::Number(_) | Data::Bool(_));
    let mixed =
        scalar(left) && scalar(right) && std::mem::discriminant(&left.data) != std::mem::discriminant(&right.data);
    if mixed { Some(left.to_text() == right.to_text()) } else { equal(left, right) }
}

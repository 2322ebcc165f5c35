//! Evaluation of expressions, lazily: a local, variable or resource is evaluated when something asks for it, once.
//!
//! It never fails: what cannot be known is a value of its own that says why. It has a budget of steps and depth, and
//! reads no files but those of the tree.

mod body;
mod constraint;
mod expansion;
mod instance;
mod operator;
mod reference;

use super::functions;
use super::module::Tree;
use super::syntax::{Call, Expr, For, Kind};
use super::value::{Data, LineRef, Origin, Value};
use crate::files::Files;
use crate::limits::{MAX_EVAL_DEPTH, MAX_EVAL_STEPS, MAX_INSTANCES, MODULE_INSTANCES, RESOURCE_INSTANCES, STEPS};
use allod_facts::{Diagnostic, Severity};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) use constraint::set_of;
pub(super) use expansion::{Doubt, Each, Expansion, Key, Repeated};
pub(super) use instance::{Children, Instance, Source};
pub(super) use operator::TextBuilder;

pub(super) struct Evaluator<'t> {
    pub tree: &'t Tree<'t>,
    pub files: &'t Files,
    pub diagnostics: RefCell<Vec<Diagnostic>>,
    instances: RefCell<Vec<Rc<Instance<'t>>>>,
    /// What `fileset` found, by folder and pattern.
    pub filesets: RefCell<FxHashMap<(String, String), Value>>,
    configs: RefCell<FxHashMap<&'t str, Value>>,
    depth: Cell<usize>,
    steps: Cell<usize>,
    /// All steps, and how many there may be.
    tree_steps: Cell<usize>,
    most_steps: usize,
    most_modules: usize,
    pub most_resources: usize,
}

/// Where an expression stands: the module instance, the file, and the names bound around it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'e, 't> {
    pub instance: &'e Instance<'t>,
    pub file: u32,
    pub each: &'e Each,
    pub bound: Option<&'e Binding<'e>>,
}

/// A name bound by `for`, `dynamic` or `templatefile`.
pub(super) struct Binding<'e> {
    pub name: &'e str,
    pub value: Value,
    pub outer: Option<&'e Binding<'e>>,
}

impl Binding<'_> {
    /// No name, but all fields of the value (the variables of `templatefile`).
    pub const ALL: &'static str = "*";
}

impl<'t> Evaluator<'t> {
    /// `peers` others share what a tree may cost.
    pub fn new(tree: &'t Tree<'t>, files: &'t Files, peers: usize) -> Evaluator<'t> {
        Evaluator {
            most_steps: STEPS.among(peers),
            most_modules: MODULE_INSTANCES.among(peers),
            most_resources: RESOURCE_INSTANCES.among(peers),
            tree,
            files,
            diagnostics: RefCell::default(),
            instances: RefCell::default(),
            filesets: RefCell::default(),
            configs: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            tree_steps: Cell::new(0),
        }
    }

    pub fn eval(&self, expr: &Expr<'_>, scope: Scope<'_, 't>) -> Value {
        if let Some(spent) = self.spend(1) {
            return spent;
        }
        match &expr.kind {
            Kind::Null => Value::null(),
            Kind::Bool(truth) => Value::bool(*truth),
            Kind::Number(number) => Value::number(*number),
            Kind::Text(text) => Value::text(text),
            _ => {
                if self.depth.get() >= MAX_EVAL_DEPTH {
                    return Value::unknown("U002", "an expression leads through too many others".to_owned());
                }
                self.depth.set(self.depth.get() + 1);
                let value = self.eval_compound(expr, scope);
                self.depth.set(self.depth.get() - 1);
                value
            }
        }
    }

    fn eval_compound(&self, expr: &Expr<'_>, scope: Scope<'_, 't>) -> Value {
        match &expr.kind {
            Kind::Template(parts) => self.template(parts, scope),
            Kind::List(items) => Value::list(items.iter().map(|item| self.eval_at(item, item.line, scope)).collect()),
            Kind::Object(_) => self.object(expr, scope),
            Kind::Name(_) => self.reference(expr, &[], scope),
            Kind::Get(base, steps) => self.reference(base, steps, scope),
            Kind::Call(call) => self.call(call, scope),
            Kind::For(inner) => self.for_expression(inner, scope),
            Kind::If(parts) => self.conditional(parts, scope),
            Kind::Unary(op, inner) => self.unary(*op, inner, scope),
            Kind::Binary(op, sides) => self.binary(*op, sides, scope),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => Value::null(),
        }
    }

    /// Evaluates a part of a collection or body, which knows its own line first.
    pub fn eval_at(&self, expr: &Expr<'_>, line: u32, scope: Scope<'_, 't>) -> Value {
        let value = self.eval(expr, scope);
        let origin = Origin::line(LineRef { file: scope.file, line }).and(&value.origin);
        Value { data: value.data, origin }
    }

    fn object(&self, expr: &Expr<'_>, scope: Scope<'_, 't>) -> Value {
        let Kind::Object(items) = &expr.kind else { return Value::null() };
        let mut map = BTreeMap::new();
        let mut rest = None;
        let mut origin = Origin::default();
        for item in items {
            let value = self.eval_at(&item.value, item.line, scope);
            let key = match &item.key.kind {
                Kind::Text(text) => Some(Rc::from(&**text)),
                _ => {
                    let key = self.eval(&item.key, scope);
                    if let Some(unknown) = key.as_unknown() {
                        rest = Some(unknown.clone());
                        origin.add(&key.origin);
                    }
                    key.to_text()
                }
            };
            if let Some(key) = key {
                map.insert(key, value);
            }
        }
        Value::open_object(map, rest).from(&origin)
    }

    fn call(&self, call: &Call<'_>, scope: Scope<'_, 't>) -> Value {
        let mut args: Vec<Value> = call.args.iter().map(|arg| self.eval(arg, scope)).collect();
        if call.spread
            && let Some(last) = args.pop()
        {
            match &last.data {
                Data::List(list) => args.extend(list.items.iter().map(|item| item.clone().from(&last.origin))),
                Data::Unknown(_) => return last,
                _ => args.push(last),
            }
        }
        functions::call(self, &call.name, &args, scope)
    }

    fn for_expression(&self, inner: &For<'_>, scope: Scope<'_, 't>) -> Value {
        let source = self.eval(&inner.source, scope);
        let pairs = match pairs(&source) {
            Ok(pairs) => pairs,
            Err(unknown) => return unknown,
        };
        if let Some(spent) = self.spend(pairs.len()) {
            return spent;
        }
        let mut list = Vec::new();
        let mut map: BTreeMap<Rc<str>, Value> = BTreeMap::new();
        let mut groups: BTreeMap<Rc<str>, Vec<Value>> = BTreeMap::new();
        let mut rest = source.as_object().and_then(|fields| fields.rest.clone());
        let mut origin = source.origin.clone();
        for (key, value) in pairs {
            let key_name = inner.key.as_deref().unwrap_or("");
            let key = Binding { name: key_name, value: key, outer: scope.bound };
            let value = Binding { name: &inner.value, value, outer: Some(&key) };
            let scope = Scope { bound: Some(&value), ..scope };
            let mut decided = Origin::default();
            if let Some(condition) = &inner.condition {
                let condition = self.eval(condition, scope);
                match condition.as_bool() {
                    Some(false) => continue,
                    Some(true) => decided = condition.origin,
                    None => return unknown_of(&condition, "the condition of a `for` is no truth value"),
                }
            }
            let result = self.eval(&inner.result, scope).from(&decided);
            let Some(result_key) = &inner.result_key else {
                list.push(result);
                continue;
            };
            let result_key = self.eval(result_key, scope);
            match (result_key.to_text(), result_key.as_unknown()) {
                (Some(name), _) if inner.grouped => groups.entry(name).or_default().push(result),
                (Some(name), _) => {
                    map.insert(name, result);
                }
                (None, Some(unknown)) => {
                    rest = Some(unknown.clone());
                    origin.add(&result_key.origin);
                }
                (None, None) => return failed("a key of a `for` is no text"),
            }
        }
        map.extend(groups.into_iter().map(|(name, items)| (name, Value::list(items))));
        let result = match (inner.result_key.is_some(), rest) {
            (true, rest) => Value::open_object(map, rest),
            // An unknown element more or less would make every index wrong.
            (false, Some(rest)) => Value::new(Data::Unknown(rest)),
            (false, None) => Value::list(list),
        };
        result.from(&origin)
    }

    /// Takes steps from the budget; an unknown value when there are none left.
    pub fn spend(&self, steps: usize) -> Option<Value> {
        // At the top a new expression begins.
        let before = if self.depth.get() == 0 { 0 } else { self.steps.get() };
        self.steps.set(before.saturating_add(steps));
        self.tree_steps.set(self.tree_steps.get().saturating_add(steps));
        let over = self.steps.get() > MAX_EVAL_STEPS || self.tree_steps.get() > self.most_steps;
        over.then(|| Value::unknown("U002", "evaluating it takes too many steps".to_owned()))
    }

    pub fn report(&self, code: &'static str, severity: Severity, message: String, at: LineRef) {
        let Some(path) = self.tree.paths.get(at.file as usize) else { return };
        let found = Diagnostic { code, severity, message, path: path.clone(), line: at.line, hint: None };
        let mut all = self.diagnostics.borrow_mut();
        if all.len() < MAX_INSTANCES && !all.contains(&found) {
            all.push(found);
        }
    }
}

/// The elements of a collection with their keys; `Err` with the unknown when it is not known or no collection.
pub(super) fn pairs(source: &Value) -> Result<Vec<(Value, Value)>, Value> {
    match &source.data {
        Data::List(list) => {
            Ok(list.items.iter().enumerate().map(|(at, item)| (Value::number(at as f64), item.clone())).collect())
        }
        Data::Object(fields) => {
            Ok(fields.map.iter().map(|(key, value)| (Value::new(Data::Text(key.clone())), value.clone())).collect())
        }
        _ => Err(unknown_of(source, "a value that is repeated over is no collection")),
    }
}

/// The unknown itself when the value is one, else an error for a value of the wrong type.
pub(super) fn unknown_of(value: &Value, error: &str) -> Value {
    match &value.data {
        Data::Unknown(_) => value.clone(),
        _ => failed(error).from(&value.origin),
    }
}

/// An expression that Terraform itself would refuse.
pub(super) fn failed(reason: &str) -> Value {
    Value::unknown(FAILED, reason.to_owned())
}

/// The code, inside the evaluation, of what hangs on something that is not created: told once, where that is decided.
pub(super) const ABSENT: &str = "absent";

/// The code of a failed expression inside the evaluation: `try` and `can` tell it from an unknown. Reported as `U002`.
pub(super) const FAILED: &str = "failed";

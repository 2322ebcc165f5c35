use super::expansion::Repeated;
use super::{Binding, Each, Evaluator, Expansion, Instance, Key, Scope, failed, unknown_of};
use crate::terraform::module::{Mode, included_local};
use crate::terraform::syntax::{Expr, Kind, Step};
use crate::terraform::value::{Data, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

impl<'t> Evaluator<'t> {
    /// A name with what is taken from it.
    pub(super) fn reference(&self, base: &Expr<'_>, steps: &[Step<'_>], scope: Scope<'_, 't>) -> Value {
        let Kind::Name(name) = &base.kind else {
            let value = self.eval(base, scope);
            return self.take(value, steps, scope);
        };
        let mut bound = scope.bound;
        while let Some(binding) = bound {
            if binding.name == name {
                return self.take(binding.value.clone(), steps, scope);
            }
            if binding.name == Binding::ALL
                && let Some(value) = binding.value.field(name)
            {
                return self.take(value, steps, scope);
            }
            bound = binding.outer;
        }
        let (value, rest) = self.global(name, steps, scope);
        self.take(value, rest, scope)
    }

    fn global<'x, 's>(&self, name: &str, steps: &'x [Step<'s>], scope: Scope<'_, 't>) -> (Value, &'x [Step<'s>]) {
        let instance = scope.instance;
        let first = attribute(steps, 0);
        let rest = steps.get(1..).unwrap_or_default();
        match (name, first) {
            ("var", Some(first)) => (self.variable(instance, first), rest),
            ("local", Some(first)) => (self.local(instance, first), rest),
            ("each", Some(first)) => (each_value(scope.each, first), rest),
            ("count", Some("index")) => (count_index(scope.each), rest),
            ("path", Some(first)) => (path_value(instance, first), rest),
            ("module", Some(first)) => self.module_reference(instance, first, rest, scope),
            ("terraform" | "tofu", Some("workspace")) => {
                (Value::unknown("U001", "the workspace is chosen when it is run".to_owned()), rest)
            }
            ("data" | "ephemeral", Some(kind)) => self.resource_reference(Mode::Data, kind, rest, scope),
            ("resource", Some(kind)) => self.resource_reference(Mode::Managed, kind, rest, scope),
            ("include", Some(_)) => match included_local(steps) {
                Some((name, rest)) => (self.local(instance, name), rest),
                None => (Value::unknown("U002", "only the locals of an included file are read".to_owned()), &[]),
            },
            ("dependency", Some(unit)) => {
                (Value::unknown("U005", format!("the outputs of the unit `{unit}` are known only after apply")), &[])
            }
            ("self", _) => (Value::unknown("U002", "`self` is known only while it is made".to_owned()), &[]),
            (kind, Some(_)) => self.resource_reference(Mode::Managed, kind, steps, scope),
            (name, None) => (failed(&format!("`{name}` means nothing here")), &[]),
        }
    }

    fn resource_reference<'x, 's>(
        &self,
        mode: Mode,
        kind: &str,
        steps: &'x [Step<'s>],
        scope: Scope<'_, 't>,
    ) -> (Value, &'x [Step<'s>]) {
        let rest = steps.get(1..).unwrap_or_default();
        let instance = scope.instance;
        let Some(name) = attribute(steps, 0) else { return (failed("a reference has no name"), &[]) };
        let Some(number) = instance.module.resource(mode, kind, name) else {
            let data = if mode == Mode::Data { "data." } else { "" };
            return (Value::unknown("U002", format!("`{data}{kind}.{name}` is not in these files")), &[]);
        };
        let Some(expansion) = self.resource_expansion(instance, number) else {
            return (Value::unknown("U002", format!("`{kind}.{name}` leads back to itself")), &[]);
        };
        let one = |at: usize, _: &Each| self.resource_object(instance, number, at as u32);
        self.one_or_all(&expansion, rest, scope, one)
    }

    fn module_reference<'x, 's>(
        &self,
        instance: &Instance<'t>,
        name: &str,
        steps: &'x [Step<'s>],
        scope: Scope<'_, 't>,
    ) -> (Value, &'x [Step<'s>]) {
        let children = instance.module.call_numbers.get(name).and_then(|number| self.children(instance, *number));
        let Some(children) = children else {
            return (failed(&format!("`module.{name}` is not in these files")), &[]);
        };
        if children.instances.len() < children.expansion.instances.len() {
            let reason = format!("`module.{name}` lies elsewhere and is not read");
            return (Value::unknown("U003", reason), &[]);
        }
        // One output only, where that can be seen: modules may refer to each other's outputs both ways.
        if children.expansion.repeated == Repeated::Once
            && let (Some(output), Some(child)) = (attribute(steps, 0), children.instances.first())
        {
            let value = self.output(child, output);
            let value = value.unwrap_or_else(|| failed(&format!("`module.{name}` has no output `{output}`")));
            return (value, steps.get(1..).unwrap_or_default());
        }
        let one =
            |at: usize, _: &Each| children.instances.get(at).map_or_else(Value::null, |child| self.outputs(child));
        self.one_or_all(&children.expansion, steps, scope, one)
    }

    fn outputs(&self, child: &Rc<Instance<'t>>) -> Value {
        let mut names: Vec<&str> = child.module.outputs.keys().map(|name| &**name).collect();
        names.sort_unstable();
        let field = |name: &str| Some((Rc::from(name), self.output(child, name)?));
        Value::object(names.into_iter().filter_map(field).collect::<BTreeMap<_, _>>())
    }

    /// One instance when the next step is a known index, else all of them.
    fn one_or_all<'x, 's>(
        &self,
        expansion: &Expansion,
        steps: &'x [Step<'s>],
        scope: Scope<'_, 't>,
        one: impl Fn(usize, &Each) -> Value,
    ) -> (Value, &'x [Step<'s>]) {
        if let (Some(Step::Index(index)), None, true) =
            (steps.first(), &expansion.doubt, expansion.repeated != Repeated::Once)
        {
            let index = self.eval(index, scope);
            let wanted = |each: &Each| match &each.key {
                Some(Key::Index(at)) => index.as_number() == Some(*at as f64),
                Some(Key::Text(key)) => index.to_text().as_ref() == Some(key),
                _ => false,
            };
            let found = expansion.instances.iter().enumerate().find(|(_, each)| wanted(each));
            let value = match found {
                Some((at, each)) => one(at, each).from(&index.origin),
                None => unknown_of(&index, "there is no such instance"),
            };
            return (value, steps.get(1..).unwrap_or_default());
        }
        // Old configurations leave the index out.
        let bare = expansion.repeated == Repeated::Count && expansion.doubt.is_none() && expansion.instances.len() == 1;
        if let (true, Some(Step::Attr(_)), Some(each)) = (bare, steps.first(), expansion.instances.first()) {
            return (one(0, each), steps);
        }
        (self.whole(expansion, one), steps)
    }

    /// Applies the steps of a reference to a value.
    pub(super) fn take(&self, mut value: Value, steps: &[Step<'_>], scope: Scope<'_, 't>) -> Value {
        let mut steps = steps;
        while let Some((step, rest)) = steps.split_first() {
            steps = rest;
            value = match step {
                Step::Attr(name) => attribute_of(&value, name),
                Step::Index(index) => self.index(&value, &self.eval(index, scope)),
                Step::Splat => return self.splat(&value, rest, scope),
                Step::AttrSplat => {
                    let names = rest.iter().take_while(|step| matches!(step, Step::Attr(_))).count();
                    let (inside, after) = rest.split_at_checked(names).unwrap_or((rest, &[]));
                    steps = after;
                    self.splat(&value, inside, scope)
                }
            };
        }
        value
    }

    pub(in super::super) fn index(&self, value: &Value, index: &Value) -> Value {
        let origin = value.origin.clone().and(&index.origin);
        let found = match (&value.data, &index.data) {
            (Data::Unknown(_), _) => shapeless(value),
            (_, Data::Unknown(_)) => shapeless(index),
            (Data::List(list), _) => {
                let at = index.as_number().filter(|at| *at >= 0.0 && at.fract() == 0.0);
                at.and_then(|at| list.items.get(at as usize).cloned())
                    .unwrap_or_else(|| failed("an index is out of range"))
            }
            (Data::Object(_), _) => match index.to_text() {
                Some(name) => attribute_of(value, &name),
                None => failed("a key is no text"),
            },
            _ => failed("a value without elements is indexed"),
        };
        found.from(&origin)
    }

    fn splat(&self, value: &Value, steps: &[Step<'_>], scope: Scope<'_, 't>) -> Value {
        let items = match &value.data {
            Data::Unknown(_) => return shapeless(value),
            Data::Null => return Value::list(Vec::new()).from(&value.origin),
            Data::List(list) => list.items.iter().map(|item| self.take(item.clone(), steps, scope)).collect(),
            _ => vec![self.take(value.clone(), steps, scope)],
        };
        Value::list(items).from(&value.origin)
    }
}

fn attribute<'x>(steps: &'x [Step<'_>], at: usize) -> Option<&'x str> {
    match steps.get(at) {
        Some(Step::Attr(name)) => Some(name),
        Some(Step::Index(index)) => index.literal(),
        _ => None,
    }
}

fn attribute_of(value: &Value, name: &str) -> Value {
    match &value.data {
        Data::Unknown(_) => shapeless(value),
        Data::Object(_) => {
            value.field(name).unwrap_or_else(|| failed(&format!("there is no `{name}`")).from(&value.origin))
        }
        // `list.attribute` on a block that stands once: providers differ, and so do people.
        Data::List(list) if list.items.len() == 1 => {
            list.items.first().map_or_else(Value::null, |item| attribute_of(item, name))
        }
        _ => failed(&format!("there is no `{name}`")).from(&value.origin),
    }
}

/// What is taken from an unknown text has not its shape.
fn shapeless(value: &Value) -> Value {
    match value.as_unknown() {
        Some(unknown) if unknown.shape.is_some() => {
            Value::unknown(unknown.code, unknown.reason.clone()).from(&value.origin)
        }
        _ => value.clone(),
    }
}

fn each_value(each: &Each, name: &str) -> Value {
    let value = match (name, &each.key, &each.value) {
        ("key", Some(Key::Text(key)), value) => {
            let origin = value.as_ref().map(|value| value.origin.clone()).unwrap_or_default();
            Some(Value::new(Data::Text(key.clone())).from(&origin))
        }
        ("key", Some(Key::Any(why)), _) => Some(Value::new(Data::Unknown(why.clone()))),
        ("value", _, Some(value)) => Some(value.clone()),
        _ => None,
    };
    value.unwrap_or_else(|| failed(&format!("`each.{name}` means nothing here")))
}

fn count_index(each: &Each) -> Value {
    match &each.key {
        Some(Key::Index(index)) => Value::number(*index as f64),
        Some(Key::Any(why)) => Value::new(Data::Unknown(why.clone())),
        _ => failed("`count.index` means nothing here"),
    }
}

/// Paths are relative to the audited tree; `/` stands for its root.
fn path_value(instance: &Instance<'_>, name: &str) -> Value {
    match name {
        "module" => Value::text(&format!("/{}", instance.module.dir)),
        "root" | "cwd" => Value::text(&format!("/{}", instance.root)),
        _ => failed("`path` has `module`, `root` and `cwd`"),
    }
}

use super::{Binding, Evaluator, Scope, pairs};
use crate::terraform::syntax::{Block, Body};
use crate::terraform::value::{Data, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Arguments that are about the block and no part of what it makes.
const META_ARGUMENTS: &[&str] = &["count", "for_each", "depends_on", "provider", "providers", "alias"];
const META_BLOCKS: &[&str] = &["lifecycle", "provisioner", "connection", "timeouts"];

impl<'t> Evaluator<'t> {
    /// The arguments and nested blocks of a body; blocks of one kind are a list of objects.
    pub(in super::super) fn body_fields(&self, body: &Body<'_>, scope: Scope<'_, 't>) -> BTreeMap<Rc<str>, Value> {
        let mut fields: BTreeMap<Rc<str>, Value> = BTreeMap::new();
        for attribute in &body.attributes {
            if !META_ARGUMENTS.contains(&&*attribute.name) {
                fields.insert(Rc::from(&*attribute.name), self.eval_at(&attribute.value, attribute.line, scope));
            }
        }
        let mut blocks: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for block in &body.blocks {
            if block.kind == "dynamic" {
                if let Some(kind) = block.label(0) {
                    self.dynamic(kind, block, scope, blocks.entry(kind).or_default());
                }
            } else if !META_BLOCKS.contains(&&*block.kind) {
                blocks.entry(&block.kind).or_default().push(self.block_value(block, scope));
            }
        }
        for (kind, values) in blocks {
            fields.insert(Rc::from(kind), Value::list(values));
        }
        fields
    }

    fn block_value(&self, block: &Block<'_>, scope: Scope<'_, 't>) -> Value {
        if let Some(spent) = self.spend(1) {
            return spent;
        }
        Value::object(self.body_fields(&block.body, scope))
    }

    /// `dynamic "kind" { for_each, iterator, content {} }`: one block an element.
    fn dynamic(&self, kind: &str, block: &Block<'_>, scope: Scope<'_, 't>, out: &mut Vec<Value>) {
        let Some(content) = block.body.blocks.iter().find(|inner| inner.kind == "content") else { return };
        let Some(source) = block.body.attribute("for_each") else { return };
        let iterator = block.body.attribute("iterator").map(|attribute| &attribute.value.kind);
        let name = match iterator {
            Some(super::Kind::Name(name) | super::Kind::Text(name)) => name,
            _ => kind,
        };
        let source = self.eval(&source.value, scope);
        let pairs = pairs(&source).unwrap_or_else(|unknown| vec![(unknown.clone(), unknown)]);
        for (key, value) in pairs {
            let key = if matches!(key.data, Data::Number(_)) { value.clone() } else { key };
            let fields = BTreeMap::from([(Rc::from("key"), key), (Rc::from("value"), value)]);
            let bound = Binding { name, value: Value::object(fields), outer: scope.bound };
            out.push(self.block_value(content, Scope { bound: Some(&bound), ..scope }));
        }
    }
}

//! Records of a configuration: the arguments of each resource, and the resources that they name.

use super::Emitter;
use super::backend::at_path;
use super::links::own_line;
use crate::terraform::module::Resource;
use crate::terraform::recording::{MAX_SAID, Said, Shown, What, concerns, shown};
use crate::terraform::value::{Data, LineRef, Value};
use allod_facts::{ComponentRef, Record, RecordKind};

impl<'t> Emitter<'_, 't> {
    /// What a resource shows of how it, or what it names, is recorded.
    pub(super) fn records(&mut self, resource: &Resource<'t>, own: ComponentRef, fields: &Value, at: LineRef) {
        if !concerns(&resource.kind) {
            return;
        }
        let mut said = Vec::new();
        let mut walk = Walk { said: &mut said, blocks: 0 };
        walk.object(fields, "", Block { outer: 0, inner: 0 }, at);
        for Shown { what, about, days, at: line } in shown(&resource.kind, &said) {
            let line = line.unwrap_or(at);
            let seen = self.evidence(line, line.line);
            let targets = match about {
                None => vec![own],
                Some(argument) => self.named_by(fields, argument),
            };
            for to in targets {
                match what {
                    What::Record(RecordKind::LogStore) if about.is_some() => self.stores.log(to, seen.clone()),
                    What::Record(kind) => self.add_record(to, Record { kind, days, evidence: seen.clone() }),
                    What::Keeps => self.stores.keeps(to, days, seen.clone()),
                }
            }
        }
    }

    /// The components of the resources that an argument was taken from.
    fn named_by(&self, fields: &Value, argument: &str) -> Vec<ComponentRef> {
        let Some(value) = at_path(fields, argument) else { return Vec::new() };
        let mut named: Vec<ComponentRef> = Vec::new();
        for at in value.origin.resources() {
            let to = self.reference(at.instance, at.resource, at.ordinal.unwrap_or(0));
            named.extend(to.filter(|to| !named.contains(to)));
        }
        named
    }

    fn add_record(&mut self, to: ComponentRef, record: Record) {
        if let Some(component) = self.facts.get_mut(to) {
            component.record(record);
        }
    }

    pub(super) fn settle_stores(&mut self) {
        for (store, record) in std::mem::take(&mut self.stores).settle() {
            self.add_record(store, record);
        }
    }
}

/// The numbers of the block that an argument stands in, and of the one at the top around it.
#[derive(Clone, Copy)]
struct Block {
    outer: u32,
    inner: u32,
}

struct Walk<'s> {
    said: &'s mut Vec<Said<LineRef>>,
    blocks: u32,
}

impl Walk<'_> {
    fn object(&mut self, value: &Value, path: &str, block: Block, at: LineRef) {
        for (name, value) in value.as_object().into_iter().flat_map(|fields| &fields.map) {
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.value(value, path, block, own_line(value, at));
        }
    }

    fn value(&mut self, value: &Value, path: String, block: Block, at: LineRef) {
        if self.said.len() >= MAX_SAID {
            return;
        }
        match &value.data {
            Data::Null => {}
            Data::List(list) => {
                for item in &list.items {
                    self.value(item, path.clone(), block, own_line(item, at));
                }
            }
            Data::Object(fields) => {
                self.blocks += 1;
                let outer = if block.inner == 0 { self.blocks } else { block.outer };
                let block = Block { outer, inner: self.blocks };
                // A block has no line: the first of its arguments stands for it.
                let first = fields.map.values().find(|value| !value.is_null());
                let at = first.map_or(at, |value| own_line(value, at));
                self.said.push(Said { path: path.clone(), text: None, at, outer, inner: block.inner });
                self.object(value, &path, block, at);
            }
            _ => {
                let text = value.to_text().map(|text| text.to_string());
                self.said.push(Said { path, text, at, outer: block.outer, inner: block.inner });
            }
        }
    }
}

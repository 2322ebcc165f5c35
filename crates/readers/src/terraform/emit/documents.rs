//! Arguments whose text is itself a document: container definitions, manifests.

use super::Emitter;
use super::walk::{Leaf, Rule, leaves};
use crate::node::{Node, Value as NodeValue, parse_yaml_document};
use crate::terraform::eval::{Each, Instance, Scope};
use crate::terraform::module::Resource;
use crate::terraform::syntax::{Attribute, Kind};
use crate::terraform::value::{LineRef, Origin, Value};
use std::rc::Rc;

const DOCUMENTS: &[&str] = &["container_definitions", "container_properties", "yaml_body"];

impl<'t> Emitter<'_, 't> {
    /// The images and variables in the documents of a resource. Other addresses in them belong to what the document
    /// describes, and are not followed.
    pub(super) fn document_leaves(
        &self,
        instance: &Instance<'t>,
        resource: &Resource<'_>,
        each: &Each,
        fields: &Value,
    ) -> Vec<Leaf> {
        let documents = DOCUMENTS.iter().filter_map(|name| self.document(instance, resource, each, fields, name));
        let all = documents.flat_map(|document| leaves(&resource.kind, &document));
        all.filter(|leaf| matches!(leaf.rule, Rule::Image | Rule::Env | Rule::Secret)).collect()
    }

    /// What a document argument says: the value that is encoded, or the text decoded.
    fn document(
        &self,
        instance: &Instance<'t>,
        resource: &Resource<'_>,
        each: &Each,
        fields: &Value,
        name: &str,
    ) -> Option<Value> {
        let attribute = resource.block.body.attribute(name)?;
        if let Kind::Call(call) = &attribute.value.kind
            && matches!(&*call.name, "jsonencode" | "yamlencode")
        {
            let scope = Scope { instance, file: resource.file, each, bound: None };
            return Some(self.eval.eval(call.args.first()?, scope));
        }
        let value = fields.known_field(name)?;
        let node = parse_yaml_document(value.as_text()?).ok()?;
        let at = LineRef { file: resource.file, line: attribute.line };
        let in_place = is_heredoc(attribute, resource);
        Some(located(&node, &|line| {
            if in_place { Origin::line(LineRef { line: at.line + line, ..at }) } else { value.origin.clone() }
        }))
    }
}

/// Whether the text of an argument stands in the file line by line, from the line after its name.
fn is_heredoc(attribute: &Attribute<'_>, resource: &Resource<'_>) -> bool {
    let breaks = match &attribute.value.kind {
        Kind::Text(text) => text.matches('\n').count(),
        Kind::Template(_) => 1,
        _ => 0,
    };
    breaks > 0 && attribute.line as usize + breaks < resource.block.end_line as usize
}

/// A document as a value whose texts know their lines. The nesting of a node has the limit of its parser.
fn located(node: &Node, origin: &dyn Fn(u32) -> Origin) -> Value {
    let value = match &node.value {
        NodeValue::Seq(items) => return Value::list(items.iter().map(|item| located(item, origin)).collect()),
        NodeValue::Map(entries) => {
            let field = |(key, value): &(Node, Node)| Some((Rc::from(key.as_str()?), located(value, origin)));
            return Value::object(entries.iter().filter_map(field).collect());
        }
        NodeValue::Null => Value::null(),
        NodeValue::Scalar(scalar) => Value::text(&scalar.text),
    };
    value.from(&origin(node.line))
}

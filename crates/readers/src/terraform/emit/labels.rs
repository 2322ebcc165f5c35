//! Tags and labels of resources, in the ways in which providers take them.

use super::backend::at_path;
use super::provider::Provider;
use crate::terraform::value::{Data, Value};
use allod_facts::Component;
use std::rc::Rc;

/// Arguments that hold tags or labels; of a key that stands twice, the first counts.
const ARGUMENTS: &[&str] =
    &["tags", "labels", "user_labels", "resource_labels", "freeform_tags", "tags_all", "effective_labels", "tag"];

/// Where resources of Kubernetes have theirs.
const METADATA: &[&str] =
    &["metadata.labels", "metadata.annotations", "manifest.metadata.labels", "manifest.metadata.annotations"];

/// The labels that are known: those of the resource itself, then those that its provider gives to all.
pub(super) fn written_labels(fields: &Value, provider: &Provider) -> Vec<(Rc<str>, Rc<str>)> {
    let mut pairs = Vec::new();
    let own = ARGUMENTS.iter().filter_map(|name| fields.known_field(name).cloned());
    let own = own.chain(METADATA.iter().filter_map(|path| at_path(fields, path)));
    own.chain(provider.tags.clone()).for_each(|tags| add(&tags, &mut pairs));
    pairs
}

/// A map; a list of texts (`["web", "env=prod"]`), of which one without `=` has no value; or blocks with key and value.
fn add(tags: &Value, pairs: &mut Vec<(Rc<str>, Rc<str>)>) {
    match &tags.data {
        Data::Object(fields) => {
            for (key, value) in &fields.map {
                pairs.extend(value.to_text().map(|value| (key.clone(), value)));
            }
        }
        Data::List(list) => {
            for item in &list.items {
                let field = |name: &str| item.known_field(name).and_then(Value::to_text);
                match (item.as_text(), field("key"), field("value")) {
                    (Some(text), ..) => {
                        let (key, value) = text.split_once('=').unwrap_or((text, ""));
                        pairs.push((Rc::from(key), Rc::from(value)));
                    }
                    (None, Some(key), Some(value)) => pairs.push((key, value)),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Data classes and environment, from tags or labels that say so.
pub(super) fn stated_labels(component: &mut Component, fields: &Value, provider: &Provider) {
    let own = ["tags", "labels", "user_labels", "freeform_tags"].iter().filter_map(|name| fields.known_field(name));
    for tags in own.chain(provider.tags.as_ref()) {
        if let Some(classes) = tags.known_field("allod-data").and_then(Value::as_text) {
            for class in classes.split([',', ' ', ':', '/']).map(str::trim).filter(|class| !class.is_empty()) {
                if let Err(at) = component.data.binary_search_by(|known| (**known).cmp(class)) {
                    component.data.insert(at, class.into());
                }
            }
        }
        if component.environment.is_none() {
            component.environment = tags.known_field("allod-environment").and_then(Value::as_text).map(Into::into);
        }
    }
}

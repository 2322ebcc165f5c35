use crate::source::{Said, Source};
use allod_readers::node::Node;

/// One condition on a component: it has one of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub key: SelectorKey,
    pub values: Vec<Said>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SelectorKey {
    /// A data class that it holds.
    Data,
    Workload,
    Environment,
    Tier,
    /// The service, its operator or an owner of it.
    Provider,
    /// A service of the register.
    Service,
    Layer,
    /// `key=value`, or a key with any value.
    Label,
    /// A pattern of ids and names.
    Component,
    Kind,
    Namespace,
    Address,
}

impl SelectorKey {
    pub const ALL: [(SelectorKey, &'static str); 12] = [
        (SelectorKey::Data, "data"),
        (SelectorKey::Workload, "workload"),
        (SelectorKey::Environment, "environment"),
        (SelectorKey::Tier, "tier"),
        (SelectorKey::Provider, "provider"),
        (SelectorKey::Service, "service"),
        (SelectorKey::Layer, "layer"),
        (SelectorKey::Label, "label"),
        (SelectorKey::Component, "component"),
        (SelectorKey::Kind, "kind"),
        (SelectorKey::Namespace, "namespace"),
        (SelectorKey::Address, "address"),
    ];

    pub fn name(self) -> &'static str {
        SelectorKey::ALL.iter().find(|(key, _)| *key == self).map_or("", |(_, name)| name)
    }
}

/// The selectors among the keys of a map.
pub(super) fn read(node: &Node, source: &mut Source<'_>) -> Vec<Selector> {
    let mut selectors = Vec::new();
    for (key, name) in SelectorKey::ALL {
        if let Some(value) = node.get(name) {
            let values = source.texts(value, &format!("`{name}`"));
            if !values.is_empty() {
                selectors.push(Selector { key, values });
            }
        }
    }
    selectors
}

pub(super) fn names() -> Vec<&'static str> {
    SelectorKey::ALL.iter().map(|(_, name)| *name).collect()
}

//! Which containers an object has, wherever its kind keeps them.

use crate::node::Node;

/// Keys that hold a list of containers, and keys that hold one.
const CONTAINER_LISTS: &[&str] = &["containers", "initContainers", "ephemeralContainers", "sidecars", "steps"];
const CONTAINER_KEYS: &[&str] = &["container", "script"];

/// A pod spec (or what takes its place): the map above the containers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pod<'a> {
    pub spec: &'a Node,
}

/// Every map under a node that has containers. The tree has a depth limit.
pub(super) fn pods<'a>(node: &'a Node) -> Vec<Pod<'a>> {
    let mut found = Vec::new();
    gather(node, &mut found);
    found
}

fn gather<'a>(node: &'a Node, found: &mut Vec<Pod<'a>>) {
    if let Some(items) = node.as_seq() {
        return items.iter().for_each(|item| gather(item, found));
    }
    let pod = Pod { spec: node };
    if pod.containers().next().is_some() {
        found.push(pod);
    }
    for (key, _, value) in node.entries() {
        if !CONTAINER_LISTS.contains(&key) && !CONTAINER_KEYS.contains(&key) {
            gather(value, found);
        }
    }
}

impl<'a> Pod<'a> {
    pub fn containers(self) -> impl Iterator<Item = &'a Node> {
        self.spec.entries().flat_map(|(key, _, value)| {
            let items = match value.as_seq() {
                Some(items) if CONTAINER_LISTS.contains(&key) => items,
                None if CONTAINER_KEYS.contains(&key) => std::slice::from_ref(value),
                _ => &[],
            };
            items
                .iter()
                .filter(|item| item.get("image").is_some() || item.get("env").is_some() || item.get("args").is_some())
        })
    }
}

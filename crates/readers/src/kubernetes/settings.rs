//! Which containers an object has, wherever its kind keeps them, and what their settings say.

use crate::node::Node;
use std::collections::BTreeMap;

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

/// Stands for a value that the cluster gives the pod about itself.
const INSIDE: &str = "pod.internal";

/// A literal environment of a container, `$(NAME)` expanded, with the line of each value.
pub(super) fn literal_environment(container: &Node) -> Vec<(&str, String, u32)> {
    let mut set: BTreeMap<&str, String> = BTreeMap::new();
    let mut found = Vec::new();
    for item in container.get("env").map(Node::items).unwrap_or_default() {
        let Some(name) = item.str_at(&["name"]) else { continue };
        if item.at(&["valueFrom", "fieldRef"]).is_some() {
            // An address or a name of the pod or its node: always inside.
            set.insert(name, INSIDE.to_owned());
        }
        let Some(value) = item.get("value") else { continue };
        let Some(text) = value.as_str() else { continue };
        let mut text = text.to_owned();
        if text.contains("$(") && text.len() < 4096 {
            for (known, value) in &set {
                let spelled = format!("$({known})");
                if text.contains(&spelled) && text.len() + value.len() < 16_384 {
                    text = text.replace(&spelled, value);
                }
            }
        }
        set.insert(name, text.clone());
        found.push((name, text, value.line));
    }
    found
}

/// `$NAME`, `${NAME}` and `$(NAME)` of the container's literal environment, put into a command.
pub(super) fn shell_expanded(text: &str, set: &BTreeMap<&str, String>) -> String {
    let mut text = text.to_owned();
    if !text.contains('$') || text.len() > MAX_SCRIPT_BYTES {
        return text;
    }
    for (name, value) in set.iter().rev().filter(|(_, value)| value.len() < 1024 && !value.contains('\n')) {
        for spelled in [format!("${{{name}}}"), format!("$({name})"), format!("${name}")] {
            if text.contains(&spelled) && text.len() < MAX_SCRIPT_BYTES {
                text = text.replace(&spelled, value);
            }
        }
    }
    text
}

/// Longer scripts keep their variables.
const MAX_SCRIPT_BYTES: usize = 64 << 10;

/// The arguments of a container as (name of the flag, value, node); `--flag value` and `--flag=value` alike.
pub(super) fn argument_list(container: &Node) -> Vec<(&str, &str, &Node)> {
    let mut found = Vec::new();
    for list in ["command", "args"] {
        let mut flag = "";
        for node in container.get(list).map(Node::items).unwrap_or_default() {
            let Some(text) = node.as_str() else { continue };
            match text.strip_prefix('-').map(|rest| rest.trim_start_matches('-')) {
                Some(rest) if !text.contains([' ', '\n']) => match rest.split_once('=') {
                    Some((name, value)) => {
                        found.push((name, value, node));
                        flag = "";
                    }
                    None => flag = rest,
                },
                _ => {
                    found.push((flag, text, node));
                    flag = "";
                }
            }
        }
    }
    // `source: |` of a script template.
    if let Some((text, node)) = container.get("source").and_then(|node| Some((node.as_str()?, node))) {
        found.push(("source", text, node));
    }
    found
}

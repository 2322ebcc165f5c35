use super::declared;
use super::part::{Bill, Entry, EntryKind, Part};
use crate::endpoint::{self, HostKind};
use crate::node::Node;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Layer, LinkKind, Role};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Endpoints of one service that are shown as evidence.
const MAX_LINES: usize = 20;

/// Reads one bill.
pub(super) fn read(bill: &mut Bill, node: &Node) {
    bill.reader = super::CYCLONEDX.id;
    if let Some(version) = node.get("specVersion")
        && !matches!(version.as_str(), Some("1.2" | "1.3" | "1.4" | "1.5" | "1.6" | "1.7"))
    {
        let message = format!("CycloneDX version `{}` is not known", version.as_str().unwrap_or_default());
        bill.warn("D010", &message, version.line);
    }
    let about = node.at(&["metadata", "component"]);
    let root = match about {
        Some(about) => bill.add_root(&entry_of(about)),
        None => bill.add_root(&Entry { line: 1, end_line: node.end_line, ..Entry::default() }),
    };
    let own = own_names(node);
    declared::properties(bill, node.at(&["metadata", "component", "properties"]), Some(root));
    declared::properties(bill, node.at(&["metadata", "properties"]), Some(root));
    declared::properties(bill, node.get("properties"), Some(root));
    sources(bill, about, root);
    components(bill, about.and_then(|about| about.get("components")));
    components(bill, node.get("components"));
    let services_of_root = services(bill, node.get("services"), &own);
    dependencies(bill, node.get("dependencies"));
    // The bill says itself who uses a service, or else the root does.
    let used: FxHashSet<ComponentRef> = bill.facts.links.iter().map(|link| link.to).collect();
    for (service, line) in services_of_root.into_iter().filter(|(service, _)| !used.contains(service)) {
        send(bill, root, service, line);
    }
}

/// The organisation by its own names: what it provides to itself is its own.
fn own_names(node: &Node) -> Vec<&str> {
    let metadata = node.get("metadata");
    let about = node.at(&["metadata", "component"]);
    let mut names = Vec::new();
    for key in ["manufacturer", "manufacture", "supplier"] {
        names.extend(metadata.and_then(|node| node.get(key)).and_then(|maker| maker.str_at(&["name"])));
        names.extend(about.and_then(|node| node.get(key)).and_then(|maker| maker.str_at(&["name"])));
    }
    names.extend(about.and_then(|node| node.str_at(&["publisher"])));
    names
}

fn entry_of(node: &Node) -> Entry<'_> {
    let kind_name = node.str_at(&["type"]).unwrap_or("library");
    let mut makers = Vec::new();
    for key in ["supplier", "manufacturer", "publisher", "author"] {
        let maker = node.get(key).and_then(|maker| maker.get("name").or(maker.as_str().map(|_| maker)));
        let text = maker.and_then(Node::as_str).filter(|text| !text.is_empty());
        if let (Some(text), Some(maker)) = (text, maker)
            && makers.iter().all(|(known, _)| *known != text)
        {
            makers.push((text, maker.line));
        }
    }
    Entry {
        reference: node.str_at(&["bom-ref"]).unwrap_or_default(),
        name: node.str_at(&["name"]).unwrap_or_default(),
        version: node.str_at(&["version"]).unwrap_or_default(),
        purl: node.get("purl").and_then(|purl| Some((purl.as_str()?, purl.line))),
        makers,
        kind: match kind_name {
            "operating-system" => EntryKind::OperatingSystem,
            "container" => EntryKind::Container,
            "platform" => EntryKind::Platform,
            "machine-learning-model" => EntryKind::Model,
            "device" | "device-driver" | "firmware" => EntryKind::Device,
            "file" | "data" | "cryptographic-asset" => EntryKind::Content,
            _ => EntryKind::Library,
        },
        kind_name,
        download: distribution(node),
        line: node.get("name").map_or(node.line, |name| name.line),
        end_line: node.end_line,
    }
}

/// Where the bill says that a component is fetched from.
fn distribution(node: &Node) -> Option<(&str, u32)> {
    let references = node.get("externalReferences").map(Node::items).unwrap_or_default();
    let url = references.iter().find(|one| one.str_at(&["type"]) == Some("distribution"))?.get("url")?;
    Some((url.as_str()?, url.line))
}

/// The recursion over nested components is bounded by the parser's depth.
fn components(bill: &mut Bill, list: Option<&Node>) {
    for node in list.map(Node::items).unwrap_or_default() {
        let at = bill.add(&entry_of(node));
        if node.get("properties").is_some() {
            declared::properties(bill, node.get("properties"), at.or(bill.root));
        }
        components(bill, node.get("components"));
    }
}

/// Where the root's own source lies and who builds it.
fn sources(bill: &mut Bill, about: Option<&Node>, root: ComponentRef) {
    for reference in about.and_then(|about| about.get("externalReferences")).map(Node::items).unwrap_or_default() {
        let kind = match reference.str_at(&["type"]) {
            Some("vcs") => LinkKind::BuiltFrom,
            Some("build-system") => LinkKind::DeployedBy,
            _ => continue,
        };
        let Some(url) = reference.get("url") else { continue };
        let seen = bill.seen(url.line);
        let text = url.as_str().unwrap_or_default();
        if let Some(endpoint::Target::Host(host)) = endpoint::sight(&mut bill.facts, text, seen, Confidence::High) {
            bill.link(root, kind, host, url.line);
        }
    }
}

/// Adds services with the services inside them; gives the outermost ones. Bounded by the parser's depth.
fn services(bill: &mut Bill, list: Option<&Node>, own: &[&str]) -> Vec<(ComponentRef, u32)> {
    let mut added = Vec::new();
    for node in list.map(Node::items).unwrap_or_default() {
        let at = service(bill, node, own);
        declared::properties(bill, node.get("properties"), Some(at));
        services(bill, node.get("services"), own);
        added.push((at, node.line));
    }
    added
}

fn service(bill: &mut Bill, node: &Node, own: &[&str]) -> ComponentRef {
    let name = node.str_at(&["name"]).unwrap_or("service");
    let provider = node.at(&["provider", "name"]).and_then(|name| Some((name.as_str()?, name.line)));
    let inside = node.get("x-trust-boundary").and_then(Node::as_bool) == Some(false);
    let role = match provider {
        Some((provider, _)) if own.contains(&provider) => Role::Own,
        // Nobody else is named, and the bill says that no boundary of trust is crossed.
        None if inside => Role::Own,
        _ => Role::Provided,
    };
    let reference = node.str_at(&["bom-ref"]).unwrap_or(name);
    let line = node.get("name").map_or(node.line, |name| name.line);
    let seen = Evidence { end_line: node.end_line.max(line), ..bill.seen(line) };
    let layer = if role == Role::Own { Layer::Application } else { Layer::Unclassified };
    let mut component = Component::new(&bill.id(reference), name, "service", layer, role, seen);
    let mut placeholder = None;
    let mut lines = vec![line];
    for url in node.get("endpoints").map(Node::items).unwrap_or_default() {
        lines.push(url.line);
        let host = url.as_str().and_then(endpoint::host_of);
        match host.as_deref().map(endpoint::host_kind) {
            Some(HostKind::Public) => {
                component.clues.extend(host.map(|host| Clue::new(ClueKind::Host, &host)));
            }
            Some(HostKind::Internal) => {}
            Some(HostKind::Placeholder) | None => placeholder = Some(url.line),
        }
    }
    if let Some((provider, line)) = provider {
        component.clues.push(Clue::new(ClueKind::Provider, provider));
        lines.push(line);
        // The provider's own home page; a page below somebody else's says nothing about who runs the service.
        for url in node.at(&["provider", "url"]).map(Node::items).unwrap_or_default() {
            let text = url.as_str().unwrap_or_default().trim_end_matches('/');
            let home = text.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'));
            let host = endpoint::host_of(text).filter(|host| home && endpoint::host_kind(host) == HostKind::Public);
            component.clues.extend(host.map(|host| Clue::new(ClueKind::Provider, &host)));
        }
    }
    lines.dedup();
    for line in lines.into_iter().skip(1).filter(|at| *at != line).take(MAX_LINES) {
        component.evidence.push(bill.seen(line));
    }
    component.clues.push(Clue::new(ClueKind::Name, name));
    if role == Role::Own {
        component.clues.clear();
    }
    component.data = classes(node);
    let knows_host = component.clues.iter().any(|clue| clue.kind == ClueKind::Host);
    let at = bill.facts.add(component);
    if !node.str_at(&["bom-ref"]).unwrap_or_default().is_empty() {
        bill.parts.entry(reference.to_owned()).or_insert(Part { at, is_library: false });
    }
    if role == Role::Provided && !knows_host {
        if let Some(line) = placeholder {
            let seen = bill.seen(line);
            let message = format!("the endpoint of the service `{name}` is redacted, a placeholder or no address");
            bill.facts.unresolved("U006", message, Some(at), seen);
        } else if provider.is_none() {
            let seen = bill.seen(line);
            bill.facts.unresolved("U007", format!("nobody is named who provides the service `{name}`"), Some(at), seen);
        }
    }
    at
}

/// Classifications of the data that a service handles, lower case and sorted.
fn classes(node: &Node) -> Vec<Arc<str>> {
    let data = node.get("data").map(Node::items).unwrap_or_default();
    let mut classes: Vec<Arc<str>> = data
        .iter()
        .filter_map(|flow| flow.str_at(&["classification"]))
        .filter(|class| !class.trim().is_empty())
        .map(|class| Arc::from(class.trim().to_lowercase()))
        .collect();
    classes.sort();
    classes.dedup();
    classes
}

/// Who depends on whom. Between libraries it changes nothing about who holds what: each of them is linked from the root.
fn dependencies(bill: &mut Bill, list: Option<&Node>) {
    for node in list.map(Node::items).unwrap_or_default() {
        let Some(from) = node.str_at(&["ref"]).and_then(|reference| bill.parts.get(reference)).copied() else {
            continue;
        };
        for on in node.get("dependsOn").map(Node::items).unwrap_or_default() {
            let Some(to) = on.as_str().and_then(|reference| bill.parts.get(reference)).copied() else { continue };
            if from.is_library && to.is_library {
                continue;
            }
            let kind = bill.facts.components.get(to.at as usize).map(|component| (component.role, &*component.kind));
            match kind {
                Some((_, "service")) => send(bill, from.at, to.at, on.line),
                _ => {
                    bill.link(from.at, LinkKind::BuiltFrom, to.at, on.line);
                }
            }
        }
    }
}

/// A service is sent the classes of data that it is said to handle.
fn send(bill: &mut Bill, from: ComponentRef, to: ComponentRef, line: u32) {
    let data = bill.facts.components.get(to as usize).map(|component| component.data.clone()).unwrap_or_default();
    if bill.link(from, LinkKind::SendsTo, to, line)
        && let Some(link) = bill.facts.links.last_mut()
    {
        link.data = data;
    }
}

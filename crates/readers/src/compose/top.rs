//! What a compose file says beside its services: volumes and their drivers, models, log drivers, certificates that a
//! proxy fetches.

use super::ID;
use super::environment::pairs;
use super::project::{Layer as File, Project, Service};
use super::service::{link_optional, link_url};
use crate::command;
use crate::destination::{self, Use};
use crate::image;
use crate::node::Node;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Place, Role};
use std::sync::Arc;

/// Reads what no service of the file uses, so that nothing is lost.
pub(super) fn read(project: &Project, facts: &mut Facts) {
    for (path, document) in project.documents() {
        for (name, _, _) in document.root.get("volumes").into_iter().flat_map(Node::entries) {
            volume(project, path, name, facts);
        }
        for (name, _, _) in document.root.get("models").into_iter().flat_map(Node::entries) {
            model(project, path, name, facts);
        }
    }
}

/// The component of a named volume that does not lie on the host's own disk.
pub(super) fn volume(project: &Project, path: &Arc<str>, name: &str, facts: &mut Facts) -> Option<ComponentRef> {
    let (key, node) = project.document(path)?.volume(name)?;
    if let Some(known) = facts.find(&volume_id(path, name)) {
        return Some(known);
    }
    let driver = node.str_at(&["driver"]).unwrap_or("local");
    let driver = project.expand(path, driver).text;
    let seen = Evidence { path: path.clone(), line: key.line, end_line: node.end_line.max(key.line), reader: ID };
    let options: Vec<_> = node.get("driver_opts").map(pairs).unwrap_or_default();
    if driver == "local" {
        // NFS and CIFS: `o: addr=host,...`, `device: //host/share`.
        for (key, value, line) in options {
            let value = project.expand(path, value.unwrap_or_default()).text;
            let host = match key {
                "o" => value.split(',').find_map(|part| part.trim().strip_prefix("addr=")).map(str::to_owned),
                "device" => value.strip_prefix("//").and_then(|rest| rest.split('/').next()).map(str::to_owned),
                _ => None,
            };
            if let Some(host) = host.filter(|host| destination::is_bare_host(host)) {
                let line = Evidence::line(path, line, ID);
                let sighted = crate::endpoint::sight(facts, &host, line.clone(), Confidence::High);
                if let Some(crate::endpoint::Target::Host(to)) = sighted {
                    let own = Component::new(&volume_id(path, name), name, "volume", Layer::Storage, Role::Own, seen);
                    let own = facts.add(own);
                    facts.link(own, LinkKind::StoresIn, to, line);
                    return Some(own);
                }
            }
        }
        return None;
    }
    let component = Component::new(&volume_id(path, name), name, "volume", Layer::Storage, Role::Provided, seen)
        .with_clue(Clue::new(ClueKind::Name, driver.split([':', '/']).next().unwrap_or(&driver)))
        .with_clue(Clue::new(ClueKind::Name, &driver));
    Some(facts.add(component))
}

fn volume_id(path: &str, name: &str) -> String {
    format!("compose:{path}#volumes/{name}")
}

/// The component of a model of `models:`, an artefact of an image registry.
fn model(project: &Project, path: &Arc<str>, name: &str, facts: &mut Facts) -> Option<ComponentRef> {
    let (key, node) = project.document(path)?.root.get("models")?.entry(name)?;
    let (line, text) = match node.entry("model") {
        Some((key, value)) => (key.line, value.as_str()?),
        None => (key.line, name),
    };
    let seen = Evidence::line(path, line, ID);
    let expanded = project.expand(path, text);
    let Some(image) = image::parse(&expanded.text) else {
        facts.unresolved("U001", format!("model `{text}` needs a variable that no file sets"), None, seen);
        return None;
    };
    let mut component = image.component(seen);
    component.layer = Layer::AiModel;
    component.confidence = expanded.confidence();
    component.evidence.extend(expanded.seen);
    Some(facts.add(component))
}

/// Links a service to its models: `models:`, or `provider: {type: model}`.
pub(super) fn models_of(project: &Project, service: &Service<'_>, own: ComponentRef, facts: &mut Facts) {
    for (layer, node) in service.all("models") {
        let names: Vec<(&str, u32)> = match node.as_map() {
            Some(_) => node.entries().map(|(name, key, _)| (name, key.line)).collect(),
            None => node.items().iter().filter_map(|item| Some((item.as_str()?, item.line))).collect(),
        };
        for (name, line) in names {
            if let Some(to) = model(project, &layer.path, name, facts) {
                facts.link(own, LinkKind::BuiltFrom, to, Evidence::line(&layer.path, line, ID));
            }
        }
    }
    let Some((layer, node, line)) = service.last("provider") else { return };
    match node.str_at(&["type"]) {
        Some("model") => {
            if let Some((key, value)) = node.get("options").and_then(|options| options.entry("model"))
                && let Some(image) = value.as_str().and_then(image::parse)
            {
                let how = Use::new(own, LinkKind::BuiltFrom, Evidence::line(&layer.path, key.line, ID));
                command::link_image(facts, &image, &how);
            }
        }
        Some(kind) => {
            let message = format!("the provider `{kind}` of service `{}` runs it elsewhere", service.name);
            facts.unresolved("U010", message, Some(own), Evidence::line(&layer.path, line, ID));
        }
        None => {}
    }
}

/// Where a service's log goes, when its driver sends it away.
pub(super) fn log_driver(project: &Project, service: &Service<'_>, own: ComponentRef, facts: &mut Facts) {
    let Some((layer, node, line)) = service.last("logging") else { return };
    let Some(written) = node.str_at(&["driver"]) else { return };
    let driver = project.expand(&layer.path, written).text;
    if matches!(driver.as_str(), "" | "json-file" | "local" | "journald" | "none" | "k8s-file" | "passthrough") {
        return;
    }
    let options = node.get("options").map(pairs).unwrap_or_default();
    let mut somewhere = false;
    for (key, value, line) in &options {
        let address = key.ends_with("-url") || key.ends_with("-address") || *key == "awslogs-endpoint";
        let Some(value) = value.filter(|_| address) else { continue };
        let expanded = project.expand(&layer.path, value);
        let mut how = Use::new(own, LinkKind::SendsTo, Evidence::line(&layer.path, *line, ID));
        how.required = false;
        how.confidence = expanded.confidence();
        how.also = expanded.seen;
        somewhere = true;
        link_url(facts, &expanded.text, &how, &|_| None);
    }
    // Drivers with a destination of their own; those of the others are their options'.
    let own_destination = matches!(driver.as_str(), "awslogs" | "gcplogs" | "splunk" | "logentries" | "etwlogs");
    if somewhere && driver != "splunk" {
        return;
    }
    let seen = Evidence { path: layer.path.clone(), line, end_line: node.end_line.max(line), reader: ID };
    if !own_destination {
        let message = format!("the log driver `{driver}` does not say where logs go");
        facts.unresolved("U007", message, Some(own), seen);
        return;
    }
    if somewhere {
        return;
    }
    let id = format!("compose:{}#{}/logging", service.path, service.name);
    let mut component = Component::new(&id, &driver, "log-driver", Layer::Observability, Role::Provided, seen.clone())
        .with_clue(Clue::new(ClueKind::Exporter, &driver));
    let region = options.iter().find(|(key, _, _)| *key == "awslogs-region").and_then(|(_, value, _)| *value);
    if let Some(region) = region {
        component.place = Some(Place::region(&project.expand(&layer.path, region).text));
    }
    if driver == "awslogs" {
        component.clues.push(Clue::new(ClueKind::Name, "Amazon CloudWatch Logs"));
    } else if driver == "gcplogs" {
        component.clues.push(Clue::new(ClueKind::Name, "Google Cloud Logging"));
    }
    let to = facts.add(component);
    link_optional(facts, own, to, seen);
}

/// A proxy that fetches its own certificates: Traefik's `--certificatesresolvers`, which means Let's Encrypt when no
/// other server is named.
pub(super) fn acme(facts: &mut Facts, own: ComponentRef, layer: &File<'_>, node: &Node) {
    let items: Vec<(&str, u32)> =
        node.items().iter().filter_map(|item| Some((item.as_str()?, item.line))).take(1000).collect();
    let option = |name: &str| {
        items.iter().find(|(text, _)| text.contains("certificatesresolvers") && text.contains(name)).copied()
    };
    if let Some((_, line)) = option(".acme.")
        && option(".caserver").is_none()
    {
        let mut how = Use::new(own, LinkKind::ResolvedBy, Evidence::line(&layer.path, line, ID));
        how.confidence = Confidence::Medium;
        destination::link_to(facts, "acme-v02.api.letsencrypt.org", &how);
    }
    if let Some((text, line)) = option(".dnschallenge.provider")
        && let Some((_, provider)) = text.split_once('=')
    {
        let seen = Evidence::line(&layer.path, line, ID);
        let id = format!("compose:{}#dns-challenge/{provider}", layer.path);
        let component = Component::new(&id, provider, "dns-provider", Layer::Dns, Role::Provided, seen.clone())
            .with_clue(Clue::new(ClueKind::Kubernetes, provider))
            .with_clue(Clue::new(ClueKind::Name, provider));
        let to = facts.add(component);
        facts.link(own, LinkKind::ResolvedBy, to, seen);
    }
}

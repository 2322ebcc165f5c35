//! octoDNS: the production configuration (which providers serve which zones) and zones as YAML.

use super::records::{self, Record, Zone, normal, zone_component};
use crate::files::{Files, name_of};
use crate::node::{Node, parse_yaml_document};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Diagnostic, Evidence, Facts, Layer, LinkKind, Mitigation, Role, Severity,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const ID: &str = "octodns";

pub(super) fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let mut zones: Vec<(Arc<str>, Node)> = Vec::new();
    let mut configurations: Vec<(Arc<str>, Node)> = Vec::new();
    for path in mine {
        let shared = files.shared_path(path);
        let root = match files.text(path) {
            Some(Ok(text)) => parse_yaml_document(&text),
            Some(Err(_)) => {
                facts.diagnostics.push(Diagnostic {
                    code: "D002",
                    severity: Severity::Error,
                    message: "not a text file".into(),
                    path: shared,
                    line: 0,
                    hint: None,
                });
                continue;
            }
            None => continue,
        };
        match root {
            Ok(root) if root.get("providers").is_some() => configurations.push((shared, root)),
            Ok(root) => zones.push((shared, root)),
            Err(broken) => facts.diagnostics.push(broken.diagnostic(&shared)),
        }
    }
    let names: Vec<String> = zones.iter().map(|(path, _)| zone_name(path)).collect();
    let mut targets: BTreeMap<String, Vec<(String, ComponentRef)>> = BTreeMap::new();
    for (path, root) in &configurations {
        configuration(&mut facts, path, root, &names, &mut targets);
    }
    for ((path, root), name) in zones.iter().zip(&names) {
        zone(&mut facts, path, root, name, targets.get(name).map(Vec::as_slice).unwrap_or_default());
    }
    facts
}

fn zone_name(path: &str) -> String {
    let name = name_of(path);
    // A zone in several files: `clinic.lu._0_base.yaml`.
    let name = name.split("._").next().unwrap_or(name);
    normal(name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name))
}

/// The provider's word in a class: `octodns_route53.Route53Provider` is `route53`. `None` for files.
fn provider_word(class: &str) -> Option<String> {
    let mut parts = class.split('.');
    let package = parts.next()?;
    let word = match package.strip_prefix("octodns_") {
        Some(word) => word.to_owned(),
        // Classes of the days before every provider had its own package: `octodns.provider.route53.Route53Provider`.
        None if package == "octodns" => parts.nth(1)?.to_owned(),
        None => return None,
    };
    let files = ["yaml", "bind", "spf", "axfr", "zonefile", "ddns", "etc_hosts", "octodns", "dump"];
    (!files.contains(&word.as_str())).then(|| word.replace('_', " "))
}

fn configuration(
    facts: &mut Facts,
    path: &Arc<str>,
    root: &Node,
    zones: &[String],
    targets: &mut BTreeMap<String, Vec<(String, ComponentRef)>>,
) {
    let mut providers: BTreeMap<&str, ComponentRef> = BTreeMap::new();
    for (name, key, node) in root.get("providers").into_iter().flat_map(Node::entries) {
        let Some(word) = node.str_at(&["class"]).and_then(provider_word) else { continue };
        let seen = Evidence { path: path.clone(), line: key.line, end_line: node.end_line.max(key.line), reader: ID };
        let id = format!("octodns:{path}#{name}");
        let mut component = Component::new(&id, name, "dns-provider", Layer::Dns, Role::Provided, seen);
        component.clues.push(Clue::new(ClueKind::Kubernetes, &word));
        component.clues.push(Clue::new(ClueKind::Name, &word));
        providers.insert(name, facts.add(component));
    }
    for (name, key, node) in root.get("zones").into_iter().flat_map(Node::entries) {
        let node_targets: Vec<(String, ComponentRef)> = node
            .get("targets")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|target| Some((target.as_str()?.to_owned(), *providers.get(target.as_str()?)?)))
            .collect();
        let seen = Evidence { path: path.clone(), line: key.line, end_line: node.end_line.max(key.line), reader: ID };
        // `*` stands for every zone that the sources have.
        let served: Vec<String> = if name.starts_with('*') { zones.to_vec() } else { vec![normal(name)] };
        for zone in served.into_iter().take(MAX_ZONES) {
            let own = facts.add(zone_component(&zone, seen.clone()));
            for (_, to) in &node_targets {
                let link = facts.link(own, LinkKind::ResolvedBy, *to, seen.clone());
                link.mitigations.push(Mitigation::TlsPassesThrough);
                link.any_of = Some(Arc::from("ns"));
            }
            targets.insert(zone, node_targets.clone());
        }
    }
}

fn zone(facts: &mut Facts, path: &Arc<str>, root: &Node, name: &str, targets: &[(String, ComponentRef)]) {
    let seen = Evidence::line(path, root.line.max(1), ID);
    let own = facts.add(zone_component(name, seen));
    for (label, key, node) in root.entries() {
        let owner = match label {
            "" | "@" => name.to_owned(),
            label => format!("{}.{name}", label.to_ascii_lowercase()),
        };
        for record in node.items() {
            let Some(kind) = record.str_at(&["type"]).map(str::to_ascii_uppercase) else { continue };
            let proxied = record.at(&["octodns", "cloudflare", "proxied"]).and_then(Node::as_bool) == Some(true);
            let party = targets.iter().find(|(target, _)| target.contains("cloudflare")).or_else(|| targets.first());
            let party = party.filter(|_| proxied).map(|(_, party)| *party);
            let zone = Zone { own, origin: name, proxied: &|_| party };
            let values = record.get("values").or_else(|| record.get("value"));
            for value in values.map(Node::items).unwrap_or_default() {
                let line = if value.line == 0 { key.line } else { value.line };
                // `Route53Provider/ALIAS`: a provider's own kind of alias, which names its target among other things.
                let (kind, data) = match kind.rsplit_once('/') {
                    Some((_, own)) => (own.to_owned(), vec![value.str_at(&["name"]).unwrap_or_default().to_owned()]),
                    None => (kind.clone(), data_of(&kind, value)),
                };
                let line = value.entry("name").map_or(line, |(key, _)| key.line);
                let seen = Evidence::line(path, line, ID);
                records::add(facts, &Record { owner: owner.clone(), kind, data, seen }, &zone);
            }
        }
    }
}

/// The data of a record in the order of the zone file format.
fn data_of(kind: &str, value: &Node) -> Vec<String> {
    let text = |key: &str| value.str_at(&[key]).unwrap_or_default().to_owned();
    let either = |a: &str, b: &str| if value.get(a).is_some() { text(a) } else { text(b) };
    match (kind, value.as_str()) {
        (_, Some(scalar)) => vec![scalar.replace("\\;", ";")],
        ("MX", None) => vec![either("preference", "priority"), either("exchange", "value")],
        ("SRV", None) => vec![text("priority"), text("weight"), text("port"), text("target")],
        ("CAA", None) => vec![text("flags"), text("tag"), text("value")],
        ("HTTPS" | "SVCB", None) => vec![text("svcpriority"), text("targetname")],
        _ => Vec::new(),
    }
}

/// Zones of one `*`.
const MAX_ZONES: usize = 10_000;

//! Telemetry inside manifests: the kinds of the Prometheus and OpenTelemetry operators, and ConfigMaps that hold whole
//! configuration files.

use super::object::Object;
use super::scene::{Scene, Setting, Use};
use super::settings::{literal_environment, pods};
use crate::node::{Node, Value};
use crate::telemetry::{self, Embedded, Lines, Value as Set};
use allod_facts::{ComponentRef, Confidence, Layer, LinkKind};
use std::collections::BTreeMap;

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    match (object.group, object.kind) {
        ("", "ConfigMap") => config_map(scene, at, object),
        ("opentelemetry.io", "OpenTelemetryCollector") => collector(scene, at, object),
        ("opentelemetry.io", "Instrumentation") => return false,
        ("monitoring.coreos.com", "Prometheus" | "PrometheusAgent" | "ThanosRuler") => prometheus(scene, at, object),
        ("monitoring.coreos.com", "AlertmanagerConfig") => alerts(scene, at, object),
        ("monitoring.coreos.com", "Alertmanager") => {
            let own = scene.own(at, object, Layer::Observability);
            image(scene, own, object);
        }
        ("monitoring.coreos.com", _) => {}
        _ => return false,
    }
    true
}

fn image(scene: &mut Scene<'_>, own: ComponentRef, object: &Object<'_>) {
    if let Some((text, node)) = object.node.at(&["spec", "image"]).and_then(|node| Some((node.as_str()?, node))) {
        super::workload::built_from(scene, own, object, text, node.line);
    }
}

/// The data of a ConfigMap: settings of the workloads that use it, and whole files.
fn config_map(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let uses = scene.config_uses.get(&at).cloned().unwrap_or_default();
    for (key, _, value) in object.node.get("data").into_iter().flat_map(Node::entries) {
        let Value::Scalar(scalar) = &value.value else { continue };
        let mut owners: Vec<ComponentRef> =
            uses.iter().filter(|used| used.key.is_none_or(|only| only == key)).map(|used| used.component).collect();
        owners.sort_unstable();
        owners.dedup();
        if scalar.text.contains('\n') {
            super::recording::file(scene, object, &owners, value);
            file(scene, at, object, &uses, &owners, key, value);
        } else {
            setting(scene, at, object, &owners, key, value);
        }
    }
}

fn setting(scene: &mut Scene<'_>, at: usize, object: &Object<'_>, owners: &[ComponentRef], key: &str, value: &Node) {
    let text = value.as_str().unwrap_or("");
    let setting = Setting::new(key, text, value.line);
    if !owners.is_empty() {
        scene.send(owners, object, &setting);
        return;
    }
    let leads_out = super::addresses(key, text).iter().any(|(_, address)| match address {
        super::Address::Known(text) => super::leads_out(text),
        super::Address::Hidden(_) => true,
    });
    if leads_out {
        let own = scene.own(at, object, Layer::Application);
        scene.send(&[own], object, &Setting { confidence: Confidence::Medium, ..setting });
    }
}

/// A whole file in a ConfigMap, read with the line numbers of the manifest.
fn file(
    scene: &mut Scene<'_>,
    at: usize,
    object: &Object<'_>,
    uses: &[Use<'_>],
    owners: &[ComponentRef],
    key: &str,
    value: &Node,
) {
    let Value::Scalar(scalar) = &value.value else { return };
    let lines = if scalar.literal { Lines::From(value.line) } else { Lines::All(value.line) };
    let Some(form) = telemetry::sniff(key, &scalar.text) else {
        let literal = scalar.literal;
        return text(scene, at, object, owners, key, value, literal);
    };
    let owners = if owners.is_empty() { vec![scene.own(at, object, Layer::Observability)] } else { owners.to_vec() };
    let environment = environment(scene, uses);
    let embedded = Embedded {
        path: object.path,
        reader: object.reader,
        id: &object.id(&format!("/{key}")),
        text: &scalar.text,
        lines,
        owners: &owners,
        set: &|name| environment.get(name).cloned(),
    };
    telemetry::read_embedded(scene.facts, form, &embedded);
    send_inside(scene, object, &owners, value, scalar.literal);
}

/// What a pipeline of telemetry sends to a Service of the cluster: that one's host is nobody's outside.
fn send_inside(scene: &mut Scene<'_>, object: &Object<'_>, owners: &[ComponentRef], value: &Node, literal: bool) {
    for (offset, line) in value.as_str().unwrap_or("").lines().enumerate() {
        let Some((key, rest)) = line.trim_start().split_once(':') else { continue };
        let inside = rest.contains("://") && rest.contains(".svc");
        if inside && matches!(key.trim_start_matches("- "), "endpoint" | "url" | "host") {
            let line_number = if literal { value.line + offset as u32 } else { value.line };
            scene.send(owners, object, &Setting::new(key, rest.trim(), line_number));
        }
    }
}

/// The URLs of a text of another kind: properties, nginx, scripts.
fn text(
    scene: &mut Scene<'_>,
    at: usize,
    object: &Object<'_>,
    owners: &[ComponentRef],
    key: &str,
    value: &Node,
    literal: bool,
) {
    // Dashboards and schemas: their links lead people, not programs.
    let lower = key.to_ascii_lowercase();
    if lower.ends_with(".md") || lower.ends_with(".html") || lower.ends_with(".css") || lower.ends_with(".svg") {
        return;
    }
    let mut own: Vec<ComponentRef> = owners.to_vec();
    for (offset, line) in value.as_str().unwrap_or("").lines().enumerate() {
        let shown = line.trim_start();
        let comment = shown.starts_with(['#', ';']) || shown.starts_with("//");
        if comment || shown.len() > 4096 {
            continue;
        }
        let (name, rest) =
            line.split_once(['=', ':']).filter(|(_, rest)| !rest.starts_with("//")).unwrap_or(("", line));
        let name = name.trim().trim_matches(['"', '\'']);
        let leads_out = super::addresses(name, rest.trim()).iter().any(|(_, address)| match address {
            super::Address::Known(text) => super::leads_out(text),
            super::Address::Hidden(_) => false,
        });
        if !leads_out {
            continue;
        }
        if own.is_empty() {
            own.push(scene.own(at, object, Layer::Application));
        }
        let line_number = if literal { value.line + offset as u32 } else { value.line };
        let setting = Setting { confidence: Confidence::Medium, ..Setting::new(name, rest.trim(), line_number) };
        scene.send(&own, object, &setting);
    }
}

/// The literal environment of the workloads that use a ConfigMap.
fn environment(scene: &Scene<'_>, uses: &[Use<'_>]) -> BTreeMap<String, Set> {
    let mut found = BTreeMap::new();
    for used in uses {
        let Some(workload) = scene.object(used.workload) else { continue };
        for pod in pods(workload.node) {
            for container in pod.containers() {
                for (name, text, line) in literal_environment(container) {
                    found.entry(name.to_owned()).or_insert(Set { text, seen: workload.at(line) });
                }
            }
        }
    }
    found
}

fn collector(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Observability);
    image(scene, own, object);
    let Some(config) = object.node.at(&["spec", "config"]) else { return };
    let mut environment = BTreeMap::new();
    if let Some(spec) = object.spec() {
        for (name, text, line) in literal_environment(spec) {
            environment.insert(name.to_owned(), Set { text, seen: object.at(line) });
        }
    }
    let (text, lines) = match &config.value {
        Value::Scalar(scalar) if scalar.literal => (scalar.text.as_str(), Lines::From(config.line)),
        Value::Scalar(scalar) => (scalar.text.as_str(), Lines::All(config.line)),
        _ => ("", Lines::From(1)),
    };
    let embedded = Embedded {
        path: object.path,
        reader: object.reader,
        id: &object.id("/config"),
        text,
        lines,
        owners: &[own],
        set: &|name| environment.get(name).cloned(),
    };
    if config.as_map().is_some() {
        telemetry::read_collector(scene.facts, config, &embedded);
    } else {
        telemetry::read_embedded(scene.facts, telemetry::Form::Collector, &embedded);
    }
}

fn prometheus(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Observability);
    image(scene, own, object);
    for list in ["remoteWrite", "remoteRead"] {
        for entry in object.spec().and_then(|spec| spec.get(list)).map(Node::items).unwrap_or_default() {
            if let Some((text, node)) = entry.get("url").and_then(|node| Some((node.as_str()?, node))) {
                let setting = Setting { optional: true, ..Setting::new("url", text, node.line) };
                scene.send(&[own], object, &setting);
            }
        }
    }
    let template = object.node.at(&["spec", "storage", "volumeClaimTemplate", "spec", "storageClassName"]);
    if let Some((name, node)) = template.and_then(|node| Some((node.as_str()?, node))) {
        super::storage::stored_in(scene, own, object, name, node);
    }
}

/// Receivers of alerts: hosts, or the service that the kind of receiver means.
fn alerts(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Observability);
    for receiver in object.spec().and_then(|spec| spec.get("receivers")).map(Node::items).unwrap_or_default() {
        for (kind, key, configs) in receiver.entries() {
            let Some(kind) = kind.strip_suffix("Configs") else { continue };
            for config in configs.items() {
                let address = ["apiURL", "url", "smarthost", "webhookUrl"]
                    .iter()
                    .find_map(|key| config.get(key)?.as_str().map(|text| (text, config.line)));
                match address {
                    Some((text, line)) => {
                        scene.send(&[own], object, &Setting { optional: true, ..Setting::new("url", text, line) });
                    }
                    None => telemetry::default_receiver(scene.facts, own, kind, object.seen(key), LinkKind::SendsTo),
                }
            }
        }
    }
}

//! What manifests show of how things are recorded, and the labels of objects.

use super::object::Object;
use super::scene::Scene;
use super::settings::pods;
use crate::helm::template::HOLE;
use crate::node::{Node, Value};
use crate::recording::{self, Shown};
use allod_facts::{ComponentRef, Labels, Layer, Record, RecordKind};

/// The labels and annotations of an object, its pod template and its namespace; of a key that stands twice, the nearest.
pub(super) fn labels(scene: &mut Scene<'_>, object: &Object<'_>) -> Option<Labels> {
    let namespace = scene.index.find("Namespace", "", object.namespace, object.path).and_then(|at| scene.object(at));
    let places = [
        object.node.get("metadata"),
        object.node.at(&["spec", "template", "metadata"]),
        object.node.at(&["spec", "jobTemplate", "metadata"]),
        object.node.at(&["spec", "jobTemplate", "spec", "template", "metadata"]),
        namespace.and_then(|namespace| namespace.node.get("metadata")),
    ];
    let holders = places.iter().flatten().flat_map(|meta| [meta.get("labels"), meta.get("annotations")]).flatten();
    let written = holders.flat_map(Node::entries).filter_map(|(key, _, value)| Some((key, value.as_str()?)));
    // Every namespace has this one (source: "Well-Known Labels" in the Kubernetes documentation).
    let own = (!object.namespace.is_empty()).then_some(("kubernetes.io/metadata.name", object.namespace));
    // What a template fills in is not known.
    let known = |text: &str| !text.contains(HOLE) && !text.contains("{{") && !text.contains("${");
    let pairs = written.chain(own).filter(|(key, value)| known(key) && known(value));
    scene.shelf.labels(pairs)
}

/// What an object of the control plane shows, whatever else was read of it.
pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    match (object.group, object.kind) {
        ("audit.k8s.io", "Policy") => {
            let rules = object.node.get("rules").map(Node::items).unwrap_or_default();
            let level = rules.iter().filter_map(|rule| rule.get("level")).find(|level| level.as_str() != Some("None"));
            let Some(level) = level else { return };
            let own = scene.own(at, object, Layer::Observability);
            name(scene, own, "audit policy");
            add(scene, own, object, (RecordKind::ControlTrail, None, level.line));
        }
        ("kubeadm.k8s.io", "ClusterConfiguration") => server(scene, at, object, &["apiServer"]),
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") => {
            server(scene, at, object, &["spec", "kubeadmConfigSpec", "clusterConfiguration", "apiServer"]);
        }
        ("eksctl.io", "ClusterConfig") => {
            let types = object.node.at(&["cloudWatch", "clusterLogging", "enableTypes"]);
            let audits = |kind: &&Node| matches!(kind.as_str(), Some("audit" | "all" | "*"));
            if let Some(kind) = types.map(Node::items).unwrap_or_default().iter().find(audits) {
                let days = object.node.str_at(&["cloudWatch", "clusterLogging", "logRetentionInDays"]);
                let days = days.and_then(|days| days.parse().ok());
                let own = scene.own(at, object, Layer::Compute);
                add(scene, own, object, (RecordKind::ControlTrail, days, kind.line));
            }
        }
        _ => {}
    }
}

/// The arguments of an API server: a map, or (from `v1beta4` on) a list of names and values.
fn server(scene: &mut Scene<'_>, at: usize, object: &Object<'_>, path: &[&str]) {
    let Some(arguments) = object.node.at(path).and_then(|server| server.get("extraArgs")) else { return };
    let flag = |name: &str| {
        let listed = || arguments.items().iter().find(|item| item.str_at(&["name"]) == Some(name))?.get("value");
        let value = if arguments.as_seq().is_some() { listed() } else { arguments.get(name) }?;
        Some((value.as_str()?, value.line))
    };
    if let Some(shown) = recording::audit(flag) {
        let own = scene.own(at, object, Layer::Compute);
        name(scene, own, object.node.str_at(&["clusterName"]).unwrap_or("cluster"));
        add(scene, own, object, shown);
    }
}

/// Files for programs of the control plane have no metadata.
fn name(scene: &mut Scene<'_>, own: ComponentRef, name: &str) {
    if let Some(component) = scene.facts.get_mut(own).filter(|own| own.name.is_empty()) {
        component.name = name.to_owned();
    }
}

/// A whole file in a ConfigMap, for the workloads that use it.
pub(super) fn file(scene: &mut Scene<'_>, object: &Object<'_>, owners: &[ComponentRef], value: &Node) {
    let Value::Scalar(scalar) = &value.value else { return };
    if owners.is_empty() {
        return;
    }
    for (kind, days, line) in recording::of_file(&scalar.text) {
        let line = if scalar.literal { value.line + line.saturating_sub(1) } else { value.line };
        for owner in owners {
            add(scene, *owner, object, (kind, days, line));
        }
    }
}

/// What the containers of a workload show: after all files that it uses.
pub(super) fn workload(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>) {
    for container in pods(object.node).iter().flat_map(|pod| pod.containers()) {
        let image = container.str_at(&["image"]).unwrap_or_default();
        let lists = ["command", "args"].iter().filter_map(|list| container.get(list)).flat_map(Node::items);
        let words: Vec<(String, u32)> = lists.filter_map(|word| Some((word.as_str()?.to_owned(), word.line))).collect();
        for shown in recording::of_arguments(image, &words) {
            add(scene, workload, object, shown);
        }
        let stores = |one: &Record| one.kind == RecordKind::LogStore;
        let known = scene.facts.components.get(workload as usize).is_some_and(|own| own.records.iter().any(stores));
        if let Some((_, node)) = container.entry("image").filter(|_| !known && recording::keeps_logs(image)) {
            add(scene, workload, object, (RecordKind::LogStore, None, node.line));
        }
    }
}

fn add(scene: &mut Scene<'_>, to: ComponentRef, object: &Object<'_>, (kind, days, line): Shown) {
    let evidence = object.at(line);
    if let Some(component) = scene.facts.get_mut(to) {
        component.record(Record { kind, days, evidence });
    }
}

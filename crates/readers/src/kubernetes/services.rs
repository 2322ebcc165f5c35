//! Services: names for outside hosts, load balancers of clouds, and which workloads stand behind a service.

use super::object::Object;
use super::scene::{Part, Scene, Setting, word};
use crate::files::folder_of;
use crate::node::Node;
use allod_facts::{Clue, ComponentRef, Confidence, Layer, LinkKind};

/// What an annotation of a load balancer begins with (or has as its domain), and the words of its provider.
const LOAD_BALANCERS: &[(&str, &[&str])] = &[
    ("service.beta.kubernetes.io/aws-", &["service.k8s.aws/nlb", "aws"]),
    ("service.beta.kubernetes.io/azure-", &["azure"]),
    ("cloud.google.com/", &["cloud.google.com", "gce", "gcp"]),
    ("networking.gke.io/", &["networking.gke.io", "gce", "gcp"]),
    ("beta.cloud.google.com/", &["cloud.google.com", "gce", "gcp"]),
    ("load-balancer.hetzner.cloud/", &["load-balancer.hetzner.cloud", "hcloud"]),
    ("service.beta.kubernetes.io/do-loadbalancer", &["digitalocean"]),
    ("kubernetes.digitalocean.com/", &["digitalocean"]),
    ("service.beta.kubernetes.io/scw-loadbalancer", &["scaleway"]),
    ("service.beta.kubernetes.io/ovh-loadbalancer", &["ovh"]),
    ("loadbalancer.ovhcloud.com/", &["ovh"]),
    ("service.beta.kubernetes.io/exoscale-loadbalancer", &["exoscale"]),
    ("service.beta.kubernetes.io/linode-loadbalancer", &["linode"]),
    ("service.beta.kubernetes.io/vultr-loadbalancer", &["vultr"]),
    ("service.beta.kubernetes.io/upcloud-load-balancer", &["upcloud"]),
    ("service.beta.kubernetes.io/oci-load-balancer", &["oci", "oracle"]),
    ("oci.oraclecloud.com/", &["oci", "oracle"]),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer", &["alibabacloud"]),
    ("service.kubernetes.io/ibm-load-balancer", &["ibm"]),
    ("service.kubernetes.io/qcloud-loadbalancer", &["tencentcloud"]),
    ("kubernetes.civo.com/", &["civo"]),
    ("lb.stackit.cloud/", &["lb.stackit.cloud", "stackit"]),
    ("otc.io/", &["opentelekomcloud"]),
    ("kubernetes.io/elb.", &["huaweicloud"]),
];

/// The words of the provider whose load balancer an annotation sets up.
pub(crate) fn balancer_words(annotation: &str) -> Option<&'static [&'static str]> {
    LOAD_BALANCERS.iter().find(|(prefix, _)| annotation.starts_with(prefix)).map(|(_, words)| *words)
}

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    if !object.is("", "Service") {
        return false;
    }
    let Some(spec) = object.spec() else { return true };
    for name in super::names::published(scene, object) {
        let seen =
            object.annotation(super::HOSTNAME_ANNOTATION).map_or_else(|| object.block(), |node| object.seen(node));
        for workload in behind(scene, at) {
            scene.link(workload, LinkKind::ResolvedBy, name, seen.clone());
        }
    }
    let kind = spec.entry("type").and_then(|(key, value)| Some((key, value.as_str()?)));
    match kind {
        Some((_, "ExternalName")) => {
            if let Some((text, node)) = spec.get("externalName").and_then(|node| Some((node.as_str()?, node))) {
                let service = scene.own(at, object, Layer::Network);
                scene.send(&[service], object, &Setting::new("host", text, node.line));
            }
        }
        Some((key, "LoadBalancer")) => load_balancer(scene, at, object, key),
        _ => {}
    }
    true
}

fn load_balancer(scene: &mut Scene<'_>, at: usize, object: &Object<'_>, kind: &Node) {
    let mut backends = behind(scene, at);
    if backends.is_empty() {
        backends.push(scene.own(at, object, Layer::Network));
    }
    let named = object.annotations().find_map(|(key, node, _)| balancer_words(key).map(|words| (node, words)));
    let class =
        object.spec().and_then(|spec| spec.get("loadBalancerClass")).and_then(|node| Some((node.as_str()?, node)));
    let (clues, line): (Vec<Clue>, u32) = match (named, class) {
        (Some((node, words)), _) => (words.iter().map(|text| word(text)).collect(), node.line),
        (None, Some((text, node))) => (vec![word(text)], node.line),
        (None, None) => {
            let message = format!("no file says who provides the load balancer of service `{}`", object.shown_name());
            return scene.facts.unresolved("U007", message, backends.first().copied(), object.seen(kind));
        }
    };
    let part = Part {
        suffix: "/load-balancer",
        name: format!("{} load balancer", object.shown_name()),
        kind: "load-balancer",
        layer: Layer::Network,
        clues,
        confidence: Confidence::High,
    };
    let seen = object.at(line);
    let balancer = scene.part(object, &part, seen.clone());
    scene.also_seen(balancer, object.seen(kind));
    for backend in backends {
        scene.link(backend, LinkKind::ResolvedBy, balancer, seen.clone());
    }
}

/// The workloads that a name of a service leads to. A service that no file defines has, by custom, the name of its
/// workload in the same namespace.
pub(super) fn led_to(scene: &mut Scene<'_>, namespace: &str, name: &str, from: &str) -> Vec<ComponentRef> {
    if let Some(service) = scene.index.find("Service", namespace, name, from) {
        return behind(scene, service);
    }
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "Rollout"];
    let found = kinds.iter().find_map(|kind| scene.index.find_exact(kind, namespace, name, from));
    found.and_then(|at| scene.component(at)).into_iter().collect()
}

/// The workloads behind a service: those whose pods have all labels of its selector.
pub(super) fn behind(scene: &mut Scene<'_>, service: usize) -> Vec<ComponentRef> {
    let Some(object) = scene.object(service) else { return Vec::new() };
    let selector: Vec<(&str, &str)> = object
        .spec()
        .and_then(|spec| spec.get("selector"))
        .into_iter()
        .flat_map(Node::entries)
        .filter_map(|(key, _, value)| Some((key, value.as_str()?)))
        .filter(|(_, value)| !value.contains(crate::helm::template::HOLE))
        .collect();
    if selector.is_empty() {
        return scene.component(service).into_iter().collect();
    }
    if let Some(known) = scene.behind_services.get(&service) {
        return known.clone();
    }
    // The label that the fewest workloads have is looked through.
    let rarest = selector.iter().map(|pair| scene.labelled.get(pair).map(Vec::as_slice).unwrap_or_default());
    // Overlays and examples repeat the same names: the workloads nearest to the service are its own.
    let shared = |path: &str| {
        let folders = |path| folder_of(path).split('/').filter(|part| !part.is_empty());
        folders(path).zip(folders(object.path)).take_while(|(a, b)| a == b).count()
    };
    let selected: Vec<(usize, ComponentRef)> = rarest
        .min_by_key(|workloads| workloads.len())
        .unwrap_or_default()
        .iter()
        .filter_map(|&at| Some((at, scene.object(at)?)))
        .filter(|(_, workload)| workload.namespace == object.namespace || workload.path == object.path)
        .filter(|(_, workload)| selector.iter().all(|(key, value)| pod_label(workload.node, key) == Some(value)))
        .filter_map(|(at, workload)| Some((shared(workload.path), scene.component(at)?)))
        .collect();
    let nearest = selected.iter().map(|(shared, _)| *shared).max().unwrap_or(0);
    let found: Vec<ComponentRef> =
        selected.into_iter().filter(|(shared, _)| *shared == nearest).map(|(_, workload)| workload).collect();
    scene.behind_services.insert(service, found.clone());
    found
}

/// The labels of a workload's pods, or its own.
pub(super) fn pod_labels<'a>(node: &'a Node) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let places: [&[&str]; 2] = [&["spec", "template", "metadata", "labels"], &["metadata", "labels"]];
    places
        .into_iter()
        .filter_map(|place| node.at(place))
        .flat_map(Node::entries)
        .filter_map(|(key, _, value)| Some((key, value.as_str()?)))
}

fn pod_label<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.at(&["spec", "template", "metadata", "labels", key])
        .or_else(|| node.at(&["metadata", "labels", key]))
        .and_then(Node::as_str)
}

//! Names under which workloads are reached: Ingress, Gateway and routes. A name is the organisation's own; who resolves,
//! certifies or carries it is linked from it.

use super::object::Object;
use super::scene::{Part, Scene, word};
use crate::endpoint::is_host_name;
use crate::helm::template::HOLE;
use crate::node::Node;
use allod_facts::{Clue, Component, ComponentRef, Confidence, Evidence, Layer, LinkKind, Role};

/// Controllers and classes of ingress and gateways that a cloud runs, by a prefix of their name.
const CLOUD_CLASSES: &[(&str, &[&str])] = &[
    ("alb", &["alb"]),
    ("ingress.k8s.aws/alb", &["ingress.k8s.aws/alb"]),
    ("eks.amazonaws.com/", &["eks.amazonaws.com/alb"]),
    ("amazon-vpc-lattice", &["application-networking.k8s.aws"]),
    ("gce", &["gce", "gcp"]),
    ("gke-l7", &["gce", "gcp"]),
    ("azure/application-gateway", &["azure/application-gateway", "azure"]),
    ("azure-application-gateway", &["azure/application-gateway", "azure"]),
    ("azure-alb", &["azure-alb", "azure"]),
    ("webapprouting.kubernetes.azure.com", &["kubernetes.azure.com", "azure"]),
    ("addon-http-application-routing", &["kubernetes.azure.com", "azure"]),
    ("cloudflare-tunnel", &["cloudflare-tunnel", "cloudflare"]),
    ("ngrok", &["ngrok"]),
    ("tailscale", &["tailscale"]),
    ("oci", &["oci"]),
    ("public-iks", &["ibm"]),
    ("openstack", &["openstack"]),
];

/// Names that ExternalDNS publishes for an object.
pub(crate) const HOSTNAME_ANNOTATION: &str = "external-dns.alpha.kubernetes.io/hostname";

/// The names in an annotation for ExternalDNS.
pub(super) fn published(scene: &mut Scene<'_>, object: &Object<'_>) -> Vec<ComponentRef> {
    let Some(node) = object.annotation(HOSTNAME_ANNOTATION) else { return Vec::new() };
    let names = node.as_str().unwrap_or("").split(',');
    names.filter_map(|text| name(scene, object, text.trim(), object.seen(node))).collect()
}

/// Annotations that only the controller of one cloud reads, with the class that it stands for.
const CLOUD_ANNOTATIONS: &[(&str, &str)] = &[
    ("alb.ingress.kubernetes.io/", "alb"),
    ("kubernetes.io/ingress.global-static-ip-name", "gce"),
    ("ingress.gcp.kubernetes.io/", "gce"),
    ("networking.gke.io/v1beta1.FrontendConfig", "gce"),
    ("appgw.ingress.kubernetes.io/", "azure-application-gateway"),
];

/// The class of the cloud's proxy that an annotation sets up.
pub(crate) fn carrier_words(annotation: &str) -> Option<&'static [&'static str]> {
    let (_, class) = CLOUD_ANNOTATIONS.iter().find(|(word, _)| annotation.starts_with(word))?;
    CLOUD_CLASSES.iter().find(|(prefix, _)| prefix == class).map(|(_, words)| *words)
}

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    match (object.group, object.kind) {
        ("networking.k8s.io" | "extensions", "Ingress") => ingress(scene, at, object),
        ("gateway.networking.k8s.io", "Gateway") => gateway(scene, at, object),
        ("gateway.networking.k8s.io", "HTTPRoute" | "TLSRoute" | "GRPCRoute") => route(scene, object, "hostnames"),
        ("networking.istio.io", "VirtualService") => route(scene, object, "hosts"),
        ("route.openshift.io", "Route") => host_at(scene, object, &["spec", "host"]),
        ("traefik.io" | "traefik.containo.us", "IngressRoute" | "IngressRouteTCP") => traefik(scene, object),
        ("projectcontour.io", "HTTPProxy") => host_at(scene, object, &["spec", "virtualhost", "fqdn"]),
        ("networking.gke.io", "ManagedCertificate") => managed_certificate(scene, object),
        ("externaldns.k8s.io", "DNSEndpoint") => endpoints(scene, at, object),
        ("serving.knative.dev", "DomainMapping") => {
            name(scene, object, object.name, object.at(object.line));
        }
        ("networking.k8s.io", "IngressClass") | ("gateway.networking.k8s.io", _) => {}
        _ => return false,
    }
    true
}

/// The component of a name, with what the object says about who certifies and carries it.
fn name(scene: &mut Scene<'_>, object: &Object<'_>, text: &str, seen: Evidence) -> Option<ComponentRef> {
    let host = text.trim().trim_end_matches('.').to_ascii_lowercase();
    if !is_host_name(&host) || !host.contains('.') || text.contains(HOLE) {
        if text.contains("{{") || text.contains("${") {
            scene.facts.unresolved("U004", format!("the name `{text}` is a template"), None, seen);
        }
        return None;
    }
    let name = scene.facts.add(Component::new(&format!("name:{host}"), &host, "name", Layer::Dns, Role::Own, seen));
    scene.names.insert(name);
    super::certificates::of_annotations(scene, object, name);
    Some(name)
}

fn ingress(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let mut names = Vec::new();
    let rules = object.spec().and_then(|spec| spec.get("rules")).map(Node::items).unwrap_or_default();
    let mut backends = Vec::new();
    for rule in rules {
        let found = rule.get("host").and_then(|node| Some((node.as_str()?, node)));
        let of_rule = found.and_then(|(text, node)| name(scene, object, text, object.seen(node)));
        names.extend(of_rule);
        for path in rule.at(&["http", "paths"]).map(Node::items).unwrap_or_default() {
            let service =
                path.str_at(&["backend", "service", "name"]).or_else(|| path.str_at(&["backend", "serviceName"]));
            backends.extend(reached_by(scene, object, of_rule, service));
        }
    }
    let default = object.node.str_at(&["spec", "defaultBackend", "service", "name"]);
    let default = default.or_else(|| object.node.str_at(&["spec", "backend", "serviceName"]));
    backends.extend(reached_by(scene, object, None, default));
    for name in published(scene, object) {
        for &backend in &backends {
            scene.link(backend, LinkKind::ResolvedBy, name, object.block());
        }
        names.push(name);
    }
    for tls in object.spec().and_then(|spec| spec.get("tls")).map(Node::items).unwrap_or_default() {
        for node in tls.get("hosts").map(Node::items).unwrap_or_default() {
            names.extend(node.as_str().and_then(|text| name(scene, object, text, object.seen(node))));
        }
    }
    let class = object
        .spec()
        .and_then(|spec| spec.get("ingressClassName"))
        .or_else(|| object.annotation("kubernetes.io/ingress.class"));
    let certificate = object.annotation("networking.gke.io/managed-certificates");
    let annotated = object.annotations().find_map(|(key, _, node)| {
        CLOUD_ANNOTATIONS.iter().find(|(word, _)| key.starts_with(word)).map(|(_, class)| (*class, node))
    });
    let carrier = match class.and_then(|node| Some((node, node.as_str()?))) {
        Some((node, class)) => carried_by(scene, object, class, node, &["IngressClass", "controller"]),
        None => certificate.and_then(|node| carried_by(scene, object, "gce", node, &[])),
    };
    let carrier = carrier.or_else(|| annotated.and_then(|(class, node)| carried_by(scene, object, class, node, &[])));
    let Some((carrier, seen)) = carrier else { return };
    let users = if names.is_empty() { backends } else { names };
    if users.is_empty() {
        let own = scene.own(at, object, Layer::Network);
        scene.link(own, LinkKind::ResolvedBy, carrier, seen.clone());
    }
    for user in users {
        scene.link(user, LinkKind::ResolvedBy, carrier, seen.clone());
    }
}

/// The workloads of a service, each resolved by the name.
fn reached_by(
    scene: &mut Scene<'_>,
    object: &Object<'_>,
    name: Option<ComponentRef>,
    service: Option<&str>,
) -> Vec<ComponentRef> {
    let workloads = service
        .map(|service| super::services::led_to(scene, object.namespace, service, object.path))
        .unwrap_or_default();
    if let Some(name) = name {
        let seen = scene.facts.components.get(name as usize).and_then(|name| name.evidence.first().cloned());
        for &workload in &workloads {
            scene.link(workload, LinkKind::ResolvedBy, name, seen.clone().unwrap_or_else(|| object.block()));
        }
    }
    workloads
}

/// The cloud's load balancer or proxy that a class stands for; nothing when the class is one's own proxy.
fn carried_by(
    scene: &mut Scene<'_>,
    object: &Object<'_>,
    class: &str,
    node: &Node,
    class_object: &[&str],
) -> Option<(ComponentRef, Evidence)> {
    let defined = match class_object {
        [kind, field] => scene
            .index
            .find(kind, "", class, object.path)
            .and_then(|at| scene.object(at))
            .and_then(|object| Some((object, object.spec()?.get(field)?)))
            .and_then(|(object, node)| Some((node.as_str()?.to_owned(), object.seen(node)))),
        _ => None,
    };
    let controller = defined.as_ref().map_or(class, |(controller, _)| controller.as_str());
    let (_, words) = CLOUD_CLASSES.iter().find(|(prefix, _)| {
        controller
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with(['-', '/', '.']))
    })?;
    let part = Part {
        suffix: "/carrier",
        name: format!("{class} of {}", object.shown_name()),
        kind: "load-balancer",
        layer: Layer::Network,
        clues: words.iter().map(|text| word(text)).collect(),
        confidence: Confidence::High,
    };
    let seen = object.seen(node);
    let carrier = scene.part(object, &part, seen.clone());
    if let Some((_, defined)) = defined {
        scene.also_seen(carrier, defined);
    }
    Some((carrier, seen))
}

fn gateway(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let mut names = Vec::new();
    for listener in object.spec().and_then(|spec| spec.get("listeners")).map(Node::items).unwrap_or_default() {
        let node = listener.get("hostname");
        names.extend(node.and_then(|node| name(scene, object, node.as_str()?, object.seen(node))));
    }
    let class =
        object.spec().and_then(|spec| spec.get("gatewayClassName")).and_then(|node| Some((node, node.as_str()?)));
    let Some((node, class)) = class else { return };
    let Some((carrier, seen)) = carried_by(scene, object, class, node, &["GatewayClass", "controllerName"]) else {
        return;
    };
    if names.is_empty() {
        names.push(scene.own(at, object, Layer::Network));
    }
    for name in names {
        scene.link(name, LinkKind::ResolvedBy, carrier, seen.clone());
    }
}

fn route(scene: &mut Scene<'_>, object: &Object<'_>, key: &str) {
    let Some(spec) = object.spec() else { return };
    let hosts = spec.get(key).map(Node::items).unwrap_or_default();
    let names: Vec<ComponentRef> = hosts
        .iter()
        .filter(|node| node.as_str().is_some_and(super::leads_out))
        .filter_map(|node| name(scene, object, node.as_str()?, object.seen(node)))
        .collect();
    for rule in spec.get("rules").map(Node::items).unwrap_or_default() {
        for backend in rule.get("backendRefs").map(Node::items).unwrap_or_default() {
            for &name in &names {
                reached_by(scene, object, Some(name), backend.str_at(&["name"]));
            }
        }
    }
}

fn host_at(scene: &mut Scene<'_>, object: &Object<'_>, path: &[&str]) {
    let Some(node) = object.node.at(path) else { return };
    let found = node.as_str().and_then(|text| name(scene, object, text, object.seen(node)));
    reached_by(scene, object, found, object.node.str_at(&["spec", "to", "name"]));
}

/// ``Host(`a.example`)`` in the match of a route.
fn traefik(scene: &mut Scene<'_>, object: &Object<'_>) {
    for rule in object.spec().and_then(|spec| spec.get("routes")).map(Node::items).unwrap_or_default() {
        let Some((text, node)) = rule.get("match").and_then(|node| Some((node.as_str()?, node))) else { continue };
        for host in text.split('`').skip(1).step_by(2).filter(|host| !host.starts_with('/')) {
            let found = name(scene, object, host, object.seen(node));
            for service in rule.get("services").map(Node::items).unwrap_or_default() {
                reached_by(scene, object, found, service.str_at(&["name"]));
            }
        }
    }
}

fn managed_certificate(scene: &mut Scene<'_>, object: &Object<'_>) {
    let part = Part {
        suffix: "/issuer",
        name: format!("{} certificate", object.shown_name()),
        kind: object.kind,
        layer: Layer::Certificates,
        clues: vec![word("networking.gke.io"), word("gcp")],
        confidence: Confidence::High,
    };
    let issuer = scene.part(object, &part, object.block());
    for node in object.spec().and_then(|spec| spec.get("domains")).map(Node::items).unwrap_or_default() {
        if let Some(name) = node.as_str().and_then(|text| name(scene, object, text, object.seen(node))) {
            scene.link(name, LinkKind::ResolvedBy, issuer, object.seen(node));
        }
    }
}

fn endpoints(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    for entry in object.spec().and_then(|spec| spec.get("endpoints")).map(Node::items).unwrap_or_default() {
        let node = entry.get("dnsName");
        let own = node.and_then(|node| name(scene, object, node.as_str()?, object.seen(node)));
        if entry.str_at(&["recordType"]) != Some("CNAME") {
            continue;
        }
        for target in entry.get("targets").map(Node::items).unwrap_or_default() {
            let Some(text) = target.as_str() else { continue };
            let seen = object.seen(target);
            let text = &*super::addresses::known_suffix(text).unwrap_or_else(|| text.to_owned());
            if let Some(crate::endpoint::Target::Host(to)) =
                crate::endpoint::sight(scene.facts, text, seen.clone(), Confidence::High)
            {
                if let Some(component) = scene.facts.get_mut(to) {
                    let clue = Clue::new(allod_facts::ClueKind::CanonicalName, text);
                    if !component.clues.contains(&clue) {
                        component.clues.push(clue);
                    }
                }
                let own = own.unwrap_or_else(|| scene.own(at, object, Layer::Dns));
                scene.link(own, LinkKind::ResolvedBy, to, seen);
            }
        }
    }
}

/// The name of a certificate or another object that states names.
pub(super) fn state(scene: &mut Scene<'_>, object: &Object<'_>, node: &Node) -> Option<ComponentRef> {
    node.as_str().and_then(|text| name(scene, object, text, object.seen(node)))
}

/// Names that ExternalDNS publishes: when a tree has one provider, it resolves them all.
pub(super) fn connect(scene: &mut Scene<'_>) {
    let mut providers = scene.dns_providers.clone();
    providers.sort_unstable();
    providers.dedup();
    let [provider] = providers.as_slice() else { return };
    for name in scene.names.clone() {
        let seen = scene.facts.components.get(*provider as usize).and_then(|dns| dns.evidence.first().cloned());
        if let Some(seen) = seen {
            scene.link(name, LinkKind::ResolvedBy, *provider, seen);
        }
    }
}

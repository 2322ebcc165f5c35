//! cert-manager: issuers with the server or the cloud behind them, the DNS providers of their solvers, and the names that
//! they certify.

use super::object::Object;
use super::scene::{Part, Scene, Setting, host, word};
use crate::node::Node;
use allod_facts::{Clue, ComponentRef, Confidence, Layer, LinkKind, Place};

const GROUP: &str = "cert-manager.io";

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    match (object.group, object.kind) {
        (GROUP | "certmanager.k8s.io", "Issuer" | "ClusterIssuer") => issuer(scene, at, object),
        (GROUP | "certmanager.k8s.io", "Certificate") => certificate(scene, object),
        (GROUP | "acme.cert-manager.io" | "certmanager.k8s.io", _) => {}
        (group, _) if group.ends_with(".cert-manager.io") || group == "cas-issuer.jetstack.io" => {
            let region = object.spec().and_then(|spec| spec.get("region")).and_then(Node::as_str);
            let issuer = scene.provided(at, object, Layer::Certificates, vec![word(group)], object.block());
            if let (Some(region), Some(component)) = (region, scene.facts.get_mut(issuer)) {
                component.place = Some(Place::region(region));
            }
        }
        _ => return false,
    }
    true
}

fn issuer(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let issuer = scene.own(at, object, Layer::Certificates);
    let Some(spec) = object.spec() else { return };
    let mut server = |path: &[&str], key: &str| {
        if let Some((text, node)) = spec.at(path).and_then(|node| Some((node.as_str()?, node))) {
            let setting = Setting { link: LinkKind::ResolvedBy, ..Setting::new(key, text, node.line) };
            scene.send(&[issuer], object, &setting);
        }
    };
    server(&["acme", "server"], "server");
    server(&["vault", "server"], "server");
    server(&["venafi", "tpp", "url"], "url");
    server(&["venafi", "cloud", "url"], "url");
    if let Some((key, _)) = spec.get("venafi").and_then(|venafi| venafi.entry("cloud")) {
        let seen = object.seen(key);
        let part = Part { suffix: "/venafi", ..provider("venafi", Layer::Certificates, vec![word("venafi")]) };
        let cloud = scene.part(object, &part, seen.clone());
        scene.link(issuer, LinkKind::ResolvedBy, cloud, seen);
    }
    let acme = spec.get("acme");
    for solver in acme.and_then(|acme| acme.get("solvers")).map(Node::items).unwrap_or_default() {
        solve(scene, object, issuer, solver.get("dns01"));
    }
    // The form before version 0.8.
    for solver in acme.and_then(|acme| acme.at(&["dns01", "providers"])).map(Node::items).unwrap_or_default() {
        solve(scene, object, issuer, Some(solver));
    }
}

fn solve(scene: &mut Scene<'_>, object: &Object<'_>, issuer: ComponentRef, dns: Option<&Node>) {
    for (name, key, value) in dns.into_iter().flat_map(Node::entries) {
        let clues: Vec<Clue> = match name {
            "route53" => vec![word("route53"), word("aws")],
            "cloudDNS" | "clouddns" => vec![word("clouddns"), word("google"), word("gcp")],
            "azureDNS" | "azuredns" => vec![word("azuredns"), word("azure")],
            "cloudflare" | "digitalocean" | "akamai" => vec![word(name)],
            "acmeDNS" | "acmedns" => value.str_at(&["host"]).and_then(host).into_iter().collect(),
            "webhook" => {
                [value.str_at(&["solverName"]), value.str_at(&["groupName"])].into_iter().flatten().map(word).collect()
            }
            _ => continue,
        };
        let seen = object.span(key, value);
        let suffix =
            format!("/dns01/{}", if name == "webhook" { value.str_at(&["solverName"]).unwrap_or(name) } else { name });
        let part = Part { suffix: &suffix, ..provider(name, Layer::Dns, clues) };
        let dns = scene.part(object, &part, seen.clone());
        if let (Some(region), Some(component)) = (value.str_at(&["region"]), scene.facts.get_mut(dns)) {
            component.place = Some(Place::region(region));
        }
        scene.link(issuer, LinkKind::ResolvedBy, dns, seen);
    }
}

fn provider(name: &str, layer: Layer, clues: Vec<Clue>) -> Part<'static> {
    Part { suffix: "", name: name.to_owned(), kind: "provider", layer, clues, confidence: Confidence::High }
}

fn certificate(scene: &mut Scene<'_>, object: &Object<'_>) {
    let Some(spec) = object.spec() else { return };
    let common = spec.get("commonName");
    let names: Vec<ComponentRef> = spec
        .get("dnsNames")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .chain(common)
        .filter(|node| node.as_str().is_some_and(super::leads_out))
        .filter_map(|node| super::names::state(scene, object, node))
        .collect();
    let Some(reference) = spec.get("issuerRef") else { return };
    let kind = reference.str_at(&["kind"]).unwrap_or("Issuer");
    for name in names {
        issued_by(scene, object, name, kind, reference.get("name"));
    }
}

fn issued_by(scene: &mut Scene<'_>, object: &Object<'_>, name: ComponentRef, kind: &str, issuer: Option<&Node>) {
    let Some((text, node)) = issuer.and_then(|node| Some((node.as_str()?, node))) else { return };
    let found = scene
        .index
        .find(kind, object.namespace, text, object.path)
        .or_else(|| scene.index.find(kind, "", text, object.path));
    if let Some((at, target)) = found.and_then(|at| Some((at, scene.object(at)?))) {
        let issuer = match scene.component(at) {
            Some(known) => known,
            None => scene.own(at, target, Layer::Certificates),
        };
        scene.link(name, LinkKind::ResolvedBy, issuer, object.seen(node));
    }
}

/// `cert-manager.io/cluster-issuer` and its neighbours on an Ingress or a Gateway.
pub(super) fn of_annotations(scene: &mut Scene<'_>, object: &Object<'_>, name: ComponentRef) {
    for (annotation, kind) in [
        ("cert-manager.io/cluster-issuer", "ClusterIssuer"),
        ("cert-manager.io/issuer", "Issuer"),
        ("certmanager.k8s.io/cluster-issuer", "ClusterIssuer"),
    ] {
        let kind = object.annotation("cert-manager.io/issuer-kind").and_then(Node::as_str).unwrap_or(kind);
        issued_by(scene, object, name, kind, object.annotation(annotation));
    }
}

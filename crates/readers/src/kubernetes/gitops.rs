//! GitOps: what Flux and Argo CD deploy, and the repositories it comes from. Who can write there changes what runs.

use super::object::Object;
use super::scene::{Scene, Setting};
use super::sources::{Git, git_component, is_commit};
use crate::endpoint::{self, Target};
use crate::files::{Files, join};
use crate::helm;
use crate::image;
use crate::kustomize;
use crate::limits::MAX_INCLUDE_DEPTH;
use crate::node::Node;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Delivered, Delivery, Layer, LinkKind, Mitigation, Place, Role,
};
use std::collections::{BTreeMap, BTreeSet};

/// A folder of this tree that a GitOps object deploys.
#[derive(Clone, Debug)]
pub(super) struct Deployed {
    folder: String,
    source: ComponentRef,
    at: usize,
    line: u32,
    pinned: bool,
}

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    match (object.group, object.kind) {
        ("source.toolkit.fluxcd.io" | "source.extensions.fluxcd.io", _) => {
            source(scene, at);
        }
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => flux_kustomization(scene, at, object),
        ("helm.toolkit.fluxcd.io", "HelmRelease") => helm_release(scene, at, object),
        ("notification.toolkit.fluxcd.io", "Provider") => notification(scene, at, object),
        ("image.toolkit.fluxcd.io", "ImageRepository") => {
            if let Some((text, node)) = object.node.at(&["spec", "image"]).and_then(|node| Some((node.as_str()?, node)))
            {
                let own = scene.own(at, object, Layer::Ci);
                super::workload::built_from(scene, own, object, text, node.line);
            }
        }
        ("fluxcd.controlplane.io", "FluxInstance") => {
            if let Some(url) = object.node.at(&["spec", "sync", "url"]) {
                repository(scene, at, object, url);
            }
        }
        ("argoproj.io", "Application" | "ApplicationSet") => argo(scene, at, object),
        ("argoproj.io", _) => return scene.component(at).is_some() || object.kind == "AppProject",
        (group, _) => return group.ends_with(".toolkit.fluxcd.io"),
    }
    true
}

/// The source that a Flux object stands for: a repository, a chart repository, an artefact, a bucket.
fn source(scene: &mut Scene<'_>, at: usize) -> Option<(ComponentRef, bool)> {
    if scene.following >= MAX_INCLUDE_DEPTH {
        return None;
    }
    scene.following += 1;
    let found = source_at(scene, at);
    scene.following -= 1;
    found
}

fn source_at(scene: &mut Scene<'_>, at: usize) -> Option<(ComponentRef, bool)> {
    let object = scene.object(at)?;
    let spec = object.spec()?;
    match object.kind {
        "GitRepository" => {
            let url = spec.get("url")?;
            let pinned = spec.str_at(&["ref", "commit"]).is_some_and(is_commit);
            Some((git(scene, object, url)?, pinned))
        }
        "HelmRepository" | "OCIRepository" => {
            let url = spec.get("url")?;
            let pinned = spec.at(&["ref", "digest"]).is_some();
            let text = url.as_str()?;
            let seen = object.seen(url);
            if object.kind == "OCIRepository" {
                let suffix = |key: &str, sign: &str| spec.str_at(&["ref", key]).map(|text| format!("{sign}{text}"));
                let tag = suffix("digest", "@").or_else(|| suffix("tag", ":")).unwrap_or_default();
                let image = image::parse(&format!("{text}{tag}"))?;
                return Some((scene.facts.add(image.component(seen)), pinned));
            }
            match endpoint::sight(scene.facts, text, seen.clone(), Confidence::High) {
                Some(Target::Host(host)) => {
                    if let Some(component) = scene.facts.get_mut(host) {
                        let clue = Clue::new(ClueKind::HelmChart, &helm::repository_place(text));
                        if !component.clues.contains(&clue) {
                            component.clues.push(clue);
                        }
                    }
                    Some((host, pinned))
                }
                Some(Target::Internal(_)) => None,
                None => {
                    hide(scene, object, url, None);
                    None
                }
            }
        }
        "Bucket" => bucket(scene, at, object, spec).map(|bucket| (bucket, false)),
        "ArtifactGenerator" => {
            let first = spec.get("sources").map(Node::items).unwrap_or_default().first()?;
            let namespace = first.str_at(&["namespace"]).unwrap_or(object.namespace);
            source_of(scene, object, first.str_at(&["kind"])?, namespace, first.str_at(&["name"])?, first.line)
        }
        "FluxInstance" => {
            let url = spec.at(&["sync", "url"])?;
            Some((git(scene, object, url)?, false))
        }
        "HelmChart" => {
            let reference = spec.get("sourceRef")?;
            let found = scene.index.find(
                reference.str_at(&["kind"])?,
                object.namespace,
                reference.str_at(&["name"])?,
                object.path,
            )?;
            (found != at).then(|| source(scene, found)).flatten()
        }
        _ => None,
    }
}

fn bucket(scene: &mut Scene<'_>, at: usize, object: &Object<'_>, spec: &Node) -> Option<ComponentRef> {
    if let Some(known) = scene.component(at) {
        return Some(known);
    }
    let (text, node) = spec.get("endpoint").and_then(|node| Some((node.as_str()?, node)))?;
    let host = endpoint::host_of(text)?;
    let inside = endpoint::host_kind(&host) == endpoint::HostKind::Internal;
    let clues = if inside { Vec::new() } else { vec![Clue::new(ClueKind::Host, &host)] };
    let bucket = scene.provided(at, object, Layer::Storage, clues, object.seen(node));
    if let Some(component) = scene.facts.get_mut(bucket) {
        component.place = spec.str_at(&["region"]).map(Place::region);
        if inside {
            component.role = Role::Own;
        }
    }
    Some(bucket)
}

/// The repository in a URL; what is a template or a variable is reported.
fn git(scene: &mut Scene<'_>, object: &Object<'_>, url: &Node) -> Option<ComponentRef> {
    let text = url.as_str()?;
    match Git::of(text) {
        Some(git) => Some(scene.facts.add(git_component(&git, Role::Provided, object.seen(url)))),
        None => {
            hide(scene, object, url, None);
            None
        }
    }
}

fn hide(scene: &mut Scene<'_>, object: &Object<'_>, url: &Node, about: Option<ComponentRef>) {
    let text = url.as_str().unwrap_or("");
    if object.reader == helm::READER.id && text.contains(helm::template::HOLE) {
        return;
    }
    let code = if text.contains("{{") { "U004" } else { "U001" };
    scene.facts.unresolved(code, "the repository is not in the files".to_owned(), about, object.seen(url));
}

/// An object that deploys from one repository.
pub(super) fn repository(scene: &mut Scene<'_>, at: usize, object: &Object<'_>, url: &Node) {
    let own = scene.own(at, object, Layer::Ci);
    if let Some(source) = git(scene, object, url) {
        scene.link(own, LinkKind::DeployedBy, source, object.seen(url));
    }
}

fn flux_kustomization(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Ci);
    let Some(reference) = object.node.at(&["spec", "sourceRef"]) else { return };
    let (Some(kind), Some(name)) = (reference.str_at(&["kind"]), reference.str_at(&["name"])) else { return };
    let namespace = reference.str_at(&["namespace"]).unwrap_or(object.namespace);
    let line = reference.line;
    let Some((source, pinned)) = source_of(scene, object, kind, namespace, name, line) else { return };
    deployed_by(scene, own, source, object.at(line), pinned);
    let folder = object.node.str_at(&["spec", "path"]).and_then(|path| join("", path.trim_start_matches('/')));
    scene.deployed.extend(folder.map(|folder| Deployed { folder, source, at, line, pinned }));
}

/// The source that a reference means. One that no file defines is one component, unknown, for all that refer to it.
fn source_of(
    scene: &mut Scene<'_>,
    object: &Object<'_>,
    kind: &str,
    namespace: &str,
    name: &str,
    line: u32,
) -> Option<(ComponentRef, bool)> {
    let generated = |object: &Object<'_>| {
        let artifacts = object.node.at(&["spec", "artifacts"]).map(Node::items).unwrap_or_default();
        object.kind == "ArtifactGenerator" && artifacts.iter().any(|item| item.str_at(&["name"]) == Some(name))
    };
    let found = match kind {
        "ExternalArtifact" => scene.objects.iter().position(generated),
        _ => scene.index.find(kind, namespace, name, object.path),
    };
    let bootstrapped =
        || scene.index.find("FluxInstance", namespace, "flux", object.path).filter(|_| name == "flux-system");
    if let Some(at) = found.or_else(bootstrapped) {
        return source(scene, at);
    }
    let seen = object.at(line);
    let id = format!("k8s-source:{kind}/{namespace}/{name}");
    let new = scene.facts.find(&id).is_none();
    let source = scene.facts.add(Component::new(&id, name, kind, Layer::Source, Role::Provided, seen.clone()));
    if new {
        let message = format!("the source `{name}` is not in the files");
        scene.facts.unresolved("U001", message, Some(source), seen);
    }
    Some((source, false))
}

fn deployed_by(scene: &mut Scene<'_>, from: ComponentRef, to: ComponentRef, seen: allod_facts::Evidence, pinned: bool) {
    let mitigations: &[Mitigation] = if pinned { &[Mitigation::PinnedDigest] } else { &[] };
    scene.link_with(from, LinkKind::DeployedBy, to, seen, mitigations);
}

fn helm_release(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Application);
    let Some(spec) = object.spec() else { return };
    if let Some(chart) = spec.at(&["chart", "spec"]) {
        let version = chart.str_at(&["version"]).unwrap_or("");
        let kind = chart.str_at(&["sourceRef", "kind"]).unwrap_or("HelmRepository");
        let name = chart.str_at(&["sourceRef", "name"]).unwrap_or("");
        let namespace = chart.str_at(&["sourceRef", "namespace"]).unwrap_or(object.namespace);
        let target = scene.index.find(kind, namespace, name, object.path).and_then(|at| scene.object(at));
        let node = chart.get("chart").unwrap_or(chart);
        let seen = object.seen(node);
        match target {
            Some(target) if kind == "HelmRepository" => {
                let url = target.spec().and_then(|spec| spec.get("url"));
                let (Some(url), Some(name)) = (url.and_then(Node::as_str), node.as_str()) else { return };
                let chart = helm::chart_component(scene.facts, url, name, version, seen.clone());
                if let Some(chart) = chart {
                    scene.link(own, LinkKind::BuiltFrom, chart, seen);
                }
            }
            // A patch of a release that another file has.
            None if name.is_empty() => {}
            _ => {
                if let Some((source, pinned)) = source_of(scene, object, kind, namespace, name, node.line) {
                    let link = if kind == "HelmRepository" { LinkKind::BuiltFrom } else { LinkKind::DeployedBy };
                    let mitigations: &[Mitigation] = if pinned { &[Mitigation::PinnedDigest] } else { &[] };
                    scene.link_with(own, link, source, seen, mitigations);
                }
            }
        }
    }
    if let Some(reference) = spec.get("chartRef")
        && let (Some(kind), Some(name)) = (reference.str_at(&["kind"]), reference.str_at(&["name"]))
        && let namespace = reference.str_at(&["namespace"]).unwrap_or(object.namespace)
        && let Some((source, pinned)) = source_of(scene, object, kind, namespace, name, reference.line)
    {
        let mitigations: &[Mitigation] = if pinned { &[Mitigation::PinnedDigest] } else { &[] };
        scene.link_with(own, LinkKind::BuiltFrom, source, object.seen(reference), mitigations);
    }
    values(scene, own, object, spec.get("values"));
}

fn values(scene: &mut Scene<'_>, own: ComponentRef, object: &Object<'_>, values: Option<&Node>) {
    if let Some(values) = values.filter(|values| values.as_map().is_some()) {
        let file = helm::values::Source { path: object.path, reader: object.reader, version: None };
        helm::values::describe(scene.facts, own, values, &file, Confidence::High);
    }
}

/// Kinds of Flux notification providers that speak to a service of a known host when no address is set.
fn notification(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Ci);
    let Some(spec) = object.spec() else { return };
    if let Some((text, node)) = spec.get("address").and_then(|node| Some((node.as_str()?, node))) {
        scene.send(&[own], object, &Setting { optional: true, ..Setting::new("address", text, node.line) });
    } else if let Some((kind, node)) = spec.get("type").and_then(|node| Some((node.as_str()?, node))) {
        crate::telemetry::default_receiver(scene.facts, own, kind, object.seen(node), LinkKind::SendsTo);
    }
}

fn argo(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Ci);
    let Some(spec) = object.spec() else { return };
    for generator in spec.get("generators").map(Node::items).unwrap_or_default() {
        generators(scene, own, object, generator);
    }
    let spec = spec.at(&["template", "spec"]).unwrap_or(spec);
    for source in spec.get("source").into_iter().chain(spec.get("sources").map(Node::items).unwrap_or_default()) {
        argo_source(scene, at, own, object, source);
    }
    let destination = spec.at(&["destination", "server"]).and_then(|node| Some((node.as_str()?, node)));
    if let Some((text, node)) = destination.filter(|(text, _)| super::leads_out(text)) {
        let setting = Setting { link: LinkKind::RunsOn, ..Setting::new("server", text, node.line) };
        scene.send(&[own], object, &setting);
    }
}

fn generators(scene: &mut Scene<'_>, own: ComponentRef, object: &Object<'_>, generator: &Node) {
    let mut urls = Vec::new();
    gather_generators(generator, &mut urls);
    for (key, node) in urls {
        if key == "repoURL" {
            if let Some(source) = git(scene, object, node) {
                scene.link(own, LinkKind::DeployedBy, source, object.seen(node));
            }
            continue;
        }
        // Generators that list the repositories of a platform.
        let host = match key {
            "github" => "github.com",
            "gitlab" => "gitlab.com",
            "bitbucket" => "bitbucket.org",
            "azureDevOps" => "dev.azure.com",
            _ => continue,
        };
        let text = node.str_at(&["api"]).unwrap_or(host);
        let setting = Setting { link: LinkKind::DeployedBy, ..Setting::new("host", text, node.line) };
        scene.send(&[own], object, &setting);
    }
}

fn gather_generators<'n>(node: &'n Node, urls: &mut Vec<(&'n str, &'n Node)>) {
    for (key, _, value) in node.entries() {
        match key {
            "git" => urls.extend(value.get("repoURL").map(|url| ("repoURL", url))),
            "scmProvider" | "pullRequest" => urls.extend(value.entries().map(|(key, _, value)| (key, value))),
            "matrix" | "merge" => {
                for inner in value.get("generators").map(Node::items).unwrap_or_default() {
                    gather_generators(inner, urls);
                }
            }
            _ => {}
        }
    }
}

fn argo_source(scene: &mut Scene<'_>, at: usize, own: ComponentRef, object: &Object<'_>, source: &Node) {
    let Some((text, url)) = source.get("repoURL").and_then(|node| Some((node.as_str()?, node))) else { return };
    let revision = source.str_at(&["targetRevision"]).unwrap_or("");
    let seen = object.seen(url);
    if let Some((chart, _)) = source.get("chart").and_then(|node| Some((node.as_str()?, node))) {
        if let Some(chart) = helm::chart_component(scene.facts, text, chart, revision, seen.clone()) {
            scene.link(own, LinkKind::BuiltFrom, chart, seen);
        } else {
            hide(scene, object, url, Some(own));
        }
    } else if let Some(source_of) = git(scene, object, url) {
        let pinned = is_commit(revision);
        deployed_by(scene, own, source_of, seen, pinned);
        let folder = source.str_at(&["path"]).and_then(|path| join("", path));
        let folder = folder.filter(|folder| !folder.is_empty() && !folder.contains(['{', '*']));
        scene.deployed.extend(folder.map(|folder| Deployed { folder, source: source_of, at, line: url.line, pinned }));
    }
    if let Some(helm) = source.get("helm") {
        let inline = helm.get("valuesObject");
        values(scene, own, object, inline);
        if let Some(text) = helm.get("values").filter(|node| node.as_str().is_some()) {
            inline_values(scene, own, object, text);
        }
        for parameter in helm.get("parameters").map(Node::items).unwrap_or_default() {
            if let (Some(name), Some((text, node))) =
                (parameter.str_at(&["name"]), parameter.get("value").and_then(|node| Some((node.as_str()?, node))))
            {
                scene.send(&[own], object, &Setting::new(name, text, node.line));
            }
        }
    }
    for replaced in source.at(&["kustomize", "images"]).map(Node::items).unwrap_or_default() {
        if let Some(text) = replaced.as_str() {
            let new = text.split_once('=').map_or(text, |(_, new)| new);
            super::workload::built_from(scene, own, object, new, replaced.line);
        }
    }
}

/// `values: |`: YAML inside the object, with its own lines.
fn inline_values(scene: &mut Scene<'_>, own: ComponentRef, object: &Object<'_>, node: &Node) {
    let crate::node::Value::Scalar(scalar) = &node.value else { return };
    if scalar.literal
        && let Ok(mut tree) = crate::node::parse_yaml_document(&scalar.text)
    {
        super::shift(&mut tree, node.line.saturating_sub(1));
        values(scene, own, object, Some(&tree));
    }
}

/// The folders that are of this tree. A path says nothing about whose repository it lies in, and `deploy/` exists in
/// many: the repository of which most deployed folders exist here is this one, and only its paths are followed. A path
/// to the root counts only when nothing else does.
fn of_this_tree(deployed: Vec<Deployed>, files: &Files) -> Vec<Deployed> {
    let here = |one: &Deployed| one.folder.is_empty() || files.has_folder(&one.folder) || files.has(&one.folder);
    let mut found: BTreeMap<ComponentRef, BTreeSet<&str>> = BTreeMap::new();
    for one in deployed.iter().filter(|one| here(one)) {
        let folders = found.entry(one.source).or_default();
        if !one.folder.is_empty() {
            folders.insert(&one.folder);
        }
    }
    let most = found.values().map(BTreeSet::len).max().unwrap_or(0);
    let lone = found.len() == 1;
    let ours: BTreeSet<ComponentRef> = found
        .iter()
        .filter(|(_, folders)| folders.len() == most && (most > 0 || lone))
        .map(|(source, _)| *source)
        .collect();
    let keep: Vec<bool> = deployed.iter().map(|one| here(one) && ours.contains(&one.source)).collect();
    deployed.into_iter().zip(keep).filter_map(|(one, keep)| keep.then_some(one)).collect()
}

/// Links what lies in a deployed folder, and in the bases it names, to the repository it is deployed from.
pub(super) fn connect(scene: &mut Scene<'_>) {
    if scene.deployed.is_empty() {
        return;
    }
    let graph = kustomize::Graph::new(scene.files);
    let mut by_path: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, object) in scene.objects.iter().enumerate() {
        by_path.entry(object.path).or_default().push(at);
    }
    for deployed in of_this_tree(std::mem::take(&mut scene.deployed), scene.files) {
        let Some(object) = scene.object(deployed.at) else { continue };
        if !deployed.pinned && !deployed.folder.is_empty() {
            scene.facts.deliveries.push(Delivery {
                by: deployed.source,
                what: Delivered::Files(deployed.folder.clone()),
                evidence: object.at(deployed.line),
            });
        }
        let reached = graph.reach(&deployed.folder);
        let seen = object.at(deployed.line);
        for at in reached.among(&by_path) {
            let Some(target) = scene.object(at).filter(|_| at != deployed.at) else { continue };
            let runs = scene.workloads.binary_search(&at).is_ok()
                || matches!(target.kind, "HelmRelease" | "Application" | "ApplicationSet" | "Kustomization");
            if let Some(component) = scene.component(at).filter(|_| runs) {
                deployed_by(scene, component, deployed.source, seen.clone(), deployed.pinned);
            }
        }
    }
}

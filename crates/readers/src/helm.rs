//! Helm charts: their dependencies, their default values, and their templates as far as they can be read without running
//! a template engine. What only the engine could know is unresolved.

pub(crate) mod template;
#[cfg(test)]
mod tests;
pub(crate) mod values;

use crate::endpoint::{self, HostKind, host_kind};
use crate::files::{Files, folder_of, join, name_of};
use crate::kubernetes::{self, Document, parse_apart};
use crate::node::{Node, parse_yaml, parse_yaml_document};
use crate::{Group, Read, Reader, Scope as ReaderScope, config, image, telemetry};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Diagnostic, Evidence, Facts, Layer, LinkKind, Role, Severity,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const READER: Reader =
    Reader { id: "helm", about: "Helm charts", scope: ReaderScope::Groups(groups), read: Read::Loaded(read) };

/// The files of each chart, and each of the others by itself.
fn groups<'a>(files: &Files, mine: &[&'a str]) -> Vec<Group<'a>> {
    let read = |files: &Files, _: &[String], _: usize, mine: &[&str]| read(files, mine);
    let mut charts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut groups = Vec::new();
    for path in mine {
        match chart_folder(files, path) {
            Some(folder) => charts.entry(folder).or_default().push(path),
            None => groups.push(Group { of: Vec::new(), paths: vec![path], peers: 1, read }),
        }
    }
    groups.extend(charts.into_iter().map(|(folder, paths)| Group { of: vec![folder], paths, peers: 1, read }));
    groups
}

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let mut paths = mine.to_vec();
    paths.sort_unstable();
    let mut charts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for path in paths {
        match chart_folder(files, path) {
            Some(folder) => charts.entry(folder).or_default().push(path),
            None => without_chart(files, path, &mut facts),
        }
    }
    for (folder, paths) in charts {
        chart(files, &folder, &paths, &mut facts);
    }
    facts
}

/// Whether a file name (lower case) is that of values of a chart: `values-prod.yaml`, `grafana-values.yaml`.
pub(crate) fn is_values_name(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| {
        stem.starts_with("values")
            || [".values", "-values", "_values"].iter().any(|ending| stem.ends_with(ending))
            || stem.contains("-values-")
    })
}

/// The folder of the chart that a file belongs to: the nearest one above that has a `Chart.yaml`.
fn chart_folder(files: &Files, path: &str) -> Option<String> {
    let mut folder = folder_of(path);
    loop {
        if ["Chart.yaml", "chart.yaml"].iter().any(|name| join(folder, name).is_some_and(|path| files.has(&path))) {
            return Some(folder.to_owned());
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder_of(folder);
    }
}

/// A file that looks like Helm's and has no chart: values of a chart that lies elsewhere, or a template of something else.
fn without_chart(files: &Files, path: &str, facts: &mut Facts) {
    let shared = files.shared_path(path);
    let text = match files.text(path) {
        None => return,
        Some(Err(_)) => return facts.diagnostics.push(kubernetes::not_text(&shared)),
        Some(Ok(text)) => text,
    };
    let key = |word: &str| text.lines().any(|line| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(':')));
    if key("apiVersion") && key("kind") {
        let mut documents = Vec::new();
        let mut found = Facts::new();
        kubernetes::load(files, path, kubernetes::READER.id, &mut found, &mut documents);
        kubernetes::describe(&documents, files, &mut found);
        return facts.absorb(found);
    }
    if !is_values_name(&name_of(path).to_ascii_lowercase()) {
        let other = if telemetry::is_telemetry_yaml(&text) { &telemetry::READER } else { &config::READER };
        if let Read::Loaded(read) = other.read {
            facts.absorb(read(files, &[path]));
        }
        return;
    }
    if let Some(node) = tree(&shared, &text, facts) {
        let own = values_component(facts, &shared, &node);
        let source = values::Source { path: &shared, reader: READER.id, version: None };
        values::describe(facts, own, &node, &source, Confidence::Medium);
    }
}

/// What a values file without a chart configures.
fn values_component(facts: &mut Facts, path: &Arc<str>, node: &Node) -> ComponentRef {
    let folder = folder_of(path);
    let name = folder.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("values");
    let seen = Evidence { end_line: node.end_line.max(1), ..Evidence::line(path, node.line.max(1), READER.id) };
    let id = format!("helm:{path}#values");
    facts.add(Component::new(&id, name, "helm-values", Layer::Application, Role::Own, seen))
}

/// The first document of a file; what is broken becomes a diagnostic, a template an unresolved fact.
fn tree(path: &Arc<str>, text: &str, facts: &mut Facts) -> Option<Node> {
    let (documents, broken) = parse_yaml(text);
    match broken {
        Some(broken) if broken.code == "D004" && text.contains("{{") => {
            let message =
                "the file becomes YAML only in a template engine, so only its literal lines are read".to_owned();
            facts.unresolved("U004", message, None, Evidence::line(path, broken.line.max(1), READER.id));
            let rendered = template::render(text, &template::Scope::default());
            return parse_yaml_document(&rendered.text).ok();
        }
        Some(broken) => facts.diagnostics.push(broken.diagnostic(path)),
        None => {}
    }
    documents.into_iter().next().filter(|node| node.as_map().is_some())
}

fn load(files: &Files, path: &str, facts: &mut Facts) -> Option<(Arc<str>, Node)> {
    let shared = files.shared_path(path);
    match files.text(path)? {
        Ok(text) => tree(&shared, &text, facts).map(|node| (shared, node)),
        Err(_) => {
            facts.diagnostics.push(kubernetes::not_text(&shared));
            None
        }
    }
}

/// One chart: `Chart.yaml`, its values, its templates.
fn chart(files: &Files, folder: &str, paths: &[&str], facts: &mut Facts) {
    let path_of = |name: &str| join(folder, name).filter(|path| files.has(path));
    let Some(chart_path) = path_of("Chart.yaml").or_else(|| path_of("chart.yaml")) else { return };
    let Some((chart_path, chart)) = load(files, &chart_path, facts) else { return };
    let name = chart.str_at(&["name"]).unwrap_or("chart");
    let seen = Evidence { end_line: chart.end_line, ..Evidence::line(&chart_path, chart.line, READER.id) };
    let own = facts.add(Component::new(
        &format!("helm:{folder}#{name}"),
        name,
        "helm-chart",
        Layer::Application,
        Role::Own,
        seen,
    ));
    let defaults = path_of("values.yaml").and_then(|path| load(files, &path, facts));
    let values = defaults.as_ref().map(|(_, node)| node);
    dependencies(files, folder, facts, own, (&chart_path, &chart), values);
    let version = chart.get("appVersion").and_then(|node| Some((node.as_str()?.to_owned(), node.line)));
    let version = version.map(|(text, line)| (text, Evidence::line(&chart_path, line, READER.id)));
    let describe = |facts: &mut Facts, path: &Arc<str>, node: &Node| {
        let source = values::Source { path, reader: READER.id, version: version.clone() };
        values::describe(facts, own, node, &source, Confidence::Medium);
    };
    if let Some((path, node)) = &defaults {
        describe(facts, path, node);
    }
    let mut templates = Vec::new();
    for path in paths {
        let name = name_of(path).to_ascii_lowercase();
        if path.contains("templates/") {
            templates.push(*path);
        } else if is_values_name(&name) && name != "values.yaml" {
            if let Some((path, node)) = load(files, path, facts) {
                describe(facts, &path, &node);
            }
        } else if name == "chart.lock" {
            lock(files, path, facts);
        } else if name == "requirements.yaml"
            && let Some((path, node)) = load(files, path, facts)
        {
            // Where charts of the first version keep their dependencies.
            dependencies(files, folder, facts, own, (&path, &node), values);
        }
    }
    let scope = template::Scope {
        values: defaults.as_ref().map(|(path, node)| template::Tree { node, path: path.clone(), reader: READER.id }),
        chart: Some(template::Tree { node: &chart, path: chart_path.clone(), reader: READER.id }),
        defines: named_templates(files, folder),
    };
    render(files, &templates, &scope, own, facts);
}

/// Named templates of the chart, from its helper files.
fn named_templates(files: &Files, folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let templates = join(folder, "templates").unwrap_or_default();
    for path in files.in_folder(&templates).filter(|path| path.ends_with(".tpl")) {
        if let Some(Ok(text)) = files.text(path) {
            found.extend(template::defines(&text));
        }
    }
    found
}

/// Reads the templates as manifests, as far as they are known.
fn render(files: &Files, paths: &[&str], scope: &template::Scope<'_>, own: ComponentRef, facts: &mut Facts) {
    let mut documents = Vec::new();
    let mut origins: BTreeMap<Arc<str>, template::Rendered> = BTreeMap::new();
    for path in paths {
        let shared = files.shared_path(path);
        let text = match files.text(path) {
            None => continue,
            Some(Err(_)) => {
                facts.diagnostics.push(kubernetes::not_text(&shared));
                continue;
            }
            Some(Ok(text)) => text,
        };
        let rendered = template::render(&text, scope);
        let nodes = parse_apart(&rendered.text);
        literal_images(&shared, &rendered.text, &nodes, own, facts);
        if rendered.holes > 0 {
            let message = match rendered.holes {
                1 => "1 value is known only to the template engine".to_owned(),
                count => format!("{count} values are known only to the template engine"),
            };
            facts.unresolved("U004", message, Some(own), Evidence::line(&shared, rendered.first_hole, READER.id));
        }
        documents.extend(nodes.into_iter().map(|node| Document { path: shared.clone(), reader: READER.id, node }));
        origins.insert(shared, rendered);
    }
    let mut found = Facts::new();
    kubernetes::describe(&documents, files, &mut found);
    for component in found.components.iter_mut().map(Arc::make_mut) {
        let lines = component.evidence.iter().filter(|seen| seen.line == seen.end_line);
        let mut more: Vec<Evidence> = lines
            .filter_map(|seen| origins.get(&seen.path)?.origins.get(&seen.line))
            .flatten()
            .filter(|origin| !component.evidence.contains(origin))
            .cloned()
            .collect();
        more.sort();
        more.dedup();
        if !more.is_empty() {
            component.confidence = component.confidence.min(Confidence::Medium);
            component.evidence.extend(more);
        }
    }
    facts.absorb(found);
}

/// Images on literal lines of a template that does not become YAML without its engine.
fn literal_images(path: &Arc<str>, text: &str, nodes: &[Node], own: ComponentRef, facts: &mut Facts) {
    let last = nodes.iter().map(|node| node.end_line).max().unwrap_or(0);
    for (at, line) in text.lines().enumerate().skip(last as usize) {
        let line = line.trim_start().trim_start_matches("- ");
        let Some(value) = line.strip_prefix("image:") else { continue };
        let value = value.split(" #").next().unwrap_or(value).trim().trim_matches(['"', '\'']);
        if let Some(image) = image::parse(value) {
            let seen = Evidence::line(path, at as u32 + 1, READER.id);
            let artefact = facts.add(image.component(seen.clone()));
            facts.link(own, LinkKind::BuiltFrom, artefact, seen);
        }
    }
}

fn dependencies(
    files: &Files,
    folder: &str,
    facts: &mut Facts,
    own: ComponentRef,
    (path, chart): (&Arc<str>, &Node),
    values: Option<&Node>,
) {
    for item in chart.get("dependencies").map(Node::items).unwrap_or_default() {
        let Some((name, node)) = item.get("name").and_then(|node| Some((node.as_str()?, node))) else { continue };
        let repository = item.get("repository").and_then(|node| Some((node.as_str()?, node)));
        let seen = Evidence::line(path, repository.map_or(node.line, |(_, node)| node.line), READER.id);
        let Some((repository, _)) = repository.filter(|(text, _)| !text.is_empty()) else { continue };
        if let Some(local) = repository.strip_prefix("file://") {
            let found = join(folder, local).filter(|target| files.has_folder(target));
            if found.is_none() {
                let message = format!("the chart `{local}` is not in the tree");
                facts.diagnostics.push(Diagnostic {
                    code: "D008",
                    severity: Severity::Warning,
                    message,
                    path: path.clone(),
                    line: seen.line,
                    hint: None,
                });
            }
            continue;
        }
        let version = item.str_at(&["version"]).unwrap_or("");
        match chart_component(facts, repository, name, version, seen.clone()) {
            Some(dependency) => {
                facts.link(own, LinkKind::BuiltFrom, dependency, seen.clone());
                if is_switched_off(item, values)
                    && let Some(component) = facts.get_mut(dependency)
                {
                    component.confidence = Confidence::Low;
                }
                let message = format!("the chart `{name}` lies elsewhere and is not fetched");
                facts.unresolved("U003", message, Some(dependency), seen);
            }
            None => {
                let message = format!("the repository of chart `{name}` is not in the file");
                facts.unresolved("U001", message, Some(own), seen);
            }
        }
    }
}

/// Whether the default values switch a dependency off.
fn is_switched_off(item: &Node, values: Option<&Node>) -> bool {
    let Some(condition) = item.str_at(&["condition"]) else { return false };
    let first = condition.split(',').next().unwrap_or(condition);
    let keys: Vec<&str> = first.split('.').collect();
    values.and_then(|values| values.at(&keys)).and_then(Node::as_bool) == Some(false)
}

/// `Chart.lock`: the same dependencies, with the versions that are really taken.
fn lock(files: &Files, path: &str, facts: &mut Facts) {
    let Some((shared, node)) = load(files, path, facts) else { return };
    for item in node.get("dependencies").map(Node::items).unwrap_or_default() {
        let repository = item.get("repository").and_then(|node| Some((node.as_str()?, node)));
        if let (Some(name), Some((repository, place))) = (item.str_at(&["name"]), repository) {
            let version = item.str_at(&["version"]).unwrap_or("");
            chart_component(facts, repository, name, version, Evidence::line(&shared, place.line, READER.id));
        }
    }
}

/// Host and folder of a chart repository, without what may be secret in a URL.
pub(crate) fn repository_place(repository: &str) -> String {
    let host = endpoint::host_of(repository).or_else(|| endpoint::host_of(&format!("oci://{repository}")));
    let rest = repository.split_once("://").map_or(repository, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let folder = rest.split_once('/').map_or("", |(_, path)| path).trim_matches('/');
    let host = host.unwrap_or_default();
    if folder.is_empty() { host } else { format!("{host}/{folder}") }
}

/// The component of a chart in a repository, shared by all readers. `None` when the repository is not named by a host.
pub(crate) fn chart_component(
    facts: &mut Facts,
    repository: &str,
    chart: &str,
    version: &str,
    seen: Evidence,
) -> Option<ComponentRef> {
    let host = endpoint::host_of(repository).or_else(|| endpoint::host_of(&format!("oci://{repository}")))?;
    if !host.contains('.') && !repository.contains("://") || chart.is_empty() || chart.contains(template::HOLE) {
        return None;
    }
    let place = repository_place(repository);
    let name = if version.is_empty() { chart.to_owned() } else { format!("{chart} {version}") };
    let internal = host_kind(&host) == HostKind::Internal;
    let role = if internal { Role::Own } else { Role::Artefact };
    let mut component =
        Component::new(&format!("chart:{place}/{chart}"), &name, "helm-chart", Layer::Packages, role, seen);
    if !internal {
        component.clues.push(Clue::new(ClueKind::HelmChart, &format!("{place}/{chart}")));
        component.clues.push(Clue::new(ClueKind::HelmChart, &place));
        component.clues.push(Clue::new(ClueKind::Host, &host));
    }
    Some(facts.add(component))
}

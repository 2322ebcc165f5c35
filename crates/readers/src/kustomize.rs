//! Kustomize: what a kustomization is put together from. Local bases are followed, remote ones are named and not fetched.
//!
//! A kustomization is never built. An image that it replaces becomes an image of the kustomization's own component; the
//! facts of the base stay as the base has them, so both the old and the new image are seen.

mod reach;
#[cfg(test)]
mod tests;

use crate::files::{Files, folder_of, join};
use crate::kubernetes::{self, Document, Git, git_component};
use crate::node::{Node, Value, parse_yaml_document};
use crate::{Group, Read, Reader, Scope, helm, image};
use allod_facts::{
    Component, ComponentRef, Confidence, Diagnostic, Evidence, Facts, Layer, LinkKind, Mitigation, Role, Severity,
};
use std::sync::Arc;

pub(crate) use reach::Graph;

pub const READER: Reader =
    Reader { id: "kustomize", about: "Kustomize overlays", scope: Scope::Groups(groups), read: Read::Loaded(read) };

/// The names that a kustomization file can have.
pub(crate) const NAMES: &[&str] = &["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Lists of other kustomizations or manifests.
pub(crate) const REFERENCES: &[&str] = &["resources", "bases", "components", "crds", "generators", "transformers"];

/// Each kustomization by itself, and apart from them the circles that they make.
fn groups<'a>(_: &Files, mine: &[&'a str]) -> Vec<Group<'a>> {
    let each = |files: &Files, _: &[String], _: usize, mine: &[&str]| overlays(files, mine);
    let mut groups: Vec<Group<'_>> =
        mine.iter().map(|path| Group { of: Vec::new(), paths: vec![path], peers: 1, read: each }).collect();
    let read = |files: &Files, _: &[String], _: usize, mine: &[&str]| circles(files, mine);
    groups.push(Group { of: vec!["circles".to_owned()], paths: mine.to_vec(), peers: 1, read });
    groups
}

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = overlays(files, mine);
    facts.absorb(circles(files, mine));
    facts
}

fn overlays(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let mut paths = mine.to_vec();
    paths.sort_unstable();
    for path in paths {
        let shared = files.shared_path(path);
        match files.text(path) {
            None => {}
            Some(Err(_)) => facts.diagnostics.push(kubernetes::not_text(&shared)),
            Some(Ok(text)) => match parse_yaml_document(&text) {
                Ok(node) => {
                    let mut part = Facts::new();
                    Overlay { files, path: &shared, facts: &mut part }.read(&node);
                    // A kustomization that only lists files of the tree is not a part of the stack by itself.
                    if part.links.is_empty() && part.unresolved.is_empty() {
                        facts.diagnostics.append(&mut part.diagnostics);
                    } else {
                        facts.absorb(part);
                    }
                }
                Err(broken) => facts.diagnostics.push(broken.diagnostic(&shared)),
            },
        }
    }
    facts
}

fn circles(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for (path, line, target) in Graph::new(files).circles() {
        if mine.contains(&path) {
            let message = format!("`{target}` leads back to itself");
            let path = files.shared_path(path);
            facts.diagnostics.push(Diagnostic {
                code: "D007",
                severity: Severity::Error,
                message,
                path,
                line,
                hint: None,
            });
        }
    }
    facts
}

/// One kustomization file.
struct Overlay<'a> {
    files: &'a Files,
    path: &'a Arc<str>,
    facts: &'a mut Facts,
}

impl Overlay<'_> {
    fn read(&mut self, node: &Node) {
        if node.as_map().is_none() {
            return;
        }
        let folder = folder_of(self.path).to_owned();
        let name = folder.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("kustomization").to_owned();
        let seen = Evidence { end_line: node.end_line, ..self.at(node.line) };
        let id = format!("kustomize:{}#kustomization", self.path);
        let own = Component::new(&id, &name, "Kustomization", Layer::Iac, Role::Own, seen);
        let own = self.facts.add(own);
        for key in REFERENCES {
            for item in node.get(key).map(Node::items).unwrap_or_default() {
                self.reference(own, &folder, item);
            }
        }
        for item in node.get("images").map(Node::items).unwrap_or_default() {
            self.image(own, item);
        }
        for item in node.get("helmCharts").map(Node::items).unwrap_or_default() {
            self.chart(own, item);
        }
        self.generators(own, node);
        self.patches(node);
    }

    fn at(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, READER.id)
    }

    fn diagnostic(&mut self, code: &'static str, severity: Severity, message: String, line: u32) {
        let path = self.path.clone();
        self.facts.diagnostics.push(Diagnostic { code, severity, message, path, line, hint: None });
    }

    fn reference(&mut self, own: ComponentRef, folder: &str, item: &Node) {
        let Some(text) = item.as_str() else { return };
        let seen = self.at(item.line);
        if is_remote(text) {
            return self.remote(own, text, seen);
        }
        if text.contains('\n') || text.contains("{{") || text.contains("${") {
            return;
        }
        match join(folder, text) {
            None => {
                let message = format!("`{text}` lies outside the tree");
                self.diagnostic("D009", Severity::Warning, message, item.line);
            }
            Some(target) if self.files.has(&target) || self.files.has_folder(&target) => {}
            Some(_) => {
                let message = format!("`{text}` is not in the tree");
                self.diagnostic("D008", Severity::Warning, message, item.line);
            }
        }
    }

    fn remote(&mut self, own: ComponentRef, text: &str, seen: Evidence) {
        let without_query = text.split(['?', '#']).next().unwrap_or(text);
        let is_file = text.starts_with("http") && (without_query.ends_with(".yaml") || without_query.ends_with(".yml"));
        let source = match Git::of(text).filter(|_| !is_file) {
            Some(git) => {
                let pinned = git.pinned;
                let source = self.facts.add(git_component(&git, Role::Artefact, seen.clone()));
                let link = self.facts.link(own, LinkKind::BuiltFrom, source, seen.clone());
                link.mitigations.extend(pinned.then_some(Mitigation::PinnedDigest));
                Some(source)
            }
            None => match crate::endpoint::sight(self.facts, text, seen.clone(), Confidence::High) {
                Some(crate::endpoint::Target::Host(host)) => {
                    self.facts.link(own, LinkKind::BuiltFrom, host, seen.clone());
                    Some(host)
                }
                _ => None,
            },
        };
        let message = format!("`{without_query}` lies elsewhere and is not fetched");
        self.facts.unresolved("U003", strip_user(&message), source, seen);
    }

    /// An override of an image: the new one is what the overlay runs.
    fn image(&mut self, own: ComponentRef, item: &Node) {
        let Some((old, name)) = item.get("name").and_then(|node| Some((node.as_str()?, node))) else { return };
        let decides = ["newName", "digest", "newTag", "name"].iter().find_map(|key| item.get(key)).unwrap_or(name);
        let mut text = item.str_at(&["newName"]).unwrap_or(old).to_owned();
        if let Some(tag) = item.str_at(&["newTag"]) {
            text = format!("{text}:{tag}");
        }
        if let Some(digest) = item.str_at(&["digest"]) {
            text = format!("{text}@{digest}");
        }
        let seen = self.at(decides.line);
        match image::parse(&text) {
            Some(image) => {
                let pinned = image.digest.is_some();
                let mut component = image.component(seen.clone());
                let lines = ["newTag", "digest", "name"].iter().filter_map(|key| item.get(key)).map(|node| node.line);
                for line in lines.filter(|line| *line != decides.line) {
                    component.evidence.push(self.at(line));
                }
                let artefact = self.facts.add(component);
                let link = self.facts.link(own, LinkKind::BuiltFrom, artefact, seen);
                link.mitigations.extend(pinned.then_some(Mitigation::PinnedDigest));
            }
            None => {
                let code = if text.contains('$') { "U001" } else { "U006" };
                let message = "the image of the override is not in the file".to_owned();
                self.facts.unresolved(code, message, Some(own), seen);
            }
        }
    }

    fn chart(&mut self, own: ComponentRef, item: &Node) {
        let Some((name, node)) = item.get("name").and_then(|node| Some((node.as_str()?, node))) else { return };
        let version = item.str_at(&["version"]).unwrap_or("");
        let repository = item.get("repo");
        let seen = self.at(repository.unwrap_or(node).line);
        if let Some(repository) = repository.and_then(Node::as_str) {
            match helm::chart_component(self.facts, repository, name, version, seen.clone()) {
                Some(chart) => {
                    self.facts.link(own, LinkKind::BuiltFrom, chart, seen.clone());
                    let message = format!("the chart `{name}` lies elsewhere and is not fetched");
                    self.facts.unresolved("U003", message, Some(chart), seen);
                }
                None => {
                    let message = format!("the repository of chart `{name}` is not in the file");
                    self.facts.unresolved("U001", message, Some(own), seen);
                }
            }
        }
        if let Some(values) = item.get("valuesInline") {
            let source = helm::values::Source { path: self.path, reader: READER.id, version: None };
            helm::values::describe(self.facts, own, values, &source, Confidence::High);
        }
    }

    /// Literals of ConfigMap generators are settings; those of Secret generators give their hosts and nothing else.
    fn generators(&mut self, own: ComponentRef, node: &Node) {
        for list in ["configMapGenerator", "secretGenerator"] {
            for generator in node.get(list).map(Node::items).unwrap_or_default() {
                for literal in generator.get("literals").map(Node::items).unwrap_or_default() {
                    if let Some((key, value)) = literal.as_str().and_then(|text| text.split_once('=')) {
                        helm::values::setting(
                            self.facts,
                            own,
                            key,
                            value.trim_matches(['"', '\'']),
                            &self.at(literal.line),
                            Confidence::High,
                        );
                    }
                }
            }
        }
    }

    /// Patches that stand in the file: each is a piece of a manifest, read as one.
    fn patches(&mut self, node: &Node) {
        let mut documents = Vec::new();
        for list in ["patches", "patchesStrategicMerge", "patchesJson6902"] {
            for patch in node.get(list).map(Node::items).unwrap_or_default() {
                let inline = patch.get("patch").unwrap_or(patch);
                let Value::Scalar(scalar) = &inline.value else { continue };
                if !scalar.text.contains('\n') {
                    continue;
                }
                for mut document in kubernetes::parse_apart(&scalar.text) {
                    let down = if scalar.literal { inline.line.saturating_sub(1) } else { 0 };
                    kubernetes::shift(&mut document, down);
                    if document.get("kind").is_some() {
                        documents.push(Document { path: self.path.clone(), reader: READER.id, node: document });
                    } else {
                        self.operations(&document);
                    }
                }
            }
        }
        kubernetes::describe(&documents, self.files, self.facts);
    }

    /// JSON patches: images and hosts in their values.
    fn operations(&mut self, patch: &Node) {
        let own = self.facts.find(&format!("kustomize:{}#kustomization", self.path));
        for operation in patch.items() {
            let path = operation.str_at(&["path"]).unwrap_or("");
            let (Some((text, value)), Some(own)) =
                (operation.get("value").and_then(|node| Some((node.as_str()?, node))), own)
            else {
                continue;
            };
            let seen = self.at(value.line);
            if path.ends_with("/image") {
                if let Some(image) = image::parse(text) {
                    let artefact = self.facts.add(image.component(seen.clone()));
                    self.facts.link(own, LinkKind::BuiltFrom, artefact, seen);
                }
                continue;
            }
            let key = path.rsplit('/').next().unwrap_or(path);
            helm::values::setting(self.facts, own, key, text, &seen, Confidence::High);
        }
    }
}

/// Whether a reference leads out of the tree to a server.
pub(crate) fn is_remote(text: &str) -> bool {
    text.contains("://") || text.starts_with("git@") || text.starts_with("git::") || text.contains("?ref=") || {
        let first = text.split('/').next().unwrap_or(text);
        matches!(first, "github.com" | "gitlab.com" | "bitbucket.org" | "codeberg.org")
    }
}

/// A message without the user part of a URL.
fn strip_user(message: &str) -> String {
    match (message.find("://"), message.find('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let before = message.get(..scheme + 3).unwrap_or("");
            let after = message.get(at + 1..).unwrap_or("");
            format!("{before}{after}")
        }
        _ => message.to_owned(),
    }
}

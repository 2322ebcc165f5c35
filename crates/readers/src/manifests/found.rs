//! What a manifest names, and the facts that it comes to.

use super::{READER, package};
use crate::endpoint::{self, Target};
use crate::files::{Files, folder_of, join, name_of};
use crate::limits::{MAX_PACKAGES, MAX_SIGHTINGS};
use crate::node::{Broken, Node, parse_toml};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Ecosystem, Evidence, Facts, Layer, LinkKind, Mitigation, Role,
};
use std::sync::Arc;

/// What one manifest says.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The name of the application, with its line.
    pub name: Option<(String, u32)>,
    pub packages: Vec<(String, u32)>,
    /// Dependencies that are fetched from a repository: the URL, its line, whether a commit is pinned.
    pub git: Vec<(String, u32, bool)>,
    /// Registries and other hosts that the manifest itself names.
    pub registries: Vec<(String, u32)>,
    /// Whether the named registries are used instead of the default one.
    pub replaces_default: bool,
    /// Text that stands where a registry or package belongs and cannot be evaluated, with its line.
    pub unknown: Vec<(String, u32)>,
    /// The line from which on packages were left out, because there were too many.
    pub cut_at: Option<u32>,
}

impl Found {
    pub fn package(&mut self, name: &str, line: u32) {
        let name = name.trim();
        if self.packages.len() >= MAX_PACKAGES {
            self.cut_at.get_or_insert(line);
        } else if !name.is_empty() {
            self.packages.push((name.to_owned(), line));
        }
    }

    /// Takes a registry's URL; one with variables in it is unknown.
    pub fn registry(&mut self, url: &str, line: u32) {
        if url.contains(['$', '{']) {
            self.unknown.push((without_secrets(url), line));
        } else if endpoint::host_of(url).is_some() {
            self.registries.push((url.to_owned(), line));
        }
    }

    /// Takes a repository's URL in any of the spellings of git.
    pub fn git(&mut self, url: &str, line: u32, pinned: bool) {
        if self.git.len() >= MAX_PACKAGES {
            self.cut_at.get_or_insert(line);
        } else {
            self.git.push((url.to_owned(), line, pinned));
        }
    }

    pub fn emit(self, facts: &mut Facts, files: &Files, path: &Arc<str>, ecosystem: Ecosystem) {
        let seen = |line: u32| Evidence::line(path, line, READER.id);
        let (name, line) = match &self.name {
            Some((name, line)) => (name.as_str(), *line),
            None => (name_of(folder_of(path)), 1),
        };
        let name = if name.is_empty() { name_of(path) } else { name };
        let root =
            Component::new(&format!("app:{path}"), name, "application", Layer::Application, Role::Own, seen(line));
        let root = facts.add(root);
        for (name, line) in &self.packages {
            let at = add_package(facts, ecosystem, name, seen(*line));
            facts.link(root, LinkKind::BuiltFrom, at, seen(*line));
        }
        for (url, line, pinned) in &self.git {
            add_git(facts, root, url, seen(*line), *pinned);
        }
        if let Some(line) = self.cut_at {
            let message = format!("more than {MAX_PACKAGES} dependencies");
            facts.diagnostics.push(Broken { code: "D006", message, line }.diagnostic(path));
        }
        for (text, line) in &self.unknown {
            let message = format!("`{text}` is not evaluated");
            facts.unresolved("U002", message, Some(root), seen(*line));
        }
        let mut registries: Vec<(String, Evidence)> =
            self.registries.iter().map(|(url, line)| (url.clone(), seen(*line))).collect();
        let beside = beside(files, path, ecosystem);
        registries.extend(beside.registries);
        for (text, seen) in beside.unknown {
            facts.unresolved("U001", format!("the registry `{text}` is not set by any file"), Some(root), seen);
        }
        for (url, seen) in registries {
            add_registry(facts, root, &url, seen, Confidence::High);
        }
        if let Some((_, line)) = self.packages.first()
            && !self.replaces_default
            && !beside.replaces_default
        {
            add_registry(facts, root, package::default_registry(ecosystem), seen(*line), Confidence::Medium);
        }
    }
}

/// Adds a package once; of very many sightings only some are kept.
fn add_package(facts: &mut Facts, ecosystem: Ecosystem, name: &str, seen: Evidence) -> ComponentRef {
    let component = package::component(ecosystem, name, seen);
    let known = facts.find(&component.id);
    let full =
        known.and_then(|at| facts.components.get(at as usize)).is_some_and(|c| c.evidence.len() >= MAX_SIGHTINGS);
    match known {
        Some(at) if full => at,
        _ => facts.add(component),
    }
}

fn add_registry(facts: &mut Facts, root: ComponentRef, url: &str, seen: Evidence, confidence: Confidence) {
    if let Some(Target::Host(host)) = endpoint::sight(facts, url, seen.clone(), confidence) {
        facts.link(root, LinkKind::BuiltFrom, host, seen);
    }
}

fn add_git(facts: &mut Facts, root: ComponentRef, url: &str, seen: Evidence, pinned: bool) {
    let Some((host, path)) = git_place(url) else {
        return facts.unresolved("U002", format!("`{}` is not evaluated", without_secrets(url)), Some(root), seen);
    };
    let id = format!("git:{host}/{path}");
    let component = Component::new(&id, &path, "git", Layer::Source, Role::Artefact, seen.clone())
        .with_clue(Clue::new(ClueKind::Host, &host));
    let at = facts.add(component);
    facts.link(root, LinkKind::BuiltFrom, at, seen).mitigations.extend(pinned.then_some(Mitigation::PinnedDigest));
}

/// Host and path of a repository: `git+https://host/path.git#x`, `git@host:path`, `ssh://git@host/path`.
pub(crate) fn git_place(url: &str) -> Option<(String, String)> {
    let url = url.strip_prefix("git+").unwrap_or(url);
    let url = url.split(['#', '?']).next().unwrap_or(url);
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => {
            let (_, path) = rest.split_once('/')?;
            (endpoint::host_of(url)?, path)
        }
        None => {
            let (host, path) = url.split_once(':')?;
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            (endpoint::host_of(host)?, path)
        }
    };
    // pip writes the revision behind an `@`.
    let path = path.split('@').next().unwrap_or(path).trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!path.is_empty()).then(|| (host, path.to_owned()))
}

fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            format!("{scheme}://{rest}")
        }
        None => url.rsplit_once('@').map_or(url, |(_, rest)| rest).to_owned(),
    }
}

/// Registries in the files that the tools of an ecosystem read beside the manifest.
#[derive(Default)]
struct Beside {
    registries: Vec<(String, Evidence)>,
    unknown: Vec<(String, Evidence)>,
    replaces_default: bool,
}

fn beside(files: &Files, path: &str, ecosystem: Ecosystem) -> Beside {
    let mut beside = Beside::default();
    let names: &[&str] = match ecosystem {
        Ecosystem::Npm => &[".npmrc", ".yarnrc.yml"],
        Ecosystem::Cargo => &[".cargo/config.toml", ".cargo/config"],
        Ecosystem::Pypi => &["uv.toml", "pip.conf"],
        Ecosystem::Nuget => &["nuget.config", "NuGet.Config", "NuGet.config", "Nuget.Config"],
        _ => &[],
    };
    for name in names {
        let Some((path, text)) = nearest(files, folder_of(path), name) else { continue };
        let shared = files.shared_path(&path);
        match ecosystem {
            Ecosystem::Npm => beside.npm(&text, &shared),
            Ecosystem::Cargo => beside.cargo(&text, &shared),
            Ecosystem::Pypi if *name == "uv.toml" => beside.uv(&text, &shared),
            Ecosystem::Pypi => beside.pip(&text, &shared),
            _ => beside.nuget(&text, &shared),
        }
    }
    beside
}

/// A file of that name in the folder or the nearest folder above it.
fn nearest(files: &Files, folder: &str, name: &str) -> Option<(String, String)> {
    let mut folder = folder;
    loop {
        let path = join(folder, name)?;
        if let Some(Ok(text)) = files.text(&path) {
            return Some((path, text));
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder_of(folder);
    }
}

impl Beside {
    fn take(&mut self, url: &str, seen: Evidence, replaces: bool) {
        if url.contains("${") {
            self.unknown.push((without_secrets(url), seen));
        } else {
            self.registries.push((url.to_owned(), seen));
        }
        self.replaces_default |= replaces;
    }

    fn npm(&mut self, text: &str, path: &Arc<str>) {
        for (line, text) in (1..).zip(text.lines()) {
            let Some((key, value)) = text.split_once('=').or_else(|| text.split_once(": ")) else { continue };
            let (key, value) = (key.trim(), value.trim().trim_matches(['"', '\'']));
            let replaces = matches!(key, "registry" | "npmRegistryServer");
            if replaces || key.starts_with('@') && key.ends_with(":registry") {
                self.take(value, Evidence::line(path, line, READER.id), replaces);
            }
        }
    }

    fn uv(&mut self, text: &str, path: &Arc<str>) {
        let Ok(node) = parse_toml(text) else { return };
        for (url, default) in super::toml::uv_indexes(&node) {
            self.take(url.as_str().unwrap_or_default(), Evidence::line(path, url.line, READER.id), default);
        }
    }

    fn pip(&mut self, text: &str, path: &Arc<str>) {
        for (line, text) in (1..).zip(text.lines()) {
            let Some((key, value)) = text.split_once('=') else { continue };
            let key = key.trim().replace('_', "-");
            if matches!(key.as_str(), "index-url" | "extra-index-url") {
                self.take(value.trim(), Evidence::line(path, line, READER.id), key == "index-url");
            }
        }
    }

    fn cargo(&mut self, text: &str, path: &Arc<str>) {
        let Ok(node) = parse_toml(text) else { return };
        let seen = |node: &Node| Evidence::line(path, node.line, READER.id);
        let sources = node.get("source").map(|node| node.entries().collect::<Vec<_>>()).unwrap_or_default();
        let replaced = node.at(&["source", "crates-io", "replace-with"]).and_then(Node::as_str);
        for (name, _, source) in sources {
            let url = source.get("registry").or_else(|| source.get("git"));
            if let Some((text, url)) = url.and_then(|url| Some((url.as_str()?, url))) {
                self.take(text.trim_start_matches("sparse+"), seen(url), Some(name) == replaced);
            } else if Some(name) == replaced {
                // A folder of vendored sources.
                self.replaces_default = true;
            }
        }
        for (_, _, registry) in
            node.get("registries").map(|node| node.entries().collect::<Vec<_>>()).unwrap_or_default()
        {
            if let Some(index) = registry.get("index")
                && let Some(text) = index.as_str()
            {
                self.take(text.trim_start_matches("sparse+"), seen(index), false);
            }
        }
    }

    fn nuget(&mut self, text: &str, path: &Arc<str>) {
        let (sources, clears) = super::xml::package_sources(text);
        for (url, line) in sources {
            self.take(&url, Evidence::line(path, line, READER.id), false);
        }
        self.replaces_default |= clears;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_in_any_spelling() {
        let check = |url: &str, expect: Option<(&str, &str)>| {
            let expect = expect.map(|(host, path)| (host.to_owned(), path.to_owned()));
            assert_eq!(git_place(url), expect, "{url}");
        };
        check("git+https://user:pw@github.com/a/b.git@v1#egg=b", Some(("github.com", "a/b")));
        check("git@gitlab.com:a/b.git", Some(("gitlab.com", "a/b")));
        check("ssh://git@codeberg.org/a/b", Some(("codeberg.org", "a/b")));
        check("git+ssh://git@codeberg.org:22/a/b.git", Some(("codeberg.org", "a/b")));
        check("https://${HOST}/a", None);
        check("nonsense", None);
    }
}

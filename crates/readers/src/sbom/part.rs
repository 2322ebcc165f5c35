//! What both formats of a bill come to: the root, its parts and the registries that they come from.

use super::purl::{self, Purl};
use crate::limits::MAX_SIGHTINGS;
use crate::manifests::package;
use crate::{endpoint, image};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Diagnostic, Evidence, Facts, Layer, LinkKind, Mitigation,
    Role, Severity,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// A bill while it is being read.
pub(super) struct Bill {
    pub facts: Facts,
    pub path: Arc<str>,
    pub reader: &'static str,
    pub root: Option<ComponentRef>,
    /// Parts by their reference in the bill (`bom-ref`, `SPDXID`).
    pub parts: FxHashMap<String, Part>,
    linked: FxHashSet<(ComponentRef, LinkKind, ComponentRef)>,
    /// Hosts that were added, so that one with thousands of libraries has one line of evidence.
    hosts: FxHashMap<String, Option<ComponentRef>>,
}

#[derive(Clone, Copy)]
pub(super) struct Part {
    pub at: ComponentRef,
    pub is_library: bool,
}

/// One entry of a bill, in the words that both formats share.
#[derive(Default)]
pub(super) struct Entry<'a> {
    pub reference: &'a str,
    pub name: &'a str,
    pub version: &'a str,
    pub purl: Option<(&'a str, u32)>,
    /// Supplier, publisher, manufacturer, with their lines.
    pub makers: Vec<(&'a str, u32)>,
    pub kind: EntryKind,
    /// What the format calls it.
    pub kind_name: &'a str,
    /// Where it can be fetched from, when the bill says so.
    pub download: Option<(&'a str, u32)>,
    pub line: u32,
    pub end_line: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EntryKind {
    #[default]
    Library,
    OperatingSystem,
    Container,
    Platform,
    Model,
    Device,
    /// A single file, a certificate, a data set: no part that somebody else runs or ships.
    Content,
}

impl Bill {
    pub fn new(path: Arc<str>) -> Bill {
        Bill {
            facts: Facts::new(),
            path,
            reader: "cyclonedx",
            root: None,
            parts: FxHashMap::default(),
            linked: FxHashSet::default(),
            hosts: FxHashMap::default(),
        }
    }

    pub fn finish(self) -> Facts {
        self.facts
    }

    pub fn seen(&self, line: u32) -> Evidence {
        Evidence::line(&self.path, line, self.reader)
    }

    pub fn id(&self, reference: &str) -> String {
        format!("sbom:{}#{reference}", self.path)
    }

    pub fn warn(&mut self, code: &'static str, message: &str, line: u32) {
        let (message, path) = (message.to_owned(), self.path.clone());
        self.facts.diagnostics.push(Diagnostic { code, severity: Severity::Warning, message, path, line, hint: None });
    }

    /// Adds a part; of one that the bill repeats very often, only some sightings are kept.
    fn add_part(&mut self, component: Component) -> ComponentRef {
        let known = self.facts.find(&component.id);
        let full = known
            .and_then(|at| self.facts.components.get(at as usize))
            .is_some_and(|component| component.evidence.len() >= MAX_SIGHTINGS);
        match known {
            Some(at) if full => at,
            _ => self.facts.add(component),
        }
    }

    /// Links once, however often the bill repeats it.
    pub fn link(&mut self, from: ComponentRef, kind: LinkKind, to: ComponentRef, line: u32) -> bool {
        let new = from != to && self.linked.insert((from, kind, to));
        if new {
            let seen = self.seen(line);
            self.facts.link(from, kind, to, seen);
        }
        new
    }

    /// The root is built from what is fetched.
    pub fn root_uses(&mut self, kind: LinkKind, to: ComponentRef, line: u32) {
        if let Some(root) = self.root {
            self.link(root, kind, to, line);
        }
    }

    /// Adds what the bill is about: the organisation's own.
    pub fn add_root(&mut self, entry: &Entry<'_>) -> ComponentRef {
        let name = if entry.name.is_empty() { crate::files::name_of(&self.path) } else { entry.name };
        let layer = match entry.kind {
            EntryKind::Device => Layer::Hardware,
            EntryKind::OperatingSystem => Layer::Os,
            EntryKind::Model => Layer::AiModel,
            _ => Layer::Application,
        };
        let kind = if entry.kind_name.is_empty() { "application" } else { entry.kind_name };
        let id = self.id("");
        let seen = Evidence { end_line: entry.end_line.max(entry.line), ..self.seen(entry.line) };
        let root = self.facts.add(Component::new(&id, name, kind, layer, Role::Own, seen));
        self.root = Some(root);
        if !entry.reference.is_empty() {
            self.parts.insert(entry.reference.to_owned(), Part { at: root, is_library: false });
        }
        root
    }

    /// Adds an entry, its link from the root and the registry that it comes from.
    pub fn add(&mut self, entry: &Entry<'_>) -> Option<ComponentRef> {
        let purl = entry.purl.and_then(|(text, _)| purl::parse(text));
        let at = match entry.kind {
            EntryKind::Content => return None,
            EntryKind::Container => self.container(entry, purl.as_ref()),
            EntryKind::Model => self.model(entry, purl.as_ref()),
            EntryKind::OperatingSystem => self.named(entry, Layer::Os, Confidence::High),
            EntryKind::Platform => self.named(entry, Layer::Compute, Confidence::High),
            EntryKind::Device => self.named(entry, Layer::Hardware, Confidence::High),
            EntryKind::Library => match &purl {
                Some(purl) if matches!(purl.kind.as_str(), "docker" | "oci") => self.container(entry, Some(purl)),
                Some(purl) if purl.kind == "huggingface" => self.model(entry, Some(purl)),
                Some(purl) => return self.library(entry, purl),
                None => self.named(entry, Layer::Packages, Confidence::Low),
            },
        };
        let is_library = entry.kind == EntryKind::Library;
        self.keep(entry, at, is_library);
        self.root_uses(LinkKind::BuiltFrom, at, entry.line);
        if let Some((url, line)) = entry.download {
            self.fetched_from(at, url, line, Confidence::High);
        }
        Some(at)
    }

    fn keep(&mut self, entry: &Entry<'_>, at: ComponentRef, is_library: bool) {
        if !entry.reference.is_empty() {
            self.parts.entry(entry.reference.to_owned()).or_insert(Part { at, is_library });
        }
    }

    fn fetched_from(&mut self, at: ComponentRef, url: &str, line: u32, confidence: Confidence) {
        let url = url.strip_prefix("git+").unwrap_or(url);
        let Some(name) = endpoint::host_of(url) else { return };
        let host = match self.hosts.get(&name) {
            Some(host) => *host,
            None => {
                let seen = self.seen(line);
                let host = match endpoint::sight(&mut self.facts, url, seen, confidence) {
                    Some(endpoint::Target::Host(host)) => Some(host),
                    _ => None,
                };
                self.hosts.insert(name, host);
                host
            }
        };
        if let Some(host) = host {
            self.link(at, LinkKind::BuiltFrom, host, line);
            self.root_uses(LinkKind::BuiltFrom, host, line);
        }
    }

    /// Thousands of these are in a bill: one component each, and one for the registry that can change and stop them.
    fn library(&mut self, entry: &Entry<'_>, purl: &Purl) -> Option<ComponentRef> {
        let line = entry.line;
        if purl.is_os_package() {
            return self.os_packages(entry, purl);
        }
        let Some(ecosystem) = purl.ecosystem() else {
            let at = self.named(entry, Layer::Packages, Confidence::Low);
            self.keep(entry, at, true);
            self.root_uses(LinkKind::BuiltFrom, at, line);
            let host = purl.repository.as_deref().or(purl.default_host().filter(|_| entry.download.is_none()));
            if let Some(url) = host.or(entry.download.map(|(url, _)| url)) {
                self.fetched_from(at, url, line, Confidence::Medium);
            }
            return Some(at);
        };
        let mut component = package::component(ecosystem, &purl.full_name(), self.seen(line));
        component.clues.extend(entry.makers.iter().map(|(maker, _)| Clue::new(ClueKind::Name, maker)));
        let purl_line = entry.purl.map_or(line, |(_, line)| line);
        if purl_line != line {
            component.evidence.push(self.seen(purl_line));
        }
        let at = self.add_part(component);
        self.keep(entry, at, true);
        self.root_uses(LinkKind::BuiltFrom, at, line);
        let (registry, confidence) = match &purl.repository {
            Some(url) => (url.as_str(), Confidence::High),
            None => (package::default_registry(ecosystem), Confidence::Medium),
        };
        let hosts = self.hosts.len();
        self.fetched_from(at, registry, line, confidence);
        if hosts < self.hosts.len() && purl_line != line {
            let seen = self.seen(purl_line);
            endpoint::sight(&mut self.facts, registry, seen, confidence);
        }
        if let Some((url, line)) = entry.download {
            self.fetched_from(at, url, line, Confidence::Medium);
        }
        Some(at)
    }

    /// All packages of a distribution are one part: whoever makes the distribution can change each of them.
    fn os_packages(&mut self, entry: &Entry<'_>, purl: &Purl) -> Option<ComponentRef> {
        let distribution = if purl.namespace.is_empty() { purl.kind.as_str() } else { purl.namespace.as_str() };
        let id = format!("package:{}/{distribution}", purl.kind);
        let at = match self.facts.find(&id) {
            Some(at) => at,
            None => {
                let component =
                    Component::new(&id, distribution, "os-packages", Layer::Os, Role::Artefact, self.seen(entry.line))
                        .with_clue(Clue::new(ClueKind::Name, distribution));
                self.facts.add(component)
            }
        };
        self.keep(entry, at, true);
        self.root_uses(LinkKind::BuiltFrom, at, entry.line);
        Some(at)
    }

    /// Something known by its name and its maker only.
    fn named(&mut self, entry: &Entry<'_>, layer: Layer, confidence: Confidence) -> ComponentRef {
        let reference = if entry.reference.is_empty() { entry.name } else { entry.reference };
        let kind = if entry.kind_name.is_empty() { "library" } else { entry.kind_name };
        let id = self.id(reference);
        let mut component = Component::new(&id, entry.name, kind, layer, Role::Artefact, self.seen(entry.line));
        component.clues.push(Clue::new(ClueKind::Name, entry.name));
        component.confidence = confidence;
        for (maker, line) in &entry.makers {
            component.clues.push(Clue::new(ClueKind::Name, maker));
            let seen = self.seen(*line);
            if !component.evidence.contains(&seen) {
                component.evidence.push(seen);
            }
        }
        component.clues.dedup();
        self.add_part(component)
    }

    fn container(&mut self, entry: &Entry<'_>, purl: Option<&Purl>) -> ComponentRef {
        let reference = match purl {
            Some(purl) => {
                let name = match &purl.repository {
                    // `oci` gives the whole repository, `docker` the registry's host.
                    Some(url) if purl.kind == "oci" => without_scheme(url).to_owned(),
                    Some(url) => format!("{}/{}", without_scheme(url), purl.full_name()),
                    None => purl.full_name(),
                };
                match purl.version.as_deref() {
                    Some(version) if version.contains(':') => format!("{name}@{version}"),
                    Some(version) => format!("{name}:{version}"),
                    None => name,
                }
            }
            None if entry.version.starts_with("sha256:") => format!("{}@{}", entry.name, entry.version),
            None if entry.name.contains(':') || entry.version.is_empty() => entry.name.to_owned(),
            None => format!("{}:{}", entry.name, entry.version),
        };
        match image::parse(&reference) {
            Some(image) => {
                let at = self.add_part(image.component(self.seen(entry.line)));
                if let (Some(root), Some(_)) = (self.root, &image.digest)
                    && self.link(root, LinkKind::BuiltFrom, at, entry.line)
                    && let Some(link) = self.facts.links.last_mut()
                {
                    link.mitigations.push(Mitigation::PinnedDigest);
                }
                at
            }
            None => self.named(entry, Layer::Registry, Confidence::Medium),
        }
    }

    fn model(&mut self, entry: &Entry<'_>, purl: Option<&Purl>) -> ComponentRef {
        let name = match purl {
            Some(purl) if purl.kind == "huggingface" => purl.full_name(),
            _ => return self.named(entry, Layer::AiModel, Confidence::High),
        };
        let id = format!("model:huggingface.co/{name}");
        let mut component = Component::new(&id, &name, "model", Layer::AiModel, Role::Artefact, self.seen(entry.line))
            .with_clue(Clue::new(ClueKind::Host, "huggingface.co"));
        component.clues.extend(entry.makers.iter().map(|(maker, _)| Clue::new(ClueKind::Name, maker)));
        let at = self.add_part(component);
        self.fetched_from(at, "huggingface.co", entry.line, Confidence::High);
        at
    }
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

//! Values of charts: image blocks, hosts and URLs, storage classes, names of ingresses.

mod cloud;

use crate::endpoint::{self, HostKind, Target, host_kind};
use crate::image;
use crate::kubernetes::{self, Address, Git, addresses, git_component, not_in_files};
use crate::node::Node;
use allod_facts::{Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use std::sync::Arc;

/// The file that values stand in.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    pub path: &'a Arc<str>,
    pub reader: &'static str,
    /// The chart's `appVersion` with its place: the tag of an image block that has none.
    pub version: Option<(String, Evidence)>,
}

impl Source<'_> {
    fn at(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, self.reader)
    }
}

/// More than this in one file is data.
const MAX_FINDINGS: usize = 4096;

/// Keys whose values lead people, not programs.
const FOR_PEOPLE: &[&str] = &[
    "description",
    "documentation",
    "home",
    "icon",
    "sources",
    "maintainers",
    "dashboards",
    "$schema",
    "runbook_url",
    "rules",
];

/// Adds what values name, linked from the component that they configure.
pub(crate) fn describe(
    facts: &mut Facts,
    own: ComponentRef,
    values: &Node,
    source: &Source<'_>,
    confidence: Confidence,
) {
    let mut walk = Walk { facts, own, source, confidence, left: MAX_FINDINGS, registry: None };
    let global = values.at(&["global", "imageRegistry"]).and_then(|node| Some((node.as_str()?.to_owned(), node.line)));
    walk.registry = global.filter(|(text, _)| !text.is_empty());
    walk.map("", values);
}

struct Walk<'a> {
    facts: &'a mut Facts,
    own: ComponentRef,
    source: &'a Source<'a>,
    confidence: Confidence,
    left: usize,
    /// `global.imageRegistry`, which replaces the registry of every image block.
    registry: Option<(String, u32)>,
}

impl Walk<'_> {
    /// The tree comes from a parser with a depth limit.
    fn map(&mut self, key: &str, node: &Node) {
        if self.left == 0 {
            return;
        }
        if let Some(items) = node.as_seq() {
            for item in items {
                match item.as_str() {
                    Some(_) => self.scalar(key, item, None),
                    None => self.map(key, item),
                }
            }
            return;
        }
        let block = ImageBlock::of(node).filter(|block| block.is_image(key));
        if let Some(block) = &block {
            self.image(block, node);
        }
        let named = item_name(node);
        cloud::name_provider(self, node);
        for (inner, key, value) in node.entries() {
            if FOR_PEOPLE.contains(&inner) {
                continue;
            }
            if inner.to_ascii_lowercase().ends_with("annotations") {
                cloud::annotations(self, value);
                continue;
            }
            if inner == "site" && value.as_str().is_none_or(str::is_empty) {
                cloud::default_site(self, node, key.line);
            }
            if value.as_str().is_some() {
                let part_of_image =
                    block.is_some() && matches!(inner, "registry" | "repository" | "tag" | "digest" | "name");
                if !part_of_image {
                    // `- name: KEY` / `value: x`: the name says what the value is.
                    let shown = if inner == "value" { named.unwrap_or(inner) } else { inner };
                    self.scalar(shown, value, Some(node));
                }
            } else if is_ingress(inner) {
                self.ingress(value);
            } else {
                self.map(inner, value);
            }
        }
    }

    fn image(&mut self, block: &ImageBlock<'_>, node: &Node) {
        let mut block = block.clone();
        let registry = self.registry.clone();
        if let Some((registry, _)) = &registry {
            block.registry = Some(registry);
        }
        let version = self.source.version.clone();
        let at = block.line;
        match block.reference(version.as_ref().map(|(text, _)| text.as_str())).as_deref().and_then(image::parse) {
            Some(image) => {
                let mut component = image.component(self.source.at(at));
                component.confidence = self.confidence;
                for key in ["registry", "tag", "digest"] {
                    if let Some(line) = node.get(key).map(|node| node.line).filter(|line| *line != at) {
                        component.evidence.push(self.source.at(line));
                    }
                }
                component.evidence.extend(registry.as_ref().map(|(_, line)| self.source.at(*line)));
                if block.tag.is_none() && block.digest.is_none() {
                    component.evidence.extend(version.map(|(_, seen)| seen));
                }
                self.built_from(component, image.digest.is_some(), at);
            }
            None if block.repository.contains(['{', '$', '<']) => self.hidden("U004", "the image", at),
            None => {}
        }
    }

    fn built_from(&mut self, component: Component, pinned: bool, line: u32) {
        self.left = self.left.saturating_sub(1);
        let artefact = self.facts.add(component);
        let link = self.facts.link(self.own, LinkKind::BuiltFrom, artefact, self.source.at(line));
        link.mitigations.extend(pinned.then_some(Mitigation::PinnedDigest));
    }

    fn hidden(&mut self, code: &'static str, what: &str, line: u32) {
        self.left = self.left.saturating_sub(1);
        self.facts.unresolved(code, format!("{what} is not in the files"), Some(self.own), self.source.at(line));
    }

    fn scalar(&mut self, key: &str, node: &Node, holder: Option<&Node>) {
        let Some(text) = node.as_str().filter(|text| !text.is_empty() && text.len() < 65_536) else { return };
        if self.left == 0 {
            return;
        }
        let lower = key.to_ascii_lowercase();
        if lower == "image" || lower.ends_with("image") {
            return self.image_text(text, node, holder);
        }
        if lower == "storageclass" || lower == "storageclassname" {
            return self.storage_class(text, node);
        }
        if matches!(lower.as_str(), "ingresshost" | "ingress_host" | "ingresshostname") {
            return self.own_name(text, node.line);
        }
        if text.contains('\n') {
            return self.long_text(key, text, node);
        }
        let seen = self.source.at(node.line);
        if setting(self.facts, self.own, key, text, &seen, self.confidence) {
            self.left = self.left.saturating_sub(1);
        }
    }

    /// `image: name:tag`, or `image: name` beside `imageTag: tag`.
    fn image_text(&mut self, text: &str, node: &Node, holder: Option<&Node>) {
        let tag = holder.and_then(|holder| ["imageTag", "tag"].iter().find_map(|key| holder.str_at(&[key])));
        let short = !text.contains('@') && !text.rsplit('/').next().unwrap_or(text).contains(':');
        let full = match tag.filter(|tag| short && !tag.is_empty()) {
            Some(tag) => format!("{text}:{tag}"),
            None => text.to_owned(),
        };
        match image::parse(&full) {
            Some(image) => {
                let mut component = image.component(self.source.at(node.line));
                component.confidence = self.confidence;
                self.built_from(component, image.digest.is_some(), node.line);
            }
            None if text.contains("{{") => self.hidden("U004", "the image", node.line),
            None if text.contains("${") => self.hidden("U001", "the image", node.line),
            None => {}
        }
    }

    fn storage_class(&mut self, name: &str, node: &Node) {
        if name == "-" || name == "\"\"" || name.contains("{{") {
            return;
        }
        let seen = self.source.at(node.line);
        let class = kubernetes::named_class(self.facts, name, seen.clone(), Confidence::Medium);
        self.facts.link(self.own, LinkKind::StoresIn, class, seen);
        self.left = self.left.saturating_sub(1);
    }

    /// A whole configuration in a value: its URLs, line by line.
    fn long_text(&mut self, key: &str, text: &str, node: &Node) {
        let literal = matches!(&node.value, crate::node::Value::Scalar(scalar) if scalar.literal);
        for (offset, line) in text.lines().enumerate() {
            let shown = line.trim_start();
            if self.left == 0 || shown.starts_with(['#', ';']) || !shown.contains("://") {
                continue;
            }
            let line_number = if literal { node.line + offset as u32 } else { node.line };
            let seen = self.source.at(line_number);
            if setting(self.facts, self.own, key, line, &seen, Confidence::Medium) {
                self.left = self.left.saturating_sub(1);
            }
        }
    }

    /// Names of an ingress are the organisation's own, not destinations.
    fn ingress(&mut self, node: &Node) {
        let mut names = Vec::new();
        node.walk_scalars(&mut |path, scalar| {
            let key = path.last().copied().unwrap_or("");
            if !matches!(key, "host" | "hosts" | "hostname" | "hostnames" | "extraHosts" | "name")
                || path.contains(&"annotations")
            {
                return;
            }
            let Some(text) = scalar.as_str().filter(|text| text.contains('.') && endpoint::is_host_name(text)) else {
                return;
            };
            names.push((text.to_owned(), scalar.line));
        });
        for (text, line) in names {
            self.own_name(&text, line);
        }
        let annotations = node.entries().filter(|(key, ..)| *key == "annotations");
        annotations.for_each(|(_, _, value)| cloud::annotations(self, value));
    }

    /// A name under which the release is reached.
    fn own_name(&mut self, text: &str, line: u32) {
        // `chart-example.local` is what every generated chart says.
        if !text.contains('.') || !endpoint::is_host_name(text) || host_kind(text) != HostKind::Public {
            return;
        }
        let seen = self.source.at(line);
        let id = format!("name:{}", text.to_ascii_lowercase());
        let mut name = Component::new(&id, text, "name", Layer::Dns, Role::Own, seen.clone());
        name.confidence = self.confidence;
        let name = self.facts.add(name);
        self.facts.link(self.own, LinkKind::ResolvedBy, name, seen);
    }
}

fn is_ingress(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    lower == "ingress" || lower.ends_with("ingress") || lower == "httproute"
}

fn item_name(node: &Node) -> Option<&str> {
    node.str_at(&["name"])
}

/// Links a component to what one setting names. Returns whether it named something outside.
pub(crate) fn setting(
    facts: &mut Facts,
    own: ComponentRef,
    key: &str,
    text: &str,
    seen: &Evidence,
    confidence: Confidence,
) -> bool {
    if (key.eq_ignore_ascii_case("repoURL") || text.ends_with(".git"))
        && let Some(git) = Git::of(text)
    {
        let source = facts.add(git_component(&git, Role::Provided, seen.clone()));
        facts.link(own, LinkKind::DeployedBy, source, seen.clone());
        return true;
    }
    let mut found = false;
    for (_, address) in addresses(key, text) {
        match address {
            Address::Known(text) => {
                if let Some(Target::Host(host)) = endpoint::sight(facts, &text, seen.clone(), confidence) {
                    let known = facts.links.iter().rev().take(64).any(|link| (link.from, link.to) == (own, host));
                    if !known {
                        facts.link(own, LinkKind::SendsTo, host, seen.clone());
                    }
                    found = true;
                }
            }
            Address::Hidden(code) => {
                facts.unresolved(code, not_in_files(key), Some(own), seen.clone());
                found = true;
            }
        }
    }
    found
}

/// `registry`, `repository`, `tag` and `digest` of one image.
#[derive(Clone, Debug)]
pub(crate) struct ImageBlock<'a> {
    pub registry: Option<&'a str>,
    pub repository: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
    pub line: u32,
    /// Whether the block has a key that only an image has beside the repository.
    certain: bool,
}

impl<'a> ImageBlock<'a> {
    pub fn of(node: &'a Node) -> Option<ImageBlock<'a>> {
        let text = |key: &str| node.str_at(&[key]).filter(|text| !text.is_empty());
        let repository = node.get("repository").or_else(|| node.get("name"));
        let (repository, place) = repository.and_then(|node| Some((node.as_str()?, node)))?;
        if repository.is_empty() {
            return None;
        }
        let certain = node.get("tag").is_some() || node.get("digest").is_some() || node.get("pullPolicy").is_some();
        Some(ImageBlock {
            registry: text("registry"),
            repository,
            tag: text("tag"),
            digest: text("digest"),
            line: place.line,
            certain: certain && node.get("repository").is_some(),
        })
    }

    fn is_image(&self, key: &str) -> bool {
        self.certain || key.to_ascii_lowercase().ends_with("image")
    }

    /// The image as one reference; the tag is `version` when the block has none.
    pub fn reference(&self, version: Option<&str>) -> Option<String> {
        let mut text = match self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.to_owned(),
        };
        let has_tag = self.repository.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        if let Some(tag) = self.tag.or(version.filter(|_| self.digest.is_none())).filter(|_| !has_tag) {
            text = format!("{text}:{tag}");
        }
        if let Some(digest) = self.digest {
            text = format!("{text}@{digest}");
        }
        Some(text)
    }
}

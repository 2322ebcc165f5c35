//! What one service is built from, talks to and writes to.

use super::environment::{pairs, settings};
use super::project::{Layer, Names, Project, Service, diagnose};
use super::{ID, top};
use crate::command::{self, Script};
use crate::destination::{self, Named, Use};
use crate::files::{Files, folder_of, join};
use crate::labels::Shelf;
use crate::node::Node;
use crate::recording;
use crate::settings::{self, Reading};
use crate::variables::Expanded;
use crate::{dockerfile, endpoint, image};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, LinkKind, Mitigation, Record, RecordKind,
    Role, Severity,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(super) fn read(
    files: &Files,
    project: &Project,
    names: &Names,
    service: &Service<'_>,
    own: ComponentRef,
    facts: &mut Facts,
) {
    let one = One { files, project, names, service, own };
    one.image(facts);
    one.build(facts);
    let object_store_known = one.commands(facts) | one.is_object_store();
    let settings = settings(files, project, service, own, facts);
    let stem = format!("{}#{}/", service.path, service.name);
    let neighbour = |name: &str| names.find(&service.path, name);
    let how = Reading { owner: own, stem: &stem, neighbour: &neighbour, object_store_known, hints: true };
    settings::read(facts, &settings, &how);
    one.labels(facts);
    one.records(facts);
    one.network(facts);
    one.storage(facts);
    top::log_driver(project, service, own, facts);
    top::models_of(project, service, own, facts);
}

struct One<'a> {
    files: &'a Files,
    project: &'a Project,
    names: &'a Names,
    service: &'a Service<'a>,
    own: ComponentRef,
}

impl One<'_> {
    fn seen(&self, layer: &Layer<'_>, line: u32) -> Evidence {
        Evidence::line(&layer.path, line, ID)
    }

    fn confidence(&self, stated: Confidence) -> Confidence {
        if self.service.always { stated } else { stated.min(Confidence::Medium) }
    }

    fn image(&self, facts: &mut Facts) {
        let Some((layer, node, line)) = self.service.last("image") else { return };
        let Some(text) = node.as_str() else { return };
        let built = self.service.last("build").is_some();
        if let Some(builder) = self.names.builder(&self.service.path, text).filter(|_| !built) {
            facts.link(self.own, LinkKind::BuiltFrom, builder, self.seen(layer, line));
            return;
        }
        // The name of what is built here says where it goes only when it names a registry.
        if built && !text.split('/').next().is_some_and(|first| first.contains(['.', ':']) && text.contains('/')) {
            return;
        }
        let expanded = self.project.expand(&layer.path, text);
        let seen = self.seen(layer, line);
        let mut how = Use::new(self.own, LinkKind::BuiltFrom, seen);
        how.confidence = self.confidence(expanded.confidence());
        if built {
            how.confidence = how.confidence.min(Confidence::Medium);
        }
        how.also.clone_from(&expanded.seen);
        command::link_image_text(facts, text, &expanded, &how);
    }

    fn build(&self, facts: &mut Facts) {
        let Some((layer, node, line)) = self.service.last("build") else { return };
        let context = node.as_str().or_else(|| node.str_at(&["context"])).unwrap_or(".");
        let context = self.project.expand(&layer.path, context).text;
        let seen = self.seen(layer, line);
        for image in node.get("cache_from").into_iter().chain(node.get("additional_contexts")) {
            for (_, value, line) in pairs(image) {
                let text = value.unwrap_or_default();
                if let Some(image) = text.strip_prefix("docker-image://").and_then(image::parse) {
                    let how = Use::new(self.own, LinkKind::BuiltFrom, self.seen(layer, line));
                    command::link_image(facts, &image, &how);
                }
            }
        }
        if let Some(inline) = node.get("dockerfile_inline") {
            dockerfile::read_inline(facts, self.own, &layer.path, inline, ID);
            return;
        }
        if context.contains("://") || context.starts_with("git@") {
            self.remote_context(facts, &context, seen);
            return;
        }
        let file = node.str_at(&["dockerfile"]).unwrap_or("Dockerfile");
        let file = self.project.expand(&layer.path, file).text;
        let Some(path) = join(folder_of(&layer.path), &context).and_then(|folder| join(&folder, &file)) else {
            let message = format!("the build context `{context}` lies outside the tree");
            diagnose(facts, "D009", Severity::Warning, message, &layer.path, line);
            return;
        };
        match dockerfile::component(self.files, &path) {
            Some(component) => {
                let to = facts.add(component);
                facts.link(self.own, LinkKind::BuiltFrom, to, seen);
                if let Some(arguments) = node.get("args") {
                    self.build_arguments(facts, layer, arguments, &path);
                }
            }
            None => {
                let message =
                    format!("service `{}` is built from `{path}`, which is not in the tree", self.service.name);
                diagnose(facts, "D008", Severity::Warning, message, &layer.path, line);
            }
        }
    }

    /// Images that the Dockerfile takes from build arguments, which only this file knows.
    fn build_arguments(&self, facts: &mut Facts, layer: &Layer<'_>, arguments: &Node, path: &str) {
        let mut known = HashMap::new();
        for (name, value, line) in pairs(arguments) {
            let expanded = match value {
                Some(value) => self.project.expand(&layer.path, value),
                None => match self.project.known(&layer.path, name) {
                    Some(value) => {
                        Expanded { text: value.value, seen: value.seen.into_iter().collect(), ..Expanded::default() }
                    }
                    None => continue,
                },
            };
            known.insert(name.to_owned(), (expanded, self.seen(layer, line)));
        }
        for (written, argument) in dockerfile::images_by_argument(self.files, path) {
            let Some((expanded, seen)) = known.get(&argument) else { continue };
            let image = Expanded {
                text: written
                    .replace(&format!("${{{argument}}}"), &expanded.text)
                    .replace(&format!("${argument}"), &expanded.text),
                ..expanded.clone()
            };
            if image::parse(&image.text).is_some() {
                let mut how = Use::new(self.own, LinkKind::BuiltFrom, seen.clone());
                how.confidence = self.confidence(expanded.confidence());
                how.also.clone_from(&expanded.seen);
                command::link_image_text(facts, &written, &image, &how);
            }
        }
    }

    fn remote_context(&self, facts: &mut Facts, context: &str, seen: Evidence) {
        let plain = context.split(['#', '?']).next().unwrap_or(context);
        let (host, path) = match plain.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
            Some((host, path)) => (Some(host.to_owned()), path),
            None => {
                let path = plain.split_once("://").map_or("", |(_, rest)| rest.split_once('/').map_or("", |(_, p)| p));
                (endpoint::host_of(plain), path)
            }
        };
        let Some(host) = host else {
            if let Some((code, message)) = destination::hidden(context) {
                facts.unresolved(code, message, Some(self.own), seen);
            }
            return;
        };
        let name = format!("{host}/{}", path.trim_end_matches('/').trim_end_matches(".git"));
        let mut component = Component::new(
            &format!("git:{name}"),
            &name,
            "git",
            allod_facts::Layer::Source,
            Role::Artefact,
            seen.clone(),
        );
        component.clues.push(Clue::new(ClueKind::Host, &host));
        let to = facts.add(component);
        facts.link(self.own, LinkKind::BuiltFrom, to, seen.clone());
        facts.unresolved("U003", format!("the build context `{name}` lies elsewhere"), Some(self.own), seen);
    }

    /// Whether the service is an object store itself: its keys are its own.
    fn is_object_store(&self) -> bool {
        const STORES: &[&str] = &[
            "minio",
            "seaweedfs",
            "cloudserver",
            "localstack",
            "ceph",
            "garage",
            "s3mock",
            "moto",
            "rustfs",
            "s3proxy",
            "s3ninja",
            "fake-s3",
            "zenko",
            "versitygw",
        ];
        let image = self.service.last("image").and_then(|(_, node, _)| node.as_str()).unwrap_or_default();
        STORES.iter().any(|store| image.contains(store) || self.service.name.contains(store))
    }

    /// Commands, entry points and health checks. Whether they say where S3 requests go.
    fn commands(&self, facts: &mut Facts) -> bool {
        let mut object_store_known = false;
        for key in ["entrypoint", "command", "healthcheck"] {
            let Some((layer, node, _)) = self.service.last(key) else { continue };
            let node = if key == "healthcheck" { node.get("test").unwrap_or(node) } else { node };
            object_store_known |= self.script(facts, layer, node);
            if key != "healthcheck" {
                top::acme(facts, self.own, layer, node);
            }
        }
        object_store_known
    }

    fn script(&self, facts: &mut Facts, layer: &Layer<'_>, node: &Node) -> bool {
        let lines: Vec<(u32, String)> = match node.as_seq() {
            // A list is one command, a word an item; a long item is a script of its own (`sh -c "..."`).
            Some(items) => items.iter().flat_map(|item| lines_of(item, true)).collect(),
            None => lines_of(node, false),
        };
        let lines: Vec<(u32, &str)> = lines.iter().map(|(line, text)| (*line, text.as_str())).collect();
        let script = Script {
            from: self.own,
            path: &layer.path,
            reader: ID,
            otherwise: LinkKind::SendsTo,
            neighbour: &|name| self.names.find(&self.service.path, name),
            expand: &|text| Some(self.project.expand(&layer.path, text).text),
        };
        let seen = command::read(facts, &lines, &script, None);
        seen.object_store_known || lines.iter().any(|(_, text)| text.contains("--endpoint-url"))
    }

    /// Labels in both syntaxes; a later file replaces what an earlier one sets. What no file sets is left out.
    fn labels(&self, facts: &mut Facts) {
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for (layer, node) in self.service.all("labels") {
            for (key, value, _) in pairs(node) {
                let value = self.project.expand(&layer.path, value.unwrap_or_default());
                if value.missing.is_empty() {
                    known.insert(key, value.text);
                } else {
                    known.remove(key);
                }
            }
        }
        let Some(component) = facts.get_mut(self.own) else { return };
        if let Some(classes) = known.get("allod/data") {
            let classes = classes.split(',').map(str::trim).filter(|class| !class.is_empty());
            component.data.extend(classes.map(Arc::from));
            component.data.sort();
            component.data.dedup();
        }
        if let Some(environment) = known.get("allod/environment") {
            component.environment = Some(Arc::from(environment.trim()));
        }
        component.labels = Shelf::default().labels(known);
    }

    /// What the arguments of the service show of how it is recorded.
    fn records(&self, facts: &mut Facts) {
        let image = self.service.last("image").and_then(|(layer, node, line)| Some((layer, node.as_str()?, line)));
        let name = image.map_or(String::new(), |(layer, text, _)| self.project.expand(&layer.path, text).text);
        let mut shown = Vec::new();
        for key in ["entrypoint", "command"] {
            let Some((layer, node, _)) = self.service.last(key) else { continue };
            let words = node.items().iter().filter_map(|item| Some((item.line, item.as_str()?)));
            let words = words.flat_map(|(line, text)| match node.as_seq() {
                Some(_) => vec![(text.to_owned(), line)],
                None => text.split_whitespace().map(|word| (word.to_owned(), line)).collect(),
            });
            let words: Vec<(String, u32)> =
                words.map(|(word, line)| (self.project.expand(&layer.path, &word).text, line)).collect();
            let found = recording::of_arguments(&name, &words);
            shown.extend(found.into_iter().map(|(kind, days, line)| (kind, days, self.seen(layer, line))));
        }
        let stores = shown.iter().any(|(kind, ..)| *kind == RecordKind::LogStore);
        if let Some((layer, _, line)) = image.filter(|_| !stores && recording::keeps_logs(&name)) {
            shown.push((RecordKind::LogStore, None, self.seen(layer, line)));
        }
        let Some(component) = facts.get_mut(self.own) else { return };
        shown.into_iter().for_each(|(kind, days, evidence)| component.record(Record { kind, days, evidence }));
    }

    /// Resolvers, hosts with a fixed address, services whose network is shared.
    fn network(&self, facts: &mut Facts) {
        for (layer, node) in self.service.all("dns") {
            for item in node.items() {
                let text = self.project.expand(&layer.path, item.as_str().unwrap_or_default()).text;
                let how = Use::new(self.own, LinkKind::ResolvedBy, self.seen(layer, item.line));
                destination::link_to(facts, &text, &how);
            }
        }
        for (layer, node) in self.service.all("extra_hosts") {
            let entries = pairs(node);
            for (name, address, line) in entries {
                let address = match address {
                    Some(address) => address,
                    None => name.split_once(':').map_or("", |(_, address)| address),
                };
                let text = self.project.expand(&layer.path, address).text;
                let how = Use::new(self.own, LinkKind::SendsTo, self.seen(layer, line));
                if destination::is_bare_host(&text) {
                    destination::link_to(facts, &text, &how);
                }
            }
        }
        for key in ["links", "external_links"] {
            for (layer, node) in self.service.all(key) {
                for item in node.items() {
                    let name = item.as_str().unwrap_or_default().split(':').next().unwrap_or_default();
                    if let Some(to) = self.names.find(&self.service.path, name).filter(|to| *to != self.own) {
                        facts.link(self.own, LinkKind::SendsTo, to, self.seen(layer, item.line));
                    }
                }
            }
        }
        if let Some((layer, node, line)) = self.service.last("network_mode")
            && let Some(name) = node.as_str().and_then(|text| text.strip_prefix("service:"))
            && let Some(to) = self.names.find(&self.service.path, name).filter(|to| *to != self.own)
        {
            facts.link(self.own, LinkKind::SendsTo, to, self.seen(layer, line));
        }
    }

    /// Named volumes that a driver keeps elsewhere.
    fn storage(&self, facts: &mut Facts) {
        for (layer, node) in self.service.all("volumes") {
            for item in node.items() {
                let source = match item.as_str() {
                    Some(text) => text.split(':').next().unwrap_or_default(),
                    None => item.str_at(&["source"]).unwrap_or_default(),
                };
                let Some(volume) = self
                    .service
                    .layers
                    .iter()
                    .rev()
                    .find_map(|layer| top::volume(self.project, &layer.path, source, facts))
                else {
                    continue;
                };
                facts.link(self.own, LinkKind::StoresIn, volume, self.seen(layer, item.line));
            }
        }
    }
}

/// The lines of a scalar with their numbers. `whole`: an item of a list, where a text with spaces is a script.
fn lines_of(node: &Node, whole: bool) -> Vec<(u32, String)> {
    let Some(text) = node.as_str() else { return Vec::new() };
    let literal = matches!(&node.value, crate::node::Value::Scalar(scalar) if scalar.literal);
    if literal {
        return (node.line..).zip(text.lines()).map(|(line, text)| (line, text.to_owned())).collect();
    }
    // Items of a list are joined to one command by a continuation sign.
    let text = text.replace('\n', " ");
    vec![(node.line, if whole { format!("{text} \\") } else { text })]
}

/// Links to a host, or to a neighbour when the host is one.
pub(super) fn link_url(facts: &mut Facts, text: &str, how: &Use, names: &dyn Fn(&str) -> Option<ComponentRef>) {
    if let Named::Inside(name) = destination::link_to(facts, text, how)
        && let Some(to) = names(&name)
    {
        destination::link(facts, how, to);
    }
}

/// A link to something that the service works without.
pub(super) fn link_optional(facts: &mut Facts, from: ComponentRef, to: ComponentRef, seen: Evidence) {
    facts.link(from, LinkKind::SendsTo, to, seen).mitigations.push(Mitigation::NotRequired);
}

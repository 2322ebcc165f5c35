use super::object::{Index, Object};
use super::{Address, addresses};
use crate::endpoint::{self, Target};
use crate::files::Files;
use crate::labels::Shelf;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All objects of a tree with the facts that grow from them.
pub(super) struct Scene<'a> {
    pub facts: &'a mut Facts,
    pub files: &'a Files,
    pub objects: &'a [Object<'a>],
    pub index: Index<'a>,
    /// The component of each object that has one.
    components: Vec<Option<ComponentRef>>,
    /// The workloads among the objects, in order.
    pub workloads: Vec<usize>,
    /// Which workloads use a ConfigMap: (object, key or all keys).
    pub config_uses: BTreeMap<usize, Vec<Use<'a>>>,
    /// Which workloads use a Secret, by namespace and name.
    pub secret_uses: BTreeMap<(&'a str, &'a str), Vec<ComponentRef>>,
    /// Workloads by a label of their pods.
    pub labelled: FxHashMap<(&'a str, &'a str), Vec<usize>>,
    /// The workloads behind a service, once looked up.
    pub behind_services: BTreeMap<usize, Vec<ComponentRef>>,
    /// The names that the objects state.
    pub names: BTreeSet<ComponentRef>,
    /// Workloads of which the default storage class was reported.
    pub default_classes: FxHashSet<ComponentRef>,
    /// Folders that GitOps objects deploy.
    pub deployed: Vec<super::gitops::Deployed>,
    /// DNS providers that something in the cluster writes names to.
    pub dns_providers: Vec<ComponentRef>,
    /// How many sources that refer to sources are open.
    pub following: usize,
    pub shelf: Shelf,
    /// Links that were added, so that many containers with one setting make one link.
    linked: FxHashSet<(ComponentRef, LinkKind, ComponentRef)>,
    unknown: BTreeMap<(Arc<str>, String), (u32, u32, &'static str)>,
}

/// How a workload uses a ConfigMap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use<'a> {
    pub workload: usize,
    pub component: ComponentRef,
    pub key: Option<&'a str>,
}

/// Owners of owners that are followed: a pod has three above it (job, cron job, and what made that).
const MAX_OWNERS: usize = 8;

impl<'a> Scene<'a> {
    pub fn new(objects: &'a [Object<'a>], files: &'a Files, facts: &'a mut Facts) -> Scene<'a> {
        Scene {
            facts,
            files,
            objects,
            index: Index::new(objects),
            components: vec![None; objects.len()],
            workloads: Vec::new(),
            config_uses: BTreeMap::new(),
            secret_uses: BTreeMap::new(),
            labelled: FxHashMap::default(),
            behind_services: BTreeMap::new(),
            names: BTreeSet::new(),
            default_classes: FxHashSet::default(),
            deployed: Vec::new(),
            dns_providers: Vec::new(),
            following: 0,
            shelf: Shelf::default(),
            linked: FxHashSet::default(),
            unknown: BTreeMap::new(),
        }
    }

    pub fn object(&self, at: usize) -> Option<&'a Object<'a>> {
        self.objects.get(at)
    }

    pub fn component(&self, at: usize) -> Option<ComponentRef> {
        self.components.get(at).copied().flatten()
    }

    /// The component of an object that the organisation runs itself, made when it is not there yet.
    pub fn own(&mut self, at: usize, object: &Object<'_>, layer: Layer) -> ComponentRef {
        if let Some(known) = self.component(at) {
            return known;
        }
        let mut component =
            Component::new(&object.id(""), &object.shown_name(), object.kind, layer, Role::Own, object.block());
        let (data, environment) = self.stated(object);
        (component.data, component.environment) = (data, environment);
        component.labels = super::recording::labels(self, object);
        let added = self.facts.add(component);
        self.set(at, added);
        added
    }

    /// The component of an object that stands for something somebody provides.
    pub fn provided(
        &mut self,
        at: usize,
        object: &Object<'_>,
        layer: Layer,
        clues: Vec<Clue>,
        seen: Evidence,
    ) -> ComponentRef {
        let mut component =
            Component::new(&object.id(""), &object.shown_name(), object.kind, layer, Role::Provided, seen);
        component.clues = clues.into();
        let (data, environment) = self.stated(object);
        (component.data, component.environment) = (data, environment);
        component.labels = super::recording::labels(self, object);
        let added = self.facts.add(component);
        self.set(at, added);
        added
    }

    /// What made an object that a controller keeps, as far up as it is among the objects; itself where nothing did.
    pub fn made_by(&self, at: usize) -> usize {
        let mut root = at;
        for _ in 0..MAX_OWNERS {
            let Some(object) = self.object(root) else { break };
            let Some((kind, name)) = object.owner().filter(|(kind, _)| super::workload::WORKLOADS.contains(kind))
            else {
                break;
            };
            let Some(next) = self.index.find_exact(kind, object.namespace, name, object.path) else { break };
            root = next;
        }
        root
    }

    /// An object that another one made is no component of its own.
    pub fn is_part_of(&mut self, at: usize, component: ComponentRef) {
        self.set(at, component);
    }

    fn set(&mut self, at: usize, component: ComponentRef) {
        if let Some(slot) = self.components.get_mut(at) {
            *slot = Some(component);
        }
    }

    /// Data classes and environment from the labels and annotations of an object, its pod template and its namespace.
    fn stated(&self, object: &Object<'_>) -> (Vec<Arc<str>>, Option<Arc<str>>) {
        let namespace = self.index.find("Namespace", "", object.namespace, object.path).and_then(|at| self.object(at));
        let template = object.node.at(&["spec", "template", "metadata"]);
        let job = object.node.at(&["spec", "jobTemplate", "spec", "template", "metadata"]);
        let places =
            [object.node.get("metadata"), template, job, namespace.and_then(|object| object.node.get("metadata"))];
        let of = |key: &str| {
            let holders = places.iter().flatten().flat_map(|meta| [meta.get("annotations"), meta.get("labels")]);
            holders.flatten().find_map(|holder| holder.str_at(&[key])).map(str::to_owned)
        };
        let mut data: Vec<Arc<str>> = of("allod/data")
            .iter()
            .flat_map(|text| text.split([',', '.', ' ']))
            .map(str::trim)
            .filter(|class| !class.is_empty())
            .map(Arc::from)
            .collect();
        data.sort();
        data.dedup();
        (data, of("allod/environment").filter(|text| !text.is_empty()).map(Arc::from))
    }

    /// A part of an object that somebody provides, recognised by words of Kubernetes and its neighbours.
    pub fn part(&mut self, object: &Object<'_>, part: &Part<'_>, seen: Evidence) -> ComponentRef {
        let mut component =
            Component::new(&object.id(part.suffix), &part.name, part.kind, part.layer, Role::Provided, seen);
        component.clues = part.clues.clone().into();
        component.confidence = part.confidence;
        self.facts.add(component)
    }

    /// A link, once for each pair and kind.
    pub fn link(&mut self, from: ComponentRef, kind: LinkKind, to: ComponentRef, seen: Evidence) {
        self.link_with(from, kind, to, seen, &[]);
    }

    pub fn link_with(
        &mut self,
        from: ComponentRef,
        kind: LinkKind,
        to: ComponentRef,
        seen: Evidence,
        mitigations: &[Mitigation],
    ) {
        if from != to && self.linked.insert((from, kind, to)) {
            self.facts.link(from, kind, to, seen).mitigations.extend_from_slice(mitigations);
        }
    }

    /// Links a component to every destination that a setting names. Returns whether there was one.
    pub fn send(&mut self, from: &[ComponentRef], object: &Object<'_>, setting: &Setting<'_>) -> bool {
        let mut found = false;
        for (offset, address) in addresses(setting.key, setting.text) {
            let line = if setting.line_by_line { setting.line + offset } else { setting.line };
            let seen = object.at(line);
            found |= match address {
                Address::Known(text) => self.send_to(from, object.namespace, &text, &seen, setting),
                Address::Hidden(code) => {
                    if object.reader != crate::helm::READER.id && !setting.text.contains('\n') {
                        let message = super::addresses::not_in_files(setting.key);
                        self.facts.unresolved(code, message, from.first().copied(), seen);
                    }
                    true
                }
            };
        }
        found || self.send_inside(from, object, setting)
    }

    pub fn send_to(
        &mut self,
        from: &[ComponentRef],
        namespace: &str,
        text: &str,
        seen: &Evidence,
        setting: &Setting<'_>,
    ) -> bool {
        let mitigations: &[Mitigation] = if setting.optional { &[Mitigation::NotRequired] } else { &[] };
        match endpoint::sight(self.facts, text, seen.clone(), setting.confidence) {
            Some(Target::Host(to)) => {
                for &from in from {
                    self.link_with(from, setting.link, to, seen.clone(), mitigations);
                }
                true
            }
            Some(Target::Internal(host)) => {
                self.link_inside(from, namespace, &host, seen, setting.link);
                false
            }
            None => false,
        }
    }

    /// `cartservice:7070`: a service of the same namespace by its short name.
    fn send_inside(&mut self, from: &[ComponentRef], object: &Object<'_>, setting: &Setting<'_>) -> bool {
        let name = setting.text.split(':').next().unwrap_or(setting.text);
        let short = !name.is_empty() && name.len() < 64 && !name.contains(['/', '.', ' ']);
        if short && self.index.find("Service", object.namespace, name, object.path).is_some() {
            self.link_inside(from, object.namespace, name, &object.at(setting.line), setting.link);
        }
        false
    }

    fn link_inside(&mut self, from: &[ComponentRef], namespace: &str, host: &str, seen: &Evidence, kind: LinkKind) {
        let mut labels = host.split('.');
        let name = labels.next().unwrap_or("");
        let namespace = labels.next().unwrap_or(namespace);
        for to in super::services::led_to(self, namespace, name, &seen.path) {
            for &from in from {
                self.link(from, kind, to, seen.clone());
            }
        }
    }

    /// Adds single lines that decided something about a component.
    pub fn also_seen(&mut self, component: ComponentRef, seen: Evidence) {
        if let Some(component) = self.facts.get_mut(component)
            && !component.evidence.contains(&seen)
        {
            component.evidence.push(seen);
        }
    }

    /// Counts an object of a kind that is not understood and carries nothing that could be read.
    pub fn unknown_kind(&mut self, object: &Object<'_>) {
        let kind =
            if object.group.is_empty() { object.kind.to_owned() } else { format!("{}/{}", object.group, object.kind) };
        let count = self.unknown.entry((object.path.clone(), kind)).or_insert((object.line, 0, object.reader));
        count.1 += 1;
    }

    pub fn report_unknown_kinds(&mut self) {
        for ((path, kind), (line, count, reader)) in std::mem::take(&mut self.unknown) {
            let message = match count {
                1 => format!("`{kind}` is not understood"),
                _ => format!("{count} objects of kind `{kind}` are not understood"),
            };
            self.facts.unresolved("U010", message, None, Evidence::line(&path, line, reader));
        }
    }
}

/// What a part of an object is.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    /// Appended to the object's id, starting with `/`.
    pub suffix: &'a str,
    pub name: String,
    pub kind: &'a str,
    pub layer: Layer,
    pub clues: Vec<Clue>,
    pub confidence: Confidence,
}

/// A named text that may say where a workload sends something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub key: &'a str,
    pub text: &'a str,
    pub line: u32,
    /// Whether the text stands line by line from `line`.
    pub line_by_line: bool,
    pub link: LinkKind,
    /// Whether the workload works without the destination.
    pub optional: bool,
    pub confidence: Confidence,
}

impl<'a> Setting<'a> {
    pub fn new(key: &'a str, text: &'a str, line: u32) -> Setting<'a> {
        Setting {
            key,
            text,
            line,
            line_by_line: false,
            link: LinkKind::SendsTo,
            optional: is_telemetry_name(key),
            confidence: Confidence::High,
        }
    }
}

/// Settings whose destination takes telemetry, which a workload does without.
fn is_telemetry_name(key: &str) -> bool {
    let upper = key.to_ascii_uppercase();
    ["OTEL_", "DD_", "SENTRY", "NEW_RELIC", "NEWRELIC", "JAEGER", "ZIPKIN", "LOKI", "ELASTIC_APM", "HONEYCOMB"]
        .iter()
        .any(|prefix| upper.starts_with(prefix))
        || ["TELEMETRY", "TRACING", "METRICS", "PUSHGATEWAY", "STATSD"].iter().any(|word| upper.contains(word))
}

pub(super) fn word(text: &str) -> Clue {
    Clue::new(ClueKind::Kubernetes, text)
}

pub(super) fn host(text: &str) -> Option<Clue> {
    endpoint::host_of(text).map(|host| Clue::new(ClueKind::Host, &host))
}

use super::Emitter;
use super::backend::{StateHolder, state_clues};
use super::endpoint::Target;
use super::hosts::{host_in, host_in_text};
use super::resource::first_word;
use super::walk::{Leaf, Rule, leaves};
use crate::endpoint::{HostKind, host_component, host_kind};
use crate::image;
use crate::terraform::eval::{Each, Instance, Scope};
use crate::terraform::module::{Mode, Resource};
use crate::terraform::syntax::Kind;
use crate::terraform::value::{HOLE, LineRef, Origin, ResourceRef, Unknown, Value};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Layer, LinkKind, Mitigation, Role};
use std::rc::Rc;

/// Arguments whose text is itself a document with images and variables.
const DOCUMENTS: &[&str] = &["container_definitions", "container_properties", "yaml_body"];

impl<'t> Emitter<'_, 't> {
    pub(super) fn resource_links(&mut self, instance: &Rc<Instance<'t>>) {
        self.provider_links(instance);
        for (number, resource) in instance.module.resources.iter().enumerate() {
            let number = number as u32;
            if resource.mode == Mode::Data {
                self.data_links(instance, number, resource);
                continue;
            }
            let Some(expansion) = self.eval.resource_expansion(instance, number) else { continue };
            for (ordinal, each) in expansion.instances.iter().enumerate() {
                let me = self.reference(instance.number, number, ordinal as u32);
                let Some(component) = me else { continue };
                let fields = self.eval.resource_object(instance, number, ordinal as u32);
                self.links_of(instance, resource, each, component, &fields);
            }
        }
    }

    fn reference(&self, instance: u32, resource: u32, ordinal: u32) -> Option<ComponentRef> {
        let exact = ResourceRef { instance, resource, ordinal: Some(ordinal) };
        let only = ResourceRef { instance, resource, ordinal: None };
        self.resources.get(&exact).or_else(|| self.resources.get(&only)).copied()
    }

    /// The component of a resource that a value came from; a data source gets one now.
    fn target(&mut self, at: ResourceRef) -> Option<ComponentRef> {
        let ordinal = at.ordinal.unwrap_or(0);
        let instance = self.eval.instance(at.instance)?;
        let resource = instance.module.resources.get(at.resource as usize)?;
        if let Some(known) = self.reference(at.instance, at.resource, ordinal) {
            return Some(known);
        }
        let local = super::is_local(first_word(&resource.kind)) || is_about_oneself(&resource.kind);
        if resource.mode == Mode::Data && !local {
            self.resource_instances(&instance, at.resource, resource);
        }
        self.reference(at.instance, at.resource, ordinal)
    }

    /// The provider of a cluster made here runs on that cluster.
    fn provider_links(&mut self, instance: &Rc<Instance<'t>>) {
        let mut mine: Vec<(String, ComponentRef, Vec<ResourceRef>)> = Vec::new();
        for ((number, key), provider) in &self.providers {
            if let (true, Target::Resources(resources, _)) = (*number == instance.number, &*provider.target) {
                mine.push((key.clone(), provider.component, resources.clone()));
            }
        }
        mine.sort();
        for (_, provider, resources) in mine {
            for resource in resources {
                let target = self.target(resource).filter(|target| *target != provider);
                if let (Some(target), Some(seen)) = (target, self.first_evidence(provider)) {
                    self.facts.link(provider, LinkKind::RunsOn, target, seen);
                }
            }
        }
    }

    fn first_evidence(&self, component: ComponentRef) -> Option<allod_facts::Evidence> {
        self.facts.components.get(component as usize)?.evidence.first().cloned()
    }

    fn links_of(
        &mut self,
        instance: &Rc<Instance<'t>>,
        resource: &'t Resource<'t>,
        each: &Each,
        component: ComponentRef,
        fields: &Value,
    ) {
        let at = LineRef { file: resource.file, line: resource.block.line };
        let layer = self.layer(&resource.kind);
        if layer == Layer::Dns {
            self.record_links(resource, component, fields, at);
        }
        if resource.kind == "helm_release" {
            self.chart(component, fields, at);
        }
        let mut all = leaves(&resource.kind, fields);
        for name in DOCUMENTS {
            if let Some(document) = self.document(instance, resource, each, fields, name) {
                all.extend(leaves(&resource.kind, &document));
            }
        }
        for leaf in all {
            self.follow(resource, component, layer, &leaf, at);
        }
    }

    /// What a document argument says: the value that is encoded, or the text decoded.
    fn document(
        &self,
        instance: &Instance<'t>,
        resource: &Resource<'_>,
        each: &Each,
        fields: &Value,
        name: &str,
    ) -> Option<Value> {
        let attribute = resource.block.body.attribute(name)?;
        if let Kind::Call(call) = &attribute.value.kind
            && matches!(&*call.name, "jsonencode" | "yamlencode")
        {
            let scope = Scope { instance, file: resource.file, each, bound: None };
            return Some(self.eval.eval(call.args.first()?, scope));
        }
        let value = fields.known_field(name)?;
        let node = crate::node::parse_yaml_document(value.as_text()?).ok()?;
        Some(crate::terraform::functions::from_node(&node).from(&value.origin))
    }

    fn follow(&mut self, resource: &Resource<'_>, from: ComponentRef, layer: Layer, leaf: &Leaf, at: LineRef) {
        let at = own_line(&leaf.value, at);
        match leaf.rule {
            Rule::Image => self.image(from, &leaf.value, &resource.address(), at),
            // The address of an identity provider: whoever answers there is believed.
            Rule::Address if layer == Layer::Identity => {
                if let Some(host) = host_in(&leaf.value)
                    && let Some(to) = self.host(&host, &leaf.value.origin, at)
                {
                    let seen = self.evidence(at, at.line);
                    self.facts.link(from, LinkKind::Trusts, to, seen);
                }
            }
            Rule::Address => self.send_to(from, &leaf.value, is_telemetry(resource, layer), at),
            Rule::Env => self.variable(from, leaf, at),
            Rule::Key => self.refer(from, &leaf.value, LinkKind::Trusts, &[Layer::Secrets], at),
            // A policy or a version of a secret names what it belongs to: no trust of its own.
            Rule::Role | Rule::Secret if matches!(layer, Layer::Identity | Layer::Secrets) => {}
            Rule::Role => self.refer(from, &leaf.value, LinkKind::Trusts, &[Layer::Identity], at),
            Rule::Secret => self.refer(from, &leaf.value, LinkKind::Trusts, &[Layer::Secrets], at),
            Rule::Certificate => self.refer(from, &leaf.value, LinkKind::ResolvedBy, &[Layer::Certificates], at),
            Rule::Cluster => {
                self.refer(from, &leaf.value, LinkKind::RunsOn, &[Layer::Compute, Layer::Database], at);
            }
            Rule::Bucket => {
                // A setting of a bucket names the bucket that it belongs to: no flow.
                let about_it = layer == Layer::Storage || resource.kind.contains("bucket");
                let flows = !about_it || is_flow(resource, leaf);
                if flows {
                    self.refer(from, &leaf.value, LinkKind::StoresIn, &[Layer::Storage], at);
                }
            }
        }
    }

    /// Links to the resources of some layers that a value was taken from.
    pub(super) fn refer(&mut self, from: ComponentRef, value: &Value, kind: LinkKind, layers: &[Layer], at: LineRef) {
        for resource in value.origin.resources() {
            let Some(to) = self.target(*resource).filter(|to| *to != from) else { continue };
            let fits = self.facts.components.get(to as usize).is_some_and(|to| layers.contains(&to.layer));
            let seen = self.evidence(at, at.line);
            let known = |link: &allod_facts::Link| link.from == from && link.to == to && link.kind == kind;
            if fits && !self.facts.links.iter().rev().take(RECENT_LINKS).any(known) {
                self.facts.link(from, kind, to, seen);
            }
        }
    }

    pub(super) fn send_to(&mut self, from: ComponentRef, value: &Value, optional: bool, at: LineRef) {
        if let Some(host) = host_in(value) {
            self.send_to_host(from, &host, &value.origin, optional, at);
        } else {
            const SERVICES: &[Layer] =
                &[Layer::Storage, Layer::Messaging, Layer::Network, Layer::Compute, Layer::Database, Layer::Cdn];
            self.refer(from, value, LinkKind::SendsTo, SERVICES, at);
        }
    }

    pub(super) fn send_to_host(
        &mut self,
        from: ComponentRef,
        host: &str,
        origin: &Origin,
        optional: bool,
        at: LineRef,
    ) {
        if let Some(to) = self.host(host, origin, at) {
            let seen = self.evidence(at, at.line);
            let link = self.facts.link(from, LinkKind::SendsTo, to, seen);
            if optional {
                link.mitigations.push(Mitigation::NotRequired);
            }
        }
    }

    /// The component of a host outside, with the lines that decided its name.
    pub(super) fn host(&mut self, host: &str, origin: &Origin, at: LineRef) -> Option<ComponentRef> {
        if host_kind(host) == HostKind::Internal {
            return None;
        }
        let seen = self.evidence(at, at.line);
        let component = self.facts.add(host_component(host, seen, Confidence::High));
        self.decided_by(component, origin);
        Some(component)
    }

    /// A variable of a workload: an address outside, or an attribute of a service that is made here.
    fn variable(&mut self, from: ComponentRef, leaf: &Leaf, at: LineRef) {
        if let Some(text) = leaf.value.as_text() {
            let upper = leaf.name.to_ascii_uppercase();
            let names_address =
                ["_URL", "_URI", "_HOST", "_ENDPOINT", "_SERVER", "_ADDR", "_ADDRESS", "_DSN", "_BROKERS"]
                    .iter()
                    .any(|end| upper.ends_with(end));
            let public = ["PUBLIC_", "EXTERNAL_", "SITE_", "BASE_", "CALLBACK", "REDIRECT", "WEBSITE"];
            let own = public.iter().any(|word| upper.contains(word));
            if text.contains("://") || (names_address && text.contains('.')) {
                for part in text.split(',').take(MAX_HOSTS) {
                    if let Some(host) = host_in_text(part).filter(|_| !own) {
                        self.send_to_host(from, &host, &leaf.value.origin, false, at);
                    }
                }
            }
        }
        self.refer(from, &leaf.value, LinkKind::StoresIn, &[Layer::Storage, Layer::Database], at);
        self.refer(from, &leaf.value, LinkKind::SendsTo, &[Layer::Messaging, Layer::AiModel, Layer::Observability], at);
    }

    fn image(&mut self, from: ComponentRef, value: &Value, address: &str, at: LineRef) {
        let repositories = value.origin.resources().len();
        self.refer(from, value, LinkKind::BuiltFrom, &[Layer::Registry], at);
        let known = value.as_text().map(str::to_owned).or_else(|| image_before_hole(value));
        let Some(found) = known.as_deref().and_then(image::parse) else {
            if let Some(unknown) = value.as_unknown().filter(|_| repositories == 0) {
                self.unresolved(unknown, &format!("image of `{address}`"), Some(from), at);
            }
            return;
        };
        let seen = self.evidence(at, at.line);
        let component = self.facts.add(found.component(seen.clone()));
        self.decided_by(component, &value.origin);
        let link = self.facts.link(from, LinkKind::BuiltFrom, component, seen);
        if found.digest.is_some() {
            link.mitigations.push(Mitigation::PinnedDigest);
        }
    }

    /// The chart of a `helm_release`.
    fn chart(&mut self, from: ComponentRef, fields: &Value, at: LineRef) {
        let Some(chart) = fields.known_field("chart") else { return };
        let line = own_line(chart, at);
        let repository = fields.known_field("repository").filter(|repository| !repository.is_null());
        if let Some(unknown) = chart.as_unknown().or_else(|| repository.and_then(Value::as_unknown)) {
            let unknown = unknown.clone();
            self.unresolved(&unknown, "chart", Some(from), line);
            return;
        }
        let chart_name = chart.as_text().unwrap_or_default();
        let whole = match repository.and_then(Value::as_text) {
            Some(repository) => format!("{}/{chart_name}", repository.trim_end_matches('/')),
            None => chart_name.to_owned(),
        };
        if whole.starts_with('.') || whole.starts_with('/') {
            return;
        }
        let place = whole.split_once("://").map_or(&*whole, |(_, rest)| rest);
        let place = place.rsplit_once('@').map_or(place, |(_, rest)| rest);
        let seen = self.evidence(line, line.line);
        let name = place.rsplit('/').next().unwrap_or(place);
        let mut component =
            Component::new(&format!("chart:{place}"), name, "chart", Layer::Registry, Role::Artefact, seen.clone());
        component.clues.push(Clue::new(ClueKind::HelmChart, place));
        if let Some(host) = whole.contains("://").then(|| host_in_text(&whole)).flatten() {
            component.clues.push(Clue::new(ClueKind::Host, &host));
        }
        let component = self.facts.add(component);
        let mut origin = chart.origin.clone();
        if let Some(repository) = repository {
            origin.add(&repository.origin);
        }
        self.decided_by(component, &origin);
        self.facts.link(from, LinkKind::BuiltFrom, component, seen);
        let why = Unknown { code: "U003", reason: "it lies elsewhere and is not fetched".to_owned(), shape: None };
        self.unresolved(&why, &format!("inside of chart `{place}`"), Some(component), line);
    }

    /// Data sources that reach out by themselves: `http`, and states that others keep.
    fn data_links(&mut self, instance: &Rc<Instance<'t>>, number: u32, resource: &'t Resource<'t>) {
        let Some(root) = self.root else { return };
        let at = LineRef { file: resource.file, line: resource.block.line };
        match &*resource.kind {
            "http" => {
                let url = self.eval.resource_object(instance, number, 0).known_field("url").cloned();
                let Some(url) = url else { return };
                if let Some(host) = host_in(&url)
                    && let Some(to) = self.host(&host, &url.origin, own_line(&url, at))
                {
                    let seen = self.evidence(at, resource.block.end_line);
                    self.facts.link(root, LinkKind::BuiltFrom, to, seen);
                }
            }
            "terraform_remote_state" => {
                let fields = self.eval.resource_object(instance, number, 0);
                let Some(backend) = fields.known_field("backend").and_then(Value::as_text) else { return };
                let config = fields.known_field("config").cloned().unwrap_or_else(Value::null);
                let seen = self.evidence(at, resource.block.end_line);
                let id = format!("{}#{}{}", super::provider::root_id(instance), instance.prefix, resource.address());
                let kind = "data.terraform_remote_state";
                let mut component = Component::new(&id, &resource.name, kind, Layer::Iac, Role::Provided, seen.clone());
                match state_clues(backend, &config) {
                    StateHolder::Service(clues) if backend != "local" => component.clues = clues,
                    StateHolder::Unknown => {}
                    _ => component.role = Role::Own,
                }
                let component = self.facts.add(component);
                self.facts.link(root, LinkKind::BuiltFrom, component, seen);
            }
            "tfe_outputs" => {
                let seen = self.evidence(at, resource.block.end_line);
                self.resource_instances(instance, number, resource);
                if let Some(component) = self.reference(instance.number, number, 0) {
                    self.facts.link(root, LinkKind::BuiltFrom, component, seen);
                }
            }
            _ => {}
        }
    }
}

/// Data sources that tell something about the account, the provider or a text: no part of a stack.
fn is_about_oneself(kind: &str) -> bool {
    const KINDS: &[&str] = &[
        "aws_caller_identity",
        "aws_partition",
        "aws_region",
        "aws_regions",
        "aws_availability_zones",
        "aws_availability_zone",
        "aws_canonical_user_id",
        "aws_default_tags",
        "aws_ip_ranges",
        "aws_service_principal",
        "azurerm_client_config",
        "azurerm_subscription",
        "azuread_client_config",
        "google_client_config",
        "google_client_openid_userinfo",
        "google_project",
        "google_compute_zones",
        "google_iam_policy",
    ];
    kind.ends_with("policy_document") || KINDS.contains(&kind)
}

/// Links are looked through this far back for a double one: those of one resource lie together.
const RECENT_LINKS: usize = 50;
/// Hosts of one list of brokers.
const MAX_HOSTS: usize = 16;

/// The line of an argument, when it stands in the file of its block.
pub(super) fn own_line(value: &Value, block: LineRef) -> LineRef {
    value.origin.lines().first().copied().filter(|line| line.file == block.file).unwrap_or(block)
}

/// `name:<unknown>`: the image is known but for its tag.
fn image_before_hole(value: &Value) -> Option<String> {
    let shape = value.as_unknown()?.shape.clone()?;
    let (before, after) = shape.split_once(HOLE)?;
    let named = before.strip_suffix([':', '@'])?;
    (!named.is_empty() && !after.contains('/')).then(|| named.to_owned())
}

/// Where stored data goes, rather than which bucket is being set up.
fn is_flow(resource: &Resource<'_>, leaf: &Leaf) -> bool {
    const WORDS: &[&str] = &["target", "destination", "log", "replica", "backup"];
    let flows = |text: &str| WORDS.iter().any(|word| text.contains(word));
    flows(&leaf.name) || flows(&leaf.inside) || (flows(&resource.kind) && &*leaf.name != "bucket")
}

fn is_telemetry(resource: &Resource<'_>, layer: Layer) -> bool {
    const WORDS: &[&str] = &["log", "metric", "notification", "alert", "webhook", "monitor", "trace"];
    matches!(layer, Layer::Observability | Layer::ErrorTracking)
        || WORDS.iter().any(|word| resource.kind.contains(word))
}

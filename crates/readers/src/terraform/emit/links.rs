use super::Emitter;
use super::data::is_about_oneself;
use super::endpoint::Target;
use super::hosts::{host_in, host_in_text};
use super::resource::first_word;
use super::walk::{Leaf, Rule, leaves};
use crate::endpoint::{HostKind, host_component, host_kind};
use crate::terraform::eval::{Each, Instance};
use crate::terraform::module::{Mode, Resource};
use crate::terraform::value::{LineRef, Origin, ResourceRef, Value};
use allod_facts::{ComponentRef, Confidence, Layer, LinkKind, Mitigation};
use std::rc::Rc;

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

    pub(super) fn reference(&self, instance: u32, resource: u32, ordinal: u32) -> Option<ComponentRef> {
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
                    self.link(provider, LinkKind::RunsOn, target, seen, None);
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
        self.records(resource, component, fields, at);
        if layer == Layer::Dns {
            self.record_links(resource, component, fields, at);
        }
        if resource.kind == "helm_release" {
            self.chart(component, fields, at);
        }
        let mut all = leaves(&resource.kind, fields);
        all.extend(self.document_leaves(instance, resource, each, fields));
        for leaf in all {
            self.follow(resource, component, layer, &leaf, at);
        }
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
                    self.link(from, LinkKind::Trusts, to, seen, None);
                }
            }
            Rule::Address => self.send_to(from, &leaf.value, is_telemetry(resource, layer), at),
            Rule::Env => self.variable(from, leaf, first_word(&resource.kind).starts_with("kube"), at),
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
            if fits {
                self.link(from, kind, to, seen, None);
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
            let mitigation = optional.then_some(Mitigation::NotRequired);
            self.link(from, LinkKind::SendsTo, to, seen, mitigation);
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
    fn variable(&mut self, from: ComponentRef, leaf: &Leaf, in_cluster: bool, at: LineRef) {
        if let Some(text) = leaf.value.as_text() {
            let upper = leaf.name.to_ascii_uppercase();
            let names_address =
                ["_URL", "_URI", "_HOST", "_ENDPOINT", "_SERVER", "_ADDR", "_ADDRESS", "_DSN", "_BROKERS"]
                    .iter()
                    .any(|end| upper.ends_with(end));
            let public = ["PUBLIC_", "EXTERNAL_", "SITE_", "BASE_", "CALLBACK", "REDIRECT", "WEBSITE"];
            let own = public.iter().any(|word| upper.contains(word));
            if text.contains("://") || (names_address && text.contains('.')) {
                // In a cluster `name.namespace` is a service.
                let labels = if in_cluster && !text.contains("://") { 3 } else { 1 };
                for part in text.split(',').take(MAX_HOSTS) {
                    if let Some(host) = host_in_text(part).filter(|host| !own && host.split('.').count() >= labels) {
                        self.send_to_host(from, &host, &leaf.value.origin, false, at);
                    }
                }
            }
        }
        self.refer(from, &leaf.value, LinkKind::StoresIn, &[Layer::Storage, Layer::Database], at);
        self.refer(from, &leaf.value, LinkKind::SendsTo, &[Layer::Messaging, Layer::AiModel, Layer::Observability], at);
    }
}

/// Hosts of one list of brokers.
const MAX_HOSTS: usize = 16;

/// The line of an argument, when it stands in the file of its block.
pub(super) fn own_line(value: &Value, block: LineRef) -> LineRef {
    value.origin.lines().first().copied().filter(|line| line.file == block.file).unwrap_or(block)
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

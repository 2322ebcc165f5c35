use super::Emitter;
use super::data::is_about_oneself;
use super::endpoint::Target;
use super::labels::{stated_labels, written_labels};
use super::modules::{none_made, too_many};
use super::names::short_name;
use super::provider::{Provider, root_id};
use super::region::{Region, region_of, takes_provider_region};
use super::satellite::{Pending, may_be_setting};
use crate::endpoint::{HostKind, host_kind};
use crate::terraform::endpoint_args::is_local;
use crate::terraform::eval::{Doubt, Each, Expansion, Instance, Repeated};
use crate::terraform::module::{Mode, Resource};
use crate::terraform::value::{LineRef, Origin, ResourceRef, Value};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, LinkKind, Place, Role, Severity};
use std::rc::Rc;

impl<'t> Emitter<'_, 't> {
    /// A component for each instance of each managed resource. Data sources become components when something links to
    /// them, or when they have a source of their own (`http`, a remote state): the rest is looked up at their provider,
    /// which is a component already.
    pub(super) fn resource_components(&mut self, instance: &Rc<Instance<'t>>, settings: &mut Vec<Pending<'t>>) {
        for (number, resource) in instance.module.resources.iter().enumerate() {
            match resource.mode {
                Mode::Managed if may_be_setting(&resource.kind) && !is_local(first_word(&resource.kind)) => {
                    settings.push(Pending { instance: instance.clone(), number: number as u32 });
                }
                Mode::Managed if !is_local(first_word(&resource.kind)) => {
                    self.resource_instances(instance, number as u32, resource);
                }
                Mode::Data if !is_local(first_word(&resource.kind)) && !resource.kind.starts_with("dns_") => {
                    // It is asked at its provider, which so is in use, here.
                    let provider = self.provider_of(instance, resource);
                    if let Some(provider) = provider.filter(|_| !is_about_oneself(&resource.kind)) {
                        let at = LineRef { file: resource.file, line: resource.block.line };
                        let seen = self.evidence(at, resource.block.end_line);
                        if let Some(component) = self.facts.get_mut(provider.component) {
                            component.see(seen);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn resource_instances(&mut self, instance: &Rc<Instance<'t>>, number: u32, resource: &'t Resource<'t>) {
        let Some(expansion) = self.eval.resource_expansion(instance, number) else { return };
        let Some(provider) = self.provider_of(instance, resource) else { return };
        for (ordinal, each) in expansion.instances.iter().enumerate() {
            if self.made >= self.eval.most_resources {
                let message = format!("more than {} resource instances", self.eval.most_resources);
                let at = LineRef { file: resource.file, line: resource.block.line };
                self.eval.report("D006", Severity::Error, message, at);
                return;
            }
            self.made += 1;
            let place = self.place_of(instance.number, number, ordinal as u32, &expansion);
            let fields = self.eval.resource_object(instance, number, ordinal as u32);
            let component = self.resource(instance, resource, each, &fields, &provider);
            self.resources.insert(place, component);
            self.doubts(instance, resource, &expansion, component);
        }
    }

    pub(super) fn place_of(&self, instance: u32, resource: u32, ordinal: u32, expansion: &Expansion) -> ResourceRef {
        let ordinal = (expansion.repeated != Repeated::Once).then_some(ordinal);
        ResourceRef { instance, resource, ordinal }
    }

    fn resource(
        &mut self,
        instance: &Rc<Instance<'t>>,
        resource: &'t Resource<'t>,
        each: &Each,
        fields: &Value,
        provider: &Provider,
    ) -> ComponentRef {
        let at = LineRef { file: resource.file, line: resource.block.line };
        let address = format!("{}{}{}", instance.prefix, resource.address(), each.address());
        let id = format!("{}#{address}", root_id(instance));
        let name = short_name(instance, &resource.kind, &resource.name, &each.address());
        let kind = match resource.mode {
            Mode::Managed => resource.kind.to_string(),
            Mode::Data => format!("data.{}", resource.kind),
        };
        let layer = self.layer(&resource.kind);
        let seen = self.evidence(at, resource.block.end_line);
        let mut component = Component::new(&id, &name, &kind, layer, Role::Provided, seen.clone());
        let (clues, role) = clues(&resource.kind, provider);
        (component.clues, component.role) = (clues.into(), role);
        if resource.mode == Mode::Data {
            component.confidence = Confidence::Medium;
        }
        stated_labels(&mut component, fields, provider);
        component.labels = self.shelf.labels(written_labels(fields, provider));
        let component = self.facts.add(component);
        self.place(component, instance, resource, fields, provider);
        self.link(component, LinkKind::RunsOn, provider.component, seen, None);
        component
    }

    fn place(
        &mut self,
        component: ComponentRef,
        instance: &Instance<'t>,
        resource: &Resource<'_>,
        fields: &Value,
        provider: &Provider,
    ) {
        let (region, origin) = match region_of(fields, &resource.kind) {
            Region::Known(region, origin) => (region, origin),
            Region::Unknown(_, origin) if provider.region.is_some() && self.is_of_provider(&origin) => {
                provider.region.clone().unwrap_or_default()
            }
            Region::Unknown(unknown, origin) => {
                let at = LineRef { file: resource.file, line: resource.block.line };
                let what = format!("region of `{}{}`", instance.prefix, resource.address());
                self.unresolved(&unknown, &what, Some(component), at);
                self.decided_by(component, &origin);
                return;
            }
            Region::None => match &provider.region {
                Some((region, origin)) if takes_provider_region(&resource.kind) => (region.clone(), origin.clone()),
                _ => return,
            },
        };
        if let Some(component) = self.facts.get_mut(component) {
            component.place = Some(Place::region(&region));
        }
        self.decided_by(component, &origin);
    }

    /// Whether a region or zone was asked of the provider itself: it then lies in the provider's region.
    fn is_of_provider(&self, origin: &Origin) -> bool {
        const KINDS: &[&str] = &[
            "aws_region",
            "aws_availability_zones",
            "aws_availability_zone",
            "google_compute_zones",
            "google_client_config",
        ];
        let asked = |at: &ResourceRef| {
            let instance = self.eval.instance(at.instance)?;
            let resource = instance.module.resources.get(at.resource as usize)?;
            let plain = resource.block.body.attribute("region").is_none()
                && resource.block.body.attribute("provider").is_none();
            Some(resource.mode == Mode::Data && plain && KINDS.contains(&&*resource.kind))
        };
        origin.resources().iter().any(|at| asked(at) == Some(true))
    }

    /// What makes it uncertain that an instance exists.
    fn doubts(
        &mut self,
        instance: &Instance<'t>,
        resource: &Resource<'_>,
        expansion: &Expansion,
        component: ComponentRef,
    ) {
        let address = format!("{}{}", instance.prefix, resource.address());
        let at = LineRef { file: resource.file, line: resource.block.line };
        match &expansion.doubt {
            Some(Doubt::Unknown(why)) => {
                self.unresolved(why, &format!("number of `{address}`"), Some(component), at);
                self.lower_confidence(component, Confidence::Medium);
            }
            Some(Doubt::None) => {
                self.unresolved(&none_made(), &format!("`{address}`"), Some(component), at);
                self.lower_confidence(component, Confidence::Low);
            }
            Some(Doubt::TooMany(count)) => {
                self.unresolved(&too_many(*count), &format!("`{address}`"), Some(component), at);
            }
            None => {}
        }
        if instance.call.as_ref().is_some_and(|site| site.doubtful) {
            self.lower_confidence(component, Confidence::Medium);
        }
        self.decided_by(component, &expansion.origin);
    }
}

pub(super) fn first_word(kind: &str) -> &str {
    kind.split('_').next().unwrap_or(kind)
}

/// What the register can recognise a resource by. An endpoint that is set replaces the vendor: a bucket on one's own
/// object store is no use of the vendor whose protocol it speaks.
fn clues(kind: &str, provider: &Provider) -> (Vec<Clue>, Role) {
    let vendor =
        || vec![Clue::new(ClueKind::TerraformType, kind), Clue::new(ClueKind::TerraformProvider, &provider.source)];
    let host = |host: &str| match host_kind(host) {
        HostKind::Internal => (Vec::new(), Role::Own),
        _ => (vec![Clue::new(ClueKind::Host, host)], Role::Provided),
    };
    match &*provider.target {
        Target::Vendor => (vendor(), Role::Provided),
        Target::Host(name, _) => host(name),
        Target::Inside(_) | Target::Resources(..) => (Vec::new(), Role::Own),
        // Workloads are the organisation's own, wherever the cluster is.
        Target::Unknown(..) if runs_workloads(&provider.source) => (Vec::new(), Role::Own),
        Target::Unknown(..) => (Vec::new(), Role::Provided),
        Target::Services(services) => {
            let service = kind.split('_').nth(1).unwrap_or_default();
            services.get(service).map_or_else(|| (vendor(), Role::Provided), |(name, _)| host(name))
        }
    }
}

fn runs_workloads(source: &str) -> bool {
    let name = source.rsplit('/').next().unwrap_or(source);
    matches!(name, "kubernetes" | "kubectl" | "helm" | "docker" | "nomad" | "kustomization")
}

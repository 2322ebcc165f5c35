use crate::merge::{Merged, unite_links};
use crate::resolve::{Control, Part, resolve};
use allod_facts::{Delivery, Diagnostic, Evidence, Layer, Link, LinkKind, Role, Unresolved};
use allod_register::{Register, Service};
use local::{
    default_of, each_once, has_mail, is_delivered, is_empty_hint, layer_from_image, mail_of, name_to_state, own_names,
    own_zone, plain_link, sort_links, states_name, tells_why, why_unknown,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) mod local;

/// The graph of one audit.
#[derive(Debug)]
pub struct Stack<'r> {
    pub register: &'r Register,
    /// Sorted by id.
    pub parts: Vec<Part<'r>>,
    /// Sorted by `from`, then `to`.
    pub links: Vec<Edge>,
    pub unresolved: Vec<Unknown>,
    pub diagnostics: Vec<Diagnostic>,
    /// Hints (packages, variable names) that name no service of the register: counted, not shown.
    pub hints_without_service: usize,
}

/// A link between two parts, by position.
pub type Edge = Link;

/// Something that was not understood, with the part that it concerns.
pub type Unknown = Unresolved;

/// Which component, or which part that was added, stands where in a stack.
#[derive(Default)]
pub(crate) struct Trace<'r> {
    /// The components as the register resolved them, by id, before anything was added to them.
    pub resolved: Vec<Part<'r>>,
    /// By mail domain, the component whose mail it is.
    pub mails: Vec<u32>,
    /// By part: the position among the components, then the mail domains, then the defaults.
    pub origin: Vec<u32>,
}

pub(crate) fn build<'r>(merged: Merged, register: &'r Register, trace: Option<&mut Trace<'r>>) -> Stack<'r> {
    let own_zones: BTreeSet<String> = merged.components.iter().filter_map(|one| own_zone(one)).collect();
    let parts: Vec<Part<'r>> =
        merged.components.into_iter().map(|component| resolve(component, register, &own_zones)).collect();
    let resolved = if trace.is_some() { parts.clone() } else { Vec::new() };

    let mut stack = Stack {
        register,
        parts,
        links: merged.links,
        unresolved: merged.unresolved,
        diagnostics: merged.diagnostics,
        hints_without_service: 0,
    };
    stack.link_deliveries(&merged.deliveries);
    let mails = stack.part_mail_from_names();
    let kept = stack.drop_empty_hints();
    stack.layers_from_images();
    stack.add_defaults();
    stack.own_stated_names();
    stack.link_own_names(&own_zones);
    let order = stack.restore_order();
    stack.report_unknown(&own_zones);
    if let Some(trace) = trace {
        let mut before: Vec<u32> = (0..).zip(&kept).filter(|(_, kept)| **kept).map(|(at, _)| at).collect();
        before.extend((kept.len() as u32..).take(stack.parts.len() - before.len()));
        let origin = order.iter().filter_map(|at| before.get(*at as usize).copied()).collect();
        *trace = Trace { resolved, mails, origin };
    }
    stack
}

impl<'r> Stack<'r> {
    /// The position of a part by its id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.parts.binary_search_by(|part| (*part.fact.id).cmp(id)).ok()
    }

    /// Adds links, and unites them with those that are there.
    fn add_links(&mut self, mut new: Vec<Link>) {
        if !new.is_empty() {
            self.links.append(&mut new);
            unite_links(&mut self.links);
        }
    }

    /// What a CI job or a GitOps source delivers is deployed by it.
    fn link_deliveries(&mut self, deliveries: &[Delivery]) {
        let mut new = Vec::new();
        for delivery in deliveries {
            for (at, part) in self.parts.iter().enumerate() {
                let at = at as u32;
                if at != delivery.by && is_delivered(part, &delivery.what) {
                    new.push(plain_link(at, LinkKind::DeployedBy, delivery.by, vec![delivery.evidence.clone()]));
                }
            }
        }
        self.add_links(new);
    }

    /// The mail of a zone or name is a part of its own: who takes in the mail of a domain neither reads nor stops what
    /// is reached under its names.
    fn part_mail_from_names(&mut self) -> Vec<u32> {
        let mut known: BTreeMap<u32, u32> = BTreeMap::new();
        let (mut new, mut owners) = (Vec::new(), Vec::new());
        for at in 0..self.links.len() {
            let Some(link) = self.links.get(at).filter(|link| link.kind == LinkKind::SendsTo) else { continue };
            let (from, seen) = (link.from, link.evidence.first().cloned());
            let (Some(owner), Some(to), Some(seen)) =
                (self.parts.get(from as usize), self.parts.get(link.to as usize), seen)
            else {
                continue;
            };
            if !has_mail(owner) || to.fact.layer != Layer::Mail {
                continue;
            }
            let mail = match known.get(&from) {
                Some(mail) => *mail,
                None => {
                    let at = self.parts.len() as u32;
                    let part = mail_of(owner, seen.clone(), self.register);
                    self.parts.push(part);
                    owners.push(from);
                    new.push(plain_link(at, LinkKind::ResolvedBy, from, vec![seen]));
                    known.insert(from, at);
                    at
                }
            };
            if let Some(link) = self.links.get_mut(at) {
                link.from = mail;
            }
        }
        // Nothing was moved to a mail domain when there is none.
        self.add_links(new);
        owners
    }

    /// Keeps a library or a variable name only when the register knows it as a service: thousands of libraries say
    /// nothing about control beyond the registry that they come from, and that one is linked by itself.
    fn drop_empty_hints(&mut self) -> Vec<bool> {
        let keep: Vec<bool> = self.parts.iter().map(|part| !is_empty_hint(part)).collect();
        self.hints_without_service = keep.iter().filter(|kept| !**kept).count();
        self.retain(&keep);
        keep
    }

    fn retain(&mut self, keep: &[bool]) {
        let mut position = Vec::with_capacity(keep.len());
        let mut next = 0;
        for kept in keep {
            position.push(kept.then_some(next));
            next += u32::from(*kept);
        }
        let moved = |at: u32| position.get(at as usize).copied().flatten();
        let mut flags = keep.iter();
        self.parts.retain(|_| flags.next().copied().unwrap_or(true));
        self.links.retain_mut(|link| match (moved(link.from), moved(link.to)) {
            (Some(from), Some(to)) => {
                (link.from, link.to) = (from, to);
                true
            }
            _ => false,
        });
        self.unresolved.iter_mut().for_each(|one| one.component = one.component.and_then(moved));
    }

    /// A workload that is built from one known image is of that software's layer (a `postgres` is a database).
    fn layers_from_images(&mut self) {
        let mut images: BTreeMap<u32, BTreeSet<(Layer, &str)>> = BTreeMap::new();
        for link in self.links.iter().filter(|link| link.kind == LinkKind::BuiltFrom) {
            if let Some(software) = self.parts.get(link.to as usize).and_then(|image| image.software) {
                images.entry(link.from).or_default().insert((software.layer, software.id.as_str()));
            }
        }
        for (from, software) in images {
            let (Some(part), [(layer, _)]) = (self.parts.get_mut(from as usize), &*Vec::from_iter(software)) else {
                continue;
            };
            part.layer = layer_from_image(part, *layer);
        }
    }

    /// What software uses by default, with nothing set in the file: a part for the service, seen where the image is.
    fn add_defaults(&mut self) {
        let mut new: Vec<(u32, &'r Service, Vec<Evidence>)> = Vec::new();
        for link in self.links.iter().filter(|link| link.kind == LinkKind::BuiltFrom) {
            let (Some(from), Some(image)) = (self.parts.get(link.from as usize), self.parts.get(link.to as usize))
            else {
                continue;
            };
            let Some(software) = image.software.filter(|_| from.fact.role == Role::Own) else { continue };
            for talk in &software.talks_to {
                if let Some(service) = self.register.service(&talk.service) {
                    new.push((link.from, service, link.evidence.clone()));
                }
            }
        }
        let mut known: BTreeMap<&str, u32> = BTreeMap::new();
        let mut seen: BTreeMap<u32, Vec<Evidence>> = BTreeMap::new();
        for (from, service, evidence) in new {
            let Some(first) = evidence.first().cloned() else { continue };
            let at = *known.entry(&service.id).or_insert_with(|| {
                self.parts.push(default_of(service, first, self.register));
                (self.parts.len() - 1) as u32
            });
            seen.entry(at).or_default().extend(evidence.iter().cloned());
            self.links.push(plain_link(from, LinkKind::SendsTo, at, evidence));
        }
        for (at, evidence) in seen {
            if let Some(part) = self.parts.get_mut(at as usize) {
                Arc::make_mut(&mut part.fact).evidence = each_once(evidence);
            }
        }
    }

    /// A host of which the register knows nothing, and under which a workload of ours is reached (an Ingress states the
    /// name), is ours.
    fn own_stated_names(&mut self) {
        let stated: BTreeSet<Arc<str>> =
            self.parts.iter().filter(|part| states_name(part)).map(|part| part.fact.id.clone()).collect();
        for part in &mut self.parts {
            if name_to_state(part).is_some_and(|name| stated.contains(name.as_str())) {
                part.control = Control::SelfHosted;
            }
        }
    }

    /// A host under one of our own zones is our own name: it depends on the zone, and on the record for that name.
    fn link_own_names(&mut self, own_zones: &BTreeSet<String>) {
        let is_name = |part: &Part<'_>| part.fact.id.starts_with("name:") || part.fact.id.starts_with("zone:");
        let named = self.parts.iter().enumerate().filter(|(_, part)| is_name(part));
        let at_id: BTreeMap<Arc<str>, u32> = named.map(|(at, part)| (part.fact.id.clone(), at as u32)).collect();
        let mut new = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            for to in own_names(part, own_zones).iter().filter_map(|id| at_id.get(id.as_str())) {
                let seen = part.fact.evidence.first().cloned();
                new.push(plain_link(at as u32, LinkKind::ResolvedBy, *to, seen.into_iter().collect()));
            }
        }
        self.links.append(&mut new);
    }

    /// Parts by id, links by position, after parts were added. Says which part stood where before.
    pub(crate) fn restore_order(&mut self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.parts.len() as u32).collect();
        let id = |at: u32| self.parts.get(at as usize).map(|part| &*part.fact.id);
        order.sort_by(|a, b| id(*a).cmp(&id(*b)));
        let mut position = vec![0_u32; order.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(slot) = position.get_mut(*old as usize) {
                *slot = new as u32;
            }
        }
        let moved = |at: u32| position.get(at as usize).copied().unwrap_or(at);
        self.links.iter_mut().for_each(|link| (link.from, link.to) = (moved(link.from), moved(link.to)));
        sort_links(&mut self.links);
        self.unresolved.iter_mut().for_each(|one| one.component = one.component.map(moved));
        self.parts.sort_by(|a, b| a.fact.id.cmp(&b.fact.id));
        order
    }

    /// Every part that nobody is known to control has an unresolved fact that says why.
    fn report_unknown(&mut self, own_zones: &BTreeSet<String>) {
        let told: BTreeSet<u32> =
            self.unresolved.iter().filter(|one| tells_why(one)).filter_map(|one| one.component).collect();
        for (at, part) in self.parts.iter().enumerate() {
            let at = at as u32;
            self.unresolved.extend(why_unknown(part, at, told.contains(&at), own_zones));
        }
        self.unresolved.sort_by(|a, b| (&a.evidence, a.code, &a.message).cmp(&(&b.evidence, b.code, &b.message)));
    }
}

use crate::known::Known;
use crate::merge::{Merged, unite_links};
use crate::resolve::{Control, Part, resolve, under_own_zone};
use allod_facts::{
    Clue, ClueKind, Component, Confidence, Delivered, Delivery, Diagnostic, Evidence, Layer, Link, LinkKind, Role,
    Unresolved,
};
use allod_readers::endpoint::{HostKind, host_kind};
use allod_register::{Register, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

pub(crate) fn build<'r>(merged: Merged, register: &'r Register, known: Option<&mut Known<'r>>) -> Stack<'r> {
    let own_zones: BTreeSet<String> =
        merged.components.iter().filter(|one| &*one.kind == "zone").map(|one| one.name.to_ascii_lowercase()).collect();
    let parts: Vec<Part<'r>> = match known {
        Some(known) => known.parts(merged.components, register, &own_zones),
        None => merged.components.into_iter().map(|component| resolve(component, register, &own_zones)).collect(),
    };

    let mut stack = Stack {
        register,
        parts,
        links: merged.links,
        unresolved: merged.unresolved,
        diagnostics: merged.diagnostics,
        hints_without_service: 0,
    };
    stack.link_deliveries(&merged.deliveries);
    stack.part_mail_from_names();
    stack.drop_empty_hints();
    stack.layers_from_images();
    stack.add_defaults();
    stack.own_stated_names();
    stack.link_own_names(&own_zones);
    stack.restore_order();
    stack.report_unknown(&own_zones);
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
                    new.push(Link {
                        from: at,
                        to: delivery.by,
                        kind: LinkKind::DeployedBy,
                        data: Vec::new(),
                        mitigations: Vec::new(),
                        any_of: None,
                        evidence: vec![delivery.evidence.clone()],
                    });
                }
            }
        }
        self.add_links(new);
    }

    /// The mail of a zone or name is a part of its own: who takes in the mail of a domain neither reads nor stops what
    /// is reached under its names.
    fn part_mail_from_names(&mut self) {
        let mut known: BTreeMap<u32, u32> = BTreeMap::new();
        let mut new = Vec::new();
        for at in 0..self.links.len() {
            let Some(link) = self.links.get(at).filter(|link| link.kind == LinkKind::SendsTo) else { continue };
            let (from, seen) = (link.from, link.evidence.first().cloned());
            let (Some(owner), Some(to), Some(seen)) =
                (self.parts.get(from as usize), self.parts.get(link.to as usize), seen)
            else {
                continue;
            };
            let is_name = matches!(&*owner.fact.kind, "zone" | "name") && owner.fact.role == Role::Own;
            if !is_name || to.fact.layer != Layer::Mail {
                continue;
            }
            let name = owner.fact.name.clone();
            let mail = *known.entry(from).or_insert_with(|| {
                let id = format!("mail:{name}");
                let fact = Component::new(&id, &name, "mail-domain", Layer::Mail, Role::Own, seen.clone());
                let at = self.parts.len() as u32;
                self.parts.push(resolve(Arc::new(fact), self.register, &BTreeSet::new()));
                new.push(Link {
                    from: at,
                    to: from,
                    kind: LinkKind::ResolvedBy,
                    data: Vec::new(),
                    mitigations: Vec::new(),
                    any_of: None,
                    evidence: vec![seen],
                });
                at
            });
            if let Some(link) = self.links.get_mut(at) {
                link.from = mail;
            }
        }
        // Nothing was moved to a mail domain when there is none.
        self.add_links(new);
    }

    /// Keeps a library or a variable name only when the register knows it as a service: thousands of libraries say
    /// nothing about control beyond the registry that they come from, and that one is linked by itself.
    fn drop_empty_hints(&mut self) {
        let keep: Vec<bool> = self
            .parts
            .iter()
            .map(|part| {
                let hint = part.is_hint() && !matches!(part.fact.role, Role::Own);
                let library = &*part.fact.kind == "package";
                part.service.is_some()
                    || !(hint || library)
                    || part.fact.clues.iter().any(|clue| clue.kind == ClueKind::Host)
            })
            .collect();
        self.hints_without_service = keep.iter().filter(|kept| !**kept).count();
        self.retain(&keep);
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
            let (Some(part), 1) = (self.parts.get_mut(from as usize), software.len()) else { continue };
            let layer = software.first().map_or(Layer::Os, |(layer, _)| *layer);
            if part.fact.role == Role::Own
                && part.layer == Layer::Application
                && !matches!(layer, Layer::Os | Layer::Cloud)
            {
                part.layer = layer;
            }
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
        let mut known: BTreeMap<String, u32> = BTreeMap::new();
        for (from, service, evidence) in new {
            let Some(first) = evidence.first().cloned() else { continue };
            let id = format!("default:{}", service.id);
            let at = *known.entry(id.clone()).or_insert_with(|| {
                let mut fact = Component::new(&id, &service.name, "default", service.layer, Role::Provided, first);
                fact.confidence = Confidence::Medium;
                self.parts.push(Part {
                    layer: service.layer,
                    control: if service.operator.is_some() { Control::Known } else { Control::Unknown },
                    service: Some(service),
                    software: None,
                    named_publisher: None,
                    matched_by: None,
                    operator: service.operator.as_ref().and_then(|id| self.register.entity(id)),
                    location: None,
                    fact: Arc::new(fact),
                });
                (self.parts.len() - 1) as u32
            });
            if let Some(part) = self.parts.get_mut(at as usize) {
                evidence
                    .iter()
                    .filter(|seen| !part.fact.evidence.contains(seen))
                    .cloned()
                    .collect::<Vec<_>>()
                    .into_iter()
                    .for_each(|seen| Arc::make_mut(&mut part.fact).evidence.push(seen));
            }
            let (data, mitigations, any_of) = (Vec::new(), Vec::new(), None);
            self.links.push(Link { from, to: at, kind: LinkKind::SendsTo, data, mitigations, any_of, evidence });
        }
    }

    /// A host of which the register knows nothing, and under which a workload of ours is reached (an Ingress states the
    /// name), is ours.
    fn own_stated_names(&mut self) {
        let stated: BTreeSet<Arc<str>> = self
            .parts
            .iter()
            .filter(|part| &*part.fact.kind == "name" && part.fact.role == Role::Own)
            .map(|part| part.fact.id.clone())
            .collect();
        for part in self.parts.iter_mut().filter(|part| part.control == Control::Unknown && part.service.is_none()) {
            let name = part.fact.id.strip_prefix("host:").map(|host| format!("name:{host}"));
            if name.is_some_and(|name| stated.contains(name.as_str())) {
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
            let Some(host) = part.fact.id.strip_prefix("host:").filter(|_| part.control == Control::SelfHosted) else {
                continue;
            };
            let zone = std::iter::successors(Some(host), |rest| rest.split_once('.').map(|(_, shorter)| shorter))
                .find(|name| own_zones.contains(*name));
            let targets = [Some(format!("name:{host}")), zone.map(|zone| format!("zone:{zone}"))];
            for to in targets.into_iter().flatten().filter_map(|id| at_id.get(id.as_str())) {
                new.push(Link {
                    from: at as u32,
                    to: *to,
                    kind: LinkKind::ResolvedBy,
                    data: Vec::new(),
                    mitigations: Vec::new(),
                    any_of: None,
                    evidence: part.fact.evidence.first().cloned().into_iter().collect(),
                });
            }
        }
        self.links.append(&mut new);
    }

    /// Parts by id, links by position, after parts were added.
    pub(crate) fn restore_order(&mut self) {
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
        self.links.sort_by(|a, b| {
            (a.from, a.to, a.kind, &a.any_of, &a.evidence).cmp(&(b.from, b.to, b.kind, &b.any_of, &b.evidence))
        });
        self.unresolved.iter_mut().for_each(|one| one.component = one.component.map(moved));
        self.parts.sort_by(|a, b| a.fact.id.cmp(&b.fact.id));
    }

    /// Every part that nobody is known to control has an unresolved fact that says why.
    fn report_unknown(&mut self, own_zones: &BTreeSet<String>) {
        // What a live look-up did not give is no reason why nobody is known.
        let tells_why = |one: &&Unknown| !matches!(one.code, "U012" | "U013");
        let told: BTreeSet<u32> = self.unresolved.iter().filter(tells_why).filter_map(|one| one.component).collect();
        for (at, part) in self.parts.iter().enumerate() {
            let at = at as u32;
            let Some(seen) = part.fact.evidence.first().cloned() else { continue };
            let reason = match (part.control, part.service, part.operator) {
                (Control::Known, Some(service), Some(operator)) if operator.country.is_none() => Some((
                    "U011",
                    format!("`{}` is run by {}, whose country no source gives", service.name, operator.name),
                )),
                (Control::Unknown, Some(service), None) => {
                    Some(("U011", format!("no source says who runs `{}`", service.name)))
                }
                (Control::Unknown, ..) if !told.contains(&at) => Some(unknown_reason(part, own_zones)),
                _ => None,
            };
            if let Some((code, message)) = reason {
                self.unresolved.push(Unresolved { code, message, component: Some(at), evidence: seen });
            }
        }
        self.unresolved.sort_by(|a, b| (&a.evidence, a.code, &a.message).cmp(&(&b.evidence, b.code, &b.message)));
    }
}

/// Our own parts that files under a path describe (the jobs and repositories that deliver are not delivered
/// themselves), and what the provided ones of a design are (a bucket of a Terraform root); an image by its name.
fn is_delivered(part: &Part<'_>, what: &Delivered) -> bool {
    match what {
        Delivered::Files(folder) => {
            let deliverable = match part.fact.role {
                Role::Own => !matches!(part.layer, Layer::Ci | Layer::Source),
                // A resource of a design is somebody's service, and what it does is decided by who applies the design.
                Role::Provided => part.fact.clues.iter().any(|clue| clue.kind == ClueKind::TerraformType),
                Role::Artefact => false,
            };
            let under = |seen: &Evidence| {
                let rest = seen.path.strip_prefix(folder.as_str());
                folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            deliverable && part.fact.evidence.first().is_some_and(under)
        }
        Delivered::Image(name) => {
            part.fact.role == Role::Artefact
                && part.fact.clues.iter().any(|clue| clue.kind == ClueKind::Image && &*clue.text == name.as_str())
        }
    }
}

fn unknown_reason(part: &Part<'_>, own_zones: &BTreeSet<String>) -> (&'static str, String) {
    let clue: Option<&Clue> = part.fact.clues.first();
    match clue {
        Some(clue) if clue.kind == ClueKind::Host && host_kind(&clue.text) == HostKind::Placeholder => {
            debug_assert!(!under_own_zone(&clue.text, own_zones));
            ("U006", format!("`{}` is a reserved or placeholder name", clue.text))
        }
        Some(clue) if is_server(clue.kind) => ("U008", format!("the register knows nobody who runs `{}`", clue.text)),
        Some(clue) => ("U009", format!("the register does not know `{}`", clue.text)),
        None => ("U007", format!("no file says who provides `{}`", part.fact.name)),
    }
}

/// Whether a clue is the name of a machine that answers.
fn is_server(kind: ClueKind) -> bool {
    matches!(kind, ClueKind::Host | ClueKind::NameServer | ClueKind::MailExchanger | ClueKind::CanonicalName)
}

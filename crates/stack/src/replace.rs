//! What if: a part replaced by something of the register, to see the gain before the work is done.

use crate::chokepoints::stays;
use crate::graph::{Edge, Stack};
use crate::resolve::{Control, Location, Part, provider_place};
use allod_facts::{Component, Evidence, Layer, LinkKind, Role};
use allod_register::{Service, Software};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `REPLACED:REPLACEMENT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The id or name of a part; or the id of a service or an entity: all its parts.
    pub what: String,
    /// The id of a service or software of the register.
    pub by: String,
}

impl Replacement {
    /// Ids of parts may have a colon, ids of the register have none.
    pub fn parse(text: &str) -> Option<Replacement> {
        let (what, by) = text.trim().rsplit_once(':')?;
        let (what, by) = (what.trim().to_owned(), by.trim().to_owned());
        (!what.is_empty() && !by.is_empty()).then_some(Replacement { what, by })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoReplacement {
    /// No part has this id, name, service or entity; ids that could have been meant.
    NoSuchPart { asked: String, near: Vec<String> },
    /// The register has no such service or software; ids that could have been meant.
    NoSuchOffer { asked: String, near: Vec<String> },
}

/// Names offered for one that nobody has.
const MAX_NEAR: usize = 8;

enum Offer<'r> {
    Service(&'r Service),
    Software(&'r Software),
}

impl<'r> Stack<'r> {
    /// Puts something of the register in the place of parts; says which parts, by id. A service takes the place of the
    /// provider; software is run by ourselves, and stays in the hands of its publisher for the next version.
    ///
    /// # Errors
    /// [`NoReplacement`]; nothing was changed then.
    pub fn replace(&mut self, replacement: &Replacement) -> Result<Vec<String>, NoReplacement> {
        let parts = self.meant(&replacement.what)?;
        let offer = self.offer(&replacement.by)?;
        let replaced: Vec<String> =
            parts.iter().filter_map(|at| self.parts.get(*at)).map(|part| part.fact.id.to_string()).collect();
        // What the part depended on was its provider's choice.
        self.links.retain(|link| stays(link) || !parts.contains(&(link.from as usize)));
        for at in parts {
            match offer {
                Offer::Service(service) => self.provide(at, service),
                Offer::Software(software) => self.run_ourselves(at, software),
            }
            // Why it was unknown is answered.
            self.unresolved.retain(|one| one.component != Some(at as u32));
        }
        self.restore_order();
        Ok(replaced)
    }

    fn meant(&self, what: &str) -> Result<Vec<usize>, NoReplacement> {
        let of = |is: &dyn Fn(&Part<'_>) -> bool| -> Vec<usize> {
            self.parts.iter().enumerate().filter(|(_, part)| is(part)).map(|(at, _)| at).collect()
        };
        let named = of(&|part| part.fact.name == what);
        let found = [
            of(&|part| &*part.fact.id == what),
            of(&|part| part.service.is_some_and(|service| service.id == what)),
            of(&|part| {
                let owners = part.operator.map(|entity| self.register.chain(entity)).unwrap_or_default();
                owners.iter().any(|owner| owner.entity.id == what)
            }),
            if named.len() == 1 { named } else { Vec::new() },
        ];
        found.into_iter().find(|found| !found.is_empty()).ok_or_else(|| {
            let lower = what.to_ascii_lowercase();
            let like = |text: &str| text.to_ascii_lowercase().contains(&lower);
            let services = self.parts.iter().filter_map(|part| part.service).map(|service| service.id.to_string());
            let ids = self.parts.iter().filter(|part| like(&part.fact.name)).map(|part| part.fact.id.to_string());
            let near: BTreeSet<String> = services.filter(|id| like(id)).chain(ids).collect();
            NoReplacement::NoSuchPart { asked: what.to_owned(), near: near.into_iter().take(MAX_NEAR).collect() }
        })
    }

    fn offer(&self, by: &str) -> Result<Offer<'r>, NoReplacement> {
        if let Some(service) = self.register.service(by) {
            return Ok(Offer::Service(service));
        }
        if let Some(software) = self.register.software(by) {
            return Ok(Offer::Software(software));
        }
        let records = &self.register.records;
        let ids = records.services.iter().map(|one| &one.id).chain(records.software.iter().map(|one| &one.id));
        let near = ids.filter(|id| id.contains(by)).map(ToString::to_string).take(MAX_NEAR).collect();
        Err(NoReplacement::NoSuchOffer { asked: by.to_owned(), near })
    }

    fn provide(&mut self, at: usize, service: &'r Service) {
        let operator = service.operator.as_ref().and_then(|id| self.register.entity(id));
        let Some(part) = self.parts.get_mut(at) else { return };
        Arc::make_mut(&mut part.fact).name = in_place_of(&service.name, &part.fact.name);
        part.service = Some(service);
        part.operator = operator;
        part.control = if operator.is_some() { Control::Known } else { Control::Unknown };
        part.location = provider_place(service).map(|country| Location { country: Some(country), region: None });
        part.matched_by = None;
        if part.fact.role == Role::Own {
            Arc::make_mut(&mut part.fact).role = Role::Provided;
        }
        if part.fact.role == Role::Provided {
            (part.software, part.named_publisher) = (None, None);
        }
    }

    fn run_ourselves(&mut self, at: usize, software: &'r Software) {
        let Some(part) = self.parts.get_mut(at) else { return };
        Arc::make_mut(&mut part.fact).name = in_place_of(&software.name, &part.fact.name);
        (part.service, part.operator, part.matched_by, part.location) = (None, None, None, None);
        part.control = Control::SelfHosted;
        if part.fact.role == Role::Artefact {
            // Served by ourselves now; who publishes it stays.
            return;
        }
        Arc::make_mut(&mut part.fact).role = Role::Own;
        (part.software, part.named_publisher) = (None, None);
        let seen = part.fact.evidence.first().cloned();
        if let Some(seen) = seen {
            let artefact = self.software_part(software, seen.clone());
            let (data, mitigations, any_of) = (Vec::new(), Vec::new(), None);
            let (from, kind) = (at as u32, LinkKind::BuiltFrom);
            self.links.push(Edge { from, to: artefact, kind, data, mitigations, any_of, evidence: vec![seen] });
        }
    }

    /// The software itself, as something that is fetched: its publisher can change the next version.
    fn software_part(&mut self, software: &'r Software, seen: Evidence) -> u32 {
        let id = format!("software:{}", software.id);
        if let Some(at) = self.parts.iter().position(|part| *part.fact.id == id) {
            return at as u32;
        }
        let fact = Component::new(&id, &software.name, "software", software.layer, Role::Artefact, seen);
        self.parts.push(Part {
            layer: if software.layer == Layer::Unclassified { Layer::Application } else { software.layer },
            control: Control::SelfHosted,
            service: None,
            software: Some(software),
            named_publisher: None,
            own_keys: false,
            matched_by: None,
            operator: None,
            location: None,
            fact: Arc::new(fact),
        });
        (self.parts.len() - 1) as u32
    }
}

fn in_place_of(new: &str, old: &str) -> String {
    format!("{new} (in place of {old})")
}

//! What the organisation states about its parts itself: its words for data and environments, and what no file shows.

use crate::graph::{Edge, Stack};
use crate::resolve::{Control, Location, provider_place};
use allod_facts::{Country, Evidence, LinkKind};
use allod_register::Service;
use std::sync::Arc;

/// A statement about one part, with the line that makes it.
#[derive(Clone, Debug)]
pub struct Stated<'r> {
    /// Position of the part.
    pub part: usize,
    pub fact: StatedFact<'r>,
    pub evidence: Evidence,
}

#[derive(Clone, Debug)]
pub enum StatedFact<'r> {
    /// It handles data of this class.
    Data(Arc<str>),
    /// Holds where the files say none.
    Environment(Arc<str>),
    /// It runs on another part, by position.
    RunsOn(usize),
    /// Holds where the register knows nobody.
    ProvidedBy(&'r Service),
    /// Holds where the files and the register give no country.
    LocatedIn(Country),
    /// The organisation runs it itself. Holds where the register knows nobody.
    RunByUs,
    /// What is kept in it is encrypted with keys that the organisation holds.
    OwnKeys,
}

impl<'r> Stack<'r> {
    /// Adds statements: what files say stays as it is. To be called before powers are computed.
    pub fn state(&mut self, statements: &[Stated<'r>]) {
        let mut links = Vec::new();
        for one in statements {
            let Some(part) = self.parts.get_mut(one.part) else { continue };
            match &one.fact {
                StatedFact::Data(class) => {
                    if let Err(at) = part.fact.data.binary_search(class) {
                        Arc::make_mut(&mut part.fact).data.insert(at, class.clone());
                    }
                }
                StatedFact::Environment(name) => {
                    if part.fact.environment.is_none() {
                        Arc::make_mut(&mut part.fact).environment = Some(name.clone());
                    }
                }
                StatedFact::RunsOn(to) if *to != one.part => links.push(Edge {
                    from: one.part as u32,
                    to: *to as u32,
                    kind: LinkKind::RunsOn,
                    data: Vec::new(),
                    mitigations: Vec::new(),
                    any_of: None,
                    evidence: vec![one.evidence.clone()],
                }),
                StatedFact::RunsOn(_) => {}
                StatedFact::ProvidedBy(service) => {
                    if part.control == Control::Unknown && part.service.is_none() {
                        part.service = Some(service);
                        part.operator = service.operator.as_ref().and_then(|id| self.register.entity(id));
                        part.control = if part.operator.is_some() { Control::Known } else { Control::Unknown };
                        let place =
                            provider_place(service).map(|country| Location { country: Some(country), region: None });
                        part.location = part.location.take().or(place);
                        Arc::make_mut(&mut part.fact).see(one.evidence.clone());
                        self.unresolved.retain(|unknown| unknown.component != Some(one.part as u32));
                    }
                }
                StatedFact::OwnKeys => part.own_keys = true,
                StatedFact::RunByUs => {
                    if part.control == Control::Unknown && part.service.is_none() {
                        part.control = Control::SelfHosted;
                        Arc::make_mut(&mut part.fact).see(one.evidence.clone());
                        self.unresolved.retain(|unknown| unknown.component != Some(one.part as u32));
                    }
                }
                StatedFact::LocatedIn(country) => match &mut part.location {
                    Some(location) if location.country.is_none() => location.country = Some(*country),
                    Some(_) => {}
                    none => *none = Some(Location { country: Some(*country), region: None }),
                },
            }
        }
        if !links.is_empty() {
            self.links.append(&mut links);
            crate::merge::unite_links(&mut self.links);
            self.restore_order();
        }
    }
}

use crate::fixpoint::Hop;
use crate::graph::Stack;
use crate::powers::{Holder, Lane, Power, Powers, When};
use crate::resolve::{Controller, Ground};
use allod_facts::Country;
use allod_register::Entity;
use std::collections::BTreeMap;

/// How a holder comes to a power over a part: along links, then through ownership.
#[derive(Clone, Debug)]
pub struct Path<'r> {
    /// The part itself first. Each hop but the last leads by its link to the next one.
    pub hops: Vec<Hop>,
    /// From the operator of the last part up to the one that the holder reaches it through. Empty for an unknown party.
    pub parties: Vec<Controller<'r>>,
}

/// A power of a jurisdiction over one part, all its lanes together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// `None`: a party that nobody knows.
    pub jurisdiction: Option<Country>,
    /// Its position in [`Powers::holders`].
    pub holder: usize,
    pub power: Power,
    /// *Stop* with its earliest time; for *read* the first data class.
    pub first: Lane,
    /// For *read*: positions of the data classes.
    pub classes: Vec<usize>,
}

impl Holding {
    pub fn when(&self) -> When {
        self.first.when()
    }
}

impl Powers {
    /// The powers of jurisdictions over a part: one entry for each jurisdiction and power.
    pub fn holdings(&self, part: usize) -> Vec<Holding> {
        let mut held: BTreeMap<(usize, Power), Holding> = BTreeMap::new();
        for lane in self.lanes() {
            for holder in self.held_by(part, lane) {
                let jurisdiction = match self.holders.get(holder) {
                    Some(Holder::Jurisdiction(country)) => Some(*country),
                    Some(Holder::Unknown) => None,
                    _ => continue,
                };
                let power = lane.power();
                let one = held.entry((holder, power)).or_insert_with(|| Holding {
                    jurisdiction,
                    holder,
                    power,
                    first: lane,
                    classes: Vec::new(),
                });
                if let Lane::Read(class) = lane {
                    one.classes.push(class);
                }
            }
        }
        held.into_values().collect()
    }

    /// The shortest path by which a holder has a power over a part; `None` when it has not. Among paths of one length
    /// the first by part id.
    pub fn explain<'r>(&self, stack: &Stack<'r>, part: usize, lane: Lane, holder: usize) -> Option<Path<'r>> {
        let hops = self.way(stack, part, lane, holder)?;
        let end = hops.last()?.part;
        Some(Path { parties: self.parties(stack, end, holder), hops })
    }

    /// The chain of parties from a part's operator (or publisher) to the one through which the holder has its power.
    pub(crate) fn parties<'r>(&self, stack: &Stack<'r>, part: usize, holder: usize) -> Vec<Controller<'r>> {
        let (Some(part), Some(holder)) = (stack.parts.get(part), self.holders.get(holder)) else { return Vec::new() };
        let is_holder = |entity: &Entity| match holder {
            Holder::Jurisdiction(country) => entity.country == Some(*country),
            Holder::Unknown => entity.country.is_none(),
            Holder::Entity(id) => entity.id == *id,
            Holder::Service(_) => true,
        };
        let controllers = part.controllers(stack.register);
        let end = controllers
            .iter()
            .position(|controller| is_holder(controller.entity) && controller.ground != Ground::Minority);
        let Some(mut at) = end else { return Vec::new() };
        let mut chain = Vec::new();
        // From the end down to the operator: each controller's edge says whom it holds.
        while let Some(controller) = controllers.get(at) {
            chain.push(*controller);
            let holds = |below: &Controller<'_>| {
                controller.edge.is_some_and(|edge| below.entity.control.iter().any(|other| std::ptr::eq(other, edge)))
            };
            match controllers.iter().take(at).position(holds) {
                Some(below) => at = below,
                None => break,
            }
        }
        chain.reverse();
        chain
    }
}

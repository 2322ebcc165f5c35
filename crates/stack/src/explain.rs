use crate::fixpoint::Hop;
use crate::graph::Stack;
use crate::powers::{Holder, Lane, Powers};
use crate::resolve::{Controller, Ground};
use allod_register::Entity;

/// How a holder comes to a power over a part: along links, then through ownership.
#[derive(Clone, Debug)]
pub struct Path<'r> {
    /// The part itself first. Each hop but the last leads by its link to the next one.
    pub hops: Vec<Hop>,
    /// From the operator of the last part up to the one that the holder reaches it through. Empty for an unknown party.
    pub parties: Vec<Controller<'r>>,
}

impl Powers {
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

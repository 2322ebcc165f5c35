use crate::graph::Stack;
use crate::powers::{Holder, Lane, Powers};
use crate::resolve::{Controller, Ground};
use allod_register::Entity;
use std::collections::{BTreeMap, VecDeque};

/// How a holder comes to a power over a part: along links, then through ownership.
#[derive(Clone, Debug)]
pub struct Path<'r> {
    /// The part itself first. Each hop but the last leads by its link to the next one.
    pub hops: Vec<Hop>,
    /// From the operator of the last part up to the one that the holder reaches it through. Empty for an unknown party.
    pub parties: Vec<Controller<'r>>,
}

/// For each place reached, where it was reached from (and by which link); `None` at the start.
type Trail = BTreeMap<(usize, Lane), Option<(usize, Lane, usize)>>;

/// A part on the way and the link (by position) that leads on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    pub part: usize,
    pub link: Option<usize>,
}

impl Powers {
    /// The shortest path by which a holder has a power over a part; `None` when it has not. Among paths of one length
    /// the first by part id.
    pub fn explain<'r>(&self, stack: &Stack<'r>, part: usize, lane: Lane, holder: usize) -> Option<Path<'r>> {
        if !self.has(part, lane, holder) {
            return None;
        }
        let mut came_from: Trail = BTreeMap::from([((part, lane), None)]);
        let mut queue = VecDeque::from([(part, lane)]);
        while let Some((at, lane)) = queue.pop_front() {
            if self.base_has(at, lane, holder) {
                let hops = walk_back(&came_from, (at, lane));
                return Some(Path { hops, parties: self.parties(stack, at, holder) });
            }
            for position in self.links_of(at) {
                let Some(link) = stack.links.get(position) else { continue };
                for source in self.sources(stack, link, lane) {
                    let next = (link.to as usize, source);
                    if self.has(next.0, source, holder) && !came_from.contains_key(&next) {
                        came_from.insert(next, Some((at, lane, position)));
                        queue.push_back(next);
                    }
                }
            }
        }
        None
    }

    /// The chain of parties from a part's operator (or publisher) to the one through which the holder has its power.
    fn parties<'r>(&self, stack: &Stack<'r>, part: usize, holder: usize) -> Vec<Controller<'r>> {
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

fn walk_back(came_from: &Trail, end: (usize, Lane)) -> Vec<Hop> {
    let mut hops = vec![Hop { part: end.0, link: None }];
    let mut at = end;
    while let Some(Some((part, lane, link))) = came_from.get(&at) {
        hops.push(Hop { part: *part, link: Some(*link) });
        at = (*part, *lane);
    }
    hops.reverse();
    hops
}

use super::{Kept, Kind, Node};
use allod_facts::{Component, Facts, Link};
use std::sync::Arc;

/// A batch, and the position of a component in it.
pub(super) type Sighting = (u32, u32);

/// The facts of one job, with where its components went.
pub(super) struct Batch {
    pub facts: Arc<Facts>,
    /// By component: its number.
    pub slots: Vec<u32>,
    /// By component: the first of its links in `by_from`.
    first: Vec<u32>,
    by_from: Vec<u32>,
}

impl Batch {
    pub fn new(facts: Arc<Facts>, slots: Vec<u32>) -> Batch {
        let mut by_from: Vec<u32> = (0..facts.links.len() as u32).collect();
        let from = |at: &u32| facts.links.get(*at as usize).map(|link| link.from);
        by_from.sort_by_key(from);
        let mut first = Vec::with_capacity(slots.len() + 1);
        let mut at = 0;
        for component in 0..=slots.len() as u32 {
            while by_from.get(at).and_then(from).is_some_and(|from| from < component) {
                at += 1;
            }
            first.push(at as u32);
        }
        Batch { facts, slots, first, by_from }
    }

    fn component(&self, at: u32) -> Option<&Arc<Component>> {
        self.facts.components.get(at as usize)
    }

    /// The links of a component, each with the number of its target.
    fn links_of(&self, at: u32) -> impl Iterator<Item = (u32, &Link)> {
        let first = |at: u32| self.first.get(at as usize).copied().unwrap_or(0) as usize;
        let range = first(at)..first(at + 1);
        let links = self.by_from.get(range).unwrap_or_default().iter();
        links.filter_map(|at| {
            let link = self.facts.links.get(*at as usize)?;
            Some((self.slots.get(link.to as usize).copied()?, link))
        })
    }
}

/// Components, by number, of which something else is said now.
#[derive(Default)]
pub(super) struct Differ {
    /// About themselves.
    pub facts: Vec<u32>,
    /// About their links.
    pub links: Vec<u32>,
}

impl<'r> Kept<'r> {
    /// Takes in batches in place of others; what did not really change is left out of what is told.
    pub(super) fn take_in(&mut self, left: &[u32], came: &[Arc<Facts>]) -> Differ {
        // By component: what left stands before what came.
        let mut seen: Vec<(u32, bool, Sighting)> = Vec::new();
        for number in left {
            let Some((facts, slots)) = self.batch(*number).map(|batch| (batch.facts.clone(), batch.slots.clone()))
            else {
                continue;
            };
            self.said.forget(*number, &facts);
            for (at, slot) in (0..).zip(&slots) {
                seen.push((*slot, false, (*number, at)));
                if let Some(node) = self.nodes.get_mut(*slot as usize) {
                    node.sightings.retain(|(batch, _)| batch != number);
                }
            }
        }
        for facts in came {
            let slots: Vec<u32> = facts.components.iter().map(|component| self.slot_of(component)).collect();
            // Numbers of those that left are not free yet.
            let number = self.batches.iter().position(Option::is_none).unwrap_or(self.batches.len()) as u32;
            self.see(number, &slots);
            self.said.hear(number, facts);
            seen.extend((0..).zip(&slots).map(|(at, slot)| (*slot, true, (number, at))));
            let batch = Some(Batch::new(facts.clone(), slots));
            match self.batches.get_mut(number as usize) {
                Some(place) => *place = batch,
                None => self.batches.push(batch),
            }
        }
        seen.sort_unstable();
        let mut differ = Differ::default();
        for of_one in seen.chunk_by(|(a, ..), (b, ..)| a == b) {
            let Some((slot, ..)) = of_one.first() else { continue };
            let (left, came) = of_one.split_at(of_one.partition_point(|(_, came, _)| !came));
            let (left, came) = (left.iter().map(|(.., one)| one), came.iter().map(|(.., one)| one));
            if !self.components(left.clone()).eq(self.components(came.clone())) {
                differ.facts.push(*slot);
            }
            let (mut one, mut other) = (self.links(left), self.links(came));
            let equal = loop {
                match (one.next(), other.next()) {
                    (None, None) => break true,
                    (Some((a, one)), Some((b, other))) if a == b && is_alike(one, other) => {}
                    _ => break false,
                }
            };
            if !equal {
                differ.links.push(*slot);
            }
        }
        for number in left {
            self.batches.iter_mut().skip(*number as usize).take(1).for_each(|batch| *batch = None);
        }
        differ
    }

    fn slot_of(&mut self, component: &Component) -> u32 {
        if let Some(slot) = self.ids.get(&component.id) {
            return *slot;
        }
        let (id, kind, sightings) = (component.id.clone(), Kind::Component, Vec::new());
        let slot = self.add(Node { id: id.clone(), kind, sightings, part: None, is_hidden: false });
        self.ids.insert(id, slot);
        slot
    }

    /// What sightings say.
    pub(super) fn components<'a>(
        &'a self,
        sightings: impl IntoIterator<Item = &'a Sighting>,
    ) -> impl Iterator<Item = &'a Arc<Component>> {
        sightings.into_iter().filter_map(|(batch, at)| self.batch(*batch)?.component(*at))
    }

    /// The links that sightings state, each with the number of its target.
    pub(super) fn links<'a>(
        &'a self,
        sightings: impl IntoIterator<Item = &'a Sighting>,
    ) -> impl Iterator<Item = (u32, &'a Link)> {
        let batches = sightings.into_iter().filter_map(|(batch, at)| Some((self.batch(*batch)?, *at)));
        batches.flat_map(|(batch, at)| batch.links_of(at))
    }
}

/// But for what they lead from and to.
fn is_alike(one: &Link, other: &Link) -> bool {
    let Link { from: _, to: _, kind, data, mitigations, any_of, evidence } = one;
    *kind == other.kind
        && *data == other.data
        && *mitigations == other.mitigations
        && *any_of == other.any_of
        && *evidence == other.evidence
}

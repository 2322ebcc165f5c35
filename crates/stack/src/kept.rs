//! A stack that is kept, and brought up to date when some of the facts behind it are others.
//!
//! The result is that of [`crate::build`], byte for byte. A component is done again when what was seen of it differs,
//! and with it those whose links lead to it, as far as a pass of [`crate::graph`] looks at the target of a link. When
//! that is a large share of the stack, or a component turns from an empty hint into a part, everything is built anew.

use crate::graph::{self, Stack, Trace, local};
use crate::merge::{merge, unite_diagnostics};
use crate::powers::Powers;
use crate::resolve::Part;
use allod_facts::{Delivery, Facts};
use allod_register::Register;
use batch::{Batch, Sighting};
use rustc_hash::{FxHashMap, FxHashSet};
use said::Said;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod anew;
mod batch;
mod group;
mod said;
mod splice;

pub(crate) use splice::Patch;

/// Where nothing stands.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// One in so many parts may be done again; when it is more, building everything anew costs no more.
const ANEW_ONE_IN: usize = 4;
/// This many may always be done again: of a small stack any change is a large share.
const ANEW_ALWAYS: usize = 200;

/// What a stack was built from, so that it can be brought up to date.
pub struct Kept<'r> {
    register: &'r Register,
    /// By number; a batch that left leaves its number to another one.
    batches: Vec<Option<Batch>>,
    /// Components and parts that were added, each under a number that it keeps.
    nodes: Vec<Node<'r>>,
    /// Numbers that nothing has.
    free: Vec<u32>,
    /// By number: the position in the stack, or [`NOWHERE`].
    position: Vec<u32>,
    /// By position: the number.
    at: Vec<u32>,
    /// Of the components.
    ids: FxHashMap<Arc<str>, u32>,
    /// By owner.
    mails: FxHashMap<u32, u32>,
    /// By service: the number, and how many links lead to it.
    defaults: BTreeMap<&'r str, (u32, usize)>,
    own_zones: BTreeSet<String>,
    /// How many components state each of them.
    zones: BTreeMap<String, usize>,
    /// By the number of who delivers.
    deliveries: Vec<Delivery>,
    said: Said,
}

/// A component, or a part that was added to the stack.
struct Node<'r> {
    id: Arc<str>,
    kind: Kind,
    sightings: Vec<Sighting>,
    /// As the register resolved it, before the passes over the graph. `None`: there is none any more.
    part: Option<Part<'r>>,
    is_hidden: bool,
}

/// In the order of parts with one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Component,
    /// Of the component with this number.
    Mail(u32),
    Default,
}

/// How a stack was brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The facts are the same.
    Same,
    /// So many parts were done again, and the powers over so many: `None` when they were solved for all.
    Parts { parts: usize, solved: Option<usize> },
    /// Everything was built anew.
    Whole,
}

impl<'r> Kept<'r> {
    /// Builds the stack of batches, and keeps what it was built from.
    pub fn of(batches: &[Arc<Facts>], register: &'r Register) -> (Kept<'r>, Stack<'r>) {
        let (merged, placed) = merge(batches.iter().map(|batch| Facts::clone(batch)).collect());
        let deliveries = merged.deliveries.clone();
        let mut trace = Trace::default();
        let stack = graph::build(merged, register, Some(&mut trace));
        let mut kept = Kept {
            register,
            batches: Vec::new(),
            nodes: trace
                .resolved
                .into_iter()
                .map(|part| Node::new(part.fact.id.clone(), Kind::Component, part))
                .collect(),
            free: Vec::new(),
            position: Vec::new(),
            at: trace.origin,
            ids: FxHashMap::default(),
            mails: FxHashMap::default(),
            defaults: BTreeMap::new(),
            own_zones: BTreeSet::new(),
            zones: BTreeMap::new(),
            deliveries,
            said: Said::default(),
        };
        kept.ids = (0..).zip(&kept.nodes).map(|(at, node)| (node.id.clone(), at)).collect();
        for zone in kept.nodes.iter().filter_map(|node| local::own_zone(&node.part.as_ref()?.fact)) {
            *kept.zones.entry(zone).or_default() += 1;
        }
        kept.own_zones = kept.zones.keys().cloned().collect();
        kept.take_added(&trace.mails, &stack);
        for ((number, facts), slots) in (0..).zip(batches).zip(placed) {
            kept.see(number, &slots);
            kept.batches.push(Some(Batch::new(facts.clone(), slots)));
        }
        kept.said = Said::of(&kept, &stack);
        (kept, stack)
    }

    /// Takes over the parts that were added to the components.
    fn take_added(&mut self, mails: &[u32], stack: &Stack<'r>) {
        let first = self.nodes.len() as u32;
        let mut added: Vec<(u32, &Part<'r>)> =
            self.at.iter().zip(&stack.parts).filter(|(at, _)| **at >= first).map(|(at, part)| (*at, part)).collect();
        added.sort_by_key(|(at, _)| *at);
        for (at, part) in added {
            let kind = mails.get((at - first) as usize).map_or(Kind::Default, |owner| Kind::Mail(*owner));
            self.nodes.push(Node::new(part.fact.id.clone(), kind, part.clone()));
            match (kind, part.service) {
                (Kind::Mail(owner), _) => drop(self.mails.insert(owner, at)),
                (_, Some(service)) => drop(self.defaults.insert(&service.id, (at, 0))),
                _ => {}
            }
        }
        self.position = vec![NOWHERE; self.nodes.len()];
        for (position, at) in (0..).zip(&self.at) {
            self.position.iter_mut().skip(*at as usize).take(1).for_each(|slot| *slot = position);
        }
        for (at, uses) in self.defaults.values_mut() {
            let position = self.position.get(*at as usize).copied().unwrap_or(NOWHERE);
            *uses = stack.links.iter().filter(|link| link.to == position).count();
        }
    }

    fn see(&mut self, batch: u32, slots: &[u32]) {
        for (at, slot) in (0..).zip(slots) {
            if let Some(node) = self.nodes.get_mut(*slot as usize) {
                node.sightings.push((batch, at));
            }
        }
    }

    /// Brings a stack and its powers to what these batches make. A batch is known by its pointer.
    pub fn renew(&mut self, batches: &[Arc<Facts>], stack: &mut Stack<'r>, powers: &mut Powers) -> Renewed {
        let known: FxHashSet<*const Facts> =
            self.batches.iter().flatten().map(|batch| Arc::as_ptr(&batch.facts)).collect();
        let now: FxHashSet<*const Facts> = batches.iter().map(Arc::as_ptr).collect();
        let came: Vec<Arc<Facts>> = batches.iter().filter(|one| !known.contains(&Arc::as_ptr(one))).cloned().collect();
        let is_gone = |batch: &Batch| !now.contains(&Arc::as_ptr(&batch.facts));
        let left: Vec<u32> = (0..)
            .zip(&self.batches)
            .filter(|(_, batch)| batch.as_ref().is_some_and(is_gone))
            .map(|(number, _)| number)
            .collect();
        if came.is_empty() && left.is_empty() {
            return Renewed::Same;
        }
        let says = |facts: &Facts| !facts.diagnostics.is_empty();
        let told = came.iter().any(|facts| says(facts))
            || left.iter().filter_map(|at| self.batch(*at)).any(|one| says(&one.facts));
        let Some(renewed) = self.patch(&left, &came, stack, powers) else {
            // The memory of what there was is needed again.
            self.nodes.clear();
            self.batches.clear();
            (stack.parts, stack.links) = (Vec::new(), Vec::new());
            *powers = Powers::default();
            (*self, *stack) = Kept::of(batches, self.register);
            *powers = Powers::of(stack);
            return Renewed::Whole;
        };
        if told {
            stack.diagnostics = batches.iter().flat_map(|facts| facts.diagnostics.iter().cloned()).collect();
            unite_diagnostics(&mut stack.diagnostics);
        }
        renewed
    }

    fn batch(&self, number: u32) -> Option<&Batch> {
        self.batches.get(number as usize)?.as_ref()
    }

    fn node(&self, slot: u32) -> Option<&Node<'r>> {
        self.nodes.get(slot as usize)
    }

    /// A component as the register resolved it, or a part that was added. `None` when it is no part of the stack.
    fn shown(&self, slot: u32) -> Option<&Part<'r>> {
        self.node(slot).filter(|node| !node.is_hidden)?.part.as_ref()
    }

    fn position(&self, slot: u32) -> Option<u32> {
        self.position.get(slot as usize).copied().filter(|position| *position != NOWHERE)
    }

    /// A number for what was not there yet.
    fn add(&mut self, node: Node<'r>) -> u32 {
        if let Some(slot) = self.free.pop() {
            if let Some(place) = self.nodes.get_mut(slot as usize) {
                *place = node;
            }
            return slot;
        }
        self.nodes.push(node);
        self.position.push(NOWHERE);
        (self.nodes.len() - 1) as u32
    }

    /// The order of parts.
    fn order(&self, a: u32, b: u32) -> Ordering {
        let key = |slot: u32| {
            let node = self.node(slot)?;
            let owner = match node.kind {
                Kind::Mail(owner) => self.node(owner).map(|owner| &*owner.id),
                _ => None,
            };
            let rank = match node.kind {
                Kind::Component => 0,
                Kind::Mail(_) => 1,
                Kind::Default => 2,
            };
            Some((&*node.id, rank, owner))
        };
        if a == b { Ordering::Equal } else { key(a).cmp(&key(b)) }
    }
}

impl<'r> Node<'r> {
    fn new(id: Arc<str>, kind: Kind, part: Part<'r>) -> Node<'r> {
        let is_hidden = kind == Kind::Component && local::is_empty_hint(&part);
        Node { id, kind, sightings: Vec::new(), part: Some(part), is_hidden }
    }
}

use super::group::Group;
use super::splice::Placed;
use super::{ANEW_ALWAYS, ANEW_ONE_IN, Kept, Kind, Node, Renewed};
use crate::fixpoint::Links;
use crate::graph::{Stack, Unknown, local};
use crate::merge::{unite, unite_deliveries};
use crate::powers::Powers;
use crate::resolve::{Part, resolve};
use allod_facts::{Clue, Component, Delivery, Facts, LinkKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What has to be done again.
#[derive(Default)]
struct Anew {
    /// Components, with their links.
    groups: FxHashSet<u32>,
    /// Components that are gone.
    dead: Vec<u32>,
}

impl<'r> Kept<'r> {
    /// Brings a stack and its powers up to date; says how many parts were done again. `None`: it has to be built anew,
    /// and so has all that is kept.
    pub(super) fn patch(
        &mut self,
        left: &[u32],
        came: &[Arc<Facts>],
        stack: &mut Stack<'r>,
        powers: &mut Powers,
    ) -> Option<Renewed> {
        let others = |kept: &Kept<'r>| -> Vec<Arc<Facts>> {
            let left = left.iter().filter_map(|number| kept.batch(*number)).map(|batch| batch.facts.clone());
            left.chain(came.iter().cloned()).collect()
        };
        let others = others(self);
        let turns = self.unresolved_in(others.iter().map(|facts| &**facts));
        let delivers = others.iter().any(|facts| !facts.deliveries.is_empty());
        drop(others);
        let differ = self.take_in(left, came);
        let most = ANEW_ALWAYS.max(self.at.len() / ANEW_ONE_IN);
        if differ.facts.len().max(differ.links.len()) > most {
            return None;
        }
        let mut anew = Anew { groups: differ.links.into_iter().collect(), dead: Vec::new() };
        self.resolve_again(&differ.facts, &mut anew, stack, &powers.links)?;
        if delivers {
            self.deliver_again(&mut anew);
        }
        let (turns, told) = self.turned(turns);
        anew.groups.retain(|slot| self.shown(*slot).is_some());
        if anew.groups.len() > most {
            return None;
        }
        let (placed, mut dead, defaults) = self.place(&anew, stack, &powers.links);
        dead.extend(&anew.dead);

        // What followed from the stack, as it was.
        let of_turns = told.keys().copied();
        let mut asked: Vec<u32> =
            placed.iter().map(|(slot, ..)| *slot).chain(dead.iter().copied()).chain(of_turns).collect();
        asked.extend(&defaults);
        asked.sort_unstable();
        asked.dedup();
        let was_told = |slot: &u32| told.get(slot).copied().unwrap_or_else(|| self.said.is_told(*slot));
        let why = |slot: &u32, told: bool, zones: &BTreeSet<String>, stack: &Stack<'r>| -> Option<Unknown> {
            let position = self.position(*slot)?;
            local::why_unknown(stack.parts.get(position as usize)?, position, told, zones)
        };
        let gone: Vec<Unknown> =
            asked.iter().filter_map(|slot| why(slot, was_told(slot), &BTreeSet::new(), stack)).collect();

        let passes = self.that_pass_otherwise(&placed, stack, &powers.links);
        let positions: FxHashSet<u32> = dead.iter().filter_map(|slot| self.position(*slot)).collect();
        let parts = placed.len();
        let mut patch = self.splice(stack, powers.links.first(), &positions, placed);
        patch.passes = passes
            .iter()
            .filter_map(|at| patch.moved.get(*at as usize).copied())
            .filter(|at| *at != super::NOWHERE)
            .collect();
        patch.passes.sort_unstable();
        patch.passes.dedup();
        let before = powers.links.renew(stack, &patch);
        self.renew_defaults(&defaults, stack, &powers.links);
        let why = |slot: &u32| {
            let position = self.position(*slot)?;
            local::why_unknown(stack.parts.get(position as usize)?, position, self.said.is_told(*slot), &self.own_zones)
        };
        let new: Vec<Unknown> = asked.iter().filter_map(why).collect();
        self.patch_unresolved(stack, &patch, turns, gone, new);
        let solved = powers.renew(stack, &patch, &before);
        self.bury(dead);
        Some(Renewed::Parts { parts, solved })
    }

    /// Unites and resolves components again. `None` when one is shown now and was not before, or the other way round.
    fn resolve_again(&mut self, slots: &[u32], anew: &mut Anew, stack: &mut Stack<'r>, links: &Links) -> Option<()> {
        let mut facts: Vec<(u32, Option<Arc<Component>>)> = Vec::with_capacity(slots.len());
        for slot in slots {
            let sightings = self.node(*slot).map(|node| node.sightings.as_slice()).unwrap_or_default();
            facts.push((*slot, unite(self.components(sightings).cloned().collect())));
        }
        let zones = self.renew_zones(&facts);
        if !zones.is_empty() {
            let known: FxHashSet<u32> = slots.iter().copied().collect();
            let parts = (0..).zip(&self.nodes).filter_map(|(slot, node)| Some((slot, node.part.as_ref()?)));
            let under = parts.filter(|(slot, part)| !known.contains(slot) && is_under(part, &zones));
            facts.extend(under.map(|(slot, part)| (slot, Some(part.fact.clone()))));
        }
        for (slot, fact) in facts {
            let now = fact.map(|fact| resolve(fact, self.register, &self.own_zones));
            let hidden = now.as_ref().is_some_and(local::is_empty_hint);
            let node = self.nodes.get_mut(slot as usize)?;
            let was_hidden = std::mem::replace(&mut node.is_hidden, hidden);
            let before = std::mem::replace(&mut node.part, now);
            let (before, now) = (before.as_ref(), node.part.as_ref());
            if before.is_some() && now.is_some() && hidden != was_hidden {
                return None;
            }
            stack.hints_without_service += usize::from(hidden && before.is_none());
            stack.hints_without_service -= usize::from(was_hidden && now.is_none());
            let face = |part: &Part<'r>| (part.fact.layer, part.fact.role, part.software.map(|one| one.id.clone()));
            let other_face = before.zip(now).is_some_and(|(before, now)| face(before) != face(now));
            let states = |part: Option<&Part<'r>>| part.map(local::states_name);
            let host = node.id.strip_prefix("name:").filter(|_| states(before) != states(now));
            anew.groups.extend(host.and_then(|host| self.ids.get(format!("host:{host}").as_str())));
            match now {
                Some(_) => drop(anew.groups.insert(slot)),
                None => anew.dead.push(slot),
            }
            if other_face {
                anew.groups.extend(self.that_link_to(slot, links));
            }
        }
        Some(())
    }

    /// The components that link to a part.
    fn that_link_to(&self, slot: u32, links: &Links) -> Vec<u32> {
        let Some(position) = self.position(slot) else { return Vec::new() };
        let from = links.dependents(position as usize).iter().filter_map(|from| self.at.get(*from as usize));
        from.map(|from| match self.node(*from).map(|node| node.kind) {
            Some(Kind::Mail(owner)) => owner,
            _ => *from,
        })
        .collect()
    }

    /// Counts our own zones anew; gives those that are new or gone.
    fn renew_zones(&mut self, facts: &[(u32, Option<Arc<Component>>)]) -> BTreeSet<String> {
        let mut turned = BTreeSet::new();
        for (slot, fact) in facts {
            let Some(node) = self.nodes.get(*slot as usize) else { continue };
            let before = node.part.as_ref().and_then(|part| local::own_zone(&part.fact));
            let now = fact.as_ref().and_then(|fact| local::own_zone(fact));
            // A link leads to the component, whatever name it gives itself.
            let id = node.id.strip_prefix("zone:").filter(|_| node.part.is_some() != fact.is_some());
            turned.extend(id.map(str::to_owned));
            if before != now {
                if let Some(count) = before.as_ref().and_then(|zone| self.zones.get_mut(zone)) {
                    *count -= 1;
                }
                now.iter().for_each(|zone| *self.zones.entry(zone.clone()).or_default() += 1);
                turned.extend(before.into_iter().chain(now));
            }
        }
        self.zones.retain(|_, count| *count > 0);
        if !turned.is_empty() {
            self.own_zones = self.zones.keys().cloned().collect();
        }
        turned
    }

    /// Compares what is delivered with what was, and notes whom it concerns.
    fn deliver_again(&mut self, anew: &mut Anew) {
        let batches = self.batches.iter().flatten();
        let mut now: Vec<Delivery> = batches
            .flat_map(|batch| batch.facts.deliveries.iter().map(move |one| (batch, one)))
            .filter_map(|(batch, one)| Some(Delivery { by: *batch.slots.get(one.by as usize)?, ..one.clone() }))
            .collect();
        unite_deliveries(&mut now, |a, b| self.order(a, b));
        let before = std::mem::replace(&mut self.deliveries, now);
        let key = |one: &Delivery| (one.by, one.what.clone(), one.evidence.clone());
        let was: BTreeSet<_> = before.iter().map(key).collect();
        let is: BTreeSet<_> = self.deliveries.iter().map(key).collect();
        let differ: Vec<_> = was.symmetric_difference(&is).collect();
        for (slot, node) in (0..).zip(&self.nodes).filter(|(_, node)| node.kind == Kind::Component) {
            let Some(part) = &node.part else { continue };
            if differ.iter().any(|(_, what, _)| local::is_delivered(part, what)) {
                anew.groups.insert(slot);
            }
        }
    }

    /// Does the components again that have to be; gives also what was added to the stack and is gone, and the defaults
    /// that others talk to now.
    fn place(&mut self, anew: &Anew, stack: &Stack<'r>, links: &Links) -> (Vec<Placed<'r>>, Vec<u32>, BTreeSet<u32>) {
        let mut slots: Vec<u32> = anew.groups.iter().copied().collect();
        slots.sort_unstable();
        let mut groups: Vec<(u32, Group<'r>)> =
            slots.iter().filter_map(|slot| Some((*slot, self.group(*slot)?))).collect();
        for (_, group) in &groups {
            for (service, evidence) in &group.talks {
                let Some(seen) = evidence.first().filter(|_| !self.defaults.contains_key(service.id.as_str())) else {
                    continue;
                };
                let part = local::default_of(service, seen.clone(), self.register);
                let slot = self.add(Node::new(part.fact.id.clone(), Kind::Default, part));
                self.defaults.insert(&service.id, (slot, 0));
            }
        }
        for (slot, group) in &mut groups {
            self.complete(*slot, group);
        }
        let mut uses: FxHashMap<u32, isize> = FxHashMap::default();
        let is_default = |slot: &u32| self.node(*slot).is_some_and(|node| node.kind == Kind::Default);
        for position in slots.iter().chain(&anew.dead).filter_map(|slot| self.position(*slot)) {
            let before = stack.links.get(links.from(position as usize)).unwrap_or_default();
            let targets = before.iter().filter_map(|link| self.at.get(link.to as usize)).filter(|to| is_default(to));
            targets.for_each(|to| *uses.entry(*to).or_default() -= 1);
        }
        for link in groups.iter().flat_map(|(_, group)| &group.links).filter(|link| is_default(&link.to)) {
            *uses.entry(link.to).or_default() += 1;
        }
        let touched: BTreeSet<u32> = uses.keys().copied().collect();
        for (slot, count) in self.defaults.values_mut() {
            *count = count.saturating_add_signed(uses.get(slot).copied().unwrap_or(0));
        }
        let mut placed: Vec<Placed<'r>> = Vec::with_capacity(groups.len());
        let mut dead: Vec<u32> = self.defaults.values().filter(|(_, uses)| *uses == 0).map(|(slot, _)| *slot).collect();
        self.defaults.retain(|_, (_, uses)| *uses > 0);
        for slot in touched.iter().filter(|slot| self.position(**slot).is_none() && !dead.contains(slot)) {
            placed.extend(self.shown(*slot).map(|part| (*slot, part.clone(), Vec::new())));
        }
        for owner in &anew.dead {
            dead.extend(self.mails.remove(owner));
        }
        for (slot, group) in groups {
            placed.push((slot, group.part, group.links));
            match group.mail {
                None => dead.extend(self.mails.remove(&slot)),
                Some((part, links)) => {
                    let has_other_name = |mail: &u32| self.node(*mail).is_some_and(|node| node.id != part.fact.id);
                    if self.mails.get(&slot).is_some_and(has_other_name) {
                        dead.extend(self.mails.remove(&slot));
                    }
                    placed.push((self.mail_slot(slot, &part), part, links));
                }
            }
        }
        (placed, dead, touched)
    }

    fn mail_slot(&mut self, owner: u32, part: &Part<'r>) -> u32 {
        if let Some(slot) = self.mails.get(&owner) {
            return *slot;
        }
        let slot = self.add(Node::new(part.fact.id.clone(), Kind::Mail(owner), part.clone()));
        self.mails.insert(owner, slot);
        slot
    }

    /// The parts (by position before) whose links pass other powers, because what they lead to is of another kind now.
    fn that_pass_otherwise(&self, placed: &[Placed<'r>], stack: &Stack<'r>, links: &Links) -> Vec<u32> {
        let face = |part: &Part<'r>| {
            (part.layer, part.fact.role, part.service.map(|service| service.id.clone()), part.is_hint())
        };
        let mut passes = Vec::new();
        for (slot, part, _) in placed {
            let Some(position) = self.position(*slot) else { continue };
            if stack.parts.get(position as usize).is_some_and(|before| face(before) != face(part)) {
                passes.extend_from_slice(links.dependents(position as usize));
            }
        }
        passes
    }

    /// Where defaults were seen: wherever the software is that talks to them.
    fn renew_defaults(&mut self, defaults: &BTreeSet<u32>, stack: &mut Stack<'r>, links: &Links) {
        for slot in defaults {
            let Some(position) = self.position(*slot) else { continue };
            let Some(service) = stack.parts.get(position as usize).and_then(|part| part.service) else { continue };
            let mut seen = Vec::new();
            for from in links.dependents(position as usize) {
                let built = stack.links.get(links.from(*from as usize)).unwrap_or_default().iter();
                let mut built: Vec<_> = built.filter(|link| link.kind == LinkKind::BuiltFrom).collect();
                built.sort_by(|a, b| {
                    (a.to, &a.mitigations, &a.any_of, &a.data).cmp(&(b.to, &b.mitigations, &b.any_of, &b.data))
                });
                for link in built {
                    let software = stack.parts.get(link.to as usize).and_then(|image| image.software);
                    let talks = software.iter().flat_map(|software| &software.talks_to);
                    for _ in talks.filter(|talk| talk.service == service.id) {
                        seen.extend(link.evidence.iter().cloned());
                    }
                }
            }
            if let Some(part) = stack.parts.get_mut(position as usize) {
                Arc::make_mut(&mut part.fact).evidence = local::each_once(seen);
            }
        }
    }

    /// Forgets what is gone; its numbers are free again.
    fn bury(&mut self, dead: Vec<u32>) {
        for slot in dead {
            let Some(node) = self.nodes.get_mut(slot as usize) else { continue };
            (node.part, node.is_hidden) = (None, false);
            if node.kind == Kind::Component {
                self.ids.remove(&node.id);
            }
            self.free.push(slot);
        }
    }
}

/// Whether something of a part lies under one of these zones.
fn is_under(part: &Part<'_>, zones: &BTreeSet<String>) -> bool {
    let host = |clue: &Clue| clue.text.split(['/', ':']).next().map(str::to_owned);
    let clues = part.fact.clues.iter();
    let texts = clues.flat_map(|clue| [Some(clue.text.to_string()), host(clue)]).flatten();
    let id = part.fact.id.strip_prefix("host:").map(str::to_owned);
    texts.chain(id).any(|text| crate::resolve::under_own_zone(&text, zones))
}

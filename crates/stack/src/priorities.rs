use crate::fixpoint::{bits_of, set_bit, unite};
use crate::graph::Stack;
use crate::home::Home;
use crate::powers::{Holder, Lane, Powers, SECRETS};
use crate::resolve::{Control, Origins, Part};
use allod_facts::{Country, Layer, Role};
use allod_register::Service;
use std::collections::BTreeMap;

/// A foreign service, with what would be gained by replacing it.
#[derive(Clone, Debug)]
pub struct Priority<'r> {
    pub service: &'r Service,
    pub controlled_from: Vec<Country>,
    /// Parts of the service, the best-seen first.
    pub parts: Vec<usize>,
    /// Our own parts over which it gives somebody abroad the power to read, stop or change.
    pub reads: usize,
    pub stops: usize,
    pub changes: usize,
    /// Data classes that can be read through it, as the user named them.
    pub classes: Vec<String>,
    /// Ids of services and software from the register that could take its place and are not controlled from abroad.
    pub alternatives: Vec<String>,
    pub score: usize,
}

/// What is read and by class, and what can be stopped now, weighs more than what could be changed at the next build;
/// one more part of the service itself weighs least.
fn score(priority: &Priority<'_>, weights: [usize; 3], provided: usize) -> usize {
    let [reads, stops, changes] = weights;
    // Who serves artefacts or certificates changes what is fetched next, not what runs.
    let later =
        provided == 0 || matches!(priority.service.layer, Layer::Certificates | Layer::Registry | Layer::Packages);
    let classified = priority.classes.iter().filter(|class| *class != SECRETS).count();
    20 * classified + 4 * reads + 6 * stops + if later { 1 } else { 6 } * changes + provided
}

/// A part that is known to handle classified data, or to be in an environment that somebody named, counts three times.
fn weight(part: &Part<'_>, classes: u64) -> usize {
    // Positions 0 and 1 are unclassified data and secrets.
    if classes >> 2 != 0 || part.fact.environment.is_some() { 3 } else { 1 }
}

impl<'r> Stack<'r> {
    /// Foreign services, the one whose replacement removes most first.
    pub fn priorities(&self, powers: &Powers, home: &Home) -> Vec<Priority<'r>> {
        let mut priorities: Vec<Priority<'r>> = Vec::new();
        let mut of_service: BTreeMap<&str, usize> = BTreeMap::new();
        // By likeness: the priority, if it is one; `None` is not asked yet.
        let mut known: Vec<Option<Option<usize>>> = Vec::new();
        let mut origins = Origins::default();
        for (at, part) in self.parts.iter().enumerate() {
            let Some(service) = part.service.filter(|_| part.control == Control::Known && !part.is_hint()) else {
                continue;
            };
            let likeness = powers.likeness(at);
            if known.len() <= likeness {
                known.resize(likeness + 1, None);
            }
            let Some(known) = known.get_mut(likeness) else { continue };
            let place = *known.get_or_insert_with(|| {
                let from = origins.of(at, part, powers, self.register).iter().copied();
                let abroad: Vec<Country> = from.filter(|country| !home.has(*country)).collect();
                let first = || {
                    priorities.push(self.priority(service, abroad.clone(), home));
                    priorities.len() - 1
                };
                (!abroad.is_empty()).then(|| *of_service.entry(&service.id).or_insert_with(first))
            });
            if let Some(priority) = place.and_then(|place| priorities.get_mut(place)) {
                priority.parts.push(at);
            }
        }
        let weights = self.count(&mut priorities, powers);
        for (priority, weights) in priorities.iter_mut().zip(weights) {
            let is_provided = |at: &&usize| self.parts.get(**at).is_some_and(|part| part.fact.role == Role::Provided);
            let provided = priority.parts.iter().filter(is_provided).count();
            priority.score = score(priority, weights, provided);
        }
        priorities.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.service.id.cmp(&b.service.id)));
        priorities
    }

    fn priority(&self, service: &'r Service, controlled_from: Vec<Country>, home: &Home) -> Priority<'r> {
        Priority {
            service,
            controlled_from,
            parts: Vec::new(),
            reads: 0,
            stops: 0,
            changes: 0,
            classes: Vec::new(),
            alternatives: self.alternatives(service, home),
            score: 0,
        }
    }

    /// Counts what services give somebody abroad, in one pass over the parts; gives for each the counts of read, stop
    /// and change with each part's weight.
    fn count(&self, priorities: &mut [Priority<'r>], powers: &Powers) -> Vec<[usize; 3]> {
        // How many parts, and their weights: read, stop and change.
        let mut counts = vec![[(0, 0); 3]; priorities.len()];
        let mut of_holder: Vec<Option<usize>> = vec![None; powers.holders.len()];
        let mut asked: Vec<u64> = vec![0; powers.holders.len().div_ceil(64)];
        for (at, priority) in priorities.iter().enumerate() {
            let holder = powers.holder(&Holder::Service(priority.service.id.to_string()));
            if let Some((holder, place)) = holder.and_then(|holder| Some((holder, of_holder.get_mut(holder)?))) {
                *place = Some(at);
                set_bit(&mut asked, holder);
            }
        }
        let services = |row: &[u64], count: &mut dyn FnMut(usize)| {
            for (at, (row, asked)) in row.iter().zip(&asked).enumerate() {
                bits_of(row & asked)
                    .filter_map(|bit| of_holder.get(at * 64 + bit).copied().flatten())
                    .for_each(&mut *count);
            }
        };
        let mut by_class: Vec<Vec<u64>> = vec![vec![0; asked.len()]; powers.classes.len()];
        let mut reads = vec![0; asked.len()];
        for (at, part) in self.parts.iter().enumerate().filter(|(_, part)| part.is_ours()) {
            let weight = weight(part, powers.classes_of.get(at).copied().unwrap_or(0));
            reads.fill(0);
            for (class, all) in by_class.iter_mut().enumerate() {
                let row = powers.row(at, Lane::Read(class));
                unite(&mut reads, row);
                unite(all, row);
            }
            for (kind, row) in
                [&*reads, powers.row(at, Lane::Stop), powers.row(at, Lane::Change)].into_iter().enumerate()
            {
                services(row, &mut |one| {
                    let sums = counts.get_mut(one).and_then(|counts| counts.get_mut(kind));
                    sums.into_iter().for_each(|(count, weights)| {
                        *count += 1;
                        *weights += weight;
                    });
                });
            }
        }
        for (priority, [reads, stops, changes]) in priorities.iter_mut().zip(&counts) {
            (priority.reads, priority.stops, priority.changes) = (reads.0, stops.0, changes.0);
        }
        // Position 0 is what nobody classified.
        for (name, row) in powers.classes.iter().zip(&by_class).skip(1) {
            services(row, &mut |one| {
                priorities.iter_mut().skip(one).take(1).for_each(|priority| priority.classes.push(name.to_string()));
            });
        }
        counts.into_iter().map(|kinds| kinds.map(|(_, weight)| weight)).collect()
    }

    pub(crate) fn alternatives(&self, service: &Service, home: &Home) -> Vec<String> {
        let at_home = |id: &String| match self.register.service(id) {
            Some(other) => other.operator.as_ref().and_then(|id| self.register.entity(id)).is_some_and(|entity| {
                let (countries, some_unknown) = self.register.countries(entity);
                !some_unknown && !countries.is_empty() && countries.iter().all(|country| home.has(*country))
            }),
            // Software that one runs oneself has no operator.
            None => self.register.software(id).is_some(),
        };
        service.alternatives.iter().map(ToString::to_string).filter(at_home).collect()
    }
}

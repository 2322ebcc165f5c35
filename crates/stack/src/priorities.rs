use crate::graph::Stack;
use crate::home::Home;
use crate::powers::{Holder, Lane, Powers, SECRETS};
use crate::resolve::{Origins, Part};
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
        let mut by_service: BTreeMap<&str, Priority<'r>> = BTreeMap::new();
        let mut origins = Origins::default();
        for (at, part) in self.parts.iter().enumerate() {
            let Some(service) = part.service else { continue };
            let abroad: Vec<Country> =
                origins.of(part, self.register).iter().copied().filter(|country| !home.has(*country)).collect();
            if abroad.is_empty() || part.is_hint() {
                continue;
            }
            let priority = by_service.entry(&service.id).or_insert_with(|| Priority {
                service,
                controlled_from: abroad,
                parts: Vec::new(),
                reads: 0,
                stops: 0,
                changes: 0,
                classes: Vec::new(),
                alternatives: self.alternatives(service, home),
                score: 0,
            });
            priority.parts.push(at);
        }
        let mut priorities: Vec<Priority<'r>> = by_service.into_values().collect();
        for priority in &mut priorities {
            let weights = self.count(priority, powers);
            let is_provided = |at: &&usize| self.parts.get(**at).is_some_and(|part| part.fact.role == Role::Provided);
            let provided = priority.parts.iter().filter(is_provided).count();
            priority.score = score(priority, weights, provided);
        }
        priorities.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.service.id.cmp(&b.service.id)));
        priorities
    }

    /// Counts what the service gives somebody abroad; returns the counts of read, stop and change with each part's
    /// weight.
    fn count(&self, priority: &mut Priority<'r>, powers: &Powers) -> [usize; 3] {
        let mut weights = [0; 3];
        let Some(holder) = powers.holder(&Holder::Service(priority.service.id.to_string())) else { return weights };
        let mut classes = 0_u64;
        for (at, part) in self.parts.iter().enumerate().filter(|(_, part)| part.is_ours()) {
            let mut reads = false;
            let weight = weight(part, powers.classes_of.get(at).copied().unwrap_or(0));
            let [read, stop, change] = &mut weights;
            for lane in powers.lanes().filter(|lane| powers.has(at, *lane, holder)) {
                match lane {
                    Lane::Stop => {
                        priority.stops += 1;
                        *stop += weight;
                    }
                    Lane::Change => {
                        priority.changes += 1;
                        *change += weight;
                    }
                    Lane::StopLater => {}
                    Lane::Read(class) => {
                        reads = true;
                        classes |= 1 << class;
                    }
                }
            }
            priority.reads += usize::from(reads);
            *read += usize::from(reads) * weight;
        }
        // Position 0 is what nobody classified.
        priority.classes = powers
            .classes
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(class, _)| classes >> class & 1 == 1)
            .map(|(_, name)| name.to_string())
            .collect();
        weights
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

//! Chokepoints: the fewest components to replace so that a jurisdiction loses a power, and what each replacement alone
//! would end.

mod cut;
mod scenarios;

pub use cut::{Cut, Target};
pub(crate) use scenarios::stays;

use crate::graph::Stack;
use crate::home::Home;
use crate::powers::{Holder, Lane, Power, Powers};
use crate::resolve::{Ground, Part};
use allod_facts::{Country, Evidence};
use allod_register::{Service, Software};
use scenarios::Scenarios;
use std::collections::{BTreeMap, BTreeSet};

/// Something to replace, as one decision: all parts of a service, all parts that are of one software (whoever serves
/// them), or one part of which the register knows neither.
#[derive(Clone, Debug)]
pub struct Chokepoint<'r> {
    pub service: Option<&'r Service>,
    /// Its publisher is who holds the powers.
    pub software: Option<&'r Software>,
    /// By position, the best-seen first.
    pub parts: Vec<usize>,
    /// Jurisdictions abroad that hold a power through it.
    pub jurisdictions: Vec<Country>,
    /// Pairs of a jurisdiction and one of our own parts over which it holds read, stop, change through this.
    pub holds: [usize; 3],
    /// Of these, the pairs that end when this alone is replaced.
    pub ends: [usize; 3],
    /// Ids of services and software from the register that are not controlled from abroad.
    pub alternatives: Vec<String>,
    /// Files and lines that the replacement touches: where its parts are described, and where ours name them.
    pub touches: Vec<Evidence>,
}

impl Powers {
    /// Everything through which somebody abroad holds a power over our own parts; what ends most alone comes first.
    pub fn chokepoints<'r>(&self, stack: &Stack<'r>, home: &Home) -> Vec<Chokepoint<'r>> {
        let mut found: BTreeMap<Key<'r>, Chokepoint<'r>> = BTreeMap::new();
        for (holder, country) in self.abroad(home) {
            let (keys, removed): (Vec<Key<'r>>, Vec<Vec<usize>>) = self.groups(stack, holder).into_iter().unzip();
            let scenarios = Scenarios::of(self, stack, holder, &removed);
            for (at, (key, parts)) in keys.into_iter().zip(removed).enumerate() {
                let through = self.through(stack, key, holder);
                let ends = scenarios.ends(stack, at);
                let entry = found.entry(key).or_insert_with(|| Chokepoint {
                    service: if let Key::Service(id) = key { stack.register.service(id) } else { None },
                    software: if let Key::Software(id) = key { stack.register.software(id) } else { None },
                    touches: Vec::new(),
                    parts: Vec::new(),
                    jurisdictions: Vec::new(),
                    holds: [0; 3],
                    ends: [0; 3],
                    alternatives: Vec::new(),
                });
                entry.jurisdictions.push(country);
                entry.parts.extend(parts);
                for ((all, ended), (more, gone)) in
                    entry.holds.iter_mut().zip(&mut entry.ends).zip(through.into_iter().zip(ends))
                {
                    *all += more.max(gone);
                    *ended += gone;
                }
            }
        }
        let mut found: Vec<Chokepoint<'r>> = found.into_values().filter(|one| one.holds != [0; 3]).collect();
        for one in &mut found {
            one.parts.sort_unstable();
            one.parts.dedup();
            one.touches = stack.touched(&one.parts);
            one.alternatives = one.service.map(|service| stack.alternatives(service, home)).unwrap_or_default();
        }
        // Reading cannot be taken back, so that it weighs most.
        let weight = |[read, stop, change]: [usize; 3]| 3 * read + 2 * stop + change;
        found.sort_by(|a, b| {
            (weight(b.ends), weight(b.holds))
                .cmp(&(weight(a.ends), weight(a.holds)))
                .then_with(|| a.parts.cmp(&b.parts))
        });
        found
    }

    /// The fewest components to replace, for each jurisdiction abroad and power that it holds: over the whole stack, and
    /// for reading over each data class that somebody named.
    pub fn cuts(&self, stack: &Stack<'_>, home: &Home) -> Vec<Cut> {
        let classes = (1..self.classes.len()).map(Target::Class);
        let mut cuts = Vec::new();
        for (holder, country) in self.abroad(home) {
            for target in std::iter::once(Target::Stack).chain(classes.clone()) {
                for power in Power::ALL {
                    if target == Target::Stack || power == Power::Read {
                        cuts.extend(self.cut(stack, target, holder, country, power));
                    }
                }
            }
        }
        cuts
    }

    /// Jurisdictions that are not home, as holders by position.
    pub fn abroad(&self, home: &Home) -> Vec<(usize, Country)> {
        let outside = |(at, holder): (usize, &Holder)| match holder {
            Holder::Jurisdiction(country) if !home.has(*country) => Some((at, *country)),
            _ => None,
        };
        self.holders.iter().enumerate().filter_map(outside).collect()
    }

    /// The parts that a holder stands behind itself, by what would be replaced as one.
    fn groups<'r>(&self, stack: &Stack<'r>, holder: usize) -> BTreeMap<Key<'r>, Vec<usize>> {
        let mut groups: BTreeMap<Key<'r>, Vec<usize>> = BTreeMap::new();
        for (at, part) in stack.parts.iter().enumerate() {
            let behind = |lane: Lane| crate::fixpoint::has_bit(self.base_row(at, lane), holder);
            if !part.is_hint() && self.lanes().any(behind) {
                groups.entry(self.key(stack, at, part, holder)).or_default().push(at);
            }
        }
        groups
    }

    /// What would be replaced to be rid of the holder: the service that its operator runs, or the software that it
    /// publishes.
    fn key<'r>(&self, stack: &Stack<'r>, at: usize, part: &Part<'r>, holder: usize) -> Key<'r> {
        let is_holder = |country: Option<Country>| match self.holders.get(holder) {
            Some(Holder::Jurisdiction(holder)) => country == Some(*holder),
            _ => false,
        };
        let controllers = part.controllers(stack.register);
        let publishes = controllers
            .iter()
            .all(|one| one.of_publisher || !is_holder(one.entity.country) || one.ground == Ground::Minority);
        match (part.service, part.software) {
            (_, Some(software)) if publishes => Key::Software(&software.id),
            (Some(service), _) if !publishes => Key::Service(&service.id),
            (Some(service), None) => Key::Service(&service.id),
            _ => Key::Part(at),
        }
    }

    /// Over how many of our own parts the holder has each power through these parts, others beside them or not.
    fn through(&self, stack: &Stack<'_>, key: Key<'_>, holder: usize) -> [usize; 3] {
        // Without a service what it ends alone is all that can be said.
        let Key::Service(id) = key else { return [0; 3] };
        let Some(service) = self.holder(&Holder::Service(id.to_owned())) else { return [0; 3] };
        let mut counts = [0; 3];
        for (at, _) in stack.parts.iter().enumerate().filter(|(_, part)| part.is_ours()) {
            for (power, count) in Power::ALL.iter().zip(&mut counts) {
                let mut lanes = self.lanes().filter(|lane| lane.power() == *power);
                *count += usize::from(lanes.any(|lane| self.has(at, lane, service) && self.has(at, lane, holder)));
            }
        }
        counts
    }
}

/// What is replaced as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'r> {
    Service(&'r str),
    Software(&'r str),
    Part(usize),
}

impl Stack<'_> {
    /// Where parts are described and where links to them are written, each place once.
    fn touched(&self, parts: &[usize]) -> Vec<Evidence> {
        let of_parts = parts.iter().filter_map(|at| self.parts.get(*at)).flat_map(|part| part.fact.evidence.iter());
        let is_one: BTreeSet<u32> = parts.iter().map(|at| *at as u32).collect();
        let of_links = self.links.iter().filter(|link| is_one.contains(&link.to)).flat_map(|link| link.evidence.iter());
        let places: BTreeSet<&Evidence> = of_parts.chain(of_links).collect();
        places.into_iter().cloned().collect()
    }
}

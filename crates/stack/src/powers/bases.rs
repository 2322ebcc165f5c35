use super::Holder;
use crate::fixpoint::set_bit;
use crate::graph::Stack;
use crate::resolve::{Control, Ground, Part};
use allod_facts::Role;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// Holders that stand behind a part itself, one row a power.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Base {
    pub read: Vec<u64>,
    pub stop: Vec<u64>,
    pub later: Vec<u64>,
    pub change: Vec<u64>,
}

/// Parts of one service (and software, and role) have the same base: a million buckets share one.
#[derive(Debug, Default)]
pub(super) struct Bases {
    all: Vec<Base>,
    /// By what decides it.
    known: FxHashMap<Key<String>, u32>,
    of: Vec<u32>,
}

type Key<T> = (Role, (Control, bool), Option<T>, Option<T>, Option<T>);

fn key<'r>(part: &Part<'r>) -> Key<&'r str> {
    let service = part.service.map(|service| service.id.as_str());
    let software = part.software.map(|software| software.id.as_str());
    let publisher = part.named_publisher.map(|entity| entity.id.as_str());
    (part.fact.role, (part.control, part.own_keys), service, software, publisher)
}

fn owned((role, control, service, software, publisher): Key<&str>) -> Key<String> {
    (role, control, service.map(str::to_owned), software.map(str::to_owned), publisher.map(str::to_owned))
}

impl Bases {
    pub fn of(stack: &Stack<'_>, holders: &[Holder]) -> Bases {
        let mut known: FxHashMap<Key<&str>, u32> = FxHashMap::default();
        let mut all = Vec::new();
        let of = stack.parts.iter().map(|part| {
            *known.entry(key(part)).or_insert_with(|| {
                all.push(base(part, stack, holders));
                (all.len() - 1) as u32
            })
        });
        let of = of.collect();
        Bases { all, known: known.into_iter().map(|(key, at)| (owned(key), at)).collect(), of }
    }

    pub fn of_part(&self, part: usize) -> Option<&Base> {
        self.all.get(*self.of.get(part)? as usize)
    }

    /// The number of the base of a part.
    pub fn number(&self, part: usize) -> Option<u32> {
        self.of.get(part).copied()
    }

    /// Takes over the bases of parts that stay (`before`, by part), and looks at the others (`anew`). When there are
    /// others than before, gives the holders that there are now; else `None`.
    pub fn renew(
        &mut self,
        stack: &Stack<'_>,
        before: &[u32],
        anew: &[u32],
        holders: &[Holder],
    ) -> Option<Vec<Holder>> {
        let was = self.used();
        let mut of: Vec<u32> = before.iter().map(|at| self.of.get(*at as usize).copied().unwrap_or(u32::MAX)).collect();
        for at in anew {
            let (Some(part), Some(place)) = (stack.parts.get(*at as usize), of.get_mut(*at as usize)) else { continue };
            *place = *self.known.entry(owned(key(part))).or_insert_with(|| {
                // When somebody is a new holder, it is computed again below.
                self.all.push(base(part, stack, holders));
                (self.all.len() - 1) as u32
            });
        }
        self.of = of;
        let now = self.used();
        if now == was {
            return None;
        }
        let now_held = holders_among(stack, self.firsts().into_values());
        if now_held == holders {
            return None;
        }
        for (number, part) in self.firsts() {
            if let (Some(place), Some(part)) = (self.all.get_mut(number as usize), stack.parts.get(part)) {
                *place = base(part, stack, &now_held);
            }
        }
        // What nobody uses was not computed again.
        self.known.retain(|_, number| now.contains(number));
        Some(now_held)
    }

    fn used(&self) -> BTreeSet<u32> {
        let mut seen = vec![false; self.all.len()];
        self.of.iter().for_each(|at| seen.iter_mut().skip(*at as usize).take(1).for_each(|seen| *seen = true));
        (0..).zip(seen).filter(|(_, seen)| *seen).map(|(at, _)| at).collect()
    }

    /// By base: a part that has it.
    fn firsts(&self) -> FxHashMap<u32, usize> {
        let mut firsts = FxHashMap::default();
        for (part, number) in self.of.iter().enumerate() {
            firsts.entry(*number).or_insert(part);
        }
        firsts
    }
}

pub(super) fn holders_of(stack: &Stack<'_>) -> Vec<Holder> {
    holders_among(stack, 0..stack.parts.len())
}

/// Everybody who can hold something in a stack of the kinds of these parts. Sorted.
fn holders_among(stack: &Stack<'_>, parts: impl Iterator<Item = usize>) -> Vec<Holder> {
    let mut holders = BTreeSet::from([Holder::Unknown]);
    let mut seen = FxHashSet::default();
    for part in parts.filter_map(|at| stack.parts.get(at)).filter(|part| seen.insert(part.control_key())) {
        if let Some(service) = part.service {
            holders.insert(Holder::Service(service.id.to_string()));
        }
        for controller in part.controllers(stack.register) {
            holders.insert(Holder::Entity(controller.entity.id.to_string()));
            holders.extend(controller.entity.country.map(Holder::Jurisdiction));
        }
    }
    holders.into_iter().collect()
}

/// An operator (and who owns it) reads, stops and changes what it provides; who serves an artefact can change it and
/// deny it at the next build; its publisher, who owns that one, and a technology licensor can change the next
/// version.
fn base(part: &Part<'_>, stack: &Stack<'_>, holders: &[Holder]) -> Base {
    let words = super::words(holders);
    let mut base = Base { read: vec![0; words], stop: vec![0; words], later: vec![0; words], change: vec![0; words] };
    let mut set = |row: fn(&mut Base) -> &mut Vec<u64>, holder: &Holder| {
        if let Ok(at) = holders.binary_search(holder) {
            set_bit(row(&mut base), at);
        }
    };
    type Row = fn(&mut Base) -> &mut Vec<u64>;
    let (read, stop): (Row, Row) = (|base| &mut base.read, |base| &mut base.stop);
    let (later, change): (Row, Row) = (|base| &mut base.later, |base| &mut base.change);
    let full: &[Row] = match part.fact.role {
        Role::Own => return base,
        Role::Provided if part.own_keys => &[stop, change],
        Role::Provided => &[read, stop, change],
        Role::Artefact => &[later, change],
    };
    if part.control == Control::Unknown {
        full.iter().for_each(|row| set(*row, &Holder::Unknown));
    }
    if let Some(service) = part.service {
        full.iter().for_each(|row| set(*row, &Holder::Service(service.id.to_string())));
    }
    for controller in part.controllers(stack.register) {
        let rows: &[Row] = match controller.ground {
            Ground::Minority => continue,
            Ground::Licensor => &[later, change],
            Ground::Publisher => &[change],
            Ground::Owner(_) if controller.of_publisher => &[change],
            Ground::Owner(_) | Ground::Operator => full,
        };
        let country = controller.entity.country.map_or(Holder::Unknown, Holder::Jurisdiction);
        for row in rows {
            set(*row, &Holder::Entity(controller.entity.id.to_string()));
            set(*row, &country);
        }
    }
    base
}

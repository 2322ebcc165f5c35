use crate::graph::Stack;
use crate::resolve::{Control, Ground, Part};
use allod_facts::{Country, LinkKind, Role};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What a holder can do to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Power {
    Read,
    Stop,
    Change,
}

impl Power {
    pub const ALL: [Power; 3] = [Power::Read, Power::Stop, Power::Change];

    pub fn name(self) -> &'static str {
        match self {
            Power::Read => "read",
            Power::Stop => "stop",
            Power::Change => "change",
        }
    }
}

/// When a *stop* takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    Now,
    /// At the next build, deploy or renewal.
    Later,
}

/// One row of holders of a part: a power, with its time or its data class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    Stop,
    StopLater,
    Change,
    /// *Read* of one data class, by position in [`Powers::classes`].
    Read(usize),
}

const FIXED_LANES: usize = 3;

impl Lane {
    fn index(self) -> usize {
        match self {
            Lane::Stop => 0,
            Lane::StopLater => 1,
            Lane::Change => 2,
            Lane::Read(class) => FIXED_LANES + class,
        }
    }

    pub fn power(self) -> Power {
        match self {
            Lane::Stop | Lane::StopLater => Power::Stop,
            Lane::Change => Power::Change,
            Lane::Read(_) => Power::Read,
        }
    }

    pub fn when(self) -> When {
        if self == Lane::StopLater { When::Later } else { When::Now }
    }
}

/// Who can hold a power.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    Jurisdiction(Country),
    /// A party that nobody knows.
    Unknown,
    /// Entity id.
    Entity(String),
    /// Service id: the power comes through this service, whoever stands behind it.
    Service(String),
}

/// Data classes beyond this many are one class, `other`: rows are bits of one word.
pub const MAX_CLASSES: usize = 40;
/// The class of data about which no file says anything.
pub const UNCLASSIFIED: &str = "unclassified";
/// What a deployer reads: the secrets that it holds to deploy.
pub const SECRETS: &str = "secrets";

/// Every holder's powers over every part: the least fixpoint over the links.
#[derive(Debug)]
pub struct Powers {
    pub holders: Vec<Holder>,
    /// Data classes by position; 0 is [`UNCLASSIFIED`], 1 is [`SECRETS`].
    pub classes: Vec<Arc<str>>,
    /// For each part the classes that it handles, as bits.
    pub classes_of: Vec<u64>,
    words: usize,
    lanes: usize,
    /// `[part][lane][word]`.
    rows: Vec<u64>,
    /// What each part's own operator holds, by kind of operator.
    bases: Vec<Base>,
    base_of: Vec<u32>,
    /// Links by `from`: positions in [`Stack::links`].
    first_link: Vec<u32>,
}

/// Holders that stand behind a part itself, one row a power.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Base {
    read: Vec<u64>,
    stop: Vec<u64>,
    later: Vec<u64>,
    change: Vec<u64>,
}

impl Powers {
    /// Computes the fixpoint. Linear in links for a graph without cycles; cycles are repeated until nothing changes.
    pub fn of(stack: &Stack<'_>) -> Powers {
        let holders = holders_of(stack);
        let (classes, classes_of) = flow_of_classes(stack);
        let words = holders.len().div_ceil(64).max(1);
        let lanes = FIXED_LANES + classes.len();
        let (bases, base_of) = bases_of(stack, &holders, words);
        let mut powers = Powers {
            rows: vec![0; stack.parts.len() * lanes * words],
            first_link: first_links(stack),
            holders,
            classes,
            classes_of,
            words,
            lanes,
            bases,
            base_of,
        };
        powers.run(stack);
        powers
    }

    pub fn holder(&self, holder: &Holder) -> Option<usize> {
        self.holders.binary_search(holder).ok()
    }

    pub fn lanes(&self) -> impl Iterator<Item = Lane> + use<> {
        [Lane::Stop, Lane::StopLater, Lane::Change].into_iter().chain((0..self.lanes - FIXED_LANES).map(Lane::Read))
    }

    /// Whether a holder (by position) has a power over a part (by position).
    pub fn has(&self, part: usize, lane: Lane, holder: usize) -> bool {
        bit(self.row(part, lane), holder)
    }

    /// The holders of a power over a part, by position.
    pub fn held_by(&self, part: usize, lane: Lane) -> impl Iterator<Item = usize> + '_ {
        bits(self.row(part, lane))
    }

    /// Whether the holder stands behind the part itself, not behind something that the part depends on.
    pub(crate) fn base_has(&self, part: usize, lane: Lane, holder: usize) -> bool {
        let mut row = vec![0; self.words];
        self.base_into(part, lane, &mut row);
        bit(&row, holder)
    }

    fn row(&self, part: usize, lane: Lane) -> &[u64] {
        let at = (part * self.lanes + lane.index()) * self.words;
        self.rows.get(at..at + self.words).unwrap_or_default()
    }

    /// The links of a part, as positions in the stack's links.
    pub(crate) fn links_of(&self, part: usize) -> std::ops::Range<usize> {
        let at = |part: usize| self.first_link.get(part).copied().unwrap_or(0) as usize;
        at(part)..at(part + 1)
    }

    fn base_into(&self, part: usize, lane: Lane, into: &mut [u64]) {
        let Some(base) = self.base_of.get(part).and_then(|at| self.bases.get(*at as usize)) else { return };
        let row = match lane {
            Lane::Stop => &base.stop,
            Lane::StopLater => &base.later,
            Lane::Change => &base.change,
            Lane::Read(class) => {
                let handled = self.classes_of.get(part).is_some_and(|classes| classes >> class & 1 == 1);
                if !handled {
                    return;
                }
                &base.read
            }
        };
        unite(into, row);
    }

    /// The lanes of a link's target that reach a lane of its source.
    pub(crate) fn sources(&self, stack: &Stack<'_>, link: &crate::Edge, lane: Lane) -> Vec<Lane> {
        let passes = stack.passes(link);
        match lane {
            Lane::Stop if passes.stop && !passes.stop_is_later => vec![Lane::Stop],
            Lane::StopLater if passes.stop && passes.stop_is_later => vec![Lane::Stop, Lane::StopLater],
            Lane::StopLater if passes.stop => vec![Lane::StopLater],
            Lane::Change if passes.change => vec![Lane::Change],
            Lane::Read(class) if passes.read && self.carries(link, class) => vec![Lane::Read(class)],
            // A deployer holds secrets: who reads the deployer reads these.
            Lane::Read(1) if link.kind == LinkKind::DeployedBy => (0..self.classes.len()).map(Lane::Read).collect(),
            _ => Vec::new(),
        }
    }

    fn carries(&self, link: &crate::Edge, class: usize) -> bool {
        let has = self.classes_of.get(link.from as usize).is_some_and(|classes| classes >> class & 1 == 1);
        has && (link.data.is_empty() || self.classes.get(class).is_some_and(|name| link.data.contains(name)))
    }

    fn run(&mut self, stack: &Stack<'_>) {
        let dependents = dependents(stack);
        let mut queue: VecDeque<u32> = dependencies_first(stack, &self.first_link).into();
        let mut queued = vec![true; stack.parts.len()];
        while let Some(part) = queue.pop_front() {
            if let Some(flag) = queued.get_mut(part as usize) {
                *flag = false;
            }
            if self.update(stack, part as usize) {
                for dependent in dependents.of(part) {
                    if let Some(flag) = queued.get_mut(*dependent as usize).filter(|flag| !**flag) {
                        *flag = true;
                        queue.push_back(*dependent);
                    }
                }
            }
        }
    }

    /// Recomputes the rows of one part; says whether one of them grew.
    fn update(&mut self, stack: &Stack<'_>, part: usize) -> bool {
        let mut grew = false;
        let mut new = vec![0; self.words];
        for lane in self.lanes() {
            new.fill(0);
            self.base_into(part, lane, &mut new);
            self.through_links(stack, part, lane, &mut new);
            let at = (part * self.lanes + lane.index()) * self.words;
            if let Some(row) = self.rows.get_mut(at..at + self.words).filter(|row| **row != *new) {
                row.copy_from_slice(&new);
                grew = true;
            }
        }
        grew
    }

    fn through_links(&self, stack: &Stack<'_>, part: usize, lane: Lane, into: &mut [u64]) {
        // Alternatives for the same need cut *stop*: a holder stops `part` only when it holds every one of them.
        let mut groups: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for at in self.links_of(part) {
            let Some(link) = stack.links.get(at) else { continue };
            let mut held = vec![0; self.words];
            for source in self.sources(stack, link, lane) {
                unite(&mut held, self.row(link.to as usize, source));
            }
            match link.any_of.as_deref().filter(|_| lane.power() == Power::Stop) {
                None => unite(into, &held),
                Some(group) => {
                    groups.entry(group).and_modify(|common| intersect(common, &held)).or_insert(held);
                }
            }
        }
        groups.values().for_each(|common| unite(into, common));
    }
}

fn holders_of(stack: &Stack<'_>) -> Vec<Holder> {
    let mut holders = BTreeSet::from([Holder::Unknown]);
    for part in &stack.parts {
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

fn bases_of(stack: &Stack<'_>, holders: &[Holder], words: usize) -> (Vec<Base>, Vec<u32>) {
    // Parts of one service (and software, and role) have the same base: a million buckets share one.
    type Key<'a> = (Role, Control, Option<&'a str>, Option<&'a str>, Option<&'a str>);
    let mut known: BTreeMap<Key<'_>, u32> = BTreeMap::new();
    let mut bases = Vec::new();
    let base_of = stack
        .parts
        .iter()
        .map(|part| {
            let service = part.service.map(|service| service.id.as_str());
            let software = part.software.map(|software| software.id.as_str());
            let publisher = part.named_publisher.map(|entity| entity.id.as_str());
            *known.entry((part.fact.role, part.control, service, software, publisher)).or_insert_with(|| {
                bases.push(base(part, stack, holders, words));
                (bases.len() - 1) as u32
            })
        })
        .collect();
    (bases, base_of)
}

/// An operator (and who owns it) reads, stops and changes what it provides; who serves an artefact can change it and
/// deny it at the next build; its publisher and a technology licensor can change the next version.
fn base(part: &Part<'_>, stack: &Stack<'_>, holders: &[Holder], words: usize) -> Base {
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

/// The data classes and, for each part, those that reach it: what it states itself and what flows to it.
fn flow_of_classes(stack: &Stack<'_>) -> (Vec<Arc<str>>, Vec<u64>) {
    let stated: BTreeSet<Arc<str>> = stack
        .parts
        .iter()
        .flat_map(|part| part.fact.data.iter())
        .chain(stack.links.iter().flat_map(|link| link.data.iter()))
        .filter(|class| &***class != UNCLASSIFIED && &***class != SECRETS)
        .cloned()
        .collect();
    let mut classes: Vec<Arc<str>> = vec![Arc::from(UNCLASSIFIED), Arc::from(SECRETS)];
    classes.extend(stated.iter().take(MAX_CLASSES).cloned());
    if stated.len() > MAX_CLASSES {
        classes.push(Arc::from("other"));
    }
    let last = classes.len() - 1;
    let bit_of = |class: &Arc<str>| 1_u64 << classes.iter().position(|known| known == class).unwrap_or(last);

    let mut of: Vec<u64> = stack
        .parts
        .iter()
        .map(|part| {
            let stated = part.fact.data.iter().fold(0, |bits, class| bits | bit_of(class));
            if stated == 0 && part.fact.role == Role::Own { 1 } else { stated }
        })
        .collect();
    let first_link = first_links(stack);
    let mut queue: VecDeque<usize> = (0..stack.parts.len()).collect();
    let mut queued = vec![true; stack.parts.len()];
    while let Some(part) = queue.pop_front() {
        if let Some(flag) = queued.get_mut(part) {
            *flag = false;
        }
        let has = of.get(part).copied().unwrap_or(0);
        let range = first_link.get(part).copied().unwrap_or(0) as usize
            ..first_link.get(part + 1).copied().unwrap_or(0) as usize;
        for link in stack.links.get(range).unwrap_or_default() {
            if !stack.passes(link).read {
                continue;
            }
            let flows =
                if link.data.is_empty() { has } else { link.data.iter().fold(0, |bits, class| bits | bit_of(class)) };
            let to = link.to as usize;
            if let Some(there) = of.get_mut(to).filter(|there| **there | flows != **there) {
                *there |= flows;
                if let Some(flag) = queued.get_mut(to).filter(|flag| !**flag) {
                    *flag = true;
                    queue.push_back(to);
                }
            }
        }
    }
    // Whatever says nothing at all still holds something.
    of.iter_mut().filter(|bits| **bits == 0).for_each(|bits| *bits = 1);
    (classes, of)
}

fn first_links(stack: &Stack<'_>) -> Vec<u32> {
    let mut first = Vec::with_capacity(stack.parts.len() + 1);
    let mut at = 0;
    for part in 0..=stack.parts.len() as u32 {
        while stack.links.get(at).is_some_and(|link| link.from < part) {
            at += 1;
        }
        first.push(at as u32);
    }
    first
}

/// For each part, the parts that link to it.
struct Dependents {
    first: Vec<u32>,
    from: Vec<u32>,
}

impl Dependents {
    fn of(&self, part: u32) -> &[u32] {
        let at = |part: usize| self.first.get(part).copied().unwrap_or(0) as usize;
        self.from.get(at(part as usize)..at(part as usize + 1)).unwrap_or_default()
    }
}

fn dependents(stack: &Stack<'_>) -> Dependents {
    let mut pairs: Vec<(u32, u32)> = stack.links.iter().map(|link| (link.to, link.from)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut first = Vec::with_capacity(stack.parts.len() + 1);
    let mut at = 0;
    for part in 0..=stack.parts.len() as u32 {
        while pairs.get(at).is_some_and(|(to, _)| *to < part) {
            at += 1;
        }
        first.push(at as u32);
    }
    Dependents { first, from: pairs.into_iter().map(|(_, from)| from).collect() }
}

/// Parts in depth-first post-order: each after what it depends on, cycles apart.
fn dependencies_first(stack: &Stack<'_>, first_link: &[u32]) -> Vec<u32> {
    let range = |part: u32| {
        let at = |part: usize| first_link.get(part).copied().unwrap_or(0) as usize;
        at(part as usize)..at(part as usize + 1)
    };
    let mut seen = vec![false; stack.parts.len()];
    let mut order = Vec::with_capacity(stack.parts.len());
    for root in 0..stack.parts.len() as u32 {
        let mut open = vec![(root, range(root))];
        if std::mem::replace(seen.get_mut(root as usize).unwrap_or(&mut true), true) {
            continue;
        }
        while let Some((part, links)) = open.last_mut() {
            match links.next().and_then(|at| stack.links.get(at)) {
                Some(link) => {
                    let to = link.to;
                    if let Some(flag) = seen.get_mut(to as usize).filter(|flag| !**flag) {
                        *flag = true;
                        open.push((to, range(to)));
                    }
                }
                None => {
                    order.push(*part);
                    open.pop();
                }
            }
        }
    }
    order
}

fn unite(into: &mut [u64], other: &[u64]) {
    into.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
}

fn intersect(into: &mut [u64], other: &[u64]) {
    into.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
}

fn bit(row: &[u64], at: usize) -> bool {
    row.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

fn set_bit(row: &mut [u64], at: usize) {
    if let Some(word) = row.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

fn bits(row: &[u64]) -> impl Iterator<Item = usize> + '_ {
    row.iter()
        .enumerate()
        .flat_map(|(at, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit))
}

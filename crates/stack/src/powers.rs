use crate::fixpoint::{Flow, Grid, Hop, Links, bits, bits_of, has_bit, set_bit, shortest, solve, unite};
use crate::graph::Stack;
use crate::passes::{Event, Passes};
use crate::resolve::{Control, Ground, Part};
use allod_facts::{Country, LinkKind, Role};
use rustc_hash::FxHashSet;
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

impl When {
    pub fn name(self) -> &'static str {
        match self {
            When::Now => "now",
            When::Later => "later",
        }
    }
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
    pub(crate) fn index(self) -> usize {
        match self {
            Lane::Stop => 0,
            Lane::StopLater => 1,
            Lane::Change => 2,
            Lane::Read(class) => FIXED_LANES + class,
        }
    }

    pub(crate) fn at(index: usize) -> Lane {
        match index {
            0 => Lane::Stop,
            1 => Lane::StopLater,
            2 => Lane::Change,
            read => Lane::Read(read - FIXED_LANES),
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
    pub(crate) links: Links,
    /// By link, what it passes.
    passes: Vec<Passed>,
    grid: Grid,
    /// What each part's own operator holds, by kind of operator.
    bases: Vec<Base>,
    base_of: Vec<u32>,
}

/// What one link passes, with the data classes that travel on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    pub passes: Passes,
    /// Classes of which a reader of the target reads those of the source, as bits.
    pub read: u64,
    /// A deployer holds secrets: who reads anything of it reads these.
    pub holds_secrets: bool,
    /// It is one of a group of alternatives.
    pub is_alternative: bool,
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
    /// Computes the fixpoint.
    pub fn of(stack: &Stack<'_>) -> Powers {
        let links = Links::of(stack);
        let holders = holders_of(stack);
        let (classes, classes_of) = flow_of_classes(stack, &links);
        let words = holders.len().div_ceil(64).max(1);
        let (bases, base_of) = bases_of(stack, &holders, words);
        let passes = stack.links.iter().map(|link| passed(stack, link, &classes, &classes_of)).collect();
        let grid = Grid::default();
        let mut powers = Powers { holders, classes, classes_of, links, passes, grid, bases, base_of };
        powers.grid = solve(stack, &powers.links, &powers);
        powers
    }

    pub fn holder(&self, holder: &Holder) -> Option<usize> {
        self.holders.binary_search(holder).ok()
    }

    pub fn lanes(&self) -> impl Iterator<Item = Lane> + use<> {
        [Lane::Stop, Lane::StopLater, Lane::Change].into_iter().chain((0..self.classes.len()).map(Lane::Read))
    }

    /// Whether a holder (by position) has a power over a part (by position).
    pub fn has(&self, part: usize, lane: Lane, holder: usize) -> bool {
        self.grid.has(part, lane.index(), holder)
    }

    /// The holders of a power over a part, by position.
    pub fn held_by(&self, part: usize, lane: Lane) -> impl Iterator<Item = usize> + '_ {
        bits(self.grid.row(part, lane.index()))
    }

    /// The shortest way by links from a part to one that the holder stands behind itself.
    pub(crate) fn way(&self, stack: &Stack<'_>, part: usize, lane: Lane, holder: usize) -> Option<Vec<Hop>> {
        shortest(stack, &self.links, self, &self.grid, (part, lane.index()), holder).map(|(hops, _)| hops)
    }

    /// Whether the holder stands behind the part itself, not behind something that the part depends on.
    pub fn base_has(&self, part: usize, lane: Lane, holder: usize) -> bool {
        has_bit(self.base_row(part, lane), holder)
    }

    /// What stands behind a part itself in a lane.
    pub(crate) fn base_row(&self, part: usize, lane: Lane) -> &[u64] {
        let Some(base) = self.base_of.get(part).and_then(|at| self.bases.get(*at as usize)) else { return &[] };
        match lane {
            Lane::Stop => &base.stop,
            Lane::StopLater => &base.later,
            Lane::Change => &base.change,
            Lane::Read(class) => {
                let handled = self.classes_of.get(part).is_some_and(|classes| classes >> class & 1 == 1);
                if handled { &base.read } else { &[] }
            }
        }
    }
}

impl Powers {
    pub(crate) fn passes_of(&self, link: usize) -> Passes {
        self.passes.get(link).map_or(Passes::NOTHING, |passed| passed.passes)
    }

    fn is_alternative(&self, link: usize) -> bool {
        self.passes.get(link).is_some_and(|passed| passed.is_alternative)
    }

    /// The classes whose reader at the target of a link reads a class of its source, as bits.
    pub(crate) fn read_sources(&self, link: usize, class: usize) -> u64 {
        match self.passes.get(link) {
            Some(passed) if class == 1 && passed.holds_secrets => (1 << self.classes.len()) - 1,
            Some(passed) if passed.read >> class & 1 == 1 => 1 << class,
            _ => 0,
        }
    }
}

impl Flow for Powers {
    fn lanes(&self) -> usize {
        FIXED_LANES + self.classes.len()
    }

    fn words(&self) -> usize {
        self.holders.len().div_ceil(64).max(1)
    }

    fn base(&self, part: usize, lane: usize, row: &mut [u64]) {
        unite(row, self.base_row(part, Lane::at(lane)));
    }

    fn sources(&self, link: usize, lane: usize) -> u64 {
        let passes = self.passes_of(link);
        let (stop, later) = (1 << Lane::Stop.index(), 1 << Lane::StopLater.index());
        match (Lane::at(lane), passes.stop) {
            (Lane::Stop, Some(Event::AtOnce)) => stop,
            // Of alternatives one may stop now and the other later.
            (Lane::StopLater, Some(Event::AtOnce)) if self.is_alternative(link) => stop | later,
            (Lane::StopLater, Some(Event::AtOnce)) => later,
            (Lane::StopLater, Some(_)) => stop | later,
            (Lane::Change, _) if passes.change => 1 << lane,
            (Lane::Read(class), _) => self.read_sources(link, class) << FIXED_LANES,
            _ => 0,
        }
    }

    fn alternatives_protect(&self, lane: usize) -> bool {
        Lane::at(lane).power() == Power::Stop
    }
}

fn passed(stack: &Stack<'_>, link: &crate::Edge, classes: &[Arc<str>], classes_of: &[u64]) -> Passed {
    let passes = stack.passes(link);
    let has = classes_of.get(link.from as usize).copied().unwrap_or(0);
    let travels = |class: usize| {
        link.data.is_empty() || classes.get(class).is_some_and(|name| link.data.iter().any(|data| data == name))
    };
    let read = if passes.read {
        bits_of(has).filter(|class| travels(*class)).fold(0, |bits, class| bits | 1 << class)
    } else {
        0
    };
    let hint = stack.parts.get(link.to as usize).is_none_or(Part::is_hint);
    Passed {
        passes,
        read,
        holds_secrets: link.kind == LinkKind::DeployedBy && !hint,
        is_alternative: link.any_of.is_some(),
    }
}

fn holders_of(stack: &Stack<'_>) -> Vec<Holder> {
    let mut holders = BTreeSet::from([Holder::Unknown]);
    let mut seen = FxHashSet::default();
    for part in stack.parts.iter().filter(|part| seen.insert(part.control_key())) {
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
fn flow_of_classes(stack: &Stack<'_>, links: &Links) -> (Vec<Arc<str>>, Vec<u64>) {
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
    let bits: Vec<u64> =
        stack.links.iter().map(|link| link.data.iter().fold(0, |bits, class| bits | bit_of(class))).collect();
    let everything: Vec<usize> = (0..stack.parts.len()).collect();
    flow(stack, links, &bits, &mut of, everything);
    // Whatever says nothing at all still holds something, and passes it on.
    let empty: Vec<usize> = of.iter().enumerate().filter(|(_, bits)| **bits == 0).map(|(at, _)| at).collect();
    of.iter_mut().filter(|bits| **bits == 0).for_each(|bits| *bits = 1);
    flow(stack, links, &bits, &mut of, empty);
    (classes, of)
}

/// Lets classes flow along links that pass *read*: those that a link states (`stated`, by link), or all.
fn flow(stack: &Stack<'_>, links: &Links, stated: &[u64], of: &mut [u64], from: Vec<usize>) {
    let mut queued = vec![false; stack.parts.len()];
    from.iter().for_each(|at| queued.iter_mut().skip(*at).take(1).for_each(|flag| *flag = true));
    let mut queue: VecDeque<usize> = from.into();
    while let Some(part) = queue.pop_front() {
        if let Some(flag) = queued.get_mut(part) {
            *flag = false;
        }
        let has = of.get(part).copied().unwrap_or(0);
        for at in links.from(part) {
            let Some(link) = stack.links.get(at).filter(|link| stack.passes(link).read) else { continue };
            let flows = stated.get(at).copied().filter(|stated| *stated != 0).unwrap_or(has);
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
}

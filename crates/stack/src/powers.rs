use crate::fixpoint::{Flow, Grid, Hop, Links, bits, has_bit, shortest, solve, unite};
use crate::graph::Stack;
use crate::passes::{Event, Passes};
use crate::resolve::Part;
use allod_facts::{Country, LinkKind, Mitigation};
use bases::{Bases, holders_of};
use classes::Stated;
use std::sync::Arc;

mod again;
mod bases;
mod classes;

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
#[derive(Debug, Default)]
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
    bases: Bases,
    stated: Stated,
}

/// What one link passes, with the data classes that travel on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub passes: Passes,
    /// Classes of which a reader of the target reads those of the source, as bits.
    pub read: u64,
    /// A deployer holds secrets: who reads anything of it reads these.
    pub holds_secrets: bool,
    /// It is one of a group of alternatives.
    pub is_alternative: bool,
    pub used: Used,
}

/// As what a link uses its target, for findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    Deployer,
    PinnedArtefact,
    Artefact,
    Other,
}

impl Used {
    fn of(link: &crate::Edge) -> Used {
        match link.kind {
            LinkKind::DeployedBy => Used::Deployer,
            LinkKind::BuiltFrom if link.mitigations.contains(&Mitigation::PinnedDigest) => Used::PinnedArtefact,
            LinkKind::BuiltFrom => Used::Artefact,
            _ => Used::Other,
        }
    }
}

impl Powers {
    /// Computes the fixpoint.
    pub fn of(stack: &Stack<'_>) -> Powers {
        let links = Links::of(stack);
        let holders = holders_of(stack);
        let bases = Bases::of(stack, &holders);
        let classes = classes::all(stack);
        let stated = Stated::of(stack, &classes);
        let mut passes: Vec<Passed> = stack.links.iter().map(|link| passed(stack, link)).collect();
        let classes_of = stated.flow(&links, &passes);
        for (part, has) in classes_of.iter().enumerate() {
            stated.read(&mut passes, links.from(part), *has);
        }
        let grid = Grid::default();
        let mut powers = Powers { holders, classes, classes_of, links, passes, grid, bases, stated };
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

    /// A small number that parts have in common when the register knows the same of them, and their role is the same.
    pub(crate) fn likeness(&self, part: usize) -> usize {
        self.bases.number(part).map_or(0, |number| number as usize)
    }

    pub(crate) fn row(&self, part: usize, lane: Lane) -> &[u64] {
        self.grid.row(part, lane.index())
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
        let Some(base) = self.bases.of_part(part) else { return &[] };
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

    /// What each link uses, with the part that it leads to.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (u32, Used)> {
        self.passes.iter().enumerate().filter_map(|(at, passed)| Some((self.links.to(at)?, passed.used)))
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
        words(&self.holders)
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

/// But for the data classes: see [`Stated::read`].
fn passed(stack: &Stack<'_>, link: &crate::Edge) -> Passed {
    let hint = stack.parts.get(link.to as usize).is_none_or(Part::is_hint);
    Passed {
        passes: stack.passes(link),
        read: 0,
        holds_secrets: link.kind == LinkKind::DeployedBy && !hint,
        is_alternative: link.any_of.is_some(),
        used: Used::of(link),
    }
}

/// Words of a row of bits.
fn words(holders: &[Holder]) -> usize {
    holders.len().div_ceil(64).max(1)
}

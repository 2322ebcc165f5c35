//! Drills: what happens on the day somebody uses a power. A drill is a calculation on the graph; it touches nothing.

use crate::explain::Path;
use crate::fixpoint::{Flow, Grid, Hop, bits, has_bit, set_bit, shortest, solve};
use crate::graph::Stack;
use crate::passes::Event;
use crate::powers::{Holder, Lane, Power, Powers};
use crate::resolve::Part;
use allod_facts::{Mitigation, Role};
use std::collections::BTreeSet;

/// What came of a drill. Only our own parts are told: of the party's own parts it is plain.
#[derive(Clone, Debug)]
pub struct Drill<'r> {
    pub power: Power,
    pub by: Vec<Holder>,
    /// Parts that the parties run, serve or publish themselves, by position.
    pub theirs: Vec<usize>,
    /// Parts that they hold in another way than by this power, by position: what the drill does not show.
    pub theirs_otherwise: Vec<usize>,
    /// Our own parts that are hit, by event, then by position; for *read* once for each data class.
    pub hit: Vec<Hit<'r>>,
    /// Our own parts of which nobody can say: somebody unknown stands behind something that they need.
    pub unknown: Vec<Hit<'r>>,
    /// Our own parts that are not hit, with the reasons.
    pub safe: Vec<Safe>,
}

/// One of our own parts, when and through whom it is hit.
#[derive(Clone, Debug)]
pub struct Hit<'r> {
    pub part: usize,
    /// The soonest; [`Event::AtOnce`] for *read* and *change*.
    pub event: Event,
    /// The data class that is read, by position in [`Powers::classes`]; `None` for *stop* and *change*.
    pub class: Option<usize>,
    pub path: Path<'r>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safe {
    pub part: usize,
    /// Empty when nothing that it depends on is theirs.
    pub why: Vec<Why>,
}

/// Why a part survives though it uses something that is hit. Links by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// What the file shows on this link cuts the power.
    Mitigated { link: usize, mitigation: Mitigation },
    /// Of the alternatives, the target of this link stays.
    Alternative { link: usize },
    /// This kind of link does not pass the power, or no data of that kind travels on it.
    NotPassed { link: usize },
}

/// The party, and the party together with everybody unknown.
const PARTY: usize = 0;
const WITH_UNKNOWN: usize = 1;

impl Drill<'_> {
    /// How many of our own parts are hit, are in doubt, are not hit.
    pub fn counts(&self) -> [usize; 3] {
        let parts = |hits: &[Hit<'_>]| hits.iter().map(|hit| hit.part).collect::<BTreeSet<_>>().len();
        [parts(&self.hit), parts(&self.unknown), self.safe.len()]
    }
}

impl Powers {
    /// What happens when the parties together use a power.
    pub fn drill<'r>(&self, stack: &Stack<'r>, power: Power, by: &[Holder]) -> Drill<'r> {
        let flow = Together::new(self, stack, power, by);
        let grid = solve(stack, &self.links, &flow);
        let mut drill = Drill {
            power,
            by: by.to_vec(),
            theirs: Vec::new(),
            theirs_otherwise: Vec::new(),
            hit: Vec::new(),
            unknown: Vec::new(),
            safe: Vec::new(),
        };
        for (at, part) in stack.parts.iter().enumerate().filter(|(_, part)| !part.is_hint()) {
            let hit = flow.hit(&grid, at, PARTY);
            if !part.is_ours() {
                if flow.is_theirs(at) {
                    drill.theirs.push(at);
                } else if flow.is_theirs_otherwise(at) {
                    drill.theirs_otherwise.push(at);
                }
                continue;
            }
            match (hit, flow.hit(&grid, at, WITH_UNKNOWN)) {
                (Some(lanes), _) => drill.hit.extend(flow.told(&grid, at, &lanes, PARTY)),
                (None, Some(lanes)) => drill.unknown.extend(flow.told(&grid, at, &lanes, WITH_UNKNOWN)),
                (None, None) => drill.safe.push(Safe { part: at, why: flow.reasons(&grid, at) }),
            }
        }
        drill.hit.sort_by_key(|hit| (hit.event, hit.part));
        drill.unknown.sort_by_key(|hit| (hit.event, hit.part));
        drill
    }
}

/// One power in the hands of several parties together. Lanes: for *stop* the events, each with those before it; for
/// *read* the data classes; for *change* one.
struct Together<'a, 'r> {
    powers: &'a Powers,
    stack: &'a Stack<'r>,
    power: Power,
    /// Bits of holders: the parties; the parties and the unknown.
    masks: [Vec<u64>; 2],
}

impl<'a, 'r> Together<'a, 'r> {
    fn new(powers: &'a Powers, stack: &'a Stack<'r>, power: Power, by: &[Holder]) -> Self {
        let words = powers.words();
        let mut masks = [vec![0; words], vec![0; words]];
        for holder in by {
            if let Some(at) = powers.holder(holder) {
                masks.iter_mut().for_each(|mask| set_bit(mask, at));
            }
        }
        if let (Some(at), [_, unknown]) = (powers.holder(&Holder::Unknown), &mut masks) {
            set_bit(unknown, at);
        }
        Together { powers, stack, power, masks }
    }

    /// The lanes in which a part is hit.
    fn hit(&self, grid: &Grid, part: usize, who: usize) -> Option<Vec<usize>> {
        let lanes: Vec<usize> = (0..self.lanes()).filter(|lane| grid.has(part, *lane, who)).collect();
        (!lanes.is_empty()).then_some(lanes)
    }

    /// Whether a party stands behind the part itself.
    fn is_theirs(&self, part: usize) -> bool {
        let mut row = [0];
        (0..self.lanes()).for_each(|lane| self.base(part, lane, &mut row));
        has_bit(&row, PARTY)
    }

    fn is_theirs_otherwise(&self, part: usize) -> bool {
        let [party, _] = &self.masks;
        let behind = |lane| self.powers.base_row(part, lane).iter().zip(party).any(|(a, b)| a & b != 0);
        self.powers.lanes().any(behind)
    }

    fn told(&self, grid: &Grid, part: usize, lanes: &[usize], who: usize) -> Vec<Hit<'r>> {
        // Of the events the soonest; of the data classes each.
        let lanes = if self.power == Power::Read { lanes } else { lanes.get(..1).unwrap_or_default() };
        let one = |lane: &usize| {
            let (hops, _) = shortest(self.stack, &self.powers.links, self, grid, (part, *lane), who)?;
            let parties = hops.last().map(|end| self.parties(end, who)).unwrap_or_default();
            let (event, class) = match self.power {
                Power::Stop => (Event::ALL.get(*lane).copied().unwrap_or(Event::AtOnce), None),
                Power::Read => (Event::AtOnce, Some(*lane)),
                Power::Change => (Event::AtOnce, None),
            };
            Some(Hit { part, event, class, path: Path { hops, parties } })
        };
        lanes.iter().filter_map(one).collect()
    }

    /// From the operator of the last part up to the first of the parties.
    fn parties(&self, end: &Hop, who: usize) -> Vec<crate::Controller<'r>> {
        let Some(mask) = self.masks.get(who) else { return Vec::new() };
        let mut chains = bits(mask)
            .filter(|holder| self.base_lanes().any(|lane| has_bit(self.powers.base_row(end.part, lane), *holder)))
            .map(|holder| self.powers.parties(self.stack, end.part, holder));
        chains.next().unwrap_or_default()
    }

    /// The lanes of [`Powers`] in which this power is held.
    fn base_lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.powers.lanes().filter(|lane| lane.power() == self.power)
    }

    fn reasons(&self, grid: &Grid, part: usize) -> Vec<Why> {
        let mut why = Vec::new();
        for at in self.powers.links.from(part) {
            let Some(link) = self.stack.links.get(at) else { continue };
            let target = link.to as usize;
            let target_hit = self.hit(grid, target, PARTY).is_some();
            let is_hint = self.stack.parts.get(target).is_none_or(Part::is_hint);
            if !target_hit {
                // It stays: if something else of its group falls, this is what carries on.
                let falls = |other: &crate::Edge| {
                    other.any_of == link.any_of && self.hit(grid, other.to as usize, PARTY).is_some()
                };
                let group = self.stack.links.get(self.powers.links.from(part)).unwrap_or_default();
                if self.power == Power::Stop && link.any_of.is_some() && group.iter().any(falls) {
                    why.push(Why::Alternative { link: at });
                }
                continue;
            }
            let cuts = |mitigation: &&Mitigation| self.is_cut_by(**mitigation);
            match link.mitigations.iter().find(cuts) {
                Some(mitigation) => why.push(Why::Mitigated { link: at, mitigation: *mitigation }),
                None if is_hint || link.any_of.is_some() && self.power == Power::Stop => {}
                None => why.push(Why::NotPassed { link: at }),
            }
        }
        why
    }

    fn is_cut_by(&self, mitigation: Mitigation) -> bool {
        match mitigation {
            Mitigation::CustomerHeldKey | Mitigation::ClientSideEncryption | Mitigation::TlsPassesThrough => {
                self.power == Power::Read
            }
            Mitigation::PinnedDigest => self.power == Power::Change,
            Mitigation::LocalMirror | Mitigation::NotRequired => self.power == Power::Stop,
        }
    }
}

impl Flow for Together<'_, '_> {
    fn lanes(&self) -> usize {
        match self.power {
            Power::Stop => Event::ALL.len(),
            Power::Read => self.powers.classes.len(),
            Power::Change => 1,
        }
    }

    fn words(&self) -> usize {
        1
    }

    fn base(&self, part: usize, lane: usize, row: &mut [u64]) {
        let role = self.stack.parts.get(part).map(|part| part.fact.role);
        // Who serves an artefact denies it at the next build; a licensor at the next renewal.
        let later = if role == Some(Role::Artefact) { Event::Build } else { Event::Renewal };
        for (who, mask) in self.masks.iter().enumerate() {
            let behind = |lane: Lane| self.powers.base_row(part, lane).iter().zip(mask).any(|(a, b)| a & b != 0);
            let held = match self.power {
                Power::Read => behind(Lane::Read(lane)),
                Power::Change => behind(Lane::Change),
                Power::Stop => behind(Lane::Stop) || lane >= later as usize && behind(Lane::StopLater),
            };
            if held {
                set_bit(row, who);
            }
        }
    }

    fn sources(&self, link: usize, lane: usize) -> u64 {
        match self.power {
            Power::Read => self.powers.read_sources(link, lane),
            Power::Change => u64::from(self.powers.passes_of(link).change),
            Power::Stop => match self.powers.passes_of(link).stop {
                None => 0,
                Some(Event::AtOnce) => 1 << lane,
                // Whenever it is that the target stops, `from` learns of it at its own next event.
                Some(event) if lane >= event as usize => 1 << (Event::ALL.len() - 1),
                Some(_) => 0,
            },
        }
    }

    fn alternatives_protect(&self, _lane: usize) -> bool {
        self.power == Power::Stop
    }
}

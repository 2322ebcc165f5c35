use super::scenarios::{Scenarios, stays};
use crate::fixpoint::{Flow, bits_of, has_bit};
use crate::graph::Stack;
use crate::maxflow::{Network, UNBOUNDED};
use crate::powers::{Lane, Power, Powers};
use crate::resolve::Part;
use allod_facts::Country;
use std::collections::{BTreeMap, BTreeSet};

/// What a power is to be taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Every one of our own parts.
    Stack,
    /// A data class, by position in [`Powers::classes`]: *read* of that class everywhere; *stop* and *change* of our own
    /// parts that handle it.
    Class(usize),
    /// One part, by position.
    Part(usize),
}

/// The fewest components to replace so that a jurisdiction loses a power over a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub target: Target,
    pub jurisdiction: Country,
    pub power: Power,
    /// By position, sorted. Of several cuts of one size, the one nearest to those who hold the power.
    pub parts: Vec<usize>,
    /// No cut is smaller than this; as many as `parts` when the cut is exact.
    pub at_least: usize,
}

impl Cut {
    /// Whether it was shown that no smaller one does.
    pub fn is_exact(&self) -> bool {
        self.at_least >= self.parts.len()
    }
}

/// At most this many links are gone through for choices among alternatives; when more would be, the first choice is
/// taken and the cut is a bound.
const MAX_CHOSEN_LINKS: usize = 2_000_000;
/// At most this many sets of components are tried to show that no smaller cut does.
const MAX_SETS: usize = 4_000;
/// At most this many words are looked at for a cut that is not plainly minimal: a fraction of a second.
const MAX_EFFORT: usize = 10_000_000;

/// Where a link of a group of alternatives is, and the group.
type Groups = BTreeMap<(u32, String), Vec<usize>>;

/// What the holder's power travels through on its way to the target.
struct Reach {
    /// Parts, sorted.
    parts: Vec<u32>,
    /// Links on which the power passes, by position.
    links: Vec<usize>,
    /// Parts that the holder stands behind itself.
    held: BTreeSet<u32>,
    /// Whether some part is passed in more than one lane: to cut it cuts all of them at once.
    mixes: bool,
    groups: Groups,
}

impl Powers {
    /// `None` when the holder (by position) has not the power over the target.
    pub fn cut(
        &self,
        stack: &Stack<'_>,
        target: Target,
        holder: usize,
        jurisdiction: Country,
        power: Power,
    ) -> Option<Cut> {
        let lanes: Vec<Lane> = self.lanes().filter(|lane| self.is_asked(*lane, target, power)).collect();
        let starts = self.starts(stack, target);
        let reach = self.reach(stack, &starts, &lanes, holder);
        if reach.held.is_empty() {
            return None;
        }
        let (mut parts, every_choice) = self.best_choice(stack, &reach, &starts);
        let simple = !reach.mixes && every_choice;
        let mut at_least = parts.len();
        if !simple {
            parts = self.needed_only(stack, &starts, &lanes, holder, parts);
            at_least = self.lower_bound(stack, &reach, &starts, &lanes, holder, &mut parts);
        }
        Some(Cut { target, jurisdiction, power, parts, at_least })
    }

    fn is_asked(&self, lane: Lane, target: Target, power: Power) -> bool {
        match (lane, target) {
            (Lane::Read(class), Target::Class(asked)) => power == Power::Read && class == asked,
            _ => lane.power() == power,
        }
    }

    fn starts(&self, stack: &Stack<'_>, target: Target) -> Vec<u32> {
        let is_start = |at: usize| match target {
            Target::Part(part) => at == part,
            Target::Stack => stack.parts.get(at).is_some_and(Part::is_ours),
            Target::Class(class) => {
                stack.parts.get(at).is_some_and(Part::is_ours)
                    && self.classes_of.get(at).is_some_and(|classes| classes >> class & 1 == 1)
            }
        };
        (0..stack.parts.len()).filter(|at| is_start(*at)).map(|at| at as u32).collect()
    }

    fn reach(&self, stack: &Stack<'_>, starts: &[u32], lanes: &[Lane], holder: usize) -> Reach {
        let holds = |part: u32, lane: usize| self.has(part as usize, Lane::at(lane), holder);
        let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
        let mut queue: Vec<(u32, usize)> = Vec::new();
        for start in starts {
            queue.extend(lanes.iter().map(|lane| (*start, lane.index())).filter(|(part, lane)| holds(*part, *lane)));
        }
        let (mut links, mut held, mut groups) = (BTreeSet::new(), BTreeSet::new(), Groups::new());
        while let Some((part, lane)) = queue.pop() {
            let known = seen.entry(part).or_default();
            if *known >> lane & 1 == 1 {
                continue;
            }
            *known |= 1 << lane;
            if has_bit(self.base_row(part as usize, Lane::at(lane)), holder) {
                held.insert(part);
            }
            for at in self.links.from(part as usize) {
                let Some(link) = stack.links.get(at) else { continue };
                let sources: Vec<usize> =
                    bits_of(Flow::sources(self, at, lane)).filter(|source| holds(link.to, *source)).collect();
                if sources.is_empty() {
                    continue;
                }
                let group = link.any_of.as_deref().filter(|_| Flow::alternatives_protect(self, lane));
                if let Some(group) = group {
                    if !self.holds_all(stack, part, group, lane, holder) {
                        continue;
                    }
                    let members = groups.entry((part, group.to_owned())).or_default();
                    if !members.contains(&at) {
                        members.push(at);
                    }
                }
                links.insert(at);
                queue.extend(sources.into_iter().map(|source| (link.to, source)));
            }
        }
        // *Stop* now and *stop* later of one part end together: these two lanes do not mix.
        let stop = 1_u64 << Lane::Stop.index() | 1 << Lane::StopLater.index();
        let mixes = seen.values().any(|lanes| lanes & !stop != 0 && lanes.count_ones() > 1);
        groups.retain(|_, members| members.len() > 1);
        Reach { parts: seen.into_keys().collect(), links: links.into_iter().collect(), held, mixes, groups }
    }

    fn holds_all(&self, stack: &Stack<'_>, part: u32, group: &str, lane: usize, holder: usize) -> bool {
        self.links.from(part as usize).all(|at| {
            let Some(link) = stack.links.get(at).filter(|link| link.any_of.as_deref() == Some(group)) else {
                return true;
            };
            bits_of(Flow::sources(self, at, lane)).any(|source| self.has(link.to as usize, Lane::at(source), holder))
        })
    }

    /// To break a group of alternatives it is enough that the holder loses one of them: the smallest cut is the smallest
    /// over the choices of that one. Says whether every choice was tried.
    fn best_choice(&self, stack: &Stack<'_>, reach: &Reach, starts: &[u32]) -> (Vec<usize>, bool) {
        let sizes: Vec<usize> = reach.groups.values().map(Vec::len).collect();
        let most = MAX_CHOSEN_LINKS / reach.links.len().max(1);
        let choices = sizes.iter().try_fold(1_usize, |all, size| all.checked_mul(*size).filter(|all| *all <= most));
        let mut best: Option<Vec<usize>> = None;
        for choice in 0..choices.unwrap_or(1) {
            let mut rest = choice;
            let mut left_out = BTreeSet::new();
            for members in reach.groups.values() {
                let kept = rest % members.len();
                rest /= members.len();
                left_out.extend(members.iter().enumerate().filter(|(at, _)| *at != kept).map(|(_, link)| *link));
            }
            let found = minimum(stack, reach, starts, &left_out);
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        (best.unwrap_or_default(), choices.is_some())
    }

    /// Drops what a cut does not need, while that is quickly found out.
    fn needed_only(
        &self,
        stack: &Stack<'_>,
        starts: &[u32],
        lanes: &[Lane],
        holder: usize,
        mut parts: Vec<usize>,
    ) -> Vec<usize> {
        let mut effort = 0;
        loop {
            effort += self.effort(stack, parts.len());
            if parts.len() < 2 || effort > MAX_EFFORT {
                return parts;
            }
            let fewer: Vec<Vec<usize>> = (0..parts.len())
                .map(|left_out| {
                    parts.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, part)| *part).collect()
                })
                .collect();
            match self.ends_with(stack, starts, lanes, holder, &fewer) {
                Some(found) => parts = fewer.into_iter().nth(found).unwrap_or_default(),
                None => return parts,
            }
        }
    }

    /// What it costs to try a number of sets: words that are looked at.
    fn effort(&self, stack: &Stack<'_>, sets: usize) -> usize {
        sets.div_ceil(64).saturating_mul(stack.links.len() + stack.parts.len()).saturating_mul(self.lanes().count())
    }

    /// The first of some sets whose replacement ends the power over every start.
    fn ends_with(
        &self,
        stack: &Stack<'_>,
        starts: &[u32],
        lanes: &[Lane],
        holder: usize,
        sets: &[Vec<usize>],
    ) -> Option<usize> {
        let scenarios = Scenarios::of(self, stack, holder, sets);
        let ended = |n: usize| {
            starts.iter().all(|start| lanes.iter().all(|lane| !scenarios.in_lane(*start as usize, *lane, n + 1)))
        };
        (0..sets.len()).find(|n| ended(*n))
    }

    /// The largest cut of a single lane: to end them all takes no less. Then smaller sets are tried while these are few,
    /// and a smaller cut is taken when there is one. Returns the size below which there is none.
    fn lower_bound(
        &self,
        stack: &Stack<'_>,
        reach: &Reach,
        starts: &[u32],
        lanes: &[Lane],
        holder: usize,
        parts: &mut Vec<usize>,
    ) -> usize {
        let of_lane = |lane: &Lane| {
            let reach = self.reach(stack, starts, &[*lane], holder);
            let (cut, every_choice) = self.best_choice(stack, &reach, starts);
            if every_choice && !reach.mixes { cut.len() } else { 1 }
        };
        let mut size = lanes.iter().map(of_lane).max().unwrap_or(1).max(1);
        let candidates: Vec<usize> =
            reach.parts.iter().filter(|at| is_replaceable(stack, reach, **at)).map(|at| *at as usize).collect();
        let mut effort = 0;
        while size < parts.len() {
            let Some(sets) = subsets(&candidates, size) else { return size };
            effort += self.effort(stack, sets.len());
            if effort > MAX_EFFORT {
                return size;
            }
            if let Some(found) = self.ends_with(stack, starts, lanes, holder, &sets) {
                *parts = sets.into_iter().nth(found).unwrap_or_default();
                return size;
            }
            size += 1;
        }
        size
    }
}

/// What somebody provides, serves or publishes can be replaced; our own part is what is to be protected.
fn is_replaceable(stack: &Stack<'_>, reach: &Reach, at: u32) -> bool {
    stack.parts.get(at as usize).is_some_and(|part| !part.is_ours() || reach.held.contains(&at))
}

/// The minimum vertex cut between the starts and the parts that the holder stands behind, nearest to the latter.
fn minimum(stack: &Stack<'_>, reach: &Reach, starts: &[u32], left_out: &BTreeSet<usize>) -> Vec<usize> {
    let position = |part: u32| reach.parts.binary_search(&part).ok();
    let links: Vec<(usize, usize, bool)> = reach
        .links
        .iter()
        .filter(|at| !left_out.contains(at))
        .filter_map(|at| stack.links.get(*at))
        .filter_map(|link| Some((position(link.from)?, position(link.to)?, stays(link))))
        .collect();
    let cost: Vec<u32> =
        reach.parts.iter().map(|part| if is_replaceable(stack, reach, *part) { 1 } else { UNBOUNDED }).collect();
    let begun = begun(&links, &cost, starts.iter().filter_map(|start| position(*start)));
    // Each part is two nodes with what it costs to replace it between; where nothing can be cut yet is the source.
    let (source, sink) = (2 * reach.parts.len() as u32, 2 * reach.parts.len() as u32 + 1);
    let is_begun = |at: usize| begun.get(at).copied().unwrap_or(false);
    let enter = |at: usize| if is_begun(at) { source } else { 2 * at as u32 };
    let leave = |at: usize| if is_begun(at) { source } else { 2 * at as u32 + 1 };
    let mut network = Network::with_nodes(2 * reach.parts.len() + 2);
    for (at, (part, cost)) in reach.parts.iter().zip(&cost).enumerate() {
        if !is_begun(at) {
            network.edge(enter(at), leave(at), *cost);
        }
        if reach.held.contains(part) {
            network.edge(leave(at), sink, UNBOUNDED);
        }
    }
    for start in starts.iter().filter_map(|start| position(*start)).filter(|at| !is_begun(*at)) {
        network.edge(source, enter(start), UNBOUNDED);
    }
    let mut edges: Vec<(u32, u32)> = links
        .iter()
        .map(|(from, to, stays)| (if *stays { enter(*from) } else { leave(*from) }, enter(*to)))
        .filter(|(from, to)| from != to && *to != source)
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges.into_iter().for_each(|(from, to)| network.edge(from, to, UNBOUNDED));
    network.run(source, sink);
    let side = network.sink_side(sink);
    let on_side = |node: usize| side.get(node).copied().unwrap_or(false);
    let is_cut = |at: usize| !is_begun(at) && !on_side(2 * at) && on_side(2 * at + 1);
    reach.parts.iter().enumerate().filter(|(at, _)| is_cut(*at)).map(|(_, part)| *part as usize).collect()
}

/// The parts that are reached from the starts through parts that cannot be replaced, these included.
fn begun(links: &[(usize, usize, bool)], cost: &[u32], starts: impl Iterator<Item = usize>) -> Vec<bool> {
    // Links stand in the order of their sources.
    let mut begun = vec![false; cost.len()];
    let fixed = |at: usize| cost.get(at).copied().unwrap_or(0) == UNBOUNDED;
    let mut open: Vec<usize> = starts.filter(|at| fixed(*at)).collect();
    while let Some(at) = open.pop() {
        if begun.get_mut(at).is_none_or(|flag| std::mem::replace(flag, true)) {
            continue;
        }
        let first = links.partition_point(|(from, ..)| *from < at);
        let own = links.iter().skip(first).take_while(|(from, ..)| *from == at);
        open.extend(own.map(|(_, to, _)| *to).filter(|to| fixed(*to)));
    }
    begun
}

/// Every subset of a size, in order; `None` when there are too many.
fn subsets(of: &[usize], size: usize) -> Option<Vec<Vec<usize>>> {
    let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
    // Sets of positions, each grown at its end.
    for _ in 0..size {
        let mut larger = Vec::new();
        for set in &sets {
            let from = set.last().map_or(0, |last| last + 1);
            larger.extend((from..of.len()).map(|next| set.iter().copied().chain([next]).collect::<Vec<usize>>()));
            if larger.len() > MAX_SETS {
                return None;
            }
        }
        sets = larger;
    }
    Some(sets.into_iter().map(|set| set.into_iter().filter_map(|at| of.get(at).copied()).collect()).collect())
}

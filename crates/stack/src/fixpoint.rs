//! The least fixpoint over the links that every analysis here is: rows of bits a part and lane, what stands behind a
//! part itself, and what reaches it from those that it depends on.

use crate::graph::Stack;
use std::collections::{BTreeMap, VecDeque};
use std::sync::OnceLock;

mod again;

pub(crate) use again::{Before, solve_again};

/// At most this many lanes: lanes are the bits of one word.
pub(crate) const MAX_LANES: usize = 64;

/// The links of a stack by their ends, and an order in which each part comes after what it depends on.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// By part: the first of its links (those that it is `from` of) in [`Stack::links`].
    first: Vec<u32>,
    /// By link: the part that it leads to.
    to: Vec<u32>,
    dependents_first: Vec<u32>,
    dependents: Vec<u32>,
    order: OnceLock<Vec<u32>>,
}

impl Links {
    pub fn of(stack: &Stack<'_>) -> Links {
        Links::new(first_links(stack), stack.links.iter().map(|link| link.to).collect())
    }

    fn new(first: Vec<u32>, to: Vec<u32>) -> Links {
        let (dependents_first, dependents) = dependents(&first, &to);
        Links { first, to, dependents_first, dependents, order: OnceLock::new() }
    }

    /// By part: the first of its links; one more at the end.
    pub fn first(&self) -> &[u32] {
        &self.first
    }

    pub fn to(&self, link: usize) -> Option<u32> {
        self.to.get(link).copied()
    }

    fn order(&self) -> &[u32] {
        self.order.get_or_init(|| dependencies_first(&self.first, &self.to))
    }

    /// The links of a part, as positions in the stack's links.
    pub fn from(&self, part: usize) -> std::ops::Range<usize> {
        range(&self.first, part)
    }

    /// The parts that depend on a part.
    pub fn dependents(&self, part: usize) -> &[u32] {
        self.dependents.get(range(&self.dependents_first, part)).unwrap_or_default()
    }
}

fn range(first: &[u32], part: usize) -> std::ops::Range<usize> {
    let at = |part: usize| first.get(part).copied().unwrap_or(0) as usize;
    at(part)..at(part + 1)
}

/// What flows: the lanes, what stands behind a part, what a link passes. It never changes while it is solved.
pub(crate) trait Flow {
    /// At most [`MAX_LANES`].
    fn lanes(&self) -> usize;
    /// Words of a row.
    fn words(&self) -> usize;
    /// Adds to `row` what stands behind the part itself.
    fn base(&self, part: usize, lane: usize, row: &mut [u64]);
    /// The lanes of the target of a link (by position) that reach a lane of its source, as bits.
    fn sources(&self, link: usize, lane: usize) -> u64;
    /// Whether alternatives protect in a lane: a holder holds it only when it holds every one of a group.
    fn alternatives_protect(&self, lane: usize) -> bool;
    /// Scenarios, as bits, in which a part is replaced: nothing stands behind it, and what it depended on is gone but
    /// for links that [`stay`](Flow::stays). Empty: it is there in all.
    fn without(&self, _part: usize) -> &[u64] {
        &[]
    }
    /// Whether a link is kept when its source is replaced.
    fn stays(&self, _link: usize) -> bool {
        false
    }
}

/// Rows of bits: `[part][lane][word]`.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    lanes: usize,
    words: usize,
    rows: Vec<u64>,
}

impl Grid {
    pub fn row(&self, part: usize, lane: usize) -> &[u64] {
        let at = (part * self.lanes + lane) * self.words;
        self.rows.get(at..at + self.words).unwrap_or_default()
    }

    pub fn has(&self, part: usize, lane: usize, bit: usize) -> bool {
        has_bit(self.row(part, lane), bit)
    }
}

/// Solves a flow. Linear in links for a graph without cycles; cycles are repeated until nothing changes.
pub(crate) fn solve(stack: &Stack<'_>, links: &Links, flow: &impl Flow) -> Grid {
    let (lanes, words) = (flow.lanes().min(MAX_LANES), flow.words());
    let mut grid = Grid { lanes, words, rows: vec![0; stack.parts.len() * lanes * words] };
    let mut queue: VecDeque<u32> = links.order().iter().copied().collect();
    let mut queued = vec![true; stack.parts.len()];
    let mut new = vec![0; lanes * words];
    while let Some(part) = queue.pop_front() {
        let part = part as usize;
        if let Some(flag) = queued.get_mut(part) {
            *flag = false;
        }
        renew(stack, links, flow, &grid, part, &mut new);
        let at = part * lanes * words;
        let Some(rows) = grid.rows.get_mut(at..at + lanes * words).filter(|rows| **rows != *new) else { continue };
        rows.copy_from_slice(&new);
        for dependent in links.dependents(part) {
            if let Some(flag) = queued.get_mut(*dependent as usize).filter(|flag| !**flag) {
                *flag = true;
                queue.push_back(*dependent);
            }
        }
    }
    grid
}

/// Computes the rows of one part from what is known of the others.
fn renew(stack: &Stack<'_>, links: &Links, flow: &impl Flow, grid: &Grid, part: usize, new: &mut [u64]) {
    new.fill(0);
    for (lane, row) in new.chunks_exact_mut(grid.words).enumerate() {
        flow.base(part, lane, row);
    }
    through(stack, links.from(part), flow, grid, new);
    let without = flow.without(part);
    if !without.is_empty() {
        let mut stays = vec![0; new.len()];
        through(stack, links.from(part).filter(|at| flow.stays(*at)), flow, grid, &mut stays);
        for (row, stays) in new.chunks_exact_mut(grid.words).zip(stays.chunks_exact(grid.words)) {
            row.iter_mut()
                .zip(stays)
                .zip(without)
                .for_each(|((row, stays), without)| *row = *row & !without | stays & without);
        }
    }
}

/// Adds what reaches a part through some of its links. Links of one group of alternatives are of one kind of need: all
/// stay or go together.
fn through(stack: &Stack<'_>, some: impl Iterator<Item = usize>, flow: &impl Flow, grid: &Grid, new: &mut [u64]) {
    let words = grid.words;
    let mut groups: BTreeMap<(usize, &str), Vec<u64>> = BTreeMap::new();
    for at in some {
        let Some(link) = stack.links.get(at) else { continue };
        for (lane, row) in new.chunks_exact_mut(words).enumerate() {
            let sources = bits_of(flow.sources(at, lane));
            match link.any_of.as_deref().filter(|_| flow.alternatives_protect(lane)) {
                None => sources.for_each(|source| unite(row, grid.row(link.to as usize, source))),
                Some(group) => {
                    let mut held = vec![0; words];
                    sources.for_each(|source| unite(&mut held, grid.row(link.to as usize, source)));
                    groups.entry((lane, group)).and_modify(|common| intersect(common, &held)).or_insert(held);
                }
            }
        }
    }
    for ((lane, _), common) in groups {
        if let Some(row) = new.get_mut(lane * words..(lane + 1) * words) {
            unite(row, &common);
        }
    }
}

/// A part on the way and the link (by position) that leads on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    pub part: usize,
    pub link: Option<usize>,
}

/// The shortest way from a part and lane to a part that the holder `bit` stands behind itself, and the lane there.
/// Among ways of one length the first by part.
pub(crate) fn shortest(
    stack: &Stack<'_>,
    links: &Links,
    flow: &impl Flow,
    grid: &Grid,
    start: (usize, usize),
    bit: usize,
) -> Option<(Vec<Hop>, usize)> {
    if !grid.has(start.0, start.1, bit) {
        return None;
    }
    let mut came_from: Trail = BTreeMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    let mut row = vec![0; flow.words()];
    while let Some((part, lane)) = queue.pop_front() {
        row.fill(0);
        flow.base(part, lane, &mut row);
        if has_bit(&row, bit) && !has_bit(flow.without(part), bit) {
            return Some((walk_back(&came_from, (part, lane)), lane));
        }
        for at in links.from(part) {
            let Some(link) = stack.links.get(at) else { continue };
            for source in bits_of(flow.sources(at, lane)) {
                let next = (link.to as usize, source);
                if grid.has(next.0, source, bit) && !came_from.contains_key(&next) {
                    came_from.insert(next, Some((part, lane, at)));
                    queue.push_back(next);
                }
            }
        }
    }
    None
}

/// For each place reached, where it was reached from (and by which link); `None` at the start.
type Trail = BTreeMap<(usize, usize), Option<(usize, usize, usize)>>;

fn walk_back(came_from: &Trail, end: (usize, usize)) -> Vec<Hop> {
    let mut hops = vec![Hop { part: end.0, link: None }];
    let mut at = end;
    while let Some(Some((part, lane, link))) = came_from.get(&at) {
        hops.push(Hop { part: *part, link: Some(*link) });
        at = (*part, *lane);
    }
    hops.reverse();
    hops
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

/// For each part, the parts that link to it: where its list begins, and the lists.
fn dependents(first: &[u32], to: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let parts = first.len().saturating_sub(1);
    // Parts are gone through in order, so that several links of one to another follow one another.
    let each = |see: &mut dyn FnMut(u32, u32)| {
        let mut last = vec![u32::MAX; parts];
        for part in 0..parts as u32 {
            for to in to.get(range(first, part as usize)).unwrap_or_default() {
                if let Some(last) = last.get_mut(*to as usize).filter(|last| **last != part) {
                    *last = part;
                    see(*to, part);
                }
            }
        }
    };
    let mut begin = vec![0_u32; parts + 1];
    each(&mut |to, _| begin.iter_mut().skip(to as usize + 1).take(1).for_each(|count| *count += 1));
    let mut sum = 0;
    begin.iter_mut().for_each(|count| {
        sum += *count;
        *count = sum;
    });
    let mut next = begin.clone();
    let mut all = vec![0_u32; sum as usize];
    each(&mut |to, part| {
        let Some(next) = next.get_mut(to as usize) else { return };
        if let Some(place) = all.get_mut(*next as usize) {
            *place = part;
        }
        *next += 1;
    });
    (begin, all)
}

/// Parts in depth-first post-order: each after what it depends on, cycles apart.
fn dependencies_first(first: &[u32], to: &[u32]) -> Vec<u32> {
    let parts = first.len().saturating_sub(1);
    let mut seen = vec![false; parts];
    let mut order = Vec::with_capacity(parts);
    for root in 0..parts as u32 {
        if std::mem::replace(seen.get_mut(root as usize).unwrap_or(&mut true), true) {
            continue;
        }
        let mut open = vec![(root, range(first, root as usize))];
        while let Some((part, links)) = open.last_mut() {
            match links.next().and_then(|at| to.get(at)) {
                Some(to) => {
                    if let Some(flag) = seen.get_mut(*to as usize).filter(|flag| !**flag) {
                        *flag = true;
                        open.push((*to, range(first, *to as usize)));
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

pub(crate) fn unite(into: &mut [u64], other: &[u64]) {
    into.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
}

fn intersect(into: &mut [u64], other: &[u64]) {
    into.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
}

pub(crate) fn has_bit(row: &[u64], at: usize) -> bool {
    row.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

pub(crate) fn set_bit(row: &mut [u64], at: usize) {
    if let Some(word) = row.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

pub(crate) fn bits(row: &[u64]) -> impl Iterator<Item = usize> + '_ {
    row.iter().enumerate().flat_map(|(at, word)| bits_of(*word).map(move |bit| at * 64 + bit))
}

/// The positions of the bits of a word, lowest first.
pub(crate) fn bits_of(word: u64) -> impl Iterator<Item = usize> {
    let mut left = word;
    std::iter::from_fn(move || {
        let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
        left &= left - 1;
        Some(bit)
    })
}

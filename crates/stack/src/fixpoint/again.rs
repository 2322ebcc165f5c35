use super::{Flow, Grid, Links, range, renew};
use crate::graph::Stack;
use crate::kept::{NOWHERE, Patch};
use rustc_hash::FxHashSet;
use std::collections::{BTreeSet, VecDeque};

/// Links as they were before a patch: where those of each part began, and what they led to.
#[derive(Debug)]
pub(crate) struct Before {
    pub first: Vec<u32>,
    pub to: Vec<u32>,
}

impl Before {
    /// The links of a part, as positions then.
    pub fn from(&self, part: usize) -> std::ops::Range<usize> {
        range(&self.first, part)
    }
}

impl Links {
    /// Takes a patch of the stack over; gives the links as they were.
    pub fn renew(&mut self, stack: &Stack<'_>, patch: &Patch) -> Before {
        let len = stack.links.len();
        let mut to: Vec<u32> = Vec::with_capacity(len);
        let anew = |to: &mut Vec<u32>, end: usize| {
            to.extend(stack.links.get(to.len()..end).unwrap_or_default().iter().map(|link| link.to));
        };
        for block in &patch.blocks {
            anew(&mut to, block.now);
            let stays = self.to.get(block.before..block.before + block.len).unwrap_or_default();
            to.extend(stays.iter().map(|to| patch.moved.get(*to as usize).copied().unwrap_or(NOWHERE)));
        }
        anew(&mut to, len);
        let before = std::mem::replace(self, Links::new(patch.first.clone(), to));
        Before { first: before.first, to: before.to }
    }
}

impl Grid {
    /// The rows of the parts where they are now. New ones hold nothing.
    pub fn move_rows(&mut self, patch: &Patch) {
        if patch.before.len() == patch.moved.len() && (0..).zip(&patch.before).all(|(now, before)| now == *before) {
            return;
        }
        let size = self.lanes * self.words;
        let mut rows = Vec::with_capacity(patch.before.len() * size);
        for before in &patch.before {
            match self
                .rows
                .get((*before as usize).saturating_mul(size)..(*before as usize).saturating_add(1).saturating_mul(size))
            {
                Some(row) if *before != NOWHERE => rows.extend_from_slice(row),
                _ => rows.resize(rows.len() + size, 0),
            }
        }
        self.rows = rows;
    }

    /// The same with other lanes: `stay` are those that stay, with where they are and will be.
    pub fn move_lanes(&mut self, stay: &[(usize, usize)], lanes: usize) {
        let (words, before) = (self.words, self.lanes * self.words);
        if before == 0 {
            return;
        }
        let mut rows = vec![0; self.rows.len() / before * lanes * words];
        for (new, old) in rows.chunks_exact_mut(lanes * words).zip(self.rows.chunks_exact(before)) {
            for (was, is) in stay {
                let old = old.get(was * words..(was + 1) * words).unwrap_or_default();
                let new = new.get_mut(is * words..(is + 1) * words).unwrap_or_default();
                new.iter_mut().zip(old).for_each(|(new, old)| *new = *old);
            }
        }
        (self.rows, self.lanes) = (rows, lanes);
    }

    /// The same with other holders: `runs` are (position before, position now, how many) of those that stay, sorted.
    pub fn move_columns(&mut self, runs: &[(usize, usize, usize)], words: usize) {
        if self.words == 0 {
            return;
        }
        let mut rows = vec![0; self.rows.len() / self.words * words];
        for (row, old) in rows.chunks_exact_mut(words).zip(self.rows.chunks_exact(self.words)) {
            if old.iter().any(|word| *word != 0) {
                runs.iter().for_each(|run| copy_bits(old, row, *run));
            }
        }
        (self.rows, self.words) = (rows, words);
    }
}

/// Copies a run of bits, a word of the source at a time.
fn copy_bits(old: &[u64], row: &mut [u64], (mut from, mut to, mut len): (usize, usize, usize)) {
    while len > 0 {
        // As far as neither crosses into its next word.
        let some = len.min(64 - from % 64).min(64 - to % 64);
        let mask = if some == 64 { u64::MAX } else { (1 << some) - 1 };
        let bits = old.get(from / 64).map_or(0, |word| word >> (from % 64) & mask);
        if let Some(word) = row.get_mut(to / 64) {
            *word |= bits << (to % 64);
        }
        (from, to, len) = (from + some, to + some, len - some);
    }
}

/// Solves a flow again, of which some parts have other links, or something else stands behind them. Goes from what
/// others depend on to what depends on it, and no further than something differs; parts that depend on one another are
/// solved together, from nothing, so that none holds what only another one of them holds by it. The least fixpoint is
/// one, however it is reached. Gives how many parts were looked at.
pub(crate) fn solve_again(
    stack: &Stack<'_>,
    links: &Links,
    flow: &impl Flow,
    grid: &mut Grid,
    differ: &[u32],
) -> usize {
    if differ.is_empty() {
        return 0;
    }
    let knots = Knots::of(&links.first, &links.to);
    let mut open: BTreeSet<u32> = differ.iter().filter_map(|part| knots.of_part(*part)).collect();
    let size = grid.lanes * grid.words;
    let mut new = vec![0; size];
    let mut looks = 0;
    while let Some(knot) = open.pop_first() {
        let parts = knots.parts(knot);
        let rows_of = |part: u32| part as usize * size..(part as usize + 1) * size;
        let mut before = Vec::with_capacity(parts.len() * size);
        for part in parts {
            if let Some(rows) = grid.rows.get_mut(rows_of(*part)) {
                before.extend_from_slice(rows);
                rows.fill(0);
            }
        }
        let mut queue: VecDeque<u32> = parts.iter().copied().collect();
        let mut waits: FxHashSet<u32> = parts.iter().copied().collect();
        while let Some(part) = queue.pop_front() {
            waits.remove(&part);
            looks += 1;
            renew(stack, links, flow, grid, part as usize, &mut new);
            let Some(rows) = grid.rows.get_mut(rows_of(part)).filter(|rows| **rows != *new) else { continue };
            rows.copy_from_slice(&new);
            if parts.len() > 1 {
                let inside = links.dependents(part as usize).iter().filter(|at| knots.of_part(**at) == Some(knot));
                queue.extend(inside.filter(|at| waits.insert(**at)));
            }
        }
        for (part, before) in parts.iter().zip(before.chunks_exact(size.max(1))) {
            let rows = grid.rows.get(rows_of(*part)).unwrap_or_default();
            let words = grid.words.max(1);
            let lanes = rows.chunks_exact(words).zip(before.chunks_exact(words)).enumerate();
            let turned = lanes.fold(0_u64, |bits, (lane, (now, before))| bits | u64::from(now != before) << lane);
            if turned != 0 {
                let outside =
                    links.dependents(*part as usize).iter().filter(|at| reach(links, flow, **at, *part, turned));
                open.extend(outside.filter_map(|at| knots.of_part(*at)).filter(|other| *other != knot));
            }
        }
    }
    looks
}

/// Whether anything of these lanes of a part reaches one that depends on it.
fn reach(links: &Links, flow: &impl Flow, dependent: u32, part: u32, lanes: u64) -> bool {
    let mut leading = links.from(dependent as usize).filter(|at| links.to(*at) == Some(part));
    leading.any(|at| (0..flow.lanes()).any(|lane| flow.sources(at, lane) & lanes != 0))
}

/// Parts that depend on one another (strongly connected components; most parts are one by themselves), each knot after
/// those that it depends on. Tarjan's algorithm, without recursion.
struct Knots {
    /// By part.
    of: Vec<u32>,
    first: Vec<u32>,
    parts: Vec<u32>,
}

impl Knots {
    fn of(first: &[u32], to: &[u32]) -> Knots {
        let count = first.len().saturating_sub(1);
        let mut knots = Knots { of: vec![NOWHERE; count], first: vec![0], parts: Vec::with_capacity(count) };
        // When each part was first seen, and the earliest seen one that it leads back to; 0 is not yet.
        let mut low = vec![0_u32; count];
        let mut seen = 0;
        let mut stack: Vec<u32> = Vec::new();
        let mut open: Vec<(u32, u32, std::ops::Range<usize>)> = Vec::new();
        for root in 0..count as u32 {
            if low.get(root as usize).is_none_or(|low| *low != 0) {
                continue;
            }
            let mut next = Some(root);
            while next.is_some() || !open.is_empty() {
                if let Some(part) = next.take() {
                    seen += 1;
                    low.iter_mut().skip(part as usize).take(1).for_each(|low| *low = seen);
                    stack.push(part);
                    open.push((part, seen, range(first, part as usize)));
                }
                let Some((part, index, links)) = open.last_mut() else { break };
                let (part, index) = (*part, *index);
                let low_of = |low: &[u32], part: u32| low.get(part as usize).copied().unwrap_or(0);
                let mut lowest = low_of(&low, part);
                next = links.find_map(|at| {
                    let to = to.get(at).copied()?;
                    match (low_of(&low, to), knots.of_part(to)) {
                        (0, _) => return Some(to),
                        (other, None) => lowest = lowest.min(other),
                        _ => {}
                    }
                    None
                });
                low.iter_mut().skip(part as usize).take(1).for_each(|low| *low = lowest);
                if next.is_some() {
                    continue;
                }
                open.pop();
                if let Some((above, ..)) = open.last() {
                    low.iter_mut().skip(*above as usize).take(1).for_each(|low| *low = (*low).min(lowest));
                }
                if lowest == index {
                    knots.tie(&mut stack, part);
                }
            }
        }
        knots
    }

    /// What was seen since a part is one knot.
    fn tie(&mut self, stack: &mut Vec<u32>, last: u32) {
        let knot = (self.first.len() - 1) as u32;
        while let Some(part) = stack.pop() {
            self.of.iter_mut().skip(part as usize).take(1).for_each(|of| *of = knot);
            self.parts.push(part);
            if part == last {
                break;
            }
        }
        self.first.push(self.parts.len() as u32);
    }

    fn of_part(&self, part: u32) -> Option<u32> {
        self.of.get(part as usize).copied().filter(|knot| *knot != NOWHERE)
    }

    fn parts(&self, knot: u32) -> &[u32] {
        self.parts.get(range(&self.first, knot as usize)).unwrap_or_default()
    }
}

use super::{Flow, Grid, Links, bits_of, renew, unite};
use crate::graph::Stack;
use crate::kept::{NOWHERE, Patch};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// One in so many parts may lose something; when it is more, solving for all costs no more.
const LOSE_ONE_IN: usize = 4;
/// This many may always: of a small stack any change is a large share.
const LOSE_ALWAYS: usize = 200;
/// A part may be looked at so many times on average before it is cheaper to solve for all, in an order that suits.
const LOOKS_PER_PART: usize = 1;

/// Links as they were before a patch: where those of each part began, and what they led to.
#[derive(Debug)]
pub(crate) struct Before {
    pub first: Vec<u32>,
    pub to: Vec<u32>,
}

impl Before {
    /// The links of a part, as positions then.
    pub fn from(&self, part: usize) -> std::ops::Range<usize> {
        super::range(&self.first, part)
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
            match self.rows.get((*before as usize).saturating_mul(size)..(*before as usize).saturating_add(1).saturating_mul(size)) {
                Some(row) if *before != NOWHERE => rows.extend_from_slice(row),
                _ => rows.resize(rows.len() + size, 0),
            }
        }
        self.rows = rows;
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

/// Solves a flow again, of which some parts have lost something (a link, say), and some have only got more. What could
/// have come from what was lost is taken away, as far as it reaches, and found again where it has another reason: the
/// least fixpoint is one, however it is reached. Gives how many parts were looked at; `None`, and a grid of no worth,
/// when it reaches too far.
pub(crate) fn solve_again(
    stack: &Stack<'_>,
    links: &Links,
    flow: &impl Flow,
    grid: &mut Grid,
    lost: &[u32],
    got: &[u32],
) -> Option<usize> {
    let parts = stack.parts.len();
    let taken = take_away(links, flow, grid, lost, LOSE_ALWAYS.max(parts / LOSE_ONE_IN))?;
    let mut queue: VecDeque<u32> = VecDeque::new();
    let mut queued = vec![false; parts];
    let ask = |queue: &mut VecDeque<u32>, queued: &mut [bool], part: u32| {
        if let Some(flag) = queued.get_mut(part as usize).filter(|flag| !**flag) {
            *flag = true;
            queue.push_back(part);
        }
    };
    lost.iter().chain(&taken).chain(got).for_each(|part| ask(&mut queue, &mut queued, *part));
    let size = grid.lanes * grid.words;
    let mut new = vec![0; size];
    let mut looks = 0;
    while let Some(part) = queue.pop_front() {
        looks += 1;
        if looks > LOSE_ALWAYS + parts * LOOKS_PER_PART {
            return None;
        }
        let at = part as usize;
        queued.iter_mut().skip(at).take(1).for_each(|flag| *flag = false);
        renew(stack, links, flow, grid, at, &mut new);
        let Some(rows) = grid.rows.get_mut(at * size..(at + 1) * size).filter(|rows| **rows != *new) else { continue };
        let lanes = rows.chunks_exact(grid.words.max(1)).zip(new.chunks_exact(grid.words.max(1))).enumerate();
        let turned = lanes.fold(0_u64, |bits, (lane, (old, new))| bits | u64::from(old != new) << lane);
        rows.copy_from_slice(&new);
        for dependent in links.dependents(at) {
            if reads(links, flow, *dependent, part, turned) {
                ask(&mut queue, &mut queued, *dependent);
            }
        }
    }
    Some(looks)
}

/// Whether anything of these lanes of a part reaches one that depends on it.
fn reads(links: &Links, flow: &impl Flow, dependent: u32, part: u32, lanes: u64) -> bool {
    let mut leading = links.from(dependent as usize).filter(|at| links.to(*at) == Some(part));
    leading.any(|at| (0..flow.lanes()).any(|lane| flow.sources(at, lane) & lanes != 0))
}

/// Takes away what some parts hold by their links, and whatever could have come from it. Gives the parts that lost
/// something by it; `None` when they are more than `most`.
fn take_away(links: &Links, flow: &impl Flow, grid: &mut Grid, lost: &[u32], most: usize) -> Option<Vec<u32>> {
    let (lanes, words) = (grid.lanes, grid.words);
    // By part: what was taken from it and was not passed on yet.
    let mut open: FxHashMap<u32, Vec<u64>> = FxHashMap::default();
    let mut queue: VecDeque<u32> = VecDeque::new();
    let mut taken = Vec::new();
    let mut seen = vec![false; links.first.len()];
    let mut base = vec![0; words];
    let mut candidates = vec![u64::MAX; lanes * words];
    let mut take = |grid: &mut Grid, part: u32, candidates: &mut [u64], open: &mut FxHashMap<u32, Vec<u64>>, queue: &mut VecDeque<u32>| {
        let at = part as usize * lanes * words;
        let Some(rows) = grid.rows.get_mut(at..at + lanes * words) else { return };
        for (lane, (row, some)) in rows.chunks_exact_mut(words).zip(candidates.chunks_exact_mut(words)).enumerate() {
            base.fill(0);
            flow.base(part as usize, lane, &mut base);
            row.iter_mut().zip(some.iter_mut()).zip(&base).for_each(|((row, some), base)| {
                *some &= *row & !base;
                *row &= !*some;
            });
        }
        if candidates.iter().any(|word| *word != 0) {
            if let Some(seen) = seen.get_mut(part as usize).filter(|seen| !**seen) {
                *seen = true;
                taken.push(part);
            }
            match open.entry(part) {
                std::collections::hash_map::Entry::Occupied(mut known) => unite(known.get_mut(), candidates),
                std::collections::hash_map::Entry::Vacant(new) => {
                    new.insert(candidates.to_vec());
                    queue.push_back(part);
                }
            }
        }
    };
    for part in lost {
        candidates.fill(u64::MAX);
        take(grid, *part, &mut candidates, &mut open, &mut queue);
    }
    let mut passed_on = 0;
    while let Some(part) = queue.pop_front() {
        passed_on += 1;
        if passed_on > most {
            return None;
        }
        let Some(gone) = open.remove(&part) else { continue };
        let gone_of = |lane: usize| gone.get(lane * words..(lane + 1) * words).unwrap_or_default();
        for dependent in links.dependents(part as usize) {
            candidates.fill(0);
            for at in links.from(*dependent as usize).filter(|at| links.to(*at) == Some(part)) {
                for (lane, row) in candidates.chunks_exact_mut(words).enumerate() {
                    bits_of(flow.sources(at, lane)).for_each(|source| unite(row, gone_of(source)));
                }
            }
            take(grid, *dependent, &mut candidates, &mut open, &mut queue);
        }
    }
    Some(taken)
}

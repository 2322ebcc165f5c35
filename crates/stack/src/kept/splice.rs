use super::{Kept, NOWHERE};
use crate::graph::{Stack, local::plain_link};
use crate::resolve::Part;
use allod_facts::{Link, LinkKind};
use rustc_hash::FxHashSet;

/// How the positions of a stack moved.
pub(crate) struct Patch {
    /// By position before: the position now, or [`NOWHERE`].
    pub moved: Vec<u32>,
    /// By position now: the one before, or [`NOWHERE`].
    pub before: Vec<u32>,
    /// By part: the first of its links; one more at the end.
    pub first: Vec<u32>,
    /// Links that stayed.
    pub blocks: Vec<Block>,
    /// The parts whose links were made again, or of which something else changed that a power may depend on. Sorted.
    pub anew: Vec<u32>,
    /// What of the parts that links lead to changed what they pass: sorted positions of those that they lead from.
    pub passes: Vec<u32>,
}

/// A run of links (by position) that stayed together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub before: usize,
    pub now: usize,
    pub len: usize,
}

/// A part that is new or was done again, under its number, with its links: what they lead to is told by number.
pub(super) type Placed<'r> = (u32, Part<'r>, Vec<Link>);

impl<'r> Kept<'r> {
    /// Puts parts into a stack, and takes those out that are gone (by position). `first` is where the links of each
    /// part begin.
    pub(super) fn splice(
        &mut self,
        stack: &mut Stack<'r>,
        first: &[u32],
        gone: &FxHashSet<u32>,
        mut placed: Vec<Placed<'r>>,
    ) -> Patch {
        placed.sort_by(|(a, ..), (b, ..)| self.order(*a, *b));
        let (moved, before) = self.move_parts(gone, &placed);
        let stays = gone.is_empty() && before.len() == moved.len();
        let mut anew = Vec::with_capacity(placed.len());
        let mut groups = Vec::with_capacity(placed.len());
        let mut new = Vec::new();
        for (slot, part, links) in placed {
            let Some(position) = self.position(slot) else { continue };
            anew.push(position);
            groups.push((position, links));
            match before.get(position as usize).and_then(|before| stack.parts.get_mut(*before as usize)) {
                Some(place) => *place = part,
                None => new.push((position, part)),
            }
        }
        if !stays {
            let mut new = new.into_iter().peekable();
            let old = std::mem::take(&mut stack.parts);
            let mut parts = Vec::with_capacity(before.len());
            let old = old.into_iter().zip(&moved).filter(|(_, now)| **now != NOWHERE);
            for (part, _) in old {
                while let Some((_, part)) = new.next_if(|(position, _)| *position as usize == parts.len()) {
                    parts.push(part);
                }
                parts.push(part);
            }
            parts.extend(new.map(|(_, part)| part));
            stack.parts = parts;
        }
        let mut patch = Patch { moved, before, first: Vec::new(), blocks: Vec::new(), anew, passes: Vec::new() };
        patch.place_links(first, &groups);
        patch.move_links(&mut stack.links, stays);
        for (position, links) in groups {
            let at = patch.first.get(position as usize).copied().unwrap_or(0) as usize;
            for (place, link) in stack.links.iter_mut().skip(at).zip(links) {
                *place = Link { from: position, to: self.position(link.to).unwrap_or(NOWHERE), ..link };
            }
        }
        patch
    }

    /// Gives positions to what is new, and takes them from what is gone.
    fn move_parts(&mut self, gone: &FxHashSet<u32>, placed: &[Placed<'r>]) -> (Vec<u32>, Vec<u32>) {
        let born: Vec<u32> =
            placed.iter().map(|(slot, ..)| *slot).filter(|slot| self.position(*slot).is_none()).collect();
        let places: Vec<usize> =
            born.iter().map(|slot| self.at.partition_point(|old| self.order(*old, *slot).is_lt())).collect();
        let old = std::mem::take(&mut self.at);
        let mut moved = Vec::with_capacity(old.len());
        let mut before = Vec::with_capacity(old.len() + born.len());
        let mut born = places.into_iter().zip(born).peekable();
        for (position, slot) in old.into_iter().enumerate() {
            while let Some((_, new)) = born.next_if(|(place, _)| *place <= position) {
                self.at.push(new);
                before.push(NOWHERE);
            }
            if gone.contains(&(position as u32)) {
                moved.push(NOWHERE);
                self.position.iter_mut().skip(slot as usize).take(1).for_each(|place| *place = NOWHERE);
                continue;
            }
            moved.push(self.at.len() as u32);
            before.push(position as u32);
            self.at.push(slot);
        }
        for (_, new) in born {
            self.at.push(new);
            before.push(NOWHERE);
        }
        for (position, slot) in (0..).zip(&self.at) {
            if let Some(place) = self.position.get_mut(*slot as usize) {
                *place = position;
            }
        }
        (moved, before)
    }
}

impl Patch {
    /// Finds out where the links of each part go. `groups` are the parts with other links, sorted.
    fn place_links(&mut self, first: &[u32], groups: &[(u32, Vec<Link>)]) {
        let mut groups = groups.iter().peekable();
        let mut at = 0_usize;
        for (now, before) in (0..).zip(&self.before) {
            self.first.push(at as u32);
            if let Some((_, links)) = groups.next_if(|(position, _)| *position == now) {
                at += links.len();
                continue;
            }
            let begin = |part: u32| first.get(part as usize).copied().unwrap_or(0) as usize;
            let (begin, end) = (begin(*before), begin(before.saturating_add(1)));
            let len = end.saturating_sub(begin);
            match self.blocks.last_mut().filter(|last| last.before + last.len == begin && last.now + last.len == at) {
                Some(last) => last.len += len,
                None => self.blocks.push(Block { before: begin, now: at, len }),
            }
            at += len;
        }
        self.first.push(at as u32);
    }

    /// Moves the links that stay, in place: a stack has a million of them. Those that move up are moved from the end,
    /// so that nothing is overwritten that is still wanted.
    fn move_links(&self, links: &mut Vec<Link>, positions_stay: bool) {
        let len = self.first.last().copied().unwrap_or(0) as usize;
        if links.len() < len {
            links.resize_with(len, || plain_link(0, LinkKind::RunsOn, 0, Vec::new()));
        }
        let moved = |at: u32| self.moved.get(at as usize).copied().unwrap_or(at);
        let mut shift = |from: usize, to: usize| {
            if from != to {
                links.swap(from, to);
            }
            if let Some(link) = links.get_mut(to).filter(|_| !positions_stay) {
                (link.from, link.to) = (moved(link.from), moved(link.to));
            }
        };
        let stands = |block: &&Block| !(positions_stay && block.before == block.now);
        for block in self.blocks.iter().filter(stands).filter(|block| block.now <= block.before) {
            (0..block.len).for_each(|at| shift(block.before + at, block.now + at));
        }
        for block in self.blocks.iter().rev().filter(stands).filter(|block| block.now > block.before) {
            (0..block.len).rev().for_each(|at| shift(block.before + at, block.now + at));
        }
        links.truncate(len);
    }
}

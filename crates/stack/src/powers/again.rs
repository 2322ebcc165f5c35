use super::classes::Stated;
use super::{Lane, Passed, Powers, classes, passed, words};
use crate::fixpoint::{Before, bits_of, solve_again};
use crate::graph::Stack;
use crate::kept::{NOWHERE, Patch};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Powers {
    /// Brings powers up to date with a patched stack; the links were already. Gives how many parts were looked at;
    /// `None` when they were solved for all, because there are too many classes of data.
    pub(crate) fn renew(&mut self, stack: &Stack<'_>, patch: &Patch, before: &Before) -> Option<usize> {
        let looked = self.patch(stack, patch, before);
        if looked.is_none() {
            *self = Powers::of(stack);
        }
        looked
    }

    fn patch(&mut self, stack: &Stack<'_>, patch: &Patch, before: &Before) -> Option<usize> {
        let had_others = self.classes.clone();
        self.state_again(stack, patch)?;
        let lost_class = had_others.iter().any(|class| !self.classes.contains(class));
        let had: Vec<Option<u32>> =
            patch.anew.iter().map(|at| self.bases.number(*patch.before.get(*at as usize)? as usize)).collect();
        self.grid.move_rows(patch);
        if let Some(holders) = self.bases.renew(stack, &patch.before, &patch.anew, &self.holders) {
            self.grid.move_columns(&runs(&self.holders, &holders), words(&holders));
            self.holders = holders;
        }
        let passes = self.pass_again(stack, patch);
        let classes_of = self.stated.flow(&self.links, &self.passes);
        let had_classes = std::mem::replace(&mut self.classes_of, classes_of);

        let was = patch.before.iter().map(|before| had_classes.get(*before as usize));
        let classified = (0..).zip(was.zip(&self.classes_of)).filter(|(_, (was, is))| *was != Some(*is));
        let classified: Vec<u32> = classified.map(|(part, _)| part).collect();
        for part in patch.anew.iter().chain(&patch.passes).chain(&classified) {
            let has = self.classes_of.get(*part as usize).copied().unwrap_or(0);
            self.stated.read(&mut self.passes, self.links.from(*part as usize), has);
        }
        let links = patch.anew.iter().chain(&patch.passes).copied();
        let links = links.filter(|part| self.has_other_links(*part, patch, before, &passes));
        let bases = patch.anew.iter().zip(had).filter(|(part, had)| *had != self.bases.number(**part as usize));
        let mut differ: Vec<u32> = links.chain(bases.map(|(part, _)| *part)).chain(classified).collect();
        if lost_class {
            // Who deploys holds what is read of any class, and that of the lost one is nowhere any more.
            let holds = |part: &u32| {
                let mut links = self.links.from(*part as usize);
                links.any(|at| self.passes.get(at).is_some_and(|passed| passed.holds_secrets))
            };
            differ.extend((0..stack.parts.len() as u32).filter(holds));
        }
        let mut grid = std::mem::take(&mut self.grid);
        let looked = solve_again(stack, &self.links, self, &mut grid, &differ);
        self.grid = grid;
        Some(looked)
    }

    /// What files state about data. When it is other classes than before, what is known is told in the new ones.
    /// `None` when they are more than can be told apart: then which of them are depends on all.
    fn state_again(&mut self, stack: &Stack<'_>, patch: &Patch) -> Option<()> {
        let known = |classes: &[Arc<str>], names: &[Arc<str>]| {
            names.iter().all(|name| classes::is_fixed(name) || classes.contains(name))
        };
        let is_known = |names: &[Arc<str>]| known(&self.classes, names);
        let parts = patch.anew.iter().filter_map(|at| stack.parts.get(*at as usize));
        let links = patch.links(&self.stated.links).filter_map(|link| match link {
            Moved::Stays(_) => None,
            Moved::Anew(at) => stack.links.get(at),
        });
        if self.classes.len() > super::MAX_CLASSES + 2 {
            return None;
        }
        let all_known =
            parts.map(|part| &part.fact.data).chain(links.map(|link| &link.data)).all(|names| is_known(names));
        if !all_known {
            self.tell_in(classes::all(stack))?;
        }
        self.stated = self.restated(stack, patch)?;
        let stated = self.stated.parts.iter().chain(&self.stated.links).fold(0b11, |all, some| all | some);
        if stated.count_ones() as usize != self.classes.len() {
            self.tell_in(classes::all(stack))?;
        }
        Some(())
    }

    fn restated(&self, stack: &Stack<'_>, patch: &Patch) -> Option<Stated> {
        let mut parts: Vec<u64> =
            patch.before.iter().map(|at| self.stated.parts.get(*at as usize).copied().unwrap_or(0)).collect();
        for at in &patch.anew {
            *parts.get_mut(*at as usize)? = classes::of_part(&self.classes, stack.parts.get(*at as usize)?);
        }
        let mut links = Vec::with_capacity(stack.links.len());
        for link in patch.links(&self.stated.links) {
            match link {
                Moved::Stays(some) => links.extend_from_slice(some),
                Moved::Anew(at) => links.push(classes::bits_of_names(&self.classes, &stack.links.get(at)?.data)),
            }
        }
        Some(Stated { parts, links })
    }

    /// Tells everything that is known by class in other classes. Those that are new are nowhere yet.
    fn tell_in(&mut self, classes: Vec<Arc<str>>) -> Option<()> {
        if classes.len() > super::MAX_CLASSES + 2 {
            return None;
        }
        let moved: Vec<Option<usize>> =
            self.classes.iter().map(|class| classes.iter().position(|other| other == class)).collect();
        let tell = |all: &mut u64| {
            let places = bits_of(*all).filter_map(|bit| moved.get(bit).copied().flatten());
            *all = places.fold(0, |bits, place| bits | 1 << place);
        };
        let Stated { parts, links } = &mut self.stated;
        parts.iter_mut().chain(links).chain(&mut self.classes_of).for_each(tell);
        self.passes.iter_mut().for_each(|passed| tell(&mut passed.read));
        let lanes: Vec<(usize, usize)> = (0..super::FIXED_LANES)
            .map(|lane| (lane, lane))
            .chain(
                moved
                    .iter()
                    .enumerate()
                    .filter_map(|(was, is)| Some((Lane::Read(was).index(), Lane::Read((*is)?).index()))),
            )
            .collect();
        self.grid.move_lanes(&lanes, super::FIXED_LANES + classes.len());
        self.classes = classes;
        Some(())
    }

    /// What links pass, but for the classes of those that were made again. Gives what they passed before.
    fn pass_again(&mut self, stack: &Stack<'_>, patch: &Patch) -> Vec<Passed> {
        let mut passes = Vec::with_capacity(stack.links.len());
        for link in patch.links(&self.passes) {
            match link {
                Moved::Stays(some) => passes.extend_from_slice(some),
                Moved::Anew(at) => passes.extend(stack.links.get(at).map(|link| passed(stack, link))),
            }
        }
        for part in &patch.passes {
            for at in self.links.from(*part as usize) {
                if let (Some(place), Some(link)) = (passes.get_mut(at), stack.links.get(at)) {
                    *place = passed(stack, link);
                }
            }
        }
        std::mem::replace(&mut self.passes, passes)
    }

    /// Whether other powers can come to a part by its links than before.
    fn has_other_links(&self, part: u32, patch: &Patch, before: &Before, passes: &[Passed]) -> bool {
        let Some(was) = patch.before.get(part as usize).filter(|at| **at != NOWHERE) else { return true };
        let key = |passed: &Passed, to: u32| {
            let Passed { passes, read, holds_secrets, is_alternative, used: _ } = *passed;
            (to, passes.stop, passes.change, read, holds_secrets, is_alternative)
        };
        let then = before.from(*was as usize).filter_map(|at| {
            let to = patch.moved.get(*before.to.get(at)? as usize).copied().unwrap_or(NOWHERE);
            Some(key(passes.get(at)?, to))
        });
        let now = self.links.from(part as usize).filter_map(|at| Some(key(self.passes.get(at)?, self.links.to(at)?)));
        let (then, now): (BTreeSet<_>, BTreeSet<_>) = (then.collect(), now.collect());
        // Which are alternatives of each other is not told here.
        then != now || now.iter().any(|(.., is_alternative)| *is_alternative)
    }
}

/// What is known of a run of links, or the position of a link that was made again.
enum Moved<'a, T> {
    Stays(&'a [T]),
    Anew(usize),
}

impl Patch {
    /// Goes through the links, with what was known of those that stay.
    fn links<'a, T>(&self, known: &'a [T]) -> impl Iterator<Item = Moved<'a, T>> {
        let len = self.first.last().copied().unwrap_or(0) as usize;
        let ends = self.blocks.iter().map(|block| block.now + block.len);
        let begins = self.blocks.iter().map(|block| block.now).chain([len]);
        let gaps = std::iter::once(0).chain(ends).zip(begins);
        let runs = self.blocks.iter().map(|block| known.get(block.before..block.before + block.len));
        gaps.zip(runs.map(Option::unwrap_or_default).chain([known.get(..0).unwrap_or_default()]))
            .flat_map(|((begin, end), run)| (begin..end).map(Moved::Anew).chain([Moved::Stays(run)]))
    }
}

/// The runs of holders that stay: (position before, position now, how many).
fn runs<T: Ord>(before: &[T], now: &[T]) -> Vec<(usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (at, one) in before.iter().enumerate() {
        let Ok(to) = now.binary_search(one) else { continue };
        match runs.last_mut().filter(|(from, begin, len)| from + *len == at && begin + *len == to) {
            Some((.., len)) => *len += 1,
            None => runs.push((at, to, 1)),
        }
    }
    runs
}

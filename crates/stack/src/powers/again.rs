use super::{Passed, Powers, classes, passed, words};
use crate::fixpoint::{Before, solve_again};
use crate::graph::Stack;
use crate::kept::{NOWHERE, Patch};
use std::sync::Arc;

impl Powers {
    /// Brings powers up to date with a patched stack; the links were already. Gives how many parts were looked at;
    /// `None` when they were solved for all: classes of data are others, or it reaches too far.
    pub(crate) fn renew(&mut self, stack: &Stack<'_>, patch: &Patch, before: &Before) -> Option<usize> {
        let looked = self.patch(stack, patch, before);
        if looked.is_none() {
            *self = Powers::of(stack);
        }
        looked
    }

    fn patch(&mut self, stack: &Stack<'_>, patch: &Patch, before: &Before) -> Option<usize> {
        self.state_again(stack, patch)?;
        let had: Vec<Option<u32>> = patch.anew.iter().map(|at| self.bases.number(*patch.before.get(*at as usize)? as usize)).collect();
        self.grid.move_rows(patch);
        if let Some(holders) = self.bases.renew(stack, &patch.before, &patch.anew, &self.holders) {
            self.grid.move_columns(&runs(&self.holders, &holders), words(&holders));
            self.holders = holders;
        }
        let passes = self.pass_again(stack, patch);
        let classes_of = self.stated.flow(&self.links, &self.passes);
        let had_classes = std::mem::replace(&mut self.classes_of, classes_of);

        let (mut lost, mut got) = (Vec::new(), Vec::new());
        let mut turned: Vec<u32> = patch.anew.iter().chain(&patch.passes).copied().collect();
        let mut classified = Vec::new();
        for (part, (was, is)) in (0..).zip(patch.before.iter().zip(&self.classes_of)) {
            let Some(was) = had_classes.get(*was as usize) else { continue };
            if was != is {
                classified.push(part);
                // More classes let more through, and nothing less.
                if was & !is == 0 { got.push(part) } else { lost.push(part) }
            }
        }
        for part in turned.iter().chain(&classified) {
            let has = self.classes_of.get(*part as usize).copied().unwrap_or(0);
            self.stated.read(&mut self.passes, self.links.from(*part as usize), has);
        }
        turned.sort_unstable();
        turned.dedup();
        for part in turned {
            let number = patch.anew.binary_search(&part).ok().and_then(|at| had.get(at).copied().flatten());
            let same_base = patch.anew.binary_search(&part).is_err() || number == self.bases.number(part as usize);
            match self.compare(part, patch, before, &passes) {
                _ if !same_base => lost.push(part),
                Differs::No => {}
                Differs::OnlyMore => got.push(part),
                Differs::Yes => lost.push(part),
            }
        }
        let mut grid = std::mem::take(&mut self.grid);
        let looked = solve_again(stack, &self.links, self, &mut grid, &lost, &got);
        self.grid = grid;
        looked
    }

    /// What files state about data. `None` when it is other classes now.
    fn state_again(&mut self, stack: &Stack<'_>, patch: &Patch) -> Option<()> {
        let known = |names: &[Arc<str>]| names.iter().all(|name| classes::is_fixed(name) || self.classes.contains(name));
        if self.classes.len() > super::MAX_CLASSES + 2 {
            return None;
        }
        let mut parts: Vec<u64> =
            patch.before.iter().map(|at| self.stated.parts.get(*at as usize).copied().unwrap_or(0)).collect();
        for at in &patch.anew {
            let (part, place) = (stack.parts.get(*at as usize)?, parts.get_mut(*at as usize)?);
            if !known(&part.fact.data) {
                return None;
            }
            *place = classes::of_part(&self.classes, part);
        }
        let mut links = Vec::with_capacity(stack.links.len());
        for link in patch.links(&self.stated.links) {
            match link {
                Moved::Stays(some) => links.extend_from_slice(some),
                Moved::Anew(at) => {
                    let link = stack.links.get(at)?;
                    if !known(&link.data) {
                        return None;
                    }
                    links.push(classes::bits_of_names(&self.classes, &link.data));
                }
            }
        }
        let stated = parts.iter().chain(&links).fold(0b11, |all, some| all | some);
        if stated.count_ones() as usize != self.classes.len() {
            return None;
        }
        self.stated = classes::Stated { parts, links };
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

    /// Whether other powers come to a part by its links.
    fn compare(&self, part: u32, patch: &Patch, before: &Before, passes: &[Passed]) -> Differs {
        let was = patch.before.get(part as usize).copied().filter(|at| *at != NOWHERE);
        let Some(was) = was else { return Differs::OnlyMore };
        let key = |passed: &Passed, to: u32| {
            let Passed { passes, read, holds_secrets, is_alternative } = *passed;
            (to, passes.stop, passes.change, read, holds_secrets, is_alternative)
        };
        let then = before.from(was as usize).filter_map(|at| {
            let to = patch.moved.get(*before.to.get(at)? as usize).copied().unwrap_or(NOWHERE);
            Some(key(passes.get(at)?, to))
        });
        let now = self.links.from(part as usize).filter_map(|at| Some(key(self.passes.get(at)?, self.links.to(at)?)));
        let (mut then, mut now): (Vec<_>, Vec<_>) = (then.collect(), now.collect());
        // An alternative more is a holder less, and which are alternatives of each other is not told here.
        if then.iter().chain(&now).any(|(.., is_alternative)| *is_alternative) {
            return Differs::Yes;
        }
        then.sort_unstable();
        then.dedup();
        now.sort_unstable();
        now.dedup();
        if then == now {
            return Differs::No;
        }
        let all = then.iter().all(|one| now.binary_search(one).is_ok());
        if all { Differs::OnlyMore } else { Differs::Yes }
    }
}

enum Differs {
    No,
    /// Nothing that came before is gone.
    OnlyMore,
    Yes,
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

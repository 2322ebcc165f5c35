use super::{Kept, Patch};
use crate::graph::{Stack, Unknown, local};
use allod_facts::{Facts, Unresolved};
use rustc_hash::{FxHashMap, FxHasher};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// What the files leave unresolved, and who says it.
#[derive(Default)]
pub(super) struct Said {
    /// By the hash of what is said: the batches that say it, each with its position there.
    by: FxHashMap<u64, Vec<(u32, u32)>>,
    /// By component: how many unresolved facts say why nobody is known to control it.
    told: FxHashMap<u32, u32>,
    /// By position in the stack's list: whether it follows from the stack, and no file says it.
    follows: Vec<bool>,
}

/// Something unresolved about which another component (or none) is the first one now. The outer `None`: it is not said.
pub(super) struct Turn {
    pub one: Unresolved,
    pub before: Option<Option<u32>>,
    pub after: Option<Option<u32>>,
}

fn hash(one: &Unresolved) -> u64 {
    let mut hasher = FxHasher::default();
    (&one.evidence, one.code, &one.message).hash(&mut hasher);
    hasher.finish()
}

fn order(a: &Unresolved, b: &Unresolved) -> Ordering {
    (&a.evidence, a.code, &a.message).cmp(&(&b.evidence, b.code, &b.message))
}

impl Said {
    pub fn of(kept: &Kept<'_>, stack: &Stack<'_>) -> Said {
        let mut said = Said::default();
        for (number, batch) in (0..).zip(&kept.batches) {
            batch.iter().for_each(|batch| said.hear(number, &batch.facts));
        }
        let mut before: Option<&Unresolved> = None;
        for one in &stack.unresolved {
            // What files say stands before what follows, and once.
            let is_first = before.is_none_or(|before| order(before, one) != Ordering::Equal);
            said.follows.push(!(is_first && said.by.contains_key(&hash(one)) && kept.first(&said, one).is_some()));
            before = Some(one);
        }
        let distinct = kept.batches.iter().flatten().flat_map(|batch| &batch.facts.unresolved);
        let mut distinct: Vec<&Unresolved> = distinct.collect();
        distinct.sort_by(|a, b| order(a, b));
        distinct.dedup_by(|a, b| order(a, b) == Ordering::Equal);
        for one in distinct {
            said.count(kept.first(&said, one), one, true);
        }
        said
    }

    pub fn hear(&mut self, number: u32, facts: &Facts) {
        for (at, one) in (0..).zip(&facts.unresolved) {
            self.by.entry(hash(one)).or_default().push((number, at));
        }
    }

    pub fn forget(&mut self, number: u32, facts: &Facts) {
        for one in &facts.unresolved {
            let key = hash(one);
            if let Some(by) = self.by.get_mut(&key) {
                by.retain(|(batch, _)| *batch != number);
                if by.is_empty() {
                    self.by.remove(&key);
                }
            }
        }
    }

    fn count(&mut self, about: Option<Option<u32>>, one: &Unresolved, comes: bool) {
        let Some(about) = about.flatten().filter(|_| local::tells_why(one)) else { return };
        let told = self.told.entry(about).or_default();
        *told = if comes { *told + 1 } else { told.saturating_sub(1) };
    }

    pub fn is_told(&self, slot: u32) -> bool {
        self.told.get(&slot).is_some_and(|told| *told > 0)
    }
}

impl Kept<'_> {
    /// The component about which something is said, the first by id when several say the same; `None` when nobody says
    /// it.
    fn first(&self, said: &Said, one: &Unresolved) -> Option<Option<u32>> {
        let by = said.by.get(&hash(one)).map(Vec::as_slice).unwrap_or_default();
        let about = by.iter().filter_map(|(batch, at)| {
            let batch = self.batch(*batch)?;
            let said = batch.facts.unresolved.get(*at as usize).filter(|said| order(said, one) == Ordering::Equal)?;
            Some(said.component.and_then(|at| batch.slots.get(at as usize).copied()))
        });
        about.min_by(|a, b| match (a, b) {
            (Some(a), Some(b)) => self.order(*a, *b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        })
    }

    /// What batches leave unresolved, each once, with the components that it is about now.
    pub(super) fn unresolved_in<'a>(&self, batches: impl Iterator<Item = &'a Facts>) -> Vec<Turn> {
        let mut all: Vec<&Unresolved> = batches.flat_map(|facts| &facts.unresolved).collect();
        all.sort_by(|a, b| order(a, b));
        all.dedup_by(|a, b| order(a, b) == Ordering::Equal);
        let turn = |one: &Unresolved| Turn { one: one.clone(), before: self.first(&self.said, one), after: None };
        all.into_iter().map(turn).collect()
    }

    /// Asks again. What did not turn is left out; says what had been told of the components.
    pub(super) fn turned(&mut self, mut turns: Vec<Turn>) -> (Vec<Turn>, FxHashMap<u32, bool>) {
        let mut told = FxHashMap::default();
        turns.iter_mut().for_each(|turn| turn.after = self.first(&self.said, &turn.one));
        turns.retain(|turn| turn.before != turn.after);
        for turn in &turns {
            for slot in [turn.before, turn.after].into_iter().flatten().flatten() {
                told.entry(slot).or_insert_with(|| self.said.is_told(slot));
            }
        }
        for turn in &turns {
            self.said.count(turn.before, &turn.one, false);
            self.said.count(turn.after, &turn.one, true);
        }
        (turns, told)
    }

    /// Brings the unresolved facts of a stack up to date. `gone` and `new` follow from the stack, with the positions
    /// before and now; what turned is told by the numbers of the components.
    pub(super) fn patch_unresolved(
        &mut self,
        stack: &mut Stack<'_>,
        patch: &Patch,
        turns: Vec<Turn>,
        gone: Vec<Unknown>,
        new: Vec<Unknown>,
    ) {
        let mut drop: Vec<(bool, Unresolved)> = gone.into_iter().map(|one| (true, one)).collect();
        let mut add: Vec<(bool, Unresolved)> = new.into_iter().map(|one| (true, one)).collect();
        for Turn { one, before, after } in turns {
            if before.is_some() {
                drop.push((false, one.clone()));
            }
            if let Some(after) = after {
                let component = after.and_then(|slot| self.position(slot));
                add.push((false, Unresolved { component, ..one }));
            }
        }
        let mut stays = vec![true; stack.unresolved.len()];
        for (follows, one) in &drop {
            let first = stack.unresolved.partition_point(|other| order(other, one) == Ordering::Less);
            let mut alike = (first..).zip(stack.unresolved.get(first..).unwrap_or_default());
            let at = alike.find(|(at, other)| {
                let same = self.said.follows.get(*at) == Some(follows);
                same && (!follows || other.component == one.component)
            });
            stays.iter_mut().skip(at.map_or(usize::MAX, |(at, _)| at)).take(1).for_each(|stays| *stays = false);
        }
        let (mut one, mut other) = (stays.iter().copied(), stays.iter().copied());
        stack.unresolved.retain(|_| one.next().unwrap_or(true));
        self.said.follows.retain(|_| other.next().unwrap_or(true));
        let moved = |at: u32| patch.moved.get(at as usize).copied().filter(|at| *at != super::NOWHERE);
        stack.unresolved.iter_mut().for_each(|one| one.component = one.component.and_then(moved));
        add.sort_by(|(a_follows, a), (b_follows, b)| {
            order(a, b).then(a_follows.cmp(b_follows)).then(a.component.cmp(&b.component))
        });
        self.merge_unresolved(stack, add);
    }

    fn merge_unresolved(&mut self, stack: &mut Stack<'_>, add: Vec<(bool, Unresolved)>) {
        if add.is_empty() {
            return;
        }
        let mut old =
            std::mem::take(&mut stack.unresolved).into_iter().zip(std::mem::take(&mut self.said.follows)).peekable();
        for (follows, one) in add {
            let comes_first = |(other, other_follows): &(Unresolved, bool)| {
                let by_text = order(other, &one);
                by_text.then(other_follows.cmp(&follows)).then(other.component.cmp(&one.component)) == Ordering::Less
            };
            while let Some((other, follows)) = old.next_if(|other| comes_first(other)) {
                stack.unresolved.push(other);
                self.said.follows.push(follows);
            }
            stack.unresolved.push(one);
            self.said.follows.push(follows);
        }
        for (other, follows) in old {
            stack.unresolved.push(other);
            self.said.follows.push(follows);
        }
    }
}

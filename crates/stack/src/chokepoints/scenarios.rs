use crate::fixpoint::{Flow, Grid, has_bit, set_bit, solve};
use crate::graph::{Edge, Stack};
use crate::powers::{Lane, Power, Powers};
use allod_facts::LinkKind;
use rustc_hash::FxHashMap;

/// One holder's powers in many scenarios at once, a bit each: bit 0 is the stack as it is, the others have parts taken
/// away.
pub(super) struct Scenarios<'a> {
    powers: &'a Powers,
    grid: Grid,
}

struct Without<'a> {
    powers: &'a Powers,
    holder: usize,
    words: usize,
    /// By part, an index into `masks`; 0 is the empty mask.
    mask_of: Vec<u32>,
    masks: Vec<Vec<u64>>,
    /// Every bit of every scenario.
    all: Vec<u64>,
    stays: Vec<bool>,
}

/// How a part is deployed is our own doing, and stays when somebody else provides it.
pub(crate) fn stays(link: &Edge) -> bool {
    link.kind == LinkKind::DeployedBy
}

impl<'a> Scenarios<'a> {
    /// In scenario `n + 1` the parts `removed[n]` are not there.
    pub fn of(powers: &'a Powers, stack: &Stack<'_>, holder: usize, removed: &[Vec<usize>]) -> Scenarios<'a> {
        let count = removed.len() + 1;
        let words = count.div_ceil(64);
        let mut all = vec![0; words];
        (0..count).for_each(|bit| set_bit(&mut all, bit));
        let mut flow = Without {
            powers,
            holder,
            words,
            mask_of: vec![0; stack.parts.len()],
            masks: vec![Vec::new()],
            all,
            stays: Vec::new(),
        };
        for (at, parts) in removed.iter().enumerate() {
            // Parts that are away in the same scenarios share a mask: a service may have a million parts.
            let mut with_this: FxHashMap<u32, u32> = FxHashMap::default();
            for part in parts {
                let Some(slot) = flow.mask_of.get_mut(*part) else { continue };
                let masks = &mut flow.masks;
                *slot = *with_this.entry(*slot).or_insert_with(|| {
                    let mut mask = masks.get(*slot as usize).filter(|mask| !mask.is_empty()).cloned();
                    set_bit(mask.get_or_insert_with(|| vec![0; words]), at + 1);
                    masks.extend(mask);
                    masks.len() as u32 - 1
                });
            }
        }
        flow.stays = stack.links.iter().map(stays).collect();
        Scenarios { powers, grid: solve(stack, &powers.links, &flow) }
    }

    /// Over how many of our own parts the holder has read, stop, change as it is and no more in scenario `n + 1`.
    pub fn ends(&self, stack: &Stack<'_>, n: usize) -> [usize; 3] {
        let mut counts = [0; 3];
        for (at, _) in stack.parts.iter().enumerate().filter(|(_, part)| part.is_ours()) {
            for (power, count) in Power::ALL.iter().zip(&mut counts) {
                *count += usize::from(self.holds(at, *power, 0) && !self.holds(at, *power, n + 1));
            }
        }
        counts
    }

    /// Whether the holder has a power, now or later and over any class, over a part in a scenario.
    pub fn holds(&self, part: usize, power: Power, scenario: usize) -> bool {
        self.powers.lanes().filter(|lane| lane.power() == power).any(|lane| self.in_lane(part, lane, scenario))
    }

    pub fn in_lane(&self, part: usize, lane: Lane, scenario: usize) -> bool {
        has_bit(self.grid.row(part, lane.index()), scenario)
    }
}

impl Flow for Without<'_> {
    fn lanes(&self) -> usize {
        self.powers.lanes().count()
    }

    fn words(&self) -> usize {
        self.words
    }

    fn base(&self, part: usize, lane: usize, row: &mut [u64]) {
        if has_bit(self.powers.base_row(part, Lane::at(lane)), self.holder) {
            crate::fixpoint::unite(row, &self.all);
        }
    }

    fn sources(&self, link: usize, lane: usize) -> u64 {
        Flow::sources(self.powers, link, lane)
    }

    fn alternatives_protect(&self, lane: usize) -> bool {
        Flow::alternatives_protect(self.powers, lane)
    }

    fn stays(&self, link: usize) -> bool {
        self.stays.get(link).copied().unwrap_or(false)
    }

    fn without(&self, part: usize) -> &[u64] {
        self.mask_of.get(part).and_then(|at| self.masks.get(*at as usize)).map_or(&[], Vec::as_slice)
    }
}

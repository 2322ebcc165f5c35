use super::{MAX_CLASSES, Passed, SECRETS, UNCLASSIFIED};
use crate::fixpoint::Links;
use crate::graph::Stack;
use crate::resolve::Part;
use allod_facts::Role;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// The data classes of a stack, each once.
pub(super) fn all(stack: &Stack<'_>) -> Vec<Arc<str>> {
    let stated: BTreeSet<&Arc<str>> = stack
        .parts
        .iter()
        .flat_map(|part| part.fact.data.iter())
        .chain(stack.links.iter().flat_map(|link| link.data.iter()))
        .filter(|class| !is_fixed(class))
        .collect();
    let mut classes: Vec<Arc<str>> = vec![Arc::from(UNCLASSIFIED), Arc::from(SECRETS)];
    classes.extend(stated.iter().take(MAX_CLASSES).map(|class| Arc::clone(class)));
    if stated.len() > MAX_CLASSES {
        classes.push(Arc::from("other"));
    }
    classes
}

pub(super) fn is_fixed(class: &str) -> bool {
    class == UNCLASSIFIED || class == SECRETS
}

/// What files state about data, as bits of classes.
#[derive(Debug, Default)]
pub(super) struct Stated {
    /// By part; of our own one that states nothing it is what nobody classified.
    pub parts: Vec<u64>,
    /// By link; 0 is whatever there is.
    pub links: Vec<u64>,
}

/// Classes as bits.
pub(super) fn bits_of_names(classes: &[Arc<str>], names: &[Arc<str>]) -> u64 {
    let last = classes.len().saturating_sub(1);
    names.iter().fold(0, |bits, name| bits | 1 << classes.iter().position(|class| class == name).unwrap_or(last))
}

pub(super) fn of_part(classes: &[Arc<str>], part: &Part<'_>) -> u64 {
    let stated = bits_of_names(classes, &part.fact.data);
    if stated == 0 && part.fact.role == Role::Own { 1 } else { stated }
}

impl Stated {
    pub fn of(stack: &Stack<'_>, classes: &[Arc<str>]) -> Stated {
        Stated {
            parts: stack.parts.iter().map(|part| of_part(classes, part)).collect(),
            links: stack.links.iter().map(|link| bits_of_names(classes, &link.data)).collect(),
        }
    }

    /// For each part the classes that reach it: what it states itself and what flows to it.
    pub fn flow(&self, links: &Links, passes: &[Passed]) -> Vec<u64> {
        let mut of = self.parts.clone();
        let everything: Vec<usize> = (0..of.len()).collect();
        self.flow_from(links, passes, &mut of, everything);
        // Whatever says nothing at all still holds something, and passes it on.
        let empty: Vec<usize> = of.iter().enumerate().filter(|(_, bits)| **bits == 0).map(|(at, _)| at).collect();
        of.iter_mut().filter(|bits| **bits == 0).for_each(|bits| *bits = 1);
        self.flow_from(links, passes, &mut of, empty);
        of
    }

    /// Lets classes flow along links that pass *read*: those that a link states, or all.
    fn flow_from(&self, links: &Links, passes: &[Passed], of: &mut [u64], from: Vec<usize>) {
        let mut queued = vec![false; of.len()];
        from.iter().for_each(|at| queued.iter_mut().skip(*at).take(1).for_each(|flag| *flag = true));
        let mut queue: VecDeque<usize> = from.into();
        while let Some(part) = queue.pop_front() {
            if let Some(flag) = queued.get_mut(part) {
                *flag = false;
            }
            let has = of.get(part).copied().unwrap_or(0);
            for at in links.from(part) {
                if !passes.get(at).is_some_and(|passed| passed.passes.read) {
                    continue;
                }
                let flows = self.links.get(at).copied().filter(|stated| *stated != 0).unwrap_or(has);
                let Some(to) = links.to(at).map(|to| to as usize) else { continue };
                if let Some(there) = of.get_mut(to).filter(|there| **there | flows != **there) {
                    *there |= flows;
                    if let Some(flag) = queued.get_mut(to).filter(|flag| !**flag) {
                        *flag = true;
                        queue.push_back(to);
                    }
                }
            }
        }
    }

    /// Fills in which classes links pass on, of those that their source has.
    pub fn read(&self, passes: &mut [Passed], links: Range<usize>, has: u64) {
        for at in links {
            let Some(passed) = passes.get_mut(at) else { continue };
            let travels = self.links.get(at).copied().filter(|stated| *stated != 0).unwrap_or(u64::MAX);
            passed.read = if passed.passes.read { has & travels } else { 0 };
        }
    }
}

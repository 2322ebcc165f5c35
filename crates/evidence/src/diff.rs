//! Renderings of what changed from one audit to another.

mod human;
mod json;
mod lines;
mod markdown;

pub use human::human;
pub use json::{SCHEMA, json};
pub use markdown::{MAX_COMMENT_CHARS, markdown};

use crate::Side;
use allod_stack::Home;
use allod_stack::diff::{Diff, Group, PowerChange};
use std::collections::BTreeSet;

/// A diff, ready to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// What the user named: a path, a file, a revision with a path.
    pub before: &'a str,
    pub after: &'a str,
    pub home: &'a Home,
    pub diff: &'a Diff<'a>,
}

/// Which way a power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Gained,
    Lost,
}

/// Powers and parts of one side, for a headline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    powers: usize,
    parts: usize,
}

impl<'a> Comparison<'a> {
    /// On which side the holder of a changed power stands.
    fn side(&self, change: &PowerChange<'_>) -> Side {
        match change.jurisdiction {
            None => Side::Unknown,
            Some(country) if self.home.has(country) => Side::Home,
            Some(_) => Side::Foreign,
        }
    }

    /// Whether somebody on that side gained a power. Powers over a hint do not count.
    pub fn gained_from(&self, side: Side) -> bool {
        self.count(Way::Gained, side).powers > 0
    }

    fn groups(&self, way: Way) -> &'a [Group<'a>] {
        match way {
            Way::Gained => &self.diff.gained,
            Way::Lost => &self.diff.lost,
        }
    }

    /// The groups with what is from abroad first, then what is unknown; on each side those first whose cause is what the
    /// holder of the power runs, before the parts that only lead there.
    fn by_side(&self, way: Way) -> Vec<(Side, &'a Group<'a>)> {
        let side = |group: &Group<'_>| group.powers.iter().map(|one| self.side(one)).min().unwrap_or(Side::Home);
        let mut groups: Vec<_> = self.groups(way).iter().map(|group| (side(group), group)).collect();
        let leads_there = |group: &Group<'_>| {
            let cause = group.cause.link.map_or(group.cause.component, |(_, to)| to);
            !group.powers.iter().any(|one| one.path.last().is_some_and(|end| end.id == cause.id))
        };
        let hint = |group: &Group<'_>| group.powers.iter().all(|one| !one.counts());
        groups.sort_by_cached_key(|(side, group)| (hint(group), *side, leads_there(group)));
        groups
    }

    fn count(&self, way: Way, side: Side) -> Count {
        let mut parts = BTreeSet::new();
        let mut count = Count::default();
        for one in self.groups(way).iter().flat_map(|group| &group.powers) {
            if one.counts() && self.side(one) == side {
                count.powers += 1;
                parts.insert(&*one.component.id);
            }
        }
        count.parts = parts.len();
        count
    }
}

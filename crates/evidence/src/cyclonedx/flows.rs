use crate::Audit;
use allod_facts::LinkKind;
use allod_stack::Edge;
use std::collections::{BTreeMap, BTreeSet};

/// The links on which data goes into a part, by the part that it goes into.
pub(super) struct Flows {
    /// Positions in the stack's links, sorted by `to`.
    into: Vec<u32>,
}

impl Flows {
    pub fn of(audit: &Audit<'_>) -> Flows {
        let carries = |link: &Edge| matches!(link.kind, LinkKind::StoresIn | LinkKind::SendsTo);
        let links = audit.stack.links.iter().enumerate().filter(|(_, link)| carries(link));
        let mut into: Vec<u32> = links.map(|(at, _)| at as u32).collect();
        into.sort_by_key(|at| to(audit, *at));
        Flows { into }
    }

    /// The data classes that go into a part, each with the ids of the parts that they come from.
    pub fn inbound<'a>(&self, audit: &'a Audit<'_>, at: usize) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let begin = self.into.partition_point(|link| to(audit, *link) < at);
        let end = self.into.partition_point(|link| to(audit, *link) <= at);
        let mut out: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for link in self.into.get(begin..end).unwrap_or_default() {
            let Some(link) = audit.stack.links.get(*link as usize) else { continue };
            let Some(from) = audit.stack.parts.get(link.from as usize) else { continue };
            for class in classes(audit, link) {
                out.entry(class).or_default().insert(&from.fact.id);
            }
        }
        out
    }
}

fn to(audit: &Audit<'_>, link: u32) -> usize {
    audit.stack.links.get(link as usize).map_or(usize::MAX, |link| link.to as usize)
}

/// The classes that travel on a link: those that the file states, or all that its source has.
fn classes<'a>(audit: &'a Audit<'_>, link: &'a Edge) -> Vec<&'a str> {
    if !link.data.is_empty() {
        return link.data.iter().map(|class| &**class).collect();
    }
    let bits = audit.powers.classes_of.get(link.from as usize).copied().unwrap_or(0);
    let all = audit.powers.classes.iter().enumerate();
    all.filter(|(at, _)| bits >> at & 1 == 1).map(|(_, class)| &**class).collect()
}

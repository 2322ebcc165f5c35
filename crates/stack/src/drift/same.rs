//! Which component that runs is which one that was allowed, whatever file or cluster either was seen in.

use crate::diff::{Component, Snapshot};
use std::collections::BTreeMap;

/// Components with one name that are compared to find the nearest; more are environments of a template.
const MAX_CANDIDATES: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Counterparts {
    /// By position among what runs.
    allowed: Vec<Option<u32>>,
    /// By position among what was allowed: whether anything that runs is it.
    met: Vec<bool>,
    /// By position in the aligned snapshot, the position among what runs.
    order: Vec<u32>,
}

/// A component by its name inside its file: `aws_s3_bucket.x`, `Deployment/prod/web`.
type Inside<'a> = (&'a str, &'a str);

impl Counterparts {
    pub fn of(allowed: &Snapshot, running: &Snapshot) -> Counterparts {
        let mut by_name: BTreeMap<Inside<'_>, Vec<u32>> = BTreeMap::new();
        for (at, one) in allowed.components.iter().enumerate() {
            if let Some(inside) = inside(&one.id) {
                by_name.entry(inside).or_default().push(at as u32);
            }
        }
        let mut found = Counterparts {
            allowed: vec![None; running.components.len()],
            met: vec![false; allowed.components.len()],
            order: Vec::new(),
        };
        let alike = |at: u32, one: &Component| {
            let other = allowed.components.get(at as usize);
            other.is_some_and(|other| (&other.kind, other.role) == (&one.kind, one.role))
        };
        let mut nameless: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
        for (at, one) in running.components.iter().enumerate() {
            let at = at as u32;
            let named = inside(&one.id).and_then(|inside| by_name.get(&inside));
            let candidates: Vec<u32> = match allowed.find(&one.id) {
                Some(same) => vec![same],
                None => named.into_iter().flatten().copied().filter(|of| alike(*of, one)).collect(),
            };
            if let Some(of) = nearest(allowed, running, &candidates, at) {
                found.meet(at, of);
            } else if let Some((kind, _, name)) = inside(&one.id).and_then(object) {
                nameless.entry((kind, name)).or_default().push(at);
            }
        }
        found.without_namespace(allowed, running, &by_name, &nameless);
        let ids = found.aligned_ids(allowed, running);
        let mut order: Vec<u32> = (0..running.components.len() as u32).collect();
        order.sort_by(|a, b| ids.get(*a as usize).cmp(&ids.get(*b as usize)));
        found.order = order;
        found
    }

    /// A manifest without a namespace is what runs under its name in one namespace: with several of them nobody knows
    /// which one it is, but for the default one.
    fn without_namespace(
        &mut self,
        allowed: &Snapshot,
        running: &Snapshot,
        by_name: &BTreeMap<Inside<'_>, Vec<u32>>,
        nameless: &BTreeMap<(&str, &str), Vec<u32>>,
    ) {
        for ((kind, name), all) in nameless {
            let open = format!("{kind}//{name}");
            let in_default = format!("{kind}/default/{name}");
            let is_default = |at: &&u32| {
                let one = running.components.get(**at as usize);
                one.and_then(|one| inside(&one.id)).is_some_and(|(_, inside)| inside == in_default)
            };
            let chosen = match all.as_slice() {
                [only] => Some(*only),
                several => several.iter().find(is_default).copied(),
            };
            let Some(at) = chosen else { continue };
            let Some(one) = running.components.get(at as usize) else { continue };
            let candidates: Vec<u32> = match one_namespace(&one.id) {
                // What runs says no namespace: the only one of that name that was allowed.
                None => {
                    let fits = |(_, inside): &Inside<'_>| {
                        object(("k8s", inside)).is_some_and(|(other, _, called)| (other, called) == (*kind, *name))
                    };
                    let mut all = by_name.iter().filter(|(key, _)| fits(key));
                    all.next().filter(|_| all.next().is_none()).map(|(_, all)| all.clone()).unwrap_or_default()
                }
                Some(_) => by_name.get(&("k8s", open.as_str())).cloned().unwrap_or_default(),
            };
            let alike = |of: &u32| {
                let other = allowed.components.get(*of as usize);
                other.is_some_and(|other| (&other.kind, other.role) == (&one.kind, one.role))
            };
            let candidates: Vec<u32> = candidates.into_iter().filter(alike).collect();
            if let Some(of) = nearest(allowed, running, &candidates, at) {
                self.meet(at, of);
            }
        }
    }

    fn meet(&mut self, at: u32, of: u32) {
        if let (Some(slot), Some(met)) = (self.allowed.get_mut(at as usize), self.met.get_mut(of as usize)) {
            (*slot, *met) = (Some(of), true);
        }
    }

    /// What was allowed of which this is the running one.
    pub fn of_running(&self, at: u32) -> Option<u32> {
        self.allowed.get(at as usize).copied().flatten()
    }

    pub fn is_met(&self, of: u32) -> bool {
        self.met.get(of as usize).copied().unwrap_or(false)
    }

    /// The position among what runs of a component of the aligned snapshot.
    pub fn unaligned(&self, at: u32) -> Option<u32> {
        self.order.get(at as usize).copied()
    }

    fn aligned_ids(&self, allowed: &Snapshot, running: &Snapshot) -> Vec<std::sync::Arc<str>> {
        let mut taken = vec![false; allowed.components.len()];
        let mut id = |(at, one): (usize, &Component)| {
            let of = self.of_running(at as u32);
            let free =
                of.and_then(|of| taken.get_mut(of as usize)).is_some_and(|taken| !std::mem::replace(taken, true));
            let other = of.filter(|_| free).and_then(|of| allowed.components.get(of as usize));
            other.map_or_else(|| one.id.clone(), |other| other.id.clone())
        };
        running.components.iter().enumerate().map(&mut id).collect()
    }

    /// What runs under the ids of what was allowed, so that the two can be compared as audits of one tree.
    pub fn aligned(&self, allowed: &Snapshot, running: &Snapshot) -> Snapshot {
        let ids = self.aligned_ids(allowed, running);
        let mut place = vec![0_u32; running.components.len()];
        for (new, old) in (0_u32..).zip(&self.order) {
            if let Some(slot) = place.get_mut(*old as usize) {
                *slot = new;
            }
        }
        let moved = |at: u32| place.get(at as usize).copied().unwrap_or(at);
        let component = |at: &u32| {
            let one = running.components.get(*at as usize)?;
            Some(Component { id: ids.get(*at as usize)?.clone(), ..one.clone() })
        };
        let mut aligned = Snapshot {
            components: self.order.iter().filter_map(component).collect(),
            links: running.links.clone(),
            powers: running.powers.clone(),
            ..Snapshot::default()
        };
        for link in &mut aligned.links {
            (link.from, link.to) = (moved(link.from), moved(link.to));
        }
        for held in &mut aligned.powers {
            held.component = moved(held.component);
            held.path.iter_mut().for_each(|at| *at = moved(*at));
        }
        aligned.sort();
        aligned
    }
}

/// Of several that could be it, the one that it differs least from, by what a component says of itself.
fn nearest(allowed: &Snapshot, running: &Snapshot, candidates: &[u32], at: u32) -> Option<u32> {
    if let [only] = candidates {
        return Some(*only);
    }
    let one = running.components.get(at as usize)?;
    let artefacts = |snapshot: &Snapshot, at: u32| -> Vec<String> {
        let links = snapshot.links.iter().filter(|link| link.from == at);
        links.filter_map(|link| snapshot.components.get(link.to as usize)).map(|to| to.id.to_string()).collect()
    };
    let mine = artefacts(running, at);
    let distance = |of: &&u32| {
        let other = allowed.components.get(**of as usize);
        let place = other.is_none_or(|other| super::differ::moved(other, one));
        let theirs = artefacts(allowed, **of);
        (mine.iter().filter(|id| !theirs.contains(id)).count(), place, **of)
    };
    candidates.iter().take(MAX_CANDIDATES).min_by_key(distance).copied()
}

/// The name of a component inside its file, with the scheme: `("tf", "aws_s3_bucket.x")`.
fn inside(id: &str) -> Option<Inside<'_>> {
    let (scheme, rest) = id.split_once(':')?;
    let (_, inside) = rest.split_once('#')?;
    (!inside.is_empty() && !matches!(scheme, "image" | "action" | "host" | "name")).then_some((scheme, inside))
}

/// Kind, namespace and name of an object of Kubernetes.
fn object<'a>((scheme, inside): Inside<'a>) -> Option<(&'a str, &'a str, &'a str)> {
    let mut parts = inside.splitn(3, '/');
    let object = (parts.next()?, parts.next()?, parts.next()?);
    (scheme == "k8s").then_some(object)
}

fn one_namespace(id: &str) -> Option<&str> {
    inside(id).and_then(object).map(|(_, namespace, _)| namespace).filter(|namespace| !namespace.is_empty())
}

/// Whether a file (or a cluster) describes the component, and does not just name it.
pub(super) fn is_described(one: &Component) -> bool {
    let settings = ["provider.", "backend"];
    inside(&one.id).is_some_and(|(_, inside)| !settings.iter().any(|word| inside.starts_with(word)))
}

/// Whether it stands for the file or folder itself.
pub(super) fn is_the_file(one: &Component) -> bool {
    one.id.starts_with("tf:") && !is_described(one)
}

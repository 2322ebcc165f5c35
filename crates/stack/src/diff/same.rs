//! Which component of one audit is which of the other one.

use super::snapshot::{Component, Held, Link, Party, Snapshot};
use crate::powers::Power;
use allod_facts::{Country, Role};
use std::collections::BTreeMap;
use std::ops::Range;

/// One of two snapshots, with its way to the other one.
pub(super) struct View<'a> {
    pub snapshot: &'a Snapshot,
    others: Vec<Option<u32>>,
    first_link: Vec<u32>,
    first_power: Vec<u32>,
}

impl<'a> View<'a> {
    pub fn new(snapshot: &'a Snapshot, others: Vec<Option<u32>>) -> View<'a> {
        let number = snapshot.components.len();
        let first_link = firsts(number, snapshot.links.iter().map(|link| link.from));
        let first_power = firsts(number, snapshot.powers.iter().map(|held| held.component));
        View { snapshot, others, first_link, first_power }
    }

    /// The position of the same component on the other side.
    pub fn other(&self, at: u32) -> Option<u32> {
        self.others.get(at as usize).copied().flatten()
    }

    pub fn component(&self, at: u32) -> Option<&'a Component> {
        self.snapshot.components.get(at as usize)
    }

    /// The links from a component, with their positions.
    pub fn links_from(&self, at: u32) -> impl Iterator<Item = (u32, &'a Link)> + use<'a> {
        let range = range(&self.first_link, at);
        let first = range.start as u32;
        self.snapshot
            .links
            .get(range)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(move |(n, link)| (first + n as u32, link))
    }

    pub fn links_between(&self, from: u32, to: u32) -> impl Iterator<Item = (u32, &'a Link)> + use<'a> {
        let range = range(&self.first_link, from);
        let all = self.snapshot.links.get(range.clone()).unwrap_or_default();
        // Sorted by target: a registry that everything is built from costs no scan.
        let (start, end) = (all.partition_point(|link| link.to < to), all.partition_point(|link| link.to <= to));
        let first = (range.start + start) as u32;
        all.get(start..end).unwrap_or_default().iter().enumerate().map(move |(n, link)| (first + n as u32, link))
    }

    pub fn held(&self, at: u32, jurisdiction: Option<Country>, power: Power) -> Option<&'a Held> {
        let all = self.snapshot.powers.get(range(&self.first_power, at)).unwrap_or_default();
        all.iter().find(|held| held.jurisdiction == jurisdiction && held.power == power)
    }

    /// Whether anybody reads a data class over a component.
    pub fn is_read(&self, at: u32, class: &str) -> bool {
        let all = self.snapshot.powers.get(range(&self.first_power, at)).unwrap_or_default();
        all.iter().any(|held| held.data.iter().any(|known| &**known == class))
    }
}

fn firsts(number: usize, owners: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut first = vec![0_u32; number + 1];
    for owner in owners {
        if let Some(count) = first.get_mut(owner as usize + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for count in &mut first {
        sum += *count;
        *count = sum;
    }
    first
}

fn range(first: &[u32], at: u32) -> Range<usize> {
    let get = |at: usize| first.get(at).copied().unwrap_or(0) as usize;
    let (start, end) = (get(at as usize), get(at as usize + 1));
    start..end.max(start)
}

/// For each component before its position after, and the other way round.
pub(super) fn matched(before: &Snapshot, after: &Snapshot) -> (Vec<Option<u32>>, Vec<Option<u32>>) {
    let mut forth = vec![None; before.components.len()];
    let mut back = vec![None; after.components.len()];
    for (at, one) in before.components.iter().enumerate() {
        if let (Some(slot), Some(other)) = (forth.get_mut(at), after.find(&one.id)) {
            *slot = Some(other);
            if let Some(slot) = back.get_mut(other as usize) {
                *slot = Some(at as u32);
            }
        }
    }
    // The same thing under another id: only when it is the only one on either side, so that nothing is guessed.
    let (gone, new) = (by_stem(before, &forth), by_stem(after, &back));
    for (stem, old) in &gone {
        let ([old], Some([new])) = (old.as_slice(), new.get(stem).map(Vec::as_slice)) else { continue };
        if let (Some(slot), Some(other)) = (forth.get_mut(*old as usize), back.get_mut(*new as usize)) {
            (*slot, *other) = (Some(*new), Some(*old));
        }
    }
    (forth, back)
}

type Stem<'a> = (String, &'a str, Role);

fn by_stem<'a>(snapshot: &'a Snapshot, matched: &[Option<u32>]) -> BTreeMap<Stem<'a>, Vec<u32>> {
    let mut found: BTreeMap<Stem<'a>, Vec<u32>> = BTreeMap::new();
    for (at, (one, known)) in snapshot.components.iter().zip(matched).enumerate() {
        if let (None, Some(stem)) = (known, stem(one)) {
            found.entry((stem, &one.kind, one.role)).or_default().push(at as u32);
        }
    }
    found
}

/// What stays of an id when its file is moved, or its version changes.
fn stem(one: &Component) -> Option<String> {
    if one.role == Role::Artefact && (one.id.starts_with("image:") || one.id.starts_with("action:")) {
        let unpinned = one.id.split_once('@').map_or(&*one.id, |(name, _)| name);
        let (host, last) = unpinned.rsplit_once('/').unwrap_or(("", unpinned));
        let name = last.split_once(':').map_or(last, |(name, _)| name);
        return Some(format!("{host}/{name}"));
    }
    let path = &*one.seen.as_ref()?.path;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (scheme, rest) = one.id.split_once(':')?;
    // `k8s:deploy/app.yaml#Deployment//web`, `tf:infra/backup#aws_s3_bucket.x`: the part after `#` stays.
    let (place, inside) = rest.split_once('#')?;
    ((place == path || place == folder) && !inside.is_empty()).then(|| format!("{scheme}:#{inside}"))
}

/// Whether two components are controlled alike: what the explanation of a power rests on besides links.
pub(super) fn same_control(a: &Component, b: &Component) -> bool {
    let alike = (a.control, a.role, a.hint, &a.service) == (b.control, b.role, b.hint, &b.service);
    // Their order is the chain's; equal sets of one length are the same.
    let has = |list: &[Party], party: &Party| list.iter().any(|known| same_party(known, party));
    alike
        && a.controllers.len() == b.controllers.len()
        && a.controllers.iter().all(|party| has(&b.controllers, party))
        && b.controllers.iter().all(|party| has(&a.controllers, party))
}

/// An entity that only changed its name is the same one.
pub(super) fn same_party(a: &Party, b: &Party) -> bool {
    (&a.id, a.country, &a.ground) == (&b.id, b.country, &b.ground)
}

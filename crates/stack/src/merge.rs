use allod_facts::{Component, Delivery, Diagnostic, Evidence, Facts, Link, Unresolved};
use std::cmp::Ordering;
use std::sync::Arc;

/// The facts of all readers as one, in canonical order.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// Sorted by id, each id once.
    pub components: Vec<Arc<Component>>,
    /// References are positions in `components`; sorted, each link once with all its evidence.
    pub links: Vec<Link>,
    pub unresolved: Vec<Unresolved>,
    pub diagnostics: Vec<Diagnostic>,
    pub deliveries: Vec<Delivery>,
}

/// A component as one batch has it: the batch and the position in it.
type Sighting = (Arc<Component>, u32, u32);

/// Merges batches. The order in which they come makes no difference. Says beside where each component of each batch
/// went.
pub(crate) fn merge(batches: Vec<Facts>) -> (Merged, Vec<Vec<u32>>) {
    let mut sightings: Vec<Sighting> = Vec::new();
    let mut batch_sizes = Vec::new();
    let mut merged = Merged::default();
    let (mut links, mut unresolved, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
    for (batch, facts) in batches.into_iter().enumerate() {
        batch_sizes.push(facts.components.len());
        sightings.extend(facts.components.into_iter().enumerate().map(|(at, one)| (one, batch as u32, at as u32)));
        links.extend(facts.links.into_iter().map(|link| (batch, link)));
        unresolved.extend(facts.unresolved.into_iter().map(|one| (batch, one)));
        deliveries.extend(facts.deliveries.into_iter().map(|one| (batch, one)));
        merged.diagnostics.extend(facts.diagnostics);
    }
    sightings.sort_by(|(a, ..), (b, ..)| order(a).cmp(&order(b)));

    let mut new_position: Vec<Vec<u32>> = batch_sizes.iter().map(|size| vec![u32::MAX; *size]).collect();
    for (position, same) in (0..).zip(sightings.chunk_by(|(a, ..), (b, ..)| a.id == b.id)) {
        for (_, batch, at) in same {
            if let Some(slot) = new_position.get_mut(*batch as usize).and_then(|batch| batch.get_mut(*at as usize)) {
                *slot = position;
            }
        }
    }
    merged.components = unite_all(sightings.into_iter().map(|(component, ..)| component));

    let position = |batch: usize, at: u32| new_position.get(batch)?.get(at as usize).copied();
    merged.links = links
        .into_iter()
        .filter_map(|(batch, mut link)| {
            (link.from, link.to) = (position(batch, link.from)?, position(batch, link.to)?);
            (link.from != link.to).then_some(link)
        })
        .collect();
    unite_links(&mut merged.links);
    merged.deliveries = deliveries
        .into_iter()
        .filter_map(|(batch, one)| Some(Delivery { by: position(batch, one.by)?, ..one }))
        .collect();
    unite_deliveries(&mut merged.deliveries, |a, b| a.cmp(&b));
    merged.unresolved = unresolved
        .into_iter()
        .map(|(batch, mut one)| {
            one.component = one.component.and_then(|at| position(batch, at));
            one
        })
        .collect();
    let place = |one: &Unresolved| (one.component.is_none(), one.component);
    merged
        .unresolved
        .sort_by(|a, b| (&a.evidence, a.code, &a.message, place(a)).cmp(&(&b.evidence, b.code, &b.message, place(b))));
    merged.unresolved.dedup_by(|a, b| a.evidence == b.evidence && a.code == b.code && a.message == b.message);
    unite_diagnostics(&mut merged.diagnostics);
    (merged, new_position)
}

pub(crate) fn unite_diagnostics(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| (&a.path, a.line, a.code, &a.message).cmp(&(&b.path, b.line, b.code, &b.message)));
    diagnostics.dedup();
}

/// Each thing that somebody delivers once. `order` is that of the components by id.
pub(crate) fn unite_deliveries(deliveries: &mut Vec<Delivery>, order: impl Fn(u32, u32) -> Ordering) {
    deliveries.sort_by(|a, b| order(a.by, b.by).then_with(|| (&a.what, &a.evidence).cmp(&(&b.what, &b.evidence))));
    deliveries.dedup_by(|a, b| a.by == b.by && a.what == b.what);
}

/// What decides which sighting of a component speaks first: the more certain one, then the earlier place. What differs
/// beyond that is compared last, so that nothing depends on the order of the batches.
fn order(component: &Component) -> impl Ord + '_ {
    let Component {
        id,
        name,
        kind,
        layer,
        role,
        clues,
        place,
        data,
        environment,
        labels,
        records,
        confidence,
        evidence,
    } = component;
    let place = place.as_ref().map(|place| (&place.region, place.country));
    let rest = (layer.name(), clues, place, data, environment, evidence, labels, records);
    (id, std::cmp::Reverse(*confidence), role, evidence.first(), name, kind, rest)
}

/// The sightings of one component as one, whatever order they come in. `None` when there are none.
pub(crate) fn unite(mut sightings: Vec<Arc<Component>>) -> Option<Arc<Component>> {
    sightings.sort_by(|a, b| order(a).cmp(&order(b)));
    unite_all(sightings.into_iter()).pop()
}

/// Unites sightings in their order. Consumes them one by one: a component that is seen once is moved, not copied.
fn unite_all(sightings: impl Iterator<Item = Arc<Component>>) -> Vec<Arc<Component>> {
    let mut components: Vec<Arc<Component>> = Vec::new();
    for component in sightings {
        match components.last_mut().filter(|last| last.id == component.id) {
            Some(last) => Arc::make_mut(last).merge(Arc::unwrap_or_clone(component)),
            None => components.push(component),
        }
    }
    components.iter_mut().for_each(tidy);
    components
}

fn tidy(component: &mut Arc<Component>) {
    if !is_tidy(component) {
        sort_evidence(&mut Arc::make_mut(component).evidence);
    }
}

/// Whether the evidence is as [`sort_evidence`] leaves it.
fn is_tidy(component: &Component) -> bool {
    let evidence = &component.evidence;
    let rest = evidence.get(1..).unwrap_or_default();
    rest.is_sorted_by(|a, b| a < b) && rest.iter().all(|seen| Some(seen) != evidence.first())
}

/// The first evidence (where a person would point at) stays first; the rest is sorted, each once.
fn sort_evidence(evidence: &mut Vec<Evidence>) {
    if evidence.len() > 1 {
        let first = evidence.remove(0);
        evidence.sort_unstable();
        evidence.dedup();
        evidence.retain(|seen| *seen != first);
        evidence.insert(0, first);
    }
}

pub(crate) fn unite_links(links: &mut Vec<Link>) {
    // A link stands for one dependency: what cuts a power on one sighting does not cut it on another one.
    type Key<'a> =
        (u32, u32, allod_facts::LinkKind, &'a [allod_facts::Mitigation], &'a Option<Arc<str>>, &'a [Arc<str>]);
    fn key(link: &Link) -> Key<'_> {
        (link.from, link.to, link.kind, &link.mitigations, &link.any_of, &link.data)
    }
    for link in links.iter_mut() {
        link.mitigations.sort_unstable();
        link.mitigations.dedup();
        link.data.sort_unstable();
        link.data.dedup();
    }
    links.sort_by(|a, b| (key(a), &a.evidence).cmp(&(key(b), &b.evidence)));
    links.dedup_by(|later, first| {
        let same = key(later) == key(first);
        if same {
            first.evidence.append(&mut later.evidence);
        }
        same
    });
    links.iter_mut().for_each(|link| sort_evidence(&mut link.evidence));
}

use crate::merge::is_tidy;
use crate::resolve::{Part, resolve};
use allod_facts::Component;
use allod_register::Register;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a stack was built from, so that the next one of nearly the same facts costs less. Facts that are kept share
/// their components from one audit to the next: the same pointer is the same component.
#[derive(Default)]
pub struct Known<'r> {
    /// All sightings in canonical order.
    order: Vec<Arc<Component>>,
    /// Components that were seen several times (or not in order), sorted by id: the sightings, and what they make together.
    united: Vec<(Vec<Arc<Component>>, Arc<Component>)>,
    /// Sorted by id, before anything was added to them.
    parts: Vec<Part<'r>>,
    own_zones: BTreeSet<String>,
}

/// A component as one batch has it: the batch and the position in it.
pub(crate) type Sighting = (Arc<Component>, u32, u32);

impl<'r> Known<'r> {
    /// Sorts sightings. Those that were there before keep their order, and only the others are looked at: they are few.
    pub(crate) fn sort(
        &self,
        sightings: Vec<Sighting>,
        order: impl Fn(&Component, &Component) -> Ordering,
    ) -> Vec<Sighting> {
        let mut by_pointer: FxHashMap<*const Component, usize> = FxHashMap::default();
        by_pointer.extend(sightings.iter().enumerate().map(|(at, (one, ..))| (Arc::as_ptr(one), at)));
        let mut left: Vec<Option<Sighting>> = sightings.into_iter().map(Some).collect();
        let mut sorted: Vec<Sighting> = Vec::with_capacity(left.len());
        for one in &self.order {
            let at = by_pointer.get(&Arc::as_ptr(one));
            sorted.extend(at.and_then(|at| left.get_mut(*at)).and_then(Option::take));
        }
        let mut new: Vec<Sighting> = left.into_iter().flatten().collect();
        new.sort_by(|(a, ..), (b, ..)| order(a, b));
        if new.is_empty() {
            return sorted;
        }
        let mut merged = Vec::with_capacity(sorted.len() + new.len());
        let mut sorted = sorted.into_iter();
        for one in new {
            let before = sorted.as_slice().partition_point(|(old, ..)| order(old, &one.0) == Ordering::Less);
            merged.extend(sorted.by_ref().take(before));
            merged.push(one);
        }
        merged.extend(sorted);
        merged
    }

    /// Keeps the sightings in their order, and unites those of one component; `unite` does it anew.
    pub(crate) fn unite(
        &mut self,
        sorted: &[Sighting],
        unite: fn(&Sighting, &[Sighting]) -> Arc<Component>,
    ) -> Vec<Arc<Component>> {
        self.order = sorted.iter().map(|(one, ..)| one.clone()).collect();
        let mut before = std::mem::take(&mut self.united).into_iter().peekable();
        let mut components = Vec::with_capacity(sorted.len());
        for same in sorted.chunk_by(|(a, ..), (b, ..)| a.id == b.id) {
            let Some((first, rest)) = same.split_first() else { continue };
            if rest.is_empty() && is_tidy(&first.0) {
                components.push(unite(first, rest));
                continue;
            }
            let is_first =
                |sightings: &[Arc<Component>]| sightings.first().is_some_and(|one| Arc::ptr_eq(one, &first.0));
            while before.next_if(|(old, other)| !is_first(old) && other.id < first.0.id).is_some() {}
            let kept = before.next_if(|(sightings, _)| {
                sightings.len() == same.len() && sightings.iter().zip(same).all(|(a, (b, ..))| Arc::ptr_eq(a, b))
            });
            let (sightings, united) =
                kept.unwrap_or_else(|| (same.iter().map(|(one, ..)| one.clone()).collect(), unite(first, rest)));
            components.push(united.clone());
            self.united.push((sightings, united));
        }
        components
    }

    /// The parts of components (sorted by id), resolved once as long as they and our own zones stay.
    pub(crate) fn parts(
        &mut self,
        components: Vec<Arc<Component>>,
        register: &'r Register,
        own_zones: &BTreeSet<String>,
    ) -> Vec<Part<'r>> {
        if self.own_zones != *own_zones {
            self.parts.clear();
            self.own_zones.clone_from(own_zones);
        }
        let mut before = std::mem::take(&mut self.parts).into_iter().peekable();
        let resolved = components.into_iter().map(|component| {
            while before.next_if(|part| !Arc::ptr_eq(&part.fact, &component) && part.fact.id < component.id).is_some() {
            }
            let kept = before.next_if(|part| Arc::ptr_eq(&part.fact, &component));
            kept.unwrap_or_else(|| resolve(component, register, own_zones))
        });
        self.parts = resolved.collect();
        self.parts.clone()
    }
}

use crate::{Audit, Side};
use allod_facts::Layer;
use allod_stack::Part;
use std::collections::BTreeMap;

/// Parts of one card on the map: one layer, one side, alike.
#[derive(Debug)]
pub struct Group {
    pub layer: Layer,
    pub side: Side,
    /// Nothing but hints.
    pub hint: bool,
    /// Positions.
    pub parts: Vec<usize>,
}

/// Up to so many parts of our own in a layer, each one has its card.
const SINGLE_CARDS: usize = 12;

/// The cards of the map, by layer and side.
pub fn groups(audit: &Audit<'_>) -> Vec<Group> {
    let parts = || audit.stack.parts.iter().enumerate().filter(|(_, part)| !part.is_hint() || part.service.is_some());
    let mut ours_in: BTreeMap<Layer, usize> = BTreeMap::new();
    for (_, part) in parts().filter(|(_, part)| audit.side(part) == Side::Ours) {
        *ours_in.entry(part.layer).or_default() += 1;
    }
    let mut found: BTreeMap<(Layer, Side, bool, String), Vec<usize>> = BTreeMap::new();
    for (at, part) in parts() {
        let side = audit.side(part);
        let few = ours_in.get(&part.layer).is_some_and(|number| *number <= SINGLE_CARDS);
        let key = if side == Side::Ours && few { part.fact.id.to_string() } else { alike(part) };
        found.entry((part.layer, side, part.is_hint(), key)).or_default().push(at);
    }
    found.into_iter().map(|((layer, side, hint, _), parts)| Group { layer, side, hint, parts }).collect()
}

/// Parts with the same word share a card: those of one service, or of one kind.
fn alike(part: &Part<'_>) -> String {
    part.service.map_or_else(|| part.fact.kind.to_string(), |service| format!("service {}", service.id))
}

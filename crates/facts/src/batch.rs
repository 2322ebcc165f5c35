use crate::{Component, Diagnostic, Evidence, Labels, Link, LinkKind, Unresolved};
use std::collections::HashMap;
use std::sync::Arc;

/// What one reader saw: components, links between them, what it could not resolve, and what was wrong with the files.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By pointer: merging and sorting move pointers, facts that are kept share their components with the stack, and a
    /// stack of a million components is never there twice.
    pub components: Vec<Arc<Component>>,
    pub links: Vec<Link>,
    pub unresolved: Vec<Unresolved>,
    pub diagnostics: Vec<Diagnostic>,
    pub deliveries: Vec<Delivery>,
    index: HashMap<Arc<str>, ComponentRef>,
}

/// Something that a CI job or a GitOps source puts into effect: whatever it delivers is deployed by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub by: ComponentRef,
    pub what: Delivered,
    pub evidence: Evidence,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivered {
    /// Everything that the files under this path of the tree describe (`deploy/prod`; empty for the whole tree).
    Files(String),
    /// An image, by its fully qualified name without tag and digest.
    Image(String),
}

/// The index of a component in [`Facts::components`] of the same batch.
pub type ComponentRef = u32;

impl Facts {
    pub fn new() -> Facts {
        Facts::default()
    }

    /// Adds a component; one with the same id is merged: evidence, clues and data are united, the first one's name,
    /// kind, layer and role stay.
    pub fn add(&mut self, component: Component) -> ComponentRef {
        if let Some(&known) = self.index.get(&component.id) {
            if let Some(first) = self.components.get_mut(known as usize) {
                Arc::make_mut(first).merge(component);
            }
            return known;
        }
        let component = Arc::new(Component { name: shortened(component.name), ..component });
        let index = self.components.len() as ComponentRef;
        self.index.insert(component.id.clone(), index);
        self.components.push(component);
        index
    }

    /// Gives up what is needed only while facts are added: a reader is done with them.
    pub fn settle(&mut self) {
        self.index = HashMap::new();
    }

    pub fn find(&self, id: &str) -> Option<ComponentRef> {
        self.index.get(id).copied()
    }

    pub fn get_mut(&mut self, at: ComponentRef) -> Option<&mut Component> {
        self.components.get_mut(at as usize).map(Arc::make_mut)
    }

    /// Adds a link with no mitigation; push to the returned link's fields what the file shows.
    pub fn link(&mut self, from: ComponentRef, kind: LinkKind, to: ComponentRef, seen: Evidence) -> &mut Link {
        let link =
            Link { from, to, kind, data: Vec::new(), mitigations: Vec::new(), any_of: None, evidence: vec![seen] };
        self.links.push_mut(link)
    }

    pub fn unresolved(&mut self, code: &'static str, message: String, about: Option<ComponentRef>, seen: Evidence) {
        self.unresolved.push(Unresolved { code, message: shortened(message), component: about, evidence: seen });
    }

    /// Takes everything from `other`, renumbering its references.
    pub fn absorb(&mut self, other: Facts) {
        // The first to come is taken as it is: a large plan would have its index, and for a while each component, twice.
        if self.components.is_empty() && self.unresolved.is_empty() && self.diagnostics.is_empty() {
            *self = other;
            return;
        }
        let moved: Vec<ComponentRef> =
            other.components.into_iter().map(|component| self.add(Arc::unwrap_or_clone(component))).collect();
        let new = |old: ComponentRef| moved.get(old as usize).copied();
        for mut link in other.links {
            if let (Some(from), Some(to)) = (new(link.from), new(link.to)) {
                (link.from, link.to) = (from, to);
                self.links.push(link);
            }
        }
        for mut delivery in other.deliveries {
            if let Some(by) = new(delivery.by) {
                delivery.by = by;
                self.deliveries.push(delivery);
            }
        }
        for mut unresolved in other.unresolved {
            unresolved.component = unresolved.component.and_then(new);
            self.unresolved.push(unresolved);
        }
        self.diagnostics.extend(other.diagnostics);
    }
}

/// How far back a repeated line of evidence is looked for. Readers go through files in order, so that a repetition
/// stands near; looking through all would make a host that a large file names everywhere cost its square.
const LOOK_BACK: usize = 32;

/// Longer texts from a file are cut where they are shown to people: a value of a megabyte explains nothing.
const MAX_SHOWN_CHARS: usize = 240;

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => text.get(..end).map_or_else(String::new, |start| format!("{start}…")),
        None => text,
    }
}

impl Component {
    /// Adds a further line of evidence, if it was not seen just before.
    pub fn see(&mut self, seen: Evidence) {
        let known =
            self.evidence.first() == Some(&seen) || self.evidence.iter().rev().take(LOOK_BACK).any(|one| *one == seen);
        if !known {
            self.evidence.push(seen);
        }
    }

    /// Adds labels; a key that is there keeps its value, and the other one stands beside it.
    pub fn merge_labels(&mut self, other: Option<Labels>) {
        self.labels = match (self.labels.take(), other) {
            (Some(mine), Some(other)) => Some(mine.united(&other)),
            (mine, other) => mine.or(other),
        };
    }

    /// Unites two sightings of one component. The first sighting's words stay; a certain one beats a guess.
    pub fn merge(&mut self, other: Component) {
        for clue in &other.clues {
            if !self.clues.contains(clue) {
                self.clues.push(clue.clone());
            }
        }
        for seen in other.evidence {
            self.see(seen);
        }
        for class in other.data {
            if let Err(at) = self.data.binary_search(&class) {
                self.data.insert(at, class);
            }
        }
        self.place = self.place.take().or(other.place);
        self.environment = self.environment.take().or(other.environment);
        self.merge_labels(other.labels);
        for record in other.records.iter() {
            self.records.add(record.clone());
        }
        self.confidence = self.confidence.max(other.confidence);
    }
}

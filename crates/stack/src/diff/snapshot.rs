use crate::graph::Stack;
use crate::powers::{Power, Powers, When};
use crate::resolve::{Control, Location};
use crate::{Finding, Home, Path};
use allod_facts::{Country, Evidence, Layer, LinkKind, Mitigation, Role, Severity};
use rustc_hash::FxHashSet;
use std::hash::Hash;
use std::sync::Arc;

/// What of one audit is compared: plain values that need neither the register nor the files any more. Made from an
/// audit in memory ([`Snapshot::of`]) or read from a saved one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Sorted by id, each id once.
    pub components: Vec<Component>,
    /// Sorted by `from`, then `to`, then kind.
    pub links: Vec<Link>,
    /// Sorted by component, jurisdiction and power: each of these once.
    pub powers: Vec<Held>,
    pub findings: Vec<Remark>,
    pub unresolved: Vec<Remark>,
    pub diagnostics: Vec<Remark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub id: Arc<str>,
    pub name: Box<str>,
    pub kind: Arc<str>,
    pub layer: Layer,
    pub role: Role,
    /// The code could use it; nothing says that it does.
    pub hint: bool,
    pub control: Control,
    /// Service id.
    pub service: Option<Arc<str>>,
    /// Operator, publisher, their owners, licensors and minority holders.
    pub controllers: Arc<[Party]>,
    pub location: Option<Location>,
    /// Data classes that the files state.
    pub data: Vec<Arc<str>>,
    pub seen: Option<Seen>,
}

/// An entity with its ground for controlling a component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub country: Option<Country>,
    pub ground: Arc<str>,
}

/// Where something was seen first. Line 0: the whole file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub path: Arc<str>,
    pub line: u32,
}

/// A link between two components, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub from: u32,
    pub to: u32,
    pub kind: LinkKind,
    pub data: Vec<Arc<str>>,
    pub mitigations: Vec<Mitigation>,
    pub any_of: Option<Arc<str>>,
    pub seen: Option<Seen>,
}

/// A power of a jurisdiction over a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub component: u32,
    /// `None`: a party that nobody knows.
    pub jurisdiction: Option<Country>,
    pub power: Power,
    pub when: When,
    /// For *read*: the data classes.
    pub data: Arc<[Arc<str>]>,
    /// The shortest path, from the component itself on.
    pub path: Box<[u32]>,
    /// Entity ids from the operator of the last component up to the one in the jurisdiction.
    pub parties: Arc<[Arc<str>]>,
}

/// A finding, an unresolved fact or a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub code: Arc<str>,
    pub severity: Option<Severity>,
    pub message: Box<str>,
    pub component: Option<u32>,
    pub seen: Option<Seen>,
}

/// Lists that many components have alike are kept once.
#[derive(Debug)]
pub struct Shared<T>(FxHashSet<Arc<[T]>>);

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared(FxHashSet::default())
    }
}

impl<T: Eq + Hash> Shared<T> {
    pub fn list(&mut self, list: Vec<T>) -> Arc<[T]> {
        match self.0.get(list.as_slice()) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<[T]> = list.into();
                self.0.insert(new.clone());
                new
            }
        }
    }
}

impl Snapshot {
    /// The snapshot of an audit in memory.
    pub fn of(stack: &Stack<'_>, powers: &Powers, findings: &[Finding], home: &Home) -> Snapshot {
        let mut snapshot = Snapshot {
            components: components(stack),
            links: stack.links.iter().map(link).collect(),
            powers: held(stack, powers),
            findings: findings.iter().map(|one| finding(stack, one, home)).collect(),
            unresolved: Vec::new(),
            diagnostics: Vec::new(),
        };
        snapshot.unresolved.extend(stack.unresolved.iter().map(|one| Remark {
            code: one.code.into(),
            severity: None,
            message: one.message.as_str().into(),
            component: one.component,
            seen: Some(seen(&one.evidence)),
        }));
        snapshot.diagnostics.extend(stack.diagnostics.iter().map(|one| Remark {
            code: one.code.into(),
            severity: Some(one.severity),
            message: one.message.as_str().into(),
            component: None,
            seen: Some(Seen { path: one.path.clone(), line: one.line }),
        }));
        snapshot.sort();
        snapshot
    }

    /// Puts links and powers in order. Components must be in order already: links and powers name their positions.
    pub fn sort(&mut self) {
        self.links.sort_by(|a, b| {
            let terms = |link: &Link| (link.from, link.to, link.kind);
            terms(a).cmp(&terms(b)).then_with(|| {
                (&a.any_of, &a.mitigations, &a.data, &a.seen).cmp(&(&b.any_of, &b.mitigations, &b.data, &b.seen))
            })
        });
        self.powers.sort_by_key(|held| (held.component, held.jurisdiction, held.power));
    }

    /// The position of a component by its id.
    pub fn find(&self, id: &str) -> Option<u32> {
        self.components.binary_search_by(|one| (*one.id).cmp(id)).ok().and_then(|at| u32::try_from(at).ok())
    }
}

fn seen(evidence: &Evidence) -> Seen {
    Seen { path: evidence.path.clone(), line: evidence.line }
}

fn components(stack: &Stack<'_>) -> Vec<Component> {
    let mut shared = Shared::default();
    let one = |part: &crate::Part<'_>| Component {
        id: part.fact.id.clone(),
        name: part.fact.name.as_str().into(),
        kind: part.fact.kind.clone(),
        layer: part.layer,
        role: part.fact.role,
        hint: part.is_hint(),
        control: part.control,
        service: part.service.map(|service| service.id.as_str().into()),
        controllers: shared.list(
            part.controllers(stack.register)
                .into_iter()
                .map(|one| Party {
                    id: one.entity.id.as_str().into(),
                    name: one.entity.name.as_str().into(),
                    country: one.entity.country,
                    ground: one.ground.name().into(),
                })
                .collect(),
        ),
        location: part.location.clone(),
        data: part.fact.data.clone(),
        seen: part.fact.evidence.first().map(seen),
    };
    stack.parts.iter().map(one).collect()
}

fn link(link: &crate::Edge) -> Link {
    Link {
        from: link.from,
        to: link.to,
        kind: link.kind,
        data: link.data.clone(),
        mitigations: link.mitigations.clone(),
        any_of: link.any_of.clone(),
        seen: link.evidence.first().map(seen),
    }
}

fn held(stack: &Stack<'_>, powers: &Powers) -> Vec<Held> {
    let (mut classes, mut chains) = (Shared::default(), Shared::default());
    let mut all = Vec::new();
    for at in 0..stack.parts.len() {
        for one in powers.holdings(at) {
            let path = powers.explain(stack, at, one.first, one.holder);
            let names = one.classes.iter().filter_map(|class| powers.classes.get(*class)).cloned().collect();
            all.push(Held {
                component: at as u32,
                jurisdiction: one.jurisdiction,
                power: one.power,
                when: one.when(),
                data: classes.list(names),
                path: path.iter().flat_map(|path| path.hops.iter().map(|hop| hop.part as u32)).collect(),
                parties: chains.list(path.as_ref().map(parties).unwrap_or_default()),
            });
        }
    }
    all
}

fn parties(path: &Path<'_>) -> Vec<Arc<str>> {
    path.parties.iter().map(|party| party.entity.id.as_str().into()).collect()
}

fn finding(stack: &Stack<'_>, one: &Finding, home: &Home) -> Remark {
    let part = stack.parts.get(one.part);
    Remark {
        code: one.code.into(),
        severity: Some(one.severity),
        message: one.message(stack, home).into(),
        component: Some(one.part as u32),
        seen: part.and_then(|part| part.fact.evidence.first()).map(seen),
    }
}

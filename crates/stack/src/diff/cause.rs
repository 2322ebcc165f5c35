//! Through which change a power was gained. A loss is a gain the other way round: "here" is the side that has the
//! power, "there" the side that has it not.

use super::same::{View, same_control};
use super::snapshot::{Component, Held, Link, Seen};
use super::{Group, PowerChange};
use crate::powers::{Power, SECRETS, UNCLASSIFIED, When};
use allod_facts::{LinkKind, Role};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The change behind a gain (or a loss).
#[derive(Clone, Debug, PartialEq)]
pub struct Cause<'a> {
    pub kind: CauseKind,
    /// The component, or the one that the link leads from.
    pub component: &'a Component,
    /// Where the link leads.
    pub link: Option<(LinkKind, &'a Component)>,
    pub seen: Option<&'a Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CauseKind {
    /// The component is here only.
    Component,
    /// Who controls the component differs.
    Control,
    /// The component states other data classes here.
    Data,
    /// The link is here only.
    Link,
    /// The link carries other data, or other mitigations or alternatives stand beside it.
    Terms,
    /// An alternative, which is there only, protected against it.
    Alternative,
    /// None of these: the register or the tool itself must have changed.
    Unseen,
}

/// A cause by position, in the order in which causes are told. [`Key::Alternative`] is a link of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Component(u32),
    Control(u32),
    Data(u32),
    Link(u32),
    Terms(u32),
    Alternative(u32),
    Unseen(u32),
}

/// What is held here and not there, by cause.
pub(super) fn gained<'a>(here: &View<'a>, there: &View<'a>) -> Vec<Group<'a>> {
    let mut by_cause: BTreeMap<Key, Vec<PowerChange<'a>>> = BTreeMap::new();
    let mut flows = Flows::default();
    for held in &here.snapshot.powers {
        let Some(change) = change(here, there, held) else { continue };
        let key = cause(here, there, held, &change, &mut flows);
        by_cause.entry(key).or_default().push(change);
    }
    by_cause.into_iter().filter_map(|(key, powers)| Some(Group { cause: told(here, there, key)?, powers })).collect()
}

fn change<'a>(here: &View<'a>, there: &View<'a>, held: &'a Held) -> Option<PowerChange<'a>> {
    let other = here.other(held.component).and_then(|at| there.held(at, held.jurisdiction, held.power));
    // What is not ours is taken to hold data without a name when nothing with a name reaches it any more: that gives
    // nobody anything who read it before. Data without a name comes from something of ours, and shows there.
    let ours = here.component(held.component).is_some_and(|one| one.role == Role::Own);
    let known = |class: &str| {
        other.is_some_and(|other| {
            let has = |class: &str| other.data.iter().any(|known| &**known == class);
            has(class) || class == UNCLASSIFIED && !ours && other.data.iter().any(|known| &**known != SECRETS)
        })
    };
    let data: Vec<&str> = held.data.iter().map(|class| &**class).filter(|class| !known(class)).collect();
    let sooner = other.is_some_and(|other| held.when == When::Now && other.when == When::Later);
    if other.is_some() && !sooner && data.is_empty() {
        return None;
    }
    Some(PowerChange {
        jurisdiction: held.jurisdiction,
        power: held.power,
        when: held.when,
        other: other.map(|other| other.when),
        data,
        component: here.component(held.component)?,
        path: held.path.iter().filter_map(|at| here.component(*at)).collect(),
        parties: &held.parties,
    })
}

fn cause(here: &View<'_>, there: &View<'_>, held: &Held, change: &PowerChange<'_>, flows: &mut Flows) -> Key {
    along(here, there, &held.path, false)
        .or_else(|| along(here, there, &held.path, true))
        .or_else(|| alternative(here, there, held).filter(|_| held.power == Power::Stop))
        .or_else(|| change.data.iter().find_map(|class| downstream(here, there, held, class)))
        .or_else(|| change.data.iter().find_map(|class| flows.origin(here, there, class, held.component)))
        .unwrap_or_else(|| Key::Unseen(held.path.last().copied().unwrap_or(held.component)))
}

/// The first thing on the path that is here only, or is controlled otherwise. A hop that another link makes as before
/// is no change, unless `any`.
fn along(here: &View<'_>, there: &View<'_>, path: &[u32], any: bool) -> Option<Key> {
    for (step, at) in path.iter().enumerate() {
        let change = part(here, there, *at).or_else(|| hop(here, there, *at, *path.get(step + 1)?, any));
        if change.is_some() {
            return change;
        }
    }
    None
}

/// A component that is here only, or is controlled otherwise.
fn part(here: &View<'_>, there: &View<'_>, at: u32) -> Option<Key> {
    let Some(other) = here.other(at) else { return Some(Key::Component(at)) };
    let alike = here.component(at).zip(there.component(other)).is_some_and(|(one, two)| same_control(one, two));
    (!alike).then_some(Key::Control(at))
}

/// A link from one component to the next that is here only or has other terms, where no other one makes the same hop as
/// before, or `any`.
fn hop(here: &View<'_>, there: &View<'_>, at: u32, next: u32, any: bool) -> Option<Key> {
    let (Some(from), Some(to)) = (here.other(at), here.other(next)) else { return Some(Key::Component(next)) };
    let mut changed = None;
    let mut as_before = false;
    for (position, link) in here.links_between(at, next) {
        match likeness(there, link, from, to) {
            Likeness::Same => as_before = true,
            Likeness::Terms => changed = changed.or(Some(Key::Terms(position))),
            Likeness::New => changed = changed.or(Some(Key::Link(position))),
        }
    }
    changed.filter(|_| any || !as_before)
}

/// Components that are looked at below one: paths are short, and there may be many powers.
const MAX_DOWNSTREAM: usize = 256;

/// The nearest change on the way that one data class takes to the holder: a power has the path of its first class only.
fn downstream(here: &View<'_>, there: &View<'_>, held: &Held, class: &str) -> Option<Key> {
    let read = |at: u32| here.held(at, held.jurisdiction, Power::Read);
    // Secrets are read by whoever reads anything of the deployer: from there on, any class will do.
    let mut seen = BTreeSet::from([(held.component, false)]);
    let mut queue = VecDeque::from([(held.component, false)]);
    while let Some((at, any_class)) = queue.pop_front() {
        let change = part(here, there, at);
        if change.is_some() {
            return change;
        }
        for (_, link) in here.links_from(at).take(MAX_DOWNSTREAM) {
            let any_class = any_class || (class == SECRETS && link.kind == LinkKind::DeployedBy);
            if !read(link.to).is_some_and(|held| any_class || held.data.iter().any(|known| &**known == class)) {
                continue;
            }
            let change = hop(here, there, at, link.to, true);
            if change.is_some() {
                return change;
            }
            if seen.len() < MAX_DOWNSTREAM && seen.insert((link.to, any_class)) {
                queue.push_back((link.to, any_class));
            }
        }
    }
    None
}

enum Likeness {
    Same,
    Terms,
    New,
}

fn likeness(there: &View<'_>, link: &Link, from: u32, to: u32) -> Likeness {
    fn terms(link: &Link) -> impl PartialEq + '_ {
        (&link.any_of, &link.mitigations, &link.data)
    }
    let mut likeness = Likeness::New;
    for (_, other) in there.links_between(from, to).filter(|(_, other)| other.kind == link.kind) {
        if terms(other) == terms(link) {
            return Likeness::Same;
        }
        likeness = Likeness::Terms;
    }
    likeness
}

/// An alternative for a link of the path that is there and not here.
fn alternative(here: &View<'_>, there: &View<'_>, held: &Held) -> Option<Key> {
    for (at, next) in held.path.iter().zip(held.path.iter().skip(1)) {
        let from = here.other(*at)?;
        for (_, link) in here.links_between(*at, *next) {
            let Some(group) = &link.any_of else { continue };
            let of_group = |link: &Link| link.any_of.as_ref() == Some(group);
            let still = |other: &Link| {
                there.other(other.to).is_some_and(|to| {
                    here.links_between(*at, to).any(|(_, link)| link.kind == other.kind && of_group(link))
                })
            };
            let gone = there.links_from(from).find(|(_, link)| of_group(link) && !still(link));
            if let Some((position, _)) = gone {
                return Some(Key::Alternative(position));
            }
        }
    }
    None
}

/// From where a data class came that is read here and not there: for each class, the nearest change upstream of each
/// component.
#[derive(Default)]
struct Flows(BTreeMap<String, BTreeMap<u32, Key>>);

impl Flows {
    fn origin(&mut self, here: &View<'_>, there: &View<'_>, class: &str, at: u32) -> Option<Key> {
        if !self.0.contains_key(class) {
            self.0.insert(class.to_owned(), origins(here, there, class));
        }
        self.0.get(class)?.get(&at).copied()
    }
}

fn origins(here: &View<'_>, there: &View<'_>, class: &str) -> BTreeMap<u32, Key> {
    let states = |list: &[std::sync::Arc<str>]| list.iter().any(|known| &**known == class);
    let mut reached: BTreeMap<u32, Key> = BTreeMap::new();
    let mut queue = VecDeque::new();
    let mut reach = |queue: &mut VecDeque<u32>, at: u32, key: Key| {
        if let std::collections::btree_map::Entry::Vacant(free) = reached.entry(at) {
            free.insert(key);
            queue.push_back(at);
        }
        reached.get(&at).copied()
    };
    for (at, one) in here.snapshot.components.iter().enumerate() {
        let at = at as u32;
        let other = here.other(at).and_then(|at| there.component(at));
        if states(&one.data) && other.is_none_or(|other| !states(&other.data)) {
            reach(&mut queue, at, if other.is_none() { Key::Component(at) } else { Key::Data(at) });
        }
        // Nothing says any more what its data is.
        if class == UNCLASSIFIED && one.data.is_empty() && other.is_some_and(|other| !other.data.is_empty()) {
            reach(&mut queue, at, Key::Data(at));
        }
    }
    for (position, link) in here.snapshot.links.iter().enumerate() {
        let position = position as u32;
        if !here.is_read(link.to, class) || !(states(&link.data) || here.is_read(link.from, class)) {
            continue;
        }
        let key = match here.other(link.from).zip(here.other(link.to)) {
            None => here.other(link.from).is_none().then_some(Key::Component(link.from)),
            Some((from, to)) => match likeness(there, link, from, to) {
                Likeness::Same => None,
                Likeness::Terms => Some(Key::Terms(position)),
                Likeness::New => Some(Key::Link(position)),
            },
        };
        if let Some(key) = key {
            reach(&mut queue, link.to, key);
        }
    }
    while let Some(at) = queue.pop_front() {
        let Some(key) = reach(&mut queue, at, Key::Unseen(at)) else { continue };
        for (_, link) in here.links_from(at) {
            if here.is_read(link.to, class) {
                reach(&mut queue, link.to, key);
            }
        }
    }
    reached
}

fn told<'a>(here: &View<'a>, there: &View<'a>, key: Key) -> Option<Cause<'a>> {
    let component = |kind, at| {
        let component = here.component(at)?;
        Some(Cause { kind, component, link: None, seen: component.seen.as_ref() })
    };
    let link = |kind, view: &View<'a>, at: u32| {
        let link = view.snapshot.links.get(at as usize)?;
        let (component, to) = (view.component(link.from)?, view.component(link.to)?);
        let seen = link.seen.as_ref().or(component.seen.as_ref());
        Some(Cause { kind, component, link: Some((link.kind, to)), seen })
    };
    match key {
        Key::Component(at) => component(CauseKind::Component, at),
        Key::Control(at) => component(CauseKind::Control, at),
        Key::Data(at) => component(CauseKind::Data, at),
        Key::Link(at) => link(CauseKind::Link, here, at),
        Key::Terms(at) => link(CauseKind::Terms, here, at),
        Key::Alternative(at) => link(CauseKind::Alternative, there, at),
        Key::Unseen(at) => component(CauseKind::Unseen, at),
    }
}

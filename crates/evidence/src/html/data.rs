use super::groups::Group;
use crate::Audit;
use allod_facts::{Country, Evidence};
use allod_stack::{Controller, Event, Ground, Holder, Lane, Part};
use serde::Serialize;
use std::collections::HashMap;
use std::hash::Hash;

/// What the script of the page works with. What many parts share (who controls them, who holds what over them, files)
/// stands once, in a table, and is named by position.
#[derive(Serialize)]
pub struct Data<'a> {
    pub layers: Vec<&'static str>,
    pub classes: Vec<&'a str>,
    pub files: Vec<&'a str>,
    pub readers: Vec<&'a str>,
    pub holders: Vec<HolderOut<'a>>,
    pub entities: Vec<(&'a str, &'a str, Option<Country>)>,
    /// Source, date, confidence.
    pub claims: Vec<(&'a str, &'a str, &'static str)>,
    pub whos: Vec<Who<'a>>,
    pub held: Vec<Held>,
    pub parts: Vec<PartOut<'a>>,
    /// Positions of the parts of each card.
    pub groups: Vec<&'a [usize]>,
    pub links: Vec<LinkOut<'a>>,
    /// Code, severity, message, part.
    pub findings: Vec<(&'static str, allod_facts::Severity, String, usize)>,
}

/// Kind (`j`urisdiction, `u`nknown, `e`ntity), id, name, foreign.
type HolderOut<'a> = (&'static str, &'a str, &'a str, u8);

/// Service, software, operator's name, controllers, countries.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Who<'a>(Option<&'a str>, Option<&'a str>, Option<&'a str>, Vec<ControllerOut>, Vec<Country>);

/// Entity, ground, claim or -1, the position of the one below in the chain or -1, whether it gives a power.
type ControllerOut = (usize, &'static str, i64, i64, u8);

/// Holder, powers as bits ([`READ`]...), data classes that it reads.
pub type Held = Vec<(usize, u8, Vec<usize>)>;

pub const READ: u8 = 1;
pub const STOP: u8 = 2;
pub const LATER: u8 = 4;
pub const CHANGE: u8 = 8;

/// Id, name, layer, kind, role, side, who, powers held over it, powers of those behind the part itself, country,
/// region, hint, environment, data classes, evidence.
#[derive(Serialize)]
pub struct PartOut<'a>(
    &'a str,
    &'a str,
    usize,
    &'a str,
    allod_facts::Role,
    &'static str,
    usize,
    usize,
    usize,
    Option<Country>,
    Option<&'a str>,
    u8,
    Option<&'a str>,
    Vec<usize>,
    Vec<Seen>,
);

/// File, line, last line, reader.
type Seen = (usize, u32, u32, usize);

/// From, to, kind, passes as bits (4: *stop* is later), data classes, mitigations, group of alternatives, evidence.
#[derive(Serialize)]
pub struct LinkOut<'a>(
    u32,
    u32,
    &'static str,
    u8,
    Vec<usize>,
    &'a [allod_facts::Mitigation],
    Option<&'a str>,
    Vec<Seen>,
);

/// Values in the order of their first use.
struct Table<T> {
    list: Vec<T>,
    known: HashMap<T, usize>,
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn new() -> Table<T> {
        Table { list: Vec::new(), known: HashMap::new() }
    }

    fn add(&mut self, value: T) -> usize {
        *self.known.entry(value).or_insert_with_key(|value| {
            self.list.push(value.clone());
            self.list.len() - 1
        })
    }
}

/// More lines of evidence of one link are left out; the part has them all.
const LINK_EVIDENCE: usize = 3;

struct Builder<'a> {
    audit: &'a Audit<'a>,
    layers: Table<&'static str>,
    files: Table<&'a str>,
    readers: Table<&'a str>,
    entities: Table<(&'a str, &'a str, Option<Country>)>,
    claims: Table<(&'a str, &'a str, &'static str)>,
    whos: Table<Who<'a>>,
    held: Table<Held>,
    /// Position in the page of a holder of the audit; services are left out.
    holder_at: Vec<Option<usize>>,
}

pub fn data<'a>(audit: &'a Audit<'a>, groups: &'a [Group]) -> Data<'a> {
    let mut holders = Vec::new();
    let holder_at = audit.powers.holders.iter().map(|one| {
        holders.push(holder(audit, one)?);
        Some(holders.len() - 1)
    });
    let mut build = Builder {
        audit,
        layers: Table::new(),
        files: Table::new(),
        readers: Table::new(),
        entities: Table::new(),
        claims: Table::new(),
        whos: Table::new(),
        held: Table::new(),
        holder_at: holder_at.collect(),
    };
    let parts = audit.stack.parts.iter().enumerate().map(|(at, part)| build.part(at, part)).collect();
    let links = audit.stack.links.iter().map(|link| build.link(link)).collect();
    Data {
        classes: audit.powers.classes.iter().map(|name| &**name).collect(),
        holders,
        parts,
        groups: groups.iter().map(|group| group.parts.as_slice()).collect(),
        links,
        findings: audit.findings.iter().map(|one| (one.code, one.severity, audit.say(one), one.part)).collect(),
        layers: build.layers.list,
        files: build.files.list,
        readers: build.readers.list,
        entities: build.entities.list,
        claims: build.claims.list,
        whos: build.whos.list,
        held: build.held.list,
    }
}

fn holder<'a>(audit: &'a Audit<'a>, holder: &'a Holder) -> Option<HolderOut<'a>> {
    match holder {
        Holder::Jurisdiction(country) => {
            Some(("j", country.code(), country.code(), u8::from(!audit.home.has(*country))))
        }
        Holder::Unknown => Some(("u", "unknown", "unknown parties", 0)),
        Holder::Entity(id) => {
            let entity = audit.stack.register.entity(id)?;
            let foreign = entity.country.is_some_and(|country| !audit.home.has(country));
            Some(("e", id, &entity.name, u8::from(foreign)))
        }
        Holder::Service(_) => None,
    }
}

impl<'a> Builder<'a> {
    fn part(&mut self, at: usize, part: &'a Part<'a>) -> PartOut<'a> {
        let who = self.who(part);
        let who = self.whos.add(who);
        let held = self.held_by(at, |lane, holder| self.audit.powers.has(at, lane, holder));
        let base = self.held_by(at, |lane, holder| self.audit.powers.base_has(at, lane, holder));
        let classes = self.audit.powers.classes_of.get(at).copied().unwrap_or(0);
        let place = part.location.as_ref();
        PartOut(
            &part.fact.id,
            &part.fact.name,
            self.layers.add(part.layer.name()),
            &part.fact.kind,
            part.fact.role,
            self.audit.side(part).name(),
            who,
            self.held.add(held),
            self.held.add(base),
            place.and_then(|place| place.country),
            place.and_then(|place| place.region.as_deref()),
            u8::from(part.is_hint()),
            part.fact.environment.as_deref(),
            (0..self.audit.powers.classes.len()).filter(|class| classes >> class & 1 == 1).collect(),
            self.seen(&part.fact.evidence),
        )
    }

    fn seen(&mut self, evidence: &'a [Evidence]) -> Vec<Seen> {
        let mut out = Vec::new();
        for seen in evidence {
            out.push((self.files.add(&seen.path), seen.line, seen.end_line, self.readers.add(seen.reader)));
        }
        out
    }

    /// What each holder has over a part, of the holders that have anything over it.
    fn held_by(&self, at: usize, has: impl Fn(Lane, usize) -> bool) -> Held {
        let powers = &self.audit.powers;
        let mut found: std::collections::BTreeMap<usize, (u8, Vec<usize>)> = std::collections::BTreeMap::new();
        for lane in powers.lanes() {
            for holder in powers.held_by(at, lane).filter(|holder| has(lane, *holder)) {
                let Some(name) = self.holder_at.get(holder).copied().flatten() else { continue };
                let (bits, classes) = found.entry(name).or_default();
                *bits |= match lane {
                    Lane::Stop => STOP,
                    Lane::StopLater => LATER,
                    Lane::Change => CHANGE,
                    Lane::Read(class) => {
                        classes.push(class);
                        READ
                    }
                };
            }
        }
        found.into_iter().map(|(holder, (bits, classes))| (holder, bits, classes)).collect()
    }

    fn who(&mut self, part: &Part<'a>) -> Who<'a> {
        let register = self.audit.stack.register;
        let controllers = part.controllers(register);
        let mut out = Vec::new();
        for (at, one) in controllers.iter().enumerate() {
            let entity = self.entities.add((&one.entity.id, &one.entity.name, one.entity.country));
            let claim = one
                .claim
                .map_or(-1, |claim| self.claims.add((&claim.source, &claim.seen, claim.confidence.name())) as i64);
            let gives = u8::from(one.ground != Ground::Minority);
            out.push((entity, one.ground.name(), claim, below(&controllers, at), gives));
        }
        Who(
            part.service.map(|service| service.name.as_str()),
            part.software.map(|software| software.name.as_str()),
            part.operator.map(|entity| entity.name.as_str()),
            out,
            part.controlled_from(register),
        )
    }

    fn link(&mut self, link: &'a allod_stack::Edge) -> LinkOut<'a> {
        let passes = self.audit.stack.passes(link);
        let bit = |has: bool, bit: u8| if has { bit } else { 0 };
        let bits = bit(passes.read, READ)
            | bit(passes.stop.is_some(), STOP)
            | bit(passes.stop.is_some_and(|event| event != Event::AtOnce), LATER)
            | bit(passes.change, CHANGE);
        let classes = &self.audit.powers.classes;
        let data = link.data.iter().filter_map(|class| classes.iter().position(|known| known == class)).collect();
        let shown = link.evidence.get(..LINK_EVIDENCE.min(link.evidence.len())).unwrap_or_default();
        LinkOut(
            link.from,
            link.to,
            link.kind.name(),
            bits,
            data,
            &link.mitigations,
            link.any_of.as_deref(),
            self.seen(shown),
        )
    }
}

/// The position of the one that a controller holds; -1 at the start of a chain.
fn below(controllers: &[Controller<'_>], at: usize) -> i64 {
    let Some(edge) = controllers.get(at).and_then(|one| one.edge) else { return -1 };
    let holds = |one: &Controller<'_>| one.entity.control.iter().any(|other| std::ptr::eq(other, edge));
    controllers.iter().take(at).position(holds).map_or(-1, |found| found as i64)
}

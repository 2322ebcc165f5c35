//! What a rule can see of a component: the attributes of the published schema, computed from stack, powers and the
//! words of the organisation.

mod audit;
mod reach;

use crate::date::Date;
use crate::organisation::{Organisation, place};
use crate::rule::{AuditFact, Requirement, RuleSet, Share};
use crate::select::Scope;
use allod_facts::{Layer, LinkKind, Mitigation, Role};
use allod_stack::{Control, Holder, Home, Lane, Part, Power, Powers, Stack};
pub(crate) use reach::MAX_WORDS;
use reach::Reach;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Stands where a place or a party is not known. It is in no list of a rule, so that it never satisfies one.
pub const UNKNOWN: &str = "unknown";

/// A component as Cedar sees it. Sets are sorted, each value once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    pub id: Arc<str>,
    pub name: String,
    pub kind: Arc<str>,
    pub layer: &'static str,
    /// `own`, `provided` or `artefact`.
    pub role: &'static str,
    /// Run by ourselves.
    pub ours: bool,
    /// Nothing but a hint that it could be used: no rule fires on it.
    pub hint: bool,
    /// Data is processed or kept in it, so that its place matters.
    pub placed: bool,
    /// A file describes it (a block, an object, a service), and does not just name it.
    pub described: bool,
    /// Somebody else keeps data at rest for us in it.
    pub at_rest: bool,
    /// Data classes, by statement and by flow.
    pub data: Set,
    pub environments: Set,
    pub workloads: Set,
    pub tiers: Set,
    /// `key` and `key=value`.
    pub labels: Set,
    /// Empty where there is none.
    pub namespace: String,
    pub address: String,
    pub service: String,
    /// Service, operator, publisher and all who own them.
    pub parties: Set,
    /// Countries of operator and owners, and `unknown`.
    pub controlled_from: Set,
    /// Countries where it is, and `unknown`.
    pub countries: Set,
    /// `ours` or `unknown`.
    pub keys: &'static str,
    /// Names of [`AuditFact`]s that are known to hold.
    pub audit: Set,
    /// Days since leaving was tried, for the workload of it where that is longest ago; -1 when it never was.
    pub exit_tested_days: i64,
    /// By name: who holds a power (see [`Subject::power_tag`]), and which controllers are over a limit.
    pub tags: Tags,
}

type Tags = BTreeMap<String, Set>;

/// Values of an attribute.
pub type Set = Vec<Arc<str>>;

impl Subject {
    /// The tag that holds who has a power: `readable-from:patient`, `stoppable-by`, `stoppable-ever-from`.
    pub fn power_tag(power: Power, ever: bool, by: bool, class: Option<&str>) -> String {
        let word = match power {
            Power::Read => "readable",
            Power::Stop if ever => "stoppable-ever",
            Power::Stop => "stoppable",
            Power::Change => "changeable",
        };
        let side = if by { "by" } else { "from" };
        class.map_or_else(|| format!("{word}-{side}"), |class| format!("{word}-{side}:{class}"))
    }

    /// The tag that holds which of its controllers are over the limit of a rule.
    pub fn over_tag(rule: &str) -> String {
        format!("over:{rule}")
    }
}

/// What subjects are made of.
pub struct Scene<'a, 'r> {
    pub stack: &'a Stack<'r>,
    pub powers: &'a Powers,
    pub organisation: &'a Organisation,
    pub rules: &'a RuleSet,
    pub home: &'a Home,
    pub today: Date,
    reach: Reach,
    audit: audit::Audit,
    /// By holder, its name in tags.
    holders: Vec<Option<Arc<str>>>,
    /// By part: what is stored in it carries customer-held keys on each link.
    keys: Vec<Keys>,
    classes: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Default)]
struct Keys {
    stored: u32,
    with_own_key: u32,
}

impl<'a, 'r> Scene<'a, 'r> {
    pub fn new(
        stack: &'a Stack<'r>,
        powers: &'a Powers,
        organisation: &'a Organisation,
        rules: &'a RuleSet,
        home: &'a Home,
        today: Date,
    ) -> Scene<'a, 'r> {
        let holders = powers.holders.iter().map(|holder| match holder {
            Holder::Jurisdiction(country) => Some(Arc::from(country.code())),
            Holder::Unknown => Some(Arc::from(UNKNOWN)),
            Holder::Entity(id) | Holder::Service(id) => Some(Arc::from(id.as_str())),
        });
        let holders = holders.collect();
        let mut keys = vec![Keys::default(); stack.parts.len()];
        for link in stack.links.iter().filter(|link| matches!(link.kind, LinkKind::StoresIn | LinkKind::SendsTo)) {
            if let Some(keys) = keys.get_mut(link.to as usize) {
                let own = [Mitigation::CustomerHeldKey, Mitigation::ClientSideEncryption];
                let is_own = link.mitigations.iter().any(|one| own.contains(one));
                keys.stored += u32::from(link.kind == LinkKind::StoresIn || is_own);
                keys.with_own_key += u32::from(is_own);
            }
        }
        let classes = powers.classes.clone();
        let reach = Reach::of(stack, organisation, rules);
        let audit = audit::Audit::of(stack, home, &|at| reach.countries(at));
        Scene { stack, powers, organisation, rules, home, today, reach, audit, holders, keys, classes }
    }

    /// Every component of the stack, in its order.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut known = FxHashMap::default();
        let mut subjects: Vec<Subject> =
            (0..self.stack.parts.len()).filter_map(|at| self.subject(at, &mut known)).collect();
        self.mark_shares(&mut subjects);
        subjects
    }

    fn subject(&self, at: usize, known: &mut FxHashMap<Vec<usize>, Tags>) -> Option<Subject> {
        let part = self.stack.parts.get(at)?;
        let layer = part.layer.name();
        let classes_of = self.powers.classes_of.get(at).copied().unwrap_or(0);
        let data: Set = bits(classes_of).filter_map(|class| self.classes.get(class).cloned()).collect();
        let at_rest = self.at_rest(at, part);
        let keys = self.keys.get(at).copied().unwrap_or_default();
        Some(Subject {
            id: part.fact.id.clone(),
            name: part.fact.name.clone(),
            kind: part.fact.kind.clone(),
            layer,
            role: match part.fact.role {
                Role::Own => "own",
                Role::Provided => "provided",
                Role::Artefact => "artefact",
            },
            ours: part.is_ours(),
            hint: part.is_hint(),
            placed: is_placed(part),
            described: place::is_described(part) && !is_account(part),
            at_rest,
            data: sorted(data),
            environments: self.reach.environments(at),
            workloads: self.reach.workloads(at),
            tiers: self.reach.tiers(at),
            labels: labels(part),
            namespace: place::namespace(part).unwrap_or_default().to_owned(),
            address: place::address(part).unwrap_or_default().to_owned(),
            service: part.service.map(|service| service.id.to_string()).unwrap_or_default(),
            parties: self.parties(part),
            controlled_from: self.controlled_from(part),
            countries: self.reach.countries(at),
            keys: if part.own_keys || keys.stored > 0 && keys.stored == keys.with_own_key { "ours" } else { UNKNOWN },
            audit: self.audit.facts(at).iter().map(|fact| Arc::from(fact.name())).collect(),
            exit_tested_days: self.exit_tested_days(at),
            tags: known.entry(self.held(at, classes_of)).or_insert_with(|| self.power_tags(at, classes_of)).clone(),
        })
    }

    /// Where a component is.
    pub fn countries(&self, at: usize) -> Set {
        self.reach.countries(at)
    }

    /// Audit facts that are not known to hold, of those that a rule asks for.
    pub fn missing(&self, at: usize, asked: &[AuditFact]) -> Vec<AuditFact> {
        let known = self.audit.facts(at);
        asked.iter().copied().filter(|fact| !known.contains(fact)).collect()
    }

    fn at_rest(&self, at: usize, part: &Part<'_>) -> bool {
        let keeps = matches!(part.layer, Layer::Storage | Layer::Database);
        let stored = self.keys.get(at).is_some_and(|keys| keys.stored > 0);
        part.fact.role == Role::Provided && part.control != Control::SelfHosted && (keeps || stored)
    }

    fn parties(&self, part: &Part<'_>) -> Set {
        let service = part.service.map(|service| Arc::from(service.id.as_str()));
        let controllers = part.controllers(self.stack.register);
        sorted(service.into_iter().chain(controllers.iter().map(|one| Arc::from(one.entity.id.as_str()))).collect())
    }

    fn controlled_from(&self, part: &Part<'_>) -> Set {
        let countries = part.controlled_from(self.stack.register);
        let mut set: Set = countries.iter().map(|country| Arc::from(country.code())).collect();
        let nameless = part.controllers(self.stack.register).iter().any(|one| one.entity.country.is_none());
        if part.control == Control::Unknown || nameless || part.control == Control::Known && set.is_empty() {
            set.push(Arc::from(UNKNOWN));
        }
        sorted(set)
    }

    fn exit_tested_days(&self, at: usize) -> i64 {
        let workloads = self.reach.workloads(at);
        let days = workloads.iter().map(|name| {
            let exit = self.organisation.workloads.get(&**name).and_then(|workload| workload.exit);
            // A test in the future has not been made.
            exit.map(|exit| self.today.days() - exit.tested.days()).filter(|days| *days >= 0)
        });
        let days: Option<Vec<i64>> = days.collect();
        days.and_then(|days| days.into_iter().max()).unwrap_or(-1)
    }

    /// All that the tags of a part depend on: its classes, and who holds what. Of many parts it is the same.
    fn held(&self, at: usize, classes_of: u64) -> Vec<usize> {
        let mut held = vec![classes_of as usize];
        let lanes = (0..self.classes.len()).map(Lane::Read).chain([Lane::Stop, Lane::StopLater, Lane::Change]);
        for lane in lanes {
            held.extend(self.powers.held_by(at, lane));
            held.push(usize::MAX);
        }
        held
    }

    /// Who holds each power, by jurisdiction and by party; *read* by class, and of any class together.
    fn power_tags(&self, at: usize, classes_of: u64) -> Tags {
        let mut tags = Tags::new();
        let mut add = |power: Power, ever: bool, class: Option<&str>, lanes: &[Lane]| {
            let mut from = BTreeSet::new();
            let mut by = BTreeSet::new();
            for lane in lanes {
                for holder in self.powers.held_by(at, *lane) {
                    let Some(name) = self.holders.get(holder).cloned().flatten() else { continue };
                    match self.powers.holders.get(holder) {
                        Some(Holder::Jurisdiction(_)) => drop(from.insert(name)),
                        Some(Holder::Unknown) => {
                            from.insert(name.clone());
                            by.insert(name);
                        }
                        _ => drop(by.insert(name)),
                    }
                }
            }
            tags.insert(Subject::power_tag(power, ever, false, class), from.into_iter().collect());
            tags.insert(Subject::power_tag(power, ever, true, class), by.into_iter().collect());
        };
        let read: Vec<Lane> = (0..self.classes.len()).map(Lane::Read).collect();
        add(Power::Read, false, None, &read);
        for class in bits(classes_of) {
            add(Power::Read, false, self.classes.get(class).map(|name| &**name), &[Lane::Read(class)]);
        }
        add(Power::Stop, false, None, &[Lane::Stop]);
        add(Power::Stop, true, None, &[Lane::Stop, Lane::StopLater]);
        add(Power::Change, false, None, &[Lane::Change]);
        tags
    }

    /// Which controllers stand behind more than their share of what a rule selects.
    fn mark_shares(&self, subjects: &mut [Subject]) {
        for rule in &self.rules.rules {
            for must in &rule.must {
                let Requirement::AtMost { percent, of } = must.requirement else { continue };
                let scope = Scope::of(self.rules, rule, self.stack.register);
                let selected: Vec<usize> = subjects
                    .iter()
                    .enumerate()
                    .filter(|(_, subject)| !subject.hint && !subject.ours && scope.selects(subject))
                    .map(|(at, _)| at)
                    .collect();
                let controllers = |subject: &Subject| match of {
                    Share::Provider => subject.parties.clone(),
                    Share::Jurisdiction => subject.controlled_from.clone(),
                };
                let mut counts: BTreeMap<Arc<str>, u64> = BTreeMap::new();
                for subject in selected.iter().filter_map(|at| subjects.get(*at)) {
                    controllers(subject).into_iter().for_each(|one| *counts.entry(one).or_default() += 1);
                }
                let limit = u64::from(percent) * selected.len() as u64;
                counts.retain(|_, count| *count * 100 > limit);
                for at in selected {
                    if let Some(subject) = subjects.get_mut(at) {
                        let over = controllers(subject).into_iter().filter(|one| counts.contains_key(one)).collect();
                        subject.tags.insert(Subject::over_tag(&rule.id), over);
                    }
                }
            }
        }
    }
}

/// Whether data is processed or kept in a part, so that its place is a question at all.
fn is_placed(part: &Part<'_>) -> bool {
    let elsewhere = matches!(
        part.layer,
        Layer::Dns
            | Layer::Registrar
            | Layer::Certificates
            | Layer::Registry
            | Layer::Packages
            | Layer::Os
            | Layer::Hardware
            | Layer::Source
            | Layer::Iac
            | Layer::Ci
    );
    // A host of our own stands for the workload behind it.
    let a_name = part.fact.role == Role::Provided && part.control == Control::SelfHosted;
    part.fact.role != Role::Artefact && !is_account(part) && !elsewhere && !a_name && &*part.fact.kind != "mail-domain"
}

/// The block that says under which account resources are made: they have a place and data, not the block.
fn is_account(part: &Part<'_>) -> bool {
    &*part.fact.kind == "provider"
}

fn labels(part: &Part<'_>) -> Set {
    let labels = part.fact.labels.iter().flat_map(|labels| labels.iter());
    sorted(labels.flat_map(|(key, value)| [Arc::from(key), Arc::from(format!("{key}={value}"))]).collect())
}

fn sorted(mut set: Set) -> Set {
    set.sort_unstable();
    set.dedup();
    set
}

fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

use super::{Asked, Teller};
use crate::rule::{OnlyFor, Requirement, Rule, SelectorKey, Share, Who};
use crate::select::parties;
use crate::source::Said;
use crate::subject::{Scene, Set, Subject, UNKNOWN};
use allod_facts::{Country, Evidence};
use allod_register::Service;
use allod_stack::{Control, Holder, Lane, Part, Power};
use std::collections::{BTreeMap, BTreeSet};

/// What makes a component break a requirement: the thing to act on.
pub(super) struct Cause<'r> {
    /// A component, or what several components have in common.
    pub id: String,
    /// Position of the component.
    pub part: Option<usize>,
    pub service: Option<&'r Service>,
    pub message: String,
    pub evidence: Option<Evidence>,
}

impl<'r> Teller<'_, 'r> {
    /// Why a component breaks a requirement: one cause each that has to go.
    pub(super) fn causes(&mut self, asked: Asked<'_>, at: usize, subject: &Subject) -> Vec<Cause<'r>> {
        let Some(part) = self.scene.stack.parts.get(at) else { return Vec::new() };
        let itself = |message: String| vec![self.cause(at, message)];
        let name = &subject.name;
        match asked.requirement {
            Requirement::NotFrom { power, ever, .. } | Requirement::NotBy { power, ever, .. } => {
                self.power_causes(asked, *power, *ever, at)
            }
            Requirement::BeIn(places) => vec![self.place_cause(at, part, subject, places)],
            Requirement::BeControlledFrom(_) => {
                let from = listed(&subject.controlled_from);
                itself(match part.control {
                    Control::Unknown => format!("nobody knows from the files who controls `{name}`"),
                    _ => format!("`{name}` is provided by {}, controlled from {from}", part.who(self.scene.stack)),
                })
            }
            Requirement::BeOperatedBy(said) => {
                let allowed: Vec<&str> = said.iter().map(|said| said.text.as_str()).collect();
                itself(format!(
                    "`{name}` is provided by {}, not by {}",
                    part.who(self.scene.stack),
                    allowed.join(" or ")
                ))
            }
            Requirement::OwnKeys => itself(format!(
                "what is kept in `{name}` ({}) is not known to be encrypted with keys that you hold",
                part.who(self.scene.stack)
            )),
            Requirement::Audit(facts) => {
                let missing = self.scene.missing(at, facts);
                let says: Vec<&str> = missing.iter().map(|fact| fact.says()).collect();
                let names: Vec<&str> = missing.iter().map(|fact| fact.name()).collect();
                let (place, evidence) = self.common_place(at, part);
                let whose = if part.is_ours() { &*place } else { &*subject.id };
                let id = format!("{whose} without {}", names.join(", "));
                let message = format!("for {place}, {}", says.join("; "));
                vec![Cause { id, part: Some(at), service: None, message, evidence }]
            }
            Requirement::ExitTested { days } => {
                let workloads = listed(&subject.workloads);
                let message = match subject.exit_tested_days {
                    _ if subject.workloads.is_empty() => {
                        format!("`{name}` belongs to no workload, so nothing says that leaving was tried")
                    }
                    -1 => format!("nothing says when leaving was tried for {workloads}"),
                    ago => format!("leaving was last tried {ago} days ago for {workloads}, more than {days}"),
                };
                let id =
                    if subject.workloads.is_empty() { subject.id.to_string() } else { format!("exit of {workloads}") };
                let evidence = part.fact.evidence.first().cloned();
                vec![Cause { id, part: Some(at), service: None, message, evidence }]
            }
            Requirement::AtMost { percent, of } => {
                let over = subject.tags.get(&Subject::over_tag(&asked.rule.id)).cloned().unwrap_or_default();
                let what = match of {
                    Share::Provider => "provider",
                    Share::Jurisdiction => "jurisdiction",
                };
                let each = over.iter().map(|controller| {
                    let message = format!(
                        "more than {percent} % of what the rule is about stands under one {what}: {controller}"
                    );
                    let evidence = part.fact.evidence.first().cloned();
                    Cause {
                        id: format!("{what} {controller}"),
                        part: Some(at),
                        service: part.service,
                        message,
                        evidence,
                    }
                });
                each.collect()
            }
            Requirement::OnlyFor(only) => {
                let problems = only_for_problems(only, subject);
                itself(format!("`{name}` ({}) {}", part.who(self.scene.stack), problems.join(" and ")))
            }
        }
    }

    fn cause(&self, at: usize, message: String) -> Cause<'r> {
        let part = self.scene.stack.parts.get(at);
        Cause {
            id: part.map(|part| part.fact.id.to_string()).unwrap_or_default(),
            part: Some(at),
            service: part.and_then(|part| part.service),
            message,
            evidence: part.and_then(|part| part.fact.evidence.first().cloned()),
        }
    }

    /// Our own parts of one file share a cause: what is missing is missing for all of them.
    fn common_place(&self, at: usize, part: &Part<'_>) -> (String, Option<Evidence>) {
        let evidence = part.fact.evidence.first().cloned();
        match &evidence {
            Some(seen) if part.is_ours() => (format!("what `{}` describes", seen.path), evidence),
            _ => (format!("`{}`", self.scene.stack.parts.get(at).map_or("", |part| &part.fact.name)), evidence),
        }
    }

    fn place_cause(&self, at: usize, part: &Part<'r>, subject: &Subject, places: &[Country]) -> Cause<'r> {
        let wanted = crate::words::places(places);
        let known: Vec<&str> = subject.countries.iter().map(|one| &**one).filter(|one| *one != UNKNOWN).collect();
        if known.is_empty() {
            let (place, evidence) = self.common_place(at, part);
            let message = if part.is_ours() {
                format!("no file says where {place} runs (it has to be in {wanted})")
            } else {
                format!("no file says where {place} is (it has to be in {wanted})")
            };
            let id = if part.is_ours() { format!("place of {place}") } else { subject.id.to_string() };
            return Cause { id, part: Some(at), service: part.service, message, evidence };
        }
        if part.is_ours() {
            let (place, evidence) = self.common_place(at, part);
            let listed = listed(&subject.countries);
            let message = format!("{place} runs in {listed}, not in {wanted}");
            return Cause { id: format!("{listed} of {place}"), part: Some(at), service: None, message, evidence };
        }
        let outside: Vec<&str> =
            known.into_iter().filter(|code| Country::new(code).is_none_or(|one| !places.contains(&one))).collect();
        let region = part.location.as_ref().and_then(|place| place.region.as_deref());
        let region = region.map_or_else(String::new, |region| format!(" ({region})"));
        let message = match outside.is_empty() {
            true => format!("of `{}` not every place is known (it has to be in {wanted})", subject.name),
            false => format!("`{}` is in {}{region}, not in {wanted}", subject.name, outside.join(", ")),
        };
        self.cause(at, message)
    }

    fn power_causes(&mut self, asked: Asked<'_>, power: Power, ever: bool, at: usize) -> Vec<Cause<'r>> {
        let lanes = self.lanes(asked.rule, power, ever, at);
        let scene = self.scene;
        let known = self.known.bad.entry(asked.policy).or_insert_with(|| bad_holders(scene, asked.requirement));
        // Who is bad and holds it, with the lane in which it does.
        let mut bad: BTreeMap<usize, Lane> = BTreeMap::new();
        let mut services: BTreeMap<usize, Lane> = BTreeMap::new();
        for lane in lanes {
            for holder in scene.powers.held_by(at, lane) {
                if known.get(holder).copied().unwrap_or(false) {
                    bad.entry(holder).or_insert(lane);
                } else if matches!(scene.powers.holders.get(holder), Some(Holder::Service(_))) {
                    services.entry(holder).or_insert(lane);
                }
            }
        }
        let mut causes = Vec::new();
        let mut explained: BTreeSet<usize> = BTreeSet::new();
        for (service, lane) in services {
            let behind = self.known.behind.entry(service).or_insert_with(|| stands_behind(scene, service));
            let through: Vec<usize> = behind.iter().copied().filter(|holder| bad.contains_key(holder)).collect();
            if !through.is_empty() {
                causes.extend(self.power_cause(power, at, lane, service, &through));
                explained.extend(through);
            }
        }
        // Publishers and whoever is unknown come through no service of the register.
        for (holder, lane) in bad.iter().filter(|(holder, _)| !explained.contains(holder)) {
            causes.extend(self.power_cause(power, at, *lane, *holder, &[*holder]));
        }
        causes
    }

    fn lanes(&self, rule: &Rule, power: Power, ever: bool, at: usize) -> Vec<Lane> {
        match power {
            Power::Stop if ever => vec![Lane::Stop, Lane::StopLater],
            Power::Stop => vec![Lane::Stop],
            Power::Change => vec![Lane::Change],
            Power::Read => {
                let asked: Vec<&Said> = rule
                    .select
                    .iter()
                    .filter(|selector| selector.key == SelectorKey::Data)
                    .flat_map(|selector| &selector.values)
                    .collect();
                let handled = self.scene.powers.classes_of.get(at).copied().unwrap_or(0);
                let classes = self.scene.powers.classes.iter().enumerate();
                let asked_for = |class: usize, name: &str| {
                    asked.is_empty() || handled >> class & 1 == 1 && asked.iter().any(|said| said.text == name)
                };
                classes.filter(|(class, name)| asked_for(*class, name)).map(|(class, _)| Lane::Read(class)).collect()
            }
        }
    }

    fn power_cause(&self, power: Power, at: usize, lane: Lane, holder: usize, through: &[usize]) -> Option<Cause<'r>> {
        let path = self.scene.powers.explain(self.scene.stack, at, lane, holder)?;
        let end = path.hops.last()?.part;
        let part = self.scene.stack.parts.get(end)?;
        let names: Vec<String> = through
            .iter()
            .filter_map(|holder| match self.scene.powers.holders.get(*holder)? {
                Holder::Jurisdiction(country) => Some(country.to_string()),
                Holder::Unknown => Some("somebody unknown".to_owned()),
                _ => None,
            })
            .collect::<BTreeSet<String>>()
            .into_iter()
            .collect();
        let can = match (power, lane) {
            (Power::Read, Lane::Read(class)) => {
                format!("can read {} data", self.scene.powers.classes.get(class).map_or("", |name| name))
            }
            (Power::Read, _) => "can read data".to_owned(),
            (Power::Stop, Lane::StopLater) => "can stop it at a later event".to_owned(),
            (Power::Stop, _) => "can stop it at once".to_owned(),
            (Power::Change, _) => "can change it".to_owned(),
        };
        let who = match self.scene.powers.holders.get(holder)? {
            Holder::Service(_) => part.who(self.scene.stack),
            Holder::Unknown => format!("somebody unknown, through `{}`,", part.fact.name),
            other => format!("{}, through `{}`,", self.scene.stack.holder_name(other), part.fact.name),
        };
        let from = if names.is_empty()
            || matches!(self.scene.powers.holders.get(holder)?, Holder::Unknown | Holder::Jurisdiction(_))
        {
            String::new()
        } else {
            format!(", controlled from {},", names.join(", "))
        };
        let message = format!("{who}{from} {can}");
        // All parts of one service are one cause.
        let id = match self.scene.powers.holders.get(holder)? {
            Holder::Service(id) => id.clone(),
            _ => part.fact.id.to_string(),
        };
        Some(Cause {
            id,
            part: Some(end),
            service: part.service,
            message,
            evidence: part.fact.evidence.first().cloned(),
        })
    }
}

/// By holder: whether a requirement about a power is broken when it holds it.
fn bad_holders(scene: &Scene<'_, '_>, requirement: &Requirement) -> Vec<bool> {
    let ids: BTreeSet<String> = match requirement {
        Requirement::NotBy { parties: said, .. } => {
            said.iter().flat_map(|said| parties(scene.stack.register, said)).collect()
        }
        _ => BTreeSet::new(),
    };
    let is_bad = |holder: &Holder| match (requirement, holder) {
        (_, Holder::Unknown) => true,
        (Requirement::NotFrom { who: Who::Outside(places), .. }, Holder::Jurisdiction(country)) => {
            !places.contains(country)
        }
        (Requirement::NotFrom { who: Who::Among(places), .. }, Holder::Jurisdiction(country)) => {
            places.contains(country)
        }
        (Requirement::NotBy { .. }, Holder::Entity(id) | Holder::Service(id)) => ids.contains(id),
        _ => false,
    };
    scene.powers.holders.iter().map(is_bad).collect()
}

/// The holders that a service gives its powers to.
fn stands_behind(scene: &Scene<'_, '_>, service: usize) -> Vec<usize> {
    let register = scene.stack.register;
    let operator = match scene.powers.holders.get(service) {
        Some(Holder::Service(id)) => register.service(id).and_then(|one| register.entity(one.operator.as_ref()?)),
        _ => None,
    };
    let chain = operator.map(|entity| register.chain(entity)).unwrap_or_default();
    let unknown =
        (operator.is_none() || chain.iter().any(|one| one.entity.country.is_none())).then_some(Holder::Unknown);
    let behind = chain.into_iter().flat_map(|one| {
        let country = one.entity.country.map(Holder::Jurisdiction);
        [Some(Holder::Entity(one.entity.id.to_string())), country].into_iter().flatten()
    });
    let behind = behind.chain(unknown).filter_map(|holder| scene.powers.holder(&holder));
    std::iter::once(service).chain(behind).collect()
}

fn only_for_problems(only: &OnlyFor, subject: &Subject) -> Vec<String> {
    let mut problems = Vec::new();
    let mut look = |allowed: &[Said], has: &Set, none: &str, some: &str| {
        if allowed.is_empty() {
            return;
        }
        let beyond: Vec<&str> =
            has.iter().map(|one| &**one).filter(|one| allowed.iter().all(|said| said.text != *one)).collect();
        if has.is_empty() {
            problems.push(none.to_owned());
        } else if !beyond.is_empty() {
            problems.push(format!("{some} {}", beyond.join(", ")));
        }
    };
    look(&only.workloads, &subject.workloads, "belongs to no workload that is known", "serves");
    look(&only.data, &subject.data, "holds data that nobody classified", "holds data of class");
    look(&only.environments, &subject.environments, "belongs to no environment that is known", "is part of");
    problems
}

fn listed(set: &Set) -> String {
    set.iter().map(|one| &**one).collect::<Vec<_>>().join(", ")
}

use super::cause::Cause;
use super::{Asked, Teller};
use crate::rule::{AuditFact, Requirement, Rule, SelectorKey, Who};
use crate::select::{parties, parties_let_in};
use crate::subject::UNKNOWN;
use allod_facts::{Component, Country, Layer, Role};
use allod_register::{Entity, Service, Software};
use allod_stack::{Control, Controller, Ground, Part, Power};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Ways out that are shown.
const MAX_WAYS: usize = 3;

impl<'r> Teller<'_, 'r> {
    /// What would pass in the place of a cause: things of the register that this requirement allows, and what to state
    /// where a fact is missing.
    pub(super) fn way_out(&mut self, asked: Asked<'_>, cause: &Cause<'r>) -> Vec<String> {
        let requirement = asked.requirement;
        let mut ways = Vec::new();
        if let Requirement::BeIn(places) = requirement {
            let regions = cause.service.map(|service| self.regions_in(service, places)).unwrap_or_default();
            ways.extend(regions.first().map(|region| format!("move it to region {region}")));
            let unknown = |at: usize| self.scene.countries(at).iter().any(|one| **one == *UNKNOWN);
            if cause.part.is_some_and(unknown) {
                ways.push("say where it is: `states` in allod.yaml, with `runs_on` or `located_in`".to_owned());
            }
        }
        let is_nobodys =
            |at: usize| self.scene.stack.parts.get(at).is_some_and(|part| part.control == Control::Unknown);
        let asks_who = matches!(
            requirement,
            Requirement::NotFrom { .. } | Requirement::NotBy { .. } | Requirement::BeControlledFrom(_)
        );
        if asks_who && cause.part.is_some_and(is_nobodys) {
            ways.push("say who provides it: `states` in allod.yaml, with `provided_by` or `run_by: us`".to_owned());
        }
        match requirement {
            Requirement::OwnKeys => {
                ways.push("encrypt it before it is stored, with keys that you hold".to_owned());
            }
            Requirement::Audit(facts) => {
                let missing = cause.part.map(|at| self.scene.missing(at, facts)).unwrap_or_default();
                ways.extend(missing.into_iter().map(|fact| to_show(fact).to_owned()));
            }
            Requirement::ExitTested { .. } => {
                ways.push(
                    "try to move it, and write down the day: `exit: {tested: DATE}` of the workload in allod.yaml"
                        .to_owned(),
                );
            }
            Requirement::OnlyFor(only) if !only.workloads.is_empty() => {
                ways.extend(self.alternatives(asked, cause));
                if ways.is_empty() {
                    let names: Vec<&str> = only.workloads.iter().map(|said| said.text.as_str()).collect();
                    ways.push(format!("use it for {} only, or name its workload in allod.yaml", names.join(", ")));
                }
            }
            _ => ways.extend(self.alternatives(asked, cause)),
        }
        ways.truncate(MAX_WAYS.max(AuditFact::ALL.len()));
        ways
    }

    /// Services and software of the register in the place of the cause's, that pass.
    fn alternatives(&mut self, asked: Asked<'_>, cause: &Cause<'r>) -> Vec<String> {
        let Some(service) = cause.service else { return Vec::new() };
        let key = (asked.policy, service.id.as_str());
        if let Some(known) = self.known.alternatives.get(&key) {
            return known.clone();
        }
        let ways = self.in_place_of(service, asked);
        self.known.alternatives.insert(key, ways.clone());
        ways
    }

    fn in_place_of(&self, service: &Service, asked: Asked<'_>) -> Vec<String> {
        let Asked { rule, requirement, .. } = asked;
        let register = self.scene.stack.register;
        let mut ways: Vec<String> = Vec::new();
        for id in &service.alternatives {
            if let Some(other) = register.service(id) {
                if self.passes(rule, requirement, other) {
                    ways.push(format!("use {}", other.name));
                }
            } else if let Some(software) = register.software(id).filter(|one| self.passes_ourselves(requirement, one)) {
                ways.push(format!("run {} yourself", software.name));
            }
        }
        if ways.is_empty() {
            let same = |other: &&Service| other.layer == service.layer && other.id != service.id;
            let others = register.records.services.iter().filter(same);
            ways.extend(
                others.filter(|other| self.passes(rule, requirement, other)).map(|other| format!("use {}", other.name)),
            );
        }
        ways.truncate(MAX_WAYS);
        ways
    }

    /// Whether a service in the place of the cause would satisfy a requirement, as far as the service decides it.
    fn passes(&self, rule: &Rule, requirement: &Requirement, service: &Service) -> bool {
        let register = self.scene.stack.register;
        let Some(operator) = service.operator.as_ref().and_then(|id| register.entity(id)) else { return false };
        let (countries, some_unknown) = register.countries(operator);
        let within = |places: &[Country]| !some_unknown && countries.iter().all(|one| places.contains(one));
        match requirement {
            Requirement::BeIn(places) => !self.regions_in(service, places).is_empty() || kept_in(service, places),
            Requirement::BeControlledFrom(places) => within(places),
            Requirement::NotFrom { .. } | Requirement::NotBy { .. } => {
                let own = self.part_of(service.layer, Some(service), None, Some(operator));
                own.is_some_and(|part| self.none_is_bad(requirement, &part, Some(&service.id)))
            }
            Requirement::BeOperatedBy(said) => {
                let ids = said.iter().flat_map(|said| parties_let_in(register, said));
                ids.into_iter().any(|id| self.is_behind(service, operator, &id))
            }
            Requirement::OnlyFor(_) => {
                let selected = rule.select.iter().filter(|selector| selector.key == SelectorKey::Provider);
                let ids = selected.flat_map(|selector| &selector.values).flat_map(|said| parties(register, said));
                let at_home = !some_unknown && countries.iter().all(|one| self.scene.home.has(*one));
                at_home && ids.into_iter().all(|id| !self.is_behind(service, operator, &id))
            }
            Requirement::AtMost { .. } => !some_unknown && countries.iter().all(|one| self.scene.home.has(*one)),
            Requirement::OwnKeys | Requirement::Audit(_) | Requirement::ExitTested { .. } => false,
        }
    }

    /// Whether software that one runs oneself would satisfy a requirement: it has no operator, and where it runs is
    /// one's own choice. Who publishes it can change the next version.
    fn passes_ourselves(&self, requirement: &Requirement, software: &Software) -> bool {
        let part = self.part_of(software.layer, None, Some(software), None);
        part.is_some_and(|part| self.none_is_bad(requirement, &part, None))
    }

    /// Whether a requirement about a power is content with whoever would hold it over something of the register.
    fn none_is_bad(&self, requirement: &Requirement, part: &Part<'_>, service: Option<&str>) -> bool {
        let register = self.scene.stack.register;
        let (power, ever) = match requirement {
            Requirement::NotFrom { power, ever, .. } | Requirement::NotBy { power, ever, .. } => (*power, *ever),
            _ => return true,
        };
        let later = power == Power::Change || power == Power::Stop && ever;
        let mut holders = part.controllers(register).into_iter().filter(|controller| match controller.ground {
            Ground::Minority => false,
            Ground::Licensor => later,
            _ if controller.of_publisher => power == Power::Change,
            Ground::Publisher | Ground::Operator | Ground::Owner(_) => later || service.is_some(),
        });
        match requirement {
            Requirement::NotFrom { who, .. } => holders.all(|one| {
                one.entity.country.is_some_and(|country| match who {
                    Who::Outside(places) => places.contains(&country),
                    Who::Among(places) => !places.contains(&country),
                })
            }),
            Requirement::NotBy { parties: said, .. } => {
                let ids: BTreeSet<String> = said.iter().flat_map(|said| parties(register, said)).collect();
                let is_bad = |one: &Controller<'_>| one.entity.country.is_none() || ids.contains(&*one.entity.id);
                !service.is_some_and(|id| ids.contains(id)) && !holders.any(|one| is_bad(&one))
            }
            _ => true,
        }
    }

    /// Something of the register as a part, to ask who controls it.
    fn part_of<'s>(
        &self,
        layer: Layer,
        service: Option<&'s Service>,
        software: Option<&'s Software>,
        operator: Option<&'s Entity>,
    ) -> Option<Part<'s>> {
        // A name that nobody sees: only control is asked about.
        let seen = self.scene.stack.parts.first()?.fact.evidence.first()?.clone();
        let role = if service.is_some() { Role::Provided } else { Role::Artefact };
        let fact = Component::new("", "", "", layer, role, seen);
        let control = if service.is_some() { Control::Known } else { Control::SelfHosted };
        let (named_publisher, matched_by, location) = (None, None, None);
        Some(Part {
            own_keys: false,
            layer,
            control,
            service,
            software,
            named_publisher,
            matched_by,
            operator,
            location,
            fact: Arc::new(fact),
        })
    }

    fn is_behind(&self, service: &Service, operator: &Entity, id: &str) -> bool {
        service.id == *id || self.scene.stack.register.chain(operator).iter().any(|holder| holder.entity.id == *id)
    }

    /// The names of a service's regions in some countries.
    fn regions_in(&self, service: &Service, places: &[Country]) -> Vec<String> {
        let Some(table) = &service.regions else { return Vec::new() };
        let tables = &self.scene.stack.register.records.regions;
        let Some(table) = tables.iter().find(|one| one.id == *table) else { return Vec::new() };
        let inside = table.list.values().filter(|region| region.country.is_some_and(|one| places.contains(&one)));
        let mut names: Vec<String> = inside.map(|region| region.name.to_string()).collect();
        names.dedup();
        names
    }
}

fn kept_in(service: &Service, places: &[Country]) -> bool {
    let Some(kept) = service.locations.get("content").or_else(|| service.locations.get("telemetry")) else {
        return false;
    };
    !kept.value.is_empty() && kept.value.iter().all(|code| Country::new(code).is_some_and(|one| places.contains(&one)))
}

/// What would show a fact of auditability.
fn to_show(fact: AuditFact) -> &'static str {
    match fact {
        AuditFact::ControlTrail => {
            "describe the trail: an audit policy of the cluster, a cloud trail, in the same tree"
        }
        AuditFact::AccessLog => "log who uses it, or send its logs to a collector",
        AuditFact::SinkAtHome => "send its logs to a store that is at home, under control from home",
        AuditFact::Retention => "set for how long the log store keeps them",
        AuditFact::RuleGate => "run `allod check` in the job that deploys it, and let the job fail on it",
    }
}

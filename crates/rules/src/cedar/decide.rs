use super::compile::{BASE, Compiled};
use super::entity::Names;
use super::text::{literal, quoted};
use crate::rule::Severity;
use crate::subject::Subject;
use cedar_policy::{Authorizer, Context, Decision as Verdict, Entities, EntityUid, PolicySet, Request};
use rustc_hash::FxHashMap;
use std::str::FromStr as _;

/// Where the question is asked. Rules do not depend on it: the same rule gives the same verdict at every gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Repository,
    Plan,
    Admission,
    Apply,
    Agent,
}

impl Gate {
    pub fn name(self) -> &'static str {
        match self {
            Gate::Repository => "repository",
            Gate::Plan => "plan",
            Gate::Admission => "admission",
            Gate::Apply => "apply",
            Gate::Agent => "agent",
        }
    }
}

/// What the rules say of one component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// What was broken, also by warnings, in the order of the policies.
    pub broken: Vec<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A policy forbids it: position in [`Compiled::policies`].
    Policy { at: usize, severity: Severity },
    /// Nothing permits it.
    NotPermitted,
    /// It could not be decided, so it is denied.
    Undecided(String),
}

/// Asks the one engine. Components that no policy can tell apart are asked about once.
pub struct Decider<'c> {
    compiled: &'c Compiled,
    authorizer: Authorizer,
    gate: EntityUid,
    action: EntityUid,
    names: Names,
    uses: Uses,
    known: FxHashMap<Subject, Decision>,
}

/// Decisions that are remembered; beyond, they are made anew.
const MAX_KNOWN: usize = 100_000;

impl<'c> Decider<'c> {
    /// `None` never happens: the names are constants that parse.
    pub fn new(compiled: &'c Compiled, gate: Gate) -> Option<Decider<'c>> {
        Some(Decider {
            compiled,
            authorizer: Authorizer::new(),
            gate: EntityUid::from_str(&format!("Allod::Gate::\"{}\"", gate.name())).ok()?,
            action: EntityUid::from_str("Allod::Action::\"deploy\"").ok()?,
            names: Names::new()?,
            uses: Uses::of(compiled),
            known: FxHashMap::default(),
        })
    }

    pub fn decide(&mut self, subject: &Subject) -> Decision {
        let seen = self.uses.seen(subject);
        if let Some(known) = self.known.get(&seen) {
            return known.clone();
        }
        let decision = self.ask(&seen);
        if self.known.len() < MAX_KNOWN {
            self.known.insert(seen, decision.clone());
        }
        decision
    }

    fn ask(&self, subject: &Subject) -> Decision {
        let undecided = |why: String| Decision { allowed: false, broken: vec![Broken::Undecided(why)] };
        let Some(entity) = self.names.entity(subject) else {
            return undecided("its attributes are no values of the policy language".to_owned());
        };
        let entities = match Entities::from_entities([entity], None) {
            Ok(entities) => entities,
            Err(error) => return undecided(error.to_string()),
        };
        let uid = self.names.uid(subject);
        let request = match Request::new(self.gate.clone(), self.action.clone(), uid, Context::empty(), None) {
            Ok(request) => request,
            Err(error) => return undecided(error.to_string()),
        };
        let mut decision = Decision { allowed: true, broken: Vec::new() };
        self.ask_set(&self.compiled.deny, Severity::Deny, &request, &entities, &mut decision);
        if !self.compiled.warn.is_empty() {
            self.ask_set(&self.compiled.warn, Severity::Warn, &request, &entities, &mut decision);
        }
        decision
    }

    fn ask_set(
        &self,
        policies: &PolicySet,
        severity: Severity,
        request: &Request,
        entities: &Entities,
        decision: &mut Decision,
    ) {
        let response = self.authorizer.is_authorized(request, policies, entities);
        let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        if !errors.is_empty() {
            // A policy that fails is skipped by Cedar; here it denies.
            decision.allowed = false;
            decision.broken.extend(errors.into_iter().map(Broken::Undecided));
        }
        if response.decision() == Verdict::Allow {
            return;
        }
        let mut broken: Vec<Broken> = response
            .diagnostics()
            .reason()
            .filter_map(|id| {
                let id: &str = id.as_ref();
                self.compiled.policies.iter().position(|policy| policy.id == *id)
            })
            .map(|at| Broken::Policy { at, severity })
            .collect();
        broken.sort_by_key(|broken| match broken {
            Broken::Policy { at, .. } => *at,
            _ => usize::MAX,
        });
        if severity == Severity::Deny {
            decision.allowed = false;
            if broken.is_empty() {
                broken.push(Broken::NotPermitted);
            }
        }
        decision.broken.append(&mut broken);
    }
}

/// Which attributes and tags the policies can look at.
struct Uses {
    /// A policy of the user may look at anything.
    everything: bool,
    attributes: [(&'static str, bool); 8],
    /// As the policies write them, in quotes; sorted.
    tags: Vec<String>,
}

impl Uses {
    fn of(compiled: &Compiled) -> Uses {
        let everything = compiled.policies.iter().any(|policy| policy.must.is_none() && policy.id != BASE);
        let texts: Vec<&str> = compiled.policies.iter().map(|policy| policy.text.as_str()).collect();
        let uses = |name: &str| texts.iter().any(|text| text.contains(&format!("resource.{name} ")));
        let attributes = ["id", "name", "kind", "namespace", "address", "service", "labels", "parties"];
        let attributes = attributes.map(|name| {
            let in_set = texts
                .iter()
                .any(|text| text.contains(&format!("resource.{name}.")) || text.contains(&format!("resource.{name})")));
            (name, in_set || uses(name))
        });
        let mut tags: Vec<String> = texts
            .iter()
            .flat_map(|text| text.split("resource.hasTag(").skip(1))
            .filter_map(|rest| literal(rest).map(str::to_owned))
            .collect();
        tags.sort_unstable();
        tags.dedup();
        Uses { everything, attributes, tags }
    }

    /// What the policies see of a component.
    fn seen(&self, subject: &Subject) -> Subject {
        let mut seen = subject.clone();
        if self.everything {
            return seen;
        }
        for (name, used) in self.attributes {
            match name {
                _ if used => {}
                "id" => seen.id = "".into(),
                "name" => seen.name.clear(),
                "kind" => seen.kind = "".into(),
                "namespace" => seen.namespace.clear(),
                "address" => seen.address.clear(),
                "service" => seen.service.clear(),
                "labels" => seen.labels.clear(),
                _ => seen.parties.clear(),
            }
        }
        seen.tags.retain(|name, _| self.tags.binary_search(&quoted(name)).is_ok());
        seen
    }
}

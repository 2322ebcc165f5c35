use super::compile::Compiled;
use super::entity::Names;
use super::uses::{Seen, Uses};
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
    /// What runs, asked again and again.
    Running,
}

impl Gate {
    pub fn name(self) -> &'static str {
        match self {
            Gate::Repository => "repository",
            Gate::Plan => "plan",
            Gate::Admission => "admission",
            Gate::Apply => "apply",
            Gate::Agent => "agent",
            Gate::Running => "running",
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
    /// Positions in [`Compiled::policies`].
    by_id: FxHashMap<&'c str, usize>,
    /// By what is seen of a component.
    known: FxHashMap<Box<[u8]>, Decision>,
    /// Scratch for what is seen.
    key: Vec<u8>,
}

/// Decisions that are remembered; beyond, they are made anew.
const MAX_KNOWN: usize = 100_000;

/// A component as the engine takes it.
pub struct Question {
    request: Request,
    entities: Entities,
}

impl<'c> Decider<'c> {
    /// `None` never happens: the names are constants that parse.
    pub fn new(compiled: &'c Compiled, gate: Gate) -> Option<Decider<'c>> {
        let by_id = compiled.policies.iter().enumerate().map(|(at, policy)| (policy.id.as_str(), at));
        Some(Decider {
            compiled,
            authorizer: Authorizer::new(),
            gate: EntityUid::from_str(&format!("Allod::Gate::\"{}\"", gate.name())).ok()?,
            action: EntityUid::from_str("Allod::Action::\"deploy\"").ok()?,
            names: Names::new()?,
            uses: Uses::of(compiled),
            // Of policies of one id, the first.
            by_id: by_id.rev().collect(),
            known: FxHashMap::default(),
            key: Vec::new(),
        })
    }

    pub fn decide(&mut self, subject: &Subject) -> Decision {
        let seen = self.uses.seen(subject);
        if self.uses.tells_all_apart() {
            return self.decide_seen(&subject.id, &seen);
        }
        seen.write(&mut self.key);
        if let Some(known) = self.known.get(self.key.as_slice()) {
            return known.clone();
        }
        let decision = self.decide_seen("", &seen);
        if self.known.len() < MAX_KNOWN {
            self.known.insert(self.key.as_slice().into(), decision.clone());
        }
        decision
    }

    fn decide_seen(&self, id: &str, seen: &Seen<'_>) -> Decision {
        let question = match self.question_of(id, seen) {
            Ok(question) => question,
            Err(why) => return Decision { allowed: false, broken: vec![Broken::Undecided(why)] },
        };
        let Question { request, entities } = question;
        let mut decision = Decision { allowed: true, broken: Vec::new() };
        self.ask_set(&self.compiled.deny, Severity::Deny, &request, &entities, &mut decision);
        if !self.compiled.warn.is_empty() {
            self.ask_set(&self.compiled.warn, Severity::Warn, &request, &entities, &mut decision);
        }
        decision
    }

    fn question_of(&self, id: &str, seen: &Seen<'_>) -> Result<Question, String> {
        let uid = self.names.uid(id);
        let Some(entity) = self.names.entity(uid.clone(), seen) else {
            return Err("its attributes are no values of the policy language".to_owned());
        };
        let entities = Entities::from_entities([entity], None).map_err(|error| error.to_string())?;
        let request = Request::new(self.gate.clone(), self.action.clone(), uid, Context::empty(), None);
        Ok(Question { request: request.map_err(|error| error.to_string())?, entities })
    }

    /// A component ready to be asked about. For measuring: [`Decider::decide`] does all at once.
    ///
    /// # Errors
    /// Why it could not be decided.
    pub fn question(&mut self, subject: &Subject) -> Result<Question, String> {
        let seen = self.uses.seen(subject);
        self.question_of(&subject.id, &seen)
    }

    /// How many decisions are remembered.
    pub fn remembered(&self) -> usize {
        self.known.len()
    }

    /// Whether the engine alone allows it, with nothing told. What benchmarks compare with.
    pub fn allows(&self, question: &Question) -> bool {
        let allows = |set: &PolicySet| {
            self.authorizer.is_authorized(&question.request, set, &question.entities).decision() == Verdict::Allow
        };
        // Warnings are asked, too.
        let warned = !self.compiled.warn.is_empty() && !allows(&self.compiled.warn);
        std::hint::black_box(warned);
        allows(&self.compiled.deny)
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
                self.by_id.get(id).copied()
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

#[cfg(test)]
mod alike {
    use super::*;
    use crate::organisation::Organisation;
    use crate::rule::RuleSet;
    use crate::subject::Set;
    use allod_register::Register;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
        let by_words = r#"
            be-in: { data: patient, must: { be_in: [LU] } }
            keys: { data: patient, layer: [storage], must: { keys: ours, audit: [access-log] } }
            read: { data: [patient, "b\"il"], must: { not_be_readable_from: { among: [US] } } }
            stop: { severity: warn, must: { not_be_stoppable_from: { outside: home } } }
            exit: { except: { kind: "aws_*" }, must: { exit: tested } }
        "#;
        let by_labels =
            format!("{by_words}\n            team: {{ label: team=a, must: {{ be_controlled_from: [EU] }} }}");
        let by_names = format!("{by_labels}\n            name: {{ component: \"*x\", must: {{ be_in: [EU] }} }}");
        let register = Register::builtin().unwrap();
        let said = "version: 1\ndata: { patient: {}, 'b\"il': {} }\n";
        let (organisation, problems) = Organisation::parse("allod.yaml", said);
        assert!(problems.is_empty(), "{problems:?}");
        let compile = |rules: String| {
            let text = format!("version: 1\nrules:\n{rules}\n");
            let (rules, problems) = RuleSet::parse(&[("rules.yaml".to_owned(), text)], &Default::default());
            assert!(problems.is_empty(), "{problems:?}");
            let (compiled, problems) = Compiled::new(&rules, &organisation, &register);
            compiled.unwrap_or_else(|| panic!("{problems:?}"))
        };
        [by_words.to_owned(), by_labels, by_names].map(compile).into()
    });

    fn some_of(words: &'static [&'static str]) -> impl Strategy<Value = Set> {
        prop::sample::subsequence(words, 0..=words.len()).prop_map(|words| words.into_iter().map(Into::into).collect())
    }

    prop_compose! {
        fn subject()(
            id in prop::sample::select(vec!["x", "y"]),
            kind in prop::sample::select(vec!["aws_s3_bucket", "pod"]),
            layer in prop::sample::select(vec!["storage", "compute"]),
            flags in any::<[bool; 5]>(),
            data in some_of(&["b\"il", "patient"]),
            labels in some_of(&["team=a", "team=b"]),
            controlled_from in some_of(&["LU", "US", "unknown"]),
            countries in some_of(&["DE", "LU"]),
            audit in some_of(&["access-log"]),
            read in prop::option::of(some_of(&["LU", "US"])),
            stop in prop::option::of(some_of(&["LU", "US"])),
            exit_tested_days in -1_i64..2,
            keys in prop::sample::select(vec!["ours", "unknown"]),
        ) -> Subject {
            let [ours, hint, placed, described, at_rest] = flags;
            let mut tags: std::collections::BTreeMap<String, Set> = Default::default();
            for class in ["patient", "b\"il"] {
                tags.extend(read.clone().map(|from| (format!("readable-from:{class}"), from)));
            }
            tags.extend(stop.map(|from| ("stoppable-from".to_owned(), from)));
            let (id, kind, name) = (id.into(), kind.into(), id.to_owned());
            Subject {
                id, kind, name, layer, ours, hint, placed, described, at_rest, data, labels, controlled_from, countries,
                audit, exit_tested_days, keys, tags, ..Subject::default()
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_alike_is_decided_alike(subjects in prop::collection::vec(subject(), 1..12)) {
            for compiled in COMPILED.iter() {
                let mut decider = Decider::new(compiled, Gate::Plan).unwrap();
                let mut direct = Decider::new(compiled, Gate::Plan).unwrap();
                direct.uses = Uses::all(compiled);
                for subject in subjects.iter().chain(&subjects) {
                    prop_assert_eq!(decider.decide(subject), direct.decide(subject), "{:?}", subject);
                }
            }
        }
    }
}

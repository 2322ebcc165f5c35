//! Cedar against a reading of the rules that knows nothing of Cedar.

mod native;
mod random;
mod written;

use super::entity::Names;
use super::uses::Uses;
use super::{Broken, Compiled, Decider, Decision, Gate, SCHEMA};
use crate::rule::Severity;
use crate::subject::{Subject, UNKNOWN};
use crate::tests::{compiled, register};
use cedar_policy::{Entities, PolicySet, Schema, ValidationMode, Validator};
use proptest::prelude::*;
use std::str::FromStr as _;
use std::sync::Arc;

/// The policies that a decision names, by id; `*` for what is no policy.
fn broken(compiled: &Compiled, decision: &Decision) -> Vec<String> {
    let name = |broken: &Broken| match broken {
        Broken::Policy { at, severity } => format!("{} {}", severity.name(), compiled.policies[*at].id),
        other => format!("* {other:?}"),
    };
    decision.broken.iter().map(name).collect()
}

/// Every set that could hold `unknown`, with it.
fn with_unknown(subject: &Subject) -> Vec<Subject> {
    let mut all = Vec::new();
    type OfSubject = fn(&mut Subject) -> &mut Vec<Arc<str>>;
    let sets: [OfSubject; 8] = [
        |one| &mut one.data,
        |one| &mut one.environments,
        |one| &mut one.workloads,
        |one| &mut one.tiers,
        |one| &mut one.parties,
        |one| &mut one.controlled_from,
        |one| &mut one.countries,
        |one| &mut one.audit,
    ];
    for set in sets {
        let mut more = subject.clone();
        set(&mut more).push(Arc::from(UNKNOWN));
        set(&mut more).sort();
        set(&mut more).dedup();
        all.push(more);
    }
    let tags = subject.tags.keys().cloned().chain([Subject::over_tag("r0")]);
    for tag in tags {
        let mut more = subject.clone();
        more.tags.entry(tag).or_default().push(Arc::from(UNKNOWN));
        all.push(more);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(320))]

    /// Each policy is one of the schema, and Cedar's answer is what the rule says.
    #[test]
    fn cedar_decides_what_the_rules_say((text, subjects) in random::rules_and_subjects()) {
        let organisation = random::organisation();
        let rules = crate::tests::rules(&[&text], &organisation.home.clone().unwrap());
        let compiled = compiled(&rules, &organisation);
        let schema = Schema::from_str(SCHEMA).unwrap();
        let all: String = compiled.policies.iter().map(|policy| policy.text.as_str()).collect();
        let validated = Validator::new(schema.clone()).validate(&PolicySet::from_str(&all).unwrap(), ValidationMode::Strict);
        prop_assert!(validated.validation_passed(), "{all}\n{validated}");
        // One that remembers what it was asked; the native reading sees all of each subject.
        let mut decider = Decider::new(&compiled, Gate::Repository).unwrap();
        for subject in &subjects {
            let (names, mut seen) = (Names::new().unwrap(), Uses::all(&compiled));
            let entity = names.entity(names.uid(&subject.id), &seen.seen(subject)).unwrap();
            let conforms = Entities::from_entities([entity], Some(&schema));
            prop_assert!(conforms.is_ok(), "{:?}", conforms.err());
            let expected = native::broken(&rules, subject, register());
            let decision = decider.decide(subject);
            prop_assert_eq!(broken(&compiled, &decision), expected.clone(), "{}\n{:#?}", all, subject);
            let denied = expected.iter().any(|one| one.starts_with("deny "));
            prop_assert_eq!(decision.allowed, !denied);
            let fresh = Decider::new(&compiled, Gate::Agent).unwrap().decide(subject);
            prop_assert_eq!(&fresh, &decision);
        }
    }

    /// Something more that is not known never lets anything through.
    #[test]
    fn unknown_satisfies_nothing((text, subjects) in random::rules_and_subjects()) {
        let organisation = random::organisation();
        let rules = crate::tests::rules(&[&text], &organisation.home.clone().unwrap());
        let compiled = compiled(&rules, &organisation);
        let mut decider = Decider::new(&compiled, Gate::Repository).unwrap();
        for subject in subjects.iter().take(2) {
            let before = broken(&compiled, &decider.decide(subject));
            for more in with_unknown(subject) {
                let after = broken(&compiled, &decider.decide(&more));
                let lost: Vec<&String> = before.iter().filter(|one| !after.contains(one)).collect();
                prop_assert!(lost.is_empty(), "{:?}\n{}\n{:#?}\n{:#?}", lost, text, subject, more);
            }
        }
    }
}

#[test]
fn the_random_rules_say_something() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut broke, mut held, mut names) = (0, 0, std::collections::BTreeSet::new());
    for _ in 0..200 {
        let (text, subjects) = random::rules_and_subjects().new_tree(&mut runner).unwrap().current();
        let rules = crate::tests::rules(&[&text], &random::organisation().home.unwrap());
        for subject in &subjects {
            let broken = native::broken(&rules, subject, register());
            if broken.is_empty() {
                held += 1
            } else {
                broke += 1
            }
            names.extend(broken.iter().filter_map(|one| one.rsplit('/').next().map(str::to_owned)));
        }
    }
    assert!(broke > 100 && held > 100, "{broke} broken, {held} held");
    assert_eq!(names.len(), 14, "{names:?}");
    let warns = Severity::Warn.name();
    assert_eq!(warns, "warn");
}

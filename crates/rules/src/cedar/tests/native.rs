//! What the rules say, read without Cedar.

use crate::rule::{Must, OnlyFor, Requirement, Rule, RuleSet, SelectorKey, Severity, Who};
use crate::select::{parties, selects};
use crate::source::Said;
use crate::subject::{Set, Subject, UNKNOWN};
use allod_facts::Country;
use allod_register::Register;
use allod_stack::Power;
use std::collections::BTreeSet;

/// The ids of the policies that a subject breaks, as Cedar has to name them: denials first.
pub fn broken(rules: &RuleSet, subject: &Subject, register: &Register) -> Vec<String> {
    let mut all = Vec::new();
    for severity in [Severity::Deny, Severity::Warn] {
        for rule in rules.rules.iter().filter(|rule| rule.severity == severity) {
            let about = !subject.hint && selects(rules, rule, register, subject);
            for must in rule.must.iter().filter(|must| about && is_asked(must, subject)) {
                if !holds(rule, &must.requirement, subject, register) {
                    all.push(format!("{} {}/{}", severity.name(), rule.id, must.requirement.name()));
                }
            }
        }
    }
    all
}

/// The table of docs/rules.md: which components a requirement is asked of.
fn is_asked(must: &Must, subject: &Subject) -> bool {
    match must.requirement.name() {
        "be_in" | "audit" => subject.placed,
        "be_controlled_from" | "be_operated_by" | "at_most" => !subject.ours,
        "keys" => subject.at_rest,
        "exit" => subject.ours && subject.placed,
        "only_for" => &*subject.kind != "provider",
        _ => subject.ours || (subject.placed && subject.described),
    }
}

fn holds(rule: &Rule, requirement: &Requirement, subject: &Subject, register: &Register) -> bool {
    let within =
        |set: &Set, places: &[Country]| set.iter().all(|one| places.iter().any(|place| place.code() == &**one));
    let ids = |said: &[Said]| -> BTreeSet<String> { said.iter().flat_map(|one| parties(register, one)).collect() };
    let touches = |set: &Set, ids: &BTreeSet<String>| set.iter().any(|one| ids.contains(&**one));
    match requirement {
        Requirement::BeIn(places) => within(&subject.countries, places),
        Requirement::BeControlledFrom(places) => within(&subject.controlled_from, places),
        Requirement::BeOperatedBy(said) => touches(&subject.parties, &ids(said)),
        Requirement::NotFrom { power, ever, who } => held(rule, *power, *ever, "from", subject, &|set| match who {
            Who::Outside(places) => within(set, places),
            Who::Among(places) => {
                set.iter().all(|one| **one != *UNKNOWN && places.iter().all(|place| place.code() != &**one))
            }
        }),
        Requirement::NotBy { power, ever, parties } => held(rule, *power, *ever, "by", subject, &|set| {
            !touches(set, &ids(parties)) && set.iter().all(|one| **one != *UNKNOWN)
        }),
        Requirement::OwnKeys => subject.keys == "ours",
        Requirement::Audit(facts) => facts.iter().all(|fact| subject.audit.iter().any(|one| **one == *fact.name())),
        Requirement::ExitTested { days } => (0..=i64::from(*days)).contains(&subject.exit_tested_days),
        Requirement::AtMost { .. } => subject.tags.get(&format!("over:{}", rule.id)).is_some_and(Vec::is_empty),
        Requirement::OnlyFor(OnlyFor { workloads, data, environments }) => {
            [(workloads, &subject.workloads), (data, &subject.data), (environments, &subject.environments)]
                .iter()
                .filter(|(said, _)| !said.is_empty())
                .all(|(said, set)| !set.is_empty() && set.iter().all(|one| said.iter().any(|said| said.text == **one)))
        }
    }
}

/// A power is judged by its tag; *read* by the tag of each class that the rule is about and the subject has. Nothing is
/// known where there is no tag.
fn held(rule: &Rule, power: Power, ever: bool, side: &str, subject: &Subject, is_good: &dyn Fn(&Set) -> bool) -> bool {
    let word = match (power, ever) {
        (Power::Read, _) => "readable",
        (Power::Stop, false) => "stoppable",
        (Power::Stop, true) => "stoppable-ever",
        (Power::Change, _) => "changeable",
    };
    let good = |tag: String| subject.tags.get(&tag).is_some_and(is_good);
    let classes = rule.select.iter().filter(|one| one.key == SelectorKey::Data).flat_map(|one| &one.values);
    let classes: Vec<&str> = classes.map(|said| said.text.as_str()).filter(|_| power == Power::Read).collect();
    if classes.is_empty() {
        return good(format!("{word}-{side}"));
    }
    let mut of_subject = classes.iter().filter(|class| subject.data.iter().any(|one| **one == ***class));
    of_subject.all(|class| good(format!("{word}-{side}:{class}")))
}

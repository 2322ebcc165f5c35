//! Which components a rule is about: evaluated here for shares and for the linter; at gates Cedar evaluates the same
//! conditions, compiled (a property test compares the two).

use crate::pattern::Pattern;
use crate::rule::{Rule, RuleSet, Selector, SelectorKey};
use crate::source::Said;
use crate::subject::Subject;
use allod_facts::Layer;
use allod_register::{Register, Service};
use allod_stack::{Holder, party};
use std::collections::BTreeSet;

impl RuleSet {
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// A tier with all that it extends. Tiers that lead back to themselves are told elsewhere; here each counts once.
    pub fn tier_and_extended(&self, name: &str) -> Vec<String> {
        let mut all = vec![name.to_owned()];
        let mut at = 0;
        while let Some(next) = all.get(at).cloned() {
            for said in self.tiers.get(&next).map(|tier| tier.extends.as_slice()).unwrap_or_default() {
                if !all.contains(&said.text) {
                    all.push(said.text.clone());
                }
            }
            at += 1;
        }
        all
    }

    /// The tiers to which a rule is confined: those that use it, when it selects nothing itself.
    pub fn tiers_of(&self, rule: &Rule) -> Vec<Said> {
        if !rule.select.is_empty() {
            return Vec::new();
        }
        let users = self.tiers.iter().filter(|(_, tier)| tier.uses.iter().any(|said| said.text == rule.id));
        users.map(|(name, tier)| Said { text: name.clone(), line: tier.line }).collect()
    }

    /// The conditions of a rule, with the tiers that use it.
    pub fn scope(&self, rule: &Rule) -> Vec<Selector> {
        let mut scope = rule.select.clone();
        let tiers = self.tiers_of(rule);
        if !tiers.is_empty() {
            scope.push(Selector { key: SelectorKey::Tier, values: tiers });
        }
        scope
    }
}

/// Whether a rule is about a component. Of many components: [`Scope`].
#[cfg(test)]
pub(crate) fn selects(rules: &RuleSet, rule: &Rule, register: &Register, subject: &Subject) -> bool {
    Scope::of(rules, rule, register).selects(subject)
}

/// The conditions of a rule with its names looked up, to be asked of many components.
pub(crate) struct Scope {
    about: Vec<Condition>,
    left_out: Vec<Condition>,
}

struct Condition {
    key: SelectorKey,
    values: Vec<Pattern>,
    /// What the values stand for, where they name providers.
    parties: BTreeSet<String>,
}

/// What a name of a provider stands for.
pub(crate) type Parties = fn(&Register, &Said) -> BTreeSet<String>;

impl Scope {
    pub(crate) fn of(rules: &RuleSet, rule: &Rule, register: &Register) -> Scope {
        let all = |selectors: &[Selector], parties: Parties| {
            selectors.iter().map(|selector| Condition::of(selector, register, parties)).collect()
        };
        Scope { about: all(&rules.scope(rule), parties), left_out: all(&rule.except, parties_let_in) }
    }

    pub(crate) fn selects(&self, subject: &Subject) -> bool {
        let is_left_out = !self.left_out.is_empty() && self.left_out.iter().all(|one| one.fits(subject));
        !is_left_out && self.about.iter().all(|one| one.fits(subject))
    }
}

impl Condition {
    fn of(selector: &Selector, register: &Register, parties: Parties) -> Condition {
        let named = selector.values.iter().filter(|_| selector.key == SelectorKey::Provider);
        Condition {
            key: selector.key,
            values: selector.values.iter().map(|said| Pattern::of_names(&said.text)).collect(),
            parties: named.flat_map(|said| parties(register, said)).collect(),
        }
    }

    fn fits(&self, subject: &Subject) -> bool {
        let is = |text: &str| self.values.iter().any(|value| value.text == text);
        let in_set = |set: &[std::sync::Arc<str>]| set.iter().any(|one| is(one));
        let like = |text: &str| self.values.iter().any(|value| value.matches(text));
        match self.key {
            SelectorKey::Data => in_set(&subject.data),
            SelectorKey::Workload => in_set(&subject.workloads),
            SelectorKey::Environment => in_set(&subject.environments),
            SelectorKey::Tier => in_set(&subject.tiers),
            SelectorKey::Provider => subject.parties.iter().any(|one| self.parties.contains(&**one)),
            SelectorKey::Service => is(&subject.service),
            SelectorKey::Layer => is(subject.layer),
            SelectorKey::Label => in_set(&subject.labels),
            SelectorKey::Component => like(&subject.id) || like(&subject.name) || like(&subject.address),
            SelectorKey::Kind => like(&subject.kind),
            SelectorKey::Namespace => like(&subject.namespace),
            SelectorKey::Address => like(&subject.address),
        }
    }
}

/// The ids that a name of a provider stands for where something is restricted: of an entity and of a service that are
/// called so; for a cloud, all services of its operator, because whoever says `aws` means its buckets, too (companies
/// that the operator owns are meant by its own name). Empty for nobody.
pub(crate) fn parties(register: &Register, said: &Said) -> BTreeSet<String> {
    let mut ids = named(register, said);
    ids.extend(beside(register, said).map(|service| service.id.to_string()));
    ids
}

/// As [`parties`], where something is allowed or left out: of an operator with several clouds only the one that is
/// named, so that an offer apart does not let the others in.
pub(crate) fn parties_let_in(register: &Register, said: &Said) -> BTreeSet<String> {
    let mut ids = named(register, said);
    let clouds = beside(register, said).filter(|service| service.layer == Layer::Cloud);
    if clouds.count() == 1 {
        ids.extend(beside(register, said).map(|service| service.id.to_string()));
    }
    ids
}

fn named(register: &Register, said: &Said) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    if let Ok(Holder::Entity(id) | Holder::Service(id)) = party(register, &said.text) {
        ids.insert(id);
    }
    if register.service(&said.text).is_some() {
        ids.insert(said.text.clone());
    }
    ids
}

/// All services of the operator of a cloud. None when it is no cloud that is named, or nobody knows its operator.
fn beside<'r>(register: &'r Register, said: &Said) -> impl Iterator<Item = &'r Service> {
    let cloud = register.service(&said.text).filter(|service| service.layer == Layer::Cloud);
    let operator = cloud.and_then(|cloud| cloud.operator.as_deref());
    let all = operator.is_some().then_some(register.records.services.iter());
    all.into_iter().flatten().filter(move |service| service.operator.as_deref() == operator)
}

//! Whether everything that rules name exists: a rule about something that does not exist protects nothing, so that it
//! is an error, not a rule that never fires.

use crate::organisation::Organisation;
use crate::rule::{Requirement, Rule, RuleSet, Selector, SelectorKey};
use crate::select::parties;
use crate::source::{Said, near};
use allod_facts::{Diagnostic, Layer, Severity};
use allod_register::Register;
use allod_stack::{NoSuchParty, SECRETS, UNCLASSIFIED, party};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) fn check(rules: &RuleSet, organisation: &Organisation, register: &Register) -> Vec<Diagnostic> {
    let mut check = Check { rules, organisation, register, told: Vec::new() };
    for rule in &rules.rules {
        check.rule(rule);
    }
    check.tiers();
    if rules.cedar.is_empty() {
        check.told.extend(exceptions(rules, rules.rules.iter().map(|rule| rule.id.as_str())));
    }
    check.told
}

/// Exceptions to rules that there are not; `ids` are those of rules and of policies.
pub(crate) fn exceptions<'n>(rules: &RuleSet, ids: impl Iterator<Item = &'n str>) -> Vec<Diagnostic> {
    let ids: BTreeSet<&str> = ids.collect();
    let mut told = Vec::new();
    for exception in rules.exceptions.iter().filter(|one| !ids.contains(one.rule.text.as_str())) {
        told.push(unknown(&exception.path, &exception.rule, "rule", ids.iter().copied()));
    }
    told
}

fn unknown<'n>(path: &Arc<str>, said: &Said, what: &str, known: impl Iterator<Item = &'n str>) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let hint = match (near(&said.text, known.iter().copied()), known.is_empty()) {
        (Some(one), _) => format!("did you mean `{one}`?"),
        (None, true) => format!("no {what} is defined"),
        (None, false) => format!("known: {}", known.join(", ")),
    };
    Diagnostic {
        code: "P003",
        severity: Severity::Error,
        message: format!("there is no {what} `{}`", said.text),
        path: path.clone(),
        line: said.line,
        hint: Some(hint),
    }
}

struct Check<'a> {
    rules: &'a RuleSet,
    organisation: &'a Organisation,
    register: &'a Register,
    told: Vec<Diagnostic>,
}

impl Check<'_> {
    fn tell(&mut self, code: &'static str, path: &Arc<str>, line: u32, message: String, hint: Option<String>) {
        self.told.push(Diagnostic { code, severity: Severity::Error, message, path: path.clone(), line, hint });
    }

    fn unknown(&mut self, path: &Arc<str>, said: &Said, what: &str, known: Vec<&str>) {
        self.told.push(unknown(path, said, what, known.into_iter()));
    }

    fn rule(&mut self, rule: &Rule) {
        for selector in rule.select.iter().chain(&rule.except) {
            self.selector(rule, selector);
        }
        for must in &rule.must {
            match &must.requirement {
                Requirement::OnlyFor(only) => {
                    self.words(&rule.path, SelectorKey::Workload, &only.workloads);
                    self.words(&rule.path, SelectorKey::Data, &only.data);
                    self.words(&rule.path, SelectorKey::Environment, &only.environments);
                }
                Requirement::NotBy { parties, .. } | Requirement::BeOperatedBy(parties) => {
                    self.words(&rule.path, SelectorKey::Provider, parties);
                }
                _ => {}
            }
        }
    }

    fn selector(&mut self, rule: &Rule, selector: &Selector) {
        self.words(&rule.path, selector.key, &selector.values);
    }

    fn words(&mut self, path: &Arc<str>, key: SelectorKey, said: &[Said]) {
        for one in said {
            let known: Vec<&str> = match key {
                SelectorKey::Data => {
                    let mut known: Vec<&str> = self.organisation.data.keys().map(String::as_str).collect();
                    known.extend([UNCLASSIFIED, SECRETS]);
                    known
                }
                SelectorKey::Environment => self.organisation.environments.keys().map(String::as_str).collect(),
                SelectorKey::Workload => self.organisation.workloads.keys().map(String::as_str).collect(),
                SelectorKey::Tier => self.rules.tiers.keys().map(String::as_str).collect(),
                SelectorKey::Layer => Layer::ALL.iter().map(|(_, name)| *name).collect(),
                SelectorKey::Provider => {
                    self.provider(path, one);
                    continue;
                }
                SelectorKey::Service => {
                    if self.register.service(&one.text).is_none() {
                        let hint = Some("`allod register list` lists services".to_owned());
                        let message = format!("the register has no service `{}`", one.text);
                        self.tell("P003", path, one.line, message, hint);
                    }
                    continue;
                }
                SelectorKey::Label
                | SelectorKey::Component
                | SelectorKey::Kind
                | SelectorKey::Namespace
                | SelectorKey::Address => continue,
            };
            if !known.contains(&one.text.as_str()) {
                let what = match key {
                    SelectorKey::Data => "data class",
                    other => other.name(),
                };
                self.unknown(path, one, what, known);
            }
        }
    }

    fn provider(&mut self, path: &Arc<str>, said: &Said) {
        if !parties(self.register, said).is_empty() {
            return;
        }
        let near = match party(self.register, &said.text) {
            Err(NoSuchParty { near, .. }) => near,
            Ok(_) => Vec::new(),
        };
        let hint = match near.as_slice() {
            [] => "`allod register list` lists services; add your own in a register file".to_owned(),
            near => format!("did you mean one of {}?", near.join(", ")),
        };
        self.tell("P003", path, said.line, format!("the register knows no provider `{}`", said.text), Some(hint));
    }

    fn tiers(&mut self) {
        for (name, tier) in &self.rules.tiers {
            for said in &tier.uses {
                if self.rules.rule(&said.text).is_none() {
                    let ids = self.rules.rules.iter().map(|rule| rule.id.as_str()).collect();
                    self.unknown(&tier.path, said, "rule", ids);
                }
            }
            for said in &tier.extends {
                if !self.rules.tiers.contains_key(&said.text) {
                    let names = self.rules.tiers.keys().map(String::as_str).collect();
                    self.unknown(&tier.path, said, "tier", names);
                } else if self.leads_back(&said.text, name) {
                    let message = format!("tier `{name}` extends itself, through `{}`", said.text);
                    self.tell("P008", &tier.path, said.line, message, None);
                }
            }
        }
        for workload in self.organisation.workloads.values() {
            let Some(tier) = &workload.tier else { continue };
            if !self.rules.tiers.contains_key(&tier.text) {
                let names = self.rules.tiers.keys().map(String::as_str).collect();
                let path = self.organisation.path.clone();
                self.unknown(&path, tier, "tier", names);
            }
        }
    }

    fn leads_back(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(name) = next.pop() {
            if name == to {
                return true;
            }
            if seen.insert(name) {
                let tier = self.rules.tiers.get(name);
                next.extend(tier.into_iter().flat_map(|tier| &tier.extends).map(|said| said.text.as_str()));
            }
        }
        false
    }
}

//! The rules asked about every component of a stack, and what was found told so that one can act on it.

mod cause;
#[cfg(test)]
mod tests;
mod way_out;

use crate::cedar::{Broken, Compiled, Decider, Gate};
use crate::date::Date;
use crate::organisation::Organisation;
use crate::rule::{Exception, Requirement, Rule, RuleSet, Severity};
use crate::select::Scope;
use crate::subject::{Scene, Subject};
use allod_facts::{Diagnostic, Evidence};
use allod_stack::{Home, Powers, Stack};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// What is decided by.
#[derive(Clone, Copy)]
pub struct Rulebook<'a> {
    pub rules: &'a RuleSet,
    pub compiled: &'a Compiled,
    pub organisation: &'a Organisation,
    pub home: &'a Home,
    /// The clock is the caller's.
    pub today: Date,
}

/// What the rules say of a stack.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Denials first, then by rule.
    pub violations: Vec<Violation>,
    /// Violations for which somebody answers, until a day.
    pub excepted: Vec<Excepted>,
    /// Exceptions that are over, and those that fit nothing.
    pub diagnostics: Vec<Diagnostic>,
    /// Components that were asked about, hints left out.
    pub components: usize,
    /// By rule, how many components it is about.
    pub selected: BTreeMap<String, usize>,
}

/// One requirement that one cause breaks, with all components that suffer from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Of the rule file, or `@id` of a policy.
    pub rule: String,
    /// `be_in`, `keys`, ...; `cedar` for a policy of the user.
    pub requirement: &'static str,
    pub severity: Severity,
    pub why: Option<String>,
    /// The component to act on: what the power comes through, or the component itself. By id.
    pub cause: String,
    /// Ids of the components that break the rule because of it, sorted.
    pub components: Vec<String>,
    /// The fact that failed, in a sentence.
    pub message: String,
    /// Where the cause is seen.
    pub evidence: Option<Evidence>,
    /// Where the rule stands.
    pub rule_path: Arc<str>,
    pub rule_line: u32,
    /// What would pass; empty when nothing is known that would.
    pub way_out: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excepted {
    pub violation: Violation,
    pub until: Date,
    pub by: String,
    pub why: String,
}

impl Violation {
    fn add(&mut self, component: &str) {
        if let Err(at) = self.components.binary_search_by(|one| one.as_str().cmp(component)) {
            self.components.insert(at, component.to_owned());
        }
    }
}

impl Judgement {
    /// Whether anything denies.
    pub fn denies(&self) -> bool {
        self.violations.iter().any(|violation| violation.severity == Severity::Deny)
    }
}

/// Asks the rules about every component of a stack. What cannot be decided is a violation.
pub fn judge(book: Rulebook<'_>, stack: &Stack<'_>, powers: &Powers, gate: Gate) -> Judgement {
    judge_some(book, stack, powers, gate, &|_| true)
}

/// As [`judge`], asking about those components only whose id is wanted. The others are looked at, as everywhere: what
/// these depend on, and shares. Counts are of all.
pub fn judge_some(
    book: Rulebook<'_>,
    stack: &Stack<'_>,
    powers: &Powers,
    gate: Gate,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Judgement {
    let scene = Scene::new(stack, powers, book.organisation, book.rules, book.home, book.today);
    let subjects = scene.subjects();
    let mut judgement =
        Judgement { components: subjects.iter().filter(|subject| !subject.hint).count(), ..Judgement::default() };
    let mut decider = Decider::new(book.compiled, gate);
    let mut found = Found { book, teller: Teller::new(&scene), violations: BTreeMap::new() };
    for (at, subject) in subjects.iter().enumerate().filter(|(_, subject)| is_wanted(&subject.id)) {
        let Some(decider) = &mut decider else {
            found.add(at, subject, &Broken::Undecided("the engine did not start".to_owned()));
            continue;
        };
        let decision = decider.decide(subject);
        for broken in decision.broken {
            found.add(at, subject, &broken);
        }
    }
    for rule in &book.rules.rules {
        let scope = Scope::of(book.rules, rule, stack.register);
        let is_about = |subject: &&Subject| !subject.hint && scope.selects(subject);
        judgement.selected.insert(rule.id.clone(), subjects.iter().filter(is_about).count());
    }
    let mut violations: Vec<Violation> = found.violations.into_values().collect();
    violations.sort_by(|a, b| {
        (std::cmp::Reverse(a.severity), &a.rule, a.requirement, &a.evidence, &a.cause).cmp(&(
            std::cmp::Reverse(b.severity),
            &b.rule,
            b.requirement,
            &b.evidence,
            &b.cause,
        ))
    });
    except(&mut judgement, violations, book);
    judgement
}

/// A requirement that was broken.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// Position in [`Compiled::policies`].
    policy: usize,
    rule: &'a Rule,
    requirement: &'a Requirement,
}

/// Tells why, and what would pass. What depends on the requirement and not on the component is found out once.
struct Teller<'a, 'r> {
    scene: &'a Scene<'a, 'r>,
    known: Known<'r>,
}

#[derive(Default)]
struct Known<'r> {
    /// By policy: whether each holder breaks it.
    bad: FxHashMap<usize, Vec<bool>>,
    /// By a service as holder: whom it gives its powers to.
    behind: FxHashMap<usize, Vec<usize>>,
    /// By policy and service: what would pass in its place.
    alternatives: FxHashMap<(usize, &'r str), Vec<String>>,
}

impl<'a, 'r> Teller<'a, 'r> {
    fn new(scene: &'a Scene<'a, 'r>) -> Teller<'a, 'r> {
        Teller { scene, known: Known::default() }
    }
}

/// Violations by rule, requirement and cause.
struct Found<'a, 'r> {
    book: Rulebook<'a>,
    teller: Teller<'a, 'r>,
    violations: BTreeMap<(String, &'static str, String), Violation>,
}

impl Found<'_, '_> {
    fn add(&mut self, at: usize, subject: &Subject, broken: &Broken) {
        let number = match broken {
            Broken::Policy { at, .. } => Some(*at),
            _ => None,
        };
        let policy = number.and_then(|number| self.book.compiled.policies.get(number));
        let rule = policy.and_then(|policy| self.book.rules.rule(&policy.rule));
        let must = policy.zip(rule).and_then(|(policy, rule)| rule.must.get(policy.must?));
        let (Some(number), Some(policy), Some(rule), Some(must)) = (number, policy, rule, must) else {
            return self.add_other(at, subject, broken, policy);
        };
        let asked = Asked { policy: number, rule, requirement: &must.requirement };
        let causes = self.teller.causes(asked, at, subject);
        // The engine has said no: that the cause cannot be told takes nothing back.
        if causes.is_empty() {
            return self.add_other(at, subject, broken, Some(policy));
        }
        for cause in causes {
            let key = (rule.id.clone(), must.requirement.name(), cause.id.clone());
            if let Some(violation) = self.violations.get_mut(&key) {
                violation.add(&subject.id);
                continue;
            }
            let way_out = self.teller.way_out(asked, &cause);
            let violation = Violation {
                rule: rule.id.clone(),
                requirement: must.requirement.name(),
                severity: policy.severity,
                why: rule.why.clone(),
                cause: cause.id,
                components: vec![subject.id.to_string()],
                message: cause.message,
                evidence: cause.evidence,
                rule_path: rule.path.clone(),
                rule_line: must.line,
                way_out,
            };
            self.violations.insert(key, violation);
        }
    }

    /// A policy of the user, and what could not be decided.
    fn add_other(&mut self, at: usize, subject: &Subject, broken: &Broken, policy: Option<&crate::PolicyText>) {
        let name = &subject.name;
        let message = match (broken, policy) {
            (Broken::Policy { .. }, Some(policy)) => format!("`{name}` is forbidden by the policy `{}`", policy.rule),
            (Broken::NotPermitted, _) => format!("no policy permits `{name}`"),
            (Broken::Undecided(why), _) => format!("the rules could not be asked about `{name}`: {why}"),
            (Broken::Policy { .. }, None) => format!("`{name}` is forbidden"),
        };
        let severity = policy.map_or(Severity::Deny, |policy| policy.severity);
        let evidence = self.teller.scene.stack.parts.get(at).and_then(|part| part.fact.evidence.first().cloned());
        let violation = Violation {
            rule: policy.map_or_else(|| "default".to_owned(), |policy| policy.rule.clone()),
            requirement: if policy.is_some() { "cedar" } else { "permit" },
            severity,
            why: policy.and_then(|policy| policy.why.clone()),
            cause: subject.id.to_string(),
            components: vec![subject.id.to_string()],
            message,
            evidence,
            rule_path: policy.map_or_else(|| Arc::from(""), |policy| policy.path.clone()),
            rule_line: policy.map_or(0, |policy| policy.line),
            way_out: Vec::new(),
        };
        let key = (violation.rule.clone(), violation.requirement, violation.cause.clone());
        match self.violations.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().add(&subject.id),
            Entry::Vacant(free) => drop(free.insert(violation)),
        }
    }
}

/// Takes out what exceptions cover. One that is over covers nothing; one that fits nothing is told, too.
fn except(judgement: &mut Judgement, violations: Vec<Violation>, book: Rulebook<'_>) {
    let fits = |exception: &Exception, component: &str| {
        let end = component.rsplit_once('#').map_or(component, |(_, end)| end);
        exception.component.matches(component) || exception.component.matches(end)
    };
    let mut used = vec![false; book.rules.exceptions.len()];
    for mut violation in violations {
        for (exception, used) in book.rules.exceptions.iter().zip(&mut used) {
            if exception.rule.text != violation.rule {
                continue;
            }
            let is_cause = fits(exception, &violation.cause);
            let (covered, left): (Vec<String>, Vec<String>) =
                violation.components.iter().cloned().partition(|one| is_cause || fits(exception, one));
            if covered.is_empty() {
                continue;
            }
            *used = true;
            if exception.until >= book.today {
                let (until, by, why) = (exception.until, exception.by.clone(), exception.why.clone());
                let covered = Violation { components: covered, ..violation.clone() };
                judgement.excepted.push(Excepted { violation: covered, until, by, why });
                violation.components = left;
            }
        }
        if !violation.components.is_empty() {
            judgement.violations.push(violation);
        }
    }
    for (exception, used) in book.rules.exceptions.iter().zip(used) {
        let rule = &exception.rule.text;
        let (code, message, hint) = if exception.until < book.today {
            let message = format!("the exception to `{rule}` ended on {}", exception.until);
            ("P005", message, "take it out, or have it renewed by who answers for it")
        } else if !used {
            let message = format!("the exception to `{rule}` covers nothing: `{}`", exception.component.text);
            ("P006", message, "take it out when what it covered is gone")
        } else {
            continue;
        };
        judgement.diagnostics.push(Diagnostic {
            code,
            severity: allod_facts::Severity::Warning,
            message,
            path: exception.path.clone(),
            line: exception.line,
            hint: Some(hint.to_owned()),
        });
    }
}

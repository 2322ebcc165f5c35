//! Rules in sentences: what `rules explain` and reports say of them.

use crate::rule::{AuditFact, Requirement, Rule, Selector, SelectorKey, Share, Who};
use crate::source::Said;
use allod_facts::Country;
use allod_stack::{Home, Power};

/// What a rule is about, in words.
pub fn scope(selectors: &[Selector]) -> String {
    if selectors.is_empty() {
        return "everything".to_owned();
    }
    let each = selectors.iter().map(|selector| {
        let values = list(&selector.values, "or");
        match selector.key {
            SelectorKey::Data => format!("holds {values} data"),
            SelectorKey::Workload => format!("serves the workload {values}"),
            SelectorKey::Environment => format!("is part of {values}"),
            SelectorKey::Tier => format!("is in the tier {values}"),
            SelectorKey::Provider => format!("is provided by {values}"),
            SelectorKey::Service => format!("is the service {values}"),
            SelectorKey::Layer => format!("is in the layer {values}"),
            SelectorKey::Label => format!("is labelled {values}"),
            SelectorKey::Component => format!("is called {values}"),
            SelectorKey::Kind => format!("is a {values}"),
            SelectorKey::Namespace => format!("is in the namespace {values}"),
            SelectorKey::Address => format!("has the address {values}"),
        }
    });
    format!("whatever {}", each.collect::<Vec<_>>().join(" and "))
}

/// What a requirement says, in words.
pub fn requirement(requirement: &Requirement) -> String {
    let power_word = |power: &Power| match power {
        Power::Read => "read it",
        Power::Stop => "stop it",
        Power::Change => "change it",
    };
    let when = |power: &Power, ever: &bool| match (power, ever) {
        (Power::Stop, true) => " at once or later",
        (Power::Stop, false) => " at once",
        _ => "",
    };
    match requirement {
        Requirement::BeIn(at) => format!("must be in {}", places(at)),
        Requirement::BeControlledFrom(at) => {
            format!("must be provided from {}, by nobody who is owned from elsewhere", places(at))
        }
        Requirement::BeOperatedBy(said) => format!("must be provided by {}, or run by ourselves", list(said, "or")),
        Requirement::NotFrom { power, ever, who } => {
            let who = match who {
                Who::Outside(at) => format!("nobody from outside {}", places(at)),
                Who::Among(at) => format!("nobody from {}", places(at)),
            };
            format!("{who}, and nobody unknown, may be able to {}{}", power_word(power), when(power, ever))
        }
        Requirement::NotBy { power, ever, parties } => {
            format!("{} may not be able to {}{}", list(parties, "or"), power_word(power), when(power, ever))
        }
        Requirement::OwnKeys => "what others keep of it must be encrypted with keys that we hold".to_owned(),
        Requirement::Audit(facts) => {
            let full = if facts.len() == AuditFact::ALL.len() { "be fully auditable, with" } else { "have" };
            let asked: Vec<&str> = facts.iter().map(|fact| fact.asks()).collect();
            format!("must {full} {}", joined(&asked, "and"))
        }
        Requirement::ExitTested { days } => format!("leaving it must have been tried within the last {days} days"),
        Requirement::AtMost { percent, of } => {
            let of = match of {
                Share::Provider => "come from one provider, or from several with one owner",
                Share::Jurisdiction => "be controlled from one country",
            };
            format!("at most {percent} % of what is not run by ourselves may {of}")
        }
        Requirement::OnlyFor(only) => {
            let pieces = [
                ("the workload", &only.workloads),
                ("data of class", &only.data),
                ("the environment", &only.environments),
            ];
            let each = pieces
                .iter()
                .filter(|(_, said)| !said.is_empty())
                .map(|(what, said)| format!("{what} {}", list(said, "or")));
            format!("may be used only for {}", each.collect::<Vec<_>>().join(", and only for "))
        }
    }
}

/// A whole rule in sentences, to be read aloud.
pub fn rule(rule: &Rule, scope_of: &[Selector]) -> String {
    let mut text = format!("{}:", scope(scope_of));
    if !rule.except.is_empty() {
        text = format!("{}, except {}:", scope(scope_of), scope(&rule.except));
    }
    for must in &rule.must {
        text.push_str(&format!("\n  - {}", requirement(&must.requirement)));
    }
    text
}

fn list(said: &[Said], word: &str) -> String {
    joined(&said.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), word)
}

/// `a`, `a or b`, `a, b or c`.
fn joined(texts: &[&str], word: &str) -> String {
    match texts.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} {word} {last}", first.join(", ")),
    }
}

/// Countries in words: groups by their name.
pub fn places(countries: &[Country]) -> String {
    let countries: Vec<Country> = countries.iter().copied().filter(|one| !crate::union::is_union(*one)).collect();
    for group in ["EU", "EEA"] {
        let same = Home::new(&[group.to_owned()]).is_ok_and(|home| home.countries().eq(countries.iter().copied()));
        if same {
            return format!("the {group}");
        }
    }
    joined(&countries.iter().map(|one| one.code()).collect::<Vec<_>>(), "or")
}

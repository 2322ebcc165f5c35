use super::place::names;
use super::{Organisation, Says};
use allod_facts::{Diagnostic, Evidence, Severity};
use allod_stack::{Stack, Stated, StatedFact};
use std::sync::Arc;

/// The reader that statements of the organisation are shown as.
const READER: &str = "allod";

impl Organisation {
    /// Applies its words and statements to a stack, before powers are computed. What fits nothing, and what names
    /// nothing that exists, is told: a word that selects nothing protects nothing.
    pub fn apply<'r>(&self, stack: &mut Stack<'r>) -> Vec<Diagnostic> {
        let mut told = Vec::new();
        let mut stated = Vec::new();
        let evidence = |line: u32| Evidence::line(&self.path, line, READER);
        let mut label = |line: u32, places: &[super::Where], fact: &dyn Fn() -> StatedFact<'r>| {
            let before = stated.len();
            for (at, part) in
                stack.parts.iter().enumerate().filter(|(_, part)| places.iter().any(|one| one.fits(part, &self.base)))
            {
                _ = part;
                stated.push(Stated { part: at, fact: fact(), evidence: evidence(line) });
            }
            before != stated.len() || places.is_empty()
        };
        for (name, class) in &self.data {
            let shared: Arc<str> = Arc::from(name.as_str());
            if !label(class.line, &class.on, &|| StatedFact::Data(shared.clone())) {
                told.push(self.empty(class.line, format!("data class `{name}` is on no component")));
            }
        }
        for (name, environment) in &self.environments {
            let shared: Arc<str> = Arc::from(name.as_str());
            if !label(environment.line, &environment.on, &|| StatedFact::Environment(shared.clone())) {
                told.push(self.empty(environment.line, format!("environment `{name}` has no component")));
            }
        }
        for (name, workload) in &self.workloads {
            if !workload.on.is_empty()
                && !stack.parts.iter().any(|part| workload.on.iter().any(|one| one.fits(part, &self.base)))
            {
                told.push(self.empty(workload.line, format!("workload `{name}` has no component")));
            }
        }
        for statement in &self.states {
            let fits: Vec<usize> = stack
                .parts
                .iter()
                .enumerate()
                .filter(|(_, part)| names(part).iter().any(|name| statement.component.matches(name)))
                .map(|(at, _)| at)
                .collect();
            if fits.is_empty() {
                let message = format!("`{}` is no component, so nothing is stated", statement.component.text);
                told.push(self.empty(statement.line, message));
            }
            let fact = match &statement.says {
                Says::RunByUs => Some(StatedFact::RunByUs),
                Says::OwnKeys => Some(StatedFact::OwnKeys),
                Says::LocatedIn(country) => Some(StatedFact::LocatedIn(*country)),
                Says::RunsOn(said) => {
                    let named = |part: &allod_stack::Part<'_>| names(part).contains(&said.text.as_str());
                    let mut hosts = stack.parts.iter().enumerate().filter(|(_, part)| named(part)).map(|(at, _)| at);
                    match (hosts.next(), hosts.next()) {
                        (Some(host), None) => Some(StatedFact::RunsOn(host)),
                        (None, _) => {
                            told.push(self.wrong(said.line, format!("there is no component `{}`", said.text)));
                            None
                        }
                        _ => {
                            told.push(self.wrong(said.line, format!("several components are called `{}`", said.text)));
                            None
                        }
                    }
                }
                Says::ProvidedBy(said) => match stack.register.service(&said.text) {
                    Some(service) => Some(StatedFact::ProvidedBy(service)),
                    None => {
                        told.push(self.wrong(said.line, format!("the register has no service `{}`", said.text)));
                        None
                    }
                },
            };
            for part in fits {
                stated.extend(fact.clone().map(|fact| Stated { part, fact, evidence: evidence(statement.line) }));
            }
        }
        stack.state(&stated);
        told
    }

    fn empty(&self, line: u32, message: String) -> Diagnostic {
        let hint = Some("`allod audit --format json` lists components with their ids".to_owned());
        Diagnostic { code: "P007", severity: Severity::Warning, message, path: self.path.clone(), line, hint }
    }

    fn wrong(&self, line: u32, message: String) -> Diagnostic {
        let hint = Some("ids are in `allod audit --format json`, services in `allod register list`".to_owned());
        Diagnostic { code: "P003", severity: Severity::Error, message, path: self.path.clone(), line, hint }
    }
}

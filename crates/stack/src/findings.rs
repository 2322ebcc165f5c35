use crate::graph::Stack;
use crate::home::Home;
use crate::powers::{Powers, Used};
use crate::resolve::{Control, Origins, Part};
use allod_facts::{Country, Layer, Role, Severity};

/// Something worth telling about one part. A statement of who can do what, not a legal finding.
/// Its message is made when it is asked for: a stack of a million parts has a million findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `F001` to `F007`.
    pub code: &'static str,
    pub severity: Severity,
    /// Position of the part.
    pub part: usize,
    says: Says,
}

/// What a finding says, with the part and home given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    NobodyKnows,
    Pinned,
    NotPinned,
    Deploys,
    AnswersForNames,
    LocatedAtHome(Country),
    RunFromAbroad,
    LocatedAbroad(Country),
}

impl Finding {
    fn new(code: &'static str, severity: Severity, part: usize, says: Says) -> Finding {
        Finding { code, severity, part, says }
    }

    /// The sentence that one can repeat in a meeting.
    pub fn message(&self, stack: &Stack<'_>, home: &Home) -> String {
        let Some(part) = stack.parts.get(self.part) else { return String::new() };
        let abroad: Vec<Country> =
            part.controlled_from(stack.register).into_iter().filter(|country| !home.has(*country)).collect();
        let (name, from, who) = (&part.fact.name, list(&abroad), part.who(stack));
        match self.says {
            Says::NobodyKnows => format!("nobody knows from the files who controls `{name}`"),
            Says::Pinned => format!("`{name}` is fetched from {who}, controlled from {from}, and pinned"),
            Says::NotPinned => {
                format!("`{name}` is fetched from {who}, controlled from {from}, and not pinned: it can change")
            }
            Says::Deploys => format!("{who}, controlled from {from}, can change what is deployed (`{name}`)"),
            Says::AnswersForNames => format!("{who}, controlled from {from}, answers for names or ends TLS (`{name}`)"),
            Says::LocatedAtHome(country) => {
                format!("`{name}` is located in {country} and run by {who}, controlled from {from}")
            }
            Says::RunFromAbroad => format!("`{name}` is run by {who}, controlled from {from}"),
            Says::LocatedAbroad(country) => {
                let region = part.location.as_ref().and_then(|place| place.region.as_deref());
                let place = region.map_or(country.to_string(), |region| format!("{country} ({region})"));
                format!("`{name}` is located in {place}")
            }
        }
    }
}

impl<'r> Stack<'r> {
    /// Every finding, by part. A part has one finding about its control (the most telling) and may have one about its
    /// location beside it.
    pub fn findings(&self, powers: &Powers, home: &Home) -> Vec<Finding> {
        let roles = Roles::of(self, powers);
        let mut findings = Vec::new();
        let mut origins = Origins::default();
        for (at, part) in self.parts.iter().enumerate() {
            findings.extend(self.about_control(at, part, (powers, home), &roles, &mut origins));
            findings.extend(about_location(at, part, home));
        }
        findings
    }

    fn about_control(
        &self,
        at: usize,
        part: &Part<'r>,
        (powers, home): (&Powers, &Home),
        roles: &Roles,
        origins: &mut Origins,
    ) -> Option<Finding> {
        if part.control == Control::Unknown && !part.is_hint() {
            return Some(Finding::new("F007", Severity::Warning, at, Says::NobodyKnows));
        }
        // Of what nobody is known to control, and of our own, no country is known.
        if part.control != Control::Known
            || origins.of(at, part, powers, self.register).iter().all(|country| home.has(*country))
        {
            return None;
        }
        let at_home = part.location.as_ref().and_then(|place| place.country).filter(|country| home.has(*country));
        let deploys = matches!(part.layer, Layer::Ci | Layer::Iac | Layer::Source) || roles.deploys(at);
        let (code, severity, says) = match part.fact.role {
            Role::Artefact if roles.pinned(at) => ("F006", Severity::Note, Says::Pinned),
            Role::Artefact => ("F006", Severity::Warning, Says::NotPinned),
            _ if deploys => ("F004", Severity::Error, Says::Deploys),
            _ if matches!(part.layer, Layer::Dns | Layer::Cdn | Layer::Registrar | Layer::Certificates) => {
                ("F005", Severity::Error, Says::AnswersForNames)
            }
            _ => match at_home {
                Some(country) => ("F002", Severity::Error, Says::LocatedAtHome(country)),
                None => ("F001", Severity::Error, Says::RunFromAbroad),
            },
        };
        let severity = if part.is_hint() { Severity::Note } else { severity };
        Some(Finding::new(code, severity, at, says))
    }
}

fn about_location(at: usize, part: &Part<'_>, home: &Home) -> Option<Finding> {
    let country = part.location.as_ref()?.country.filter(|country| !home.has(*country))?;
    let severity = if part.is_hint() { Severity::Note } else { Severity::Warning };
    Some(Finding::new("F003", severity, at, Says::LocatedAbroad(country)))
}

impl Part<'_> {
    /// Who provides it, for a sentence: the service and, where it differs in name, the entity behind it.
    pub fn who(&self, stack: &Stack<'_>) -> String {
        let entity = self.operator.or_else(|| self.publisher(stack.register)).map(|entity| entity.name.as_str());
        let service = self.service.map(|service| service.name.as_str()).or(self.software.map(|one| one.name.as_str()));
        match (service, entity) {
            (Some(service), Some(entity)) => format!("{service} ({entity})"),
            (one, other) => one.or(other).unwrap_or("somebody unknown").to_owned(),
        }
    }
}

fn list(countries: &[Country]) -> String {
    countries.iter().map(|country| country.code()).collect::<Vec<_>>().join(", ")
}

/// How others use a part.
struct Roles {
    deploys: Vec<bool>,
    built_from: Vec<bool>,
    unpinned: Vec<bool>,
}

impl Roles {
    fn of(stack: &Stack<'_>, powers: &Powers) -> Roles {
        let none = || vec![false; stack.parts.len()];
        let mut roles = Roles { deploys: none(), built_from: none(), unpinned: none() };
        let mark = |row: &mut Vec<bool>, at: u32| {
            if let Some(flag) = row.get_mut(at as usize) {
                *flag = true;
            }
        };
        for (to, used) in powers.uses() {
            match used {
                Used::Deployer => mark(&mut roles.deploys, to),
                Used::PinnedArtefact => mark(&mut roles.built_from, to),
                Used::Artefact => {
                    mark(&mut roles.built_from, to);
                    mark(&mut roles.unpinned, to);
                }
                Used::Other => {}
            }
        }
        roles
    }

    fn deploys(&self, at: usize) -> bool {
        self.deploys.get(at).copied().unwrap_or(false)
    }

    fn pinned(&self, at: usize) -> bool {
        self.built_from.get(at).copied().unwrap_or(false) && !self.unpinned.get(at).copied().unwrap_or(true)
    }
}

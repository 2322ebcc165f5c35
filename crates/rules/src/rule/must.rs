use crate::source::{Said, Source, near};
use allod_facts::Country;
use allod_readers::node::{Node, Value};
use allod_stack::{Home, Power};

/// Something that has to hold for each selected component.
#[derive(Clone, Debug, PartialEq)]
pub struct Must {
    pub requirement: Requirement,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Requirement {
    /// Every place where it is, is one of these.
    BeIn(Vec<Country>),
    /// Nobody from there holds the power; nobody unknown either.
    NotFrom { power: Power, ever: bool, who: Who },
    /// None of these parties (entities or services) holds the power; nobody unknown either.
    NotBy { power: Power, ever: bool, parties: Vec<Said> },
    /// Who provides it, and whoever owns that one, is from one of these.
    BeControlledFrom(Vec<Country>),
    /// One of these parties provides it, or it is run by ourselves.
    BeOperatedBy(Vec<Said>),
    /// What it keeps at somebody's is encrypted with keys that the organisation holds.
    OwnKeys,
    /// These facts of recording are known.
    Audit(Vec<AuditFact>),
    /// Leaving was tried, so many days ago at the most.
    ExitTested { days: u32 },
    /// Of the components that the rule selects, at most so many per cent stand under one controller.
    AtMost { percent: u32, of: Share },
    /// Serving nothing but this.
    OnlyFor(OnlyFor),
}

/// What a provider may be used for: everything that is given has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnlyFor {
    pub workloads: Vec<Said>,
    pub data: Vec<Said>,
    pub environments: Vec<Said>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Provider,
    Jurisdiction,
}

/// Jurisdictions, by those inside or those outside of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    Outside(Vec<Country>),
    Among(Vec<Country>),
}

/// What full auditability asks for; `docs/rules.md` defines each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditFact {
    ControlTrail,
    AccessLog,
    SinkAtHome,
    Retention,
    RuleGate,
}

impl AuditFact {
    pub const ALL: [(AuditFact, &'static str); 5] = [
        (AuditFact::ControlTrail, "control-trail"),
        (AuditFact::AccessLog, "access-log"),
        (AuditFact::SinkAtHome, "sink-at-home"),
        (AuditFact::Retention, "retention"),
        (AuditFact::RuleGate, "rule-gate"),
    ];

    pub fn name(self) -> &'static str {
        AuditFact::ALL.iter().find(|(fact, _)| *fact == self).map_or("", |(_, name)| name)
    }

    /// What a rule that asks for it asks for.
    pub fn asks(self) -> &'static str {
        match self {
            AuditFact::ControlTrail => "a trail of actions on its control plane",
            AuditFact::AccessLog => "a log of who used it",
            AuditFact::SinkAtHome => "logs that are kept at home, under control from home",
            AuditFact::Retention => "a set time for which logs are kept",
            AuditFact::RuleGate => "a gate that asks the rules before each change",
        }
    }

    /// What is missing when it is not known.
    pub fn says(self) -> &'static str {
        match self {
            AuditFact::ControlTrail => "no file shows that actions on its control plane are recorded",
            AuditFact::AccessLog => "no file shows a log of who used it",
            AuditFact::SinkAtHome => "its logs are not known to be kept at home, under control from home",
            AuditFact::Retention => "no file says for how long its logs are kept",
            AuditFact::RuleGate => {
                "no file shows that all changes pass a gate that asks the rules and is controlled from home"
            }
        }
    }
}

/// Days after which a test of the exit is old, when the rule does not say.
const EXIT_TEST_DAYS: u32 = 365;

impl Requirement {
    /// Its name, as the rule file writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Requirement::BeIn(_) => "be_in",
            Requirement::NotFrom { power: Power::Read, .. } => "not_be_readable_from",
            Requirement::NotFrom { power: Power::Stop, .. } => "not_be_stoppable_from",
            Requirement::NotFrom { power: Power::Change, .. } => "not_be_changeable_from",
            Requirement::NotBy { power: Power::Read, .. } => "not_be_readable_by",
            Requirement::NotBy { power: Power::Stop, .. } => "not_be_stoppable_by",
            Requirement::NotBy { power: Power::Change, .. } => "not_be_changeable_by",
            Requirement::BeControlledFrom(_) => "be_controlled_from",
            Requirement::BeOperatedBy(_) => "be_operated_by",
            Requirement::OwnKeys => "keys",
            Requirement::Audit(_) => "audit",
            Requirement::ExitTested { .. } => "exit",
            Requirement::AtMost { .. } => "at_most",
            Requirement::OnlyFor(_) => "only_for",
        }
    }
}

pub(super) const NAMES: [&str; 14] = [
    "be_in",
    "be_controlled_from",
    "be_operated_by",
    "not_be_readable_from",
    "not_be_readable_by",
    "not_be_stoppable_from",
    "not_be_stoppable_by",
    "not_be_changeable_from",
    "not_be_changeable_by",
    "keys",
    "audit",
    "exit",
    "at_most",
    "only_for",
];

/// Reads one requirement. `None` after a diagnostic.
pub(super) fn read(name: &str, node: &Node, home: &Home, source: &mut Source<'_>) -> Option<Must> {
    let power = |text: &str| {
        Power::ALL
            .into_iter()
            .zip(["readable", "stoppable", "changeable"])
            .find(|(_, word)| text.contains(word))
            .map(|(power, _)| power)
    };
    let requirement = match name {
        "be_in" => Requirement::BeIn(places(node, home, source)?),
        "be_controlled_from" => Requirement::BeControlledFrom(places(node, home, source)?),
        "be_operated_by" => Requirement::BeOperatedBy(some(source.texts(node, "`be_operated_by`"))?),
        "keys" => match node.as_str() {
            Some("ours") => Requirement::OwnKeys,
            _ => return wrong(node, source, "`keys` can be `ours`"),
        },
        "audit" => Requirement::Audit(audit(node, source)?),
        "exit" => Requirement::ExitTested { days: exit(node, source)? },
        "at_most" => at_most(node, source)?,
        "only_for" => Requirement::OnlyFor(only_for(node, source)?),
        _ => {
            let ever = ever(node, source)?;
            let power = power(name)?;
            if name.ends_with("_by") {
                Requirement::NotBy { power, ever, parties: by(name, node, source)? }
            } else {
                Requirement::NotFrom { power, ever, who: who(node, home, source)? }
            }
        }
    };
    Some(Must { requirement, line: node.line })
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn wrong<T>(node: &Node, source: &mut Source<'_>, message: &str) -> Option<T> {
    source.error("P001", node.line, message.to_owned(), None);
    None
}

/// Whether a power counts that takes effect at a later event, too.
fn ever(node: &Node, source: &mut Source<'_>) -> Option<bool> {
    match node.get("when").map(|when| (when, when.as_str())) {
        None | Some((_, Some("now"))) => Some(false),
        Some((_, Some("ever"))) => Some(true),
        Some((when, _)) => wrong(when, source, "`when` is `now` or `ever`"),
    }
}

/// A list of parties, or `{parties: [...], when: ever}`.
fn by(name: &str, node: &Node, source: &mut Source<'_>) -> Option<Vec<Said>> {
    let mut list = node;
    if node.as_map().is_some() {
        source.keys(node, &["parties", "when"], "a list of parties");
        let Some(parties) = node.get("parties") else {
            return wrong(node, source, "say by whom: `parties`");
        };
        list = parties;
    }
    some(source.texts(list, &format!("`{name}`")))
}

/// `home`, `EU`, `[LU, DE]`.
fn places(node: &Node, home: &Home, source: &mut Source<'_>) -> Option<Vec<Country>> {
    let said = some(source.texts(node, "a list of jurisdictions"))?;
    let mut countries = Vec::new();
    for one in said {
        if one.text == "home" {
            countries.extend(home.countries());
            continue;
        }
        match Home::new(std::slice::from_ref(&one.text)) {
            Ok(place) => countries.extend(place.countries()),
            Err(_) => {
                let hint = Some("use home, EU, EEA or ISO country codes".to_owned());
                source.error("P003", one.line, format!("`{}` is no jurisdiction", one.text), hint);
                return None;
            }
        }
    }
    countries.sort_unstable();
    countries.dedup();
    crate::union::add(&mut countries);
    Some(countries)
}

/// `{outside: home}`, `{among: [US]}`, or a list.
fn who(node: &Node, home: &Home, source: &mut Source<'_>) -> Option<Who> {
    if node.as_map().is_none() {
        return places(node, home, source).map(Who::Among);
    }
    source.keys(node, &["outside", "among", "when"], "a list of jurisdictions");
    match (node.get("outside"), node.get("among")) {
        (Some(outside), None) => places(outside, home, source).map(Who::Outside),
        (None, Some(among)) => places(among, home, source).map(Who::Among),
        _ => wrong(node, source, "say jurisdictions by `outside` or by `among`"),
    }
}

fn audit(node: &Node, source: &mut Source<'_>) -> Option<Vec<AuditFact>> {
    if node.as_str() == Some("full") {
        return Some(AuditFact::ALL.iter().map(|(fact, _)| *fact).collect());
    }
    let mut facts = Vec::new();
    for said in source.texts(node, "`audit`") {
        match AuditFact::ALL.iter().find(|(_, name)| *name == said.text) {
            Some((fact, _)) => facts.push(*fact),
            None => {
                let names = AuditFact::ALL.iter().map(|(_, name)| *name);
                let hint = near(&said.text, names.clone().chain(["full"])).map_or_else(
                    || format!("audit is `full`, or of {}", names.collect::<Vec<_>>().join(", ")),
                    |one| format!("did you mean `{one}`?"),
                );
                source.error("P003", said.line, format!("`{}` is no fact of an audit", said.text), Some(hint));
                return None;
            }
        }
    }
    facts.sort_unstable();
    facts.dedup();
    some(facts)
}

fn exit(node: &Node, source: &mut Source<'_>) -> Option<u32> {
    match &node.value {
        Value::Scalar(scalar) if scalar.text == "tested" => Some(EXIT_TEST_DAYS),
        Value::Map(_) => {
            source.keys(node, &["tested_within"], "`exit`");
            match node.get("tested_within") {
                Some(days) => source.days(days, "`tested_within`"),
                None => wrong(node, source, "`exit` does not say `tested_within`"),
            }
        }
        _ => wrong(node, source, "`exit` is `tested`, or `{tested_within: 180d}`"),
    }
}

fn at_most(node: &Node, source: &mut Source<'_>) -> Option<Requirement> {
    if !source.keys(node, &["share", "of"], "`at_most`") {
        return None;
    }
    let share = node.get("share").and_then(Node::as_str).unwrap_or_default();
    let Some(percent) = share.strip_suffix('%').and_then(|text| text.trim().parse().ok()).filter(|share| *share <= 100)
    else {
        return wrong(node, source, "`share` is a percentage, such as 50%");
    };
    let of = match node.str_at(&["of"]) {
        Some("provider") => Share::Provider,
        Some("jurisdiction") => Share::Jurisdiction,
        _ => return wrong(node, source, "`of` is `provider` or `jurisdiction`"),
    };
    Some(Requirement::AtMost { percent, of })
}

fn only_for(node: &Node, source: &mut Source<'_>) -> Option<OnlyFor> {
    if !source.keys(node, &["workloads", "data", "environments"], "`only_for`") {
        return None;
    }
    let mut texts = |key: &str| node.get(key).map(|node| source.texts(node, &format!("`{key}`"))).unwrap_or_default();
    let only = OnlyFor { workloads: texts("workloads"), data: texts("data"), environments: texts("environments") };
    if only == OnlyFor::default() {
        return wrong(node, source, "`only_for` names nothing that is allowed");
    }
    Some(only)
}

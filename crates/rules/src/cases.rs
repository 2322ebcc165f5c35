//! Cases of a rule set: a component is given, a verdict is expected. For people who change rules.

use crate::cedar::{Broken, Compiled, Decider, Gate};
use crate::rule::{AuditFact, RuleSet, Severity};
use crate::source::{Said, Source};
use crate::subject::{Set, Subject, UNKNOWN};
use allod_facts::{Diagnostic, Layer};
use allod_readers::node::Node;
use allod_register::Register;
use allod_stack::Power;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub name: String,
    pub subject: Subject,
    pub expect: Expect,
    /// The rules that have to be broken, all of them and no other; `None` when the case does not say.
    pub rules: Option<BTreeSet<String>>,
    pub path: Arc<str>,
    pub line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Allow,
    /// Allowed, with a warning.
    Warn,
    Deny,
}

impl Expect {
    pub fn name(self) -> &'static str {
        match self {
            Expect::Allow => "allow",
            Expect::Warn => "warn",
            Expect::Deny => "deny",
        }
    }
}

/// What came out of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub name: String,
    pub expected: Expect,
    pub got: Expect,
    /// Rules that were broken.
    pub broken: BTreeSet<String>,
    /// Rules that had to be broken and were not, and those that were and had not to be.
    pub differs: BTreeSet<String>,
    pub path: Arc<str>,
    pub line: u32,
}

impl Outcome {
    pub fn passes(&self) -> bool {
        self.expected == self.got && self.differs.is_empty()
    }
}

const KEYS: [&str; 24] = [
    "provider",
    "in",
    "layer",
    "kind",
    "name",
    "role",
    "ours",
    "data",
    "environments",
    "workloads",
    "tiers",
    "labels",
    "namespace",
    "address",
    "keys",
    "audit",
    "exit_tested_days",
    "powers",
    "over",
    "placed",
    "described",
    "at_rest",
    "controlled_from",
    "parties",
];

/// Reads a file of cases (`*.test.yaml`).
pub fn parse_cases(path: &str, text: &str, register: &Register) -> (Vec<Case>, Vec<Diagnostic>) {
    let (mut cases, mut diagnostics) = (Vec::new(), Vec::new());
    let mut source = Source { path: Arc::from(path), diagnostics: &mut diagnostics };
    if let Some(root) = source.document(text) {
        source.version(&root);
        source.keys(&root, &["version", "cases"], "a file of cases");
        for node in root.get("cases").map(Node::items).unwrap_or_default() {
            cases.extend(case(node, register, &mut source));
        }
    }
    (cases, diagnostics)
}

fn case(node: &Node, register: &Register, source: &mut Source<'_>) -> Option<Case> {
    source.keys(node, &["name", "component", "expect", "rules"], "a case");
    let name = node.get("name").map(|node| source.text(node, "`name`"))?.map(|said| said.text)?;
    let expect = match node.str_at(&["expect"]) {
        Some("allow") => Expect::Allow,
        Some("warn") => Expect::Warn,
        Some("deny") => Expect::Deny,
        _ => {
            source.error("P001", node.line, format!("case `{name}` does not expect allow, warn or deny"), None);
            return None;
        }
    };
    let Some(component) = node.get("component") else {
        source.error("P001", node.line, format!("case `{name}` has no component"), None);
        return None;
    };
    let rules = node.get("rules").map(|node| source.texts(node, "`rules`").into_iter().map(|said| said.text).collect());
    let subject = subject(&name, component, register, source);
    Some(Case { name, subject, expect, rules, path: source.path.clone(), line: node.line })
}

/// A component as a case gives it: a provider of the register brings its parties, countries and powers with it.
fn subject(name: &str, node: &Node, register: &Register, source: &mut Source<'_>) -> Subject {
    source.keys(node, &KEYS, "a component");
    let mut texts = |key: &str| -> Set {
        let said = node.get(key).map(|node| source.texts(node, &format!("`{key}`"))).unwrap_or_default();
        sorted(said.into_iter().map(|said| Arc::from(said.text)).collect())
    };
    let (data, environments, workloads) = (texts("data"), texts("environments"), texts("workloads"));
    let (tiers, labels, mut countries) = (texts("tiers"), texts("labels"), texts("in"));
    let (mut controlled_from, mut parties) = (texts("controlled_from"), texts("parties"));
    // A share is of everything together: a case says itself of which rules the share is too large.
    let over = texts("over");
    let audit = if node.str_at(&["audit"]) == Some("full") {
        AuditFact::ALL.iter().map(|(_, name)| Arc::from(*name)).collect()
    } else {
        texts("audit")
    };
    let text = |key: &str| node.str_at(&[key]).unwrap_or_default().to_owned();
    let provider = node.get("provider").and_then(|node| source.text(node, "`provider`"));
    let service = provider.as_ref().and_then(|said| find(said, register, source));
    let operator = service.and_then(|service| register.entity(service.operator.as_ref()?));
    if let Some(service) = service {
        parties.push(Arc::from(service.id.as_str()));
    }
    for holder in operator.map(|entity| register.chain(entity)).unwrap_or_default() {
        parties.push(Arc::from(holder.entity.id.as_str()));
        controlled_from.push(Arc::from(holder.entity.country.as_ref().map_or(UNKNOWN, |country| country.code())));
    }
    let flag = |key: &str, default: bool| node.get(key).and_then(Node::as_bool).unwrap_or(default);
    let provided = provider.is_some() || !controlled_from.is_empty();
    let ours = flag("ours", !provided);
    if !ours && controlled_from.is_empty() {
        controlled_from.push(Arc::from(UNKNOWN));
    }
    if countries.is_empty() {
        countries.push(Arc::from(UNKNOWN));
    }
    let layer =
        node.get("layer").map_or(Some(Layer::Application), |node| Layer::from_name(node.as_str().unwrap_or_default()));
    if layer.is_none() {
        source.error("P003", node.line, format!("case `{name}` has a layer that there is not"), None);
    }
    let layer = layer.map_or("application", Layer::name);
    let (controlled_from, parties) = (sorted(controlled_from), sorted(parties));
    let mut tags = power_tags(node.get("powers"), &data, (!ours).then_some((&controlled_from, &parties)), source);
    for rule in over {
        tags.insert(Subject::over_tag(&rule), parties.iter().chain(&controlled_from).take(1).cloned().collect());
    }
    Subject {
        id: Arc::from(name),
        name: if text("name").is_empty() { name.to_owned() } else { text("name") },
        kind: Arc::from(text("kind")),
        layer,
        role: match node.str_at(&["role"]) {
            Some("artefact") => "artefact",
            Some("own") => "own",
            Some("provided") => "provided",
            _ if ours => "own",
            _ => "provided",
        },
        ours,
        hint: false,
        placed: flag("placed", true),
        described: flag("described", true),
        at_rest: flag("at_rest", !ours && matches!(layer, "storage" | "database")),
        data,
        environments,
        workloads,
        tiers,
        labels,
        namespace: text("namespace"),
        address: text("address"),
        service: service.map(|service| service.id.to_string()).unwrap_or_default(),
        parties,
        controlled_from,
        countries,
        keys: if node.str_at(&["keys"]) == Some("ours") { "ours" } else { UNKNOWN },
        audit,
        exit_tested_days: text("exit_tested_days").parse().unwrap_or(-1),
        tags,
    }
}

fn find<'r>(said: &Said, register: &'r Register, source: &mut Source<'_>) -> Option<&'r allod_register::Service> {
    let service = register.service(&said.text);
    if service.is_none() {
        let hint = Some("`allod register list` lists services".to_owned());
        source.error("P003", said.line, format!("the register has no service `{}`", said.text), hint);
    }
    service
}

/// Who holds which power: who provides a component holds all three; a case adds others.
fn power_tags(
    node: Option<&Node>,
    data: &Set,
    provider: Option<(&Set, &Set)>,
    source: &mut Source<'_>,
) -> BTreeMap<String, Set> {
    if let Some(node) = node {
        source.keys(node, &["read", "stop", "stop_later", "change"], "`powers`");
    }
    let mut of = |key: &str| -> Set {
        let said =
            node.and_then(|node| node.get(key)).map(|node| source.texts(node, "who holds a power")).unwrap_or_default();
        said.into_iter().map(|said| Arc::from(said.text)).collect()
    };
    let (read, stop, later, change) = (of("read"), of("stop"), of("stop_later"), of("change"));
    let mut tags = BTreeMap::new();
    let mut add = |power: Power, ever: bool, class: Option<&str>, more: &[&Set]| {
        let (mut from, mut by): (Set, Set) = provider.map(|(from, by)| (from.clone(), by.clone())).unwrap_or_default();
        for one in more.iter().flat_map(|set| set.iter()) {
            let is_place = one.len() == 2 && one.chars().all(|letter| letter.is_ascii_uppercase());
            if is_place || **one == *UNKNOWN {
                from.push(one.clone());
            }
            if !is_place {
                by.push(one.clone());
            }
        }
        tags.insert(Subject::power_tag(power, ever, false, class), sorted(from));
        tags.insert(Subject::power_tag(power, ever, true, class), sorted(by));
    };
    add(Power::Read, false, None, &[&read]);
    for class in data {
        add(Power::Read, false, Some(class), &[&read]);
    }
    add(Power::Stop, false, None, &[&stop]);
    add(Power::Stop, true, None, &[&stop, &later]);
    add(Power::Change, false, None, &[&change]);
    tags
}

fn sorted(mut set: Set) -> Set {
    set.sort_unstable();
    set.dedup();
    set
}

/// Asks the rules about each case.
pub fn run_cases(cases: &[Case], compiled: &Compiled) -> Vec<Outcome> {
    let Some(mut decider) = Decider::new(compiled, Gate::Repository) else { return Vec::new() };
    let each = cases.iter().map(|case| {
        let mut subject = case.subject.clone();
        for policy in &compiled.policies {
            subject.tags.entry(Subject::over_tag(&policy.rule)).or_default();
        }
        let decision = decider.decide(&subject);
        let mut broken = BTreeSet::new();
        let mut warns = false;
        for one in &decision.broken {
            match one {
                Broken::Policy { at, severity } => {
                    broken.extend(compiled.policies.get(*at).map(|policy| policy.rule.clone()));
                    warns |= *severity == Severity::Warn;
                }
                Broken::NotPermitted => drop(broken.insert("default".to_owned())),
                Broken::Undecided(_) => drop(broken.insert("undecided".to_owned())),
            }
        }
        let got = match (decision.allowed, warns) {
            (false, _) => Expect::Deny,
            (true, true) => Expect::Warn,
            (true, false) => Expect::Allow,
        };
        let differs = case.rules.as_ref().map(|rules| rules.symmetric_difference(&broken).cloned().collect());
        Outcome {
            name: case.name.clone(),
            expected: case.expect,
            got,
            broken,
            differs: differs.unwrap_or_default(),
            path: case.path.clone(),
            line: case.line,
        }
    });
    each.collect()
}

/// Rules that no case breaks: nothing shows that they do what they are meant to do.
pub fn never_broken<'s>(rules: &'s RuleSet, outcomes: &[Outcome]) -> Vec<&'s str> {
    let ids = rules.rules.iter().map(|rule| rule.id.as_str());
    ids.filter(|id| !outcomes.iter().any(|outcome| outcome.broken.contains(*id))).collect()
}

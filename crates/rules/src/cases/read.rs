use super::{Case, Expect};
use crate::rule::AuditFact;
use crate::source::{Said, Source, near};
use crate::subject::{Set, Subject, UNKNOWN};
use allod_facts::{Country, Diagnostic, Layer};
use allod_readers::node::Node;
use allod_register::{Register, Service};
use allod_stack::Power;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    if !source.keys(node, &["name", "component", "expect", "rules"], "a case") {
        return None;
    }
    let Some(name) = node.get("name") else {
        source.error("P001", node.line, "a case has no name".to_owned(), None);
        return None;
    };
    let name = source.text(name, "`name`")?.text;
    let expect = node.get("expect");
    let expect = match expect.and_then(Node::as_str) {
        Some("allow") => Expect::Allow,
        Some("warn") => Expect::Warn,
        Some("deny") => Expect::Deny,
        _ => {
            let line = expect.unwrap_or(node).line;
            source.error("P001", line, format!("case `{name}` does not expect allow, warn or deny"), None);
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
    let mut given = Given { node, source };
    let (data, environments, workloads) = (given.texts("data"), given.texts("environments"), given.texts("workloads"));
    let (tiers, labels, mut countries) = (given.texts("tiers"), given.labels(), given.countries("in"));
    let (mut controlled_from, mut parties) = (given.countries("controlled_from"), given.texts("parties"));
    let (over, audit) = (given.texts("over"), given.audit());
    let (kind, called, namespace, address) =
        (given.text("kind"), given.text("name"), given.text("namespace"), given.text("address"));
    let layer = given.layer();
    let role = given.word("role", &["own", "provided", "artefact"]);
    let keys = given.word("keys", &["ours", UNKNOWN]).unwrap_or(UNKNOWN);
    let (placed, described) = (given.flag("placed").unwrap_or(true), given.flag("described").unwrap_or(true));
    let (said_ours, at_rest) = (given.flag("ours"), given.flag("at_rest"));
    let exit_tested_days = given.days("exit_tested_days");
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
    let provided = provider.is_some() || !controlled_from.is_empty();
    let ours = said_ours.unwrap_or(!provided);
    if !ours && controlled_from.is_empty() {
        controlled_from.push(Arc::from(UNKNOWN));
    }
    if countries.is_empty() {
        countries.push(Arc::from(UNKNOWN));
    }
    let (controlled_from, parties) = (sorted(controlled_from), sorted(parties));
    let mut tags = power_tags(node.get("powers"), &data, (!ours).then_some((&controlled_from, &parties)), source);
    // A share is of everything together: a case says itself of which rules the share is too large.
    for rule in over {
        tags.insert(Subject::over_tag(&rule), parties.iter().chain(&controlled_from).take(1).cloned().collect());
    }
    Subject {
        id: Arc::from(name),
        name: if called.is_empty() { name.to_owned() } else { called },
        kind: Arc::from(kind),
        layer,
        role: role.unwrap_or(if ours { "own" } else { "provided" }),
        ours,
        hint: false,
        placed,
        described,
        at_rest: at_rest.unwrap_or(!ours && matches!(layer, "storage" | "database")),
        data,
        environments,
        workloads,
        tiers,
        labels,
        namespace,
        address,
        service: service.map(|service| service.id.to_string()).unwrap_or_default(),
        parties,
        controlled_from,
        countries,
        keys,
        audit,
        exit_tested_days,
        tags,
    }
}

/// The values of a component. One that is no value of its key is told: the case would be about something else.
struct Given<'n, 's, 'd> {
    node: &'n Node,
    source: &'s mut Source<'d>,
}

impl Given<'_, '_, '_> {
    fn said(&mut self, key: &str) -> Vec<Said> {
        self.node.get(key).map(|node| self.source.texts(node, &format!("`{key}`"))).unwrap_or_default()
    }

    fn texts(&mut self, key: &str) -> Set {
        sorted(self.said(key).into_iter().map(|said| Arc::from(said.text)).collect())
    }

    fn text(&mut self, key: &str) -> String {
        let said = self.node.get(key).and_then(|node| self.source.text(node, &format!("`{key}`")));
        said.map(|said| said.text).unwrap_or_default()
    }

    /// `key` and `key=value`, as a component has them.
    fn labels(&mut self) -> Set {
        let said = self.said("labels");
        let keys = said.iter().filter_map(|said| said.text.split_once('=')).map(|(key, _)| Arc::from(key));
        sorted(keys.chain(said.iter().map(|said| Arc::from(said.text.as_str()))).collect())
    }

    /// Country codes, and `unknown`.
    fn countries(&mut self, key: &str) -> Set {
        let said = self.said(key);
        for one in &said {
            let is_known = one.text == UNKNOWN || Country::new(&one.text).is_some_and(|one| one.is_assigned());
            if !is_known {
                let hint = Some(format!("use ISO country codes, or {UNKNOWN}"));
                self.source.error("P003", one.line, format!("`{}` is no country code", one.text), hint);
            }
        }
        let code = |said: Said| Country::new(&said.text).map_or(Arc::from(said.text), |one| Arc::from(one.code()));
        sorted(said.into_iter().map(code).collect())
    }

    fn audit(&mut self) -> Set {
        let names = AuditFact::ALL.iter().map(|(_, name)| *name);
        if self.node.str_at(&["audit"]) == Some("full") {
            return sorted(names.map(Arc::from).collect());
        }
        let said = self.said("audit");
        for one in said.iter().filter(|one| !names.clone().any(|name| name == one.text)) {
            let hint = Some(format!("use full, or of {}", names.clone().collect::<Vec<_>>().join(", ")));
            self.source.error("P003", one.line, format!("`{}` is no fact of an audit", one.text), hint);
        }
        sorted(said.into_iter().map(|said| Arc::from(said.text)).collect())
    }

    fn layer(&mut self) -> &'static str {
        let Some(node) = self.node.get("layer") else { return Layer::Application.name() };
        let layer = node.as_str().and_then(Layer::from_name);
        if layer.is_none() {
            let name = node.as_str().unwrap_or_default();
            let hint = near(name, Layer::ALL.iter().map(|(_, name)| *name)).map(|one| format!("did you mean `{one}`?"));
            self.source.error("P003", node.line, format!("there is no layer `{name}`"), hint);
        }
        layer.unwrap_or(Layer::Application).name()
    }

    fn word(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let node = self.node.get(key)?;
        let word = words.iter().find(|word| node.as_str() == Some(word)).copied();
        if word.is_none() {
            self.source.error("P001", node.line, format!("`{key}` can be {}", words.join(", ")), None);
        }
        word
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        let node = self.node.get(key)?;
        let flag = node.as_bool();
        if flag.is_none() {
            self.source.error("P001", node.line, format!("`{key}` is neither true nor false"), None);
        }
        flag
    }

    /// -1 where nothing is said.
    fn days(&mut self, key: &str) -> i64 {
        let Some(node) = self.node.get(key) else { return -1 };
        let days = node.as_str().and_then(|text| text.parse::<u32>().ok());
        if days.is_none() {
            self.source.error("P001", node.line, format!("`{key}` is no number of days"), None);
        }
        days.map_or(-1, i64::from)
    }
}

fn find<'r>(said: &Said, register: &'r Register, source: &mut Source<'_>) -> Option<&'r Service> {
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

use super::{CedarFile, Exception, Rule, RuleSet, Severity, Tier, must, select};
use crate::organisation::date;
use crate::pattern::Pattern;
use crate::source::Source;
use allod_facts::Diagnostic;
use allod_readers::node::Node;
use allod_stack::Home;
use std::sync::Arc;

impl RuleSet {
    /// Reads rule files: paths and texts; those that end in `.cedar` are policies. `home` is what rules call so. With
    /// an error among the diagnostics nothing must be decided by the result.
    pub fn parse(files: &[(String, String)], home: &Home) -> (RuleSet, Vec<Diagnostic>) {
        let (mut set, mut diagnostics) = (RuleSet::default(), Vec::new());
        for (path, text) in files {
            let path: Arc<str> = Arc::from(path.as_str());
            if path.ends_with(".cedar") {
                set.cedar.push(CedarFile { path, text: text.clone() });
                continue;
            }
            let mut source = Source { path, diagnostics: &mut diagnostics };
            if let Some(root) = source.document(text) {
                set.read(&root, home, &mut source);
            }
        }
        (set, diagnostics)
    }

    fn read(&mut self, root: &Node, home: &Home, source: &mut Source<'_>) {
        source.version(root);
        source.keys(root, &["version", "default", "tiers", "rules", "exceptions"], "a rule file");
        match root.entry("default").map(|(_, value)| (value.as_str(), value.line)) {
            None | Some((Some("allow"), _)) => {}
            Some((Some("deny"), _)) => self.default_deny = true,
            Some((_, line)) => source.error("P001", line, "`default` is `allow` or `deny`".to_owned(), None),
        }
        if let Some(node) = root.get("rules") {
            for (id, key, body) in source.map(node, "`rules`") {
                self.read_rule(id, key.line, body, home, source);
            }
        }
        if let Some(node) = root.get("tiers") {
            for (name, key, body) in source.map(node, "`tiers`") {
                self.read_tier(name, key.line, body, source);
            }
        }
        for node in root.get("exceptions").map(Node::items).unwrap_or_default() {
            self.exceptions.extend(exception(node, source));
        }
    }

    fn read_rule(&mut self, id: &str, line: u32, body: &Node, home: &Home, source: &mut Source<'_>) {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if id.is_empty() || !id.chars().all(plain) {
            let hint = Some("letters, digits, `-`, `_` and `.`".to_owned());
            source.error("P001", line, format!("`{id}` is no name for a rule"), hint);
        }
        if let Some(other) = self.rules.iter().find(|other| other.id == id) {
            let message = format!("a rule `{id}` is already in {}:{}", other.path, other.line);
            source.error("P009", line, message, None);
            return;
        }
        let mut known = vec!["why", "severity", "except", "must", "only_for"];
        known.extend(select::names());
        if !source.keys(body, &known, &format!("rule `{id}`")) {
            return;
        }
        let severity = match body.entry("severity").map(|(_, value)| (value.as_str(), value.line)) {
            None | Some((Some("deny"), _)) => Severity::Deny,
            Some((Some("warn"), _)) => Severity::Warn,
            Some((_, line)) => {
                source.error("P001", line, "`severity` is `deny` or `warn`".to_owned(), None);
                Severity::Deny
            }
        };
        let mut musts = Vec::new();
        if let Some(node) = body.get("must") {
            source.keys(node, &must::NAMES, "`must`");
            for (name, key, value) in node.entries().filter(|(name, ..)| must::NAMES.contains(name)) {
                musts.extend(must::read(name, value, home, source).map(|must| super::Must { line: key.line, ..must }));
            }
        }
        if let Some((key, value)) = body.entry("only_for") {
            musts
                .extend(must::read("only_for", value, home, source).map(|must| super::Must { line: key.line, ..must }));
        }
        if musts.is_empty() && body.get("must").is_none_or(|node| node.as_map().is_none_or(<[_]>::is_empty)) {
            let hint = Some(format!("under `must`, use {}", must::NAMES.join(", ")));
            source.error("P001", line, format!("rule `{id}` asks for nothing"), hint);
        }
        let except = body.get("except").map(|node| {
            source.keys(node, &select::names(), "`except`");
            select::read(node, source)
        });
        self.rules.push(Rule {
            id: id.to_owned(),
            why: body.get("why").and_then(|node| source.text(node, "`why`")).map(|said| said.text),
            severity,
            select: select::read(body, source),
            except: except.unwrap_or_default(),
            must: musts,
            path: source.path.clone(),
            line,
        });
    }

    fn read_tier(&mut self, name: &str, line: u32, body: &Node, source: &mut Source<'_>) {
        if let Some(other) = self.tiers.get(name) {
            let message = format!("a tier `{name}` is already in {}:{}", other.path, other.line);
            source.error("P009", line, message, None);
            return;
        }
        source.own_name(name, line);
        source.keys(body, &["use", "extends"], "a tier");
        let uses = body.get("use").map(|node| source.texts(node, "`use`")).unwrap_or_default();
        let extends = body.get("extends").map(|node| source.texts(node, "`extends`")).unwrap_or_default();
        self.tiers.insert(name.to_owned(), Tier { uses, extends, path: source.path.clone(), line });
    }
}

/// Every key of an exception is needed: one that nobody answers for, or that never ends, is no exception.
fn exception(node: &Node, source: &mut Source<'_>) -> Option<Exception> {
    const KEYS: [&str; 5] = ["rule", "component", "until", "by", "why"];
    if !source.keys(node, &KEYS, "an exception") {
        return None;
    }
    let missing: Vec<&str> = KEYS.into_iter().filter(|key| node.get(key).is_none()).collect();
    if !missing.is_empty() {
        source.error("P001", node.line, format!("an exception does not say {}", missing.join(", ")), None);
        return None;
    }
    let mut text = |key: &str| source.text(node.get(key)?, &format!("`{key}`"));
    let (rule, component, by, why) = (text("rule"), text("component"), text("by"), text("why"));
    let until = date(node.get("until")?, source)?;
    Some(Exception {
        rule: rule?,
        component: Pattern::of_names(&component?.text),
        until,
        by: by?.text,
        why: why?.text,
        path: source.path.clone(),
        line: node.line,
    })
}

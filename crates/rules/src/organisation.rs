//! `allod.yaml`: what the organisation is, its words for data, environments and workloads, and where they apply.

mod apply;
pub(crate) mod place;
mod statement;

use crate::date::Date;
use crate::source::{Said, Source};
use allod_facts::Diagnostic;
use allod_readers::node::Node;
use allod_stack::Home;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use place::Where;
pub use statement::{Says, Statement};

#[cfg(test)]
mod tests;

/// The organisation as its own file describes it. Everything in it is the user's own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Organisation {
    pub name: Option<String>,
    /// `None`: the file does not say.
    pub home: Option<Home>,
    pub data: BTreeMap<String, DataClass>,
    pub environments: BTreeMap<String, Environment>,
    pub workloads: BTreeMap<String, Workload>,
    pub states: Vec<Statement>,
    pub path: Arc<str>,
    /// What is looked at, as a path from the folder of the file; empty for that folder itself.
    pub base: String,
}

/// Data of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataClass {
    /// What kind of data it is, in words of the organisation or of the law (`personal`, `health`).
    pub is: Vec<String>,
    pub on: Vec<Where>,
    pub line: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    pub on: Vec<Where>,
    pub line: u32,
}

/// Something that the organisation runs for a purpose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    pub on: Vec<Where>,
    pub tier: Option<Said>,
    pub exit: Option<Exit>,
    pub line: u32,
}

/// What was last done to be able to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// When moving the workload was last tried.
    pub tested: Date,
    pub line: u32,
}

const PLACES: [&str; 6] = ["path", "address", "namespace", "label", "component", "kind"];

impl Organisation {
    /// Reads the file. With an error among the diagnostics the result must not be decided by.
    pub fn parse(path: &str, text: &str) -> (Organisation, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut source = Source { path: Arc::from(path), diagnostics: &mut diagnostics };
        let mut organisation = Organisation { path: source.path.clone(), ..Organisation::default() };
        if let Some(root) = source.document(text) {
            organisation.read(&root, &mut source);
        }
        (organisation, diagnostics)
    }

    fn read(&mut self, root: &Node, source: &mut Source<'_>) {
        source.version(root);
        let known = ["version", "organisation", "home", "data", "environments", "workloads", "states"];
        source.keys(root, &known, "allod.yaml");
        self.name = root.get("organisation").and_then(|node| source.text(node, "organisation")).map(|name| name.text);
        self.home = root.get("home").and_then(|node| home(node, source));
        for (name, key, node) in section(root, "data", source) {
            source.keys(node, &with_places(&["is"]), "a data class");
            let is = node.get("is").map(|node| source.texts(node, "`is`")).unwrap_or_default();
            let is = is.into_iter().map(|said| said.text).collect();
            self.data.insert(name, DataClass { is, on: Where::read_all(node, source), line: key });
        }
        for (name, key, node) in section(root, "environments", source) {
            source.keys(node, &with_places(&[]), "an environment");
            self.environments.insert(name, Environment { on: Where::read_all(node, source), line: key });
        }
        for (name, key, node) in section(root, "workloads", source) {
            source.keys(node, &with_places(&["tier", "exit"]), "a workload");
            let tier = node.get("tier").and_then(|node| source.text(node, "`tier`"));
            let exit = node.get("exit").and_then(|node| exit(node, source));
            self.workloads.insert(name, Workload { on: Where::read_all(node, source), tier, exit, line: key });
        }
        if let Some(node) = root.get("states") {
            self.states = node.items().iter().filter_map(|node| Statement::read(node, source)).collect();
        }
    }
}

fn with_places<'k>(own: &[&'k str]) -> Vec<&'k str> {
    own.iter().copied().chain(["on"]).chain(PLACES).collect()
}

/// Entries of one section; the attributes of a component are rows of bits.
const MAX_ENTRIES: usize = crate::subject::MAX_WORDS;

/// The entries of a section: name, line and body.
fn section<'n>(root: &'n Node, name: &str, source: &mut Source<'_>) -> Vec<(String, u32, &'n Node)> {
    let Some(node) = root.get(name) else { return Vec::new() };
    let entries = source.map(node, &format!("`{name}`"));
    if entries.len() > MAX_ENTRIES {
        source.error("P001", node.line, format!("`{name}` has more than {MAX_ENTRIES} entries"), None);
    }
    for (name, key, _) in &entries {
        source.own_name(name, key.line);
    }
    entries.into_iter().map(|(name, key, node)| (name.to_owned(), key.line, node)).collect()
}

pub(crate) fn home(node: &Node, source: &mut Source<'_>) -> Option<Home> {
    let names: Vec<String> = source.texts(node, "`home`").into_iter().map(|said| said.text).collect();
    match Home::new(&names) {
        Ok(home) => Some(home).filter(|_| !names.is_empty()),
        Err(unknown) => {
            let hint = Some("use EU, EEA or ISO country codes".to_owned());
            source.error("P003", node.line, format!("`{}` is no jurisdiction", unknown.0), hint);
            None
        }
    }
}

fn exit(node: &Node, source: &mut Source<'_>) -> Option<Exit> {
    if !source.keys(node, &["tested"], "`exit`") {
        return None;
    }
    let Some(tested) = node.get("tested") else {
        source.error("P001", node.line, "`exit` does not say when it was `tested`".to_owned(), None);
        return None;
    };
    date(tested, source).map(|date| Exit { tested: date, line: tested.line })
}

pub(crate) fn date(node: &Node, source: &mut Source<'_>) -> Option<Date> {
    let date = node.as_str().and_then(Date::parse);
    if date.is_none() {
        let text = node.as_str().unwrap_or_default();
        source.error("P004", node.line, format!("`{text}` is no date"), Some("write it as 2027-03-31".to_owned()));
    }
    date
}

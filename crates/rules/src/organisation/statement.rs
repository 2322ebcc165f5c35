use crate::pattern::Pattern;
use crate::source::{Said, Source};
use allod_facts::Country;
use allod_readers::node::Node;

/// Something that no file shows and the organisation states itself: its own line is the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub component: Pattern,
    pub says: Says,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// It runs on (or is stored in) another component, by id or name.
    RunsOn(Said),
    /// A service of the register provides it.
    ProvidedBy(Said),
    LocatedIn(Country),
    /// The organisation runs it itself.
    RunByUs,
    /// What is kept in it is encrypted with keys that the organisation holds.
    OwnKeys,
}

impl Statement {
    pub(crate) fn read(node: &Node, source: &mut Source<'_>) -> Option<Statement> {
        if !source.keys(
            node,
            &["component", "runs_on", "provided_by", "located_in", "run_by", "keys", "why"],
            "a statement",
        ) {
            return None;
        }
        let component = source.text(node.get("component").unwrap_or(node), "`component` of a statement")?;
        let pattern = Pattern::of_names(&component.text);
        let mut says = Vec::new();
        if let Some(node) = node.get("runs_on") {
            says.extend(source.text(node, "`runs_on`").map(Says::RunsOn));
        }
        if let Some(node) = node.get("provided_by") {
            says.extend(source.text(node, "`provided_by`").map(Says::ProvidedBy));
        }
        if let Some(node) = node.get("located_in") {
            let said = source.text(node, "`located_in`")?;
            match Country::new(&said.text).filter(Country::is_assigned) {
                Some(country) => says.push(Says::LocatedIn(country)),
                None => source.error("P003", said.line, format!("`{}` is no country code", said.text), None),
            }
        }
        if let Some(node) = node.get("run_by") {
            if node.as_str() == Some("us") {
                says.push(Says::RunByUs);
            } else {
                let hint = Some("for a service of the register: provided_by".to_owned());
                source.error("P001", node.line, "`run_by` can be `us`".to_owned(), hint);
            }
        }
        if let Some(node) = node.get("keys") {
            if node.as_str() == Some("ours") {
                says.push(Says::OwnKeys);
            } else {
                source.error("P001", node.line, "`keys` can be `ours`".to_owned(), None);
            }
        }
        match (says.pop(), says.is_empty()) {
            (Some(says), true) => Some(Statement { component: pattern, says, line: component.line }),
            _ => {
                let hint = Some("one of runs_on, provided_by, located_in, run_by, keys".to_owned());
                source.error("P001", node.line, "a statement says one thing".to_owned(), hint);
                None
            }
        }
    }
}

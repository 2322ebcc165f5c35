use super::*;
use crate::limits::MAX_DEPTH;
use allod_facts::{Component, Evidence};
use std::fmt::Write as _;

mod evaluation;
mod hostile;
mod recording;
mod terragrunt;
mod trees;

fn read_tree(files: &[(&str, &str)]) -> Facts {
    let mut all = Files::new();
    for (path, text) in files {
        all.insert(path, text.as_bytes());
    }
    let mine: Vec<&str> = files.iter().map(|(path, _)| *path).filter(|path| is_mine(path)).collect();
    read(&all, &mine)
}

fn is_mine(path: &str) -> bool {
    [".tf", ".tofu", ".tfvars", ".tf.json", ".tfvars.json", ".hcl"].iter().any(|end| path.ends_with(end))
}

/// All facts as text, one line each.
fn shown(facts: &Facts) -> String {
    let mut out = String::new();
    let place = |seen: &Evidence| match seen.line == seen.end_line {
        true => format!("{}:{}", seen.path, seen.line),
        false => format!("{}:{}-{}", seen.path, seen.line, seen.end_line),
    };
    let id = |at: u32| facts.components[at as usize].id.to_string();
    for component in &facts.components {
        let Component { id, kind, layer, role, confidence, .. } = &**component;
        write!(out, "{id}  {kind} {layer:?} {role:?} {confidence:?}").unwrap();
        if let Some(region) = component.place.as_ref().and_then(|place| place.region.as_deref()) {
            write!(out, " in {region}").unwrap();
        }
        if let Some(environment) = &component.environment {
            write!(out, " env {environment}").unwrap();
        }
        if !component.data.is_empty() {
            write!(out, " data {:?}", component.data).unwrap();
        }
        let clues: Vec<String> = component.clues.iter().map(|clue| format!("{:?} {}", clue.kind, clue.text)).collect();
        let seen: Vec<String> = component.evidence.iter().map(place).collect();
        writeln!(out, "\n    [{}] {}", clues.join(", "), seen.join(" ")).unwrap();
    }
    for link in &facts.links {
        let mitigations: String = link.mitigations.iter().map(|m| format!(" {m:?}")).collect();
        let seen = place(&link.evidence[0]);
        writeln!(out, "{} {} {}{mitigations} @ {seen}", id(link.from), link.kind.name(), id(link.to)).unwrap();
    }
    for unresolved in &facts.unresolved {
        let about = unresolved.component.map_or(String::new(), |at| format!(" ({})", id(at)));
        writeln!(out, "{} {}{about} @ {}", unresolved.code, unresolved.message, place(&unresolved.evidence)).unwrap();
    }
    for found in &facts.diagnostics {
        writeln!(out, "{} {} @ {}:{}", found.code, found.message, found.path, found.line).unwrap();
    }
    out
}

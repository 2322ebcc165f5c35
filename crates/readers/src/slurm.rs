//! Slurm batch scripts: a job, the cluster that it runs on, and what it loads, fetches and talks to.
//!
//! A script is read as text with its quotes, continuations and simple variables; nothing is run, and a value that only
//! the shell could know stays unresolved.

mod clusters;
mod script;
mod uses;

use crate::files::{Files, name_of};
use crate::limits::MAX_SCRIPT_WORDS;
use crate::node::Broken;
use crate::{Read, Reader, Scope};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Role};
use script::Script;
use std::sync::Arc;

pub const READER: Reader =
    Reader { id: "slurm", about: "Slurm batch scripts", scope: Scope::File, read: Read::Loaded(read) };

/// Lines that are shown as evidence for one cluster.
const MAX_TRACES: usize = 10;

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        let shared = files.shared_path(path);
        match files.text(path) {
            Some(Ok(text)) => job(&mut facts, &shared, &script::parse(&text)),
            Some(Err(_)) => {
                let broken = Broken { code: "D002", message: "the file is not text".into(), line: 0 };
                facts.diagnostics.push(broken.diagnostic(&shared));
            }
            None => {
                let broken = Broken { code: "D001", message: "the file was not loaded".into(), line: 0 };
                facts.diagnostics.push(broken.diagnostic(&shared));
            }
        }
    }
    facts
}

/// The job itself is the organisation's own; the machine is somebody's.
fn job(facts: &mut Facts, path: &Arc<str>, script: &Script<'_>) {
    let (first, last) = script.header.unwrap_or((1, 1));
    let seen = Evidence { path: path.clone(), line: first, end_line: last, reader: READER.id };
    let name = script.directive("job-name").map(|(name, _)| name).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| name_of(path));
    let job = Component::new(&format!("slurm:{path}#"), name, "slurm-job", Layer::Application, Role::Own, seen);
    let job = facts.add(job);
    if let Some(line) = script.cut_at {
        let message = format!("more than {MAX_SCRIPT_WORDS} words");
        facts.diagnostics.push(Broken { code: "D006", message, line }.diagnostic(path));
    }
    cluster(facts, path, script, job);
    uses::read(facts, path, script, job);
}

fn cluster(facts: &mut Facts, path: &Arc<str>, script: &Script<'_>, job: ComponentRef) {
    let traces = clusters::traces(script, path);
    let seen = |line: u32| Evidence::line(path, line, READER.id);
    let Some(best) = traces.first().map(clusters::Trace::confidence) else {
        return unknown_cluster(facts, path, script, job);
    };
    let mut names: Vec<&str> = traces.iter().map(|trace| trace.cluster.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let of_this = traces.iter().filter(|trace| trace.cluster == name);
        let Some(line) = of_this.clone().map(|trace| trace.line).next() else { continue };
        let id = format!("hpc:{name}");
        let mut component = Component::new(&id, name, "hpc-cluster", Layer::Compute, Role::Provided, seen(line));
        // Slurm may be told any word; a trace of ours means the machine of that name.
        if !script.directive("clusters").is_some_and(|(told, _)| told.to_ascii_lowercase().contains(name)) {
            component.clues.push(Clue::new(ClueKind::Name, &format!("{name} supercomputer")));
        }
        component.clues.push(Clue::new(ClueKind::Name, name));
        component.confidence = best;
        for trace in of_this.take(MAX_TRACES) {
            if let Some(host) = &trace.host {
                let clue = Clue::new(ClueKind::Host, host);
                if !component.clues.contains(&clue) {
                    component.clues.push(clue);
                }
            }
            if !component.evidence.contains(&seen(trace.line)) {
                component.evidence.push(seen(trace.line));
            }
        }
        let cluster = facts.add(component);
        facts.link(job, LinkKind::RunsOn, cluster, seen(line));
    }
}

/// A job always runs on some machine: one that no file names stays in the graph as unknown.
fn unknown_cluster(facts: &mut Facts, path: &Arc<str>, script: &Script<'_>, job: ComponentRef) {
    let partition = script.directive("partition").filter(|(name, _)| !name.is_empty());
    let line = partition.map(|(_, line)| line).or(script.header.map(|(first, _)| first)).unwrap_or(1);
    let seen = Evidence::line(path, line, READER.id);
    let id = format!("slurm:{path}#cluster");
    let mut component =
        Component::new(&id, "unnamed cluster", "hpc-cluster", Layer::Compute, Role::Provided, seen.clone());
    // That it runs somewhere is no guess; only whose that is.
    component.confidence = Confidence::Medium;
    let cluster = facts.add(component);
    facts.link(job, LinkKind::RunsOn, cluster, seen.clone());
    let which = partition.map_or(String::new(), |(name, _)| format!(" (partition `{name}`)"));
    facts.unresolved("U007", format!("no file says on which cluster the job runs{which}"), Some(cluster), seen);
}

#[cfg(test)]
mod tests;

//! Kubernetes manifests: workloads with their images and destinations, names and certificates, secret stores, GitOps
//! sources, storage and the clouds behind them.
//!
//! All manifests of a tree are read together, because they refer to each other by name. Values of secrets are never
//! kept; templates are never run.

mod addresses;
mod certificates;
mod cloud;
mod gitops;
mod load;
mod models;
mod names;
mod object;
mod observe;
mod other;
mod recording;
mod scene;
mod secrets;
mod services;
mod settings;
mod sources;
mod storage;
#[cfg(test)]
pub(crate) mod tests;
mod workload;

use crate::files::Files;
use crate::node::{Node, Value, parse_json};
use crate::{Read, Reader, Scope};
use allod_facts::{ComponentRef, Diagnostic, Facts, Link, LinkKind};
use rustc_hash::FxHashMap;
use std::sync::Arc;

pub(crate) use addresses::{Address, addresses, hidden, known_suffix, leads_out, not_in_files, says_host};
pub(crate) use load::{load, not_text, parse_apart, shift};
pub(crate) use names::{HOSTNAME_ANNOTATION, carrier_words};
pub(crate) use object::Document;
pub(crate) use secrets::identity_words;
pub(crate) use services::balancer_words;
pub(crate) use sources::{Git, git_component};
pub(crate) use storage::named_class;
pub(crate) use workload::dns_clues;

pub const READER: Reader =
    Reader { id: "kubernetes", about: "Kubernetes manifests", scope: Scope::Tree, read: Read::Loaded(read) };

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let mut paths = mine.to_vec();
    paths.sort_unstable();
    let parsed: Vec<Arc<Parsed>> =
        paths.into_iter().filter_map(|path| files.parsed(path, |_, _| parsed(files, path))).collect();
    parsed.iter().for_each(|one| facts.absorb(one.facts.clone()));
    describe(parsed.iter().flat_map(|one| &one.documents), files, &mut facts);
    facts
}

/// The facts of one object as an API server holds it: JSON, complete, with no files beside it. `path` is what stands in
/// its evidence. No template engine is thought of, as for files: braces in a value are that value.
pub fn object(path: &str, json: &str) -> Facts {
    let mut facts = Facts::new();
    let path: Arc<str> = Arc::from(path);
    match parse_json(json) {
        Ok(node) => describe([&Document { path, reader: READER.id, node }], &Files::new(), &mut facts),
        Err(broken) => facts.diagnostics.push(broken.diagnostic(&path)),
    }
    facts
}

/// An object of a cluster, parsed.
#[derive(Debug)]
pub struct Live(Document);

impl Live {
    /// Takes what an API server sent. `path` is what stands in its evidence; an object has no lines.
    ///
    /// # Errors
    /// A diagnostic: it cannot be parsed.
    pub fn parse(path: &str, json: &str) -> Result<Live, Diagnostic> {
        let path: Arc<str> = Arc::from(path);
        match parse_json(json) {
            Ok(mut node) => {
                without_lines(&mut node);
                Ok(Live(Document { path, reader: READER.id, node }))
            }
            Err(broken) => Err(broken.diagnostic(&path)),
        }
    }
}

/// The tree comes from a parser with a depth limit.
fn without_lines(node: &mut Node) {
    (node.line, node.end_line) = (0, 0);
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(without_lines),
        Value::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            without_lines(key);
            without_lines(value);
        }),
        Value::Null | Value::Scalar(_) => {}
    }
}

/// The facts of all objects of a cluster, which refer to each other.
pub fn objects<'a>(live: impl IntoIterator<Item = &'a Live>) -> Facts {
    let mut facts = Facts::new();
    describe(live.into_iter().map(|one| &one.0), &Files::new(), &mut facts);
    facts
}

/// The documents of one file, with what is wrong with them.
struct Parsed {
    documents: Vec<Document>,
    facts: Facts,
}

fn parsed(files: &Files, path: &str) -> Parsed {
    let mut parsed = Parsed { documents: Vec::new(), facts: Facts::new() };
    load(files, path, READER.id, &mut parsed.facts, &mut parsed.documents);
    parsed
}

/// Adds what the documents say to the facts. Every object is seen before any reference is followed.
pub(crate) fn describe<'a>(documents: impl IntoIterator<Item = &'a Document>, files: &Files, facts: &mut Facts) {
    let objects = object::collect(documents, facts);
    let mut scene = scene::Scene::new(&objects, files, facts);
    for at in 0..objects.len() {
        workload::describe(&mut scene, at);
    }
    for (at, object) in objects.iter().enumerate() {
        describe_object(&mut scene, at, object);
    }
    workload::connect(&mut scene);
    gitops::connect(&mut scene);
    names::connect(&mut scene);
    storage::connect(&mut scene);
    scene.report_unknown_kinds();
    unite_links(facts);
}

/// One link for each pair and kind, with all that was seen of it.
fn unite_links(facts: &mut Facts) {
    let mut first: FxHashMap<(ComponentRef, LinkKind, ComponentRef), usize> = FxHashMap::default();
    let mut united: Vec<Link> = Vec::with_capacity(facts.links.len());
    for link in std::mem::take(&mut facts.links) {
        let known = *first.entry((link.from, link.kind, link.to)).or_insert(united.len());
        match united.get_mut(known) {
            None => united.push(link),
            // Only what both sightings have cuts a power.
            Some(known) => {
                known.mitigations.retain(|mitigation| link.mitigations.contains(mitigation));
                for seen in link.evidence {
                    if known.evidence.len() < MAX_LINK_EVIDENCE && !known.evidence.contains(&seen) {
                        known.evidence.push(seen);
                    }
                }
            }
        }
    }
    facts.links = united;
}

/// Lines that are shown for one link; more tell nothing new.
const MAX_LINK_EVIDENCE: usize = 16;

fn describe_object(scene: &mut scene::Scene<'_>, at: usize, object: &object::Object<'_>) {
    let known = observe::describe(scene, at, object)
        || gitops::describe(scene, at, object)
        || services::describe(scene, at, object)
        || names::describe(scene, at, object)
        || certificates::describe(scene, at, object)
        || secrets::describe(scene, at, object)
        || storage::describe(scene, at, object)
        || cloud::describe(scene, at, object)
        || models::describe(scene, at, object);
    if !known {
        other::describe(scene, at, object);
    }
    recording::describe(scene, at, object);
}

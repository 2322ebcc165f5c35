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
mod scene;
mod secrets;
mod services;
mod settings;
mod sources;
mod storage;
#[cfg(test)]
mod tests;
mod workload;

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub(crate) use addresses::{Address, addresses, hidden, leads_out, says_host};
pub(crate) use load::{load, not_text, parse_apart, shift};
pub(crate) use object::Document;
pub(crate) use sources::{Git, git_component};

pub const READER: Reader =
    Reader { id: "kubernetes", about: "Kubernetes manifests", scope: Scope::Tree, read: Read::Loaded(read) };

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let mut documents = Vec::new();
    let mut paths = mine.to_vec();
    paths.sort_unstable();
    for path in paths {
        load(files, path, READER.id, &mut facts, &mut documents);
    }
    describe(&documents, files, &mut facts);
    facts
}

/// Adds what the documents say to the facts. Every object is seen before any reference is followed.
pub(crate) fn describe(documents: &[Document], files: &Files, facts: &mut Facts) {
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
    scene.report_unknown_kinds();
}

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
}

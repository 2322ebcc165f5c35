//! From what a job delivers to the files of the tree that describe it.

use super::job::Job;
use crate::command::Effect;
use crate::files::{Files, join, name_of};
use crate::kustomize;
use crate::limits::MAX_INCLUDE_DEPTH;
use allod_facts::{Delivered, Delivery, Facts};
use std::collections::BTreeSet;

impl Job<'_> {
    /// What the job delivers, seen at a line. `folder`: where it runs.
    pub(super) fn deliver(&self, facts: &mut Facts, folder: &str, effect: &Effect, line: u32) {
        let what: BTreeSet<Delivered> = match effect {
            Effect::Image(name) => BTreeSet::from([Delivered::Image(name.clone())]),
            files => paths(self.files, folder, files).into_iter().map(Delivered::Files).collect(),
        };
        for what in what {
            facts.deliveries.push(Delivery { by: self.own, what, evidence: self.seen(line) });
        }
    }
}

/// The files and folders of the tree that something is made of. What is not in the tree is nothing that an audit of it
/// could show.
fn paths(files: &Files, folder: &str, effect: &Effect) -> BTreeSet<String> {
    let at = |path: &str| join(folder, path);
    match effect {
        Effect::Manifests(path, deep) => at(path).map_or_else(BTreeSet::new, |path| match files.get(&path) {
            Some(_) => BTreeSet::from([path]),
            None if *deep => bounded(&path, files.under(&path)),
            None => bounded(&path, files.in_folder(&path)),
        }),
        Effect::Kustomization(path) => {
            let Some(path) = at(path) else { return BTreeSet::new() };
            if !kustomize::NAMES.iter().any(|name| files.has(&inside(&path, name))) {
                return BTreeSet::new();
            }
            let reached = kustomize::Graph::new(files).reach(&path);
            bounded(&path, reached.paths().filter(|path| !path.is_empty()))
        }
        Effect::Chart(path) => {
            at(path).filter(|path| !path.is_empty() && files.has(&inside(path, "Chart.yaml"))).into_iter().collect()
        }
        Effect::Terraform(path) => at(path).map_or_else(BTreeSet::new, |path| design(files, path)),
        Effect::Compose(named) if named.is_empty() => {
            let names = ["compose", "docker-compose"].iter().flat_map(|stem| {
                ["yaml", "yml", "override.yaml", "override.yml"].map(|ending| format!("{stem}.{ending}"))
            });
            names.map(|name| inside(folder, &name)).filter(|path| files.has(path)).collect()
        }
        Effect::Compose(named) => named.iter().filter_map(|path| at(path)).filter(|path| files.has(path)).collect(),
        Effect::Image(_) => BTreeSet::new(),
    }
}

fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Single files, or the folder as a whole when it has too many.
fn bounded<'a>(folder: &str, files: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let all: BTreeSet<String> = files.take(MAX_DELIVERED + 1).map(str::to_owned).collect();
    if all.len() > MAX_DELIVERED && !folder.is_empty() { BTreeSet::from([folder.to_owned()]) } else { all }
}

/// The files of a Terraform folder and of the local modules that it calls.
fn design(files: &Files, root: String) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = BTreeSet::new();
    let mut open = vec![(root, 0)];
    while let Some((folder, depth)) = open.pop() {
        if depth > MAX_INCLUDE_DEPTH || found.len() > MAX_DELIVERED || !folders.insert(folder.clone()) {
            continue;
        }
        for path in files.in_folder(&folder).filter(|path| is_design(name_of(path))) {
            found.insert(path.to_owned());
            let Some(Ok(text)) = files.text(path) else { continue };
            let sources = text.lines().filter_map(|line| {
                let value = line.trim_start().strip_prefix("source")?.trim_start().strip_prefix('=')?;
                let path = value.trim().strip_prefix('"')?.split('"').next()?;
                path.starts_with('.').then(|| join(&folder, path)).flatten()
            });
            open.extend(sources.map(|folder| (folder, depth + 1)));
        }
    }
    found
}

fn is_design(name: &str) -> bool {
    [".tf", ".tofu", ".tf.json"].iter().any(|end| name.ends_with(end))
}

/// Files that one command delivers one by one.
const MAX_DELIVERED: usize = 500;

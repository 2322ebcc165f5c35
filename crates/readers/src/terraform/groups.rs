//! Which files of a tree are read for which root module.
//!
//! A root module is read with the modules that it calls, and apart from all other roots: a module that many roots call
//! is read for each of them. Roots of Terragrunt, and those that compute where a module lies, are read together with
//! all files.

use super::module::{self, belonging, is_override, is_settings, is_terragrunt, load_one, settings_owner};
use crate::Group;
use crate::files::{Files, folder_of, join};
use std::collections::{BTreeMap, BTreeSet};

/// Fewer roots share as if they were this many: what a root may cost is then the same when one comes to a few.
const MIN_PEERS: usize = 8;

/// The files by root module.
pub(super) fn groups<'a>(files: &Files, mine: &[&'a str]) -> Vec<Group<'a>> {
    let mine = belonging(files, mine);
    let folders = Folders::of(files, &mine);
    let mut by_folder: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    let mut rest = Vec::new();
    for path in mine.iter().copied().filter(|path| !is_terragrunt(path)) {
        let is_module = |folder: &str| folders.calls.contains_key(folder);
        let owner = if is_settings(path) {
            settings_owner(path, is_module)
        } else {
            Some(folder_of(path)).filter(|folder| is_module(folder))
        };
        match owner {
            Some(folder) => by_folder.entry(folder).or_default().push(path),
            None => rest.push(path),
        }
    }
    let roots = folders.roots();
    let peers = roots.len().next_power_of_two().max(MIN_PEERS);
    let mut groups = Vec::new();
    let mut together = Vec::new();
    for (root, reached) in roots {
        if reached.iter().any(|folder| folders.needs_all.contains(*folder)) {
            together.push(root.to_owned());
            continue;
        }
        let mut paths: Vec<&str> =
            reached.iter().filter_map(|folder| by_folder.get(folder)).flatten().copied().collect();
        paths.sort_unstable();
        groups.push(Group { of: vec![root.to_owned()], paths, peers, read: super::read_roots });
    }
    if !together.is_empty() || mine.iter().any(|path| is_terragrunt(path)) {
        groups.push(Group { of: together, paths: mine, peers, read: super::read_roots });
    } else if !rest.is_empty() {
        // Nothing is made of them, but what is wrong with them is told.
        groups.push(Group { of: Vec::new(), paths: rest, peers, read: super::read_roots });
    }
    groups
}

/// The folders of all root modules.
pub(super) fn roots(files: &Files, mine: &[&str]) -> Vec<String> {
    let folders = Folders::of(files, &belonging(files, mine));
    folders.roots().into_iter().map(|(root, _)| root.to_owned()).collect()
}

/// The folders that are modules.
struct Folders {
    /// With the folders that each one calls.
    calls: BTreeMap<String, Vec<String>>,
    /// Those that cannot be read apart.
    needs_all: BTreeSet<String>,
}

/// The calls of one file by their names, each with its source. `None`: it cannot be read.
struct Calls(Option<Vec<(String, Option<Source>)>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Stated(String),
    Computed,
}

impl Folders {
    fn of(files: &Files, mine: &[&str]) -> Folders {
        let mut by_folder: BTreeMap<&str, Vec<(String, Option<Source>)>> = BTreeMap::new();
        // Overrides come after what they override.
        for late in [false, true] {
            for path in mine.iter().filter(|path| is_override(path) == late && !is_settings(path)) {
                if is_terragrunt(path) {
                    continue;
                }
                let read = files.parsed(path, |_, _| calls(files, path));
                let Some(calls) = read.as_deref().and_then(|calls| calls.0.as_ref()) else { continue };
                let known = by_folder.entry(folder_of(path)).or_default();
                for (name, source) in calls {
                    match known.iter_mut().rfind(|(other, _)| late && other == name) {
                        Some((_, known)) => *known = source.clone().or(known.take()),
                        None => known.push((name.clone(), source.clone())),
                    }
                }
            }
        }
        let mut folders = Folders { calls: BTreeMap::new(), needs_all: BTreeSet::new() };
        for (folder, calls) in by_folder {
            let sources: Vec<Source> = calls.into_iter().filter_map(|(_, source)| source).collect();
            folders.add(folder, &sources);
        }
        folders.add_units(files, mine);
        folders
    }

    fn add(&mut self, folder: &str, sources: &[Source]) {
        let called = self.calls.entry(folder.to_owned()).or_default();
        for source in sources {
            match source {
                Source::Stated(source) if source.starts_with('.') => called.extend(join(folder, source)),
                Source::Stated(_) => {}
                Source::Computed => drop(self.needs_all.insert(folder.to_owned())),
            }
        }
    }

    /// The units of Terragrunt, which name modules by what they include, too.
    fn add_units(&mut self, files: &Files, mine: &[&str]) {
        let units: Vec<&str> = mine.iter().copied().filter(|path| is_terragrunt(path)).collect();
        if units.is_empty() {
            return;
        }
        let loaded = module::load(files, &units, &mut Vec::new());
        for module in module::build(&loaded, files).modules.values() {
            let sources = module.calls.iter().filter_map(|call| call.block.body.attribute("source"));
            let sources: Vec<Source> = sources.map(|source| Source::of(source.value.literal())).collect();
            self.add(module.dir, &sources);
            self.needs_all.insert(module.dir.to_owned());
        }
    }

    /// Folders that no other one calls, and one of each group of folders that only call each other; with all folders
    /// that each of them leads to.
    fn roots(&self) -> Vec<(&str, BTreeSet<&str>)> {
        let other = |folder: &str, called: &&String| called.as_str() != folder;
        let called: BTreeSet<&str> = self
            .calls
            .iter()
            .flat_map(|(folder, called)| called.iter().filter(move |called| other(folder, called)))
            .map(String::as_str)
            .collect();
        let uncalled = self.calls.keys().map(String::as_str).filter(|folder| !called.contains(folder));
        let mut roots: Vec<(&str, BTreeSet<&str>)> = uncalled.map(|root| (root, self.reach(root))).collect();
        let mut reached: BTreeSet<&str> = roots.iter().flat_map(|(_, reached)| reached).copied().collect();
        for folder in self.calls.keys() {
            if !reached.contains(folder.as_str()) {
                let circle = self.reach(folder);
                reached.extend(&circle);
                roots.push((folder, circle));
            }
        }
        roots
    }

    fn reach(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut todo = vec![from];
        while let Some(folder) = todo.pop() {
            if let Some((folder, called)) = self.calls.get_key_value(folder)
                && reached.insert(folder.as_str())
            {
                todo.extend(called.iter().map(String::as_str));
            }
        }
        reached
    }
}

impl Source {
    fn of(literal: Option<&str>) -> Source {
        literal.map_or(Source::Computed, |literal| Source::Stated(literal.to_owned()))
    }
}

fn calls(files: &Files, path: &str) -> Calls {
    let Ok(Some(file)) = load_one(files, path) else { return Calls(None) };
    // Most files call nothing and need not be parsed to know that.
    if !file.text().contains("module") {
        return Calls(Some(Vec::new()));
    }
    let (body, _) = file.body();
    let calls = body.blocks.iter().filter(|block| block.kind == "module");
    let calls = calls.filter_map(|block| match block.labels.as_slice() {
        [name] => {
            let source = block.body.attribute("source").map(|source| Source::of(source.value.literal()));
            Some((name.to_string(), source))
        }
        _ => None,
    });
    Calls(Some(calls.collect()))
}

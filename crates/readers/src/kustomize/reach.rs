use super::{NAMES, REFERENCES, is_remote};
use crate::files::{Files, decode, folder_of, join};
use crate::limits::MAX_INCLUDE_DEPTH;
use crate::node::{Node, parse_yaml_document};
use std::collections::{BTreeMap, BTreeSet};

/// Which kustomization of a tree names which files and folders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    folders: BTreeMap<String, Overlay>,
}

#[derive(Clone, Debug)]
struct Overlay {
    path: String,
    /// Local references, resolved, with their lines.
    references: Vec<(String, u32)>,
}

/// The references of a kustomization that can be read.
struct References(Option<Vec<(String, u32)>>);

/// Folders and files that one folder deploys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached {
    /// Folders without a kustomization: everything below belongs.
    trees: BTreeSet<String>,
    files: BTreeSet<String>,
}

impl Graph {
    pub fn new(files: &Files) -> Graph {
        let mut graph = Graph::default();
        for path in files.named(NAMES) {
            let folder = folder_of(path);
            let parsed = files.parsed(path, |_, bytes| {
                let node = decode(bytes).ok().and_then(|text| parse_yaml_document(&text).ok());
                References(node.map(|node| references(&node, folder)))
            });
            if let Some(references) = parsed.as_deref().and_then(|parsed| parsed.0.clone()) {
                let overlay = Overlay { path: path.to_owned(), references };
                graph.folders.insert(folder.to_owned(), overlay);
            }
        }
        graph
    }

    /// Everything that a folder deploys: the kustomization's closure, or the whole folder when it has none.
    pub fn reach(&self, folder: &str) -> Reached {
        let mut reached = Reached::default();
        let mut seen = BTreeSet::new();
        let mut queue = vec![(folder.to_owned(), 0)];
        while let Some((target, depth)) = queue.pop() {
            if depth > MAX_INCLUDE_DEPTH || !seen.insert(target.clone()) {
                continue;
            }
            match self.folders.get(&target) {
                Some(overlay) => {
                    reached.files.insert(overlay.path.clone());
                    queue.extend(overlay.references.iter().map(|(target, _)| (target.clone(), depth + 1)));
                }
                // A file, or a folder without a kustomization.
                None => {
                    reached.files.insert(target.clone());
                    reached.trees.insert(target);
                }
            }
        }
        reached
    }

    /// The references that close a circle: path of the kustomization, line, and the folder that comes back.
    pub fn circles(&self) -> Vec<(&str, u32, &str)> {
        let mut found = Vec::new();
        let mut done: BTreeSet<&str> = BTreeSet::new();
        for start in self.folders.keys() {
            // The open folders from the start down, each with the reference that is looked at next.
            let mut open: Vec<(&str, usize)> = Vec::new();
            let mut on_path: BTreeSet<&str> = BTreeSet::new();
            if done.insert(start) {
                on_path.insert(start);
                open.push((start, 0));
            }
            while let Some((folder, next)) = open.last_mut() {
                let folder: &str = folder;
                let overlay = self.folders.get(folder);
                let reference = overlay.and_then(|overlay| Some((overlay, overlay.references.get(*next)?)));
                *next += 1;
                let Some((overlay, (target, line))) = reference else {
                    on_path.remove(folder);
                    open.pop();
                    continue;
                };
                if on_path.contains(target.as_str()) {
                    found.push((overlay.path.as_str(), *line, target.as_str()));
                } else if self.folders.contains_key(target) && done.insert(target) {
                    on_path.insert(target);
                    open.push((target, 0));
                }
            }
        }
        found
    }
}

impl Reached {
    /// The files, and the folders of which everything belongs.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().chain(&self.trees).map(String::as_str)
    }

    /// The entries of a map from paths to things that are deployed, in the order of the paths.
    pub fn among(&self, by_path: &BTreeMap<&str, Vec<usize>>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for path in &self.files {
            found.extend(by_path.get(path.as_str()).into_iter().flatten());
        }
        for folder in &self.trees {
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let below = by_path.range(prefix.as_str()..).take_while(|(path, _)| path.starts_with(&prefix));
            found.extend(below.flat_map(|(_, at)| at));
        }
        found
    }
}

/// Local references of a kustomization with their lines.
fn references(node: &Node, folder: &str) -> Vec<(String, u32)> {
    let lists = REFERENCES.iter().filter_map(|key| node.get(key)).flat_map(Node::items);
    lists
        .filter_map(|item| {
            let text = item.as_str().filter(|text| !is_remote(text) && !text.contains('\n'))?;
            Some((join(folder, text)?, item.line))
        })
        .collect()
}

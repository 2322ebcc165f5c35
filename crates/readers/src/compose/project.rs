//! The compose files of a tree and how they belong together: override files, `extends`, `include`, `.env`.

use super::ID;
use crate::Group;
use crate::config::dotenv;
use crate::files::{Files, connected, decode, folder_of, join, name_of};
use crate::limits::MAX_INCLUDE_DEPTH;
use crate::node::{Broken, Node, parse_yaml_document};
use crate::variables::{Expanded, Known, Syntax, expand};
use allod_facts::{ComponentRef, Diagnostic, Evidence, Facts, Severity};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Every compose file that was read, by path.
pub(super) struct Project {
    documents: BTreeMap<Arc<str>, Document>,
    /// `.env` of each folder that has one.
    environments: BTreeMap<String, HashMap<String, Known>>,
}

pub(super) struct Document {
    pub root: Arc<Node>,
    /// Where each service and volume stands among the entries of its map.
    services: HashMap<String, usize>,
    volumes: HashMap<String, usize>,
    /// Files that Compose merges into this one without being told.
    overrides: Vec<Arc<str>>,
    /// Whether this file is merged into another one.
    is_override: bool,
    /// Files that this one includes.
    includes: Vec<Arc<str>>,
    included_by: Vec<Arc<str>>,
}

/// A service with what each file says about it.
pub(super) struct Service<'a> {
    /// The file that the service belongs to.
    pub path: Arc<str>,
    pub name: String,
    /// From the base to what overrides it; never empty.
    pub layers: Vec<Layer<'a>>,
    /// Whether it runs without a profile being asked for.
    pub always: bool,
}

/// One file's words about a service.
#[derive(Clone)]
pub(super) struct Layer<'a> {
    pub path: Arc<str>,
    /// The line of the service's key.
    pub line: u32,
    pub node: &'a Node,
}

impl Document {
    fn service(&self, name: &str) -> Option<&(Node, Node)> {
        self.root.get("services")?.as_map()?.get(*self.services.get(name)?)
    }

    pub(super) fn volume(&self, name: &str) -> Option<&(Node, Node)> {
        self.root.get("volumes")?.as_map()?.get(*self.volumes.get(name)?)
    }
}

fn index(root: &Node, key: &str) -> HashMap<String, usize> {
    let entries = root.get(key).and_then(Node::as_map).unwrap_or_default().iter().enumerate();
    entries.filter_map(|(at, (name, _))| Some((name.as_str()?.to_owned(), at))).collect()
}

impl Service<'_> {
    pub(super) fn id(&self) -> String {
        format!("compose:{}#{}", self.path, self.name)
    }
}

impl<'a> Service<'a> {
    /// The value of a key in the last file that sets it, with that file's path.
    pub(super) fn last(&self, key: &str) -> Option<(&Layer<'a>, &'a Node, u32)> {
        self.layers.iter().rev().find_map(|layer| {
            let (name, value) = layer.node.entry(key)?;
            (!value.is_null()).then_some((layer, value, name.line))
        })
    }

    /// The values of a key in all files, the base first.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = (&Layer<'a>, &'a Node)> {
        self.layers.iter().filter_map(move |layer| Some((layer, layer.node.get(key)?)))
    }
}

impl Project {
    pub(super) fn load(files: &Files, mine: &[&str], facts: &mut Facts) -> Project {
        let mut project = Project { documents: BTreeMap::new(), environments: BTreeMap::new() };
        let mut open: Vec<(String, usize)> = mine.iter().map(|path| ((*path).to_owned(), 0)).collect();
        while let Some((path, depth)) = open.pop() {
            if project.documents.contains_key(path.as_str()) || depth > MAX_INCLUDE_DEPTH {
                continue;
            }
            let shared = files.shared_path(&path);
            let Some(root) = parse(files, &shared, facts) else { continue };
            let includes = includes(files, &shared, &root, facts);
            open.extend(includes.iter().map(|path| (path.to_string(), depth + 1)));
            open.extend(
                extended_files(&shared, &root).into_iter().filter(|path| files.has(path)).map(|path| (path, depth + 1)),
            );
            let document = Document {
                services: index(&root, "services"),
                volumes: index(&root, "volumes"),
                root,
                overrides: Vec::new(),
                is_override: false,
                includes,
                included_by: Vec::new(),
            };
            project.documents.insert(shared, document);
        }
        project.find_overrides();
        project.find_includers();
        project.load_environments(files);
        project
    }

    pub(super) fn document(&self, path: &str) -> Option<&Document> {
        self.documents.get(path)
    }

    pub(super) fn documents(&self) -> impl Iterator<Item = (&Arc<str>, &Document)> {
        self.documents.iter()
    }

    /// Every service of every file, with its layers.
    pub(super) fn services<'a>(&'a self, facts: &mut Facts) -> Vec<Service<'a>> {
        let mut services = Vec::new();
        for (path, document) in self.documents.iter().filter(|(_, document)| !document.is_override) {
            let mut names = BTreeSet::new();
            for file in std::iter::once(path).chain(&document.overrides) {
                let Some(other) = self.documents.get(file) else { continue };
                for (name, _, _) in other.root.get("services").into_iter().flat_map(Node::entries) {
                    if !names.insert(name) {
                        continue;
                    }
                    let mut layers = Vec::new();
                    for part in std::iter::once(path).chain(&document.overrides) {
                        self.layers(part, name, &mut Vec::new(), &mut layers, facts);
                    }
                    if layers.is_empty() {
                        continue;
                    }
                    let always = !layers
                        .iter()
                        .any(|layer| layer.node.get("profiles").is_some_and(|node| !node.items().is_empty()));
                    services.push(Service { path: file.clone(), name: name.to_owned(), layers, always });
                }
            }
        }
        services
    }

    /// Appends what `path` says about a service, behind what it extends.
    fn layers<'a>(
        &'a self,
        path: &Arc<str>,
        name: &str,
        open: &mut Vec<(Arc<str>, String)>,
        layers: &mut Vec<Layer<'a>>,
        facts: &mut Facts,
    ) {
        let Some((key, node)) = self.documents.get(path).and_then(|document| document.service(name)) else {
            return;
        };
        if open.iter().any(|(file, service)| file == path && service == name) || open.len() >= MAX_INCLUDE_DEPTH {
            let message = format!("service `{name}` extends itself");
            diagnose(facts, "D007", Severity::Error, message, path, key.line);
            return;
        }
        open.push((path.clone(), name.to_owned()));
        if let Some(extends) = node.get("extends") {
            let base = extends.as_str().or_else(|| extends.str_at(&["service"])).unwrap_or(name);
            let file = match extends.str_at(&["file"]) {
                Some(file) => join(folder_of(path), file).map(|file| Arc::from(file.as_str())),
                None => Some(path.clone()),
            };
            match file.filter(|file| self.documents.contains_key(file)) {
                Some(file) => self.layers(&file, base, open, layers, facts),
                None => {
                    let message = format!("service `{name}` extends a file that is not in the tree");
                    diagnose(facts, "D008", Severity::Warning, message, path, extends.line);
                }
            }
        }
        open.pop();
        layers.push(Layer { path: path.clone(), line: key.line, node });
    }

    /// Replaces the variables of a text as Compose would in that file.
    pub(super) fn expand(&self, path: &str, text: &str) -> Expanded {
        expand(text, Syntax::Shell, &|name| self.known(path, name))
    }

    /// What a variable is set to for a file: by the `.env` of its folder, or of a file that includes it.
    pub(super) fn known(&self, path: &str, name: &str) -> Option<Known> {
        let of = |path: &str| self.environments.get(folder_of(path)).and_then(|values| values.get(name)).cloned();
        of(path).or_else(|| self.documents.get(path)?.included_by.iter().find_map(|path| of(path)))
    }

    fn find_overrides(&mut self) {
        let paths: Vec<Arc<str>> = self.documents.keys().cloned().collect();
        let known: BTreeSet<&str> = paths.iter().map(|path| &**path).collect();
        let mut pairs = Vec::new();
        for path in &paths {
            let (stem, ending) = name_of(path).rsplit_once('.').unwrap_or((name_of(path), ""));
            let Some(base) = stem.strip_suffix(".override") else { continue };
            let folder = folder_of(path);
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let base = [ending, "yaml", "yml"]
                .iter()
                .map(|ending| format!("{prefix}{base}.{ending}"))
                .find(|base| known.contains(base.as_str()));
            if let Some(base) = base {
                pairs.push((base, path.clone()));
            }
        }
        for (base, path) in pairs {
            if let Some(document) = self.documents.get_mut(path.as_ref()) {
                document.is_override = true;
            }
            if let Some(document) = self.documents.get_mut(base.as_str()) {
                document.overrides.push(path);
            }
        }
    }

    fn find_includers(&mut self) {
        let pairs: Vec<(Arc<str>, Arc<str>)> = self
            .documents
            .iter()
            .flat_map(|(path, document)| document.includes.iter().map(|included| (path.clone(), included.clone())))
            .collect();
        for (path, included) in pairs {
            if let Some(document) = self.documents.get_mut(&included) {
                document.included_by.push(path);
            }
        }
    }

    fn load_environments(&mut self, files: &Files) {
        let folders: BTreeSet<String> = self.documents.keys().map(|path| folder_of(path).to_owned()).collect();
        for folder in folders {
            let path = if folder.is_empty() { ".env".to_owned() } else { format!("{folder}/.env") };
            let Some(Ok(text)) = files.text(&path) else { continue };
            let shared = files.shared_path(&path);
            let values = dotenv::parse(&text)
                .into_iter()
                .filter(|entry| entry.value.as_ref().is_some_and(|value| value.len() <= MAX_VALUE_BYTES))
                .filter_map(|entry| {
                    let seen = Some(Evidence::line(&shared, entry.line, ID));
                    Some((entry.key, Known { value: entry.value?, seen, default: false }))
                })
                .collect();
            self.environments.insert(folder, values);
        }
    }
}

/// A compose file as a tree, or why it is none.
struct Parsed(Result<Arc<Node>, Broken>);

fn parsed(files: &Files, path: &str) -> Option<Arc<Parsed>> {
    files.parsed(path, |_, bytes| {
        let text = decode(bytes).map_err(|_| Broken { code: "D002", message: "not a text file".into(), line: 0 });
        Parsed(text.and_then(|text| parse_yaml_document(&text)).map(Arc::new))
    })
}

fn parse(files: &Files, path: &Arc<str>, facts: &mut Facts) -> Option<Arc<Node>> {
    match &parsed(files, path)?.0 {
        Ok(root) => Some(root.clone()),
        Err(broken) => {
            facts.diagnostics.push(broken.clone().diagnostic(path));
            None
        }
    }
}

/// The files by what belongs together: files of one folder, and folders that include or extend files of others.
pub(super) fn groups<'a>(files: &Files, mine: &[&'a str]) -> Vec<Group<'a>> {
    let mut seen: BTreeSet<String> = mine.iter().map(|path| (*path).to_owned()).collect();
    let mut open: Vec<String> = seen.iter().cloned().collect();
    let mut pairs: Vec<(String, String)> = Vec::new();
    while let Some(path) = open.pop() {
        let Some(Ok(root)) = parsed(files, &path).map(|parsed| parsed.0.clone()) else { continue };
        let included = includes(files, &Arc::from(path.as_str()), &root, &mut Facts::new());
        let extended = extended_files(&path, &root).into_iter().filter(|path| files.has(path));
        for other in included.iter().map(|path| path.to_string()).chain(extended) {
            pairs.push((folder_of(&path).to_owned(), folder_of(&other).to_owned()));
            if seen.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    let read = |files: &Files, _: &[String], _: usize, mine: &[&str]| super::read(files, mine);
    let groups = connected(mine, |path| folder_of(path), &pairs);
    groups.into_iter().map(|paths| Group { of: Vec::new(), paths, peers: 1, read }).collect()
}

pub(super) fn diagnose(
    facts: &mut Facts,
    code: &'static str,
    severity: Severity,
    message: String,
    path: &Arc<str>,
    line: u32,
) {
    facts.diagnostics.push(Diagnostic { code, severity, message, path: path.clone(), line, hint: None });
}

/// The local files of `include:`; what lies elsewhere or is not in the tree is reported.
fn includes(files: &Files, path: &Arc<str>, root: &Node, facts: &mut Facts) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    for item in root.get("include").map(Node::items).unwrap_or_default() {
        let paths = item.get("path").unwrap_or(item);
        for file in paths.items() {
            let Some(name) = file.as_str() else { continue };
            let seen = Evidence::line(path, file.line, ID);
            if name.contains("://") || name.contains('@') || name.contains('$') {
                let shown = name.rsplit('@').next().unwrap_or(name);
                facts.unresolved("U003", format!("the included project `{shown}` lies elsewhere"), None, seen);
                continue;
            }
            match join(folder_of(path), name) {
                Some(local) if files.has(&local) => found.push(files.shared_path(&local)),
                Some(_) => {
                    let message = format!("the included file `{name}` is not in the tree");
                    diagnose(facts, "D008", Severity::Warning, message, path, file.line);
                }
                None => {
                    let message = format!("the included file `{name}` lies outside the tree");
                    diagnose(facts, "D009", Severity::Warning, message, path, file.line);
                }
            }
        }
    }
    found
}

fn extended_files(path: &str, root: &Node) -> Vec<String> {
    let services = root.get("services").into_iter().flat_map(Node::entries);
    services.filter_map(|(_, _, service)| join(folder_of(path), service.str_at(&["extends", "file"])?)).collect()
}

/// The names by which services reach each other.
pub(super) struct Names {
    /// By folder: images that a service of it builds, with that service.
    built: HashMap<String, HashMap<String, ComponentRef>>,
    /// By file: the names that its services can use.
    by_file: HashMap<Arc<str>, HashMap<String, ComponentRef>>,
}

impl Names {
    pub(super) fn new(project: &Project, services: &[Service<'_>], own: &[ComponentRef]) -> Names {
        let mut by_file: HashMap<Arc<str>, HashMap<String, ComponentRef>> = HashMap::new();
        let mut built: HashMap<String, HashMap<String, ComponentRef>> = HashMap::new();
        for (service, own) in services.iter().zip(own) {
            if let (Some((_, image, _)), Some(_)) = (service.last("image"), service.last("build"))
                && let Some(image) = image.as_str()
            {
                let images = built.entry(folder_of(&service.path).to_owned()).or_default();
                images.entry(image.to_owned()).or_insert(*own);
            }
            let names = by_file.entry(service.path.clone()).or_default();
            names.entry(service.name.clone()).or_insert(*own);
            for key in ["container_name", "hostname"] {
                if let Some((_, node, _)) = service.last(key)
                    && let Some(name) = node.as_str()
                {
                    names.entry(name.to_owned()).or_insert(*own);
                }
            }
            for (_, networks) in service.all("networks") {
                for (_, _, network) in networks.entries() {
                    for alias in network.get("aliases").map(Node::items).unwrap_or_default() {
                        names.entry(alias.as_str().unwrap_or_default().to_owned()).or_insert(*own);
                    }
                }
            }
        }
        // Files of one folder are used together (`-f a -f b`), and included files share one network.
        let own_names = by_file.clone();
        let mut by_folder: HashMap<&str, Vec<&Arc<str>>> = HashMap::new();
        for (path, _) in project.documents() {
            by_folder.entry(folder_of(path)).or_default().push(path);
        }
        for (path, document) in project.documents() {
            let neighbours = by_folder.get(folder_of(path)).into_iter().flatten().copied();
            let mut all = own_names.get(path).cloned().unwrap_or_default();
            for other in document.includes.iter().chain(&document.included_by).chain(neighbours.take(MAX_NEIGHBOURS)) {
                for (name, own) in own_names.get(other).into_iter().flatten() {
                    all.entry(name.clone()).or_insert(*own);
                }
            }
            by_file.insert(path.clone(), all);
        }
        Names { built, by_file }
    }

    /// The service that builds an image of that name, so that it is not fetched.
    pub(super) fn builder(&self, path: &str, image: &str) -> Option<ComponentRef> {
        self.built.get(folder_of(path))?.get(image).copied()
    }

    pub(super) fn find(&self, path: &str, name: &str) -> Option<ComponentRef> {
        self.by_file.get(path)?.get(name).copied()
    }
}

/// Files of one folder whose services are taken for neighbours.
const MAX_NEIGHBOURS: usize = 50;

/// A longer value of `.env` names no image and no host, and is not put into other texts.
const MAX_VALUE_BYTES: usize = 8192;

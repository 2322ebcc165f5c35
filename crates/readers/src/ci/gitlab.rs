//! GitLab CI pipelines. A pipeline does not say whose GitLab runs it, unless a host or a runner's label does.

use super::gate::gitlab_fails;
use super::job::{self, Job};
use super::{diagnose, tree_of};
use crate::files::{Files, folder_of, join};
use crate::limits::MAX_INCLUDE_DEPTH;
use crate::node::Node;
use crate::settings::{self, Reading, Setting};
use crate::variables::{Expanded, Known, Syntax, expand};
use crate::{destination, endpoint};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const ID: &str = "gitlab-ci";

pub(super) fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let mut done: BTreeSet<String> = mine.iter().map(|path| (*path).to_owned()).collect();
    let mut open: Vec<(String, String, usize)> =
        mine.iter().rev().map(|path| ((*path).to_owned(), folder_of(path).to_owned(), 0)).collect();
    while let Some((path, folder, depth)) = open.pop() {
        let shared = files.shared_path(&path);
        let Some(root) = tree_of(files, &shared, &mut facts) else { continue };
        let file = File { files, path: &shared, folder: &folder, root: &root, variables: variables(&shared, &root) };
        for include in file.read(&mut facts) {
            // Files that GitLab would recognise by name are read on their own.
            let own_reader = crate::recognise::recognise(&include, b"").is_some_and(|reader| reader.id == ID);
            if depth < MAX_INCLUDE_DEPTH && !own_reader && done.insert(include.clone()) {
                open.push((include, folder.clone(), depth + 1));
            }
        }
    }
    facts
}

struct File<'a> {
    files: &'a Files,
    path: &'a Arc<str>,
    /// The folder of the pipeline that includes this file.
    folder: &'a str,
    root: &'a Node,
    variables: BTreeMap<String, Known>,
}

/// Keys at the top of a pipeline that are no jobs.
const GLOBAL: &[&str] = &[
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "before_script",
    "after_script",
    "cache",
    "spec",
    "pages",
];

fn variables(path: &Arc<str>, node: &Node) -> BTreeMap<String, Known> {
    let mut all = BTreeMap::new();
    for (name, key, value) in node.get("variables").into_iter().flat_map(Node::entries) {
        let text = value.as_str().or_else(|| value.str_at(&["value"]));
        if let Some(text) = text.filter(|text| text.len() <= 4096) {
            let seen = Some(Evidence::line(path, key.line, ID));
            all.insert(name.to_owned(), Known { value: text.to_owned(), seen, default: false });
        }
    }
    all
}

impl File<'_> {
    fn seen(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, ID)
    }

    /// Reads the file; the local files that it includes come back.
    fn read(&self, facts: &mut Facts) -> Vec<String> {
        let first = self.root.as_map().and_then(|entries| entries.first()).map_or(1, |(key, _)| key.line);
        let saas = self.on_gitlab_com();
        let known = saas.map(|_| ID);
        let platform = job::platform(facts, ID, "GitLab CI", known, self.seen(saas.unwrap_or(first)));
        if saas.is_none() {
            let message = "no file says whose GitLab runs this pipeline: gitlab.com, or an instance of one's own";
            facts.unresolved("U007", message.into(), Some(platform), self.seen(first));
        }
        let repository = job::repository(facts, self.folder, self.seen(first));
        let includes = self.includes(facts, platform);
        let default = self.root.get("default");
        for (name, key, node) in self.root.entries() {
            let is_job =
                node.as_map().is_some() && (!GLOBAL.contains(&name) || name == "pages" && node.get("script").is_some());
            if is_job {
                let own = self.job(facts, name, key.line, node, platform);
                facts.link(repository, LinkKind::DeployedBy, own, self.seen(key.line));
            }
        }
        // What holds for every job belongs to the pipeline itself.
        for node in [Some(self.root), default].into_iter().flatten() {
            if ["image", "services", "before_script", "after_script"].iter().any(|key| node.get(key).is_some()) {
                let own = facts.add(self.component("default", first, None));
                facts.link(own, LinkKind::Trusts, platform, self.seen(first));
                facts.link(repository, LinkKind::DeployedBy, own, self.seen(first));
                let mut job = Job::new(own, self.files, self.path, ID, format!("{}#default", self.path), "default");
                self.body(facts, &mut job, node);
                job.finish(facts);
            }
        }
        includes
    }

    /// The line that says that gitlab.com runs it: a hosted runner's label, or a component of gitlab.com.
    fn on_gitlab_com(&self) -> Option<u32> {
        let mut found = None;
        self.root.walk_scalars(&mut |path, node| {
            let text = node.as_str().unwrap_or_default();
            let says = match path.last() {
                Some(&"tags") => is_hosted(text),
                Some(&"component") => text.starts_with("gitlab.com/"),
                _ => text.contains("registry.gitlab.com/") && path.last() == Some(&"image"),
            };
            if says {
                found = found.or(Some(node.line));
            }
        });
        found
    }

    fn component(&self, name: &str, line: u32, tags: Option<(&Node, &Node)>) -> Component {
        let id = format!("gitlab:{}#{name}", self.path);
        let first = tags.map_or(line, |(key, _)| key.line);
        let mut component = Component::new(&id, name, "job", Layer::Ci, Role::Own, self.seen(first));
        if first != line {
            component.evidence.push(self.seen(line));
        }
        for label in tags.map(|(_, value)| value.items()).unwrap_or_default().iter().filter_map(Node::as_str) {
            if is_hosted(label) {
                component.role = Role::Provided;
                component.clues.push(Clue::new(ClueKind::Runner, label));
            }
        }
        component
    }

    fn job(&self, facts: &mut Facts, name: &str, line: u32, node: &Node, platform: ComponentRef) -> ComponentRef {
        let tags = node.entry("tags").map(|(key, value)| (key, value));
        let own = facts.add(self.component(name, line, tags));
        facts.link(own, LinkKind::Trusts, platform, self.seen(line));
        let mut job = Job::new(own, self.files, self.path, ID, format!("{}#{name}", self.path), name);
        self.body(facts, &mut job, node);
        job.finish(facts);
        own
    }

    fn expand(&self, local: &BTreeMap<String, Known>, text: &str) -> Expanded {
        expand(text, Syntax::Shell, &|name| local.get(name).or_else(|| self.variables.get(name)).cloned())
    }

    /// Images, services, scripts and settings of a job.
    fn body(&self, facts: &mut Facts, job: &mut Job<'_>, node: &Node) {
        let local = variables(self.path, node);
        job.folder = Some(self.folder.to_owned());
        job.root = self.folder.to_owned();
        let services = node.get("services").map(Node::items).unwrap_or_default();
        for image in node.get("image").into_iter().chain(services) {
            let (line, value) = match image.entry("name") {
                Some((key, value)) => (key.line, value),
                None => (image.line, image),
            };
            let Some(text) = value.as_str() else { continue };
            let expanded = self.expand(&local, text);
            // The registry and the proxy of the instance itself.
            if !expanded.text.starts_with("$CI_") && !expanded.text.starts_with("${CI_") {
                job.image(facts, text, &expanded, line);
            }
        }
        self.settings(facts, job, node, &local);
        for key in ["before_script", "script", "after_script"] {
            for item in node.get(key).map(Node::items).unwrap_or_default() {
                job.script(facts, item, &|text| Some(self.expand(&local, text).text));
            }
        }
        // One shell runs both scripts and stops at the first command that fails; what comes after changes no outcome.
        let commands = ["before_script", "script"].iter().filter_map(|key| node.get(key)).flat_map(Node::items);
        job.gates_of(facts, commands, gitlab_fails(node));
        if let Some((key, _)) = node.entry("trigger")
            && let Some(project) = node.str_at(&["trigger", "project"])
        {
            let message = format!("the pipeline of project `{project}` lies elsewhere");
            facts.unresolved("U003", message, Some(job.own), self.seen(key.line));
        }
        for (name, key, secret) in node.get("secrets").into_iter().flat_map(Node::entries) {
            let kind = ["vault", "azure_key_vault", "gcp_secret_manager", "aws_secrets_manager"];
            if let Some(kind) = kind.iter().find(|kind| secret.get(kind).is_some()) {
                let message = format!("secret `{name}` comes from `{kind}`, and no file says which");
                facts.unresolved("U007", message, Some(job.own), self.seen(key.line));
            }
        }
    }

    fn settings(&self, facts: &mut Facts, job: &mut Job<'_>, node: &Node, local: &BTreeMap<String, Known>) {
        let mut all = Vec::new();
        for (name, key, value) in node.get("variables").into_iter().flat_map(Node::entries) {
            let Some(text) = value.as_str().or_else(|| value.str_at(&["value"])) else { continue };
            let expanded = self.expand(local, text);
            all.push(Setting {
                key: name.to_owned(),
                confidence: expanded.confidence(),
                value: Some(expanded.text),
                seen: self.seen(key.line),
                also: expanded.seen,
            });
        }
        let stem = format!("{}/", job.stem);
        let how = Reading { owner: job.own, stem: &stem, neighbour: &|_| None, object_store_known: false, hints: true };
        let decided = settings::read(facts, &all, &how);
        job.object_store_known |= decided.object_store_known;
    }

    fn includes(&self, facts: &mut Facts, platform: ComponentRef) -> Vec<String> {
        let mut local = Vec::new();
        for item in self.root.get("include").map(Node::items).unwrap_or_default() {
            let line = item.line;
            let text = |key: &str| item.str_at(&[key]);
            if let Some(path) = item.as_str().filter(|text| !text.contains("://")).or_else(|| text("local")) {
                self.local(facts, path, line, &mut local);
            } else if let Some(url) = item.as_str().or_else(|| text("remote")) {
                let host = endpoint::host_of(url);
                self.elsewhere(facts, platform, url, host.as_deref(), None, line);
            } else if let Some(project) = text("project") {
                self.elsewhere(facts, platform, project, None, text("ref"), line);
            } else if let Some(component) = text("component") {
                let (name, version) = component.rsplit_once('@').unwrap_or((component, ""));
                let host = name.split('/').next().filter(|host| destination::is_bare_host(host));
                self.elsewhere(facts, platform, name, host, Some(version), line);
            } else if let Some(template) = text("template") {
                let message = format!("the template `{template}` comes with GitLab and is not in the tree");
                facts.unresolved("U003", message, Some(platform), self.seen(line));
            }
        }
        local
    }

    fn local(&self, facts: &mut Facts, path: &str, line: u32, local: &mut Vec<String>) {
        let Some(path) = join("", path.trim_start_matches('/')) else { return };
        if let Some((before, after)) = path.split_once('*') {
            let after = after.trim_start_matches('*').trim_start_matches('/');
            let matches = |file: &&str| {
                file.strip_prefix(before)
                    .is_some_and(|rest| rest.ends_with(after) && (path.contains("**") || !rest.contains('/')))
            };
            local.extend(self.files.paths().filter(matches).take(MAX_LOCAL).map(str::to_owned));
            return;
        }
        if self.files.has(&path) {
            local.push(path);
        } else {
            diagnose(facts, "D008", format!("the included file `{path}` is not in the tree"), self.path, line);
        }
    }

    fn elsewhere(
        &self,
        facts: &mut Facts,
        platform: ComponentRef,
        name: &str,
        host: Option<&str>,
        version: Option<&str>,
        line: u32,
    ) {
        let seen = self.seen(line);
        let shown = name.rsplit('@').next().unwrap_or(name);
        let id = match host {
            Some(_) => format!("git:{}", shown.split_once("://").map_or(shown, |(_, rest)| rest)),
            None => format!("gitlab-project:{shown}"),
        };
        let mut component = Component::new(&id, shown, "pipeline", Layer::Ci, Role::Artefact, seen.clone());
        component.clues.extend(host.map(|host| Clue::new(ClueKind::Host, host)));
        let to = facts.add(component);
        let shown_folder = if self.folder.is_empty() { "." } else { self.folder };
        let from = facts.find(&format!("repo:{shown_folder}")).unwrap_or(platform);
        let link = facts.link(from, LinkKind::BuiltFrom, to, seen.clone());
        if version.is_some_and(|text| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            link.mitigations.push(Mitigation::PinnedDigest);
        }
        facts.unresolved("U003", format!("the included pipeline `{shown}` lies elsewhere"), Some(to), seen);
    }
}

/// Labels of the runners of gitlab.com.
fn is_hosted(label: &str) -> bool {
    ["saas-linux-", "saas-windows-", "saas-macos-", "gitlab-org"].iter().any(|start| label.starts_with(start))
}

/// Files of one `include: local` with a wildcard.
const MAX_LOCAL: usize = 200;

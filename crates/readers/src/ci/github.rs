//! Workflows in the language of GitHub Actions, which Forgejo and Gitea speak too.

mod runner;
mod step;

use super::action::{self, Uses};
use super::expression::{Outcome, Scope};
use super::gate::{github_shell, is_off};
use super::job::{self, Job, secrets_in};
use super::{diagnose, tree_of};
use crate::files::{Files, folder_of, join, name_of};
use crate::node::Node;
use crate::settings::{self, Reading, Setting};
use crate::variables::{Expanded, Known, Syntax, expand};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Role};
use std::sync::Arc;

/// What differs between the platforms.
pub(super) struct Flavour {
    pub reader: &'static str,
    /// The start of the ids of jobs.
    short: &'static str,
    platform: &'static str,
    name: &'static str,
    /// The platform's id in the register when one company runs all of it.
    known: Option<&'static str>,
    /// Where an action without a host is fetched from.
    pub actions_host: &'static str,
    /// Whether the labels of GitHub's runners mean GitHub's runners.
    github_runners: bool,
}

pub(super) const GITHUB: Flavour = Flavour {
    reader: "github-actions",
    short: "gha",
    platform: "github-actions",
    name: "GitHub Actions",
    known: Some("github-actions"),
    actions_host: "github.com",
    github_runners: true,
};

/// The default of `DEFAULT_ACTIONS_URL` (source: Forgejo's documentation, "Using Actions").
const FORGEJO: Flavour = Flavour {
    reader: "forgejo-actions",
    short: "forgejo",
    platform: "forgejo-actions",
    name: "Forgejo Actions",
    known: None,
    actions_host: "data.forgejo.org",
    github_runners: false,
};

/// The default of `DEFAULT_ACTIONS_URL` is `github` (source: Gitea's configuration, `modules/setting/actions.go`).
const GITEA: Flavour = Flavour {
    reader: "forgejo-actions",
    short: "gitea",
    platform: "gitea-actions",
    name: "Gitea Actions",
    known: None,
    actions_host: "github.com",
    github_runners: false,
};

pub(super) fn read_forgejo(files: &Files, mine: &[&str]) -> Facts {
    let (gitea, forgejo): (Vec<&str>, Vec<&str>) = mine.iter().partition(|path| path.contains(".gitea/"));
    let mut facts = read(files, &forgejo, &FORGEJO);
    facts.absorb(read(files, &gitea, &GITEA));
    facts
}

pub(super) fn read(files: &Files, mine: &[&str], flavour: &Flavour) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        let shared = files.shared_path(path);
        let Some(root) = tree_of(files, &shared, &mut facts) else { continue };
        let file = File { files, path: &shared, root: &root, flavour };
        if root.get("runs").is_some() {
            file.composite(&mut facts);
        } else if root.get("jobs").is_some() {
            file.workflow(&mut facts);
        }
    }
    facts
}

struct File<'a> {
    files: &'a Files,
    path: &'a Arc<str>,
    root: &'a Node,
    flavour: &'a Flavour,
}

impl<'a> File<'a> {
    fn seen(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, self.flavour.reader)
    }

    /// The folder of the repository: what stands before `.github/` in the path.
    fn repository_root(&self) -> &'a str {
        let path: &'a str = self.path;
        [".github/", ".forgejo/", ".gitea/"]
            .iter()
            .find_map(|folder| {
                let (before, _) = path.split_once(folder)?;
                (before.is_empty() || before.ends_with('/')).then(|| before.trim_end_matches('/'))
            })
            .unwrap_or("")
    }

    /// The folder of the tree that a working directory is.
    fn folder(&self, directory: Option<&str>) -> Option<String> {
        let directory = directory.unwrap_or_default();
        // What stands behind an expression is known only when the job runs.
        join(self.repository_root(), directory).filter(|folder| !folder.contains('$'))
    }

    fn workflow(&self, facts: &mut Facts) {
        let start = self.root.entry("on").or_else(|| self.root.entry("jobs")).map_or(1, |(key, _)| key.line);
        let flavour = self.flavour;
        let platform = job::platform(facts, flavour.platform, flavour.name, Some(flavour.platform), self.seen(start));
        let instance = if flavour.known.is_none() { self.instance() } else { None };
        if let (Some((host, line)), Some(component)) = (instance, facts.get_mut(platform)) {
            component.clues.insert(0, Clue::new(ClueKind::Host, host));
            component.see(self.seen(line));
        } else if flavour.known.is_none() {
            let message = format!("no file says whose instance runs these {} workflows", flavour.name);
            facts.unresolved("U007", message, Some(platform), self.seen(start));
        }
        let repository = job::repository(facts, self.repository_root(), self.seen(start));
        let scope = self.scope();
        for (at, (name, key, node)) in self.root.get("jobs").into_iter().flat_map(Node::entries).enumerate() {
            if at >= MAX_JOBS {
                diagnose(facts, "D006", format!("more than {MAX_JOBS} jobs"), self.path, key.line);
                break;
            }
            let own = self.job(facts, name, key.line, node, platform, &scope);
            facts.link(repository, LinkKind::DeployedBy, own, self.seen(key.line));
        }
    }

    /// The public instance whose own runners a workflow asks for, with the line.
    fn instance(&self) -> Option<(&'static str, u32)> {
        let jobs = self.root.get("jobs").into_iter().flat_map(Node::entries);
        let labels = jobs.filter_map(|(_, _, job)| job.get("runs-on")).flat_map(Node::items);
        let codeberg = |label: &&Node| label.as_str().is_some_and(|text| text.starts_with("codeberg-"));
        labels.into_iter().find(codeberg).map(|label| ("codeberg.org", label.line))
    }

    /// What every job of the file knows: the environment, inputs with a default, the platform's own addresses.
    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        self.add_environment(&mut scope, self.root);
        let triggers = self.root.get("on");
        for trigger in ["workflow_call", "workflow_dispatch"] {
            self.add_inputs(&mut scope, triggers.and_then(|node| node.at(&[trigger, "inputs"])));
        }
        self.add_inputs(&mut scope, self.root.get("inputs"));
        if self.flavour.known == Some("github-actions") {
            for (name, url) in [("server_url", "https://github.com"), ("api_url", "https://api.github.com")] {
                let outcome = Outcome { text: url.into(), also: Vec::new(), confidence: Confidence::High };
                scope.known.insert(format!("github.{name}"), vec![outcome]);
            }
        }
        scope
    }

    fn add_environment(&self, scope: &mut Scope, node: &Node) {
        for (name, key, value) in node.get("env").into_iter().flat_map(Node::entries).take(MAX_ENVIRONMENT) {
            let Some(text) = value.as_str().filter(|text| text.len() <= MAX_VALUE_BYTES) else { continue };
            let also = vec![self.seen(key.line)];
            let outcome = Outcome { text: text.to_owned(), also, confidence: Confidence::High };
            scope.known.insert(format!("env.{name}"), vec![outcome]);
        }
    }

    fn add_inputs(&self, scope: &mut Scope, inputs: Option<&Node>) {
        for (name, _, input) in inputs.into_iter().flat_map(Node::entries) {
            let Some((key, value)) = input.entry("default") else { continue };
            let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { continue };
            let also = vec![self.seen(key.line)];
            let outcome = Outcome { text: text.to_owned(), also, confidence: Confidence::Medium };
            scope.known.insert(format!("inputs.{name}"), vec![outcome]);
        }
    }

    fn job(
        &self,
        facts: &mut Facts,
        name: &str,
        line: u32,
        node: &Node,
        platform: ComponentRef,
        scope: &Scope,
    ) -> ComponentRef {
        let mut scope = scope.clone();
        self.add_matrix(&mut scope, node.at(&["strategy", "matrix"]));
        self.add_environment(&mut scope, node);
        let stem = format!("{}#{name}", self.path);
        let id = format!("{}:{stem}", self.flavour.short);
        let own = runner::add(self, facts, &id, name, line, node, &scope);
        facts.link(own, LinkKind::Trusts, platform, self.seen(line));
        let words = node.str_at(&["name"]).unwrap_or(name);
        let mut job = Job::new(own, self.files, self.path, self.flavour.reader, stem, words);
        let default = [node, self.root].iter().find_map(|node| node.str_at(&["defaults", "run", "working-directory"]));
        job.folder = self.folder(default);
        job.root = self.repository_root().to_owned();
        let shell = [node, self.root].iter().find_map(|node| node.str_at(&["defaults", "run", "shell"]));
        job.shell = github_shell(shell).filter(|_| is_off(node.get("continue-on-error")));
        if let Some((key, uses)) = node.entry("uses") {
            self.reusable(facts, &job, uses, key.line);
        }
        self.containers(facts, &job, node, &scope);
        // Settings first: they decide what the credentials below are for.
        self.environment(facts, &mut job, self.root, &scope);
        self.environment(facts, &mut job, node, &scope);
        for part in ["env", "with", "secrets"] {
            let Some((key, value)) = node.entry(part) else { continue };
            self.secrets(facts, &mut job, value, &[], &self.range(key.line, value));
        }
        self.steps(facts, &mut job, node.get("steps"), &scope);
        job.finish(facts);
        own
    }

    fn range(&self, line: u32, node: &Node) -> Evidence {
        Evidence { end_line: node.end_line.max(line), ..self.seen(line) }
    }

    fn add_matrix(&self, scope: &mut Scope, matrix: Option<&Node>) {
        let Some(matrix) = matrix else { return };
        for (name, _, values) in matrix.entries() {
            if name == "exclude" {
                continue;
            }
            for value in values.items().iter().take(MAX_MATRIX_VALUES) {
                if name == "include" {
                    value
                        .entries()
                        .for_each(|(name, _, value)| self.add_value(scope, &format!("matrix.{name}"), value, 0));
                } else {
                    self.add_value(scope, &format!("matrix.{name}"), value, 0);
                }
            }
        }
    }

    fn add_value(&self, scope: &mut Scope, name: &str, value: &Node, depth: usize) {
        if let Some(entries) = value.as_map().filter(|_| depth < 4) {
            for (key, value) in entries {
                self.add_value(scope, &format!("{name}.{}", key.as_str().unwrap_or_default()), value, depth + 1);
            }
            return;
        }
        // A list of labels as one value of a matrix.
        let text = match value.as_seq() {
            Some(items) => items.iter().filter_map(Node::as_str).collect::<Vec<_>>().join(","),
            None => value.as_str().unwrap_or_default().to_owned(),
        };
        let values = scope.known.entry(name.to_owned()).or_default();
        if text.len() <= MAX_VALUE_BYTES
            && values.len() < MAX_MATRIX_VALUES
            && !values.iter().any(|one| one.text == text)
        {
            values.push(Outcome { text, also: vec![self.seen(value.line)], confidence: Confidence::High });
        }
    }

    /// A workflow that another repository, or another file, defines.
    fn reusable(&self, facts: &mut Facts, job: &Job<'_>, uses: &Node, line: u32) {
        let text = uses.as_str().unwrap_or_default();
        match action::parse(text, self.flavour.actions_host) {
            Some(Uses::Remote(remote)) => {
                remote.link(facts, job, line);
                let message = format!("the workflow `{text}` lies elsewhere");
                facts.unresolved("U003", message, Some(job.own), self.seen(line));
            }
            Some(Uses::Local(path)) => {
                let found = join(self.repository_root(), path).is_some_and(|path| self.files.has(&path));
                if !found {
                    diagnose(facts, "D008", format!("the workflow `{path}` is not in the tree"), self.path, line);
                }
            }
            _ => facts.unresolved("U002", format!("`{text}` names no workflow"), Some(job.own), self.seen(line)),
        }
    }

    fn containers(&self, facts: &mut Facts, job: &Job<'_>, node: &Node, scope: &Scope) {
        let services = node.get("services").into_iter().flat_map(Node::entries).map(|(_, key, service)| (key, service));
        for (key, container) in node.entry("container").map(|(key, value)| (key, value)).into_iter().chain(services) {
            let (line, image) = match container.entry("image") {
                Some((key, image)) => (key.line, image),
                None => (key.line, container),
            };
            if let Some(text) = image.as_str() {
                self.image(facts, job, text, line, scope);
            }
        }
    }

    fn image(&self, facts: &mut Facts, job: &Job<'_>, text: &str, line: u32, scope: &Scope) {
        match scope.resolve(text) {
            Ok(outcomes) => {
                for one in outcomes.iter().filter(|one| !one.text.is_empty()) {
                    let defaulted = one.confidence < Confidence::High;
                    let expanded =
                        Expanded { text: one.text.clone(), seen: one.also.clone(), missing: Vec::new(), defaulted };
                    job.image(facts, text, &expanded, line);
                }
            }
            Err(_) => job.plain_image(facts, text, line),
        }
    }

    /// Reads `env:` of a workflow, job or step for what it talks to. Credentials are read apart.
    fn environment(&self, facts: &mut Facts, job: &mut Job<'_>, node: &Node, scope: &Scope) {
        let mut all = Vec::new();
        if let Some((_, key, _)) = node.get("env").into_iter().flat_map(Node::entries).nth(MAX_ENVIRONMENT) {
            let message = format!("more than {MAX_ENVIRONMENT} variables of one `env`: the others are not read");
            diagnose(facts, "D006", message, self.path, key.line);
        }
        for (name, key, value) in node.get("env").into_iter().flat_map(Node::entries).take(MAX_ENVIRONMENT) {
            let Some(text) = value.as_str() else { continue };
            let secret = text.contains("secrets.");
            if secret && !settings::is_endpoint_key(&settings::words(name)) {
                continue;
            }
            let one = scope.partly(text);
            // What the event brings is the platform's own address.
            if one.text.starts_with("${{") && one.text.contains("github.") {
                continue;
            }
            let (value, also, confidence) = (one.text, one.also, one.confidence);
            all.push(Setting { key: name.to_owned(), value: Some(value), seen: self.seen(key.line), also, confidence });
        }
        let stem = format!("{}/", job.stem);
        let how = Reading {
            owner: job.own,
            stem: &stem,
            neighbour: &|_| None,
            object_store_known: job.object_store_known,
            hints: false,
        };
        let decided = settings::read(facts, &all, &how);
        job.decided.extend(decided.words);
        job.object_store_known |= decided.object_store_known;
    }

    /// Names of the secrets that a part of the tree uses.
    fn secrets(&self, facts: &mut Facts, job: &mut Job<'_>, node: &Node, words: &[&str], seen: &Evidence) {
        let name = job.name.clone();
        let words: Vec<&str> = words.iter().copied().chain([name.as_str()]).collect();
        let mut found: Vec<(String, Option<String>)> = Vec::new();
        node.walk_scalars(&mut |path, scalar| {
            if let Some(text) = scalar.as_str().filter(|text| text.contains("secrets.")) {
                for secret in secrets_in(text).take(100) {
                    let variable = path.last().filter(|name| settings::is_credential(name) && **name != secret);
                    found.push((secret.to_owned(), variable.map(|name| (*name).to_owned())));
                }
            }
        });
        for (secret, variable) in found {
            job.secret(facts, &secret, variable.as_deref(), &words, seen.clone());
        }
    }

    /// A composite or container action of the repository's own.
    fn composite(&self, facts: &mut Facts) {
        let own = facts.add(own_action(self.path, self.flavour.reader));
        let name = self.root.str_at(&["name"]).unwrap_or("action");
        let mut job = Job::new(own, self.files, self.path, self.flavour.reader, format!("{}#runs", self.path), name);
        job.folder = self.folder(None);
        let scope = self.scope();
        let Some(runs) = self.root.get("runs") else { return };
        if let Some((key, image)) = runs.entry("image")
            && let Some(text) = image.as_str()
        {
            match text.strip_prefix("docker://") {
                Some(image) => self.image(facts, &job, image, key.line, &scope),
                None => {
                    if let Some(path) = join(folder_of(self.path), text)
                        && let Some(component) = crate::dockerfile::component(self.files, &path)
                    {
                        let to = facts.add(component);
                        facts.link(own, LinkKind::BuiltFrom, to, self.seen(key.line));
                    }
                }
            }
        }
        self.steps(facts, &mut job, runs.get("steps"), &scope);
        job.finish(facts);
    }
}

/// The component of an action that lies in the tree.
fn own_action(path: &Arc<str>, reader: &'static str) -> Component {
    let name = match name_of(folder_of(path)) {
        "" => "action",
        folder => folder,
    };
    let seen = Evidence::line(path, 1, reader);
    Component::new(&format!("gha:{path}"), name, "action", Layer::Ci, Role::Own, seen)
}

/// Replaces expressions and then the shell's variables by what the scope knows.
fn expand_word(scope: &Scope, text: &str) -> Option<String> {
    let text = if text.contains("${{") { scope.one(text)?.text } else { text.to_owned() };
    let lookup = |name: &str| {
        let one = scope.known.get(&format!("env.{name}"))?.first()?;
        let text = if one.text.contains("${{") { scope.one(&one.text)?.text } else { one.text.clone() };
        Some(Known { value: text, ..Known::default() })
    };
    Some(expand(&text, Syntax::Shell, &lookup).text)
}

/// Jobs of one file: each of them has all that the workflow sets.
const MAX_JOBS: usize = 5000;
/// Variables of one `env:`.
const MAX_ENVIRONMENT: usize = 500;
/// A longer value is no host, image or label.
const MAX_VALUE_BYTES: usize = 4096;
/// Values of one key of a matrix; GitHub runs 256 jobs of a matrix.
const MAX_MATRIX_VALUES: usize = 256;

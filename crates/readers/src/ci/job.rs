//! What all pipelines share: the platform, the repository that is deployed, jobs, deploy targets, names of secrets.

use crate::command::gate::Shell;
use crate::command::{self, Script, Seen};
use crate::destination::{self, Use};
use crate::files::Files;
use crate::node::{Node, Value};
use crate::settings;
use crate::variables::Expanded;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Place, Role,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A job whose component was added.
pub(super) struct Job<'a> {
    pub own: ComponentRef,
    pub files: &'a Files,
    pub path: &'a Arc<str>,
    pub reader: &'static str,
    /// `<path>#<job>`, for the ids of what belongs to it.
    pub stem: String,
    /// Its name in words, for clues.
    pub name: String,
    /// The folder of the tree where the next command runs; `None` when that is not known.
    pub folder: Option<String>,
    /// The folder of the repository.
    pub root: String,
    /// The shell of the next command, where the job fails when its script does.
    pub shell: Option<Shell>,
    /// First words of settings that say where they go.
    pub decided: BTreeSet<String>,
    pub object_store_known: bool,
    /// Whether a login names the cloud that is deployed to.
    pub cloud_known: bool,
    /// Whether the job makes the cluster that it changes.
    pub local_cluster: bool,
    /// The first line that changes a cluster nobody named.
    pub cluster: Option<u32>,
    /// The first line that gives credentials to an S3 client.
    pub aws_keys: Option<Evidence>,
}

/// The platform that orchestrates the jobs of a file. `known`: somebody's service, by its id in the register.
pub(super) fn platform(facts: &mut Facts, id: &str, name: &str, known: Option<&str>, seen: Evidence) -> ComponentRef {
    let mut component = Component::new(&format!("platform:{id}"), name, "ci-platform", Layer::Ci, Role::Provided, seen);
    component.clues.extend(known.map(|known| Clue::new(ClueKind::CiPlatform, known)));
    facts.add(component)
}

/// The repository whose jobs these are: what they build is deployed by them.
pub(super) fn repository(facts: &mut Facts, root: &str, seen: Evidence) -> ComponentRef {
    let shown = if root.is_empty() { "." } else { root };
    let name = if root.is_empty() { "this repository" } else { root };
    facts.add(Component::new(&format!("repo:{shown}"), name, "repository", Layer::Source, Role::Own, seen))
}

impl<'a> Job<'a> {
    pub(super) fn new(
        own: ComponentRef,
        files: &'a Files,
        path: &'a Arc<str>,
        reader: &'static str,
        stem: String,
        name: &str,
    ) -> Job<'a> {
        Job {
            own,
            files,
            path,
            reader,
            stem,
            name: name.to_owned(),
            folder: Some(String::new()),
            root: String::new(),
            shell: None,
            decided: BTreeSet::new(),
            object_store_known: false,
            cloud_known: false,
            local_cluster: false,
            cluster: None,
            aws_keys: None,
        }
    }

    pub(super) fn seen(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, self.reader)
    }

    pub(super) fn image(&self, facts: &mut Facts, written: &str, expanded: &Expanded, line: u32) {
        let mut how = Use::new(self.own, LinkKind::BuiltFrom, self.seen(line));
        how.confidence = expanded.confidence();
        how.also.clone_from(&expanded.seen);
        command::link_image_text(facts, written, expanded, &how);
    }

    /// An image that needs no expansion, or whose variables are nobody's.
    pub(super) fn plain_image(&self, facts: &mut Facts, text: &str, line: u32) {
        self.image(facts, text, &Expanded { text: text.to_owned(), ..Expanded::default() }, line);
    }

    /// A host that the job sends to or fetches from.
    pub(super) fn host(&self, facts: &mut Facts, text: &str, kind: LinkKind, line: u32, confidence: Confidence) {
        let mut how = Use::new(self.own, kind, self.seen(line));
        how.confidence = confidence;
        destination::link_to(facts, text, &how);
    }

    /// A service that the job works for or with, by its names.
    pub(super) fn target(
        &mut self,
        facts: &mut Facts,
        names: &[&str],
        layer: Layer,
        seen: Evidence,
        confidence: Confidence,
        region: Option<&str>,
    ) {
        let Some(first) = names.first() else { return };
        // A setting of the job says that it is another instance.
        if layer != Layer::Cloud && self.decided.contains(&first.to_ascii_lowercase()) {
            return;
        }
        let kind = if layer == Layer::Cloud { "deploy-target" } else { "service" };
        let id = format!("deploy:{}/{first}", self.stem);
        let mut component = Component::new(&id, first, kind, layer, Role::Provided, seen.clone());
        component.clues = names.iter().map(|name| Clue::new(ClueKind::Name, name)).collect();
        component.confidence = confidence;
        component.place = region.filter(|region| !region.contains('$')).map(Place::region);
        let to = facts.add(component);
        let link = facts.link(self.own, LinkKind::SendsTo, to, seen);
        if layer != Layer::Cloud {
            link.mitigations.push(Mitigation::NotRequired);
        } else {
            self.cloud_known = true;
        }
    }

    /// Reads a script: the lines of a literal block, or one text.
    pub(super) fn script(&mut self, facts: &mut Facts, node: &Node, expand: &dyn Fn(&str) -> Option<String>) {
        let Some(text) = node.as_str() else { return };
        let literal = matches!(&node.value, Value::Scalar(scalar) if scalar.literal);
        let lines: Vec<(u32, &str)> = if literal {
            (node.line..).zip(text.lines()).collect()
        } else {
            text.lines().map(|line| (node.line, line)).collect()
        };
        self.lines(facts, &lines, expand);
    }

    pub(super) fn lines(&mut self, facts: &mut Facts, lines: &[(u32, &str)], expand: &dyn Fn(&str) -> Option<String>) {
        let script = Script {
            from: self.own,
            path: self.path,
            reader: self.reader,
            otherwise: LinkKind::SendsTo,
            neighbour: &|_| None,
            expand,
        };
        let seen = command::read(facts, lines, &script, self.folder.as_deref());
        self.gates(facts, lines);
        let Seen { clouds, cluster, local_cluster, object_store_known, effects, folder } = seen;
        self.folder = folder;
        effects.iter().for_each(|(folder, effect, line)| self.deliver(facts, folder, effect, *line));
        self.local_cluster |= local_cluster;
        self.object_store_known |= object_store_known;
        self.cluster = self.cluster.or(cluster);
        for (cloud, line) in clouds {
            let layer = match cloud {
                "sentry" => Layer::ErrorTracking,
                "snyk" | "codecov" => Layer::Ci,
                _ => Layer::Cloud,
            };
            self.target(facts, &[cloud], layer, self.seen(line), Confidence::Medium, None);
        }
    }

    /// The name of a secret: a hint at whose service it opens. `words`: the names of the step and the job.
    pub(super) fn secret(
        &mut self,
        facts: &mut Facts,
        secret: &str,
        variable: Option<&str>,
        words: &[&str],
        seen: Evidence,
    ) {
        let upper = secret.to_ascii_uppercase();
        if settings::AWS_CREDENTIALS.iter().any(|name| upper.ends_with(name)) {
            self.aws_keys.get_or_insert(seen);
            return;
        }
        let mut names: Vec<&str> =
            std::iter::once(secret).chain(variable).filter(|name| settings::is_credential(name)).collect();
        names.dedup();
        let Some(first) = names.first() else { return };
        let prefix = settings::words(first).into_iter().next().unwrap_or_default();
        if self.decided.contains(&prefix) {
            return;
        }
        let id = format!("secret:{}/{secret}", self.stem);
        let mut component =
            Component::new(&id, secret, "credential", Layer::Unclassified, Role::Provided, seen.clone());
        component.confidence = Confidence::Low;
        component.clues = names.iter().map(|name| Clue::new(ClueKind::EnvVar, name)).collect();
        // A step named `SonarCloud scan` with a `SONAR_TOKEN` says which of the services with that token is meant.
        if prefix.len() >= 3
            && let Some(word) = words.iter().find_map(|text| word_with(text, &prefix))
        {
            component.clues.push(Clue::new(ClueKind::Name, word));
            component.confidence = Confidence::Medium;
        }
        let to = facts.add(component);
        facts.link(self.own, LinkKind::SendsTo, to, seen).mitigations.push(Mitigation::NotRequired);
    }

    /// What is known only when the whole job was read.
    pub(super) fn finish(self, facts: &mut Facts) {
        if self.cloud_known {
            return;
        }
        if let Some(line) = self.cluster.filter(|_| !self.local_cluster) {
            let message = "a Kubernetes cluster is changed, and no file says which".to_owned();
            facts.unresolved("U007", message, Some(self.own), Evidence::line(self.path, line, self.reader));
        }
        if let Some(seen) = self.aws_keys.filter(|_| !self.object_store_known) {
            let message = "credentials for an S3-compatible service are used, and no file says which".to_owned();
            facts.unresolved("U007", message, Some(self.own), seen);
        }
    }
}

/// The word of a text that begins with a prefix (any case).
fn word_with<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.split(|c: char| !c.is_alphanumeric()).find(|word| {
        word.len() > prefix.len() && word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

/// Secrets that a text uses: `secrets.NAME` inside expressions.
pub(super) fn secrets_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("secrets.").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        rest.get(..end).filter(|name| !name.is_empty() && *name != "GITHUB_TOKEN")
    })
}

//! The steps of a job or of a composite action.

use super::super::action::{self, Uses};
use super::super::diagnose;
use super::super::expression::Scope;
use super::super::gate::{github_shell, hooks_check, is_off, lines_of};
use super::super::job::Job;
use super::super::services::{registry_of, service_of};
use super::{File, expand_word, own_action};
use crate::command::gate::{Gate, gate};
use crate::command::{Effect, image_name};
use crate::destination::{self, Use};
use crate::files::join;
use crate::node::{Node, parse_yaml_document};
use crate::settings;
use allod_facts::{Confidence, Evidence, Facts, LinkKind};

impl File<'_> {
    pub(super) fn steps(&self, facts: &mut Facts, job: &mut Job<'_>, steps: Option<&Node>, scope: &Scope) {
        let steps = steps.map(Node::items).unwrap_or_default();
        // What a step says about endpoints holds for the credentials of the whole job.
        for step in steps {
            self.environment(facts, job, step, scope);
        }
        for step in steps {
            let mut inner;
            let scope = if step.get("env").is_some() {
                inner = scope.clone();
                self.add_environment(&mut inner, step);
                &inner
            } else {
                scope
            };
            self.step(facts, job, step, scope);
        }
    }

    fn step(&self, facts: &mut Facts, job: &mut Job<'_>, step: &Node, scope: &Scope) {
        let shell = job.shell;
        // A step that may fail, or never runs, stops nothing.
        let runs =
            is_off(step.get("continue-on-error")) && !matches!(step.str_at(&["if"]), Some("false" | "${{ false }}"));
        job.shell = match step.str_at(&["shell"]) {
            _ if !runs => None,
            Some(stated) => shell.and_then(|_| github_shell(Some(stated))),
            None => shell,
        };
        self.step_of(facts, job, step, scope);
        job.shell = shell;
    }

    fn step_of(&self, facts: &mut Facts, job: &mut Job<'_>, step: &Node, scope: &Scope) {
        if let Some((key, uses)) = step.entry("uses") {
            self.uses(facts, job, step, uses, key.line, scope);
        }
        if let Some(run) = step.get("run") {
            let start = job.folder.clone();
            if let Some(directory) = step.str_at(&["working-directory"]) {
                job.folder = self.folder(Some(directory));
            }
            job.script(facts, run, &|text| expand_word(scope, text));
            // Every step starts anew.
            job.folder = start;
        }
        let name = step.str_at(&["name"]).unwrap_or_default();
        self.secrets(facts, job, step, &[name], &self.range(step.line, step));
    }

    fn uses(&self, facts: &mut Facts, job: &mut Job<'_>, step: &Node, uses: &Node, line: u32, scope: &Scope) {
        let text = uses.as_str().unwrap_or_default();
        match action::parse(text, self.flavour.actions_host) {
            Some(Uses::Image(image)) => self.image(facts, job, image, line, scope),
            Some(Uses::Local(path)) => self.local(facts, job, path, line),
            Some(Uses::Remote(remote)) => {
                remote.link(facts, job, line);
                self.gate_action(facts, job, step, &remote.name.to_ascii_lowercase(), line);
                job.local_cluster |= ["kind", "k3d", "k3s", "minikube", "microk8s"]
                    .iter()
                    .any(|word| remote.name.to_ascii_lowercase().contains(word));
                self.inputs(facts, job, step, &remote.name.to_ascii_lowercase(), line, scope);
            }
            None => {
                facts.unresolved("U002", format!("`{text}` names no action"), Some(job.own), self.seen(line));
            }
        }
    }

    /// An action of Allod's own that checks or applies, or one that runs the hooks of pre-commit.
    fn gate_action(&self, facts: &mut Facts, job: &Job<'_>, step: &Node, name: &str, line: u32) {
        if job.shell.is_none() {
            return;
        }
        let inputs = || step.get("with").into_iter().flat_map(Node::entries).filter_map(|(_, _, value)| value.as_str());
        let is = |text: &str| matches!(text.split([' ', '-', '_']).next(), Some("check" | "apply"));
        let own = name.strip_prefix("allod/").is_some_and(|rest| is(rest) || inputs().any(is));
        let harmless = inputs().any(|text| text.contains("--exit-zero"))
            || step.at(&["with", "exit-zero"]).is_some_and(|node| node.as_bool() != Some(false));
        let hooks = name == "pre-commit/action" && hooks_check(self.files, &job.root, None);
        if own && !harmless || hooks {
            job.is_gate(facts, self.seen(line));
        }
    }

    /// The gates of a composite action of the repository are those of the job that uses it.
    fn gates_inside(&self, facts: &mut Facts, job: &Job<'_>, file: &str) {
        if job.shell.is_none() {
            return;
        }
        let Some(Ok(text)) = self.files.text(file) else { return };
        let Ok(action) = parse_yaml_document(&text) else { return };
        for step in action.at(&["runs", "steps"]).map(Node::items).unwrap_or_default() {
            let shell = github_shell(step.str_at(&["shell"])).filter(|_| is_off(step.get("continue-on-error")));
            let (Some(run), Some(shell)) = (step.get("run"), shell) else { continue };
            if let Some(Gate::Allod(line)) = gate(&lines_of(run), shell) {
                let path = self.files.shared_path(file);
                job.is_gate(facts, Evidence::line(&path, line, self.flavour.reader));
            }
        }
    }

    fn local(&self, facts: &mut Facts, job: &Job<'_>, path: &str, line: u32) {
        let Some(folder) = join(self.repository_root(), path) else {
            diagnose(facts, "D009", format!("the action `{path}` lies outside the tree"), self.path, line);
            return;
        };
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let file = ["action.yml", "action.yaml"].iter().map(|name| format!("{prefix}{name}"));
        match file.into_iter().find(|file| self.files.has(file)) {
            Some(file) => {
                self.gates_inside(facts, job, &file);
                let to = facts.add(own_action(&self.files.shared_path(&file), self.flavour.reader));
                if to != job.own {
                    facts.link(job.own, LinkKind::BuiltFrom, to, self.seen(line));
                }
            }
            None => diagnose(facts, "D008", format!("the action `{path}` is not in the tree"), self.path, line),
        }
    }

    /// What the inputs of an action say about whom it talks to.
    fn inputs(&self, facts: &mut Facts, job: &mut Job<'_>, step: &Node, action: &str, line: u32, scope: &Scope) {
        let input = |name: &str| {
            let (key, value) = step.get("with")?.entry(name)?;
            Some((key.line, value.as_str()?))
        };
        if let Some((names, layer)) = service_of(action) {
            let region = ["aws-region", "region", "location"].iter().find_map(|name| input(name));
            let region = region.and_then(|(_, text)| scope.one(text)).map(|one| one.text);
            let seen = self.range(line, step);
            job.target(facts, names, layer, seen, Confidence::High, region.as_deref());
        }
        let registry = ["registry", "registry-url", "repository-url", "login-server", "repository_url"]
            .iter()
            .find_map(|name| input(name));
        match registry {
            Some((line, text)) => self.registry(facts, job, text, line, scope),
            None => {
                if let Some(host) = registry_of(action) {
                    job.host(facts, host, LinkKind::SendsTo, line, Confidence::Medium);
                }
            }
        }
        for (name, key, value) in step.get("with").into_iter().flat_map(Node::entries) {
            let Some(text) = value.as_str() else { continue };
            match name {
                // Where images are pushed to.
                "tags" | "images" if action.starts_with("docker/") || action.contains("build-push") => {
                    let separate =
                        |text: &'_ str| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
                    let lines = (value.line..).zip(text.lines()).take(50);
                    for (line, image) in
                        lines.flat_map(|(line, text)| separate(text).into_iter().map(move |one| (line, one)))
                    {
                        let image = image.rsplit_once("name=").map_or(image.as_str(), |(_, name)| name);
                        if let Some(name) =
                            image_name(&scope.partly(image).text).filter(|_| !image.starts_with("type="))
                        {
                            job.deliver(facts, "", &Effect::Image(name), line);
                        }
                        let registry = image.split('/').next().unwrap_or_default();
                        if image.contains('/') && !registry.is_empty() && !registry.starts_with("type=") {
                            self.registry_of_image(facts, job, registry, line, scope);
                        }
                    }
                }
                "manifests" | "manifest" if action.contains("k8s") || action.contains("kube") => {
                    for (line, path) in (value.line..).zip(text.lines()).take(50) {
                        self.delivers(facts, job, &Effect::Manifests(path.trim().to_owned(), false), line);
                    }
                }
                "task-definition" => {
                    self.delivers(facts, job, &Effect::Manifests(text.to_owned(), false), key.line);
                }
                "path" if action.starts_with("dflook/") && action.ends_with("apply") => {
                    self.delivers(facts, job, &Effect::Terraform(text.to_owned()), key.line);
                }
                "chart" | "chart_path" | "chart-path" if action.contains("helm") => {
                    self.delivers(facts, job, &Effect::Chart(text.to_owned()), key.line);
                }
                "script" | "run" | "command" | "commands" => {
                    job.script(facts, value, &|text| expand_word(scope, text));
                }
                "registry" | "registry-url" | "repository-url" | "login-server" | "repository_url" => {}
                _ => {
                    let text = scope.partly(text).text;
                    self.hidden_input(facts, job, name, &text, key.line);
                    for url in
                        destination::urls(&text).into_iter().filter(|url| !destination::is_document(url)).take(20)
                    {
                        job.host(facts, url, LinkKind::SendsTo, key.line, Confidence::High);
                    }
                }
            }
        }
    }

    /// `argocd_url: ${{ vars.URL }}`: the action talks to somebody whom no file names.
    fn hidden_input(&self, facts: &mut Facts, job: &Job<'_>, name: &str, text: &str, line: u32) {
        let words = settings::words(name);
        let given = ["secrets.", "vars."].iter().any(|source| text.contains(source));
        if text.trim().starts_with("${{")
            && given
            && settings::is_endpoint_key(&words)
            && !settings::is_own_name(&words)
        {
            let message = format!("the input `{name}` comes from a variable that no file sets");
            let how = Use::new(job.own, LinkKind::SendsTo, self.seen(line));
            destination::hide(facts, name, "U001", message, &how);
        }
    }

    /// What an action delivers: its paths count from the root of the repository.
    fn delivers(&self, facts: &mut Facts, job: &Job<'_>, effect: &Effect, line: u32) {
        job.deliver(facts, self.repository_root(), effect, line);
    }

    fn registry(&self, facts: &mut Facts, job: &Job<'_>, text: &str, line: u32, scope: &Scope) {
        match scope.resolve(text) {
            Ok(outcomes) => {
                for one in outcomes.iter().filter(|one| !one.text.is_empty()) {
                    let host = one.text.split_once("://").map_or(one.text.as_str(), |(_, rest)| rest);
                    let host = host.split('/').next().unwrap_or(host);
                    job.host(facts, host, LinkKind::SendsTo, line, one.confidence);
                }
            }
            Err((code, message)) => facts.unresolved(code, message, Some(job.own), self.seen(line)),
        }
    }

    fn registry_of_image(&self, facts: &mut Facts, job: &Job<'_>, registry: &str, line: u32, scope: &Scope) {
        // `namespace/name` is Docker Hub's; what only a run can know was said by the login.
        let Some(one) = scope.one(registry) else { return };
        let host = one.text.split('/').next().unwrap_or_default().to_owned();
        if destination::is_bare_host(&host) {
            job.host(facts, &host, LinkKind::SendsTo, line, one.confidence);
        } else if !host.contains(['$', '{']) && !one.text.is_empty() {
            job.host(facts, "docker.io", LinkKind::SendsTo, line, Confidence::Medium);
        }
    }
}

//! Woodpecker pipelines, and Drone's, from which they come: steps in containers. Whose server runs them no file says.

use super::job::{self, Job};
use super::text_of;
use crate::command::{Effect, image_name};
use crate::files::{Files, folder_of, join};
use crate::node::{Node, parse_yaml};
use crate::settings::{self, Reading, Setting};
use crate::variables::{Syntax, expand};
use allod_facts::{Component, Confidence, Evidence, Facts, Layer, LinkKind, Role};
use std::sync::Arc;

const ID: &str = "woodpecker";

pub(super) fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        let shared = files.shared_path(path);
        let Some(text) = text_of(files, &shared, &mut facts) else { continue };
        let (documents, broken) = parse_yaml(&text);
        facts.diagnostics.extend(broken.map(|broken| broken.diagnostic(&shared)));
        for root in &documents {
            pipeline(&mut facts, files, &shared, root);
        }
    }
    facts
}

fn pipeline(facts: &mut Facts, files: &Files, path: &Arc<str>, root: &Node) {
    let seen = |line| Evidence::line(path, line, ID);
    let Some((first, steps)) = ["steps", "pipeline"].iter().find_map(|key| root.entry(key)) else { return };
    let drone = path.ends_with(".drone.yml") || path.ends_with(".drone.yaml");
    let (id, name) = if drone { ("drone", "Drone") } else { (ID, "Woodpecker CI") };
    // `drone` names Drone's cloud in the register; the server is anybody's.
    let platform = job::platform(facts, id, name, (!drone).then_some(id), seen(first.line));
    let message = format!("no file says whose {name} server runs this pipeline");
    facts.unresolved("U007", message, Some(platform), seen(first.line));
    let root_folder = folder_of(path).trim_end_matches(".woodpecker").trim_end_matches('/');
    let repository = job::repository(facts, root_folder, seen(first.line));
    let services = root.get("services");
    for (name, line, step) in named(Some(steps)).into_iter().chain(named(services)).chain(named(root.get("clone"))) {
        let id = format!("woodpecker:{path}#{name}");
        let own = facts.add(Component::new(&id, name, "job", Layer::Ci, Role::Own, seen(line)));
        facts.link(own, LinkKind::Trusts, platform, seen(line));
        facts.link(repository, LinkKind::DeployedBy, own, seen(line));
        let mut job = Job::new(own, files, path, ID, format!("{path}#{name}"), name);
        job.root = root_folder.to_owned();
        job.folder = join(root_folder, step.str_at(&["directory"]).unwrap_or_default());
        body(facts, &mut job, step);
        // The step fails the pipeline unless its failure is ignored.
        let fails = step.str_at(&["failure"]) != Some("ignore");
        job.gates_of(facts, step.get("commands").map(Node::items).unwrap_or_default().iter(), fails);
        job.finish(facts);
    }
}

/// Steps by name: a map, or a list of maps with `name`.
fn named(steps: Option<&Node>) -> Vec<(&str, u32, &Node)> {
    let Some(steps) = steps else { return Vec::new() };
    match steps.as_seq() {
        Some(items) => items.iter().map(|item| (item.str_at(&["name"]).unwrap_or("step"), item.line, item)).collect(),
        None => steps.entries().map(|(name, key, step)| (name, key.line, step)).collect(),
    }
}

/// The registries and images of a plugin that builds and pushes images.
fn publishes(facts: &mut Facts, job: &Job<'_>, settings: Option<&Node>) {
    let Some(settings) = settings else { return };
    settings.walk_scalars(&mut |keys, node| {
        let (Some(text), Some(key)) = (node.as_str(), keys.last()) else { return };
        match *key {
            "registry" if keys.len() > 1 => job.host(facts, text, LinkKind::SendsTo, node.line, Confidence::High),
            "repo" | "repos" => {
                for name in text.split(',').filter_map(image_name).take(20) {
                    let registry = name.split('/').next().unwrap_or_default();
                    job.host(facts, registry, LinkKind::SendsTo, node.line, Confidence::High);
                    job.deliver(facts, "", &Effect::Image(name), node.line);
                }
            }
            _ => {}
        }
    });
}

fn body(facts: &mut Facts, job: &mut Job<'_>, step: &Node) {
    if let Some((key, image)) = step.entry("image")
        && let Some(text) = image.as_str()
    {
        let mut expanded = expand(text, Syntax::Shell, &|_| None);
        // An alias: the line of its anchor decided the image.
        if image.line != key.line {
            expanded.seen.push(job.seen(image.line));
        }
        job.image(facts, text, &expanded, key.line);
        publishes(facts, job, step.get("settings"));
    }
    for key in ["environment", "settings"] {
        let mut all = Vec::new();
        for (name, key, value) in step.get(key).into_iter().flat_map(Node::entries) {
            if let Some(secret) = value.str_at(&["from_secret"]) {
                let seen = Evidence { end_line: value.end_line.max(key.line), ..job.seen(key.line) };
                let (secret, name) = (secret.to_ascii_uppercase(), name.to_ascii_uppercase());
                job.secret(facts, &secret, Some(&name), &[], seen);
            } else if let Some(text) = value.as_str() {
                all.push(Setting {
                    key: name.to_owned(),
                    value: Some(text.to_owned()),
                    seen: job.seen(key.line),
                    also: Vec::new(),
                    confidence: Confidence::High,
                });
            }
        }
        let stem = format!("{}/", job.stem);
        let how = Reading { owner: job.own, stem: &stem, neighbour: &|_| None, object_store_known: false, hints: true };
        let decided = settings::read(facts, &all, &how);
        job.decided.extend(decided.words);
        job.object_store_known |= decided.object_store_known;
    }
    for item in step.get("commands").map(Node::items).unwrap_or_default() {
        job.script(facts, item, &|_| None);
    }
}

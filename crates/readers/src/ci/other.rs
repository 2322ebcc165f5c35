//! Pipelines that are read shallowly: whose platform runs them, on whose machines, from which images.

use super::job::{self, Job};
use super::text_of;
use crate::command::gate::Shell;
use crate::files::{Files, folder_of, name_of};
use crate::image;
use crate::node::{Node, parse_yaml_document};
use crate::variables::{Syntax, expand};
use allod_facts::{Clue, ClueKind, Component, Evidence, Facts, Layer, LinkKind, Role};
use std::sync::Arc;

const ID: &str = "ci";

/// A platform by the name of its file.
struct Platform {
    id: &'static str,
    name: &'static str,
    /// Whether the platform is a service that one company runs; otherwise one runs it oneself.
    hosted: bool,
}

fn platform_of(path: &str) -> Option<Platform> {
    let lower = path.to_ascii_lowercase();
    let one = |id, name, hosted| Some(Platform { id, name, hosted });
    match name_of(&lower) {
        name if name.starts_with("azure-pipelines") => one("azure-pipelines", "Azure Pipelines", true),
        name if name.starts_with("bitbucket-pipelines") => one("bitbucket-pipelines", "Bitbucket Pipelines", true),
        name if name.starts_with(".travis") => one("travis-ci", "Travis CI", true),
        name if name.starts_with("cloudbuild") => one("google-cloud-build", "Google Cloud Build", true),
        name if name.starts_with("buildspec") => one("aws-codebuild", "AWS CodeBuild", true),
        name if name.starts_with("appveyor") || name.starts_with(".appveyor") => one("appveyor", "AppVeyor", true),
        name if name.starts_with(".cirrus") => one("cirrus-ci", "Cirrus CI", true),
        name if name.starts_with("jenkinsfile") => one("jenkins", "Jenkins", false),
        _ if lower.contains(".circleci/") => one("circleci", "CircleCI", true),
        _ if lower.contains(".buildkite/") => one("buildkite", "Buildkite", true),
        _ => None,
    }
}

pub(super) fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        let shared = files.shared_path(path);
        let Some(platform) = platform_of(path) else { continue };
        let Some(text) = text_of(files, &shared, &mut facts) else { continue };
        let own = pipeline(&mut facts, &shared, &platform);
        let mut job = Job::new(own, files, &shared, ID, shared.to_string(), platform.name);
        if platform.id == "jenkins" {
            groovy(&mut facts, &mut job, &text);
        } else {
            match parse_yaml_document(&text) {
                Ok(root) => tree(&mut facts, &mut job, &root, platform.id),
                Err(broken) => facts.diagnostics.push(broken.diagnostic(&shared)),
            }
        }
        job.finish(&mut facts);
    }
    facts
}

fn pipeline(facts: &mut Facts, path: &Arc<str>, platform: &Platform) -> allod_facts::ComponentRef {
    let seen = Evidence::line(path, 1, ID);
    let (role, kind) = if platform.hosted { (Role::Provided, "pipeline") } else { (Role::Own, "pipeline") };
    let mut component = Component::new(&format!("ci:{path}"), platform.name, kind, Layer::Ci, role, seen.clone());
    if platform.hosted {
        component.clues.push(Clue::new(ClueKind::CiPlatform, platform.id));
    }
    let own = facts.add(component);
    let folder = folder_of(path).trim_end_matches(".circleci").trim_end_matches(".buildkite").trim_end_matches('/');
    let repository = job::repository(facts, folder, seen.clone());
    facts.link(repository, LinkKind::DeployedBy, own, seen);
    own
}

/// Images, runners and scripts wherever they stand in a YAML pipeline.
fn tree(facts: &mut Facts, job: &mut Job<'_>, root: &Node, platform: &str) {
    let mut scripts: Vec<(&Node, bool)> = Vec::new();
    let fails = always_fails(root);
    let mut images: Vec<(&str, u32)> = Vec::new();
    let mut runners: Vec<(&str, u32)> = Vec::new();
    root.walk_scalars(&mut |path, node| {
        let Some(text) = node.as_str() else { return };
        let inside = |key: &str| path.contains(&key);
        match path.last().copied() {
            Some("image") if !inside("machine") => images.push((text, node.line)),
            Some("name")
                if path.iter().rev().nth(1) == Some(&"image")
                    || platform == "google-cloud-build" && inside("steps") =>
            {
                images.push((text, node.line));
            }
            Some("vmImage" | "resource_class" | "vmimage") => runners.push((text, node.line)),
            Some("pipe") => images.push((text, node.line)),
            Some(
                "script" | "bash" | "run" | "command" | "commands" | "inline" | "install" | "before_install" | "pwsh"
                | "after-script" | "args",
            ) => {
                let after = path.iter().any(|key| AFTER.iter().any(|start| key.starts_with(start)));
                scripts.push((node, fails && !after));
            }
            _ => {}
        }
    });
    for (label, line) in runners {
        if let Some(component) = facts.get_mut(job.own) {
            component.clues.push(Clue::new(ClueKind::Runner, label));
            component.evidence.push(job.seen(line));
        }
    }
    for (text, line) in images {
        let text = text.strip_prefix("docker://").unwrap_or(text);
        // A word of the platform (`default`, `ubuntu-latest`) is no image; nor is a name with spaces.
        let plain = !text.contains(['/', ':', '.']) && platform == "azure-pipelines";
        if !plain && !text.contains(char::is_whitespace) {
            job.image(facts, text, &expand(text, Syntax::Shell, &|_| None), line);
        }
    }
    for (name, key, value) in root.get("orbs").into_iter().flat_map(Node::entries) {
        let Some(text) = value.as_str() else { continue };
        let seen = job.seen(key.line);
        let component = Component::new(&format!("orb:{text}"), name, "orb", Layer::Ci, Role::Artefact, seen.clone())
            .with_clue(Clue::new(ClueKind::CiPlatform, "circleci"));
        let to = facts.add(component);
        facts.link(job.own, LinkKind::BuiltFrom, to, seen);
    }
    for (node, fails) in scripts {
        // Not every one of these platforms stops at the first command that fails.
        job.shell = fails.then_some(Shell { stops: false, pipefail: false });
        job.script(facts, node, &|_| None);
    }
}

/// What runs when the outcome is known.
const AFTER: &[&str] = &["after", "post", "finally", "on_fail", "onFail", "always"];

/// Whether no step of a pipeline may fail without failing it.
fn always_fails(root: &Node) -> bool {
    const MAY_FAIL: &[&str] = &[
        "continueOnError",
        "soft_fail",
        "allow_failure",
        "allowFailure",
        "allow_failures",
        "ignore_failure",
        "fail-fast",
        "when",
    ];
    let mut fails = true;
    root.walk_scalars(&mut |path, node| {
        let may = path.iter().any(|key| MAY_FAIL.contains(key));
        fails &= !may || node.as_bool() == Some(false);
    });
    fails
}

/// `image 'name'` and `docker.image('name')` in a Jenkinsfile, and the lines of its `sh` steps.
fn groovy(facts: &mut Facts, job: &mut Job<'_>, text: &str) {
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim();
        if trimmed.starts_with("//") || trimmed.starts_with('*') {
            continue;
        }
        let rest = trimmed
            .strip_prefix("image ")
            .or_else(|| trimmed.split_once("docker.image(").map(|(_, rest)| rest))
            .or_else(|| trimmed.split_once("docker { image ").map(|(_, rest)| rest));
        if let Some(name) = rest.and_then(quoted) {
            if image::parse(name).is_some() || name.contains('$') {
                job.image(facts, name, &expand(name, Syntax::Shell, &|_| None), number);
            }
        } else if let Some(url) = trimmed.contains("://").then(|| crate::destination::urls(trimmed)) {
            for url in url {
                job.host(facts, url, LinkKind::SendsTo, number, allod_facts::Confidence::Medium);
            }
        }
    }
}

fn quoted(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    text.get(1..)?.split(quote).next()
}

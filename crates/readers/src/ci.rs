//! Continuous integration: who runs a job, which actions and images it is built from, what it sends to and where it
//! deploys. Whoever runs the pipeline can change what comes out of it.

mod action;
mod deliver;
mod expression;
mod gate;
mod github;
mod gitlab;
mod job;
mod other;
mod services;
mod woodpecker;

use crate::files::Files;
use crate::node::{Node, parse_yaml_document};
use crate::{Read, Reader, Scope};
use allod_facts::{Diagnostic, Facts, Severity};
use std::sync::Arc;

pub const GITHUB: Reader = Reader {
    id: "github-actions",
    about: "GitHub Actions workflows and composite actions",
    scope: Scope::File,
    read: Read::Loaded(|files, mine| github::read(files, mine, &github::GITHUB)),
};
pub const GITLAB: Reader =
    Reader { id: "gitlab-ci", about: "GitLab CI pipelines", scope: Scope::File, read: Read::Loaded(gitlab::read) };
pub const FORGEJO: Reader = Reader {
    id: "forgejo-actions",
    about: "Forgejo and Gitea Actions workflows",
    scope: Scope::File,
    read: Read::Loaded(github::read_forgejo),
};
pub const WOODPECKER: Reader = Reader {
    id: "woodpecker",
    about: "Woodpecker and Drone pipelines",
    scope: Scope::File,
    read: Read::Loaded(woodpecker::read),
};
pub const OTHER: Reader = Reader {
    id: "ci",
    about: "Azure Pipelines, CircleCI, Bitbucket Pipelines, Travis CI, Cloud Build, CodeBuild and Jenkins, shallowly",
    scope: Scope::File,
    read: Read::Loaded(other::read),
};

/// The text of a pipeline, or a diagnostic.
fn text_of(files: &Files, path: &Arc<str>, facts: &mut Facts) -> Option<String> {
    match files.text(path)? {
        Ok(text) => Some(text),
        Err(_) => {
            diagnose(facts, "D002", "not a text file".into(), path, 0);
            None
        }
    }
}

/// The tree of a pipeline in YAML, or a diagnostic.
fn tree_of(files: &Files, path: &Arc<str>, facts: &mut Facts) -> Option<Node> {
    match parse_yaml_document(&text_of(files, path, facts)?) {
        Ok(root) => Some(root),
        Err(broken) => {
            facts.diagnostics.push(broken.diagnostic(path));
            None
        }
    }
}

fn diagnose(facts: &mut Facts, code: &'static str, message: String, path: &Arc<str>, line: u32) {
    let severity = if code == "D002" { Severity::Error } else { Severity::Warning };
    facts.diagnostics.push(Diagnostic { code, severity, message, path: path.clone(), line, hint: None });
}

/// Whether a name of a YAML file (lower case) is a pipeline of a platform that is read shallowly.
pub(crate) fn is_other_name(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "azure-pipelines",
        "bitbucket-pipelines",
        ".travis",
        "cloudbuild",
        "buildspec",
        "appveyor",
        ".appveyor",
        ".cirrus",
    ];
    NAMES.iter().any(|start| name.strip_prefix(start).is_some_and(|rest| rest.starts_with(['.', '-', '_'])))
}

#[cfg(test)]
mod tests;

//! Manifests of applications: which packages the code is built from, and the registries that they come from.
//!
//! A package is a hint that the code can call what it is an SDK of; nothing here says that it does. A registry is a
//! default (medium confidence) unless a file names it. Lock files are not read, and nothing is looked up.

mod found;
mod json;
mod lines;
pub(crate) mod package;
mod toml;
mod xml;

use crate::files::{Files, name_of};
use crate::node::Broken;
use crate::{Read, Reader, Scope};
use allod_facts::{Ecosystem, Facts};
use found::Found;

pub(crate) use found::git_place;

pub const READER: Reader = Reader {
    id: "manifests",
    about: "application manifests (package.json, pyproject.toml, Cargo.toml, go.mod, pom.xml, ...)",
    scope: Scope::File,
    read: Read::Loaded(read),
};

/// How the text of a manifest is read.
type Parse = fn(text: &str) -> Result<Found, Broken>;

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        let shared = files.shared_path(path);
        let Some((ecosystem, parse)) = parser_of(&name_of(path).to_ascii_lowercase()) else { continue };
        let parsed = match files.text(path) {
            Some(Ok(text)) => parse(&text),
            Some(Err(_)) => Err(Broken { code: "D002", message: "the file is not text".into(), line: 0 }),
            None => Err(Broken { code: "D001", message: "the file was not loaded".into(), line: 0 }),
        };
        match parsed {
            Ok(found) => found.emit(&mut facts, files, &shared, ecosystem),
            Err(broken) => facts.diagnostics.push(broken.diagnostic(&shared)),
        }
    }
    facts
}

/// Whether a file name (lower case) is an application manifest that this reader knows.
pub(crate) fn is_manifest(name: &str) -> bool {
    parser_of(name).is_some()
}

fn parser_of(name: &str) -> Option<(Ecosystem, Parse)> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Some(match name {
        "package.json" => (Ecosystem::Npm, json::npm),
        "composer.json" => (Ecosystem::Composer, json::composer),
        "cargo.toml" => (Ecosystem::Cargo, toml::cargo),
        "pyproject.toml" => (Ecosystem::Pypi, toml::pyproject),
        "pipfile" => (Ecosystem::Pypi, toml::pipfile),
        "setup.cfg" => (Ecosystem::Pypi, lines::setup_cfg),
        "go.mod" => (Ecosystem::Go, lines::go_mod),
        "gemfile" | "gems.rb" => (Ecosystem::Gem, lines::gemfile),
        "pom.xml" => (Ecosystem::Maven, xml::pom),
        "build.gradle" | "build.gradle.kts" | "settings.gradle" | "settings.gradle.kts" => {
            (Ecosystem::Maven, lines::gradle)
        }
        "libs.versions.toml" => (Ecosystem::Maven, toml::catalog),
        "packages.config" | "directory.packages.props" => (Ecosystem::Nuget, xml::dotnet),
        _ if is_requirements(name) => (Ecosystem::Pypi, lines::requirements),
        _ if extension == "gemspec" => (Ecosystem::Gem, lines::gemfile),
        _ if matches!(extension, "csproj" | "fsproj" | "vbproj") => (Ecosystem::Nuget, xml::dotnet),
        _ => return None,
    })
}

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`.
fn is_requirements(name: &str) -> bool {
    let stem = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".in"));
    stem.is_some_and(|stem| {
        let edge = |rest: &str| rest.is_empty() || rest.starts_with(['-', '_', '.']) || rest.ends_with(['-', '_', '.']);
        stem.strip_prefix("requirements").or_else(|| stem.strip_suffix("requirements")).is_some_and(edge)
    })
}

#[cfg(test)]
mod tests;

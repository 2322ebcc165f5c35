//! `Cargo.toml`, `pyproject.toml`, `Pipfile` and Gradle's version catalogue.

use super::found::Found;
use super::lines::python_requirement;
use crate::node::{Broken, Node, parse_toml};

pub(super) fn cargo(text: &str) -> Result<Found, Broken> {
    let node = parse_toml(text)?;
    let mut found = Found { name: name_at(&node, &["package", "name"]), ..Found::default() };
    let targets = node.get("target").into_iter().flat_map(Node::entries).map(|(_, _, target)| target);
    for place in std::iter::once(&node).chain(targets).chain(node.get("workspace")) {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, key, dependency) in place.get(section).into_iter().flat_map(Node::entries) {
                cargo_dependency(&mut found, name, key, dependency);
            }
        }
    }
    for (_, _, patched) in node.get("patch").into_iter().flat_map(Node::entries) {
        for (name, key, dependency) in patched.entries() {
            cargo_dependency(&mut found, name, key, dependency);
        }
    }
    Ok(found)
}

fn cargo_dependency(found: &mut Found, name: &str, key: &Node, dependency: &Node) {
    if let Some(git) = dependency.get("git") {
        let line = if git.line == 0 { key.line } else { git.line };
        return found.git(git.as_str().unwrap_or_default(), line, dependency.get("rev").is_some());
    }
    let only_local = dependency.get("path").is_some() && dependency.get("version").is_none();
    if !only_local {
        found.package(dependency.str_at(&["package"]).unwrap_or(name), key.line);
    }
}

pub(super) fn pyproject(text: &str) -> Result<Found, Broken> {
    let node = parse_toml(text)?;
    let name = name_at(&node, &["project", "name"]).or_else(|| name_at(&node, &["tool", "poetry", "name"]));
    let mut found = Found { name, ..Found::default() };
    let lists = [node.at(&["project", "dependencies"]), node.at(&["build-system", "requires"])];
    let groups = [node.at(&["project", "optional-dependencies"]), node.get("dependency-groups")];
    let grouped = groups.into_iter().flatten().flat_map(Node::entries).map(|(_, _, list)| list);
    for requirement in lists.into_iter().flatten().chain(grouped).flat_map(Node::items) {
        if let Some(text) = requirement.as_str() {
            python_requirement(&mut found, text, requirement.line);
        }
    }
    if let Some(poetry) = node.at(&["tool", "poetry"]) {
        let groups = poetry.get("group").into_iter().flat_map(Node::entries).map(|(_, _, group)| group);
        for place in std::iter::once(poetry).chain(groups) {
            for section in ["dependencies", "dev-dependencies"] {
                python_table(&mut found, place.get(section));
            }
        }
    }
    for (_, key, source) in node.at(&["tool", "uv", "sources"]).into_iter().flat_map(Node::entries) {
        if let Some(git) = source.str_at(&["git"]) {
            found.git(git, key.line, source.get("rev").is_some());
        }
    }
    indexes(&mut found, &node);
    Ok(found)
}

/// Other indexes than the default one: Poetry's and PDM's sources, uv's indexes.
fn indexes(found: &mut Found, node: &Node) {
    let lists = [node.at(&["tool", "poetry", "source"]), node.at(&["tool", "pdm", "source"])];
    for source in lists.into_iter().flatten().flat_map(Node::items) {
        let Some(url) = source.get("url") else { continue };
        found.registry(url.as_str().unwrap_or_default(), url.line);
        found.replaces_default |= matches!(source.str_at(&["priority"]), Some("default" | "primary"))
            || matches!(source.str_at(&["name"]), Some("pypi"));
    }
    for (url, default) in node.at(&["tool", "uv"]).map(uv_indexes).unwrap_or_default() {
        found.registry(url.as_str().unwrap_or_default(), url.line);
        found.replaces_default |= default;
    }
}

/// The indexes that uv is set to, in `[tool.uv]` or in `uv.toml`, and whether each is used instead of the default one.
pub(super) fn uv_indexes(uv: &Node) -> Vec<(&Node, bool)> {
    let mut indexes = Vec::new();
    for index in uv.get("index").map(Node::items).unwrap_or_default() {
        let default = index.get("default").and_then(Node::as_bool) == Some(true);
        indexes.extend(index.get("url").map(|url| (url, default || index.str_at(&["name"]) == Some("pypi"))));
    }
    indexes.extend(uv.get("index-url").map(|url| (url, true)));
    indexes.extend(uv.get("extra-index-url").map(Node::items).unwrap_or_default().iter().map(|url| (url, false)));
    indexes
}

pub(super) fn pipfile(text: &str) -> Result<Found, Broken> {
    let node = parse_toml(text)?;
    let mut found = Found::default();
    for source in node.get("source").map(Node::items).unwrap_or_default() {
        if let Some(url) = source.get("url") {
            found.registry(url.as_str().unwrap_or_default(), url.line);
            found.replaces_default = true;
        }
    }
    for section in ["packages", "dev-packages"] {
        python_table(&mut found, node.get(section));
    }
    Ok(found)
}

/// Packages as the keys of a table, as Poetry and Pipenv write them.
fn python_table(found: &mut Found, table: Option<&Node>) {
    for (name, key, spec) in table.into_iter().flat_map(Node::entries) {
        match spec.get("git") {
            Some(git) => found.git(git.as_str().unwrap_or_default(), key.line, spec.get("rev").is_some()),
            None if spec.get("path").is_some() || name == "python" => {}
            None => found.package(name, key.line),
        }
    }
}

/// `libs.versions.toml`. Source: Gradle's "Version catalogs".
pub(super) fn catalog(text: &str) -> Result<Found, Broken> {
    let node = parse_toml(text)?;
    let mut found = Found::default();
    for (_, key, library) in node.get("libraries").into_iter().flat_map(Node::entries) {
        let written = library.as_str().or_else(|| library.str_at(&["module"]));
        let parts = written.and_then(|text| {
            let mut parts = text.split(':');
            Some((parts.next()?, parts.next()?))
        });
        let parts = parts.or_else(|| Some((library.str_at(&["group"])?, library.str_at(&["name"])?)));
        if let Some((group, name)) = parts {
            found.package(&format!("{group}:{name}"), key.line);
        }
    }
    Ok(found)
}

fn name_at(node: &Node, path: &[&str]) -> Option<(String, u32)> {
    let name = node.at(path)?;
    Some((name.as_str()?.to_owned(), name.line))
}

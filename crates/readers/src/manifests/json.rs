//! `package.json` and `composer.json`.

use super::found::Found;
use crate::node::{Broken, Node, parse_json};

pub(super) fn npm(text: &str) -> Result<Found, Broken> {
    let node = parse_json(text)?;
    let mut found = Found { name: name(&node), ..Found::default() };
    for section in ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] {
        for (name, key, spec) in node.get(section).into_iter().flat_map(Node::entries) {
            npm_dependency(&mut found, name, spec.as_str().unwrap_or_default(), key.line);
        }
    }
    Ok(found)
}

/// A range, a tag, an alias, a URL, a repository or a local path. Source: npm's "package.json", dependencies.
fn npm_dependency(found: &mut Found, name: &str, spec: &str, line: u32) {
    let pinned = spec.rsplit_once('#').is_some_and(|(_, commit)| is_commit(commit));
    match spec.split_once(':') {
        Some(("file" | "link" | "workspace" | "portal" | "patch" | "catalog", _)) => {}
        Some(("npm", alias)) => {
            // `npm:@scope/name@range`: the `@` of a scope is no version.
            let real = alias.rfind('@').filter(|at| *at > 0).and_then(|at| alias.get(..at)).unwrap_or(alias);
            found.package(real, line);
        }
        Some(("github", path)) => found.git(&format!("https://github.com/{path}"), line, pinned),
        Some(("gitlab", path)) => found.git(&format!("https://gitlab.com/{path}"), line, pinned),
        Some(("bitbucket", path)) => found.git(&format!("https://bitbucket.org/{path}"), line, pinned),
        Some(("git" | "git+ssh" | "git+https" | "git+http" | "git+file" | "ssh", _)) => found.git(spec, line, pinned),
        Some(("http" | "https", _)) if spec.ends_with(".git") || spec.contains(".git#") => {
            found.git(spec, line, pinned)
        }
        Some(("http" | "https", _)) => {
            found.package(name, line);
            found.registry(spec, line);
        }
        Some(_) if spec.starts_with("git@") => found.git(spec, line, pinned),
        // `owner/repository`
        None if spec.contains('/') && !spec.starts_with(['.', '/', '~', '@']) => {
            found.git(&format!("https://github.com/{spec}"), line, pinned);
        }
        None if spec.starts_with(['.', '/']) || spec.starts_with("~/") => {}
        _ => found.package(name, line),
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn composer(text: &str) -> Result<Found, Broken> {
    let node = parse_json(text)?;
    let mut found = Found { name: name(&node), ..Found::default() };
    for section in ["require", "require-dev"] {
        for (name, key, _) in node.get(section).into_iter().flat_map(Node::entries) {
            // `php`, `ext-json`, `lib-curl` are no packages.
            if name.contains('/') {
                found.package(name, key.line);
            }
        }
    }
    let repositories = node.get("repositories");
    let named = repositories.into_iter().flat_map(Node::entries).map(|(key, _, value)| (key, value));
    let listed = repositories.and_then(Node::as_seq).unwrap_or_default().iter().map(|value| ("", value));
    for (key, repository) in named.chain(listed) {
        let is_off = |node: &Node| node.as_bool() == Some(false);
        if key.starts_with("packagist") && is_off(repository)
            || repository.entries().any(|(name, _, value)| name.starts_with("packagist") && is_off(value))
        {
            found.replaces_default = true;
        }
        let Some(url) = repository.get("url") else { continue };
        let text = url.as_str().unwrap_or_default();
        match repository.str_at(&["type"]) {
            Some("vcs" | "git" | "github" | "gitlab") => found.git(text, url.line, false),
            Some("path" | "artifact") => {}
            _ => found.registry(text, url.line),
        }
    }
    Ok(found)
}

fn name(node: &Node) -> Option<(String, u32)> {
    let name = node.get("name")?;
    Some((name.as_str()?.to_owned(), name.line))
}

//! References to actions and reusable workflows: `owner/name[/path]@ref`, a URL, an image, a local folder.

use super::job::Job;
use crate::endpoint;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Facts, Layer, LinkKind, Mitigation, Role};

/// A parsed `uses:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Uses<'a> {
    Local(&'a str),
    Image(&'a str),
    Remote(Remote),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub host: String,
    /// `owner/name`, as written.
    pub name: String,
    pub version: Option<String>,
}

/// `None` when the text is no reference. `host`: where a reference without a host is fetched from.
pub(super) fn parse<'a>(text: &'a str, host: &str) -> Option<Uses<'a>> {
    let text = text.trim();
    if text.starts_with("./") || text.starts_with("../") {
        return Some(Uses::Local(text));
    }
    if let Some(image) = text.strip_prefix("docker://") {
        return Some(Uses::Image(image));
    }
    let (host, rest) = match text.split_once("://") {
        Some((_, rest)) => (endpoint::host_of(text)?, rest.split_once('/')?.1),
        None => (host.to_owned(), text),
    };
    let (path, version) = match rest.split_once('@') {
        Some((path, version)) => (path, Some(version.to_owned())),
        None => (rest, None),
    };
    let mut parts = path.split('/');
    let (owner, name) = (parts.next()?, parts.next()?);
    let fine = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    (fine(owner) && fine(name)).then(|| Uses::Remote(Remote { host, name: format!("{owner}/{name}"), version }))
}

impl Remote {
    /// Adds the action and the link of a job to it; a full commit pins it.
    pub(super) fn link(&self, facts: &mut Facts, job: &Job<'_>, line: u32) -> ComponentRef {
        let version = self.version.as_deref().unwrap_or_default();
        let github = self.host == "github.com";
        let place = if github { String::new() } else { format!("{}/", self.host) };
        let full = format!("{place}{}@{version}", self.name);
        let seen = job.seen(line);
        let mut component =
            Component::new(&format!("action:{full}"), &full, "action", Layer::Ci, Role::Artefact, seen.clone());
        if github {
            component.clues.push(Clue::new(ClueKind::Action, &self.name));
        }
        component.clues.push(Clue::new(ClueKind::Host, &self.host));
        let to = facts.add(component);
        let link = facts.link(job.own, LinkKind::BuiltFrom, to, seen);
        if version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            link.mitigations.push(Mitigation::PinnedDigest);
        }
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let check = |text: &str, expect: &str| {
            let shown = match parse(text, "github.com") {
                Some(Uses::Local(path)) => format!("local {path}"),
                Some(Uses::Image(image)) => format!("image {image}"),
                Some(Uses::Remote(one)) => format!("{} {} {}", one.host, one.name, one.version.unwrap_or("-".into())),
                None => "none".into(),
            };
            assert_eq!(shown, expect, "{text}");
        };
        check("actions/checkout@v4", "github.com actions/checkout v4");
        check("a/b/sub/dir@main", "github.com a/b main");
        check("https://data.forgejo.org/actions/checkout@v4", "data.forgejo.org actions/checkout v4");
        check("docker://alpine:3", "image alpine:3");
        check("./.github/actions/x", "local ./.github/actions/x");
        check("${{ x }}", "none");
    }
}

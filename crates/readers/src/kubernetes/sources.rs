//! Addresses of Git repositories in their many spellings, as one component for each.

use crate::endpoint::{HostKind, host_kind, is_host_name};
use allod_facts::{Clue, ClueKind, Component, Evidence, Layer, Role};

/// A Git repository at a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Git {
    pub host: String,
    /// Owner and name, without `.git`, folder and query.
    pub path: String,
    /// A full commit that pins it.
    pub pinned: bool,
}

impl Git {
    /// `https://host/owner/name.git`, `git@host:owner/name`, `ssh://git@host/owner/name`, `host/owner/name//folder?ref=x`.
    /// `None` when the text is no remote repository.
    pub fn of(text: &str) -> Option<Git> {
        let text = text.trim();
        let text = text.strip_prefix("git::").unwrap_or(text);
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let rest = match text.split_once("://") {
            Some(("https" | "http" | "ssh" | "git" | "git+https" | "git+ssh", rest)) => rest,
            Some(_) => return None,
            None => text,
        };
        let first = rest.split('/').next().unwrap_or(rest);
        let (host, path) = match first.rsplit_once('@') {
            Some((user, _)) => {
                let rest = rest.get(user.len() + 1..)?;
                rest.split_once([':', '/'])?
            }
            None if text.contains("://") => rest.split_once('/')?,
            None => rest.split_once(['/', ':']).filter(|(host, _)| host.contains('.') && !host.starts_with('.'))?,
        };
        let (port, path) = match path.split_once('/') {
            Some((port, behind)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => {
                (Some(port), behind)
            }
            _ => (None, path),
        };
        let _ = port;
        let host = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
        let path = path.split("//").next().unwrap_or(path).trim_matches('/');
        let path = match path.split_once(".git/") {
            Some((path, _)) => path,
            None => path.strip_suffix(".git").unwrap_or(path),
        };
        // Hosts that have owner and name only: what follows is a folder.
        let path = if matches!(host.as_str(), "github.com" | "bitbucket.org" | "codeberg.org") {
            path.split('/').take(2).collect::<Vec<_>>().join("/")
        } else {
            path.to_owned()
        };
        let fine = is_host_name(&host)
            && !path.is_empty()
            && path.bytes().all(|b| b.is_ascii_graphic() && !b"{}$<>\"'`\\".contains(&b));
        let reference =
            query.split('&').find_map(|part| part.strip_prefix("ref=").or_else(|| part.strip_prefix("version=")));
        fine.then(|| Git { pinned: reference.is_some_and(is_commit), path: path.to_owned(), host })
    }

    pub fn is_internal(&self) -> bool {
        host_kind(&self.host) == HostKind::Internal
    }
}

/// Forty or sixty-four hexadecimal digits.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The component of a repository, shared by all readers.
pub(crate) fn git_component(git: &Git, role: Role, seen: Evidence) -> Component {
    let id = format!("git:{}/{}", git.host, git.path.to_ascii_lowercase());
    let name = format!("{}/{}", git.host, git.path);
    let role = if git.is_internal() { Role::Own } else { role };
    let mut component = Component::new(&id, &name, "git-repository", Layer::Source, role, seen);
    if !git.is_internal() {
        component.clues.push(Clue::new(ClueKind::Host, &git.host));
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_in_their_spellings() {
        let check = |text: &str, expect: Option<&str>| {
            let shown = Git::of(text)
                .map(|git| format!("{} {}{}", git.host, git.path, if git.pinned { " pinned" } else { "" }));
            assert_eq!(shown.as_deref(), expect, "{text}");
        };
        check("https://github.com/acme/fleet.git", Some("github.com acme/fleet"));
        check("https://user:pw@github.com/acme/fleet", Some("github.com acme/fleet"));
        check("git@github.com:acme/fleet.git", Some("github.com acme/fleet"));
        check("ssh://git@git.acme.net:2222/acme/fleet", Some("git.acme.net acme/fleet"));
        check("github.com/acme/fleet//base?ref=v1", Some("github.com acme/fleet"));
        check("github.com/acme/fleet/base?ref=v1", Some("github.com acme/fleet"));
        check("https://gitlab.com/a/b/c.git//x", Some("gitlab.com a/b/c"));
        check(&format!("https://github.com/a/b?ref={}", "a".repeat(40)), Some("github.com a/b pinned"));
        check("../base", None);
        check("base", None);
        check("oci://ghcr.io/a/b", None);
        check("https://{{ host }}/a/b", None);
    }
}

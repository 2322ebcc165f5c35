//! ci reader: to be written.

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const GITHUB: Reader = Reader {
    id: "github-actions",
    about: "GitHub Actions workflows and composite actions",
    scope: Scope::File,
    read: Read::Loaded(read),
};
pub const GITLAB: Reader =
    Reader { id: "gitlab-ci", about: "GitLab CI pipelines", scope: Scope::File, read: Read::Loaded(read) };
pub const FORGEJO: Reader = Reader {
    id: "forgejo-actions",
    about: "Forgejo and Gitea Actions workflows",
    scope: Scope::File,
    read: Read::Loaded(read),
};
pub const WOODPECKER: Reader =
    Reader { id: "woodpecker", about: "Woodpecker pipelines", scope: Scope::File, read: Read::Loaded(read) };

fn read(_files: &Files, _mine: &[&str]) -> Facts {
    Facts::new()
}

//! manifests reader: to be written.

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const READER: Reader = Reader {
    id: "manifests",
    about: "application manifests (package.json, pyproject.toml, Cargo.toml, go.mod, pom.xml, ...)",
    scope: Scope::File,
    read: Read::Loaded(read),
};

fn read(_files: &Files, _mine: &[&str]) -> Facts {
    Facts::new()
}

/// Whether a file name (lower case) is an application manifest that this reader knows.
pub(crate) fn is_manifest(_name: &str) -> bool {
    false
}

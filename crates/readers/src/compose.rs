//! compose reader: to be written.

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const READER: Reader =
    Reader { id: "compose", about: "Docker Compose files", scope: Scope::Tree, read: Read::Loaded(read) };

fn read(_files: &Files, _mine: &[&str]) -> Facts {
    Facts::new()
}

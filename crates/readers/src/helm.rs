//! helm reader: to be written.

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const READER: Reader = Reader { id: "helm", about: "Helm charts", scope: Scope::Tree, read: Read::Loaded(read) };

fn read(_files: &Files, _mine: &[&str]) -> Facts {
    Facts::new()
}

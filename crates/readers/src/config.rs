//! config reader: to be written.

pub(crate) mod dotenv;

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const READER: Reader = Reader {
    id: "config",
    about: "environment files and configuration values that name a host",
    scope: Scope::File,
    read: Read::Loaded(read),
};

fn read(_files: &Files, _mine: &[&str]) -> Facts {
    Facts::new()
}

/// Whether a file name (lower case) is configuration by itself (`.env`, `application.properties`, ...).
pub(crate) fn is_config_name(_name: &str, _extension: &str) -> bool {
    false
}

//! dns reader: to be written.

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const ZONE: Reader =
    Reader { id: "zone", about: "DNS zone files (RFC 1035)", scope: Scope::Tree, read: Read::Loaded(read) };
pub const OCTODNS: Reader =
    Reader { id: "octodns", about: "octoDNS zones and configuration", scope: Scope::Tree, read: Read::Loaded(read) };

fn read(_files: &Files, _mine: &[&str]) -> Facts {
    Facts::new()
}

/// Whether a YAML file is an octoDNS zone or configuration.
pub(crate) fn is_octodns(_path: &str, _text: &str) -> bool {
    false
}

/// Whether a text starts as a zone file does (`$ORIGIN`, `$TTL`, an SOA record).
pub(crate) fn is_zone_text(_text: &str) -> bool {
    false
}

//! telemetry reader: to be written.

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const READER: Reader = Reader {
    id: "telemetry",
    about: "telemetry pipelines (OpenTelemetry Collector, Prometheus, Fluent Bit, Vector, ...)",
    scope: Scope::File,
    read: Read::Loaded(read),
};

fn read(_files: &Files, _mine: &[&str]) -> Facts {
    Facts::new()
}

/// Whether a path (lower case) is a telemetry configuration whatever it holds (`datadog.yaml`, `fluent-bit.conf`, ...).
pub(crate) fn is_telemetry_path(_path: &str, _name: &str, _extension: &str) -> bool {
    false
}

/// Whether a YAML text has the top-level keys of an OpenTelemetry Collector, Prometheus, Promtail, Vector or Fluent Bit.
pub(crate) fn is_telemetry_yaml(_text: &str) -> bool {
    false
}

/// Whether a TOML text is a Vector configuration.
pub(crate) fn is_vector_toml(_text: &str) -> bool {
    false
}

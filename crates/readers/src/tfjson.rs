//! tfjson reader: to be written.

use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const READER: Reader = Reader {
    id: "terraform-json",
    about: "Terraform plan and state JSON",
    scope: Scope::File,
    read: Read::Streamed(read),
};

fn read(_path: &str, _from: &mut dyn std::io::BufRead) -> Facts {
    Facts::new()
}

/// Whether the start of a JSON text is a Terraform plan (`show -json`) or state.
pub(crate) fn is_plan_or_state(_text: &str) -> bool {
    false
}

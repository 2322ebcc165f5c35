//! Terraform and OpenTofu plans and states in JSON: `show -json` and raw state of version 4.
//!
//! The file is streamed: memory grows with the number of resources, not with the size of the file. Nothing is kept of
//! a resource but its address, its type, its place, its tags, what it shows of recording and the hosts and images that it
//! names. Keys may
//! stand in any order; what the configuration says about providers is applied at the end.
//! Source of the format: "JSON Output Format" in the Terraform documentation.

mod configuration;
mod provider;
mod recording;
mod resources;
mod scan;
mod sources;
mod stack;
mod utf16;
mod values;

use crate::{Reader, Scope};
use allod_facts::{Diagnostic, Facts, Severity};
use scan::{Scan, Stop};
use stack::Stack;
use std::io::{BufRead, Read};
use std::sync::Arc;
use utf16::Utf16;

pub const READER: Reader = Reader {
    id: "terraform-json",
    about: "Terraform plan and state JSON",
    scope: Scope::File,
    read: crate::Read::Streamed(read),
};

fn read(path: &str, from: &mut dyn BufRead) -> Facts {
    let mut stack = Stack::new(path, READER.id);
    let mut seen = Document::default();
    let mut read =
        |from: &mut dyn Read| Scan::new(from).and_then(|mut scan| document(&mut scan, &mut stack, &mut seen));
    let outcome = match Utf16::opened(from) {
        Ok(mut converted) => read(&mut converted),
        Err(mut plain) => read(&mut plain),
    };
    let mut facts = stack.finish(if seen.is_plan { "terraform-plan" } else { "terraform-state" });
    let report = |code, severity, message: &str, line, hint: Option<&str>| Diagnostic {
        code,
        severity,
        message: message.to_owned(),
        path: Arc::from(path),
        line,
        hint: hint.map(str::to_owned),
    };
    match outcome {
        Err(Stop { code, message, line }) => {
            facts.diagnostics.push(report(code, Severity::Error, &message, line, None));
        }
        Ok(()) if seen.encrypted => {
            let message = "the state is encrypted";
            let hint = Some("audit the output of `tofu show -json` instead");
            facts.diagnostics.push(report("D010", Severity::Warning, message, 1, hint));
        }
        Ok(()) if seen.has_backend => {}
        Ok(()) if seen.old_version.is_some() => {
            let message = format!("state version {} is not read", seen.old_version.unwrap_or_default());
            let hint = Some("audit the output of `terraform show -json` instead");
            facts.diagnostics.push(report("D010", Severity::Warning, &message, 1, hint));
        }
        Ok(()) if !seen.has_resources => {
            let message = "neither a plan nor a state: it has no list of resources";
            facts.diagnostics.push(report("D011", Severity::Warning, message, 1, None));
        }
        Ok(()) => {}
    }
    facts
}

/// What kind of document it turned out to be.
#[derive(Default)]
struct Document {
    is_plan: bool,
    has_resources: bool,
    encrypted: bool,
    has_backend: bool,
    old_version: Option<String>,
}

enum Key {
    Values,
    Planned,
    Changes,
    Prior,
    Configuration,
    Variables,
    Resources,
    Modules,
    Version,
    Encrypted,
    Backend,
    Format,
    Other,
}

fn key_of(name: &str) -> Key {
    match name {
        "values" => Key::Values,
        "planned_values" => Key::Planned,
        "resource_changes" | "resource_drift" => Key::Changes,
        "prior_state" => Key::Prior,
        "configuration" => Key::Configuration,
        "variables" => Key::Variables,
        "resources" => Key::Resources,
        "modules" => Key::Modules,
        "version" => Key::Version,
        "backend" => Key::Backend,
        "encrypted_data" => Key::Encrypted,
        // An empty state has nothing but this.
        "format_version" => Key::Format,
        _ => Key::Other,
    }
}

fn document(scan: &mut Scan<'_>, stack: &mut Stack, seen: &mut Document) -> Result<(), Stop> {
    let Some(mut open) = scan.object()? else { return scan.end() };
    let mut version = None;
    while let Some(key) = scan.key(&mut open, key_of)? {
        seen.has_resources |=
            matches!(key, Key::Values | Key::Planned | Key::Changes | Key::Prior | Key::Resources | Key::Format);
        seen.is_plan |= matches!(key, Key::Planned | Key::Changes | Key::Configuration);
        match key {
            Key::Values | Key::Planned => resources::values_tree(scan, stack)?,
            Key::Changes => resources::list(scan, stack)?,
            Key::Prior => resources::prior_state(scan, stack)?,
            Key::Configuration => stack.configuration.read(scan)?,
            Key::Variables => stack.variables = configuration::variables(scan)?,
            Key::Resources => resources::raw_list(scan, stack)?,
            Key::Version => version = scan.scalar()?,
            Key::Modules => {
                seen.old_version = version.take();
                scan.skip()?;
            }
            Key::Backend => {
                seen.has_backend = true;
                resources::backend(scan, stack)?;
            }
            Key::Encrypted => {
                seen.encrypted = true;
                scan.skip()?;
            }
            Key::Format | Key::Other => scan.skip()?,
        }
    }
    scan.end()
}

/// Whether the start of a JSON text is a Terraform plan (`show -json`) or state.
pub(crate) fn is_plan_or_state(text: &str) -> bool {
    let has = |word: &str| text.contains(word);
    has("\"planned_values\"")
        || has("\"provider_config\"") && has("\"root_module\"")
        || has("\"terraform_version\"") && (has("\"format_version\"") || has("\"lineage\"") || has("\"serial\""))
        || has("\"lineage\"") && has("\"serial\"")
        || has("\"format_version\"") && has("\"root_module\"")
        || has("\"resource_changes\"") && has("\"provider_name\"")
}

#[cfg(test)]
mod tests;

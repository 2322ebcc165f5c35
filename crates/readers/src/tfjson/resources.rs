//! The lists of resources in plans and states, read one resource at a time.

use super::scan::{Scan, Stop};
use super::stack::Stack;
use super::values::Values;

/// One resource, or one instance of it, while it is being read.
#[derive(Default)]
pub(super) struct Resource {
    /// With module path and index: `module.a.aws_s3_bucket.b[0]`.
    pub address: String,
    pub kind: String,
    /// As written: `registry.terraform.io/hashicorp/aws`, `provider["..."].alias`.
    pub provider: String,
    pub is_data: bool,
    pub line: u32,
    pub end_line: u32,
    pub values: Values,
    /// Whether an attribute that tells the place is known only after apply.
    pub place_unknown: bool,
}

enum Key {
    Address,
    Mode,
    Kind,
    Provider,
    Values,
    Change,
    Resources,
    Modules,
    Other,
}

fn key_of(name: &str) -> Key {
    match name {
        "address" => Key::Address,
        "mode" => Key::Mode,
        "type" => Key::Kind,
        "provider_name" => Key::Provider,
        "values" => Key::Values,
        "change" => Key::Change,
        "resources" => Key::Resources,
        "child_modules" => Key::Modules,
        "root_module" => Key::Modules,
        _ => Key::Other,
    }
}

/// `values`, `planned_values` and `prior_state.values`: a root module with its child modules.
pub(super) fn values_tree(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    let Some(mut open) = scan.object()? else { return Ok(()) };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Modules => module(scan, stack)?,
            _ => scan.skip()?,
        }
    }
    Ok(())
}

/// `prior_state`: a whole state inside a plan.
pub(super) fn prior_state(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    let Some(mut open) = scan.object()? else { return Ok(()) };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Values => values_tree(scan, stack)?,
            _ => scan.skip()?,
        }
    }
    Ok(())
}

/// The recursion over child modules is bounded by the scanner's depth.
fn module(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    let Some(mut open) = scan.object()? else { return Ok(()) };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Resources => list(scan, stack)?,
            Key::Modules => {
                let Some(mut modules) = scan.array()? else { continue };
                while scan.item(&mut modules)? {
                    module(scan, stack)?;
                }
            }
            _ => scan.skip()?,
        }
    }
    Ok(())
}

/// `resources` of a module, or `resource_changes` and `resource_drift`.
pub(super) fn list(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    let Some(mut open) = scan.array()? else { return Ok(()) };
    while scan.item(&mut open)? {
        resource(scan, stack)?;
    }
    Ok(())
}

fn resource(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    let mut seen = Resource { line: scan.value_line()?, ..Resource::default() };
    let Some(mut open) = scan.object()? else { return Ok(()) };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Address => {
                text(scan, &mut seen.address)?;
                // What planned_values told already is not read again.
                if stack.is_complete(&seen.address) {
                    return scan.leave_object(&mut open);
                }
            }
            Key::Mode => seen.is_data = scan.string()? == Some("data"),
            Key::Kind => {
                seen.line = scan.line();
                text(scan, &mut seen.kind)?;
            }
            Key::Provider => text(scan, &mut seen.provider)?,
            Key::Values => {
                seen.values.look_at(&seen.kind);
                seen.values.read(scan)?;
            }
            Key::Change => change(scan, &mut seen)?,
            _ => scan.skip()?,
        }
    }
    seen.end_line = scan.line();
    stack.add(&seen);
    Ok(())
}

/// What will be there after the change, or what is there before a deletion.
fn change(scan: &mut Scan<'_>, seen: &mut Resource) -> Result<(), Stop> {
    enum Key {
        Before,
        After,
        Unknown,
        Other,
    }
    let (mut before, mut after) = (Values::default(), None::<Values>);
    let Some(mut open) = scan.object()? else { return Ok(()) };
    let key_of = |name: &str| match name {
        "before" => Key::Before,
        "after" => Key::After,
        "after_unknown" => Key::Unknown,
        _ => Key::Other,
    };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Before => before.read(scan)?,
            Key::After if scan.at_null()? => scan.skip()?,
            Key::After => {
                let after = after.insert(Values::default());
                after.look_at(&seen.kind);
                after.read(scan)?;
            }
            Key::Unknown => seen.place_unknown = unknown_place(scan)?,
            Key::Other => scan.skip()?,
        }
    }
    seen.values = after.unwrap_or(before);
    Ok(())
}

fn unknown_place(scan: &mut Scan<'_>) -> Result<bool, Stop> {
    let Some(mut open) = scan.object()? else { return Ok(false) };
    let mut unknown = false;
    while let Some(decides) = scan.key(&mut open, |name| matches!(name, "region" | "location" | "zone"))? {
        if decides {
            unknown |= scan.is_true()?;
        } else {
            scan.skip()?;
        }
    }
    Ok(unknown)
}

/// `resources` of a raw state (version 4): each with its instances.
pub(super) fn raw_list(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    let Some(mut open) = scan.array()? else { return Ok(()) };
    while scan.item(&mut open)? {
        raw_resource(scan, stack)?;
    }
    Ok(())
}

/// An instance of a resource in a raw state; type and name may stand behind it.
struct Instance {
    index: String,
    line: u32,
    end_line: u32,
    values: Values,
}

fn raw_resource(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    enum Key {
        Module,
        Mode,
        Kind,
        Name,
        Provider,
        Instances,
        Other,
    }
    let key_of = |name: &str| match name {
        "module" => Key::Module,
        "mode" => Key::Mode,
        "type" => Key::Kind,
        "name" => Key::Name,
        "provider" => Key::Provider,
        "instances" => Key::Instances,
        _ => Key::Other,
    };
    let mut line = scan.value_line()?;
    let (mut module, mut kind, mut name, mut provider) = Default::default();
    let (mut is_data, mut instances) = (false, Vec::new());
    let Some(mut open) = scan.object()? else { return Ok(()) };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Module => text(scan, &mut module)?,
            Key::Mode => is_data = scan.string()? == Some("data"),
            Key::Kind => {
                line = scan.line();
                text(scan, &mut kind)?;
            }
            Key::Name => text(scan, &mut name)?,
            Key::Provider => text(scan, &mut provider)?,
            Key::Instances => instances = raw_instances(scan, &kind)?,
            Key::Other => scan.skip()?,
        }
    }
    let dot = if module.is_empty() { "" } else { "." };
    let data = if is_data { "data." } else { "" };
    let single = instances.len() == 1;
    for Instance { index, line: own_line, end_line, values } in instances {
        let address = format!("{module}{dot}{data}{kind}.{name}{index}");
        // One instance: the header of the resource; of several, each stands for itself.
        let line = if single { line } else { own_line };
        let (kind, provider): (String, String) = (String::clone(&kind), String::clone(&provider));
        stack.add(&Resource { address, kind, provider, is_data, line, end_line, values, place_unknown: false });
    }
    Ok(())
}

fn raw_instances(scan: &mut Scan<'_>, kind: &str) -> Result<Vec<Instance>, Stop> {
    enum Key {
        Index,
        Attributes,
        Other,
    }
    let key_of = |name: &str| match name {
        "index_key" => Key::Index,
        "attributes" | "attributes_flat" => Key::Attributes,
        _ => Key::Other,
    };
    let mut instances = Vec::new();
    let Some(mut list) = scan.array()? else { return Ok(instances) };
    while scan.item(&mut list)? {
        let mut seen =
            Instance { index: String::new(), line: scan.value_line()?, end_line: 0, values: Values::default() };
        let Some(mut open) = scan.object()? else { continue };
        while let Some(key) = scan.key(&mut open, key_of)? {
            match key {
                Key::Index => {
                    let quote = if scan.next_byte()? == b'"' { "\"" } else { "" };
                    seen.index = scan.scalar()?.map_or(String::new(), |index| format!("[{quote}{index}{quote}]"));
                }
                Key::Attributes => {
                    seen.values.look_at(kind);
                    seen.values.read(scan)?;
                }
                Key::Other => scan.skip()?,
            }
        }
        seen.end_line = scan.line();
        instances.push(seen);
    }
    Ok(instances)
}

/// `backend` in the working state below `.terraform/`: its type and its settings.
pub(super) fn backend(scan: &mut Scan<'_>, stack: &mut Stack) -> Result<(), Stop> {
    enum Key {
        Kind,
        Settings,
        Other,
    }
    let key_of = |name: &str| match name {
        "type" => Key::Kind,
        "config" => Key::Settings,
        _ => Key::Other,
    };
    let (mut kind, mut line, mut settings) = (String::new(), scan.value_line()?, Values::default());
    let Some(mut open) = scan.object()? else { return Ok(()) };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Kind => {
                line = scan.line();
                text(scan, &mut kind)?;
            }
            Key::Settings => settings.read(scan)?,
            Key::Other => scan.skip()?,
        }
    }
    if !kind.is_empty() {
        stack.add_backend(&kind, line, settings.place);
    }
    Ok(())
}

fn text(scan: &mut Scan<'_>, into: &mut String) -> Result<(), Stop> {
    into.clear();
    into.push_str(scan.string()?.unwrap_or_default());
    Ok(())
}

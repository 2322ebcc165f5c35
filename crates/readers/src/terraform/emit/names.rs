//! What people call a resource: its own name, the instance, and the module around it.

use crate::terraform::eval::Instance;

/// Names that say nothing: the type of the resource, or the module around it, says what it is.
const GENERIC: &[&str] =
    &["this", "main", "default", "self", "resource", "current", "primary", "all", "example", "it", "instance"];

/// `worker["a"]`, `shop.logs`, `s3_bucket` for an `aws_s3_bucket.this`.
pub(super) fn short_name(instance: &Instance<'_>, kind: &str, name: &str, key: &str) -> String {
    let thing = kind.split_once('_').map_or(kind, |(_, thing)| thing);
    let own = if GENERIC.contains(&name) { without_version(thing) } else { name };
    let around = around(instance);
    let dot = if around.is_empty() { "" } else { "." };
    format!("{around}{dot}{own}{key}")
}

/// `a["x"].b` of the prefix `module.a["x"].module.b.`.
fn around(instance: &Instance<'_>) -> String {
    let mut calls = Vec::new();
    let mut at = instance.call.as_ref();
    while let Some(site) = at {
        calls.push(format!("{}{}", site.call.name, site.each.address()));
        at = site.parent.call.as_ref();
    }
    calls.reverse();
    calls.join(".")
}

/// The name of the state of a root module.
pub(super) fn state_name(dir: &str) -> String {
    if dir.is_empty() { "state".to_owned() } else { format!("state of {dir}") }
}

/// The kind of a backend, as it stands in the file.
pub(super) fn state_kind(kind: &str) -> String {
    if kind == "cloud" { "cloud block".to_owned() } else { format!("backend \"{kind}\"") }
}

/// A type without the `_v2` of its API.
pub(super) fn without_version(kind: &str) -> &str {
    match kind.rsplit_once("_v") {
        Some((rest, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => kind,
    }
}

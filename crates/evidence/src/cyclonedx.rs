//! CycloneDX 1.7: what is provided are services, what one runs or fetches are components. Who controls a part, from
//! where, and which powers over it follow are properties in the namespace `allod:`; the sources of statements about
//! companies are citations.
//!
//! No serial number and no time of its own: the same audit gives the same bytes.
//! Source: `bom-1.7.schema.json` of <https://github.com/CycloneDX/specification>.

mod citations;
mod flows;
mod parts;
mod properties;
mod purl;

use crate::json::Each;
use crate::{Audit, Show, place_of};
use allod_facts::{Evidence, Role};
use allod_stack::{Edge, Part};
use citations::Citations;
use flows::Flows;
use parts::{component, service};
use properties::{Property, property};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::io::Write;

/// References of what is no part of the stack; the ids of parts begin with what they are (`host:`, `image:`, ...).
const STACK_REF: &str = "allod:stack";
const TOOL_REF: &str = "allod:tool";
const REGISTER_REF: &str = "allod:register";

/// Writes an audit as CycloneDX 1.7 JSON. Streams, but for the list of what each source supports.
///
/// # Errors
/// What writing gives.
pub fn cyclonedx(audit: &Audit<'_>, show: Show, out: &mut dyn Write) -> std::io::Result<()> {
    let flows = Flows::of(audit);
    let citations = Citations::of(audit, show);
    let document = Document { audit, show, flows: &flows, citations: &citations };
    serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

struct Document<'a> {
    audit: &'a Audit<'a>,
    show: Show,
    flows: &'a Flows,
    citations: &'a Citations<'a>,
}

/// Whether a part is a service of the document; if not, it is a component of it.
fn is_service(part: &Part<'_>) -> bool {
    part.fact.role == Role::Provided
}

/// The parts that become services, or those that become components, in the order of the document.
fn shown<'a>(audit: &'a Audit<'a>, show: Show, services: bool) -> impl Iterator<Item = (usize, &'a Part<'a>)> {
    audit.parts_shown(show).filter(move |(_, part)| is_service(part) == services)
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Document { audit, show, flows, citations } = *self;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("$schema", "http://cyclonedx.org/schema/bom-1.7.schema.json")?;
        out.serialize_entry("bomFormat", "CycloneDX")?;
        out.serialize_entry("specVersion", "1.7")?;
        out.serialize_entry("version", &1)?;
        out.serialize_entry("metadata", &metadata(audit))?;
        let components = || shown(audit, show, false).map(|(at, part)| component(audit, at, part));
        out.serialize_entry("components", &Each(components))?;
        let services = || shown(audit, show, true).map(|(at, part)| service(audit, flows, at, part));
        out.serialize_entry("services", &Each(services))?;
        let dependencies = || audit.parts_shown(show).map(|(at, part)| dependency(audit, show, at, part));
        out.serialize_entry("dependencies", &Each(dependencies))?;
        let incomplete = incomplete(audit, show);
        if !incomplete.is_empty() {
            let composition = Composition { aggregate: "incomplete", dependencies: incomplete };
            out.serialize_entry("compositions", &[composition])?;
        }
        out.serialize_entry("citations", citations)?;
        out.serialize_entry("properties", &about(audit))?;
        out.end()
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    lifecycles: [Lifecycle; 1],
    tools: Tools,
    component: Named<'a>,
}

/// Seen in files before anything is built or run from them.
#[derive(Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Serialize)]
struct Tools {
    components: [Named<'static>; 2],
}

#[derive(Serialize)]
struct Named<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
}

fn metadata<'a>(audit: &'a Audit<'_>) -> Metadata<'a> {
    let version = Some(env!("CARGO_PKG_VERSION"));
    let tool = Named { kind: "application", bom_ref: TOOL_REF, name: "allod", version };
    let register = Named { kind: "data", bom_ref: REGISTER_REF, name: "allod register", version };
    Metadata {
        lifecycles: [Lifecycle { phase: "pre-build" }],
        tools: Tools { components: [tool, register] },
        component: Named { kind: "application", bom_ref: STACK_REF, name: &audit.root, version: None },
    }
}

#[derive(Serialize)]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    of: &'a str,
    #[serde(rename = "dependsOn")]
    depends_on: Vec<&'a str>,
}

fn dependency<'a>(audit: &'a Audit<'_>, show: Show, at: usize, part: &'a Part<'_>) -> Dependency<'a> {
    let shown = |part: &&Part<'_>| show.only.is_none_or(|layer| part.layer == layer);
    let targets = links_from(audit, at).iter().filter_map(|link| audit.stack.parts.get(link.to as usize));
    let mut depends_on: Vec<&str> = targets.filter(shown).map(|part| &*part.fact.id).collect();
    depends_on.dedup();
    Dependency { of: &part.fact.id, depends_on }
}

/// The links of one part: those of a stack are sorted by where they begin.
fn links_from<'a>(audit: &'a Audit<'_>, at: usize) -> &'a [Edge] {
    let links = &audit.stack.links;
    let begin = links.partition_point(|link| (link.from as usize) < at);
    let end = links.partition_point(|link| (link.from as usize) <= at);
    links.get(begin..end).unwrap_or_default()
}

#[derive(Serialize)]
struct Composition<'a> {
    aggregate: &'static str,
    dependencies: BTreeSet<&'a str>,
}

/// The parts about which something was not understood: they may have further dependencies.
fn incomplete<'a>(audit: &'a Audit<'_>, show: Show) -> BTreeSet<&'a str> {
    let parts = audit.stack.unresolved.iter().filter_map(|one| audit.stack.parts.get(one.component? as usize));
    parts.filter(|part| show.only.is_none_or(|layer| part.layer == layer)).map(|part| &*part.fact.id).collect()
}

/// What holds for the whole audit: home, coverage, and all that was not understood.
fn about(audit: &Audit<'_>) -> Vec<Property> {
    let mut out: Vec<Property> = audit.home.names.iter().map(|name| property("home", name.clone())).collect();
    out.push(property("files_seen", audit.coverage.files_seen.to_string()));
    out.push(property("files_read", audit.coverage.files_read.to_string()));
    for (reason, count) in &audit.coverage.files_skipped {
        out.push(property("files_skipped", format!("{count}: {reason}")));
    }
    for one in &audit.stack.unresolved {
        out.push(property("unresolved", format!("{} {}: {}", one.code, place_of(Some(&one.evidence)), one.message)));
    }
    for one in &audit.stack.diagnostics {
        let seen = Evidence { path: one.path.clone(), line: one.line, end_line: one.line, reader: "" };
        out.push(property("diagnostic", format!("{} {}: {}", one.code, place_of(Some(&seen)), one.message)));
    }
    out
}

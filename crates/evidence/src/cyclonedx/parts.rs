use super::flows::Flows;
use super::properties::{Property, properties};
use super::purl::{Purl, purl};
use crate::Audit;
use allod_facts::{Country, Layer};
use allod_register::Entity;
use allod_stack::{Control, Part};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Organization<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
}

/// The seat, as far as it is known.
#[derive(Serialize)]
struct Address {
    country: Country,
}

fn organization(entity: &Entity) -> Organization<'_> {
    Organization { name: &entity.name, address: entity.country.map(|country| Address { country }) }
}

#[derive(Serialize)]
pub(super) struct Service<'a> {
    #[serde(rename = "bom-ref")]
    bom_ref: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Organization<'a>>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    endpoints: Vec<String>,
    /// Whether using it leaves what the organisation runs; absent when nobody knows who runs it.
    #[serde(rename = "x-trust-boundary", skip_serializing_if = "Option::is_none")]
    leaves: Option<bool>,
    #[serde(rename = "trustZone")]
    zone: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data: Vec<Data<'a>>,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Data<'a> {
    flow: &'static str,
    classification: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    governance: Option<Governance<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source: Vec<String>,
}

#[derive(Serialize)]
struct Governance<'a> {
    custodians: [Responsible<'a>; 1],
}

#[derive(Serialize)]
struct Responsible<'a> {
    organization: Organization<'a>,
}

pub(super) fn service<'a>(audit: &'a Audit<'a>, flows: &Flows, at: usize, part: &'a Part<'a>) -> Service<'a> {
    let operator = part.operator.filter(|_| part.control == Control::Known);
    Service {
        bom_ref: &part.fact.id,
        provider: operator.map(organization),
        name: &part.fact.name,
        description: part.service.map(|service| service.name.as_str()),
        endpoints: endpoint(part).into_iter().collect(),
        leaves: match part.control {
            Control::Known => Some(true),
            Control::SelfHosted => Some(false),
            Control::Unknown => None,
        },
        zone: audit.side(part).name(),
        data: data(audit, flows, at, part, operator),
        properties: properties(audit, at, part),
    }
}

/// A host as a reference without scheme (RFC 3986, 4.2): which protocol is spoken the files do not say.
fn endpoint(part: &Part<'_>) -> Option<String> {
    let host = part.fact.id.strip_prefix("host:")?;
    let named = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => Some(format!("//[{address}]")),
        Err(_) => named.then(|| format!("//{host}")),
    }
}

/// Data that goes into a service, as its links say; and data of which a file says that it holds it.
fn data<'a>(
    audit: &'a Audit<'a>,
    flows: &Flows,
    at: usize,
    part: &'a Part<'a>,
    operator: Option<&'a Entity>,
) -> Vec<Data<'a>> {
    let governance =
        || operator.map(|entity| Governance { custodians: [Responsible { organization: organization(entity) }] });
    let inbound = flows.inbound(audit, at);
    let held = part.fact.data.iter().map(|class| &**class).filter(|class| !inbound.contains_key(class));
    let held =
        held.map(|class| Data { flow: "unknown", classification: class, governance: governance(), source: vec![] });
    let held: Vec<Data<'_>> = held.collect();
    let inbound = inbound.into_iter().map(|(class, from)| Data {
        flow: "inbound",
        classification: class,
        governance: governance(),
        source: from.into_iter().map(reference).collect(),
    });
    inbound.chain(held).collect()
}

/// Another part of this document as an IRI reference: its `bom-ref` as fragment.
fn reference(bom_ref: &str) -> String {
    let fragment = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    std::iter::once("#".to_owned()).chain(bom_ref.bytes().map(fragment)).collect()
}

#[derive(Serialize)]
pub(super) struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: &'a str,
    /// Who serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Organization<'a>>,
    /// Who can change its next version.
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    evidence: Seen<'a>,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Seen<'a> {
    occurrences: Vec<Occurrence<'a>>,
}

#[derive(Serialize)]
struct Occurrence<'a> {
    location: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    line: u32,
    #[serde(rename = "additionalContext")]
    context: &'a str,
}

fn is_zero(line: &u32) -> bool {
    *line == 0
}

pub(super) fn component<'a>(audit: &'a Audit<'a>, at: usize, part: &'a Part<'a>) -> Component<'a> {
    let (version, purl) = match purl(part) {
        Some(Purl { version, text }) => (version, Some(text)),
        None => (None, None),
    };
    let occurrences = part.fact.evidence.iter().map(|seen| Occurrence {
        location: &seen.path,
        line: seen.line,
        context: seen.reader,
    });
    Component {
        kind: kind(part),
        bom_ref: &part.fact.id,
        supplier: part.operator.map(organization),
        publisher: part.publisher(audit.stack.register).map(|entity| entity.name.as_str()),
        name: without_version(&part.fact.name, version.as_deref()),
        version,
        description: part.software.map(|software| software.name.as_str()),
        purl,
        evidence: Seen { occurrences: occurrences.collect() },
        properties: properties(audit, at, part),
    }
}

/// The name of an artefact says its version, too; CycloneDX has a field for that.
fn without_version<'a>(name: &'a str, version: Option<&str>) -> &'a str {
    let cut = version.and_then(|version| name.strip_suffix(version)?.strip_suffix([':', '@']));
    cut.filter(|name| !name.is_empty()).unwrap_or(name)
}

/// The nearest of the types that CycloneDX has; `application` is its type for all else.
fn kind(part: &Part<'_>) -> &'static str {
    match (&*part.fact.kind, part.layer) {
        ("image", _) => "container",
        ("model", _) => "machine-learning-model",
        ("package" | "action" | "module", _) => "library",
        ("zone" | "name" | "mail-domain", _) => "data",
        (_, Layer::Os) => "operating-system",
        (_, Layer::Hardware) => "device",
        _ => "application",
    }
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn references() {
        assert_eq!(reference("host:a.b"), "#host:a.b");
        assert_eq!(reference("tf:x#y[\"ü\"]"), "#tf:x%23y%5B%22%C3%BC%22%5D");
    }
}

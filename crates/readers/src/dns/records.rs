//! From records to facts, the same for every way in which they are written.

use crate::destination::{self, Use};
use crate::endpoint;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role,
};
use std::net::IpAddr;
use std::sync::Arc;

/// One record. Names are absolute, lower case, without the trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub owner: String,
    /// Upper case.
    pub kind: String,
    /// The data in the order of the zone file format.
    pub data: Vec<String>,
    pub seen: Evidence,
}

/// A zone whose component was added.
pub(super) struct Zone<'a> {
    pub own: ComponentRef,
    /// Without the trailing dot, lower case.
    pub origin: &'a str,
    /// Whether something in between ends TLS for a name (a proxied record), with the party that does.
    pub proxied: &'a dyn Fn(&Record) -> Option<ComponentRef>,
}

/// Types of records that are read or known to say nothing about others.
pub(super) fn is_type(word: &str) -> bool {
    const TYPES: &[&str] = &[
        "A",
        "AAAA",
        "CNAME",
        "DNAME",
        "ALIAS",
        "ANAME",
        "MX",
        "NS",
        "SOA",
        "TXT",
        "SPF",
        "SRV",
        "CAA",
        "PTR",
        "DS",
        "DNSKEY",
        "NAPTR",
        "SSHFP",
        "TLSA",
        "HTTPS",
        "SVCB",
        "LOC",
        "HINFO",
        "RRSIG",
        "NSEC",
        "NSEC3",
        "NSEC3PARAM",
        "CDS",
        "CDNSKEY",
        "RP",
        "URI",
        "OPENPGPKEY",
        "SMIMEA",
        "URLFWD",
        "DHCID",
        "APL",
        "CERT",
        "TYPE65534",
    ];
    TYPES.iter().any(|known| known.eq_ignore_ascii_case(word))
}

pub(super) fn zone_component(origin: &str, seen: Evidence) -> Component {
    Component::new(&format!("zone:{origin}"), origin, "zone", Layer::Dns, Role::Own, seen)
}

/// Adds what one record says.
pub(super) fn add(facts: &mut Facts, record: &Record, zone: &Zone<'_>) {
    let first = record.data.first().map_or("", String::as_str);
    match record.kind.as_str() {
        "NS" => name_server(facts, record, first, zone),
        "MX" => {
            if let Some(host) = record.data.get(1) {
                mail_exchanger(facts, record, host, zone);
            }
        }
        "CNAME" | "DNAME" | "ALIAS" | "ANAME" => alias(facts, record, first, zone),
        "HTTPS" | "SVCB" => {
            if let Some(target) = record.data.get(1).filter(|target| target.as_str() != ".") {
                alias(facts, record, target, zone);
            }
        }
        "A" | "AAAA" => address(facts, record, first, zone),
        "SRV" => {
            if let Some(target) = record.data.get(3).filter(|target| target.as_str() != ".") {
                service(facts, record, target, zone);
            }
        }
        "CAA" => issuer(facts, record, zone),
        "TXT" | "SPF" => text(facts, record, zone),
        _ => {}
    }
}

/// A link to a name: in the zone it is the organisation's own, outside it is a host.
fn link_name(
    facts: &mut Facts,
    from: ComponentRef,
    kind: LinkKind,
    record: &Record,
    target: &str,
    zone: &Zone<'_>,
    (clue, layer): (Option<ClueKind>, Layer),
) -> Option<ComponentRef> {
    let target = normal(target);
    if !endpoint::is_host_name(&target) {
        return None;
    }
    let to = if is_under(&target, zone.origin) {
        if from == zone.own && target == zone.origin {
            return None;
        }
        own_name(facts, &target, zone, record.seen.clone())
    } else {
        let mut component = endpoint::host_component(&target, record.seen.clone(), Confidence::High);
        component.layer = layer;
        if let Some(kind) = clue {
            component.clues.insert(0, Clue::new(kind, &target));
        }
        facts.add(component)
    };
    if to != from {
        facts.link(from, kind, to, record.seen.clone());
    }
    Some(to)
}

/// The component of a name in the zone, the apex included: its resolution depends on the zone, and who stands behind
/// the name holds nothing over the zone.
fn own_name(facts: &mut Facts, name: &str, zone: &Zone<'_>, seen: Evidence) -> ComponentRef {
    own_part(facts, "name", name, zone, seen)
}

/// The mail of a domain: who takes or sends it reads mail, and holds no power over the names of the zone.
fn mail_domain(facts: &mut Facts, domain: &str, zone: &Zone<'_>, seen: Evidence) -> ComponentRef {
    own_part(facts, "mail", domain, zone, seen)
}

/// A part of the organisation's own that is found through the zone.
fn own_part(facts: &mut Facts, prefix: &str, name: &str, zone: &Zone<'_>, seen: Evidence) -> ComponentRef {
    let id = format!("{prefix}:{name}");
    if let Some(known) = facts.find(&id) {
        if let Some(component) = facts.get_mut(known) {
            component.see(seen);
        }
        return known;
    }
    let (kind, layer) = if prefix == "mail" { ("mail-domain", Layer::Mail) } else { ("name", Layer::Dns) };
    let own = facts.add(Component::new(&id, name, kind, layer, Role::Own, seen.clone()));
    facts.link(own, LinkKind::ResolvedBy, zone.own, seen).mitigations.push(Mitigation::TlsPassesThrough);
    own
}

fn name_server(facts: &mut Facts, record: &Record, target: &str, zone: &Zone<'_>) {
    let apex = record.owner == zone.origin;
    // A delegation: the name below is another zone, with name servers of its own.
    let from = if apex { zone.own } else { own_name(facts, &record.owner, zone, record.seen.clone()) };
    let before = facts.links.len();
    link_name(facts, from, LinkKind::ResolvedBy, record, target, zone, (Some(ClueKind::NameServer), Layer::Dns));
    // A server that answers for a zone does not see what is sent to the addresses that it answers with.
    if let Some(link) = facts.links.get_mut(before..).and_then(<[_]>::last_mut).filter(|link| link.from == from) {
        link.mitigations.push(Mitigation::TlsPassesThrough);
        link.any_of = Some(Arc::from("ns"));
    }
}

fn mail_exchanger(facts: &mut Facts, record: &Record, target: &str, zone: &Zone<'_>) {
    // A single dot says that the domain takes no mail (RFC 7505).
    if target != "." && !target.is_empty() {
        let from = mail_domain(facts, &record.owner, zone, record.seen.clone());
        link_name(facts, from, LinkKind::SendsTo, record, target, zone, (Some(ClueKind::MailExchanger), Layer::Mail));
    }
}

fn alias(facts: &mut Facts, record: &Record, target: &str, zone: &Zone<'_>) {
    // A signing key that somebody publishes for the domain lets him send mail in its name.
    if let Some(domain) = domain_of_mail_record(&record.owner) {
        let from = mail_domain(facts, domain, zone, record.seen.clone());
        let clue = (Some(ClueKind::CanonicalName), Layer::Mail);
        link_name(facts, from, LinkKind::SendsTo, record, target, zone, clue);
        return;
    }
    let from = own_name(facts, &record.owner, zone, record.seen.clone());
    let clue = (Some(ClueKind::CanonicalName), Layer::Unclassified);
    link_name(facts, from, LinkKind::ResolvedBy, record, target, zone, clue);
    proxy(facts, record, from, zone);
}

/// The domain whose mail a record is about, by the record's own name (RFC 6376, 7489, 8460, 8461).
fn domain_of_mail_record(owner: &str) -> Option<&str> {
    owner
        .split_once("._domainkey.")
        .map(|(_, domain)| domain)
        .or_else(|| ["_dmarc.", "_smtp._tls.", "_mta-sts."].iter().find_map(|start| owner.strip_prefix(start)))
}

fn address(facts: &mut Facts, record: &Record, text: &str, zone: &Zone<'_>) {
    let Ok(address) = text.parse::<IpAddr>() else { return };
    let from = own_name(facts, &record.owner, zone, record.seen.clone());
    if endpoint::host_kind(&address.to_string()) == endpoint::HostKind::Public {
        destination::link_to(facts, text, &Use::new(from, LinkKind::ResolvedBy, record.seen.clone()));
    }
    proxy(facts, record, from, zone);
}

fn proxy(facts: &mut Facts, record: &Record, from: ComponentRef, zone: &Zone<'_>) {
    if let Some(party) = (zone.proxied)(record) {
        facts.link(from, LinkKind::ResolvedBy, party, record.seen.clone());
    }
}

fn service(facts: &mut Facts, record: &Record, target: &str, zone: &Zone<'_>) {
    let from = own_name(facts, &record.owner, zone, record.seen.clone());
    link_name(facts, from, LinkKind::SendsTo, record, target, zone, (None, Layer::Unclassified));
}

fn issuer(facts: &mut Facts, record: &Record, zone: &Zone<'_>) {
    let (Some(tag), Some(value)) = (record.data.get(1), record.data.get(2)) else { return };
    let domain = normal(value.split(';').next().unwrap_or_default().trim());
    if !tag.to_ascii_lowercase().starts_with("issue") || domain.is_empty() || !endpoint::is_host_name(&domain) {
        return;
    }
    let component = Component::new(
        &format!("caa:{domain}"),
        &domain,
        "certificate-authority",
        Layer::Certificates,
        Role::Provided,
        record.seen.clone(),
    )
    .with_clue(Clue::new(ClueKind::CaaIssuer, &domain));
    let to = facts.add(component);
    // The issuers of the apex hold for the whole zone.
    let from =
        if record.owner == zone.origin { zone.own } else { own_name(facts, &record.owner, zone, record.seen.clone()) };
    facts.link(from, LinkKind::ResolvedBy, to, record.seen.clone()).mitigations.push(Mitigation::TlsPassesThrough);
}

/// SPF, DMARC and TLS reports; other texts say nothing about who holds what.
fn text(facts: &mut Facts, record: &Record, zone: &Zone<'_>) {
    let whole = record.data.concat();
    let lower = whole.trim().to_ascii_lowercase();
    if lower.starts_with("v=spf1") {
        for term in lower.split_whitespace().skip(1).take(MAX_TERMS) {
            let term = term.trim_start_matches(['+', '?', '~']);
            if let Some(domain) = term.strip_prefix("include:").or_else(|| term.strip_prefix("redirect=")) {
                sender(facts, record, domain, zone);
            } else if let Some(address) = term.strip_prefix("ip4:").or_else(|| term.strip_prefix("ip6:")) {
                let single = address.strip_suffix("/32").or_else(|| address.strip_suffix("/128")).unwrap_or(address);
                if single.parse::<IpAddr>().is_ok() {
                    let from = mail_domain(facts, &record.owner, zone, record.seen.clone());
                    destination::link_to(facts, single, &Use::new(from, LinkKind::SendsTo, record.seen.clone()));
                }
            }
        }
    } else if lower.starts_with("v=dmarc1") || lower.starts_with("v=tlsrptv1") {
        for address in lower.split("mailto:").skip(1).take(MAX_TERMS) {
            let end = address.find([',', ';', '!', ' ', '"']).unwrap_or(address.len());
            let domain =
                address.get(..end).and_then(|address| address.split_once('@')).map_or("", |(_, domain)| domain);
            if !domain.is_empty() && !is_under(domain, zone.origin) && !is_under(zone.origin, domain) {
                let about = domain_of_mail_record(&record.owner).unwrap_or(zone.origin);
                let from = mail_domain(facts, about, zone, record.seen.clone());
                let mut how = Use::new(from, LinkKind::SendsTo, record.seen.clone());
                how.required = false;
                destination::link_to(facts, domain, &how);
            }
        }
    }
}

fn sender(facts: &mut Facts, record: &Record, domain: &str, zone: &Zone<'_>) {
    let domain = normal(domain);
    if is_under(&domain, zone.origin) || !endpoint::is_host_name(&domain) {
        return;
    }
    let id = format!("spf:{domain}");
    let component = Component::new(&id, &domain, "mail-sender", Layer::Mail, Role::Provided, record.seen.clone())
        .with_clue(Clue::new(ClueKind::SpfInclude, &domain));
    let to = facts.add(component);
    let from = mail_domain(facts, &record.owner, zone, record.seen.clone());
    facts.link(from, LinkKind::SendsTo, to, record.seen.clone());
}

/// Terms of one SPF or DMARC record; resolvers stop at ten look-ups.
const MAX_TERMS: usize = 100;

pub(super) fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_under(name: &str, origin: &str) -> bool {
    !origin.is_empty() && name.strip_suffix(origin).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

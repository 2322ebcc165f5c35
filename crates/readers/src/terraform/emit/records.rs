use super::Emitter;
use super::hosts::{host_in_shape, host_in_text};
use super::links::own_line;
use crate::endpoint::is_host_name;
use crate::terraform::module::Resource;
use crate::terraform::value::{Data, LineRef, Value};
use allod_facts::{Clue, ClueKind, ComponentRef, Layer, LinkKind, Mitigation};

/// Arguments that hold what a record says.
const VALUES: &[&str] = &[
    "records",
    "rrdatas",
    "record",
    "value",
    "values",
    "content",
    "target",
    "data",
    "addresses",
    "ip_addresses",
    "nameservers",
];

/// Arguments that name the zone of a record.
const ZONES: &[&str] = &[
    "zone_id",
    "hosted_zone_id",
    "managed_zone",
    "zone_name",
    "dns_zone_id",
    "dns_zone",
    "zone",
    "domain",
    "domain_name",
];

impl<'t> Emitter<'_, 't> {
    /// The zone of a record, and where the record points.
    pub(super) fn record_links(&mut self, resource: &Resource<'t>, from: ComponentRef, fields: &Value, at: LineRef) {
        if !resource.kind.contains("record") && !resource.kind.starts_with("hetznerdns") {
            return;
        }
        for name in ZONES {
            if let Some(zone) = fields.known_field(name) {
                self.refer(from, zone, LinkKind::ResolvedBy, &[Layer::Dns], own_line(zone, at));
            }
        }
        let dns_only = match fields.known_field("proxied") {
            None => resource.kind.starts_with("cloudflare"),
            Some(proxied) => proxied.as_bool() == Some(false),
        };
        if dns_only {
            let mine = self.facts.links.iter_mut().rev().take_while(|link| link.from == from);
            for link in mine.filter(|link| link.kind == LinkKind::ResolvedBy) {
                link.mitigations.push(Mitigation::TlsPassesThrough);
            }
        }
        let stated = fields.known_field("type").or_else(|| fields.known_field("record_type"));
        let kind = stated.and_then(Value::as_text).map_or_else(|| type_in(&resource.kind), str::to_ascii_uppercase);
        for name in VALUES {
            if let Some(value) = fields.known_field(name) {
                self.record_value(from, &kind, value, own_line(value, at));
            }
        }
        for name in ["alias", "target_resource_id"] {
            if let Some(value) = fields.known_field(name) {
                self.record_value(from, "ALIAS", value, own_line(value, at));
            }
        }
    }

    fn record_value(&mut self, from: ComponentRef, kind: &str, value: &Value, at: LineRef) {
        match &value.data {
            Data::List(list) => {
                for item in &list.items {
                    self.record_value(from, kind, item, own_line(item, at));
                }
            }
            Data::Object(fields) => {
                for name in ["name", "exchange", "nsdname", "value", "target"] {
                    if let Some(value) = fields.map.get(name) {
                        self.record_value(from, kind, value, own_line(value, at));
                    }
                }
            }
            Data::Text(text) => self.record_text(from, kind, text, value, at),
            Data::Unknown(unknown) => {
                let host = unknown.shape.as_deref().and_then(host_in_shape);
                if let (Some(host), "CNAME" | "ALIAS" | "ANAME") = (host, kind) {
                    self.send_to_host(from, &host, &value.origin, false, at);
                }
                self.refer(from, value, LinkKind::ResolvedBy, &[Layer::Cdn], at);
                const SERVED: &[Layer] =
                    &[Layer::Network, Layer::Compute, Layer::Storage, Layer::Mail, Layer::Database];
                self.refer(from, value, LinkKind::SendsTo, SERVED, at);
            }
            _ => {}
        }
    }

    fn record_text(&mut self, from: ComponentRef, kind: &str, text: &str, value: &Value, at: LineRef) {
        match kind {
            "A" | "AAAA" if text.parse::<std::net::IpAddr>().is_ok() => {
                self.send_to_host(from, text, &value.origin, false, at);
            }
            "CNAME" | "ALIAS" | "ANAME" => {
                self.named(from, text, ClueKind::CanonicalName, LinkKind::SendsTo, value, at);
            }
            "NS" => self.named(from, text, ClueKind::NameServer, LinkKind::ResolvedBy, value, at),
            "MX" => {
                let exchanger = text.split_whitespace().next_back().unwrap_or(text);
                self.named(from, exchanger, ClueKind::MailExchanger, LinkKind::SendsTo, value, at);
            }
            "TXT" | "SPF" if text.contains("v=spf1") => {
                let text = text.replace('"', "");
                for include in text.split_whitespace().filter_map(|word| word.strip_prefix("include:")) {
                    self.named(from, include, ClueKind::SpfInclude, LinkKind::Trusts, value, at);
                }
            }
            _ => {}
        }
    }

    fn named(&mut self, from: ComponentRef, text: &str, clue: ClueKind, kind: LinkKind, value: &Value, at: LineRef) {
        let host = text.trim().trim_end_matches('.').to_ascii_lowercase();
        if !host.contains('.') || !is_host_name(&host) || host_in_text(&host).is_none() {
            return;
        }
        let Some(to) = self.host(&host, &value.origin, at) else { return };
        if let Some(component) = self.facts.get_mut(to) {
            let clue = Clue::new(clue, &host);
            if !component.clues.contains(&clue) {
                component.clues.insert(0, clue);
            }
        }
        let seen = self.evidence(at, at.line);
        self.link(from, kind, to, seen, None);
    }
}

/// `azurerm_dns_cname_record`: the type of the record is in the type of the resource.
fn type_in(kind: &str) -> String {
    let words = ["cname", "aaaa", "a", "mx", "ns", "txt"];
    let found = kind.split('_').find(|part| words.contains(part));
    found.unwrap_or_default().to_ascii_uppercase()
}

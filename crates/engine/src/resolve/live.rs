//! From answers to facts, with the ids that the zone reader gives to the same things, so that what a file and what the
//! DNS says about one thing meet in one part.

use super::names::{Names, Servers};
use super::seen;
use super::wire::{Failed, Kind};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role,
};
use allod_readers::endpoint::{host_component, is_host_name};
use allod_register::Register;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Terms of one SPF record; resolvers stop at ten look-ups.
const MAX_TERMS: usize = 100;

/// The facts of the look-ups of one audit.
pub(super) struct Live<'a> {
    pub facts: Facts,
    names: &'a Names<'a>,
    register: &'a Register,
}

impl<'a> Live<'a> {
    pub fn new(names: &'a Names<'a>, register: &'a Register) -> Live<'a> {
        Live { facts: Facts::new(), names, register }
    }

    pub fn zone(&mut self, zone: &str, said: Vec<(Kind, Result<Vec<String>, Failed>)>) {
        let Some(own) = self.subject(zone) else { return };
        for (kind, records) in said {
            let seen = seen(zone, Some(kind));
            match records {
                Ok(records) => self.about_zone(zone, own, kind, &records, &seen),
                Err(failed) => {
                    let message = format!("the zone `{zone}` could not be looked up ({}): {failed}", kind.name());
                    self.facts.unresolved("U012", message, Some(own), seen);
                }
            }
        }
    }

    fn about_zone(&mut self, zone: &str, own: ComponentRef, kind: Kind, records: &[String], seen: &Evidence) {
        match kind {
            Kind::Ns => self.name_servers(zone, own, records, seen),
            Kind::Mx => records.iter().for_each(|host| {
                let mail = self.mail(zone, own, seen);
                self.link_host(mail, LinkKind::SendsTo, host, ClueKind::MailExchanger, Layer::Mail, seen);
            }),
            Kind::Caa => records.iter().for_each(|domain| self.issuer(own, domain, seen)),
            Kind::Txt => records.iter().for_each(|text| self.senders(zone, own, text, seen)),
            Kind::Cname => {}
        }
    }

    /// The mail of the zone's domain: who takes or sends it holds no power over the names of the zone.
    fn mail(&mut self, zone: &str, own: ComponentRef, seen: &Evidence) -> ComponentRef {
        let id = format!("mail:{zone}");
        if let Some(at) = self.facts.find(&id) {
            return at;
        }
        let new = || Component::new(&id, zone, "mail-domain", Layer::Mail, Role::Own, seen.clone());
        let at = self.names.known(&id).cloned().unwrap_or_else(new);
        let at = self.facts.add(at);
        self.facts.link(at, LinkKind::ResolvedBy, own, seen.clone()).mitigations.push(Mitigation::TlsPassesThrough);
        at
    }

    fn name_servers(&mut self, zone: &str, own: ComponentRef, records: &[String], seen: &Evidence) {
        let live: BTreeSet<&str> = records.iter().map(String::as_str).collect();
        // Each group of alternatives is complete in itself: servers that only the file knows are no alternative to
        // those that answer.
        let group = match self.names.servers(zone) {
            Servers::NotSaid => "ns",
            Servers::Named(filed, _) if filed == live => "ns",
            Servers::Named(filed, place) => {
                let message = format!(
                    "the file (`{}:{}`) gives `{zone}` the name servers {}, and a live look-up {}",
                    place.path,
                    place.line,
                    list(&filed),
                    list(&live)
                );
                self.facts.unresolved("U013", message, Some(own), seen.clone());
                "ns-live"
            }
            Servers::ByProvider => "ns-live",
        };
        for host in records {
            let link = self.link_host(own, LinkKind::ResolvedBy, host, ClueKind::NameServer, Layer::Dns, seen);
            if let Some(link) = link.and_then(|at| self.facts.links.get_mut(at)) {
                // A server that answers for a zone does not see what is sent to the addresses that it answers with.
                link.mitigations.push(Mitigation::TlsPassesThrough);
                link.any_of = Some(Arc::from(group));
            }
        }
    }

    fn issuer(&mut self, own: ComponentRef, domain: &str, seen: &Evidence) {
        if !is_host_name(domain) {
            return self.no_host_name(own, domain, seen);
        }
        let id = format!("caa:{domain}");
        let new =
            || Component::new(&id, domain, "certificate-authority", Layer::Certificates, Role::Provided, seen.clone());
        let to = self.sighting(&id, ClueKind::CaaIssuer, domain, seen, new);
        self.facts.link(own, LinkKind::ResolvedBy, to, seen.clone()).mitigations.push(Mitigation::TlsPassesThrough);
    }

    /// Whose servers may send mail in the zone's name (RFC 7208). A domain with a macro in it is made up for each mail.
    fn senders(&mut self, zone: &str, own: ComponentRef, text: &str, seen: &Evidence) {
        let text = text.trim().to_ascii_lowercase();
        if text != "v=spf1" && !text.starts_with("v=spf1 ") {
            return;
        }
        for term in text.split_whitespace().skip(1).take(MAX_TERMS) {
            let term = term.trim_start_matches(['+', '?', '~']);
            let domain = term.strip_prefix("include:").or_else(|| term.strip_prefix("redirect="));
            let Some(domain) = domain.map(|domain| domain.trim_end_matches('.')) else { continue };
            let own_zone = domain.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            if own_zone || !is_host_name(domain) {
                continue;
            }
            let id = format!("spf:{domain}");
            let new = || Component::new(&id, domain, "mail-sender", Layer::Mail, Role::Provided, seen.clone());
            let to = self.sighting(&id, ClueKind::SpfInclude, domain, seen, new);
            let mail = self.mail(zone, own, seen);
            self.facts.link(mail, LinkKind::SendsTo, to, seen.clone());
        }
    }

    /// The aliases of a name: each leads to the next, and who serves the last one serves them all.
    pub fn host(&mut self, host: &str, aliases: &[String], failed: Option<Failed>) {
        let Some(first) = self.subject(host) else { return };
        // A key that somebody publishes for the zone lets him send mail in its name.
        let mail = host.contains("._domainkey.") || host.starts_with("_dmarc.");
        let kind = if mail { LinkKind::SendsTo } else { LinkKind::ResolvedBy };
        let layer = if mail { Layer::Mail } else { Layer::Unclassified };
        let (mut from, mut name) = (first, host);
        let mut passed = Vec::new();
        for alias in aliases {
            let seen = seen(name, Some(Kind::Cname));
            if self.link_host(from, kind, alias, ClueKind::CanonicalName, layer, &seen).is_none() {
                return;
            }
            let Some(to) = self.facts.find(&self.names.id_of(alias)) else { return };
            passed.push((name, from));
            (from, name) = (to, alias);
        }
        if let Some(failed) = failed {
            let message = match name {
                name if name == host => format!("`{host}` could not be looked up: {failed}"),
                name => format!("`{name}`, to which `{host}` leads, could not be looked up: {failed}"),
            };
            self.facts.unresolved("U012", message, Some(from), seen(name, Some(Kind::Cname)));
        }
        passed.into_iter().for_each(|(name, at)| self.served_by(name, at, aliases));
    }

    /// Nobody knows whose the host is; who serves it is known all the same.
    fn served_by(&mut self, host: &str, at: ComponentRef, aliases: &[String]) {
        let service = |clue| self.register.find(&clue).service.map(|found| found.record.name.clone());
        if self.names.is_own(host) || service(Clue::new(ClueKind::Host, host)).is_some() {
            return;
        }
        let Some(last) = aliases.last() else { return };
        if let Some(service) = service(Clue::new(ClueKind::CanonicalName, last)) {
            let message =
                format!("the register knows nobody who runs `{host}`; its name leads to `{last}`, served by {service}");
            self.facts.unresolved("U008", message, Some(at), seen(host, Some(Kind::Cname)));
        }
    }

    pub fn reserved(&mut self, zone: &str) {
        let Some(own) = self.subject(zone) else { return };
        let message = format!("`{zone}` is a reserved or placeholder name and was not looked up");
        self.facts.unresolved("U006", message, Some(own), seen(zone, None));
    }

    fn no_host_name(&mut self, about: ComponentRef, text: &str, seen: &Evidence) {
        let failed = Failed::NoHostName(text.escape_default().to_string());
        self.facts.unresolved("U012", failed.to_string(), Some(about), seen.clone());
    }

    /// The part that was asked about, as a reader saw it: a look-up is no new sighting of it.
    fn subject(&mut self, name: &str) -> Option<ComponentRef> {
        let id = self.names.id_of(name);
        if let Some(at) = self.facts.find(&id) {
            return Some(at);
        }
        self.names.known(&id).map(|known| self.facts.add(known.clone()))
    }

    /// Links a name that an answer gives; the position of the link.
    fn link_host(
        &mut self,
        from: ComponentRef,
        kind: LinkKind,
        host: &str,
        clue: ClueKind,
        layer: Layer,
        seen: &Evidence,
    ) -> Option<usize> {
        if !is_host_name(host) {
            self.no_host_name(from, host, seen);
            return None;
        }
        let new = || {
            let mut component = host_component(host, seen.clone(), Confidence::High);
            component.layer = layer;
            component
        };
        let id = self.names.id_of(host);
        let to = self.sighting(&id, clue, host, seen, new);
        if to == from {
            return None;
        }
        self.facts.link(from, kind, to, seen.clone());
        self.facts.links.len().checked_sub(1)
    }

    /// Adds a component that an answer names. When a reader saw it too, its sighting speaks first.
    fn sighting(
        &mut self,
        id: &str,
        clue: ClueKind,
        text: &str,
        seen: &Evidence,
        new: impl FnOnce() -> Component,
    ) -> ComponentRef {
        let clue = Clue::new(clue, text);
        let at = self.facts.find(id).unwrap_or_else(|| {
            let component = self.names.known(id).cloned().unwrap_or_else(|| {
                let mut component = new();
                component.clues.insert(0, clue.clone());
                component
            });
            self.facts.add(component)
        });
        if let Some(component) = self.facts.get_mut(at) {
            if component.role != Role::Own && !component.clues.contains(&clue) {
                component.clues.push(clue);
            }
            component.evidence.push(seen.clone());
            // What was a guess from a file is certain now.
            component.confidence = Confidence::High;
        }
        at
    }
}

fn list(names: &BTreeSet<&str>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{}`", name.escape_default())).collect::<Vec<_>>().join(", ")
}

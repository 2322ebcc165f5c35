//! Which names of the files are asked for, and what the files already say about them.

use allod_facts::{Component, Evidence, Facts};
use allod_readers::endpoint::{HostKind, host_kind, is_host_name};
use std::collections::{BTreeMap, BTreeSet};

/// The names of one audit, out of the facts of all readers.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Zones that the files define and the world can see, sorted.
    pub zones: BTreeSet<&'a str>,
    /// Own names and hosts that the world can see, sorted, without the zones.
    pub hosts: BTreeSet<&'a str>,
    /// Zones under a reserved or placeholder name: nobody answers for them.
    pub reserved: BTreeSet<&'a str>,
    /// One sighting of each component that a name, zone or host is, by id.
    known: BTreeMap<&'a str, &'a Component>,
    /// Name servers by zone, as the files have them: the id of the server, and where.
    servers: BTreeMap<&'a str, BTreeMap<&'a str, &'a Evidence>>,
}

impl<'a> Names<'a> {
    pub fn of(batches: &'a [Facts]) -> Names<'a> {
        let mut names = Names::default();
        for batch in batches {
            batch.components.iter().for_each(|component| names.add(component));
        }
        batches.iter().for_each(|batch| names.add_servers(batch));
        let (zones, reserved) = (&names.zones, &names.reserved);
        names.hosts.retain(|host| !zones.contains(host) && !reserved.contains(host));
        names
    }

    fn add(&mut self, component: &'a Component) {
        let id: &str = &component.id;
        let Some((kind, name)) = id.split_once(':') else { return };
        if !matches!(kind, "zone" | "name" | "host" | "caa" | "spf" | "mail") {
            return;
        }
        self.known.entry(id).or_insert(component);
        let askable = is_host_name(name) && !name.contains('*') && name.parse::<std::net::IpAddr>().is_err();
        match (kind, host_kind(name)) {
            ("zone", HostKind::Public) if askable => self.zones.insert(name),
            ("zone", HostKind::Placeholder) => self.reserved.insert(name),
            ("name" | "host", HostKind::Public) if askable => self.hosts.insert(name),
            // What is inside is nobody else's to know, and what is reserved nobody answers for.
            _ => false,
        };
    }

    fn add_servers(&mut self, batch: &'a Facts) {
        let id = |at: u32| batch.components.get(at as usize).map(|component| &*component.id);
        for link in batch.links.iter().filter(|link| link.any_of.as_deref() == Some("ns")) {
            let zone = id(link.from).and_then(|id| id.strip_prefix("zone:"));
            if let (Some(zone), Some(to), Some(seen)) = (zone, id(link.to), link.evidence.first()) {
                self.servers.entry(zone).or_default().entry(to).or_insert(seen);
            }
        }
    }

    pub fn known(&self, id: &str) -> Option<&'a Component> {
        self.known.get(id).copied()
    }

    /// The part that a name is: our own record, our own zone, or a host.
    pub fn id_of(&self, name: &str) -> String {
        ["zone:", "name:"]
            .into_iter()
            .map(|kind| format!("{kind}{name}"))
            .find(|id| self.known.contains_key(id.as_str()))
            .unwrap_or_else(|| format!("host:{name}"))
    }

    /// The name servers that the files give a zone.
    pub fn servers(&self, zone: &str) -> Servers<'a> {
        let Some(servers) = self.servers.get(zone) else { return Servers::NotSaid };
        let names: Option<BTreeSet<&str>> = servers
            .keys()
            .map(|id| {
                id.strip_prefix("host:").or_else(|| id.strip_prefix("name:")).or_else(|| id.strip_prefix("zone:"))
            })
            .collect();
        match (names, servers.values().min()) {
            (Some(names), Some(first)) => Servers::Named(names, first),
            _ => Servers::ByProvider,
        }
    }

    /// Whether a name lies in a zone that the files define.
    pub fn is_own(&self, name: &str) -> bool {
        std::iter::successors(Some(name), |rest| rest.split_once('.').map(|(_, shorter)| shorter))
            .any(|name| self.zones.contains(name) || self.reserved.contains(name))
    }
}

/// What the files say about who answers for a zone.
#[derive(Debug)]
pub(super) enum Servers<'a> {
    NotSaid,
    /// A provider, not its servers.
    ByProvider,
    /// The servers, with the first place where one stands.
    Named(BTreeSet<&'a str>, &'a Evidence),
}

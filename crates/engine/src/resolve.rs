//! Live look-ups: what the DNS says today about the zones and hosts that the files name. The only network access of an
//! audit, and off unless it is asked for.
//!
//! A look-up adds to what the files say and never takes away: where the two differ, both are shown. Addresses are not
//! looked up, names that are reachable only inside are not told to anybody, and a look-up that fails is an unresolved
//! fact, never the end of the audit.

mod live;
mod names;
mod servers;
mod wire;

#[cfg(test)]
mod tests;

use crate::collect::Stage;
use allod_facts::{Evidence, Facts};
use allod_register::Register;
use live::Live;
use names::Names;
use rayon::prelude::*;
use servers::{Client, Settings};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wire::{Failed, Kind, Question};

/// Who is asked in live look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// The servers in the system's `/etc/resolv.conf`.
    System,
    /// One certain server.
    At(SocketAddr),
}

impl std::str::FromStr for Resolver {
    type Err = std::net::AddrParseError;

    /// An address, or an address and a port.
    fn from_str(text: &str) -> Result<Resolver, Self::Err> {
        match text.parse::<IpAddr>() {
            Ok(address) => Ok(Resolver::At(SocketAddr::new(address, servers::PORT))),
            Err(_) => text.parse().map(Resolver::At),
        }
    }
}

/// The name in evidence and reports.
const READER: &str = "dns-live";
/// Zones and hosts that are asked for in one audit. Far above an honest stack; a generated one shall not turn the
/// audit into a flood at somebody's resolver.
const MAX_NAMES: usize = 2_000;
/// Look-ups at the same time: enough to hide the way to the resolver, few enough for a small one.
const PARALLEL: usize = 16;
/// Aliases that are followed from one name; resolvers stop at about as many.
const MAX_ALIASES: usize = 8;
/// What is asked about a zone. The name servers come first: when there is no such zone, the rest is not asked.
const ABOUT_ZONES: [Kind; 4] = [Kind::Ns, Kind::Mx, Kind::Caa, Kind::Txt];

/// Looks up what the facts of the readers name.
pub(crate) fn resolve(
    resolver: Resolver,
    batches: &[Facts],
    register: &Register,
    tell: &(dyn Fn(Stage) + Sync),
) -> Facts {
    let settings = match resolver {
        Resolver::At(server) => Ok(Settings::of(server)),
        Resolver::System => Settings::of_system(),
    };
    match settings {
        Ok(settings) => look_up(&settings, MAX_NAMES, batches, register, tell),
        Err(why) => {
            let mut facts = Facts::new();
            facts.unresolved("U012", format!("nothing was looked up: {why}"), None, seen("resolver", None));
            facts
        }
    }
}

fn look_up(
    settings: &Settings,
    max_names: usize,
    batches: &[Facts],
    register: &Register,
    tell: &(dyn Fn(Stage) + Sync),
) -> Facts {
    let names = Names::of(batches);
    let client = Client::new(settings);
    let zones = names.zones.iter().map(|zone| Subject::Zone(zone));
    let all: Vec<Subject<'_>> = zones.chain(names.hosts.iter().map(|host| Subject::Host(host))).collect();
    let (asked, left_out) = all.split_at(max_names.min(all.len()));

    tell(Stage::Resolving { done: 0, names: asked.len() });
    let done = AtomicUsize::new(0);
    let one = |subject: &Subject<'_>| {
        let said = subject.ask(&client);
        tell(Stage::Resolving { done: done.fetch_add(1, Ordering::Relaxed) + 1, names: asked.len() });
        said
    };
    let run = || asked.par_iter().with_max_len(1).map(one).collect();
    let said: Vec<Said> = match rayon::ThreadPoolBuilder::new().num_threads(PARALLEL).build() {
        Ok(pool) => pool.install(run),
        // No thread can be had: the global pool falls back to this one.
        Err(_) => run(),
    };

    let mut live = Live::new(&names, register);
    asked.iter().zip(said).for_each(|(subject, said)| match (subject, said) {
        (Subject::Zone(zone), Said::Zone(records)) => live.zone(zone, records),
        (Subject::Host(host), Said::Host(aliases, failed)) => live.host(host, &aliases, failed),
        _ => {}
    });
    names.reserved.iter().for_each(|zone| live.reserved(zone));
    if let Some(first) = left_out.first() {
        let message = format!("{} names were not looked up: {max_names} are at most", left_out.len());
        live.facts.unresolved("U012", message, None, seen(first.name(), None));
    }
    live.facts
}

/// A live answer has no file and no line: the place says what was asked.
fn seen(name: &str, kind: Option<Kind>) -> Evidence {
    let path = kind.map_or_else(|| format!("dns:{name}"), |kind| format!("dns:{name} {}", kind.name()));
    Evidence::line(&Arc::from(path), 0, READER)
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Subject<'a> {
    Zone(&'a str),
    Host(&'a str),
}

/// What came back.
#[derive(Debug)]
enum Said {
    Zone(Vec<(Kind, Result<Vec<String>, Failed>)>),
    /// The aliases in their order, and what ended them before a name that is none.
    Host(Vec<String>, Option<Failed>),
}

impl<'a> Subject<'a> {
    fn name(self) -> &'a str {
        match self {
            Subject::Zone(name) | Subject::Host(name) => name,
        }
    }

    fn ask(self, client: &Client) -> Said {
        match self {
            Subject::Zone(name) => Said::Zone(zone(client, name)),
            Subject::Host(name) => {
                let mut aliases = Vec::new();
                let failed = follow(client, name, &mut aliases).err();
                Said::Host(aliases, failed)
            }
        }
    }
}

fn zone(client: &Client, name: &str) -> Vec<(Kind, Result<Vec<String>, Failed>)> {
    let mut said = Vec::new();
    for kind in ABOUT_ZONES {
        let records = client.look_up(Question { name, kind });
        let no_such_zone = kind == Kind::Ns && records.is_err();
        said.push((kind, records));
        if no_such_zone {
            break;
        }
    }
    said
}

fn follow(client: &Client, name: &str, aliases: &mut Vec<String>) -> Result<(), Failed> {
    let mut passed = BTreeSet::from([name.to_owned()]);
    let mut at = name.to_owned();
    loop {
        let Some(next) = client.look_up(Question { name: &at, kind: Kind::Cname })?.into_iter().next() else {
            return Ok(());
        };
        if !allod_readers::endpoint::is_host_name(&next) {
            // A stranger's bytes are shown so that they cannot steer a terminal.
            return Err(Failed::NoHostName(next.escape_default().to_string()));
        }
        if !passed.insert(next.clone()) {
            return Err(Failed::Circular(next));
        }
        if aliases.len() == MAX_ALIASES {
            return Err(Failed::TooManyAliases(MAX_ALIASES));
        }
        aliases.push(next.clone());
        at = next;
    }
}

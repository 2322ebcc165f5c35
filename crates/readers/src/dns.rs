//! DNS: zone files and octoDNS. A zone is the organisation's own; its name servers, mail exchangers, the targets of
//! its names and the issuers of its certificates are somebody's. No name is looked up.

mod master;
mod octo;
mod records;

use crate::files::Files;
use crate::{Read, Reader, Scope};

pub const ZONE: Reader = Reader {
    id: "zone",
    about: "DNS zone files (RFC 1035)",
    scope: Scope::Groups(master::groups),
    read: Read::Loaded(read_zones),
};
pub const OCTODNS: Reader = Reader {
    id: "octodns",
    about: "octoDNS zones and configuration",
    scope: Scope::Tree,
    read: Read::Loaded(octo::read),
};

fn read_zones(files: &Files, mine: &[&str]) -> allod_facts::Facts {
    master::read(files, mine)
}

/// Whether a YAML file is an octoDNS zone or configuration.
pub(crate) fn is_octodns(path: &str, text: &str) -> bool {
    let name = crate::files::name_of(path);
    let zone = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name);
    let key = |word: &str| text.lines().any(|line| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(':')));
    if key("providers") && key("zones") {
        return text.contains("octodns") || text.contains("class:");
    }
    let is_type = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ");
        line.strip_prefix("type:").is_some_and(|rest| records::is_type(rest.trim().trim_matches(['"', '\''])))
    };
    let named_as_zone = crate::endpoint::is_host_name(zone.trim_end_matches('.')) && zone.contains('.');
    named_as_zone && text.lines().any(is_type) && text.contains("value")
}

/// Whether a text starts as a zone file does (`$ORIGIN`, `$TTL`, an SOA record).
pub(crate) fn is_zone_text(text: &str) -> bool {
    text.lines().take(200).any(|line| {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("$ORIGIN") => words.next().is_some_and(|name| name.ends_with('.')),
            Some("$TTL") => {
                words.next().is_some_and(|ttl| ttl.starts_with(|c: char| c.is_ascii_digit()))
                    && words.next().is_none_or(|rest| rest.starts_with(';'))
            }
            Some(first) if !first.starts_with([';', '#', '/']) => {
                let words: Vec<&str> = std::iter::once(first).chain(words).collect();
                words.iter().position(|word| word.eq_ignore_ascii_case("SOA")).is_some_and(|at| {
                    words.get(at.wrapping_sub(1)).is_some_and(|word| word.eq_ignore_ascii_case("IN"))
                        && words.get(at + 2).is_some()
                })
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests;

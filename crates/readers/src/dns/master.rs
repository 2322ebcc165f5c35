//! Zone files in the format of RFC 1035 (section 5): parentheses, quotes, comments, `$ORIGIN`, `$TTL`, `$INCLUDE`.

mod tokens;

use super::records::{self, Record, Zone, is_type, normal, zone_component};
use crate::Group;
use crate::files::{Files, connected, decode, folder_of, join, name_of};
use crate::limits::MAX_INCLUDE_DEPTH;
use allod_facts::{
    Clue, ClueKind, Component, Diagnostic, Evidence, Facts, Layer, LinkKind, Mitigation, Role, Severity,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokens::{Entry, Token, entries};

const ID: &str = "zone";

/// Each zone file with those that it includes.
pub(super) fn groups<'a>(files: &Files, mine: &[&'a str]) -> Vec<Group<'a>> {
    let mut pairs = Vec::new();
    for path in mine {
        pairs.extend(included_by(files, path).into_iter().map(|other| ((*path).to_owned(), other)));
    }
    let read = |files: &Files, _: &[String], _: usize, mine: &[&str]| read(files, mine);
    let groups = connected(mine, |path| path, &pairs);
    groups.into_iter().map(|paths| Group { of: Vec::new(), paths, peers: 1, read }).collect()
}

pub(super) fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    // A file that another one includes is read there.
    let mut included = BTreeSet::new();
    for path in mine {
        included.extend(included_by(files, path));
    }
    let (inner, roots): (Vec<&str>, Vec<&str>) = mine.iter().partition(|path| included.contains(**path));
    let mut read = BTreeSet::new();
    // What only a circle of includes leads to is read last, on its own.
    for path in roots.into_iter().chain(inner) {
        if read.contains(path) {
            continue;
        }
        let mut parser = Parser {
            files,
            records: Vec::new(),
            registrar: None,
            origin: None,
            first_origin: None,
            read: BTreeSet::new(),
            includes: 0,
        };
        parser.file(&mut facts, path, &mut Vec::new());
        read.append(&mut parser.read.clone());
        parser.finish(&mut facts, path);
    }
    facts
}

/// The files that a file names to be included.
struct Included(Vec<String>);

fn included_by(files: &Files, path: &str) -> Vec<String> {
    let named = files
        .parsed(path, |path, bytes| Included(decode(bytes).map_or_else(|_| Vec::new(), |text| names(path, &text))));
    named.map_or_else(Vec::new, |named| named.0.clone())
}

fn names(path: &str, text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("$INCLUDE")?.split_whitespace().next())
        .filter_map(|name| join(folder_of(path), name.trim_matches('"')))
        .filter(|other| other != path)
        .collect()
}

struct Parser<'a> {
    files: &'a Files,
    records: Vec<Record>,
    /// The registrar that a comment states.
    registrar: Option<(String, Evidence)>,
    origin: Option<String>,
    first_origin: Option<(String, Evidence)>,
    /// The files that were read, and how many includes led to them.
    read: BTreeSet<String>,
    includes: usize,
}

impl Parser<'_> {
    fn file(&mut self, facts: &mut Facts, path: &str, open: &mut Vec<String>) {
        let shared = self.files.shared_path(path);
        let text = match self.files.text(path) {
            Some(Ok(text)) => text,
            Some(Err(_)) => {
                diagnose(facts, "D002", Severity::Error, "not a text file".into(), &shared, 0);
                return;
            }
            None => return,
        };
        if self.origin.is_none() {
            self.origin = origin_of_name(path);
        }
        open.push(path.to_owned());
        self.read.insert(path.to_owned());
        let mut owner = self.origin.clone().unwrap_or_default();
        let (all, comments, unclosed) = entries(&text);
        if let Some(line) = unclosed {
            let message = "a parenthesis or quote is not closed".to_owned();
            diagnose(facts, "D004", Severity::Error, message, &shared, line);
        }
        for entry in all {
            self.entry(facts, &shared, &entry, &mut owner, open);
        }
        for (line, comment) in comments {
            if let Some(name) = registrar_in(comment) {
                self.registrar.get_or_insert((name, Evidence::line(&shared, line, ID)));
            }
        }
        open.pop();
    }

    fn entry(&mut self, facts: &mut Facts, path: &Arc<str>, entry: &Entry, owner: &mut String, open: &mut Vec<String>) {
        let Some(first) = entry.tokens.first() else { return };
        let seen = Evidence { path: path.clone(), line: entry.line, end_line: entry.end_line, reader: ID };
        match first.text.to_ascii_uppercase().as_str() {
            "$ORIGIN" => {
                if let Some(name) = entry.tokens.get(1) {
                    let origin = self.absolute(&name.text);
                    self.first_origin.get_or_insert((origin.clone(), seen));
                    self.origin = Some(origin);
                }
            }
            "$INCLUDE" => self.include(facts, path, entry, open),
            "$GENERATE" => {
                facts.unresolved("U010", "`$GENERATE` is not expanded".into(), None, seen);
            }
            text if text.starts_with('$') => {}
            _ => match self.record(entry, owner, seen.clone()) {
                Some(record) => self.records.push(record),
                None => {
                    let message = "no record of a known type".to_owned();
                    diagnose(facts, "D004", Severity::Warning, message, path, entry.line);
                }
            },
        }
    }

    fn include(&mut self, facts: &mut Facts, path: &Arc<str>, entry: &Entry, open: &mut Vec<String>) {
        let Some(name) = entry.tokens.get(1) else { return };
        let Some(target) = join(folder_of(path), &name.text).filter(|target| self.files.has(target)) else {
            let message = format!("the included file `{}` is not in the tree", name.text);
            diagnose(facts, "D008", Severity::Warning, message, path, entry.line);
            return;
        };
        if open.contains(&target) || open.len() >= MAX_INCLUDE_DEPTH || self.includes >= MAX_INCLUDES {
            let message = format!("`{target}` includes itself");
            diagnose(facts, "D007", Severity::Error, message, path, entry.line);
            return;
        }
        self.includes += 1;
        // The origin of an included file does not reach back (RFC 1035, 5.1).
        let origin = self.origin.clone();
        if let Some(name) = entry.tokens.get(2) {
            self.origin = Some(self.absolute(&name.text));
        }
        self.file(facts, &target, open);
        self.origin = origin;
    }

    /// A name as it stands, made absolute.
    fn absolute(&self, name: &str) -> String {
        let origin = self.origin.as_deref().unwrap_or_default();
        match name {
            "@" => origin.to_owned(),
            name if name.ends_with('.') => normal(name),
            name if origin.is_empty() => name.to_ascii_lowercase(),
            name => format!("{}.{origin}", name.to_ascii_lowercase()),
        }
    }

    /// `[owner] [ttl] [class] type data...`, TTL and class in either order.
    fn record(&self, entry: &Entry, owner: &mut String, seen: Evidence) -> Option<Record> {
        let mut rest: &[Token] = &entry.tokens;
        if !entry.indented {
            let (first, after) = rest.split_first()?;
            *owner = self.absolute(&first.text);
            rest = after;
        }
        let (kind, data) = loop {
            let (first, after) = rest.split_first()?;
            let word = &first.text;
            let class = ["IN", "CH", "HS", "CS"].iter().any(|class| word.eq_ignore_ascii_case(class));
            if is_type(word) || word.to_ascii_uppercase().starts_with("TYPE") {
                break (word.to_ascii_uppercase(), after);
            }
            if !class && !is_ttl(word) {
                return None;
            }
            rest = after;
        };
        // Positions of names in the data: those are relative to the origin.
        let names: &[usize] = match kind.as_str() {
            "NS" | "CNAME" | "DNAME" | "ALIAS" | "ANAME" | "PTR" => &[0],
            "MX" | "HTTPS" | "SVCB" => &[1],
            "SRV" => &[3],
            "SOA" => &[0, 1],
            _ => &[],
        };
        let data = data
            .iter()
            .enumerate()
            .map(|(at, token)| {
                let is_name = names.contains(&at) && token.text != ".";
                if is_name { self.absolute(&token.text) } else { token.text.clone() }
            })
            .collect();
        Some(Record { owner: owner.clone(), kind, data, seen })
    }

    fn finish(self, facts: &mut Facts, path: &str) {
        let soa = self.records.iter().find(|record| record.kind == "SOA");
        let (origin, seen) = match (soa, self.first_origin, self.records.first()) {
            (Some(soa), _, _) => (soa.owner.clone(), soa.seen.clone()),
            (None, Some(first), _) => first,
            (None, None, Some(record)) => {
                (origin_of_name(path).unwrap_or_else(|| record.owner.clone()), record.seen.clone())
            }
            (None, None, None) => return,
        };
        if origin.is_empty() {
            let message = "no `$ORIGIN` and no SOA record says which zone this is".to_owned();
            facts.unresolved("U010", message, None, seen);
            return;
        }
        let own = facts.add(zone_component(&origin, seen));
        let zone = Zone { own, origin: &origin, proxied: &|_| None };
        for record in &self.records {
            records::add(facts, record, &zone);
        }
        if let Some((name, seen)) = self.registrar {
            let id = format!("registrar:{origin}");
            let component = Component::new(&id, &name, "registrar", Layer::Registrar, Role::Provided, seen.clone())
                .with_clue(Clue::new(ClueKind::Name, &name));
            let to = facts.add(component);
            facts.link(own, LinkKind::ResolvedBy, to, seen).mitigations.push(Mitigation::TlsPassesThrough);
        }
    }
}

/// `3600`, `1h`, `1d12h`.
fn is_ttl(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || b"smhdwSMHDW".contains(&byte))
}

/// The zone by the name of its file: `clinic.lu.zone`, `db.clinic.lu`, `clinic.lu`.
fn origin_of_name(path: &str) -> Option<String> {
    let name = name_of(path).to_ascii_lowercase();
    let name = name.strip_prefix("db.").unwrap_or(&name);
    let name =
        [".zone", ".bind", ".txt", ".db", ".hosts"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    (name.contains('.') && crate::endpoint::is_host_name(name)).then(|| name.to_owned())
}

/// `registrar: Gandi` in a comment.
fn registrar_in(comment: &str) -> Option<String> {
    let text = comment.trim_start_matches([';', ' ', '\t', '#', '*', '-']);
    let rest = text.get("registrar".len()..)?;
    let fits = text.get(.."registrar".len())?.eq_ignore_ascii_case("registrar");
    let name = rest.trim_start().strip_prefix([':', '=', '-'])?.trim();
    let end = name.find(['(', ',', ';']).unwrap_or(name.len());
    let name = name.get(..end)?.trim();
    (fits && !name.is_empty() && name.len() < 100).then(|| name.to_owned())
}

fn diagnose(facts: &mut Facts, code: &'static str, severity: Severity, message: String, path: &Arc<str>, line: u32) {
    facts.diagnostics.push(Diagnostic { code, severity, message, path: path.clone(), line, hint: None });
}

/// Includes of one zone, so that files that include each other many times come to an end.
const MAX_INCLUDES: usize = 1000;

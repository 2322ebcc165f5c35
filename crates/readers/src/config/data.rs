//! Data in the shape of configuration: lists of records, catalogues, translations. A host in them is something that the
//! data is about, and nothing that a program is told to talk to.

use super::precise;
use crate::destination;
use crate::endpoint::{self, HostKind};
use crate::files::{Files, folder_of, name_of};
use crate::node::{Node, Value};
use std::collections::BTreeSet;

/// A value that may name a host, with the keys above it.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub keys: Vec<&'a str>,
    pub text: &'a str,
    pub line: u32,
}

/// What a tree holds: values that may name hosts, and the lists of records in it (line, distinct hosts).
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted<'a> {
    pub candidates: Vec<Candidate<'a>>,
    pub records: Vec<(u32, usize)>,
}

pub(super) fn sort(root: &Node) -> Sorted<'_> {
    let mut sorted = Sorted::default();
    walk(root, &mut Vec::new(), &mut sorted);
    sorted
}

fn walk<'a>(node: &'a Node, keys: &mut Vec<&'a str>, into: &mut Sorted<'a>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(scalar) => {
            if scalar.text.len() <= MAX_VALUE_BYTES && precise::may_name_host(keys, &scalar.text) {
                into.candidates.push(Candidate { keys: keys.clone(), text: &scalar.text, line: node.line });
            }
        }
        Value::Seq(items) => {
            let before = into.candidates.len();
            items.iter().for_each(|item| walk(item, keys, into));
            let records = items.iter().filter(|item| item.as_map().is_some()).count();
            if records >= MIN_RECORDS {
                let hosts = hosts(into.candidates.get(before..).unwrap_or_default()).len();
                if hosts >= MIN_RECORDS && hosts * 2 >= records {
                    into.candidates.truncate(before);
                    into.records.push((node.line, hosts));
                }
            }
        }
        Value::Map(entries) => {
            let described = is_described(entries);
            for (key, value) in entries {
                let key = key.as_str().unwrap_or("");
                if described && is_page(key) {
                    continue;
                }
                keys.push(key);
                walk(value, keys, into);
                keys.pop();
            }
        }
    }
}

/// The distinct hosts outside that values name.
pub(super) fn hosts(candidates: &[Candidate<'_>]) -> BTreeSet<String> {
    let outside = |text: &str| endpoint::host_of(text).filter(|host| endpoint::host_kind(host) == HostKind::Public);
    candidates.iter().flat_map(|one| destination::urls(one.text).into_iter().filter_map(outside)).collect()
}

/// Whether a map tells people about something (it has a description or a title), so that its address is a page.
fn is_described(entries: &[(Node, Node)]) -> bool {
    const WORDS: &[&str] = &["description", "title", "tagline", "summary", "logo", "license", "author"];
    entries.iter().any(|(key, value)| {
        let key = key.as_str().unwrap_or_default().to_ascii_lowercase();
        WORDS.contains(&key.as_str()) && value.as_str().is_some()
    })
}

fn is_page(key: &str) -> bool {
    const WORDS: &[&str] = &["url", "website", "site", "web", "webpage", "page", "uri", "link", "source", "origin"];
    WORDS.iter().any(|word| key.eq_ignore_ascii_case(word))
}

/// Whether a file is one of many of its kind, as the entries of a catalogue are: `terms/acme.json` beside a hundred
/// others, `providers/acme/acme.toml` beside a hundred folders.
pub(super) fn is_one_of_many(files: &Files, path: &str) -> bool {
    let folder = folder_of(path);
    let Some((stem, ending)) = name_of(path).rsplit_once('.') else { return false };
    let settings = |folder: &str| {
        let last = name_of(folder).to_ascii_lowercase();
        SETTINGS.iter().any(|word| last.split(['-', '_', '.']).any(|part| part == *word))
    };
    if settings(folder) || settings(folder_of(folder)) {
        return false;
    }
    let alike = |other: &&str| other.rsplit_once('.').is_some_and(|(_, other)| other == ending);
    if !folder.is_empty() && files.in_folder(folder).filter(alike).nth(MANY).is_some() {
        return true;
    }
    let twin = |path: &&str| {
        let name = name_of(path).rsplit_once('.');
        name.is_some_and(|(stem, other)| other == ending && stem == name_of(folder_of(path)))
    };
    let above = folder_of(folder);
    stem == name_of(folder) && !above.is_empty() && files.under(above).filter(twin).nth(MANY).is_some()
}

/// Whether a file holds texts in a language: `de.json` beside `en.json` and others.
pub(super) fn is_language(files: &Files, path: &str) -> bool {
    let language = |path: &str| {
        let stem = name_of(path).split('.').next().unwrap_or_default();
        let (first, rest) = stem.split_once(['-', '_']).unwrap_or((stem, ""));
        (2..=3).contains(&first.len())
            && first.bytes().all(|byte| byte.is_ascii_lowercase())
            && rest.len() <= 4
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    language(path) && files.in_folder(folder_of(path)).filter(|path| language(path)).nth(MIN_LANGUAGES).is_some()
}

/// Folders that hold settings, however many.
const SETTINGS: &[&str] = &[
    "config",
    "configs",
    "conf",
    "configuration",
    "settings",
    "env",
    "envs",
    "environments",
    "environment",
    "vars",
    "values",
    "deploy",
    "deployment",
    "deployments",
    "resources",
];

/// A longer text is prose or data.
const MAX_VALUE_BYTES: usize = 4096;
/// Records of a list, and hosts in them, from which on it is data. Real lists of upstreams and targets are shorter or
/// plain.
const MIN_RECORDS: usize = 8;
/// Distinct hosts of one file from which on it is data.
pub(super) const MAX_HOSTS: usize = 30;
/// Files of one kind beside each other from which on they are entries of a catalogue.
const MANY: usize = 30;
/// Languages beside each other.
const MIN_LANGUAGES: usize = 3;

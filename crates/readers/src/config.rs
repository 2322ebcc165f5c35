//! Configuration of any program: values that are a URL or stand where a host belongs, and names of credentials in
//! environment files. What only looks like a host (a file, a class, a version, a schema, a link to a document) is left
//! out: a false destination is worse than a missed one.

mod agents;
mod data;
pub(crate) mod dotenv;
mod precise;
mod properties;

use crate::destination::{self, Use};
use crate::files::{Files, name_of};
use crate::node::{Node, parse_json, parse_toml, parse_yaml};
use crate::settings::{self, Reading, Setting};
use crate::variables::{Expanded, Syntax, expand};
use crate::{Read, Reader, Scope, endpoint};
use allod_facts::{Component, ComponentRef, Confidence, Diagnostic, Evidence, Facts, Layer, Role, Severity};
use std::sync::Arc;

pub use dotenv::plain as plain_dotenv;

pub const READER: Reader = Reader {
    id: "config",
    about: "environment files and configuration values that name a host",
    scope: Scope::File,
    read: Read::Loaded(read),
};

const ID: &str = "config";

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for path in mine.iter().filter(|path| !precise::is_skipped(path)) {
        let shared = files.shared_path(path);
        match files.text(path) {
            Some(Ok(text))
                if is_named(path) || !(data::is_language(files, path) || catalogue(&mut facts, files, &shared)) =>
            {
                read_text(&mut facts, &shared, &text);
            }
            Some(Ok(_)) => {}
            Some(Err(_)) => diagnose(&mut facts, &shared),
            None => {}
        }
    }
    facts
}

/// Whether the file is configuration by its name, whatever stands beside it.
fn is_named(path: &str) -> bool {
    let name = name_of(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    is_config_name(&name, extension)
}

/// Whether a file is an entry of a catalogue; the first of them says so for all.
fn catalogue(facts: &mut Facts, files: &Files, path: &Arc<str>) -> bool {
    if !data::is_one_of_many(files, path) {
        return false;
    }
    let (folder, ending) = (crate::files::folder_of(path), path.rsplit_once('.').map_or("", |(_, ending)| ending));
    let first = files.in_folder(folder).find(|other| other.rsplit_once('.').is_some_and(|(_, other)| other == ending));
    if first == Some(&**path) && name_of(path).rsplit_once('.').is_none_or(|(stem, _)| stem != name_of(folder)) {
        let message = format!("the folder `{folder}` holds many `{ending}` files of one kind: data, and not read");
        facts.unresolved("U010", message, None, Evidence::line(path, 1, ID));
    }
    true
}

fn diagnose(facts: &mut Facts, path: &Arc<str>) {
    facts.diagnostics.push(Diagnostic {
        code: "D002",
        severity: Severity::Error,
        message: "not a text file".into(),
        path: path.clone(),
        line: 0,
        hint: None,
    });
}

fn read_text(facts: &mut Facts, path: &Arc<str>, text: &str) {
    let name = name_of(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    // The component is added when there is something to say of it.
    let mut file = File { path, own: None, sample: precise::is_sample(&name), layer: Layer::Application };
    match extension {
        "yaml" | "yml" => {
            let (documents, broken) = parse_yaml(text);
            // A file that no reader knows by name is configuration only if it can be read as such.
            if let Some(broken) = broken.filter(|_| !precise::is_template(text)) {
                facts.diagnostics.push(broken.diagnostic(path));
            }
            documents.iter().for_each(|document| file.tree(facts, document));
        }
        "json" => match parse_json(text) {
            Ok(document) => file.tree(facts, &document),
            Err(broken) => {
                // JSON with comments is common among editors' settings.
                if !precise::has_comments(text) {
                    facts.diagnostics.push(broken.diagnostic(path));
                }
            }
        },
        "toml" => match parse_toml(text) {
            Ok(document) => file.tree(facts, &document),
            Err(broken) => facts.diagnostics.push(broken.diagnostic(path)),
        },
        "properties" => file.settings(facts, &properties::parse(text), Syntax::Braced),
        _ => {
            let entries: Vec<(String, Option<String>, u32, bool)> = dotenv::parse(text)
                .into_iter()
                .map(|entry| (entry.key, entry.value, entry.line, entry.defaulted))
                .collect();
            file.settings(facts, &entries, Syntax::Shell);
        }
    }
}

struct File<'a> {
    path: &'a Arc<str>,
    own: Option<ComponentRef>,
    /// Whether the file is an example of what one would set.
    sample: bool,
    layer: Layer,
}

impl File<'_> {
    fn seen(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, ID)
    }

    fn own(&mut self, facts: &mut Facts, line: u32) -> ComponentRef {
        let seen = self.seen(line);
        *self.own.get_or_insert_with(|| {
            let id = format!("config:{}", self.path);
            facts.add(Component::new(&id, self.path, "configuration", self.layer, Role::Own, seen))
        })
    }

    fn confidence(&self, defaulted: bool) -> Confidence {
        if defaulted || self.sample { Confidence::Medium } else { Confidence::High }
    }

    /// Settings of a flat file: key, value, line, whether a default stood in.
    fn settings(&mut self, facts: &mut Facts, entries: &[(String, Option<String>, u32, bool)], syntax: Syntax) {
        let mut all = Vec::new();
        for (key, value, line, defaulted) in entries {
            let expanded = match (value, syntax) {
                (Some(value), Syntax::Braced) => Some(expand(value, syntax, &|_| None)),
                (Some(value), Syntax::Shell) => {
                    Some(Expanded { text: value.clone(), defaulted: *defaulted, ..Expanded::default() })
                }
                (None, _) => None,
            };
            let confidence = self.confidence(expanded.as_ref().is_some_and(|expanded| expanded.defaulted));
            let value = expanded.map(|expanded| expanded.text);
            all.push(Setting { key: key.clone(), value, seen: self.seen(*line), also: Vec::new(), confidence });
        }
        let Some(first) = entries.first().map(|(_, _, line, _)| *line) else { return };
        // A file of plain switches says nothing and is no component.
        let mut inner = Facts::new();
        let own = self.own(&mut inner, first);
        let stem = format!("{}#", self.path);
        let how = Reading { owner: own, stem: &stem, neighbour: &|_| None, object_store_known: false, hints: true };
        settings::read(&mut inner, &all, &how);
        if !inner.links.is_empty() || !inner.unresolved.is_empty() {
            facts.absorb(inner);
        }
    }

    fn tree(&mut self, facts: &mut Facts, root: &Node) {
        if precise::is_description(root) {
            return;
        }
        let agents = agents::is_agents(root);
        if agents {
            self.layer = Layer::Agents;
            let own = self.own(facts, root.line.max(1));
            agents::read(facts, own, self.path, root);
        }
        let sorted = data::sort(root);
        for (line, hosts) in &sorted.records {
            let message = format!("a list of records that names {hosts} hosts is data, and is not read");
            facts.unresolved("U010", message, None, self.seen(*line));
        }
        let hosts = data::hosts(&sorted.candidates).len();
        if hosts > data::MAX_HOSTS {
            let message = format!("the file names {hosts} hosts: it is data and no configuration, and is not read");
            facts.unresolved("U010", message, None, self.seen(root.line.max(1)));
            return;
        }
        for one in sorted.candidates {
            self.value(facts, &one.keys, one.text, one.line);
        }
    }

    /// A value that has a URL or stands under a key for hosts.
    fn value(&mut self, facts: &mut Facts, keys: &[&str], written: &str, line: u32) {
        let expanded = expand(written, Syntax::Braced, &|_| None);
        let text = expanded.text.as_str();
        let confidence = self.confidence(expanded.defaulted);
        let key = keys.last().copied().unwrap_or_default();
        let key_words = settings::words(key);
        let mut found: Vec<&str> = Vec::new();
        for url in destination::urls(text) {
            let vocabulary = endpoint::host_of(url).is_some_and(|host| destination::is_vocabulary(&host));
            if !vocabulary && !destination::is_document(url) {
                found.push(url);
            }
        }
        if found.is_empty() && !text.contains("://") && settings::is_endpoint_key(&key_words) {
            found.extend(text.split([',', ' ']).map(str::trim).filter(|part| destination::is_bare_host(part)).take(64));
        }
        // `uri: ${VAULT_URI}`: a destination that something outside the files names.
        let variable = !expanded.missing.is_empty() && text.starts_with("${") && text.ends_with('}');
        if found.is_empty() && variable && settings::is_endpoint_key(&key_words) && !settings::is_own_name(&key_words) {
            let own = self.own(facts, line);
            let how = Use::new(own, precise::kind_of(self.path, &key_words), self.seen(line));
            let message = format!("`{key}` comes from a variable that no file sets");
            destination::hide(facts, key, "U001", message, &how);
        }
        for name in found {
            // What lies inside is no destination of anybody's.
            let inside =
                endpoint::host_of(name).is_some_and(|host| endpoint::host_kind(&host) == endpoint::HostKind::Internal);
            if inside || endpoint::host_of(name).is_none() && destination::hidden(name).is_none() {
                continue;
            }
            let own = self.own(facts, line);
            let mut how = Use::new(own, precise::kind_of(self.path, &key_words), self.seen(line));
            how.confidence = confidence;
            how.required = !keys.iter().any(|key| settings::is_telemetry(&settings::words(key)));
            destination::link_to(facts, name, &how);
        }
    }
}

/// Whether a file name (lower case) is configuration by itself (`.env`, `application.properties`, ...).
pub(crate) fn is_config_name(name: &str, extension: &str) -> bool {
    let application = ["application", "bootstrap"]
        .iter()
        .any(|stem| name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(['.', '-'])));
    let env = name == ".env"
        || name.starts_with(".env.")
        || name.starts_with("env.") && extension != "ts"
        || extension == "env";
    env && !matches!(
        extension,
        "js" | "ts" | "py" | "go" | "rs" | "java" | "md" | "rb" | "sh" | "d" | "cjs" | "mjs" | "php" | "html"
    ) || application && matches!(extension, "properties" | "yaml" | "yml")
}

#[cfg(test)]
mod tests;

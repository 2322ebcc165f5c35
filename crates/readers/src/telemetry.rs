//! Telemetry pipelines: where metrics, logs, traces and alerts are sent.
//!
//! Each pipeline is the organisation's own component; each destination outside is somebody's. A pipeline works without its
//! destinations, so every link to one says so. Exporters to a console or a file are nothing outside.

mod agents;
mod collector;
mod expand;
mod fluent;
mod grafana;
mod pipe;
mod prometheus;
#[cfg(test)]
mod tests;
mod vector;

use crate::files::{Files, folder_of, join, name_of};
use crate::kubernetes;
use crate::node::{Node, parse_json, parse_toml, parse_yaml};
use crate::{Read, Reader, Scope, config};
use allod_facts::{Component, ComponentRef, Evidence, Facts, Layer, Role};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use expand::Value;
pub(crate) use prometheus::default_receiver;

pub const READER: Reader = Reader {
    id: "telemetry",
    about: "telemetry pipelines (OpenTelemetry Collector, Prometheus, Fluent Bit, Vector, ...)",
    scope: Scope::File,
    read: Read::Loaded(read),
};

/// The formats of pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Collector,
    Prometheus,
    Alertmanager,
    Promtail,
    /// Alloy and the Grafana Agent's flow mode.
    Alloy,
    FluentBit,
    FluentBitYaml,
    Fluentd,
    Vector,
    DatadogAgent,
    Telegraf,
    Beats,
    GrafanaSources,
    /// Rules of Prometheus and Loki, and tests of rules: their addresses lead people to documents.
    Rules,
}

/// A pipeline's text, in a file of its own or inside another one.
pub(crate) struct Embedded<'a> {
    pub path: &'a Arc<str>,
    pub reader: &'static str,
    /// The address that ids of its parts begin with.
    pub id: &'a str,
    pub text: &'a str,
    pub lines: Lines,
    /// The components that run the pipeline.
    pub owners: &'a [ComponentRef],
    /// The value of an environment variable, when a file sets it.
    pub set: &'a dyn Fn(&str) -> Option<Value>,
}

/// Where the lines of an embedded text stand in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lines {
    /// Line by line, from this one.
    From(u32),
    /// All on one line.
    All(u32),
}

impl Embedded<'_> {
    pub fn at(&self, line: u32) -> Evidence {
        let line = match self.lines {
            Lines::From(first) => first + line.max(1) - 1,
            Lines::All(line) => line,
        };
        Evidence::line(self.path, line, self.reader)
    }
}

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        read_file(files, path, &mut facts);
    }
    facts
}

fn read_file(files: &Files, path: &str, facts: &mut Facts) {
    let shared = files.shared_path(path);
    let text = match files.text(path) {
        None => return,
        Some(Err(_)) => return facts.diagnostics.push(kubernetes::not_text(&shared)),
        Some(Ok(text)) => text,
    };
    let Some(form) = sniff(name_of(path), &text) else {
        return other(files, path, &text, facts);
    };
    if form == Form::Rules {
        return;
    }
    let name = name_of(path);
    let last_line = text.lines().count().max(1) as u32;
    let seen = Evidence { end_line: last_line, ..Evidence::line(&shared, 1, READER.id) };
    let id = format!("telemetry:{path}#{}", form.name());
    let owner = facts.add(Component::new(&id, name, form.name(), Layer::Observability, Role::Own, seen));
    let set = settings_beside(files, path);
    let embedded = Embedded {
        path: &shared,
        reader: READER.id,
        id: &id,
        text: &text,
        lines: Lines::From(1),
        owners: &[owner],
        set: &|name| set.get(name).cloned(),
    };
    read_embedded(facts, form, &embedded);
}

/// A file with the name of a pipeline that is none: read as what it is.
fn other(files: &Files, path: &str, text: &str, facts: &mut Facts) {
    let reader =
        if has_key(text, "apiVersion") && has_key(text, "kind") { &kubernetes::READER } else { &config::READER };
    if let Read::Loaded(read) = reader.read {
        facts.absorb(read(files, &[path]));
    }
}

/// Variables from the `.env` file beside a pipeline.
fn settings_beside(files: &Files, path: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let Some(env) = join(folder_of(path), ".env") else { return found };
    let Some(Ok(text)) = files.text(&env) else { return found };
    let shared = files.shared_path(&env);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else { continue };
        let value = value.trim().trim_matches(['"', '\'']);
        if !line.starts_with('#') && !value.is_empty() {
            let seen = Evidence::line(&shared, at as u32 + 1, READER.id);
            found.insert(name.trim().to_owned(), Value { text: value.to_owned(), seen });
        }
    }
    found
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Collector => "otel-collector",
            Form::Prometheus => "prometheus",
            Form::Alertmanager => "alertmanager",
            Form::Promtail => "promtail",
            Form::Alloy => "alloy",
            Form::FluentBit | Form::FluentBitYaml => "fluent-bit",
            Form::Fluentd => "fluentd",
            Form::Vector => "vector",
            Form::DatadogAgent => "datadog-agent",
            Form::Telegraf => "telegraf",
            Form::Beats => "beats",
            Form::GrafanaSources => "grafana-datasources",
            Form::Rules => "rules",
        }
    }
}

/// Reads a pipeline. A text that breaks its syntax is one diagnostic at the right line.
pub(crate) fn read_embedded(facts: &mut Facts, form: Form, embedded: &Embedded<'_>) {
    let text = embedded.text;
    match form {
        Form::Fluentd => return fluent::fluentd(&mut pipe::Pipe { facts, at: embedded }),
        Form::FluentBit => return fluent::classic(&mut pipe::Pipe { facts, at: embedded }),
        Form::Alloy => return grafana::alloy(&mut pipe::Pipe { facts, at: embedded }),
        Form::Rules => return,
        _ => {}
    }
    let first = text.trim_start();
    let parsed = match form {
        Form::Telegraf => parse_toml(text).map(|node| vec![node]),
        Form::Vector if first.starts_with('{') => parse_json(text).map(|node| vec![node]),
        Form::Vector if vector::is_toml(text) => parse_toml(text).map(|node| vec![node]),
        _ => match parse_yaml(text) {
            (documents, None) => Ok(documents),
            (_, Some(broken)) => Err(broken),
        },
    };
    match parsed {
        Ok(documents) => documents.iter().for_each(|node| read_tree(facts, form, node, embedded)),
        Err(broken) if text.contains("{{") => {
            let message = "the pipeline is a template: only its engine could know what it says".to_owned();
            facts.unresolved("U004", message, embedded.owners.first().copied(), embedded.at(broken.line));
        }
        Err(broken) => {
            let mut diagnostic = broken.diagnostic(embedded.path);
            diagnostic.line = embedded.at(diagnostic.line).line;
            facts.diagnostics.push(diagnostic);
        }
    }
}

fn read_tree(facts: &mut Facts, form: Form, node: &Node, embedded: &Embedded<'_>) {
    let mut pipe = pipe::Pipe { facts, at: embedded };
    match form {
        Form::Collector => collector::read(&mut pipe, node),
        Form::Prometheus => prometheus::read(&mut pipe, node),
        Form::Alertmanager => prometheus::alertmanager(&mut pipe, node),
        Form::Promtail => grafana::promtail(&mut pipe, node),
        Form::FluentBitYaml => fluent::yaml(&mut pipe, node),
        Form::Vector => vector::read(&mut pipe, node),
        Form::DatadogAgent => agents::datadog(&mut pipe, node),
        Form::Telegraf => agents::telegraf(&mut pipe, node),
        Form::Beats => agents::beats(&mut pipe, node),
        Form::GrafanaSources => grafana::sources(&mut pipe, node),
        Form::Alloy | Form::FluentBit | Form::Fluentd | Form::Rules => {}
    }
}

/// Reads the configuration of a collector that is part of another tree.
pub(crate) fn read_collector(facts: &mut Facts, node: &Node, embedded: &Embedded<'_>) {
    collector::read(&mut pipe::Pipe { facts, at: embedded }, node);
}

/// Which pipeline a text is, from its name (any case) and its content.
pub(crate) fn sniff(name: &str, text: &str) -> Option<Form> {
    let lower = name.to_ascii_lowercase();
    let extension = lower.rsplit_once('.').map_or("", |(_, extension)| extension);
    if has_key(text, "apiVersion") && has_key(text, "kind") {
        return None;
    }
    if matches!(extension, "alloy" | "river") || grafana::is_alloy(text) {
        return Some(Form::Alloy);
    }
    if lower.contains("telegraf") && text.contains("[[outputs.")
        || text.lines().any(|line| line.starts_with("[[outputs."))
    {
        return Some(Form::Telegraf);
    }
    if is_vector_toml(text) {
        return Some(Form::Vector);
    }
    let section = |name: &str| text.lines().any(|line| line.trim().eq_ignore_ascii_case(name));
    if section("[OUTPUT]")
        || (section("[SERVICE]") && extension == "conf")
        || (section("[INPUT]") && extension == "conf")
    {
        return Some(Form::FluentBit);
    }
    if text.lines().any(|line| line.trim_start().starts_with("<match")) {
        return Some(Form::Fluentd);
    }
    if lower.starts_with("datadog.y")
        || (has_key(text, "api_key") && (has_key(text, "site") || has_key(text, "dd_url")))
    {
        return Some(Form::DatadogAgent);
    }
    yaml_form(text)
}

fn yaml_form(text: &str) -> Option<Form> {
    let key = |word: &str| has_key(text, word);
    let output = text.lines().any(|line| line.starts_with("output.") || line.starts_with("cloud.id"));
    if output || (key("output") && (key("filebeat") || key("filebeat.inputs") || key("metricbeat.modules"))) {
        return Some(Form::Beats);
    }
    if key("receivers") && (key("exporters") || key("processors") || key("extensions") || key("connectors")) {
        return Some(Form::Collector);
    }
    if key("exporters") && key("service") {
        return Some(Form::Collector);
    }
    if key("clients") && (key("positions") || key("scrape_configs")) {
        return Some(Form::Promtail);
    }
    if key("receivers") && key("route") {
        return Some(Form::Alertmanager);
    }
    if key("scrape_configs") || key("remote_write") || (key("alerting") && key("rule_files")) {
        return Some(Form::Prometheus);
    }
    if key("sinks") && (key("sources") || key("transforms") || text.contains("inputs:")) {
        return Some(Form::Vector);
    }
    if key("pipeline") && text.contains("outputs:") && (text.contains("inputs:") || key("service")) {
        return Some(Form::FluentBitYaml);
    }
    let item = |word: &str| {
        let of = |line: &str| line.trim_start().trim_start_matches("- ").trim_start().starts_with(word);
        text.lines().any(of)
    };
    if key("groups") && (item("alert:") || item("record:")) || key("rule_files") && key("tests") {
        return Some(Form::Rules);
    }
    if key("datasources") && key("apiVersion") {
        return Some(Form::GrafanaSources);
    }
    None
}

fn has_key(text: &str, word: &str) -> bool {
    // Keys may stand in quotes.
    let rest = |line: &str| match line.strip_prefix('"') {
        Some(quoted) => quoted.strip_prefix(word).is_some_and(|rest| rest.starts_with("\":")),
        None => line.strip_prefix(word).is_some_and(|rest| rest.starts_with(':')),
    };
    text.lines().any(rest)
}

/// Whether a path (lower case) is a telemetry configuration whatever it holds (`datadog.yaml`, `fluent-bit.conf`, ...).
pub(crate) fn is_telemetry_path(_path: &str, name: &str, extension: &str) -> bool {
    let conf = extension == "conf";
    matches!(extension, "alloy" | "river")
        || matches!(
            name,
            "datadog.yaml" | "datadog.yml" | "telegraf.conf" | "fluent.conf" | "fluentd.conf" | "td-agent.conf"
        )
        || (conf && (name.starts_with("fluent-bit") || name.starts_with("fluentbit") || name.contains("telegraf")))
        || ["filebeat", "metricbeat", "heartbeat", "packetbeat", "auditbeat", "winlogbeat"]
            .iter()
            .any(|beat| name.strip_prefix(beat).is_some_and(|rest| matches!(rest, ".yml" | ".yaml")))
        || matches!(name, "vector.toml" | "vector.yaml" | "vector.yml" | "vector.json")
}

/// Whether a YAML text has the top-level keys of an OpenTelemetry Collector, Prometheus, Promtail, Vector or Fluent Bit.
pub(crate) fn is_telemetry_yaml(text: &str) -> bool {
    yaml_form(text).is_some()
}

/// Whether a TOML text is a Vector configuration.
pub(crate) fn is_vector_toml(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("[sinks."))
        && text.lines().any(|line| line.trim_start().starts_with("inputs") || line.trim_start().starts_with("type"))
}

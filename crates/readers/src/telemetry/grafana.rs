//! Promtail, Alloy (and the Grafana Agent's flow mode), and data sources that Grafana is provisioned with.

use super::pipe::{Pipe, Sink, under};
use crate::node::Node;
use allod_facts::Confidence;

pub(super) fn promtail(pipe: &mut Pipe<'_>, node: &Node) {
    for (at, client) in node.get("clients").map(Node::items).unwrap_or_default().iter().enumerate() {
        let sink = Sink::new(format!("clients/{at}"), "loki", client, client);
        pipe.deliver(&sink, &under(client, &["url"], &["oauth2"]));
    }
}

/// Components of Alloy whose blocks send something away.
const WRITERS: &[&str] = &[
    "loki.write",
    "prometheus.remote_write",
    "otelcol.exporter.",
    "pyroscope.write",
    "faro.",
    "mimir.",
    "otelcol.auth.oauth2",
    "remotecfg",
];

pub(super) fn is_alloy(text: &str) -> bool {
    text.lines().any(|line| {
        ["loki.write \"", "prometheus.remote_write \"", "otelcol.exporter.", "pyroscope.write \""]
            .iter()
            .any(|word| line.starts_with(word) && line.trim_end().ends_with('{'))
    })
}

/// Blocks by braces, `key = "value"` inside. Expressions other than a string or `sys.env` are not evaluated.
pub(super) fn alloy(pipe: &mut Pipe<'_>) {
    let mut depth = 0_i64;
    let mut writer: Option<(String, u32)> = None;
    let mut found: Vec<(String, u32, String, u32)> = Vec::new();
    let mut last_line = 1;
    for (at, line) in pipe.at.text.lines().enumerate() {
        let number = at as u32 + 1;
        last_line = number;
        // A block that begins the line is no part of another one, whatever braces texts and comments above it have.
        if line.ends_with('{') && line.starts_with(|c: char| c.is_ascii_lowercase()) {
            (depth, writer) = (0, None);
        }
        let line = line.trim();
        if line.starts_with("//") {
            continue;
        }
        if depth == 0 && line.ends_with('{') && WRITERS.iter().any(|word| line.starts_with(word)) {
            writer = Some((line.trim_end_matches('{').trim().replace(['"', ' '], "."), number));
        }
        if let (Some((name, first)), Some((key, value))) = (&writer, line.split_once('=')) {
            let key = key.trim();
            if matches!(key, "url" | "endpoint" | "token_url") {
                found.push((name.trim_matches('.').replace("..", "."), *first, string_of(value.trim()), number));
            }
        }
        depth += line.matches('{').count() as i64 - line.matches('}').count() as i64;
        if depth <= 0 {
            depth = 0;
            writer = None;
        }
    }
    for (name, line, value, at) in found {
        let kind = if name.contains("loki") { "loki" } else { "otlp" };
        let sink = Sink {
            address: name.clone(),
            kind,
            line,
            end_line: at.min(last_line),
            confidence: Confidence::High,
            link: allod_facts::LinkKind::SendsTo,
            region: None,
        };
        pipe.deliver(&sink, &[(&value, at)]);
    }
}

/// A string literal, or a variable of the environment in the spelling that is expanded later.
fn string_of(value: &str) -> String {
    let call = value.strip_prefix("sys.env(").or_else(|| value.strip_prefix("env("));
    let quoted = |text: &str| text.trim().trim_matches('"').to_owned();
    match call.and_then(|rest| rest.split(')').next()) {
        Some(name) => format!("${{{}}}", quoted(name)),
        None if value.starts_with('"') && value.ends_with('"') => quoted(value),
        // Another component's export or a concatenation.
        None => "${expression}".to_owned(),
    }
}

/// Data sources of which the type says whose service it is.
const CLOUD_SOURCES: &[(&str, &str)] = &[
    ("cloudwatch", "cloudwatch"),
    ("grafana-x-ray-datasource", "awsxray"),
    ("stackdriver", "stackdriver"),
    ("googlecloud-trace-datasource", "googlecloud"),
    ("grafana-azure-monitor-datasource", "azuremonitor"),
    ("grafana-datadog-datasource", "datadog"),
    ("grafana-newrelic-datasource", "newrelic"),
    ("grafana-sentry-datasource", "sentry"),
];

pub(super) fn sources(pipe: &mut Pipe<'_>, node: &Node) {
    for source in node.get("datasources").map(Node::items).unwrap_or_default() {
        let name = source.str_at(&["name"]).unwrap_or("source");
        let kind = source.str_at(&["type"]).unwrap_or("");
        let known = CLOUD_SOURCES.iter().find(|(known, _)| *known == kind).map(|(_, word)| *word);
        let mut sink = Sink::new(format!("datasources/{name}"), known.unwrap_or("http"), source, source);
        sink.region = source.at(&["jsonData", "defaultRegion"]);
        pipe.deliver(&sink, &under(source, &["url"], &["secureJsonData"]));
    }
}

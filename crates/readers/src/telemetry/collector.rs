//! The OpenTelemetry Collector: exporters that a pipeline uses, and the token servers of its extensions.

use super::pipe::{Pipe, Sink, under};
use crate::node::Node;
use allod_facts::{Confidence, LinkKind};
use std::collections::BTreeSet;

const ADDRESS_KEYS: &[&str] = &[
    "endpoint",
    "traces_endpoint",
    "metrics_endpoint",
    "logs_endpoint",
    "profiles_endpoint",
    "endpoints",
    "brokers",
    "url",
    "site",
    "ingest_url",
    "api_url",
    "bootstrap_servers",
    "hostnames",
    "hostname",
    "dsn",
    "datasource",
    "realm_url",
    "domain",
    "server",
    "address",
    "collector_url",
];

/// Parts of an exporter that say nothing about where it sends.
const NOT_ADDRESSES: &[&str] =
    &["headers", "tls", "auth", "sending_queue", "retry_on_failure", "resource_to_telemetry_conversion"];

pub(super) fn read(pipe: &mut Pipe<'_>, node: &Node) {
    let used = used_exporters(node);
    for (name, key, value) in node.get("exporters").into_iter().flat_map(Node::entries) {
        let kind = name.split('/').next().unwrap_or(name);
        let mut sink = Sink::new(format!("exporters/{name}"), kind, key, value);
        if !used.contains(name) {
            sink.confidence = Confidence::Low;
        }
        sink.region = value.get("region").or_else(|| value.at(&["s3uploader", "region"]));
        let mut addresses = under(value, ADDRESS_KEYS, NOT_ADDRESSES);
        if kind == "loadbalancing" {
            addresses = under(value, &["hostnames", "hostname"], &[]);
        }
        if kind == "signalfx" || kind == "sapm" {
            addresses.retain(|(text, _)| text.contains('.'));
        }
        pipe.deliver(&sink, &addresses);
    }
    let enabled: BTreeSet<&str> = node
        .at(&["service", "extensions"])
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_str)
        .collect();
    for (name, key, value) in node.get("extensions").into_iter().flat_map(Node::entries) {
        let kind = name.split('/').next().unwrap_or(name);
        let mut sink = Sink { link: LinkKind::Trusts, ..Sink::new(format!("extensions/{name}"), kind, key, value) };
        if !enabled.contains(name) {
            sink.confidence = Confidence::Low;
        }
        let tokens = under(value, &["token_url", "issuer_url"], &[]);
        if !tokens.is_empty() {
            pipe.deliver(&sink, &tokens);
        }
    }
    // The collector's own telemetry.
    if let Some((key, telemetry)) = node.get("service").and_then(|service| service.entry("telemetry")) {
        let addresses = under(telemetry, &["endpoint"], &["headers"]);
        if !addresses.is_empty() {
            pipe.deliver(&Sink::new("service/telemetry".to_owned(), "otlp", key, telemetry), &addresses);
        }
    }
}

/// The exporters that a pipeline or a connector's table names.
fn used_exporters(node: &Node) -> BTreeSet<&str> {
    let pipelines = node.at(&["service", "pipelines"]).into_iter().flat_map(Node::entries);
    pipelines
        .flat_map(|(_, _, pipeline)| pipeline.get("exporters").map(Node::items).unwrap_or_default())
        .filter_map(Node::as_str)
        .collect()
}

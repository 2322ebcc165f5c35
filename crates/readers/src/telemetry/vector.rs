//! Vector: sinks, in TOML, YAML or JSON.

use super::pipe::{Pipe, Sink, under};
use crate::node::Node;
use allod_facts::LinkKind;

const ADDRESS_KEYS: &[&str] = &[
    "endpoint",
    "endpoints",
    "uri",
    "url",
    "address",
    "host",
    "bootstrap_servers",
    "site",
    "default_api_key_site",
    "hosts",
];

pub(super) fn is_toml(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("[sinks.") || line.trim_start().starts_with("[sources."))
}

pub(super) fn read(pipe: &mut Pipe<'_>, node: &Node) {
    for (name, key, value) in node.get("sinks").into_iter().flat_map(Node::entries) {
        let kind = value.str_at(&["type"]).unwrap_or("");
        if kind.is_empty() {
            continue;
        }
        let mut sink = Sink::new(format!("sinks/{name}"), kind, key, value);
        if matches!(kind, "aws_s3" | "gcp_cloud_storage" | "azure_blob") {
            sink.link = LinkKind::StoresIn;
        }
        sink.region = value.get("region").or_else(|| value.at(&["aws", "region"]));
        pipe.deliver(
            &sink,
            &under(value, ADDRESS_KEYS, &["tls", "auth", "healthcheck", "encoding", "buffer", "proxy", "labels"]),
        );
    }
}

//! Agents of one vendor or none: the Datadog agent, Telegraf, Elastic's Beats.

use super::pipe::{Pipe, Sink, under};
use crate::node::Node;
use allod_facts::Confidence;

const DATADOG_ADDRESSES: &[&str] =
    &["site", "dd_url", "logs_dd_url", "apm_dd_url", "process_dd_url", "orchestrator_dd_url", "events_dd_url"];

pub(super) fn datadog(pipe: &mut Pipe<'_>, node: &Node) {
    let addresses = under(node, DATADOG_ADDRESSES, &["proxy"]);
    let key = node.entry("api_key").map_or(node, |(key, _)| key);
    let mut sink = Sink::new("site".to_owned(), "datadog", key, key);
    if !addresses.is_empty() {
        return pipe.deliver(&sink, &addresses);
    }
    // The agent's default site.
    sink.confidence = Confidence::Medium;
    pipe.deliver(&sink, &[("datadoghq.com", key.line)]);
}

pub(super) fn telegraf(pipe: &mut Pipe<'_>, node: &Node) {
    for (kind, key, outputs) in node.get("outputs").into_iter().flat_map(Node::entries) {
        for (at, output) in outputs.items().iter().enumerate() {
            let line = if output.line > 0 { output } else { key };
            let mut sink = Sink::new(format!("outputs/{kind}/{at}"), kind, line, output);
            sink.region = output.get("region");
            let keys = ["urls", "url", "servers", "brokers", "endpoint_url", "service_address", "address"];
            pipe.deliver(&sink, &under(output, &keys, &["headers"]));
        }
    }
}

/// Outputs of Beats, with dotted keys or nested ones.
pub(super) fn beats(pipe: &mut Pipe<'_>, node: &Node) {
    if let Some((key, value)) = entry(node, "cloud.id") {
        let host = value.as_str().and_then(|text| cloud_host(&pipe.expand(text).text));
        let sink = Sink::new("cloud.id".to_owned(), "elastic_cloud", key, value);
        match host {
            Some(host) => pipe.deliver(&sink, &[(&host, value.line)]),
            None => pipe.deliver(&sink, &[(value.as_str().unwrap_or(""), value.line)]),
        }
    }
    for kind in ["elasticsearch", "logstash", "kafka", "redis", "console", "file", "discard"] {
        if let Some((key, value)) = entry(node, &format!("output.{kind}")) {
            let sink = Sink::new(format!("output/{kind}"), if kind == "discard" { "nop" } else { kind }, key, value);
            pipe.deliver(&sink, &under(value, &["hosts", "host"], &["ssl"]));
        }
        // Fully dotted: `output.elasticsearch.hosts: [...]`.
        if let Some((key, value)) = entry(node, &format!("output.{kind}.hosts")) {
            let addresses: Vec<(&str, u32)> =
                value.items().iter().filter_map(|node| Some((node.as_str()?, node.line))).collect();
            pipe.deliver(&Sink::new(format!("output/{kind}"), kind, key, value), &addresses);
        }
    }
}

/// An entry by its dotted path, whichever part of it is written as one key.
fn entry<'n>(node: &'n Node, dotted: &str) -> Option<&'n (Node, Node)> {
    if let Some(found) = node.entry(dotted) {
        return Some(found);
    }
    dotted.match_indices('.').find_map(|(at, _)| {
        let (first, rest) = dotted.split_at_checked(at)?;
        entry(node.get(first)?, rest.strip_prefix('.')?)
    })
}

/// The host in an Elastic Cloud id: `name:base64(host$es$kibana)`.
fn cloud_host(text: &str) -> Option<String> {
    let encoded = text.rsplit_once(':').map_or(text, |(_, encoded)| encoded);
    let decoded = decode_base64(encoded)?;
    let host = decoded.split('$').next()?.to_owned();
    crate::endpoint::host_of(&host)
}

fn decode_base64(text: &str) -> Option<String> {
    let mut bits = 0_u32;
    let mut held = 0_u32;
    let mut bytes = Vec::new();
    for c in text.trim().trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_cloud_ids() {
        assert_eq!(cloud_host("prod:ZXUuZXhhbXBsZS5uZXQkYWJjJGRlZg=="), Some("eu.example.net".into()));
        assert_eq!(cloud_host("prod:***"), None);
        assert_eq!(cloud_host(""), None);
    }
}

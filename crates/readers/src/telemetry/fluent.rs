//! Fluent Bit (classic and YAML) and Fluentd: outputs and their hosts.

use super::pipe::{Pipe, Sink};
use crate::node::{Node, Scalar, Value};
use allod_facts::{Confidence, LinkKind};

/// Settings of an output that name a host, without regard to case.
const ADDRESS_KEYS: &[&str] = &[
    "host",
    "endpoint",
    "url",
    "uri",
    "brokers",
    "webhook",
    "upstream_host",
    "sts_endpoint",
    "data_collection_endpoint",
    "dce_url",
    "base_uri",
    "hosts",
    "endpoint_url",
];

/// One output with its settings and their lines.
#[derive(Default)]
struct Output {
    line: u32,
    end_line: u32,
    settings: Vec<(String, String, u32)>,
}

impl Output {
    fn get(&self, key: &str) -> Option<(&str, u32)> {
        self.settings.iter().find(|(name, ..)| name == key).map(|(_, value, line)| (value.as_str(), *line))
    }
}

/// Sections in brackets, one setting a line.
pub(super) fn classic(pipe: &mut Pipe<'_>) {
    let mut open: Option<Output> = None;
    let mut outputs = Vec::new();
    for (at, line) in pipe.at.text.lines().enumerate() {
        let (line, number) = (line.trim(), at as u32 + 1);
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if line.starts_with('[') {
            outputs.extend(open.take());
            if line.eq_ignore_ascii_case("[OUTPUT]") {
                open = Some(Output { line: number, end_line: number, settings: Vec::new() });
            }
        } else if let Some(output) = &mut open {
            let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            output.settings.push((key.to_ascii_lowercase(), value.trim().to_owned(), number));
            output.end_line = number;
        }
    }
    outputs.extend(open);
    outputs.iter().enumerate().for_each(|(at, output)| deliver(pipe, at, output, "name"));
}

/// `pipeline.outputs`, a list of maps.
pub(super) fn yaml(pipe: &mut Pipe<'_>, node: &Node) {
    let outputs = node.at(&["pipeline", "outputs"]).map(Node::items).unwrap_or_default();
    for (at, item) in outputs.iter().enumerate() {
        let settings = item
            .entries()
            .filter_map(|(key, _, value)| Some((key.to_ascii_lowercase(), value.as_str()?.to_owned(), value.line)));
        let output = Output { line: item.line, end_line: item.end_line, settings: settings.collect() };
        deliver(pipe, at, &output, "name");
    }
}

/// `<match ...>` blocks with `@type`, and `<store>` and `<server>` blocks inside.
pub(super) fn fluentd(pipe: &mut Pipe<'_>) {
    let mut outputs = Vec::new();
    let mut open: Vec<(bool, Output)> = Vec::new();
    for (at, line) in pipe.at.text.lines().enumerate() {
        let (line, number) = (line.trim(), at as u32 + 1);
        if line.starts_with("</") {
            if let Some((true, output)) = open.pop() {
                outputs.push(output);
            }
        } else if let Some(tag) = line.strip_prefix('<') {
            let is_output = tag.starts_with("match") || tag.starts_with("store");
            if open.len() < crate::limits::MAX_DEPTH {
                open.push((is_output, Output { line: number, end_line: number, settings: Vec::new() }));
            }
        } else if !line.starts_with('#')
            && let Some((_, output)) = open.iter_mut().rev().find(|(is_output, _)| *is_output)
        {
            let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let value = value.trim().trim_matches('"');
            let value =
                value.replace("#{ENV['", "${").replace("#{ENV[\"", "${").replace("']}", "}").replace("\"]}", "}");
            output.settings.push((key.to_ascii_lowercase(), value, number));
            output.end_line = number;
        }
    }
    outputs.extend(open.into_iter().filter(|(is_output, _)| *is_output).map(|(_, output)| output));
    outputs.sort_by_key(|output| output.line);
    outputs.iter().enumerate().for_each(|(at, output)| deliver(pipe, at, output, "@type"));
}

fn deliver(pipe: &mut Pipe<'_>, at: usize, output: &Output, name: &str) {
    let Some((kind, line)) = output.get(name).or_else(|| output.get("@type")) else { return };
    let kind = kind.to_ascii_lowercase();
    let mut addresses: Vec<(&str, u32)> = Vec::new();
    for (key, value, line) in &output.settings {
        if ADDRESS_KEYS.contains(&key.as_str()) && !value.is_empty() && !value.starts_with('/') {
            addresses.push((value, *line));
        }
    }
    // A bucket with an endpoint of its own is reached there, whatever the type says.
    let region = output.get("region").or_else(|| output.get("s3_region")).map(|(text, line)| Node {
        value: Value::Scalar(Scalar { text: text.to_owned(), quoted: true, literal: false }),
        line,
        end_line: line,
    });
    let stores = matches!(kind.as_str(), "s3" | "gcs" | "azure_blob" | "azurestorage");
    let kind = if kind == "s3" { "aws_s3" } else { kind.as_str() };
    let sink = Sink {
        address: format!("outputs/{at}/{kind}"),
        kind,
        line: line.min(output.line.max(1)).max(output.line),
        end_line: output.end_line,
        confidence: Confidence::High,
        link: if stores { LinkKind::StoresIn } else { LinkKind::SendsTo },
        region: region.as_ref(),
    };
    pipe.deliver(&sink, &addresses);
}

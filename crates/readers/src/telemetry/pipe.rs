use super::Embedded;
use super::expand::{Expanded, expand};
use crate::endpoint::{self, Target};
use crate::kubernetes::Address;
use crate::node::Node;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Place, Role,
};

/// A pipeline that is being read.
pub(super) struct Pipe<'a> {
    pub facts: &'a mut Facts,
    pub at: &'a Embedded<'a>,
}

/// One destination of a pipeline, as the file calls it.
#[derive(Clone, Debug)]
pub(super) struct Sink<'a> {
    /// Its address inside the file (`exporters/otlphttp`).
    pub address: String,
    /// The type of the exporter, a clue unless anybody can run the other end.
    pub kind: &'a str,
    pub line: u32,
    pub end_line: u32,
    pub confidence: Confidence,
    pub link: LinkKind,
    pub region: Option<&'a Node>,
}

/// Types with no destination outside.
const NOWHERE: &[&str] = &[
    "debug",
    "logging",
    "file",
    "nop",
    "jaeger_storage_exporter",
    "stdout",
    "null",
    "console",
    "blackhole",
    "print",
    "counter",
    "flowcounter",
    "exit",
    "prometheus_exporter",
    "prometheus",
    "prometheus_client",
    "test",
    "relabel",
    "copy",
    "roundrobin",
    "rewrite_tag_filter",
];

/// Types of which anybody can run the other end: the host says whose it is, the type does not.
const OPEN: &[&str] = &[
    "otlp",
    "otlphttp",
    "otlp_http",
    "otlp_grpc",
    "otlphttpexporter",
    "opentelemetry",
    "prometheusremotewrite",
    "prometheus_remote_write",
    "loki",
    "kafka",
    "elasticsearch",
    "opensearch",
    "es",
    "zipkin",
    "jaeger",
    "jaeger_thrift",
    "influxdb",
    "influxdb_v2",
    "influxdb_metrics",
    "influxdb_logs",
    "splunk_hec",
    "splunk_hec_logs",
    "splunk_hec_metrics",
    "splunk",
    "carbon",
    "statsd",
    "syslog",
    "tcp",
    "udp",
    "http",
    "https",
    "forward",
    "secure_forward",
    "socket",
    "redis",
    "clickhouse",
    "cassandra",
    "pulsar",
    "rabbitmq",
    "amqp",
    "nats",
    "gelf",
    "vector",
    "tcplogserver",
    "loadbalancing",
    "skywalking",
    "postgres",
    "postgresql",
    "pgsql",
    "doris",
    "graphite",
    "logstash",
    "websocket",
    "mqtt",
    "webhook",
    "webhook_configs",
    "email",
    "mongodb",
    "sql",
    "opentsdb",
    "wavefront",
    "file_sd",
    "tempo",
    "mimir",
    "mysql",
    "alertmanager",
    "graphql",
];

/// Types that speak to one cloud unless the file names another endpoint: S3 is a protocol that many speak.
const OPEN_WITH_ENDPOINT: &[&str] = &["aws_s3", "awss3", "s3"];

/// Whether the type says nothing about whose the other end of a named address is.
fn is_open(kind: &str) -> bool {
    OPEN.contains(&kind) || OPEN_WITH_ENDPOINT.contains(&kind)
}

impl<'a> Sink<'a> {
    pub fn new(address: String, kind: &'a str, key: &Node, value: &Node) -> Sink<'a> {
        Sink {
            address,
            kind,
            line: key.line,
            end_line: value.end_line.max(key.line),
            confidence: Confidence::High,
            link: LinkKind::SendsTo,
            region: None,
        }
    }
}

impl Pipe<'_> {
    pub fn expand(&self, text: &str) -> Expanded {
        expand(text, self.at.set)
    }

    /// Adds the destinations of a sink: a host for each address, else what its type stands for.
    pub fn deliver(&mut self, sink: &Sink<'_>, addresses: &[(&str, u32)]) {
        if NOWHERE.contains(&sink.kind) {
            return;
        }
        let mut told = false;
        for (text, line) in addresses {
            told |= self.address(sink, text, *line);
        }
        if !told && !OPEN.contains(&sink.kind) {
            self.by_type(sink);
        }
    }

    /// Sends to the hosts of one address. Returns whether the address said where it goes.
    fn address(&mut self, sink: &Sink<'_>, text: &str, line: u32) -> bool {
        let expanded = self.expand(text);
        let mut told = false;
        for piece in expanded.text.split([',', ' ']).map(str::trim).filter(|piece| !piece.is_empty()) {
            let piece = piece.trim_start_matches("dns:///").trim_matches(['"', '\'', '[', ']']);
            let authority = piece.split_once("://").map_or(piece, |(_, rest)| rest);
            let authority = authority.split(['/', '?']).next().unwrap_or(authority);
            let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let suffix = crate::kubernetes::known_suffix(authority);
            let piece = suffix.as_deref().unwrap_or(piece);
            let authority = suffix.as_deref().unwrap_or(authority);
            if let Some(Address::Hidden(code)) = crate::kubernetes::hidden(authority) {
                self.hidden(sink, code, &expanded, line);
                told = true;
                continue;
            }
            let confidence =
                if expanded.by_default { sink.confidence.min(Confidence::Medium) } else { sink.confidence };
            match endpoint::sight(self.facts, piece, self.at.at(line), confidence) {
                Some(Target::Host(host)) => {
                    self.enrich(host, sink, &expanded, line);
                    self.link(host, sink, line);
                    told = true;
                }
                Some(Target::Internal(_)) => told = true,
                // A short name such as `loki:3100` is one's own.
                None => told |= piece.split(':').next().is_some_and(endpoint::is_host_name),
            }
        }
        told
    }

    fn enrich(&mut self, host: ComponentRef, sink: &Sink<'_>, expanded: &Expanded, line: u32) {
        let block = (sink.line != line).then(|| self.at.at(sink.line));
        let region = sink.region.and_then(|node| Some((node.as_str()?.to_owned(), self.at.at(node.line))));
        let Some(component) = self.facts.get_mut(host) else { return };
        let more = expanded.seen.iter().cloned().chain(region.iter().map(|(_, seen)| seen.clone())).chain(block);
        for seen in more {
            if !component.evidence.contains(&seen) {
                component.evidence.push(seen);
            }
        }
        if !is_open(sink.kind) {
            let clue = Clue::new(ClueKind::Exporter, sink.kind);
            if !component.clues.contains(&clue) {
                component.clues.push(clue);
            }
        }
        if let Some((region, _)) = region.filter(|(region, _)| !region.contains('$')) {
            component.place.get_or_insert_with(|| Place::region(&region));
        }
    }

    fn hidden(&mut self, sink: &Sink<'_>, code: &'static str, expanded: &Expanded, line: u32) {
        let mut component = self.component(sink);
        component.evidence.insert(0, self.at.at(line));
        component.evidence.dedup();
        // The type may still tell whose it is, unless anybody can run the other end.
        if !is_open(sink.kind) {
            component.clues.push(Clue::new(ClueKind::Exporter, sink.kind));
        }
        let message = match &expanded.missing {
            Some(name) => format!("the destination is in `{name}`, which no file sets"),
            None => "the destination is a placeholder".to_owned(),
        };
        let destination = self.facts.add(component);
        self.link(destination, sink, line);
        self.facts.unresolved(code, message, Some(destination), self.at.at(line));
    }

    /// A destination that only its type names.
    pub fn by_type(&mut self, sink: &Sink<'_>) {
        let mut component = self.component(sink);
        component.clues.push(Clue::new(ClueKind::Exporter, sink.kind));
        let region = sink.region.and_then(|node| Some((node.as_str()?, node.line)));
        if let Some((text, line)) = region {
            let expanded = self.expand(text);
            component.evidence.push(self.at.at(line));
            component.evidence.extend(expanded.seen.iter().cloned());
            if expanded.missing.is_none() {
                component.place = Some(Place::region(&expanded.text));
            }
        }
        let destination = self.facts.add(component);
        self.link(destination, sink, sink.line);
    }

    fn component(&self, sink: &Sink<'_>) -> Component {
        let first = self.at.at(sink.line);
        let seen = Evidence { end_line: self.at.at(sink.end_line).line.max(first.line), ..first };
        let id = format!("{}/{}", self.at.id, sink.address);
        let mut component =
            Component::new(&id, sink.kind, "telemetry-sink", Layer::Observability, Role::Provided, seen);
        component.confidence = sink.confidence;
        component
    }

    /// Links every owner of the pipeline to a destination, once.
    fn link(&mut self, to: ComponentRef, sink: &Sink<'_>, line: u32) {
        let seen = self.at.at(line);
        let optional = matches!(sink.link, LinkKind::SendsTo);
        for &from in self.at.owners {
            let known = self
                .facts
                .links
                .iter()
                .rev()
                .take(256)
                .any(|link| (link.from, link.to, link.kind) == (from, to, sink.link));
            if !known && from != to {
                let link = self.facts.link(from, sink.link, to, seen.clone());
                link.mitigations.extend(optional.then_some(Mitigation::NotRequired));
            }
        }
    }
}

/// The scalars under a node whose key is one of `keys`, at any depth but not under `except`.
pub(super) fn under<'n>(node: &'n Node, keys: &[&str], except: &[&str]) -> Vec<(&'n str, u32)> {
    let mut found = Vec::new();
    node.walk_scalars(&mut |path, scalar| {
        let key = path.last().copied().unwrap_or("");
        if let Some(text) = scalar.as_str().filter(|text| !text.is_empty())
            && keys.contains(&key)
            && !path.iter().any(|part| except.contains(part))
        {
            found.push((text, scalar.line));
        }
    });
    found
}

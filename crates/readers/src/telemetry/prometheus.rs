//! Prometheus (remote write and read, alert managers, public targets) and Alertmanager (receivers of alerts).

use super::pipe::{Pipe, Sink, under};
use crate::node::Node;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role,
};

pub(super) fn read(pipe: &mut Pipe<'_>, node: &Node) {
    for (list, kind) in [("remote_write", "prometheusremotewrite"), ("remote_read", "prometheusremotewrite")] {
        for (at, entry) in node.get(list).map(Node::items).unwrap_or_default().iter().enumerate() {
            let mut sink = Sink::new(format!("{list}/{at}"), kind, entry, entry);
            sink.region = entry.at(&["sigv4", "region"]);
            pipe.deliver(&sink, &under(entry, &["url"], &["oauth2", "queue_config"]));
            let tokens = under(entry, &["token_url"], &[]);
            if !tokens.is_empty() {
                pipe.deliver(&Sink { link: LinkKind::Trusts, ..sink }, &tokens);
            }
        }
    }
    for (at, manager) in node.at(&["alerting", "alertmanagers"]).map(Node::items).unwrap_or_default().iter().enumerate()
    {
        let sink = Sink::new(format!("alertmanagers/{at}"), "alertmanager", manager, manager);
        pipe.deliver(&sink, &under(manager, &["targets"], &[]));
    }
    for job in node.get("scrape_configs").map(Node::items).unwrap_or_default() {
        let name = job.str_at(&["job_name"]).unwrap_or("scrape");
        let sink = Sink { confidence: Confidence::Medium, ..Sink::new(format!("scrape/{name}"), "http", job, job) };
        pipe.deliver(&sink, &under(job, &["targets"], &[]));
    }
}

/// Kinds of receivers with the host that they speak to when the file names none, as their documentation says.
const RECEIVERS: &[(&str, Option<&str>, Layer)] = &[
    ("slack", Some("hooks.slack.com"), Layer::Collaboration),
    ("pagerduty", Some("events.pagerduty.com"), Layer::Observability),
    ("opsgenie", Some("api.opsgenie.com"), Layer::Observability),
    ("victorops", Some("alert.victorops.com"), Layer::Observability),
    ("pushover", Some("api.pushover.net"), Layer::Messaging),
    ("telegram", Some("api.telegram.org"), Layer::Messaging),
    ("discord", Some("discord.com"), Layer::Collaboration),
    ("wechat", Some("qyapi.weixin.qq.com"), Layer::Messaging),
    ("webex", Some("webexapis.com"), Layer::Collaboration),
    ("sns", Some("sns.amazonaws.com"), Layer::Messaging),
    ("github", Some("github.com"), Layer::Source),
    ("githubdispatch", Some("github.com"), Layer::Source),
    ("gitlab", Some("gitlab.com"), Layer::Source),
    ("datadog", Some("datadoghq.com"), Layer::Observability),
    ("sentry", Some("sentry.io"), Layer::ErrorTracking),
    ("incidentio", Some("api.incident.io"), Layer::Observability),
    ("msteams", None, Layer::Collaboration),
    ("msteamsv2", None, Layer::Collaboration),
    ("rocketchat", None, Layer::Collaboration),
    ("mattermost", None, Layer::Collaboration),
    ("jira", None, Layer::Collaboration),
    ("webhook", None, Layer::Unclassified),
    ("email", None, Layer::Mail),
];

/// The destination of a receiver whose address is in a secret: the host that its kind has by default, else unknown.
pub(crate) fn default_receiver(facts: &mut Facts, from: ComponentRef, kind: &str, seen: Evidence, link: LinkKind) {
    let lower = kind.to_ascii_lowercase().replace(['_', '-'], "");
    let Some((name, host, layer)) = RECEIVERS.iter().find(|(known, ..)| *known == lower) else { return };
    let to = match host {
        Some(host) => facts.add(crate::endpoint::host_component(host, seen.clone(), Confidence::Medium)),
        None => {
            let id = format!("receiver:{}:{}/{name}", seen.path, seen.line);
            let mut component = Component::new(&id, name, "receiver", *layer, Role::Provided, seen.clone());
            if name.starts_with("msteams") {
                component.clues.push(Clue::new(ClueKind::Name, "Microsoft Teams"));
            }
            let unknown = component.clues.is_empty();
            let to = facts.add(component);
            if unknown {
                facts.unresolved(
                    "U001",
                    format!("the address of receiver `{name}` is in a secret"),
                    Some(to),
                    seen.clone(),
                );
            }
            to
        }
    };
    facts.link(from, link, to, seen).mitigations.push(Mitigation::NotRequired);
}

const RECEIVER_ADDRESSES: &[&str] = &["api_url", "url", "webhook_url", "smarthost"];

pub(super) fn alertmanager(pipe: &mut Pipe<'_>, node: &Node) {
    let global = |key: &str| node.at(&["global", key]).and_then(|node| Some((node.as_str()?, node.line)));
    for receiver in node.get("receivers").map(Node::items).unwrap_or_default() {
        let name = receiver.str_at(&["name"]).unwrap_or("receiver");
        for (kind, key, configs) in receiver.entries() {
            let Some(kind) = kind.strip_suffix("_configs") else { continue };
            for config in configs.items() {
                let mut addresses: Vec<(&str, u32)> = RECEIVER_ADDRESSES
                    .iter()
                    .filter_map(|key| config.get(key))
                    .filter_map(|node| Some((node.as_str()?, node.line)))
                    .collect();
                if addresses.is_empty() {
                    let inherited = match kind {
                        "email" => global("smtp_smarthost"),
                        "pagerduty" => global("pagerduty_url"),
                        other => global(&format!("{other}_api_url")),
                    };
                    addresses.extend(inherited);
                }
                let sink = Sink {
                    region: config.at(&["sigv4", "region"]),
                    ..Sink::new(format!("receivers/{name}/{kind}"), "webhook", key, configs)
                };
                if addresses.is_empty() {
                    let seen = pipe.at.at(config.line);
                    for &from in pipe.at.owners {
                        default_receiver(pipe.facts, from, kind, seen.clone(), LinkKind::SendsTo);
                    }
                } else {
                    pipe.deliver(&sink, &addresses);
                }
            }
        }
    }
}

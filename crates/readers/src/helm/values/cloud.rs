//! What values say about a cloud in its own words: annotations of service accounts, load balancers and ingresses, the
//! provider of ExternalDNS, the default site of an agent.

use super::Walk;
use crate::endpoint::host_component;
use crate::helm::template::HOLE;
use crate::kubernetes;
use crate::node::Node;
use allod_facts::{Clue, ClueKind, Component, Confidence, Layer, LinkKind, Role};

/// Annotations that the chart puts on its objects; those for people say nothing.
pub(super) fn annotations(walk: &mut Walk<'_>, node: &Node) {
    let mut carried = false;
    for (key, _, value) in node.entries() {
        let text = value.as_str().unwrap_or("");
        if text.is_empty() || text.starts_with(HOLE) {
            continue;
        }
        if key == kubernetes::HOSTNAME_ANNOTATION {
            text.split(',').for_each(|name| walk.own_name(name.trim(), value.line));
        } else if let Some((words, name)) = kubernetes::identity_words(key) {
            let mut clues = clues(words);
            clues.push(Clue::new(ClueKind::Name, name));
            let part = Part { name, kind: "cloud-identity", layer: Layer::Identity, link: LinkKind::Trusts, clues };
            part.add(walk, value.line);
        } else if let Some(words) = kubernetes::balancer_words(key).or_else(|| kubernetes::carrier_words(key))
            && !carried
        {
            carried = true;
            let (layer, link) = (Layer::Network, LinkKind::ResolvedBy);
            let part = Part { name: "load balancer", kind: "load-balancer", layer, link, clues: clues(words) };
            part.add(walk, value.line);
        }
    }
}

/// Keys that only ExternalDNS has beside its provider.
const BESIDE_PROVIDER: &[&str] = &["domainFilters", "txtOwnerId", "txtPrefix", "triggerLoopOnEvent", "dnsPolicySync"];

/// The provider of ExternalDNS: `provider: aws`, or `provider: {name: aws}`.
pub(super) fn name_provider(walk: &mut Walk<'_>, node: &Node) {
    let Some(provider) = node.get("provider").filter(|_| BESIDE_PROVIDER.iter().any(|key| node.get(key).is_some()))
    else {
        return;
    };
    let named = provider.get("name").unwrap_or(provider);
    let Some(clues) = named.as_str().and_then(kubernetes::dns_clues) else { return };
    let name = format!("{} DNS", named.as_str().unwrap_or_default());
    let (layer, link) = (Layer::Dns, LinkKind::ResolvedBy);
    Part { name: &name, kind: "dns-provider", layer, link, clues }.add(walk, named.line);
}

/// `site:` of the Datadog chart when it is left empty: the agent then reports to the site of its documentation's default.
pub(super) fn default_site(walk: &mut Walk<'_>, node: &Node, line: u32) {
    if node.get("apiKeyExistingSecret").is_none() && node.get("apiKey").is_none() {
        return;
    }
    let seen = walk.source.at(line);
    let site = walk.facts.add(host_component("datadoghq.com", seen.clone(), Confidence::Medium));
    walk.facts.link(walk.own, LinkKind::SendsTo, site, seen).mitigations.push(allod_facts::Mitigation::NotRequired);
}

fn clues(words: &[&str]) -> Vec<Clue> {
    words.iter().map(|text| Clue::new(ClueKind::Kubernetes, text)).collect()
}

struct Part<'a> {
    name: &'a str,
    kind: &'a str,
    layer: Layer,
    link: LinkKind,
    clues: Vec<Clue>,
}

impl Part<'_> {
    fn add(self, walk: &mut Walk<'_>, line: u32) {
        let seen = walk.source.at(line);
        let id = format!("helm:{}#{}:{line}", walk.source.path, self.kind);
        let mut component = Component::new(&id, self.name, self.kind, self.layer, Role::Provided, seen.clone());
        component.clues = self.clues.into();
        component.confidence = walk.confidence;
        let part = walk.facts.add(component);
        walk.facts.link(walk.own, self.link, part, seen);
        walk.left = walk.left.saturating_sub(1);
    }
}

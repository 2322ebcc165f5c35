//! Clouds and regions that a bill declares in its properties (`internal.deployment.cloud: aws`).

use super::part::Bill;
use crate::node::Node;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Layer, LinkKind, Place, Role};

/// Clouds times regions of one list of properties; more are no statement about a deployment.
const MAX_DECLARED: usize = 100;

/// Words by which a property names a provider, at the end of its name.
const CLOUD_WORDS: &[&str] =
    &["cloud", "cloudprovider", "hosting", "hoster", "hostingprovider", "csp", "hyperscaler", "iaas", "paas"];
const REGION_WORDS: &[&str] =
    &["region", "regions", "location", "zone", "availabilityzone", "datacenter", "datacentre"];
/// Answers that name no provider.
const NO_CLOUD: &[&str] = &["", "true", "false", "yes", "no", "none", "public", "hybrid", "n/a", "unknown", "multi"];
/// Answers that say that it is the organisation's own.
const OWN_CLOUD: &[&str] = &["private", "on-prem", "on-premise", "on-premises", "onprem", "self-hosted", "own"];

/// Reads a list of `name`/`value` pairs; `owner` runs on what they declare.
pub(super) fn properties(bill: &mut Bill, list: Option<&Node>, owner: Option<ComponentRef>) {
    let (mut clouds, mut regions) = (Vec::new(), Vec::new());
    for property in list.map(Node::items).unwrap_or_default() {
        let (Some(name), Some(value)) = (property.str_at(&["name"]), property.get("value")) else { continue };
        let values = value.as_str().unwrap_or_default().split(',').map(str::trim).map(|text| (text, value.line));
        match meaning(name) {
            Meaning::Cloud => clouds.extend(values.filter(|(text, _)| !is_one_of(NO_CLOUD, text))),
            Meaning::Region => regions.extend(values.filter(|(text, _)| !text.is_empty())),
            Meaning::Other => {}
        }
    }
    clouds.truncate(MAX_DECLARED);
    regions.truncate(MAX_DECLARED / clouds.len().max(1));
    if let (true, Some((region, line))) = (clouds.is_empty(), regions.first()) {
        let message = format!("the region `{region}` is declared, and no cloud that it belongs to");
        let seen = bill.seen(*line);
        bill.facts.unresolved("U007", message, owner, seen);
    }
    for cloud in &clouds {
        if regions.is_empty() {
            declare(bill, owner, *cloud, None);
        }
        for region in &regions {
            declare(bill, owner, *cloud, Some(*region));
        }
    }
}

enum Meaning {
    Cloud,
    Region,
    Other,
}

fn meaning(name: &str) -> Meaning {
    let name = name.to_ascii_lowercase();
    // The official names speak of packages and devices (`cdx:device:location`), never of a cloud.
    if name.starts_with("cdx:") {
        return Meaning::Other;
    }
    let mut words = name.rsplit(['.', ':', '/', '_', '-', ' ']).filter(|word| !word.is_empty());
    let (last, before) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    if CLOUD_WORDS.contains(&last) || last == "provider" && matches!(before, "cloud" | "hosting" | "infrastructure") {
        Meaning::Cloud
    } else if REGION_WORDS.contains(&last) {
        Meaning::Region
    } else {
        Meaning::Other
    }
}

fn is_one_of(words: &[&str], text: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// One part for each cloud and region: the line that names the cloud, then the one that names the region.
fn declare(bill: &mut Bill, owner: Option<ComponentRef>, cloud: (&str, u32), region: Option<(&str, u32)>) {
    let (name, line) = cloud;
    let own = is_one_of(OWN_CLOUD, name);
    let (id, shown) = match region {
        Some((region, _)) => (bill.id(&format!("cloud:{name}:{region}")), format!("{name} {region}")),
        None => (bill.id(&format!("cloud:{name}")), name.to_owned()),
    };
    let role = if own { Role::Own } else { Role::Provided };
    let mut component = Component::new(&id, &shown, "cloud", Layer::Cloud, role, bill.seen(line));
    if !own {
        component.clues.push(Clue::new(ClueKind::Name, name));
    }
    component.confidence = Confidence::High;
    if let Some((region, line)) = region {
        component.place = Some(Place::region(region));
        component.evidence.push(bill.seen(line));
    }
    let at = bill.facts.add(component);
    if let Some(owner) = owner {
        bill.link(owner, LinkKind::RunsOn, at, line);
    }
}

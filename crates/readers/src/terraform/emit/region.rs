//! Where a block says that its thing is.

use crate::terraform::value::{Origin, Unknown, Value};
use std::rc::Rc;

pub(super) enum Region {
    Known(Rc<str>, Origin),
    Unknown(Rc<Unknown>, Origin),
    /// The block does not say.
    None,
}

/// Arguments that name a place, the most telling first.
const ARGUMENTS: &[&str] = &[
    "region",
    "location",
    "availability_zone",
    "zone",
    "datacenter",
    "region_id",
    "location_id",
    "availability_zones",
    "zones",
];

pub(super) fn region_of(fields: &Value, kind: &str) -> Region {
    for argument in ARGUMENTS {
        let Some(value) = fields.known_field(argument).filter(|value| !value.is_null()) else { continue };
        // In names and CDNs a zone is a domain; in a listener or tag rule a location is a path.
        if *argument == "zone" && (kind.contains("dns") || kind.contains("record") || kind.starts_with("cloudflare")) {
            continue;
        }
        let value = match value.as_list() {
            Some([first, ..]) => first,
            Some([]) => continue,
            None => value,
        };
        let mut origin = value.origin.clone();
        if let Some(list) = fields.known_field(argument) {
            origin.add(&list.origin);
        }
        if let Some(text) = value.as_text() {
            if is_place(text) {
                return Region::Known(Rc::from(text), origin);
            }
            continue;
        }
        if let Some(unknown) = value.as_unknown() {
            return Region::Unknown(unknown.clone(), origin);
        }
    }
    Region::None
}

fn is_place(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.'))
}

/// Whether a resource that names no place is where its provider is configured to be.
pub(super) fn takes_provider_region(kind: &str) -> bool {
    let (first, rest) = kind.split_once('_').unwrap_or((kind, ""));
    match first {
        "aws" => !AWS_GLOBAL.iter().any(|prefix| rest.starts_with(prefix)),
        // Most of Google's resources are global or name their place; these take the provider's.
        "google" => GOOGLE_REGIONAL.iter().any(|prefix| rest.starts_with(prefix)),
        "azurerm" | "azuread" => false,
        _ => true,
    }
}

const AWS_GLOBAL: &[&str] = &[
    "iam_",
    "route53_record",
    "route53_zone",
    "route53_health",
    "route53_delegation",
    "route53domains",
    "cloudfront_",
    "organizations_",
    "globalaccelerator_",
    "shield_",
    "account_",
    "budgets_",
];

const GOOGLE_REGIONAL: &[&str] = &[
    "compute_instance",
    "compute_disk",
    "compute_subnetwork",
    "compute_address",
    "compute_router",
    "compute_region",
    "compute_forwarding_rule",
    "sql_",
    "redis_",
    "container_",
    "cloud_run",
    "cloudfunctions",
    "dataproc_",
    "vpc_access",
    "composer_",
];

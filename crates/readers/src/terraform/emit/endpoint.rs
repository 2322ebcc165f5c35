//! Where the service behind a provider configuration is.

use super::backend::at_path;
use super::hosts::{host_in, host_in_text};
use crate::endpoint::{HostKind, host_kind};
use crate::terraform::endpoint_args::{Home, endpoint_arguments, home, hosted_arguments};
use crate::terraform::value::{Origin, ResourceRef, Unknown, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where a provider's requests go.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// To the vendor.
    Vendor,
    /// To a host outside.
    Host(String, Origin),
    /// To something inside that the organisation runs.
    Inside(Origin),
    /// To a resource of the configuration (the endpoint of a cluster).
    Resources(Vec<ResourceRef>, Origin),
    /// Some services of the provider to hosts of their own, the others to the vendor.
    Services(BTreeMap<String, (String, Origin)>),
    Unknown(Rc<Unknown>, Origin),
}

/// `provider` is the last part of the source.
pub(super) fn target(provider: &str, fields: &Value) -> Target {
    if let Some(services) = services(fields) {
        return services;
    }
    let mut missing = None;
    for argument in endpoint_arguments(provider) {
        let Some(value) = at_path(fields, argument) else { continue };
        if let Some(host) = host_in(&value) {
            return match (host_kind(&host), home(provider)) {
                (HostKind::Internal, _) => Target::Inside(value.origin),
                // A name of one's own for the vendor's service.
                (_, Home::Only) if !host.contains(provider) => Target::Vendor,
                _ => Target::Host(host, value.origin),
            };
        }
        if let Some(unknown) = value.first_unknown() {
            if !value.origin.resources().is_empty() && home(provider) != Home::Only {
                return Target::Resources(value.origin.resources().to_vec(), value.origin);
            }
            missing.get_or_insert((unknown, value.origin));
        }
    }
    let hosted = hosted_arguments(provider).iter().any(|name| at_path(fields, name).is_some());
    match (missing, home(provider)) {
        (_, Home::Only) => Target::Vendor,
        (None, Home::Nowhere) if hosted => Target::Vendor,
        (Some((unknown, origin)), _) => Target::Unknown(unknown, origin),
        (None, Home::Fixed) => Target::Vendor,
        (None, Home::Nowhere) => {
            let reason = "no file says which server it speaks to".to_owned();
            Target::Unknown(Rc::new(Unknown { code: "U007", reason, shape: None }), Origin::default())
        }
    }
}

/// The `endpoints` block of providers with many services (`aws`, `alicloud`, ...).
fn services(fields: &Value) -> Option<Target> {
    let blocks = fields.known_field("endpoints")?;
    let blocks: Vec<&Value> = blocks.as_list().map_or_else(|| vec![blocks], |list| list.iter().collect());
    let mut services = BTreeMap::new();
    for block in blocks {
        for (service, value) in &block.as_object()?.map {
            if value.is_null() {
                continue;
            }
            let host = host_in(value).or_else(|| host_in_text(value.as_text()?));
            match (host, value.first_unknown()) {
                (Some(host), _) => {
                    services.insert(service.to_string(), (host, value.origin.clone()));
                }
                (None, Some(unknown)) => return Some(Target::Unknown(unknown, value.origin.clone())),
                (None, None) => {}
            }
        }
    }
    (!services.is_empty()).then_some(Target::Services(services))
}

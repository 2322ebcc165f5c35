use super::links_from;
use crate::held::Words;
use crate::{Audit, place_of};
use allod_register::Claim;
use allod_stack::{Controller, Ground, Part};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Property {
    name: String,
    value: String,
}

/// A property in our namespace.
pub(super) fn property(name: &str, value: String) -> Property {
    Property { name: format!("allod:{name}"), value }
}

/// A field of a service or component that rests on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// The operator: a service's provider, a component's supplier.
    Operator,
    /// A component's publisher.
    Publisher,
    /// A property, by position.
    Property(usize),
}

/// Who controls a part: the first of its properties, so that citations can point at them.
fn controller(controller: &Controller<'_>) -> Property {
    let entity = controller.entity;
    let country = entity.country.map_or("country not known".to_owned(), |country| country.to_string());
    let unverified = if controller.claim.is_none() { ", unverified" } else { "" };
    property("controller", format!("{}: {} ({country}{unverified})", controller.ground.name(), entity.name))
}

/// The fields of a part that have a source, with it.
pub(super) fn claimed<'a>(audit: &'a Audit<'_>, part: &'a Part<'a>) -> Vec<(Field, &'a Claim)> {
    let mut out = Vec::new();
    for (at, controller) in part.controllers(audit.stack.register).iter().enumerate() {
        let Some(claim) = controller.claim else { continue };
        match controller.ground {
            Ground::Operator => out.push((Field::Operator, claim)),
            Ground::Publisher => out.push((Field::Publisher, claim)),
            _ => {}
        }
        out.push((Field::Property(at), claim));
    }
    out
}

/// Everything of a part that CycloneDX has no field for.
pub(super) fn properties(audit: &Audit<'_>, at: usize, part: &Part<'_>) -> Vec<Property> {
    let register = audit.stack.register;
    let mut out: Vec<Property> = part.controllers(register).iter().map(controller).collect();
    out.extend(part.controlled_from(register).iter().map(|country| property("controlled_from", country.to_string())));
    out.push(property("control", part.control.name().to_owned()));
    out.push(property("side", audit.side(part).name().to_owned()));
    out.push(property("layer", part.layer.name().to_owned()));
    out.push(property("kind", part.fact.kind.to_string()));
    if let Some(service) = part.service {
        out.push(property("service", service.id.to_string()));
    }
    if let Some(software) = part.software {
        out.push(property("software", software.id.to_string()));
    }
    if let Some(place) = &part.location {
        out.extend(place.country.map(|country| property("location:country", country.to_string())));
        out.extend(place.region.as_ref().map(|region| property("location:region", region.to_string())));
    }
    out.extend(part.fact.data.iter().map(|class| property("data", class.to_string())));
    out.extend(part.fact.environment.iter().map(|name| property("environment", name.to_string())));
    if part.is_hint() {
        out.push(property("hint", "true".to_owned()));
    }
    out.extend(audit.powers.holdings(at).iter().map(|held| {
        let classes = held.class_names(audit);
        let of = if classes.is_empty() { String::new() } else { format!(" of {}", classes.join(", ")) };
        property(&format!("power:{}", held.power.name()), format!("{} {}{of}", held.who(), held.word_of_time()))
    }));
    out.extend(links_from(audit, at).iter().filter_map(|link| {
        let to = audit.stack.parts.get(link.to as usize)?;
        Some(property(&format!("link:{}", link.kind.name()), to.fact.id.to_string()))
    }));
    if super::is_service(part) {
        out.extend(part.fact.evidence.iter().map(|seen| property("seen_at", place_of(Some(seen)))));
    }
    out
}

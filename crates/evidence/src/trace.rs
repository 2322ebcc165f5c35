use crate::{Audit, Look, place_of};
use allod_register::Claim;
use allod_stack::{Holder, Lane, Path, Power, When};
use std::collections::BTreeMap;
use std::fmt::Write;

/// No part has the id or name, with those that come near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchPart {
    pub asked: String,
    pub near: Vec<String>,
}

/// Explains every power over one part: by whom, along which path, hop by hop with file and line, and from the
/// ownership hops on with source and date. `asked` is an id, or a name that only one part has.
///
/// # Errors
/// [`NoSuchPart`] when no part, or more than one, is meant.
pub fn trace(audit: &Audit<'_>, asked: &str, look: Look) -> Result<String, NoSuchPart> {
    let at = find(audit, asked)?;
    let mut out = String::new();
    let Some(part) = audit.stack.parts.get(at) else { return Ok(out) };
    let _ = writeln!(out, "{}  {}", look.strong(&part.fact.name), look.faint(&part.fact.id));
    let countries = part.controlled_from(audit.stack.register);
    let control = match part.control {
        allod_stack::Control::Known => {
            format!("run by {}, controlled from {}", part.who(&audit.stack), crate::codes(&countries))
        }
        allod_stack::Control::SelfHosted => "the organisation runs it itself".to_owned(),
        allod_stack::Control::Unknown => "nobody knows from the files and the register who controls it".to_owned(),
    };
    let _ = writeln!(out, "{} · {} · {control}", part.layer.name(), part.fact.kind);
    if let Some(place) = &part.location {
        let country = place.country.map_or("country not known".to_owned(), |country| country.to_string());
        let region = place.region.as_ref().map_or(String::new(), |region| format!(" (region {region})"));
        let _ = writeln!(out, "located in {country}{region}");
    }
    if let Some(by) = part.matched_by {
        let _ = writeln!(out, "recognised by `{by}`");
    }
    for seen in &part.fact.evidence {
        let _ = writeln!(out, "  seen at {} ({})", place_of(Some(seen)), seen.reader);
    }
    for controller in part.controllers(audit.stack.register) {
        let country = controller.entity.country.map_or("country not known".to_owned(), |country| country.to_string());
        let _ = writeln!(
            out,
            "  {}: {} ({country}), {}",
            controller.ground.name(),
            controller.entity.name,
            source(controller.claim)
        );
    }
    powers(audit, at, look, &mut out);
    Ok(out)
}

pub(crate) fn find(audit: &Audit<'_>, asked: &str) -> Result<usize, NoSuchPart> {
    if let Some(at) = audit.stack.find(asked) {
        return Ok(at);
    }
    let lower = asked.to_ascii_lowercase();
    let parts = || audit.stack.parts.iter().enumerate();
    let named: Vec<usize> = parts().filter(|(_, part)| part.fact.name == asked).map(|(at, _)| at).collect();
    if let [one] = named.as_slice() {
        return Ok(*one);
    }
    let near = parts()
        .filter(|(at, part)| {
            named.contains(at)
                || part.fact.id.to_ascii_lowercase().contains(&lower)
                || part.fact.name.to_ascii_lowercase().contains(&lower)
        })
        .map(|(_, part)| part.fact.id.to_string())
        .take(8)
        .collect();
    Err(NoSuchPart { asked: asked.to_owned(), near })
}

fn powers(audit: &Audit<'_>, at: usize, look: Look, out: &mut String) {
    // Powers with one path are told together: `US read, stop, change`.
    let mut told: BTreeMap<(bool, String, Vec<String>), Vec<String>> = BTreeMap::new();
    for (holder, name) in audit.powers.holders.iter().enumerate() {
        let (name, foreign) = match name {
            Holder::Jurisdiction(country) => (country.to_string(), !audit.home.has(*country)),
            Holder::Unknown => ("unknown".to_owned(), false),
            _ => continue,
        };
        for power in Power::ALL {
            let lanes: Vec<Lane> = audit
                .powers
                .lanes()
                .filter(|lane| lane.power() == power && audit.powers.has(at, *lane, holder))
                .collect();
            let Some(first) = lanes.first().copied() else { continue };
            let Some(path) = audit.powers.explain(&audit.stack, at, first, holder) else { continue };
            let classes: Vec<&str> = lanes
                .iter()
                .filter_map(|lane| match lane {
                    Lane::Read(class) => audit.powers.classes.get(*class).map(|name| &**name),
                    _ => None,
                })
                .filter(|class| *class != allod_stack::UNCLASSIFIED)
                .collect();
            let mut word = power.name().to_owned();
            if first.when() == When::Later {
                word.push_str(" (at the next build, deploy or renewal)");
            }
            if !classes.is_empty() {
                let _ = write!(word, " ({})", classes.join(", "));
            }
            told.entry((!foreign, name.clone(), steps(audit, &path))).or_default().push(word);
        }
    }
    if told.is_empty() {
        let _ = writeln!(out, "\nnobody else holds a power over it");
    }
    for ((not_foreign, holder, steps), words) in told {
        let side = if not_foreign { "" } else { "  foreign" };
        let _ = writeln!(
            out,
            "\n{} {}{}",
            look.strong(&format!("{holder} can")),
            look.strong(&words.join(", ")),
            look.alarm(side)
        );
        for step in steps {
            let _ = writeln!(out, "  {step}");
        }
    }
}

fn steps(audit: &Audit<'_>, path: &Path<'_>) -> Vec<String> {
    let name = |at: usize| audit.stack.parts.get(at).map_or("", |part| part.fact.name.as_str());
    let mut steps = Vec::new();
    for (hop, next) in path.hops.iter().zip(path.hops.iter().skip(1)) {
        let Some(link) = hop.link.and_then(|at| audit.stack.links.get(at)) else { continue };
        let seen = place_of(link.evidence.first());
        steps.push(format!("{} {} {}  {seen}", name(hop.part), link.kind.name().replace('_', " "), name(next.part)));
    }
    let mut below = path.hops.last().map_or("", |hop| name(hop.part)).to_owned();
    for party in &path.parties {
        let country = party.entity.country.map_or("country not known".to_owned(), |country| country.to_string());
        steps.push(format!(
            "{below} has {} {} ({country}), {}",
            party.ground.name(),
            party.entity.name,
            source(party.claim)
        ));
        below = party.entity.name.to_string();
    }
    if steps.is_empty() {
        steps.push(format!("nobody knows who provides {below}"));
    }
    steps
}

fn source(claim: Option<&Claim>) -> String {
    claim.map_or("unverified".to_owned(), |claim| {
        format!("{} (seen {}, {})", claim.source, claim.seen, claim.confidence.name())
    })
}

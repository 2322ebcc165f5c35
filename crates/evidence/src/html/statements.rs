use super::escape::{esc, source};
use crate::Audit;
use allod_register::Claim;
use allod_stack::{Controller, Ground, Part};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Every statement about a company that this audit uses, each with its source and date.
pub fn statements(audit: &Audit<'_>) -> String {
    let all = collect(audit);
    let unverified = all.values().filter(|claim| claim.is_none()).count();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<section id=\"statements\" aria-labelledby=\"statements-title\"><h2 id=\"statements-title\">Statements about companies</h2>\n\
         <p class=\"lead\">{} statements, {unverified} of them unverified. A statement is a claim with a source and the date it was seen, \
         neither an opinion nor a legal finding.</p>",
        all.len()
    );
    let _ = writeln!(
        out,
        "<div class=\"tools js\"><label>Search <input type=\"search\" data-rows=\"statement-rows\"></label><p class=\"shown\" role=\"status\"></p></div>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Statements, table\"><table><thead><tr><th scope=\"col\">about</th><th scope=\"col\">statement</th>\
         <th scope=\"col\">source</th><th scope=\"col\">seen</th><th scope=\"col\">confidence</th></tr></thead><tbody id=\"statement-rows\">"
    );
    for ((about, statement), claim) in &all {
        let (from, seen, confidence) = match claim {
            Some(claim) => (source(&claim.source), claim.seen.as_str(), claim.confidence.name()),
            None => ("<span class=\"unknown\">? no source</span>".to_owned(), "", "unverified"),
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"source\">{from}</td><td class=\"date\">{}</td><td>{confidence}</td></tr>",
            esc(about),
            esc(statement),
            esc(seen)
        );
    }
    let _ = writeln!(out, "</tbody></table></div></section>");
    out
}

/// By subject and statement.
fn collect<'a>(audit: &'a Audit<'_>) -> BTreeMap<(String, String), Option<&'a Claim>> {
    let register = audit.stack.register;
    let mut all = BTreeMap::new();
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    for part in &audit.stack.parts {
        let service = part.service.map(|service| service.id.as_str());
        let software = part.software.map(|software| software.id.as_str());
        all.extend(located(audit, part));
        // Parts of one service say the same about companies.
        if !known.insert((service.unwrap_or_default(), software.unwrap_or_default())) && part.named_publisher.is_none()
        {
            continue;
        }
        if let Some((service, entity)) = part.service.zip(part.operator) {
            all.insert((service.name.to_string(), format!("is run by {}", entity.name)), service.claim.as_ref());
        }
        if let Some((software, entity)) = part.software.zip(part.publisher(register)) {
            all.insert(
                (software.name.to_string(), format!("is published by {}", entity.name)),
                software.claim.as_ref(),
            );
        }
        let controllers = part.controllers(register);
        for one in &controllers {
            let seat =
                one.entity.country.map_or("seat not known".to_owned(), |country| format!("has its seat in {country}"));
            all.insert((one.entity.name.to_string(), seat), one.entity.claim.as_ref());
            if let Some((below, share)) = holds(&controllers, one) {
                let words = format!("is {} of {below}{share}", article(one.ground));
                all.insert((one.entity.name.to_string(), words), one.claim);
            }
        }
    }
    all
}

/// Where the register says that a part is: by its region, or because the service is in one country only. What a file
/// says itself is no statement about a company.
fn located<'a>(audit: &'a Audit<'_>, part: &'a Part<'_>) -> Option<((String, String), Option<&'a Claim>)> {
    let (service, place) = (part.service?, part.location.as_ref()?);
    let country = place.country?;
    if part.fact.place.as_ref().is_some_and(|place| place.country.is_some()) {
        return None;
    }
    let (words, claim) = match &place.region {
        Some(region) => {
            let table =
                audit.stack.register.records.regions.iter().find(|one| Some(&one.id) == service.regions.as_ref());
            (format!("has its region {region} in {country}"), table.and_then(|table| table.claim.as_ref()))
        }
        None => {
            let kept = ["content", "telemetry"].iter().find_map(|kind| Some((kind, service.locations.get(*kind)?)));
            let (kind, location) = kept?;
            (format!("keeps its {kind} in {country}"), location.claim.as_ref())
        }
    };
    Some(((service.name.to_string(), words), claim))
}

/// Whom a controller holds, with its share where it is known.
fn holds(controllers: &[Controller<'_>], one: &Controller<'_>) -> Option<(String, String)> {
    let edge = one.edge?;
    let below = controllers.iter().find(|below| below.entity.control.iter().any(|other| std::ptr::eq(other, edge)))?;
    let share = edge.share_pct.map_or(String::new(), |share| format!(" ({share} %)"));
    Some((below.entity.name.to_string(), share))
}

fn article(ground: Ground) -> String {
    match ground {
        Ground::Minority => "a minority holder".to_owned(),
        Ground::Licensor => "a technology licensor".to_owned(),
        other => format!("the {}", other.name()),
    }
}

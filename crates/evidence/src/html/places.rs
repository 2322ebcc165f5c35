use super::escape::esc;
use crate::table::count;
use crate::{Audit, Side};
use allod_facts::Country;
use allod_stack::Ground;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Where the components are, beside who controls them.
pub fn places(audit: &Audit<'_>) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<section id=\"places\" aria-labelledby=\"places-title\"><h2 id=\"places-title\">Located is not controlled</h2>"
    );
    let _ = writeln!(out, "<p class=\"lead\">{}</p>\n<div class=\"two\">", apart(audit));
    located(audit, &mut out);
    controlled(audit, &mut out);
    let _ = writeln!(out, "</div></section>");
    out
}

/// The components that are here and controlled from elsewhere.
fn apart(audit: &Audit<'_>) -> String {
    let names: BTreeSet<String> = audit
        .stack
        .parts
        .iter()
        .filter(|part| !part.is_hint() && audit.side(part) == Side::Foreign)
        .filter(|part| part.location.as_ref().and_then(|place| place.country).is_some_and(|one| audit.home.has(one)))
        .map(|part| part.service.map_or_else(|| part.fact.name.clone(), |service| service.name.to_string()))
        .collect();
    if names.is_empty() {
        return "No component that is known to be located at home is controlled from abroad.".to_owned();
    }
    let shown: Vec<String> = names.iter().take(4).map(|name| esc(name)).collect();
    let more = names.len().saturating_sub(4);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Located at home and controlled from abroad: <b>{}</b>{more}.", shown.join("</b>, <b>"))
}

fn located(audit: &Audit<'_>, out: &mut String) {
    let mut known: BTreeMap<Country, (usize, BTreeSet<&str>)> = BTreeMap::new();
    let (mut silent, mut ours) = (0, 0);
    for part in audit.stack.parts.iter().filter(|part| !part.is_hint()) {
        match part.location.as_ref().and_then(|place| place.country.zip(Some(place))) {
            Some((country, place)) => {
                let (number, regions) = known.entry(country).or_default();
                *number += 1;
                regions.extend(place.region.as_deref());
            }
            None if audit.side(part) == Side::Ours => ours += 1,
            None => silent += 1,
        }
    }
    let mut rows: Vec<_> = known.into_iter().collect();
    rows.sort_by_key(|(country, (number, _))| (std::cmp::Reverse(*number), *country));
    let _ = writeln!(
        out,
        "<div><h3>Located in</h3><table class=\"list\"><thead><tr><th scope=\"col\">country</th><th scope=\"col\">regions</th><th scope=\"col\" class=\"num\">components</th></tr></thead><tbody>"
    );
    for (country, (number, regions)) in rows {
        let regions: Vec<String> = regions.into_iter().map(esc).collect();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{} <span data-country=\"{country}\">{country}</span></th><td>{}</td><td class=\"num\">{number}</td></tr>",
            mark(audit, Some(country)),
            regions.join(", ")
        );
    }
    for (words, number) in [("run by ourselves, the files say no place", ours), ("the files say no place", silent)] {
        if number > 0 {
            let _ = writeln!(
                out,
                "<tr class=\"quiet\"><th scope=\"row\">? not stated</th><td>{words}</td><td class=\"num\">{number}</td></tr>"
            );
        }
    }
    let _ = writeln!(out, "</tbody></table></div>");
}

fn mark(audit: &Audit<'_>, country: Option<Country>) -> &'static str {
    match country {
        Some(country) if audit.home.has(country) => {
            "<span class=\"mark home\"><span aria-hidden=\"true\">✓</span><span class=\"sr\">home</span></span>"
        }
        Some(_) => {
            "<span class=\"mark foreign\"><span aria-hidden=\"true\">✗</span><span class=\"sr\">abroad</span></span>"
        }
        None => {
            "<span class=\"mark unknown\"><span aria-hidden=\"true\">?</span><span class=\"sr\">unknown</span></span>"
        }
    }
}

fn controlled(audit: &Audit<'_>, out: &mut String) {
    // By entity: country, grounds, components.
    let mut found: BTreeMap<&str, (Option<Country>, BTreeSet<&'static str>, usize)> = BTreeMap::new();
    let mut unknown = 0;
    for part in audit.stack.parts.iter().filter(|part| !part.is_hint()) {
        unknown += usize::from(audit.side(part) == Side::Unknown);
        if audit.side(part) == Side::Ours {
            continue;
        }
        let mut counted: BTreeSet<&str> = BTreeSet::new();
        for one in part.controllers(audit.stack.register) {
            if one.ground == Ground::Minority {
                continue;
            }
            let (country, grounds, number) = found.entry(&one.entity.name).or_default();
            *country = one.entity.country;
            grounds.insert(one.ground.name());
            *number += usize::from(counted.insert(&one.entity.name));
        }
    }
    let mut rows: Vec<_> = found.into_iter().collect();
    rows.sort_by_key(|(name, (_, _, number))| (std::cmp::Reverse(*number), *name));
    let _ = writeln!(
        out,
        "<div><h3>Controlled by</h3><table class=\"list\"><thead><tr><th scope=\"col\">entity</th><th scope=\"col\">as</th><th scope=\"col\">seat</th><th scope=\"col\" class=\"num\">components</th></tr></thead><tbody>"
    );
    for (name, (country, grounds, number)) in rows {
        let seat = country.map_or("?".to_owned(), |one| one.to_string());
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{} {}</th><td>{}</td><td>{seat}</td><td class=\"num\">{number}</td></tr>",
            mark(audit, country),
            esc(name),
            grounds.into_iter().collect::<Vec<_>>().join(", ")
        );
    }
    if unknown > 0 {
        let _ = writeln!(
            out,
            "<tr class=\"quiet\"><th scope=\"row\">? nobody known</th><td></td><td>?</td><td class=\"num\">{unknown}</td></tr>"
        );
    }
    let _ = writeln!(
        out,
        "</tbody></table><p class=\"note\">{}</p></div>",
        count(audit.count(Side::Ours), "component") + " run by ourselves: not in this list"
    );
}

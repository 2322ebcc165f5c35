use super::escape::esc;
use crate::chokepoints::{ends, name};
use crate::human::name_of;
use crate::table::count;
use crate::{Audit, codes, place_of};
use allod_stack::{Chokepoint, Cut};
use std::fmt::Write;

/// Replacements and places of one that are shown.
const REPLACEMENTS: usize = 100;
const PLACES: usize = 8;
/// Parts of a cut that are shown before the rest is folded away.
const OPEN_PARTS: usize = 3;

/// The fewest components to replace, and what each replacement alone would end.
pub fn chokepoints(audit: &Audit<'_>) -> String {
    let found = audit.chokepoints();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<section id=\"chokepoints\" aria-labelledby=\"chokepoints-title\"><h2 id=\"chokepoints-title\">Chokepoints</h2>\n\
         <p class=\"lead\">The fewest components to replace so that a jurisdiction abroad loses a power. A replacement counts as \
         made by somebody at home; how it is deployed stays as it is.</p>"
    );
    if found.cuts.is_empty() {
        let _ = writeln!(out, "<p>Nobody abroad is known to hold a power over what we run.</p></section>");
        return out;
    }
    let _ = writeln!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Chokepoints, table\"><table><thead><tr><th scope=\"col\">who</th>\
         <th scope=\"col\">loses</th><th scope=\"col\">over</th><th scope=\"col\">when these are replaced</th></tr></thead><tbody>"
    );
    found.cuts.iter().for_each(|one| cut(audit, one, &mut out));
    let _ = writeln!(
        out,
        "</tbody></table></div>\n<h3 id=\"replacements-title\">What each replacement alone would end</h3>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Replacements, table\"><table><thead><tr><th scope=\"col\">replace</th>\
         <th scope=\"col\">from</th><th scope=\"col\">what it ends</th><th scope=\"col\">instead</th><th scope=\"col\">touches</th></tr></thead><tbody>"
    );
    found.replacements.iter().take(REPLACEMENTS).for_each(|one| replacement(audit, one, &mut out));
    let _ = writeln!(out, "</tbody></table></div>");
    if found.replacements.len() > REPLACEMENTS {
        let _ = writeln!(
            out,
            "<p>{REPLACEMENTS} of {}: the rest is in <code>--format json</code>.</p>",
            found.replacements.len()
        );
    }
    let _ = writeln!(out, "</section>");
    out
}

fn cut(audit: &Audit<'_>, cut: &Cut, out: &mut String) {
    let part = |at: &usize| {
        let part = audit.stack.parts.get(*at)?;
        let place = esc(&place_of(part.fact.evidence.first()));
        Some(format!("<li>{} <span class=\"place\">{place}</span></li>", esc(&part.fact.name)))
    };
    let parts: String = cut.parts.iter().filter_map(part).collect();
    let how_many = count(cut.parts.len(), "component");
    let exact = if cut.is_exact() { "no fewer do".to_owned() } else { format!("at least {} are needed", cut.at_least) };
    let open = if cut.parts.len() <= OPEN_PARTS { " open" } else { "" };
    let _ = writeln!(
        out,
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td><details{open}><summary><b>{how_many}</b>, {exact}</summary><ul>{parts}</ul></details></td></tr>",
        cut.jurisdiction,
        cut.power.name(),
        esc(&audit.target_name(cut.target))
    );
}

fn replacement(audit: &Audit<'_>, one: &Chokepoint<'_>, out: &mut String) {
    let places: Vec<String> = one.touches.iter().take(PLACES).map(|seen| esc(&place_of(Some(seen)))).collect();
    let more = one.touches.len().saturating_sub(PLACES);
    let more = if more > 0 { format!("<br>+{more} more") } else { String::new() };
    let instead: Vec<String> = one.alternatives.iter().map(|id| esc(name_of(audit, id))).collect();
    let _ = writeln!(
        out,
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td class=\"place\">{}{more}</td></tr>",
        esc(&name(audit, one)),
        codes(&one.jurisdictions),
        esc(&ends(one)),
        instead.join(", "),
        places.join("<br>")
    );
}

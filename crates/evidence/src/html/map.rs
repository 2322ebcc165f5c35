use super::escape::esc;
use super::groups::Group;
use super::summary::SIDES;
use crate::{Audit, Side, codes};
use allod_facts::Layer;
use allod_stack::Part;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Names on a card before `+N`.
const NAMES: usize = 2;

/// The stack as layers (rows) and control (columns). Links, paths and drills are drawn by the script.
pub fn map(audit: &Audit<'_>, groups: &[Group]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<section id=\"map\" aria-labelledby=\"map-title\"><h2 id=\"map-title\">The stack, layer by layer</h2>\n\
         <p class=\"lead\">Each card is a component, or several that are alike. <span class=\"js\">Point at one to see what \
         it depends on; open it for its evidence and for the path of each power.</span></p>"
    );
    let _ = writeln!(out, "{DRILL}");
    let layers: BTreeSet<Layer> = groups.iter().map(|group| group.layer).collect();
    let unknown = groups.iter().any(|group| group.side == Side::Unknown);
    let _ = writeln!(
        out,
        "<div class=\"map{}\"><svg id=\"wires\" aria-hidden=\"true\"></svg>",
        if unknown { "" } else { " no-unknown" }
    );
    let _ = writeln!(out, "<div class=\"row titles\" aria-hidden=\"true\"><span></span>");
    for (side, mark, words) in SIDES {
        let _ = writeln!(out, "<span class=\"{}\"><span class=\"mark\">{mark}</span> {words}</span>", side.name());
    }
    let _ = writeln!(out, "</div>");
    for layer in layers {
        let _ = writeln!(out, "<div class=\"row\"><h3>{}</h3>", layer.name());
        for (side, ..) in SIDES {
            let _ = write!(out, "<div class=\"cell {}\">", side.name());
            for (at, group) in groups.iter().enumerate().filter(|(_, one)| one.layer == layer && one.side == side) {
                card(audit, at, group, &mut out);
            }
            let _ = writeln!(out, "</div>");
        }
        let _ = writeln!(out, "</div>");
    }
    let _ = writeln!(out, "</div></section>");
    out
}

fn card(audit: &Audit<'_>, at: usize, group: &Group, out: &mut String) {
    let parts: Vec<&Part<'_>> = group.parts.iter().filter_map(|at| audit.stack.parts.get(*at)).collect();
    let Some(first) = parts.first() else { return };
    let mut names: Vec<&str> = Vec::new();
    for part in &parts {
        if names.len() < NAMES && !names.contains(&part.fact.name.as_str()) {
            names.push(&part.fact.name);
        }
    }
    let more = parts.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" <b class=\"more\">+{more}</b>") } else { String::new() };
    let mark = if group.hint {
        "~"
    } else {
        SIDES.iter().find(|(side, ..)| *side == group.side).map_or("", |(_, mark, _)| mark)
    };
    let words = match (group.hint, group.side) {
        (true, _) => "hint only",
        (_, Side::Ours) => "run by ourselves",
        (_, Side::Home) => "from home",
        (_, Side::Foreign) => "from abroad",
        (_, Side::Unknown) => "unknown",
    };
    let _ = writeln!(
        out,
        "<button type=\"button\" class=\"card {}{}\" data-g=\"{at}\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span>\
         <span class=\"name\"><span class=\"names\">{}</span>{more}</span><span class=\"sr\">, {words}, </span>{}<span class=\"state\"></span></button>",
        group.side.name(),
        if group.hint { " hint" } else { "" },
        esc(&names.join(", ")),
        below_name(audit, group, &parts, first)
    );
}

/// Who provides the parts of a card, from where, and where they are.
fn below_name(audit: &Audit<'_>, group: &Group, parts: &[&Part<'_>], first: &Part<'_>) -> String {
    let mut words = Vec::new();
    match group.side {
        Side::Ours => words.push(esc(&first.fact.kind)),
        Side::Unknown => words.push(first.service.map_or("nobody known".to_owned(), |one| esc(&one.name))),
        Side::Home | Side::Foreign => {
            words.push(first.service.map_or_else(|| esc(&first.who(&audit.stack)), |one| esc(&one.name)));
            words.push(format!("<b>{}</b>", codes(&first.controlled_from(audit.stack.register))));
        }
    }
    let places: BTreeSet<String> =
        parts.iter().filter_map(|part| Some(part.location.as_ref()?.country?.to_string())).collect();
    if !places.is_empty() {
        words.push(format!("in {}", places.into_iter().collect::<Vec<_>>().join(", ")));
    }
    format!("<span class=\"sub\">{}</span>", words.join(" · "))
}

/// The switch of the drill; the script fills in the holders.
const DRILL: &str = r#"<div class="drill js" role="group" aria-label="Drill">
<div class="modes" role="radiogroup" aria-label="What is done with the power">
<label><input type="radio" name="drill" value="" checked><span>No drill</span></label>
<label><input type="radio" name="drill" value="stop"><span>Cut</span></label>
<label><input type="radio" name="drill" value="read"><span>Compel</span></label>
<label><input type="radio" name="drill" value="change"><span>Tamper</span></label>
</div>
<label class="by">by <select id="holder"></select></label>
<p id="drill-result" role="status">A drill shows what happens when a jurisdiction or a company uses its power.</p>
</div>"#;

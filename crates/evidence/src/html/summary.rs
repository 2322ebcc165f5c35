use super::escape::esc;
use crate::human::{name_of, reason};
use crate::table::count;
use crate::{Audit, Side, codes, place_of};
use allod_stack::{Holder, Lane, Power, Priority};
use std::collections::BTreeSet;
use std::fmt::Write;

/// How many things to do first are shown, and how many places and alternatives of each.
const FIRST: usize = 3;
const PLACES: usize = 3;
const ALTERNATIVES: usize = 4;
/// Width of the bars, in their own units.
const BAR: usize = 1000;

/// What a power means for the parts that we run ourselves.
#[derive(Default)]
struct Reach {
    now: usize,
    later: usize,
    from: BTreeSet<String>,
}

/// The first screen: one sentence, whose the parts are, the three powers, what to do first.
pub fn summary(audit: &Audit<'_>) -> String {
    let mut out = String::new();
    let ours = audit.count(Side::Ours);
    let reach = Power::ALL.map(|power| (power, reach(audit, power)));
    let _ = writeln!(out, "<section id=\"summary\" aria-labelledby=\"summary-title\">");
    let _ = writeln!(
        out,
        "<p class=\"over\">Who can read, stop or change <b>{}</b></p>\n<h1 id=\"summary-title\">{}</h1>",
        esc(&audit.root),
        sentence(ours, &reach)
    );
    let _ = writeln!(
        out,
        "<p class=\"meta\">Home: {} · {} · {} of {} files read · <a href=\"#not-understood\">{} not understood</a></p>",
        esc(&audit.home.names.join(", ")),
        count(audit.stack.parts.len(), "component"),
        audit.coverage.files_read,
        audit.coverage.files_seen,
        audit.stack.unresolved.len() + audit.stack.diagnostics.len()
    );
    let _ = writeln!(out, "<div class=\"tiles\">");
    control(audit, &mut out);
    powers(ours, &reach, &mut out);
    let _ = writeln!(out, "</div>");
    first(audit, &mut out);
    let _ = writeln!(out, "</section>");
    out
}

fn sentence(ours: usize, reach: &[(Power, Reach)]) -> String {
    let most =
        |power: Power| reach.iter().find(|(one, _)| *one == power).map_or(0, |(_, reach)| reach.now + reach.later);
    let (read, stop, change) = (most(Power::Read), most(Power::Stop), most(Power::Change));
    if ours == 0 {
        return "None of the components is run by ourselves.".to_owned();
    }
    if read + stop + change == 0 {
        return format!(
            "Nobody abroad holds a known power over the {} that we run ourselves.",
            count(ours, "component")
        );
    }
    format!(
        "Of the {} that we run ourselves, somebody abroad can read <b>{read}</b>, stop <b>{stop}</b> and change \
         <b>{change}</b>.",
        count(ours, "component")
    )
}

/// Over how many of our own parts somebody abroad has a power, now or at the next build, deploy or renewal.
fn reach(audit: &Audit<'_>, power: Power) -> Reach {
    let mut reach = Reach::default();
    for (at, part) in audit.stack.parts.iter().enumerate() {
        if part.is_hint() || audit.side(part) != Side::Ours {
            continue;
        }
        let (mut now, mut later) = (false, false);
        for lane in audit.powers.lanes().filter(|lane| lane.power() == power) {
            for holder in audit.powers.held_by(at, lane) {
                let Some(Holder::Jurisdiction(country)) = audit.powers.holders.get(holder) else { continue };
                if audit.home.has(*country) {
                    continue;
                }
                reach.from.insert(country.to_string());
                if lane == Lane::StopLater { later = true } else { now = true }
            }
        }
        reach.now += usize::from(now);
        reach.later += usize::from(later && !now);
    }
    reach
}

pub const SIDES: [(Side, &str, &str); 4] = [
    (Side::Ours, "·", "run by ourselves"),
    (Side::Home, "✓", "controlled from home"),
    (Side::Foreign, "✗", "controlled from abroad"),
    (Side::Unknown, "?", "control unknown"),
];

fn control(audit: &Audit<'_>, out: &mut String) {
    let counts = SIDES.map(|(side, mark, words)| (side, mark, words, audit.count(side)));
    let all: usize = counts.iter().map(|(.., number)| number).sum();
    let hints = audit.stack.parts.iter().filter(|part| part.is_hint()).count();
    let _ = writeln!(out, "<div class=\"tile wide\"><h2>Who controls the components</h2>");
    let _ = writeln!(
        out,
        "<svg class=\"bar-chart\" viewBox=\"0 0 {BAR} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    );
    let mut x = 0;
    for (side, .., number) in counts {
        let width = (number * BAR).checked_div(all).unwrap_or(0);
        let _ = writeln!(out, "<rect class=\"{}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"10\"/>", side.name());
        x += width;
    }
    let _ = writeln!(out, "</svg>\n<ul class=\"sides\">");
    for (side, mark, words, number) in counts {
        let name = side.name();
        let _ = writeln!(
            out,
            "<li class=\"{name}\" data-side=\"{name}\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span><b>{number}</b> {words}</li>"
        );
    }
    let _ = writeln!(out, "</ul>");
    if hints > 0 {
        let _ = writeln!(
            out,
            "<p class=\"note\">and <b>{hints}</b> ~ {} only: code that could use a service</p>",
            plural(hints, "hint")
        );
    }
    let _ = writeln!(out, "</div>");
}

fn plural(number: usize, one: &str) -> String {
    if number == 1 { one.to_owned() } else { format!("{one}s") }
}

fn powers(ours: usize, reach: &[(Power, Reach)], out: &mut String) {
    for (power, reach) in reach {
        let (name, words) = match power {
            Power::Read => ("Read", "Somebody abroad can obtain their data"),
            Power::Stop => ("Stop", "Somebody abroad can switch them off"),
            Power::Change => ("Change", "Somebody abroad can alter what they do"),
        };
        let total = reach.now + reach.later;
        let _ = writeln!(
            out,
            "<div class=\"tile power\" data-power=\"{0}\"><h2>{name}</h2><p class=\"figure\"><b>{total}</b> of our {ours}</p>",
            power.name()
        );
        let width = |number: usize| (number * BAR).checked_div(ours).unwrap_or(0);
        let _ = writeln!(
            out,
            "<svg class=\"bar-chart\" viewBox=\"0 0 {BAR} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"rest\" width=\"{BAR}\" height=\"10\"/><rect class=\"foreign\" width=\"{}\" height=\"10\"/>\
             <rect class=\"later\" x=\"{}\" width=\"{}\" height=\"10\"/></svg>",
            width(reach.now),
            width(reach.now),
            width(reach.later)
        );
        let from = reach.from.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let when = match (power, reach.now, reach.later) {
            (Power::Stop, now, later) if later > 0 => {
                format!("<span><b>{now}</b> at once, <b>{later}</b> later (deploy, build, renewal)</span>")
            }
            _ => String::new(),
        };
        let from = if from.is_empty() { String::new() } else { format!("<span>from <b>{from}</b></span>") };
        let _ = writeln!(out, "<p class=\"note\">{words}. {when}{from}</p></div>");
    }
}

fn first(audit: &Audit<'_>, out: &mut String) {
    if audit.priorities.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h2 class=\"first-title\">Do first</h2>\n<ol class=\"first\">");
    for priority in audit.priorities.iter().take(FIRST) {
        let _ = writeln!(out, "{}", thing_to_do(audit, priority));
    }
    let _ = writeln!(out, "</ol>");
}

fn thing_to_do(audit: &Audit<'_>, priority: &Priority<'_>) -> String {
    let entity = priority.service.operator.as_ref().and_then(|id| audit.stack.register.entity(id));
    let who = entity.map_or(String::new(), |entity| format!("{}, ", esc(&entity.name)));
    let parts = || priority.parts.iter().filter_map(|at| audit.stack.parts.get(*at));
    let mut places: Vec<String> = Vec::new();
    for place in parts().map(|part| place_of(part.fact.evidence.first())) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let shown: Vec<String> = places.iter().take(PLACES).map(|place| format!("<code>{}</code>", esc(place))).collect();
    let more = places.len().saturating_sub(PLACES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names: Vec<String> =
        priority.alternatives.iter().take(ALTERNATIVES).map(|id| esc(name_of(audit, id))).collect();
    let instead = match names.as_slice() {
        [] => "<p class=\"instead\">The register knows no alternative from home.</p>".to_owned(),
        names => format!("<p class=\"instead\"><span>Instead:</span> {}</p>", names.join(", ")),
    };
    format!(
        "<li><h3><span class=\"mark foreign\" aria-hidden=\"true\">✗</span> {}</h3><p class=\"who\">{who}{}</p>\
         <p>{}</p><p class=\"places\">{}{more}</p>{instead}</li>",
        esc(&priority.service.name),
        codes(&priority.controlled_from).replace(',', ", "),
        esc(&reason(priority)),
        shown.join(" ")
    )
}

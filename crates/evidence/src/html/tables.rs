use super::escape::esc;
use crate::{Audit, Side, codes, place_of};
use std::fmt::Write;

/// Rows of a table that is there for a browser without scripts.
const STATIC_ROWS: usize = 1_000;

/// The tables that the script fills, page by page, from the data; and the components as a plain table without it.
pub fn big(audit: &Audit<'_>) -> String {
    let mut out = String::new();
    shell(
        &mut out,
        "components",
        "Components",
        "Every component with what the files show. Open one for all its evidence.",
        &[("side", "control"), ("layer", "layer")],
    );
    without_script(audit, &mut out);
    let _ = writeln!(out, "</section>");
    shell(
        &mut out,
        "powers",
        "Powers",
        "Who can do what to which component. Open one for its path, hop by hop, with file and line.",
        &[("power", "power"), ("from", "held from")],
    );
    let _ = writeln!(
        out,
        "<noscript><p>This table needs a script. Without one, ask: <code>allod audit --explain COMPONENT</code></p></noscript></section>"
    );
    shell(
        &mut out,
        "findings",
        "Findings",
        "What is worth telling about single components. <code>allod explain CODE</code> says what a code means.",
        &[("severity", "severity"), ("code", "code")],
    );
    findings(audit, &mut out);
    let _ = writeln!(out, "</section>");
    out
}

/// A section with search, filters and an empty table.
fn shell(out: &mut String, id: &str, title: &str, lead: &str, filters: &[(&str, &str)]) {
    let _ = writeln!(
        out,
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{title}</h2>\n<p class=\"lead\">{lead}</p>\n\
         <div class=\"tools js\"><label>Search <input type=\"search\" id=\"{id}-search\" autocomplete=\"off\"></label>"
    );
    for (name, words) in filters {
        let _ = writeln!(out, "<label>{words} <select id=\"{id}-{name}\"></select></label>");
    }
    let _ = writeln!(
        out,
        "<p class=\"shown\" id=\"{id}-shown\" role=\"status\"></p></div>\n\
         <div class=\"scroll js\" tabindex=\"0\" role=\"region\" aria-label=\"{title}, table\"><table id=\"{id}-table\"></table></div>\n\
         <div class=\"pages js\" id=\"{id}-pages\"></div>"
    );
}

fn without_script(audit: &Audit<'_>, out: &mut String) {
    let _ = writeln!(
        out,
        "<noscript><table><thead><tr><th>component</th><th>layer</th><th>control</th><th>run by</th><th>from</th><th>in</th><th>seen at</th></tr></thead><tbody>"
    );
    for part in audit.stack.parts.iter().take(STATIC_ROWS) {
        let who = match audit.side(part) {
            Side::Ours => "ourselves".to_owned(),
            Side::Unknown => "unknown".to_owned(),
            _ => part.who(&audit.stack),
        };
        let country =
            part.location.as_ref().and_then(|place| place.country).map_or(String::new(), |one| one.to_string());
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{country}</td><td>{}</td></tr>",
            esc(&part.fact.name),
            part.layer.name(),
            audit.side(part).name(),
            esc(&who),
            codes(&part.controlled_from(audit.stack.register)),
            esc(&place_of(part.fact.evidence.first()))
        );
    }
    let _ = writeln!(out, "</tbody></table>{}</noscript>", cut(audit.stack.parts.len()));
}

fn cut(all: usize) -> String {
    if all > STATIC_ROWS {
        format!("<p>{STATIC_ROWS} of {all} rows: without a script, the rest is in <code>--format json</code>.</p>")
    } else {
        String::new()
    }
}

fn findings(audit: &Audit<'_>, out: &mut String) {
    let _ =
        writeln!(out, "<noscript><table><thead><tr><th>code</th><th>finding</th><th>seen at</th></tr></thead><tbody>");
    for finding in audit.findings.iter().take(STATIC_ROWS) {
        let seen = audit.stack.parts.get(finding.part).and_then(|part| part.fact.evidence.first());
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            finding.code,
            esc(&audit.say(finding)),
            esc(&place_of(seen))
        );
    }
    let _ = writeln!(out, "</tbody></table>{}</noscript>", cut(audit.findings.len()));
}

/// What was seen and not understood, files with problems, files that were not read.
pub fn not_understood(audit: &Audit<'_>) -> String {
    let mut out = String::new();
    let (unresolved, problems) = (&audit.stack.unresolved, &audit.stack.diagnostics);
    let _ = writeln!(
        out,
        "<section id=\"not-understood\" aria-labelledby=\"nu-title\"><h2 id=\"nu-title\">Not understood</h2>\n\
         <p class=\"lead\">What was seen and could not be resolved. It never counts as harmless.</p>"
    );
    if unresolved.is_empty() && problems.is_empty() {
        let _ = writeln!(out, "<p>Everything in the files that were read was understood.</p>");
    } else {
        let _ = writeln!(
            out,
            "<div class=\"tools js\"><label>Search <input type=\"search\" data-rows=\"nu-rows\"></label><p class=\"shown\" role=\"status\"></p></div>\n\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Not understood, table\"><table><thead><tr><th scope=\"col\">code</th><th scope=\"col\">what</th><th scope=\"col\">seen at</th></tr></thead><tbody id=\"nu-rows\">"
        );
        let mut row = |code: &str, message: &str, place: &str| {
            let _ = writeln!(
                out,
                "<tr><td class=\"code\">{code}</td><td>{}</td><td class=\"place\">{}</td></tr>",
                esc(message),
                esc(place)
            );
        };
        for one in unresolved {
            row(one.code, &one.message, &place_of(Some(&one.evidence)));
        }
        for one in problems {
            let place = if one.line > 0 { format!("{}:{}", one.path, one.line) } else { one.path.to_string() };
            row(one.code, &one.message, &place);
        }
        let _ = writeln!(out, "</tbody></table></div>");
    }
    let coverage = &audit.coverage;
    let _ = writeln!(
        out,
        "<h3>Coverage</h3>\n<dl class=\"coverage\"><div><dt>files seen</dt><dd>{}</dd></div><div><dt>files read</dt><dd>{}</dd></div>",
        coverage.files_seen, coverage.files_read
    );
    for (reason, number) in &coverage.files_skipped {
        let _ = writeln!(out, "<div><dt>not read: {}</dt><dd>{number}</dd></div>", esc(reason));
    }
    let _ = writeln!(
        out,
        "<div><dt>hints that name no service of the register</dt><dd>{}</dd></div></dl></section>",
        audit.stack.hints_without_service
    );
    out
}

//! The audit as one page for a browser: summary, map with drills, tables. The page asks no server for anything and
//! says so in its policy; what a name contains is text, never markup. What it shows without its script: summary, map,
//! places and tables; the script adds filters, details, paths and drills, all from the audit's own data.

mod about;
mod chokepoints;
mod data;
mod escape;
mod groups;
mod map;
mod places;
mod statements;
mod summary;
mod tables;

use crate::Audit;
use escape::{InScript, esc, policy_hash};
use std::io::{self, Write};

const STYLE: &str = concat!(
    include_str!("html/page/page.css"),
    include_str!("html/page/map.css"),
    include_str!("html/page/tables.css")
);
const EARLY: &str = include_str!("html/page/early.js");
const SCRIPT: &str = concat!(
    include_str!("html/page/data.js"),
    include_str!("html/page/path.js"),
    include_str!("html/page/map.js"),
    include_str!("html/page/drill.js"),
    include_str!("html/page/panel.js"),
    include_str!("html/page/tables.js"),
    include_str!("html/page/start.js")
);

/// Writes an audit as one HTML page.
///
/// # Errors
/// What writing gives.
pub fn html(audit: &Audit<'_>, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups::groups(audit);
    head(audit, out)?;
    out.write_all(summary::summary(audit).as_bytes())?;
    out.write_all(map::map(audit, &groups).as_bytes())?;
    out.write_all(chokepoints::chokepoints(audit).as_bytes())?;
    out.write_all(places::places(audit).as_bytes())?;
    out.write_all(tables::big(audit).as_bytes())?;
    out.write_all(statements::statements(audit).as_bytes())?;
    out.write_all(tables::not_understood(audit).as_bytes())?;
    out.write_all(about::about(audit).as_bytes())?;
    writeln!(out, "</main>")?;
    writeln!(out, "<footer>Made by Allod {} from the files of the audited tree.</footer>", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "<div id=\"panel\" hidden aria-labelledby=\"panel-title\" role=\"dialog\"></div>")?;
    write!(out, "<script type=\"application/json\" id=\"data\">")?;
    serde_json::to_writer(InScript(out), &data::data(audit, &groups)).map_err(io::Error::from)?;
    writeln!(out, "</script>\n<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// Sections in the order of the page: id, and the word for it in the bar at the top.
const SECTIONS: [(&str, &str); 9] = [
    ("summary", "Summary"),
    ("map", "Map"),
    ("chokepoints", "Chokepoints"),
    ("places", "Places"),
    ("components", "Components"),
    ("powers", "Powers"),
    ("findings", "Findings"),
    ("statements", "Sources"),
    ("not-understood", "Not understood"),
];

fn head(audit: &Audit<'_>, out: &mut dyn Write) -> io::Result<()> {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {} {}; img-src data:; base-uri 'none'; form-action 'none'",
        policy_hash(STYLE),
        policy_hash(EARLY),
        policy_hash(SCRIPT)
    );
    let root = esc(&audit.root);
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(
        out,
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">"
    )?;
    writeln!(out, "<link rel=\"icon\" href=\"data:,\">\n<title>Who can read, stop or change {root}</title>")?;
    writeln!(
        out,
        "<style>{STYLE}</style>\n<script>{EARLY}</script>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the summary</a>"
    )?;
    writeln!(out, "<header class=\"bar\"><span class=\"brand\">Allod</span><nav aria-label=\"Sections\">")?;
    for (id, word) in SECTIONS {
        writeln!(out, "<a href=\"#{id}\">{word}</a>")?;
    }
    writeln!(out, "</nav><button type=\"button\" id=\"theme\" class=\"quiet\" hidden>Theme: system</button></header>")?;
    writeln!(out, "<main id=\"main\" tabindex=\"-1\">")
}

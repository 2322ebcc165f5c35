use crate::human::reason;
use crate::{Audit, Show, Side, codes, is_artefact, place_of};
use std::fmt::Write;

/// The audit as GitHub-flavoured Markdown, for a code review or a wiki.
pub fn markdown(audit: &Audit<'_>, show: Show) -> String {
    let mut out = String::new();
    if !show.unresolved_only {
        let _ = writeln!(out, "# Who can read, stop or change `{}`\n", audit.root);
        let _ = writeln!(
            out,
            "{} controlled from abroad, {} unknown, {} controlled from home, {} run by ourselves. Home: {}. {} of {} files read.\n",
            audit.count(Side::Foreign),
            audit.count(Side::Unknown),
            audit.count(Side::Home),
            audit.count(Side::Ours),
            audit.home.names.join(", "),
            audit.coverage.files_read,
            audit.coverage.files_seen,
        );
        first(audit, &mut out);
        chokepoints(audit, &mut out);
        parts(audit, show, &mut out);
    }
    not_understood(audit, &mut out);
    out
}

fn first(audit: &Audit<'_>, out: &mut String) {
    if audit.priorities.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Fix first\n");
    for (at, priority) in audit.priorities.iter().take(3).enumerate() {
        let seen = priority.parts.first().and_then(|at| audit.stack.parts.get(*at));
        let seen = place_of(seen.and_then(|part| part.fact.evidence.first()));
        let name = escape(&priority.service.name);
        let from = codes(&priority.controlled_from);
        let _ = writeln!(out, "{}. **{name}** ({from}) {}: `{seen}`", at + 1, escape(&reason(priority)));
    }
    let _ = writeln!(out);
}

fn chokepoints(audit: &Audit<'_>, out: &mut String) {
    let found = audit.chokepoints();
    if found.cuts.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Chokepoints\n\n| jurisdiction | power | over | ends with these replaced |\n|-|-|-|-|");
    for cut in &found.cuts {
        let names: Vec<String> = cut
            .parts
            .iter()
            .filter_map(|at| audit.stack.parts.get(*at))
            .map(|part| format!("{} (`{}`)", escape(&part.fact.name), place_of(part.fact.evidence.first())))
            .collect();
        let bound = if cut.is_exact() { String::new() } else { format!(", at least {}", cut.at_least) };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {}{bound}: {} |",
            cut.jurisdiction,
            cut.power.name(),
            escape(&audit.target_name(cut.target)),
            names.len(),
            names.join(", ")
        );
    }
    let _ = writeln!(out, "\nWhat each replacement alone would end:\n");
    for one in &found.replacements {
        let name = crate::chokepoints::name(audit, one);
        let _ = writeln!(
            out,
            "- **{}** ({}): {}",
            escape(&name),
            codes(&one.jurisdictions),
            escape(&crate::chokepoints::ends(one))
        );
    }
    let _ = writeln!(out);
}

fn parts(audit: &Audit<'_>, show: Show, out: &mut String) {
    let _ = writeln!(out, "## Parts\n\n| layer | part | side | run by | controlled from | located in | seen at |");
    let _ = writeln!(out, "|-|-|-|-|-|-|-|");
    let mut shown: Vec<_> = audit.parts_shown(show).map(|(_, part)| part).collect();
    shown.sort_by_key(|part| (part.layer, audit.side(part), is_artefact(part)));
    for part in shown {
        let who = match audit.side(part) {
            Side::Ours => "ourselves".to_owned(),
            Side::Unknown => "unknown".to_owned(),
            _ => part.who(&audit.stack),
        };
        let country =
            part.location.as_ref().and_then(|place| place.country).map_or(String::new(), |one| one.to_string());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {country} | `{}` |",
            part.layer.name(),
            escape(&part.fact.name),
            audit.side(part).name(),
            escape(&who),
            codes(&part.controlled_from(audit.stack.register)),
            place_of(part.fact.evidence.first()),
        );
    }
    let _ = writeln!(out);
}

fn not_understood(audit: &Audit<'_>, out: &mut String) {
    let _ = writeln!(out, "## Not understood ({})\n", audit.stack.unresolved.len());
    for one in &audit.stack.unresolved {
        let _ = writeln!(out, "- {} `{}`: {}", one.code, place_of(Some(&one.evidence)), escape(&one.message));
    }
    for one in &audit.stack.diagnostics {
        let _ = writeln!(out, "- {} `{}:{}`: {}", one.code, one.path, one.line, escape(&one.message));
    }
}

/// Keeps a text inside its cell.
fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

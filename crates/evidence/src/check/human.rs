use super::Check;
use crate::human::Look;
use crate::place_of;
use crate::table::{count, cut_end, wrap};
use allod_rules::{Severity, Violation};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Components of one violation that are named before `+N`.
const NAMES_SHOWN: usize = 3;
/// Diagnostics that are shown before `--verbose` is needed.
const DIAGNOSTICS_SHOWN: usize = 5;

/// Shows a check to a person.
pub fn human(check: &Check, verbose: bool, look: Look) -> String {
    let mut out = String::new();
    let verdict = if check.denies() { look.alarm("NO") } else { look.strong("yes") };
    let _ = writeln!(out, "{} {verdict}", look.strong(&format!("Do the rules allow {}?", check.root)));
    let mut counts = vec![
        format!("{} denied", check.count(Severity::Deny)),
        count(check.count(Severity::Warn), "warning"),
        format!("{} excepted", check.excepted.len()),
    ];
    if let Some(before) = &check.before_is {
        counts.push(format!("{} there before ({before})", check.before.len()));
    }
    let _ = writeln!(out, "{}", counts.join(" · "));
    let asked = format!("{} asked about {}", count(check.rules.len(), "rule"), count(check.components, "component"));
    let _ = writeln!(out, "{}", look.faint(&format!("home: {} · {asked}", check.home.join(","))));
    for (severity, title) in [(Severity::Deny, "DENIED"), (Severity::Warn, "WARNINGS")] {
        let of: Vec<&Violation> = check.violations.iter().filter(|one| one.severity == severity).collect();
        if !of.is_empty() {
            let _ = writeln!(out, "\n{}", look.strong(title));
        }
        for (at, alike) in alike(&of, verbose).iter().enumerate() {
            show(&mut out, at + 1, alike, verbose, look);
        }
    }
    if !check.excepted.is_empty() {
        let _ = writeln!(out, "\n{}", look.strong("EXCEPTED"));
        for one in &check.excepted {
            let text = format!(
                "{}: {} (until {}, by {}: {})",
                one.violation.rule, one.violation.message, one.until, one.by, one.why
            );
            let _ = writeln!(out, " ~ {}", wrap(&text, look.width.saturating_sub(3), 3));
        }
    }
    let mut told: Vec<_> = check.diagnostics.iter().collect();
    let hidden = if verbose { 0 } else { told.len().saturating_sub(DIAGNOSTICS_SHOWN) };
    told.truncate(told.len() - hidden);
    if !told.is_empty() {
        let _ = writeln!(out, "\n{}", look.strong("NOTE"));
        for one in told {
            let text = format!("{} {}:{}: {}", one.code, one.path, one.line, one.message);
            let _ = writeln!(out, " {}", wrap(&text, look.width.saturating_sub(2), 5));
        }
    }
    if hidden > 0 {
        let _ = writeln!(out, " and {hidden} more: --verbose");
    }
    out
}

/// Violations of one requirement that say the same of different things: to be read once. Each apart when `verbose`.
fn alike<'c>(all: &[&'c Violation], verbose: bool) -> Vec<Vec<&'c Violation>> {
    let mut groups: Vec<Vec<&Violation>> = Vec::new();
    let mut known: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    for violation in all {
        let key = (violation.rule.as_str(), violation.requirement, nameless(&violation.message));
        let at = if verbose { groups.len() } else { *known.entry(key).or_insert(groups.len()) };
        match groups.get_mut(at) {
            Some(group) => group.push(violation),
            None => groups.push(vec![violation]),
        }
    }
    groups
}

/// A message without the names in it.
fn nameless(message: &str) -> String {
    message.split('`').step_by(2).collect()
}

/// The first name in a message.
fn name_of(message: &str) -> &str {
    message.split('`').nth(1).unwrap_or(message)
}

fn show(out: &mut String, number: usize, alike: &[&Violation], verbose: bool, look: Look) {
    let Some((violation, more)) = alike.split_first() else { return };
    let room = look.width.saturating_sub(4);
    let title = format!("{number:>2}. {} ({})", violation.rule, violation.requirement);
    let _ = writeln!(out, "{}", look.strong(&cut_end(&title, look.width)));
    let message = wrap(&violation.message, room, 4);
    let _ = writeln!(out, "    {message}");
    let _ = writeln!(out, "    {}", look.faint(&place_of(violation.evidence.as_ref())));
    let others: Vec<&String> = violation.components.iter().filter(|one| **one != violation.cause).collect();
    if !others.is_empty() {
        let shown = if verbose { others.len() } else { NAMES_SHOWN.min(others.len()) };
        let names: Vec<&str> = others.iter().take(shown).map(|one| short(one)).collect();
        let more = others.len() - shown;
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        let text = format!("of: {}{more}", names.join(", "));
        let _ = writeln!(out, "    {}", wrap(&text, room, 8));
    }
    if !more.is_empty() {
        let shown = NAMES_SHOWN.min(more.len());
        let seen = |one: &&Violation| format!("{} {}", name_of(&one.message), place_of(one.evidence.as_ref()));
        let mut names: Vec<String> = more.iter().take(shown).map(seen).collect();
        if more.len() > shown {
            names.push(format!("+{} (--verbose)", more.len() - shown));
        }
        let text = format!("and the same of {} more: {}", more.len(), names.join(", "));
        let _ = writeln!(out, "    {}", wrap(&text, room, 8));
    }
    if let Some(why) = &violation.why {
        let _ = writeln!(out, "    {}", wrap(&format!("why: {why}"), room, 8));
    }
    if !violation.way_out.is_empty() {
        let ways = violation.way_out.join("; or ");
        let _ = writeln!(out, "    {}", wrap(&format!("way out: {ways}"), room, 8));
    }
    let rule = format!("rule: {}:{}", violation.rule_path, violation.rule_line);
    let _ = writeln!(out, "    {}", look.faint(&rule));
}

/// The end of an id, which a person knows it by.
fn short(id: &str) -> &str {
    id.rsplit_once('#').map(|(_, end)| end).filter(|end| !end.is_empty()).unwrap_or(id)
}

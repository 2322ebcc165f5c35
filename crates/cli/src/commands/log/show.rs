use allod_evidence::{Look, wrap};
use allod_journal::{Openings, Phase, Shown, Succeeded, Verdict};
use allod_workspace::{Record, Truth};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Findings that are shown before `+N`.
const FINDINGS_SHOWN: usize = 3;

/// The word of a value as entries write it.
pub fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Without what a terminal would obey: names come from files of other people.
fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}

pub fn human(record: &Record, look: Look) -> String {
    let entry = &record.entry;
    let time: String = entry.when.time.chars().take(19).map(|one| if one == 'T' { ' ' } else { one }).collect();
    let who = match (record.opened("who.principal"), &record.truth) {
        (Some(name), _) => plain(name),
        (None, Truth::Erased) => "(erased)".to_owned(),
        (None, Truth::Missing) => "(opening is missing)".to_owned(),
        (None, _) => "(opening is wrong)".to_owned(),
    };
    let end = match (&entry.outcome, entry.phase) {
        (Some(outcome), _) => word(&outcome.result),
        (None, Phase::Intent) => "begins".to_owned(),
        (None, _) => "noted".to_owned(),
    };
    let end = match entry.outcome.as_ref().map(|outcome| outcome.result) {
        Some(Succeeded::Refused | Succeeded::Failed) => look.alarm(&end),
        _ => end,
    };
    let mut out = String::new();
    let number = look.faint(&format!("{:>6}", record.index));
    let _ = writeln!(out, "{number}  {time}  {who}  {} {end}", look.strong(&word(&entry.what.action)));
    let mut detail = |text: &str| {
        let text = text.lines().map(|line| wrap(&plain(line), look.width.saturating_sub(8), 8)).collect::<Vec<_>>();
        let _ = writeln!(out, "        {}", look.faint(&text.join("\n        ")));
    };
    if let (Some(object), false) = (record.opened("what.object"), entry.outcome.is_some()) {
        detail(object);
    }
    let Some(why) = &entry.why else { return out };
    if let Some(verdict) = why.verdict.filter(|verdict| *verdict != Verdict::Allow) {
        detail(&format!("{}: {}", word(&verdict), why.determining.join(", ")));
    }
    if let Some(reason) = record.opened("why.reason") {
        detail(reason);
    }
    let findings = record.findings();
    for finding in findings.iter().take(FINDINGS_SHOWN) {
        detail(&format!("{} ({})", finding.component, finding.rule));
    }
    if let Some(more) = findings.len().checked_sub(FINDINGS_SHOWN).filter(|more| *more > 0) {
        detail(&format!("+{more} more: --format json"));
    }
    out
}

/// As the event of a SIEM, or a log record: what is closed stays a commitment.
pub fn mapped(record: &Record, map: fn(&Shown<'_>) -> Value, out: &mut dyn Write) -> io::Result<()> {
    let none = Openings::new();
    let openings = match &record.truth {
        Truth::Open(openings) => openings,
        Truth::Erased | Truth::Missing | Truth::Wrong => &none,
    };
    let shown = Shown::new(&record.entry, record.index, openings).map_err(io::Error::other)?;
    line(&map(&shown), out)
}

fn line(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// One line: the entry as everybody can read it, and what the operator knows of what it commits to.
pub fn json(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let (truth, opened) = match &record.truth {
        Truth::Open(openings) => ("open", json!(openings)),
        Truth::Erased => ("erased", Value::Null),
        Truth::Missing => ("missing", Value::Null),
        Truth::Wrong => ("wrong", Value::Null),
    };
    let line = json!({
        "schema": "allod.log/1",
        "index": record.index,
        "entry": record.entry,
        "openings": truth,
        "opened": opened,
    });
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

use super::{Change, Entry, Event, Outcome, State, moment};
use crate::check::{Check, human as check_human};
use crate::human::Look;
use crate::table::{count, cut_end, wrap};
use allod_stack::drift::{Difference, Drift, Gain, Named, What};
use allod_stack::{Home, Power};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Components that a power is over, before `+N`.
const NAMES_SHOWN: usize = 3;
/// What does not run, before `--verbose` is needed.
const MISSING_SHOWN: usize = 10;

/// Shows a state to a person.
pub fn human(state: &State, verbose: bool, look: Look) -> String {
    let mut out = String::new();
    let verdict = match state.outcome() {
        Outcome::Clean => look.strong("yes"),
        Outcome::Found => look.alarm("NO"),
        Outcome::Unseen => look.alarm("NOBODY CAN SAY"),
    };
    let _ = writeln!(out, "{} {verdict}", look.strong("Is what runs allowed?"));
    let mut counts = Vec::new();
    let denied = state.violations.iter().filter(|one| one.severity == allod_rules::Severity::Deny).count();
    counts.push(format!("{denied} denied"));
    counts.push(count(state.violations.len() - denied, "warning"));
    counts.push(format!("{} excepted", state.excepted.len()));
    if state.allowed.is_some() {
        counts.push(format!("{} drifted", state.drifts.len()));
        counts.push(format!("{} not running", state.missing.len()));
    }
    if state.known > 0 {
        counts.push(format!("{} in the baseline", state.known));
    }
    if !state.unseen.is_empty() {
        counts.push(format!("{} not seen", state.unseen.len()));
    }
    let _ = writeln!(out, "{}", wrap(&counts.join(" · "), look.width, 2));
    let with =
        state.allowed.as_ref().map_or("compared with nothing".to_owned(), |path| format!("compared with {path}"));
    let asked = format!("{} asked about {}", count(state.rules, "rule"), count(state.components, "component"));
    let about = format!("{}, {with} · home: {} · {asked}", state.running, state.home.names.join(","));
    let _ = writeln!(out, "{}", look.faint(&wrap(&about, look.width, 2)));
    if !state.unseen.is_empty() {
        let _ = writeln!(out, "\n{}", look.strong("NOT SEEN"));
        for one in &state.unseen {
            let since = one.since.map_or("never seen".to_owned(), |since| format!("not seen since {}", moment(since)));
            let text = format!("F012 {}: {} ({since})", one.what, one.why);
            let _ = writeln!(out, "  ! {}", wrap(&text, look.width.saturating_sub(4), 4));
        }
    }
    if !state.drifts.is_empty() {
        let _ = writeln!(out, "\n{}", look.strong("DRIFTED"));
        for (at, one) in state.drifts.iter().enumerate() {
            drift(&mut out, at + 1, one, &state.home, look);
        }
    }
    out.push_str(&violations(state, verbose, look));
    if !state.missing.is_empty() {
        let _ = writeln!(out, "\n{}", look.strong("NOT RUNNING"));
        let shown = if verbose { state.missing.len() } else { MISSING_SHOWN };
        for one in state.missing.iter().take(shown) {
            let _ = writeln!(out, "  - F013 {} {}", short(&one.id), look.faint(&place(one.seen.as_ref())));
        }
        if state.missing.len() > shown {
            let _ = writeln!(out, "  and {} more: --verbose", state.missing.len() - shown);
        }
    }
    out
}

/// The violations as `allod check` shows them, without its head.
fn violations(state: &State, verbose: bool, look: Look) -> String {
    let check = Check {
        violations: state.violations.clone(),
        excepted: state.excepted.clone(),
        diagnostics: state.diagnostics.clone(),
        ..Check::default()
    };
    let text = check_human(&check, verbose, look);
    text.splitn(4, '\n').nth(3).unwrap_or("").to_owned()
}

fn drift(out: &mut String, number: usize, one: &Drift, home: &Home, look: Look) {
    let room = look.width.saturating_sub(4);
    let title = match (&one.allowed, one.differences.is_empty()) {
        (None, true) => format!("{number:>2}. {} {} was not allowed", one.code(), short(&one.running.id)),
        _ => format!("{number:>2}. {} {} differs", one.code(), short(&one.running.id)),
    };
    let _ = writeln!(out, "{}", look.strong(&cut_end(&title, look.width)));
    if one.differences.is_empty() {
        let _ = writeln!(out, "    {}", look.faint(&place(one.running.seen.as_ref())));
    }
    for of in &one.differences {
        let _ = writeln!(out, "    {}", wrap(&difference(of), room, 8));
        let (was, is) = (place(of.allowed_seen.as_ref()), place(of.running_seen.as_ref()));
        let both = if was.is_empty() { is } else { format!("{was} -> {is}") };
        let _ = writeln!(out, "      {}", look.faint(&both));
    }
    for text in gains(&one.gives, home) {
        let _ = writeln!(out, "    {}", wrap(&format!("gives {text}"), room, 8));
    }
}

/// A difference in words.
pub(super) fn difference(of: &Difference) -> String {
    let what = match of.what {
        What::Place => "is in",
        What::Control => "is run by",
        What::Data => "says that its data is",
        What::Link(kind) => match kind.name() {
            "built_from" => "is built from",
            "sends_to" => "talks to",
            "stores_in" => "stores in",
            "runs_on" => "runs on",
            "deployed_by" => "is deployed by",
            "resolved_by" => "is reached by",
            _ => "trusts",
        },
        What::Mitigation(_) => return format!("uses {}; allowed: with {}", of.running, of.allowed),
        What::Powers => return "itself as it was allowed, and somebody holds more over it".to_owned(),
    };
    let running = if of.running.is_empty() { "nothing" } else { &of.running };
    let allowed = if of.allowed.is_empty() { "none" } else { &of.allowed };
    format!("{what} {running}; allowed: {allowed}")
}

/// Who holds what over which parts that was not allowed: those from abroad first, powers over the same parts together.
pub(super) fn gains(gives: &[Gain], home: &Home) -> Vec<String> {
    let side = |gain: &Gain| match gain.jurisdiction {
        Some(country) if home.has(country) => 2,
        Some(_) => 0,
        None => 1,
    };
    let mut together: BTreeMap<(u8, String, Vec<&str>), Vec<Power>> = BTreeMap::new();
    for gain in gives {
        let who = gain.jurisdiction.map_or("somebody unknown".to_owned(), |country| country.code().to_owned());
        let over = gain.over.iter().map(String::as_str).collect();
        together.entry((side(gain), who, over)).or_default().push(gain.power);
    }
    let line = |((_, who, over), powers): ((u8, String, Vec<&str>), Vec<Power>)| {
        let powers: Vec<&str> = powers.iter().map(|power| power.name()).collect();
        let mut names: Vec<&str> = over.iter().take(NAMES_SHOWN).map(|id| short(id)).collect();
        let more = format!("+{}", over.len().saturating_sub(NAMES_SHOWN));
        if over.len() > NAMES_SHOWN {
            names.push(&more);
        }
        format!("{who}: {} over {}", powers.join(", "), names.join(", "))
    };
    together.into_iter().map(line).collect()
}

/// One line for one change.
pub fn line(event: &Event<'_>, look: Look) -> String {
    let sign = match event.change {
        _ if matches!(event.entry, Entry::Outcome(_)) => look.strong("="),
        Change::Began => look.alarm("+"),
        Change::Changed => look.alarm("~"),
        Change::Ended => look.strong("-"),
    };
    let text = match event.entry {
        Entry::Violation(one) => {
            let word = if one.severity == allod_rules::Severity::Deny { "denied" } else { "warning" };
            format!("{word} {} ({}): {}", one.rule, one.requirement, one.message)
        }
        Entry::Drift(one) => {
            let mut parts: Vec<String> = one.differences.iter().map(difference).collect();
            if parts.is_empty() {
                parts.push("was not allowed".to_owned());
            }
            if let Some(first) = gains(&one.gives, event.home).first() {
                parts.push(format!("gives {first}"));
            }
            let seen = place(one.running.seen.as_ref());
            format!("drift {} {}: {} ({seen})", one.code(), short(&one.running.id), parts.join("; "))
        }
        Entry::Outcome(Outcome::Clean) => "all that runs may run".to_owned(),
        Entry::Outcome(Outcome::Found) => "something runs that may not".to_owned(),
        Entry::Outcome(Outcome::Unseen) => "nobody can say whether what runs may run".to_owned(),
        Entry::Missing(one) => format!("not running F013 {}", named(one)),
        Entry::Unseen(one) => {
            let since = one.since.map_or("never seen".to_owned(), |since| format!("not seen since {}", moment(since)));
            format!("not seen F012 {}: {} ({since})", one.what, one.why)
        }
    };
    format!("{} {sign} {}\n", moment(event.at), text.replace('\n', " "))
}

fn named(one: &Named) -> String {
    format!("{} ({})", short(&one.id), place(one.seen.as_ref()))
}

fn place(seen: Option<&(String, u32)>) -> String {
    match seen {
        None => String::new(),
        Some((path, 0)) => path.clone(),
        Some((path, line)) => format!("{path}:{line}"),
    }
}

/// The end of an id, which a person knows it by.
fn short(id: &str) -> &str {
    id.split_once('#').map(|(_, end)| end).filter(|end| !end.is_empty()).unwrap_or(id)
}

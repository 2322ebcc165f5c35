use crate::table::{cell, count, cut_end, wrap};
use crate::{Audit, Show, Side, chokepoints, codes, place_of};
use allod_facts::Layer;
use allod_stack::{Part, Priority};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How a text is shown on a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns; narrower ones are shown as if they had 60.
    pub width: usize,
    pub colour: bool,
}

/// Narrower terminals get lines of this many columns.
pub const MIN_WIDTH: usize = 60;
/// From this width on, a part and where it was seen stand on one line.
const WIDE: usize = 120;
/// Names of one group that are shown before `+N`.
const NAMES_SHOWN: usize = 3;
/// How many things to fix first are shown.
const FIRST: usize = 3;
/// Unresolved facts that are shown before `--unresolved` is needed.
const UNRESOLVED_SHOWN: usize = 5;

impl Look {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub fn alarm(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn side(self, side: Side, text: &str) -> String {
        match side {
            Side::Foreign => self.paint("31", text),
            Side::Unknown => self.paint("33", text),
            Side::Home => self.paint("32", text),
            Side::Ours => self.paint("36", text),
        }
    }
}

/// The audit for a person: what to fix first, then the stack by layer, then what was not understood.
pub fn human(audit: &Audit<'_>, show: Show, look: Look) -> String {
    let look = Look { width: look.width.max(MIN_WIDTH), ..look };
    let mut out = String::new();
    if show.unresolved_only {
        unresolved(audit, look, usize::MAX, &mut out);
        return out;
    }
    head(audit, look, &mut out);
    if show.only.is_none() {
        fix_first(audit, look, &mut out);
        chokepoints::summary(audit, &audit.chokepoints(), look, &mut out);
    }
    layers(audit, show, look, &mut out);
    unresolved(audit, look, if show.all { usize::MAX } else { UNRESOLVED_SHOWN }, &mut out);
    diagnostics(audit, look, if show.all { usize::MAX } else { UNRESOLVED_SHOWN }, &mut out);
    foot(audit, look, &mut out);
    out
}

fn head(audit: &Audit<'_>, look: Look, out: &mut String) {
    let title = format!("Who can read, stop or change {}", audit.root);
    let _ = writeln!(out, "{}", look.strong(&cut_end(&title, look.width)));
    let sides = [Side::Foreign, Side::Unknown, Side::Home, Side::Ours].map(|side| {
        let number = audit.count(side);
        let word = match side {
            Side::Foreign => "controlled from abroad",
            Side::Unknown => "unknown",
            Side::Home => "from home",
            Side::Ours => "run by ourselves",
        };
        look.side(side, &format!("{number} {word}"))
    });
    let _ = writeln!(out, "{}", sides.join(" · "));
    let _ = writeln!(
        out,
        "{}",
        look.faint(&format!(
            "home: {} · {} · {} of {} files read",
            audit.home.names.join(", "),
            count(audit.stack.parts.len(), "part"),
            audit.coverage.files_read,
            audit.coverage.files_seen
        ))
    );
}

fn fix_first(audit: &Audit<'_>, look: Look, out: &mut String) {
    if audit.priorities.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", look.strong("FIX FIRST"));
    for (at, priority) in audit.priorities.iter().take(FIRST).enumerate() {
        let reason = reason(priority);
        let entity = priority
            .service
            .operator
            .as_ref()
            .and_then(|id| audit.stack.register.entity(id))
            .map_or(String::new(), |entity| format!(", {}", entity.name));
        let title = format!("{} ({}{entity}) {reason}", priority.service.name, codes(&priority.controlled_from),);
        let _ =
            writeln!(out, " {}. {}", at + 1, look.side(Side::Foreign, &wrap(&title, look.width.saturating_sub(4), 4)));
        let seen: Vec<String> = priority
            .parts
            .iter()
            .filter_map(|at| audit.stack.parts.get(*at))
            .map(|part| place_of(part.fact.evidence.first()))
            .collect();
        let more = if seen.len() > 1 { format!("  (+{} more)", seen.len() - 1) } else { String::new() };
        let _ = writeln!(out, "    {}{}", seen.first().map_or("", String::as_str), look.faint(&more));
        if !priority.alternatives.is_empty() {
            let names: Vec<&str> = priority.alternatives.iter().take(4).map(|id| name_of(audit, id)).collect();
            let text = format!("instead: {}", names.join(", "));
            let _ = writeln!(out, "    {}", look.faint(&wrap(&text, look.width.saturating_sub(4), 4)));
        }
    }
}

pub(crate) fn name_of<'a>(audit: &'a Audit<'_>, id: &'a str) -> &'a str {
    let register = audit.stack.register;
    register
        .service(id)
        .map(|service| &service.name)
        .or_else(|| register.software(id).map(|one| &one.name))
        .map_or(id, |name| name.as_str())
}

/// What somebody abroad gets through a service, as one can say it in a meeting.
pub(crate) fn reason(priority: &Priority<'_>) -> String {
    let mut powers = Vec::new();
    if priority.reads > 0 {
        let classes = match priority.classes.as_slice() {
            [] => String::new(),
            classes => format!(" ({})", classes.join(", ")),
        };
        powers.push(format!("can read data of {}{classes}", count(priority.reads, "part")));
    }
    if priority.stops > 0 {
        powers.push(format!("can stop {}", count(priority.stops, "part")));
    }
    if priority.changes > 0 {
        powers.push(format!("can change {}", count(priority.changes, "part")));
    }
    match powers.as_slice() {
        [] => format!("holds {} of the stack", count(priority.parts.len(), "part")),
        _ => powers.join(", "),
    }
}

/// Parts that are alike: one layer, one side, one service.
struct Group<'a> {
    parts: Vec<(usize, &'a Part<'a>)>,
}

fn layers(audit: &Audit<'_>, show: Show, look: Look, out: &mut String) {
    let mut by_layer: BTreeMap<Layer, BTreeMap<(Side, String), Group<'_>>> = BTreeMap::new();
    for (at, part) in audit.parts_shown(show) {
        if part.is_hint() && !show.all && part.service.is_none() {
            continue;
        }
        let key = if show.all { part.fact.id.to_string() } else { group_key(part) };
        let groups = by_layer.entry(part.layer).or_default();
        groups.entry((audit.side(part), key)).or_insert_with(|| Group { parts: Vec::new() }).parts.push((at, part));
    }
    if by_layer.is_empty() {
        let _ = writeln!(out, "\nno part to show");
        return;
    }
    let columns = Columns::of(look.width);
    let _ = writeln!(out, "\n{}", look.faint(&columns.line("", "PART", "RUN BY", "FROM", "IN", "SEEN AT")));
    for (layer, groups) in by_layer {
        let _ = writeln!(out, "{}", look.strong(&layer.name().to_uppercase()));
        for ((side, _), group) in groups {
            row(audit, side, &group, columns, look, out);
        }
    }
    if !show.all {
        let _ = writeln!(out, "{}", look.faint("one line for parts that are alike: --verbose shows each one"));
    }
}

fn group_key(part: &Part<'_>) -> String {
    match (part.service, part.operator) {
        (Some(service), _) => format!("{}{}", service.id, if part.is_hint() { "~" } else { "" }),
        (None, _) => part.fact.role_word().to_owned(),
    }
}

trait RoleWord {
    fn role_word(&self) -> &'static str;
}

impl RoleWord for allod_facts::Component {
    fn role_word(&self) -> &'static str {
        match self.role {
            allod_facts::Role::Own => "own",
            allod_facts::Role::Provided => "provided",
            allod_facts::Role::Artefact => "artefact",
        }
    }
}

#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    who: usize,
    from: usize,
    place: usize,
    /// Room for where it was seen on the same line; 0: on a line of its own.
    seen: usize,
}

impl Columns {
    fn of(width: usize) -> Columns {
        let (from, place) = (8, 4);
        // Mark, spaces between columns.
        let rest = width.saturating_sub(2 + from + place + 4);
        if width >= WIDE {
            let name = rest * 3 / 10;
            let who = rest * 3 / 10;
            Columns { name, who, from, place, seen: rest - name - who }
        } else {
            let name = rest / 2;
            Columns { name, who: rest - name, from, place, seen: 0 }
        }
    }

    fn line(self, mark: &str, name: &str, who: &str, from: &str, place: &str, seen: &str) -> String {
        let mut line = format!(
            "{} {} {} {} {}",
            cell(mark, 1),
            cell(name, self.name),
            cell(who, self.who),
            cell(from, self.from),
            cell(place, self.place)
        );
        if self.seen > 0 {
            line.push(' ');
            line.push_str(seen);
        }
        line.trim_end().to_owned()
    }
}

fn row(audit: &Audit<'_>, side: Side, group: &Group<'_>, columns: Columns, look: Look, out: &mut String) {
    let Some((_, first)) = group.parts.first() else { return };
    let mut names: Vec<&str> = Vec::new();
    for (_, part) in &group.parts {
        if names.len() < NAMES_SHOWN && !names.contains(&part.fact.name.as_str()) {
            names.push(&part.fact.name);
        }
    }
    let more = group.parts.len().saturating_sub(names.len());
    let suffix = if more > 0 { format!(" +{more}") } else { String::new() };
    let room = columns.name.saturating_sub(suffix.chars().count());
    let name = cut_end(&names.join(", "), room) + &suffix;
    let who = match side {
        Side::Ours => "ourselves".to_owned(),
        Side::Unknown => "unknown".to_owned(),
        _ => first.service.map(|service| service.name.to_string()).unwrap_or_else(|| first.who(&audit.stack)),
    };
    let from = match side {
        Side::Ours => String::new(),
        Side::Unknown => "?".to_owned(),
        _ => codes(&first.controlled_from(audit.stack.register)),
    };
    let mut places: Vec<String> = group
        .parts
        .iter()
        .filter_map(|(_, part)| {
            Some(part.location.as_ref()?.country.map_or("?".to_owned(), |country| country.to_string()))
        })
        .collect();
    places.sort();
    places.dedup();
    let mark = match side {
        Side::Foreign => "✗",
        Side::Unknown => "?",
        Side::Home => "✓",
        Side::Ours => "·",
    };
    let mark = if first.is_hint() { "~" } else { mark };
    let seen = place_of(first.fact.evidence.first());
    let line = columns.line(mark, &name, &who, &from, &places.join(","), &seen);
    let _ = writeln!(
        out,
        "{}",
        if side == Side::Ours || first.is_hint() { look.faint(&line) } else { look.side(side, &line) }
    );
    if columns.seen == 0 && matches!(side, Side::Foreign | Side::Unknown) {
        let _ = writeln!(out, "    {}", look.faint(&seen));
    }
}

fn unresolved(audit: &Audit<'_>, look: Look, most: usize, out: &mut String) {
    let all = &audit.stack.unresolved;
    let title = format!("NOT UNDERSTOOD ({})", all.len());
    let _ = writeln!(out, "\n{}", look.strong(&title));
    if all.is_empty() {
        let _ = writeln!(out, "everything in the files that were read was understood");
    }
    for one in all.iter().take(most) {
        let text = format!("{} {}: {}", one.code, place_of(Some(&one.evidence)), one.message);
        let _ = writeln!(out, "{}", wrap(&text, look.width, 5));
    }
    if all.len() > most {
        let _ = writeln!(out, "{}", look.faint(&format!("{} more: --unresolved shows all", all.len() - most)));
    }
}

fn diagnostics(audit: &Audit<'_>, look: Look, most: usize, out: &mut String) {
    let all = &audit.stack.diagnostics;
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", look.strong(&format!("FILES WITH PROBLEMS ({})", all.len())));
    for one in all.iter().take(most) {
        let place = if one.line > 0 { format!("{}:{}", one.path, one.line) } else { one.path.to_string() };
        let _ = writeln!(out, "{}", wrap(&format!("{} {place}: {}", one.code, one.message), look.width, 5));
    }
    if all.len() > most {
        let _ = writeln!(out, "{}", look.faint(&format!("{} more: --verbose shows all", all.len() - most)));
    }
}

fn foot(audit: &Audit<'_>, look: Look, out: &mut String) {
    let legend = "✗ from abroad  ✓ from home  ? unknown  · run by ourselves  ~ hint only";
    let _ = writeln!(out, "\n{}", look.faint(&wrap(legend, look.width, 0)));
    if let Some(part) = audit.priorities.first().and_then(|priority| audit.stack.parts.get(*priority.parts.first()?)) {
        let text = format!("the path of each power: allod audit {} --explain '{}'", audit.root, part.fact.id);
        let _ = writeln!(out, "{}", look.faint(&wrap(&text, look.width, 2)));
    }
}

use super::lines::{cause, control, lines, location, names, place, through};
use super::{Comparison, Way};
use crate::human::MIN_WIDTH;
use crate::table::{count, cut_end, wrap};
use crate::{Look, Side};
use allod_stack::diff::{Component, Remark, Remarks};
use std::fmt::Write;

/// Causes, and other changes of one kind, that are shown before `--verbose` is needed.
const SHOWN: usize = 20;
/// Names of components on one line before `--verbose` is needed.
const NAMES_SHOWN: usize = 6;

/// The diff for a person: what was gained and lost by cause, then what else changed.
pub fn human(view: &Comparison<'_>, all: bool, look: Look) -> String {
    let look = Look { width: look.width.max(MIN_WIDTH), ..look };
    let most = if all { usize::MAX } else { SHOWN };
    let mut out = Page { look, most, text: String::new() };
    out.line(
        &look.strong(&cut_end(&clean(&format!("What changed from {} to {}", view.before, view.after)), look.width)),
    );
    let headline =
        |way| [Side::Foreign, Side::Unknown, Side::Home].map(|side| headline(view, way, side, look)).join(" · ");
    out.line(&format!("gained: {}", headline(Way::Gained)));
    out.line(&format!("lost:   {}", headline(Way::Lost)));
    out.line(&look.faint(&format!("home: {}", view.home.names.join(", "))));
    if view.diff.is_empty() {
        out.line("\nnothing changed");
        return out.text;
    }
    for way in [Way::Gained, Way::Lost] {
        groups(view, way, all, &mut out);
    }
    changes(view, &mut out);
    let remarks = [
        ("FINDINGS", &view.diff.findings),
        ("NOT UNDERSTOOD", &view.diff.unresolved),
        ("FILES WITH PROBLEMS", &view.diff.diagnostics),
    ];
    remarks.iter().for_each(|(title, remarks)| told(title, remarks, &mut out));
    out.text
}

fn headline(view: &Comparison<'_>, way: Way, side: Side, look: Look) -> String {
    let number = view.count(way, side);
    let word = match side {
        Side::Foreign => "from abroad",
        Side::Unknown => "unknown",
        _ => "from home",
    };
    let text = match number.powers {
        0 => format!("nothing {word}"),
        powers => format!("{} {word} over {}", count(powers, "power"), count(number.parts, "part")),
    };
    if number.powers > 0 && way == Way::Gained { look.side(side, &text) } else { text }
}

/// A page in the making.
struct Page {
    look: Look,
    most: usize,
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    /// A title, and the first of its entries; each of them is a text with the indent of its later lines.
    fn list(&mut self, title: &str, entries: Vec<(String, usize)>) {
        if entries.is_empty() {
            return;
        }
        let number = entries.len();
        self.line(&format!("\n{}", self.look.strong(&format!("{title} ({number})"))));
        for (text, indent) in entries.into_iter().take(self.most) {
            self.line(&wrap(&clean(&text), self.look.width, indent));
        }
        self.more(number);
    }

    fn more(&mut self, number: usize) {
        if number > self.most {
            let text = format!("{} more: --verbose shows all", number - self.most);
            self.line(&self.look.faint(&text));
        }
    }
}

fn groups(view: &Comparison<'_>, way: Way, all: bool, out: &mut Page) {
    let groups = view.by_side(way);
    if groups.is_empty() {
        return;
    }
    let look = out.look;
    let title = if way == Way::Gained { "GAINED" } else { "LOST" };
    out.line(&format!("\n{}", look.strong(title)));
    for (side, group) in groups.iter().take(out.most) {
        let hint = group.powers.iter().all(|one| !one.counts());
        let mark = match side {
            _ if hint => "~",
            Side::Foreign => "✗",
            Side::Unknown => "?",
            _ => "✓",
        };
        let (words, ids) = cause(way, &group.cause);
        let text = clean(&format!("{mark} {words} {ids}"));
        let text = wrap(&text, look.width, 2);
        out.line(&if way == Way::Gained && !hint { look.side(*side, &text) } else { text });
        let seen = place(group.cause.seen);
        if !seen.is_empty() {
            out.line(&look.faint(&format!("    {}", clean(&seen))));
        }
        for line in lines(view, way, group) {
            let most = if all { usize::MAX } else { NAMES_SHOWN };
            let names = names(&group.cause, &line.components, most, str::to_owned);
            let through = through(&group.cause, &line, most, str::to_owned);
            let hint = if line.hint { " (hint only)" } else { "" };
            let text = clean(&format!("{}: {} over {names}{through}{hint}", line.holder, line.powers));
            out.line(&format!("    {}", wrap(&text, look.width.saturating_sub(4), 6)));
        }
    }
    out.more(groups.len());
}

fn changes(view: &Comparison<'_>, out: &mut Page) {
    let diff = view.diff;
    let seen = |one: &Component| place(one.seen.as_ref());
    let controllers = diff.controllers.iter().map(|one| {
        (format!("{}: {} → {}  {}", one.after.id, control(one.before), control(one.after), seen(one.after)), 4)
    });
    out.list("CONTROLLED BY SOMEBODY ELSE", controllers.collect());
    let locations = diff.locations.iter().map(|one| {
        (format!("{}: {} → {}  {}", one.after.id, location(one.before), location(one.after), seen(one.after)), 4)
    });
    out.list("LOCATED ELSEWHERE", locations.collect());
    let renamed = diff.renamed.iter().map(|(before, after)| (format!("{} → {}", before.id, after.id), 4));
    out.list("MOVED OR OF ANOTHER VERSION", renamed.collect());
}

fn told(title: &str, remarks: &Remarks<'_>, out: &mut Page) {
    let entry =
        |mark: &str, one: &Remark| (format!("{mark} {} {}: {}", one.code, place(one.seen.as_ref()), one.message), 7);
    let gained = remarks.gained.iter().map(|(one, _)| entry("+", one));
    let lost = remarks.lost.iter().map(|(one, _)| entry("-", one));
    out.list(title, gained.chain(lost).collect());
}

/// A saved audit may say anything: nothing in it speaks to the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}

use super::lines::{cause, control, lines, location, names, place, through};
use super::{Comparison, Way};
use crate::Side;
use crate::table::count;
use allod_stack::diff::{Remark, Remarks};

/// A comment is cut to this many characters: GitHub takes 65,536 (its API says "Body is too long (maximum is 65536
/// characters)"). The rest is room for what a job puts around it.
pub const MAX_COMMENT_CHARS: usize = 60_000;
/// Names of components on one line.
const NAMES_SHOWN: usize = 8;
/// Longer texts from files are cut.
const MAX_CODE_CHARS: usize = 300;

/// The diff as GitHub-flavoured Markdown, for a comment on a merge request.
pub fn markdown(view: &Comparison<'_>) -> String {
    let mut out = Comment::default();
    let foreign = view.count(Way::Gained, Side::Foreign);
    let unknown = view.count(Way::Gained, Side::Unknown);
    let gained = match (foreign.powers, unknown.powers) {
        (0, 0) => "Nobody abroad gains a power".to_owned(),
        (0, powers) => format!("Nobody abroad gains a power, somebody unknown gains {}", count(powers, "power")),
        (powers, _) => format!("{} gained from abroad, over {}", count(powers, "power"), count(foreign.parts, "part")),
    };
    out.line(&format!("### {gained}"));
    out.line("");
    let lost = view.count(Way::Lost, Side::Foreign);
    let numbers = [
        format!("From {} to {}.", code(view.before), code(view.after)),
        format!("Lost abroad: {} over {}.", count(lost.powers, "power"), count(lost.parts, "part")),
        format!("Gained by somebody unknown: {}.", unknown.powers),
        format!("Gained from home: {}.", view.count(Way::Gained, Side::Home).powers),
        format!("Home: {}.", view.home.names.join(", ")),
    ];
    out.line(&numbers.join(" "));
    if view.diff.is_empty() {
        out.line("\nNothing changed.");
    }
    groups(view, Way::Gained, &mut out);
    groups(view, Way::Lost, &mut out);
    changes(view, &mut out);
    told("Findings", &view.diff.findings, &mut out);
    told("Not understood", &view.diff.unresolved, &mut out);
    told("Files with problems", &view.diff.diagnostics, &mut out);
    out.finish()
}

/// Lines up to the size of a comment; those after it are counted.
#[derive(Default)]
struct Comment {
    text: String,
    chars: usize,
    left_out: usize,
}

impl Comment {
    fn line(&mut self, line: &str) {
        let chars = line.chars().count() + 1;
        if self.left_out > 0 || self.chars + chars > MAX_COMMENT_CHARS {
            self.left_out += 1;
            return;
        }
        self.chars += chars;
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn finish(mut self) -> String {
        if self.left_out > 0 {
            self.text.push_str(&format!("\n{} more lines: `allod diff` shows them.\n", self.left_out));
        }
        self.text
    }
}

fn groups(view: &Comparison<'_>, way: Way, out: &mut Comment) {
    let groups = view.by_side(way);
    if groups.is_empty() {
        return;
    }
    out.line(if way == Way::Gained { "\n#### Gained\n" } else { "\n#### Lost\n" });
    for (_, group) in groups {
        let (words, ids) = cause(way, &group.cause);
        let seen = place(group.cause.seen);
        let seen = if seen.is_empty() { String::new() } else { format!(" ({})", code(&seen)) };
        out.line(&format!("- {words} {}{seen}", code(&ids)));
        for line in lines(view, way, group) {
            let names = names(&group.cause, &line.components, NAMES_SHOWN, code);
            let through = through(&group.cause, &line, NAMES_SHOWN, code);
            let side = match line.side {
                _ if line.hint => " (hint only)",
                Side::Foreign if way == Way::Gained => " (abroad)",
                _ => "",
            };
            let holder = if line.side == Side::Foreign { format!("**{}**", line.holder) } else { line.holder.clone() };
            out.line(&format!("  - {holder}{side}: {} over {names}{through}", prose(&line.powers)));
        }
    }
}

fn changes(view: &Comparison<'_>, out: &mut Comment) {
    let diff = view.diff;
    let controllers = diff.controllers.iter();
    let locations = diff.locations.iter();
    section(
        "Controlled by somebody else",
        controllers.map(|one| {
            format!("{}: {} → {}", code(&one.after.id), code(&control(one.before)), code(&control(one.after)))
        }),
        out,
    );
    section(
        "Located elsewhere",
        locations.map(|one| {
            format!("{}: {} → {}", code(&one.after.id), code(&location(one.before)), code(&location(one.after)))
        }),
        out,
    );
    section(
        "Moved or of another version",
        diff.renamed.iter().map(|(before, after)| format!("{} → {}", code(&before.id), code(&after.id))),
        out,
    );
}

fn told(title: &str, remarks: &Remarks<'_>, out: &mut Comment) {
    let entry = |word: &str, one: &Remark| {
        format!("{word} {} {}: {}", one.code, code(&place(one.seen.as_ref())), code(&one.message))
    };
    let gained = remarks.gained.iter().map(|(one, _)| entry("new:", one));
    let lost = remarks.lost.iter().map(|(one, _)| entry("gone:", one));
    section(title, gained.chain(lost), out);
}

/// A list that is folded away, when there is anything in it.
fn section(title: &str, entries: impl Iterator<Item = String>, out: &mut Comment) {
    let entries: Vec<String> = entries.collect();
    if entries.is_empty() {
        return;
    }
    out.line(&format!("\n<details><summary>{title} ({})</summary>\n", entries.len()));
    entries.iter().for_each(|entry| out.line(&format!("- {entry}")));
    out.line("\n</details>");
}

/// A text from a file as code: there it is no markup, mentions nobody and links nowhere.
fn code(text: &str) -> String {
    let clean = |one: char| match one {
        '`' => '\'',
        one if one.is_control() => '\u{fffd}',
        one => one,
    };
    let mut text: String = text.chars().take(MAX_CODE_CHARS + 1).map(clean).collect();
    if text.chars().count() > MAX_CODE_CHARS {
        text = text.chars().take(MAX_CODE_CHARS - 1).chain(std::iter::once('…')).collect();
    }
    format!("`{text}`")
}

/// Names of data classes are the user's words: letters and digits stay as they are, anything else is escaped.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for one in text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }) {
        if one.is_ascii_punctuation() && !matches!(one, ',' | '.' | ':' | '(' | ')' | '-' | '@') {
            out.push('\\');
        }
        out.push(one);
        if one == '@' {
            // A mention needs its name to follow at once.
            out.push('\u{200b}');
        }
    }
    out
}

//! What the pictures (Mermaid, Graphviz) show of an audit: the parts by layer, the links between them. The two differ
//! in syntax only.

use crate::table::cut_end;
use crate::{Audit, Show, Side, codes};
use allod_facts::Layer;
use allod_stack::{Edge, Part};
use std::collections::BTreeMap;

/// Longer texts are cut in a box.
const MAX_LABEL_CHARS: usize = 60;

/// The links from one part to another: one arrow.
pub(crate) struct Arrow<'a> {
    pub from: usize,
    pub to: usize,
    links: &'a [Edge],
}

impl Arrow<'_> {
    /// The kinds of its links (`built from, runs on`).
    pub fn label(&self) -> String {
        let mut kinds: Vec<&str> = self.links.iter().map(|link| link.kind.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.join(", ").replace('_', " ")
    }
}

/// The parts shown, by layer, in the order of reports.
pub(crate) fn layers(audit: &Audit<'_>, show: Show) -> BTreeMap<Layer, Vec<usize>> {
    let mut layers: BTreeMap<Layer, Vec<usize>> = BTreeMap::new();
    for (at, part) in audit.parts_shown(show) {
        layers.entry(part.layer).or_default().push(at);
    }
    layers
}

/// The arrows between parts shown, in the order of parts.
pub(crate) fn arrows<'a>(audit: &'a Audit<'_>, show: Show) -> impl Iterator<Item = Arrow<'a>> {
    let shown = move |at: usize| {
        audit.stack.parts.get(at).is_some_and(|part| show.only.is_none_or(|layer| part.layer == layer))
    };
    audit
        .stack
        .links
        .chunk_by(|a, b| (a.from, a.to) == (b.from, b.to))
        .filter_map(|links| {
            links.first().map(|first| Arrow { from: first.from as usize, to: first.to as usize, links })
        })
        .filter(move |arrow| shown(arrow.from) && shown(arrow.to))
}

/// The two lines in a box: the name; on which side it stands and, where somebody else runs it, who and from where. The
/// side is told in words, so that the picture is read without its colours.
pub(crate) fn lines(audit: &Audit<'_>, part: &Part<'_>) -> [String; 2] {
    let side = audit.side(part);
    let mut who = side_words(side).to_owned();
    if matches!(side, Side::Foreign | Side::Home) {
        let from = codes(&part.controlled_from(audit.stack.register));
        who = format!("{who} ({from}): {}", part.who(&audit.stack));
    }
    if part.is_hint() {
        who = format!("hint only, {who}");
    }
    [one_line(&part.fact.name), one_line(&who)]
}

pub(crate) fn side_words(side: Side) -> &'static str {
    match side {
        Side::Foreign => "from abroad",
        Side::Unknown => "nobody knows",
        Side::Home => "from home",
        Side::Ours => "ourselves",
    }
}

/// Fill, border and text of a side: dark text on a light fill, readable on a light and on a dark page.
pub(crate) fn colours(side: Side) -> [&'static str; 3] {
    match side {
        Side::Foreign => ["#fde2e0", "#b3261e", "#5c120d"],
        Side::Unknown => ["#fff3c4", "#8a6d00", "#4a3a00"],
        Side::Home => ["#dff3e4", "#1e7d3c", "#0f4020"],
        Side::Ours => ["#eceff3", "#56606e", "#252b33"],
    }
}

pub(crate) const SIDES: [Side; 4] = [Side::Foreign, Side::Unknown, Side::Home, Side::Ours];

/// A text for one line of a box. What would break the line or turn the writing around is shown as a replacement.
fn one_line(text: &str) -> String {
    let harmless = |one: char| match one {
        '\n' | '\r' | '\t' => ' ',
        one if one.is_control() || is_format(one) => '\u{fffd}',
        one => one,
    };
    cut_end(&text.chars().map(harmless).collect::<String>(), MAX_LABEL_CHARS)
}

/// Line separators and the marks that change the direction of writing (Unicode bidirectional controls).
fn is_format(one: char) -> bool {
    matches!(one, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn texts_of_a_box() {
        assert_eq!(one_line("a\nb\tc"), "a b c");
        assert_eq!(one_line("a\u{202e}b\u{0}"), "a\u{fffd}b\u{fffd}");
        assert_eq!(one_line(&"x".repeat(70)).chars().count(), 60);
    }
}

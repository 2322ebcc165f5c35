use crate::picture::{Arrow, SIDES, arrows, colours, layers, lines};
use crate::{Audit, Show, Side};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

/// Mermaid draws no diagram with more links (`maxEdges`) or more text (`maxTextSize`), and a diagram cannot raise these
/// defaults by itself.
/// Source: <https://mermaid.js.org/config/schema-docs/config.html>.
const MAX_ARROWS: usize = 500;
const MAX_TEXT: usize = 50_000;

/// Of the text, for what is neither box nor arrow: frames of layers, classes, comments.
const FRAME_TEXT: usize = 4_000;

const WORD_JOINER: char = '\u{2060}';

/// Writes the graph as a Mermaid flowchart: one frame a layer, one class a side, the kind of link at each arrow. Of a
/// graph that is larger than Mermaid draws, the links to parts from abroad and to unknown ones come first; a comment and
/// a box tell how much is missing.
/// Source: <https://mermaid.js.org/syntax/flowchart.html>.
///
/// # Errors
/// What writing gives.
pub fn mermaid(audit: &Audit<'_>, show: Show, out: &mut dyn Write) -> std::io::Result<()> {
    let arrows: Vec<Arrow<'_>> = arrows(audit, show).collect();
    let boxes: BTreeMap<usize, String> =
        layers(audit, show).into_values().flatten().map(|at| (at, node(audit, at))).collect();
    let drawn = choose(audit, &boxes, &arrows);
    writeln!(out, "flowchart LR")?;
    let (parts, links) = (boxes.len() - drawn.parts, arrows.len() - drawn.arrows);
    if parts + links > 0 {
        writeln!(
            out,
            "  %% Mermaid draws {MAX_ARROWS} links and {MAX_TEXT} characters at most: {parts} of {} parts and {links} of {} links are left out",
            boxes.len(),
            arrows.len()
        )?;
        writeln!(out, "  more[\"not drawn: {parts} parts, {links} links\"]")?;
    }
    for (layer, parts) in layers(audit, show) {
        let mut framed = parts.iter().filter(|at| drawn.part(**at)).filter_map(|at| boxes.get(at)).peekable();
        if framed.peek().is_none() {
            continue;
        }
        writeln!(out, "  subgraph layer_{}[\"{}\"]", layer.name().replace('-', "_"), label(layer.name()))?;
        framed.try_for_each(|node| writeln!(out, "    {node}"))?;
        writeln!(out, "  end")?;
    }
    for (_, arrow) in arrows.iter().enumerate().filter(|(at, _)| drawn.arrow(*at)) {
        writeln!(out, "  {}", line(arrow))?;
    }
    SIDES.iter().try_for_each(|side| {
        let [fill, border, text] = colours(*side);
        writeln!(out, "  classDef {} fill:{fill},stroke:{border},color:{text}", side.name())
    })
}

fn node(audit: &Audit<'_>, at: usize) -> String {
    let Some(part) = audit.stack.parts.get(at) else { return String::new() };
    let [name, who] = lines(audit, part);
    format!("n{at}[\"{}<br/>{}\"]:::{}", label(&name), label(&who), audit.side(part).name())
}

fn line(arrow: &Arrow<'_>) -> String {
    format!("n{} -->|\"{}\"| n{}", arrow.from, label(&arrow.label()), arrow.to)
}

/// What is drawn of a graph.
#[derive(Default)]
struct Drawn {
    part_flags: Vec<bool>,
    arrow_flags: Vec<bool>,
    parts: usize,
    arrows: usize,
}

impl Drawn {
    fn part(&self, at: usize) -> bool {
        self.part_flags.get(at).copied().unwrap_or(false)
    }

    fn arrow(&self, at: usize) -> bool {
        self.arrow_flags.get(at).copied().unwrap_or(false)
    }
}

/// Chooses what fits: arrows by the side of their end, each with its two boxes, then boxes that no arrow touches.
fn choose(audit: &Audit<'_>, boxes: &BTreeMap<usize, String>, arrows: &[Arrow<'_>]) -> Drawn {
    let side = |at: usize| audit.stack.parts.get(at).map_or(Side::Ours, |part| audit.side(part));
    // The four spaces and the end of the line count, too.
    let cost_of_box = |at: usize| boxes.get(&at).map_or(0, |node| node.len() + 5);
    let mut drawn = Drawn {
        part_flags: vec![false; audit.stack.parts.len()],
        arrow_flags: vec![false; arrows.len()],
        ..Drawn::default()
    };
    let mut room = MAX_TEXT - FRAME_TEXT;
    let mut order: Vec<usize> = (0..arrows.len()).collect();
    order.sort_by_key(|at| arrows.get(*at).map(|arrow| side(arrow.to)));
    for at in order {
        let Some(arrow) = arrows.get(at).filter(|_| drawn.arrows < MAX_ARROWS) else { continue };
        let ends = if arrow.from == arrow.to { vec![arrow.from] } else { vec![arrow.from, arrow.to] };
        let new: Vec<usize> = ends.into_iter().filter(|end| !drawn.part(*end)).collect();
        let cost = line(arrow).len() + 3 + new.iter().map(|end| cost_of_box(*end)).sum::<usize>();
        if cost <= room {
            room -= cost;
            drawn.arrows += 1;
            mark(&mut drawn.arrow_flags, at);
            new.iter().for_each(|end| mark(&mut drawn.part_flags, *end));
            drawn.parts += new.len();
        }
    }
    let mut alone: Vec<usize> = boxes.keys().copied().filter(|at| !drawn.part(*at)).collect();
    alone.sort_by_key(|at| side(*at));
    for at in alone {
        let cost = cost_of_box(at);
        if cost <= room {
            room -= cost;
            mark(&mut drawn.part_flags, at);
            drawn.parts += 1;
        }
    }
    drawn
}

fn mark(flags: &mut [bool], at: usize) {
    if let Some(flag) = flags.get_mut(at) {
        *flag = true;
    }
}

/// A text between the quotes of a label. Whatever could mean something to Mermaid (its syntax, a directive, Markdown,
/// HTML) is an entity code. What it looks for once the codes are text again (`\n`, a formula between `$$`, the icon of
/// `fa:fa-user`) is parted by a word joiner, which nobody sees.
fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, (start, one)) in text.char_indices().enumerate() {
        let rest = text.get(start + one.len_utf8()..).unwrap_or_default();
        let plain = !one.is_ascii()
            || one.is_ascii_alphanumeric()
            || matches!(one, ' ' | '(' | ')' | ',' | '/')
            // A number or a dash at the start would begin a list.
            || matches!(one, '.' | '-') && at > 1 && rest.starts_with(|next: char| !next.is_whitespace());
        if plain {
            out.push(one);
        } else {
            let _ = write!(out, "#{};", u32::from(one));
        }
        if matches!(one, '\\' | '$') || one == ':' && rest.starts_with("fa-") {
            out.push(WORD_JOINER);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels() {
        let check = |text: &str, expect: &str| assert_eq!(label(text), expect, "{text}");
        check("api.mistral.ai", "api.mistral.ai");
        check("say \"x\"]", "say #34;x#34;#93;");
        check("a --> b", "a --#62; b");
        check("%%{init: {}}%%", "#37;#37;#123;init#58; #123;#125;#125;#37;#37;");
        check("1. one", "1#46; one");
        check("- item", "#45; item");
        check("#quot;", "#35;quot#59;");
        check("Zürich 日本", "Zürich 日本");
        check("\\n", "#92;\u{2060}n");
        check("$$x$$", "#36;\u{2060}#36;\u{2060}x#36;\u{2060}#36;\u{2060}");
        check("fa:fa-user", "fa#58;\u{2060}fa-user");
        check("a:b", "a#58;b");
    }
}

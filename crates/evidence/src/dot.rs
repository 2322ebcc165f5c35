use crate::picture::{SIDES, arrows, colours, layers, lines, side_words};
use crate::{Audit, Show};
use std::io::Write;

/// Writes the graph in Graphviz' DOT: one cluster a layer, coloured by side, the kind of link at each arrow. Node ids are
/// component ids. The whole graph, however large: `dot` lays out some thousands of parts, `sfdp` more.
/// Source: <https://graphviz.org/doc/info/lang.html>.
///
/// # Errors
/// What writing gives.
pub fn dot(audit: &Audit<'_>, show: Show, out: &mut dyn Write) -> std::io::Result<()> {
    let id = |at: usize| audit.stack.parts.get(at).map_or(String::new(), |part| quoted(&part.fact.id));
    writeln!(out, "digraph allod {{")?;
    writeln!(out, "  graph [rankdir=LR, fontname=\"sans-serif\", charset=\"UTF-8\", bgcolor=\"#ffffff\"];")?;
    writeln!(out, "  node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\", fontsize=11];")?;
    writeln!(out, "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#56606e\", fontcolor=\"#252b33\"];")?;
    for side in SIDES {
        let [fill, border, _] = colours(side);
        writeln!(out, "  // {}: fill {fill}, border {border}", side_words(side))?;
    }
    for (layer, parts) in layers(audit, show) {
        writeln!(out, "  subgraph {} {{", quoted(&format!("cluster_{}", layer.name())))?;
        writeln!(out, "    label={}; color=\"#c3c9d1\"; fontcolor=\"#252b33\";", label(layer.name()))?;
        for at in parts {
            let Some(part) = audit.stack.parts.get(at) else { continue };
            let [name, who] = lines(audit, part);
            let [fill, border, text] = colours(audit.side(part));
            let dashed = if part.is_hint() { ", style=\"filled,rounded,dashed\"" } else { "" };
            writeln!(
                out,
                "    {} [label={}, fillcolor=\"{fill}\", color=\"{border}\", fontcolor=\"{text}\"{dashed}];",
                id(at),
                label(&format!("{name}\n{who}")),
            )?;
        }
        writeln!(out, "  }}")?;
    }
    for arrow in arrows(audit, show) {
        writeln!(out, "  {} -> {} [label={}];", id(arrow.from), id(arrow.to), label(&arrow.label()))?;
    }
    writeln!(out, "}}")
}

/// A text as an id. In a quoted string `\"` is the only escape, and an odd backslash at its end would escape the quote:
/// all are doubled.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for one in text.chars() {
        match one {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push('\u{fffd}'),
            one => out.push(one),
        }
    }
    out.push('"');
    out
}

/// A text as a label, where `\N` and `&amp;` would be understood, too.
fn label(text: &str) -> String {
    quoted(&text.replace('&', "&amp;")).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(quoted(r#"a"b\"#), r#""a\"b\\""#);
        assert_eq!(label("a\\N &lt;\nb"), r#""a\\N &amp;lt;\nb""#);
    }
}

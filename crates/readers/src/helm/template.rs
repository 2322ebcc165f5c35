//! A look through Go templates without running them: control lines are blanked, simple values are looked up in
//! `values.yaml`, and everything else becomes a hole. Line numbers stay those of the file.

mod expression;

use crate::limits::MAX_TEXT_BYTES;
use crate::node::Node;
use allod_facts::Evidence;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands in the rendered text where only the template engine could know the value. A private character: no host and
/// no image has it, so nothing that holds one is ever taken for known.
pub(crate) const HOLE: char = '\u{e0a1}';

/// What a template can refer to.
#[derive(Debug, Default)]
pub(crate) struct Scope<'a> {
    pub values: Option<Tree<'a>>,
    pub chart: Option<Tree<'a>>,
    /// Named templates with their text.
    pub defines: BTreeMap<String, String>,
}

/// A tree of values and the file it stands in.
#[derive(Clone, Debug)]
pub(crate) struct Tree<'a> {
    pub node: &'a Node,
    pub path: Arc<str>,
    pub reader: &'static str,
}

impl Tree<'_> {
    pub fn seen(&self, node: &Node) -> Evidence {
        Evidence::line(&self.path, node.line, self.reader)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub text: String,
    /// Line of the rendered text to the places that its values come from.
    pub origins: FxHashMap<u32, Vec<Evidence>>,
    /// How many values only the engine could know, and the line of the first.
    pub holes: u32,
    pub first_hole: u32,
}

/// A piece of a template.
enum Piece<'a> {
    Text(&'a str),
    /// What stands between `{{` and `}}`, trim marks removed.
    Action(&'a str),
}

/// Renders what can be known without an engine.
pub(crate) fn render(text: &str, scope: &Scope<'_>) -> Rendered {
    let mut out = Rendered::default();
    let mut state = expression::State::new(scope);
    let mut line_text = String::new();
    let mut line = 1_u32;
    // Whether the line so far has nothing but white space and control actions.
    let mut only_control = true;
    let mut had_action = false;
    let mut flow = 0_u32;
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => {
                for (at, part) in text.split('\n').enumerate() {
                    if at > 0 {
                        end_line(&mut out, &mut line_text, &mut line, had_action && only_control);
                        (only_control, had_action, flow) = (true, false, 0);
                    }
                    only_control &= part.trim().is_empty();
                    if flow == 0 || part.trim().is_empty() {
                        line_text.push_str(part);
                    }
                }
            }
            Piece::Action(action) => {
                had_action = true;
                let lines = action.matches('\n').count() as u32;
                match state.act(action) {
                    // Control in the middle of a line: one of several texts, so none of them is known.
                    expression::Act::Open if !only_control => {
                        flow += 1;
                        hole(&mut out, &mut line_text, line, action);
                    }
                    expression::Act::Close => flow = flow.saturating_sub(1),
                    expression::Act::Open | expression::Act::Silent => {}
                    expression::Act::Value(_) if flow > 0 => {}
                    expression::Act::Value(Some(value)) => {
                        only_control = false;
                        line_text.push_str(&value.text);
                        out.origins.entry(line).or_default().extend(value.seen);
                    }
                    expression::Act::Value(None) => {
                        if line_text.trim().is_empty() && expression::splices_block(action) {
                            // A block spliced in on a line of its own: its lines are not known at all.
                            count_hole(&mut out, line, action);
                        } else {
                            only_control = false;
                            hole(&mut out, &mut line_text, line, action);
                        }
                    }
                }
                for _ in 0..lines {
                    end_line(&mut out, &mut line_text, &mut line, only_control);
                }
            }
        }
    }
    end_line(&mut out, &mut line_text, &mut line, had_action && only_control);
    out
}

fn end_line(out: &mut Rendered, line_text: &mut String, line: &mut u32, blank: bool) {
    if !blank && out.text.len() < MAX_TEXT_BYTES.saturating_mul(8) {
        out.text.push_str(line_text);
    }
    out.text.push('\n');
    line_text.clear();
    *line += 1;
}

/// Keys of which the value is a name, a label or a number: a hole there hides no dependency.
const HARMLESS_KEYS: &[&str] = &[
    "name",
    "namespace",
    "app",
    "release",
    "chart",
    "heritage",
    "replicas",
    "port",
    "targetPort",
    "containerPort",
    "nodePort",
    "serviceAccountName",
    "revisionHistoryLimit",
    "cpu",
    "memory",
    "imagePullPolicy",
    "pullPolicy",
    "number",
    "protocol",
    "secretName",
    "component",
    "version",
    "helm.sh/chart",
    "apiVersion",
    "kind",
    "claimName",
    "key",
    "mountPath",
    "subPath",
    "weight",
    "priorityClassName",
    "schedulerName",
    "terminationGracePeriodSeconds",
    "minReplicas",
    "maxReplicas",
    "storage",
    "accessModes",
    "path",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "failureThreshold",
    "successThreshold",
    "runAsUser",
    "runAsGroup",
    "fsGroup",
    "schedule",
    "concurrencyPolicy",
    "backoffLimit",
    "type",
    "checksum/config",
];

/// Actions that splice in labels, settings of pods and the like.
const HARMLESS_ACTIONS: &[&str] = &[
    "labels",
    "Labels",
    "annotations",
    "Annotations",
    ".Release.",
    "name\"",
    "Name\"",
    "esources",
    "ffinity",
    "oleration",
    "odeSelector",
    "ecurityContext",
    "robe",
    "ullSecrets",
    "matchLabels",
    "rules",
    "serviceAccount",
    "topologySpread",
    "sha256sum",
    "apabilities",
    "apiVersion",
    "lifecycle",
    "updateStrategy",
    "strategy",
    "hostAliases",
    "dnsConfig",
    "policy",
    "randAlpha",
    "lookup",
];

fn hole(out: &mut Rendered, line_text: &mut String, line: u32, action: &str) {
    let key = line_text
        .trim_start()
        .trim_start_matches("- ")
        .split(':')
        .next()
        .unwrap_or("")
        .trim()
        .trim_matches('"')
        .to_owned();
    line_text.push(HOLE);
    // A list item or a key of its own is never harmless by its name.
    if !line_text.contains(':') || !HARMLESS_KEYS.contains(&key.rsplit('/').next().unwrap_or("")) {
        count_hole(out, line, action);
    }
}

fn count_hole(out: &mut Rendered, line: u32, action: &str) {
    if HARMLESS_ACTIONS.iter().any(|word| action.contains(word)) {
        return;
    }
    if out.holes == 0 {
        out.first_hole = line;
    }
    out.holes += 1;
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        pieces.push(Piece::Text(before));
        let comment = after.trim_start_matches('-').trim_start().starts_with("/*");
        let end = if comment {
            after.find("*/").and_then(|at| Some(at + after.get(at..)?.find("}}")?))
        } else {
            action_end(after)
        };
        let Some((action, behind)) = end.and_then(|at| Some((after.get(..at)?, after.get(at + 2..)?))) else {
            // An action without an end: the rest of the file is not text that anybody means literally.
            pieces.push(Piece::Action(after));
            return pieces;
        };
        let action = action.strip_prefix('-').unwrap_or(action);
        pieces.push(Piece::Action(action.strip_suffix('-').unwrap_or(action)));
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Where `}}` ends an action: braces in a text between quotes belong to the text. An open quote ends with its line, so
/// that a broken one costs no more than that.
fn action_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(_), '\n') => return text.find("}}"),
            (Some(open), c) if c == open && !escaped => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '}') if text.get(at + 1..).is_some_and(|rest| rest.starts_with('}')) => return Some(at),
            _ => {}
        }
        escaped = false;
    }
    text.find("}}")
}

/// The named templates of a file, with their bodies.
pub(crate) fn defines(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    let mut depth = 0_u32;
    for piece in pieces(text) {
        match (piece, &mut open) {
            (Piece::Text(text), Some((_, body))) => body.push_str(text),
            (Piece::Text(_), None) => {}
            (Piece::Action(action), open) => {
                let mut words = action.split_whitespace();
                match words.next() {
                    Some("define") if open.is_none() => {
                        let name = words.next().unwrap_or("").trim_matches('"');
                        *open = Some((name.to_owned(), String::new()));
                        depth = 0;
                        continue;
                    }
                    Some("if" | "with" | "range" | "block" | "define") => depth += 1,
                    Some("end") if depth == 0 => {
                        found.extend(open.take());
                        continue;
                    }
                    Some("end") => depth -= 1,
                    _ => {}
                }
                if let Some((_, body)) = open {
                    body.push_str(&format!("{{{{ {} }}}}", action.trim()));
                }
            }
        }
    }
    found
}

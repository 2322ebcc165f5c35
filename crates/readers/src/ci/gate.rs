//! Jobs that let nothing through that the rules do not allow.

use super::job::Job;
use crate::command::gate::{Gate, Shell, gate, is_gate};
use crate::files::{Files, join};
use crate::node::{Node, Value, parse_yaml_document};
use allod_facts::{Evidence, Facts, Record, RecordKind};

impl Job<'_> {
    /// Adds the gate of a script, if the job fails with it.
    pub(super) fn gates(&self, facts: &mut Facts, lines: &[(u32, &str)]) {
        let Some(shell) = self.shell else { return };
        let line = match gate(lines, shell) {
            Some(Gate::Allod(line)) => line,
            Some(Gate::Hooks(hook, line)) if hooks_check(self.files, &self.root, hook.as_deref()) => line,
            _ => return,
        };
        self.is_gate(facts, self.seen(line));
    }

    /// The gates of commands that one shell runs one after the other.
    pub(super) fn gates_of<'n>(&mut self, facts: &mut Facts, commands: impl Iterator<Item = &'n Node>, fails: bool) {
        let lines: Vec<(u32, &str)> = commands.flat_map(lines_of).collect();
        self.shell = fails.then_some(Shell { stops: true, pipefail: false });
        self.gates(facts, &lines);
        self.shell = None;
    }

    pub(super) fn is_gate(&self, facts: &mut Facts, evidence: Evidence) {
        if let Some(component) = facts.get_mut(self.own) {
            component.record(Record { kind: RecordKind::RuleGate, days: None, evidence });
        }
    }
}

/// Whether the hooks of pre-commit check the rules, or the one with an id does.
pub(super) fn hooks_check(files: &Files, root: &str, only: Option<&str>) -> bool {
    let Some(path) = join(root, ".pre-commit-config.yaml") else { return false };
    let Some(Ok(text)) = files.text(&path) else { return false };
    let Ok(config) = parse_yaml_document(&text) else { return false };
    let repositories = config.get("repos").map(Node::items).unwrap_or_default();
    let hooks = repositories.iter().flat_map(|one| one.get("hooks").map(Node::items).unwrap_or_default());
    hooks.into_iter().any(|hook| {
        let id = hook.str_at(&["id"]).unwrap_or_default();
        let entry: Vec<String> =
            hook.str_at(&["entry"]).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let arguments = hook.get("args").map(Node::items).unwrap_or_default().iter().filter_map(Node::as_str);
        let words: Vec<String> = entry.iter().cloned().chain(arguments.map(str::to_owned)).collect();
        let named = id == "allod-check" && !words.iter().any(|word| word == "--exit-zero");
        let manual = hook.get("stages").map(Node::items).unwrap_or_default();
        let runs = manual.is_empty() || manual.iter().any(|stage| stage.as_str() != Some("manual"));
        runs && only.is_none_or(|only| only == id) && (is_gate(&words) || entry.is_empty() && named)
    })
}

/// The lines of a scalar with their numbers.
pub(super) fn lines_of(node: &Node) -> Vec<(u32, &str)> {
    let Some(text) = node.as_str() else { return Vec::new() };
    let literal = matches!(&node.value, Value::Scalar(scalar) if scalar.literal);
    (0..).zip(text.lines()).map(|(at, line)| (if literal { node.line + at } else { node.line }, line)).collect()
}

/// The shell of a step of GitHub's language (source: "defaults.run.shell" in its reference): `bash -e` when nothing is
/// said, `bash -eo pipefail` for `bash`; what one writes out oneself is as it is written.
pub(super) fn github_shell(stated: Option<&str>) -> Option<Shell> {
    match stated {
        None => Some(Shell { stops: true, pipefail: false }),
        Some("bash") => Some(Shell { stops: true, pipefail: true }),
        Some("sh") => Some(Shell { stops: true, pipefail: false }),
        Some(text) if text.starts_with("bash") || text.starts_with("sh ") => {
            let flags = || text.split_whitespace().filter(|word| word.starts_with('-') && !word.starts_with("--"));
            let stops = flags().any(|word| word.contains('e'));
            Some(Shell { stops, pipefail: text.contains("pipefail") })
        }
        Some(_) => None,
    }
}

/// Whether a switch that lets a job or step pass all the same is off: one that only a run decides is not.
pub(super) fn is_off(node: Option<&Node>) -> bool {
    node.is_none_or(|node| node.as_bool() == Some(false))
}

/// Whether a job of GitLab fails its pipeline.
pub(super) fn gitlab_fails(job: &Node) -> bool {
    let rules = job.get("rules").map(Node::items).unwrap_or_default();
    let stated = job.get("allow_failure");
    // A manual job may fail unless it says otherwise.
    let manual = job.str_at(&["when"]) == Some("manual") && stated.is_none();
    let never = job.str_at(&["when"]) == Some("never");
    !manual && !never && is_off(stated) && rules.iter().all(|rule| is_off(rule.get("allow_failure")))
}

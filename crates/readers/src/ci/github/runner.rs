//! `runs-on`: whose machine a job runs on.

use super::super::expression::Scope;
use super::File;
use crate::node::Node;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, Role};

/// Adds the component of a job. Its first evidence is the line that says where it runs.
pub(super) fn add(
    file: &File<'_>,
    facts: &mut Facts,
    id: &str,
    name: &str,
    line: u32,
    node: &Node,
    scope: &Scope,
) -> ComponentRef {
    let entry = node.entry("runs-on");
    let first = entry.or_else(|| node.entry("uses")).map_or(line, |(key, _)| key.line);
    let mut runs = Runs { labels: Vec::new(), also: Vec::new(), confidence: Confidence::High, problems: Vec::new() };
    if let Some((_, value)) = entry {
        runs.read(value, scope, &|line| file.seen(line));
    }
    let mut component = Component::new(id, name, "job", Layer::Ci, Role::Own, file.seen(first));
    component.evidence.extend(runs.also.iter().cloned());
    if first != line {
        component.evidence.push(file.seen(line));
    }
    component.confidence = runs.confidence;
    let known = file.flavour.known;
    let own_runner = runs.labels.iter().any(|label| label == "self-hosted");
    let mut unknown = Vec::new();
    for label in &runs.labels {
        if is_hosted(label, file.flavour.github_runners) && !own_runner {
            component.clues.push(Clue::new(ClueKind::Runner, label));
        } else if !own_runner {
            unknown.push(label.clone());
        }
    }
    let hosted = !component.clues.is_empty();
    // A job of an own runner is the organisation's own; the platform still orchestrates it. Where the runner is not
    // known, the platform is what is known.
    if let (Some(known), false) = (known, own_runner) {
        component.role = Role::Provided;
        component.clues.push(Clue::new(ClueKind::CiPlatform, known));
    } else if hosted {
        component.role = Role::Provided;
    }
    let own = facts.add(component);
    if !hosted && !own_runner {
        for label in unknown.iter().take(10) {
            let message = format!(
                "nobody's hosted runners are known to have the label `{label}`: whose machine it is is not known"
            );
            facts.unresolved("U010", message, Some(own), file.seen(first));
        }
    }
    for (code, message) in runs.problems {
        facts.unresolved(code, message, Some(own), file.seen(first));
    }
    own
}

struct Runs {
    labels: Vec<String>,
    also: Vec<Evidence>,
    confidence: Confidence,
    problems: Vec<(&'static str, String)>,
}

impl Runs {
    fn read(&mut self, value: &Node, scope: &Scope, seen: &dyn Fn(u32) -> Evidence) {
        if value.as_map().is_some() {
            if let Some(labels) = value.get("labels") {
                self.read(labels, scope, seen);
            }
            if let Some(group) = value.str_at(&["group"]) {
                let message = format!("the runner group `{group}` can hold hosted and own machines");
                if self.labels.is_empty() {
                    self.problems.push(("U010", message));
                }
            }
            return;
        }
        for item in value.items() {
            let Some(text) = item.as_str() else { continue };
            match scope.resolve(text) {
                Ok(outcomes) => {
                    for one in outcomes {
                        self.labels
                            .extend(one.text.split(',').map(|label| label.trim().to_owned()).filter(|l| !l.is_empty()));
                        self.also.extend(one.also);
                        self.confidence = self.confidence.min(one.confidence);
                    }
                }
                Err(problem) => self.problems.push(problem),
            }
        }
        let own = seen(value.line);
        self.labels.dedup();
        self.also.sort();
        self.also.dedup();
        self.also.retain(|line| *line != own);
    }
}

/// Labels of machines that somebody hosts: GitHub's images and the companies that sell runners.
fn is_hosted(label: &str, github: bool) -> bool {
    const GITHUB: &[&str] = &["ubuntu-", "windows-", "macos-"];
    const OTHERS: &[&str] = &[
        "buildjet-",
        "depot-",
        "namespace-profile-",
        "nscloud-",
        "blacksmith-",
        "warp-",
        "ubicloud",
        "cirun-",
        "codebuild-",
        "codeberg-",
        "runs-on=",
        "runson-",
        "cirrus-",
        "garm-",
        "bitrise-",
        "latchkey-",
    ];
    let lower = label.to_ascii_lowercase();
    let starts = |all: &[&str]| all.iter().any(|start| lower.starts_with(start));
    github && starts(GITHUB) || starts(OTHERS)
}

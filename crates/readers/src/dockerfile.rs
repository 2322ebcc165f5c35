//! Dockerfiles: the images that stages begin from, what is copied from other images, the hosts that a build fetches
//! from and the registries that its package managers use. Nothing is built.

mod instructions;
mod plain;

use crate::command::{self, Script};
use crate::destination::{self, Use};
use crate::files::Files;
use crate::node::{Node, Value};
use crate::settings::{self, Reading, Setting};
use crate::variables::{Expanded, Known, Syntax, expand};
use crate::{Read, Reader, Scope};
use allod_facts::{Component, ComponentRef, Diagnostic, Evidence, Facts, Layer, LinkKind, Mitigation, Role, Severity};
use instructions::{Instruction, parse};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use plain::plain;

pub const READER: Reader =
    Reader { id: "dockerfile", about: "Dockerfiles", scope: Scope::File, read: Read::Loaded(read) };

const ID: &str = "dockerfile";

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        let shared = files.shared_path(path);
        match files.text(path) {
            Some(Ok(text)) => {
                let Some(component) = component(files, path) else { continue };
                let own = facts.add(component);
                read_text(&mut facts, own, &shared, &text, 1, ID);
            }
            Some(Err(_)) => facts.diagnostics.push(Diagnostic {
                code: "D002",
                severity: Severity::Error,
                message: "not a text file".into(),
                path: shared,
                line: 0,
                hint: None,
            }),
            None => {}
        }
    }
    facts
}

/// The component of a Dockerfile of the tree; the same one for everybody who builds from it.
pub(crate) fn component(files: &Files, path: &str) -> Option<Component> {
    let text = files.text(path)?.ok()?;
    let shared = files.shared_path(path);
    let is_from = |line: &str| line.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("from "));
    let line = (1..).zip(text.lines()).find(|(_, line)| is_from(line)).map_or(1, |(number, _)| number);
    let seen = Evidence::line(&shared, line, ID);
    Some(Component::new(&format!("dockerfile:{path}"), path, "dockerfile", Layer::Application, Role::Own, seen))
}

/// Images of a Dockerfile that a build argument decides, as written, each with the argument's name.
pub(crate) fn images_by_argument(files: &Files, path: &str) -> Vec<(String, String)> {
    let Some(Ok(text)) = files.text(path) else { return Vec::new() };
    let mut found = Vec::new();
    for instruction in parse(&text, 1).iter().filter(|instruction| instruction.word == "FROM") {
        let words = instruction.words();
        let Some((_, image)) = words.iter().find(|(_, word)| !word.starts_with("--")) else { continue };
        if image.contains('$') {
            let missing = expand(image, Syntax::Shell, &|_| None).missing;
            found.extend(missing.into_iter().map(|argument| (image.clone(), argument)));
        }
    }
    found
}

/// Reads a Dockerfile that stands inside another file, for a component of that file.
pub(crate) fn read_inline(facts: &mut Facts, own: ComponentRef, path: &Arc<str>, node: &Node, reader: &'static str) {
    if let Value::Scalar(scalar) = &node.value {
        read_text(facts, own, path, &scalar.text, node.line, reader);
    }
}

fn read_text(facts: &mut Facts, own: ComponentRef, path: &Arc<str>, text: &str, first_line: u32, reader: &'static str) {
    let mut file = File { reader, ..File::new(own, path) };
    if let Some(frontend) = text.lines().next().and_then(|line| {
        let (key, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
        (key.trim() == "syntax").then_some(value.trim())
    }) {
        // BuildKit fetches the frontend from the registry that the first line names.
        file.link_image(facts, frontend, first_line, &Expanded { text: frontend.to_owned(), ..Expanded::default() });
    }
    for instruction in parse(text, first_line) {
        file.read(facts, &instruction);
    }
}

/// What is known at a point of a Dockerfile.
struct File<'a> {
    own: ComponentRef,
    path: &'a Arc<str>,
    reader: &'static str,
    /// Names of the stages so far, lower case.
    stages: HashSet<String>,
    /// `ARG` before the first `FROM`.
    global: HashMap<String, Known>,
    /// `ARG` and `ENV` of the stage.
    local: HashMap<String, Known>,
    in_stage: bool,
}

impl<'a> File<'a> {
    fn new(own: ComponentRef, path: &'a Arc<str>) -> File<'a> {
        File {
            own,
            path,
            reader: ID,
            stages: HashSet::new(),
            global: HashMap::new(),
            local: HashMap::new(),
            in_stage: false,
        }
    }

    fn read(&mut self, facts: &mut Facts, instruction: &Instruction<'_>) {
        match instruction.word.as_str() {
            "FROM" => self.from(facts, instruction),
            "ARG" => self.arg(instruction),
            "ENV" => self.env(facts, instruction),
            "COPY" | "ADD" => self.copy(facts, instruction),
            "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK" => self.run(facts, instruction),
            "ONBUILD" => {
                if let Some(inner) = instruction.inner() {
                    self.read(facts, &inner);
                }
            }
            _ => {}
        }
    }

    fn seen(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, self.reader)
    }

    fn expand(&self, text: &str) -> Expanded {
        let known = if self.in_stage { &self.local } else { &self.global };
        expand(text, Syntax::Shell, &|name| known.get(name).cloned())
    }

    fn from(&mut self, facts: &mut Facts, instruction: &Instruction<'_>) {
        let words = instruction.words();
        let mut operands = words.iter().filter(|(_, word)| !word.starts_with("--"));
        let Some((line, written)) = operands.next() else { return };
        let expanded = expand(written, Syntax::Shell, &|name| self.global.get(name).cloned());
        let name = match (operands.next(), operands.next()) {
            (Some((_, word)), Some((_, name))) if word.eq_ignore_ascii_case("as") => Some(name.to_ascii_lowercase()),
            _ => None,
        };
        if !self.stages.contains(&expanded.text.to_ascii_lowercase()) && expanded.text != "scratch" {
            self.link_image(facts, written, *line, &expanded);
        }
        self.stages.extend(name);
        (self.in_stage, self.local) = (true, HashMap::new());
    }

    fn link_image(&self, facts: &mut Facts, written: &str, line: u32, expanded: &Expanded) {
        let mut how = Use::new(self.own, LinkKind::BuiltFrom, self.seen(line));
        how.also.clone_from(&expanded.seen);
        how.confidence = expanded.confidence();
        command::link_image_text(facts, written, expanded, &how);
    }

    fn arg(&mut self, instruction: &Instruction<'_>) {
        for (line, word) in instruction.words() {
            let known = match word.split_once('=') {
                Some((name, value)) => {
                    let value = self.expand(value.trim_matches(['"', '\''])).text;
                    Some((name.to_owned(), Known { value, seen: Some(self.seen(line)), default: true }))
                }
                // An ARG of a stage without a value takes the global one's.
                None => self.global.get(&word).map(|known| (word.clone(), known.clone())),
            };
            let Some((name, known)) = known.filter(|(_, known)| known.value.len() <= MAX_VALUE_BYTES) else { continue };
            if self.in_stage {
                self.local.insert(name, known);
            } else {
                self.global.insert(name, known);
            }
        }
    }

    fn env(&mut self, facts: &mut Facts, instruction: &Instruction<'_>) {
        let words = instruction.words();
        let mut pairs: Vec<(u32, String, String)> = Vec::new();
        match words.first() {
            Some((line, first)) if !first.contains('=') => {
                let value: Vec<&str> = words.iter().skip(1).map(|(_, word)| word.as_str()).collect();
                pairs.push((*line, first.clone(), value.join(" ")));
            }
            _ => {
                for (line, word) in &words {
                    if let Some((key, value)) = word.split_once('=') {
                        pairs.push((*line, key.to_owned(), value.trim_matches(['"', '\'']).to_owned()));
                    }
                }
            }
        }
        let mut all = Vec::new();
        for (line, key, value) in pairs {
            let expanded = self.expand(&value);
            let seen = self.seen(line);
            let confidence = expanded.confidence();
            if expanded.text.len() <= MAX_VALUE_BYTES {
                let known =
                    Known { value: expanded.text.clone(), seen: Some(seen.clone()), default: expanded.defaulted };
                self.local.insert(key.clone(), known);
            }
            all.push(Setting { key, value: Some(expanded.text), seen, also: expanded.seen, confidence });
        }
        let stem = format!("{}/", self.path);
        let how =
            Reading { owner: self.own, stem: &stem, neighbour: &|_| None, object_store_known: false, hints: true };
        settings::read(facts, &all, &how);
    }

    fn copy(&self, facts: &mut Facts, instruction: &Instruction<'_>) {
        let words = instruction.words();
        let pinned = words.iter().any(|(_, word)| word.starts_with("--checksum="));
        for (line, word) in &words {
            if let Some(from) = word.strip_prefix("--from=") {
                self.other_stage(facts, from, *line);
            } else if instruction.word == "ADD" && (word.contains("://") || word.starts_with("git@")) {
                let expanded = self.expand(word);
                let mut how = Use::new(self.own, LinkKind::BuiltFrom, self.seen(*line));
                how.also.clone_from(&expanded.seen);
                how.confidence = expanded.confidence();
                let text = expanded.text.strip_prefix("git@").and_then(|rest| rest.split(':').next());
                destination::link_to(facts, text.unwrap_or(&expanded.text), &how);
                if pinned && let Some(link) = facts.links.last_mut() {
                    link.mitigations.push(Mitigation::PinnedDigest);
                }
            }
        }
    }

    /// A `from=` that names a stage, the number of a stage, or an image.
    fn other_stage(&self, facts: &mut Facts, from: &str, line: u32) {
        let is_number = !from.is_empty() && from.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number && !self.stages.contains(&from.to_ascii_lowercase()) && from != "scratch" {
            self.link_image(facts, from, line, &self.expand(from));
        }
    }

    fn run(&self, facts: &mut Facts, instruction: &Instruction<'_>) {
        for (line, word) in instruction.words().iter().take_while(|(_, word)| word.starts_with("--")) {
            if let Some(mount) = word.strip_prefix("--mount=") {
                for from in mount.split(',').filter_map(|part| part.strip_prefix("from=")) {
                    self.other_stage(facts, from, *line);
                }
            }
        }
        let builds = instruction.word == "RUN";
        let script = Script {
            from: self.own,
            path: self.path,
            reader: self.reader,
            otherwise: if builds { LinkKind::BuiltFrom } else { LinkKind::SendsTo },
            neighbour: &|_| None,
            expand: &|text| Some(self.expand(text).text),
        };
        command::read(facts, &instruction.lines, &script, None);
    }
}

/// A longer value of `ARG` or `ENV` is not put into other texts.
const MAX_VALUE_BYTES: usize = 8192;

#[cfg(test)]
mod tests;

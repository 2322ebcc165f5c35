//! From evaluated modules to facts: components first, then the links between them.

mod artefacts;
mod backend;
mod data;
mod documents;
mod endpoint;
mod hosts;
mod links;
mod modules;
mod names;
mod provider;
mod records;
mod region;
mod resource;
mod satellite;
mod walk;

use super::endpoint_args::is_local;
use super::eval::{ABSENT, Evaluator, FAILED, Instance};
use super::layer::layer_of;
use super::module::{Module, Tree};
use super::value::{LineRef, Origin, ResourceRef, Unknown};
use crate::files::join;
use allod_facts::{Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use provider::Provider;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::rc::Rc;

pub(super) const READER_ID: &str = "terraform";

/// Reads the facts of all root modules into `facts`.
pub(super) fn emit<'t>(eval: &Evaluator<'t>, facts: Facts) -> Facts {
    let mut emitter = Emitter {
        eval,
        facts,
        resources: FxHashMap::default(),
        providers: FxHashMap::default(),
        layers: FxHashMap::default(),
        told: FxHashSet::default(),
        links: FxHashMap::default(),
        made: 0,
        root: None,
        backend: None,
    };
    for module in roots(eval.tree) {
        emitter.root_module(module);
    }
    emitter.facts
}

/// Places that are kept for one link: a module that is called a thousand times is still one link.
const MAX_LINK_EVIDENCE: usize = 64;

struct Emitter<'e, 't> {
    eval: &'e Evaluator<'t>,
    facts: Facts,
    /// The components of resource instances.
    resources: FxHashMap<ResourceRef, ComponentRef>,
    /// Provider configurations by module instance, local name and alias.
    providers: FxHashMap<(u32, String), Provider>,
    layers: FxHashMap<&'t str, Layer>,
    /// Unresolved facts that were told: the instances of one resource say the same.
    told: FxHashSet<(String, u32, u32)>,
    /// Where each link stands in the facts: a second reason for one is more evidence of it.
    links: FxHashMap<(ComponentRef, LinkKind, ComponentRef), usize>,
    /// Resource instances so far.
    made: usize,
    /// The component of the root module being read, and of its backend.
    root: Option<ComponentRef>,
    backend: Option<ComponentRef>,
}

/// Folders that no other one calls, and one of each group of folders that only call each other.
fn roots<'t>(tree: &'t Tree<'t>) -> Vec<&'t Module<'t>> {
    let called = |module: &Module<'_>| -> Vec<String> {
        let sources = module.calls.iter().filter_map(|call| call.block.body.attribute("source")?.value.literal());
        sources.filter(|source| source.starts_with('.')).filter_map(|source| join(module.dir, source)).collect()
    };
    let calls: FxHashMap<&str, Vec<String>> =
        tree.modules.values().map(|module| (module.dir, called(module))).collect();
    let other = |dir: &str, called: &&String| called.as_str() != dir;
    let all_called: BTreeSet<&str> = calls
        .iter()
        .flat_map(|(dir, called)| called.iter().filter(move |c| other(dir, c)))
        .map(String::as_str)
        .collect();
    let mut roots: Vec<&Module<'_>> = tree.modules.values().filter(|module| !all_called.contains(module.dir)).collect();
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let reach = |from: &'t str, reached: &mut BTreeSet<&'t str>| {
        let mut todo = vec![from];
        while let Some(dir) = todo.pop() {
            if let Some((dir, _)) = tree.modules.get_key_value(dir).filter(|(dir, _)| reached.insert(dir)) {
                let next = calls.get(dir).into_iter().flatten();
                todo.extend(next.filter_map(|called| tree.modules.get_key_value(called.as_str()).map(|(dir, _)| *dir)));
            }
        }
    };
    roots.iter().for_each(|module| reach(module.dir, &mut reached));
    for module in tree.modules.values() {
        if !reached.contains(module.dir) {
            roots.push(module);
            reach(module.dir, &mut reached);
        }
    }
    roots
}

impl<'t> Emitter<'_, 't> {
    fn root_module(&mut self, module: &'t Module<'t>) {
        let empty = module.resources.is_empty()
            && module.providers.is_empty()
            && module.calls.is_empty()
            && module.backends.is_empty()
            && module.required.is_empty();
        if empty {
            return;
        }
        let first = self.eval.instance_count();
        let instance = self.eval.root(module);
        let (file, line) = module.settings_line.unwrap_or((module.first_file, 1));
        let name = if module.dir.is_empty() { "." } else { module.dir };
        let seen = self.evidence(LineRef { file, line }, line);
        let component = Component::new(&format!("tf:{name}"), name, "terraform-root", Layer::Iac, Role::Own, seen);
        let root = self.facts.add(component);
        self.root = Some(root);
        self.backend = self.backend(&instance, root);
        self.tree_of(&instance);
        self.provider_blocks(first);
        let mut settings = Vec::new();
        let mut number = first;
        while let Some(instance) = self.eval.instance(number as u32) {
            self.resource_components(&instance, &mut settings);
            number += 1;
        }
        self.settle(settings);
        let mut number = first;
        while let Some(instance) = self.eval.instance(number as u32) {
            self.resource_links(&instance);
            number += 1;
        }
    }

    /// Creates the module instances below this one, so that the later passes find all of them.
    fn tree_of(&mut self, root: &Rc<Instance<'t>>) {
        let mut todo = vec![root.clone()];
        while let Some(instance) = todo.pop() {
            for number in 0..instance.module.calls.len() {
                if let Some(children) = self.eval.children(&instance, number as u32) {
                    self.module_call(&instance, number, &children);
                    todo.extend(children.instances.iter().rev().cloned());
                }
            }
        }
    }

    fn layer(&mut self, kind: &'t str) -> Layer {
        *self.layers.entry(kind).or_insert_with(|| layer_of(kind))
    }

    fn evidence(&self, at: LineRef, end_line: u32) -> Evidence {
        let path = self.eval.tree.paths.get(at.file as usize).cloned().unwrap_or_else(|| "".into());
        Evidence { path, line: at.line, end_line, reader: READER_ID }
    }

    /// Adds the lines that decided something about a component to its evidence.
    fn decided_by(&mut self, component: ComponentRef, origin: &Origin) {
        for line in origin.lines() {
            let seen = self.evidence(*line, line.line);
            if let Some(component) = self.facts.get_mut(component)
                && !component.evidence.contains(&seen)
            {
                component.evidence.push(seen);
            }
        }
    }

    /// Says once what is not known.
    fn unresolved(&mut self, unknown: &Unknown, what: &str, about: Option<ComponentRef>, at: LineRef) {
        if unknown.code == ABSENT {
            return;
        }
        let code = if unknown.code == FAILED { "U002" } else { unknown.code };
        let message = format!("{what}: {}", unknown.reason);
        if self.told.insert((message.clone(), at.file, at.line)) {
            let seen = self.evidence(at, at.line);
            self.facts.unresolved(code, message, about, seen);
        }
    }

    /// Links two components, once: seen again, a link has more evidence, and only the mitigation that it always has.
    fn link(
        &mut self,
        from: ComponentRef,
        kind: LinkKind,
        to: ComponentRef,
        seen: Evidence,
        mitigation: Option<Mitigation>,
    ) {
        if let Some(at) = self.links.get(&(from, kind, to)) {
            if let Some(known) = self.facts.links.get_mut(*at) {
                known.mitigations.retain(|known| Some(*known) == mitigation);
                if known.evidence.len() < MAX_LINK_EVIDENCE && !known.evidence.contains(&seen) {
                    known.evidence.push(seen);
                }
            }
            return;
        }
        self.links.insert((from, kind, to), self.facts.links.len());
        self.facts.link(from, kind, to, seen).mitigations.extend(mitigation);
    }

    fn lower_confidence(&mut self, component: ComponentRef, to: Confidence) {
        if let Some(component) = self.facts.get_mut(component) {
            component.confidence = component.confidence.min(to);
        }
    }
}

//! From evaluated modules to facts: components first, then the links between them.

mod artefacts;
mod backend;
mod data;
mod documents;
mod endpoint;
mod hosts;
mod labels;
mod links;
mod modules;
mod names;
mod provider;
mod recording;
mod records;
mod region;
mod resource;
mod satellite;
mod walk;

use super::endpoint_args::is_local;
use super::eval::{ABSENT, Evaluator, FAILED, Instance};
use super::layer::layer_of;
use super::module::Module;
use super::recording::Stores;
use super::value::{LineRef, Origin, ResourceRef, Unknown};
use crate::labels::Shelf;
use allod_facts::{Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use provider::Provider;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

pub(super) const READER_ID: &str = "terraform";

/// Reads the facts of root modules, by their folders, into `facts`.
pub(super) fn emit<'t>(eval: &Evaluator<'t>, roots: &[String], facts: Facts) -> Facts {
    let mut emitter = Emitter {
        eval,
        facts,
        resources: FxHashMap::default(),
        providers: FxHashMap::default(),
        layers: FxHashMap::default(),
        told: FxHashSet::default(),
        links: FxHashMap::default(),
        made: 0,
        shelf: Shelf::default(),
        stores: Stores::default(),
        root: None,
        backend: None,
    };
    for module in roots.iter().filter_map(|root| eval.tree.modules.get(root.as_str())) {
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
    shelf: Shelf,
    stores: Stores,
    /// The component of the root module being read, and of its backend.
    root: Option<ComponentRef>,
    backend: Option<ComponentRef>,
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
        self.settle_stores();
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

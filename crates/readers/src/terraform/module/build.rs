use super::json::body_of;
use super::terragrunt::{Unit, add_units, generated_text, is_terragrunt};
use super::{Backend, Mode, Module, ModuleCall, Name, Named, ProviderBlock, Required, Resource, Tree, Variable};
use crate::files::{Files, folder_of, name_of};
use crate::limits::MAX_FILE_BYTES;
use crate::node::{Broken, Node, parse_json};
use crate::terraform::parse::parse;
use crate::terraform::syntax::{Block, Body, Kind};
use allod_facts::{Diagnostic, Severity};
use std::borrow::Cow;
use std::sync::Arc;

/// A file of the tree, as text and, for the JSON syntax, as a value tree.
pub(in super::super) struct Loaded {
    path: Arc<str>,
    text: String,
    json: Option<Node>,
    /// What a Terragrunt file generates.
    generated: String,
}

impl Loaded {
    /// The file as a tree, with what broke it.
    pub(in super::super) fn body(&self) -> (Body<'_>, Option<Broken>) {
        match &self.json {
            Some(node) => (body_of(node, is_settings(&self.path)), None),
            None => parse(&self.text),
        }
    }

    pub(in super::super) fn text(&self) -> &str {
        &self.text
    }
}

/// Takes the files that belong to the configuration; what cannot be read is a diagnostic.
pub(in super::super) fn load(files: &Files, mine: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Vec<Loaded> {
    let mut loaded = Vec::new();
    for path in belonging(files, mine) {
        match load_one(files, path) {
            Ok(Some(file)) => loaded.push(file),
            Ok(None) => {}
            Err(broken) => diagnostics.push(broken.diagnostic(&files.shared_path(path))),
        }
    }
    loaded
}

/// The files of the configuration, sorted: one of OpenTofu stands for one of Terraform beside it.
pub(in super::super) fn belonging<'a>(files: &Files, mine: &[&'a str]) -> Vec<&'a str> {
    let mut sorted: Vec<&str> = mine.iter().copied().filter(|path| !is_vendored(path)).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.retain(|path| !path.strip_suffix(".tf").is_some_and(|stem| files.has(&format!("{stem}.tofu"))));
    sorted
}

/// Copies of other people's modules that `init` made: their callers are read, they are not.
fn is_vendored(path: &str) -> bool {
    path.split('/').any(|part| part == ".terraform" || part == ".terragrunt-cache")
}

pub(in super::super) fn load_one(files: &Files, path: &str) -> Result<Option<Loaded>, Broken> {
    if files.get(path).is_some_and(|bytes| bytes.len() as u64 > MAX_FILE_BYTES) {
        return Err(Broken { code: "D003", message: format!("larger than {MAX_FILE_BYTES} bytes"), line: 0 });
    }
    let Some(text) = files.text(path) else { return Ok(None) };
    let text = text.map_err(|_| Broken { code: "D002", message: "not a text file".to_owned(), line: 0 })?;
    let json = if path.ends_with(".json") { Some(parse_json(&text)?) } else { None };
    let generated = if is_terragrunt(path) { generated_text(&text) } else { String::new() };
    Ok(Some(Loaded { path: files.shared_path(path), text, json, generated }))
}

/// Sorts what the files declare into modules.
pub(in super::super) fn build<'s>(loaded: &'s [Loaded], files: &Files) -> Tree<'s> {
    let paths = loaded.iter().map(|file| file.path.clone()).collect();
    let mut tree = Tree { modules: Default::default(), configs: Default::default(), paths, diagnostics: Vec::new() };
    // Overrides come after what they override.
    for late in [false, true] {
        for (number, file) in loaded.iter().enumerate() {
            if is_override(&file.path) == late && !is_settings(&file.path) && !is_terragrunt(&file.path) {
                add_file(&mut tree, number as u32, file, late);
            }
        }
    }
    let mut units = Vec::new();
    for (number, file) in (0..).zip(loaded).filter(|(_, file)| is_terragrunt(&file.path)) {
        let body = read_body(&mut tree, file);
        // A template that is not whole is read as far as it goes.
        let (generated, _) = parse(&file.generated);
        units.push(Unit { number, path: &file.path, body, generated });
    }
    add_units(&mut tree, &units, files);
    add_settings(&mut tree, loaded);
    tree
}

pub(in super::super) fn is_settings(path: &str) -> bool {
    path.ends_with(".tfvars") || path.ends_with(".tfvars.json")
}

pub(in super::super) fn is_override(path: &str) -> bool {
    let stem = name_of(path).split('.').next().unwrap_or_default();
    stem == "override" || stem.ends_with("_override")
}

fn read_body<'s>(tree: &mut Tree<'s>, file: &'s Loaded) -> Body<'s> {
    let (body, broken) = file.body();
    tree.diagnostics.extend(broken.map(|broken| broken.diagnostic(&file.path)));
    body
}

fn add_file<'s>(tree: &mut Tree<'s>, number: u32, file: &'s Loaded, overrides: bool) {
    let body = read_body(tree, file);
    let dir = folder_of(&file.path);
    let fresh = !tree.modules.contains_key(dir);
    let module = tree.modules.entry(dir).or_default();
    if fresh {
        (module.dir, module.first_file) = (dir, number);
    }
    module.tofu |= file.path.ends_with(".tofu") || file.path.ends_with(".tofu.json");
    for block in body.blocks {
        if let Err(block) = module.add(number, block, overrides) {
            let message = format!("a `{}` block has {} labels", block.kind, block.labels.len());
            tree.diagnostics.push(Diagnostic {
                code: "D011",
                severity: Severity::Warning,
                message,
                path: file.path.clone(),
                line: block.line,
                hint: None,
            });
        }
    }
}

impl<'s> Module<'s> {
    /// Adds a top-level block, or gives it back when its labels are not those of its kind.
    pub(super) fn add(&mut self, file: u32, mut block: Block<'s>, overrides: bool) -> Result<(), Block<'s>> {
        let wanted = match &*block.kind {
            "resource" | "data" => 2,
            "variable" | "output" | "module" | "provider" => 1,
            "locals" | "terraform" => 0,
            _ => return Ok(()),
        };
        if block.labels.len() != wanted {
            return Err(block);
        }
        let mut labels = std::mem::take(&mut block.labels).into_iter();
        let first = labels.next().unwrap_or_default();
        let second = labels.next().unwrap_or_default();
        match &*block.kind {
            "resource" => self.add_resource(file, Mode::Managed, first, second, block, overrides),
            "data" => self.add_resource(file, Mode::Data, first, second, block, overrides),
            "variable" => match self.variables.get_mut(&first).filter(|_| overrides) {
                Some(known) => known.block.body.attributes.extend(block.body.attributes),
                None => {
                    self.variables.insert(first, Variable { file, block });
                }
            },
            "output" => {
                let value = block.body.attributes.into_iter().find(|attribute| attribute.name == "value");
                if let Some(value) = value {
                    self.outputs.insert(first, Named { file, line: value.line, value: value.value });
                }
            }
            "module" => self.add_call(file, first, block, overrides),
            "provider" => self.add_provider(file, first, block, overrides),
            "locals" => {
                for attribute in block.body.attributes {
                    let local = Named { file, line: attribute.line, value: attribute.value };
                    self.locals.insert(attribute.name, local);
                }
            }
            _ => self.add_terraform(file, block, overrides),
        }
        Ok(())
    }

    fn add_resource(
        &mut self,
        file: u32,
        mode: Mode,
        kind: Name<'s>,
        name: Name<'s>,
        block: Block<'s>,
        overrides: bool,
    ) {
        let number = self.resource(mode, &kind, &name);
        if let Some(known) = number.filter(|_| overrides).and_then(|at| self.resources.get_mut(at as usize)) {
            override_body(&mut known.block.body, block.body);
            return;
        }
        let numbers = match mode {
            Mode::Managed => &mut self.managed,
            Mode::Data => &mut self.data,
        };
        numbers.entry(kind.clone()).or_default().insert(name.clone(), self.resources.len() as u32);
        self.resources.push(Resource { mode, file, kind, name, block });
    }

    fn add_call(&mut self, file: u32, name: Name<'s>, block: Block<'s>, overrides: bool) {
        let number = self.call_numbers.get(&name).copied().filter(|_| overrides);
        if let Some(known) = number.and_then(|at| self.calls.get_mut(at as usize)) {
            override_body(&mut known.block.body, block.body);
            return;
        }
        self.call_numbers.insert(name.clone(), self.calls.len() as u32);
        self.calls.push(ModuleCall { file, name, block });
    }

    fn add_provider(&mut self, file: u32, name: Name<'s>, block: Block<'s>, overrides: bool) {
        let alias = block.body.attribute("alias").and_then(|alias| match &alias.value.kind {
            Kind::Text(text) | Kind::Name(text) => Some(text.clone()),
            _ => None,
        });
        let same = |known: &&mut ProviderBlock<'_>| overrides && known.name == name && known.alias == alias;
        match self.providers.iter_mut().find(same) {
            Some(known) => override_body(&mut known.block.body, block.body),
            None => self.providers.push(ProviderBlock { file, name, alias, block }),
        }
    }

    fn add_terraform(&mut self, file: u32, block: Block<'s>, overrides: bool) {
        self.settings_line.get_or_insert((file, block.line));
        for mut inner in block.body.blocks {
            match &*inner.kind {
                "required_providers" => self.add_required(file, &inner.body),
                "backend" | "cloud" => {
                    if overrides {
                        self.backends.clear();
                    }
                    let kind = if inner.kind == "cloud" { Some(Cow::Borrowed("cloud")) } else { inner.labels.pop() };
                    if let Some(kind) = kind {
                        self.backends.push(Backend { file, kind, block: inner });
                    }
                }
                _ => {}
            }
        }
    }

    fn add_required(&mut self, file: u32, body: &Body<'s>) {
        for attribute in &body.attributes {
            let source = match &attribute.value.kind {
                Kind::Object(items) => items.iter().find(|item| item.key.literal() == Some("source")),
                _ => None,
            };
            let source = source.and_then(|item| item.value.literal()).map(str::to_owned);
            self.required.insert(attribute.name.clone(), Required { file, line: attribute.line, source });
        }
    }
}

fn override_body<'s>(known: &mut Body<'s>, new: Body<'s>) {
    known.attributes.retain(|old| new.attribute(&old.name).is_none());
    known.attributes.extend(new.attributes);
    known.blocks.retain(|old| new.blocks.iter().all(|block| block.kind != old.kind));
    known.blocks.extend(new.blocks);
}

/// Settings that are loaded only when somebody names them.
const ON_REQUEST: u8 = 3;

/// `terraform.tfvars`, then `*.auto.tfvars` in the order of their names; all others are candidates.
fn rank(path: &str) -> u8 {
    match name_of(path) {
        "terraform.tfvars" => 0,
        "terraform.tfvars.json" => 1,
        name if name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json") => 2,
        _ => ON_REQUEST,
    }
}

/// The folder of the module that a settings file belongs to: its own one or, when it is loaded only on request, the
/// nearest at or above.
pub(in super::super) fn settings_owner(path: &str, is_module: impl Fn(&str) -> bool) -> Option<&str> {
    let mut above = folder_of(path);
    loop {
        if is_module(above) {
            return Some(above);
        }
        if above.is_empty() || rank(path) != ON_REQUEST {
            return None;
        }
        above = folder_of(above);
    }
}

fn add_settings<'s>(tree: &mut Tree<'s>, loaded: &'s [Loaded]) {
    let mut settings: Vec<(u8, u32, &'s Loaded)> =
        (0..).zip(loaded).map(|(at, file)| (rank(&file.path), at, file)).collect();
    settings.retain(|(_, _, file)| is_settings(&file.path));
    settings.sort_by_key(|(rank, at, _)| (*rank, *at));
    for (rank, number, file) in settings {
        let body = read_body(tree, file);
        let Some(dir) = settings_owner(&file.path, |dir| tree.modules.contains_key(dir)) else { continue };
        let Some(module) = tree.modules.get_mut(dir) else { continue };
        for attribute in body.attributes {
            if rank == ON_REQUEST {
                module.candidates.entry(attribute.name).or_default().push((number, attribute.line));
            } else {
                let set = Named { file: number, line: attribute.line, value: attribute.value };
                module.set.insert(attribute.name, set);
            }
        }
    }
}

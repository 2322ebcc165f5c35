//! Terragrunt: a folder with a `terragrunt.hcl` is a root module that calls one other module, with the providers and
//! the backend that it, or the file that it includes, generates.
//! Source: the Terragrunt reference of HCL blocks and attributes (`include`, `remote_state`, `generate`, `terraform`,
//! `inputs`, `locals`). `dependency` is not followed: what other units put out is known only after apply.

use super::{Backend, Module, ModuleCall, Named, Tree};
use crate::files::{Files, folder_of, join, name_of};
use crate::limits::MAX_INCLUDE_DEPTH;
use crate::terraform::syntax::{Attribute, Block, Body, Expr, Kind, Part, Step};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The argument of a call that holds what `inputs` evaluates to; no name of a file can be this one.
pub(in super::super) const INPUTS: &str = "(inputs)";

/// Blocks that are copied from what units include, in all: one file is included by every unit.
const MAX_INCLUDED: usize = 500_000;

/// A file, as its blocks and as what it generates.
pub(super) struct Unit<'s> {
    pub number: u32,
    pub path: &'s str,
    pub body: Body<'s>,
    pub generated: Body<'s>,
}

pub(in super::super) fn is_terragrunt(path: &str) -> bool {
    path.ends_with(".hcl")
}

/// The lines of the texts that `generate` blocks write, at their places, and all other lines empty. What the template
/// language would decide is taken as it stands: all branches, and `null` for a value outside of quotes.
pub(super) fn generated_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut until: Option<&str> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        match until {
            Some(end) if trimmed == end => until = None,
            Some(_) if trimmed.starts_with("%{") => {}
            Some(_) => without_values(line, &mut out),
            None => until = heredoc_of_contents(trimmed),
        }
        out.push('\n');
    }
    out
}

/// `contents = <<-EOF`: the word that ends the text.
fn heredoc_of_contents(line: &str) -> Option<&str> {
    let value = line.strip_prefix("contents")?.trim_start().strip_prefix('=')?.trim_start();
    let word = value.strip_prefix("<<")?.trim_start_matches(['-', '~']).trim();
    (!word.is_empty()).then_some(word)
}

fn without_values(line: &str, out: &mut String) {
    let mut quoted = false;
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        if rest.starts_with("${") && !rest.contains('}') {
            out.push_str(rest);
            return;
        }
        let inside = rest.strip_prefix("${").filter(|_| !quoted).and_then(|inside| inside.split_once('}'));
        if let Some((_, after)) = inside {
            out.push_str("null");
            rest = after;
            continue;
        }
        // A value inside of quotes has quotes of its own.
        let value = rest.strip_prefix("${").and_then(|inside| inside.find('}'));
        let length = value.map_or(letter.len_utf8(), |end| end + 3);
        quoted ^= letter == '"';
        let (taken, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        out.push_str(taken);
        rest = after;
    }
}

/// Adds the units to the modules of their folders, and all files as what `read_terragrunt_config` can read.
pub(super) fn add_units<'s>(tree: &mut Tree<'s>, units: &[Unit<'s>], files: &Files) {
    let by_path: BTreeMap<&str, &Unit<'s>> = units.iter().map(|unit| (unit.path, unit)).collect();
    let included: BTreeSet<&str> = units
        .iter()
        .flat_map(|unit| includes(unit, files))
        .filter_map(|(_, path)| by_path.get(&*path))
        .map(|unit| unit.path)
        .collect();
    let mut budget = MAX_INCLUDED;
    for unit in units {
        let config = tree.configs.entry(unit.path).or_default();
        (config.dir, config.first_file) = (folder_of(unit.path), unit.number);
        add_locals(config, unit);
        if let Some(inputs) = unit.body.attribute("inputs") {
            let inputs = Named { file: unit.number, line: inputs.line, value: inputs.value.clone() };
            config.outputs.insert(Cow::Borrowed("inputs"), inputs);
        }
        // What others include is seen where it is included.
        let says = !unit.body.blocks.is_empty() && unit.body.blocks.iter().any(|block| block.kind != "locals");
        if says && !included.contains(unit.path) {
            add_unit(tree, unit, &by_path, files, &mut budget);
        }
    }
}

fn add_unit<'s>(
    tree: &mut Tree<'s>,
    unit: &Unit<'s>,
    by_path: &BTreeMap<&str, &Unit<'s>>,
    files: &Files,
    budget: &mut usize,
) {
    let mut chain = vec![unit];
    let mut at = 0;
    while let Some(unit) = chain.get(at).copied() {
        for (_, path) in includes(unit, files) {
            let found = by_path.get(&*path).copied();
            let found = found.filter(|found| chain.iter().all(|known| known.path != found.path));
            chain.extend(found.filter(|found| at < MAX_INCLUDE_DEPTH && take(budget, found)));
        }
        at += 1;
    }
    let dir = folder_of(unit.path);
    let fresh = !tree.modules.contains_key(dir);
    let module = tree.modules.entry(dir).or_default();
    if fresh {
        (module.dir, module.first_file) = (dir, unit.number);
        module.settings_line = Some((unit.number, 1));
    }
    // The unit itself says more than what it includes.
    let mut source = None;
    let mut inputs = Vec::new();
    for unit in &chain {
        add_locals(module, unit);
        for block in unit.generated.blocks.iter().cloned() {
            // Labels that do not fit are no blocks of a configuration.
            let _ = module.add(unit.number, block, false);
        }
        let backend =
            unit.body.blocks.iter().find(|block| block.kind == "remote_state").and_then(|block| backend(unit, block));
        if let Some(backend) = backend.filter(|_| module.backends.is_empty()) {
            module.backends.push(backend);
        }
        let terraform = unit.body.blocks.iter().find(|block| block.kind == "terraform");
        let stated = terraform.and_then(|block| Some((unit.number, block, block.body.attribute("source")?)));
        source = source.or(stated);
        inputs.extend(unit.body.attribute("inputs").map(|inputs| (unit.number, inputs)));
    }
    match source {
        Some((file, block, source)) => {
            let line = Attribute { name: Cow::Borrowed("source"), line: source.line, value: source.value.clone() };
            let mut attributes = vec![line];
            // The one that decides stands last.
            let inputs = inputs.into_iter().rev();
            attributes.extend(inputs.map(|(_, inputs)| Attribute { name: Cow::Borrowed(INPUTS), ..inputs.clone() }));
            let body = Body { attributes, blocks: Vec::new() };
            let block = Block { body, ..block.clone() };
            let name = Cow::Owned(name_of(dir).to_owned());
            module.call_numbers.insert(name_of(dir).to_owned().into(), module.calls.len() as u32);
            module.calls.push(ModuleCall { file, name, block });
        }
        None => {
            for (file, inputs) in inputs.into_iter().rev() {
                let Kind::Object(items) = &inputs.value.kind else { continue };
                for item in items {
                    if let Some(name) = item.key.literal() {
                        let set = Named { file, line: item.line, value: item.value.clone() };
                        module.set.insert(Cow::Owned(name.to_owned()), set);
                    }
                }
            }
        }
    }
}

/// Whether what a file says can be copied once more.
fn take(budget: &mut usize, unit: &Unit<'_>) -> bool {
    let locals = unit.body.blocks.iter().map(|block| block.body.attributes.len());
    let cost = 1 + unit.generated.blocks.len() + locals.sum::<usize>();
    let left = budget.checked_sub(cost);
    *budget = left.unwrap_or(*budget);
    left.is_some()
}

fn add_locals<'s>(module: &mut Module<'s>, unit: &Unit<'s>) {
    for block in unit.body.blocks.iter().filter(|block| block.kind == "locals") {
        for local in &block.body.attributes {
            let named = Named { file: unit.number, line: local.line, value: local.value.clone() };
            module.locals.entry(local.name.clone()).or_insert(named);
        }
    }
}

/// `remote_state { backend = "s3", config = { ... } }` as the block that it generates.
fn backend<'s>(unit: &Unit<'s>, block: &Block<'s>) -> Option<Backend<'s>> {
    let Kind::Text(kind) = &block.body.attribute("backend")?.value.kind else { return None };
    let mut body = Body::default();
    if let Some(Kind::Object(items)) = block.body.attribute("config").map(|config| &config.value.kind) {
        for item in items {
            if let Kind::Text(name) = &item.key.kind {
                body.attributes.push(Attribute { name: name.clone(), line: item.line, value: item.value.clone() });
            }
        }
    }
    Some(Backend { file: unit.number, kind: kind.clone(), block: Block { body, ..block.clone() } })
}

/// The files that a unit includes, with the labels of the blocks.
fn includes<'u>(unit: &'u Unit<'_>, files: &Files) -> Vec<(&'u str, String)> {
    let blocks = unit.body.blocks.iter().filter(|block| block.kind == "include");
    let path = |block: &'u Block<'_>| {
        let path = static_path(&block.body.attribute("path")?.value, unit.path, files)?;
        Some((block.label(0).unwrap_or_default(), path))
    };
    blocks.filter_map(path).collect()
}

/// A path made of texts and of the functions that look for files above.
fn static_path(expr: &Expr<'_>, from: &str, files: &Files) -> Option<String> {
    let path = path_text(expr, from, files)?;
    match path.strip_prefix('/') {
        Some(path) => join("", path),
        None => join(folder_of(from), &path),
    }
}

fn path_text(expr: &Expr<'_>, from: &str, files: &Files) -> Option<String> {
    match &expr.kind {
        Kind::Text(text) => Some(text.to_string()),
        Kind::Template(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.to_string()),
                Part::Value(value) => path_text(value, from, files),
                _ => None,
            })
            .collect(),
        Kind::Call(call) => match &*call.name {
            "find_in_parent_folders" => {
                let name = call.args.first().map_or(Some("terragrunt.hcl"), Expr::literal)?;
                find_above(files, folder_of(from), name).map(|path| format!("/{path}"))
            }
            "dirname" => Some(folder_of(&path_text(call.args.first()?, from, files)?).to_owned()),
            "get_terragrunt_dir" | "get_original_terragrunt_dir" => Some(format!("/{}", folder_of(from))),
            "get_repo_root" => Some(String::from("/")),
            _ => None,
        },
        _ => None,
    }
}

/// The nearest file of a name in the folders above one.
pub(in super::super) fn find_above(files: &Files, dir: &str, name: &str) -> Option<String> {
    let mut dir = dir;
    while !dir.is_empty() {
        dir = folder_of(dir);
        let path = join(dir, name)?;
        if files.has(&path) || files.has_folder(&path) {
            return Some(path);
        }
    }
    None
}

/// `include.root.locals.x`: what an included file says is merged into the unit, so it is `local.x` of it.
pub(in super::super) fn included_local<'x, 's>(steps: &'x [Step<'s>]) -> Option<(&'x str, &'x [Step<'s>])> {
    let names: Vec<&str> = steps
        .iter()
        .take(3)
        .map_while(|step| match step {
            Step::Attr(name) => Some(&**name),
            _ => None,
        })
        .collect();
    match names.as_slice() {
        ["locals", name, ..] => Some((name, steps.get(2..)?)),
        [_, "locals", name] => Some((name, steps.get(3..)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_lines_keep_their_places() {
        let text = "generate \"p\" {\n  contents = <<-EOF\nprovider \"aws\" {\n  region = \"${local.a[\"x\"]}\"\n  ids = [${local.id}]\n%{ if x }\n}\nEOF\n}\n";
        let expect = "\n\nprovider \"aws\" {\n  region = \"${local.a[\"x\"]}\"\n  ids = [null]\n\n}\n\n\n";
        assert_eq!(generated_text(text), expect);
    }
}

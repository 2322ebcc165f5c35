//! Terraform, OpenTofu and Terragrunt configurations: whole module trees, evaluated as far as the files allow.
//!
//! A root module is a folder that no other one calls; the modules that it calls are followed with their arguments. What
//! lies elsewhere (registries, git) is an artefact and not read. Nothing is fetched, run or guessed: an expression that
//! the files do not decide is reported with the reason.

mod emit;
mod endpoint_args;
mod eval;
mod functions;
mod groups;
mod layer;
mod module;
mod parse;
mod plain;
pub(crate) mod recording;
mod syntax;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use layer::layer_of;
pub use plain::plain;

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::Facts;

pub const READER: Reader = Reader {
    id: "terraform",
    about: "Terraform, OpenTofu and Terragrunt configurations",
    scope: Scope::Groups(groups::groups),
    read: Read::Loaded(read),
};

fn read(files: &Files, mine: &[&str]) -> Facts {
    let roots = groups::roots(files, mine);
    read_roots(files, &roots, 1, mine)
}

/// Reads some root modules, by their folders; `mine` are all files that they need.
fn read_roots(files: &Files, roots: &[String], peers: usize, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let loaded = module::load(files, mine, &mut facts.diagnostics);
    let mut tree = module::build(&loaded, files);
    facts.diagnostics.append(&mut tree.diagnostics);
    let eval = eval::Evaluator::new(&tree, files, peers);
    let mut facts = emit::emit(&eval, roots, facts);
    facts.diagnostics.append(&mut eval.diagnostics.borrow_mut());
    facts.diagnostics.sort();
    facts
}

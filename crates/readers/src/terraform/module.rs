//! The folders of a tree as modules: what each one declares, and which one calls which.

mod build;
mod json;
mod terragrunt;

use super::syntax::{Block, Expr};
use allod_facts::Diagnostic;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use build::{belonging, build, is_override, is_settings, load, load_one, settings_owner};
pub(super) use terragrunt::{INPUTS, find_above, included_local, is_terragrunt};

pub(super) type Name<'s> = Cow<'s, str>;

/// All modules of the tree, by folder.
pub(super) struct Tree<'s> {
    pub modules: BTreeMap<&'s str, Module<'s>>,
    /// Terragrunt files by path: their locals, and their inputs as an output of that name.
    pub configs: BTreeMap<&'s str, Module<'s>>,
    /// The paths of the files, by number.
    pub paths: Vec<Arc<str>>,
    pub diagnostics: Vec<Diagnostic>,
}

/// What the files of one folder declare.
#[derive(Default)]
pub(super) struct Module<'s> {
    pub dir: &'s str,
    /// The first file, where the module is shown when nothing better is there.
    pub first_file: u32,
    /// Whether a file has the ending of OpenTofu.
    pub tofu: bool,
    pub variables: FxHashMap<Name<'s>, Variable<'s>>,
    pub locals: FxHashMap<Name<'s>, Named<'s>>,
    pub outputs: FxHashMap<Name<'s>, Named<'s>>,
    pub resources: Vec<Resource<'s>>,
    /// Numbers in `resources` by type and name.
    pub managed: FxHashMap<Name<'s>, FxHashMap<Name<'s>, u32>>,
    pub data: FxHashMap<Name<'s>, FxHashMap<Name<'s>, u32>>,
    pub calls: Vec<ModuleCall<'s>>,
    pub call_numbers: FxHashMap<Name<'s>, u32>,
    pub providers: Vec<ProviderBlock<'s>>,
    pub required: BTreeMap<Name<'s>, Required>,
    pub backends: Vec<Backend<'s>>,
    /// The first `terraform` block.
    pub settings_line: Option<(u32, u32)>,
    /// What the files that are always loaded set, the deciding one last.
    pub set: FxHashMap<Name<'s>, Named<'s>>,
    /// What files set that are loaded only when somebody names them.
    pub candidates: FxHashMap<Name<'s>, Vec<(u32, u32)>>,
}

/// A name with its expression: a local, an output, a setting.
pub(super) struct Named<'s> {
    pub file: u32,
    pub line: u32,
    pub value: Expr<'s>,
}

pub(super) struct Variable<'s> {
    pub file: u32,
    pub block: Block<'s>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Managed,
    Data,
}

pub(super) struct Resource<'s> {
    pub mode: Mode,
    pub file: u32,
    pub kind: Name<'s>,
    pub name: Name<'s>,
    pub block: Block<'s>,
}

pub(super) struct ModuleCall<'s> {
    pub file: u32,
    pub name: Name<'s>,
    pub block: Block<'s>,
}

pub(super) struct ProviderBlock<'s> {
    pub file: u32,
    /// The local name (`aws`).
    pub name: Name<'s>,
    pub alias: Option<Name<'s>>,
    pub block: Block<'s>,
}

pub(super) struct Required {
    pub file: u32,
    pub line: u32,
    pub source: Option<String>,
}

pub(super) struct Backend<'s> {
    pub file: u32,
    /// `s3`, `remote`, ...; `cloud` for the `cloud` block.
    pub kind: Name<'s>,
    pub block: Block<'s>,
}

impl Resource<'_> {
    /// `aws_s3_bucket.logs`, `data.aws_ami.base`.
    pub fn address(&self) -> String {
        match self.mode {
            Mode::Managed => format!("{}.{}", self.kind, self.name),
            Mode::Data => format!("data.{}.{}", self.kind, self.name),
        }
    }
}

impl<'s> Module<'s> {
    pub fn resource(&self, mode: Mode, kind: &str, name: &str) -> Option<u32> {
        let numbers = match mode {
            Mode::Managed => &self.managed,
            Mode::Data => &self.data,
        };
        numbers.get(kind)?.get(name).copied()
    }

    /// The source address of a provider by its local name, e.g. `hashicorp/aws`.
    pub fn provider_source(&self, local: &str) -> String {
        let stated = self.required.get(local).and_then(|required| required.source.as_deref());
        let source = stated.map_or_else(|| format!("hashicorp/{local}"), str::to_owned);
        let short = source.strip_prefix("registry.terraform.io/").or(source.strip_prefix("registry.opentofu.org/"));
        short.map_or(source.clone(), str::to_owned)
    }
}

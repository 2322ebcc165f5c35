//! Readers: from the bytes of files to facts, one module a format.
//!
//! A reader never opens a file or a socket, never runs what it reads and never fetches what it names. It never fails
//! as a whole: what is broken becomes a diagnostic, what cannot be known becomes an unresolved fact, and the rest is
//! still read. Every size, depth and count has a limit in [`limits`].

pub mod endpoint;
pub mod files;
pub mod image;
pub mod limits;
pub mod node;
mod recognise;

#[cfg(test)]
mod bad_input;
mod command;
mod destination;
mod labels;
mod recording;
mod settings;
mod variables;

pub mod ci;
pub mod compose;
pub mod config;
pub mod dns;
pub mod dockerfile;
pub mod helm;
pub mod kubernetes;
pub mod kustomize;
pub mod manifests;
pub mod sbom;
pub mod slurm;
pub mod telemetry;
pub mod terraform;
pub mod tfjson;

pub use files::Files;
pub use recognise::{may_be_referred_to, recognise, worth_opening};

use allod_facts::Facts;

/// Everything that can be read.
pub const READERS: &[&Reader] = &[
    &terraform::READER,
    &tfjson::READER,
    &kubernetes::READER,
    &kustomize::READER,
    &helm::READER,
    &compose::READER,
    &dockerfile::READER,
    &ci::GITHUB,
    &ci::GITLAB,
    &ci::FORGEJO,
    &ci::WOODPECKER,
    &ci::OTHER,
    &dns::ZONE,
    &dns::OCTODNS,
    &sbom::CYCLONEDX,
    &sbom::SPDX,
    &telemetry::READER,
    &config::READER,
    &manifests::READER,
    &slurm::READER,
];

/// One format that can be read.
#[derive(Debug)]
pub struct Reader {
    /// The name in evidence and reports, lower case.
    pub id: &'static str,
    /// What it reads, for help texts.
    pub about: &'static str,
    pub scope: Scope,
    pub read: Read,
}

/// How a reader is called.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// `mine` are the files recognised for this reader, sorted; `files` has every loaded file, so that local
    /// references (modules, includes, `.env`) can be followed.
    Loaded(fn(files: &Files, mine: &[&str]) -> Facts),
    /// The file is not loaded: it is streamed, so that its size is no reason to fail.
    Streamed(fn(path: &str, from: &mut dyn std::io::BufRead) -> Facts),
}

/// Whether the files of a reader are independent of each other.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    /// Each file is read on its own (and in parallel).
    File,
    /// All files of the format are read together, because they refer to each other.
    Tree,
    /// Files that refer to each other are read together, apart from the others: takes what [`Read::Loaded`] takes.
    Groups(for<'a> fn(files: &Files, mine: &[&'a str]) -> Vec<Group<'a>>),
}

/// Files of one reader that are read together. What a group gives depends on it and on what it asks the files for.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// What is read (a root module, a chart): with the paths, what names the group.
    pub of: Vec<String>,
    pub paths: Vec<&'a str>,
    /// How many groups of the tree share what its limits allow, rounded up to a power of two, so that it rarely changes.
    pub peers: usize,
    pub read: fn(files: &Files, of: &[String], peers: usize, mine: &[&str]) -> Facts,
}

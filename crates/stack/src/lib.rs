//! The stack graph: facts of all readers merged into one, each part resolved through the register, and from it who
//! holds which power over what.
//!
//! Same facts in any order give the same stack. Nothing here reads a file, asks a rule or knows a file format.

mod explain;
mod findings;
mod graph;
mod home;
mod merge;
mod powers;
mod priorities;
mod resolve;

pub use explain::{Hop, Path};
pub use findings::Finding;
pub use graph::{Edge, Stack, Unknown};
pub use home::{Home, UnknownPlace};
pub use powers::{Holder, Lane, Power, Powers, SECRETS, UNCLASSIFIED, When};
pub use priorities::Priority;
pub use resolve::{Control, Controller, Ground, Location, Part};

use allod_facts::Facts;
use allod_register::Register;

/// Builds the stack of an audit: merge, resolve, link.
pub fn build<'r>(facts: Vec<Facts>, register: &'r Register) -> Stack<'r> {
    graph::build(merge::merge(facts), register)
}

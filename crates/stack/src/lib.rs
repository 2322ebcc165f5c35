//! The stack graph: facts of all readers merged into one, each part resolved through the register, and from it who
//! holds which power over what.
//!
//! Same facts in any order give the same stack. Nothing here reads a file, asks a rule or knows a file format.

mod chokepoints;
pub mod diff;
pub mod drift;
mod drill;
mod explain;
mod findings;
mod fixpoint;
mod graph;
mod home;
mod kept;
mod maxflow;
mod merge;
mod party;
mod passes;
mod powers;
mod priorities;
mod replace;
mod resolve;
mod stated;

pub use chokepoints::{Chokepoint, Cut, Target};
pub use drill::{Drill, Hit, Safe, Why};
pub use explain::{Holding, Path};
pub use findings::Finding;
pub use fixpoint::Hop;
pub use graph::{Edge, Stack, Unknown};
pub use home::{Home, UnknownPlace};
pub use kept::{Kept, Renewed};
pub use party::{NoSuchParty, party};
pub use passes::{Event, Passes};
pub use powers::{Holder, Lane, Power, Powers, SECRETS, UNCLASSIFIED, When};
pub use priorities::Priority;
pub use replace::{NoReplacement, Replacement};
pub use resolve::{Control, Controller, Ground, Location, Part};
pub use stated::{Stated, StatedFact};

use allod_facts::Facts;
use allod_register::Register;

/// Builds the stack of an audit: merge, resolve, link.
pub fn build<'r>(facts: Vec<Facts>, register: &'r Register) -> Stack<'r> {
    graph::build(merge::merge(facts).0, register, None)
}

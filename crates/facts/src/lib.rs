//! Plain values: what a reader saw in a file, before anybody judges it.
//!
//! A fact is a value with its evidence (file, line, reader) and a confidence. This crate has no IO, no clock and no
//! file format; it never decides who controls anything.

mod batch;
mod clue;
mod clues;
mod codes;
mod component;
mod diagnostic;
mod labels;
mod layer;
mod link;
mod place;
mod record;

pub use batch::{ComponentRef, Delivered, Delivery, Facts};
pub use clue::{Clue, ClueKind, Ecosystem};
pub use clues::Clues;
pub use codes::{CODES, Code, CodeKind, code};
pub use component::{Component, Confidence, Evidence, Role};
pub use diagnostic::{Diagnostic, Severity, Unresolved};
pub use labels::Labels;
pub use layer::Layer;
pub use link::{Link, LinkKind, Mitigation};
pub use place::{Country, Place};
pub use record::{Record, RecordKind, Records};

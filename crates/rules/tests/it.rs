//! The formats as editors and other programs see them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::needless_pass_by_value)]

#[path = "it/schemas.rs"]
mod schemas;

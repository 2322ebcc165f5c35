//! The embedded log, on a simulated disk that crashes, tears and fails, and on the real one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "embedded/callers.rs"]
mod callers;
#[path = "embedded/crashes.rs"]
mod crashes;
#[path = "embedded/damages.rs"]
mod damages;
#[path = "embedded/refusals.rs"]
mod refusals;
#[path = "embedded/simulated.rs"]
mod simulated;
#[path = "embedded/world.rs"]
mod world;

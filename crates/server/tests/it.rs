//! The webhook over real HTTPS on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value
)]

#[path = "it/gates.rs"]
mod gates;
#[path = "it/life.rs"]
mod life;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/reviews.rs"]
mod reviews;
#[path = "it/world.rs"]
mod world;

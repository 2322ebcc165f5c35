//! The client of Kubernetes against a small API server over HTTPS on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::string_slice)]

#[path = "it/api.rs"]
mod api;
#[path = "it/cluster.rs"]
mod cluster;

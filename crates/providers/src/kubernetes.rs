//! What runs in a cluster, by its API: every object of the kinds that the reader of manifests knows, listed once and then
//! watched. Only GET requests are made. Secrets are not asked for; no program of a kubeconfig is run.
//!
//! The protocol is that of `https://kubernetes.io/docs/reference/using-api/api-concepts/`: lists in pages, a watch from the
//! version of the list on, bookmarks, and a new list when a version is too old (410).

mod access;
mod base64;
mod client;
mod kinds;
mod kubeconfig;
mod list;
mod store;
mod watch;

use std::path::PathBuf;

pub use access::{Access, access};
pub use kinds::{KINDS, Kind, rbac};
pub use store::{Gap, Seen};
pub use watch::{Pace, Watching, watch};

/// Why a cluster cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("`{}` is no kubeconfig: {why}", path.display())]
    NoKubeconfig { path: PathBuf, why: String },
    #[error("there is no kubeconfig, and this is no pod of a cluster")]
    Nowhere,
    #[error("kubeconfig has no context `{0}`")]
    NoContext(String),
    #[error("kubeconfig says no current context")]
    NoCurrentContext,
    #[error("context `{context}` names {what} `{name}`, which kubeconfig does not have")]
    Dangling { context: String, what: &'static str, name: String },
    #[error("`{what}` of kubeconfig is not used: {why}")]
    Refused { what: &'static str, why: &'static str },
    #[error("`{0}` is no address of an API server: it has to begin with https://")]
    Address(String),
    #[error("{what} has no usable PEM or base64")]
    Pem { what: String },
    #[error("there is no authority that the certificate of the API server could be checked with")]
    NoAuthority,
    #[error("the client certificate cannot be used")]
    Certificate(#[source] tokio_rustls::rustls::Error),
    #[error("could not start")]
    Start(#[source] std::io::Error),
}

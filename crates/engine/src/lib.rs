//! What others embed: an audit from a path to a result. Walks the tree, hands the files to the readers, builds the
//! stack. Prints nothing, and speaks to no server but a resolver or a cluster that the options name. Runs no program
//! but git, and that only to read a revision that the options name.

mod audit;
mod check;
mod collect;
mod compare;
mod jobs;
mod logged;
mod overlay;
mod policies;
mod rego;
mod resolve;
mod revision;
mod seen;
mod session;
mod watch;

pub use audit::{Error, Options, audit, audit_of, facts_of, register};
pub use check::{CheckOptions, check};
pub use collect::{Stage, root_of};
pub use compare::{CompareOptions, Compared, Source, compare};
pub use logged::{Logbook, Logged, check_logged, drill_logged, principal};
pub use overlay::files as overlay;
pub use policies::{Policies, PolicyOptions, case_files, organisation, today};
pub use rego::{RegoOptions, rego};
pub use resolve::Resolver;
pub use revision::RevisionError;
pub use session::{Session, Work};
#[cfg(feature = "kubernetes")]
pub use watch::{ClusterOptions, RunningCluster, cluster_rbac};
pub use watch::{Rounds, Running, RunningFiles, Sight, Watch, WatchOptions};

/// Every format that can be read.
pub fn readers() -> &'static [&'static allod_readers::Reader] {
    allod_readers::READERS
}

/// The host in a URL, a `host:port` or a host name.
pub fn host_of(text: &str) -> Option<String> {
    allod_readers::endpoint::host_of(text)
}

/// The fully qualified name in an image reference, without tag and digest.
pub fn image_name(text: &str) -> Option<String> {
    allod_readers::image::parse(text).map(|image| image.name)
}

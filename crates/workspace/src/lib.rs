//! An organisation's own folder, `.allod`: the keys of its ledger, the ledger, and the sealed openings of its entries.
//!
//! Whoever acts writes two entries: the intent, durable before any effect ([`Workspace::intend`]), and the result
//! ([`Workspace::conclude`]). When an entry cannot be written, the caller must not act.
//!
//! ```text
//! .allod/workspace.json      the origin of the ledger
//! .allod/keys/               the signing keys (0600) and the public ones
//! .allod/ledger/             the log: `public/` can be served as it is (C2SP tlog-tiles)
//! .allod/subjects/           one key a person (0600), and who is who
//! .allod/openings/           what entries commit to, sealed with the person's key
//! ```

pub mod bundle;
mod clock;
mod error;
mod files;
mod layout;
mod read;
mod subjects;
mod write;

pub use clock::{rfc3339, seconds_now};
pub use error::Error;
pub use layout::{FOLDER, Workspace};
pub use read::{Record, Records, Truth};
pub use subjects::Erased;
pub use write::{Act, Concluded, Finding, Intended, Principal};

//! What Allod writes into its ledger: who did what, by which rules, where and when.
//!
//! An [`Entry`] is what everybody may read: words of a closed list, names of rules, digests and times. What may be about
//! a person (who acted, on what, why) stands in it as a salted [`Commitment`] only; the [`Openings`] that prove what was
//! committed are kept beside the ledger, sealed with a key of the person ([`SubjectKey`]). To destroy that key is to
//! erase: every proof about the ledger stays valid, and what was committed can no longer be opened with what is
//! kept here.
//!
//! What others read is made of it here too: [`ocsf`] and [`otel`]. The fields are described one by one in
//! `docs/ledger-fields.md`, and as a JSON Schema in `schemas/allod.entry.1.json`.

mod commitment;
mod draft;
mod entry;
mod error;
mod moment;
mod ocsf;
mod otel;
mod sealed;
mod shown;

pub use commitment::{Commitment, Digest, Opening, Openings};
pub use draft::Draft;
pub use entry::{
    Action, Authentication, Entry, Id, MAX_NAME_BYTES, MAX_RULES, Outcome, Phase, Succeeded, TimeSource, Trace,
    VERSION, Verdict, What, When, Where, Who, Why,
};
pub use error::Error;
pub use ocsf::{OCSF_VERSION, ocsf};
pub use otel::{SEMANTIC_CONVENTIONS, otel};
pub use sealed::{Sealed, SubjectKey};
pub use shown::Shown;

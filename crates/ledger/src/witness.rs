//! The witness protocol without its HTTP (<https://c2sp.org/tlog-witness@v1.0.0>, `add-checkpoint`).
//!
//! A witness cosigns a checkpoint when it grew out of the last one that it cosigned, and remembers it *before* it answers.
//! What it remembers is replaced by compare-and-swap ([`Store`]), so that of two requests at once only one can win, and
//! it never cosigns two trees that do not fit together.

mod client;
mod request;

pub use client::{Next, Submission};
pub use request::{Answer, MAX_REQUEST_BYTES, Request};

use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::cosignature::cosign;
use crate::note::{KeyKind, Note, Signature, SigningKey, VerifyingKey};
use crate::tree::{EMPTY_ROOT, Hash, verify_consistency};
use std::collections::BTreeMap;

/// What a witness has seen of a log: the latest checkpoint that it cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its size in entries.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// It itself, with the signatures of the log that were verified and the cosignature that was given: what monitors are
    /// served.
    pub note: String,
}

/// Where a witness remembers what it has seen, by the origin of the log.
pub trait Store {
    /// The latest checkpoint of this log, where there is one.
    fn latest(&self, origin: &str) -> Result<Option<Seen>, Box<dyn std::error::Error + Send + Sync>>;

    /// Remembers `new` if the latest is still the one of this size and root (`None`: there is none), in one step that no
    /// other call can come between. `true` only after it is kept for good; `false` if another one was remembered.
    fn replace(
        &self,
        origin: &str,
        expected: Option<(u64, Hash)>,
        new: &Seen,
    ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>>;
}

/// A witness: its key, and the logs that it knows.
#[derive(Debug)]
pub struct Witness {
    key: SigningKey,
    /// The keys that are trusted to sign for an origin.
    logs: BTreeMap<String, Vec<VerifyingKey>>,
}

impl Witness {
    /// A witness that knows no log yet. The key must be one for cosignatures.
    pub fn new(key: SigningKey) -> Result<Self, Error> {
        if key.verifying_key().kind() != KeyKind::Cosignature {
            return Err(Error::Key("it makes plain signatures, not cosignatures"));
        }
        Ok(Self { key, logs: BTreeMap::new() })
    }

    /// Trusts `key` to sign checkpoints of `origin`, beside the keys that are trusted already.
    pub fn know(&mut self, origin: &str, key: VerifyingKey) {
        self.logs.entry(origin.to_owned()).or_default().push(key);
    }

    /// The key with which its cosignatures are verified.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.key.verifying_key()
    }

    /// Answers the body of an `add-checkpoint` request; `time_s` is now, in seconds since 1970 UTC.
    ///
    /// An error is one of the witness (HTTP 500); what is wrong with the request is an [`Answer`].
    pub fn add_checkpoint(&self, store: &impl Store, body: &[u8], time_s: u64) -> Result<Answer, Error> {
        let Ok(request) = Request::parse(body) else { return Ok(Answer::BadRequest) };
        let Ok(checkpoint) = Checkpoint::parse(request.checkpoint().text()) else { return Ok(Answer::BadRequest) };
        let origin = checkpoint.origin();
        let broken = |source| Error::Store { origin: origin.to_owned(), source };
        // Where another request was faster, what is remembered has another size now, and the second look is the answer.
        for _ in 0..2 {
            let latest = store.latest(origin).map_err(broken)?;
            let latest = latest.map(|seen| (seen.size, seen.root));
            let signatures = match decide(self.logs.get(origin), latest, &request, &checkpoint) {
                Ok(signatures) => signatures,
                Err(answer) => return Ok(answer),
            };
            let text = request.checkpoint().text();
            let cosignature = cosign(&self.key, text, time_s)?;
            let signatures = signatures.into_iter().chain([cosignature.clone()]).collect();
            let note = Note::new(text, signatures)?.to_string();
            let seen = Seen { size: checkpoint.size(), root: *checkpoint.root(), note };
            if store.replace(origin, latest, &seen).map_err(broken)? {
                return Ok(Answer::Cosigned(vec![cosignature]));
            }
        }
        Err(Error::Unsettled { origin: origin.to_owned() })
    }
}

/// Whether a checkpoint may be cosigned, given the size and root of the last one: the signatures of the log that were
/// verified, or the answer that refuses. It says nothing of what was decided before: see [`Store::replace`].
pub fn decide(
    trusted: Option<&Vec<VerifyingKey>>,
    latest: Option<(u64, Hash)>,
    request: &Request,
    checkpoint: &Checkpoint,
) -> Result<Vec<Signature>, Answer> {
    let trusted = trusted.ok_or(Answer::UnknownLog)?;
    let verified = request.checkpoint().verify(trusted).map_err(|_| Answer::Forbidden)?;
    let (old, size) = (request.old(), checkpoint.size());
    if old > size {
        return Err(Answer::BadRequest);
    }
    let (seen, root) = latest.unwrap_or((0, EMPTY_ROOT));
    if old != seen {
        return Err(Answer::Conflict { size: seen });
    }
    verify_consistency(old, &root, size, checkpoint.root(), request.proof()).map_err(|_| Answer::Unprocessable)?;
    // One signature a key: what else the request carries is not kept.
    let signatures = request.checkpoint().signatures();
    let kept = verified.iter().filter_map(|one| {
        signatures.iter().find(|line| line.id() == one.key.id() && line.name() == one.key.name()).cloned()
    });
    Ok(kept.collect())
}

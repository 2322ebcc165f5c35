//! The keys of a log, and its checkpoint as bytes.

use std::sync::Arc;

use super::error::Error;
use crate::checkpoint::Checkpoint;
use crate::cosignature::cosign;
use crate::note::{KeyKind, MAX_NOTE_BYTES, Note, SigningKey, VerifyingKey};
use crate::tree::Hash;

/// The longest checkpoint that is read.
pub(super) const CHECKPOINT_LIMIT: usize = MAX_NOTE_BYTES;

/// A tree: how many entries it has, and its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) size: u64,
    pub(super) hash: Hash,
}

/// What signs checkpoints.
pub(super) struct Signing {
    origin: String,
    signers: Vec<SigningKey>,
    timekeeper: Option<SigningKey>,
}

impl Signing {
    /// The keys of the log `origin`.
    pub(super) fn new(origin: String, signers: Vec<SigningKey>, timekeeper: Option<SigningKey>) -> Result<Self, Error> {
        let plain =
            |key: &SigningKey| key.verifying_key().kind() == KeyKind::Ed25519 && key.verifying_key().name() == origin;
        let kept = |key: &SigningKey| key.verifying_key().kind() == KeyKind::Cosignature;
        if signers.is_empty() || !signers.iter().all(plain) || !timekeeper.iter().all(kept) {
            return Err(Error::Keys { origin });
        }
        let shared = |key: &SigningKey| {
            signers.iter().any(|other| other.verifying_key().public() == key.verifying_key().public())
        };
        if timekeeper.iter().any(shared) {
            return Err(Error::Keys { origin });
        }
        Ok(Self { origin, signers, timekeeper })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The signed checkpoint of a tree, at the time `now` in seconds since 1970.
    pub(super) fn sign(&self, root: &Root, now: u64) -> Result<Vec<u8>, Error> {
        let format = |source: crate::Error| Error::Format { attempt: "sign the checkpoint", source: Arc::new(source) };
        let text = Checkpoint::new(&self.origin, root.size, root.hash).map_err(format)?.to_string();
        let plain = self.signers.iter().map(|key| key.sign(&text));
        let timed = self.timekeeper.iter().map(|key| cosign(key, &text, now));
        let signatures = plain.chain(timed).collect::<Result<_, _>>().map_err(format)?;
        Ok(Note::new(text, signatures).map_err(format)?.to_string().into_bytes())
    }

    /// The tree that a signed checkpoint in `file` names.
    pub(super) fn read(&self, file: &'static str, bytes: &[u8]) -> Result<Root, Error> {
        let keys: Vec<_> = self.signers.iter().map(SigningKey::verifying_key).collect();
        let read = read(file, bytes, &self.origin, &keys)?;
        // A time that does not fit is damage, too; one of another timekeeper is nobody's.
        match read.note.verify(self.timekeeper.iter().map(SigningKey::verifying_key)) {
            Ok(_) | Err(crate::Error::Unsigned) => {}
            Err(source) => return Err(Error::Checkpoint { file, source: Arc::new(source) }),
        }
        Ok(Root { size: read.checkpoint.size(), hash: *read.checkpoint.root() })
    }
}

/// A checkpoint whose signatures were verified.
pub(super) struct Read {
    pub(super) checkpoint: Checkpoint,
    pub(super) note: Note,
}

/// Reads a checkpoint that one of `keys` signed.
pub(super) fn read(file: &'static str, bytes: &[u8], origin: &str, keys: &[&VerifyingKey]) -> Result<Read, Error> {
    let format = |source: crate::Error| Error::Checkpoint { file, source: Arc::new(source) };
    let note = Note::parse(bytes).map_err(format)?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(format)?;
    if checkpoint.origin() != origin {
        return Err(Error::WrongOrigin { file, found: checkpoint.origin().to_owned(), expected: origin.to_owned() });
    }
    note.verify(keys.iter().copied()).map_err(|error| match error {
        crate::Error::Unsigned => Error::WrongKey { file },
        other => format(other),
    })?;
    Ok(Read { checkpoint, note })
}

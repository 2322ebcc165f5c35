use super::Request;
use crate::checkpoint::Checkpoint;
use crate::note::{KeyKind, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, Signature, VerifyingKey};
use crate::tree::{Tiles, prove_consistency};
use crate::{Error, strict};

/// The content type of the size in a conflict.
pub(super) const SIZE_TYPE: &str = "text/x.tlog.size";
/// How often a witness may name another size before the client gives up: once is the rule, more often only where others
/// submit checkpoints of the same log at the same time.
const MAX_CONFLICTS: u32 = 3;

/// What the client of a witness does: which request it sends, and what follows from the answer.
#[derive(Debug, Clone)]
pub struct Submission {
    signed: Note,
    checkpoint: Checkpoint,
    witness: Vec<VerifyingKey>,
    old: u64,
    conflicts: u32,
}

/// What to do after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The witness cosigned: these signatures were verified and can be put under the checkpoint.
    Cosigned(Vec<Signature>),
    /// Send [`Submission::request`] once more; it begins at the size that the witness named.
    Again,
}

impl Submission {
    /// Submits `signed` to the witness with these keys. `old` is the size that it is known to have cosigned last, or zero.
    pub fn new(signed: Note, witness: Vec<VerifyingKey>, old: u64) -> Result<Self, Error> {
        let checkpoint = Checkpoint::parse(signed.text())?;
        if witness.iter().any(|key| !matches!(key.kind(), KeyKind::Cosignature | KeyKind::MlDsa44)) {
            return Err(Error::Key("it makes plain signatures, not cosignatures"));
        }
        let old = old.min(checkpoint.size());
        Ok(Self { signed, checkpoint, witness, old, conflicts: 0 })
    }

    /// The request to send now; the proof is made from `tiles`.
    pub fn request(&self, tiles: &impl Tiles) -> Result<Request, Error> {
        let proof = prove_consistency(self.old, self.checkpoint.size(), tiles)?;
        Request::new(self.old, proof, self.signed.clone())
    }

    /// The size from which the next request begins.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// Takes an answer. An error ends the submission; [`Error::Ahead`] says that the witness has seen a larger tree, which
    /// is a checkpoint that the log forgot if there is no later one.
    pub fn answered(&mut self, status: u16, content_type: &str, body: &[u8]) -> Result<Next, Error> {
        let refused = |reason| Err(Error::Refused { status, reason });
        match status {
            200 => self.cosigned(body).map(Next::Cosigned),
            409 => self.conflict(content_type, body),
            400 => refused("it does not understand the request"),
            403 => refused("it does not trust the signature"),
            404 => refused("it does not know the log"),
            422 => refused("it does not believe the proof"),
            _ => refused("it cannot answer now"),
        }
    }

    fn cosigned(&self, body: &[u8]) -> Result<Vec<Signature>, Error> {
        if body.len() > MAX_NOTE_BYTES {
            return Err(Error::Note("it is too long"));
        }
        let text = std::str::from_utf8(body).map_err(|_| Error::Note("it is not UTF-8"))?;
        let lines = text.strip_suffix('\n').ok_or(Error::Note("its last line does not end"))?;
        let signatures: Vec<Signature> =
            lines.split('\n').take(MAX_SIGNATURES + 1).map(Signature::parse).collect::<Result<_, _>>()?;
        let answer = Note::new(self.signed.text(), signatures)?;
        let verified = answer.verify(&self.witness)?;
        let known = |signature: &&Signature| {
            verified.iter().any(|one| one.key.id() == signature.id() && one.key.name() == signature.name())
        };
        Ok(answer.signatures().iter().filter(known).cloned().collect())
    }

    fn conflict(&mut self, content_type: &str, body: &[u8]) -> Result<Next, Error> {
        let refused = |reason| Error::Refused { status: 409, reason };
        if content_type != SIZE_TYPE {
            return Err(refused("it does not say which size it has seen"));
        }
        let seen = std::str::from_utf8(body)
            .ok()
            .and_then(|text| text.strip_suffix('\n'))
            .and_then(strict::decimal)
            .ok_or(refused("it does not say which size it has seen"))?;
        let size = self.checkpoint.size();
        if seen > size {
            return Err(Error::Ahead { origin: self.checkpoint.origin().to_owned(), seen, size });
        }
        self.conflicts += 1;
        if seen == self.old || self.conflicts > MAX_CONFLICTS {
            return Err(refused("it does not settle on a size"));
        }
        self.old = seen;
        Ok(Next::Again)
    }
}

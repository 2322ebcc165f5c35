use crate::note::{MAX_NOTE_BYTES, Note, Signature};
use crate::tree::Hash;
use crate::{Error, strict};
use std::fmt;

/// The most hashes that a client may send.
const MAX_HASHES: usize = 63;
/// The longest body: a note, the hashes in base64, and the line with the size.
pub const MAX_REQUEST_BYTES: usize = MAX_NOTE_BYTES + 64 * (MAX_HASHES + 1);

/// The body of an `add-checkpoint` request: `old <size>`, a consistency proof, an empty line, a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    old: u64,
    proof: Vec<Hash>,
    checkpoint: Note,
}

impl Request {
    /// A request to cosign `checkpoint`, with the proof that it grew out of the tree of `old` entries.
    pub fn new(old: u64, proof: Vec<Hash>, checkpoint: Note) -> Result<Self, Error> {
        if proof.len() > MAX_HASHES {
            return Err(Error::Request("it has too many hashes"));
        }
        Ok(Self { old, proof, checkpoint })
    }

    /// Reads a body. Nothing is verified.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(Error::Request("it is too long"));
        }
        let text = std::str::from_utf8(body).map_err(|_| Error::Request("it is not UTF-8"))?;
        let (head, signed) = text.split_once("\n\n").ok_or(Error::Request("it has no empty line"))?;
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(strict::decimal)
            .ok_or(Error::Request("it has no old size"))?;
        let proof = lines.take(MAX_HASHES + 1).map(strict::decode_hash).collect::<Option<_>>();
        let proof = proof.ok_or(Error::Request("a line is not a hash in base64"))?;
        Self::new(old, proof, Note::parse(signed.as_bytes())?)
    }

    /// The size of the checkpoint that the witness is thought to have cosigned last; zero where there is none.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The proof that the tree of that size is the beginning of the one of the checkpoint.
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint to cosign, with the signature of its log.
    pub fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }
}

impl fmt::Display for Request {
    /// The body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", strict::encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: its cosignatures.
    Cosigned(Vec<Signature>),
    /// 400: the body is not a request, or its old size is above that of the checkpoint.
    BadRequest,
    /// 403: no key that is trusted for the log signed the checkpoint, or a signature of one does not fit.
    Forbidden,
    /// 404: the log is not known.
    UnknownLog,
    /// 409: the witness cosigned another size last.
    Conflict {
        /// That size.
        size: u64,
    },
    /// 422: the proof does not hold.
    Unprocessable,
}

impl Answer {
    /// The status of HTTP.
    pub fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } => 409,
            Self::Unprocessable => 422,
        }
    }

    /// The content type of the body; the specification has one for a conflict only.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => super::client::SIZE_TYPE,
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The body: lines of signatures, the size of a conflict, or nothing.
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned(signatures) => signatures.iter().map(|signature| format!("{signature}\n")).collect(),
            Self::Conflict { size } => format!("{size}\n"),
            Self::BadRequest | Self::Forbidden | Self::UnknownLog | Self::Unprocessable => String::new(),
        }
    }
}

//! Proofs in a file: that an entry is in a log, checked offline (<https://c2sp.org/tlog-proof@v1>, `.tlog-proof`).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 73894
//! gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
//! ...
//!
//! example.com/fancylog
//! 109482
//! sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
//!
//! — example.com/fancylog hI2DJw...
//! — witness1.example mJirIklj...
//! ```

use crate::checkpoint::Checkpoint;
use crate::note::{MAX_NOTE_BYTES, Note};
use crate::policy::{Accepted, Policy};
use crate::tree::{Hash, verify_inclusion};
use crate::{Error, strict};
use std::fmt;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most hashes: a tree of at most 2^63 - 1 entries has so many rows below its root.
const MAX_HASHES: usize = 63;
/// The most bytes of extra data: it is meant for context, not for the entry.
pub const MAX_EXTRA_BYTES: usize = 65_536;
/// The longest proof: a note, extra data in base64, and the hashes.
pub const MAX_PROOF_BYTES: usize = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES + 64 * (MAX_HASHES + 3);

/// An entry's place in a log, the hashes from there to the root, and the checkpoint with its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: Note,
    extra: Option<Vec<u8>>,
}

impl Proof {
    /// The proof for entry `index`; `hashes` are those of [`crate::tree::prove_inclusion`] for the size of the checkpoint.
    pub fn new(index: u64, hashes: Vec<Hash>, checkpoint: Note) -> Result<Self, Error> {
        if hashes.len() > MAX_HASHES {
            return Err(Error::Proof("it has too many hashes"));
        }
        Checkpoint::parse(checkpoint.text())?;
        Ok(Self { index, hashes, checkpoint, extra: None })
    }

    /// Puts data beside the proof that nothing authenticates: context, or what is needed to rebuild the entry.
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, Error> {
        if extra.is_empty() || extra.len() > MAX_EXTRA_BYTES {
            return Err(Error::Proof("its extra data is empty or too long"));
        }
        self.extra = Some(extra);
        Ok(self)
    }

    /// Reads the bytes of a file. Nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(Error::Proof("it is too long"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Proof("it is not UTF-8"))?;
        let (head, signed) =
            text.split_once("\n\n").ok_or(Error::Proof("it has no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(Error::Proof("its first line is not that of a proof"));
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => {
                let text = line.strip_prefix("extra ").and_then(strict::decode);
                Some(text.ok_or(Error::Proof("its extra data is not base64"))?)
            }
            None => None,
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(strict::decimal)
            .ok_or(Error::Proof("it has no index"))?;
        let hashes = lines.take(MAX_HASHES + 1).map(strict::decode_hash).collect::<Option<_>>();
        let hashes = hashes.ok_or(Error::Proof("a line is not a hash in base64"))?;
        let proof = Self::new(index, hashes, Note::parse(signed.as_bytes())?)?;
        extra.map_or(Ok(proof.clone()), |extra| proof.with_extra(extra))
    }

    /// Checks that the entry with the hash `leaf` is in a log which `policy` accepts, and returns the checkpoint.
    ///
    /// The hash must come from the entry itself ([`crate::tree::leaf_hash`]), never from the proof.
    pub fn verify<'p>(&self, leaf: &Hash, policy: &'p Policy) -> Result<Accepted<'p>, Error> {
        let accepted = policy.verify(&self.checkpoint)?;
        let checkpoint = &accepted.checkpoint;
        verify_inclusion(leaf, self.index, checkpoint.size(), &self.hashes, checkpoint.root())?;
        Ok(accepted)
    }

    /// The number of the entry in its log, from zero.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The siblings of the entry, from the leaf to the root.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The checkpoint with its signatures.
    pub fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// Data that nothing authenticates.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }
}

impl fmt::Display for Proof {
    /// The file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", strict::encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", strict::encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

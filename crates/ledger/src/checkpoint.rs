//! Checkpoints: how many entries a log has, and the root over them (<https://c2sp.org/tlog-checkpoint@v1.0.0>).
//!
//! A checkpoint is the text of a [`crate::note::Note`]: origin, size, root in base64, and lines of extensions, which no
//! monitor can audit and which should not be used.

use crate::note::{Note, SigningKey, VerifyingKey};
use crate::tree::{Hash, MAX_SIZE};
use crate::{Error, strict};
use std::fmt;

/// The most lines of extensions that are read. They are not recommended at all.
const MAX_EXTENSIONS: usize = 16;

/// Origin, size and root of a log at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extensions.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, Error> {
        let checkpoint = Self { origin: origin.to_owned(), size, root, extensions: Vec::new() };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    /// Reads the text of a checkpoint, without the signatures.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let body = text.strip_suffix('\n').ok_or(Error::Checkpoint("its last line does not end"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(Error::Checkpoint("it has less than three lines"));
        };
        let size = strict::decimal(size).ok_or(Error::Checkpoint("its size is not a number"))?;
        let root = strict::decode_hash(root).ok_or(Error::Checkpoint("its root is not a hash in base64"))?;
        let extensions = lines.take(MAX_EXTENSIONS + 1).map(str::to_owned).collect();
        let checkpoint = Self { origin: origin.to_owned(), size, root, extensions };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    /// Reads a signed checkpoint and checks that `log` signed it and that it is that log's: its origin is the key's name.
    pub fn open(signed: &[u8], log: &VerifyingKey) -> Result<(Self, Note), Error> {
        let note = Note::parse(signed)?;
        note.verify([log])?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin != log.name() {
            return Err(Error::Origin { expected: log.name().to_owned(), found: checkpoint.origin });
        }
        Ok((checkpoint, note))
    }

    /// Signs it as its log. The name of the key must be the origin.
    ///
    /// A log must never sign two checkpoints that do not fit together; that is the caller's to keep.
    pub fn sign(&self, log: &SigningKey) -> Result<Note, Error> {
        let name = log.verifying_key().name();
        if name != self.origin {
            return Err(Error::Origin { expected: name.to_owned(), found: self.origin.clone() });
        }
        let text = self.to_string();
        let signature = log.sign(&text)?;
        Note::new(text, vec![signature])
    }

    /// Whose log it is: the log's name, an address without its scheme.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of these entries.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Further lines, whose meaning is the log's own.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    fn check(&self) -> Result<(), Error> {
        let broken = |line: &str| line.is_empty() || line.bytes().any(|byte| byte < b' ');
        if broken(&self.origin) || self.extensions.iter().any(|line| broken(line)) {
            return Err(Error::Checkpoint("it has an empty line or a control character"));
        }
        if self.extensions.len() > MAX_EXTENSIONS {
            return Err(Error::Checkpoint("it has too many lines"));
        }
        if self.size > MAX_SIZE {
            return Err(Error::TreeTooLarge(self.size));
        }
        Ok(())
    }
}

impl fmt::Display for Checkpoint {
    /// The text of the note, with the newline at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, strict::encode(&self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

//! Signed notes: a text with signatures under it (<https://c2sp.org/signed-note@v1.0.0>).
//!
//! ```text
//! example.com/log
//! 2
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+...
//! ```
//!
//! Until a signature by a known key was verified, the text is a claim of nobody.

mod key;
mod signature;

pub use key::{KeyKind, SigningKey, VerifyingKey};
pub use signature::Signature;

use crate::Error;
use std::fmt;

/// The longest note that is read: Go's library takes a million bytes; the longest checkpoint with 100 post-quantum
/// signatures of 3.3 kB has 340 kB.
pub const MAX_NOTE_BYTES: usize = 1_000_000;
/// The most signatures that a note may have: as in Go's library. At least 16 must be taken.
pub const MAX_SIGNATURES: usize = 100;

/// A signed note, well formed; who signed it is what [`Note::verify`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// A note of `text` (lines that end with a newline) and at least one signature.
    pub fn new(text: impl Into<String>, signatures: Vec<Signature>) -> Result<Self, Error> {
        let note = Self { text: text.into(), signatures };
        check_text(&note.text)?;
        note.check_signatures()?;
        Ok(note)
    }

    /// Reads a note. Nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(Error::Note("it is too long"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Error::Note("it is not UTF-8"))?;
        let (text, lines) =
            whole.rsplit_once("\n\n").ok_or(Error::Note("it has no empty line before its signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or(Error::Note("its last line does not end"))?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(Error::Note("it has too many signatures"));
            }
            signatures.push(Signature::parse(line)?);
        }
        let note = Self { text, signatures };
        note.check_signatures()?;
        Ok(note)
    }

    /// The signed text, with the newline at its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures as written, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Puts a signature under the others.
    pub fn add(&mut self, signature: Signature) -> Result<(), Error> {
        self.signatures.push(signature);
        self.check_signatures().inspect_err(|_| _ = self.signatures.pop())
    }

    /// Which of `known` signed the text, in the order of the signatures and each key once.
    ///
    /// Signatures of other keys, and of keys whose kind cannot be verified here, are nobody's. A known key whose signature
    /// does not fit condemns the note, also beside others that do; so does a note that no known key signed.
    pub fn verify<'k>(&self, known: impl IntoIterator<Item = &'k VerifyingKey>) -> Result<Vec<Verified<'k>>, Error> {
        let known: Vec<&VerifyingKey> = known.into_iter().collect();
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            let mut by = known.iter().filter(|key| key.id() == signature.id() && key.name() == signature.name());
            let Some(key) = by.next().copied() else { continue };
            if by.any(|other| *other != key) {
                return Err(Error::AmbiguousKey { name: key.name().to_owned() });
            }
            if !key.kind().is_supported() {
                continue;
            }
            let one = key.verify(&self.text, signature)?;
            if !verified.iter().any(|seen| seen.key == key) {
                verified.push(one);
            }
        }
        if verified.is_empty() { Err(Error::Unsigned) } else { Ok(verified) }
    }

    /// What a reader would refuse is not written either.
    fn check_signatures(&self) -> Result<(), Error> {
        match self.signatures.len() {
            0 => Err(Error::Note("it has no signature")),
            count if count > MAX_SIGNATURES => Err(Error::Note("it has too many signatures")),
            _ if self.to_string().len() > MAX_NOTE_BYTES => Err(Error::Note("it is too long")),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// A signature that fits, and the key that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key.
    pub key: &'k VerifyingKey,
    /// When it was signed, in seconds since 1970 UTC, where the kind of key signs the time ([`KeyKind::Cosignature`]).
    pub time_s: Option<u64>,
}

fn check_text(text: &str) -> Result<(), Error> {
    if !text.ends_with('\n') {
        return Err(Error::Note("its text does not end with a newline"));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(Error::Note("it has a control character"));
    }
    Ok(())
}

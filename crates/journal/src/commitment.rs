use crate::error::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// A SHA-256 digest, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// What stands in an entry for a value that may be about a person: the digest of its salt and of the value
/// ([`Opening::commitment`]). Without the salt nobody can try values out.
pub type Commitment = Digest;

/// A committed value with its salt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// 64 hexadecimal digits: 32 bytes from a secure source.
    pub salt: String,
    pub value: String,
}

/// The openings of one entry, by the name of the field: `who.principal`, `what.object`, `why.reason`, ...
pub type Openings = BTreeMap<String, Opening>;

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = Error;

    fn try_from(text: String) -> Result<Digest, Error> {
        let bytes = text.strip_prefix("sha256:").and_then(unhex).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest).ok_or(Error::Digest(text))
    }
}

impl Opening {
    /// A value with a fresh salt.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn new(value: String) -> Result<Opening, Error> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(Error::Random)?;
        Ok(Opening { salt: hex(&salt), value })
    }

    /// SHA-256 of the salt as it is written, a line feed, and the value:
    /// `printf '%s\n%s' "$salt" "$value" | sha256sum` gives the same.
    pub fn commitment(&self) -> Commitment {
        let mut hash = Sha256::new();
        hash.update(&self.salt);
        hash.update(b"\n");
        hash.update(&self.value);
        Digest(hash.finalize().into())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower case only: one value is written one way.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

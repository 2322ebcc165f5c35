use super::key::{ID_BYTES, is_name};
use crate::{Error, strict};
use std::fmt;

/// What a line of a signature begins with: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// A line under a note: the name of the key, its id, and the bytes of the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: [u8; ID_BYTES],
    bytes: Vec<u8>,
}

impl Signature {
    /// A signature of the key `name` with this id; `bytes` are what its kind of key makes.
    pub fn new(name: &str, id: [u8; ID_BYTES], bytes: Vec<u8>) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::KeyName(name.to_owned()));
        }
        if bytes.is_empty() {
            return Err(Error::Note("a signature is empty"));
        }
        Ok(Self { name: name.to_owned(), id, bytes })
    }

    /// Reads a line (without its newline), as [`Signature`] writes it.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let (name, text) = line
            .strip_prefix(MARK)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(Error::Note("a line is no signature"))?;
        if !is_name(name) {
            return Err(Error::Note("a signature has no proper name"));
        }
        let bytes = strict::decode(text).ok_or(Error::Note("a signature is not base64"))?;
        match bytes.split_first_chunk() {
            Some((id, rest)) if !rest.is_empty() => Ok(Self { name: name.to_owned(), id: *id, bytes: rest.to_vec() }),
            _ => Err(Error::Note("a signature is too short")),
        }
    }

    /// The name of the key that is said to have signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key that is said to have signed.
    pub fn id(&self) -> [u8; ID_BYTES] {
        self.id
    }

    /// The signature without the id of the key.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_slice(), self.bytes.as_slice()].concat();
        write!(f, "{MARK}{} {}", self.name, strict::encode(&bytes))
    }
}

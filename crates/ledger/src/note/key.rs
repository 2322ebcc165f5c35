use super::{Signature, Verified};
use crate::{Error, strict};
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The bytes of a key id.
pub(crate) const ID_BYTES: usize = 4;
/// The longest text of a key that is read: a post-quantum key has 1,312 bytes, a name is an address without its scheme.
const MAX_KEY_TEXT: usize = 4_096;
/// What the text of a signing key begins with, in Go's sumdb/note and what follows it.
const PRIVATE: &str = "PRIVATE+KEY+";
/// The bytes of a public Ed25519 key, and of the seed of a private one.
const ED25519_BYTES: usize = 32;
/// The bytes of a public ML-DSA-44 key.
const ML_DSA_44_BYTES: usize = 1_312;

/// What a key signs and how: the type byte of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// 0x01: Ed25519 over the text.
    Ed25519,
    /// 0x04: Ed25519 over a time and a checkpoint: a cosignature.
    Cosignature,
    /// 0x06: ML-DSA-44 over a time and a checkpoint. Known by name, neither made nor verified here.
    MlDsa44,
    /// Any other: carried, neither made nor verified here.
    Other(u8),
}

impl KeyKind {
    /// The kind with this type byte.
    pub fn from_byte(byte: u8) -> Self {
        match byte {
            0x01 => Self::Ed25519,
            0x04 => Self::Cosignature,
            0x06 => Self::MlDsa44,
            other => Self::Other(other),
        }
    }

    /// The type byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
            Self::MlDsa44 => 0x06,
            Self::Other(byte) => byte,
        }
    }

    /// Whether signatures of this kind can be verified here; those of other kinds never count.
    pub fn is_supported(self) -> bool {
        matches!(self, Self::Ed25519 | Self::Cosignature)
    }
}

/// The public part of a key, with the name under which it signs.
///
/// Its text (a *vkey*) is `name+id+key`: the id in hexadecimal, the type byte and the public key in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; ID_BYTES],
    kind: KeyKind,
    public: Vec<u8>,
}

impl VerifyingKey {
    /// A key that signs under `name`; `public` is the public key as its kind encodes it.
    pub fn new(name: &str, kind: KeyKind, public: &[u8]) -> Result<Self, Error> {
        let id = key_id(name, kind, public);
        Self::with_id(name, id, kind, public)
    }

    /// Reads the text of a key. The id must be that of the key, but for kinds that compute it in ways of their own.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, id, key) = parts(text)?;
        let (kind, public) = key.split_first().ok_or(Error::Key("it is empty"))?;
        let kind = KeyKind::from_byte(*kind);
        if !matches!(kind, KeyKind::Other(_)) && id != key_id(name, kind, public) {
            return Err(Error::Key("its id is not that of the key"));
        }
        Self::with_id(name, id, kind, public)
    }

    fn with_id(name: &str, id: [u8; ID_BYTES], kind: KeyKind, public: &[u8]) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::KeyName(name.to_owned()));
        }
        match kind {
            KeyKind::Ed25519 | KeyKind::Cosignature => _ = ed25519(public)?,
            KeyKind::MlDsa44 if public.len() != ML_DSA_44_BYTES => {
                return Err(Error::Key("its length is not that of ML-DSA-44"));
            }
            KeyKind::Other(_) if public.is_empty() => return Err(Error::Key("it is empty")),
            KeyKind::MlDsa44 | KeyKind::Other(_) => {}
        }
        Ok(Self { name: name.to_owned(), id, kind, public: public.to_vec() })
    }

    /// The name under which it signs; that of a log is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first bytes of a hash of name, kind and key.
    pub fn id(&self) -> [u8; ID_BYTES] {
        self.id
    }

    /// What it signs and how.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public key as its kind encodes it (Ed25519: 32 bytes).
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Checks one signature under `text`. It must be of this key.
    pub fn verify(&self, text: &str, signature: &Signature) -> Result<Verified<'_>, Error> {
        let bad = || Error::BadSignature { name: self.name.clone() };
        if signature.id() != self.id || signature.name() != self.name {
            return Err(bad());
        }
        let (time_s, message, bytes) = match self.kind {
            KeyKind::Ed25519 => (None, text.to_owned(), signature.bytes()),
            KeyKind::Cosignature => {
                let (time, bytes) = signature.bytes().split_first_chunk().ok_or_else(bad)?;
                let time_s = u64::from_be_bytes(*time);
                (Some(time_s), crate::cosignature::message(time_s, text).ok_or_else(bad)?, bytes)
            }
            KeyKind::MlDsa44 | KeyKind::Other(_) => return Err(bad()),
        };
        let bytes = ed25519_dalek::Signature::from_slice(bytes).map_err(|_| bad())?;
        // Strict: keys and signatures of small order, which fit many texts, are refused.
        ed25519(&self.public)?.verify_strict(message.as_bytes(), &bytes).map_err(|_| bad())?;
        Ok(Verified { key: self, time_s })
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", text(&self.name, self.id, self.kind, &self.public))
    }
}

/// An Ed25519 key that signs notes ([`KeyKind::Ed25519`]) or cosigns checkpoints ([`KeyKind::Cosignature`]).
#[derive(Clone)]
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// A new key from the randomness of the system.
    pub fn generate(name: &str, kind: KeyKind) -> Result<Self, Error> {
        let mut seed = [0; ED25519_BYTES];
        getrandom::fill(&mut seed).map_err(Error::Random)?;
        Self::from_seed(name, kind, &seed)
    }

    /// The key that grows from the 32 bytes of `seed`, which must be random and secret.
    pub fn from_seed(name: &str, kind: KeyKind, seed: &[u8; ED25519_BYTES]) -> Result<Self, Error> {
        if !kind.is_supported() {
            return Err(Error::Key("keys of this kind are not made here"));
        }
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifying = VerifyingKey::new(name, kind, secret.verifying_key().as_bytes())?;
        Ok(Self { secret, verifying })
    }

    /// Reads the text that [`SigningKey::to_secret_text`] writes.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, id, key) = parts(text.strip_prefix(PRIVATE).ok_or(Error::Key("it is not a private key"))?)?;
        let (kind, seed) = key.split_first().ok_or(Error::Key("it is empty"))?;
        let seed = seed.try_into().map_err(|_| Error::Key("its length is not that of Ed25519"))?;
        let key = Self::from_seed(name, KeyKind::from_byte(*kind), seed)?;
        if id != key.verifying.id {
            return Err(Error::Key("its id is not that of the key"));
        }
        Ok(key)
    }

    /// The secret text `PRIVATE+KEY+name+id+key` of Go's sumdb/note: the type byte and the seed in base64.
    pub fn to_secret_text(&self) -> String {
        let key = &self.verifying;
        format!("{PRIVATE}{}", text(&key.name, key.id, key.kind, self.secret.as_bytes()))
    }

    /// The public part.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Signs the text of a note. Keys of [`KeyKind::Cosignature`] do not: they sign a time, too
    /// ([`crate::cosignature::cosign`]).
    pub fn sign(&self, text: &str) -> Result<Signature, Error> {
        if self.verifying.kind != KeyKind::Ed25519 {
            return Err(Error::Key("it makes cosignatures, not plain signatures"));
        }
        super::check_text(text)?;
        self.signature(&[], text.as_bytes())
    }

    /// The signature of `message`, with `before` in front of it.
    pub(crate) fn signature(&self, before: &[u8], message: &[u8]) -> Result<Signature, Error> {
        let bytes = [before, &self.secret.sign(message).to_bytes()].concat();
        Signature::new(&self.verifying.name, self.verifying.id, bytes)
    }
}

impl fmt::Debug for SigningKey {
    /// The public part only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("verifying", &self.verifying).finish_non_exhaustive()
    }
}

/// Whether a key may have this name: not empty, no spaces, no plus, no control characters.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ')
}

/// The first four bytes of the hash of name, newline, type byte and public key.
fn key_id(name: &str, kind: KeyKind, public: &[u8]) -> [u8; ID_BYTES] {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', kind.byte()]).chain_update(public).finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
    [a, b, c, d]
}

fn text(name: &str, id: [u8; ID_BYTES], kind: KeyKind, key: &[u8]) -> String {
    format!("{name}+{}+{}", strict::hex(&id), strict::encode(&[&[kind.byte()], key].concat()))
}

/// Name, id and key of `name+id+key`. Base64 may have a plus, the other two not.
fn parts(text: &str) -> Result<(&str, [u8; ID_BYTES], Vec<u8>), Error> {
    if text.len() > MAX_KEY_TEXT {
        return Err(Error::Key("it is too long"));
    }
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::Key("it is not `name+id+key`"));
    };
    let id = u32::from_str_radix(id, 16)
        .map(u32::to_be_bytes)
        .ok()
        .filter(|number| strict::hex(number) == id)
        .ok_or(Error::Key("its id is not eight hexadecimal digits"))?;
    Ok((name, id, strict::decode(key).ok_or(Error::Key("it is not base64"))?))
}

fn ed25519(public: &[u8]) -> Result<ed25519_dalek::VerifyingKey, Error> {
    let bytes = public.try_into().map_err(|_| Error::Key("its length is not that of Ed25519"))?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| Error::Key("it is no point of Ed25519"))?;
    if key.is_weak() { Err(Error::Key("it is of small order")) } else { Ok(key) }
}

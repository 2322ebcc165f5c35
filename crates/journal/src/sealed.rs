use crate::commitment::{Openings, hex, unhex};
use crate::entry::Id;
use crate::error::Error;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The key that seals what is known about one person. To destroy it is to erase.
#[derive(Clone)]
pub struct SubjectKey(Zeroizing<[u8; 32]>);

/// Openings, sealed: XChaCha20-Poly1305 with a random nonce, bound to the entry that they belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Whose key opens it.
    pub subject: Id,
    /// 24 bytes, hexadecimal.
    nonce: String,
    /// With the tag of 16 bytes, hexadecimal.
    sealed: String,
}

const NONCE_BYTES: usize = 24;

impl SubjectKey {
    /// # Errors
    /// [`Error::Random`].
    pub fn random() -> Result<SubjectKey, Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut()).map_err(Error::Random)?;
        Ok(SubjectKey(key))
    }

    /// As written by [`SubjectKey::to_text`].
    pub fn parse(text: &str) -> Option<SubjectKey> {
        unhex(text.trim_end()).and_then(|bytes| bytes.try_into().ok()).map(|key| SubjectKey(Zeroizing::new(key)))
    }

    /// 64 hexadecimal digits and a line feed, for a file that only its owner reads.
    pub fn to_text(&self) -> String {
        format!("{}\n", hex(self.0.as_ref()))
    }
}

impl Sealed {
    /// Seals the openings of the entry with these bytes.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn seal(openings: &Openings, entry: &[u8], subject: Id, key: &SubjectKey) -> Result<Sealed, Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(Error::Random)?;
        let text = serde_json::to_vec(openings).map_err(Error::Schema)?;
        let cipher = XChaCha20Poly1305::new(&Key::from(*key.0));
        let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: &text, aad: entry });
        Ok(Sealed { subject, nonce: hex(&nonce), sealed: hex(&sealed.map_err(|_| Error::Sealed)?) })
    }

    /// # Errors
    /// [`Error::Sealed`]: not this key, not this entry, or damaged.
    pub fn open(&self, entry: &[u8], key: &SubjectKey) -> Result<Openings, Error> {
        let nonce: [u8; NONCE_BYTES] =
            unhex(&self.nonce).and_then(|nonce| nonce.try_into().ok()).ok_or(Error::Sealed)?;
        let sealed = unhex(&self.sealed).ok_or(Error::Sealed)?;
        let cipher = XChaCha20Poly1305::new(&Key::from(*key.0));
        let text = cipher.decrypt(&XNonce::from(nonce), Payload { msg: &sealed, aad: entry });
        serde_json::from_slice(&text.map_err(|_| Error::Sealed)?).map_err(|_| Error::Sealed)
    }
}

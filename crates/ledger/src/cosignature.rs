//! Cosignatures: a witness says that, at a time, a checkpoint was the largest that it had seen of a log, and consistent
//! with all before (<https://c2sp.org/tlog-cosignature@v1.0.1>, Ed25519).
//!
//! The signed bytes are two lines and the text of the checkpoint:
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! ```

use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::note::{KeyKind, Signature, SigningKey};

/// The latest time that may be written, in seconds since 1970: the specification's bound.
const MAX_TIME_S: u64 = i64::MAX as u64;

/// Cosigns a checkpoint (the text of its note) at `time_s`, in seconds since 1970 UTC and not zero.
///
/// Whether the checkpoint may be cosigned is not asked here: a witness decides that.
pub fn cosign(key: &SigningKey, text: &str, time_s: u64) -> Result<Signature, Error> {
    if key.verifying_key().kind() != KeyKind::Cosignature {
        return Err(Error::Key("it makes plain signatures, not cosignatures"));
    }
    Checkpoint::parse(text)?;
    let message = message(time_s, text).ok_or(Error::Note("the time of a cosignature is out of bounds"))?;
    key.signature(&time_s.to_be_bytes(), message.as_bytes())
}

/// The bytes that are signed. A time of zero says nothing of the time, which this kind of signature must.
pub(crate) fn message(time_s: u64, text: &str) -> Option<String> {
    (1..=MAX_TIME_S).contains(&time_s).then(|| format!("cosignature/v1\ntime {time_s}\n{text}"))
}

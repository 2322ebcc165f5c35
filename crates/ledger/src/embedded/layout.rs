//! Where what lies in the log's folder.
//!
//! ```text
//! public/checkpoint          what a static file server may serve, as C2SP tlog-tiles
//! public/tile/<L>/<N>[.p/<W>]
//! public/tile/entries/<N>[.p/<W>]
//! private/lock               held by the one writer
//! private/checkpoint         the last checkpoint that was signed, written before the public one
//! private/wal/<index>.wal    entries in the order of their index, from before they are in bundles
//! private/staging/           files that are being written; whatever is here after a crash is of no use
//! ```

/// The folder that is served.
pub const PUBLIC: &str = "public";
/// The folder that is not.
pub const PRIVATE: &str = "private";
/// The checkpoint that readers see.
pub const CHECKPOINT: &str = "public/checkpoint";
/// The writer's own copy of the last checkpoint.
pub const SIGNED: &str = "private/checkpoint";
/// The lock of the writer.
pub const LOCK: &str = "private/lock";
/// The folder of the write-ahead segments.
pub const WAL: &str = "private/wal";
/// Files that are being written.
pub const STAGING: &str = "private/staging";
/// The beginning of the names in [`STAGING`] of files that will be public.
pub(super) const PUBLIC_STAGING: &str = "private/staging/public-";
/// The beginning of the names in [`STAGING`] of files that will stay private.
pub(super) const PRIVATE_STAGING: &str = "private/staging/private-";

/// The name of the segment whose first entry has this index.
#[must_use]
pub fn segment(first: u64) -> String {
    // 20 digits hold every u64, so names sort as numbers do.
    format!("{WAL}/{first:020}.wal")
}

/// The index in a segment's file name.
pub(super) fn segment_first(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wal")?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

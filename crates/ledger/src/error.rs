use crate::tile::Tile;

/// Why something of the ledger could not be read, made or believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("not a signed note: {0}")]
    Note(&'static str),
    #[error("not a key name: `{0}` (it is empty, or has a space, a plus or a control character)")]
    KeyName(String),
    #[error("not a key: {0}")]
    Key(&'static str),
    #[error("the system gives no random bytes for a key")]
    Random(#[source] getrandom::Error),
    #[error("two known keys are called `{name}` and have the same key id")]
    AmbiguousKey { name: String },
    #[error("no signature by a known key")]
    Unsigned,
    #[error("the signature by `{name}` does not fit the text")]
    BadSignature { name: String },

    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
    #[error("the checkpoint is that of `{found}`, not of `{expected}`")]
    Origin { expected: String, found: String },

    #[error("not a tile: {0}")]
    Tile(&'static str),
    #[error("not the path of a tile or of an entry bundle: `{0}`")]
    TilePath(String),
    #[error("the tile `{tile}` cannot be read")]
    ReadTile {
        tile: Tile,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the tile `{tile}` has {hashes} hashes")]
    ShortTile { tile: Tile, hashes: usize },
    #[error("the tile `{tile}` is not the one under the root")]
    ForgedTile { tile: Tile },
    #[error("not an entry bundle: {0}")]
    Bundle(&'static str),
    #[error("an entry has {bytes} bytes, and {limit} is the most that a log takes")]
    EntryTooLong { bytes: usize, limit: usize },

    #[error("a tree of {0} entries is larger than any log")]
    TreeTooLarge(u64),
    #[error("there is no entry {index} in a tree of {size}")]
    NoSuchEntry { index: u64, size: u64 },
    #[error("a tree of {old} entries is not the beginning of one of {new}")]
    Shrinks { old: u64, new: u64 },
    #[error("the inclusion proof does not hold: {0}")]
    Inclusion(&'static str),
    #[error("the consistency proof does not hold: {0}")]
    Consistency(&'static str),

    #[error("the policy cannot be used: line {line}: {reason}")]
    Policy { line: usize, reason: &'static str },
    #[error("the checkpoint of `{origin}` is not signed by a log of the policy")]
    NoLog { origin: String },
    #[error("the checkpoint of `{origin}` is not cosigned by a quorum of witnesses")]
    NoQuorum { origin: String },
    #[error("not a proof: {0}")]
    Proof(&'static str),

    #[error("not a request to a witness: {0}")]
    Request(&'static str),
    #[error("the witness cannot read or keep what it has seen of `{origin}`")]
    Store {
        origin: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the witness's record of `{origin}` changed twice during one request")]
    Unsettled { origin: String },
    #[error("the witness answered with {status}: {reason}")]
    Refused { status: u16, reason: &'static str },
    #[error("the witness has seen {seen} entries of `{origin}`, and the checkpoint has {size}")]
    Ahead { origin: String, seen: u64, size: u64 },
}

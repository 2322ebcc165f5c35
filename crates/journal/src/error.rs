/// Why an entry, an opening or a sealed payload is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no secure random numbers can be had")]
    Random(#[source] getrandom::Error),
    #[error("the entry is no JSON of the schema")]
    Schema(#[source] serde_json::Error),
    #[error("the entry is of version {0} of the schema; this program knows 1")]
    Version(u32),
    #[error("the entry is not written canonically")]
    NotCanonical,
    #[error("`{field}` is empty, longer than 128 bytes, or has quotes, backslashes or control characters")]
    Name { field: &'static str },
    #[error("`{0}` is no time as entries write it: `2026-11-24T17:30:00.000000Z`")]
    Time(String),
    #[error("an entry names {0} rules; 400 are the most")]
    Rules(usize),
    #[error("`{0}` is no digest: `sha256:` and 64 hexadecimal digits in lower case")]
    Digest(String),
    #[error("what is opened is not what was committed to in `{0}`")]
    NotCommitted(String),
    #[error("the payload cannot be opened: another key, another entry, or damaged")]
    Sealed,
}

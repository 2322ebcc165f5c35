use std::io;
use std::path::PathBuf;

/// Why a workspace cannot be used. Whoever wanted to act must not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is a workspace already: `{}`", path.display())]
    Exists { path: PathBuf },
    #[error("there is no workspace at or above `{}`", path.display())]
    None { path: PathBuf },
    #[error("could not {what} `{}`", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("`{}` is not what a workspace has there", path.display())]
    Broken {
        path: PathBuf,
        #[source]
        cause: Option<serde_json::Error>,
    },
    #[error("others can read the secret file `{}`", path.display())]
    Exposed { path: PathBuf },
    #[error("`{}` holds no key of the ledger", path.display())]
    Key {
        path: PathBuf,
        #[source]
        cause: allod_ledger::Error,
    },
    #[error("`{0}` cannot be the origin of a ledger")]
    Origin(String, #[source] allod_ledger::Error),
    #[error("the ledger cannot be used")]
    Ledger(#[source] allod_ledger::embedded::Error),
    #[error("the ledger could not prove the entry")]
    Proof(#[source] allod_ledger::Error),
    #[error("the ledger is still being written by another process")]
    Busy(#[source] allod_ledger::embedded::Error),
    #[error("the entry could not be written")]
    Entry(#[source] allod_journal::Error),
    #[error("entry {index} of the ledger cannot be read")]
    Unreadable {
        index: u64,
        #[source]
        cause: allod_journal::Error,
    },
    #[error("there is something already where the bundle would be: `{}`", path.display())]
    BundleExists { path: PathBuf },
    #[error("the openings of entry {index} are not what it commits to")]
    NotOpened { index: u64 },
    #[error("nobody is called `{0}` in this workspace, or all about them was erased")]
    NoSubject(String),
}

impl Error {
    /// The code under which `allod explain` has a page.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Exists { .. } | Error::BundleExists { .. } => "W001",
            Error::None { .. } => "W002",
            Error::File { .. } => "W003",
            Error::Broken { .. } | Error::Key { .. } | Error::Origin(..) => "W004",
            Error::Exposed { .. } => "W005",
            Error::Ledger(error) | Error::Busy(error) => error.code(),
            Error::Entry(_) | Error::Unreadable { .. } | Error::Proof(_) | Error::NotOpened { .. } => "W006",
            Error::NoSubject(_) => "W007",
        }
    }

    /// What helps, where something does.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::BundleExists { .. } => Some("name a folder that is not there yet"),
            Error::Exists { .. } => Some("`allod log` shows what it has logged"),
            Error::None { .. } => Some("make one: `allod init`"),
            Error::Exposed { .. } => {
                Some("take the others' rights away: `chmod 600 FILE`; who read it can sign in your name")
            }
            Error::Busy(_) => Some("wait for the other one; a process that hangs holds `private/lock`"),
            _ => None,
        }
    }
}

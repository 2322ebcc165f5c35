//! A bundle: entries with their proofs for somebody outside, and its verification with nothing else at hand.
//!
//! ```text
//! README.md                  the same steps with other people's tools
//! policy                     the keys (C2SP tlog-policy)
//! checkpoint                 what was signed
//! entries/N.json             an entry, byte for byte
//! entries/N.tlog-proof       that the ledger has it
//! entries/N.openings.json    what it commits to, as far as it is shown
//! earlier, growth            the auditor's last checkpoint, and that the ledger begins with it (a request of
//!                            C2SP tlog-witness, `add-checkpoint`)
//! ```

mod check;

pub use check::{Bundled, Problem, verify};

use crate::error::Error;
use crate::files::{make_folder, write};
use crate::read::{Records, Truth};
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::note::Note;
use allod_ledger::witness::Request;
use std::path::Path;

const README: &str = include_str!("bundle/README.md");
const MODE: u32 = 0o600;

/// What goes into a bundle.
#[derive(Clone, Debug, Default)]
pub struct BundleAsk {
    /// Numbers of entries, each once.
    pub entries: Vec<u64>,
    /// The fields whose openings are shown. `None`: all.
    pub show: Option<Vec<String>>,
    /// The checkpoint that the auditor took home last time.
    pub earlier: Option<(Checkpoint, Note)>,
}

/// What went into a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    pub entries: usize,
    pub opened: usize,
    /// Entries whose openings were destroyed, are missing or wrong.
    pub closed: usize,
}

impl Records<'_> {
    /// Writes a bundle into a folder that must not be there yet.
    ///
    /// # Errors
    /// [`Error::BundleExists`], [`Error::NotOpened`]: an opening that is there and is not what was committed to is not
    /// handed out; all others of reading and writing.
    pub fn bundle(&self, folder: &Path, ask: &BundleAsk) -> Result<Packed, Error> {
        if folder.exists() {
            return Err(Error::BundleExists { path: folder.to_owned() });
        }
        make_folder(&folder.join("entries"))?;
        let key = self.workspace().key()?;
        let put = |name: &str, text: &[u8]| write(&folder.join(name), text, MODE);
        put("policy", format!("log {key}\nquorum none\n").as_bytes())?;
        put("checkpoint", self.signed().note.to_string().as_bytes())?;
        let mut packed = Packed { entries: 0, opened: 0, closed: 0 };
        for index in &ask.entries {
            let (bytes, proof) = self.prove(*index)?;
            put(&format!("entries/{index}.json"), &bytes)?;
            put(&format!("entries/{index}.tlog-proof"), proof.to_string().as_bytes())?;
            packed.entries += 1;
            match self.truth_of(*index, &bytes)? {
                Truth::Open(mut openings) => {
                    openings.retain(|field, _| ask.show.as_ref().is_none_or(|show| show.contains(field)));
                    let text = serde_json::to_string_pretty(&openings)
                        .map_err(|cause| Error::Broken { path: folder.to_owned(), cause: Some(cause) })?;
                    put(&format!("entries/{index}.openings.json"), format!("{text}\n").as_bytes())?;
                    packed.opened += 1;
                }
                Truth::Wrong => return Err(Error::NotOpened { index: *index }),
                Truth::Erased | Truth::Missing => packed.closed += 1,
            }
        }
        if let Some((earlier, note)) = &ask.earlier {
            let proof = self.prove_growth(earlier)?;
            let request = Request::new(earlier.size(), proof, self.signed().note.clone()).map_err(Error::Proof)?;
            put("earlier", note.to_string().as_bytes())?;
            put("growth", request.to_string().as_bytes())?;
        }
        put("README.md", README.replace("{ORIGIN}", self.workspace().origin()).as_bytes())?;
        Ok(packed)
    }
}

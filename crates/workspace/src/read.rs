use crate::error::Error;
use crate::files::{read_json, read_secret};
use crate::layout::Workspace;
use crate::write::Finding;
use allod_journal::{Digest, Entry, Openings, Sealed};
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::embedded::{Check, Reader, Report, Signed};
use allod_ledger::proof::Proof;
use allod_ledger::tree::Hash;
use std::ops::Range;

/// The ledger of a workspace, for reading: beside a writer, without its lock.
pub struct Records<'w> {
    workspace: &'w Workspace,
    reader: Reader,
    signed: Signed,
}

/// An entry as the operator of the workspace sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub index: u64,
    pub entry: Entry,
    pub truth: Truth,
}

/// What is known of that to which an entry commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Opened, and found to be what was committed to.
    Open(Openings),
    /// The person's key was destroyed.
    Erased,
    /// The openings are not there.
    Missing,
    /// What is there is not what was committed to, or cannot be opened.
    Wrong,
}

impl Workspace {
    /// The entries that are signed by now.
    ///
    /// # Errors
    /// All of [`Error`] that reading can have.
    pub fn records(&self) -> Result<Records<'_>, Error> {
        let reader = self.reader()?;
        let signed = reader.checkpoint().map_err(Error::Ledger)?;
        Ok(Records { workspace: self, reader, signed })
    }

    /// The digest of the rules that were asked last. `None`: none ever were.
    ///
    /// # Errors
    /// All of [`Error`] that reading can have.
    pub fn last_rules(&self) -> Result<Option<Digest>, Error> {
        let records = self.records()?;
        let mut end = records.size();
        while end > 0 {
            let start = end.saturating_sub(LOOK_BACK);
            let mut last = None;
            records.entries(start..end, |_, entry| {
                last = entry.ok().and_then(|entry| entry.why?.rules).or(last);
            })?;
            if last.is_some() {
                return Ok(last);
            }
            end = start;
        }
        Ok(None)
    }
}

/// Entries that are read at once when looking back: one bundle.
const LOOK_BACK: u64 = 256;

impl Records<'_> {
    pub fn size(&self) -> u64 {
        self.signed.checkpoint.size()
    }

    /// The signed checkpoint with all its signatures.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// Entries of a range, in order; one that is no entry of ours is given as what is wrong with it.
    ///
    /// # Errors
    /// [`Error::Ledger`]: a bundle is missing or broken.
    pub fn entries(
        &self,
        range: Range<u64>,
        mut each: impl FnMut(u64, Result<Entry, allod_journal::Error>),
    ) -> Result<(), Error> {
        self.reader.entries(&self.signed, range, |index, bytes| each(index, Entry::parse(bytes))).map_err(Error::Ledger)
    }

    /// As [`Records::entries`], with what is known of what they commit to.
    ///
    /// # Errors
    /// Those of [`Records::entries`]; [`Error::Exposed`].
    pub fn opened(
        &self,
        range: Range<u64>,
        mut each: impl FnMut(u64, Result<Record, allod_journal::Error>),
    ) -> Result<(), Error> {
        let mut failed = None;
        let read = self.reader.entries(&self.signed, range, |index, bytes| {
            let record = Entry::parse(bytes).map(|entry| {
                let truth = self.truth(&entry, bytes).unwrap_or_else(|error| {
                    failed.get_or_insert(error);
                    Truth::Wrong
                });
                Record { index, entry, truth }
            });
            each(index, record);
        });
        read.map_err(Error::Ledger)?;
        failed.map_or(Ok(()), Err)
    }

    /// Verifies the ledger: every entry, every tile, the signatures; against an earlier checkpoint where one is given.
    pub fn verify(&self, range: Option<Range<u64>>, earlier: Vec<Checkpoint>, signed_since_s: Option<u64>) -> Report {
        self.reader.verify(&Check { range, earlier, signed_since_s })
    }

    /// The proof that an entry is in the signed tree, with the bytes of the entry.
    ///
    /// # Errors
    /// [`Error::Ledger`], [`Error::Proof`].
    pub fn prove(&self, index: u64) -> Result<(Vec<u8>, Proof), Error> {
        let (entry, hashes) = self.reader.prove(&self.signed, index).map_err(Error::Ledger)?;
        let proof = Proof::new(index, hashes, self.signed.note.clone()).map_err(Error::Proof)?;
        Ok((entry, proof))
    }

    /// The proof that the signed tree begins with the one of an earlier checkpoint.
    ///
    /// # Errors
    /// [`Error::Ledger`]: it does not, or the files are damaged.
    pub fn prove_growth(&self, earlier: &Checkpoint) -> Result<Vec<Hash>, Error> {
        self.reader.prove_consistency(earlier, &self.signed).map_err(Error::Ledger)
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        self.workspace
    }

    pub(crate) fn truth_of(&self, index: u64, bytes: &[u8]) -> Result<Truth, Error> {
        let entry = Entry::parse(bytes).map_err(|cause| Error::Unreadable { index, cause })?;
        self.truth(&entry, bytes)
    }

    fn truth(&self, entry: &Entry, bytes: &[u8]) -> Result<Truth, Error> {
        let Some(key) = self.workspace.subject_key(entry.who.subject)? else { return Ok(Truth::Erased) };
        let path = self.workspace.openings_of(bytes);
        if !path.exists() {
            return Ok(Truth::Missing);
        }
        let sealed: Sealed = read_json(&path, &read_secret(&path)?)?;
        let opened = sealed.open(bytes, &key).and_then(|openings| entry.opened_by(&openings).map(|()| openings));
        Ok(opened.map_or(Truth::Wrong, Truth::Open))
    }
}

impl Record {
    /// The value of a committed field, where it is known.
    pub fn opened(&self, field: &str) -> Option<&str> {
        match &self.truth {
            Truth::Open(openings) => openings.get(field).map(|opening| opening.value.as_str()),
            _ => None,
        }
    }

    /// The components that broke rules, where they are known.
    pub fn findings(&self) -> Vec<Finding> {
        self.opened("why.findings").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

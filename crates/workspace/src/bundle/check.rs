use allod_journal::{Entry, Openings};
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::note::Note;
use allod_ledger::policy::Policy;
use allod_ledger::proof::Proof;
use allod_ledger::tree::{leaf_hash, verify_consistency};
use allod_ledger::witness::Request;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The largest file of a bundle that is read: openings are the largest, with every finding of a check.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Entries of one bundle; more belong into the log's own files.
const MAX_ENTRIES: usize = 1_000_000;

/// What was found in a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundled {
    pub origin: String,
    /// Of the signed tree.
    pub size: u64,
    /// Entries that are proved, in order; with the openings that are shown.
    pub entries: Vec<(u64, Entry, Openings)>,
    /// Names of witnesses of the policy that cosigned.
    pub witnesses: Vec<String>,
    /// The size of the earlier checkpoint from which the ledger only grew.
    pub grew_from: Option<u64>,
    /// What does not hold. Empty for a bundle that proves what it says.
    pub problems: Vec<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file in the bundle.
    pub file: String,
    pub what: String,
}

/// Verifies a bundle, offline. `policy` is the verifier's own, with keys that they had from elsewhere; without one, the
/// bundle's own is taken, and all is as true as that one. `earlier` is the verifier's own copy of what they were shown
/// before.
///
/// # Errors
/// The folder cannot be read at all. Everything else is a problem of the bundle.
pub fn verify(folder: &Path, policy: Option<&Policy>, earlier: Option<&[u8]>) -> io::Result<Bundled> {
    std::fs::read_dir(folder)?;
    let mut found = Bundled::default();
    let own = match policy {
        Some(_) => None,
        None => found.keep(folder, "policy", |bytes| Policy::parse(bytes).map_err(|error| error.to_string())),
    };
    let Some(policy) = policy.or(own.as_ref()) else { return Ok(found) };
    let signed = found.keep(folder, "checkpoint", |bytes| {
        let note = Note::parse(bytes).map_err(|error| error.to_string())?;
        let accepted = policy.verify(&note).map_err(|error| error.to_string())?;
        let names = accepted.witnesses.iter().map(|(one, _)| String::from_utf8_lossy(&one.name).into_owned());
        Ok((accepted.checkpoint, note, names.collect::<Vec<_>>()))
    });
    let Some((checkpoint, note, witnesses)) = signed else { return Ok(found) };
    (found.origin, found.size, found.witnesses) = (checkpoint.origin().to_owned(), checkpoint.size(), witnesses);
    for index in found.indices(folder) {
        found.entry(folder, index, policy, &note);
    }
    found.growth(folder, policy, (&checkpoint, &note), earlier);
    Ok(found)
}

impl Bundled {
    fn note(&mut self, file: &str, what: impl Into<String>) {
        self.problems.push(Problem { file: file.to_owned(), what: what.into() });
    }

    /// What a file says, or a note of why it says nothing.
    fn keep<T>(&mut self, folder: &Path, file: &str, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Option<T> {
        let bytes = bytes(&folder.join(file)).map_err(|error| error.to_string());
        match bytes.and_then(|bytes| read(&bytes)) {
            Ok(value) => Some(value),
            Err(what) => {
                self.note(file, what);
                None
            }
        }
    }

    /// The numbers of the entries, sorted. A file that belongs to none is a problem: it looks as if it were proved.
    fn indices(&mut self, folder: &Path) -> Vec<u64> {
        let names: io::Result<Vec<String>> = std::fs::read_dir(folder.join("entries")).and_then(|read| {
            read.take(4 * MAX_ENTRIES).map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
        });
        let names = match names {
            Ok(names) => names,
            Err(error) => {
                self.note("entries", error.to_string());
                return Vec::new();
            }
        };
        let mut indices = Vec::new();
        for name in &names {
            let (number, ending) = name.split_once('.').unwrap_or((name, ""));
            match (number.parse::<u64>(), ending) {
                (Ok(index), "json") if index.to_string() == number => indices.push(index),
                (Ok(_), "tlog-proof" | "openings.json") if names.contains(&format!("{number}.json")) => {}
                _ => self.note(&format!("entries/{}", name.escape_debug()), "belongs to no entry of the bundle"),
            }
        }
        indices.sort_unstable();
        if indices.len() > MAX_ENTRIES {
            self.note("entries", "more entries than a bundle has");
            indices.truncate(MAX_ENTRIES);
        }
        if indices.is_empty() {
            self.note("entries", "the bundle proves no entry");
        }
        indices
    }

    fn entry(&mut self, folder: &Path, index: u64, policy: &Policy, signed: &Note) {
        let (file, proof) = (format!("entries/{index}.json"), format!("entries/{index}.tlog-proof"));
        let Some(bytes) = self.keep(folder, &file, |bytes| Ok(bytes.to_vec())) else { return };
        let proved = self.keep(folder, &proof, |text| {
            let proof = Proof::parse(text).map_err(|error| error.to_string())?;
            if proof.index() != index {
                return Err(format!("it is about entry {}", proof.index()));
            }
            if proof.checkpoint().text() != signed.text() {
                return Err("it is of another checkpoint than the bundle's".to_owned());
            }
            proof.verify(&leaf_hash(&bytes), policy).map(drop).map_err(|error| error.to_string())
        });
        if proved.is_none() {
            return;
        }
        let entry = match Entry::parse(&bytes) {
            Ok(entry) => entry,
            Err(error) => return self.note(&file, error.to_string()),
        };
        let shown = format!("entries/{index}.openings.json");
        let mut openings = Openings::new();
        if folder.join(&shown).exists() {
            let opened = self.keep(folder, &shown, |text| {
                let openings: Openings = serde_json::from_slice(text).map_err(|error| error.to_string())?;
                entry.opened_by(&openings).map_err(|error| error.to_string())?;
                Ok(openings)
            });
            openings = opened.unwrap_or_default();
        }
        self.entries.push((index, entry, openings));
    }

    fn growth(&mut self, folder: &Path, policy: &Policy, (now, signed): (&Checkpoint, &Note), theirs: Option<&[u8]>) {
        let in_bundle = folder.join("growth").exists() || folder.join("earlier").exists();
        if !in_bundle {
            if theirs.is_some() {
                self.note("growth", "the bundle does not say that the ledger grew from the earlier checkpoint");
            }
            return;
        }
        let earlier = match theirs {
            Some(bytes) => Ok(bytes.to_vec()),
            None => bytes(&folder.join("earlier")).map_err(|error| error.to_string()),
        };
        let earlier = earlier.and_then(|bytes| {
            let note = Note::parse(&bytes).map_err(|error| error.to_string())?;
            // Witnesses of before need not be those of now; the log's own key must have signed.
            let logs = policy.logs().iter().map(|log| &log.key);
            note.verify(logs).map_err(|error| error.to_string())?;
            Checkpoint::parse(note.text()).map_err(|error| error.to_string())
        });
        let earlier = match earlier {
            Ok(earlier) if earlier.origin() == now.origin() => earlier,
            Ok(_) => return self.note("earlier", "it is of another ledger"),
            Err(what) => return self.note("earlier", what),
        };
        let grew = self.keep(folder, "growth", |text| {
            let request = Request::parse(text).map_err(|error| error.to_string())?;
            if request.old() != earlier.size() || request.checkpoint().text() != signed.text() {
                return Err("it is about other checkpoints".to_owned());
            }
            verify_consistency(earlier.size(), earlier.root(), now.size(), now.root(), request.proof())
                .map_err(|error| error.to_string())
        });
        self.grew_from = grew.map(|()| earlier.size());
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // A link could lead anywhere, and a pipe never ends.
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if read as u64 > MAX_FILE_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

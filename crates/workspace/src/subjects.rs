use crate::error::Error;
use crate::files::{failed, read_json, read_secret, to_json, write};
use crate::layout::Workspace;
use allod_journal::{Id, Sealed, SubjectKey};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SECRET: u32 = 0o600;

/// What was destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    pub subject: Id,
    /// Entries whose openings are gone.
    pub entries: usize,
}

impl Workspace {
    /// The number and the key of a person or agent; made when they act for the first time.
    pub(crate) fn subject(&self, name: &str) -> Result<(Id, SubjectKey), Error> {
        let mut names = self.subjects()?;
        if let Some(subject) = names.get(name) {
            let path = self.key_of(*subject);
            let key = SubjectKey::parse(&read_secret(&path)?).ok_or(Error::Broken { path, cause: None })?;
            return Ok((*subject, key));
        }
        let subject = Id::random().map_err(Error::Entry)?;
        let key = SubjectKey::random().map_err(Error::Entry)?;
        write(&self.key_of(subject), key.to_text().as_bytes(), SECRET)?;
        names.insert(name.to_owned(), subject);
        self.keep(&names)?;
        Ok((subject, key))
    }

    /// The key of a subject. `None`: it was erased.
    pub(crate) fn subject_key(&self, subject: Id) -> Result<Option<SubjectKey>, Error> {
        let path = self.key_of(subject);
        if !path.exists() {
            return Ok(None);
        }
        SubjectKey::parse(&read_secret(&path)?).map(Some).ok_or(Error::Broken { path, cause: None })
    }

    pub(crate) fn subject_of(&self, name: &str) -> Result<Id, Error> {
        self.subjects()?.get(name).copied().ok_or_else(|| Error::NoSubject(name.to_owned()))
    }

    /// Destroys the key of a person, what it sealed, and that they were called so.
    pub(crate) fn destroy(&self, subject: Id) -> Result<usize, Error> {
        let path = self.key_of(subject);
        std::fs::remove_file(&path).map_err(failed("remove", &path))?;
        let mut names = self.subjects()?;
        names.retain(|_, one| *one != subject);
        self.keep(&names)?;
        let (mut removed, mut broken) = (0, None);
        let openings = self.at("openings");
        for folder in entries(&openings)? {
            // What was being written when a process was killed has another ending.
            for path in entries(&folder)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
                match self.remove_sealed(&path, subject) {
                    Ok(gone) => removed += usize::from(gone),
                    // One that cannot be read keeps none of the others; without the key nobody can open it.
                    Err(error) => drop(broken.get_or_insert(error)),
                }
            }
        }
        broken.map_or(Ok(removed), Err)
    }

    fn remove_sealed(&self, path: &Path, subject: Id) -> Result<bool, Error> {
        let sealed: Sealed = read_json(path, &read_secret(path)?)?;
        if sealed.subject != subject {
            return Ok(false);
        }
        std::fs::remove_file(path).map_err(failed("remove", path)).map(|()| true)
    }

    fn subjects(&self) -> Result<BTreeMap<String, Id>, Error> {
        let path = self.names();
        if !path.exists() {
            return Ok(BTreeMap::new());
        }
        read_json(&path, &read_secret(&path)?)
    }

    fn keep(&self, names: &BTreeMap<String, Id>) -> Result<(), Error> {
        let path = self.names();
        write(&path, &to_json(names, &path)?, SECRET)
    }

    fn names(&self) -> PathBuf {
        self.at("subjects/names.json")
    }

    fn key_of(&self, subject: Id) -> PathBuf {
        self.at(&format!("subjects/{subject}.key"))
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = std::fs::read_dir(folder).map_err(failed("read", folder))?;
    read.map(|entry| entry.map(|entry| entry.path()).map_err(failed("read", folder))).collect()
}

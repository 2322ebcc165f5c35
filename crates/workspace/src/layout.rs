use crate::clock::seconds_now;
use crate::error::Error;
use crate::files::{failed, make_folder, read, read_json, read_secret, to_json, write};
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::embedded::{Disk, Log, Open, Reader, RealDisk, SEGMENT_BYTES};
use allod_ledger::note::{KeyKind, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The folder of a workspace, beside `allod.yaml`.
pub const FOLDER: &str = ".allod";

/// The version of the layout.
const VERSION: u32 = 1;
const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;
/// Others write one entry in milliseconds; who waits longer than this waits for something that hangs.
const WAIT_FOR_WRITER: Duration = Duration::from_secs(10);
/// How often is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A workspace that is there.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    about: About,
    /// Where this machine keeps what it has seen of ledgers. `None`: nowhere.
    seen: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    version: u32,
    /// The origin line of the ledger's checkpoints.
    origin: String,
}

impl Workspace {
    /// Makes a workspace in a folder: keys, an empty ledger. Nothing that is there is overwritten.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Origin`]; errors of the file system and of the ledger.
    pub fn init(folder: &Path, origin: &str) -> Result<Workspace, Error> {
        let root = folder.join(FOLDER);
        if root.exists() {
            return Err(Error::Exists { path: root });
        }
        let bad = |cause| Error::Origin(origin.to_owned(), cause);
        let log = SigningKey::generate(origin, KeyKind::Ed25519).map_err(bad)?;
        let time = SigningKey::generate(&format!("{origin}/timekeeper"), KeyKind::Cosignature).map_err(bad)?;
        let about = About { version: VERSION, origin: origin.to_owned() };
        let workspace = Workspace { root, about, seen: seen() };
        for folder in ["", "keys", "subjects", "openings"] {
            make_folder(&workspace.at(folder))?;
        }
        write(
            &workspace.at(".gitignore"),
            b"# Keys and what entries commit to: nothing for a repository.\n*\n",
            PUBLIC,
        )?;
        for (name, key) in [("log", &log), ("timekeeper", &time)] {
            write(
                &workspace.at(&format!("keys/{name}.key")),
                format!("{}\n", key.to_secret_text()).as_bytes(),
                SECRET,
            )?;
            let public = format!("{}\n", key.verifying_key());
            write(&workspace.at(&format!("keys/{name}.vkey")), public.as_bytes(), PUBLIC)?;
        }
        let disk = workspace.disk();
        drop(Log::open(&disk, workspace.opening(true)?, seconds_now()).map_err(Error::Ledger)?);
        // Last: a workspace without it was not made to the end, and is none.
        let path = workspace.at("workspace.json");
        write(&path, &to_json(&workspace.about, &path)?, PUBLIC)?;
        Ok(workspace)
    }

    /// The nearest workspace at or above a path, within its repository. `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Broken`], errors of the file system: one that is there and cannot be read is not passed by.
    pub fn find(path: &Path) -> Result<Option<Workspace>, Error> {
        let real = std::fs::canonicalize(path).map_err(failed("find", path))?;
        let mut folder = Some(real.as_path());
        while let Some(here) = folder {
            let root = here.join(FOLDER);
            if root.is_dir() {
                return Workspace::open(root).map(Some);
            }
            if here.join(".git").exists() {
                return Ok(None);
            }
            folder = here.parent();
        }
        Ok(None)
    }

    /// A workspace by its folder.
    ///
    /// # Errors
    /// [`Error::Broken`], errors of the file system.
    pub fn open(root: PathBuf) -> Result<Workspace, Error> {
        let path = root.join("workspace.json");
        let about: About = read_json(&path, &read(&path)?)?;
        if about.version != VERSION {
            return Err(Error::Broken { path, cause: None });
        }
        Ok(Workspace { root, about, seen: seen() })
    }

    /// The same workspace, with another folder for what this machine has seen of ledgers.
    #[must_use]
    pub fn seen_in(self, folder: PathBuf) -> Workspace {
        Workspace { seen: Some(folder), ..self }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The origin line of the ledger's checkpoints.
    pub fn origin(&self) -> &str {
        &self.about.origin
    }

    /// Whether keys and ledger can be read: what a pure reader warns of. Writes nothing, and waits for nobody.
    ///
    /// # Errors
    /// Those that the next action would have, as far as reading shows them.
    pub fn ready(&self) -> Result<(), Error> {
        self.opening(false)?;
        self.records().map(drop)
    }

    /// The folder of the ledger that may be served to everybody.
    pub fn served(&self) -> PathBuf {
        self.at("ledger/public")
    }

    /// The public key of the ledger.
    ///
    /// # Errors
    /// [`Error::Key`], errors of the file system.
    pub fn key(&self) -> Result<VerifyingKey, Error> {
        self.verifying("log")
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }

    /// The ledger for writing. Waits for another writer, not for ever.
    pub(crate) fn writer(&self) -> Result<Log, Error> {
        let disk = self.disk();
        let mut waited = Duration::ZERO;
        loop {
            match Log::open(&disk, self.opening(false)?, seconds_now()) {
                Ok(log) => return Ok(log),
                Err(error @ allod_ledger::embedded::Error::Locked { .. }) if waited >= WAIT_FOR_WRITER => {
                    return Err(Error::Busy(error));
                }
                Err(allod_ledger::embedded::Error::Locked { .. }) => {
                    std::thread::sleep(ASK_EVERY);
                    waited += ASK_EVERY;
                }
                Err(error) => return Err(Error::Ledger(error)),
            }
        }
    }

    pub(crate) fn reader(&self) -> Result<Reader, Error> {
        let (key, time) = (self.verifying("log")?, self.verifying("timekeeper")?);
        Ok(Reader::new(self.disk(), self.origin(), vec![key], Some(time)))
    }

    /// The last checkpoint that this machine has signed or seen, kept outside the workspace: a copy of the workspace
    /// that is put back is then found to be old.
    pub(crate) fn remember(&self, checkpoint: &[u8]) -> Result<(), Error> {
        let Some(path) = self.memory()? else { return Ok(()) };
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        write(&path, checkpoint, SECRET)
    }

    fn remembered(&self) -> Result<Option<Checkpoint>, Error> {
        let Some(path) = self.memory()?.filter(|path| path.exists()) else { return Ok(None) };
        let text = read(&path)?;
        let wrong = |cause| Error::Key { path: path.clone(), cause };
        Checkpoint::open(text.as_bytes(), &self.verifying("log")?)
            .map(|(checkpoint, _)| Some(checkpoint))
            .map_err(wrong)
    }

    /// By the ledger's key: the same workspace in another folder is the same ledger.
    fn memory(&self) -> Result<Option<PathBuf>, Error> {
        let Some(folder) = &self.seen else { return Ok(None) };
        let key = allod_journal::Digest::of(self.key()?.to_string().as_bytes()).to_string();
        Ok(Some(folder.join(key.trim_start_matches("sha256:"))))
    }

    fn opening(&self, create: bool) -> Result<Open, Error> {
        let not_older_than = if create { None } else { self.remembered()? };
        Ok(Open {
            origin: self.about.origin.clone(),
            signers: vec![self.signing("log")?],
            timekeeper: Some(self.signing("timekeeper")?),
            create,
            not_older_than,
            segment_bytes: SEGMENT_BYTES,
        })
    }

    fn signing(&self, name: &str) -> Result<SigningKey, Error> {
        let path = self.at(&format!("keys/{name}.key"));
        SigningKey::parse(read_secret(&path)?.trim_end()).map_err(|cause| Error::Key { path, cause })
    }

    fn verifying(&self, name: &str) -> Result<VerifyingKey, Error> {
        let path = self.at(&format!("keys/{name}.vkey"));
        VerifyingKey::parse(read(&path)?.trim_end()).map_err(|cause| Error::Key { path, cause })
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(RealDisk::new(self.at("ledger")))
    }
}

/// Where programs keep their state: <https://specifications.freedesktop.org/basedir-spec/latest/>.
fn seen() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    state.map(|folder| folder.join("allod/seen"))
}

//! The real disk: a folder of the file system.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::disk::{Append, Disk, Folder, Lock, Source};

/// Entries may be nobody else's business: files outside the served folder are readable by their owner only.
const PRIVATE_MODE: u32 = 0o600;
/// What a static file server of another user has to be able to read.
const PUBLIC_MODE: u32 = 0o644;

/// A folder of the file system, with POSIX semantics: rename replaces at once, `fsync` of a folder makes names durable.
/// Network file systems and object-store mounts give neither, and are not for this.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    /// Folders whose names are known to be durable: that one is there does not say so.
    durable: Mutex<BTreeSet<PathBuf>>,
}

/// The folders that are remembered as durable; when there are more, they are forgotten, which costs a sync each.
const REMEMBERED: usize = 1_024;

impl RealDisk {
    /// The folder at `root`; it is made when the log is created, its parent must be there.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), durable: Mutex::default() }
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    fn mode(path: &str) -> u32 {
        if path.starts_with(super::layout::PUBLIC_STAGING) { PUBLIC_MODE } else { PRIVATE_MODE }
    }
}

/// Makes a folder, durable in its parent.
fn make(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let held = File::open(parent)?;
    match fs::create_dir(path) {
        Err(error) if !path.is_dir() => Err(error),
        _ => held.sync_all(),
    }
}

impl Disk for RealDisk {
    fn make_folder(&self, path: &str) -> io::Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        let mut folder = self.root.clone();
        for part in std::iter::once("").chain(path.split('/')) {
            if !part.is_empty() {
                folder.push(part);
            }
            if !durable.contains(&folder) {
                make(&folder)?;
                if durable.len() >= REMEMBERED {
                    durable.clear();
                }
                durable.insert(folder.clone());
            }
        }
        Ok(())
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn Append>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(Self::mode(path));
        Ok(Box::new(options.open(self.at(path))?))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Source>> {
        let file = File::open(self.at(path))?;
        // A folder can be opened, and its length means nothing.
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        Ok(Box::new(file))
    }

    fn folder(&self, path: &str) -> io::Result<Box<dyn Folder>> {
        Ok(Box::new(Held(File::open(self.at(path))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.at(path)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(PRIVATE_MODE).open(self.at(path))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(Locked { _file: file })),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Append for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // fdatasync: content and length, without the times.
        self.sync_data()
    }
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(into, offset)
    }
}

struct Held(File);

impl Folder for Held {
    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

struct Locked {
    _file: File,
}

impl Lock for Locked {}

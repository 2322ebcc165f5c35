//! What the log asks of a file system, and nothing more: a seam at which a test can crash at every call, lose what was
//! not synced, tear writes and fail.
//!
//! Paths are relative to the log's folder, with `/` between the parts (`public/tile/0/000`). Files are written once, from
//! the front to the end, and are never changed: they are replaced by renaming.

use std::io;

/// A folder on a disk.
pub trait Disk: Send + Sync {
    /// Makes a folder and its parents, all durable on return. One that exists is fine.
    ///
    /// # Errors
    /// What the file system says.
    fn make_folder(&self, path: &str) -> io::Result<()>;

    /// Makes an empty file to append to; one that exists is emptied. Its name is durable after [`Folder::sync`] only.
    ///
    /// # Errors
    /// What the file system says.
    fn create(&self, path: &str) -> io::Result<Box<dyn Append>>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is none, and what else the file system says.
    fn open(&self, path: &str) -> io::Result<Box<dyn Source>>;

    /// Opens a folder, for [`Folder::sync`] after names in it were changed. Open it before the change: an error that the
    /// kernel meets in between is told only to who holds the folder open.
    ///
    /// # Errors
    /// What the file system says.
    fn folder(&self, path: &str) -> io::Result<Box<dyn Folder>>;

    /// Renames a file over another name, at once or not at all; durable after [`Folder::sync`] of the folder of `to`.
    ///
    /// # Errors
    /// What the file system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// The names in a folder, in order; none where the folder is missing.
    ///
    /// # Errors
    /// What the file system says.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Removes a file, or a folder that is empty.
    ///
    /// # Errors
    /// What the file system says.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Takes the lock of a file for this process until the value is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when somebody holds it.
    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>>;
}

/// A file that is being written.
pub trait Append: Send {
    /// Adds all of `bytes` to the end; after an error any part of them may be there.
    ///
    /// # Errors
    /// What the file system says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once the content and length are on the disk. After an error nothing may be assumed, and asking again proves
    /// nothing: the kernel may have forgotten what it could not write.
    ///
    /// # Errors
    /// What the file system says.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is being read.
pub trait Source: Send {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the file system says.
    fn length(&self) -> io::Result<u64>;

    /// Fills `into` with what stands at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the file ends before.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A folder whose names can be made durable.
pub trait Folder: Send {
    /// Returns once the names in the folder are on the disk.
    ///
    /// # Errors
    /// What the file system says.
    fn sync(&self) -> io::Result<()>;
}

/// A lock that ends when it is dropped.
pub trait Lock: Send + Sync {}

/// The folder that a path lies in; empty for the log's folder itself.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The whole of a file, or an error when it is longer than `limit`.
pub(super) fn read(disk: &dyn Disk, path: &str, limit: usize) -> io::Result<Vec<u8>> {
    let source = disk.open(path)?;
    let length = usize::try_from(source.length()?).unwrap_or(usize::MAX);
    if length > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{length} bytes where at most {limit} can be"),
        ));
    }
    let mut bytes = vec![0; length];
    source.read_at(0, &mut bytes)?;
    Ok(bytes)
}

//! Files appear under their names whole and durable, or not at all: written and synced under another name, then renamed,
//! then the folder synced.

use std::collections::BTreeMap;

use super::disk::{Append, Disk, parent};
use super::error::Error;
use super::layout;

/// The bytes that wait under other names before they are renamed together: each folder is then synced once.
const ROUND_BYTES: usize = 16 << 20;

/// A file that is durable under a name that does not count.
pub(super) struct Staged<'a> {
    disk: &'a dyn Disk,
    from: String,
    file: Box<dyn Append>,
}

impl<'a> Staged<'a> {
    /// Writes a file that will be private.
    pub(super) fn private(disk: &'a dyn Disk, name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Self::write(disk, format!("{}{name}", layout::PRIVATE_STAGING), bytes)
    }

    /// Writes a file that will be served.
    pub(super) fn public(disk: &'a dyn Disk, name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Self::write(disk, format!("{}{name}", layout::PUBLIC_STAGING), bytes)
    }

    /// Writes a private file in pieces, until there is none left.
    pub(super) fn pieces(
        disk: &'a dyn Disk,
        name: &str,
        mut next: impl FnMut() -> Result<Option<Vec<u8>>, Error>,
    ) -> Result<Self, Error> {
        let from = format!("{}{name}", layout::PRIVATE_STAGING);
        let mut file = disk.create(&from).map_err(Error::disk("create", &from))?;
        while let Some(piece) = next()? {
            file.append(&piece).map_err(Error::disk("write to", &from))?;
        }
        file.sync().map_err(Error::disk("sync", &from))?;
        Ok(Self { disk, from, file })
    }

    fn write(disk: &'a dyn Disk, from: String, bytes: &[u8]) -> Result<Self, Error> {
        let mut file = disk.create(&from).map_err(Error::disk("create", &from))?;
        file.append(bytes).map_err(Error::disk("write to", &from))?;
        file.sync().map_err(Error::disk("sync", &from))?;
        Ok(Self { disk, from, file })
    }

    /// Gives it its name.
    pub(super) fn publish(self, to: &str) -> Result<(), Error> {
        self.publish_open(to).map(drop)
    }

    /// Gives it its name, and hands out the file to append to.
    pub(super) fn publish_open(self, to: &str) -> Result<Box<dyn Append>, Error> {
        let folder = self.disk.folder(parent(to)).map_err(Error::disk("open", parent(to)))?;
        self.disk.rename(&self.from, to).map_err(Error::disk("replace", to))?;
        folder.sync().map_err(Error::disk("sync", parent(to)))?;
        Ok(self.file)
    }
}

/// Many files that are served, published together.
pub(super) struct Round<'a> {
    disk: &'a dyn Disk,
    moves: Vec<(String, String)>,
    bytes: usize,
}

impl<'a> Round<'a> {
    pub(super) fn new(disk: &'a dyn Disk) -> Self {
        Self { disk, moves: Vec::new(), bytes: 0 }
    }

    /// Adds a file; earlier ones may get their names now.
    pub(super) fn add(&mut self, to: String, bytes: &[u8]) -> Result<(), Error> {
        let staged = Staged::public(self.disk, &self.moves.len().to_string(), bytes)?;
        self.moves.push((staged.from, to));
        self.bytes += bytes.len();
        if self.bytes > ROUND_BYTES { self.publish() } else { Ok(()) }
    }

    /// Gives all of them their names; durable on return.
    pub(super) fn publish(&mut self) -> Result<(), Error> {
        let mut folders = BTreeMap::new();
        for (_, to) in &self.moves {
            let path = parent(to);
            if !folders.contains_key(path) {
                self.disk.make_folder(path).map_err(Error::disk("make the folder", path))?;
                folders.insert(path.to_owned(), self.disk.folder(path).map_err(Error::disk("open", path))?);
            }
        }
        for (from, to) in &self.moves {
            self.disk.rename(from, to).map_err(Error::disk("replace", to))?;
        }
        for (path, folder) in &folders {
            folder.sync().map_err(Error::disk("sync", path))?;
        }
        self.moves.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Removes what a crash left.
pub(super) fn clear(disk: &dyn Disk) -> Result<(), Error> {
    let names = disk.list(layout::STAGING).map_err(Error::disk("list", layout::STAGING))?;
    for name in names {
        let path = format!("{}/{name}", layout::STAGING);
        disk.remove(&path).map_err(Error::disk("remove", &path))?;
    }
    Ok(())
}

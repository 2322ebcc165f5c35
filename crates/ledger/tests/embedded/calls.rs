//! The calls of the simulated disk.

use std::collections::BTreeSet;
use std::io;

use allod_ledger::embedded::{Append, Disk, Folder, Lock, Source};

use super::{Change, Fault, Inode, Simulated, parent, refuse};

impl Disk for Simulated {
    fn make_folder(&self, path: &str) -> io::Result<()> {
        if self.lock_state().folders.contains(path) {
            return Ok(());
        }
        let (mut state, fault) = self.call(|| format!("make folder {path}"), None)?;
        refuse(fault)?;
        let mut path = path;
        while !path.is_empty() {
            state.folders.insert(path.to_owned());
            path = parent(path);
        }
        Ok(())
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn Append>> {
        let (mut state, fault) = self.call(|| format!("create {path}"), None)?;
        refuse(fault)?;
        if !state.folders.contains(parent(path)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inode = state.new_inode();
        state.inodes.insert(inode, Inode::default());
        state.change(Change::Link { name: path.to_owned(), inode });
        let life = state.life;
        Ok(Box::new(Open { disk: self.clone(), inode, life, name: path.to_owned() }))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Source>> {
        let (state, fault) = self.call(|| format!("open {path}"), None)?;
        refuse(fault)?;
        let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let life = state.life;
        Ok(Box::new(Open { disk: self.clone(), inode, life, name: path.to_owned() }))
    }

    fn folder(&self, path: &str) -> io::Result<Box<dyn Folder>> {
        let (state, fault) = self.call(|| format!("open folder {path}"), None)?;
        refuse(fault)?;
        if !state.folders.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Box::new(Held { disk: self.clone(), path: path.to_owned(), life: state.life }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (mut state, fault) = self.call(|| format!("rename {from} {to}"), None)?;
        refuse(fault)?;
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let (state, fault) = self.call(|| format!("list {path}"), None)?;
        refuse(fault)?;
        let files = state.names.keys().filter(|name| parent(name) == path);
        let folders = state.folders.iter().filter(|name| parent(name) == path && !name.is_empty());
        let names: BTreeSet<_> = files.chain(folders).map(|name| name.rsplit('/').next().unwrap().to_owned()).collect();
        Ok(names.into_iter().collect())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let (mut state, fault) = self.call(|| format!("remove {path}"), None)?;
        refuse(fault)?;
        if state.folders.contains(path) {
            if state.names.keys().any(|name| parent(name) == path) {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            state.folders.remove(path);
            return Ok(());
        }
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(Change::Unlink { name: path.to_owned() });
        Ok(())
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>> {
        let (mut state, fault) = self.call(|| format!("lock {path}"), None)?;
        refuse(fault)?;
        if !state.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Locked { disk: self.clone(), path: path.to_owned(), life: state.life }))
    }
}

struct Open {
    disk: Simulated,
    inode: u64,
    life: u64,
    name: String,
}

impl Append for Open {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut state, fault) =
            self.disk.call(|| format!("write {} bytes to {}", bytes.len(), self.name), Some(self.life))?;
        if self.name.contains("checkpoint") {
            state.signed.push(bytes.to_vec());
        }
        // Half of it, when it fails.
        let done = if fault.is_some() { bytes.len() / 2 } else { bytes.len() };
        state.inodes.get_mut(&self.inode).unwrap().seen.extend_from_slice(&bytes[..done]);
        refuse(fault)
    }

    fn sync(&mut self) -> io::Result<()> {
        let (mut state, fault) = self.disk.call(|| format!("sync {}", self.name), Some(self.life))?;
        let inode = state.inodes.get_mut(&self.inode).unwrap();
        match fault {
            // The crash tears it.
            Some(Fault::Crash) => {}
            // The kernel gives up on these pages, and calls them clean.
            Some(Fault::Error(_)) => inode.dirty = inode.seen.len(),
            None => {
                inode.durable.resize(inode.dirty, 0);
                inode.durable.extend_from_slice(&inode.seen[inode.dirty..]);
                inode.dirty = inode.seen.len();
            }
        }
        refuse(fault)
    }
}

impl Source for Open {
    fn length(&self) -> io::Result<u64> {
        let (state, fault) = self.disk.call(|| format!("length {}", self.name), Some(self.life))?;
        refuse(fault)?;
        Ok(state.inodes[&self.inode].seen.len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let (state, fault) = self.disk.call(|| format!("read {}", self.name), Some(self.life))?;
        refuse(fault)?;
        let seen = &state.inodes[&self.inode].seen;
        let from = offset as usize;
        let bytes = seen.get(from..from + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(bytes);
        Ok(())
    }
}

struct Held {
    disk: Simulated,
    path: String,
    life: u64,
}

impl Folder for Held {
    fn sync(&self) -> io::Result<()> {
        let (mut state, fault) = self.disk.call(|| format!("sync folder {}", self.path), Some(self.life))?;
        refuse(fault)?;
        let state = &mut *state;
        let changes = std::mem::take(&mut state.changes);
        for change in changes {
            if change.folder() == self.path {
                change.apply(&mut state.durable);
            } else {
                state.changes.push(change);
            }
        }
        Ok(())
    }
}

struct Locked {
    disk: Simulated,
    path: String,
    life: u64,
}

impl Lock for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        let mut state = self.disk.lock_state();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

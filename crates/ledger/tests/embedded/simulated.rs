//! A disk in memory that loses what was not synced, tears writes, fails and crashes: at a chosen call, or by a seed.
//!
//! What it models: data and names reach the disk at syncs only. At a crash, of the data that was not synced any part of
//! the length and any of the sectors may survive; of the names in each folder that were not synced, any beginning of the
//! changes. A sync that fails loses what it should have written: a later one does not bring it back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

#[path = "calls.rs"]
mod calls;

const SECTOR: usize = 512;

/// Numbers that look random and are the same for the same seed.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    pub fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops before the call, or in the middle of it.
    Crash,
    /// The call fails; of a write a part is done.
    Error(io::ErrorKind),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    /// What a process sees.
    seen: Vec<u8>,
    /// What is on the disk.
    durable: Vec<u8>,
    /// From where on it has to be written.
    dirty: usize,
}

#[derive(Debug, Clone)]
enum Change {
    Link { name: String, inode: u64 },
    Rename { from: String, to: String, inode: u64 },
    Unlink { name: String },
}

impl Change {
    fn folder(&self) -> &str {
        match self {
            Self::Link { name, .. } | Self::Unlink { name } => parent(name),
            Self::Rename { to, .. } => parent(to),
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Link { name, inode } => drop(names.insert(name.clone(), *inode)),
            Self::Rename { from, to, inode } => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
            Self::Unlink { name } => drop(names.remove(name)),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct State {
    inodes: HashMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    folders: BTreeSet<String>,
    changes: Vec<Change>,
    locks: BTreeSet<String>,
    made: u64,
    calls: u64,
    fault: Option<(u64, Fault)>,
    crashed: bool,
    /// What was done at each call.
    trace: Vec<String>,
    /// Every checkpoint that was ever written, under whatever name.
    signed: Vec<Vec<u8>>,
    /// Counts the reboots: handles of before are dead.
    life: u64,
}

/// The disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Simulated {
    state: Arc<Mutex<State>>,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn gone() -> io::Error {
    io::Error::other("the machine is off")
}

impl Simulated {
    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A copy that goes its own way.
    pub fn fork(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.lock_state().clone())) }
    }

    /// Lets the call of this number (from now, 0 is the next) fail.
    pub fn fail(&self, after: u64, fault: Fault) {
        let mut state = self.lock_state();
        state.fault = Some((state.calls + after, fault));
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.lock_state().calls
    }

    /// What the calls were, for messages.
    pub fn trace(&self) -> Vec<String> {
        self.lock_state().trace.clone()
    }

    pub fn crashed(&self) -> bool {
        self.lock_state().crashed
    }

    /// Every checkpoint that was written under any name.
    pub fn signed(&self) -> Vec<Vec<u8>> {
        self.lock_state().signed.clone()
    }

    /// The files that a process sees, with their content.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.lock_state();
        state.names.iter().map(|(name, inode)| (name.clone(), state.inodes[inode].seen.clone())).collect()
    }

    /// Gives a file this content, on the disk and in memory, as an outsider would.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let mut state = self.lock_state();
        let inode = state.new_inode();
        state.inodes.insert(inode, Inode { seen: bytes.to_vec(), durable: bytes.to_vec(), dirty: bytes.len() });
        state.names.insert(path.to_owned(), inode);
        state.durable.insert(path.to_owned(), inode);
        let mut folder = parent(path);
        while !folder.is_empty() {
            state.folders.insert(folder.to_owned());
            folder = parent(folder);
        }
    }

    /// Changes a file in its place, so that who has it open sees it, too.
    pub fn change(&self, path: &str, bytes: &[u8]) {
        let mut state = self.lock_state();
        let number = state.names[path];
        let inode = state.inodes.get_mut(&number).unwrap();
        inode.seen = bytes.to_vec();
        inode.durable = bytes.to_vec();
    }

    /// Removes a file, as an outsider would.
    pub fn lose(&self, path: &str) {
        let mut state = self.lock_state();
        state.names.remove(path);
        state.durable.remove(path);
    }

    /// The power fails, and comes back: what was not synced survives as the seed says.
    pub fn reboot(&self, random: &mut Random) {
        let mut state = self.lock_state();
        let state = &mut *state;
        let mut kept: BTreeMap<String, u64> = BTreeMap::new();
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        for change in &state.changes {
            *kept.entry(change.folder().to_owned()).or_default() += 1;
        }
        for count in kept.values_mut() {
            *count = random.below(*count + 1);
        }
        for change in &state.changes {
            let number = seen.entry(change.folder().to_owned()).or_default();
            if *number < kept[change.folder()] {
                change.apply(&mut state.durable);
            }
            *number += 1;
        }
        state.changes.clear();
        let mut inodes: Vec<_> = state.inodes.iter_mut().collect();
        inodes.sort_by_key(|(number, _)| **number);
        for (_, inode) in inodes {
            inode.tear(random);
        }
        state.start();
    }

    /// Only the process is killed: the kernel keeps everything.
    pub fn restart(&self) {
        let mut state = self.lock_state();
        state.restart();
    }

    /// The power fails right after so many bytes of what was not synced of this file reached the disk, with all names.
    pub fn reboot_with(&self, path: &str, unsynced: usize) {
        let mut state = self.lock_state();
        let state = &mut *state;
        state.durable = state.names.clone();
        state.changes.clear();
        for (number, inode) in &mut state.inodes {
            let all = inode.seen.len();
            let end = if state.names.get(path) == Some(number) { inode.dirty + unsynced } else { all };
            inode.durable = inode.seen[..end.min(all)].to_vec();
        }
        state.start();
    }

    fn call(
        &self,
        what: impl FnOnce() -> String,
        life: Option<u64>,
    ) -> io::Result<(MutexGuard<'_, State>, Option<Fault>)> {
        let mut state = self.lock_state();
        if state.crashed || life.is_some_and(|life| life != state.life) {
            return Err(gone());
        }
        let number = state.calls;
        state.calls += 1;
        state.trace.push(what());
        let fault = state.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        if fault == Some(Fault::Crash) {
            state.crashed = true;
        }
        Ok((state, fault))
    }
}

/// What a call that does nothing by halves does with a fault.
fn refuse(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        None => Ok(()),
        Some(Fault::Crash) => Err(gone()),
        Some(Fault::Error(kind)) => Err(kind.into()),
    }
}

impl State {
    fn new_inode(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn start(&mut self) {
        self.names = self.durable.clone();
        for inode in self.inodes.values_mut() {
            inode.seen = inode.durable.clone();
            inode.dirty = inode.seen.len();
        }
        self.restart();
    }

    fn restart(&mut self) {
        self.locks.clear();
        self.crashed = false;
        self.fault = None;
        self.life += 1;
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }
}

impl Inode {
    fn tear(&mut self, random: &mut Random) {
        if self.dirty >= self.seen.len() {
            // What a failed sync forgot is not there either.
            return;
        }
        let from = self.dirty;
        let length = from + random.below((self.seen.len() - from) as u64 + 1) as usize;
        self.durable.resize(from, 0);
        let all = random.one_in(3);
        let mut at = from;
        while at < length {
            let end = ((at / SECTOR + 1) * SECTOR).min(length);
            if all || !random.one_in(3) {
                self.durable.extend_from_slice(&self.seen[at..end]);
            } else {
                self.durable.resize(end, 0);
            }
            at = end;
        }
    }
}

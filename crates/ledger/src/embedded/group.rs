//! Group commit: many callers, one sync.
//!
//! There is no thread of ours. Of the callers that wait, one writes for all of them: it takes what was handed in so far,
//! writes and syncs it as one batch, and wakes the others; whoever came in meanwhile makes the next batch. A lone caller
//! so pays for its own sync and for no hand-over between threads.

use std::mem;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::wal::{BATCH_BYTES, Batch, Wal};
use crate::tile::MAX_ENTRY_BYTES;

/// How long a batch waits for others when the one before had several entries: those callers are likely to be back at once.
/// A small part of a sync (0.2 to 4 ms on the disks measured); a lone caller never waits.
pub const BATCH_WINDOW: Duration = Duration::from_micros(200);

/// The queue in front of the write-ahead log.
pub(super) struct Group {
    queue: Mutex<Queue>,
    moved: Condvar,
    wal: Mutex<Wal>,
}

struct Queue {
    waiting: Batch,
    /// The index that the next entry gets.
    next: u64,
    /// The entries before this index are durable.
    durable: u64,
    /// Somebody is writing.
    writing: bool,
    /// The last batch held more than one call's entries.
    crowded: bool,
    calls: u32,
    failed: Option<Arc<Error>>,
}

impl Group {
    pub(super) fn new(wal: Wal) -> Self {
        let next = wal.next();
        let waiting = Batch::new();
        let queue = Queue { waiting, next, durable: next, writing: false, crowded: false, calls: 0, failed: None };
        Self { queue: Mutex::new(queue), moved: Condvar::new(), wal: Mutex::new(wal) }
    }

    /// Appends entries, in this order and with nothing between them; returns their indices when they are durable.
    pub(super) fn append(&self, entries: &[&[u8]]) -> Result<Range<u64>, Error> {
        if let Some(entry) = entries.iter().find(|entry| entry.len() > MAX_ENTRY_BYTES) {
            return Err(Error::EntryTooLong { length: entry.len(), limit: MAX_ENTRY_BYTES });
        }
        let cost: usize = entries.iter().map(|entry| Batch::cost(entry)).sum();
        if cost > BATCH_BYTES {
            return Err(Error::BatchTooLong { length: cost, limit: BATCH_BYTES });
        }
        let mut queue = self.lock();
        // What waits fits in one batch at any time, which also bounds what the queue holds.
        while queue.failed.is_none() && queue.waiting.body() + cost > BATCH_BYTES {
            queue = self.wait_or_write(queue);
        }
        queue.check()?;
        let first = queue.next;
        for entry in entries {
            queue.waiting.push(entry)?;
            queue.next += 1;
        }
        queue.calls += 1;
        let end = queue.next;
        while queue.durable < end {
            queue.check()?;
            queue = self.wait_or_write(queue);
        }
        Ok(first..end)
    }

    /// The entries before this index are durable.
    pub(super) fn durable(&self) -> u64 {
        self.lock().durable
    }

    /// Whether an earlier write failed.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.lock().check()
    }

    /// Lets no further entry in.
    pub(super) fn stop(&self, error: &Error) {
        self.lock().failed.get_or_insert_with(|| Arc::new(error.clone()));
        self.moved.notify_all();
    }

    fn wait_or_write<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        if queue.writing {
            return self.moved.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.writing = true;
        // Whatever happens to this thread, the others do not wait for it for ever.
        let writer = Writing { group: self };
        if queue.crowded {
            let waited = self.moved.wait_timeout(queue, BATCH_WINDOW);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let batch = mem::replace(&mut queue.waiting, Batch::new());
        queue.crowded = mem::take(&mut queue.calls) > 1;
        drop(queue);
        let mut wal = self.wal.lock().unwrap_or_else(PoisonError::into_inner);
        let written = wal.append(batch).map(|()| wal.next());
        drop(wal);
        writer.done(written)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn check(&self) -> Result<(), Error> {
        self.failed.as_ref().map_or(Ok(()), |error| Err(Error::Stopped(Arc::clone(error))))
    }
}

/// The one that writes.
struct Writing<'a> {
    group: &'a Group,
}

impl<'a> Writing<'a> {
    fn done(self, written: Result<u64, Error>) -> MutexGuard<'a, Queue> {
        let group = self.group;
        let mut queue = group.lock();
        match written {
            Ok(durable) => queue.durable = durable,
            Err(error) => queue.failed = Some(Arc::new(error)),
        }
        queue.writing = false;
        mem::forget(self);
        group.moved.notify_all();
        queue
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut queue = self.group.lock();
        queue.writing = false;
        queue.failed.get_or_insert_with(|| Arc::new(Error::Interrupted));
        drop(queue);
        self.group.moved.notify_all();
    }
}

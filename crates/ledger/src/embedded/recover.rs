//! What a writer does before it writes: find the signed tree, find what was acknowledged after it, and go on only when
//! both are whole.

use std::io;
use std::sync::Arc;

use super::damage::{At, Damage, Wrong};
use super::disk::{Disk, read};
use super::error::Error;
use super::files;
use super::integrate::{Cursor, Integrator, show};
use super::layout;
use super::sign::{CHECKPOINT_LIMIT, Root, Signing};
use super::stage;
use super::wal::{self, Found, Segment, Wal};

/// What was found, ready to write.
pub(super) struct Recovered {
    pub(super) integrator: Integrator,
    pub(super) wal: Wal,
}

/// Recovers the log in the folder; the lock is held. The tree must contain each of `known`.
pub(super) fn recover(
    disk: &Arc<dyn Disk>,
    signing: Signing,
    create: bool,
    segment_bytes: u64,
    known: &[Root],
    now: u64,
) -> Result<Recovered, Error> {
    stage::clear(&**disk)?;
    let mut known = known.to_vec();
    let origin = signing.origin().to_owned();
    let signed = signed(&**disk, &signing, create, &mut known, now)?;
    let tree = files::resume(&**disk, &signed)?;
    let Kept { cursor, end, last } = kept(&**disk, &origin, &signed)?;
    let size = Root { size: signed.size, hash: tree.root() };
    if let Some(root) = known.iter().find(|root| root.size > end) {
        return Err(Error::Older { size: end, known: root.size, why: "it is shorter" });
    }
    let mut integrator = Integrator::new(Arc::clone(disk), signing, tree, cursor);
    if end > signed.size {
        if let Some((segment, length)) = last {
            segment.renew(&**disk, length)?;
        }
        integrator.integrate(end, &known, now)?;
    } else {
        for root in &known {
            files::contains(&**disk, &size, root)?;
        }
    }
    let wal = Wal::begin(disk, &origin, end, segment_bytes)?;
    integrator.go_to(end);
    wal::drop_before(&**disk, end)?;
    Ok(Recovered { integrator, wal })
}

/// The last signed tree, with both copies of its checkpoint in place.
fn signed(disk: &dyn Disk, signing: &Signing, create: bool, known: &mut Vec<Root>, now: u64) -> Result<Root, Error> {
    let kept = checkpoint(disk, layout::SIGNED)?;
    let shown = checkpoint(disk, layout::CHECKPOINT)?;
    let Some(kept) = kept else {
        let empty = shown.is_none() && wal::segments(disk)?.is_empty() && !files::any(disk)?;
        if !create || !empty {
            return Err(Error::Missing { file: layout::SIGNED });
        }
        let root = Root { size: 0, hash: crate::tree::EMPTY_ROOT };
        let text = signing.sign(&root, now)?;
        show(disk, &text)?;
        return Ok(root);
    };
    let root = signing.read(layout::SIGNED, &kept)?;
    if shown.as_ref() != Some(&kept) {
        // A crash came between the two, or one of them is a restored copy.
        if let Some(shown) = &shown {
            let shown = signing.read(layout::CHECKPOINT, shown)?;
            if shown.size > root.size {
                return Err(Error::Older { size: root.size, known: shown.size, why: "the served checkpoint is newer" });
            }
            known.push(shown);
        }
        // Shown again only over files that are there.
        let tree = files::resume(disk, &root)?;
        for earlier in known.iter().filter(|earlier| earlier.size <= root.size) {
            files::contains(disk, &Root { size: root.size, hash: tree.root() }, earlier)?;
        }
        // Ours once more, too: its name may be in the memory of the kernel only.
        show(disk, &kept)?;
    }
    Ok(root)
}

fn checkpoint(disk: &dyn Disk, path: &str) -> Result<Option<Vec<u8>>, Error> {
    match read(disk, path, CHECKPOINT_LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::disk("read", path)(error)),
    }
}

/// What the write-ahead log holds.
struct Kept {
    /// Where the first entry that is not signed stands.
    cursor: Cursor,
    /// The index after the last entry.
    end: u64,
    /// The last segment, and where its last whole batch ends.
    last: Option<(Segment, u64)>,
}

fn kept(disk: &dyn Disk, origin: &str, signed: &Root) -> Result<Kept, Error> {
    let segments = wal::segments(disk)?;
    // The last segment that begins early enough; those before it are signed already.
    let from = segments.iter().rposition(|first| *first <= signed.size);
    let Some(relevant) = from.and_then(|from| segments.get(from..)) else {
        // The first segment is made after the first checkpoint, so there may be none yet.
        if signed.size == 0 && segments.is_empty() {
            return Ok(Kept { cursor: Cursor { segment: 0, offset: None, index: 0 }, end: 0, last: None });
        }
        return Err(Error::Damaged(Damage::new(layout::WAL, At::Entry(signed.size), Wrong::Missing)));
    };
    let mut cursor = None;
    let mut last = None;
    let mut end = relevant.first().copied().unwrap_or(0);
    for begin in relevant {
        let segment = Segment::open(disk, origin, *begin)?;
        if *begin != end {
            return Err(segment.damaged(0, Wrong::Gap));
        }
        let mut offset = segment.start();
        loop {
            match segment.batch(offset)? {
                Found::Batch { first, count, next, .. } if first == end => {
                    end += count;
                    if end > signed.size {
                        cursor.get_or_insert(Cursor { segment: *begin, offset: Some(offset), index: first });
                    }
                    offset = next;
                }
                Found::Batch { .. } => return Err(segment.damaged(offset, Wrong::Gap)),
                Found::End | Found::Torn => break,
            }
        }
        last = Some((segment, offset));
    }
    if end < signed.size {
        return Err(Error::Damaged(Damage::new(layout::WAL, At::Entry(end), Wrong::Missing)));
    }
    let begin = relevant.last().copied().unwrap_or(0);
    Ok(Kept { cursor: cursor.unwrap_or(Cursor { segment: begin, offset: None, index: begin }), end, last })
}

//! Records of a plan or state: the arguments of each resource, and the buckets that they name.

use super::resources::Resource;
use super::scan::{Scan, Stop};
use super::stack::Stack;
use crate::terraform::recording::{MAX_SAID, Said, Shown, Stores, What, shown};
use allod_facts::{ComponentRef, Evidence, Record, RecordKind};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// What is known only when the whole file was read: which resource a name means.
#[derive(Default)]
pub(super) struct Recording {
    /// Buckets by the hash of their type and name: the names themselves would take memory for nothing.
    buckets: FxHashMap<u64, ComponentRef>,
    named: Vec<(u64, What, Option<u32>, Evidence)>,
    stores: Stores,
}

impl Stack {
    /// Adds what a resource shows of how it is recorded; what it shows about a bucket that it names waits.
    pub(super) fn records(&mut self, at: ComponentRef, resource: &Resource) {
        let Some(said) = &resource.values.said else { return };
        let text = |path: &str| said.iter().find(|said| said.path == path).and_then(|said| said.text.as_deref());
        let bucket = match resource.kind.as_str() {
            "aws_s3_bucket" => text("bucket"),
            "google_storage_bucket" => text("name"),
            _ => None,
        };
        if let Some(name) = bucket {
            self.recording.buckets.insert(place_of(&resource.kind, name), at);
        }
        for Shown { what, about, days, at: line } in shown(&resource.kind, said) {
            let seen = self.seen(line.unwrap_or(resource.line));
            match (about, what) {
                (Some(argument), _) => {
                    if let Some(name) = text(argument) {
                        self.recording.named.push((place_of(&resource.kind, name), what, days, seen));
                    }
                }
                (None, What::Record(kind)) => {
                    if let Some(component) = self.facts.get_mut(at) {
                        component.record(Record { kind, days, evidence: seen });
                    }
                }
                (None, What::Keeps) => self.recording.stores.keeps(at, days, seen),
            }
        }
    }

    pub(super) fn settle_records(&mut self) {
        let Recording { buckets, named, mut stores } = std::mem::take(&mut self.recording);
        for (name, what, days, evidence) in named {
            let Some(to) = buckets.get(&name).copied() else { continue };
            match what {
                What::Record(RecordKind::LogStore) => stores.log(to, evidence),
                What::Record(kind) => {
                    if let Some(component) = self.facts.get_mut(to) {
                        component.record(Record { kind, days, evidence });
                    }
                }
                What::Keeps => stores.keeps(to, days, evidence),
            }
        }
        for (to, record) in stores.settle() {
            if let Some(component) = self.facts.get_mut(to) {
                component.record(record);
            }
        }
    }
}

/// The hash of a bucket: its provider's first word, and its name without the host that some arguments add.
fn place_of(kind: &str, name: &str) -> u64 {
    let name = name.split_once(".s3.").map_or(name, |(name, _)| name);
    let mut hasher = FxHasher::default();
    (kind.split('_').next(), name).hash(&mut hasher);
    hasher.finish()
}

/// Reads the value of an argument that comes next. The recursion is bounded by the scanner's depth.
pub(super) fn read(scan: &mut Scan<'_>, name: &str, said: &mut Vec<Said<u32>>) -> Result<(), Stop> {
    let mut blocks = said.iter().map(|said| said.inner).max().unwrap_or_default();
    value(scan, name.to_owned(), (0, 0), &mut blocks, said)
}

/// `block`: the numbers of the block at the top and of the nearest one.
fn value(
    scan: &mut Scan<'_>,
    path: String,
    block: (u32, u32),
    blocks: &mut u32,
    said: &mut Vec<Said<u32>>,
) -> Result<(), Stop> {
    if said.len() >= MAX_SAID {
        return scan.skip();
    }
    let line = scan.value_line()?;
    match scan.next_byte()? {
        b'{' => {
            *blocks += 1;
            let inner = *blocks;
            let outer = if block.1 == 0 { inner } else { block.0 };
            said.push(Said { path: path.clone(), text: None, at: line, outer, inner });
            let Some(mut open) = scan.object()? else { return Ok(()) };
            while let Some(path) = scan.key(&mut open, |name| format!("{path}.{name}"))? {
                value(scan, path, (outer, inner), blocks, said)?;
            }
        }
        b'[' => {
            let Some(mut open) = scan.array()? else { return Ok(()) };
            while scan.item(&mut open)? {
                value(scan, path.clone(), block, blocks, said)?;
            }
        }
        _ => {
            if let Some(text) = scan.scalar()? {
                said.push(Said { path, text: Some(text), at: line, outer: block.0, inner: block.1 });
            }
        }
    }
    Ok(())
}

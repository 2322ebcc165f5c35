//! Who is who: services, the entities that run them, who owns these, where their regions are, and how files name them.
//!
//! Every statement about a company is a claim with a source and the date it was seen; a record without one is shown as
//! unverified. This crate gives no verdicts and fetches nothing.

mod check;
mod index;
mod load;
mod record;

pub use check::check;
pub use index::{Match, Matched};
pub use load::{Problem, load_file};
pub use record::{
    Claim, Confidence, ControlEdge, ControlKind, Entity, Location, Matchers, Offer, Records, Region, Regions, Service,
    Software, TalksTo,
};

use allod_facts::{Clue, Country};
use compact_str::CompactString;
use index::Index;

/// The register as it is asked: records sorted by id, clues looked up through an index.
#[derive(Debug)]
pub struct Register {
    pub records: Records,
    index: Index,
}

/// The built-in register could not be used, or an overlay has problems.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read the built-in register")]
    Builtin(#[source] serde_json::Error),
    #[error("the register overlay has {} problems", .0.len())]
    Overlay(Vec<Problem>),
}

/// The reviewed records, compiled from `data/*.yaml` by `cargo xtask register`.
const COMPILED: &str = include_str!("../compiled/register.json");

impl Register {
    /// The register that is built into the binary.
    ///
    /// # Errors
    /// [`Error::Builtin`] when the compiled file is damaged, which a test excludes.
    pub fn builtin() -> Result<Register, Error> {
        Ok(Register::new(serde_json::from_str(COMPILED).map_err(Error::Builtin)?))
    }

    /// The built-in register with the user's own files over it: a record of the same id replaces the built-in one, a
    /// matcher of an overlay wins over a built-in one. `files` are paths (for messages) and texts.
    ///
    /// # Errors
    /// [`Error::Overlay`] lists every problem of the files; nothing of a broken overlay is used.
    pub fn with_overlay(files: &[(String, String)]) -> Result<Register, Error> {
        let mut records = Register::builtin()?.records;
        let mut problems = Vec::new();
        let mut overlay = Records::default();
        for (path, text) in files {
            load_file(path, text, &mut overlay, &mut problems);
        }
        overlay.mark_as_users_own();
        records.replace(overlay);
        problems
            .extend(check(&records).into_iter().filter(|problem| files.iter().any(|(path, _)| *path == problem.path)));
        if problems.is_empty() { Ok(Register::new(records)) } else { Err(Error::Overlay(problems)) }
    }

    pub fn new(mut records: Records) -> Register {
        records.sort();
        Register { index: Index::new(&records), records }
    }

    pub fn entity(&self, id: &str) -> Option<&Entity> {
        by_id(&self.records.entities, id, |entity| &entity.id)
    }

    pub fn service(&self, id: &str) -> Option<&Service> {
        by_id(&self.records.services, id, |service| &service.id)
    }

    pub fn software(&self, id: &str) -> Option<&Software> {
        by_id(&self.records.software, id, |software| &software.id)
    }

    /// What a clue names: the service, the software, or both (an image names the registry that serves it and the
    /// software in it). The longest matcher wins; nothing is guessed.
    pub fn find(&self, clue: &Clue) -> Match<'_> {
        self.index.find(clue, &self.records)
    }

    /// The region of a service, by the provider's own name of it, any case; availability zones (`eu-west-1a`) lead to
    /// their region.
    pub fn region(&self, service: &Service, name: &str) -> Option<&Region> {
        by_id(&self.records.regions, service.regions.as_ref()?, |table| &table.id)?.find(name)
    }

    /// The entities that hold an entity through ownership, nearest first, the entity itself first of all. Minority
    /// stakes and licensors are not ownership.
    pub fn chain<'a>(&'a self, entity: &'a Entity) -> Vec<Holder<'a>> {
        let mut chain = vec![Holder { entity, edge: None, above: None }];
        let mut at = 0;
        while let Some(below) = chain.get(at).map(|holder| holder.entity) {
            for edge in below.control.iter().filter(|edge| edge.kind.is_ownership()) {
                let known = |holder: &Holder<'_>| holder.entity.id == edge.holder;
                if let Some(owner) = self.entity(&edge.holder).filter(|_| !chain.iter().any(known)) {
                    chain.push(Holder { entity: owner, edge: Some(edge), above: Some(at) });
                }
            }
            at += 1;
        }
        chain
    }

    /// The countries whose law reaches an entity through its seat and its owners' seats, sorted. The flag says whether
    /// the country of somebody in the chain is not known.
    pub fn countries(&self, entity: &Entity) -> (Vec<Country>, bool) {
        let chain = self.chain(entity);
        let mut countries: Vec<Country> = chain.iter().filter_map(|holder| holder.entity.country).collect();
        countries.sort_unstable();
        countries.dedup();
        (countries, chain.iter().any(|holder| holder.entity.country.is_none()))
    }
}

/// One link of an ownership chain.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    pub entity: &'a Entity,
    /// The edge by which it holds the one below; `None` for the entity that the chain starts from.
    pub edge: Option<&'a ControlEdge>,
    /// The position in the chain of the entity that it holds.
    pub above: Option<usize>,
}

fn by_id<'a, T>(sorted: &'a [T], id: &str, id_of: fn(&T) -> &CompactString) -> Option<&'a T> {
    sorted.binary_search_by(|record| id_of(record).as_str().cmp(id)).ok().and_then(|at| sorted.get(at))
}

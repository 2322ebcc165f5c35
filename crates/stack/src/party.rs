use crate::graph::Stack;
use crate::powers::Holder;
use allod_facts::Country;
use allod_register::{Entity, Register};
use std::collections::BTreeSet;

/// Nobody, or more than one, is known by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchParty {
    pub asked: String,
    /// Ids that could have been meant.
    pub near: Vec<String>,
}

/// Names offered for one that nobody has.
const MAX_NEAR: usize = 8;

impl Stack<'_> {
    /// A holder by the name that a person would use: a country code, the id of an entity or a service, or the name of
    /// an entity without its legal form (`cloudflare`) when only one has it.
    ///
    /// # Errors
    /// [`NoSuchParty`] with the ids that could have been meant.
    pub fn party(&self, asked: &str) -> Result<Holder, NoSuchParty> {
        party(self.register, asked)
    }

    /// What a holder is called: `US`, `Cloudflare, Inc. (US)`.
    pub fn holder_name(&self, holder: &Holder) -> String {
        match holder {
            Holder::Jurisdiction(country) => country.to_string(),
            Holder::Unknown => "somebody unknown".to_owned(),
            Holder::Entity(id) => match self.register.entity(id) {
                Some(entity) => {
                    let country = entity.country.map_or("country not known".to_owned(), |country| country.to_string());
                    format!("{} ({country})", entity.name)
                }
                None => id.clone(),
            },
            Holder::Service(id) => self.register.service(id).map_or(id.clone(), |service| service.name.to_string()),
        }
    }
}

/// As [`Stack::party`], of a register alone.
///
/// # Errors
/// [`NoSuchParty`] with the ids that could have been meant.
pub fn party(register: &Register, asked: &str) -> Result<Holder, NoSuchParty> {
    let name = asked.trim().to_ascii_lowercase();
    if let Some(country) = Country::new(&name).filter(Country::is_assigned) {
        return Ok(Holder::Jurisdiction(country));
    }
    if let Some(entity) = register.entity(&name) {
        return Ok(Holder::Entity(entity.id.to_string()));
    }
    if let Some(service) = register.service(&name) {
        return Ok(Holder::Service(service.id.to_string()));
    }
    let called = |entity: &&Entity| {
        let first = entity.name.split([' ', ',']).next().unwrap_or_default().to_ascii_lowercase();
        first == name || entity.name.to_ascii_lowercase() == name || entity.id.split('-').next() == Some(&name)
    };
    let named: Vec<&Entity> = register.records.entities.iter().filter(called).collect();
    // Of several of one name, those that hold the others.
    let top: Vec<&&Entity> = named
        .iter()
        .filter(|entity| {
            let owners = register.chain(entity);
            owners.iter().skip(1).all(|owner| named.iter().all(|other| other.id != owner.entity.id))
        })
        .collect();
    match top.as_slice() {
        [one] => Ok(Holder::Entity(one.id.to_string())),
        several => {
            let mut near: BTreeSet<String> = several.iter().map(|entity| entity.id.to_string()).collect();
            if near.is_empty() && name.len() > 2 {
                let like = |id: &str| id.contains(name.as_str());
                let records = &register.records;
                near.extend(records.entities.iter().map(|one| one.id.to_string()).filter(|id| like(id)));
                near.extend(records.services.iter().map(|one| one.id.to_string()).filter(|id| like(id)));
            }
            Err(NoSuchParty { asked: asked.to_owned(), near: near.into_iter().take(MAX_NEAR).collect() })
        }
    }
}

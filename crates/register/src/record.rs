use allod_facts::{Country, Layer};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All records, sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Records {
    pub entities: Vec<Entity>,
    pub services: Vec<Service>,
    pub software: Vec<Software>,
    pub regions: Vec<Regions>,
}

/// A legal person, a community or a state body that can hold control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    pub id: CompactString,
    pub name: CompactString,
    /// Country of the seat; `None` when not known.
    #[serde(with = "country")]
    pub country: Option<Country>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lei: Option<CompactString>,
    pub claim: Option<Claim>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control: Vec<ControlEdge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CompactString>,
    pub origin: Origin,
}

/// Who holds an entity, how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlEdge {
    /// Entity id.
    pub holder: CompactString,
    pub kind: ControlKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_pct: Option<f64>,
    /// ISO 8601 date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<CompactString>,
    pub claim: Option<Claim>,
}

/// The four facts about control that are kept apart (the fourth is the operator itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    Ultimate,
    Majority,
    Minority,
    Licensor,
}

impl ControlKind {
    pub fn is_ownership(self) -> bool {
        matches!(self, ControlKind::Ultimate | ControlKind::Majority)
    }

    pub fn name(self) -> &'static str {
        match self {
            ControlKind::Ultimate => "ultimate owner",
            ControlKind::Majority => "majority owner",
            ControlKind::Minority => "minority stake",
            ControlKind::Licensor => "technology licensor",
        }
    }
}

/// Where a statement comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// URL.
    pub source: CompactString,
    /// ISO 8601 date on which the source was seen.
    pub seen: CompactString,
    pub confidence: Confidence,
}

/// How good a claim is, best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    Unverified,
    Inferred,
    Secondary,
    VendorClaim,
    Registry,
    Primary,
}

impl Confidence {
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Unverified => "unverified",
            Confidence::Inferred => "inferred",
            Confidence::Secondary => "secondary",
            Confidence::VendorClaim => "vendor-claim",
            Confidence::Registry => "registry",
            Confidence::Primary => "primary",
        }
    }

    pub fn from_name(name: &str) -> Option<Confidence> {
        use Confidence::*;
        [Unverified, Inferred, Secondary, VendorClaim, Registry, Primary].into_iter().find(|known| known.name() == name)
    }
}

/// Which file a record stands in, and whether the user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub file: CompactString,
    pub line: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub users_own: bool,
}

/// What somebody runs for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub id: CompactString,
    pub name: CompactString,
    #[serde(with = "layer")]
    pub layer: Layer,
    /// Entity id; `None` when not known.
    pub operator: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contracting: Vec<Contracting>,
    pub claim: Option<Claim>,
    pub matchers: Matchers,
    /// Id of a region table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<CompactString>,
    /// By kind of data: content, telemetry, account, support, backup, metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locations: BTreeMap<CompactString, Location>,
    /// TLS ends at this service, so it can read what passes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_tls: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mitigations: Vec<Offer>,
    /// Ids of services and software.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CompactString>,
    pub origin: Origin,
}

/// The entity one signs with, when it depends on where the customer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contracting {
    pub customer: CompactString,
    pub entity: CompactString,
    pub claim: Option<Claim>,
}

/// Where one kind of data is kept: country codes, or `EU`, `EEA`, `global`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    pub value: Vec<CompactString>,
    pub claim: Option<Claim>,
}

/// A mitigation that a service offers its customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub kind: CompactString,
    pub claim: Option<Claim>,
}

/// What one runs oneself: it has a publisher, not an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Software {
    pub id: CompactString,
    pub name: CompactString,
    #[serde(with = "layer")]
    pub layer: Layer,
    /// Entity id of who can change the next version.
    pub publisher: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<CompactString>,
    pub claim: Option<Claim>,
    pub matchers: Matchers,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub talks_to: Vec<TalksTo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CompactString>,
    pub origin: Origin,
}

/// A service that software uses by default, with nothing set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TalksTo {
    pub service: CompactString,
    pub why: CompactString,
    pub claim: Option<Claim>,
}

/// How files name a record, one list a namespace (`sdk/npm`, ... for packages).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matchers {
    #[serde(flatten)]
    pub lists: BTreeMap<CompactString, Vec<CompactString>>,
}

/// The regions of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regions {
    pub id: CompactString,
    pub claim: Option<Claim>,
    /// By name, lower case.
    pub list: BTreeMap<CompactString, Region>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// The provider's name of the region, as its documentation writes it.
    pub name: CompactString,
    /// `None` for a region over several countries (`eu`) or one whose country is not known.
    #[serde(with = "country")]
    pub country: Option<Country>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<CompactString>,
}

impl Regions {
    /// By name, any case; `eu-west-1a` and `europe-west1-b` lead to their region.
    pub fn find(&self, name: &str) -> Option<&Region> {
        let name = name.trim().to_ascii_lowercase();
        let shorter = |cut: &str| self.list.get(cut);
        self.list
            .get(name.as_str())
            .or_else(|| name.strip_suffix(|c: char| c.is_ascii_lowercase()).and_then(shorter))
            .or_else(|| name.rsplit_once('-').filter(|(_, zone)| zone.len() <= 2).and_then(|(cut, _)| shorter(cut)))
    }
}

impl Records {
    /// Puts the records of `other` in the place of those with the same id, and adds the rest.
    pub fn replace(&mut self, other: Records) {
        fn put<T>(into: &mut Vec<T>, from: Vec<T>, id: fn(&T) -> &CompactString) {
            into.retain(|old| !from.iter().any(|new| id(new) == id(old)));
            into.extend(from);
            into.sort_by(|a, b| id(a).cmp(id(b)));
        }
        put(&mut self.entities, other.entities, |record| &record.id);
        put(&mut self.services, other.services, |record| &record.id);
        put(&mut self.software, other.software, |record| &record.id);
        put(&mut self.regions, other.regions, |record| &record.id);
    }

    pub fn mark_as_users_own(&mut self) {
        self.entities.iter_mut().for_each(|record| record.origin.users_own = true);
        self.services.iter_mut().for_each(|record| record.origin.users_own = true);
        self.software.iter_mut().for_each(|record| record.origin.users_own = true);
        self.regions.iter_mut().for_each(|record| record.origin.users_own = true);
    }

    pub fn sort(&mut self) {
        self.entities.sort_by(|a, b| a.id.cmp(&b.id));
        self.services.sort_by(|a, b| a.id.cmp(&b.id));
        self.software.sort_by(|a, b| a.id.cmp(&b.id));
        self.regions.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

mod country {
    use super::Country;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(country: &Option<Country>, serializer: S) -> Result<S::Ok, S::Error> {
        country.as_ref().map(Country::code).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Country>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.and_then(|code| Country::new(&code)))
    }
}

mod layer {
    use super::Layer;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(layer: &Layer, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(layer.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Layer, D::Error> {
        let name = String::deserialize(deserializer)?;
        Layer::from_name(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown layer `{name}`")))
    }
}

use crate::powers::Powers;
use allod_facts::{Clue, ClueKind, Component, Confidence, Country, Layer, Role};
use allod_readers::endpoint::{HostKind, host_kind};
use allod_register::{ControlEdge, ControlKind, Entity, Matched, Register, Service, Software};
use compact_str::CompactString;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A component with what the register knows about it.
#[derive(Clone, Debug)]
pub struct Part<'r> {
    pub fact: Arc<Component>,
    pub layer: Layer,
    pub control: Control,
    /// The service that provides it (or, for an artefact, that serves it).
    pub service: Option<&'r Service>,
    /// The software in it, with its publisher.
    pub software: Option<&'r Software>,
    /// Who publishes an artefact, when its name says so and the register knows no software of that name: the owner of
    /// an action.
    pub named_publisher: Option<&'r Entity>,
    /// The matcher of the register that recognised it.
    pub matched_by: Option<&'r str>,
    pub operator: Option<&'r Entity>,
    pub location: Option<Location>,
    /// What is kept in it is encrypted with keys that the organisation holds, by its own statement: who provides it reads
    /// nothing of it.
    pub own_keys: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Control {
    /// The register knows who runs it.
    Known,
    /// Nobody knows, from the files and the register.
    Unknown,
    /// The organisation hosts it itself.
    SelfHosted,
}

impl Control {
    pub fn name(self) -> &'static str {
        match self {
            Control::Known => "known",
            Control::Unknown => "unknown",
            Control::SelfHosted => "self",
        }
    }
}

/// Where a part is. A country follows from the file or from the register's region table, never from the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub country: Option<Country>,
    pub region: Option<CompactString>,
}

/// Somebody who controls a part, and why.
#[derive(Clone, Copy, Debug)]
pub struct Controller<'r> {
    pub entity: &'r Entity,
    pub ground: Ground,
    /// It publishes the software, or stands behind who does: it can change the next version, and nothing else.
    pub of_publisher: bool,
    /// The edge of ownership or licence; `None` for operator, publisher and contracting entity.
    pub edge: Option<&'r ControlEdge>,
    /// Source of the statement: the edge's claim, or the record's that names the entity.
    pub claim: Option<&'r allod_register::Claim>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    Operator,
    Publisher,
    Owner(ControlKind),
    Licensor,
    Minority,
}

impl Ground {
    pub fn name(self) -> &'static str {
        match self {
            Ground::Operator => "operator",
            Ground::Publisher => "publisher",
            Ground::Owner(kind) => kind.name(),
            Ground::Licensor => ControlKind::Licensor.name(),
            Ground::Minority => ControlKind::Minority.name(),
        }
    }
}

/// Resolves one component. `own_zones` are the DNS zones that the audited files themselves define.
pub(crate) fn resolve<'r>(fact: Arc<Component>, register: &'r Register, own_zones: &BTreeSet<String>) -> Part<'r> {
    let mut part = Part {
        layer: fact.layer,
        control: Control::SelfHosted,
        service: None,
        software: None,
        named_publisher: None,
        own_keys: false,
        matched_by: None,
        operator: None,
        location: None,
        fact,
    };
    match part.fact.role {
        Role::Own => {}
        Role::Provided => provided(&mut part, register, own_zones),
        Role::Artefact => artefact(&mut part, register, own_zones),
    }
    part.operator = part.service.and_then(|service| register.entity(service.operator.as_ref()?));
    if part.control == Control::Known && part.operator.is_none() && part.publisher(register).is_none() {
        part.control = Control::Unknown;
    }
    part.layer = layer_of(&part);
    part.location = location_of(&part, register);
    part
}

fn provided<'r>(part: &mut Part<'r>, register: &'r Register, own_zones: &BTreeSet<String>) {
    part.control = Control::Unknown;
    for clue in &part.fact.clues {
        let found = register.find(clue);
        if let Some(service) = found.service {
            (part.service, part.matched_by) = (Some(service.record), Some(service.by));
            part.control = Control::Known;
            return;
        }
        if is_host(clue) {
            if host_kind(&clue.text) == HostKind::Internal || under_own_zone(&clue.text, own_zones) {
                part.control = Control::SelfHosted;
            } else if let Some(service) = stated_provider(&part.fact, register) {
                (part.service, part.matched_by) = (Some(service.record), Some(service.by));
                part.control = Control::Known;
            }
            // An endpoint decides: what else the file says about it names the software, not who runs it.
            return;
        }
        if let Some(software) = found.software.filter(|_| part.software.is_none()) {
            (part.software, part.matched_by) = (Some(software.record), Some(software.by));
        }
    }
}

/// Who runs it by the file's own statement, of several endpoints only when all are of nobody that is known.
fn stated_provider<'r>(fact: &Component, register: &'r Register) -> Option<Matched<'r, Service>> {
    if fact.clues.iter().any(|clue| is_host(clue) && register.find(clue).service.is_some()) {
        return None;
    }
    fact.clues.iter().filter(|clue| clue.kind == ClueKind::Provider).find_map(|clue| register.find(clue).service)
}

fn artefact<'r>(part: &mut Part<'r>, register: &'r Register, own_zones: &BTreeSet<String>) {
    let mut served_by_us = false;
    for clue in &part.fact.clues {
        let found = register.find(clue);
        if clue.kind == ClueKind::Action {
            // An action is fetched from the forge; its owner is its publisher.
            let owner = found.service.and_then(|service| register.entity(service.record.operator.as_ref()?));
            part.named_publisher = part.named_publisher.or(owner);
            part.matched_by = part.matched_by.or(found.service.map(|service| service.by));
            continue;
        }
        if let Some(service) = found.service.filter(|_| part.service.is_none()) {
            (part.service, part.matched_by) = (Some(service.record), Some(service.by));
        }
        if let Some(software) = found.software.filter(|_| part.software.is_none()) {
            part.software = Some(software.record);
            part.matched_by = part.matched_by.or(Some(software.by));
        }
        let host = match clue.kind {
            ClueKind::Host => Some(&*clue.text),
            ClueKind::Image => clue.text.split('/').next().map(|host| host.split(':').next().unwrap_or(host)),
            _ => None,
        };
        served_by_us |=
            host.is_some_and(|host| host_kind(host) == HostKind::Internal || under_own_zone(host, own_zones));
    }
    // A registry that is named and not known stays unknown, even when the software in it is known.
    let names_registry = part.fact.clues.iter().any(|clue| matches!(clue.kind, ClueKind::Image | ClueKind::Host));
    part.control = match (part.service, part.software) {
        (Some(_), _) => Control::Known,
        (None, _) if served_by_us => Control::SelfHosted,
        (None, Some(_)) if !names_registry => Control::Known,
        _ => Control::Unknown,
    };
}

fn is_host(clue: &Clue) -> bool {
    matches!(
        clue.kind,
        ClueKind::Host
            | ClueKind::NameServer
            | ClueKind::MailExchanger
            | ClueKind::CanonicalName
            | ClueKind::SpfInclude
    )
}

pub(crate) fn under_own_zone(host: &str, own_zones: &BTreeSet<String>) -> bool {
    let mut rest = Some(host);
    while let Some(name) = rest {
        if own_zones.contains(name) {
            return true;
        }
        rest = name.split_once('.').map(|(_, shorter)| shorter);
    }
    false
}

fn layer_of(part: &Part<'_>) -> Layer {
    let seen = part.fact.layer;
    match (part.fact.role, part.service) {
        (Role::Provided, Some(service)) if service.layer != Layer::Cloud || seen == Layer::Unclassified => {
            service.layer
        }
        (Role::Artefact, Some(service)) if seen == Layer::Unclassified => service.layer,
        _ => match part.software {
            Some(software) if seen == Layer::Unclassified => software.layer,
            _ => seen,
        },
    }
}

fn location_of(part: &Part<'_>, register: &Register) -> Option<Location> {
    let place = part.fact.place.as_ref();
    let region = place.and_then(|place| place.region.as_deref());
    let stated = place.and_then(|place| place.country);
    let in_host = part.service.filter(|_| region.is_none()).and_then(|service| region_in_host(part, service, register));
    let region = region.or(in_host);
    let known = part.service.zip(region).and_then(|(service, region)| register.region(service, region));
    // A hint says which service, not which of its sites.
    let by_service = part.service.filter(|_| region.is_none() && !part.is_hint()).and_then(provider_place);
    let country = stated.or_else(|| known.and_then(|region| region.country)).or(by_service);
    (country.is_some() || region.is_some()).then(|| Location { country, region: region.map(CompactString::from) })
}

/// The region that an endpoint names (`backups.s3.eu-central-1.amazonaws.com`): a label of the host that is the name of
/// one of the service's regions, and could be no other word.
fn region_in_host<'p>(part: &'p Part<'_>, service: &Service, register: &Register) -> Option<&'p str> {
    let host = part.fact.clues.iter().find(|clue| clue.kind == ClueKind::Host)?;
    // The first label is a name that somebody chose.
    let labels = host.text.split('.').skip(1);
    let region_like = |label: &&str| label.contains('-') && label.bytes().any(|byte| byte.is_ascii_digit());
    labels
        .filter(region_like)
        .find(|label| register.region(service, label).is_some_and(|region| region.name.eq_ignore_ascii_case(label)))
}

/// The one country in which a service keeps what is given to it, when the register says one.
pub(crate) fn provider_place(service: &Service) -> Option<Country> {
    match service.locations.get("content").or_else(|| service.locations.get("telemetry"))?.value.as_slice() {
        [one] if one.len() == 2 && one != "EU" => Country::new(one),
        _ => None,
    }
}

/// See [`Part::control_key`].
pub(crate) type ControlKey<'r> = (Control, Option<&'r str>, Option<&'r str>, Option<&'r str>, Option<&'r str>);

/// From where parts are controlled, computed once for all that are alike.
#[derive(Default)]
pub(crate) struct Origins {
    /// By [`Powers::likeness`].
    known: Vec<Option<Vec<Country>>>,
}

impl Origins {
    /// What [`Part::controlled_from`] gives for the part at this position.
    pub fn of(&mut self, at: usize, part: &Part<'_>, powers: &Powers, register: &Register) -> &[Country] {
        let likeness = powers.likeness(at);
        if self.known.len() <= likeness {
            self.known.resize(likeness + 1, None);
        }
        match self.known.get_mut(likeness) {
            Some(known) => known.get_or_insert_with(|| part.controlled_from(register)),
            None => &[],
        }
    }
}

impl<'r> Part<'r> {
    pub fn publisher(&self, register: &'r Register) -> Option<&'r Entity> {
        self.software.and_then(|software| register.entity(software.publisher.as_ref()?)).or(self.named_publisher)
    }

    /// Everybody in control of it: operator (or publisher), their owners to the end of the chain, licensors and
    /// minority holders, each with its ground.
    pub fn controllers(&self, register: &'r Register) -> Vec<Controller<'r>> {
        let mut found: Vec<Controller<'r>> = Vec::new();
        let named = [
            (self.operator, Ground::Operator, self.service.and_then(|service| service.claim.as_ref())),
            (self.publisher(register), Ground::Publisher, self.software.and_then(|software| software.claim.as_ref())),
        ];
        for (entity, ground, claim) in named {
            let Some(entity) = entity else { continue };
            let of_publisher = ground == Ground::Publisher;
            for holder in register.chain(entity) {
                let above = match holder.edge {
                    Some(edge) => Controller {
                        entity: holder.entity,
                        ground: Ground::Owner(edge.kind),
                        of_publisher,
                        edge: Some(edge),
                        // The holder's own source says who it is, not that it holds the one below.
                        claim: edge.claim.as_ref(),
                    },
                    None => {
                        let claim = entity.claim.as_ref().or(claim);
                        Controller { entity, ground, of_publisher, edge: None, claim }
                    }
                };
                push_once(&mut found, above);
                for edge in holder.entity.control.iter().filter(|edge| !edge.kind.is_ownership()) {
                    let Some(entity) = register.entity(&edge.holder) else { continue };
                    let ground = if edge.kind == ControlKind::Licensor { Ground::Licensor } else { Ground::Minority };
                    let claim = edge.claim.as_ref();
                    push_once(&mut found, Controller { entity, ground, of_publisher, edge: Some(edge), claim });
                }
            }
        }
        found
    }

    /// The countries from which it is controlled: the seats of its operator (or publisher) and of their owners.
    /// Licensors and minority holders are told apart in [`Part::controllers`]. Sorted.
    pub fn controlled_from(&self, register: &'r Register) -> Vec<Country> {
        if self.control != Control::Known {
            return Vec::new();
        }
        let grounds = |controller: &Controller<'_>| !matches!(controller.ground, Ground::Licensor | Ground::Minority);
        let countries: BTreeSet<Country> = self
            .controllers(register)
            .into_iter()
            .filter(grounds)
            .filter_map(|controller| controller.entity.country)
            .collect();
        countries.into_iter().collect()
    }

    /// We run it ourselves: what drills and chokepoints count.
    pub fn is_ours(&self) -> bool {
        self.control == Control::SelfHosted && !self.is_hint()
    }

    /// What decides who controls it: parts that agree in it have the same controllers.
    pub(crate) fn control_key(&self) -> ControlKey<'r> {
        (
            self.control,
            self.service.map(|service| &*service.id),
            self.software.map(|software| &*software.id),
            self.named_publisher.map(|entity| &*entity.id),
            self.operator.map(|entity| &*entity.id),
        )
    }

    /// A hint only: the code could use it.
    pub fn is_hint(&self) -> bool {
        self.fact.confidence == Confidence::Low
    }
}

fn push_once<'r>(found: &mut Vec<Controller<'r>>, controller: Controller<'r>) {
    if !found.iter().any(|known| known.entity.id == controller.entity.id && known.ground == controller.ground) {
        found.push(controller);
    }
}

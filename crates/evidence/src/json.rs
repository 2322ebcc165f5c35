use crate::chokepoints::chokepoints_out;
use crate::held::Words;
use crate::{Audit, Show};
use allod_facts::{Country, Evidence};
use allod_register::{Claim, Confidence};
use allod_stack::{Holding, Part, Path};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::Write;

/// The name of the schema (`schemas/allod.audit.1.json`).
pub const SCHEMA: &str = "allod.audit/1";

/// Writes an audit as JSON. Streams: nothing as large as the audit is built up.
///
/// # Errors
/// What writing gives.
pub fn json(audit: &Audit<'_>, show: Show, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document { audit, show }).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

struct Document<'a> {
    audit: &'a Audit<'a>,
    show: Show,
}

/// Serialises an iterator without collecting it.
pub(crate) struct Each<F>(pub F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (audit, show) = (self.audit, self.show);
        let parts =
            move || if show.unresolved_only { None } else { Some(audit.parts_shown(show)) }.into_iter().flatten();
        let shown = move |at: usize| {
            !show.unresolved_only
                && audit.stack.parts.get(at).is_some_and(|part| show.only.is_none_or(|layer| part.layer == layer))
        };
        let mut out = serializer.serialize_struct("audit", 11)?;
        out.serialize_field("schema", SCHEMA)?;
        out.serialize_field("root", &audit.root)?;
        out.serialize_field("home", &audit.home.names)?;
        out.serialize_field("components", &Each(move || parts().map(move |(_, part)| component(audit, part))))?;
        out.serialize_field(
            "links",
            &Each(move || links(audit).filter(move |(at, _)| shown(*at)).map(|(_, link)| link)),
        )?;
        out.serialize_field("powers", &Each(move || parts().flat_map(move |(at, _)| powers(audit, at))))?;
        out.serialize_field(
            "findings",
            &Each(move || findings(audit).filter(move |(at, _)| shown(*at)).map(|(_, one)| one)),
        )?;
        let chokepoints = (!show.unresolved_only).then(|| audit.chokepoints());
        out.serialize_field("chokepoints", &chokepoints.as_ref().map(|found| chokepoints_out(audit, found)))?;
        out.serialize_field("unresolved", &Each(move || unresolved(audit)))?;
        out.serialize_field("diagnostics", &Each(move || diagnostics(audit)))?;
        out.serialize_field("coverage", &coverage(audit))?;
        out.end()
    }
}

#[derive(Serialize)]
struct ComponentOut<'a> {
    id: &'a str,
    name: &'a str,
    layer: &'static str,
    kind: &'a str,
    role: allod_facts::Role,
    service: Option<Named<'a>>,
    software: Option<Named<'a>>,
    operator: Option<Party<'a>>,
    controllers: Vec<ControllerOut<'a>>,
    controlled_from: Vec<Country>,
    control: &'static str,
    location: Option<LocationOut<'a>>,
    confidence: allod_facts::Confidence,
    evidence: Vec<EvidenceOut<'a>>,
    data: Vec<&'a str>,
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<RecordOut<'a>>,
}

#[derive(Serialize)]
struct RecordOut<'a> {
    kind: allod_facts::RecordKind,
    /// Days, or `unlimited`; null where the file does not say.
    days: Option<DaysOut>,
    evidence: EvidenceOut<'a>,
}

/// For how long something is kept.
#[derive(Serialize)]
#[serde(untagged)]
enum DaysOut {
    Days(u32),
    Unlimited(&'static str),
}

fn record(record: &allod_facts::Record) -> RecordOut<'_> {
    let days = record.days.map(|days| match days {
        allod_facts::Record::FOR_EVER => DaysOut::Unlimited("unlimited"),
        days => DaysOut::Days(days),
    });
    RecordOut { kind: record.kind, days, evidence: evidence(&record.evidence) }
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Party<'a> {
    id: &'a str,
    name: &'a str,
    country: Option<Country>,
}

#[derive(Serialize)]
struct ControllerOut<'a> {
    id: &'a str,
    name: &'a str,
    country: Option<Country>,
    ground: &'static str,
    source: Option<&'a str>,
    seen: Option<&'a str>,
    confidence: &'static str,
}

#[derive(Serialize)]
struct LocationOut<'a> {
    country: Option<Country>,
    region: Option<&'a str>,
}

#[derive(Serialize)]
struct EvidenceOut<'a> {
    path: &'a str,
    line: u32,
    end_line: u32,
    reader: &'a str,
}

fn evidence(seen: &Evidence) -> EvidenceOut<'_> {
    EvidenceOut { path: &seen.path, line: seen.line, end_line: seen.end_line, reader: seen.reader }
}

fn component<'a>(audit: &'a Audit<'_>, part: &'a Part<'a>) -> ComponentOut<'a> {
    let controllers = part.controllers(audit.stack.register);
    let confidence = |claim: Option<&Claim>| claim.map_or(Confidence::Unverified, |claim| claim.confidence).name();
    ComponentOut {
        id: &part.fact.id,
        name: &part.fact.name,
        layer: part.layer.name(),
        kind: &part.fact.kind,
        role: part.fact.role,
        service: part.service.map(|service| Named { id: &service.id, name: &service.name }),
        software: part.software.map(|software| Named { id: &software.id, name: &software.name }),
        operator: part.operator.map(|entity| Party { id: &entity.id, name: &entity.name, country: entity.country }),
        controllers: controllers
            .into_iter()
            .map(|controller| ControllerOut {
                id: &controller.entity.id,
                name: &controller.entity.name,
                country: controller.entity.country,
                ground: controller.ground.name(),
                source: controller.claim.map(|claim| claim.source.as_str()),
                seen: controller.claim.map(|claim| claim.seen.as_str()),
                confidence: confidence(controller.claim),
            })
            .collect(),
        controlled_from: part.controlled_from(audit.stack.register),
        control: part.control.name(),
        location: part
            .location
            .as_ref()
            .map(|place| LocationOut { country: place.country, region: place.region.as_deref() }),
        confidence: part.fact.confidence,
        evidence: part.fact.evidence.iter().map(evidence).collect(),
        data: part.fact.data.iter().map(|class| &**class).collect(),
        environment: part.fact.environment.as_deref(),
        records: part.fact.records.iter().map(record).collect(),
    }
}

#[derive(Serialize)]
struct LinkOut<'a> {
    from: &'a str,
    to: &'a str,
    kind: allod_facts::LinkKind,
    data: Vec<&'a str>,
    mitigations: &'a [allod_facts::Mitigation],
    any_of: Option<&'a str>,
    evidence: Vec<EvidenceOut<'a>>,
}

fn links<'a>(audit: &'a Audit<'_>) -> impl Iterator<Item = (usize, LinkOut<'a>)> {
    let id = |at: u32| audit.stack.parts.get(at as usize).map_or("", |part| &*part.fact.id);
    audit.stack.links.iter().map(move |link| {
        let out = LinkOut {
            from: id(link.from),
            to: id(link.to),
            kind: link.kind,
            data: link.data.iter().map(|class| &**class).collect(),
            mitigations: &link.mitigations,
            any_of: link.any_of.as_deref(),
            evidence: link.evidence.iter().map(evidence).collect(),
        };
        (link.from as usize, out)
    })
}

#[derive(Serialize)]
struct PowerOut<'a> {
    /// A country code, or `unknown`.
    jurisdiction: String,
    power: &'static str,
    /// For *stop*: `now`, or `later` (at the next build, deploy or renewal).
    when: &'static str,
    component: &'a str,
    /// For *read*: the data classes.
    data: Vec<&'a str>,
    /// Component ids, then entity ids.
    path: Vec<&'a str>,
    foreign: bool,
}

/// The powers of jurisdictions over one part, each with its shortest path.
fn powers<'a>(audit: &'a Audit<'_>, at: usize) -> Vec<PowerOut<'a>> {
    let Some(part) = audit.stack.parts.get(at) else { return Vec::new() };
    let out = |held: Holding| {
        let path = audit.powers.explain(&audit.stack, at, held.first, held.holder);
        Some(PowerOut {
            jurisdiction: held.who(),
            power: held.power.name(),
            when: held.word_of_time(),
            component: &part.fact.id,
            data: held.class_names(audit),
            path: path.map_or_else(Vec::new, |path| ids(audit, &path)),
            foreign: held.is_foreign(audit),
        })
    };
    audit.powers.holdings(at).into_iter().filter_map(out).collect()
}

fn ids<'a>(audit: &'a Audit<'_>, path: &Path<'a>) -> Vec<&'a str> {
    let parts = path.hops.iter().filter_map(|hop| audit.stack.parts.get(hop.part)).map(|part| &*part.fact.id);
    parts.chain(path.parties.iter().map(|party| party.entity.id.as_str())).collect()
}

#[derive(Serialize)]
struct FindingOut<'a> {
    code: &'static str,
    severity: allod_facts::Severity,
    message: String,
    component: &'a str,
    evidence: Vec<EvidenceOut<'a>>,
}

fn findings<'a>(audit: &'a Audit<'_>) -> impl Iterator<Item = (usize, FindingOut<'a>)> {
    audit.findings.iter().filter_map(|finding| {
        let part = audit.stack.parts.get(finding.part)?;
        let out = FindingOut {
            code: finding.code,
            severity: finding.severity,
            message: audit.say(finding),
            component: &part.fact.id,
            evidence: part.fact.evidence.iter().map(evidence).collect(),
        };
        Some((finding.part, out))
    })
}

#[derive(Serialize)]
struct UnresolvedOut<'a> {
    code: &'static str,
    message: &'a str,
    component: Option<&'a str>,
    evidence: EvidenceOut<'a>,
}

fn unresolved<'a>(audit: &'a Audit<'_>) -> impl Iterator<Item = UnresolvedOut<'a>> {
    audit.stack.unresolved.iter().map(|one| UnresolvedOut {
        code: one.code,
        message: &one.message,
        component: one.component.and_then(|at| audit.stack.parts.get(at as usize)).map(|part| &*part.fact.id),
        evidence: evidence(&one.evidence),
    })
}

#[derive(Serialize)]
struct DiagnosticOut<'a> {
    code: &'static str,
    severity: allod_facts::Severity,
    message: &'a str,
    path: &'a str,
    line: u32,
}

fn diagnostics<'a>(audit: &'a Audit<'_>) -> impl Iterator<Item = DiagnosticOut<'a>> {
    audit.stack.diagnostics.iter().map(|one| DiagnosticOut {
        code: one.code,
        severity: one.severity,
        message: &one.message,
        path: &one.path,
        line: one.line,
    })
}

#[derive(Serialize)]
struct CoverageOut<'a> {
    files_seen: usize,
    files_read: usize,
    files_skipped: &'a BTreeMap<&'static str, usize>,
    components: usize,
    known: usize,
    unknown: usize,
    hints_without_service: usize,
}

fn coverage<'a>(audit: &'a Audit<'_>) -> CoverageOut<'a> {
    let unknown = audit.stack.parts.iter().filter(|part| part.control == allod_stack::Control::Unknown).count();
    CoverageOut {
        files_seen: audit.coverage.files_seen,
        files_read: audit.coverage.files_read,
        files_skipped: &audit.coverage.files_skipped,
        components: audit.stack.parts.len(),
        known: audit.stack.parts.len() - unknown,
        unknown,
        hints_without_service: audit.stack.hints_without_service,
    }
}

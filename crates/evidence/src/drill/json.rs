use super::{DrillReport, Replaced};
use allod_facts::Evidence;
use allod_stack::{Hit, Power, Safe, Why};
use serde::Serialize;

/// The name of the schema (`schemas/allod.drill.1.json`).
pub const DRILL_SCHEMA: &str = "allod.drill/1";

#[derive(Serialize)]
struct DrillOut<'a> {
    schema: &'static str,
    root: &'a str,
    power: &'static str,
    by: Vec<String>,
    replaced: &'a [Replaced],
    counts: Counts,
    theirs: Vec<&'a str>,
    theirs_otherwise: Vec<&'a str>,
    hit: Vec<HitOut<'a>>,
    unknown: Vec<HitOut<'a>>,
    safe: Vec<SafeOut<'a>>,
    layers_not_seen: Vec<&'static str>,
}

#[derive(Serialize)]
struct Counts {
    hit: usize,
    unknown: usize,
    safe: usize,
}

#[derive(Serialize)]
struct HitOut<'a> {
    component: &'a str,
    environment: Option<&'a str>,
    event: Option<&'static str>,
    data: Option<&'a str>,
    path: Vec<&'a str>,
    evidence: Vec<Place<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct SafeOut<'a> {
    component: &'a str,
    why: Vec<WhyOut<'a>>,
}

#[derive(Serialize)]
struct WhyOut<'a> {
    reason: &'static str,
    mitigation: Option<&'static str>,
    of: &'a str,
    evidence: Vec<Place<'a>>,
}

/// Writes a drill as JSON.
///
/// # Errors
/// What writing gives.
pub fn drill_json(report: &DrillReport<'_, '_>, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let drill = &report.drill;
    let document = DrillOut {
        schema: DRILL_SCHEMA,
        root: &report.audit.root,
        power: drill.power.name(),
        by: drill.by.iter().map(|holder| report.audit.stack.holder_name(holder)).collect(),
        replaced: &report.replaced,
        counts: {
            let [hit, unknown, safe] = drill.counts();
            Counts { hit, unknown, safe }
        },
        theirs: drill.theirs.iter().map(|at| report.id(*at)).collect(),
        theirs_otherwise: drill.theirs_otherwise.iter().map(|at| report.id(*at)).collect(),
        hit: drill.hit.iter().map(|hit| told(report, hit)).collect(),
        unknown: drill.unknown.iter().map(|hit| told(report, hit)).collect(),
        safe: drill.safe.iter().map(|one| spared(report, one)).collect(),
        layers_not_seen: report.layers_not_seen(),
    };
    serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

fn told<'a>(report: &'a DrillReport<'_, '_>, hit: &'a Hit<'_>) -> HitOut<'a> {
    let part = report.audit.stack.parts.get(hit.part);
    let parties = hit.path.parties.iter().map(|party| party.entity.id.as_str());
    let links = hit.path.hops.iter().filter_map(|hop| report.audit.stack.links.get(hop.link?));
    HitOut {
        component: report.id(hit.part),
        environment: part.and_then(|part| part.fact.environment.as_deref()),
        event: (report.drill.power == Power::Stop).then_some(hit.event.id()),
        data: report.class(hit),
        path: hit.path.hops.iter().map(|hop| report.id(hop.part)).chain(parties).collect(),
        evidence: links.filter_map(|link| link.evidence.first()).map(place).collect(),
    }
}

fn spared<'a>(report: &'a DrillReport<'_, '_>, safe: &Safe) -> SafeOut<'a> {
    let why = |why: &Why| {
        let (reason, mitigation, link) = match why {
            Why::Mitigated { link, mitigation } => ("mitigated", Some(mitigation.name()), *link),
            Why::Alternative { link } => ("alternative", None, *link),
            Why::NotPassed { link } => ("not-passed", None, *link),
        };
        let link = report.audit.stack.links.get(link)?;
        let evidence = link.evidence.iter().map(place).collect();
        Some(WhyOut { reason, mitigation, of: report.id(link.to as usize), evidence })
    };
    SafeOut { component: report.id(safe.part), why: safe.why.iter().filter_map(why).collect() }
}

fn place(seen: &Evidence) -> Place<'_> {
    Place { path: &seen.path, line: seen.line }
}

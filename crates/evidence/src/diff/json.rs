use super::{Comparison, Way};
use crate::Side;
use allod_facts::{Country, Severity};
use allod_stack::diff::{Cause, CauseKind, Component, Group, Party, PowerChange, Remark, Remarks, Seen};
use serde::Serialize;
use std::io::Write;

/// The name of the schema (`schemas/allod.diff.1.json`).
pub const SCHEMA: &str = "allod.diff/1";

/// Writes a diff as JSON.
///
/// # Errors
/// What writing gives.
pub fn json(view: &Comparison<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let counts = |way| CountsOut {
        foreign: view.count(way, Side::Foreign).powers,
        unknown: view.count(way, Side::Unknown).powers,
        home: view.count(way, Side::Home).powers,
    };
    let diff = view.diff;
    let document = Document {
        schema: SCHEMA,
        before: view.before,
        after: view.after,
        home: &view.home.names,
        summary: SummaryOut { gained: counts(Way::Gained), lost: counts(Way::Lost) },
        gained: groups(view, Way::Gained),
        lost: groups(view, Way::Lost),
        renamed: diff.renamed.iter().map(|(a, b)| RenamedOut { before: &a.id, after: &b.id, seen: seen(b) }).collect(),
        controllers: diff
            .controllers
            .iter()
            .map(|one| RecontrolledOut {
                component: &one.after.id,
                before: one.before.control.name(),
                after: one.after.control.name(),
                gained: one.gained.iter().map(|one| party(one)).collect(),
                lost: one.lost.iter().map(|one| party(one)).collect(),
                seen: seen(one.after),
            })
            .collect(),
        locations: diff
            .locations
            .iter()
            .map(|one| RelocatedOut {
                component: &one.after.id,
                before: location(one.before),
                after: location(one.after),
                seen: seen(one.after),
            })
            .collect(),
        findings: remarks(&diff.findings),
        unresolved: remarks(&diff.unresolved),
        diagnostics: remarks(&diff.diagnostics),
    };
    serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    before: &'a str,
    after: &'a str,
    home: &'a [String],
    summary: SummaryOut,
    gained: Vec<GroupOut<'a>>,
    lost: Vec<GroupOut<'a>>,
    renamed: Vec<RenamedOut<'a>>,
    controllers: Vec<RecontrolledOut<'a>>,
    locations: Vec<RelocatedOut<'a>>,
    findings: RemarksOut<'a>,
    unresolved: RemarksOut<'a>,
    diagnostics: RemarksOut<'a>,
}

/// Powers, those over hints left out.
#[derive(Serialize)]
struct SummaryOut {
    gained: CountsOut,
    lost: CountsOut,
}

#[derive(Serialize)]
struct CountsOut {
    foreign: usize,
    unknown: usize,
    home: usize,
}

#[derive(Serialize)]
struct GroupOut<'a> {
    cause: CauseOut<'a>,
    powers: Vec<PowerOut<'a>>,
}

#[derive(Serialize)]
struct CauseOut<'a> {
    kind: &'static str,
    component: &'a str,
    link: Option<LinkOut<'a>>,
    seen: Option<SeenOut<'a>>,
}

#[derive(Serialize)]
struct LinkOut<'a> {
    kind: &'static str,
    to: &'a str,
}

#[derive(Serialize)]
struct SeenOut<'a> {
    path: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct PowerOut<'a> {
    /// A country code, or `unknown`.
    jurisdiction: String,
    power: &'static str,
    when: &'static str,
    /// The time of the power on the other side, when it is there too.
    other: Option<&'static str>,
    component: &'a str,
    data: &'a [&'a str],
    path: Vec<&'a str>,
    foreign: bool,
    hint: bool,
}

#[derive(Serialize)]
struct RenamedOut<'a> {
    before: &'a str,
    after: &'a str,
    seen: Option<SeenOut<'a>>,
}

#[derive(Serialize)]
struct PartyOut<'a> {
    id: &'a str,
    name: &'a str,
    country: Option<Country>,
    ground: &'a str,
}

#[derive(Serialize)]
struct RecontrolledOut<'a> {
    component: &'a str,
    before: &'static str,
    after: &'static str,
    gained: Vec<PartyOut<'a>>,
    lost: Vec<PartyOut<'a>>,
    seen: Option<SeenOut<'a>>,
}

#[derive(Serialize)]
struct LocationOut<'a> {
    country: Option<Country>,
    region: Option<&'a str>,
}

#[derive(Serialize)]
struct RelocatedOut<'a> {
    component: &'a str,
    before: Option<LocationOut<'a>>,
    after: Option<LocationOut<'a>>,
    seen: Option<SeenOut<'a>>,
}

#[derive(Serialize)]
struct RemarksOut<'a> {
    gained: Vec<RemarkOut<'a>>,
    lost: Vec<RemarkOut<'a>>,
}

#[derive(Serialize)]
struct RemarkOut<'a> {
    code: &'a str,
    severity: Option<Severity>,
    message: &'a str,
    component: Option<&'a str>,
    seen: Option<SeenOut<'a>>,
}

fn groups<'a>(view: &Comparison<'a>, way: Way) -> Vec<GroupOut<'a>> {
    let one = |group: &'a Group<'a>| GroupOut {
        cause: cause(way, &group.cause),
        powers: group.powers.iter().map(|one| power(view, one)).collect(),
    };
    view.groups(way).iter().map(one).collect()
}

fn cause<'a>(way: Way, cause: &Cause<'a>) -> CauseOut<'a> {
    let kind = match (cause.kind, way) {
        (CauseKind::Component, Way::Gained) => "component-added",
        (CauseKind::Component, Way::Lost) => "component-removed",
        (CauseKind::Control, _) => "control-changed",
        (CauseKind::Data, _) => "data-changed",
        (CauseKind::Link, Way::Gained) => "link-added",
        (CauseKind::Link, Way::Lost) => "link-removed",
        (CauseKind::Terms, _) => "link-changed",
        (CauseKind::Alternative, Way::Gained) => "alternative-removed",
        (CauseKind::Alternative, Way::Lost) => "alternative-added",
        (CauseKind::Unseen, _) => "unseen",
    };
    CauseOut {
        kind,
        component: &cause.component.id,
        link: cause.link.map(|(kind, to)| LinkOut { kind: kind.name(), to: &to.id }),
        seen: cause.seen.map(place),
    }
}

fn power<'a>(view: &Comparison<'_>, one: &'a PowerChange<'a>) -> PowerOut<'a> {
    let components = one.path.iter().map(|component| &*component.id);
    PowerOut {
        jurisdiction: one.jurisdiction.map_or_else(|| "unknown".to_owned(), |country| country.to_string()),
        power: one.power.name(),
        when: one.when.name(),
        other: one.other.map(|when| when.name()),
        component: &one.component.id,
        data: &one.data,
        path: components.chain(one.parties.iter().map(|id| &**id)).collect(),
        foreign: view.side(one) == Side::Foreign,
        hint: !one.counts(),
    }
}

fn place(seen: &Seen) -> SeenOut<'_> {
    SeenOut { path: &seen.path, line: seen.line }
}

fn seen(component: &Component) -> Option<SeenOut<'_>> {
    component.seen.as_ref().map(place)
}

fn party(one: &Party) -> PartyOut<'_> {
    PartyOut { id: &one.id, name: &one.name, country: one.country, ground: &one.ground }
}

fn location(one: &Component) -> Option<LocationOut<'_>> {
    one.location.as_ref().map(|place| LocationOut { country: place.country, region: place.region.as_deref() })
}

fn remarks<'a>(remarks: &Remarks<'a>) -> RemarksOut<'a> {
    let one = |(remark, component): &(&'a Remark, Option<&'a Component>)| RemarkOut {
        code: &remark.code,
        severity: remark.severity,
        message: &remark.message,
        component: component.map(|component| &*component.id),
        seen: remark.seen.as_ref().map(place),
    };
    RemarksOut { gained: remarks.gained.iter().map(one).collect(), lost: remarks.lost.iter().map(one).collect() }
}

mod json;

pub use json::{DRILL_SCHEMA, drill_json};

use crate::human::Look;
use crate::table::{count, wrap};
use crate::{Audit, place_of};
use allod_facts::Layer;
use allod_stack::{Drill, Event, Hit, Path, Power, Safe, Why};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Parts of one row that are told before `+N`.
const SAFE_SHOWN: usize = 12;
/// Columns of the bar of a time course.
const BAR: usize = 20;

/// A drill, with the replacements that were made before it.
#[derive(Debug)]
pub struct DrillReport<'a, 'r> {
    pub audit: &'a Audit<'r>,
    pub drill: Drill<'r>,
    pub replaced: Vec<Replaced>,
}

/// One replacement before the drill.
#[derive(Clone, Debug, Serialize)]
pub struct Replaced {
    pub what: String,
    pub by: String,
    /// Ids of the parts.
    pub components: Vec<String>,
}

impl DrillReport<'_, '_> {
    fn name(&self, at: usize) -> &str {
        self.audit.stack.parts.get(at).map_or("", |part| part.fact.name.as_str())
    }

    fn id(&self, at: usize) -> &str {
        self.audit.stack.parts.get(at).map_or("", |part| &part.fact.id)
    }

    fn parties(&self) -> String {
        self.drill.by.iter().map(|holder| self.audit.stack.holder_name(holder)).collect::<Vec<_>>().join(" and ")
    }

    fn class(&self, hit: &Hit<'_>) -> Option<&str> {
        self.audit.powers.classes.get(hit.class?).map(|name| &**name)
    }

    /// The layers of which no file says anything: what is below the audited files is in somebody's hands, too.
    fn layers_not_seen(&self) -> Vec<&'static str> {
        let seen: BTreeSet<Layer> = self.audit.stack.parts.iter().map(|part| part.layer).collect();
        [Layer::Hardware, Layer::Os].into_iter().filter(|layer| !seen.contains(layer)).map(Layer::name).collect()
    }
}

/// The drill for a person: what is hit and when, by whom; what nobody can say; what is not hit, and why.
pub fn drill_human(report: &DrillReport<'_, '_>, all: bool, look: Look) -> String {
    let mut out = String::new();
    let drill = &report.drill;
    let (verb, hit) = match drill.power {
        Power::Stop => ("stops what it can", "fail"),
        Power::Read => ("reads what it can", "are exposed"),
        Power::Change => ("changes what it can", "can be changed"),
    };
    let title = format!("DRILL: {} {verb}", report.parties());
    let _ = writeln!(out, "{}", look.strong(&wrap(&title, look.width, 2)));
    for one in &report.replaced {
        let text =
            format!("what if {} were replaced by {} ({})", one.what, one.by, count(one.components.len(), "part"));
        let _ = writeln!(out, "{}", wrap(&text, look.width, 2));
    }
    let [hits, unknown, spared] = drill.counts();
    let total = hits + unknown + spared;
    let line = format!(
        "of {} that we run: {hits} {hit} · {unknown} not known · {spared} not hit; {} theirs",
        count(total, "part"),
        match drill.theirs.len() {
            1 => "1 part is".to_owned(),
            parts => format!("{parts} parts are"),
        },
    );
    let _ = writeln!(out, "{}", wrap(&line, look.width, 2));
    match drill.power {
        Power::Stop => time_course(report, all, look, &mut out),
        Power::Read => by_class(report, all, look, &mut out),
        Power::Change => section(report, "CAN BE CHANGED", &drill.hit.iter().collect::<Vec<_>>(), all, look, &mut out),
    }
    let unknown: Vec<&Hit<'_>> = drill.unknown.iter().collect();
    section(
        report,
        "NOT KNOWN: somebody unknown stands behind something that they need",
        &unknown,
        all,
        look,
        &mut out,
    );
    safe(report, all, look, &mut out);
    remains(report, look, &mut out);
    out
}

fn time_course(report: &DrillReport<'_, '_>, all: bool, look: Look, out: &mut String) {
    let hits = &report.drill.hit;
    if hits.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", look.strong("TIME COURSE"));
    let mut failed = 0;
    let total: usize = report.drill.counts().iter().sum();
    for event in Event::ALL {
        let at = hits.iter().filter(|hit| hit.event == event).count();
        failed += at;
        let bar = "█".repeat((failed * BAR).div_ceil(total.max(1)));
        let line = format!("{:<25} {at:>4} fail, {:>4} of {total} still run  {bar}", event.name(), total - failed);
        let _ = writeln!(out, " {}", if at > 0 { look.alarm(line.trim_end()) } else { look.faint(line.trim_end()) });
    }
    by_environment(report, look, out);
    for event in Event::ALL {
        let these: Vec<&Hit<'_>> = hits.iter().filter(|hit| hit.event == event).collect();
        section(report, &format!("FAIL {}", event.name().to_uppercase()), &these, all, look, out);
    }
}

/// ` production: 4 of 4 fail, 2 at once`.
fn by_environment(report: &DrillReport<'_, '_>, look: Look, out: &mut String) {
    let environment = |at: usize| report.audit.stack.parts.get(at).and_then(|part| part.fact.environment.as_deref());
    let drill = &report.drill;
    let all = drill.hit.iter().chain(&drill.unknown).map(|hit| hit.part).chain(drill.safe.iter().map(|safe| safe.part));
    let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
    all.filter_map(environment).for_each(|name| *totals.entry(name).or_default() += 1);
    for (name, total) in totals {
        let these: Vec<&Hit<'_>> = drill.hit.iter().filter(|hit| environment(hit.part) == Some(name)).collect();
        let at_once = these.iter().filter(|hit| hit.event == Event::AtOnce).count();
        let line = format!("{name}: {} of {total} fail, {at_once} at once", these.len());
        let _ = writeln!(out, " {}", if these.is_empty() { look.faint(&line) } else { look.alarm(&line) });
    }
}

fn by_class(report: &DrillReport<'_, '_>, all: bool, look: Look, out: &mut String) {
    for (class, name) in report.audit.powers.classes.iter().enumerate() {
        let these: Vec<&Hit<'_>> = report.drill.hit.iter().filter(|hit| hit.class == Some(class)).collect();
        section(report, &format!("EXPOSED: {name} data"), &these, all, look, out);
    }
}

/// Parts that are hit by one way share a line.
fn section(report: &DrillReport<'_, '_>, title: &str, hits: &[&Hit<'_>], all: bool, look: Look, out: &mut String) {
    if hits.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", look.strong(&format!("{title} ({})", hits.len())));
    let mut by_way: BTreeMap<String, Vec<&Hit<'_>>> = BTreeMap::new();
    for hit in hits {
        by_way.entry(end_of(report, &hit.path)).or_default().push(hit);
    }
    let mut ways: Vec<(String, Vec<&Hit<'_>>)> = by_way.into_iter().collect();
    ways.sort_by_key(|(way, hits)| (std::cmp::Reverse(hits.len()), way.clone()));
    for (way, hits) in ways {
        let names: Vec<&str> = hits.iter().map(|hit| report.name(hit.part)).collect();
        let _ = writeln!(out, " {}", wrap(&names.join(", "), look.width.saturating_sub(1), 1));
        let shown = if all { hits.as_slice() } else { hits.get(..1).unwrap_or_default() };
        for hit in shown {
            let text = wrap(&format!("{}{}", through(report, hit, all), way), look.width.saturating_sub(3), 3);
            let _ = writeln!(out, "   {}", look.faint(&text));
        }
    }
}

/// Whose the last part of a way is.
fn end_of(report: &DrillReport<'_, '_>, path: &Path<'_>) -> String {
    let Some(last) = path.hops.last().and_then(|hop| report.audit.stack.parts.get(hop.part)) else {
        return String::new();
    };
    let party = path.parties.iter().map(|party| {
        let country = party.entity.country.map_or("country not known".to_owned(), |country| country.to_string());
        format!(" ← {} ({country})", party.entity.name)
    });
    let service = last.service.map_or(last.fact.name.as_str(), |service| service.name.as_str());
    let who =
        if path.parties.is_empty() { format!("{service} (nobody knows who runs it)") } else { service.to_owned() };
    who + &party.collect::<String>()
}

/// The way by links, each with its place; the last one, which the parts share, unless all is asked for.
fn through(report: &DrillReport<'_, '_>, hit: &Hit<'_>, all: bool) -> String {
    let links: Vec<String> = hit
        .path
        .hops
        .iter()
        .filter_map(|hop| report.audit.stack.links.get(hop.link?))
        .map(|link| {
            let kind = link.kind.name().replace('_', " ");
            format!("{kind} {} {}: ", report.name(link.to as usize), place_of(link.evidence.first()))
        })
        .collect();
    match links.as_slice() {
        [.., last] if !all => last.clone(),
        _ => links.concat(),
    }
}

fn safe(report: &DrillReport<'_, '_>, all: bool, look: Look, out: &mut String) {
    let safe = &report.drill.safe;
    if safe.is_empty() {
        return;
    }
    let title = match report.drill.power {
        Power::Stop => "SURVIVE",
        Power::Read => "NOT EXPOSED",
        Power::Change => "CANNOT BE CHANGED",
    };
    let _ = writeln!(out, "\n{}", look.strong(&format!("{title} ({})", safe.len())));
    let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for one in safe {
        by_reason.entry(reasons(report, one)).or_default().push(report.name(one.part));
    }
    for (reason, names) in by_reason {
        let shown = if all { names.len() } else { SAFE_SHOWN };
        let more = names.len().saturating_sub(shown);
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        let text = names.into_iter().take(shown).collect::<Vec<_>>().join(", ") + &more;
        let _ = writeln!(out, " {}", wrap(&text, look.width.saturating_sub(1), 1));
        let _ = writeln!(out, "   {}", look.faint(&wrap(&reason, look.width.saturating_sub(3), 3)));
    }
}

fn reasons(report: &DrillReport<'_, '_>, safe: &Safe) -> String {
    if safe.why.is_empty() {
        return "nothing that it depends on is theirs".to_owned();
    }
    let told: BTreeSet<String> = safe
        .why
        .iter()
        .filter_map(|why| {
            let at = match why {
                Why::Mitigated { link, .. } | Why::Alternative { link } | Why::NotPassed { link } => *link,
            };
            let link = report.audit.stack.links.get(at)?;
            let (target, seen) = (report.name(link.to as usize), place_of(link.evidence.first()));
            let kind = link.kind.name().replace('_', " ");
            Some(match why {
                Why::Mitigated { mitigation, .. } => format!("{} for {target} ({seen})", mitigation.name()),
                Why::Alternative { .. } => format!("the alternative {target} stays ({seen})"),
                Why::NotPassed { .. } => format!("it {kind} {target}, which does not pass this power ({seen})"),
            })
        })
        .collect();
    told.into_iter().collect::<Vec<_>>().join("; ")
}

/// What no file of the audit shows is said, not left out.
fn remains(report: &DrillReport<'_, '_>, look: Look, out: &mut String) {
    let theirs = report.drill.theirs.iter().chain(&report.drill.theirs_otherwise);
    let names: BTreeSet<String> = theirs
        .filter_map(|at| report.audit.stack.parts.get(*at))
        .map(|part| part.service.map_or(part.fact.name.clone(), |service| service.name.to_string()))
        .collect();
    if !names.is_empty() {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let text = format!("IN THEIR HANDS, by this power or another: {names}");
        let _ = writeln!(out, "\n{}", wrap(&text, look.width, 2));
    }
    let mut notes = Vec::new();
    let layers = report.layers_not_seen();
    if !layers.is_empty() {
        notes.push(format!("no file says anything of: {}", layers.join(", ")));
    }
    let unresolved = report.audit.stack.unresolved.len();
    if unresolved > 0 {
        notes.push(format!("{} not understood (allod audit --unresolved)", count(unresolved, "thing")));
    }
    if !report.replaced.is_empty() {
        notes.push("a replacement's own suppliers are not in the picture".to_owned());
    }
    if !notes.is_empty() {
        let text = format!("NOT IN THE DRILL: {}", notes.join("; "));
        let _ = writeln!(out, "\n{}", look.faint(&wrap(&text, look.width, 2)));
    }
}

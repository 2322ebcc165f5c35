//! The words for a cause and for the powers that it gave or took: the same ones in every rendering for people.

use super::{Comparison, Way};
use crate::Side;
use allod_stack::diff::{Cause, CauseKind, Component, Group, PowerChange, Seen};
use allod_stack::{Power, UNCLASSIFIED, When};
use std::collections::BTreeMap;

/// What one holder gained or lost over some components.
pub(super) struct Line<'a> {
    pub side: Side,
    pub hint: bool,
    /// `US`, `unknown`.
    pub holder: String,
    /// `read of patient, stop`.
    pub powers: String,
    pub components: Vec<&'a Component>,
    /// Where the paths end, when that is not the cause itself: whose operator has the power. By id.
    pub through: BTreeMap<&'a str, &'a Component>,
}

const LATER: &str = "at the next build, deploy or renewal";

/// Powers that one holder has over the same components are told together. Those from abroad first.
pub(super) fn lines<'a>(view: &Comparison<'_>, way: Way, group: &Group<'a>) -> Vec<Line<'a>> {
    let mut by_power: BTreeMap<(Key, Power, String), Over<'a>> = BTreeMap::new();
    for one in &group.powers {
        let holder = one.jurisdiction.map_or_else(|| "unknown".to_owned(), |country| country.to_string());
        let key = ((view.side(one), !one.counts(), holder), one.power, word(way, one));
        let over = by_power.entry(key).or_default();
        over.components.insert(&one.component.id, one.component);
        let end = one.path.last().filter(|end| end.id != group.cause.component.id && end.id != one.component.id);
        over.through.extend(end.map(|end| (&*end.id, *end)));
    }
    let mut together: BTreeMap<(Key, Vec<&'a str>), Line<'a>> = BTreeMap::new();
    for ((key, _, word), over) in by_power {
        let ids: Vec<&str> = over.components.keys().copied().collect();
        let (side, hint, holder) = key.clone();
        let line = together.entry((key, ids)).or_insert_with(|| Line {
            side,
            hint,
            holder,
            powers: String::new(),
            components: over.components.into_values().collect(),
            through: BTreeMap::new(),
        });
        line.through.extend(over.through);
        if !line.powers.is_empty() {
            line.powers.push_str(", ");
        }
        line.powers.push_str(&word);
    }
    together.into_values().collect()
}

/// Side, hint, holder.
type Key = (Side, bool, String);

/// Over which components a power is, and where its paths end.
#[derive(Default)]
struct Over<'a> {
    components: BTreeMap<&'a str, &'a Component>,
    through: BTreeMap<&'a str, &'a Component>,
}

fn word(way: Way, one: &PowerChange<'_>) -> String {
    match (one.power, one.when, one.other, way) {
        (Power::Stop, When::Now, Some(When::Later), Way::Gained) => format!("stop now (was: {LATER})"),
        (Power::Stop, When::Now, Some(When::Later), Way::Lost) => format!("stop now (still: {LATER})"),
        (power, When::Later, ..) => format!("{} {LATER}", power.name()),
        (Power::Read, ..) => {
            let classes: Vec<&str> = one.data.iter().copied().filter(|class| *class != UNCLASSIFIED).collect();
            // Besides data that has a name, that which has none says nothing more.
            if classes.is_empty() { "read".to_owned() } else { format!("read of {}", classes.join(", ")) }
        }
        (power, ..) => power.name().to_owned(),
    }
}

/// A cause in words, with the ids in it apart: `added` and `host:logs.example`.
pub(super) fn cause(way: Way, cause: &Cause<'_>) -> (&'static str, String) {
    let id = || cause.component.id.to_string();
    let link = || match cause.link {
        Some((kind, to)) => format!("{} {} {}", cause.component.id, kind.name().replace('_', " "), to.id),
        None => id(),
    };
    match (cause.kind, way) {
        (CauseKind::Component, Way::Gained) => ("added", id()),
        (CauseKind::Component, Way::Lost) => ("removed", id()),
        (CauseKind::Control, _) => ("control changed:", id()),
        (CauseKind::Data, _) => ("states other data classes:", id()),
        (CauseKind::Link, Way::Gained) => ("added:", link()),
        (CauseKind::Link, Way::Lost) => ("removed:", link()),
        (CauseKind::Terms, _) => ("changed:", link()),
        (CauseKind::Alternative, Way::Gained) => ("alternative removed:", link()),
        (CauseKind::Alternative, Way::Lost) => ("alternative added:", link()),
        (CauseKind::Unseen, _) => ("no change in the files, so in the register or in allod:", id()),
    }
}

/// Names of components, cut after `most`, each as `show` writes it; the one that is the cause itself is `itself`.
pub(super) fn names(
    cause: &Cause<'_>,
    components: &[&Component],
    most: usize,
    show: impl Fn(&str) -> String,
) -> String {
    let itself = |one: &Component| cause.link.is_none() && one.id == cause.component.id;
    let mut names: Vec<String> = components.iter().filter(|one| itself(one)).map(|_| "itself".to_owned()).collect();
    // Two of one name are told apart by their ids.
    let mut of_name: BTreeMap<&str, usize> = BTreeMap::new();
    components.iter().for_each(|one| *of_name.entry(&one.name).or_default() += 1);
    let others = components.iter().filter(|one| !itself(one));
    let name = |one: &&&Component| {
        let alone = of_name.get(&*one.name).is_none_or(|number| *number == 1);
        show(if alone { &one.name } else { &one.id })
    };
    names.extend(others.take(most.saturating_sub(names.len())).map(|one| name(&one)));
    let more = components.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// `, through host:logs.example`, or nothing when it is the cause itself.
pub(super) fn through(cause: &Cause<'_>, line: &Line<'_>, most: usize, show: impl Fn(&str) -> String) -> String {
    // The link of a cause tells its end already.
    let told = |id: &str| cause.link.is_some_and(|(_, to)| &*to.id == id);
    let ends: Vec<&str> = line.through.keys().copied().filter(|id| !told(id)).collect();
    if ends.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = ends.iter().take(most).map(|id| show(id)).collect();
    let more = ends.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(", through {}{more}", shown.join(", "))
}

pub(super) fn place(seen: Option<&Seen>) -> String {
    seen.map_or_else(String::new, |seen| match seen.line {
        0 => seen.path.to_string(),
        line => format!("{}:{line}", seen.path),
    })
}

/// Who controls a component and where from, for a sentence.
pub(super) fn control(one: &Component) -> String {
    let countries: std::collections::BTreeSet<_> = one.controllers.iter().filter_map(|party| party.country).collect();
    let countries: Vec<String> = countries.iter().map(ToString::to_string).collect();
    match countries.as_slice() {
        [] => one.who().to_owned(),
        countries => format!("{} ({})", one.who(), countries.join(",")),
    }
}

pub(super) fn location(one: &Component) -> String {
    match &one.location {
        None => "not known".to_owned(),
        Some(place) => match (place.country, &place.region) {
            (Some(country), Some(region)) => format!("{country} ({region})"),
            (Some(country), None) => country.to_string(),
            (None, Some(region)) => format!("region {region}"),
            (None, None) => "not known".to_owned(),
        },
    }
}

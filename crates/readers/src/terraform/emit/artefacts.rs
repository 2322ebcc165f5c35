//! Images and charts: what is fetched and built in.

use super::Emitter;
use super::hosts::host_in_text;
use super::links::own_line;
use crate::image;
use crate::terraform::value::{HOLE, LineRef, Unknown, Value};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Layer, LinkKind, Mitigation, Role};

impl<'t> Emitter<'_, 't> {
    pub(super) fn image(&mut self, from: ComponentRef, value: &Value, address: &str, at: LineRef) {
        let repositories = value.origin.resources().len();
        self.refer(from, value, LinkKind::BuiltFrom, &[Layer::Registry], at);
        let known = value.as_text().map(str::to_owned).or_else(|| image_before_hole(value));
        let Some(found) = known.as_deref().and_then(image::parse) else {
            if let Some(unknown) = value.as_unknown().filter(|_| repositories == 0) {
                self.unresolved(unknown, &format!("image of `{address}`"), Some(from), at);
            }
            return;
        };
        let seen = self.evidence(at, at.line);
        let component = self.facts.add(found.component(seen.clone()));
        self.decided_by(component, &value.origin);
        let mitigation = found.digest.is_some().then_some(Mitigation::PinnedDigest);
        self.link(from, LinkKind::BuiltFrom, component, seen, mitigation);
    }

    /// The chart of a `helm_release`.
    pub(super) fn chart(&mut self, from: ComponentRef, fields: &Value, at: LineRef) {
        let Some(chart) = fields.known_field("chart") else { return };
        let line = own_line(chart, at);
        let repository = fields.known_field("repository").filter(|repository| !repository.is_null());
        if let Some(unknown) = chart.as_unknown().or_else(|| repository.and_then(Value::as_unknown)) {
            let unknown = unknown.clone();
            self.unresolved(&unknown, "chart", Some(from), line);
            return;
        }
        let chart_name = chart.as_text().unwrap_or_default();
        let whole = match repository.and_then(Value::as_text) {
            Some(repository) => format!("{}/{chart_name}", repository.trim_end_matches('/')),
            None => chart_name.to_owned(),
        };
        if whole.starts_with('.') || whole.starts_with('/') {
            return;
        }
        let place = whole.split_once("://").map_or(&*whole, |(_, rest)| rest);
        let place = place.rsplit_once('@').map_or(place, |(_, rest)| rest);
        let seen = self.evidence(line, line.line);
        let name = place.rsplit('/').next().unwrap_or(place);
        let mut component =
            Component::new(&format!("chart:{place}"), name, "chart", Layer::Registry, Role::Artefact, seen.clone());
        component.clues.push(Clue::new(ClueKind::HelmChart, place));
        if let Some(host) = whole.contains("://").then(|| host_in_text(&whole)).flatten() {
            component.clues.push(Clue::new(ClueKind::Host, &host));
        }
        let component = self.facts.add(component);
        let mut origin = chart.origin.clone();
        if let Some(repository) = repository {
            origin.add(&repository.origin);
        }
        self.decided_by(component, &origin);
        self.link(from, LinkKind::BuiltFrom, component, seen, None);
        let why = Unknown { code: "U003", reason: "it lies elsewhere and is not fetched".to_owned(), shape: None };
        self.unresolved(&why, &format!("inside of chart `{place}`"), Some(component), line);
    }
}

/// `name:<unknown>`: the image is known but for its tag.
fn image_before_hole(value: &Value) -> Option<String> {
    let shape = value.as_unknown()?.shape.clone()?;
    let (before, after) = shape.split_once(HOLE)?;
    let named = before.strip_suffix([':', '@'])?;
    (!named.is_empty() && !after.contains('/')).then(|| named.to_owned())
}

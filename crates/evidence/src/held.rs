use crate::Audit;
use allod_stack::{Holder, Lane, Power, When};
use std::collections::BTreeMap;

/// A power of one jurisdiction (or of a party that nobody knows) over one part: *stop* with its earliest time, *read*
/// with its data classes.
pub(crate) struct Held {
    /// By position in [`allod_stack::Powers::holders`].
    pub holder: usize,
    pub power: Power,
    /// In order, never empty.
    pub lanes: Vec<Lane>,
}

/// The powers of jurisdictions over one part: one entry for each jurisdiction and power.
pub(crate) fn held(audit: &Audit<'_>, at: usize) -> Vec<Held> {
    let mut held: BTreeMap<(usize, Power), Vec<Lane>> = BTreeMap::new();
    for lane in audit.powers.lanes() {
        for holder in audit.powers.held_by(at, lane) {
            let shown = matches!(audit.powers.holders.get(holder), Some(Holder::Jurisdiction(_) | Holder::Unknown));
            if shown {
                held.entry((holder, lane.power())).or_default().push(lane);
            }
        }
    }
    held.into_iter().map(|((holder, power), lanes)| Held { holder, power, lanes }).collect()
}

impl Held {
    /// A country code, or `unknown`.
    pub fn jurisdiction(&self, audit: &Audit<'_>) -> String {
        match audit.powers.holders.get(self.holder) {
            Some(Holder::Jurisdiction(country)) => country.to_string(),
            _ => "unknown".to_owned(),
        }
    }

    pub fn is_foreign(&self, audit: &Audit<'_>) -> bool {
        matches!(audit.powers.holders.get(self.holder), Some(Holder::Jurisdiction(country)) if !audit.home.has(*country))
    }

    /// `now`, or `later` (at the next build, deploy or renewal).
    pub fn when(&self) -> &'static str {
        match self.lanes.first() {
            Some(first) if first.when() == When::Later => "later",
            _ => "now",
        }
    }

    /// For *read*: the data classes.
    pub fn classes<'a>(&self, audit: &'a Audit<'_>) -> Vec<&'a str> {
        let class = |lane: &Lane| match lane {
            Lane::Read(class) => audit.powers.classes.get(*class).map(|name| &**name),
            _ => None,
        };
        self.lanes.iter().filter_map(class).collect()
    }
}

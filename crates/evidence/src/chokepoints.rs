use crate::human::Look;
use crate::table::{count, wrap};
use crate::{Audit, codes, place_of};
use allod_facts::Country;
use allod_stack::{Chokepoint, Cut, Power, Target};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Places that are shown before `+N`.
const PLACES_SHOWN: usize = 6;
/// Parts of a cut that are shown before `+N`.
const PARTS_SHOWN: usize = 8;
/// Replacements that are shown unless all are asked for.
const REPLACEMENTS_SHOWN: usize = 10;
/// Alternatives that are shown.
const ALTERNATIVES_SHOWN: usize = 4;

/// Chokepoints of an audit, ready to be shown.
#[derive(Clone, Debug)]
pub struct Chokepoints<'r> {
    /// The fewest components to replace.
    pub cuts: Vec<Cut>,
    /// What each replacement alone would end, the one that ends most first.
    pub replacements: Vec<Chokepoint<'r>>,
}

impl<'r> Audit<'r> {
    /// Over the whole stack, and for reading over each data class.
    pub fn chokepoints(&self) -> Chokepoints<'r> {
        let mut cuts = self.powers.cuts(&self.stack, &self.home);
        // Whoever holds most comes first.
        let mut held: BTreeMap<Country, usize> = BTreeMap::new();
        cuts.iter().for_each(|cut| *held.entry(cut.jurisdiction).or_default() += cut.parts.len());
        cuts.sort_by_key(|cut| {
            (Reverse(held.get(&cut.jurisdiction).copied()), cut.jurisdiction, cut.target, cut.power)
        });
        Chokepoints { cuts, replacements: self.powers.chokepoints(&self.stack, &self.home) }
    }

    /// Over one target: its cuts, with every replacement that is part of one.
    pub fn chokepoints_of(&self, target: Target) -> Chokepoints<'r> {
        let all = self.powers.chokepoints(&self.stack, &self.home);
        let cuts: Vec<Cut> = self
            .powers
            .abroad(&self.home)
            .into_iter()
            .flat_map(|(holder, country)| Power::ALL.map(|power| (holder, country, power)))
            .filter_map(|(holder, country, power)| self.powers.cut(&self.stack, target, holder, country, power))
            .collect();
        let in_a_cut =
            |one: &Chokepoint<'_>| one.parts.iter().any(|part| cuts.iter().any(|cut| cut.parts.contains(part)));
        Chokepoints { replacements: all.into_iter().filter(in_a_cut).collect(), cuts }
    }

    /// A target by the name that a user would give it: `data:CLASS`, or the id or name of a part.
    pub fn target(&self, asked: &str) -> Result<Target, crate::NoSuchPart> {
        if let Some(class) = asked.strip_prefix("data:") {
            let at = self.powers.classes.iter().position(|known| &**known == class);
            return at.map(Target::Class).ok_or_else(|| crate::NoSuchPart {
                asked: asked.to_owned(),
                near: self.powers.classes.iter().map(|class| format!("data:{class}")).collect(),
            });
        }
        crate::trace::find(self, asked).map(Target::Part)
    }

    pub(crate) fn target_name(&self, target: Target) -> String {
        match target {
            Target::Stack => "all that we run".to_owned(),
            Target::Class(class) => format!("{} data", self.powers.classes.get(class).map_or("?", |name| name)),
            Target::Part(at) => self.stack.parts.get(at).map_or(String::new(), |part| format!("`{}`", part.fact.name)),
        }
    }
}

/// One line a power: how few replacements end it.
pub(crate) fn summary(audit: &Audit<'_>, found: &Chokepoints<'_>, look: Look, out: &mut String) {
    if found.cuts.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", look.strong("AT THE FEWEST"));
    for cut in &found.cuts {
        let _ = writeln!(out, " {}", wrap(&sentence(audit, cut), look.width.saturating_sub(1), 4));
    }
    let _ = writeln!(out, "{}", look.faint("--chokepoints shows which, and what each replacement alone would end"));
}

/// `US: stop over all that we run ends with 4 parts replaced`.
fn sentence(audit: &Audit<'_>, cut: &Cut) -> String {
    let at_least = if cut.is_exact() { String::new() } else { format!(" (at least {})", cut.at_least) };
    format!(
        "{}: {} over {} ends with {} replaced{at_least}",
        cut.jurisdiction,
        cut.power.name(),
        audit.target_name(cut.target),
        count(cut.parts.len(), "part"),
    )
}

/// Chokepoints for a person.
pub fn chokepoints_human(audit: &Audit<'_>, found: &Chokepoints<'_>, all: bool, look: Look) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", look.strong("AT THE FEWEST"));
    if found.cuts.is_empty() {
        let _ = writeln!(out, "nobody abroad is known to hold a power over it");
    }
    for cut in &found.cuts {
        let _ = writeln!(out, " {}", wrap(&sentence(audit, cut), look.width.saturating_sub(1), 4));
        for at in cut.parts.iter().take(PARTS_SHOWN) {
            let Some(part) = audit.stack.parts.get(*at) else { continue };
            let line = format!("{} ({})", part.fact.name, part.who(&audit.stack));
            let _ = writeln!(out, "   {}", wrap(&line, look.width.saturating_sub(3), 5));
            let _ = writeln!(out, "     {}", look.faint(&place_of(part.fact.evidence.first())));
        }
        if cut.parts.len() > PARTS_SHOWN {
            let _ = writeln!(
                out,
                "   {}",
                look.faint(&format!("+{} more: --format json has all", cut.parts.len() - PARTS_SHOWN))
            );
        }
    }
    if found.replacements.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\n{}", look.strong("WHAT EACH REPLACEMENT ALONE WOULD END"));
    let most = if all { usize::MAX } else { REPLACEMENTS_SHOWN };
    for (at, one) in found.replacements.iter().take(most).enumerate() {
        replacement(audit, at + 1, one, look, &mut out);
    }
    if found.replacements.len() > most {
        let more = found.replacements.len() - most;
        let _ = writeln!(out, "{}", look.faint(&format!("{more} more: --verbose shows all")));
    }
    out
}

fn replacement(audit: &Audit<'_>, number: usize, one: &Chokepoint<'_>, look: Look, out: &mut String) {
    let title = format!("{} ({}): {}", name(audit, one), codes(&one.jurisdictions), ends(one));
    let _ = writeln!(out, "{number:>2}. {}", wrap(&title, look.width.saturating_sub(4), 4));
    let places: Vec<String> = one.touches.iter().take(PLACES_SHOWN).map(|seen| place_of(Some(seen))).collect();
    let more = one.touches.len().saturating_sub(PLACES_SHOWN);
    let more = if more > 0 { format!(" +{more}") } else { String::new() };
    let touches = format!("touches {}{more}", places.join(", "));
    let _ = writeln!(out, "    {}", look.faint(&wrap(&touches, look.width.saturating_sub(4), 4)));
    if !one.alternatives.is_empty() {
        let names: Vec<&str> =
            one.alternatives.iter().take(ALTERNATIVES_SHOWN).map(|id| crate::human::name_of(audit, id)).collect();
        let text = format!("instead: {}", names.join(", "));
        let _ = writeln!(out, "    {}", look.faint(&wrap(&text, look.width.saturating_sub(4), 4)));
    }
}

pub(crate) fn name(audit: &Audit<'_>, one: &Chokepoint<'_>) -> String {
    let part = one.parts.first().and_then(|at| audit.stack.parts.get(*at));
    match (one.service, one.software, part) {
        (Some(service), ..) => service.name.to_string(),
        (_, Some(software), _) => {
            let publisher = software.publisher.as_ref().and_then(|id| audit.stack.register.entity(id));
            let publisher = publisher.map_or(String::new(), |entity| format!(" of {}", entity.name));
            format!("the software {}{publisher}", software.name)
        }
        (None, None, Some(part)) => format!("{} of {}", part.fact.name, part.who(&audit.stack)),
        (None, None, None) => String::new(),
    }
}

/// `ends read over 3 parts, stop over 4 of 9`.
pub(crate) fn ends(one: &Chokepoint<'_>) -> String {
    let told: Vec<String> = Power::ALL
        .iter()
        .zip(one.ends.iter().zip(&one.holds))
        .filter(|(_, (_, held))| **held > 0)
        .map(|(power, (ended, held))| {
            let (name, parts) = (power.name(), count(*held, "part"));
            match ended {
                0 => format!("{name} over {parts} stays with others"),
                ended if ended == held => format!("ends {name} over {parts}"),
                ended => format!("ends {name} over {ended} of {parts}"),
            }
        })
        .collect();
    told.join(", ")
}

#[derive(Serialize)]
pub(crate) struct ChokepointsOut<'a> {
    cuts: Vec<CutOut<'a>>,
    replacements: Vec<ReplacementOut<'a>>,
}

#[derive(Serialize)]
struct CutOut<'a> {
    target: TargetOut<'a>,
    jurisdiction: String,
    power: &'static str,
    components: Vec<&'a str>,
    /// No cut is smaller than this.
    at_least: usize,
    exact: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum TargetOut<'a> {
    Stack,
    Data(&'a str),
    Component(&'a str),
}

#[derive(Serialize)]
struct ReplacementOut<'a> {
    service: Option<&'a str>,
    software: Option<&'a str>,
    components: Vec<&'a str>,
    jurisdictions: Vec<String>,
    holds: Counts,
    ends: Counts,
    alternatives: &'a [String],
    touches: Vec<TouchOut<'a>>,
}

#[derive(Serialize)]
struct Counts {
    read: usize,
    stop: usize,
    change: usize,
}

impl From<[usize; 3]> for Counts {
    fn from([read, stop, change]: [usize; 3]) -> Counts {
        Counts { read, stop, change }
    }
}

#[derive(Serialize)]
struct TouchOut<'a> {
    path: &'a str,
    line: u32,
}

/// Writes chokepoints as JSON (`chokepoints` of schema `allod.audit/1`).
///
/// # Errors
/// What writing gives.
pub fn chokepoints_json(
    audit: &Audit<'_>,
    found: &Chokepoints<'_>,
    out: &mut dyn std::io::Write,
) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &chokepoints_out(audit, found)).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

pub(crate) fn chokepoints_out<'a>(audit: &'a Audit<'_>, found: &'a Chokepoints<'_>) -> ChokepointsOut<'a> {
    let id = |at: &usize| audit.stack.parts.get(*at).map_or("", |part| &*part.fact.id);
    let target = |target: Target| match target {
        Target::Stack => TargetOut::Stack,
        Target::Class(class) => TargetOut::Data(audit.powers.classes.get(class).map_or("", |name| name)),
        Target::Part(at) => TargetOut::Component(id(&at)),
    };
    ChokepointsOut {
        cuts: found
            .cuts
            .iter()
            .map(|cut| CutOut {
                target: target(cut.target),
                jurisdiction: cut.jurisdiction.to_string(),
                power: cut.power.name(),
                components: cut.parts.iter().map(id).collect(),
                at_least: cut.at_least,
                exact: cut.is_exact(),
            })
            .collect(),
        replacements: found
            .replacements
            .iter()
            .map(|one| ReplacementOut {
                service: one.service.map(|service| service.id.as_str()),
                software: one.software.map(|software| software.id.as_str()),
                components: one.parts.iter().map(id).collect(),
                jurisdictions: one.jurisdictions.iter().map(ToString::to_string).collect(),
                holds: one.holds.into(),
                ends: one.ends.into(),
                alternatives: &one.alternatives,
                touches: one.touches.iter().map(|seen| TouchOut { path: &seen.path, line: seen.line }).collect(),
            })
            .collect(),
    }
}

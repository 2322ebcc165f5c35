use crate::human::Look;
use crate::{Audit, Side, place_of};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// An audit in a few numbers and its findings, to be compared with a later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    sides: [usize; 4],
    /// Code, id of the part and message, with the place where the part is seen: lines move when a file is edited.
    findings: BTreeMap<(&'static str, String, String), String>,
}

const SIDES: [(Side, &str); 4] = [
    (Side::Foreign, "controlled from abroad"),
    (Side::Unknown, "unknown"),
    (Side::Home, "from home"),
    (Side::Ours, "run by ourselves"),
];

/// Findings of one direction that are shown.
const SHOWN: usize = 20;

impl Glance {
    pub fn of(audit: &Audit<'_>) -> Glance {
        let findings = audit.findings.iter().filter_map(|finding| {
            let part = audit.stack.parts.get(finding.part)?;
            let key = (finding.code, part.fact.id.to_string(), audit.say(finding));
            Some((key, place_of(part.fact.evidence.first())))
        });
        Glance { sides: SIDES.map(|(side, _)| audit.count(side)), findings: findings.collect() }
    }
}

/// What changed between two audits: how many parts stand on which side, and the findings gained and lost.
pub fn glance_human(before: &Glance, now: &Glance, files: usize, look: Look) -> String {
    let mut out = String::new();
    let files = if files == 1 { "1 file changed".to_owned() } else { format!("{files} files changed") };
    let sides = SIDES.iter().zip(now.sides).zip(before.sides).map(|(((side, word), now), before)| {
        let by = match now.cmp(&before) {
            std::cmp::Ordering::Equal => String::new(),
            std::cmp::Ordering::Greater => format!(" (+{})", now - before),
            std::cmp::Ordering::Less => format!(" (-{})", before - now),
        };
        look.side(*side, &format!("{now} {word}{by}"))
    });
    let _ = writeln!(out, "{files}: {}", sides.collect::<Vec<_>>().join(" · "));
    let keys = |glance: &Glance| glance.findings.keys().cloned().collect::<BTreeSet<_>>();
    let (was, is) = (keys(before), keys(now));
    for (sign, gained, of) in [("+", is.difference(&was), now), ("-", was.difference(&is), before)] {
        let all: Vec<_> = gained.collect();
        for key in all.iter().take(SHOWN) {
            let place = of.findings.get(key).map_or("", String::as_str);
            let _ = writeln!(out, "  {sign} {} {}  {}", key.0, key.2, look.faint(place));
        }
        if all.len() > SHOWN {
            let _ = writeln!(out, "  {sign} {} more", all.len() - SHOWN);
        }
    }
    out
}

use crate::held::Words;
use crate::{Audit, Show, codes, place_of};
use allod_stack::{Ground, Part, Power};
use std::io::Write;

/// The columns, in order; `docs/formats.md` says what each one holds.
const COLUMNS: [&str; 24] = [
    "id",
    "name",
    "layer",
    "kind",
    "role",
    "side",
    "control",
    "service",
    "software",
    "operator",
    "operator_country",
    "publisher",
    "owners",
    "controlled_from",
    "located_in",
    "region",
    "read_by",
    "stopped_by",
    "stopped_later_by",
    "changed_by",
    "data",
    "environment",
    "confidence",
    "seen_at",
];

/// Writes one row a component, as CSV after RFC 4180: CRLF after each record, a header, quotes where needed. A list in a
/// cell has spaces or, where its items have spaces, `; ` between.
/// Source: <https://www.rfc-editor.org/rfc/rfc4180>.
///
/// # Errors
/// What writing gives.
pub fn csv(audit: &Audit<'_>, show: Show, out: &mut dyn Write) -> std::io::Result<()> {
    record(&COLUMNS.map(str::to_owned), out)?;
    audit.parts_shown(show).try_for_each(|(at, part)| record(&row(audit, at, part), out))
}

fn row(audit: &Audit<'_>, at: usize, part: &Part<'_>) -> [String; COLUMNS.len()] {
    let held = audit.powers.holdings(at);
    let by = |power: Power, when: &str| {
        let holders = held.iter().filter(|one| one.power == power && one.word_of_time() == when);
        holders.map(|one| one.who()).collect::<Vec<_>>().join(" ")
    };
    let controllers = part.controllers(audit.stack.register);
    let owners = controllers.iter().filter(|one| matches!(one.ground, Ground::Owner(_)));
    let mut owners: Vec<&str> = owners.map(|one| one.entity.name.as_str()).collect();
    owners.dedup();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let place = part.location.as_ref();
    [
        part.fact.id.to_string(),
        part.fact.name.clone(),
        part.layer.name().to_owned(),
        part.fact.kind.to_string(),
        role(part.fact.role).to_owned(),
        audit.side(part).name().to_owned(),
        part.control.name().to_owned(),
        text(part.service.map(|service| service.name.as_str())),
        text(part.software.map(|software| software.name.as_str())),
        text(part.operator.map(|entity| entity.name.as_str())),
        text(part.operator.and_then(|entity| entity.country).as_ref().map(|country| country.code())),
        text(part.publisher(audit.stack.register).map(|entity| entity.name.as_str())),
        owners.join("; "),
        codes(&part.controlled_from(audit.stack.register)).replace(',', " "),
        text(place.and_then(|place| place.country.as_ref()).map(|country| country.code())),
        text(place.and_then(|place| place.region.as_deref())),
        by(Power::Read, "now"),
        by(Power::Stop, "now"),
        by(Power::Stop, "later"),
        by(Power::Change, "now"),
        part.fact.data.iter().map(|class| &**class).collect::<Vec<_>>().join("; "),
        text(part.fact.environment.as_deref()),
        confidence(part.fact.confidence).to_owned(),
        place_of(part.fact.evidence.first()),
    ]
}

fn role(role: allod_facts::Role) -> &'static str {
    match role {
        allod_facts::Role::Own => "own",
        allod_facts::Role::Provided => "provided",
        allod_facts::Role::Artefact => "artefact",
    }
}

fn confidence(confidence: allod_facts::Confidence) -> &'static str {
    match confidence {
        allod_facts::Confidence::Low => "low",
        allod_facts::Confidence::Medium => "medium",
        allod_facts::Confidence::High => "high",
    }
}

fn record<const N: usize>(cells: &[String; N], out: &mut dyn Write) -> std::io::Result<()> {
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        out.write_all(cell(text).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// One cell. A text that a spreadsheet would take for a formula gets a `'` in front.
/// Source of the characters: <https://owasp.org/www-community/attacks/CSV_Injection>.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells() {
        let check = |text: &str, expect: &str| assert_eq!(cell(text), expect, "{text}");
        check("plain", "plain");
        check("", "");
        check("a,b", "\"a,b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check("=1+1", "'=1+1");
        check("@scope/name", "'@scope/name");
        check("-1,\"x\"", "\"'-1,\"\"x\"\"\"");
        check("\t=1", "'\t=1");
        check("a=1", "a=1");
    }
}

use super::properties::{Field, claimed};
use super::{REGISTER_REF, shown};
use crate::json::Each;
use crate::{Audit, Show};
use allod_register::Claim;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The sources of statements about companies, each with the fields of the document that rest on it.
pub(super) struct Citations<'a> {
    /// Date, source and confidence to fields.
    by_claim: BTreeMap<(&'a str, &'a str, &'static str), Vec<Pointer>>,
}

#[derive(Clone, Copy)]
struct Pointer {
    service: bool,
    /// Position among the services, or among the components.
    at: u32,
    field: Field,
}

impl<'a> Citations<'a> {
    pub fn of(audit: &'a Audit<'a>, show: Show) -> Citations<'a> {
        let mut by_claim: BTreeMap<_, Vec<Pointer>> = BTreeMap::new();
        for service in [false, true] {
            for (at, (_, part)) in shown(audit, show, service).enumerate() {
                for (field, claim) in claimed(audit, part) {
                    // A service has no publisher, and CycloneDX takes no citation without a time.
                    if (service && field == Field::Publisher) || !is_date(&claim.seen) {
                        continue;
                    }
                    by_claim.entry(key(claim)).or_default().push(Pointer { service, at: at as u32, field });
                }
            }
        }
        Citations { by_claim }
    }
}

fn key(claim: &Claim) -> (&str, &str, &'static str) {
    (&claim.seen, &claim.source, claim.confidence.name())
}

/// Whether a text is a day that there was (`2026-11-24`).
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        (part.len(), part.parse::<u32>().ok().filter(|_| digits).unwrap_or(0))
    });
    let (Some((4, year)), Some((2, month)), Some((2, day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[derive(Serialize)]
struct Citation {
    pointers: Vec<String>,
    timestamp: String,
    #[serde(rename = "attributedTo")]
    attributed_to: &'static str,
    note: String,
}

impl Serialize for Citations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let citation = |((seen, source, confidence), fields): (&(&str, &str, &str), &Vec<Pointer>)| Citation {
            pointers: fields.iter().map(Pointer::text).collect(),
            timestamp: format!("{seen}T00:00:00Z"),
            attributed_to: REGISTER_REF,
            note: format!("{source} ({confidence}, seen on {seen})"),
        };
        Each(|| self.by_claim.iter().map(citation)).serialize(serializer)
    }
}

impl Pointer {
    /// A JSON pointer into the document.
    fn text(&self) -> String {
        let list = if self.service { "services" } else { "components" };
        match self.field {
            Field::Operator if self.service => format!("/{list}/{}/provider", self.at),
            Field::Operator => format!("/{list}/{}/supplier", self.at),
            Field::Publisher => format!("/{list}/{}/publisher", self.at),
            Field::Property(property) => format!("/{list}/{}/properties/{property}/value", self.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn dates() {
        for good in ["2026-11-24", "2026-02-28", "2026-12-31", "2024-02-29"] {
            assert!(is_date(good), "{good}");
        }
        for bad in ["2026-13-01", "2026-02-29", "2026-04-31", "2026", "24.11.2026", "2026-1-2", "2026-11-24T00", ""] {
            assert!(!is_date(bad), "{bad}");
        }
    }
}

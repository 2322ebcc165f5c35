use super::show::word;
use allod_evidence::Look;
use allod_journal::Phase;
use allod_workspace::{Record, Truth};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

type Count = BTreeMap<String, usize>;

/// What was logged, counted.
#[derive(Default)]
pub struct Counts {
    entries: usize,
    first: Option<String>,
    last: Option<String>,
    actions: Count,
    verdicts: Count,
    principals: Count,
    rules: Count,
    /// Intents without a result: broken off, or still running.
    unfinished: Vec<u64>,
    /// Openings that were destroyed, and those that are missing or wrong.
    erased: usize,
    unproved: usize,
}

impl Counts {
    pub fn of(records: &[Record]) -> Counts {
        let mut counts = Counts { entries: records.len(), ..Counts::default() };
        let mut open = BTreeSet::new();
        let count = |of: &mut Count, name: String| *of.entry(name).or_default() += 1;
        for record in records {
            let entry = &record.entry;
            counts.first.get_or_insert_with(|| entry.when.time.clone());
            counts.last = Some(entry.when.time.clone());
            match record.truth {
                Truth::Open(_) => {}
                Truth::Erased => counts.erased += 1,
                Truth::Missing | Truth::Wrong => counts.unproved += 1,
            }
            if entry.phase == Phase::Intent {
                open.insert(record.index);
                continue;
            }
            if let Some(outcome) = &entry.outcome {
                open.remove(&outcome.intent);
            }
            count(&mut counts.actions, word(&entry.what.action));
            count(&mut counts.principals, record.opened("who.principal").unwrap_or("(not known)").to_owned());
            let Some(why) = &entry.why else { continue };
            if let Some(verdict) = &why.verdict {
                count(&mut counts.verdicts, word(verdict));
            }
            why.determining.iter().for_each(|rule| count(&mut counts.rules, rule.clone()));
        }
        counts.unfinished = open.into_iter().collect();
        counts
    }

    pub fn human(&self, name: &str, look: Look) -> String {
        let mut out = format!("{}\n", look.strong(name));
        let span = self.first.as_deref().zip(self.last.as_deref());
        let span = span.map_or(String::new(), |(first, last)| format!(", {first} to {last}"));
        let _ = writeln!(out, "{} entries{span}", self.entries);
        for (title, counts) in [
            ("ACTIONS", &self.actions),
            ("VERDICTS", &self.verdicts),
            ("PRINCIPALS", &self.principals),
            ("RULES THAT DECIDED", &self.rules),
        ] {
            if counts.is_empty() {
                continue;
            }
            let _ = writeln!(out, "\n{}", look.strong(title));
            let mut sorted: Vec<_> = counts.iter().collect();
            sorted.sort_by_key(|(name, number)| (std::cmp::Reverse(**number), *name));
            for (name, number) in sorted {
                let _ = writeln!(out, "{number:>8}  {name}");
            }
        }
        if !self.unfinished.is_empty() {
            let list: Vec<String> = self.unfinished.iter().map(u64::to_string).collect();
            let text = format!("without a result (broken off, or still running): {}", list.join(", "));
            let _ = writeln!(out, "\n{}", look.alarm(&text));
        }
        if self.erased > 0 {
            let _ = writeln!(out, "\n{} entries about erased persons", self.erased);
        }
        if self.unproved > 0 {
            let text = format!("{} entries whose openings are missing or wrong", self.unproved);
            let _ = writeln!(out, "\n{}", look.alarm(&text));
        }
        out
    }

    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let value = json!({
            "schema": "allod.log-stats/1",
            "entries": self.entries,
            "first": self.first,
            "last": self.last,
            "actions": self.actions,
            "verdicts": self.verdicts,
            "principals": self.principals,
            "rules": self.rules,
            "unfinished": self.unfinished,
            "erased": self.erased,
            "unproved": self.unproved,
        });
        serde_json::to_writer_pretty(&mut *out, &value)?;
        out.write_all(b"\n")
    }
}

use crate::args::{LogAsk, LogVerdict};
use crate::exit::Failure;
use allod_journal::{Action, Verdict};
use allod_workspace::Record;

/// Which entries are wanted.
pub struct Asked {
    since: Option<String>,
    until: Option<String>,
    by: Option<String>,
    rule: Option<String>,
    component: Option<String>,
    verdict: Option<Verdict>,
    action: Option<Action>,
}

impl Asked {
    pub fn of(ask: &LogAsk) -> Result<Asked, Failure> {
        let action = ask.action_is.as_deref().map(|name| {
            let value = serde_json::Value::String(name.to_owned());
            serde_json::from_value(value).map_err(|error| {
                let mut failure = Failure::new("E002", format!("there is no action `{name}`"));
                failure.causes.push(error.to_string());
                failure
            })
        });
        Ok(Asked {
            since: ask.since.as_deref().map(time).transpose()?,
            until: ask.until.as_deref().map(time).transpose()?,
            by: ask.by.clone(),
            rule: ask.rule.clone(),
            component: ask.component.clone(),
            verdict: ask.verdict.map(|verdict| match verdict {
                LogVerdict::Allow => Verdict::Allow,
                LogVerdict::Warn => Verdict::Warn,
                LogVerdict::Deny => Verdict::Deny,
            }),
            action: action.transpose()?,
        })
    }

    pub fn fits(&self, record: &Record) -> bool {
        let why = record.entry.why.as_ref();
        let is_rule = |rule: &String| {
            why.is_some_and(|why| why.determining.contains(rule))
                || record.findings().iter().any(|finding| finding.rule == *rule)
        };
        let is_component = |asked: &String| {
            let ends = |id: &str| {
                id.strip_suffix(asked.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with(['#', ':', '/']))
            };
            record.findings().iter().any(|finding| ends(&finding.component))
        };
        // Times of one form compare as texts.
        self.since.as_ref().is_none_or(|since| record.entry.when.time >= *since)
            && self.until.as_ref().is_none_or(|until| record.entry.when.time < *until)
            && self.by.as_ref().is_none_or(|by| record.opened("who.principal") == Some(by))
            && self.rule.as_ref().is_none_or(is_rule)
            && self.component.as_ref().is_none_or(is_component)
            && self.verdict.is_none_or(|verdict| why.and_then(|why| why.verdict) == Some(verdict))
            && self.action.is_none_or(|action| record.entry.what.action == action)
    }
}

/// A day, or a time of it, as the beginning of an RFC 3339 time in UTC.
fn time(text: &str) -> Result<String, Failure> {
    const FORM: &str = "dddd-dd-ddTdd:dd:dd";
    let day = "dddd-dd-dd".len();
    let fits = text.len() >= day
        && text.len() <= FORM.len()
        && text
            .chars()
            .zip(FORM.chars())
            .all(|(one, form)| if form == 'd' { one.is_ascii_digit() } else { one == form });
    if fits {
        return Ok(text.to_owned());
    }
    Err(Failure::new("E002", format!("`{text}` is no time")).hint("write it as 2026-11-24 or 2026-11-24T09:00, in UTC"))
}

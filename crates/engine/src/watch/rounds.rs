use super::Watch;
use crate::audit::Error;
use allod_evidence::watch::{Event, State, Unseen, changes};
use allod_rules::Date;

/// One look after the other, with what changed between them.
pub struct Rounds<'r> {
    watch: Watch<'r>,
    state: Option<State>,
    /// When everything was seen and judged, in seconds since 1970.
    last_seen: Option<u64>,
}

impl<'r> Rounds<'r> {
    pub fn new(watch: Watch<'r>) -> Rounds<'r> {
        Rounds { watch, state: None, last_seen: None }
    }

    /// Looks, and gives each change to `log` before anybody acts on it: this is where a ledger would be written.
    ///
    /// # Errors
    /// The first look failed. Later ones that fail are a state: what was known stays, and is said not to be seen.
    pub fn round(&mut self, at: u64, today: Date, log: &mut dyn FnMut(&Event<'_>)) -> Result<&State, Error> {
        let mut now = match (self.watch.look(today), &self.state) {
            (Ok(state), _) => state,
            (Err(error), None) => return Err(error),
            (Err(error), Some(before)) => {
                let what = before.running.clone();
                State::not_seen(before, Unseen { what, why: told(&error), since: self.last_seen })
            }
        };
        if now.unseen.is_empty() {
            self.last_seen = Some(at);
        }
        for one in &mut now.unseen {
            one.since = one.since.or(self.last_seen);
        }
        changes(self.state.as_ref(), &now, at).iter().for_each(log);
        Ok(self.state.insert(now))
    }

    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }
}

/// An error with its causes, in one line.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    if let Error::RuleProblems(problems) = error {
        for one in problems.iter().take(1) {
            text.push_str(&format!(": {} {}:{}: {}", one.code, one.path, one.line, one.message));
        }
    }
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

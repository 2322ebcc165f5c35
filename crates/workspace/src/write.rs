use crate::clock::{rfc3339, seconds_now};
use crate::error::Error;
use crate::files::{make_folder, to_json, write};
use crate::layout::Workspace;
use crate::subjects::Erased;
use allod_journal::{
    Action, Authentication, Digest, Draft, Id, MAX_RULES, Openings, Outcome, Phase, Sealed, Succeeded, TimeSource,
    Trace, Verdict, When, Where,
};
use allod_ledger::embedded::Log;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::SystemTime;

const SECRET: u32 = 0o600;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// An account, an agent, a pipeline. Never in the clear in the ledger.
    pub name: String,
    pub authenticated: Authentication,
    pub on_behalf_of: Option<String>,
}

/// What somebody is about to do.
#[derive(Clone, Debug)]
pub struct Act {
    pub who: Principal,
    pub action: Action,
    /// What is acted on; committed.
    pub object: Option<String>,
    /// Of the object, as it is before.
    pub before: Option<Digest>,
    /// Of the rules that are asked.
    pub rules: Option<Digest>,
    pub place: Where,
    pub trace: Option<Trace>,
    /// The program: `allod 0.1.0`.
    pub by: String,
}

/// An intent that is durable. What it was about may be done now, and must be concluded.
#[derive(Debug)]
#[must_use = "an intent without a result says that the action was broken off"]
pub struct Intended {
    pub index: u64,
    id: Id,
    act: Act,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Concluded {
    pub result: Succeeded,
    pub verdict: Option<Verdict>,
    /// Rules that decided; of more than an entry names, all are in the findings.
    pub determining: Vec<String>,
    /// In words; committed.
    pub reason: Option<String>,
    /// Committed.
    pub findings: Vec<Finding>,
    /// Of what was produced.
    pub after: Option<Digest>,
}

/// A component that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    pub rule: String,
    pub component: String,
}

impl Concluded {
    /// It was done, and there is nothing more to say.
    pub fn done() -> Concluded {
        Concluded {
            result: Succeeded::Done,
            verdict: None,
            determining: Vec::new(),
            reason: None,
            findings: Vec::new(),
            after: None,
        }
    }
}

impl Workspace {
    /// Writes down what is about to be done. Only when this returns may it be done.
    ///
    /// # Errors
    /// All of [`Error`]: it must then not be done.
    pub fn intend(&self, act: Act) -> Result<Intended, Error> {
        let id = Id::random().map_err(Error::Entry)?;
        let draft = |subject| Draft { phase: Phase::Intent, ..draft(&act, id, subject) };
        let log = self.writer()?;
        let index = self.append(&log, &act.who.name, draft)?;
        self.sign(&log)?;
        Ok(Intended { index, id, act })
    }

    /// Writes down how it ended, and gives the index of the entry.
    ///
    /// # Errors
    /// All of [`Error`]; the intent then stands without a result.
    pub fn conclude(&self, intended: Intended, end: Concluded) -> Result<u64, Error> {
        let Intended { index, id, act } = intended;
        let outcome = Some(Outcome { intent: index, result: end.result });
        let log = self.writer()?;
        let index = self.append(&log, &act.who.name, |subject| Draft {
            phase: Phase::Result,
            outcome,
            ..told(draft(&act, id, subject), end)
        })?;
        self.sign(&log)?;
        Ok(index)
    }

    /// Writes down what happened, where nothing was intended.
    ///
    /// # Errors
    /// All of [`Error`].
    pub fn event(&self, act: &Act, end: Concluded) -> Result<u64, Error> {
        let id = Id::random().map_err(Error::Entry)?;
        let log = self.writer()?;
        let index = self.append(&log, &act.who.name, |subject| told(draft(act, id, subject), end))?;
        self.sign(&log)?;
        Ok(index)
    }

    /// Destroys what is known about a person: what the ledger commits to about their actions can no longer be opened,
    /// and every proof stays valid. Is itself logged, under the number of the person.
    ///
    /// # Errors
    /// [`Error::NoSubject`]; all others: nothing was destroyed when the intent could not be written.
    pub fn erase(&self, name: &str, act: Act) -> Result<Erased, Error> {
        let subject = self.subject_of(name)?;
        // The number is all that is left of the person: it is no name any more once the key is gone.
        let act = Act { action: Action::Erase, object: Some(subject.to_string()), ..act };
        let intended = self.intend(act)?;
        let destroyed = self.destroy(subject);
        let result = if destroyed.is_ok() { Succeeded::Done } else { Succeeded::Failed };
        let reason = destroyed.as_ref().err().map(ToString::to_string);
        let end = Concluded { result, reason, ..Concluded::done() };
        self.conclude(intended, end)?;
        destroyed.map(|entries| Erased { subject, entries })
    }

    /// Signs the ledger again with the time of now: it is alive, and this is all of it.
    ///
    /// # Errors
    /// All of [`Error`].
    pub fn heartbeat(&self) -> Result<(), Error> {
        self.sign(&self.writer()?)
    }

    /// Openings first: an entry never stands without them. Those of an entry that was not written are of no use.
    fn append(&self, log: &Log, who: &str, draft: impl FnOnce(Id) -> Draft) -> Result<u64, Error> {
        // Under the lock of the ledger: two that act for the first time do not make two keys.
        let (subject, key) = self.subject(who)?;
        let (entry, openings): (_, Openings) = draft(subject).close().map_err(Error::Entry)?;
        let bytes = entry.to_bytes().map_err(Error::Entry)?;
        let sealed = Sealed::seal(&openings, &bytes, subject, &key).map_err(Error::Entry)?;
        let path = self.openings_of(&bytes);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        write(&path, &to_json(&sealed, &path)?, SECRET)?;
        log.append(&bytes).map_err(Error::Ledger)
    }

    /// By the digest of the entry, in folders of a size that file systems like.
    pub(crate) fn openings_of(&self, entry: &[u8]) -> PathBuf {
        let digest = Digest::of(entry).to_string();
        let digest = digest.trim_start_matches("sha256:");
        let folder: String = digest.chars().take(2).collect();
        self.at(&format!("openings/{folder}/{digest}.json"))
    }

    fn sign(&self, log: &Log) -> Result<(), Error> {
        let checkpoint = log.integrate(seconds_now()).map_err(Error::Ledger)?;
        self.remember(&checkpoint)
    }
}

fn draft(act: &Act, id: Id, subject: Id) -> Draft {
    Draft {
        id,
        phase: Phase::Event,
        when: When { time: rfc3339(SystemTime::now()), source: TimeSource::System },
        principal: act.who.name.clone(),
        authenticated: act.who.authenticated,
        on_behalf_of: act.who.on_behalf_of.clone(),
        subject,
        action: act.action,
        object: act.object.clone(),
        before: act.before,
        after: None,
        rules: act.rules,
        determining: Vec::new(),
        verdict: None,
        reason: None,
        findings: None,
        place: act.place.clone(),
        trace: act.trace.clone(),
        outcome: None,
        by: act.by.clone(),
    }
}

fn told(draft: Draft, end: Concluded) -> Draft {
    let Concluded { result: _, verdict, mut determining, reason, mut findings, after } = end;
    determining.sort_unstable();
    determining.dedup();
    determining.truncate(MAX_RULES);
    findings.sort_unstable();
    let findings = if findings.is_empty() { None } else { serde_json::to_string(&findings).ok() };
    Draft { verdict, determining, reason, findings, after, ..draft }
}

use super::{Log, MAX_DEFINITIONS, MAX_POLICY_BYTES, Policy, Quorum, Voter, Witness};
use crate::note::{KeyKind, VerifyingKey};
use crate::{Error, strict};
use std::collections::{HashMap, HashSet};

/// The name of the quorum that asks for no witness; nothing else may have it.
const NONE: &[u8] = b"none";

pub(super) fn policy(bytes: &[u8]) -> Result<Policy, Error> {
    if bytes.len() > MAX_POLICY_BYTES {
        return Err(Error::Policy { line: 1, reason: "it is too long" });
    }
    let mut reading = Reading::default();
    let mut last = 0;
    let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..).peekable();
    while let Some((text, line)) = lines.next() {
        last = line;
        let reason = match lines.peek() {
            // A line without its end may be one that was cut off.
            None if !text.is_empty() => Err("it does not end with a newline"),
            _ => reading.line(text),
        };
        reason.map_err(|reason| Error::Policy { line, reason })?;
    }
    let quorum = reading.quorum.ok_or(Error::Policy { line: last, reason: "there is no quorum" })?;
    Ok(Policy { logs: reading.logs, voters: reading.voters, quorum })
}

#[derive(Default)]
struct Reading {
    logs: Vec<Log>,
    voters: Vec<Voter>,
    quorum: Option<Quorum>,
    names: HashMap<Vec<u8>, usize>,
    /// Voters that are a member already: each counts in one place.
    members: HashSet<usize>,
    log_keys: HashSet<Vec<u8>>,
    witness_keys: HashSet<Vec<u8>>,
}

impl Reading {
    fn line(&mut self, text: &[u8]) -> Result<(), &'static str> {
        if text.iter().any(|byte| !matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) {
            return Err("it has a control character");
        }
        let words: Vec<&[u8]> =
            text.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.log(key, None),
            [b"log", key, url] => self.log(key, Some(url)),
            [b"witness", name, key] => self.witness(name, key, None),
            [b"witness", name, key, url] => self.witness(name, key, Some(url)),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err("it has too few or too many words"),
            _ => Err("it is no log, witness, group or quorum"),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), &'static str> {
        let key = verifying_key(key)?;
        if !self.log_keys.insert(key.public().to_vec()) {
            return Err("another log has the same key");
        }
        self.logs.push(Log { key, url: url.map(<[u8]>::to_vec) });
        self.limit()
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: Option<&[u8]>) -> Result<(), &'static str> {
        let key = verifying_key(key)?;
        if !matches!(key.kind(), KeyKind::Cosignature | KeyKind::MlDsa44) {
            return Err("the key of a witness makes cosignatures, and this one is of another kind");
        }
        if !self.witness_keys.insert(key.public().to_vec()) {
            return Err("another witness has the same key");
        }
        let witness = Witness { name: name.to_vec(), key, url: url.map(<[u8]>::to_vec) };
        self.define(name, Voter::Witness(witness))
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], names: &[&[u8]]) -> Result<(), &'static str> {
        let mut members = Vec::new();
        for name in names {
            let member = *self.names.get(*name).ok_or("a member is not defined before")?;
            if !self.members.insert(member) {
                return Err("a member is listed twice");
            }
            members.push(member);
        }
        let threshold = match threshold {
            b"any" => Some(1),
            b"all" => Some(members.len()),
            number => std::str::from_utf8(number)
                .ok()
                .and_then(strict::decimal)
                .and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = threshold.ok_or("the threshold is not `any`, `all` or a number")?;
        if threshold == 0 || threshold > members.len() {
            return Err("the threshold is zero or more than there are members");
        }
        self.define(name, Voter::Group { name: name.to_vec(), threshold, members })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), &'static str> {
        let quorum = match self.names.get(name) {
            _ if name == NONE => Quorum::None,
            Some(at) => Quorum::Voter(*at),
            None => return Err("the quorum is not defined before"),
        };
        if self.quorum.replace(quorum).is_some() {
            return Err("there is a quorum already");
        }
        Ok(())
    }

    fn define(&mut self, name: &[u8], voter: Voter) -> Result<(), &'static str> {
        if name == NONE {
            return Err("`none` is no name of a witness or group");
        }
        if self.names.insert(name.to_vec(), self.voters.len()).is_some() {
            return Err("the name is taken already");
        }
        self.voters.push(voter);
        self.limit()
    }

    fn limit(&self) -> Result<(), &'static str> {
        let definitions = self.logs.len() + self.voters.len();
        if definitions > MAX_DEFINITIONS { Err("there are too many definitions") } else { Ok(()) }
    }
}

fn verifying_key(text: &[u8]) -> Result<VerifyingKey, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "the key is not UTF-8")?;
    VerifyingKey::parse(text).map_err(|error| match error {
        Error::Key(reason) => reason,
        _ => "the key has no proper name",
    })
}

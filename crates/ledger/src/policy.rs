//! Policies: whose checkpoints are accepted, and which witnesses must have cosigned them (<https://c2sp.org/tlog-policy>).
//!
//! ```text
//! log example.com/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
//! witness X1 x1.example+...
//! witness X2 x2.example+...
//! group X any X1 X2
//! quorum X
//! ```

mod parse;

use crate::checkpoint::Checkpoint;
use crate::note::{Note, VerifyingKey};
use crate::{Error, note};

/// The longest policy that is read: a thousand post-quantum keys take less than two million bytes.
pub const MAX_POLICY_BYTES: usize = 2_000_000;
/// The most logs, witnesses and groups together. At least 32 of each should be taken.
pub const MAX_DEFINITIONS: usize = 1_000;

/// A policy as read from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    /// Witnesses and groups in the order of their lines: a member stands before its group.
    voters: Vec<Voter>,
    quorum: Quorum,
}

/// A log that is accepted; the name of its key is its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The key that signs its checkpoints.
    pub key: VerifyingKey,
    /// Where it is reached, as written.
    pub url: Option<Vec<u8>>,
}

/// A witness, by the name that the policy gives it: bytes, which are most often UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The name within the policy.
    pub name: Vec<u8>,
    /// The key that cosigns.
    pub key: VerifyingKey,
    /// Where it is reached, as written.
    pub url: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Voter {
    Witness(Witness),
    /// So many of these voters, by their place in the list, must have witnessed.
    Group {
        name: Vec<u8>,
        threshold: usize,
        members: Vec<usize>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    None,
    Voter(usize),
}

/// A checkpoint that a policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted<'p> {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The log that signed it.
    pub log: &'p Log,
    /// The witnesses of the policy that cosigned it, also beyond the quorum, and when, in seconds since 1970 UTC.
    pub witnesses: Vec<(&'p Witness, u64)>,
}

impl Policy {
    /// Reads a policy. What the specification does not allow is refused with its line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        parse::policy(bytes)
    }

    /// The logs in the order of their lines; there may be none.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses in the order of their lines.
    pub fn witnesses(&self) -> impl Iterator<Item = &Witness> {
        self.voters.iter().filter_map(|voter| match voter {
            Voter::Witness(witness) => Some(witness),
            Voter::Group { .. } => None,
        })
    }

    /// Whether any witness is asked for. Without, a log can show different trees to different people.
    pub fn is_witnessed(&self) -> bool {
        self.quorum != Quorum::None
    }

    /// Checks the signatures under a checkpoint: one of the logs, under its own name, and a quorum of witnesses.
    ///
    /// A signature of any key of the policy that does not fit condemns the note. A policy without logs accepts nothing.
    /// How old the cosignatures are is for the caller to judge.
    pub fn verify(&self, signed: &Note) -> Result<Accepted<'_>, Error> {
        let keys = self.logs.iter().map(|log| &log.key).chain(self.witnesses().map(|witness| &witness.key));
        let verified = signed.verify(keys)?;
        let checkpoint = Checkpoint::parse(signed.text())?;
        let by = |key: &VerifyingKey| verified.iter().find(|one| one.key == key);
        let log = self
            .logs
            .iter()
            .find(|log| log.key.name() == checkpoint.origin() && by(&log.key).is_some())
            .ok_or_else(|| Error::NoLog { origin: checkpoint.origin().to_owned() })?;
        let time_s = |witness: &Witness| by(&witness.key).and_then(|one: &note::Verified<'_>| one.time_s);
        if !self.has_quorum(|witness| time_s(witness).is_some()) {
            return Err(Error::NoQuorum { origin: checkpoint.origin().to_owned() });
        }
        let witnesses = self.witnesses().filter_map(|witness| Some((witness, time_s(witness)?))).collect();
        Ok(Accepted { checkpoint, log, witnesses })
    }

    /// Whether the witnesses that `cosigned` are a quorum.
    pub fn has_quorum(&self, cosigned: impl Fn(&Witness) -> bool) -> bool {
        let Quorum::Voter(asked) = self.quorum else { return true };
        let mut witnessed: Vec<bool> = Vec::with_capacity(self.voters.len());
        for voter in &self.voters {
            witnessed.push(match voter {
                Voter::Witness(witness) => cosigned(witness),
                Voter::Group { threshold, members, .. } => {
                    members.iter().filter(|member| witnessed.get(**member) == Some(&true)).count() >= *threshold
                }
            });
        }
        witnessed.get(asked) == Some(&true)
    }
}

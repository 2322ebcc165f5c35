use crate::commitment::{Commitment, Digest, Opening, Openings};
use crate::entry::{
    Action, Authentication, Entry, Id, Outcome, Phase, Trace, VERSION, Verdict, What, When, Where, Who, Why,
};
use crate::error::Error;

/// What is to be written, in the clear: whoever acts fills it in, and [`Draft::close`] decides what everybody may read.
#[derive(Clone, Debug)]
pub struct Draft {
    pub id: Id,
    pub phase: Phase,
    pub when: When,
    pub principal: String,
    pub authenticated: Authentication,
    pub on_behalf_of: Option<String>,
    /// Whose key will seal the openings.
    pub subject: Id,
    pub action: Action,
    pub object: Option<String>,
    pub before: Option<Digest>,
    pub after: Option<Digest>,
    pub rules: Option<Digest>,
    pub determining: Vec<String>,
    pub verdict: Option<Verdict>,
    pub reason: Option<String>,
    pub findings: Option<String>,
    pub place: Where,
    pub trace: Option<Trace>,
    pub outcome: Option<Outcome>,
    pub by: String,
}

impl Draft {
    /// The entry for the ledger, and the openings that stay beside it.
    ///
    /// # Errors
    /// [`Error::Random`]: without fresh salts nothing is committed to.
    pub fn close(self) -> Result<(Entry, Openings), Error> {
        let mut openings = Openings::new();
        let principal = commit(&mut openings, "who.principal", self.principal)?;
        let mut maybe = |field: &str, value: Option<String>| -> Result<Option<Commitment>, Error> {
            value.map(|value| commit(&mut openings, field, value)).transpose()
        };
        let on_behalf_of = maybe("who.on_behalf_of", self.on_behalf_of)?;
        let object = maybe("what.object", self.object)?;
        let reason = maybe("why.reason", self.reason)?;
        let findings = maybe("why.findings", self.findings)?;
        let mut determining = self.determining;
        determining.sort_unstable();
        determining.dedup();
        let why = Why { rules: self.rules, determining, verdict: self.verdict, reason, findings };
        let says_nothing =
            why == Why { rules: None, determining: Vec::new(), verdict: None, reason: None, findings: None };
        let entry = Entry {
            allod: VERSION,
            id: self.id,
            phase: self.phase,
            when: self.when,
            who: Who { principal, authenticated: self.authenticated, on_behalf_of, subject: self.subject },
            what: What { action: self.action, object, before: self.before, after: self.after },
            why: (!says_nothing).then_some(why),
            place: self.place,
            trace: self.trace,
            outcome: self.outcome,
            by: self.by,
        };
        Ok((entry, openings))
    }
}

fn commit(openings: &mut Openings, field: &str, value: String) -> Result<Commitment, Error> {
    let opening = Opening::new(value)?;
    let commitment = opening.commitment();
    openings.insert(field.to_owned(), opening);
    Ok(commitment)
}

impl Entry {
    /// Whether these openings are what this entry commits to. Fewer are fine: an auditor may be shown one field only.
    ///
    /// # Errors
    /// [`Error::NotCommitted`], with the first field that differs or that the entry does not have.
    pub fn opened_by(&self, openings: &Openings) -> Result<(), Error> {
        let commitments = self.commitments();
        for (field, opening) in openings {
            let committed = commitments.iter().find(|(name, _)| name == field).map(|(_, one)| *one);
            if committed != Some(opening.commitment()) {
                return Err(Error::NotCommitted(field.clone()));
            }
        }
        Ok(())
    }
}

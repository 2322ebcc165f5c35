use std::error::Error;
use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Clean,
    /// Something foreign holds a power; the rules say no.
    Foreign,
    /// It could not be done.
    CouldNot,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Clean => 0,
            Exit::Foreign => 1,
            Exit::CouldNot => 2,
        })
    }
}

/// Why something could not be done, for a person.
#[derive(Debug)]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
    pub causes: Vec<String>,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(code: &'static str, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), causes: Vec::new(), hint: None }
    }

    pub fn of(code: &'static str, error: &dyn Error) -> Failure {
        let mut causes = Vec::new();
        let mut next = error.source();
        let mut hint = None;
        // Errors of the ledger, which others use alone, carry their hint in their text.
        let mut plain = |text: String| match text.split_once("\n\nhint: ") {
            Some((text, said)) => {
                hint.get_or_insert(said.to_owned());
                text.to_owned()
            }
            None => text,
        };
        let message = plain(error.to_string());
        while let Some(cause) = next {
            causes.push(plain(cause.to_string()));
            next = cause.source();
        }
        Failure { code, message, causes, hint }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

use super::ProveError;
use cedar_policy_symcc::solver::LocalSolver;
use std::ffi::OsString;
use std::time::Duration;
use tokio::process::Command;

/// The program that is asked, in SMT-LIB over its standard input.
#[derive(Clone, Debug)]
pub struct Solver {
    pub program: OsString,
    /// A question is given up after this time.
    pub limit: Duration,
}

/// A proof that takes longer is asked in the wrong way.
const LIMIT: Duration = Duration::from_secs(60);

impl Solver {
    pub fn new(program: impl Into<OsString>) -> Solver {
        Solver { program: program.into(), limit: LIMIT }
    }

    /// cvc5: the one that the variable CVC5 names, or the one on the path.
    pub fn cvc5() -> Solver {
        Solver::new(std::env::var_os("CVC5").filter(|program| !program.is_empty()).unwrap_or_else(|| "cvc5".into()))
    }

    /// A process of its own, which ends with the question.
    pub(super) fn start(&self) -> Result<LocalSolver, ProveError> {
        let limit = format!("--tlimit={}", self.limit.as_millis());
        let mut command = Command::new(&self.program);
        command.args(["--lang", "smt", &limit]).kill_on_drop(true);
        let program = self.program.to_string_lossy().into_owned();
        LocalSolver::from_command(&mut command).map_err(|cause| ProveError::NoSolver { program, cause })
    }
}

//! Rego rules as teams have them: `deny`, `warn` and `violation` rules in the style of conftest, evaluated in process
//! over the same inputs.
//!
//! Nothing that a rule says is trusted: functions that reach out, read the environment or differ from run to run do not
//! exist here, and every evaluation has a limit of time, input and results. A rule that cannot be evaluated is an error
//! and never a pass: the gate that asks fails closed.
//!
//! Source of the semantics: conftest (`policy/engine.go`, `parser/`); where this differs, the item says so.

mod document;
mod error;
mod evaluate;
pub mod limits;
mod policies;

pub use document::{Document, Kind};
pub use error::Error;
pub use evaluate::{Level, Violation};
pub use policies::{Options, Place, Policies, Rule};

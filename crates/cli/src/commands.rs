pub mod admit;
pub mod audit;
pub mod diff;
pub mod drill;
pub mod explain;
pub mod formats;
pub mod register;
mod watch;

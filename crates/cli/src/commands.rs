pub mod audit;
pub mod check;
pub mod diff;
pub mod drill;
pub mod explain;
pub mod formats;
pub mod register;
pub mod rules;
mod watch;

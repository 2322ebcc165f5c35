pub mod audit;
pub mod drill;
pub mod explain;
pub mod formats;
pub mod register;

pub mod audit;
pub mod explain;
pub mod formats;
pub mod register;

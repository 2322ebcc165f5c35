//! What providers say runs, one module and one feature each. Asks and reports; decides nothing, and changes nothing.

#[cfg(feature = "kubernetes")]
pub mod kubernetes;

//! The limits of reading, each with its reason.

/// The largest file that is loaded whole. Real configuration is far below; plan, state and lock files are streamed.
pub const MAX_FILE_BYTES: u64 = 32 << 20;
/// Deeper nesting is made by an attacker or a broken generator; recursion over a tree stays well inside the stack.
pub const MAX_DEPTH: usize = 100;
/// Nodes of one document with aliases expanded, so that an alias bomb costs no more than a large honest file.
pub const MAX_NODES: usize = 2_000_000;
/// Local modules inside modules, bases inside bases.
pub const MAX_INCLUDE_DEPTH: usize = 32;
/// Instances of one `count` or `for_each` that become components of their own.
pub const MAX_INSTANCES: usize = 10_000;
/// The longest text that a function or template may build.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Steps that the evaluation of one expression may take.
pub const MAX_EVAL_STEPS: usize = 1_000_000;
/// Variables inside the defaults of variables.
pub const MAX_VARIABLE_DEPTH: usize = 16;

//! The limits of evaluation, each with its reason.

/// The largest input: what the readers load whole.
pub const MAX_INPUT_BYTES: usize = 32 << 20;
/// The largest rule file. Generated libraries of rules stay below.
pub const MAX_POLICY_BYTES: usize = 4 << 20;
/// Lines of a rule file.
pub const MAX_POLICY_LINES: u32 = 100_000;
/// The longest line of a rule file: lists of image names are written in one line, and the parser's own limit (1,024)
/// is below what teams have.
pub const MAX_POLICY_COLUMNS: u32 = 65_536;
/// Nesting of a rule file in brackets, before the parser sees it: real rules stay below 20.
pub const MAX_POLICY_DEPTH: usize = 100;
/// What all rules of one file may take together. Real rules take milliseconds; a loop over a loop over a large plan takes
/// seconds.
pub const MAX_EVALUATION_MS: u64 = 10_000;
/// Work units of the evaluator between two looks at the clock: often enough for milliseconds, rare enough to cost nothing.
pub const TIMER_INTERVAL: u32 = 256;
/// Messages of one rule on one input. A rule that says more says the same thing of every line.
pub const MAX_RESULTS: usize = 10_000;

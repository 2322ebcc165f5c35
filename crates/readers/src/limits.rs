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
/// Operators in one chain (`a || b || ...`): each makes the tree one level deeper, and real chains are short.
pub const MAX_CHAIN: usize = 200;
/// Expressions inside expressions while one is evaluated, through locals, variables, modules and resources. Real trees
/// stay below 40; a level takes up to 6 KB of stack in a debug build.
pub const MAX_EVAL_DEPTH: usize = 150;
/// What the root modules of one tree may cost together. Roots are read apart, so that the order makes no difference:
/// each has its share, and what it has all the same when there are many.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    tree: usize,
    root: usize,
    /// Of all roots together, however many there are.
    roots: usize,
}

impl Shared {
    /// The share of one root module among `peers`.
    pub fn among(self, peers: usize) -> usize {
        let peers = peers.max(1);
        (self.tree / peers).max(self.root.min(self.roots / peers)).max(1)
    }
}

/// Steps that the evaluation of all expressions may take: of a tree with few roots a few seconds. A tree of 100,000
/// lines takes less than a tenth.
pub const STEPS: Shared = Shared { tree: 50_000_000, root: 1_000_000, roots: 1_000_000_000 };
/// Module instances, so that modules that double at each level meet a limit.
pub const MODULE_INSTANCES: Shared = Shared { tree: 20_000, root: 2_000, roots: 200_000 };
/// Resource instances.
pub const RESOURCE_INSTANCES: Shared = Shared { tree: 200_000, root: 20_000, roots: 1_000_000 };
/// Lines that are remembered as having decided one value.
pub const MAX_ORIGINS: usize = 12;
/// Sightings of one artefact that one reader keeps as evidence: further lines say nothing new, and comparing each with
/// all before it would be quadratic.
pub const MAX_SIGHTINGS: usize = 20;
/// Packages of one manifest; the largest real ones name a few thousand.
pub const MAX_PACKAGES: usize = 20_000;
/// Words of one script that are looked at; the largest real ones have a few thousand.
pub const MAX_SCRIPT_WORDS: usize = 100_000;
/// The longest value of a shell variable: one that names others can double at every step.
pub const MAX_SHELL_VALUE_BYTES: usize = 4096;
/// Module calls of one plan that are followed.
pub const MAX_MODULE_CALLS: usize = 10_000;
/// A compiled pattern may take as much memory.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;
/// The longest address that is looked for in a script: a word that repeats `https://` would cost its square.
pub const MAX_URL_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_together_stay_within_their_limit() {
        for shared in [STEPS, MODULE_INSTANCES, RESOURCE_INSTANCES] {
            assert_eq!(shared.among(1), shared.tree);
            for peers in [2, 8, 64, 1_024, 16_384] {
                let all = shared.among(peers) * peers;
                assert!(all <= shared.roots.max(peers), "{shared:?} {peers}: {all}");
                assert!(shared.among(peers) <= shared.tree);
            }
        }
    }
}

//! Work on the project itself: compile the register, keep the house tidy. Not shipped.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod register;
mod score;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask register          compile crates/register/data/*.yaml into crates/register/compiled/register.json
cargo xtask register --check  fail when the compiled register is not what the YAML says
cargo xtask tidy              names, sizes, the tower of crates, pages of codes
cargo xtask score DIR         how many labels of DIR/labels.json the audit finds, per case
cargo xtask bench audit       speed and memory of the audit against Checkov and serde_json (release build)
cargo xtask bench stack       powers, chokepoints and a drill on stacks of up to 100,000 components and 1,000,000 links
cargo xtask bench rules       rules of every shape asked about 100,000 components, against the bare policy engine
cargo xtask bench incremental [TREE | --large]  an audit after one changed file against the first one, of a generated
                              tree, of another one, or of a large stack in memory (run it with --release)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["register"] => register::compile(&root()),
        ["register", "--check"] => register::check(&root()),
        ["tidy"] => tidy::tidy(&root()),
        ["parse", path] => bench::parse(Path::new(path)),
        ["score", cases] => score::score(&root(), Path::new(cases)),
        ["bench", "stack"] => bench::stack::run(&root()),
        ["stack-run", components, links] => bench::stack::run_one(number(components), number(links)),
        ["bench", "rules"] => bench::rules::run(&root()),
        ["rules-run", stack, components] => bench::rules::run_one(stack, number(components)),
        ["bench", "incremental"] => bench::incremental::run(&root(), None),
        ["bench", "incremental", "--large"] => bench::incremental::large(),
        ["bench", "incremental", tree] => bench::incremental::run(&root(), Some(Path::new(tree))),
        ["bench", "audit", rest @ ..] => bench::audit(&root(), rest),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

use std::path::Path;

/// To be written in this branch.
pub fn audit(_root: &Path, _args: &[&str]) -> Result<(), String> {
    Err("not written yet".to_owned())
}

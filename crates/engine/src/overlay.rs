use crate::audit::{Error, Options};
use std::path::Path;

/// The folder in an audited root whose files add to the register.
const IN_ROOT: &str = "register";

/// Paths and texts of the overlay files: `--register`, and `register/` of an audited folder when its files look like
/// register files.
///
/// # Errors
/// [`Error::RegisterFolder`].
pub fn files(options: &Options) -> Result<Vec<(String, String)>, Error> {
    let mut found = Vec::new();
    for root in &options.paths {
        let folder = root.join(IN_ROOT);
        if folder.is_dir() && options.register.as_deref() != Some(&folder) {
            // Somebody else's folder of that name is not ours to judge: only files with our top-level keys count.
            found.extend(read_folder(&folder)?.into_iter().filter(|(_, text)| looks_like_register(text)));
        }
    }
    if let Some(folder) = &options.register {
        found.extend(read_folder(folder)?);
    }
    Ok(found)
}

fn looks_like_register(text: &str) -> bool {
    let keys: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with([' ', '\t', '#', '-']))
        .filter_map(|line| line.split_once(':').map(|(key, _)| key))
        .collect();
    !keys.is_empty() && keys.iter().all(|key| matches!(*key, "entities" | "services" | "software" | "regions"))
}

fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, Error> {
    let failed = |cause| Error::RegisterFolder { path: folder.to_owned(), cause };
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .map_err(failed)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| Ok((path.display().to_string(), std::fs::read_to_string(&path).map_err(failed)?)))
        .collect()
}

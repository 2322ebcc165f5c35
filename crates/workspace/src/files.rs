use crate::error::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Files of a workspace other than the ledger's: keys, indices, sealed openings. More is something else.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Bits of a mode that let others in.
const OTHERS: u32 = 0o077;

pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |cause| Error::File { what, path: path.to_owned(), cause }
}

/// A folder that only its owner enters.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(failed("make the folder", path))
}

/// Writes a file whole or not at all, durable when this returns.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let done = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    })();
    if done.is_err() {
        // What was written of it is of no use; that it cannot be removed either is told by what follows.
        let _ = fs::remove_file(&beside);
    }
    done.map_err(failed("write", path))
}

pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let file = File::open(path).map_err(failed("read", path))?;
    let mut text = String::new();
    let size = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed("read", path))?;
    if size as u64 > MAX_FILE_BYTES {
        return Err(failed("read", path)(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(text)
}

/// A file that nobody else may read; one that others can read is refused, whoever has read it by now.
pub(crate) fn read_secret(path: &Path) -> Result<String, Error> {
    let mode = fs::metadata(path).map_err(failed("read", path))?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(Error::Exposed { path: path.to_owned() });
    }
    read(path)
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|cause| Error::Broken { path: path.to_owned(), cause: Some(cause) })
}

pub(crate) fn to_json(value: &impl Serialize, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|cause| Error::Broken { path: path.to_owned(), cause: Some(cause) })?;
    bytes.push(b'\n');
    Ok(bytes)
}

//! A kubeconfig: several files are one, of which the first that has a name decides.

use super::Error;
use allod_readers::node::{Node, parse_yaml_document};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A kubeconfig of hundreds of clusters has some hundred kilobytes.
pub(super) const MAX_FILE_BYTES: u64 = 4 << 20;

/// The files, each with its folder: paths in one are relative to it.
pub(super) struct Kubeconfig {
    files: Vec<(PathBuf, Node)>,
}

/// A cluster or a user of a kubeconfig.
pub(super) struct Entry<'a> {
    pub folder: &'a Path,
    pub node: &'a Node,
}

impl Kubeconfig {
    /// Reads the files that there are.
    pub fn read(paths: &[PathBuf]) -> Result<Kubeconfig, Error> {
        let mut files = Vec::new();
        for path in paths {
            let text = String::from_utf8(bytes(path)?)
                .map_err(|_| Error::NoKubeconfig { path: path.clone(), why: "it is not text".to_owned() })?;
            let node = parse_yaml_document(&text)
                .map_err(|broken| Error::NoKubeconfig { path: path.clone(), why: broken.message })?;
            files.push((path.parent().map(Path::to_owned).unwrap_or_default(), node));
        }
        Ok(Kubeconfig { files })
    }

    pub fn current(&self) -> Option<&str> {
        self.files.iter().find_map(|(_, node)| node.str_at(&["current-context"])).filter(|name| !name.is_empty())
    }

    /// An entry of a list (`contexts`, `clusters`, `users`), by name: what stands under `inside`.
    pub fn find(&self, list: &str, name: &str, inside: &str) -> Option<Entry<'_>> {
        self.files.iter().find_map(|(folder, node)| {
            let items = node.get(list)?.items();
            let item = items.iter().find(|item| item.str_at(&["name"]) == Some(name))?;
            Some(Entry { folder, node: item.get(inside)? })
        })
    }
}

impl Entry<'_> {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.node.str_at(&[key]).filter(|text| !text.is_empty())
    }

    /// Bytes that stand in the file itself (base64), or in a file that it names.
    pub fn data(&self, key: &str, file_key: &str) -> Result<Option<Vec<u8>>, Error> {
        match (self.text(key), self.text(file_key)) {
            (Some(text), _) => match super::base64::decode(text) {
                Some(bytes) => Ok(Some(bytes)),
                None => Err(Error::Pem { what: format!("`{key}`") }),
            },
            (None, Some(path)) => bytes(&self.folder.join(path)).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// The bytes of a file, up to [`MAX_FILE_BYTES`].
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |cause| Error::Unreadable { path: path.to_owned(), cause };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

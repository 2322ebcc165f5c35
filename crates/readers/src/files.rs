use std::collections::BTreeMap;
use std::sync::Arc;

/// The loaded files of one audit, by path relative to the audited root, `/` between the parts.
///
/// A reader may look up files that its own files name; a path that leaves the root is never in here.
#[derive(Clone, Debug, Default)]
pub struct Files {
    map: BTreeMap<Arc<str>, Arc<[u8]>>,
}

impl Files {
    pub fn new() -> Files {
        Files::default()
    }

    pub fn insert(&mut self, path: &str, bytes: impl Into<Arc<[u8]>>) {
        self.map.insert(Arc::from(path), bytes.into());
    }

    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.map.get(path).map(|bytes| &**bytes)
    }

    /// The path as it is shared by all evidence of a file.
    pub fn shared_path(&self, path: &str) -> Arc<str> {
        self.map.get_key_value(path).map_or_else(|| Arc::from(path), |(key, _)| key.clone())
    }

    /// The text of a file without byte order mark; UTF-16 with a mark is converted. `None`: not there, or not text.
    pub fn text(&self, path: &str) -> Option<Result<String, NotText>> {
        self.get(path).map(decode)
    }

    /// Paths directly in a folder (`""` is the root), sorted.
    pub fn in_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.map
            .range(Arc::<str>::from(prefix.as_str())..)
            .map(|(path, _)| &**path)
            .take_while({
                let prefix = prefix.clone();
                move |path| path.starts_with(&prefix)
            })
            .filter(move |path| path.strip_prefix(prefix.as_str()).is_some_and(|rest| !rest.contains('/')))
    }

    /// Whether any file lies under a folder, at any depth.
    pub fn has_folder(&self, folder: &str) -> bool {
        if folder.is_empty() {
            return !self.is_empty();
        }
        let prefix = format!("{folder}/");
        let first = self.map.range(Arc::<str>::from(prefix.as_str())..).next();
        first.is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// Paths in a folder and in all folders below it (`""` is the root), sorted.
    pub fn under<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.map.range(Arc::<str>::from(prefix.as_str())..);
        from.map(|(path, _)| &**path).take_while(move |path| path.starts_with(&prefix))
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(|path| &**path)
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

/// The bytes are neither UTF-8 nor UTF-16 with a byte order mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText;

/// Text from bytes: UTF-8 with or without mark, UTF-16 with mark. A NUL byte in UTF-8 means binary.
pub fn decode(bytes: &[u8]) -> Result<String, NotText> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<String, _>>();
        text.ok().filter(|_| rest.is_empty()).ok_or(NotText)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => {
            let text = std::str::from_utf8(rest).map_err(|_| NotText)?;
            if text.contains('\0') { Err(NotText) } else { Ok(text.to_owned()) }
        }
    }
}

/// The folder part of a path, `""` for a file in the root.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The file name of a path.
pub fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Joins a relative reference to a folder of the tree and resolves `.` and `..`. `None` when it is absolute or leaves
/// the root.
pub fn join(folder: &str, reference: &str) -> Option<String> {
    if reference.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_stays_inside() {
        assert_eq!(join("a/b", "../c"), Some("a/c".into()));
        assert_eq!(join("a", "./x/./y"), Some("a/x/y".into()));
        assert_eq!(join("a", "../../c"), None);
        assert_eq!(join("", "/etc/passwd"), None);
    }

    #[test]
    fn decode_knows_marks_and_refuses_binary() {
        assert_eq!(decode(b"\xef\xbb\xbfa"), Ok("a".into()));
        assert_eq!(decode(b"\xff\xfea\0"), Ok("a".into()));
        assert_eq!(decode(b"\xfe\xff\0a"), Ok("a".into()));
        assert_eq!(decode(b"\xff\xfea"), Err(NotText));
        assert_eq!(decode(b"a\0b"), Err(NotText));
        assert_eq!(decode(b"\x80"), Err(NotText));
    }

    #[test]
    fn in_folder_lists_direct_children_only() {
        let mut files = Files::new();
        for path in ["a.tf", "m/a.tf", "m/b.tf", "m/n/c.tf", "mm.tf"] {
            files.insert(path, Vec::new());
        }
        assert_eq!(files.in_folder("m").collect::<Vec<_>>(), ["m/a.tf", "m/b.tf"]);
        assert_eq!(files.in_folder("").collect::<Vec<_>>(), ["a.tf", "mm.tf"]);
        assert_eq!(files.under("m").collect::<Vec<_>>(), ["m/a.tf", "m/b.tf", "m/n/c.tf"]);
    }
}

mod asked;

pub use asked::{Asked, Changes};

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The loaded files of one audit, by path relative to the audited root, `/` between the parts.
///
/// A reader may look up files that its own files name; a path that leaves the root is never in here.
#[derive(Debug, Default)]
pub struct Files {
    map: Arc<BTreeMap<Arc<str>, Arc<Loaded>>>,
    /// What was asked for; `None` when nobody wants to know.
    asked: Option<Mutex<Asked>>,
}

/// The bytes of a file, with what was parsed from them.
#[derive(Debug)]
pub struct Loaded {
    bytes: Arc<[u8]>,
    /// By the type of what was parsed: it lives as long as the bytes do.
    parsed: Mutex<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Loaded {
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Loaded {
        Loaded { bytes: bytes.into(), parsed: Mutex::default() }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Files {
    pub fn new() -> Files {
        Files::default()
    }

    pub fn insert(&mut self, path: &str, bytes: impl Into<Arc<[u8]>>) {
        self.insert_loaded(Arc::from(path), Arc::new(Loaded::new(bytes)));
    }

    pub fn insert_loaded(&mut self, path: Arc<str>, loaded: Arc<Loaded>) {
        Arc::make_mut(&mut self.map).insert(path, loaded);
    }

    /// The same files, that remember what they are asked for from now on.
    pub fn remembering(&self) -> Files {
        Files { map: self.map.clone(), asked: Some(Mutex::default()) }
    }

    /// What was asked for since [`Files::remembering`].
    pub fn into_asked(self) -> Asked {
        self.asked.map_or_else(Asked::default, |asked| asked.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, note: impl FnOnce(&mut Asked)) {
        if let Some(asked) = &self.asked {
            note(&mut asked.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.note(|asked| asked.read(path));
        self.map.get(path).map(|loaded| loaded.bytes())
    }

    /// Whether there is a file of that path, whatever is in it.
    pub fn has(&self, path: &str) -> bool {
        self.note(|asked| asked.exists(path));
        self.map.contains_key(path)
    }

    /// What `parse` makes of a file, once as long as its bytes stay. `parse` must depend on the path and the bytes
    /// only, and there is one `T` for one way of parsing.
    pub fn parsed<T: Any + Send + Sync>(&self, path: &str, parse: impl FnOnce(&str, &[u8]) -> T) -> Option<Arc<T>> {
        self.note(|asked| asked.read(path));
        let loaded = self.map.get(path)?;
        let known = |loaded: &Loaded| {
            let parsed = loaded.parsed.lock().unwrap_or_else(PoisonError::into_inner);
            parsed.get(&TypeId::of::<T>()).and_then(|known| known.clone().downcast::<T>().ok())
        };
        if let Some(known) = known(loaded) {
            return Some(known);
        }
        // Not under the lock: a parser that breaks down must not take the file with it.
        let new = Arc::new(parse(path, loaded.bytes()));
        loaded.parsed.lock().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), new.clone());
        Some(new)
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
        self.note(|asked| asked.in_folder(folder));
        self.below(folder).filter(move |path| inside(path, folder).is_some_and(|rest| !rest.contains('/')))
    }

    /// Whether any file lies under a folder, at any depth.
    pub fn has_folder(&self, folder: &str) -> bool {
        let has = self.below(folder).next().is_some();
        self.note(|asked| asked.has_folder(folder, has));
        has
    }

    /// Paths in a folder and in all folders below it (`""` is the root), sorted.
    pub fn under<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.note(|asked| asked.under(folder));
        self.below(folder)
    }

    fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.map.range(Arc::<str>::from(prefix.as_str())..);
        from.map(|(path, _)| &**path).take_while(move |path| path.starts_with(&prefix))
    }

    /// Paths of the files of these names, in all folders, sorted.
    pub fn named<'a>(&'a self, names: &'static [&'static str]) -> impl Iterator<Item = &'a str> + use<'a> {
        self.note(|asked| asked.named(names));
        self.map.keys().map(|path| &**path).filter(|path| names.contains(&name_of(path)))
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.note(|asked| asked.under(""));
        self.map.keys().map(|path| &**path)
    }

    /// The files with their paths, sorted.
    pub fn loaded(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Loaded>)> {
        self.map.iter()
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

/// What of a path is below a folder.
fn inside<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
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

/// Paths in groups: those of one key together, and those of keys that pairs connect.
pub(crate) fn connected<'a>(
    paths: &[&'a str],
    key: impl Fn(&'a str) -> &'a str,
    pairs: &[(String, String)],
) -> Vec<Vec<&'a str>> {
    let mut beside: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (a, b) in pairs {
        beside.entry(a).or_default().push(b);
        beside.entry(b).or_default().push(a);
    }
    let mut group_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for path in paths {
        let key = key(path);
        if !group_of.contains_key(key) {
            let mut open = vec![key];
            while let Some(key) = open.pop() {
                if group_of.insert(key, groups.len()).is_none() {
                    open.extend(beside.get(key).into_iter().flatten());
                }
            }
            groups.push(Vec::new());
        }
        if let Some(group) = group_of.get(key).and_then(|at| groups.get_mut(*at)) {
            group.push(path);
        }
    }
    groups
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

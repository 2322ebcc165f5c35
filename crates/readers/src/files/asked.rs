use super::{Files, folder_of, inside, name_of};
use std::collections::{BTreeMap, BTreeSet};

/// What a reader asked its files for: as long as the answers stay, so do its facts.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    read: BTreeSet<Box<str>>,
    exists: BTreeSet<Box<str>>,
    /// Folders whose files were listed, and folders that were listed with all below them.
    in_folder: BTreeSet<Box<str>>,
    under: BTreeSet<Box<str>>,
    /// Folders of which was asked whether anything lies below, with the answer.
    has_folder: BTreeMap<Box<str>, bool>,
    /// Names of which all files were listed.
    named: BTreeSet<&'static str>,
}

/// How the files of an audit differ from those of the one before.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Paths that are in both, with other bytes.
    pub edited: BTreeSet<Box<str>>,
    /// Paths that are in one of them only.
    pub moved: BTreeSet<Box<str>>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.edited.is_empty() && self.moved.is_empty()
    }
}

impl Asked {
    pub(super) fn read(&mut self, path: &str) {
        once(&mut self.read, path);
    }

    pub(super) fn exists(&mut self, path: &str) {
        once(&mut self.exists, path);
    }

    pub(super) fn in_folder(&mut self, folder: &str) {
        once(&mut self.in_folder, folder);
    }

    pub(super) fn under(&mut self, folder: &str) {
        once(&mut self.under, folder);
    }

    pub(super) fn has_folder(&mut self, folder: &str, answer: bool) {
        self.has_folder.insert(folder.into(), answer);
    }

    pub(super) fn named(&mut self, names: &[&'static str]) {
        self.named.extend(names);
    }

    /// Whether anything that was asked for would be answered differently now.
    pub fn is_touched(&self, changes: &Changes, files: &Files) -> bool {
        changes.edited.iter().any(|path| self.read.contains(path))
            || changes.moved.iter().any(|path| self.is_moved(path))
            || !changes.moved.is_empty()
                && self.has_folder.iter().any(|(folder, had)| files.below(folder).next().is_some() != *had)
    }

    fn is_moved(&self, path: &str) -> bool {
        self.read.contains(path)
            || self.exists.contains(path)
            || self.in_folder.contains(folder_of(path))
            || self.under.iter().any(|folder| inside(path, folder).is_some())
            || self.named.contains(name_of(path))
    }
}

fn once(known: &mut BTreeSet<Box<str>>, path: &str) {
    if !known.contains(path) {
        known.insert(path.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ask = fn(&Files);

    fn files(paths: &[&str]) -> Files {
        let mut files = Files::new();
        paths.iter().for_each(|path| files.insert(path, path.as_bytes().to_vec()));
        files
    }

    #[test]
    fn only_what_changes_an_answer_touches() {
        let before = files(&["a", "m/a.tf", "m/n/b.tf"]);
        let after = files(&["a", "m/a.tf", "m/c.tf", "o/x"]);
        let changes =
            Changes { edited: [Box::from("a")].into(), moved: ["m/n/b.tf", "m/c.tf", "o/x"].map(Box::from).into() };
        let cases: &[(&str, Ask, bool)] = &[
            ("an edited file", |files| drop(files.text("a")), true),
            ("an edited file, parsed", |files| drop(files.parsed("a", |_, _| ())), true),
            ("an edited file is still there", |files| _ = files.has("a"), false),
            ("another file", |files| drop(files.text("m/a.tf")), false),
            ("a file that went", |files| _ = files.has("m/n/b.tf"), true),
            ("a file that came", |files| drop(files.text("m/c.tf")), true),
            ("a file that is still missing", |files| drop(files.text("m/d.tf")), false),
            ("a folder with a new file", |files| _ = files.in_folder("m").count(), true),
            ("a folder of which only deeper files moved", |files| _ = files.in_folder("").count(), false),
            ("a tree with a new file", |files| _ = files.under("o").count(), true),
            ("a tree whose name is only the start of another", |files| _ = files.under("m/c").count(), false),
            ("a folder that came", |files| _ = files.has_folder("o"), true),
            ("a folder that went", |files| _ = files.has_folder("m/n"), true),
            ("a folder that stays", |files| _ = files.has_folder("m"), false),
            ("files of a name that came", |files| _ = files.named(&["x"]).count(), true),
            ("files of a name that stay", |files| _ = files.named(&["a.tf"]).count(), false),
            ("all files", |files| _ = files.paths().count(), true),
        ];
        for (what, ask, expect) in cases {
            let asking = before.remembering();
            ask(&asking);
            assert_eq!(asking.into_asked().is_touched(&changes, &after), *expect, "{what}");
        }
    }
}

//! What `git ls-tree -r -z` prints: `<mode> SP <type> SP <object> TAB <file>`, ended by a zero byte.
//! Source: <https://git.github.io/htmldocs/git-ls-tree.html>.

use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub kind: Kind,
    pub object: String,
    /// From the root of the tree, with `/` between its parts.
    pub name: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Submodule,
    /// A symbolic link, or something newer than this.
    Other,
}

pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (head, name) = (line.get(..tab)?, line.get(tab + 1..)?);
    let mut words = std::str::from_utf8(head).ok()?.split(' ');
    let (mode, _, object) = (words.next()?, words.next()?, words.next()?);
    let kind = match mode {
        "100644" | "100755" | "100664" => Kind::File,
        "160000" => Kind::Submodule,
        _ => Kind::Other,
    };
    let hexadecimal = !object.is_empty() && object.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| Entry { kind, object: object.to_owned(), name: name.to_vec() })
}

/// A name within a tree as a relative path; `None` when it could lead out of the folder that it is put in, or into its
/// `.git`. git itself would not make such a tree; somebody else could.
pub(super) fn path_of(name: &[u8]) -> Option<PathBuf> {
    let text = os_string(name)?;
    let path = PathBuf::from(text);
    let fine = |part: std::path::Component<'_>| match part {
        std::path::Component::Normal(part) => !part.eq_ignore_ascii_case(".git"),
        _ => false,
    };
    path.components().all(fine).then_some(path)
}

#[cfg(unix)]
pub(super) fn os_string(name: &[u8]) -> Option<std::ffi::OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(name.to_vec()))
}

#[cfg(not(unix))]
pub(super) fn os_string(name: &[u8]) -> Option<std::ffi::OsString> {
    std::str::from_utf8(name).ok().map(Into::into)
}

/// Whether a file says which other files are left out.
pub(super) fn is_ignore_file(name: &[u8]) -> bool {
    let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    last == b".gitignore" || last == b".ignore"
}

/// The folder of a name, with `/` at its end.
pub(super) fn folder_of(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    name.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_tree() {
        let entry = parse(b"100644 blob 0123abcd\ta b/\xff.tf").unwrap();
        assert_eq!(
            (entry.kind, entry.object.as_str(), entry.name.as_slice()),
            (Kind::File, "0123abcd", &b"a b/\xff.tf"[..])
        );
        assert_eq!(parse(b"120000 blob 01\tlink").unwrap().kind, Kind::Other);
        assert_eq!(parse(b"160000 commit 01\tsub").unwrap().kind, Kind::Submodule);
        for broken in [&b""[..], b"100644 blob 01", b"100644 blob --batch\tx", b"100644\tx", b"\xff blob 01\tx"] {
            assert_eq!(parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_name_stays_inside() {
        assert!(path_of(b"a/b.tf").is_some() && path_of(b".github/x.yml").is_some());
        for name in ["/etc/passwd", "../x", "a/../../x", ".git/hooks/x", "a/.GIT/config"] {
            assert_eq!(path_of(name.as_bytes()), None, "{name}");
        }
        assert_eq!(folder_of(b"a/b/.gitignore"), b"a/b/");
        assert_eq!(folder_of(b".gitignore"), b"");
        assert!(is_ignore_file(b"a/.gitignore") && !is_ignore_file(b"a/x.gitignore"));
    }
}

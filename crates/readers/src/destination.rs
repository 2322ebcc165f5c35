//! From a text that names a destination to a link: hosts outside become components, names inside become links between
//! the organisation's own parts, and what is hidden behind a variable is said to be unknown.

use crate::endpoint::{self, Target};
use allod_facts::{Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use std::net::IpAddr;

/// Who names a destination, and how it is used.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub from: ComponentRef,
    pub kind: LinkKind,
    pub seen: Evidence,
    /// Further lines that decided the text: the line of a variable, a default.
    pub also: Vec<Evidence>,
    pub confidence: Confidence,
    /// Whether `from` works without it.
    pub required: bool,
}

/// What a text named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// A host outside; it was linked.
    Outside(ComponentRef),
    /// A name that is reachable only inside.
    Inside(String),
    /// There is a destination, and nobody can know which: it was reported.
    Hidden,
    /// The text names no destination.
    Nothing,
}

impl Use {
    pub(crate) fn new(from: ComponentRef, kind: LinkKind, seen: Evidence) -> Use {
        Use { from, kind, seen, also: Vec::new(), confidence: Confidence::High, required: true }
    }
}

/// Links to the host that a text names: a URL, `host:port` or a host name.
pub(crate) fn link_to(facts: &mut Facts, text: &str, how: &Use) -> Named {
    match endpoint::sight(facts, text, how.seen.clone(), how.confidence) {
        Some(Target::Host(host)) => {
            if let Some(component) = facts.get_mut(host) {
                how.also.iter().for_each(|line| component.see(line.clone()));
            }
            link(facts, how, host);
            Named::Outside(host)
        }
        Some(Target::Internal(name)) => Named::Inside(name),
        None => match hidden(text) {
            Some((code, what)) => {
                hide(facts, &shown_authority(text), code, what, how);
                Named::Hidden
            }
            None => Named::Nothing,
        },
    }
}

/// Adds a destination of which only the place is known where the files name it: somebody's, and nobody knows whose.
pub(crate) fn hide(facts: &mut Facts, name: &str, code: &'static str, why: String, how: &Use) -> ComponentRef {
    let id = format!("endpoint:{}#{name}", how.seen.path);
    let mut component = Component::new(&id, name, "endpoint", Layer::Unclassified, Role::Provided, how.seen.clone());
    component.confidence = how.confidence;
    let to = facts.add(component);
    link(facts, how, to);
    facts.unresolved(code, why, Some(to), how.seen.clone());
    to
}

/// The host of a URL as it is written, without user and password.
fn shown_authority(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split_once(['/', '?', '#']).map_or(rest, |(authority, _)| authority);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) if !host.is_empty() => host,
        _ => authority,
    };
    authority.chars().take(80).collect()
}

/// Adds the link itself, once for each line.
pub(crate) fn link(facts: &mut Facts, how: &Use, to: ComponentRef) {
    let link = facts.link(how.from, how.kind, to, how.seen.clone());
    if !how.required {
        link.mitigations.push(Mitigation::NotRequired);
    }
    link.evidence.extend(how.also.iter().cloned());
}

/// Why the host of a URL cannot be known: a code and a message without secrets. `None` when the text is no URL.
pub(crate) fn hidden(text: &str) -> Option<(&'static str, String)> {
    text.split_once("://")?;
    let authority = shown_authority(text);
    let shown = &authority;
    if authority.is_empty() {
        return None;
    }
    if authority.contains("{{") && !authority.contains("${{") || authority.contains("<%") || authority.contains("{%") {
        return Some(("U004", format!("the host `{shown}` is filled in by a template")));
    }
    if authority.contains('$') {
        return Some(("U001", format!("the host `{shown}` comes from a variable that no file sets")));
    }
    let masked = authority.contains(['<', '>', '{', '}', '[', '*', '%', '…']);
    masked.then(|| ("U006", format!("the host `{shown}` is redacted or a placeholder")))
}

/// The URLs in a text, in order. Schemes that name no host (`file:`, `s3:`, ...) are left out.
pub(crate) fn urls(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")).map(|at| from + at) {
        let scheme_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let scheme =
            text.as_bytes().get(from..at).unwrap_or_default().iter().rev().take_while(|b| scheme_byte(b)).count();
        let start = at - scheme;
        let end = url_end(text, at + 3);
        if let (Some(name), Some(url)) = (text.get(start..at), text.get(start..end)) {
            let name = name.to_ascii_lowercase();
            if !name.is_empty() && !HOSTLESS_SCHEMES.contains(&name.as_str()) && end > at + 3 {
                found.push(url.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']));
            }
        }
        from = end.max(at + 3);
    }
    found
}

/// Where a URL ends. Spaces inside `${{ }}` and `{{ }}` belong to it.
fn url_end(text: &str, start: usize) -> usize {
    let (mut braces, mut masked) = (0_u32, false);
    for (at, char) in text.get(start..).unwrap_or_default().char_indices() {
        match char {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            '\n' | '"' | '\'' | '`' | '\\' => return start + at,
            // `<redacted>` as a host is a placeholder and belongs to the URL.
            '<' if at == 0 => masked = true,
            '>' if masked => masked = false,
            char if braces == 0 && (char.is_whitespace() || "<>|)^,;".contains(char)) => return start + at,
            _ => {}
        }
    }
    text.len()
}

/// Schemes whose next part is a path, a bucket or an account, not a host.
const HOSTLESS_SCHEMES: &[&str] = &[
    "file",
    "s3",
    "s3a",
    "gs",
    "gcs",
    "unix",
    "npipe",
    "classpath",
    "data",
    "hf",
    "azblob",
    "secret",
    "ref",
    "op",
    "vault",
    "sm",
    "awssm",
    "arn",
    "urn",
    "tag",
    "about",
    "chrome",
    "jar",
    "resource",
    "app",
    "package",
    "sqlite",
    "memory",
    "mem",
    "fd",
    "dir",
    "local",
    "env",
    "input",
    "nested",
    "mailto",
    "tel",
    "vscode",
    "docker-daemon",
];

/// Hosts that appear in files as identifiers of vocabularies and schemas: nothing connects to them.
pub(crate) fn is_vocabulary(host: &str) -> bool {
    const VOCABULARIES: &[&str] = &[
        "www.w3.org",
        "w3.org",
        "json-schema.org",
        "schema.org",
        "schemas.xmlsoap.org",
        "schemas.microsoft.com",
        "schemas.openxmlformats.org",
        "json.schemastore.org",
        "schemastore.org",
        "www.schemastore.org",
        "schemastore.azurewebsites.net",
        "schema.management.azure.com",
        "schemas.android.com",
        "xmlns.jcp.org",
        "java.sun.com",
        "purl.org",
        "ogp.me",
        "xmlns.com",
        "cyclonedx.org",
        "spdx.org",
        "opensource.org",
        "creativecommons.org",
        "choosealicense.com",
        "semver.org",
        "keepachangelog.com",
        "yaml.org",
        "editorconfig.org",
        "shields.io",
        "img.shields.io",
    ];
    VOCABULARIES.contains(&host)
}

/// A link to a document: a page that people read, not a place that a program talks to.
pub(crate) fn is_document(url: &str) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let path = path.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    [".md", ".html", ".htm", ".pdf", ".png", ".svg", ".jpg", ".gif", ".xsd", ".dtd", ".txt", ".rst"]
        .iter()
        .any(|end| path.ends_with(end))
        || crate::endpoint::host_of(url).is_some_and(|host| host.starts_with("docs."))
        || path.contains("/blob/")
        || path.contains("/issues/")
        || path.contains("/pull/")
        || path.contains("/wiki/")
}

/// Whether a text that stands where a host belongs (without a scheme) is one: a dotted name whose last label can be a
/// top-level domain and is no file's ending, or an address.
pub(crate) fn is_bare_host(text: &str) -> bool {
    let Some(host) = endpoint::host_of(text) else { return false };
    if text.contains("://") || text.contains(char::is_whitespace) || text.contains('@') {
        return false;
    }
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let written = text.split(['/', ':']).next().unwrap_or(text);
    let class_name =
        written.rsplit('.').next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_uppercase()))
            && written.bytes().any(|byte| byte.is_ascii_lowercase());
    // `com.amazonaws.eu-west-2.s3`, `org.acme.service`: a name that starts where a host ends.
    let first = host.split('.').next().unwrap_or_default();
    let reversed = ["com", "org", "net", "io", "edu"].contains(&first) && host.split('.').count() > 2;
    (2..=24).contains(&last.len())
        && !reversed
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !FILE_ENDINGS.contains(&last)
        && !class_name
}

/// Endings of file names that are no top-level domain, or that are one more rarely than they are a file's ending.
const FILE_ENDINGS: &[&str] = &[
    "py",
    "js",
    "ts",
    "mjs",
    "cjs",
    "jsx",
    "tsx",
    "json",
    "yaml",
    "yml",
    "toml",
    "xml",
    "html",
    "htm",
    "txt",
    "md",
    "sh",
    "bash",
    "log",
    "conf",
    "cfg",
    "ini",
    "jar",
    "war",
    "ear",
    "zip",
    "gz",
    "tgz",
    "tar",
    "xz",
    "pem",
    "crt",
    "key",
    "cer",
    "csr",
    "jks",
    "sql",
    "db",
    "sqlite",
    "sock",
    "service",
    "socket",
    "timer",
    "java",
    "class",
    "go",
    "rs",
    "rb",
    "php",
    "css",
    "scss",
    "png",
    "jpg",
    "jpeg",
    "svg",
    "gif",
    "ico",
    "csv",
    "tsv",
    "properties",
    "lock",
    "exe",
    "dll",
    "so",
    "bin",
    "dat",
    "tmp",
    "bak",
    "env",
    "tf",
    "tfvars",
    "hcl",
    "tpl",
    "tmpl",
    "j2",
    "erb",
    "lua",
    "vue",
    "kt",
    "scala",
    "gradle",
    "proto",
    "graphql",
    "wasm",
    "map",
    "pdf",
    "doc",
    "docx",
    "xlsx",
    "pid",
    "git",
    "dockerfile",
    "gguf",
    "onnx",
    "pt",
    "safetensors",
    "parquet",
    "snap",
    "deb",
    "rpm",
    "apk",
    "whl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_in_texts() {
        let check = |text: &str, expect: &[&str]| assert_eq!(urls(text), expect, "{text}");
        check("curl -s https://a.lu/x | sh", &["https://a.lu/x"]);
        check("--url=http://b:80 'https://c.eu/p?q=1'.", &["http://b:80", "https://c.eu/p?q=1"]);
        check("see (https://d.de/e).", &["https://d.de/e"]);
        check("file:///etc/x s3://bucket/y", &[]);
        check("https://${{ vars.HOST }}/x y", &["https://${{ vars.HOST }}/x"]);
        check("https://<redacted>/x", &["https://<redacted>/x"]);
        check("jdbc:postgresql://db/x", &["postgresql://db/x"]);
        check("://", &[]);
        check("é://é", &[]);
    }

    #[test]
    fn hidden_hosts() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(hidden(text).map(|(code, _)| code), expect, "{text}");
        check("https://${HOST}/x", Some("U001"));
        check("https://{{ .host }}/x", Some("U004"));
        check("https://<redacted>/x", Some("U006"));
        check("https://***/x", Some("U006"));
        check("https://a.lu/$x", None);
        check("nothing", None);
        let (_, message) = hidden("https://user:pw@${HOST}/x").unwrap();
        assert!(!message.contains("pw"), "{message}");
    }

    #[test]
    fn bare_hosts() {
        let check = |text: &str, expect: bool| assert_eq!(is_bare_host(text), expect, "{text}");
        check("api.mistral.ai", true);
        check("db.clinic.lu:5432", true);
        check("8.8.8.8", true);
        check("main.py", false);
        check("org.postgresql.Driver", false);
        check("1.2.3", false);
        check("com.amazonaws.eu-west-2.athena", false);
        check("io.lu", true);
        check("redis", false);
        check("a b.lu", false);
        check("user@clinic.lu", false);
    }
}

//! Addresses in settings: which part of an environment value, an argument or a Helm value says what a thing talks to.

use crate::endpoint::{HostKind, host_kind, host_of};
use crate::helm::template::HOLE;

/// What a setting says about a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A text whose host [`crate::endpoint::sight`] understands, without what follows the host.
    Known(String),
    /// The setting names a destination, and the host in it is a placeholder or only known elsewhere: the code to report.
    Hidden(&'static str),
}

/// Addresses of one setting are a handful; a list of thousands is data.
const MAX_ADDRESSES: usize = 64;

/// The addresses in a setting: URLs anywhere in the text with the line inside the text (from 0), or the whole text when
/// the name of the setting says that it is a host.
pub(crate) fn addresses(key: &str, text: &str) -> Vec<(u32, Address)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if found.len() >= MAX_ADDRESSES {
            break;
        }
        for url in urls(line) {
            found.extend(judge_url(url).map(|address| (at as u32, address)));
        }
    }
    if found.is_empty() && !text.contains('\n') {
        let template = text.contains("{{");
        for piece in text.split(|c| !template && matches!(c, ',' | ' ' | ';')).take(MAX_ADDRESSES) {
            found.extend(judge_bare(key, piece.trim()).map(|address| (0, address)));
        }
    }
    found
}

/// The URLs in a line, each up to the first character that cannot belong to one.
fn urls(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '|' | '\\');
    line.split(ends).filter(|piece| piece.contains("://")).filter_map(|piece| {
        let at = piece.find("://")?;
        let (before, rest) = piece.split_at_checked(at)?;
        let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+-.:".contains(c)).next()?;
        let scheme = scheme.trim_start_matches([':', '-', '.', '+']);
        (!scheme.is_empty() || before.is_empty()).then_some(())?;
        piece.get(at - scheme.len()..).filter(|_| rest.len() > 3)
    })
}

/// Schemes whose authority is no host on a network.
const LOCAL_SCHEMES: &[&str] = &[
    "file",
    "unix",
    "s3",
    "s3a",
    "s3n",
    "gs",
    "gcs",
    "hf",
    "pvc",
    "spiffe",
    "env",
    "ref",
    "data",
    "inproc",
    "npipe",
    "fd",
    "abfs",
    "abfss",
    "wasb",
    "wasbs",
    "az",
    "oci-layout",
    "secret",
    "vault",
    "awssm",
    "gsm",
    "classpath",
    "chrome",
    "about",
    "urn",
    "k8s",
    "dns",
    "docker-daemon",
    "containerd",
    "bundle",
    "template",
    "exec",
    "op",
];

/// Hosts that name a format and are never called.
const IDENTIFIER_HOSTS: &[&str] =
    &["www.w3.org", "json-schema.org", "xmlns.com", "schemas.xmlsoap.org", "java.sun.com", "schema.org"];

fn judge_url(url: &str) -> Option<Address> {
    let (scheme, rest) = url.split_once("://")?;
    let last = scheme.rsplit(':').next().unwrap_or(scheme).to_ascii_lowercase();
    if LOCAL_SCHEMES.contains(&last.as_str()) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.is_empty() {
        return None;
    }
    let host_part = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(suffix) = known_suffix(host_part) {
        return Some(Address::Known(format!("{last}://{suffix}")));
    }
    if let Some(hidden) = hidden(host_part) {
        return Some(hidden);
    }
    let trimmed = host_part.trim_end_matches([')', ']', '}', '>', '.']);
    let host_part = if host_part.starts_with('[') { host_part } else { trimmed };
    let known = format!("{last}://{host_part}");
    let host = host_of(&known)?;
    (!IDENTIFIER_HOSTS.contains(&host.as_str())).then_some(Address::Known(known))
}

/// Words at the end of a setting's name that say that its value is a host.
const HOST_WORDS: &[&str] = &[
    "HOST",
    "HOSTS",
    "HOSTNAME",
    "ENDPOINT",
    "ENDPOINTS",
    "ADDR",
    "ADDRS",
    "ADDRESS",
    "ADDRESSES",
    "SERVER",
    "SERVERS",
    "URL",
    "URLS",
    "URI",
    "BROKER",
    "BROKERS",
    "SITE",
    "BROKERLIST",
    "BASEURL",
    "SERVERURL",
    "DSN",
    "UPSTREAM",
    "REGISTRY",
];

/// Endings that make a dotted word a file or a package, not a host.
const FILE_ENDINGS: &[&str] = &[
    "json",
    "yaml",
    "yml",
    "conf",
    "cfg",
    "ini",
    "toml",
    "xml",
    "txt",
    "log",
    "crt",
    "cert",
    "pem",
    "key",
    "sock",
    "jar",
    "py",
    "js",
    "ts",
    "so",
    "bin",
    "properties",
    "env",
    "sql",
    "db",
    "html",
    "css",
    "csv",
    "zip",
    "tar",
    "gz",
    "class",
    "war",
    "tmpl",
    "lua",
    "rb",
    "php",
    "exe",
    "dll",
    "rules",
    "pub",
    "crl",
    "p12",
    "jks",
    "template",
    "service",
    "tgz",
];

pub(crate) fn says_host(key: &str) -> bool {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in key.chars() {
        if matches!(c, '_' | '-' | '.' | '/' | ' ') || (c.is_ascii_uppercase() && lower_before) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_uppercase());
        }
        lower_before = c.is_ascii_lowercase();
    }
    words.push(word);
    words.last().is_some_and(|last| HOST_WORDS.contains(&last.as_str()))
}

fn judge_bare(key: &str, text: &str) -> Option<Address> {
    if text.is_empty() || text.len() > 300 {
        return None;
    }
    let says_host = says_host(key);
    let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let shown = shown.split('/').next().unwrap_or(shown);
    if says_host && let Some(suffix) = known_suffix(shown) {
        return Some(Address::Known(suffix));
    }
    if says_host && let Some(hidden) = hidden(shown) {
        return Some(hidden);
    }
    // `spec.override.nodeAgent.host` is a path in a document.
    let camel = |pair: &[u8]| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase());
    if shown.as_bytes().windows(2).any(camel) {
        return None;
    }
    let host = host_of(shown)?;
    let has_port = shown.contains(':') && !host.contains(':');
    let top = host.rsplit('.').next()?;
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if is_address {
        return (says_host || has_port).then(|| Address::Known(shown.to_owned()));
    }
    let plausible = top.len() >= 2
        && top.bytes().all(|b| b.is_ascii_alphabetic())
        && !FILE_ENDINGS.contains(&top)
        && shown == shown.trim();
    (plausible && (says_host || has_port)).then(|| Address::Known(shown.to_owned()))
}

/// Whether the host is not in the text: a template's, a variable's, or redacted.
pub(crate) fn hidden(host: &str) -> Option<Address> {
    if host.contains(HOLE) || host.contains("{{") || host.contains("{%") {
        return Some(Address::Hidden("U004"));
    }
    if host.contains("${") || host.contains("$(") || host.starts_with('$') {
        return Some(Address::Hidden("U001"));
    }
    let lower = host.to_ascii_lowercase();
    let placeholder = (host.contains('<') && host.contains('>')) || host.contains("***") || lower.contains("redacted");
    placeholder.then_some(Address::Hidden("U006"))
}

/// The part of a host that is known although its first labels are filled in later, as a host with `*`:
/// `${TUNNEL}.cfargotunnel.com` is one of Cloudflare's whatever the variable holds. `None` when the text has no such
/// labels, or fewer than two known ones.
pub(crate) fn known_suffix(host: &str) -> Option<String> {
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, format!(":{port}"))
        }
        _ => (host, String::new()),
    };
    let open = host.rfind([HOLE, '}', '>', ')'])?;
    let rest = host.get(open..)?;
    let rest = rest.get(rest.chars().next()?.len_utf8()..)?;
    let (glued, suffix) = rest.split_once('.')?;
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fine = (glued.is_empty() || label(glued)) && suffix.contains('.') && suffix.split('.').all(label);
    (fine && hidden(host).is_some()).then(|| format!("*.{}{port}", suffix.to_ascii_lowercase()))
}

/// The message of a hidden destination. A key that is no plain name may hold anything, so it is not shown.
pub(crate) fn not_in_files(key: &str) -> String {
    let plain =
        !key.is_empty() && key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if plain {
        format!("the destination in `{key}` is not in the files")
    } else {
        "the destination of a setting is not in the files".to_owned()
    }
}

/// Whether the address leads out of the organisation's own network.
pub(crate) fn leads_out(address: &str) -> bool {
    host_of(address).is_some_and(|host| host_kind(&host) != HostKind::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_settings() {
        let check = |key: &str, text: &str, expect: &[&str]| {
            let shown: Vec<String> = addresses(key, text)
                .into_iter()
                .map(|(line, address)| match address {
                    Address::Known(text) => format!("{line}:{text}"),
                    Address::Hidden(code) => format!("{line}!{code}"),
                })
                .collect();
            assert_eq!(shown, expect, "{key}={text}");
        };
        check("X", "https://u:p@api.mistral.ai/v1?key=1", &["0:https://api.mistral.ai"]);
        check("ARGS", "curl -s https://a.example.org/x | sh", &["0:https://a.example.org"]);
        check("X", "a\n  see (https://b.net/x).\n", &["1:https://b.net"]);
        check("DB", "jdbc:postgresql://db.acme.net:5432/x", &["0:postgresql://db.acme.net:5432"]);
        check("DD_SITE", "datadoghq.eu", &["0:datadoghq.eu"]);
        check("KAFKA_BROKERS", "a.acme.net:9092,b.acme.net:9092", &["0:a.acme.net:9092", "0:b.acme.net:9092"]);
        check("SMTP_HOST", "smtp.acme.net", &["0:smtp.acme.net"]);
        check("smtpHost", "smtp.acme.net", &["0:smtp.acme.net"]);
        check("VERSION", "1.2.3", &[]);
        check("CONFIG", "app.config.json", &[]);
        check("CLASS", "org.acme.Main", &[]);
        check("PORT", "8080", &[]);
        check("API_URL", "https://${HOST}/x", &["0!U001"]);
        check("API_URL", "https://<redacted>/x", &["0!U006"]);
        check("API_HOST", "{{ host }}", &["0!U004"]);
        check("API_URL", "https://${TENANT}.acme.net:8443/x", &["0:https://*.acme.net:8443"]);
        check("API_URL", "https://logs-{{region}}.acme.net", &["0:https://*.acme.net"]);
        check("API_URL", "https://${HOST}.net/x", &["0!U001"]);
        check("API_URL", "https://app.${DOMAIN}/x", &["0!U001"]);
        check("API_HOST", "<tenant>.acme.net", &["0:*.acme.net"]);
        check("FIELD_HOST", "spec.nodeAgent.host", &[]);
        check("BUCKET", "s3://my.bucket/x", &[]);
        check("F", "file:///etc/x", &[]);
        check("N", "xmlns=\"http://www.w3.org/2000/svg\"", &[]);
    }
}

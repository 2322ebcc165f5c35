//! Hosts in texts: URLs, `host:port`, connection strings; and which names can never be somebody's service.

use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, Role};
use std::net::IpAddr;

/// What a host name is, before anybody looks at the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// A public name or address: the register may know whose it is.
    Public,
    /// Reachable only inside: loopback, private addresses, single labels, `.local`, `.internal`, `.svc`.
    Internal,
    /// Reserved for examples (RFC 2606, RFC 6761), or redacted: nobody's, and so unknown.
    Placeholder,
}

/// The host of a URL, a `host:port`, a `user@host` or a bare host name with at least one dot. Lower case, without
/// port, brackets and trailing dot. `None` when the text is none of these or holds unexpanded variables in the host.
pub fn host_of(text: &str) -> Option<String> {
    let text = text.trim();
    let (with_scheme, rest) = match text.find("://") {
        Some(at) => {
            let scheme = text.get(..at)?;
            let known = scheme.rsplit(':').next().unwrap_or(scheme);
            if known.is_empty() || !known.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
                return None;
            }
            (true, text.get(at + 3..)?)
        }
        None => (false, text),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // Several hosts (`a:9092,b:9092`): the first one; callers that need all split before.
    let authority = authority.split(',').next().unwrap_or(authority);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']')?.0,
        None if authority.parse::<std::net::Ipv6Addr>().is_ok() => authority,
        None => match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            Some(_) if with_scheme => authority.split(':').next().unwrap_or(authority),
            Some(_) => return None,
            None => authority,
        },
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let fine = is_host_name(&host) || host.parse::<IpAddr>().is_ok();
    (fine && (with_scheme || host.contains('.') || host.contains(':'))).then_some(host)
}

/// Letters, digits, `-`, `_` in labels, `*` as a whole first label; at most 253 characters (RFC 1035).
pub fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').enumerate().all(|(at, label)| {
            (at == 0 && label == "*")
                || (!label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
        })
}

/// Top-level labels that never lead out (RFC 6762, RFC 8375 and ICANN's `.internal`, and what clusters use).
const INTERNAL_SUFFIXES: &[&str] = &[
    "local",
    "localhost",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "svc",
    "cluster.local",
    "localdomain",
    "corp",
    "home",
    "private",
];

/// Reserved names (RFC 2606, RFC 6761) and what people write where a name belongs.
const PLACEHOLDER_SUFFIXES: &[&str] = &["example", "invalid", "test", "example.com", "example.org", "example.net"];

/// Usual names of namespaces, none of them a top-level domain: `bootstrap.kafka:9092` is a service of the cluster.
const NAMESPACES: &[&str] = &[
    "default",
    "kafka",
    "redis",
    "minio",
    "mongodb",
    "postgres",
    "postgresql",
    "mysql",
    "elastic",
    "elasticsearch",
    "opensearch",
    "rabbitmq",
    "nats",
    "monitoring",
    "observability",
    "logging",
    "tracing",
    "telemetry",
    "prometheus",
    "grafana",
    "loki",
    "tempo",
    "jaeger",
    "vault",
    "keycloak",
    "argocd",
    "production",
    "staging",
    "databases",
    "database",
    "infra",
];

const PLACEHOLDER_WORDS: &[&str] = &[
    "redacted",
    "changeme",
    "change-me",
    "your-domain",
    "yourdomain",
    "mydomain",
    "your-company",
    "yourcompany",
    "your-org",
    "placeholder",
    "xxx",
    "xxxx",
    "foo.bar",
    "todo",
];

pub fn host_kind(host: &str) -> HostKind {
    if let Ok(address) = host.parse::<IpAddr>() {
        return address_kind(address);
    }
    let under = |suffix: &&str| host.strip_suffix(*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if PLACEHOLDER_SUFFIXES.iter().any(under)
        || PLACEHOLDER_WORDS.iter().any(|word| host.split('.').any(|label| label == *word) || host == *word)
    {
        return HostKind::Placeholder;
    }
    if !host.contains('.') || INTERNAL_SUFFIXES.iter().any(under) {
        return HostKind::Internal;
    }
    // No top-level domain has a hyphen but the encoded ones: `web.shop-dev` is a service in a namespace.
    let top = host.rsplit('.').next().unwrap_or(host);
    if (top.contains(['-', '_']) && !top.starts_with("xn--")) || NAMESPACES.contains(&top) {
        return HostKind::Internal;
    }
    // `name.namespace.svc:port` and `name.namespace.svc.something`.
    if host.split('.').nth(2) == Some("svc") {
        return HostKind::Internal;
    }
    HostKind::Public
}

fn address_kind(address: IpAddr) -> HostKind {
    let inside = match address {
        IpAddr::V4(v4) => {
            let carrier_grade =
                v4.octets().first() == Some(&100) && v4.octets().get(1).is_some_and(|b| (64..128).contains(b));
            if v4.is_documentation() {
                return HostKind::Placeholder;
            }
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || carrier_grade
        }
        IpAddr::V6(v6) => {
            if v6.segments().starts_with(&[0x2001, 0xdb8]) {
                return HostKind::Placeholder;
            }
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
        }
    };
    if inside { HostKind::Internal } else { HostKind::Public }
}

/// The id of the component for a host, shared by all readers.
pub fn host_id(host: &str) -> String {
    format!("host:{host}")
}

/// The component for something reached at a public host. Its layer is the register's to say.
pub fn host_component(host: &str, seen: Evidence, confidence: Confidence) -> Component {
    let mut component = Component::new(&host_id(host), host, "host", Layer::Unclassified, Role::Provided, seen);
    component.clues.push(Clue::new(ClueKind::Host, host));
    component.confidence = confidence;
    component
}

/// What a text turned out to point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A host outside: its component was added. A reserved or redacted name is one of these too; the stack tells it
    /// apart when it knows which zones are the organisation's own.
    Host(ComponentRef),
    /// A name that is reachable only inside.
    Internal(String),
}

/// Finds the host in a text (URL, `host:port`, host name) and adds its component when it lies outside. `None`: no host.
pub fn sight(facts: &mut Facts, text: &str, seen: Evidence, confidence: Confidence) -> Option<Target> {
    let host = host_of(text)?;
    Some(match host_kind(&host) {
        HostKind::Internal => Target::Internal(host),
        HostKind::Public | HostKind::Placeholder => Target::Host(facts.add(host_component(&host, seen, confidence))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_in_texts() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(host_of(text).as_deref(), expect, "{text}");
        check("https://otlp.nr-data.net", Some("otlp.nr-data.net"));
        check("https://user:pw@Api.Example.COM:8443/x?y#z", Some("api.example.com"));
        check("jdbc:postgresql://db.example.com:5432/x", Some("db.example.com"));
        check("http://objectstore:8000", Some("objectstore"));
        check("api.eu.mistral.ai:443", Some("api.eu.mistral.ai"));
        check("mongodb+srv://u:p@c0.abc.mongodb.net/db", Some("c0.abc.mongodb.net"));
        check("[2001:db8::1]:53", Some("2001:db8::1"));
        check("https://[::1]/", Some("::1"));
        check("10.0.0.1:53", Some("10.0.0.1"));
        check("localhost", None);
        check("https://${HOST}/x", None);
        check("https://{{ .Values.host }}", None);
        check("hello world", None);
        check("", None);
    }

    #[test]
    fn kinds_of_hosts() {
        use HostKind::*;
        let check = |host: &str, expect| assert_eq!(host_kind(host), expect, "{host}");
        check("api.mistral.ai", Public);
        check("objectstore", Internal);
        check("db.prod.svc.cluster.local", Internal);
        check("db.prod.svc", Internal);
        check("bootstrap.kafka", Internal);
        check("web.shop-dev", Internal);
        check("web.xn--p1ai", Public);
        check("192.168.1.1", Internal);
        check("100.64.0.1", Internal);
        check("8.8.8.8", Public);
        check("192.0.2.1", Placeholder);
        check("clinic.example", Placeholder);
        check("logs.example.com", Placeholder);
        check("notexample.com", Public);
    }
}

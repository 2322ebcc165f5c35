//! Named values, as in an environment: which of them say what a program talks to.
//!
//! A value that names a host is a link. A value that names a neighbour is a link to that. The name of a credential
//! (`MISTRAL_API_KEY`) is a hint, and only where no value says where the credential goes.

use crate::destination::{self, Named, Use};
use crate::endpoint;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Role};
use std::collections::BTreeSet;

/// One named value, variables replaced where a file sets them.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub key: String,
    /// `None`: the name is there and the value comes from outside.
    pub value: Option<String>,
    pub seen: Evidence,
    /// The lines that set the variables in the value.
    pub also: Vec<Evidence>,
    pub confidence: Confidence,
}

/// Where settings belong and what they can name.
pub(crate) struct Reading<'a> {
    pub owner: ComponentRef,
    /// Ids of hints are `<stem><NAME>`.
    pub stem: &'a str,
    /// The neighbour that a name inside stands for.
    pub neighbour: &'a dyn Fn(&str) -> Option<ComponentRef>,
    /// Whether something beside the settings says where S3 requests go (`--endpoint-url`).
    pub object_store_known: bool,
    /// Whether the names of credentials are hints.
    pub hints: bool,
}

/// What settings decided: first words of the keys whose value says where it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decided {
    pub words: BTreeSet<String>,
    pub object_store_known: bool,
}

/// Reads all settings of one program.
pub(crate) fn read(facts: &mut Facts, settings: &[Setting], how: &Reading<'_>) -> Decided {
    // First words of the keys whose value says where it goes (`SENTRY_DSN`, `S3_ENDPOINT`): they decide for their
    // credentials.
    let mut decided = BTreeSet::new();
    let mut object_store_known = how.object_store_known;
    for setting in settings {
        if read_destination(facts, setting, how) {
            let words = words(&setting.key);
            object_store_known |= words.iter().any(|word| OBJECT_STORE_WORDS.contains(&word.as_str()));
            decided.extend(words.into_iter().next());
        }
    }
    let mut keys_without_store = None;
    for setting in settings {
        let first = words(&setting.key).into_iter().next().unwrap_or_default();
        if AWS_CREDENTIALS.contains(&setting.key.to_ascii_uppercase().as_str()) {
            keys_without_store = keys_without_store.or(Some(setting));
        } else if how.hints
            && is_credential(&setting.key)
            && !decided.contains(&first)
            && !is_empty_or_literal_flag(setting)
        {
            hint(facts, setting, how);
        }
    }
    if let Some(setting) = keys_without_store.filter(|_| how.hints && !object_store_known) {
        let message = format!("`{}` is set, and no endpoint says which S3-compatible service it is for", setting.key);
        facts.unresolved("U007", message, Some(how.owner), setting.seen.clone());
    }
    Decided { words: decided, object_store_known }
}

/// Links to what the value of a setting names. Whether it names any destination, a hidden one included.
fn read_destination(facts: &mut Facts, setting: &Setting, how: &Reading<'_>) -> bool {
    let words = words(&setting.key);
    let Some(value) = setting.value.as_deref().map(str::trim).filter(|value| !value.is_empty()) else {
        return false;
    };
    if is_own_name(&words) {
        return false;
    }
    let mut with = Use::new(how.owner, LinkKind::SendsTo, setting.seen.clone());
    with.also.clone_from(&setting.also);
    with.confidence = setting.confidence;
    with.required = !is_telemetry(&words);
    let names_host = is_endpoint_key(&words);
    let mut found = false;
    let urls = destination::urls(value);
    for url in &urls {
        let neighbour = endpoint::host_of(url).and_then(|host| neighbour(&host, how.neighbour));
        if let Some(to) = neighbour.filter(|to| *to != how.owner) {
            destination::link(facts, &with, to);
            found = true;
            continue;
        }
        if endpoint::host_of(url).is_some_and(|host| destination::is_vocabulary(&host)) {
            continue;
        }
        let named = destination::link_to(facts, url, &with);
        found |= take(facts, &named, &with, how);
    }
    if !urls.is_empty() {
        return found;
    }
    // Pieces of an expression are no hosts.
    let value = if value.contains("{{") { "" } else { value };
    for part in value.split([',', ';', ' ']).map(str::trim).filter(|part| !part.is_empty()).take(MAX_PARTS) {
        // `address#port` is how dnsmasq and Pi-hole write an upstream.
        let part = part.split_once('#').map_or(part, |(address, _)| address);
        let has_port = part.rsplit_once(':').is_some_and(|(_, port)| is_port(port));
        if names_host && destination::is_bare_host(part) {
            let named = destination::link_to(facts, part, &with);
            found |= take(facts, &named, &with, how);
        } else if names_host || has_port {
            let name = part.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(part, |(name, _)| name);
            if let Some(to) = (how.neighbour)(name).filter(|to| *to != how.owner) {
                destination::link(facts, &with, to);
                found = true;
            }
        }
    }
    let hidden = names_host && !found && value.contains("${") || value.starts_with('$') && names_host && !found;
    if hidden {
        let message = format!("`{}` comes from a variable that no file sets", setting.key);
        facts.unresolved("U001", message, Some(how.owner), setting.seen.clone());
    } else if names_host && !found && is_masked(value) {
        let message = format!("the value of `{}` is redacted or a placeholder", setting.key);
        facts.unresolved("U006", message, Some(how.owner), setting.seen.clone());
        return true;
    }
    found || hidden || (names_host && matches!(value, "localhost" | "127.0.0.1"))
}

/// Whether something was named; a name inside is linked to its neighbour.
fn take(facts: &mut Facts, named: &Named, with: &Use, how: &Reading<'_>) -> bool {
    if let Named::Inside(name) = named
        && let Some(to) = (how.neighbour)(name).filter(|to| *to != how.owner)
    {
        destination::link(facts, with, to);
    }
    *named != Named::Nothing
}

/// The neighbour that a host names: a service, or `service.network`.
pub(crate) fn neighbour(host: &str, find: &dyn Fn(&str) -> Option<ComponentRef>) -> Option<ComponentRef> {
    find(host).or_else(|| {
        let (name, network) = host.split_once('.')?;
        network.contains(['-', '_']).then(|| find(name)).flatten().filter(|_| !network.contains('.'))
    })
}

fn hint(facts: &mut Facts, setting: &Setting, how: &Reading<'_>) {
    let id = format!("env:{}{}", how.stem, setting.key);
    let mut component =
        Component::new(&id, &setting.key, "credential", Layer::Unclassified, Role::Provided, setting.seen.clone());
    component.clues.push(Clue::new(ClueKind::EnvVar, &setting.key));
    component.confidence = Confidence::Low;
    let to = facts.add(component);
    let mut with = Use::new(how.owner, LinkKind::SendsTo, setting.seen.clone());
    with.required = !is_telemetry(&words(&setting.key));
    destination::link(facts, &with, to);
}

/// Hosts in one value.
const MAX_PARTS: usize = 64;

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `DD_API_KEY=` and `SENTRY_ENABLED=false` say that nothing is used.
fn is_empty_or_literal_flag(setting: &Setting) -> bool {
    setting.value.as_deref().is_some_and(|value| {
        matches!(value.trim().to_ascii_lowercase().as_str(), "" | "true" | "false" | "0" | "1" | "none" | "null")
    })
}

fn is_masked(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.starts_with('<') && value.ends_with('>')
        || value.contains("***")
        || ["redacted", "changeme", "change-me", "placeholder"].iter().any(|word| lower.contains(word))
}

/// The words of a key, lower case: `CWA_OBJECTSTORE_ENDPOINT`, `spring.datasource.url`, `baseUrl`.
pub(crate) fn words(key: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before_lower = false;
    for char in key.chars().take(200) {
        let starts = char.is_uppercase() && before_lower;
        if (!char.is_alphanumeric() || starts) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if char.is_alphanumeric() {
            word.extend(char.to_lowercase());
        }
        before_lower = char.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether the value under a key is a host or URL by its name.
pub(crate) fn is_endpoint_key(words: &[String]) -> bool {
    const ENDPOINT_WORDS: &[&str] = &[
        "host",
        "hosts",
        "hostname",
        "hostnames",
        "url",
        "urls",
        "uri",
        "uris",
        "endpoint",
        "endpoints",
        "server",
        "servers",
        "address",
        "addresses",
        "addr",
        "addrs",
        "broker",
        "brokers",
        "dsn",
        "domain",
        "bootstrap",
        "upstream",
        "upstreams",
        "resolver",
        "resolvers",
        "nameserver",
        "nameservers",
        "dns",
        "doh",
        "smarthost",
        "relayhost",
        "registry",
        "backend",
        "peer",
        "peers",
        "baseurl",
        "apiurl",
        "issuer",
        "authority",
        "webhook",
        "remote",
        "seeds",
        "collector",
        "relay",
        "ntp",
        "forwarders",
        "forwarder",
    ];
    // `SERVER_PORT`, `dns.timeout`: about a host, and none.
    const ABOUT: &[&str] = &[
        "port",
        "ports",
        "cidr",
        "user",
        "username",
        "cert",
        "certificate",
        "timeout",
        "enabled",
        "enable",
        "path",
        "type",
        "mode",
        "protocol",
        "scheme",
        "prefix",
        "suffix",
        "pattern",
        "count",
        "class",
        "id",
        "key",
        "token",
        "verify",
        "secret",
    ];
    if words.last().is_some_and(|last| ABOUT.contains(&last.as_str())) {
        return false;
    }
    let has = |word: &str| words.iter().any(|known| known == word);
    // `DD_SITE=datadoghq.eu` is Datadog's own way to name its host.
    words.iter().any(|word| ENDPOINT_WORDS.contains(&word.as_str()))
        || has("site") && (has("dd") || has("datadog"))
        || has("base") && has("api")
}

/// Whether a key names the organisation's own addresses, people or papers, not something that is talked to.
pub(crate) fn is_own_name(words: &[String]) -> bool {
    const OWN_WORDS: &[&str] = &[
        "cors",
        "origin",
        "origins",
        "allowed",
        "trusted",
        "whitelist",
        "allowlist",
        "redirect",
        "redirects",
        "callback",
        "virtual",
        "letsencrypt",
        "csrf",
        "cookie",
        "logout",
        "license",
        "licence",
        "docs",
        "doc",
        "documentation",
        "homepage",
        "schema",
        "xmlns",
        "namespace",
        "email",
        "mailto",
        "sender",
        "contact",
        "support",
        "help",
        "description",
        "title",
        "comment",
        "summary",
        "user",
        "username",
        "password",
        "passwd",
        "public",
        "external",
        "advertised",
        "listen",
        "bind",
        "listeners",
        "listener",
        "exclude",
        "excluded",
        "ignore",
        "noproxy",
        "version",
        "image",
        "example",
        "examples",
        "favicon",
        "logo",
        "avatar",
        "icon",
        "terms",
        "privacy",
        "imprint",
    ];
    words.iter().any(|word| OWN_WORDS.contains(&word.as_str()))
        || words
            .iter()
            .zip(words.iter().skip(1))
            .any(|(a, b)| a == "no" && b == "proxy" || a == "server" && b == "name")
}

/// Whether the program works without what a key names: telemetry, error tracking, notifications.
pub(crate) fn is_telemetry(words: &[String]) -> bool {
    const TELEMETRY_WORDS: &[&str] = &[
        "otel",
        "otlp",
        "sentry",
        "dd",
        "datadog",
        "newrelic",
        "relic",
        "honeycomb",
        "loki",
        "telemetry",
        "metrics",
        "tracing",
        "traces",
        "jaeger",
        "zipkin",
        "log",
        "logs",
        "logging",
        "analytics",
        "posthog",
        "matomo",
        "rollbar",
        "bugsnag",
        "slack",
        "webhook",
        "prometheus",
        "pyroscope",
        "langfuse",
        "statsd",
        "apm",
        "elastic",
        "splunk",
    ];
    words.iter().any(|word| TELEMETRY_WORDS.contains(&word.as_str()))
}

/// Names that speak to every S3-compatible store.
pub(crate) const AWS_CREDENTIALS: &[&str] =
    &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"];

/// Words of a key by which an endpoint is one of an object store.
const OBJECT_STORE_WORDS: &[&str] =
    &["s3", "aws", "minio", "objectstore", "objectstorage", "bucket", "storage", "endpoint", "blob", "spaces", "r2"];

/// Whether a name looks like a service's credential: the register knows which of them it is.
pub(crate) fn is_credential(name: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "_API_KEY",
        "_APIKEY",
        "_TOKEN",
        "_DSN",
        "_KEY",
        "_SECRET",
        "_KEY_ID",
        "_CLIENT_ID",
        "_ACCOUNT_SID",
        "_APP_ID",
        "_PROJECT_ID",
        "_ACCESS_KEY",
        "_LICENSE_KEY",
        "_WEBHOOK_URL",
        "_WEBHOOK",
    ];
    const STARTS: &[&str] = &[
        "DD_",
        "DATADOG_",
        "NEW_RELIC_",
        "NEWRELIC_",
        "SENTRY_",
        "AZURE_",
        "GOOGLE_",
        "GCP_",
        "GCLOUD_",
        "OPENAI_",
        "ANTHROPIC_",
        "MISTRAL_",
        "HF_",
        "HUGGINGFACE_",
        "HUGGING_FACE_",
        "CLOUDFLARE_",
        "CF_",
        "STRIPE_",
        "TWILIO_",
        "SENDGRID_",
        "MAILGUN_",
        "MAILJET_",
        "BREVO_",
        "POSTMARK_",
        "AUTH0_",
        "OKTA_",
        "SCW_",
        "OVH_",
        "HCLOUD_",
        "DIGITALOCEAN_",
        "LINODE_",
        "FASTLY_",
        "ALGOLIA_",
        "SONAR_",
        "SNYK_",
        "PAGERDUTY_",
        "GITHUB_",
        "VERCEL_",
        "NETLIFY_",
        "FIREBASE_",
        "SUPABASE_",
        "MAPBOX_",
        "SEGMENT_",
        "AMPLITUDE_",
        "MIXPANEL_",
        "POSTHOG_",
        "HONEYCOMB_",
        "GRAFANA_CLOUD_",
        "ELASTIC_CLOUD_",
        "MONGODB_ATLAS_",
        "CONFLUENT_",
        "LAUNCHDARKLY_",
    ];
    // Last words of names that open or name an account; `DD_ENV` and `SENTRY_RELEASE` do not.
    const OPENS: &[&str] = &[
        "KEY",
        "TOKEN",
        "SECRET",
        "DSN",
        "ID",
        "CREDENTIALS",
        "PASSWORD",
        "ACCOUNT",
        "PROJECT",
        "TENANT",
        "SID",
        "ORG",
        "WEBHOOK",
        "URL",
        "APIKEY",
        "SITE",
        "AUTH",
    ];
    // Names that every program has for itself.
    const OWN: &[&str] = &[
        "API",
        "APP",
        "JWT",
        "SECRET",
        "AUTH",
        "ACCESS",
        "SESSION",
        "ENCRYPTION",
        "PRIVATE",
        "PUBLIC",
        "SSL",
        "TLS",
        "DB",
        "DATABASE",
        "POSTGRES",
        "MYSQL",
        "REDIS",
        "ADMIN",
        "USER",
        "ROOT",
        "SIGNING",
        "COOKIE",
        "CSRF",
        "MASTER",
        "RAILS",
        "DJANGO",
        "MINIO",
        "S3",
        "REFRESH",
        "WEBHOOK",
        "HASH",
        "CRYPT",
        "KEY",
        "TOKEN",
        "BOT",
    ];
    let upper = name.to_ascii_uppercase();
    if upper == "GITHUB_TOKEN" || upper != name || name.len() > 100 {
        return false;
    }
    let first = upper.split('_').next().unwrap_or_default();
    let last = upper.rsplit('_').next().unwrap_or_default();
    !upper.starts_with("GITHUB_R") && STARTS.iter().any(|start| upper.starts_with(start)) && OPENS.contains(&last)
        || (ENDINGS.iter().any(|end| upper.ends_with(end)) && !OWN.contains(&first))
        || upper.starts_with("AWS_") && upper.contains("BEARER")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn check(settings: &[(&str, &str)], expect: &[&str]) {
        let path: Arc<str> = Arc::from("f");
        let mut facts = Facts::new();
        let seen = |line| Evidence::line(&path, line, "test");
        let owner = facts.add(Component::new("o", "o", "o", Layer::Application, Role::Own, seen(1)));
        let db = facts.add(Component::new("db", "db", "o", Layer::Application, Role::Own, seen(1)));
        let settings: Vec<Setting> = (2..)
            .zip(settings)
            .map(|(line, (key, value))| Setting {
                key: (*key).into(),
                value: (*value != "-").then(|| (*value).into()),
                seen: seen(line),
                also: Vec::new(),
                confidence: Confidence::High,
            })
            .collect();
        let neighbour = |name: &str| (name == "db").then_some(db);
        let how = Reading { owner, stem: "s/", neighbour: &neighbour, object_store_known: false, hints: true };
        read(&mut facts, &settings, &how);
        let mut shown: Vec<String> = facts
            .links
            .iter()
            .map(|link| facts.components.get(link.to as usize).unwrap().id.to_string())
            .chain(facts.unresolved.iter().map(|one| one.code.to_owned()))
            .collect();
        shown.dedup();
        assert_eq!(shown, expect, "{settings:?}");
    }

    #[test]
    fn values_that_name_something() {
        check(&[("API_URL", "https://api.mistral.ai/v1")], &["host:api.mistral.ai"]);
        check(&[("DD_SITE", "datadoghq.eu"), ("DD_API_KEY", "-")], &["host:datadoghq.eu"]);
        check(&[("DD_API_KEY", "-")], &["env:s/DD_API_KEY"]);
        check(&[("DB_HOST", "db"), ("DB_USER", "db")], &["db"]);
        check(&[("CACHE", "db:6379")], &["db"]);
        check(&[("PIHOLE_DNS_", "172.20.0.2#5054;1.1.1.1")], &["host:1.1.1.1"]);
        check(&[("APP_VERSION", "1.2.3.4")], &[]);
        check(&[("ALLOWED_ORIGINS", "https://clinic.lu")], &[]);
        check(&[("MODEL_URL", "${MODEL_URL}")], &["U001"]);
        check(&[("DATABASE_HOST", "<redacted>")], &["U006"]);
    }

    #[test]
    fn s3_credentials_speak_to_any_store() {
        check(&[("AWS_ACCESS_KEY_ID", "-"), ("AWS_SECRET_ACCESS_KEY", "-")], &["U007"]);
        check(&[("AWS_ACCESS_KEY_ID", "x"), ("S3_ENDPOINT", "http://objectstore:8000")], &[]);
        check(
            &[("AWS_ACCESS_KEY_ID", "x"), ("S3_ENDPOINT", "https://s3.fr-par.scw.cloud")],
            &["host:s3.fr-par.scw.cloud"],
        );
    }

    #[test]
    fn names_that_open_an_account() {
        let check = |name: &str, expect: bool| assert_eq!(is_credential(name), expect, "{name}");
        check("MISTRAL_API_KEY", true);
        check("SENTRY_DSN", true);
        check("GOOGLE_APPLICATION_CREDENTIALS", true);
        check("SENTRY_RELEASE", false);
        check("GITHUB_REPOSITORY", false);
        check("GITHUB_TOKEN", false);
        check("JWT_SECRET", false);
        check("api_key", false);
    }

    #[test]
    fn words_of_keys() {
        assert_eq!(words("CWA_OBJECTSTORE_ENDPOINT"), ["cwa", "objectstore", "endpoint"]);
        assert_eq!(words("spring.baseUrl"), ["spring", "base", "url"]);
    }
}

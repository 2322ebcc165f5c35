//! Names of settings: what their words say about the value, and which names open an account somewhere.

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

/// Whether a key is the name under which a program itself is reached (`APP_HOSTNAME`, but not `DB_HOSTNAME`).
pub(crate) fn is_own_host(words: &[String]) -> bool {
    const OTHERS: &[&str] = &[
        "db",
        "database",
        "postgres",
        "postgresql",
        "pg",
        "mysql",
        "mariadb",
        "mongo",
        "mongodb",
        "redis",
        "cache",
        "smtp",
        "imap",
        "mail",
        "ldap",
        "kafka",
        "amqp",
        "rabbitmq",
        "elastic",
        "elasticsearch",
        "opensearch",
        "s3",
        "minio",
        "api",
        "vault",
        "consul",
        "proxy",
        "remote",
        "upstream",
        "relay",
        "server",
        "log",
        "syslog",
        "dns",
    ];
    let own = words.last().is_some_and(|last| matches!(last.as_str(), "hostname" | "domain" | "fqdn"));
    own && !words.iter().any(|word| OTHERS.contains(&word.as_str()))
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
pub(super) const OBJECT_STORE_WORDS: &[&str] =
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

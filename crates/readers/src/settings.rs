//! Named values, as in an environment: which of them say what a program talks to.
//!
//! A value that names a host is a link. A value that names a neighbour is a link to that. The name of a credential
//! (`MISTRAL_API_KEY`) is a hint, and only where no value says where the credential goes.

mod keys;

use crate::destination::{self, Named, Use};
use crate::endpoint;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Role};
use std::collections::BTreeSet;

use keys::OBJECT_STORE_WORDS;
pub(crate) use keys::{AWS_CREDENTIALS, is_credential, is_endpoint_key, is_own_host, is_own_name, is_telemetry, words};

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
    let off = switched_off(settings);
    for setting in settings {
        let mut quiet;
        let setting = if off.is_empty() || !is_off(&setting.key, &off) {
            setting
        } else {
            quiet = setting.clone();
            quiet.confidence = Confidence::Low;
            &quiet
        };
        if read_destination(facts, setting, how) {
            let words = words(&setting.key);
            object_store_known |= words.iter().any(|word| OBJECT_STORE_WORDS.contains(&word.as_str()));
            decided.extend(words.into_iter().next());
        }
    }
    // `s3://bucket?endpoint=store:8333`
    object_store_known |=
        settings.iter().any(|one| one.value.as_deref().is_some_and(|value| value.contains("endpoint=")));
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

/// What is switched off: the words before `enabled` of a key whose value says no (`SMTP_ENABLED=false`).
fn switched_off(settings: &[Setting]) -> Vec<Vec<String>> {
    let off = |setting: &Setting| {
        let value = setting.value.as_deref()?.trim().to_ascii_lowercase();
        let mut words = words(&setting.key);
        let switch = words.last().is_some_and(|last| matches!(last.as_str(), "enabled" | "enable"));
        words.pop();
        (switch && !words.is_empty() && matches!(value.as_str(), "false" | "0" | "no" | "off")).then_some(words)
    };
    settings.iter().filter_map(off).take(MAX_SWITCHES).collect()
}

fn is_off(key: &str, off: &[Vec<String>]) -> bool {
    let words = words(key);
    off.iter().any(|start| words.starts_with(start))
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
    let mut urls = destination::urls(value);
    urls.truncate(MAX_PARTS);
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
    let written = value;
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
    let given = ["secrets.", "vars.", "inputs."].iter().any(|source| written.contains(source));
    let hidden =
        names_host && !found && !is_own_host(&words) && (given || value.contains("${") || value.starts_with('$'));
    if hidden {
        let message = format!("`{}` comes from a variable that no file sets", setting.key);
        destination::hide(facts, &setting.key, "U001", message, &with);
    } else if names_host && !found && is_masked(value) {
        let message = format!("the value of `{}` is redacted or a placeholder", setting.key);
        destination::hide(facts, &setting.key, "U006", message, &with);
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

/// Switches of one program that are looked at.
const MAX_SWITCHES: usize = 100;
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
        check(&[("APP_HOSTNAME", "${APP_HOSTNAME}"), ("DB_HOSTNAME", "${DB}")], &["endpoint:f#DB_HOSTNAME", "U001"]);
        check(&[("APP_VERSION", "1.2.3.4")], &[]);
        check(&[("ALLOWED_ORIGINS", "https://clinic.lu")], &[]);
        check(&[("MODEL_URL", "${MODEL_URL}")], &["endpoint:f#MODEL_URL", "U001"]);
        check(&[("HOOK_URL", "${{ secrets.HOOK }}")], &["endpoint:f#HOOK_URL", "U001"]);
        check(&[("DATABASE_HOST", "<redacted>")], &["endpoint:f#DATABASE_HOST", "U006"]);
    }

    #[test]
    fn what_is_switched_off_is_a_hint() {
        let off = ["SMTP"].map(|word| vec![word.to_lowercase()]);
        assert!(is_off("SMTP_HOST", &off));
        assert!(!is_off("SMTPS_HOST", &off));
        check(&[("SMTP_ENABLED", "false"), ("SMTP_HOST", "smtp.gmail.com")], &["host:smtp.gmail.com"]);
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
}

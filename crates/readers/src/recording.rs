//! What the arguments and configuration files of well-known servers show of how things are recorded.
//!
//! Sources: the references of kube-apiserver, Loki (`-compactor.retention-enabled`, `-store.retention` and their keys),
//! Traefik (`accessLog`), PostgreSQL (`log_statement`) and pgAudit (`pgaudit.log`), nginx (`access_log`).

use crate::image;
use crate::node::{Node, Value, parse_yaml_document};
use crate::terraform::recording::database_logs;
use allod_facts::{Record, RecordKind};

/// Something that was shown: its kind, for how many days, and on which line.
pub(crate) type Shown = (RecordKind, Option<u32>, u32);

/// What the arguments of a container show; `words` are separate arguments with their lines.
pub(crate) fn of_arguments(image: &str, words: &[(String, u32)]) -> Vec<Shown> {
    let software = software(image);
    let first = words.first().map_or("", |(word, _)| word.rsplit('/').next().unwrap_or(word));
    let mut found = Vec::new();
    if software.starts_with("kube-apiserver") || first == "kube-apiserver" {
        found.extend(audit(|flag| flag_value(words, flag)));
    }
    if software == "traefik" || first == "traefik" {
        let on = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "--accesslog" | "--accesslog=true");
        found.extend(words.iter().find(|(word, _)| on(word)).map(|(_, line)| (RecordKind::AccessLog, None, *line)));
    }
    // PostgreSQL: `-c name=value`, or `--name=value`.
    let sets = |word: &str| {
        let (name, value) = word.strip_prefix("--").or(word.strip_prefix("-c")).unwrap_or(word).split_once('=')?;
        database_logs(name.trim(), value).then_some(())
    };
    found.extend(
        words.iter().find(|(word, _)| sets(word).is_some()).map(|(_, line)| (RecordKind::AccessLog, None, *line)),
    );
    if software == "loki" || first == "loki" {
        let enabled = flag_value(words, "compactor.retention-enabled").is_some_and(|(value, _)| value != "false");
        let period = flag_value(words, "store.retention").filter(|_| enabled);
        found.extend(period.map(|(value, line)| (RecordKind::LogStore, kept(value), line)));
    }
    found
}

/// Whether an image is a server that keeps logs, whatever its configuration says.
pub(crate) fn keeps_logs(image: &str) -> bool {
    software(image) == "loki"
}

/// The last part of the name of an image.
fn software(text: &str) -> String {
    let name = image::parse(text).map(|image| image.name).unwrap_or_default();
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// An API server audits when it has a policy and somewhere to write to.
pub(crate) fn audit<'a>(flag: impl Fn(&str) -> Option<(&'a str, u32)>) -> Option<Shown> {
    let (_, line) = flag("audit-policy-file")?;
    let file = flag("audit-log-path");
    if file.is_none() && flag("audit-webhook-config-file").is_none() {
        return None;
    }
    let days = file.and_then(|_| flag("audit-log-maxage")).and_then(|(days, _)| days.parse().ok());
    Some((RecordKind::ControlTrail, days.filter(|days| *days > 0), line))
}

/// The value of a flag with one dash or two, in the same word or the next one.
fn flag_value<'a>(words: &'a [(String, u32)], flag: &str) -> Option<(&'a str, u32)> {
    for (at, (word, line)) in words.iter().enumerate() {
        let Some(rest) = word.strip_prefix('-').map(|rest| rest.trim_start_matches('-')) else { continue };
        let Some(rest) = rest.strip_prefix(flag) else { continue };
        if let Some(value) = rest.strip_prefix('=') {
            return Some((value, *line));
        }
        if rest.is_empty() {
            let next = words.get(at + 1).map(|(next, _)| next.as_str()).filter(|next| !next.starts_with('-'));
            return Some((next.unwrap_or_default(), *line));
        }
    }
    None
}

/// The days of a retention as Loki writes it; none at all is for ever.
fn kept(text: &str) -> Option<u32> {
    let seconds = seconds(text.trim())?;
    Some(if seconds == 0 { Record::FOR_EVER } else { u32::try_from(seconds / 86_400).unwrap_or(Record::FOR_EVER) })
}

/// `744h`, `31d`, `1w2d`: durations of Go, and those of Prometheus with days, weeks and years.
fn seconds(text: &str) -> Option<u64> {
    let (mut total, mut number) = (0_u64, None::<u64>);
    for char in text.chars() {
        if let Some(digit) = char.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit))?);
            continue;
        }
        let unit = match char {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            'y' => 365 * 86_400,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    match number {
        None => Some(total).filter(|_| !text.is_empty()),
        Some(0) if total == 0 => Some(0),
        Some(_) => None,
    }
}

/// What a configuration file shows; lines count from 1.
pub(crate) fn of_file(text: &str) -> Vec<Shown> {
    if text.len() > MAX_FILE_BYTES {
        return Vec::new();
    }
    let mut found: Vec<Shown> = nginx(text).into_iter().collect();
    let yaml = ["limits_config:", "compactor:", "accessLog:"].iter().any(|key| text.contains(key));
    if yaml && let Ok(root) = parse_yaml_document(text) {
        found.extend(loki(&root));
        found.extend(traefik(&root));
    }
    found
}

/// Configuration files are far smaller; what is larger is data.
const MAX_FILE_BYTES: usize = 256 << 10;

/// The first `access_log` that is not off, in a file that has the blocks of nginx.
fn nginx(text: &str) -> Option<Shown> {
    if !text.contains("server {") && !text.contains("http {") {
        return None;
    }
    let on = |line: &str| {
        let mut words = line.trim_start().trim_end_matches(';').split_whitespace();
        words.next() == Some("access_log") && words.next().is_some_and(|to| to != "off")
    };
    let line = (1..).zip(text.lines()).find(|(_, line)| on(line))?.0;
    Some((RecordKind::AccessLog, None, line))
}

/// Logs of Loki live for ever unless its compactor deletes them.
pub(crate) fn loki(root: &Node) -> Option<Shown> {
    let compactor = root.get("compactor");
    let limits = root.get("limits_config");
    // A part of it, or of something else with a compactor, tells nothing.
    if root.get("schema_config").is_none() && (compactor.is_none() || limits.is_none()) {
        return None;
    }
    let switch = compactor.and_then(|compactor| compactor.get("retention_enabled"));
    if switch.and_then(Node::as_bool) != Some(true) {
        // Older ones delete by table.
        let by_table = root.at(&["table_manager", "retention_deletes_enabled"]).and_then(Node::as_bool) == Some(true);
        let said = switch.or(compactor).or(limits).map_or(root.line, |node| node.line);
        return Some((RecordKind::LogStore, (!by_table).then_some(Record::FOR_EVER), said));
    }
    let period = limits.and_then(|limits| limits.get("retention_period"));
    let line = period.or(switch).map_or(root.line, |node| node.line);
    Some((RecordKind::LogStore, period.and_then(Node::as_str).and_then(kept), line))
}

/// `accessLog: {}` in the static configuration, which has entry points or providers.
fn traefik(root: &Node) -> Option<Shown> {
    let static_one = ["entryPoints", "providers", "api", "log"].iter().any(|key| root.get(key).is_some());
    let (key, value) = root.entry("accessLog").filter(|_| static_one)?;
    matches!(value.value, Value::Map(_)).then_some((RecordKind::AccessLog, None, key.line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecordKind::{AccessLog, ControlTrail, LogStore};

    #[test]
    fn arguments_of_servers() {
        let check = |image: &str, words: &str, expect: &[Shown]| {
            let words: Vec<(String, u32)> =
                (1..).zip(words.split(' ')).map(|(at, word)| (word.to_owned(), at)).collect();
            assert_eq!(of_arguments(image, &words), expect, "{image} {words:?}");
        };
        let api = "registry.k8s.io/kube-apiserver:v1.31.0";
        check(
            api,
            "kube-apiserver --audit-policy-file=/p --audit-log-path=- --audit-log-maxage=30",
            &[(ControlTrail, Some(30), 2)],
        );
        check(api, "kube-apiserver --audit-policy-file /p --audit-webhook-config-file /w", &[(ControlTrail, None, 2)]);
        check(api, "kube-apiserver --audit-policy-file=/p", &[]);
        check(api, "kube-apiserver --audit-log-path=-", &[]);
        check("traefik:v3", "--api --accesslog=true", &[(AccessLog, None, 2)]);
        check("traefik:v3", "--accessLog", &[(AccessLog, None, 1)]);
        check("traefik:v3", "--accesslog=false", &[]);
        check("nginx", "--accesslog=true", &[]);
        check("postgres:16", "postgres -c log_statement=all", &[(AccessLog, None, 3)]);
        check("postgres:16", "postgres -c log_statement=none", &[]);
        check("postgres:16", "-c shared_preload_libraries=pgaudit -c pgaudit.log=write", &[(AccessLog, None, 4)]);
        check("grafana/loki:3", "-compactor.retention-enabled=true -store.retention=744h", &[(LogStore, Some(31), 2)]);
        check("grafana/loki:3", "-store.retention=744h", &[]);
    }

    #[test]
    fn configuration_files() {
        let check = |text: &str, expect: &[Shown]| assert_eq!(of_file(text), expect, "{text}");
        let loki = |more: &str| format!("schema_config: {{}}\n{more}");
        check(
            &loki("limits_config:\n  retention_period: 31d\ncompactor:\n  retention_enabled: true\n"),
            &[(LogStore, Some(31), 3)],
        );
        check(
            &loki("limits_config:\n  retention_period: 0s\ncompactor:\n  retention_enabled: true\n"),
            &[(LogStore, Some(Record::FOR_EVER), 3)],
        );
        check(&loki("limits_config:\n  retention_period: 744h\n"), &[(LogStore, Some(Record::FOR_EVER), 3)]);
        check(&loki("compactor:\n  retention_enabled: true\n"), &[(LogStore, None, 3)]);
        check(&loki("compactor: {}\ntable_manager:\n  retention_deletes_enabled: true\n"), &[(LogStore, None, 2)]);
        check("compactor:\n  retention_enabled: true\n", &[]);
        check(
            "http {\n  access_log off;\n  server {\n    access_log /var/log/a main;\n  }\n}\n",
            &[(AccessLog, None, 4)],
        );
        check("http {\n  access_log off;\n}\n", &[]);
        check("access_log /x;\n", &[]);
        check("entryPoints: {}\naccessLog: {}\n", &[(AccessLog, None, 2)]);
        check("accessLog: {}\n", &[]);
        check("entryPoints: {}\nlog: {}\n", &[]);
    }

    #[test]
    fn durations() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(seconds(text), expect, "{text}");
        check("744h", Some(31 * 86_400));
        check("1w2d", Some(9 * 86_400));
        check("0", Some(0));
        check("0s", Some(0));
        check("", None);
        check("12", None);
        check("h", None);
        check("3x", None);
        check("99999999999999999999h", None);
    }
}

use crate::record::{Matchers, Records, Service, Software};
use allod_facts::{Clue, ClueKind};
use compact_str::CompactString;
use rustc_hash::FxHashMap;

/// What a clue names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Match<'a> {
    pub service: Option<Matched<'a, Service>>,
    pub software: Option<Matched<'a, Software>>,
}

/// A record and the matcher that led to it.
#[derive(Debug)]
pub struct Matched<'a, T> {
    pub record: &'a T,
    pub by: &'a str,
}

impl<T> Clone for Matched<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Matched<'_, T> {}

/// Matchers by namespace.
#[derive(Debug, Default)]
pub(crate) struct Index {
    services: FxHashMap<&'static str, Namespace>,
    software: FxHashMap<&'static str, Namespace>,
}

/// The matchers of one namespace, normalised: exact texts, beginnings (`aws_*`), and host patterns with a `*` inside.
#[derive(Debug, Default)]
struct Namespace {
    exact: FxHashMap<CompactString, Hit>,
    /// With their `*`; sorted by length, longest first.
    beginnings: Vec<(CompactString, Hit)>,
    /// Labels, from the last to the first, and the whole.
    patterns: Vec<(Vec<CompactString>, CompactString, Hit)>,
}

#[derive(Clone, Copy, Debug)]
struct Hit {
    record: u32,
    users_own: bool,
}

/// How the texts of a namespace are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The whole text; `x*` matches beginnings.
    Text,
    /// The text or a name under it, label by label from the right.
    Suffix,
    /// The text or a path under it, part by part from the left.
    Path,
}

impl Index {
    pub fn new(records: &Records) -> Index {
        let mut index = Index::default();
        for (at, service) in records.services.iter().enumerate() {
            put(&mut index.services, at, &service.matchers, service.origin.users_own);
        }
        for (at, software) in records.software.iter().enumerate() {
            put(&mut index.software, at, &software.matchers, software.origin.users_own);
        }
        for namespace in index.services.values_mut().chain(index.software.values_mut()) {
            namespace.beginnings.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            namespace.patterns.sort_by(|(a, ..), (b, ..)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        }
        index
    }

    pub fn find<'a>(&'a self, clue: &Clue, records: &'a Records) -> Match<'a> {
        let mut found = Match::default();
        for (name, way) in namespaces(clue.kind) {
            if found.service.is_none() {
                found.service = lookup(&self.services, name, *way, &clue.text)
                    .and_then(|(by, at)| Some(Matched { record: records.services.get(at)?, by }));
            }
            if found.software.is_none() {
                found.software = lookup(&self.software, name, *way, &clue.text)
                    .and_then(|(by, at)| Some(Matched { record: records.software.get(at)?, by }));
            }
        }
        found
    }
}

/// The register's namespaces for a kind of clue, the more telling one first.
fn namespaces(kind: ClueKind) -> &'static [(&'static str, Way)] {
    use Way::{Path, Suffix, Text};
    match kind {
        ClueKind::Host => &[("domains", Suffix), ("cname", Suffix), ("names", Text)],
        ClueKind::NameServer => &[("ns", Suffix), ("domains", Suffix)],
        ClueKind::MailExchanger => &[("mx", Suffix), ("domains", Suffix)],
        ClueKind::CanonicalName => &[("cname", Suffix), ("domains", Suffix)],
        ClueKind::SpfInclude => &[("spf", Suffix), ("mx", Suffix), ("domains", Suffix)],
        ClueKind::CaaIssuer => &[("caa", Suffix), ("domains", Suffix)],
        ClueKind::TerraformType => &[("terraform", Text)],
        ClueKind::TerraformProvider => &[("terraform_providers", Text)],
        ClueKind::TerraformBackend => &[("backends", Text)],
        ClueKind::Image => &[("images", Path), ("domains", Path)],
        ClueKind::Action => &[("actions", Path)],
        ClueKind::CiPlatform => &[("ci", Text)],
        ClueKind::Runner => &[("runners", Text)],
        ClueKind::Package(ecosystem) => match ecosystem.name() {
            "npm" => &[("sdk/npm", Text)],
            "pypi" => &[("sdk/pypi", Text)],
            "cargo" => &[("sdk/cargo", Text)],
            "go" => &[("sdk/go", Path)],
            "maven" => &[("sdk/maven", Text)],
            "gem" => &[("sdk/gem", Text)],
            "composer" => &[("sdk/composer", Text)],
            _ => &[("sdk/nuget", Text)],
        },
        ClueKind::EnvVar => &[("env", Text)],
        ClueKind::Exporter => &[("exporters", Text)],
        ClueKind::HelmChart => &[("helm", Path)],
        ClueKind::Kubernetes => &[("kubernetes", Text), ("kubernetes", Suffix)],
        ClueKind::Name => &[("names", Text), ("kubernetes", Text)],
        ClueKind::Provider => &[("names", Text), ("domains", Suffix)],
    }
}

/// The static name of a namespace that a record may have.
fn namespace_name(list: &str) -> Option<&'static str> {
    let name = match list {
        "host_patterns" => "domains",
        other => other,
    };
    crate::load::MATCHERS
        .iter()
        .chain(&["sdk/npm", "sdk/pypi", "sdk/cargo", "sdk/go", "sdk/maven", "sdk/gem", "sdk/composer", "sdk/nuget"])
        .find(|known| **known == name)
        .copied()
}

fn put(namespaces: &mut FxHashMap<&'static str, Namespace>, record: usize, matchers: &Matchers, users_own: bool) {
    for (list, texts) in &matchers.lists {
        let Some(name) = namespace_name(list) else { continue };
        let namespace = namespaces.entry(name).or_default();
        for text in texts {
            let hit = Hit { record: record as u32, users_own };
            let text = if name == "env" { text.clone() } else { text.to_ascii_lowercase() };
            let text = CompactString::from(text.trim_end_matches('.'));
            let host_like = matches!(name, "domains" | "ns" | "mx" | "cname" | "spf" | "caa" | "kubernetes");
            match text.contains('*') {
                true if text.ends_with('*') && !host_like => namespace.beginnings.push((text, hit)),
                true if host_like => {
                    namespace.patterns.push((text.rsplit('.').map(CompactString::from).collect(), text, hit));
                }
                _ => {
                    // The user's own matcher wins over a built-in one; otherwise the first record by id.
                    let known = namespace.exact.entry(text).or_insert(hit);
                    if hit.users_own && !known.users_own {
                        *known = hit;
                    }
                }
            }
        }
    }
}

/// The matcher of a text and the position of its record.
fn lookup<'a>(
    namespaces: &'a FxHashMap<&'static str, Namespace>,
    name: &str,
    way: Way,
    text: &str,
) -> Option<(&'a str, usize)> {
    let namespace = namespaces.get(name)?;
    let exact = |text: &str| namespace.exact.get_key_value(text).map(found);
    let beginning = || {
        let fits = |(start, _): &&(CompactString, Hit)| text.starts_with(start.trim_end_matches('*'));
        namespace.beginnings.iter().find(fits).map(|(start, hit)| found((start, hit)))
    };
    match way {
        Way::Text => exact(text).or_else(beginning),
        Way::Path => path_prefixes(text)
            .find_map(exact)
            .or_else(beginning)
            .or_else(|| host_pattern(namespace, text.split('/').next().unwrap_or(text)).map(|(_, found)| found)),
        Way::Suffix => {
            let exact = suffixes(text).find_map(|suffix| Some((suffix.split('.').count(), exact(suffix)?)));
            let pattern = host_pattern(namespace, text);
            match (exact, pattern) {
                (Some((labels, exact)), Some((more, pattern))) => Some(if more > labels { pattern } else { exact }),
                (exact, pattern) => exact.or(pattern).map(|(_, found)| found),
            }
        }
    }
}

fn found<'a>((matcher, hit): (&'a CompactString, &Hit)) -> (&'a str, usize) {
    (matcher, hit.record as usize)
}

fn host_pattern<'a>(namespace: &'a Namespace, host: &str) -> Option<(usize, (&'a str, usize))> {
    let pattern = namespace.patterns.iter().find(|(labels, ..)| fits(labels, host));
    pattern.map(|(labels, whole, hit)| (labels.len(), found((whole, hit))))
}

/// Whether the labels of a pattern (last first) are the last labels of a host; `*` in a label stands for any text
/// without a dot.
fn fits(pattern: &[CompactString], host: &str) -> bool {
    let mut labels = host.rsplit('.');
    pattern.iter().all(|wanted| {
        labels.next().is_some_and(|label| match wanted.split_once('*') {
            Some((start, end)) => {
                label.len() >= start.len() + end.len() && label.starts_with(start) && label.ends_with(end)
            }
            None => label == wanted,
        })
    })
}

/// `a.b.c`, `b.c`, `c`.
fn suffixes(text: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(text), |rest| rest.split_once('.').map(|(_, shorter)| shorter))
}

/// `a/b/c`, `a/b`, `a`.
fn path_prefixes(text: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(text), |rest| rest.rsplit_once('/').map(|(shorter, _)| shorter))
}

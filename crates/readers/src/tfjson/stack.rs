//! From resources and configuration to facts. Components are kept small: a plan may have a million of them.

use super::configuration::{Configuration, Provider, Setting};
use super::layer::layer_of;
use super::resources::Resource;
use super::values::{Attribute, Seen, Values};
use crate::endpoint::{self, HostKind, Target};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Place, Role,
};
use rustc_hash::FxHashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Providers that only compute or write local files: what they make is in nobody's hands but the state's.
const LOCAL_PROVIDERS: &[&str] =
    &["null", "random", "local", "time", "tls", "archive", "external", "template", "cloudinit", "assert", "http"];
/// Types that the organisation runs on a cluster of its own choice: whose that is, is said elsewhere.
const OWN_PREFIXES: &[&str] = &["kubernetes_", "helm_", "kubectl_", "kustomization_", "docker_", "nomad_"];
/// Providers whose resources lie in the region that the provider is set to.
const REGIONAL_PROVIDERS: &[&str] =
    &["aws", "google", "google-beta", "alicloud", "oci", "openstack", "scaleway", "outscale", "ibm", "tencentcloud"];
/// Parts of type names of things that run container images.
const RUNS_IMAGES: &[&str] = &[
    "container",
    "docker",
    "lambda",
    "ecs",
    "run",
    "kubernetes",
    "app",
    "function",
    "task",
    "batch",
    "job",
    "nomad",
    "sagemaker",
    "image",
];
/// Parts of type names of things whose URL is where they send to, not where they are reached.
const SENDS: &[&str] = &[
    "webhook",
    "hook",
    "subscription",
    "destination",
    "integration",
    "notification",
    "action_group",
    "connection",
    "firehose",
    "alert",
    "contact",
    "channel",
    "uptime_check",
    "synthetic",
    "delivery_stream",
];

pub(super) struct Stack {
    pub facts: Facts,
    pub configuration: Configuration,
    pub variables: FxHashMap<String, Seen>,
    path: Arc<str>,
    reader: &'static str,
    kinds: FxHashMap<String, Kind>,
    providers: FxHashMap<String, usize>,
    provider_clues: Vec<Clue>,
    places: FxHashMap<String, Arc<str>>,
    /// Added resources, to be told their provider's region when the configuration is known.
    waiting: Vec<Waiting>,
    /// Scratch for ids.
    id: String,
}

/// What all resources of a type share.
struct Kind {
    name: Arc<str>,
    layer: Layer,
    clue: Clue,
    role: Role,
}

struct Waiting {
    at: ComponentRef,
    provider: u32,
    place_unknown: bool,
}

/// What a provider's configuration came to.
struct Pointed {
    at: Option<ComponentRef>,
    region: Option<Arc<str>>,
    /// Where the region stands.
    evidence: Vec<Evidence>,
    endpoints: Vec<(String, Destination)>,
    /// Resources without a place of their own that would take it from here.
    without_place: usize,
}

#[derive(Clone)]
enum Destination {
    Host(Clue),
    Internal,
    /// The endpoint is set, and the plan does not say to what.
    Unknown,
}

impl Stack {
    pub fn new(path: &str, reader: &'static str) -> Stack {
        Stack {
            facts: Facts::new(),
            configuration: Configuration::default(),
            variables: FxHashMap::default(),
            path: Arc::from(path),
            reader,
            kinds: FxHashMap::default(),
            providers: FxHashMap::default(),
            provider_clues: Vec::new(),
            places: FxHashMap::default(),
            waiting: Vec::new(),
            id: String::new(),
        }
    }

    /// Whether a resource is there with all that a further sighting could tell.
    pub fn is_complete(&mut self, address: &str) -> bool {
        let known = self.find(address);
        known.and_then(|at| self.facts.components.get(at as usize)).is_some_and(|component| component.place.is_some())
    }

    fn find(&mut self, address: &str) -> Option<ComponentRef> {
        self.id.clear();
        let _ = write!(self.id, "tf:{}#{address}", self.path);
        self.facts.find(&self.id)
    }

    fn seen(&self, line: u32) -> Evidence {
        Evidence::line(&self.path, line, self.reader)
    }

    /// Adds a resource; of one that is there already, only what was missing is taken.
    pub fn add(&mut self, resource: &Resource) {
        if resource.address.is_empty() || resource.kind.is_empty() {
            let message = "a resource has no address or no type".to_owned();
            let seen = self.seen(resource.line);
            return self.facts.unresolved("U010", message, None, seen);
        }
        let provider = self.provider(&resource.provider, &resource.kind);
        if self.is_local(resource, provider) {
            return;
        }
        let place = resource.values.place.as_ref().map(|seen| (self.place(&seen.text), seen.line));
        if let Some(at) = self.find(&resource.address) {
            self.complete(at, place, resource.place_unknown);
            return;
        }
        let Values { data, environment, .. } = &resource.values;
        let provider_clue = self.provider_clues.get(provider).cloned();
        let own_evidence = Evidence {
            path: self.path.clone(),
            line: resource.line,
            end_line: resource.end_line.max(resource.line),
            reader: self.reader,
        };
        let mut evidence = vec![own_evidence];
        if let Some((_, line)) = place.as_ref().filter(|(_, line)| *line != resource.line) {
            evidence.push(self.seen(*line));
        }
        let id = Arc::from(self.id.as_str());
        let kind = self.kind(&resource.kind);
        let component = Component {
            id,
            name: name_of(&resource.address, &resource.kind),
            kind: kind.name.clone(),
            layer: kind.layer,
            role: kind.role,
            clues: match kind.role {
                Role::Own => Vec::new(),
                _ => std::iter::once(kind.clue.clone()).chain(provider_clue).collect(),
            },
            place: place.map(|(region, _)| Place { region: Some(region), country: None }),
            data: data.iter().map(|class| Arc::from(class.as_str())).collect(),
            environment: environment.as_deref().map(Arc::from),
            // A data source looks at something that others manage.
            confidence: if resource.is_data { Confidence::Medium } else { Confidence::High },
            evidence,
        };
        let at = self.facts.add(component);
        self.waiting.push(Waiting { at, provider: provider as u32, place_unknown: resource.place_unknown });
        self.uses(at, resource);
    }

    fn is_local(&self, resource: &Resource, provider: usize) -> bool {
        let provider = self.provider_clues.get(provider).map_or("", |clue| &*clue.text);
        let short = provider.rsplit('/').next().unwrap_or(provider);
        LOCAL_PROVIDERS.contains(&short)
            || short == "terraform" && resource.kind != "terraform_remote_state"
            || resource.is_data && resource.kind.ends_with("_policy_document")
    }

    fn complete(&mut self, at: ComponentRef, place: Option<(Arc<str>, u32)>, place_unknown: bool) {
        // Waiting resources stand in the order in which they were added.
        if let Ok(index) = self.waiting.binary_search_by_key(&at, |waiting| waiting.at)
            && let Some(waiting) = self.waiting.get_mut(index)
        {
            waiting.place_unknown |= place_unknown;
        }
        if let Some((region, line)) = place {
            let seen = self.seen(line);
            if let Some(component) = self.facts.get_mut(at).filter(|component| component.place.is_none()) {
                component.place = Some(Place { region: Some(region), country: None });
                if component.evidence.first().is_some_and(|first| first.line != line) {
                    component.evidence.push(seen);
                }
            }
        }
    }

    fn place(&mut self, text: &str) -> Arc<str> {
        if let Some(place) = self.places.get(text) {
            return place.clone();
        }
        let place: Arc<str> = Arc::from(text);
        self.places.insert(text.to_owned(), place.clone());
        place
    }

    fn kind(&mut self, name: &str) -> &Kind {
        if !self.kinds.contains_key(name) {
            let own = OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            let layer = match layer_of(name) {
                Layer::Compute | Layer::Unclassified if own => Layer::Application,
                layer => layer,
            };
            let role = if own { Role::Own } else { Role::Provided };
            let kind = Kind { name: Arc::from(name), layer, clue: Clue::new(ClueKind::TerraformType, name), role };
            self.kinds.insert(name.to_owned(), kind);
        }
        self.kinds.entry(name.to_owned()).or_insert_with(|| Kind {
            name: Arc::from(name),
            layer: Layer::Unclassified,
            clue: Clue::new(ClueKind::TerraformType, name),
            role: Role::Provided,
        })
    }

    /// The number of a provider, from its name as plans and states write it.
    fn provider(&mut self, written: &str, kind: &str) -> usize {
        let key = if written.is_empty() { kind.split('_').next().unwrap_or(kind) } else { written };
        if let Some(&index) = self.providers.get(key) {
            return index;
        }
        let clue = Clue::new(ClueKind::TerraformProvider, &provider_source(key));
        let index = self.provider_clues.iter().position(|known| *known == clue).unwrap_or(self.provider_clues.len());
        if index == self.provider_clues.len() {
            self.provider_clues.push(clue);
        }
        self.providers.insert(key.to_owned(), index);
        index
    }

    /// Images, charts, endpoints and remote states that a resource uses.
    fn uses(&mut self, at: ComponentRef, resource: &Resource) {
        let Resource { kind, values, .. } = resource;
        let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
        if has(RUNS_IMAGES) {
            for (image, line) in &values.images {
                let seen = self.seen(*line);
                let pinned = image.digest.is_some();
                let image = self.facts.add(image.component(seen.clone()));
                let link = self.facts.link(at, LinkKind::BuiltFrom, image, seen);
                link.mitigations.extend(pinned.then_some(Mitigation::PinnedDigest));
            }
        }
        for (attribute, host) in &values.endpoints {
            let outward = match attribute {
                Attribute::Outward => true,
                Attribute::Url | Attribute::Uri => has(SENDS),
                Attribute::Endpoint => kind.ends_with("_subscription") || kind.ends_with("_destination"),
            };
            let seen = self.seen(host.line);
            // The host was taken out of its URL already: a scheme makes it one again, whatever it looks like.
            let url = format!("https://{}", host.text);
            if outward
                && let Some(Target::Host(to)) = endpoint::sight(&mut self.facts, &url, seen.clone(), Confidence::High)
            {
                self.facts.link(at, LinkKind::SendsTo, to, seen);
            }
        }
        if kind == "helm_release" {
            self.chart(at, values);
        }
        if kind == "terraform_remote_state"
            && let Some(backend) = &values.backend
        {
            let clue = Clue::new(ClueKind::TerraformBackend, &backend.text);
            if let Some(component) = self.facts.get_mut(at) {
                component.clues = vec![clue];
            }
        }
    }

    fn chart(&mut self, at: ComponentRef, values: &Values) {
        let Some(chart) = &values.chart else { return };
        let from = match &values.repository {
            Some(repository) => format!("{}/{}", without_scheme(&repository.text), chart.text),
            None => without_scheme(&chart.text).to_owned(),
        };
        if from.starts_with('.') || from.starts_with('/') {
            return;
        }
        let seen = self.seen(chart.line);
        let name = from.rsplit('/').next().unwrap_or(&from).to_owned();
        let component =
            Component::new(&format!("chart:{from}"), &name, "chart", Layer::Registry, Role::Artefact, seen.clone())
                .with_clue(Clue::new(ClueKind::HelmChart, &from));
        let chart = self.facts.add(component);
        self.facts.link(at, LinkKind::BuiltFrom, chart, seen);
    }

    /// Everything was read, or as much as could be: what the configuration says is applied to the resources.
    pub fn finish(mut self, what: &str) -> Facts {
        let configuration = std::mem::take(&mut self.configuration);
        let root = self.root(&configuration, what);
        let mut pointed = Vec::new();
        for (key, provider) in &configuration.providers {
            pointed.push(self.point(root, key, provider, &configuration));
        }
        let defaults = configuration.default_providers();
        let default_of: Vec<Option<usize>> = self
            .provider_clues
            .iter()
            .map(|clue| {
                let short = clue.text.rsplit('/').next().unwrap_or(&clue.text);
                defaults.get(&*clue.text).or_else(|| defaults.get(short)).copied()
            })
            .collect();
        for waiting in std::mem::take(&mut self.waiting) {
            let component = self.facts.components.get(waiting.at as usize);
            let address =
                component.and_then(|component| component.id.split_once('#')).map_or("", |(_, address)| address);
            let index = match configuration.alias_of(address) {
                Some(index) => index,
                None => default_of.get(waiting.provider as usize).copied().flatten(),
            };
            self.settle(&waiting, index.and_then(|index| pointed.get_mut(index)));
        }
        for (pointed, (key, provider)) in pointed.iter().zip(&configuration.providers) {
            self.say_regions(pointed, key, provider);
        }
        self.facts
    }

    /// The organisation's own configuration: what its modules and providers are fetched for.
    fn root(&mut self, configuration: &Configuration, what: &str) -> Option<ComponentRef> {
        if configuration.modules.is_empty() && configuration.providers.is_empty() {
            return None;
        }
        let name = crate::files::name_of(&self.path).to_owned();
        let root = Component::new(&format!("tf:{}#", self.path), &name, what, Layer::Iac, Role::Own, self.seen(1));
        let root = self.facts.add(root);
        for call in &configuration.modules {
            let source = call.source.text.as_str();
            if source.starts_with('.') || source.starts_with('/') {
                continue;
            }
            let seen = self.seen(call.source.line);
            let source = without_secrets(source);
            let mut module = Component::new(
                &format!("module:{source}"),
                &call.address,
                "module",
                Layer::Iac,
                Role::Artefact,
                seen.clone(),
            );
            module.clues.push(Clue::new(ClueKind::Host, &module_host(&source)));
            let module = self.facts.add(module);
            self.facts.link(root, LinkKind::BuiltFrom, module, seen);
        }
        Some(root)
    }

    fn point(&mut self, root: Option<ComponentRef>, key: &str, provider: &Provider, all: &Configuration) -> Pointed {
        let written = if provider.full_name.is_empty() { &provider.name } else { &provider.full_name };
        let source = provider_source(written);
        let short = source.rsplit('/').next().unwrap_or(&source);
        let mut pointed =
            Pointed { at: None, region: None, evidence: Vec::new(), endpoints: Vec::new(), without_place: 0 };
        let mut problems = Vec::new();
        match provider.region.as_ref().map(|setting| self.resolve(key, setting, all)) {
            Some(Ok((region, evidence))) => {
                pointed.region = Some(self.place(&region));
                pointed.evidence = evidence;
            }
            Some(Err((code, why, line))) => {
                problems.push((code, format!("the region of provider `{key}` {why}"), line))
            }
            None => {}
        }
        let mut endpoint_evidence = Vec::new();
        for (service, setting) in &provider.endpoints {
            let destination = match self.resolve(key, setting, all) {
                Ok((text, evidence)) => {
                    endpoint_evidence.extend(evidence);
                    match endpoint::host_of(&text) {
                        Some(host) if endpoint::host_kind(&host) == HostKind::Internal => Destination::Internal,
                        Some(host) => Destination::Host(Clue::new(ClueKind::Host, &host)),
                        None => Destination::Unknown,
                    }
                }
                Err((code, why, line)) => {
                    problems.push((code, format!("an endpoint of provider `{key}` {why}"), line));
                    Destination::Unknown
                }
            };
            pointed.endpoints.push((service.clone(), destination));
        }
        if LOCAL_PROVIDERS.contains(&short) || short == "terraform" {
            return pointed;
        }
        let all_services = destination_for(&pointed.endpoints, "").cloned();
        let own = OWN_PREFIXES.iter().any(|prefix| prefix.trim_end_matches('_') == short);
        let mut component = Component::new(
            &format!("tf:{}#provider.{key}", self.path),
            key,
            "provider",
            Layer::Cloud,
            if own || matches!(all_services, Some(Destination::Internal)) { Role::Own } else { Role::Provided },
            Evidence {
                path: self.path.clone(),
                line: provider.line,
                end_line: provider.end_line.max(provider.line),
                reader: self.reader,
            },
        );
        component.clues = match all_services {
            Some(Destination::Host(host)) => vec![host, Clue::new(ClueKind::TerraformProvider, &source)],
            Some(Destination::Internal) => Vec::new(),
            _ if own => Vec::new(),
            Some(Destination::Unknown) => Vec::new(),
            None => vec![Clue::new(ClueKind::TerraformProvider, &source)],
        };
        component.place = pointed.region.clone().map(|region| Place { region: Some(region), country: None });
        for seen in pointed.evidence.iter().cloned().chain(endpoint_evidence) {
            if component.evidence.iter().all(|known| known.line != seen.line) {
                component.evidence.push(seen);
            }
        }
        let at = self.facts.add(component);
        pointed.at = Some(at);
        for (code, message, line) in problems {
            let seen = self.seen(line);
            self.facts.unresolved(code, message, Some(at), seen);
        }
        if let (Some(root), Some((registry, _))) = (root, provider.full_name.split_once('/')) {
            let seen = self.seen(provider.line);
            let host =
                endpoint::sight(&mut self.facts, &format!("https://{registry}"), seen.clone(), Confidence::Medium);
            if let Some(Target::Host(host)) = host
                && !self.facts.links.iter().any(|link| link.from == root && link.to == host)
            {
                self.facts.link(root, LinkKind::BuiltFrom, host, seen);
            }
        }
        pointed
    }

    /// The text of a setting and the lines that decided about it, or the code, the reason and the line.
    fn resolve(
        &self,
        key: &str,
        setting: &Setting,
        all: &Configuration,
    ) -> Result<(String, Vec<Evidence>), (&'static str, String, u32)> {
        let (names, line) = match setting {
            Setting::Constant(seen) => return Ok((seen.text.clone(), vec![self.seen(seen.line)])),
            Setting::References(names, line) => (names, *line),
        };
        let first = names.first().map_or("something", String::as_str);
        let variable = match names.as_slice() {
            [name] if !key.contains(':') => name.strip_prefix("var."),
            _ => None,
        };
        let Some(variable) = variable else {
            return Err(("U002", format!("comes from `{first}`, which a plan does not resolve"), line));
        };
        match self.variables.get(variable).or_else(|| all.defaults.get(variable)) {
            Some(value) => Ok((value.text.clone(), vec![self.seen(line), self.seen(value.line)])),
            None => Err(("U001", format!("comes from the variable `{variable}`, which the plan does not set"), line)),
        }
    }

    /// Gives a resource what its provider's configuration decides.
    fn settle(&mut self, waiting: &Waiting, pointed: Option<&mut Pointed>) {
        let Some(component) = self.facts.components.get_mut(waiting.at as usize) else { return };
        let mut regional = None;
        if let Some(pointed) = pointed {
            if !pointed.endpoints.is_empty() {
                redirect(component, &pointed.endpoints);
            }
            regional = Some(&pointed.region);
            if component.place.is_none() && component.role == Role::Provided {
                if let Some(region) = &pointed.region {
                    component.place = Some(Place { region: Some(region.clone()), country: None });
                    for seen in &pointed.evidence {
                        if component.evidence.iter().all(|known| known.line != seen.line) {
                            component.evidence.push(seen.clone());
                        }
                    }
                } else {
                    pointed.without_place += 1;
                }
            }
        }
        if waiting.place_unknown && component.place.is_none() && regional.is_none_or(Option::is_none) {
            let message = format!("the place of `{}` is known only after apply", component.name);
            let seen = component.evidence.first().cloned();
            if let Some(seen) = seen {
                self.facts.unresolved("U005", message, Some(waiting.at), seen);
            }
        }
    }

    /// A provider that decides about regions and has none in the plan: the environment of whoever runs it decides.
    fn say_regions(&mut self, pointed: &Pointed, key: &str, provider: &Provider) {
        if provider.region.is_some()
            || pointed.without_place == 0
            || !REGIONAL_PROVIDERS.contains(&provider.name.as_str())
        {
            return;
        }
        let count = pointed.without_place;
        let message = format!("the plan has no region for provider `{key}`, from which {count} resources take theirs");
        let seen = self.seen(provider.line);
        self.facts.unresolved("U001", message, pointed.at, seen);
    }
}

/// A provider that is pointed at an endpoint talks to that one, whatever its resource types are called.
fn redirect(component: &mut Component, endpoints: &[(String, Destination)]) {
    match destination_for(endpoints, &component.kind) {
        Some(Destination::Host(host)) => component.clues.insert(0, host.clone()),
        Some(Destination::Internal) => {
            component.clues.clear();
            component.role = Role::Own;
        }
        Some(Destination::Unknown) => component.clues.clear(),
        None => {}
    }
}

/// The endpoint for a resource type: the one of its service (`s3` for `aws_s3_bucket`), or the one for all.
fn destination_for<'a>(endpoints: &'a [(String, Destination)], kind: &str) -> Option<&'a Destination> {
    let service = |name: &str| {
        !name.is_empty()
            && kind.split_once('_').is_some_and(|(_, rest)| rest == name || rest.starts_with(&format!("{name}_")))
    };
    let found = endpoints.iter().find(|(name, _)| service(name));
    found.or_else(|| endpoints.iter().find(|(name, _)| name.is_empty())).map(|(_, destination)| destination)
}

/// `namespace/name` of a provider, from `registry.terraform.io/hashicorp/aws`, `provider["..."].alias`,
/// `module.m.provider.aws.west` or a bare name (which the first versions wrote, for HashiCorp's own).
fn provider_source(written: &str) -> String {
    let inner = written.split_once("provider[\"").and_then(|(_, rest)| rest.split_once("\"]")).map(|(inner, _)| inner);
    let legacy = written.split_once("provider.").map(|(_, rest)| rest.split('.').next().unwrap_or(rest));
    let name = inner.or(legacy).unwrap_or(written);
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [_, "-", name] | ["-", name] | [name] => format!("hashicorp/{name}"),
        [_, namespace, name] | [namespace, name] => format!("{namespace}/{name}"),
        _ => name.to_owned(),
    }
}

/// The address without the type: `module.db.this[0]`, `financials`.
fn name_of(address: &str, kind: &str) -> String {
    let typed = address.match_indices(kind).find_map(|(at, _)| {
        let before = address.get(..at).filter(|before| before.is_empty() || before.ends_with('.'))?;
        let after = address.get(at + kind.len()..)?.strip_prefix('.')?;
        Some((before.strip_suffix("data.").unwrap_or(before), after))
    });
    typed.map_or_else(|| address.to_owned(), |(before, after)| format!("{before}{after}"))
}

fn without_scheme(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let start = authority.rfind('@').map_or(0, |at| at + 1);
    rest.get(start..).unwrap_or(rest).trim_end_matches('/')
}

/// A module source without user, password and query.
fn without_secrets(source: &str) -> String {
    match source.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{}", without_scheme(source)),
        None => source.split('?').next().unwrap_or(source).to_owned(),
    }
}

/// The host that a module comes from; a plain `namespace/name/provider` comes from the public registry.
fn module_host(source: &str) -> String {
    let plain = source.rsplit_once("::").map_or(source, |(_, rest)| rest);
    if let Some(host) = endpoint::host_of(plain).filter(|_| plain.contains("://")) {
        return host;
    }
    let first = plain.split('/').next().unwrap_or(plain);
    let first = first.rsplit_once('@').map_or(first, |(_, host)| host);
    let first = first.split(':').next().unwrap_or(first);
    if first.contains('.') { first.to_ascii_lowercase() } else { "registry.terraform.io".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_sources() {
        let check = |written: &str, expect: &str| assert_eq!(provider_source(written), expect, "{written}");
        check("registry.terraform.io/hashicorp/aws", "hashicorp/aws");
        check("provider[\"registry.terraform.io/scaleway/scaleway\"].west", "scaleway/scaleway");
        check("module.m.provider[\"registry.opentofu.org/hashicorp/aws\"]", "hashicorp/aws");
        check("provider.aws.west", "hashicorp/aws");
        check("aws", "hashicorp/aws");
        check("registry.terraform.io/-/aws", "hashicorp/aws");
    }

    #[test]
    fn names_have_no_type() {
        assert_eq!(name_of("aws_s3_bucket.financials", "aws_s3_bucket"), "financials");
        assert_eq!(
            name_of("module.db[\"a.b\"].aws_db_instance.this[0]", "aws_db_instance"),
            "module.db[\"a.b\"].this[0]"
        );
        assert_eq!(name_of("data.aws_ami.x", "aws_ami"), "x");
    }

    #[test]
    fn module_hosts() {
        let check = |source: &str, expect: &str| assert_eq!(module_host(source), expect, "{source}");
        check("terraform-aws-modules/vpc/aws", "registry.terraform.io");
        check("git::https://github.com/a/b.git", "github.com");
        check("git@github.com:a/b.git", "github.com");
        check("github.com/a/b", "github.com");
        check("app.terraform.io/acme/vpc/aws", "app.terraform.io");
    }
}

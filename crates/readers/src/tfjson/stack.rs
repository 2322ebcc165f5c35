//! From resources and configuration to facts. Components are kept small: a plan may have a million of them.

use super::configuration::Configuration;
use super::provider::provider_source;
use super::recording::Recording;
use super::resources::Resource;
use super::sources::without_scheme;
use super::values::{Attribute, Seen, Values};
use crate::endpoint::{self, Target};
use crate::image::ImageRef;
use crate::labels::Shelf;
use crate::terraform::layer_of;
use allod_facts::{
    Clue, ClueKind, Clues, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Place,
    Records, Role,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write;
use std::sync::Arc;

/// Providers that only compute or write local files: what they make is in nobody's hands but the state's.
pub(super) const LOCAL_PROVIDERS: &[&str] =
    &["null", "random", "local", "time", "tls", "archive", "external", "template", "cloudinit", "assert", "http"];
/// Types that the organisation runs on a cluster of its own choice: whose that is, is said elsewhere.
pub(super) const OWN_PREFIXES: &[&str] = &["kubernetes_", "helm_", "kubectl_", "kustomization_", "docker_", "nomad_"];
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
    "codebuild",
];
/// Parts of type names of things that say whose tokens are believed.
const TRUSTS: &[&str] =
    &["openid_connect_provider", "identity_pool_provider", "identity_provider", "identity_credential"];
/// Parts of type names of things that fetch and build code.
const BUILDS: &[&str] =
    &["codebuild", "cloudbuild", "build_", "pipeline", "amplify_app", "static_site", "app_platform"];
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
    pub(super) path: Arc<str>,
    pub(super) reader: &'static str,
    kinds: FxHashMap<String, Kind>,
    providers: FxHashMap<String, usize>,
    provider_clues: Vec<Clue>,
    places: FxHashMap<String, Arc<str>>,
    shelf: Shelf,
    pub(super) recording: Recording,
    /// Registries of providers that are linked already.
    pub(super) registries: FxHashSet<String>,
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
    /// For the provider of the last one.
    clues: Option<(usize, Clues)>,
}

pub(super) struct Waiting {
    pub at: ComponentRef,
    provider: u32,
    pub place_unknown: bool,
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
            shelf: Shelf::default(),
            recording: Recording::default(),
            registries: FxHashSet::default(),
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

    pub(super) fn seen(&self, line: u32) -> Evidence {
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
            self.complete(at, place, resource);
            return;
        }
        let Values { data, environment, labels, .. } = &resource.values;
        let labels = self.shelf.labels(labels.iter().map(|(key, value)| (key, value)));
        let own_evidence = Evidence {
            path: self.path.clone(),
            line: resource.line,
            end_line: resource.end_line.max(resource.line),
            reader: self.reader,
        };
        let region_line = place.as_ref().map(|(_, line)| *line).filter(|line| *line != resource.line);
        let evidence = match region_line {
            Some(line) => vec![own_evidence, self.seen(line)],
            None => vec![own_evidence],
        };
        let id = Arc::from(self.id.as_str());
        let clues = self.clues(&resource.kind, provider);
        let kind = self.kind(&resource.kind);
        let component = Component {
            id,
            name: name_of(&resource.address, &resource.kind),
            kind: kind.name.clone(),
            layer: kind.layer,
            role: kind.role,
            clues,
            place: place.map(|(region, _)| Place { region: Some(region), country: None }),
            data: data.iter().map(|class| Arc::from(class.as_str())).collect(),
            environment: environment.as_deref().map(Arc::from),
            labels,
            records: Records::default(),
            // A data source looks at something that others manage.
            confidence: if resource.is_data { Confidence::Medium } else { Confidence::High },
            evidence,
        };
        let at = self.facts.add(component);
        self.waiting.push(Waiting { at, provider: provider as u32, place_unknown: resource.place_unknown });
        self.uses(at, resource);
        self.records(at, resource);
    }

    fn is_local(&self, resource: &Resource, provider: usize) -> bool {
        let provider = self.provider_clues.get(provider).map_or("", |clue| &*clue.text);
        let short = provider.rsplit('/').next().unwrap_or(provider);
        LOCAL_PROVIDERS.contains(&short)
            || short == "terraform" && resource.kind != "terraform_remote_state"
            || resource.is_data && resource.kind.ends_with("_policy_document")
    }

    fn complete(&mut self, at: ComponentRef, place: Option<(Arc<str>, u32)>, resource: &Resource) {
        if self.facts.components.get(at as usize).is_some_and(|known| known.labels.is_none()) {
            let labels = self.shelf.labels(resource.values.labels.iter().map(|(key, value)| (key, value)));
            if let Some(component) = self.facts.get_mut(at).filter(|_| labels.is_some()) {
                component.labels = labels;
            }
        }
        // Waiting resources stand in the order in which they were added.
        if let Ok(index) = self.waiting.binary_search_by_key(&at, |waiting| waiting.at)
            && let Some(waiting) = self.waiting.get_mut(index)
        {
            waiting.place_unknown |= resource.place_unknown;
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

    pub(super) fn place(&mut self, text: &str) -> Arc<str> {
        if let Some(place) = self.places.get(text) {
            return place.clone();
        }
        let place: Arc<str> = Arc::from(text);
        self.places.insert(text.to_owned(), place.clone());
        place
    }

    /// What tells whose a resource is: one list for all of a type and provider.
    fn clues(&mut self, kind: &str, provider: usize) -> Clues {
        let provider_clue = self.provider_clues.get(provider).cloned();
        let kind = self.kind(kind);
        match &kind.clues {
            _ if kind.role == Role::Own => Clues::default(),
            Some((known, clues)) if *known == provider => clues.clone(),
            _ => {
                let clues: Clues = std::iter::once(kind.clue.clone()).chain(provider_clue).collect();
                kind.clues = Some((provider, clues.clone()));
                clues
            }
        }
    }

    fn kind(&mut self, name: &str) -> &mut Kind {
        if !self.kinds.contains_key(name) {
            let own = OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            let layer = match layer_of(name) {
                Layer::Compute | Layer::Unclassified if own => Layer::Application,
                layer => layer,
            };
            let role = if own { Role::Own } else { Role::Provided };
            let kind = Kind {
                name: Arc::from(name),
                layer,
                clue: Clue::new(ClueKind::TerraformType, name),
                role,
                clues: None,
            };
            self.kinds.insert(name.to_owned(), kind);
        }
        self.kinds.entry(name.to_owned()).or_insert_with(|| Kind {
            name: Arc::from(name),
            layer: Layer::Unclassified,
            clue: Clue::new(ClueKind::TerraformType, name),
            role: Role::Provided,
            clues: None,
        })
    }

    /// The number of a provider, from its name as plans and states write it.
    fn provider(&mut self, written: &str, kind: &str) -> usize {
        let key = if written.is_empty() { kind.split('_').next().unwrap_or(kind) } else { written };
        if let Some(&index) = self.providers.get(key) {
            return index;
        }
        let clue = Clue::new(ClueKind::TerraformProvider, &provider_source(key));
        let next = self.provider_clues.len();
        // Two spellings of one provider share a number.
        let index = *self.providers.entry(clue.text.to_string()).or_insert(next);
        if index == next {
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
                let curated = curated(kind, image);
                let image = curated.as_ref().unwrap_or(image);
                let pinned = image.digest.is_some();
                let image = self.facts.add(image.component(seen.clone()));
                let link = self.facts.link(at, LinkKind::BuiltFrom, image, seen);
                link.mitigations.extend(pinned.then_some(Mitigation::PinnedDigest));
            }
        }
        for (attribute, host) in &values.endpoints {
            let how = match attribute {
                Attribute::Outward => Some(LinkKind::SendsTo),
                Attribute::Url | Attribute::Issuer if has(TRUSTS) => Some(LinkKind::Trusts),
                Attribute::Url | Attribute::Uri if has(SENDS) => Some(LinkKind::SendsTo),
                Attribute::Endpoint if kind.ends_with("_subscription") || kind.ends_with("_destination") => {
                    Some(LinkKind::SendsTo)
                }
                Attribute::Source if has(BUILDS) => {
                    self.source(at, host);
                    None
                }
                _ => None,
            };
            let Some(how) = how else { continue };
            let seen = self.seen(host.line);
            // The host was taken out of its URL already: a scheme makes it one again, whatever it looks like.
            let url = format!("https://{}", host.text);
            if let Some(Target::Host(to)) = endpoint::sight(&mut self.facts, &url, seen.clone(), Confidence::High) {
                self.facts.link(at, how, to, seen);
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
                component.clues = vec![clue].into();
            }
        }
    }

    /// The repository that a build fetches.
    fn source(&mut self, at: ComponentRef, url: &Seen) {
        let Some((host, path)) = crate::manifests::git_place(&url.text) else { return };
        let seen = self.seen(url.line);
        let id = format!("git:{host}/{path}");
        let source = Component::new(&id, &path, "git", Layer::Source, Role::Artefact, seen.clone())
            .with_clue(Clue::new(ClueKind::Host, &host));
        let source = self.facts.add(source);
        self.facts.link(at, LinkKind::BuiltFrom, source, seen);
    }

    /// The backend that a working folder was set up with: whoever holds the state can change the stack.
    pub fn add_backend(&mut self, kind: &str, line: u32, place: Option<Seen>) {
        let path = self.path.clone();
        let name = crate::files::name_of(&path);
        let id = format!("tf:{path}#");
        let root = self.facts.add(Component::new(&id, name, "terraform-state", Layer::Iac, Role::Own, self.seen(1)));
        let id = format!("tf:{path}#backend");
        let role = if kind == "local" { Role::Own } else { Role::Provided };
        let mut backend =
            Component::new(&id, "state", &format!("backend \"{kind}\""), Layer::Iac, role, self.seen(line));
        if role == Role::Provided {
            backend.clues.push(Clue::new(ClueKind::TerraformBackend, kind));
        }
        if let Some(place) = place {
            backend.place = Some(Place { region: Some(self.place(&place.text)), country: None });
            let seen = self.seen(place.line);
            backend.evidence.push(seen);
        }
        let backend = self.facts.add(backend);
        let seen = self.seen(line);
        self.facts.link(root, LinkKind::DeployedBy, backend, seen);
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
        self.settle_records();
        self.facts
    }
}

/// The images that CodeBuild calls `aws/codebuild/...` are no images of Docker Hub: AWS serves them, under this name.
fn curated(kind: &str, image: &ImageRef) -> Option<ImageRef> {
    let name = image.name.strip_prefix("docker.io/aws/codebuild/").filter(|_| kind.contains("codebuild"))?;
    Some(ImageRef { name: format!("public.ecr.aws/codebuild/{name}"), ..image.clone() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_type() {
        assert_eq!(name_of("aws_s3_bucket.financials", "aws_s3_bucket"), "financials");
        assert_eq!(
            name_of("module.db[\"a.b\"].aws_db_instance.this[0]", "aws_db_instance"),
            "module.db[\"a.b\"].this[0]"
        );
        assert_eq!(name_of("data.aws_ami.x", "aws_ami"), "x");
    }
}

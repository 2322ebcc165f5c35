//! Where the providers of a plan are pointed at, and what that decides about their resources.

use super::configuration::{Configuration, Provider, Setting};
use super::stack::{LOCAL_PROVIDERS, OWN_PREFIXES, Stack, Waiting};
use crate::endpoint::{self, HostKind, Target};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Layer, LinkKind, Place, Role};
use std::sync::Arc;

/// Providers whose resources lie in the region that the provider is set to.
const REGIONAL_PROVIDERS: &[&str] =
    &["aws", "google", "google-beta", "alicloud", "oci", "openstack", "scaleway", "outscale", "ibm", "tencentcloud"];

/// What a provider's configuration came to.
pub(super) struct Pointed {
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
    /// Adds a provider as it is configured, and tells what that means for its resources.
    pub(super) fn point(
        &mut self,
        root: Option<ComponentRef>,
        key: &str,
        provider: &Provider,
        all: &Configuration,
    ) -> Pointed {
        let mut pointed =
            Pointed { at: None, region: None, evidence: Vec::new(), endpoints: Vec::new(), without_place: 0 };
        let mut problems = Vec::new();
        let mut evidence = Vec::new();
        match provider.region.as_ref().map(|setting| self.resolve(key, setting, all)) {
            Some(Ok((region, lines))) => {
                pointed.region = Some(self.place(&region));
                evidence.clone_from(&lines);
                pointed.evidence = lines;
            }
            Some(Err(problem)) => problems.push(problem.about("region", key)),
            None => {}
        }
        for (service, setting) in &provider.endpoints {
            let destination = match self.resolve(key, setting, all) {
                Ok((text, lines)) => {
                    evidence.extend(lines);
                    destination(&text)
                }
                Err(problem) => {
                    problems.push(problem.about("endpoint", key));
                    Destination::Unknown
                }
            };
            pointed.endpoints.push((service.clone(), destination));
        }
        let written = if provider.full_name.is_empty() { &provider.name } else { &provider.full_name };
        let source = provider_source(written);
        let short = source.rsplit('/').next().unwrap_or(&source);
        if LOCAL_PROVIDERS.contains(&short) || short == "terraform" {
            return pointed;
        }
        let mut component = self.provider_component(key, provider, &source, &pointed);
        for seen in evidence {
            if component.evidence.iter().all(|known| known.line != seen.line) {
                component.evidence.push(seen);
            }
        }
        let at = self.facts.add(component);
        pointed.at = Some(at);
        for Problem { code, message, line } in problems {
            let seen = self.seen(line);
            self.facts.unresolved(code, message, Some(at), seen);
        }
        if let (Some(root), Some((registry, _))) = (root, provider.full_name.split_once('/')) {
            self.fetched_from(root, registry, provider.line);
        }
        pointed
    }

    fn provider_component(&self, key: &str, provider: &Provider, source: &str, pointed: &Pointed) -> Component {
        let short = source.rsplit('/').next().unwrap_or(source);
        let own = OWN_PREFIXES.iter().any(|prefix| prefix.trim_end_matches('_') == short);
        let by_maker = || Clue::new(ClueKind::TerraformProvider, source);
        let (role, clues) = match destination_for(&pointed.endpoints, "") {
            Some(Destination::Host(host)) if own => (Role::Provided, vec![host.clone()]),
            Some(Destination::Host(host)) => (Role::Provided, vec![host.clone(), by_maker()]),
            Some(Destination::Internal) => (Role::Own, Vec::new()),
            _ if own => (Role::Own, Vec::new()),
            Some(Destination::Unknown) => (Role::Provided, Vec::new()),
            None => (Role::Provided, vec![by_maker()]),
        };
        let end_line = provider.end_line.max(provider.line);
        let seen = Evidence { end_line, ..self.seen(provider.line) };
        let id = format!("tf:{}#provider.{key}", self.path);
        let mut component = Component::new(&id, key, "provider", Layer::Cloud, role, seen);
        component.clues = clues.into();
        component.place = pointed.region.clone().map(|region| Place { region: Some(region), country: None });
        component
    }

    /// The registry of providers, once.
    fn fetched_from(&mut self, root: ComponentRef, registry: &str, line: u32) {
        if !self.registries.insert(registry.to_owned()) {
            return;
        }
        let seen = self.seen(line);
        let url = format!("https://{registry}");
        if let Some(Target::Host(host)) = endpoint::sight(&mut self.facts, &url, seen.clone(), Confidence::Medium) {
            self.facts.link(root, LinkKind::BuiltFrom, host, seen);
        }
    }

    /// The text of a setting and the lines that decided about it, or why there is none.
    fn resolve(&self, key: &str, setting: &Setting, all: &Configuration) -> Result<(String, Vec<Evidence>), Problem> {
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
            let message = format!("comes from `{first}`, which a plan does not resolve");
            return Err(Problem { code: "U002", message, line });
        };
        match self.variables.get(variable).or_else(|| all.defaults.get(variable)) {
            Some(value) => Ok((value.text.clone(), vec![self.seen(line), self.seen(value.line)])),
            None => {
                let message = format!("comes from the variable `{variable}`, which the plan does not set");
                Err(Problem { code: "U001", message, line })
            }
        }
    }

    /// Gives a resource what its provider's configuration decides.
    pub(super) fn settle(&mut self, waiting: &Waiting, pointed: Option<&mut Pointed>) {
        let Some(component) = self.facts.components.get_mut(waiting.at as usize).map(Arc::make_mut) else { return };
        let mut regional = None;
        if let Some(pointed) = pointed {
            if !pointed.endpoints.is_empty() {
                redirect(component, &pointed.endpoints);
            }
            if component.role == Role::Own
                && let (Some(at), Some(Destination::Host(_))) = (pointed.at, destination_for(&pointed.endpoints, ""))
                && let Some(seen) = component.evidence.first().cloned()
            {
                self.facts.link(waiting.at, LinkKind::RunsOn, at, seen);
                return;
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
    pub(super) fn say_regions(&mut self, pointed: &Pointed, key: &str, provider: &Provider) {
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

/// Why a setting has no value.
struct Problem {
    code: &'static str,
    message: String,
    line: u32,
}

impl Problem {
    fn about(self, what: &str, provider: &str) -> Problem {
        Problem { message: format!("the {what} of provider `{provider}` {}", self.message), ..self }
    }
}

fn destination(text: &str) -> Destination {
    match endpoint::host_of(text) {
        Some(host) if endpoint::host_kind(&host) == HostKind::Internal => Destination::Internal,
        Some(host) => Destination::Host(Clue::new(ClueKind::Host, &host)),
        None => Destination::Unknown,
    }
}

/// A provider that is pointed at an endpoint talks to that one, whatever its resource types are called.
fn redirect(component: &mut Component, endpoints: &[(String, Destination)]) {
    match destination_for(endpoints, &component.kind) {
        _ if component.role == Role::Own => {}
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
pub(super) fn provider_source(written: &str) -> String {
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
}

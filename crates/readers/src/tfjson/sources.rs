//! The modules of a plan and where they are fetched from.

use super::configuration::Configuration;
use super::stack::Stack;
use crate::endpoint;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Layer, LinkKind, Role};

impl Stack {
    /// The organisation's own configuration: what its modules and providers are fetched for.
    pub(super) fn root(&mut self, configuration: &Configuration, what: &str) -> Option<ComponentRef> {
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
}

/// A URL without scheme, user, password and query.
pub(super) fn without_scheme(url: &str) -> &str {
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
    fn module_hosts() {
        let check = |source: &str, expect: &str| assert_eq!(module_host(source), expect, "{source}");
        check("terraform-aws-modules/vpc/aws", "registry.terraform.io");
        check("git::https://github.com/a/b.git", "github.com");
        check("git@github.com:a/b.git", "github.com");
        check("github.com/a/b", "github.com");
        check("app.terraform.io/acme/vpc/aws", "app.terraform.io");
    }
}

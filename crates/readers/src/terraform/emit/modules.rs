use super::Emitter;
use crate::terraform::eval::{Children, Doubt, Instance, Source};
use crate::terraform::value::{LineRef, Unknown};
use allod_facts::{Clue, ClueKind, Component, Layer, LinkKind, Mitigation, Role};
use std::rc::Rc;

impl<'t> Emitter<'_, 't> {
    /// A module that lies elsewhere is an artefact; one of the tree leaves no component of its own.
    pub(super) fn module_call(&mut self, instance: &Rc<Instance<'t>>, number: usize, children: &Children<'t>) {
        let (Some(call), Some(root)) = (instance.module.calls.get(number), self.root) else { return };
        let at = LineRef { file: call.file, line: call.block.line };
        let address = format!("{}module.{}", instance.prefix, call.name);
        if let Some(doubt) = &children.expansion.doubt {
            let (what, why) = match doubt {
                Doubt::Unknown(why) => (format!("number of `{address}`"), why.clone()),
                Doubt::None => (format!("`{address}`"), none_made()),
                Doubt::TooMany(count) => (format!("`{address}`"), too_many(*count)),
            };
            self.unresolved(&why, &what, Some(root), at);
        }
        match &children.source {
            Source::Local | Source::Broken => {}
            Source::Unknown(why) => self.unresolved(why, &format!("source of `{address}`"), Some(root), at),
            Source::Elsewhere(source, origin) => {
                let module = ModuleSource::parse(source, instance.module.tofu);
                let seen = self.evidence(at, call.block.end_line);
                let id = format!("module:{}", module.address);
                let mut component =
                    Component::new(&id, &module.address, "module", module.layer, Role::Artefact, seen.clone());
                component.clues.extend(module.host.as_deref().map(|host| Clue::new(ClueKind::Host, host)));
                if let Some(line) = call.block.body.attribute("source").map(|source| source.line) {
                    component.evidence.push(self.evidence(LineRef { file: call.file, line }, line));
                }
                let component = self.facts.add(component);
                self.decided_by(component, origin);
                let mitigation = module.pinned.then_some(Mitigation::PinnedDigest);
                self.link(root, LinkKind::BuiltFrom, component, seen, mitigation);
                let reason = "it lies elsewhere and is not fetched".to_owned();
                let why = Unknown { code: "U003", reason, shape: None };
                self.unresolved(&why, &format!("inside of module `{}`", module.address), Some(component), at);
            }
        }
    }
}

pub(super) fn none_made() -> Rc<Unknown> {
    let reason = "not created with the values that are set; a variable decides".to_owned();
    Rc::new(Unknown { code: "U002", reason, shape: None })
}

pub(super) fn too_many(count: usize) -> Rc<Unknown> {
    Rc::new(Unknown { code: "U002", reason: format!("{count} instances are shown as one"), shape: None })
}

/// Where a module comes from.
/// Source of the forms: "Module Sources" in the documentation of Terraform.
#[derive(Debug, PartialEq, Eq)]
struct ModuleSource {
    /// The address without scheme, user and query.
    address: String,
    host: Option<String>,
    layer: Layer,
    /// The query has `ref=` with a commit.
    pinned: bool,
}

impl ModuleSource {
    fn parse(source: &str, tofu: bool) -> ModuleSource {
        let (path, query) = source.split_once('?').unwrap_or((source, ""));
        let commit = query.split('&').find_map(|pair| pair.strip_prefix("ref="));
        let pinned = commit.is_some_and(|commit| commit.len() >= 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()));
        let forced = path.split_once("::");
        let path = forced.map_or(path, |(_, rest)| rest);
        let (scheme, rest) = match path.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, path),
        };
        let first = rest.split('/').next().unwrap_or_default();
        let rest = match first.rsplit_once('@') {
            Some((user, _)) => rest.get(user.len() + 1..).unwrap_or(rest),
            None => rest,
        };
        // `git@host:owner/name`.
        let short = scheme.is_none() && first.contains('@');
        let address = if short { rest.replacen(':', "/", 1) } else { rest.to_owned() };
        let host = address.split('/').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let known_git = matches!(&*host, "github.com" | "bitbucket.org" | "gitlab.com" | "codeberg.org");
        if scheme.is_some() || forced.is_some() || short || known_git {
            let address = address.replace(".git//", "//");
            let address = address.strip_suffix(".git").unwrap_or(&address).to_owned();
            return ModuleSource { address, host: Some(host), layer: Layer::Source, pinned };
        }
        // `[host/]namespace/name/provider`, with `//folder` after it.
        let host = match address.split("//").next().unwrap_or_default().split('/').count() {
            4 if host.contains('.') => host,
            _ if tofu => "registry.opentofu.org".to_owned(),
            _ => "registry.terraform.io".to_owned(),
        };
        ModuleSource { address, host: Some(host), layer: Layer::Packages, pinned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_modules() {
        let check = |source: &str, address: &str, host: &str, layer, pinned| {
            let expect = ModuleSource { address: address.into(), host: Some(host.into()), layer, pinned };
            assert_eq!(ModuleSource::parse(source, false), expect, "{source}");
        };
        let (packages, source) = (Layer::Packages, Layer::Source);
        check(
            "terraform-aws-modules/vpc/aws",
            "terraform-aws-modules/vpc/aws",
            "registry.terraform.io",
            packages,
            false,
        );
        check("a/b/c//modules/x", "a/b/c//modules/x", "registry.terraform.io", packages, false);
        check("reg.corp.net/a/b/c", "reg.corp.net/a/b/c", "reg.corp.net", packages, false);
        check("github.com/o/r?ref=v1", "github.com/o/r", "github.com", source, false);
        let commit = "de95e21a3bc51cd3a44b3b95a4c2f61000649ebb";
        check(&format!("github.com/o/r//m?ref={commit}"), "github.com/o/r//m", "github.com", source, true);
        check("git::https://tok:en@git.corp.net/o/r.git?ref=main", "git.corp.net/o/r", "git.corp.net", source, false);
        check("git@github.com:o/r.git", "github.com/o/r", "github.com", source, false);
        check("git::ssh://git@h.net:2222/o/r.git//x", "h.net:2222/o/r//x", "h.net", source, false);
        check("https://h.net/m.zip", "h.net/m.zip", "h.net", source, false);
    }
}

use super::Emitter;
use super::endpoint::{Target, target};
use super::region::{Region, region_of};
use crate::endpoint::{HostKind, host_kind};
use crate::files::folder_of;
use crate::terraform::endpoint_args::{is_local, well_known_source};
use crate::terraform::eval::{Each, Instance, Scope};
use crate::terraform::module::{ProviderBlock, Resource};
use crate::terraform::syntax::{Expr, Kind, Step};
use crate::terraform::value::{LineRef, Origin, Unknown, Value};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Layer, LinkKind, Place, Role};
use std::rc::Rc;

/// A provider configuration, as its resources need it.
#[derive(Clone)]
pub(super) struct Provider {
    pub component: ComponentRef,
    /// `namespace/name`, or with the registry's host in front.
    pub source: Rc<str>,
    pub region: Option<(Rc<str>, Origin)>,
    pub target: Rc<Target>,
    /// Labels or tags for all of its resources.
    pub tags: Option<Value>,
}

impl<'t> Emitter<'_, 't> {
    /// The provider blocks of all instances from `first` on.
    pub(super) fn provider_blocks(&mut self, first: usize) {
        let mut number = first;
        while let Some(instance) = self.eval.instance(number as u32) {
            for block in &instance.module.providers {
                // Without a server to update, `dns` only looks names up.
                let idle = block.name == "dns" && block.block.body.blocks.is_empty();
                if !is_local(&block.name) && !idle {
                    self.provider_block(&instance, block);
                }
            }
            number += 1;
        }
        if let Some(root) = self.eval.instance(first as u32) {
            self.required_only(&root);
        }
    }

    /// Providers that a root requires and does not configure: used by what it calls, perhaps.
    fn required_only(&mut self, root: &Rc<Instance<'t>>) {
        let module = root.module;
        for name in module.required.keys() {
            let configured = module.providers.iter().any(|block| block.name == *name);
            if !configured && !is_local(name) && name != "dns" {
                let at = LineRef { file: module.first_file, line: 1 };
                self.implicit(root, name, at, Confidence::Low);
            }
        }
    }

    fn provider_block(&mut self, instance: &Rc<Instance<'t>>, block: &'t ProviderBlock<'t>) {
        let key = key_of(&block.name, block.alias.as_deref());
        let scope = Scope { instance, file: block.file, each: &Each::default(), bound: None };
        let fields = Value::object(self.eval.body_fields(&block.block.body, scope));
        let at = LineRef { file: block.file, line: block.block.line };
        let seen = self.evidence(at, block.block.end_line);
        let source = source_of(instance, &block.name);
        let home = self.home_of(instance, block.file, &fields);
        let address = format!("{home}#{}provider.{key}", instance.prefix);
        let component = Component::new(&address, &key, "provider", Layer::Cloud, Role::Provided, seen);
        let component = self.facts.add(component);
        self.configure(instance, &block.name, key, component, &source, &fields, at);
    }

    /// Where a block is at home: in its root module, or, when many units include it, in the folder of its file, once
    /// for each region.
    pub(super) fn home_of(&self, instance: &Instance<'t>, file: u32, fields: &Value) -> String {
        let path = self.eval.tree.paths.get(file as usize).map_or("", |path| &**path);
        if !path.ends_with(".hcl") || folder_of(path) == instance.module.dir {
            return root_id(instance);
        }
        match region_of(fields, "provider") {
            Region::Known(region, _) => format!("tf:{path}:{region}"),
            Region::Unknown(..) | Region::None => format!("tf:{path}"),
        }
    }

    /// A provider without a block of its own: the one that a resource needs anyway.
    pub(super) fn implicit(
        &mut self,
        instance: &Rc<Instance<'t>>,
        name: &str,
        at: LineRef,
        confidence: Confidence,
    ) -> Option<Provider> {
        let key = (instance.number, name.to_owned());
        if let Some(known) = self.providers.get(&key).cloned() {
            self.raise_confidence(known.component, confidence);
            return Some(known);
        }
        let required = instance.module.required.get(name);
        let at = required.map_or(at, |required| LineRef { file: required.file, line: required.line });
        let seen = self.evidence(at, at.line);
        let address = format!("{}#{}provider.{name}", root_id(instance), instance.prefix);
        let mut component = Component::new(&address, name, "provider", Layer::Cloud, Role::Provided, seen);
        component.confidence = confidence;
        let component = self.facts.add(component);
        let source = source_of(instance, name);
        self.configure(instance, name, name.to_owned(), component, &source, &Value::object(Default::default()), at);
        self.providers.get(&key).cloned()
    }

    fn raise_confidence(&mut self, component: ComponentRef, to: Confidence) {
        if let Some(component) = self.facts.get_mut(component) {
            component.confidence = component.confidence.max(to);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one place for what blocks and bare requirements share")]
    fn configure(
        &mut self,
        instance: &Rc<Instance<'t>>,
        name: &str,
        key: String,
        component: ComponentRef,
        source: &str,
        fields: &Value,
        at: LineRef,
    ) {
        let short = source.rsplit('/').next().unwrap_or(source);
        let target = target(short, fields);
        let region = match region_of(fields, "provider") {
            Region::Known(region, origin) => Some((region, origin)),
            Region::Unknown(unknown, origin) => {
                self.unresolved(&unknown, &format!("region of provider `{key}`"), Some(component), at);
                self.decided_by(component, &origin);
                None
            }
            Region::None => None,
        };
        let used = self.facts.components.get(component as usize).is_some_and(|c| c.confidence > Confidence::Low);
        if region.is_none() && short == "aws" && fields.known_field("region").is_none() && used {
            let why = Unknown { code: "U001", reason: "no file sets it".to_owned(), shape: None };
            self.unresolved(&why, &format!("region of provider `{key}`"), Some(component), at);
        }
        if let Some(required) = instance.module.required.get(name) {
            let line = LineRef { file: required.file, line: required.line };
            self.decided_by(component, &Origin::line(line));
        }
        if let Some((_, origin)) = &region {
            self.decided_by(component, origin);
        }
        self.point(component, &key, &target, source, at);
        if let Some(component) = self.facts.get_mut(component) {
            component.place = region.as_ref().map(|(region, _)| Place::region(region));
        }
        if let Some(backend) = self.backend {
            let seen = self.evidence(at, at.line);
            self.link(component, LinkKind::DeployedBy, backend, seen, None);
        }
        let tags = fields
            .known_field("default_labels")
            .cloned()
            .or_else(|| super::backend::at_path(fields, "default_tags.tags"));
        let provider = Provider { component, source: Rc::from(source), region, target: Rc::new(target), tags };
        self.providers.insert((instance.number, key), provider);
    }

    /// Clues and role of a provider from where it points.
    fn point(&mut self, component: ComponentRef, key: &str, target: &Target, source: &str, at: LineRef) {
        let (clues, role, origin) = match target {
            Target::Vendor => (vec![Clue::new(ClueKind::TerraformProvider, source)], Role::Provided, None),
            Target::Host(host, origin) => (vec![Clue::new(ClueKind::Host, host)], Role::Provided, Some(origin)),
            Target::Inside(origin) => (Vec::new(), Role::Own, Some(origin)),
            Target::Resources(_, origin) => (Vec::new(), Role::Own, Some(origin)),
            Target::Services(services) => {
                let main = services.get("s3").or_else(|| services.values().next());
                match main {
                    Some((host, origin)) if host_kind(host) == HostKind::Internal => {
                        (Vec::new(), Role::Own, Some(origin))
                    }
                    Some((host, origin)) => (vec![Clue::new(ClueKind::Host, host)], Role::Provided, Some(origin)),
                    None => (Vec::new(), Role::Provided, None),
                }
            }
            Target::Unknown(unknown, origin) => {
                let code = if unknown.code == "U005" { "U005" } else { "U007" };
                let why = Unknown { code, reason: unknown.reason.clone(), shape: None };
                self.unresolved(&why, &format!("endpoint of provider `{key}`"), Some(component), at);
                (Vec::new(), Role::Provided, Some(origin))
            }
        };
        if let Some(origin) = origin {
            self.decided_by(component, origin);
        }
        if let Some(component) = self.facts.get_mut(component) {
            component.clues = clues.into();
            component.role = role;
        }
    }

    /// The provider of a resource: what its `provider` argument names, else the default one of its type's first word;
    /// inside a module, what the call hands over, or what is around it.
    pub(super) fn provider_of(&mut self, instance: &Rc<Instance<'t>>, resource: &'t Resource<'t>) -> Option<Provider> {
        let stated = resource.block.body.attribute("provider").and_then(|attribute| provider_name(&attribute.value));
        let (name, alias) = stated.unwrap_or_else(|| {
            let first = resource.kind.split('_').next().unwrap_or_default();
            (first.to_owned(), None)
        });
        let at = LineRef { file: resource.file, line: resource.block.line };
        self.find_provider(instance, name, alias, at)
    }

    fn find_provider(
        &mut self,
        instance: &Rc<Instance<'t>>,
        mut name: String,
        mut alias: Option<String>,
        at: LineRef,
    ) -> Option<Provider> {
        let mut instance = instance.clone();
        loop {
            let key = (instance.number, key_of(&name, alias.as_deref()));
            if let Some(found) = self.providers.get(&key) {
                let found = found.clone();
                self.raise_confidence(found.component, Confidence::Medium);
                return Some(found);
            }
            let Some(site) = &instance.call else { break };
            if let Some((given, given_alias)) = handed_over(&site.call.block.body, &key.1) {
                (name, alias) = (given, given_alias);
            } else if alias.is_some() {
                // An alias that nobody hands over: the configuration is not whole.
                break;
            }
            let parent = site.parent.clone();
            instance = parent;
        }
        let name = key_of(&name, alias.as_deref());
        self.implicit(&instance, &name, at, Confidence::Medium)
    }
}

pub(super) fn root_id(instance: &Instance<'_>) -> String {
    format!("tf:{}", if instance.root.is_empty() { "." } else { instance.root })
}

fn key_of(name: &str, alias: Option<&str>) -> String {
    alias.map_or_else(|| name.to_owned(), |alias| format!("{name}.{alias}"))
}

/// The source of a provider by its local name, from this module or one around it.
fn source_of(instance: &Rc<Instance<'_>>, name: &str) -> String {
    let name = name.split('.').next().unwrap_or(name);
    let mut at = Some(instance.clone());
    while let Some(instance) = at {
        if instance.module.required.get(name).is_some_and(|required| required.source.is_some()) {
            return instance.module.provider_source(name);
        }
        at = instance.call.as_ref().map(|site| site.parent.clone());
    }
    well_known_source(name).map_or_else(|| format!("hashicorp/{name}"), str::to_owned)
}

/// `aws`, `aws.west`, or the same as a text.
fn provider_name(expr: &Expr<'_>) -> Option<(String, Option<String>)> {
    match &expr.kind {
        Kind::Name(name) => Some((name.to_string(), None)),
        Kind::Text(text) => match text.split_once('.') {
            Some((name, alias)) => Some((name.to_owned(), Some(alias.to_owned()))),
            None => Some((text.to_string(), None)),
        },
        Kind::Get(base, steps) => match (&base.kind, steps.first()) {
            (Kind::Name(name), Some(Step::Attr(alias))) => Some((name.to_string(), Some(alias.to_string()))),
            _ => None,
        },
        _ => None,
    }
}

/// What the `providers` argument of a call hands over under a name.
fn handed_over(body: &crate::terraform::syntax::Body<'_>, key: &str) -> Option<(String, Option<String>)> {
    let Kind::Object(items) = &body.attribute("providers")?.value.kind else { return None };
    let item = items
        .iter()
        .find(|item| provider_name(&item.key).is_some_and(|(name, alias)| key_of(&name, alias.as_deref()) == key))?;
    provider_name(&item.value)
}

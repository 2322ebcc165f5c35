use super::Emitter;
use super::backend::{StateHolder, state_clues};
use super::hosts::host_in;
use super::links::own_line;
use crate::terraform::eval::Instance;
use crate::terraform::module::Resource;
use crate::terraform::value::{LineRef, Value};
use allod_facts::{Component, Layer, LinkKind, Role};
use std::rc::Rc;

impl<'t> Emitter<'_, 't> {
    /// Data sources that reach out by themselves: `http`, and states that others keep.
    pub(super) fn data_links(&mut self, instance: &Rc<Instance<'t>>, number: u32, resource: &'t Resource<'t>) {
        let Some(root) = self.root else { return };
        let at = LineRef { file: resource.file, line: resource.block.line };
        match &*resource.kind {
            "http" => {
                let url = self.eval.resource_object(instance, number, 0).known_field("url").cloned();
                let Some(url) = url else { return };
                if let Some(host) = host_in(&url)
                    && let Some(to) = self.host(&host, &url.origin, own_line(&url, at))
                {
                    let seen = self.evidence(at, resource.block.end_line);
                    self.link(root, LinkKind::BuiltFrom, to, seen, None);
                }
            }
            "terraform_remote_state" => {
                let fields = self.eval.resource_object(instance, number, 0);
                let Some(backend) = fields.known_field("backend").and_then(Value::as_text) else { return };
                let config = fields.known_field("config").cloned().unwrap_or_else(Value::null);
                let seen = self.evidence(at, resource.block.end_line);
                let id = format!("{}#{}{}", super::provider::root_id(instance), instance.prefix, resource.address());
                let kind = "data.terraform_remote_state";
                let mut component = Component::new(
                    &id,
                    &format!("state read as {}", resource.name),
                    kind,
                    Layer::Iac,
                    Role::Provided,
                    seen.clone(),
                );
                match state_clues(backend, &config) {
                    StateHolder::Service(clues) if backend != "local" => component.clues = clues.into(),
                    StateHolder::Unknown => {}
                    _ => component.role = Role::Own,
                }
                let component = self.facts.add(component);
                self.link(root, LinkKind::BuiltFrom, component, seen, None);
            }
            "tfe_outputs" => {
                let seen = self.evidence(at, resource.block.end_line);
                self.resource_instances(instance, number, resource);
                if let Some(component) = self.reference(instance.number, number, 0) {
                    self.link(root, LinkKind::BuiltFrom, component, seen, None);
                }
            }
            _ => {}
        }
    }
}

/// Data sources that tell something about the account, the provider or a text: no part of a stack.
pub(super) fn is_about_oneself(kind: &str) -> bool {
    const KINDS: &[&str] = &[
        "aws_caller_identity",
        "aws_partition",
        "aws_region",
        "aws_regions",
        "aws_availability_zones",
        "aws_availability_zone",
        "aws_canonical_user_id",
        "aws_default_tags",
        "aws_ip_ranges",
        "aws_service_principal",
        "azurerm_client_config",
        "azurerm_subscription",
        "azuread_client_config",
        "google_client_config",
        "google_client_openid_userinfo",
        "google_project",
        "google_compute_zones",
        "google_iam_policy",
    ];
    kind.ends_with("policy_document") || KINDS.contains(&kind)
}

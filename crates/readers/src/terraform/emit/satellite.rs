//! Settings of other resources: a policy, an attachment, a rule of a security group. They are no parts of a stack: what
//! they say belongs to the resource that they set up, and so do their lines.
//!
//! A resource is a setting when its type says so twice: its last word is one of those below, and it refers, by one of
//! its own arguments, to a resource of the same provider whose type is in its own (`aws_s3_bucket` in
//! `aws_s3_bucket_policy`), or, for words that only ever tie things together, to one of the same family (`aws_kms_key`
//! of an `aws_kms_alias`). Everything else stays a component of its own.

use super::Emitter;
use super::names::without_version;
use super::resource::first_word;
use crate::terraform::eval::Instance;
use crate::terraform::module::{Mode, Resource};
use crate::terraform::value::{LineRef, ResourceRef, Value};
use allod_facts::ComponentRef;
use std::rc::Rc;

/// Last words of types that set up something else, when the type of that is in theirs.
const SETTINGS: &[&str] = &[
    "access_block",
    "acl",
    "alerts",
    "alias",
    "association",
    "associate",
    "attach",
    "attachment",
    "attribute",
    "attributes",
    "binding",
    "configuration",
    "controls",
    "cors",
    "dkim",
    "encryption",
    "interface",
    "inventory",
    "integration",
    "lifecycle",
    "listener",
    "logging",
    "mapping",
    "member",
    "membership",
    "metric",
    "method",
    "notification",
    "object",
    "option",
    "parameter",
    "permission",
    "permissions",
    "policy",
    "policies",
    "response",
    "route",
    "rule",
    "rules",
    "setting",
    "settings",
    "subscription",
    "tag",
    "target",
    "updates",
    "validation",
    "verification",
    "version",
    "versioning",
    "attachments",
    "block",
    "accelerate",
    "payment",
];

/// Last words of types that tie other things together and are nothing without them.
const TIES: &[&str] = &[
    "alias",
    "associate",
    "association",
    "attach",
    "attachment",
    "integration",
    "member",
    "membership",
    "method",
    "object",
    "permission",
    "policy",
    "response",
    "rule",
    "target",
    "validation",
];

/// Arguments that speak about other resources than the one that is set up.
const ASIDE: &[&str] = &[
    "name",
    "name_prefix",
    "policy",
    "assume_role_policy",
    "inline_policy",
    "tags",
    "labels",
    "description",
    "triggers",
    "source",
    "content",
];

/// Chains of settings of settings that are followed.
const MAX_CHAIN: usize = 8;

/// A setting that waits for what it belongs to.
pub(super) struct Pending<'t> {
    pub instance: Rc<Instance<'t>>,
    pub number: u32,
}

/// What a setting belongs to.
enum Host {
    Known(ComponentRef),
    /// A setting itself that has no place yet.
    Later,
    None,
}

pub(super) fn may_be_setting(kind: &str) -> bool {
    let kind = without_version(kind);
    SETTINGS.iter().any(|word| ends_with_word(kind, word))
}

impl<'t> Emitter<'_, 't> {
    /// Gives the settings to what they set up; those that set up nothing that is known here are components.
    pub(super) fn settle(&mut self, mut pending: Vec<Pending<'t>>) {
        for round in 0..MAX_CHAIN {
            let before = pending.len();
            let mut later = Vec::new();
            for one in pending {
                if self.settle_one(&one, round + 1 == MAX_CHAIN) {
                    later.push(one);
                }
            }
            pending = later;
            // Settings that only wait for each other have no place.
            if pending.len() == before {
                break;
            }
        }
        for one in pending {
            if let Some(resource) = one.instance.module.resources.get(one.number as usize) {
                self.resource_instances(&one.instance, one.number, resource);
            }
        }
    }

    /// Whether it has to wait.
    fn settle_one(&mut self, one: &Pending<'t>, last: bool) -> bool {
        let Some(resource) = one.instance.module.resources.get(one.number as usize) else { return false };
        let Some(expansion) = self.eval.resource_expansion(&one.instance, one.number) else { return false };
        let mut hosts = Vec::new();
        for ordinal in 0..expansion.instances.len() {
            let fields = self.eval.resource_object(&one.instance, one.number, ordinal as u32);
            match self.host_of(resource, &fields) {
                Host::Known(host) => hosts.push(host),
                Host::Later if !last => return true,
                // One instance without a place makes all of them components.
                Host::Later | Host::None => {
                    self.resource_instances(&one.instance, one.number, resource);
                    return false;
                }
            }
        }
        let at = LineRef { file: resource.file, line: resource.block.line };
        let seen = self.evidence(at, resource.block.end_line);
        for (ordinal, host) in (0..).zip(hosts) {
            if let Some(component) = self.facts.get_mut(host) {
                component.see(seen.clone());
            }
            let place = self.place_of(one.instance.number, one.number, ordinal, &expansion);
            self.resources.insert(place, host);
        }
        false
    }

    fn host_of(&self, resource: &Resource<'_>, fields: &Value) -> Host {
        let mut best: Option<((usize, usize), ResourceRef)> = None;
        for (name, value) in fields.as_object().into_iter().flat_map(|fields| &fields.map) {
            if ASIDE.contains(&&**name) {
                continue;
            }
            for at in value.origin.resources() {
                let Some(kind) = self.managed_kind(*at) else { continue };
                let rank = closeness(&resource.kind, kind);
                if rank > (0, 0) && best.is_none_or(|(known, _)| rank > known) {
                    best = Some((rank, *at));
                }
            }
        }
        let Some((_, at)) = best else { return Host::None };
        match self.reference(at.instance, at.resource, at.ordinal.unwrap_or(0)) {
            Some(component) => Host::Known(component),
            None if self.managed_kind(at).is_some_and(may_be_setting) => Host::Later,
            None => Host::None,
        }
    }

    fn managed_kind(&self, at: ResourceRef) -> Option<&'t str> {
        let module = self.eval.instance(at.instance)?.module;
        let resource = module.resources.get(at.resource as usize)?;
        (resource.mode == Mode::Managed).then_some(&*resource.kind)
    }
}

/// How surely a setting of one type belongs to a resource of another: zero when it does not. The longer the type of the
/// other is the better; of two as long, the one that stands first in the type.
fn closeness(setting: &str, other: &str) -> (usize, usize) {
    let (setting, other) = (without_version(setting), without_version(other));
    if first_word(setting) != first_word(other) || setting == other {
        return (0, 0);
    }
    let words = |kind: &str| kind.split('_').count();
    let (Some((_, inside)), Some((_, thing))) = (setting.split_once('_'), other.split_once('_')) else { return (0, 0) };
    let padded = format!("_{inside}_");
    if let Some(at) = padded.find(&format!("_{thing}_")) {
        return (2 * words(thing) + 1, usize::MAX - at);
    }
    let common = setting.split('_').zip(other.split('_')).take_while(|(a, b)| a == b).count();
    let wanted = if ends_with_word(setting, "rule") { 3 } else { 2 };
    let ties = TIES.iter().any(|word| ends_with_word(setting, word));
    if ties && common >= wanted { (2 * (common - 1), 0) } else { (0, 0) }
}

fn ends_with_word(kind: &str, word: &str) -> bool {
    kind.strip_suffix(word).is_some_and(|rest| rest.ends_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_setting_belongs_to() {
        let check = |setting: &str, others: &[&str], expect: Option<&str>| {
            let best = others.iter().filter(|_| may_be_setting(setting)).max_by_key(|other| closeness(setting, other));
            let best = best.copied().filter(|other| closeness(setting, other) > (0, 0));
            assert_eq!(best, expect, "{setting}");
        };
        check("aws_s3_bucket_versioning", &["aws_s3_bucket"], Some("aws_s3_bucket"));
        check("aws_s3_bucket_logging", &["aws_kms_key", "aws_s3_bucket"], Some("aws_s3_bucket"));
        check("aws_iam_role_policy_attachment", &["aws_iam_policy", "aws_iam_role"], Some("aws_iam_role"));
        check("aws_route_table_association", &["aws_subnet", "aws_route_table"], Some("aws_route_table"));
        check("aws_lambda_permission", &["aws_sns_topic", "aws_lambda_function"], Some("aws_lambda_function"));
        check("aws_ecr_lifecycle_policy", &["aws_ecr_repository"], Some("aws_ecr_repository"));
        check("aws_kms_alias", &["aws_kms_key"], Some("aws_kms_key"));
        check("aws_vpc_security_group_ingress_rule", &["aws_vpc", "aws_security_group"], Some("aws_security_group"));
        check(
            "azurerm_network_security_rule",
            &["azurerm_network_security_group"],
            Some("azurerm_network_security_group"),
        );
        check(
            "openstack_networking_router_interface_v2",
            &["openstack_networking_router_v2"],
            Some("openstack_networking_router_v2"),
        );
        check(
            "google_storage_bucket_iam_member",
            &["google_service_account", "google_storage_bucket"],
            Some("google_storage_bucket"),
        );
        // These are things of their own.
        check("google_compute_forwarding_rule", &["google_compute_target_https_proxy", "google_compute_address"], None);
        check("aws_launch_configuration", &["aws_security_group"], None);
        check("aws_route53_record", &["aws_route53_zone"], None);
        check("aws_rds_cluster_instance", &["aws_rds_cluster"], None);
        check("aws_cloudwatch_event_rule", &["aws_sns_topic"], None);
    }
}

//! Kinds that no module knows: what carries an address or an image is read all the same, the rest is counted.

use super::object::Object;
use super::scene::{Scene, Setting};
use super::{Address, addresses, leads_out};
use crate::node::{Node, Value};
use allod_facts::{Confidence, Layer, LinkKind};

/// Kinds of Kubernetes and of common controllers that carry nothing which leads outside.
const SILENT: &[&str] = &[
    "Namespace",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "VerticalPodAutoscaler",
    "NetworkPolicy",
    "CustomResourceDefinition",
    "PriorityClass",
    "LimitRange",
    "ResourceQuota",
    "Endpoints",
    "EndpointSlice",
    "PodSecurityPolicy",
    "RuntimeClass",
    "Lease",
    "ControllerRevision",
    "Event",
    "Node",
    "SecurityContextConstraints",
    "CSIDriver",
    "CSINode",
    "VolumeAttachment",
    "CertificateSigningRequest",
    "Binding",
    "PodMonitor",
    "ServiceMonitor",
    "PrometheusRule",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "ComponentStatus",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "DestinationRule",
    "PeerAuthentication",
    "AuthorizationPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "ReferenceGrant",
    "ScaledObject",
    "TriggerAuthentication",
    "NodePool",
    "ClusterPolicy",
    "Policy",
    "PolicyException",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "AppProject",
    "IngressClass",
    "SealedSecret",
    "APIService",
    "CompositeResourceDefinition",
    "ConstraintTemplate",
    "Silence",
    "NetworkAttachmentDefinition",
    "VolumeGroupSnapshotClass",
    "EnvoyFilter",
    "Sidecar",
    "Telemetry",
    "Middleware",
    "ServersTransport",
    "TLSOption",
    "WorkloadGroup",
    "ResourceSet",
    "LocalQueue",
    "ClusterQueue",
    "ResourceFlavor",
    "PodGroup",
    "Queue",
    "IPAddressPool",
    "L2Advertisement",
    "BGPPeer",
    "BGPAdvertisement",
    "DeviceClass",
    "ResourceClaimTemplate",
    "ImagePolicy",
    "Project",
    "TokenReview",
];

/// Kinds that are read for the addresses that they may carry and say nothing when they carry none.
const QUIET: &[&str] = &["GrafanaDashboard", "GrafanaFolder"];

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let silent =
        SILENT.contains(&object.kind) || object.kind.ends_with("Policy") || object.kind.ends_with("PolicyBinding");
    if silent || scene.component(at).is_some() {
        return;
    }
    let found = carried(object.node);
    if found.is_empty() {
        if !QUIET.contains(&object.kind) {
            scene.unknown_kind(object);
        }
        return;
    }
    let own = scene.own(at, object, Layer::Unclassified);
    for carried in found {
        match carried {
            Carried::Image { text, line } => super::workload::built_from(scene, own, object, &text, line),
            Carried::Address { key, text, line, by_line } => {
                // A dashboard is fetched from there; nothing goes there.
                let link = if QUIET.contains(&object.kind) { LinkKind::BuiltFrom } else { LinkKind::SendsTo };
                let setting = Setting {
                    link,
                    line_by_line: by_line,
                    confidence: Confidence::Medium,
                    ..Setting::new(&key, &text, line)
                };
                scene.send(&[own], object, &setting);
            }
        }
    }
}

enum Carried {
    Image { text: String, line: u32 },
    Address { key: String, text: String, line: u32, by_line: bool },
}

/// More than this in one object is data.
const MAX_CARRIED: usize = 256;

fn carried(node: &Node) -> Vec<Carried> {
    let mut found = Vec::new();
    for (part, _, value) in node.entries() {
        if matches!(part, "apiVersion" | "kind" | "metadata" | "status") {
            continue;
        }
        value.walk_scalars(&mut |path, scalar| {
            let key = path.last().copied().unwrap_or(part);
            let Some(text) = scalar.as_str().filter(|text| found.len() < MAX_CARRIED && text.len() < 65_536) else {
                return;
            };
            let lower = key.to_ascii_lowercase();
            if matches!(
                lower.as_str(),
                "description" | "documentation" | "message" | "summary" | "$schema" | "title" | "icon" | "home"
            ) {
                return;
            }
            if (lower == "image" || lower.ends_with("image")) && text.contains(['/', ':']) && !text.contains("://") {
                found.push(Carried::Image { text: text.to_owned(), line: scalar.line });
                return;
            }
            let leads = addresses(key, text).iter().any(|(_, address)| match address {
                Address::Known(text) => leads_out(text),
                Address::Hidden(_) => false,
            });
            if leads {
                let by_line = matches!(&scalar.value, Value::Scalar(scalar) if scalar.literal);
                found.push(Carried::Address { key: key.to_owned(), text: text.to_owned(), line: scalar.line, by_line });
            }
        });
    }
    found
}

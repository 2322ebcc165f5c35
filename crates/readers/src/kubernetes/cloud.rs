//! Objects that stand for something in a cloud: Crossplane, the clouds' own controllers, Cluster API, and operators of
//! services whose API group says whose they are.

use super::object::Object;
use super::scene::{Part, Scene, Setting, word};
use crate::node::Node;
use allod_facts::{Clue, Confidence, Evidence, Layer, LinkKind, Place};

/// Endings of API groups whose objects are things in a cloud.
const CLOUD_GROUPS: &[&str] = &[
    ".upbound.io",
    ".eksctl.io",
    ".eks.aws",
    ".crossplane.io",
    ".services.k8s.aws",
    ".k8s.aws",
    ".cnrm.cloud.google.com",
    ".azure.com",
    ".cloud.google.com",
    ".azure.upbound.io",
    ".gke.io",
    ".eks.amazonaws.com",
    ".k8s.amazonaws.com",
    ".scaleway.com",
    ".hetzner.cloud",
    ".oraclecloud.com",
    ".ibm.com",
    ".aliyun.com",
    ".upcloud.com",
    ".ionos.com",
    ".ovh.net",
    ".digitalocean.com",
    ".aadpodidentity.k8s.io",
];

/// API groups of operators that speak to one company's service.
const SERVICE_GROUPS: &[&str] = &[
    "dynatrace.com",
    "instana.io",
    "datadoghq.com",
    "coralogix.com",
    "crowdstrike.com",
    "newrelic.com",
    "dash0.com",
    "app.terraform.io",
    "atlas.mongodb.com",
    "cloudflare-operator.io",
    "aiven.io",
    "ngrok.com",
    "ngrok.k8s.ngrok.com",
    "tailscale.com",
    "snyk.io",
    "humio.com",
    "lightbend.com",
    "confluent.io",
    "app.pulumi.com",
    "auth.pulumi.com",
    "pulumi.com",
    "kafka.redpanda.com",
    "cloud.redpanda.com",
    "neon.tech",
    "scylla.scylladb.com",
    "getambassador.io",
    "platform.confluent.io",
];

/// Groups with a cloud's ending that are one's own machinery.
const OWN_GROUPS: &[&str] = &[
    "pkg.crossplane.io",
    "apiextensions.crossplane.io",
    "meta.pkg.crossplane.io",
    "secrets.crossplane.io",
    "kubernetes.crossplane.io",
    "helm.crossplane.io",
    "pt.fn.crossplane.io",
    "networking.gke.io",
    "ops.crossplane.io",
    "protection.crossplane.io",
];

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    if object.group.ends_with("pkg.crossplane.io") {
        package(scene, at, object);
        return true;
    }
    if object.group.ends_with("cluster.x-k8s.io") {
        return cluster_api(scene, at, object);
    }
    if matches!(object.kind, "Composition" | "ResourceGraphDefinition") {
        composed(scene, at, object);
        return true;
    }
    if object.group == "networking.gke.io" && object.kind.starts_with("MultiCluster") {
        resource(scene, at, object, vec![word(object.group)]);
        return true;
    }
    let own = OWN_GROUPS.contains(&object.group) || object.group.ends_with("fn.crossplane.io");
    let service = SERVICE_GROUPS
        .iter()
        .any(|known| object.group.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    if own || !(is_cloud(object.group) || service) {
        return false;
    }
    // eksctl's group is no AWS name, and it makes nothing but clusters of AWS.
    let words: &[&str] = if object.group == "eksctl.io" { &["eks.amazonaws.com", "aws"] } else { &[] };
    resource(scene, at, object, words.iter().copied().chain([object.group]).map(word).collect());
    true
}

fn is_cloud(group: &str) -> bool {
    !OWN_GROUPS.contains(&group)
        && CLOUD_GROUPS.iter().any(|ending| group.ends_with(ending) || ending.strip_prefix('.') == Some(group))
}

/// Objects of a cloud inside a composition: a template for them, so each is a part that its claims run on.
fn composed(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let mut found = Vec::new();
    gather(object.node.get("spec"), &mut found);
    if found.is_empty() {
        return;
    }
    let own = scene.own(at, object, Layer::Iac);
    for (number, inner) in found.into_iter().enumerate() {
        let kind = inner.str_at(&["kind"]).unwrap_or("");
        let group = inner.str_at(&["apiVersion"]).and_then(|version| version.split('/').next()).unwrap_or("");
        let part = Part {
            suffix: &format!("/{number}/{kind}"),
            name: format!("{kind} of {}", object.shown_name()),
            kind,
            layer: layer_of(kind),
            clues: vec![word(group)],
            confidence: Confidence::Medium,
        };
        let line = inner.entry("kind").map_or(inner.line, |(key, _)| key.line);
        let seen = Evidence { end_line: inner.end_line.max(line), ..object.at(line) };
        let component = scene.part(object, &part, seen.clone());
        scene.link(own, LinkKind::RunsOn, component, seen);
    }
}

/// Maps that are objects of a cloud. The tree has a depth limit.
fn gather<'n>(node: Option<&'n Node>, found: &mut Vec<&'n Node>) {
    let Some(node) = node else { return };
    if let Some(items) = node.as_seq() {
        return items.iter().for_each(|item| gather(Some(item), found));
    }
    let group = node.str_at(&["apiVersion"]).and_then(|version| version.split_once('/')).map(|(group, _)| group);
    if node.get("kind").is_some() && group.is_some_and(is_cloud) && found.len() < MAX_COMPOSED {
        found.push(node);
        return;
    }
    node.entries().for_each(|(_, _, value)| gather(Some(value), found));
}

/// Objects in one composition.
const MAX_COMPOSED: usize = 1_000;

/// An object of which the provider's cloud has the counterpart.
fn resource(scene: &mut Scene<'_>, at: usize, object: &Object<'_>, clues: Vec<Clue>) {
    let resource = scene.provided(at, object, layer_of(object.kind), clues, object.block());
    let spec = object.spec();
    let for_provider = spec.and_then(|spec| spec.get("forProvider"));
    let region = [for_provider, spec].into_iter().flatten().find_map(|holder| {
        ["region", "location", "zone"].iter().find_map(|key| holder.get(key).filter(|node| node.as_str().is_some()))
    });
    let region = region.or_else(|| object.node.at(&["metadata", "region"]));
    if let Some((text, node)) = region.and_then(|node| Some((node.as_str()?, node))) {
        if text.is_empty() || text.contains(['$', '{', crate::helm::template::HOLE]) {
            let message = "the region is not in the file".to_owned();
            scene.facts.unresolved("U001", message, Some(resource), object.seen(node));
        } else if let Some(component) = scene.facts.get_mut(resource) {
            component.place = Some(Place::region(text));
        }
        scene.also_seen(resource, object.seen(node));
    }
    // The site of an agent or operator (`site: datadoghq.eu`, `apiUrl: https://...`).
    let Some(spec) = spec else { return };
    let mut settings = Vec::new();
    spec.walk_scalars(&mut |path, node| {
        let key = path.last().copied().unwrap_or("");
        if let Some(text) = node.as_str()
            && settings.len() < 64
            && super::says_host(key)
        {
            settings.push((key.to_owned(), text.to_owned(), node.line));
        }
    });
    for (key, text, line) in settings {
        scene.send(&[resource], object, &Setting { optional: true, ..Setting::new(&key, &text, line) });
    }
}

/// The layer that the kind of a cloud's object suggests.
fn layer_of(kind: &str) -> Layer {
    const WORDS: &[(&str, Layer)] = &[
        ("bucket", Layer::Storage),
        ("filesystem", Layer::Storage),
        ("storage", Layer::Storage),
        ("volume", Layer::Storage),
        ("snapshot", Layer::Storage),
        ("database", Layer::Database),
        ("sql", Layer::Database),
        ("redis", Layer::Database),
        ("dbinstance", Layer::Database),
        ("dbcluster", Layer::Database),
        ("table", Layer::Database),
        ("cache", Layer::Database),
        ("rds", Layer::Database),
        ("zone", Layer::Dns),
        ("recordset", Layer::Dns),
        ("record", Layer::Dns),
        ("distribution", Layer::Cdn),
        ("queue", Layer::Messaging),
        ("topic", Layer::Messaging),
        ("role", Layer::Identity),
        ("policy", Layer::Identity),
        ("user", Layer::Identity),
        ("serviceaccount", Layer::Identity),
        ("key", Layer::Secrets),
        ("secret", Layer::Secrets),
        ("vault", Layer::Secrets),
        ("certificate", Layer::Certificates),
        ("repository", Layer::Registry),
        ("registry", Layer::Registry),
        ("vpc", Layer::Network),
        ("subnet", Layer::Network),
        ("network", Layer::Network),
        ("gateway", Layer::Network),
        ("loadbalancer", Layer::Network),
        ("address", Layer::Network),
        ("multicluster", Layer::Network),
        ("azureidentity", Layer::Identity),
        ("instance", Layer::Compute),
        ("cluster", Layer::Compute),
        ("node", Layer::Compute),
        ("function", Layer::Compute),
        ("machine", Layer::Compute),
        ("agent", Layer::Observability),
        ("monitor", Layer::Observability),
    ];
    let lower = kind.to_ascii_lowercase();
    WORDS.iter().find(|(word, _)| lower.contains(word)).map_or(Layer::Cloud, |(_, layer)| *layer)
}

/// A Crossplane package: an image in a registry.
fn package(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    if let Some((text, node)) = object.node.at(&["spec", "package"]).and_then(|node| Some((node.as_str()?, node))) {
        let own = scene.own(at, object, Layer::Iac);
        super::workload::built_from(scene, own, object, text, node.line);
    }
}

/// Prefixes of Cluster API's infrastructure kinds, with the words of their clouds.
const INFRASTRUCTURE: &[(&str, &[&str])] = &[
    ("AWS", &["aws"]),
    ("Rosa", &["aws"]),
    ("ROSA", &["aws"]),
    ("Azure", &["azure"]),
    ("GCP", &["gcp", "google"]),
    ("Hetzner", &["hcloud", "hetzner"]),
    ("HCloud", &["hcloud", "hetzner"]),
    ("DO", &["digitalocean"]),
    ("IBM", &["ibm"]),
    ("OCI", &["oci", "oracle"]),
    ("Linode", &["linode"]),
    ("Scaleway", &["scaleway"]),
    ("Packet", &["equinix"]),
    ("Ionos", &["ionos"]),
    ("Vultr", &["vultr"]),
    ("Exoscale", &["exoscale"]),
    ("Stackit", &["stackit"]),
    ("Upcloud", &["upcloud"]),
];

fn cluster_api(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    let known = INFRASTRUCTURE.iter().find(|(prefix, _)| {
        object.kind.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    });
    match known {
        Some((_, words)) => {
            resource(scene, at, object, words.iter().map(|text| word(text)).collect());
            true
        }
        None if object.kind == "Cluster" => {
            let own = scene.own(at, object, Layer::Compute);
            let reference = object.node.at(&["spec", "infrastructureRef"]);
            let target = reference.and_then(|reference| {
                scene.index.find(
                    reference.str_at(&["kind"])?,
                    object.namespace,
                    reference.str_at(&["name"])?,
                    object.path,
                )
            });
            if let (Some(reference), Some((at, target))) =
                (reference, target.and_then(|at| Some((at, scene.object(at)?))))
            {
                if scene.component(at).is_none() {
                    cluster_api(scene, at, target);
                }
                if let Some(target) = scene.component(at) {
                    scene.link(own, LinkKind::RunsOn, target, object.seen(reference));
                }
            }
            true
        }
        None => object.group != "infrastructure.cluster.x-k8s.io" || object.kind.starts_with("Docker"),
    }
}

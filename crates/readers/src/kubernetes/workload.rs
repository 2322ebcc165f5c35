use super::models;
use super::object::Object;
use super::scene::{Part, Scene, Setting, Use, word};
use super::settings::{Pod, argument_list, literal_environment, pods, shell_expanded};
use crate::helm::template::HOLE;
use crate::image;
use crate::node::{Node, Value};
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Layer, LinkKind, Mitigation, Place, Role,
};
use std::collections::BTreeMap;

/// Kinds that run something, with or without a container that can be read.
pub(super) const WORKLOADS: &[&str] = &[
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "ReplicaSet",
    "ReplicationController",
    "Rollout",
    "DeploymentConfig",
    "Workflow",
    "WorkflowTemplate",
    "ClusterWorkflowTemplate",
    "CronWorkflow",
    "RayCluster",
    "RayService",
    "RayJob",
    "InferenceService",
    "PodTemplate",
];

/// Kinds whose containers are a schema, a policy's example or another object's.
const NEVER: &[&str] =
    &["CustomResourceDefinition", "HelmRelease", "Application", "ApplicationSet", "ConfigMap", "Secret"];

/// Adds the component of a workload with its images, destinations and what it uses.
pub(super) fn describe(scene: &mut Scene<'_>, at: usize) {
    let Some(object) = scene.object(at) else { return };
    if NEVER.contains(&object.kind) || object.kind.contains("Policy") {
        return;
    }
    let pods = pods(object.node);
    let knative = object.group == "serving.knative.dev" && object.kind == "Service";
    if pods.is_empty() && !WORKLOADS.contains(&object.kind) && !knative {
        return;
    }
    let layer = if is_pipeline(object, &pods) { Layer::Observability } else { Layer::Application };
    let root = scene.made_by(at);
    if root != at {
        return describe_made(scene, at, root, object, layer, &pods);
    }
    let workload = scene.own(at, object, layer);
    scene.workloads.push(at);
    for pair in super::services::pod_labels(object.node) {
        let known = scene.labelled.entry(pair).or_default();
        if known.last() != Some(&at) {
            known.push(at);
        }
    }
    for pod in &pods {
        place(scene, workload, object, pod.spec);
        nodes(scene, workload, object, pod.spec);
        for container in pod.containers() {
            image(scene, workload, object, container);
            uses(scene, at, workload, object, container);
        }
        volumes(scene, at, workload, object, pod.spec);
    }
}

/// What a controller made (the replica sets and pods of a deployment) is its maker as it runs: what it has and the maker
/// does not say is added to the maker.
fn describe_made<'a>(
    scene: &mut Scene<'a>,
    at: usize,
    root: usize,
    object: &'a Object<'a>,
    layer: Layer,
    pods: &[Pod<'a>],
) {
    let Some(maker) = scene.object(root) else { return };
    let workload = scene.own(root, maker, layer);
    scene.is_part_of(at, workload);
    let ended = matches!(object.node.str_at(&["status", "phase"]), Some("Succeeded" | "Failed"));
    // A replica set that a rollout left behind runs nothing.
    if ended || object.node.str_at(&["spec", "replicas"]) == Some("0") {
        return;
    }
    for pod in pods {
        for container in pod.containers() {
            image(scene, workload, object, container);
            uses(scene, root, workload, object, container);
        }
        volumes(scene, root, workload, object, pod.spec);
    }
}

fn is_pipeline(object: &Object<'_>, pods: &[Pod<'_>]) -> bool {
    const WORDS: &[&str] = &[
        "collector",
        "fluent",
        "vector",
        "promtail",
        "prometheus",
        "alloy",
        "datadog",
        "filebeat",
        "telegraf",
        "loki",
        "grafana",
    ];
    let of = |text: &str| WORDS.iter().any(|word| text.contains(word));
    let images = pods.iter().flat_map(|pod| pod.containers()).filter_map(|container| container.str_at(&["image"]));
    object.kind != "CronJob" && images.take(1).any(|image| of(image.rsplit('/').next().unwrap_or(image)))
}

/// The image of a container: evidence is its line, the workload is built from it.
pub(super) fn image(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, container: &Node) {
    if let Some((_, value)) = container.entry("image")
        && let Some(text) = value.as_str()
    {
        built_from(scene, workload, object, text, value.line);
    }
}

pub(super) fn built_from(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, text: &str, line: u32) {
    let seen = object.at(line);
    if text.trim().is_empty() || text.contains(HOLE) {
        return;
    }
    match image::parse(text) {
        Some(image) => {
            let pinned: &[Mitigation] = if image.digest.is_some() { &[Mitigation::PinnedDigest] } else { &[] };
            let artefact = scene.facts.add(image.component(seen.clone()));
            scene.link_with(workload, LinkKind::BuiltFrom, artefact, seen, pinned);
        }
        None => {
            let code = match text {
                _ if text.contains("{{") => "U004",
                _ if text.contains('$') => "U001",
                _ => "U006",
            };
            scene.facts.unresolved(code, "the image is not in the files".to_owned(), Some(workload), seen);
        }
    }
}

/// Remembers which ConfigMaps and Secrets a container takes its environment from.
fn uses<'a>(scene: &mut Scene<'a>, at: usize, workload: ComponentRef, object: &'a Object<'a>, container: &'a Node) {
    for item in container.get("envFrom").map(Node::items).unwrap_or_default() {
        use_config(scene, at, workload, object, item.str_at(&["configMapRef", "name"]), None);
        use_secret(scene, workload, object, item.str_at(&["secretRef", "name"]));
    }
    for item in container.get("env").map(Node::items).unwrap_or_default() {
        let from = |source: &str, key: &str| item.str_at(&["valueFrom", source, key]);
        use_config(scene, at, workload, object, from("configMapKeyRef", "name"), from("configMapKeyRef", "key"));
        use_secret(scene, workload, object, from("secretKeyRef", "name"));
    }
}

fn use_config<'a>(
    scene: &mut Scene<'a>,
    workload: usize,
    component: ComponentRef,
    object: &Object<'_>,
    name: Option<&str>,
    key: Option<&'a str>,
) {
    if let Some(config) = name.and_then(|name| scene.index.find("ConfigMap", object.namespace, name, object.path)) {
        scene.config_uses.entry(config).or_default().push(Use { workload, component, key });
    }
}

fn use_secret<'a>(scene: &mut Scene<'a>, workload: ComponentRef, object: &'a Object<'a>, name: Option<&'a str>) {
    if let Some(name) = name {
        let users = scene.secret_uses.entry((object.namespace, name)).or_default();
        if users.last() != Some(&workload) {
            users.push(workload);
        }
    }
}

fn volumes<'a>(scene: &mut Scene<'a>, at: usize, workload: ComponentRef, object: &'a Object<'a>, spec: &'a Node) {
    for volume in spec.get("volumes").map(Node::items).unwrap_or_default() {
        let projected = volume.at(&["projected", "sources"]).map(Node::items).unwrap_or_default();
        for source in std::iter::once(volume).chain(projected) {
            use_config(scene, at, workload, object, source.str_at(&["configMap", "name"]), None);
            let secret = source.str_at(&["secret", "secretName"]).or_else(|| source.str_at(&["secret", "name"]));
            use_secret(scene, workload, object, secret);
        }
        let class = volume.str_at(&["csi", "volumeAttributes", "secretProviderClass"]);
        use_secret(scene, workload, object, class);
    }
}

/// A region that the workload is bound to.
fn place(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, spec: &Node) {
    const REGION_LABELS: &[&str] = &[
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/zone",
    ];
    let mut found: Option<&Node> = None;
    for label in REGION_LABELS {
        found = found.or_else(|| spec.at(&["nodeSelector", label]).filter(|value| value.as_str().is_some()));
    }
    let terms =
        spec.at(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]);
    for term in terms.map(Node::items).unwrap_or_default() {
        for rule in term.get("matchExpressions").map(Node::items).unwrap_or_default() {
            let is_region = rule.str_at(&["key"]).is_some_and(|key| REGION_LABELS.contains(&key));
            if let (true, Some("In"), [only]) =
                (is_region, rule.str_at(&["operator"]), rule.get("values").map(Node::items).unwrap_or_default())
            {
                found = found.or(Some(only));
            }
        }
    }
    let Some((node, text)) = found.and_then(|node| Some((node, node.as_str()?))) else { return };
    if text.contains(HOLE) {
        return;
    }
    if let Some(component) = scene.facts.get_mut(workload) {
        component.place.get_or_insert_with(|| Place::region(text));
    }
    scene.also_seen(workload, object.seen(node));
}

/// Label domains that only the nodes of one provider have.
const NODE_DOMAINS: &[&str] = &[
    "eks.amazonaws.com",
    "alpha.eksctl.io",
    "karpenter.k8s.aws",
    "cloud.google.com",
    "kubernetes.azure.com",
    "doks.digitalocean.com",
    "lke.linode.com",
    "k8s.scaleway.com",
    "instance.hetzner.cloud",
    "node.ovh.net",
    "oci.oraclecloud.com",
    "ibm-cloud.kubernetes.io",
    "alibabacloud.com",
    "vke.vultr.com",
    "node.exoscale.net",
];

/// Nodes of a provider that the workload asks for by a label.
fn nodes(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, spec: &Node) {
    let selector = spec.get("nodeSelector").into_iter().flat_map(Node::entries).map(|(key, node, _)| (key, node));
    let tolerations = spec.get("tolerations").map(Node::items).unwrap_or_default();
    let tolerated = tolerations.iter().filter_map(|item| item.get("key")).filter_map(|key| Some((key.as_str()?, key)));
    for (key, node) in selector.chain(tolerated) {
        let domain = key.split('/').next().unwrap_or(key);
        let Some(known) = NODE_DOMAINS.iter().find(|known| domain == **known || domain.ends_with(&format!(".{known}")))
        else {
            continue;
        };
        let seen = object.seen(node);
        let mut component = Component::new(
            &format!("k8s-nodes:{known}"),
            &format!("nodes of {known}"),
            "nodes",
            Layer::Compute,
            Role::Provided,
            seen.clone(),
        );
        component.clues.push(word(known));
        component.confidence = Confidence::Medium;
        let nodes = scene.facts.add(component);
        scene.link(workload, LinkKind::RunsOn, nodes, seen);
    }
}

/// Follows what the workloads refer to, when every object has been seen.
pub(super) fn connect(scene: &mut Scene<'_>) {
    for at in scene.workloads.clone() {
        let (Some(object), Some(workload)) = (scene.object(at), scene.component(at)) else { continue };
        for pod in pods(object.node) {
            for container in pod.containers() {
                environment(scene, workload, object, container);
                arguments(scene, workload, object, container);
                models::of_container(scene, workload, object, container);
                external_dns(scene, workload, object, container);
                database_proxy(scene, workload, object, container);
            }
            super::storage::of_pod(scene, workload, object, pod.spec);
            super::secrets::identity_of_pod(scene, workload, object, pod.spec);
        }
        super::storage::of_claims(scene, workload, object);
        super::recording::workload(scene, workload, object);
    }
}

fn environment(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, container: &Node) {
    for (name, text, line) in literal_environment(container) {
        scene.send(&[workload], object, &Setting::new(name, &text, line));
    }
    for item in container.get("env").map(Node::items).unwrap_or_default() {
        let (Some((_, name)), Some(_)) = (item.entry("name"), item.at(&["valueFrom", "secretKeyRef"])) else {
            continue;
        };
        if let Some(text) = name.as_str() {
            credential(scene, workload, text, object.seen(name));
        }
    }
}

/// Endings of names of variables that hold the key to a service.
const CREDENTIAL_ENDINGS: &[&str] = &[
    "_API_KEY",
    "_APIKEY",
    "_LICENSE_KEY",
    "_DSN",
    "_API_TOKEN",
    "_ACCESS_TOKEN",
    "_AUTH_TOKEN",
    "_SECRET_KEY",
    "_INGEST_KEY",
];

/// A variable that takes the key of a service from a secret: the name is a hint at whose service it is.
pub(super) fn credential(scene: &mut Scene<'_>, workload: ComponentRef, name: &str, seen: Evidence) {
    if !CREDENTIAL_ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending)) {
        return;
    }
    let mut component =
        Component::new(&format!("env:{name}"), name, "credential", Layer::Unclassified, Role::Provided, seen.clone());
    component.clues.push(Clue::new(ClueKind::EnvVar, name));
    component.confidence = Confidence::Low;
    let service = scene.facts.add(component);
    scene.link_with(workload, LinkKind::SendsTo, service, seen, &[]);
}

fn arguments(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, container: &Node) {
    let set: BTreeMap<&str, String> =
        literal_environment(container).into_iter().map(|(name, text, _)| (name, text)).collect();
    for (key, text, node) in argument_list(container) {
        let by_line = matches!(&node.value, Value::Scalar(scalar) if scalar.literal);
        let text = shell_expanded(text, &set);
        let setting = Setting { line_by_line: by_line, ..Setting::new(key, &text, node.line) };
        scene.send(&[workload], object, &setting);
    }
}

/// ExternalDNS writes the zones of the provider that its arguments name.
fn external_dns(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, container: &Node) {
    let named =
        container.str_at(&["image"]).unwrap_or("").contains("external-dns") || object.name.contains("external-dns");
    if !named {
        return;
    }
    let providers: Vec<(String, u32)> = argument_list(container)
        .into_iter()
        .filter(|(flag, ..)| *flag == "provider")
        .map(|(_, text, node)| (text.to_owned(), node.line))
        .collect();
    for (provider, line) in providers {
        dns_provider(scene, workload, object, &provider, line);
    }
}

/// Google's proxies for its databases: the instance that an argument names is one of Cloud SQL.
fn database_proxy(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, container: &Node) {
    let image = container.str_at(&["image"]).unwrap_or("");
    if !["cloud-sql-proxy", "gce-proxy", "alloydb-auth-proxy"].iter().any(|name| image.contains(name)) {
        return;
    }
    let lists = ["command", "args"].iter().filter_map(|key| container.get(key)).flat_map(Node::items);
    let named = lists.filter_map(|node| Some((node.as_str()?, node)));
    let named = named.filter(|(text, _)| !text.starts_with('/')).find(|(text, _)| {
        let instance = text.split('=').find(|part| part.split(':').count() == 3 && !part.contains("//"));
        instance.is_some() || text.contains("instances=")
    });
    let Some((_, node)) = named else { return };
    let seen = object.seen(node);
    let part = Part {
        suffix: "/cloud-sql",
        name: "Cloud SQL".to_owned(),
        kind: "database",
        layer: Layer::Database,
        clues: vec![word("cloudsql.cloud.google.com")],
        confidence: Confidence::High,
    };
    let database = scene.part(object, &part, seen.clone());
    scene.link(workload, LinkKind::StoresIn, database, seen);
}

/// The clues of a provider of ExternalDNS; `None` for those that one runs oneself.
pub(crate) fn dns_clues(provider: &str) -> Option<Vec<Clue>> {
    if matches!(provider, "inmemory" | "webhook" | "rfc2136" | "coredns" | "pdns" | "") || provider.contains(HOLE) {
        return None;
    }
    Some(match provider {
        "aws" => vec![word("route53"), word("aws")],
        "google" => vec![word("clouddns"), word("google")],
        "azure" | "azure-dns" | "azure-private-dns" => vec![word("azuredns"), word("azure")],
        other => vec![word(other), Clue::new(ClueKind::Name, other)],
    })
}

pub(super) fn dns_provider(scene: &mut Scene<'_>, from: ComponentRef, object: &Object<'_>, provider: &str, line: u32) {
    let Some(clues) = dns_clues(provider) else { return };
    let part = Part {
        suffix: &format!("/dns/{provider}"),
        name: format!("{provider} DNS"),
        kind: "dns-provider",
        layer: Layer::Dns,
        clues,
        confidence: Confidence::High,
    };
    let seen = object.at(line);
    let dns = scene.part(object, &part, seen.clone());
    scene.link(from, LinkKind::ResolvedBy, dns, seen);
    scene.dns_providers.push(dns);
}

//! Where secrets and identities come from: ExternalSecrets stores, CSI secret providers, service accounts with the
//! identity of a cloud. Names only; no value of a secret is ever kept.

use super::object::Object;
use super::scene::{Part, Scene, Setting, host, word};
use crate::endpoint::{HostKind, host_kind, host_of};
use crate::node::Node;
use allod_facts::{Clue, ClueKind, ComponentRef, Confidence, Layer, LinkKind, Place, Role};

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    match (object.group, object.kind) {
        ("external-secrets.io", "SecretStore" | "ClusterSecretStore") => {
            store(scene, at, object);
        }
        ("generators.external-secrets.io", _) => return generator(scene, at, object),
        ("kubernetes-client.io", "ExternalSecret") => external_secret_of_old(scene, object),
        ("external-secrets.io", "ExternalSecret" | "ClusterExternalSecret" | "PushSecret") => {
            external_secret(scene, object)
        }
        ("secrets-store.csi.x-k8s.io", "SecretProviderClass") => provider_class(scene, at, object),
        ("", "Secret") => secret(scene, at, object),
        ("", "ServiceAccount") => {
            identity(scene, object);
        }
        ("secrets.hashicorp.com", "VaultConnection") => {
            if let Some((text, node)) =
                object.node.at(&["spec", "address"]).and_then(|node| Some((node.as_str()?, node)))
            {
                let own = scene.own(at, object, Layer::Secrets);
                let setting = Setting { link: LinkKind::Trusts, ..Setting::new("address", text, node.line) };
                scene.send(&[own], object, &setting);
            }
        }
        ("onepassword.com", "OnePasswordItem") | ("secrets.doppler.com", _) | ("secrets.infisical.com", _) => {
            scene.provided(
                at,
                object,
                Layer::Secrets,
                vec![word(object.group), word(vendor(object.group))],
                object.block(),
            );
        }
        ("bitnami.com", "SealedSecret") => {}
        _ => return false,
    }
    true
}

fn vendor(group: &str) -> &str {
    group.rsplit('.').nth(1).unwrap_or(group)
}

/// The secret store that a SecretStore names: its component is the provider's, or one's own when its host is inside.
fn store(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> Option<ComponentRef> {
    let object_at = scene.object(at)?;
    if let Some(known) = scene.component(at) {
        return Some(known);
    }
    let provider = object_at.node.at(&["spec", "provider"])?;
    let (name, key, value) = provider.entries().next()?;
    let mut clues: Vec<Clue> = Vec::new();
    let mut inside = matches!(name, "kubernetes" | "fake");
    let mut hidden = false;
    let mut lines = Vec::new();
    value.walk_scalars(&mut |path, node| {
        let key = path.last().copied().unwrap_or("");
        let address = matches!(
            key,
            "server"
                | "vaultUrl"
                | "vaultURL"
                | "url"
                | "connectHost"
                | "hostAPI"
                | "apiUrl"
                | "apiURL"
                | "apiDomain"
                | "serverUrl"
                | "address"
                | "host"
        );
        let Some(text) = node.as_str().filter(|_| address) else { return };
        lines.push(node.line);
        match host_of(text) {
            Some(found) if host_kind(&found) == HostKind::Internal => inside = true,
            Some(_) => clues.extend(host(text)),
            None => hidden = true,
        }
    });
    // The bridges of these services are one's own, what stands behind them is not.
    if inside && matches!(name, "onepassword" | "bitwardensecretsmanager") {
        inside = false;
        clues.clear();
    }
    if clues.is_empty() && !inside {
        let service = value.str_at(&["service"]).unwrap_or("");
        clues.extend(store_words(name, service).iter().map(|text| word(text)));
    }
    if clues.is_empty() && !inside {
        clues.push(word(name));
        let default = DEFAULT_HOSTS.iter().find(|(known, _)| *known == name && !hidden);
        clues.extend(default.map(|(_, host)| Clue::new(ClueKind::Host, host)));
    }
    let seen = object.span(key, value);
    let store = scene.provided(at, object, Layer::Secrets, clues, seen.clone());
    let region = value.get("region").or_else(|| value.get("location"));
    if let Some(component) = scene.facts.get_mut(store) {
        if inside {
            component.role = Role::Own;
            component.clues.clear();
        }
        component.place = region.and_then(Node::as_str).map(Place::region);
    }
    for line in lines.into_iter().take(MAX_ADDRESS_LINES).chain(region.map(|node| node.line)) {
        scene.also_seen(store, object.at(line));
    }
    if hidden {
        scene.facts.unresolved(
            "U006",
            "the address of the secret store is not in the file".to_owned(),
            Some(store),
            seen,
        );
    }
    Some(store)
}

/// Addresses that one store names.
const MAX_ADDRESS_LINES: usize = 8;

/// Where stores of a provider are when the file names no instance, as the documentation of ExternalSecrets says.
const DEFAULT_HOSTS: &[(&str, &str)] = &[
    ("pulumi", "api.pulumi.com"),
    ("gitlab", "gitlab.com"),
    ("github", "api.github.com"),
    ("ngrok", "api.ngrok.com"),
    ("infisical", "app.infisical.com"),
];

/// Kinds of generators that ask a service for a token: kind, words, the host when the words are not enough.
const GENERATORS: &[(&str, &[&str], Option<&str>)] = &[
    ("ECRAuthorizationToken", &["ecr.services.k8s.aws", "aws"], None),
    ("STSSessionToken", &["aws"], None),
    ("ACRAccessToken", &["azure"], Some("azurecr.io")),
    ("GCRAccessToken", &["gcp"], None),
    ("GithubAccessToken", &[], Some("github.com")),
    ("QuayAccessToken", &[], Some("quay.io")),
    ("CloudsmithAccessToken", &[], Some("api.cloudsmith.io")),
];

/// A generator of ExternalSecrets: whose token it fetches. Passwords and the like are made in the cluster.
fn generator(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    if matches!(object.kind, "Password" | "UUID" | "Fake" | "SSHKey" | "ClusterGenerator" | "GeneratorState" | "MFA") {
        return true;
    }
    let Some((_, words, default)) = GENERATORS.iter().find(|(kind, ..)| *kind == object.kind) else { return false };
    let named = ["url", "registry", "apiUrl", "host"].iter().find_map(|key| object.spec()?.str_at(&[key]));
    let mut clues: Vec<Clue> = named.and_then(host).into_iter().collect();
    clues.extend(words.iter().map(|text| word(text)));
    clues.extend(default.map(|host| Clue::new(ClueKind::Host, host)));
    scene.provided(at, object, Layer::Secrets, clues, object.block());
    true
}

/// The words of a provider of ExternalSecrets, the most telling first.
fn store_words(name: &str, service: &str) -> Vec<&'static str> {
    match (name, service) {
        ("aws", "ParameterStore") => vec!["awsparameterstore", "aws"],
        ("aws", _) => vec!["awssecretsmanager", "aws"],
        ("gcpsm", _) => vec!["gcpsm", "gcp"],
        ("azurekv", _) => vec!["azurekv", "azure"],
        ("oracle", _) => vec!["oracle", "oci"],
        ("yandexlockbox" | "yandexcertificatemanager", _) => vec!["yandexlockbox", "yandex"],
        ("alibaba", _) => vec!["alibaba", "alibabacloud"],
        ("onepassword" | "onepasswordSDK", _) => vec!["onepassword", "1password"],
        ("bitwardensecretsmanager", _) => vec!["bitwardensecretsmanager", "bitwarden"],
        _ => Vec::new(),
    }
}

fn external_secret(scene: &mut Scene<'_>, object: &Object<'_>) {
    let inner = object.node.at(&["spec", "externalSecretSpec"]).or_else(|| object.spec());
    let Some(spec) = inner else { return };
    let Some(reference) = spec.get("secretStoreRef") else { return };
    let kind = reference.str_at(&["kind"]).unwrap_or("SecretStore");
    let Some((name, node)) = reference.get("name").and_then(|node| Some((node.as_str()?, node))) else { return };
    let found = scene
        .index
        .find(kind, object.namespace, name, object.path)
        .or_else(|| scene.index.find(kind, "", name, object.path));
    let target = spec.str_at(&["target", "name"]).unwrap_or(object.name);
    let users = scene.secret_uses.get(&(object.namespace, target)).cloned().unwrap_or_default();
    let store = found.and_then(|at| Some((at, scene.object(at)?))).and_then(|(at, target)| store(scene, at, target));
    match store {
        Some(store) => {
            for user in users {
                scene.link(user, LinkKind::Trusts, store, object.seen(node));
            }
        }
        None => {
            let message = format!("the secret store `{name}` is not in the files");
            scene.facts.unresolved("U001", message, users.first().copied(), object.seen(node));
        }
    }
}

/// The form before `external-secrets.io`: the provider stands in the object itself.
fn external_secret_of_old(scene: &mut Scene<'_>, object: &Object<'_>) {
    let Some((text, node)) = object.node.at(&["spec", "backendType"]).and_then(|node| Some((node.as_str()?, node)))
    else {
        return;
    };
    let clues = match text {
        "secretsManager" => vec![word("awssecretsmanager"), word("aws")],
        "systemManager" => vec![word("awsparameterstore"), word("aws")],
        "azureKeyVault" => vec![word("azurekv"), word("azure")],
        "gcpSecretsManager" => vec![word("gcpsm"), word("gcp")],
        _ => return,
    };
    trusted_by_users(scene, object, object.name, clues, node);
}

fn provider_class(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let Some((text, node)) = object.node.at(&["spec", "provider"]).and_then(|node| Some((node.as_str()?, node))) else {
        return;
    };
    let address = object.node.at(&["spec", "parameters", "vaultAddress"]);
    if let Some((address, node)) = address.and_then(|node| Some((node.as_str()?, node))) {
        let own = scene.own(at, object, Layer::Secrets);
        let setting = Setting { link: LinkKind::Trusts, ..Setting::new("vaultAddress", address, node.line) };
        scene.send(&[own], object, &setting);
        return;
    }
    let clues = match text {
        "aws" => vec![word("awssecretsmanager"), word("aws")],
        "azure" => vec![word("azurekv"), word("azure")],
        "gcp" | "gke" => vec![word("gcpsm"), word("gcp")],
        other => vec![word(other)],
    };
    trusted_by_users(scene, object, object.name, clues, node);
}

fn trusted_by_users(scene: &mut Scene<'_>, object: &Object<'_>, secret: &str, clues: Vec<Clue>, node: &Node) {
    let part = Part {
        suffix: "/store",
        name: format!("secret store of {}", object.shown_name()),
        kind: "secret-store",
        layer: Layer::Secrets,
        clues,
        confidence: Confidence::High,
    };
    let seen = object.seen(node);
    let store = scene.part(object, &part, seen.clone());
    for user in scene.secret_uses.get(&(object.namespace, secret)).cloned().unwrap_or_default() {
        scene.link(user, LinkKind::Trusts, store, seen.clone());
    }
}

/// Hosts (never more) of connection strings in a Secret that is written in the clear, and Argo CD repositories.
fn secret(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let label = object.node.str_at(&["metadata", "labels", "argocd.argoproj.io/secret-type"]);
    if let (Some("repository" | "repo-creds"), Some(url)) = (label, object.node.at(&["stringData", "url"])) {
        super::gitops::repository(scene, at, object, url);
        return;
    }
    let users = scene.secret_uses.get(&(object.namespace, object.name)).cloned().unwrap_or_default();
    for (key, _, value) in object.node.get("stringData").into_iter().flat_map(Node::entries) {
        let Some(text) = value.as_str().filter(|text| !text.contains('\n') && text.contains("://")) else { continue };
        let users = if users.is_empty() { vec![scene.own(at, object, Layer::Secrets)] } else { users.clone() };
        scene.send(&users, object, &Setting::new(key, text, value.line));
    }
}

/// Annotations that give a service account the identity of a cloud: annotation, words, the identity's name.
const IDENTITIES: &[(&str, &[&str], &str)] = &[
    ("eks.amazonaws.com/role-arn", &["eks.amazonaws.com", "aws"], "AWS IAM role"),
    ("iam.gke.io/gcp-service-account", &["iam.gke.io", "gcp", "google"], "Google service account"),
    ("azure.workload.identity/client-id", &["azure.workload.identity", "azure"], "Microsoft Entra workload identity"),
    ("iam.amazonaws.com/role", &["aws"], "AWS IAM role"),
];

/// The words and the name of the cloud identity that an annotation gives.
pub(crate) fn identity_words(annotation: &str) -> Option<(&'static [&'static str], &'static str)> {
    IDENTITIES.iter().find(|(known, ..)| *known == annotation).map(|(_, words, name)| (*words, *name))
}

/// The cloud identity of a service account.
fn identity(scene: &mut Scene<'_>, object: &Object<'_>) -> Option<(ComponentRef, u32)> {
    for (annotation, words, name) in IDENTITIES {
        let Some((_, key, value)) = object.annotations().find(|(key, ..)| key == annotation) else { continue };
        let mut clues: Vec<Clue> = words.iter().map(|text| word(text)).collect();
        clues.push(Clue::new(ClueKind::Name, name));
        let part = Part {
            suffix: "/identity",
            name: format!("{name} of {}", object.shown_name()),
            kind: "cloud-identity",
            layer: Layer::Identity,
            clues,
            confidence: Confidence::High,
        };
        let seen = object.span(key, value);
        return Some((scene.part(object, &part, seen), key.line));
    }
    None
}

/// The identity that the pods of a workload have.
pub(super) fn identity_of_pod(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, spec: &Node) {
    let account = spec.str_at(&["serviceAccountName"]).or_else(|| spec.str_at(&["serviceAccount"]));
    let found = account.and_then(|name| scene.index.find("ServiceAccount", object.namespace, name, object.path));
    let Some(account) = found.and_then(|at| scene.object(at)) else { return };
    if let Some((identity, line)) = identity(scene, account) {
        scene.link(workload, LinkKind::Trusts, identity, account.at(line));
    }
}

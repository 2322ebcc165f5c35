//! Where data lies: storage classes and CSI drivers behind volume claims, backup locations, object stores of databases.

use super::object::Object;
use super::scene::{Part, Scene, Setting, host, word};
use crate::endpoint::{HostKind, host_kind, host_of};
use crate::node::Node;
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Place, Role};

/// Provisioners of storage on the cluster's own disks.
const OWN_PROVISIONERS: &[&str] = &[
    "rancher.io/local-path",
    "kubernetes.io/no-provisioner",
    "driver.longhorn.io",
    "openebs.io",
    "local.csi.openebs.io",
    "rook-ceph",
    "rbd.csi.ceph.com",
    "cephfs.csi.ceph.com",
    "nfs.csi.k8s.io",
    "topolvm",
    "linstor.csi.linbit.com",
    "nfs",
    "hostpath",
    "zfs.csi.openebs.io",
    "lvm.csi.openebs.io",
    "io.openebs",
    "smb.csi.k8s.io",
    "microk8s.io",
    "glusterfs",
    "kubernetes.io/glusterfs",
    "csi.proxmox.sinextra.dev",
    "csi.piraeus.io",
    "kubernetes.io/rbd",
    "kubernetes.io/cephfs",
];

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    match (object.group, object.kind) {
        ("storage.k8s.io", "StorageClass") => {
            class_of(scene, at);
        }
        ("snapshot.storage.k8s.io", "VolumeSnapshotClass") => driver(scene, at, object, &["driver"]),
        ("", "PersistentVolume") => volume(scene, at, object),
        ("velero.io", "BackupStorageLocation" | "VolumeSnapshotLocation") => backup_location(scene, at, object),
        ("postgresql.cnpg.io", "Cluster" | "ObjectStore") | ("barmancloud.cnpg.io", _) => database(scene, at, object),
        ("", "PersistentVolumeClaim")
        | ("storage.k8s.io" | "snapshot.storage.k8s.io" | "velero.io" | "postgresql.cnpg.io", _) => {}
        _ => return false,
    }
    true
}

/// The component of a StorageClass object.
fn class_of(scene: &mut Scene<'_>, at: usize) -> Option<ComponentRef> {
    if let Some(known) = scene.component(at) {
        return Some(known);
    }
    let object = scene.object(at)?;
    let (text, node) = object.node.get("provisioner").and_then(|node| Some((node.as_str()?, node)))?;
    let component = scene.provided(at, object, Layer::Storage, vec![word(text)], object.block());
    if is_own(text)
        && let Some(component) = scene.facts.get_mut(component)
    {
        component.role = Role::Own;
        component.clues.clear();
    }
    scene.also_seen(component, object.seen(node));
    Some(component)
}

fn is_own(provisioner: &str) -> bool {
    OWN_PROVISIONERS.iter().any(|own| provisioner == *own || provisioner.starts_with(own) || provisioner.ends_with(own))
}

fn driver(scene: &mut Scene<'_>, at: usize, object: &Object<'_>, path: &[&str]) {
    if let Some(text) = object.node.str_at(path).filter(|text| !is_own(text)) {
        scene.provided(at, object, Layer::Storage, vec![word(text)], object.block());
    }
}

fn volume(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let Some(spec) = object.spec() else { return };
    let driver = spec.at(&["csi", "driver"]).and_then(|node| Some((node.as_str()?, node)));
    if let Some((text, node)) = driver.filter(|(text, _)| !is_own(text)) {
        let volume = scene.provided(at, object, Layer::Storage, vec![word(text)], object.block());
        scene.also_seen(volume, object.seen(node));
    }
    for (key, driver) in IN_TREE {
        if let Some((node, _)) = spec.entry(key) {
            let volume = scene.provided(at, object, Layer::Storage, vec![word(driver)], object.block());
            scene.also_seen(volume, object.seen(node));
        }
    }
    if let Some((text, node)) = spec.at(&["nfs", "server"]).and_then(|node| Some((node.as_str()?, node))) {
        let own = scene.own(at, object, Layer::Storage);
        let setting = Setting { link: LinkKind::StoresIn, ..Setting::new("server", text, node.line) };
        scene.send(&[own], object, &setting);
    }
}

/// Volume types that were built into Kubernetes, with the driver that took their place.
const IN_TREE: &[(&str, &str)] = &[
    ("awsElasticBlockStore", "ebs.csi.aws.com"),
    ("gcePersistentDisk", "pd.csi.storage.gke.io"),
    ("azureDisk", "disk.csi.azure.com"),
    ("azureFile", "file.csi.azure.com"),
    ("cinder", "cinder.csi.openstack.org"),
    ("vsphereVolume", "csi.vsphere.vmware.com"),
];

/// Volumes of a pod: claims, and disks of a cloud that are named in place.
pub(super) fn of_pod(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, spec: &Node) {
    for volume in spec.get("volumes").map(Node::items).unwrap_or_default() {
        if let Some(name) = volume.str_at(&["persistentVolumeClaim", "claimName"])
            && let Some(claim) = scene.index.find("PersistentVolumeClaim", object.namespace, name, object.path)
            && let Some(claim) = scene.object(claim)
            && let Some(spec) = claim.spec()
        {
            of_claim(scene, workload, claim, spec);
        }
        if let Some(spec) = volume.at(&["ephemeral", "volumeClaimTemplate", "spec"]) {
            of_claim(scene, workload, object, spec);
        }
        let in_tree = IN_TREE.iter().find_map(|(key, driver)| volume.entry(key).map(|(node, _)| (*driver, node)));
        let csi = volume.at(&["csi", "driver"]).and_then(|node| Some((node.as_str()?, node)));
        let csi = csi.filter(|(driver, _)| {
            !is_own(driver) && *driver != "secrets-store.csi.k8s.io" && !driver.contains("spiffe")
        });
        if let Some((driver, node)) = in_tree.or(csi) {
            let seen = object.seen(node);
            let storage = named_class(scene.facts, driver, seen.clone(), Confidence::High);
            scene.link(workload, LinkKind::StoresIn, storage, seen);
        }
    }
}

/// Claim templates of a StatefulSet and of operators' own kinds.
pub(super) fn of_claims(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>) {
    for claim in object.node.at(&["spec", "volumeClaimTemplates"]).map(Node::items).unwrap_or_default() {
        if let Some(spec) = claim.get("spec") {
            of_claim(scene, workload, object, spec);
        }
    }
}

fn of_claim(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, spec: &Node) {
    match spec.get("storageClassName").and_then(|node| Some((node.as_str()?, node))) {
        Some(("", _)) => {}
        Some((name, node)) => stored_in(scene, workload, object, name, node),
        None => {
            let message = "the volume is in the default storage class of the cluster, which no file names".to_owned();
            if scene.default_classes.insert(workload) {
                scene.facts.unresolved("U001", message, Some(workload), object.seen(spec));
            }
        }
    }
}

/// Links a workload to a storage class by its name.
pub(super) fn stored_in(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, name: &str, node: &Node) {
    if name.contains(crate::helm::template::HOLE) {
        return;
    }
    let seen = object.seen(node);
    let known = scene.index.find("StorageClass", "", name, object.path).and_then(|at| class_of(scene, at));
    let class = match known {
        Some(class) => {
            scene.also_seen(class, seen.clone());
            class
        }
        None => named_class(scene.facts, name, seen.clone(), Confidence::Medium),
    };
    scene.link(workload, LinkKind::StoresIn, class, seen);
}

/// Names of classes that managed clusters bring with them, by a prefix, with the driver behind.
const CLASS_NAMES: &[(&str, &str)] = &[
    ("gp2", "ebs.csi.aws.com"),
    ("gp3", "ebs.csi.aws.com"),
    ("efs-sc", "efs.csi.aws.com"),
    ("managed-premium", "disk.csi.azure.com"),
    ("managed-csi", "disk.csi.azure.com"),
    ("azurefile", "file.csi.azure.com"),
    ("standard-rwo", "pd.csi.storage.gke.io"),
    ("premium-rwo", "pd.csi.storage.gke.io"),
    ("hcloud-volumes", "csi.hetzner.cloud"),
    ("scw-bssd", "csi.scaleway.com"),
    ("do-block-storage", "dobs.csi.digitalocean.com"),
    ("linode-block-storage", "linodebs.csi.linode.com"),
    ("csi-cinder", "cinder.csi.openstack.org"),
    ("exoscale-sbs", "csi.exoscale.com"),
    ("oci-bv", "blockvolume.csi.oraclecloud.com"),
    ("upcloud-block-storage", "storage.csi.upcloud.com"),
];

/// Words inside names of classes that say which disks they are (`ebs-gp3`, `my-azuredisk-zrs`), with the driver behind.
const CLASS_WORDS: &[(&str, &str)] = &[
    ("ebs", "ebs.csi.aws.com"),
    ("efs", "efs.csi.aws.com"),
    ("gp2", "ebs.csi.aws.com"),
    ("gp3", "ebs.csi.aws.com"),
    ("azuredisk", "disk.csi.azure.com"),
    ("azurefile", "file.csi.azure.com"),
    ("gcepd", "pd.csi.storage.gke.io"),
    ("hcloud", "csi.hetzner.cloud"),
    ("cinder", "cinder.csi.openstack.org"),
];

/// Words inside names of classes of one's own disks.
const OWN_CLASS_WORDS: &[&str] = &["longhorn", "openebs", "ceph", "nfs", "hostpath", "topolvm", "linstor", "local"];

/// The component of a storage class that is known by its name only, shared by all readers.
pub(crate) fn named_class(facts: &mut Facts, name: &str, seen: Evidence, confidence: Confidence) -> ComponentRef {
    let lower = name.to_ascii_lowercase();
    let has = |word: &str| lower.split(['-', '_', '.']).any(|part| part == word);
    let driver = CLASS_NAMES
        .iter()
        .find(|(prefix, _)| lower == *prefix || lower.starts_with(&format!("{prefix}-")))
        .or_else(|| CLASS_WORDS.iter().find(|(word, _)| has(word)))
        .map(|(_, driver)| *driver);
    let own = driver.is_none()
        && (is_own(name) || name == "manual" || OWN_CLASS_WORDS.iter().any(|word| has(word)))
        && !lower.contains("csi.aws")
        && !lower.contains("azure");
    let role = if own { Role::Own } else { Role::Provided };
    let mut component =
        Component::new(&format!("storageclass:{name}"), name, "StorageClass", Layer::Storage, role, seen);
    if !own {
        component.clues.push(word(name));
        component.clues.extend(driver.map(word));
    }
    component.confidence = confidence;
    facts.add(component)
}

/// A class that is named somewhere and defined by one object of the tree has that object's driver.
pub(super) fn connect(scene: &mut Scene<'_>) {
    for at in 0..scene.objects.len() {
        let Some(object) = scene.object(at).filter(|object| object.kind == "StorageClass") else { continue };
        let Some(named) = scene.facts.find(&format!("storageclass:{}", object.name)) else { continue };
        let Some(text) = object.node.str_at(&["provisioner"]) else { continue };
        let only = scene.index.find("StorageClass", "", object.name, object.path) == Some(at);
        if let Some(component) = scene.facts.get_mut(named).filter(|_| only) {
            if is_own(text) {
                component.role = Role::Own;
                component.clues.clear();
            } else if component.role == Role::Provided {
                component.clues.insert(0, word(text));
            }
        }
    }
}

/// A bucket (or what is compatible with one) that somebody provides, by its address or else its provider's word.
fn bucket(scene: &mut Scene<'_>, object: &Object<'_>, from: ComponentRef, store: &Store<'_>) {
    let mut clues: Vec<Clue> = Vec::new();
    let mut hidden = false;
    if let Some(node) = store.address {
        match node.as_str().map(|text| (text, host_of(text))) {
            Some((_, Some(found))) if host_kind(&found) == HostKind::Internal => return,
            Some((text, Some(_))) => clues.extend(host(text)),
            _ => hidden = true,
        }
    } else {
        clues.extend(store.default_host.map(|host| Clue::new(ClueKind::Host, host)));
        clues.extend(store.words.iter().map(|text| word(text)));
    }
    let seen = object.seen(store.node);
    let part = Part {
        suffix: store.suffix,
        name: store.name.to_owned(),
        kind: "bucket",
        layer: Layer::Storage,
        clues,
        confidence: if store.address.is_some() || !store.words.is_empty() {
            Confidence::High
        } else {
            Confidence::Medium
        },
    };
    let storage = scene.part(object, &part, seen.clone());
    if let (Some(region), Some(component)) = (store.region.and_then(Node::as_str), scene.facts.get_mut(storage)) {
        component.place = Some(Place::region(region));
    }
    for node in [store.address, store.region].into_iter().flatten() {
        scene.also_seen(storage, object.seen(node));
    }
    scene.link(from, LinkKind::StoresIn, storage, seen.clone());
    if hidden {
        scene.facts.unresolved(
            "U001",
            "the address of the object store is not in the file".to_owned(),
            Some(storage),
            seen,
        );
    }
}

struct Store<'a> {
    suffix: &'a str,
    name: &'a str,
    node: &'a Node,
    address: Option<&'a Node>,
    region: Option<&'a Node>,
    words: Vec<&'a str>,
    default_host: Option<&'a str>,
}

fn backup_location(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Storage);
    let Some(spec) = object.spec() else { return };
    let Some((provider, node)) = spec.get("provider").and_then(|node| Some((node.as_str()?, node))) else { return };
    let short = provider.rsplit('/').next().unwrap_or(provider);
    let (words, default_host) = match short {
        "aws" => (vec!["aws"], Some("s3.amazonaws.com")),
        "gcp" => (vec!["gcp"], Some("storage.googleapis.com")),
        "azure" => (vec!["azure"], Some("blob.core.windows.net")),
        other => (vec![other], None),
    };
    let config = spec.get("config");
    let store = Store {
        suffix: "/bucket",
        name: spec.str_at(&["objectStorage", "bucket"]).unwrap_or(object.name),
        node,
        address: config.and_then(|config| config.get("s3Url")),
        region: config.and_then(|config| config.get("region")),
        words,
        default_host,
    };
    bucket(scene, object, own, &store);
    let velero =
        scene.index.find("Deployment", object.namespace, "velero", object.path).and_then(|at| scene.component(at));
    if let Some(velero) = velero {
        scene.link(velero, LinkKind::StoresIn, own, object.block());
    }
}

/// A database of an operator: its image, its storage class and its backups in an object store.
fn database(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) {
    let own = scene.own(at, object, Layer::Database);
    let Some(spec) = object.spec() else { return };
    if let Some((text, node)) = spec.get("imageName").and_then(|node| Some((node.as_str()?, node))) {
        super::workload::built_from(scene, own, object, text, node.line);
    }
    if let Some((name, node)) = spec.at(&["storage", "storageClass"]).and_then(|node| Some((node.as_str()?, node))) {
        stored_in(scene, own, object, name, node);
    }
    let Some(store) = spec.at(&["backup", "barmanObjectStore"]).or_else(|| spec.get("configuration")) else { return };
    let Some((path, node)) = store.get("destinationPath").and_then(|node| Some((node.as_str()?, node))) else { return };
    let default_host = match path.split("://").next() {
        Some("s3") => Some("s3.amazonaws.com"),
        Some("gs") => Some("storage.googleapis.com"),
        _ => None,
    };
    let address = store.get("endpointURL");
    let azure = path.starts_with("https://").then_some(node);
    let store = Store {
        suffix: "/backup",
        name: path.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(object.name),
        node,
        address: address.or(azure),
        region: None,
        words: Vec::new(),
        default_host,
    };
    bucket(scene, object, own, &store);
}

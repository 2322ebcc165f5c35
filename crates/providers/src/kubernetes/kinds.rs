use std::collections::BTreeMap;
use std::fmt::Write;

/// A kind of object that the reader of manifests knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Empty for the core.
    pub group: &'static str,
    /// The plural in paths and roles.
    pub resource: &'static str,
    pub kind: &'static str,
}

const fn k(group: &'static str, resource: &'static str, kind: &'static str) -> Kind {
    Kind { group, resource, kind }
}

/// What is asked for where the cluster has it. No Secrets: their names come from the objects that use them. The version is
/// the one that the API server prefers.
pub const KINDS: &[Kind] = &[
    k("", "configmaps", "ConfigMap"),
    k("", "namespaces", "Namespace"),
    k("", "persistentvolumeclaims", "PersistentVolumeClaim"),
    k("", "persistentvolumes", "PersistentVolume"),
    k("", "pods", "Pod"),
    k("", "replicationcontrollers", "ReplicationController"),
    k("", "serviceaccounts", "ServiceAccount"),
    k("", "services", "Service"),
    k("apps", "daemonsets", "DaemonSet"),
    k("apps", "deployments", "Deployment"),
    k("apps", "replicasets", "ReplicaSet"),
    k("apps", "statefulsets", "StatefulSet"),
    k("apps.openshift.io", "deploymentconfigs", "DeploymentConfig"),
    k("argoproj.io", "applications", "Application"),
    k("argoproj.io", "applicationsets", "ApplicationSet"),
    k("argoproj.io", "cronworkflows", "CronWorkflow"),
    k("argoproj.io", "rollouts", "Rollout"),
    k("barmancloud.cnpg.io", "objectstores", "ObjectStore"),
    k("batch", "cronjobs", "CronJob"),
    k("batch", "jobs", "Job"),
    k("cert-manager.io", "certificates", "Certificate"),
    k("cert-manager.io", "clusterissuers", "ClusterIssuer"),
    k("cert-manager.io", "issuers", "Issuer"),
    k("external-secrets.io", "clusterexternalsecrets", "ClusterExternalSecret"),
    k("external-secrets.io", "clustersecretstores", "ClusterSecretStore"),
    k("external-secrets.io", "externalsecrets", "ExternalSecret"),
    k("external-secrets.io", "secretstores", "SecretStore"),
    k("externaldns.k8s.io", "dnsendpoints", "DNSEndpoint"),
    k("gateway.networking.k8s.io", "gatewayclasses", "GatewayClass"),
    k("gateway.networking.k8s.io", "gateways", "Gateway"),
    k("gateway.networking.k8s.io", "grpcroutes", "GRPCRoute"),
    k("gateway.networking.k8s.io", "httproutes", "HTTPRoute"),
    k("helm.toolkit.fluxcd.io", "helmreleases", "HelmRelease"),
    k("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization"),
    k("monitoring.coreos.com", "alertmanagerconfigs", "AlertmanagerConfig"),
    k("monitoring.coreos.com", "alertmanagers", "Alertmanager"),
    k("monitoring.coreos.com", "prometheusagents", "PrometheusAgent"),
    k("monitoring.coreos.com", "prometheuses", "Prometheus"),
    k("networking.istio.io", "virtualservices", "VirtualService"),
    k("networking.k8s.io", "ingressclasses", "IngressClass"),
    k("networking.k8s.io", "ingresses", "Ingress"),
    k("notification.toolkit.fluxcd.io", "providers", "Provider"),
    k("opentelemetry.io", "opentelemetrycollectors", "OpenTelemetryCollector"),
    k("postgresql.cnpg.io", "clusters", "Cluster"),
    k("projectcontour.io", "httpproxies", "HTTPProxy"),
    k("ray.io", "rayclusters", "RayCluster"),
    k("ray.io", "rayjobs", "RayJob"),
    k("ray.io", "rayservices", "RayService"),
    k("route.openshift.io", "routes", "Route"),
    k("secrets-store.csi.x-k8s.io", "secretproviderclasses", "SecretProviderClass"),
    k("secrets.hashicorp.com", "vaultconnections", "VaultConnection"),
    k("serving.knative.dev", "domainmappings", "DomainMapping"),
    k("serving.knative.dev", "services", "Service"),
    k("serving.kserve.io", "inferenceservices", "InferenceService"),
    k("snapshot.storage.k8s.io", "volumesnapshotclasses", "VolumeSnapshotClass"),
    k("source.toolkit.fluxcd.io", "buckets", "Bucket"),
    k("source.toolkit.fluxcd.io", "gitrepositories", "GitRepository"),
    k("source.toolkit.fluxcd.io", "helmcharts", "HelmChart"),
    k("source.toolkit.fluxcd.io", "helmrepositories", "HelmRepository"),
    k("source.toolkit.fluxcd.io", "ocirepositories", "OCIRepository"),
    k("storage.k8s.io", "storageclasses", "StorageClass"),
    k("traefik.io", "ingressroutes", "IngressRoute"),
    k("traefik.io", "ingressroutetcps", "IngressRouteTCP"),
    k("velero.io", "backupstoragelocations", "BackupStorageLocation"),
    k("velero.io", "volumesnapshotlocations", "VolumeSnapshotLocation"),
];

impl Kind {
    /// `deployments.apps`, as kubectl calls it.
    pub fn name(&self) -> String {
        if self.group.is_empty() { self.resource.to_owned() } else { format!("{}.{}", self.resource, self.group) }
    }

    /// The path of its list in a version.
    pub(super) fn path(&self, version: &str) -> String {
        if self.group.is_empty() {
            format!("/api/{version}/{}", self.resource)
        } else {
            format!("/apis/{}/{version}/{}", self.group, self.resource)
        }
    }
}

/// The role that a watch needs, and a service account that has it: list and watch, of these kinds, and nothing else.
pub fn rbac() -> String {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in KINDS {
        groups.entry(kind.group).or_default().push(kind.resource);
    }
    let mut out = String::from(
        "# What `allod watch --cluster` needs: it lists and watches, and changes nothing. Secrets are not among it.\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: allod-watch\nrules:\n",
    );
    for (group, resources) in groups {
        let _ = writeln!(out, "  - apiGroups: [\"{group}\"]");
        let _ = writeln!(out, "    resources: [{}]", resources.join(", "));
        let _ = writeln!(out, "    verbs: [list, watch]");
    }
    out.push_str(
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: allod-watch\n  namespace: allod\n\
         ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: allod-watch\n\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: allod-watch\n\
         subjects:\n  - kind: ServiceAccount\n    name: allod-watch\n    namespace: allod\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_sorted_and_no_secrets() {
        assert!(KINDS.is_sorted_by(|a, b| (a.group, a.resource) <= (b.group, b.resource)), "sorted");
        assert!(KINDS.iter().all(|kind| kind.kind != "Secret"));
        let rbac = rbac();
        let words: Vec<&str> = rbac.split([' ', ',', '[', ']', '\n']).collect();
        assert!(!words.contains(&"secrets") && !rbac.contains('*'), "{rbac}");
        let verbs = rbac.lines().filter(|line| line.contains("verbs:"));
        assert!(verbs.clone().count() > 1 && verbs.clone().all(|line| line.trim() == "verbs: [list, watch]"));
    }
}

//! Which object means which: references in trees with many overlays, names, storage classes.

use super::{read_all, shown};
use crate::kubernetes::READER;

fn check(files: &[(&str, &str)], expect: &[&str], never: &[&str]) {
    let mine: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    let text = shown(&read_all(&READER, &mine, files));
    for line in expect {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    for line in never {
        assert!(!text.contains(line), "`{line}` is in\n{text}");
    }
}

const APP: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - image: ghcr.io/acme/web:1
          envFrom: [{configMapRef: {name: web}}]
";

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
data: {API_URL: 'https://api.HOST.eu'}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  defaultBackend: {service: {name: web}}
  rules:
    - host: HOST.shop.lu
      http: {paths: [{path: /, backend: {service: {name: web}}}]}
";

#[test]
fn overlays_with_the_same_names_are_kept_apart() {
    let (prod, test) = (SERVICE.replace("HOST", "prod"), SERVICE.replace("HOST", "test"));
    check(
        &[("prod/app.yaml", APP), ("prod/net.yaml", &prod), ("test/app.yaml", APP), ("test/net.yaml", &test)],
        &[
            "k8s:prod/app.yaml#Deployment/shop/web -sends_to-> host:api.prod.eu",
            "k8s:test/app.yaml#Deployment/shop/web -sends_to-> host:api.test.eu",
            "k8s:prod/app.yaml#Deployment/shop/web -resolved_by-> name:prod.shop.lu",
            "k8s:test/app.yaml#Deployment/shop/web -resolved_by-> name:test.shop.lu",
        ],
        &[
            "k8s:prod/app.yaml#Deployment/shop/web -sends_to-> host:api.test.eu",
            "k8s:test/app.yaml#Deployment/shop/web -resolved_by-> name:prod.shop.lu",
        ],
    );
}

#[test]
fn storage_classes_by_name_and_by_definition() {
    let claim = |class: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db}}\nspec:\n  template:\n    spec:\n      \
             containers: [{{image: db}}]\n  volumeClaimTemplates:\n    - spec:\n        storageClassName: {class}\n"
        )
    };
    let named = |class: &str, expect: &str| check(&[("m.yaml", &claim(class))], &[expect], &[]);
    named("ebs-gp3", "Kubernetes=ebs-gp3 Kubernetes=ebs.csi.aws.com @ m.yaml:10");
    named("acme-azuredisk-zrs", "Kubernetes=disk.csi.azure.com");
    named("csi-cinder-high-speed", "Provided storageclass:csi-cinder-high-speed");
    named("ceph-block", "Own storageclass:ceph-block");
    named("managed-nfs-storage", "Own storageclass:managed-nfs-storage");
    named("fast", "Provided storageclass:fast (storage, Medium) Kubernetes=fast @");
    let class =
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: rbd.csi.ceph.com\n";
    check(&[("m.yaml", &claim("fast")), ("sc.yaml", class)], &["Own k8s:sc.yaml#StorageClass//fast", "m.yaml:10"], &[]);
}

#[test]
fn names_that_external_dns_publishes() {
    let service = "apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  annotations:
    external-dns.alpha.kubernetes.io/hostname: a.shop.lu, b.shop.lu
spec: {selector: {app: web}}
";
    let endpoint = "apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {name: tunnel}
spec:
  endpoints:
    - dnsName: x.${DOMAIN}
      recordType: CNAME
      targets: ['${TUNNEL}.cfargotunnel.com']
";
    check(
        &[("app.yaml", APP), ("net.yaml", service), ("dns.yaml", endpoint)],
        &[
            "k8s:app.yaml#Deployment/shop/web -resolved_by-> name:a.shop.lu  @ net.yaml:7",
            "k8s:app.yaml#Deployment/shop/web -resolved_by-> name:b.shop.lu",
            "Provided host:*.cfargotunnel.com",
        ],
        &[],
    );
}

#[test]
fn dashboards_are_fetched_and_rules_lead_people() {
    let dashboard = "apiVersion: grafana.integreatly.org/v1beta1
kind: GrafanaDashboard
metadata: {name: d}
spec: {url: 'https://grafana.acme-boards.com/1'}
";
    let rules = "apiVersion: v1
kind: ConfigMap
metadata: {name: rules}
data:
  r.yaml: |
    groups:
      - name: x
        rules:
          - alert: Down
            annotations: {doc: 'https://docs.acme-docs.com/x'}
";
    check(
        &[("d.yaml", dashboard), ("r.yaml", rules)],
        &["-built_from-> host:grafana.acme-boards.com"],
        &["docs.acme-docs.com", "sends_to"],
    );
}

#[test]
fn ingress_of_a_cloud_by_its_annotations() {
    let ingress = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    alb.ingress.kubernetes.io/scheme: internet-facing
spec:
  rules: [{host: www.shop.lu}]
---
apiVersion: networking.gke.io/v1
kind: MultiClusterIngress
metadata: {name: all}
spec: {}
";
    check(
        &[("m.yaml", ingress)],
        &[
            "name:www.shop.lu -resolved_by-> k8s:m.yaml#Ingress//web/carrier",
            "Provided k8s:m.yaml#MultiClusterIngress//all (network, High) Kubernetes=networking.gke.io",
        ],
        &[],
    );
}

#[test]
fn only_the_repository_of_this_tree_delivers_from_it() {
    let flux = |source: &str, path: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {source}-x, namespace: flux}}\n\
             spec: {{path: {path}, sourceRef: {{kind: GitRepository, name: {source}}}}}\n---\n"
        )
    };
    let repository = |name: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: {name}, namespace: flux}}\n\
             spec: {{url: 'https://github.com/acme/{name}'}}\n---\n"
        )
    };
    let sources = repository("fleet") + &repository("podinfo");
    let text = sources
        + &flux("fleet", "./apps/web")
        + &flux("fleet", "./infra")
        + &flux("podinfo", "./infra")
        + &flux("podinfo", "./");
    let files = [("clusters/m.yaml", &*text), ("apps/web/app.yaml", APP), ("infra/app.yaml", APP)];
    let facts = read_all(&READER, &files.map(|(path, _)| path), &files);
    let delivered: Vec<String> =
        facts.deliveries.iter().map(|one| format!("{} {:?}", facts.components[one.by as usize].id, one.what)).collect();
    assert_eq!(
        delivered,
        ["git:github.com/acme/fleet Files(\"apps/web\")", "git:github.com/acme/fleet Files(\"infra\")"]
    );
    let text = shown(&facts);
    assert!(text.contains("k8s:infra/app.yaml#Deployment/shop/web -deployed_by-> git:github.com/acme/fleet"), "{text}");
    assert!(
        !text.contains("k8s:infra/app.yaml#Deployment/shop/web -deployed_by-> git:github.com/acme/podinfo"),
        "{text}"
    );
}

#[test]
fn a_proxy_of_a_database_reaches_the_database() {
    let app = APP.replace(
        "        - image: ghcr.io/acme/web:1\n",
        "        - image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2\n          args: [--port=5432, 'acme:europe-west1:db']\n        - image: ghcr.io/acme/web:1\n",
    );
    check(
        &[("m.yaml", &app)],
        &[
            "Deployment/shop/web/cloud-sql (database, High) Kubernetes=cloudsql.cloud.google.com @ m.yaml:10",
            "-stores_in->",
        ],
        &[],
    );
}

#[test]
fn stores_and_generators_of_secrets_say_whose_they_are() {
    let store = |provider: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: s}}\nspec:\n  provider:\n    {provider}\n"
        )
    };
    let of = |text: &str, expect: &str| check(&[("m.yaml", text)], &[expect], &[]);
    of(&store("pulumi: {organization: x}"), "Kubernetes=pulumi Host=api.pulumi.com @ m.yaml:6");
    of(&store("gitlab: {url: 'https://git.acme.net'}"), "(secrets, High) Host=git.acme.net @ m.yaml:6");
    of(&store("gitlab: {url: 'https://git.acme.svc'}"), "Own k8s:m.yaml#SecretStore//s");
    of(
        &store("nebiusmysterybox:\n      auth: {}\n      apiDomain: api.acme.net:443"),
        "Host=api.acme.net @ m.yaml:6-8 m.yaml:8",
    );
    let ecr = "apiVersion: generators.external-secrets.io/v1alpha1\nkind: ECRAuthorizationToken\nmetadata: {name: e}\n";
    of(ecr, "Provided k8s:m.yaml#ECRAuthorizationToken//e");
}

#[test]
fn a_service_that_no_file_defines_has_the_name_of_its_workload() {
    let ingress = |namespace: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i, namespace: {namespace}}}\nspec:\n  rules:\n    \
             - host: www.shop.lu\n      http: {{paths: [{{path: /, backend: {{service: {{name: web}}}}}}]}}\n"
        )
    };
    let link = "k8s:app.yaml#Deployment/shop/web -resolved_by-> name:www.shop.lu";
    check(&[("app.yaml", APP), ("i.yaml", &ingress("shop"))], &[link], &[]);
    check(&[("app.yaml", APP), ("i.yaml", &ingress("other"))], &[], &[link]);
}

mod recording;
mod wiring;

use crate::files::Files;
use crate::{Read, Reader};
use allod_facts::{Component, Evidence, Facts};

/// The facts of some files in a compact text: components, links, what is unresolved, what is broken.
pub(crate) fn shown(facts: &Facts) -> String {
    let name = |at: u32| facts.components.get(at as usize).map_or("?", |component| &component.id);
    let lines = |evidence: &[Evidence]| {
        let line = |seen: &Evidence| match seen.end_line == seen.line {
            true => format!("{}:{}", seen.path, seen.line),
            false => format!("{}:{}-{}", seen.path, seen.line, seen.end_line),
        };
        evidence.iter().map(line).collect::<Vec<_>>().join(" ")
    };
    let component = |component: &Component| {
        let clues: Vec<String> = component.clues.iter().map(|clue| format!("{:?}={}", clue.kind, clue.text)).collect();
        let place = component.place.as_ref().and_then(|place| place.region.clone());
        let place = place.map_or(String::new(), |region| format!(" in {region}"));
        let data =
            if component.data.is_empty() { String::new() } else { format!(" data {}", component.data.join(",")) };
        let environment = component.environment.as_ref().map_or(String::new(), |name| format!(" for {name}"));
        format!(
            "{:?} {} ({}, {:?}) {}{place}{data}{environment} @ {}",
            component.role,
            component.id,
            component.layer.name(),
            component.confidence,
            clues.join(" "),
            lines(&component.evidence)
        )
    };
    let mut text: Vec<String> = facts.components.iter().map(AsRef::as_ref).map(component).collect();
    text.extend(facts.links.iter().map(|link| {
        let mitigations: Vec<String> = link.mitigations.iter().map(|cut| format!("{cut:?}")).collect();
        let (from, to) = (name(link.from), name(link.to));
        format!("{from} -{}-> {to} {} @ {}", link.kind.name(), mitigations.join(","), lines(&link.evidence))
    }));
    text.extend(facts.unresolved.iter().map(|unresolved| {
        let about = unresolved.component.map_or(String::new(), |at| format!(" about {}", name(at)));
        format!(
            "{} {}{about} @ {}",
            unresolved.code,
            unresolved.message,
            lines(std::slice::from_ref(&unresolved.evidence))
        )
    }));
    text.extend(
        facts
            .diagnostics
            .iter()
            .map(|broken| format!("{} {} @ {}:{}", broken.code, broken.message, broken.path, broken.line)),
    );
    text.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// Reads some files with one reader.
pub(crate) fn read_all(reader: &Reader, mine: &[&str], files: &[(&str, &str)]) -> Facts {
    let mut all = Files::new();
    for (path, text) in files {
        all.insert(path, text.as_bytes().to_vec());
    }
    let Read::Loaded(read) = reader.read else { panic!("not a loaded reader") };
    read(&all, mine)
}

/// Truncations and single-byte changes of a sample: nothing may panic, and the order of the files may change nothing.
pub(crate) fn survives(reader: &Reader, path: &str, sample: &str) {
    let bytes = sample.as_bytes();
    let Read::Loaded(read) = reader.read else { panic!("not a loaded reader") };
    let step = (bytes.len() / 150).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut changed = vec![bytes[..at].to_vec()];
        for byte in [b'{', b'"', b'\n', b':', b'-', 0, 0xff, b'$', b'<'] {
            let mut bytes = bytes.to_vec();
            bytes[at] = byte;
            changed.push(bytes);
        }
        for bytes in changed {
            let mut files = Files::new();
            files.insert(path, bytes);
            read(&files, &[path]);
        }
    }
}

fn manifest(text: &str) -> String {
    shown(&read_all(&super::READER, &["m.yaml"], &[("m.yaml", text)]))
}

const WORKLOAD: &str = r"apiVersion: v1
kind: Namespace
metadata:
  name: clinic
  labels: {allod/environment: production}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: clinic
  annotations:
    allod/data: patient,billing
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      nodeSelector:
        topology.kubernetes.io/region: eu-central-1
        eks.amazonaws.com/nodegroup: blue
      containers:
        - name: web
          image: ghcr.io/acme/web:1@sha256:00
          args: [--upstream=https://api.mistral.ai/v1, --db, 'postgres://u:secret@db.acme-cloud.net/x']
          env:
            - {name: CART, value: 'cart:7070'}
            - name: OTEL_EXPORTER_OTLP_ENDPOINT
              value: https://otlp.eu01.nr-data.net
            - {name: STRIPE_API_KEY, valueFrom: {secretKeyRef: {name: stripe, key: key}}}
            - {name: MAIL_HOST, value: '<redacted>'}
          envFrom:
            - configMapRef: {name: web-config}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web-config, namespace: clinic}
data:
  SEARCH_URL: https://search.acme-search.eu/q
  TIMEOUT: '5'
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: clinic
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::1:role/web
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: clinic}
spec: {selector: {app: cart}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cart, namespace: clinic}
spec:
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
        - image: redis
  volumeClaimTemplates:
    - spec:
        storageClassName: gp3
";

#[test]
fn workloads_say_what_they_run_send_and_trust() {
    insta::assert_snapshot!(manifest(WORKLOAD));
}

const NAMES: &str = r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    cert-manager.io/cluster-issuer: letsencrypt
spec:
  ingressClassName: alb
  rules:
    - host: clinic.acme-health.lu
      http: {paths: [{backend: {service: {name: web}}}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: nlb
spec: {type: LoadBalancer, selector: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{image: 'registry.acme-health.lu/web:1'}]}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: letsencrypt}
spec:
  acme:
    server: https://acme-v02.api.letsencrypt.org/directory
    solvers:
      - dns01:
          route53:
            region: eu-west-1
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: external-dns}
spec:
  template:
    spec:
      containers:
        - image: registry.k8s.io/external-dns/external-dns:v0.14.0
          args:
            - --source=ingress
            - --provider=cloudflare
---
apiVersion: v1
kind: Service
metadata: {name: open}
spec: {type: LoadBalancer}
---
apiVersion: v1
kind: Service
metadata: {name: legacy}
spec:
  type: ExternalName
  externalName: db.acme-hosting.fr
";

#[test]
fn names_lead_to_who_resolves_certifies_and_carries_them() {
    insta::assert_snapshot!(manifest(NAMES));
}

const SECRETS: &str = r"apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: aws}
spec:
  provider:
    aws:
      service: SecretsManager
      region: eu-central-1
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec:
  provider:
    vault:
      server: http://vault.vault.svc:8200
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: app}
spec:
  secretStoreRef: {name: aws, kind: ClusterSecretStore}
  target: {name: app-secret}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: app}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - image: acme/app
              envFrom: [{secretRef: {name: app-secret}}]
---
apiVersion: v1
kind: Secret
metadata: {name: plain}
stringData:
  DSN: postgres://user:hunter2@db.acme-cloud.net/x?token=abc
  PASSWORD: hunter2
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: kv}
spec:
  provider: azure
";

#[test]
fn secret_stores_are_known_and_no_secret_is_kept() {
    let text = manifest(SECRETS);
    assert!(!text.contains("hunter2") && !text.contains("abc"));
    insta::assert_snapshot!(text);
}

const GITOPS: &str = r"apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec:
  url: ssh://git@github.com/acme/fleet
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps/production
  sourceRef:
    kind: GitRepository
    name: fleet
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: podinfo, namespace: flux-system}
spec: {url: 'https://charts.acme-charts.io/podinfo'}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: podinfo, namespace: flux-system}
spec:
  chart:
    spec:
      chart: podinfo
      version: 6.x
      sourceRef: {kind: HelmRepository, name: podinfo}
  values:
    image:
      repository: ghcr.io/acme/podinfo
      tag: '1'
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: lost}
spec: {sourceRef: {kind: GitRepository, name: nowhere}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  source:
    repoURL: https://gitlab.com/acme/shop.git
    path: apps/shop
    targetRevision: 0123456789012345678901234567890123456789
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all}
spec:
  generators:
    - git: {repoURL: 'https://github.com/acme/sets'}
  template:
    spec:
      source: {repoURL: '{{repo}}'}
";

#[test]
fn what_gitops_deploys_is_linked_to_its_repository() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{image: a/b}]}}}\n";
    let files = [
        ("clusters/m.yaml", GITOPS),
        ("apps/production/kustomization.yaml", "resources: [../base]\n"),
        ("apps/base/kustomization.yaml", "resources: [job.yaml]\n"),
        ("apps/base/job.yaml", job),
        ("apps/shop/job.yaml", job),
    ];
    let facts = read_all(&super::READER, &["apps/base/job.yaml", "apps/shop/job.yaml", "clusters/m.yaml"], &files);
    insta::assert_snapshot!(shown(&facts));
}

const STORAGE_AND_CLOUD: &str = r"apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ebs.csi.aws.com
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: fast}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers: [{image: a/b}]
  volumes: [{persistentVolumeClaim: {claimName: data}}]
---
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {name: own}
spec:
  provider: aws
  objectStorage: {bucket: backups}
  config: {region: gra, s3Url: 'https://s3.gra.io.cloud.ovh.net'}
---
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {name: far}
spec:
  provider: velero.io/aws
  objectStorage: {bucket: backups}
  config: {region: us-east-1}
---
apiVersion: s3.aws.upbound.io/v1beta1
kind: Bucket
metadata: {name: b}
spec:
  forProvider:
    region: us-east-1
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
kind: AzureCluster
metadata: {name: c}
spec: {location: westeurope}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg}
spec:
  imageName: ghcr.io/cloudnative-pg/postgresql:16
  backup:
    barmanObjectStore:
      destinationPath: s3://pg-backups/x
---
apiVersion: acme.io/v1
kind: Widget
metadata: {name: w}
spec: {size: 1}
---
apiVersion: acme.io/v1
kind: Widget
metadata: {name: v}
spec: {size: 1}
---
apiVersion: acme.io/v1
kind: Gizmo
metadata: {name: g}
spec: {endpoint: 'https://api.acme-gizmo.com', image: 'quay.io/acme/gizmo:1'}
";

#[test]
fn storage_clouds_and_unknown_kinds() {
    insta::assert_snapshot!(manifest(STORAGE_AND_CLOUD));
}

const MODELS: &str = r"apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  template:
    spec:
      containers:
        - image: vllm/vllm-openai:v0.6
          args:
            - --model
            - mistralai/Mistral-7B-Instruct-v0.3
        - image: ghcr.io/acme/tei
          command: [sh, -c]
          args:
            - |
              set -e
              vllm serve acme/embedder --port 1
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: k}
spec:
  predictor:
    model:
      storageUri: hf://acme/classifier
";

#[test]
fn model_weights_are_artefacts_of_the_hub() {
    insta::assert_snapshot!(manifest(MODELS));
}

const TELEMETRY: &str = r"apiVersion: v1
kind: ConfigMap
metadata: {name: otel}
data:
  config.yaml: |
    receivers: {otlp: {}}
    exporters:
      otlphttp:
        endpoint: ${env:OTLP:-https://otlp.nr-data.net}
      datadog: {}
    service:
      pipelines:
        traces: {exporters: [otlphttp]}
  app.properties: |
    # https://docs.acme.com
    mail.host=https://mail.acme-mail.com
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: otel}
spec:
  template:
    spec:
      containers: [{image: otel/opentelemetry-collector}]
      volumes: [{configMap: {name: otel}}]
---
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: cr}
spec:
  config:
    exporters:
      otlp:
        endpoint: api.honeycomb.io:443
    service: {pipelines: {traces: {exporters: [otlp]}}}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: p}
spec:
  remoteWrite:
    - url: https://prometheus-prod-01-eu-west-0.grafana.net/api/prom/push
";

#[test]
fn pipelines_inside_manifests_keep_their_lines() {
    insta::assert_snapshot!(manifest(TELEMETRY));
}

#[test]
fn broken_documents_do_not_take_their_neighbours_with_them() {
    let pod = |name: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{image: a/{name}}}]}}\n")
    };
    let text = format!("{}---\na: [\n---\n{}", pod("one"), pod("two"));
    insta::assert_snapshot!(manifest(&text));
}

#[test]
fn templates_are_unresolved_and_not_broken() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ name }}\nspec:\n  containers:\n  - image: acme/a:1\n  - image: {{ image }}\n";
    insta::assert_snapshot!(manifest(text));
}

#[test]
fn lists_and_json_are_read() {
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"List\",\n\"items\": [\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"},\n\"spec\": {\"containers\": [{\n\"image\": \"a/b\"}]}}]}";
    let facts = read_all(&super::READER, &["m.json"], &[("m.json", json)]);
    insta::assert_snapshot!(shown(&facts));
}

#[test]
fn damaged_manifests_never_panic() {
    for sample in [WORKLOAD, NAMES, SECRETS, GITOPS, STORAGE_AND_CLOUD, MODELS, TELEMETRY] {
        survives(&super::READER, "m.yaml", sample);
    }
}

#[test]
fn sources_that_lead_to_each_other_end() {
    let chart = |name: &str, to: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {{name: {name}}}\nspec: {{sourceRef: {{kind: HelmChart, name: {to}}}}}\n"
        )
    };
    let text = format!("{}---\n{}", chart("a", "b"), chart("b", "a"));
    assert_eq!(manifest(&text), "");
}

#[test]
fn clouds_in_compositions_and_templated_regions() {
    let text = "apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata: {name: db}
spec:
  resources:
    - base:
        apiVersion: rds.aws.upbound.io/v1beta1
        kind: Instance
---
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: c, region: eu-west-1}
---
apiVersion: s3.aws.upbound.io/v1beta1
kind: Bucket
metadata: {name: b}
spec: {forProvider: {region: '${REGION}'}}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - image: a/b
      env:
        - {name: NODE_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
        - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://$(NODE_IP):4318'}
";
    insta::assert_snapshot!(manifest(text));
}

#[test]
fn what_a_controller_made_is_its_maker() {
    let text = "apiVersion: v1
kind: List
items:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: a}, spec: {template: {spec: {containers: [{image: 'a/b:1'}]}}}}
- {apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-1, namespace: a, ownerReferences: [{kind: Deployment, name: web, controller: true}]}, spec: {replicas: 1, template: {spec: {containers: [{image: 'a/b:1'}]}}}}
- {apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-0, namespace: a, ownerReferences: [{kind: Deployment, name: web, controller: true}]}, spec: {replicas: 0, template: {spec: {containers: [{image: 'left/behind:1'}]}}}}
- {apiVersion: v1, kind: Pod, metadata: {name: web-1-x, namespace: a, ownerReferences: [{kind: ReplicaSet, name: web-1, controller: true}]}, spec: {containers: [{image: 'a/b:1'}, {image: 'put/in:1'}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: ended, namespace: a, ownerReferences: [{kind: ReplicaSet, name: web-1, controller: true}]}, spec: {containers: [{image: 'was/here:1'}]}, status: {phase: Failed}}
- {apiVersion: v1, kind: Pod, metadata: {name: elsewhere, namespace: b, ownerReferences: [{kind: ReplicaSet, name: web-1, controller: true}]}, spec: {containers: [{image: 'its/own:1'}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: static, namespace: a, ownerReferences: [{kind: Node, name: n, controller: true}]}, spec: {containers: [{image: 'of/node:1'}]}}
";
    insta::assert_snapshot!(manifest(text));
}

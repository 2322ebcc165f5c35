use crate::kubernetes::tests::{read_all, shown, survives};

const OVERLAY: &str = "resources:
  - ../base
  - missing.yaml
  - https://github.com/acme/platform//ingress?ref=v1
  - https://user:secret@raw.acme-host.com/x/crds.yaml
images:
  - name: acme/web
    newName: registry.acme.lu/web
    newTag: '2'
  - name: redis
    digest: sha256:00
helmCharts:
  - name: podinfo
    repo: https://charts.acme-charts.io
    version: 1.0.0
    valuesInline: {image: {repository: ghcr.io/acme/podinfo, tag: x}}
configMapGenerator:
  - name: settings
    literals:
      - API_URL=https://api.acme-api.eu
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        template:
          spec:
            containers:
              - name: sidecar
                image: quay.io/acme/sidecar:1
  - target: {kind: Deployment}
    patch: |
      - op: replace
        path: /spec/template/spec/containers/0/image
        value: quay.io/acme/other:1
";

#[test]
fn overlays_name_what_they_are_put_together_from() {
    let files = [("prod/kustomization.yaml", OVERLAY), ("base/kustomization.yaml", "resources: [../prod]\n")];
    let facts = read_all(&super::READER, &["base/kustomization.yaml", "prod/kustomization.yaml"], &files);
    let text = shown(&facts);
    assert!(!text.contains("secret@"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_list_of_files_is_no_component() {
    let files = [("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", "")];
    assert_eq!(shown(&read_all(&super::READER, &["kustomization.yaml"], &files)), "");
}

#[test]
fn damaged_overlays_never_panic() {
    survives(&super::READER, "kustomization.yaml", OVERLAY);
}

//! Labels of objects, and what manifests show of how things are recorded.

use super::*;

fn facts(text: &str) -> Facts {
    read_all(&crate::kubernetes::READER, &["m.yaml"], &[("m.yaml", text)])
}

/// The labels of the component of one kind.
fn labels(text: &str, kind: &str) -> String {
    let facts = facts(text);
    let one = facts.components.iter().find(|one| &*one.kind == kind).unwrap();
    one.labels
        .iter()
        .flat_map(|all| all.iter())
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let mut shown = Vec::new();
    for one in &facts(text).components {
        for record in one.records.iter() {
            let days = match record.days {
                None => "-".to_owned(),
                Some(allod_facts::Record::FOR_EVER) => "for ever".to_owned(),
                Some(days) => days.to_string(),
            };
            shown.push(format!("{} {:?} {days} @{}", one.name, record.kind, record.evidence.line));
        }
    }
    assert_eq!(shown, expect, "{text}");
}

#[test]
fn labels_of_an_object_its_pods_and_its_namespace() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: clinic\n  labels: {team: platform, zone: eu}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: clinic\n  labels: {team: records}\n  annotations: {note: '{{ .x }}', a/b: c}\nspec:\n  template:\n    metadata:\n      labels: {app: web}\n    spec:\n      containers: [{image: a.lu/b:1}]\n";
    assert_eq!(labels(text, "Deployment"), "a/b=c app=web kubernetes.io/metadata.name=clinic team=records zone=eu");
    let job = "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: j\nspec:\n  jobTemplate:\n    spec:\n      template:\n        metadata:\n          labels: {app: j}\n        spec:\n          containers: [{image: a.lu/b:1}]\n";
    assert_eq!(labels(job, "CronJob"), "app=j");
}

#[test]
fn values_of_a_template_are_not_known() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels:\n    app: web\n    release: {{ .Release.Name }}\nspec:\n  template:\n    spec:\n      containers:\n        - image: a.lu/b:1\n";
    assert_eq!(labels(text, "Deployment"), "app=web");
}

#[test]
fn audit_of_api_servers() {
    let policy = |level: &str| format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: {level}\n");
    check(&policy("Metadata"), &["audit policy ControlTrail - @4"]);
    check(&policy("None"), &[]);
    check("apiVersion: kyverno.io/v1\nkind: Policy\nrules:\n  - level: Metadata\n", &[]);
    let pod = |arguments: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: api\nspec:\n  containers:\n    - image: registry.k8s.io/kube-apiserver:v1.31.0\n      command:\n        - kube-apiserver\n{arguments}"
        )
    };
    check(
        &pod("        - --audit-policy-file=/p\n        - --audit-log-path=/l\n        - --audit-log-maxage=90\n"),
        &["api ControlTrail 90 @10"],
    );
    check(&pod("        - --audit-policy-file=/p\n"), &[]);
    check(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\napiServer:\n  extraArgs:\n    audit-policy-file: /p\n    audit-log-path: /l\n",
        &["cluster ControlTrail - @5"],
    );
    check(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nclusterName: main\napiServer:\n  extraArgs:\n    - name: audit-policy-file\n      value: /p\n    - name: audit-webhook-config-file\n      value: /w\n",
        &["main ControlTrail - @7"],
    );
    let eks = |types: &str| {
        format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: c\ncloudWatch:\n  clusterLogging:\n    enableTypes: {types}\n    logRetentionInDays: 60\n"
        )
    };
    check(&eks("[\"*\"]"), &["c ControlTrail 60 @7"]);
    check(&eks("[\"api\"]"), &[]);
}

#[test]
fn configuration_that_a_workload_uses() {
    let loki = |config: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: loki\nspec:\n  template:\n    spec:\n      containers:\n        - image: grafana/loki:3.2.0\n      volumes:\n        - configMap: {{name: conf}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: conf\ndata:\n  loki.yaml: |\n{config}"
        )
    };
    check(
        &loki(
            "    schema_config: {}\n    limits_config:\n      retention_period: 744h\n    compactor:\n      retention_enabled: true\n",
        ),
        &["loki LogStore 31 @21"],
    );
    check(&loki("    schema_config: {}\n    compactor: {}\n"), &["loki LogStore for ever @20"]);
    check(&loki("    # nothing\n    server: {}\n"), &["loki LogStore - @9"]);
    check(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    - image: nginx:1.27\n      envFrom:\n        - configMapRef: {name: conf}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: conf\ndata:\n  nginx.conf: |\n    http {\n      access_log /dev/stdout;\n    }\n",
        &["web AccessLog - @18"],
    );
    check(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: db\nspec:\n  containers:\n    - image: postgres:16\n      args: [-c, log_statement=all]\n",
        &["db AccessLog - @8"],
    );
}

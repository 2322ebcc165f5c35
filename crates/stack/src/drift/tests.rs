use super::*;
use crate::{Home, Powers, build};
use allod_readers::{Files, READERS, Read};
use allod_register::Register;
use std::fmt::Write;

/// What the readers and the built-in register make of some files.
fn snapshot(files: &[(&str, &str)], register: &Register) -> Snapshot {
    let mut all = Files::new();
    for (path, text) in files {
        all.insert(path, text.as_bytes().to_vec());
    }
    let mut batches = Vec::new();
    for reader in READERS {
        let mine: Vec<&str> = files
            .iter()
            .filter(|(path, text)| {
                allod_readers::recognise(path, text.as_bytes()).is_some_and(|known| known.id == reader.id)
            })
            .map(|(path, _)| *path)
            .collect();
        match reader.read {
            Read::Loaded(read) if !mine.is_empty() => batches.push(read(&all, &mine)),
            Read::Streamed(read) => mine.iter().for_each(|path| {
                let text = files.iter().find(|(known, _)| known == path).unwrap().1;
                batches.push(read(path, &mut text.as_bytes()));
            }),
            Read::Loaded(_) => {}
        }
    }
    let stack = build(batches, register);
    let powers = Powers::of(&stack);
    Snapshot::of(&stack, &powers, &[], &Home::default())
}

/// One line a drift.
fn told(allowed: &[(&str, &str)], running: &[(&str, &str)]) -> String {
    let register = Register::builtin().unwrap();
    let (allowed, running) = (snapshot(allowed, &register), snapshot(running, &register));
    let found = drift(&allowed, &running, &|_| true);
    let mut out = String::new();
    for one in &found.drifts {
        let _ = writeln!(out, "{} {}", one.code(), one.running.id);
        for of in &one.differences {
            let (was, is) = (&of.allowed_seen, &of.running_seen);
            let at = |seen: &Option<(String, u32)>| {
                seen.as_ref().map_or(String::new(), |(path, line)| format!("{path}:{line}"))
            };
            let _ = writeln!(out, "  {}: `{}` {} -> `{}` {}", of.what.name(), of.allowed, at(was), of.running, at(is));
        }
        for gain in &one.gives {
            let over: Vec<&str> = gain.over.iter().map(|id| id.rsplit('#').next().unwrap_or(id)).collect();
            let who = gain.jurisdiction.map_or("unknown".to_owned(), |one| one.code().to_owned());
            let _ = writeln!(out, "  gives {who} {:?} over {}", gain.power, over.join(", "));
        }
    }
    for one in &found.missing {
        let _ = writeln!(out, "missing {}", one.id);
    }
    out
}

const TF: &str = "provider \"aws\" {\n  region = \"eu-central-1\"\n}\nresource \"aws_s3_bucket\" \"logs\" {\n  bucket = \"logs\"\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n";
const MODULE: &str = "resource \"aws_instance\" \"vm\" {\n  for_each = toset([\"a\", \"b\"])\n}\n";

fn state(region: &str, more: &str) -> String {
    let vm =
        |key: &str| format!("{{\"index_key\":\"{key}\",\"attributes\":{{\"availability_zone\":\"eu-central-1a\"}}}}");
    format!(
        "{{\"version\":4,\"terraform_version\":\"1.9.0\",\"serial\":3,\"lineage\":\"x\",\"outputs\":{{}},\"resources\":[\n\
        {{\"mode\":\"managed\",\"type\":\"aws_s3_bucket\",\"name\":\"logs\",\"provider\":\"provider[\\\"registry.terraform.io/hashicorp/aws\\\"]\",\"instances\":[{{\"attributes\":{{\"bucket\":\"logs\",\"region\":\"{region}\"}}}}]}},\n\
        {{\"module\":\"module.m\",\"mode\":\"managed\",\"type\":\"aws_instance\",\"name\":\"vm\",\"provider\":\"provider[\\\"registry.terraform.io/hashicorp/aws\\\"]\",\"instances\":[{},{}]}}{more}]}}",
        vm("a"),
        vm("b")
    )
}

#[test]
fn a_state_is_what_its_configuration_describes() {
    let allowed = [("main.tf", TF), ("m/main.tf", MODULE)];
    assert_eq!(told(&allowed, &[("terraform.tfstate", &state("eu-central-1", ""))]), "");
    let more = ",\n{\"mode\":\"managed\",\"type\":\"aws_instance\",\"name\":\"extra\",\"provider\":\"provider[\\\"registry.terraform.io/hashicorp/aws\\\"]\",\"instances\":[{\"attributes\":{\"availability_zone\":\"us-east-1b\"}}]}";
    insta::assert_snapshot!("state", told(&allowed, &[("terraform.tfstate", &state("us-east-1", more))]));
    let fewer = state("eu-central-1", "").replace("aws_s3_bucket", "aws_sqs_queue");
    insta::assert_snapshot!("state_fewer", told(&allowed, &[("terraform.tfstate", &fewer)]));
}

fn deployment(namespace: &str, image: &str, more: &str) -> String {
    let namespace = if namespace.is_empty() { String::new() } else { format!(", namespace: {namespace}") };
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: web{namespace} }}\nspec:\n  template:\n    spec:\n      containers:\n        - name: a\n          image: {image}\n{more}"
    )
}

/// As the list of a cluster: replica set and pods are there, and a replica set of the release before.
fn live(namespace: &str, image: &str, sidecar: &str) -> String {
    let owner = |kind: &str, name: &str| {
        format!("ownerReferences: [{{ apiVersion: v1, kind: {kind}, name: {name}, controller: true }}]")
    };
    format!(
        "apiVersion: v1\nkind: List\nitems:\n\
        - {{ apiVersion: apps/v1, kind: Deployment, metadata: {{ name: web, namespace: {namespace} }}, spec: {{ template: {{ spec: {{ containers: [{{ name: a, image: '{image}' }}] }} }} }} }}\n\
        - {{ apiVersion: apps/v1, kind: ReplicaSet, metadata: {{ name: web-1, namespace: {namespace}, {dep} }}, spec: {{ replicas: 1, template: {{ spec: {{ containers: [{{ name: a, image: '{image}' }}] }} }} }} }}\n\
        - {{ apiVersion: apps/v1, kind: ReplicaSet, metadata: {{ name: web-0, namespace: {namespace}, {dep} }}, spec: {{ replicas: 0, template: {{ spec: {{ containers: [{{ name: a, image: 'nginx:0.1' }}] }} }} }} }}\n\
        - {{ apiVersion: v1, kind: Pod, metadata: {{ name: web-1-x, namespace: {namespace}, {set} }}, spec: {{ containers: [{{ name: a, image: '{image}' }}{sidecar}] }}, status: {{ phase: Running }} }}\n",
        dep = owner("Deployment", "web"),
        set = owner("ReplicaSet", "web-1")
    )
}

#[test]
fn an_object_of_a_cluster_is_the_one_of_its_manifest() {
    let image = "registry.example.lu/web:1";
    let allowed = deployment("prod", image, "");
    let open = deployment("", image, "");
    for of in [&allowed, &open] {
        assert_eq!(told(&[("deploy/web.yaml", of)], &[("dump.yaml", &live("prod", image, ""))]), "");
    }
    // With two environments, the nearest.
    let two = [("dev/web.yaml", deployment("", "other:1", "")), ("prod/web.yaml", open.clone())];
    let two: Vec<(&str, &str)> = two.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let found = told(&two, &[("dump.yaml", &live("prod", image, ""))]);
    assert_eq!(found, "missing k8s:dev/web.yaml#Deployment//web\n");
    // Another image, and a container that something put into the pods.
    let running = live("prod", "nginx:2", ", { name: b, image: 'gcr.io/spy/agent:9' }");
    insta::assert_snapshot!("image_and_sidecar", told(&[("deploy/web.yaml", &allowed)], &[("dump.yaml", &running)]));
    // The same object elsewhere is not what was allowed.
    insta::assert_snapshot!(
        "elsewhere",
        told(&[("deploy/web.yaml", &allowed)], &[("dump.yaml", &live("evil", image, ""))])
    );
    // Of several under the name of a manifest without a namespace nobody knows which one is meant.
    let both = format!("{}---\n{}", live("a", image, ""), live("b", image, ""));
    insta::assert_snapshot!("two_namespaces", told(&[("deploy/web.yaml", &open)], &[("dump.yaml", &both)]));
}

#[test]
fn what_is_used_and_what_cut_a_power_is_compared() {
    let digest = "sha256:0123456789012345678901234567890123456789012345678901234567890123";
    let allowed = deployment(
        "prod",
        &format!("nginx:1@{digest}"),
        "          env: [{ name: API_URL, value: 'https://api.mistral.ai/v1' }]\n",
    );
    let running =
        deployment("prod", "nginx:1", "          env: [{ name: API_URL, value: 'https://api.openai.com/v1' }]\n");
    insta::assert_snapshot!("host_and_digest", told(&[("a.yaml", &allowed)], &[("b.yaml", &running)]));
    let labelled = deployment("prod", "nginx:1", "").replace("name: web", "labels: { allod/data: patient }, name: web");
    insta::assert_snapshot!("data", told(&[("a.yaml", &deployment("prod", "nginx:1", ""))], &[("b.yaml", &labelled)]));
    let compose = |image: &str| format!("services:\n  web:\n    image: {image}\n");
    assert_eq!(told(&[("compose.yaml", &compose("nginx:1"))], &[("run/compose.yaml", &compose("nginx:1"))]), "");
    insta::assert_snapshot!(
        "compose",
        told(&[("compose.yaml", &compose("nginx:1"))], &[("run/compose.yaml", &compose("nginx:2"))])
    );
}

#[test]
fn nothing_differs_from_itself() {
    for (path, text) in
        [("main.tf", TF.to_owned()), ("a.yaml", live("prod", "nginx:1", "")), ("terraform.tfstate", state("x", ""))]
    {
        let files = [(path, text.as_str()), ("m/main.tf", MODULE)];
        assert_eq!(told(&files, &files), "", "{path}");
    }
}

//! One rule, four gates: what a repository describes, what a plan will make, what a cluster is to admit, and what another
//! program asks through the library. The same rule says no at each, and yes after the fix.

use crate::world::start_with;
use allod_engine::{CheckOptions, Options, Policies, PolicyOptions, RegoOptions, check};
use allod_register::Register;
use allod_rules::{Date, Gate};
use allod_server::PolicyJudge;
use allod_stack::Home;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RULE: &str = "patient-data-is-not-read-abroad";
const TODAY: &str = "2026-11-24";

const ORGANISATION: &str = "
version: 1
home: [EU]
data:
  patient: { on: [{ namespace: records }, { address: 'aws_s3_bucket.*' }, { address: 'scaleway_object_bucket.*' }] }
";
const RULES: &str = "
version: 1
rules:
  patient-data-is-not-read-abroad:
    why: GDPR art. 9
    data: patient
    must: { not_be_readable_from: { outside: home } }
";

/// What is asked about: a workload of the cluster that sends patient data to an endpoint.
fn workload(endpoint: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "records", "namespace": "records"},
        "spec": {
            "selector": {"matchLabels": {"app": "records"}},
            "template": {
                "metadata": {"labels": {"app": "records"}},
                "spec": {"containers": [{
                    "name": "a", "image": "registry.internal/records:1",
                    "env": [{"name": "S3_URL", "value": endpoint}],
                }]},
            },
        },
    })
}

/// The same as a bucket of a plan.
fn plan(kind: &str, provider: &str, region: &str) -> Value {
    let name = format!("registry.terraform.io/{provider}");
    let address = format!("{kind}.records");
    let values = json!({"bucket": "records", "name": "records", "region": region});
    json!({
        "format_version": "1.2", "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [{
            "address": address, "mode": "managed", "type": kind, "name": "records",
            "provider_name": name, "schema_version": 0, "values": values, "sensitive_values": {},
        }]}},
        "resource_changes": [{
            "address": address, "mode": "managed", "type": kind, "name": "records", "provider_name": name,
            "change": {"actions": ["create"], "before": null, "after": values, "after_unknown": {}},
        }],
        "configuration": {"provider_config": {}, "root_module": {}},
    })
}

struct World {
    folder: tempfile::TempDir,
    register: Register,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("allod.yaml"), ORGANISATION).unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        std::fs::write(folder.path().join("rules/rules.yaml"), RULES).unwrap();
        World { folder, register: Register::builtin().unwrap() }
    }

    fn policy(&self) -> PolicyOptions {
        PolicyOptions {
            organisation: Some(self.folder.path().join("allod.yaml")),
            rules: vec![self.folder.path().join("rules")],
            ..PolicyOptions::default()
        }
    }

    fn policies(&self) -> Policies {
        Policies::load(&[self.folder.path().to_owned()], &self.policy(), &self.register).unwrap()
    }

    /// The gate and the rules that a check of a path breaks.
    fn check(&self, path: &Path) -> (&'static str, Vec<String>) {
        let paths = vec![PathBuf::from(path)];
        let options = CheckOptions {
            audit: Options { paths, home: Home::default(), register: None, resolve: None },
            policy: self.policy(),
            rego: RegoOptions::default(),
            since: None,
            baseline: None,
            only_tells: false,
            allow_unread: false,
            today: Date::parse(TODAY).unwrap(),
        };
        let checked = check(&options, &self.register, &|_| {}).unwrap();
        (checked.gate, checked.violations.iter().map(|one| one.rule.clone()).collect())
    }

    fn file(&self, name: &str, content: &Value) -> PathBuf {
        let path = self.folder.path().join("material").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_vec_pretty(content).unwrap()).unwrap();
        path
    }
}

/// What each gate says: repository, plan, admission, library.
async fn gates(object: &Value, plan: &Value) -> Vec<(&'static str, Vec<String>)> {
    let world = World::new();
    let mut said = Vec::new();
    let (gate, broken) = world.check(&world.file("records.json", object));
    said.push((gate, broken));
    let (gate, broken) = world.check(&world.file("plan.json", plan));
    said.push((gate, broken));

    let judge = PolicyJudge { policies: world.policies(), register: Register::builtin().unwrap(), context: Vec::new() };
    let server = start_with(|_| {}, Arc::new(judge));
    let kind = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let answer = server
        .review(json!({
            "object": object, "namespace": "records", "name": "records", "kind": kind, "requestKind": kind,
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        }))
        .await;
    let message = answer["status"]["message"].as_str().unwrap_or_default().to_owned();
    let broken = if answer["allowed"] == json!(true) { Vec::new() } else { vec![message] };
    said.push(("admission", broken));

    let facts = allod_readers::kubernetes::object("admission:records", &object.to_string());
    let today = Date::parse(TODAY).unwrap();
    let judged = world.policies().judge_facts(&world.register, &[], facts, Gate::Apply, today).unwrap();
    said.push(("apply", judged.violations.iter().map(|one| one.rule.clone()).collect()));
    said
}

#[tokio::test]
async fn the_same_rule_says_no_at_every_gate_and_yes_after_the_fix() {
    let before = gates(
        &workload("https://records.s3.us-east-1.amazonaws.com"),
        &plan("aws_s3_bucket", "hashicorp/aws", "us-east-1"),
    )
    .await;
    let names: Vec<&str> = before.iter().map(|(gate, _)| *gate).collect();
    assert_eq!(names, ["repository", "plan", "admission", "apply"]);
    for (gate, broken) in &before {
        assert!(broken.iter().any(|one| one.contains(RULE)), "{gate}: {broken:?}");
    }
    let after = gates(
        &workload("https://records.s3.fr-par.scw.cloud"),
        &plan("scaleway_object_bucket", "scaleway/scaleway", "fr-par"),
    )
    .await;
    for (gate, broken) in &after {
        assert!(broken.is_empty(), "{gate}: {broken:?}");
    }
}

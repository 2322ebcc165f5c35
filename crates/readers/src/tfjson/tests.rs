mod recording;

use super::*;
use allod_facts::Facts;

fn facts_of(json: &str) -> Facts {
    read("plan.json", &mut json.as_bytes())
}

/// One line a fact, so that a case shows what matters.
fn shown(facts: &Facts) -> Vec<String> {
    let id = |at: u32| facts.components[at as usize].id.to_string();
    let mut lines = Vec::new();
    for component in &facts.components {
        let clues: Vec<_> = component.clues.iter().map(|clue| clue.text.to_string()).collect();
        let place = component.place.as_ref().and_then(|place| place.region.clone());
        let at: Vec<_> = component.evidence.iter().map(|seen| seen.line.to_string()).collect();
        lines.push(format!(
            "{} {:?} {} [{}] {} @{}",
            component.id.trim_start_matches("tf:plan.json#"),
            component.role,
            component.layer.name(),
            clues.join(" "),
            place.as_deref().unwrap_or("-"),
            at.join(","),
        ));
    }
    for link in &facts.links {
        lines.push(format!("{} {} {}", id(link.from), link.kind.name(), id(link.to)));
    }
    lines.extend(facts.unresolved.iter().map(|unresolved| format!("{} {}", unresolved.code, unresolved.message)));
    lines.extend(
        facts
            .diagnostics
            .iter()
            .map(|diagnostic| format!("{} {} @{}", diagnostic.code, diagnostic.message, diagnostic.line)),
    );
    lines
}

#[track_caller]
fn check(json: &str, expect: &[&str]) {
    let shown = shown(&facts_of(json));
    assert_eq!(shown, expect, "{}", shown.join("\n"));
}

const PLAN: &str = r#"{
  "format_version": "1.2",
  "variables": {"region": {"value": "eu-west-3"}},
  "planned_values": {"root_module": {
    "resources": [
      {
        "address": "aws_s3_bucket.records",
        "mode": "managed",
        "type": "aws_s3_bucket",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "values": {"bucket": "records", "tags": {"allod-data": "patient,billing", "allod-environment": "production"}}
      },
      {"address": "random_id.x", "type": "random_id", "provider_name": "registry.terraform.io/hashicorp/random"}
    ],
    "child_modules": [{"resources": [
      {
        "address": "module.db[\"a\"].aws_db_instance.this[0]", "type": "aws_db_instance",
        "provider_name": "registry.terraform.io/hashicorp/aws", "values": {"availability_zone": "us-east-1a"}
      },
      {
        "address": "module.db[\"a\"].aws_sqs_queue.q", "type": "aws_sqs_queue",
        "provider_name": "registry.terraform.io/hashicorp/aws", "values": {}
      }
    ]}]
  }},
  "resource_changes": [
    {"address": "aws_s3_bucket.records", "type": "aws_s3_bucket", "change": {"after": {}}},
    {
      "address": "scaleway_rdb_instance.old", "type": "scaleway_rdb_instance",
      "provider_name": "registry.terraform.io/scaleway/scaleway",
      "change": {"actions": ["delete"], "before": {"region": "fr-par"}, "after": null}
    }
  ],
  "configuration": {
    "provider_config": {
      "aws": {
        "name": "aws", "full_name": "registry.terraform.io/hashicorp/aws",
        "expressions": {"region": {"references": ["var.region"]}}
      },
      "aws.virginia": {
        "name": "aws", "alias": "virginia", "full_name": "registry.terraform.io/hashicorp/aws",
        "expressions": {"region": {"constant_value": "us-east-1"}}
      }
    },
    "root_module": {"module_calls": {"db": {
      "source": "git::https://user:secret@github.com/acme/db.git?ref=main",
      "module": {"resources": [
        {"address": "aws_sqs_queue.q", "provider_config_key": "aws.virginia"},
        {"address": "aws_db_instance.this", "provider_config_key": "aws"}
      ]}
    }}}
  }
}
"#;

#[test]
fn a_plan_with_aliases_modules_and_deletions() {
    check(
        PLAN,
        &[
            "aws_s3_bucket.records Provided storage [aws_s3_bucket hashicorp/aws] eu-west-3 @9,38,3",
            "module.db[\"a\"].aws_db_instance.this[0] Provided database [aws_db_instance hashicorp/aws] us-east-1a @17,18",
            "module.db[\"a\"].aws_sqs_queue.q Provided messaging [aws_sqs_queue hashicorp/aws] us-east-1 @21,42",
            "scaleway_rdb_instance.old Provided database [scaleway_rdb_instance scaleway/scaleway] fr-par @29,31",
            " Own iac [] - @1",
            "module:git::https://github.com/acme/db.git Artefact iac [github.com] - @46",
            "provider.aws Provided cloud [hashicorp/aws] eu-west-3 @36,38,3",
            "host:registry.terraform.io Provided unclassified [registry.terraform.io] - @36",
            "provider.aws.virginia Provided cloud [hashicorp/aws] us-east-1 @40,42",
            "tf:plan.json# built_from module:git::https://github.com/acme/db.git",
            "tf:plan.json# built_from host:registry.terraform.io",
        ],
    );
    let facts = facts_of(PLAN);
    let bucket = &facts.components[0];
    assert_eq!(bucket.data.iter().map(|class| &**class).collect::<Vec<_>>(), ["billing", "patient"]);
    assert_eq!(bucket.environment.as_deref(), Some("production"));
    assert_eq!(bucket.evidence[0].end_line, 12);
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let value: serde_json::Value = serde_json::from_str(PLAN).unwrap();
    // Sorted: the configuration comes first.
    let sorted = facts_of(&value.to_string());
    let given = facts_of(PLAN);
    let places = |facts: &Facts| {
        let mut all: Vec<_> =
            facts.components.iter().map(|c| (c.id.clone(), c.clues.clone(), c.place.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(id, clues, place)| format!("{id} {clues:?} {place:?}")).collect::<Vec<_>>()
    };
    assert_eq!(places(&sorted), places(&given));
}

#[test]
fn a_provider_that_is_pointed_elsewhere_is_no_cloud_of_its_maker() {
    let plan = |endpoint: &str| {
        format!(
            r#"{{"planned_values": {{"root_module": {{"resources": [
                {{"address": "aws_s3_bucket.a", "type": "aws_s3_bucket", "provider_name": "registry.terraform.io/hashicorp/aws"}},
                {{"address": "aws_sqs_queue.b", "type": "aws_sqs_queue", "provider_name": "registry.terraform.io/hashicorp/aws"}}]}}}},
            "configuration": {{"provider_config": {{"aws": {{"name": "aws", "expressions": {{
                "region": {{"constant_value": "fr-par"}}, "endpoints": [{{"s3": {endpoint}}}]}}}}}}}}}}"#
        )
    };
    let first = |endpoint: &str| shown(&facts_of(&plan(endpoint)))[0].clone();
    assert_eq!(
        first(r#"{"constant_value": "https://s3.fr-par.scw.cloud"}"#),
        "aws_s3_bucket.a Provided storage [s3.fr-par.scw.cloud aws_s3_bucket hashicorp/aws] fr-par @2,5"
    );
    assert_eq!(first(r#"{"constant_value": "http://minio:9000"}"#), "aws_s3_bucket.a Own storage [] - @2");
    let unknown = shown(&facts_of(&plan(r#"{"references": ["var.s3"]}"#)));
    assert_eq!(unknown[0], "aws_s3_bucket.a Provided storage [] fr-par @2,5");
    assert_eq!(unknown[1], "aws_sqs_queue.b Provided messaging [aws_sqs_queue hashicorp/aws] fr-par @3,5");
    assert!(unknown.last().unwrap().starts_with("U001 the endpoint of provider `aws` comes from the variable `s3`"));
}

#[test]
fn what_the_plan_does_not_say_is_unresolved() {
    check(
        r#"{"resource_changes": [
          {"address": "scaleway_instance_server.a", "type": "scaleway_instance_server", "provider_name": "x/scaleway/scaleway",
           "change": {"actions": ["create"], "before": null, "after": {}, "after_unknown": {"zone": true}}},
          {"address": "aws_instance.b", "type": "aws_instance", "provider_name": "r/hashicorp/aws",
           "change": {"after": {}, "after_unknown": {"availability_zone": true}}}],
         "configuration": {"provider_config": {"aws": {"name": "aws", "expressions": {}}}}}"#,
        &[
            "scaleway_instance_server.a Provided compute [scaleway_instance_server scaleway/scaleway] - @2",
            "aws_instance.b Provided compute [aws_instance hashicorp/aws] - @4",
            " Own iac [] - @1",
            "provider.aws Provided cloud [hashicorp/aws] - @6",
            "U005 the place of `a` is known only after apply",
            "U001 the plan has no region for provider `aws`, from which 1 resources take theirs",
        ],
    );
}

#[test]
fn a_raw_state() {
    check(
        r#"{
  "version": 4,
  "terraform_version": "1.9.0",
  "serial": 3,
  "lineage": "x",
  "resources": [
    {
      "module": "module.m",
      "mode": "managed",
      "type": "aws_sqs_queue",
      "name": "jobs",
      "provider": "provider[\"registry.terraform.io/hashicorp/aws\"].west",
      "instances": [
        {"index_key": "a", "attributes": {"arn": "arn:aws:sqs:eu-central-1:1:jobs"}},
        {"index_key": 1, "attributes": {"arn": "arn:aws:sqs:us-east-1:1:jobs"}}
      ]
    },
    {
      "instances": [{"attributes": {"backend": "s3", "config": {"value": {"bucket": "x"}}}}],
      "mode": "data", "name": "shared", "provider": "provider[\"terraform.io/builtin/terraform\"]",
      "type": "terraform_remote_state"
    }
  ]
}"#,
        &[
            "module.m.aws_sqs_queue.jobs[\"a\"] Provided messaging [aws_sqs_queue hashicorp/aws] eu-central-1 @14",
            "module.m.aws_sqs_queue.jobs[1] Provided messaging [aws_sqs_queue hashicorp/aws] us-east-1 @15",
            "data.terraform_remote_state.shared Provided iac [s3] - @21",
        ],
    );
}

#[test]
fn workloads_are_ones_own_and_built_from_images_and_charts() {
    check(
        r#"{"values": {"root_module": {"resources": [
          {"address": "kubernetes_deployment.api", "type": "kubernetes_deployment", "provider_name": "r/hashicorp/kubernetes",
           "values": {"spec": [{"template": [{"spec": [{"container": [{"image": "ghcr.io/acme/api:1"}]}]}]}]}},
          {"address": "helm_release.dd", "type": "helm_release", "provider_name": "r/hashicorp/helm",
           "values": {"repository": "https://user:pw@helm.datadoghq.com/", "chart": "datadog"}},
          {"address": "aws_ecs_task_definition.t", "type": "aws_ecs_task_definition", "provider_name": "r/hashicorp/aws",
           "values": {"container_definitions": "[{\"image\": \"nginx@sha256:00\"}]"}},
          {"address": "aws_sns_topic_subscription.s", "type": "aws_sns_topic_subscription", "provider_name": "r/hashicorp/aws",
           "values": {"endpoint": "https://events.pagerduty.com/integration/SECRET/enqueue", "url": "x"}}]}}}"#,
        &[
            "kubernetes_deployment.api Own application [] - @2",
            "image:ghcr.io/acme/api:1 Artefact registry [ghcr.io/acme/api] - @3",
            "helm_release.dd Own application [] - @4",
            "chart:helm.datadoghq.com/datadog Artefact registry [helm.datadoghq.com/datadog] - @5",
            "aws_ecs_task_definition.t Provided compute [aws_ecs_task_definition hashicorp/aws] - @6",
            "image:docker.io/library/nginx@sha256:00 Artefact registry [docker.io/library/nginx] - @7",
            "aws_sns_topic_subscription.s Provided messaging [aws_sns_topic_subscription hashicorp/aws] - @8",
            "host:events.pagerduty.com Provided unclassified [events.pagerduty.com] - @9",
            "tf:plan.json#kubernetes_deployment.api built_from image:ghcr.io/acme/api:1",
            "tf:plan.json#helm_release.dd built_from chart:helm.datadoghq.com/datadog",
            "tf:plan.json#aws_ecs_task_definition.t built_from image:docker.io/library/nginx@sha256:00",
            "tf:plan.json#aws_sns_topic_subscription.s sends_to host:events.pagerduty.com",
        ],
    );
}

#[test]
fn the_backend_of_a_working_folder() {
    check(
        r#"{"version": 3, "backend": {"type": "s3",
          "config": {"bucket": "x", "region": "eu-west-1", "secret_key": "s3cret"}}, "modules": []}"#,
        &[
            " Own iac [] - @1",
            "backend Provided iac [s3] eu-west-1 @1,2",
            "tf:plan.json# deployed_by tf:plan.json#backend",
        ],
    );
}

#[test]
fn workloads_run_on_the_cluster_that_their_provider_names() {
    let plan = r#"{"planned_values": {"root_module": {"resources": [
        {"address": "kubernetes_deployment.a", "type": "kubernetes_deployment", "provider_name": "r/hashicorp/kubernetes"}]}},
        "configuration": {"provider_config": {"kubernetes": {"name": "kubernetes", "expressions": {
          "host": {"constant_value": "https://x.gr7.eu-west-1.eks.amazonaws.com"}}}}}}"#;
    check(
        plan,
        &[
            "kubernetes_deployment.a Own application [] - @2",
            " Own iac [] - @1",
            "provider.kubernetes Provided cloud [x.gr7.eu-west-1.eks.amazonaws.com] - @3,4",
            "tf:plan.json#kubernetes_deployment.a runs_on tf:plan.json#provider.kubernetes",
        ],
    );
}

#[test]
fn what_stands_before_a_break_is_kept() {
    let cut = PLAN.find("child_modules").unwrap();
    let shown = shown(&facts_of(PLAN.get(..cut).unwrap()));
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[1], "D004 the file ends in the middle @15");
    check("", &["D004 the file ends in the middle @1"]);
    check("[]", &["D011 neither a plan nor a state: it has no list of resources @1"]);
    check(r#"{"version": 3, "modules": []}"#, &["D010 state version 3 is not read @1"]);
    check(r#"{"encrypted_data": "x"}"#, &["D010 the state is encrypted @1"]);
    check(r#"{"format_version": "1.0"}"#, &[]);
    check("\u{feff}{\"format_version\": \"1.0\"}", &[]);
}

#[test]
fn utf_16_is_read_as_well() {
    let bytes: Vec<u8> = std::iter::once(0xfeff).chain(PLAN.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(shown(&read("plan.json", &mut bytes.as_slice())), shown(&facts_of(PLAN)));
}

#[test]
fn no_cut_and_no_changed_byte_panics() {
    for cut in 0..PLAN.len() {
        facts_of(PLAN.get(..cut).unwrap_or_default());
        let mut bytes = PLAN.as_bytes().to_vec();
        for byte in [b'{', b']', b'"', 0, 0xff, b'1'] {
            bytes[cut] = byte;
            read("plan.json", &mut bytes.as_slice());
        }
    }
}

#[test]
fn plans_and_states_are_recognised() {
    assert!(is_plan_or_state(PLAN));
    assert!(is_plan_or_state(r#"{"version": 4, "terraform_version": "1.9.0", "serial": 3, "lineage": "x"}"#));
    assert!(is_plan_or_state(r#"{"configuration": {"provider_config": {}, "root_module": {}}}"#));
    assert!(!is_plan_or_state(r#"{"name": "x", "version": "1", "resources": []}"#));
}

#[test]
fn builds_and_trusts() {
    check(
        r#"{"format_version": "1.0", "planned_values": {"root_module": {"resources": [
  {"address": "aws_codebuild_project.p", "type": "aws_codebuild_project", "values": {
    "environment": [{"image": "aws/codebuild/standard:7.0"}],
    "source": [{"location": "https://codeberg.org/acme/app.git"}],
    "cache": [{"location": "bucket/prefix"}]}},
  {"address": "aws_apprunner_service.s", "type": "aws_apprunner_service", "values": {
    "source_configuration": [{"image_repository": [{"image_identifier": "quay.io/acme/app:1"}]}]}},
  {"address": "aws_iam_openid_connect_provider.o", "type": "aws_iam_openid_connect_provider", "values": {
    "url": "token.actions.githubusercontent.com"}},
  {"address": "aws_eks_cluster.c", "type": "aws_eks_cluster", "values": {
    "identity": [{"oidc": [{"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/x"}]}]}}
]}}}"#,
        &[
            "aws_codebuild_project.p Provided ci [aws_codebuild_project hashicorp/aws] - @2",
            "image:public.ecr.aws/codebuild/standard:7.0 Artefact registry [public.ecr.aws/codebuild/standard] - @3",
            "git:codeberg.org/acme/app Artefact source [codeberg.org] - @4",
            "aws_apprunner_service.s Provided compute [aws_apprunner_service hashicorp/aws] - @6",
            "image:quay.io/acme/app:1 Artefact registry [quay.io/acme/app] - @7",
            "aws_iam_openid_connect_provider.o Provided identity [aws_iam_openid_connect_provider hashicorp/aws] - @8",
            "host:token.actions.githubusercontent.com Provided unclassified [token.actions.githubusercontent.com] - @9",
            "aws_eks_cluster.c Provided compute [aws_eks_cluster hashicorp/aws] - @10",
            "tf:plan.json#aws_codebuild_project.p built_from image:public.ecr.aws/codebuild/standard:7.0",
            "tf:plan.json#aws_codebuild_project.p built_from git:codeberg.org/acme/app",
            "tf:plan.json#aws_apprunner_service.s built_from image:quay.io/acme/app:1",
            "tf:plan.json#aws_iam_openid_connect_provider.o trusts host:token.actions.githubusercontent.com",
        ],
    );
}

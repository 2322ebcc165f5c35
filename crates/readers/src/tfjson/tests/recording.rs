//! Labels of resources, and what they show of how things are recorded.

use super::*;

/// The labels and records of each resource that has some; `values` by type, each with an address of its own.
fn shown(resources: &[(&str, &str)]) -> Vec<String> {
    let one = |(at, (kind, values)): (usize, &(&str, &str))| {
        format!("{{\"address\": \"{kind}.r{at}\", \"type\": \"{kind}\", \"values\": {values}}}")
    };
    let all: Vec<String> = resources.iter().enumerate().map(one).collect();
    let json = format!("{{\"planned_values\": {{\"root_module\": {{\"resources\": [\n{}]}}}}}}", all.join(",\n"));
    let mut lines = Vec::new();
    for component in &facts_of(&json).components {
        let labels: Vec<String> =
            component.labels.iter().flat_map(|all| all.iter()).map(|(key, value)| format!("{key}={value}")).collect();
        lines.extend((!labels.is_empty()).then(|| format!("{} {}", component.name, labels.join(" "))));
        for record in component.records.iter() {
            let days = record.days.map_or("-".to_owned(), |days| days.to_string());
            lines.push(format!("{} {:?} {days} @{}", component.name, record.kind, record.evidence.line));
        }
    }
    lines
}

#[track_caller]
fn check(resources: &[(&str, &str)], expect: &[&str]) {
    assert_eq!(shown(resources), expect, "{resources:?}");
}

#[test]
fn tags_of_plans() {
    check(
        &[
            (
                "aws_sqs_queue",
                r#"{"tags": {"team": "a", "cost": 3, "none": null}, "tags_all": {"env": "prod", "team": "a"}}"#,
            ),
            ("scaleway_instance_server", r#"{"tags": ["web", "env=prod"]}"#),
            ("kubernetes_deployment", r#"{"metadata": [{"labels": {"app": "x"}, "annotations": null, "name": "n"}]}"#),
            ("google_compute_instance", r#"{"metadata": {"ssh-keys": "x"}, "labels": {}}"#),
        ],
        &["r0 cost=3 env=prod team=a", "r1 env=prod web=", "r2 app=x"],
    );
}

#[test]
fn labels_that_only_the_change_gives() {
    let facts = facts_of(
        r#"{"planned_values": {"root_module": {"resources": [{"address": "aws_sqs_queue.q", "type": "aws_sqs_queue", "values": {}}]}},
        "resource_changes": [{"address": "aws_sqs_queue.q", "type": "aws_sqs_queue", "change": {"after": {"tags": {"a": "b"}}}}]}"#,
    );
    let labels = facts.components.iter().find_map(|one| one.labels.clone()).unwrap();
    assert_eq!(labels.get("a"), Some("b"));
}

#[test]
fn records_of_plans() {
    check(
        &[
            ("aws_cloudwatch_log_group", r#"{"retention_in_days": 30}"#),
            ("aws_eks_cluster", r#"{"enabled_cluster_log_types": ["audit"]}"#),
            ("aws_lb", r#"{"access_logs": [{"bucket": "x", "enabled": true, "prefix": null}]}"#),
            ("aws_lb", r#"{"access_logs": []}"#),
            ("aws_sqs_queue", r#"{"retention_in_days": 30}"#),
        ],
        &["r0 LogStore 30 @2", "r1 ControlTrail - @3", "r2 AccessLog - @4"],
    );
}

#[test]
fn buckets_are_found_by_their_names() {
    check(
        &[
            ("aws_s3_bucket_logging", r#"{"bucket": "data", "target_bucket": "logs"}"#),
            ("aws_s3_bucket", r#"{"bucket": "data"}"#),
            ("aws_s3_bucket", r#"{"bucket": "logs"}"#),
            (
                "aws_s3_bucket_lifecycle_configuration",
                r#"{"bucket": "logs", "rule": [{"status": "Enabled", "expiration": [{"days": 90}]}]}"#,
            ),
            ("google_storage_bucket", r#"{"name": "data"}"#),
        ],
        &["r1 AccessLog - @2", "r2 LogStore 90 @5"],
    );
}

#[test]
fn states_show_the_same() {
    let facts = facts_of(
        r#"{"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "resources": [
        {"mode": "managed", "type": "aws_cloudwatch_log_group", "name": "a", "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
         "instances": [{"attributes": {"retention_in_days": 0, "tags": {"a": "b"}}}]}]}"#,
    );
    let one = facts.components.iter().find(|one| !one.records.is_empty()).unwrap();
    assert_eq!(one.records[0].days, Some(allod_facts::Record::FOR_EVER));
    assert_eq!(one.labels.as_ref().unwrap().get("a"), Some("b"));
}

//! Labels of resources, and what they show of how things are recorded.

use super::*;

fn facts_of(text: &str) -> Facts {
    read_tree(&[("main.tf", text)])
}

/// The labels of each resource that has some.
fn labels(text: &str) -> Vec<String> {
    let facts = facts_of(text);
    let with = facts.components.iter().filter_map(|one| Some((&one.name, one.labels.as_ref()?)));
    with.map(|(name, labels)| {
        let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{name}: {}", pairs.join(" "))
    })
    .collect()
}

#[track_caller]
fn check_labels(text: &str, expect: &[&str]) {
    assert_eq!(labels(text), expect, "{text}");
}

/// The records of each resource, as `name kind days line`.
#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let mut shown = Vec::new();
    for one in &facts_of(text).components {
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
fn tags_and_labels() {
    check_labels(
        "resource \"aws_s3_bucket\" \"a\" {\n  tags = { team = \"records\", cost = 12, owner = var.owner, live = true }\n}\nvariable \"owner\" {}\n",
        &["a: cost=12 live=true team=records"],
    );
    check_labels(
        "resource \"scaleway_instance_server\" \"a\" {\n  tags = [\"web\", \"env=prod\"]\n}\n",
        &["a: env=prod web="],
    );
    check_labels(
        "resource \"google_sql_database_instance\" \"a\" {\n  user_labels = { env = \"p\" }\n}\nresource \"google_pubsub_topic\" \"b\" {\n  labels = { env = \"q\" }\n}\nresource \"oci_core_instance\" \"c\" {\n  freeform_tags = { env = \"r\" }\n}\n",
        &["a: env=p", "b: env=q", "c: env=r"],
    );
    check_labels(
        "resource \"aws_autoscaling_group\" \"a\" {\n  tag {\n    key = \"env\"\n    value = \"prod\"\n    propagate_at_launch = true\n  }\n}\n",
        &["a: env=prod"],
    );
    check_labels(
        "resource \"kubernetes_deployment\" \"a\" {\n  metadata {\n    name = \"a\"\n    labels = { app = \"a\" }\n    annotations = { \"x.lu/y\" = \"z\" }\n  }\n}\n",
        &["a: app=a x.lu/y=z"],
    );
    check_labels("resource \"aws_s3_bucket\" \"a\" {\n  tags = {}\n}\n", &[]);
}

#[test]
fn default_tags_stand_on_every_resource_and_give_way() {
    let text = "provider \"aws\" {\n  region = \"eu-west-3\"\n  default_tags {\n    tags = { env = \"prod\", team = \"platform\" }\n  }\n}\nresource \"aws_s3_bucket\" \"a\" {\n  tags = { team = \"records\" }\n}\nresource \"aws_sqs_queue\" \"b\" {}\nresource \"aws_sqs_queue\" \"c\" {}\n";
    check_labels(text, &["a: env=prod team=records", "b: env=prod team=platform", "c: env=prod team=platform"]);
    let facts = facts_of(text);
    let of = |name: &str| facts.components.iter().find(|one| one.name == name).unwrap().labels.clone().unwrap();
    assert!(of("b").is_shared_with(&of("c")));
    check_labels(
        "provider \"google\" {\n  default_labels = { env = \"prod\" }\n}\nresource \"google_pubsub_topic\" \"a\" {}\n",
        &["a: env=prod"],
    );
}

#[test]
fn trails() {
    check("resource \"aws_cloudtrail\" \"a\" {\n  s3_bucket_name = \"x\"\n}\n", &["a ControlTrail - @2"]);
    check("resource \"aws_cloudtrail\" \"a\" {\n  s3_bucket_name = \"x\"\n  enable_logging = false\n}\n", &[]);
    check("resource \"aws_cloudtrail\" \"a\" {\n  enable_logging = var.on\n}\nvariable \"on\" {}\n", &[]);
    let selected =
        |selector: &str| format!("resource \"aws_cloudtrail\" \"a\" {{\n  s3_bucket_name = \"x\"\n{selector}}}\n");
    check(&selected("  event_selector {\n    include_management_events = false\n  }\n"), &[]);
    check(&selected("  event_selector {\n    read_write_type = \"All\"\n  }\n"), &["a ControlTrail - @2"]);
    let advanced = |category: &str| {
        selected(&format!(
            "  advanced_event_selector {{\n    field_selector {{\n      field = \"eventCategory\"\n      equals = [\"{category}\"]\n    }}\n  }}\n"
        ))
    };
    check(&advanced("Data"), &[]);
    check(&advanced("Management"), &["a ControlTrail - @2"]);
    check(
        "resource \"aws_cloudtrail_event_data_store\" \"a\" {\n  retention_period = 90\n}\nresource \"aws_cloudtrail_event_data_store\" \"b\" {}\n",
        &["a ControlTrail - @1", "a LogStore 90 @2", "b ControlTrail - @4", "b LogStore 2555 @4"],
    );
    check(
        "resource \"aws_eks_cluster\" \"a\" {\n  enabled_cluster_log_types = [\"api\", \"audit\"]\n}\n",
        &["a ControlTrail - @2"],
    );
    check("resource \"aws_eks_cluster\" \"a\" {\n  enabled_cluster_log_types = [\"api\"]\n}\n", &[]);
    check(
        "resource \"google_project_iam_audit_config\" \"a\" {\n  service = \"allServices\"\n  audit_log_config {\n    log_type = \"DATA_READ\"\n  }\n}\n",
        &["a ControlTrail - @4"],
    );
    let sink = |more: &str| format!("resource \"google_logging_project_sink\" \"a\" {{\n  name = \"a\"\n{more}}}\n");
    check(&sink(""), &["a ControlTrail - @1"]);
    check(&sink("  filter = \"logName:\\\"cloudaudit.googleapis.com\\\"\"\n"), &["a ControlTrail - @3"]);
    check(&sink("  filter = \"severity >= ERROR\"\n"), &[]);
    check(&sink("  disabled = true\n"), &[]);
    check(
        "resource \"exoscale_sks_cluster\" \"a\" {\n  audit {\n    enabled = true\n    endpoint = \"https://a.lu\"\n  }\n}\n",
        &["a ControlTrail - @4"],
    );
    check(
        "resource \"oci_audit_configuration\" \"a\" {\n  retention_period_days = 365\n}\n",
        &["a ControlTrail - @1", "a LogStore 365 @2"],
    );
    check("resource \"opentelekomcloud_cts_tracker_v3\" \"a\" {\n  status = \"disabled\"\n}\n", &[]);
    check(
        "resource \"opentelekomcloud_cts_tracker_v3\" \"a\" {\n  status = \"enabled\"\n}\n",
        &["a ControlTrail - @2"],
    );
    check(
        "resource \"ovh_cloud_project_kube\" \"a\" {}\nresource \"ovh_cloud_project_kube_log_subscription\" \"b\" {\n  kube_id = ovh_cloud_project_kube.a.id\n  kind = \"audit\"\n}\n",
        &["a ControlTrail - @4"],
    );
}

#[test]
fn azure_says_what_a_setting_is_about() {
    let setting = |target: &str, category: &str| {
        format!(
            "resource \"azurerm_key_vault\" \"v\" {{}}\nresource \"azurerm_kubernetes_cluster\" \"k\" {{}}\nresource \"azurerm_monitor_diagnostic_setting\" \"s\" {{\n  target_resource_id = {target}\n  enabled_log {{\n    category = \"{category}\"\n  }}\n}}\n"
        )
    };
    check(&setting("azurerm_key_vault.v.id", "AuditEvent"), &["v AccessLog - @6"]);
    check(&setting("azurerm_kubernetes_cluster.k.id", "kube-audit"), &["k ControlTrail - @6"]);
    check(&setting("\"/subscriptions/1\"", "Administrative"), &["s ControlTrail - @6"]);
    check(&setting("var.elsewhere", "AuditEvent"), &[]);
    check(
        "resource \"azurerm_key_vault\" \"v\" {}\nresource \"azurerm_monitor_diagnostic_setting\" \"s\" {\n  target_resource_id = azurerm_key_vault.v.id\n  metric {\n    category = \"AllMetrics\"\n  }\n}\n",
        &[],
    );
    check(
        "resource \"azurerm_postgresql_flexible_server\" \"p\" {}\nresource \"azurerm_postgresql_flexible_server_configuration\" \"c\" {\n  server_id = azurerm_postgresql_flexible_server.p.id\n  name = \"pgaudit.log\"\n  value = \"all\"\n}\n",
        &["p AccessLog - @5"],
    );
    check("resource \"azurerm_log_analytics_workspace\" \"w\" {\n  retention_in_days = 90\n}\n", &["w LogStore 90 @2"]);
}

#[test]
fn access_logs() {
    let balancer = |kind: &str, enabled: &str| {
        format!("resource \"{kind}\" \"a\" {{\n  access_logs {{\n    bucket = \"x\"\n{enabled}  }}\n}}\n")
    };
    check(&balancer("aws_lb", "    enabled = true\n"), &["a AccessLog - @4"]);
    check(&balancer("aws_lb", ""), &[]);
    check(&balancer("aws_elb", ""), &["a AccessLog - @3"]);
    check(&balancer("aws_elb", "    enabled = false\n"), &[]);
    check(
        "resource \"aws_cloudfront_distribution\" \"a\" {\n  logging_config {\n    bucket = \"x\"\n  }\n}\n",
        &["a AccessLog - @3"],
    );
    check(
        "resource \"aws_db_instance\" \"a\" {\n  enabled_cloudwatch_logs_exports = [\"upgrade\", \"postgresql\"]\n}\n",
        &["a AccessLog - @2"],
    );
    check("resource \"aws_db_instance\" \"a\" {\n  enabled_cloudwatch_logs_exports = [\"error\"]\n}\n", &[]);
    check("resource \"scaleway_lb_frontend\" \"a\" {\n  enable_access_logs = true\n}\n", &["a AccessLog - @2"]);
    let flag = |name: &str, value: &str| {
        format!(
            "resource \"google_sql_database_instance\" \"a\" {{\n  settings {{\n    database_flags {{\n      name = \"max_connections\"\n      value = \"on\"\n    }}\n    database_flags {{\n      name = \"{name}\"\n      value = \"{value}\"\n    }}\n  }}\n}}\n"
        )
    };
    check(&flag("cloudsql.enable_pgaudit", "on"), &["a AccessLog - @8"]);
    check(&flag("cloudsql.enable_pgaudit", "off"), &[]);
    check(
        "resource \"aws_opensearch_domain\" \"a\" {\n  log_publishing_options {\n    log_type = \"AUDIT_LOGS\"\n    enabled = false\n  }\n}\nresource \"aws_opensearch_domain\" \"b\" {\n  log_publishing_options {\n    log_type = \"AUDIT_LOGS\"\n  }\n}\n",
        &["b AccessLog - @9"],
    );
}

#[test]
fn stores_of_logs() {
    check(
        "resource \"aws_cloudwatch_log_group\" \"a\" {\n  retention_in_days = 365\n}\nresource \"aws_cloudwatch_log_group\" \"b\" {}\nresource \"aws_cloudwatch_log_group\" \"c\" {\n  retention_in_days = 0\n}\nresource \"aws_cloudwatch_log_group\" \"d\" {\n  retention_in_days = var.days\n}\nvariable \"days\" {}\n",
        &["a LogStore 365 @2", "b LogStore for ever @4", "c LogStore for ever @6", "d LogStore - @9"],
    );
    check(
        "resource \"google_logging_project_bucket_config\" \"a\" {\n  retention_days = 400\n}\n",
        &["a LogStore 400 @2"],
    );
    let buckets = "resource \"aws_s3_bucket\" \"data\" {}\nresource \"aws_s3_bucket\" \"logs\" {}\nresource \"aws_s3_bucket_logging\" \"l\" {\n  bucket = aws_s3_bucket.data.id\n  target_bucket = aws_s3_bucket.logs.id\n  target_prefix = \"x\"\n}\n";
    check(buckets, &["data AccessLog - @5", "logs LogStore - @5"]);
    let lifecycle = |status: &str| {
        format!(
            "{buckets}resource \"aws_s3_bucket_lifecycle_configuration\" \"c\" {{\n  bucket = aws_s3_bucket.logs.id\n  rule {{\n    status = \"{status}\"\n    expiration {{\n      days = 400\n    }}\n  }}\n}}\n"
        )
    };
    check(&lifecycle("Enabled"), &["data AccessLog - @5", "logs LogStore 400 @13"]);
    check(&lifecycle("Disabled"), &["data AccessLog - @5", "logs LogStore - @5"]);
    // A bucket that no log is written to is no store of logs.
    check(
        "resource \"aws_s3_bucket\" \"trail\" {}\nresource \"aws_s3_bucket\" \"other\" {}\nresource \"aws_cloudtrail\" \"t\" {\n  s3_bucket_name = aws_s3_bucket.trail.id\n}\nresource \"aws_s3_bucket_object_lock_configuration\" \"a\" {\n  bucket = aws_s3_bucket.trail.id\n  rule {\n    default_retention {\n      mode = \"COMPLIANCE\"\n      years = 2\n    }\n  }\n}\nresource \"aws_s3_bucket_object_lock_configuration\" \"b\" {\n  bucket = aws_s3_bucket.other.id\n  rule {\n    default_retention {\n      days = 9\n    }\n  }\n}\n",
        &["trail LogStore 730 @11", "t ControlTrail - @4"],
    );
    check(
        "resource \"google_storage_bucket\" \"a\" {\n  logging {\n    log_bucket = google_storage_bucket.b.name\n  }\n}\nresource \"google_storage_bucket\" \"b\" {}\n",
        &["a AccessLog - @3", "b LogStore - @3"],
    );
}

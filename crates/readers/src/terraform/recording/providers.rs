//! The rules by provider.

use super::{Arguments, Found};
use allod_facts::RecordKind::{AccessLog, ControlTrail, LogStore};

pub(super) fn aws<L: Copy>(kind: &str, all: &Arguments<'_, L>, found: &mut Found<L>) {
    match kind {
        "aws_cloudtrail" if all.is("enable_logging", true) && manages(all) => {
            found.record(ControlTrail, all.line("s3_bucket_name"));
            found.store(all, "s3_bucket_name");
            found.store(all, "cloud_watch_logs_group_arn");
        }
        // Without selectors it captures all management events; kept for 2555 days unless it says otherwise.
        "aws_cloudtrail_event_data_store" => {
            if manages(all) {
                found.record(ControlTrail, None);
            }
            found.keeps_logs(all, "retention_period", Some(2555));
        }
        "aws_cloudwatch_log_group" => found.keeps_logs(all, "retention_in_days", Some(0)),
        "aws_s3_bucket_logging" if all.line("target_bucket").is_some() => {
            found.about("bucket", AccessLog, all.line("target_bucket"));
            found.store(all, "target_bucket");
        }
        "aws_s3_bucket" => {
            if let Some(at) = all.line("logging") {
                found.record(AccessLog, Some(at));
                found.store(all, "logging.target_bucket");
            }
            let lock = "object_lock_configuration.rule.default_retention";
            found.keeps(None, locked(all, lock));
            found.keeps(None, expires(all, "lifecycle_rule", "enabled", "true"));
        }
        "aws_s3_bucket_object_lock_configuration" => {
            found.keeps(Some("bucket"), locked(all, "rule.default_retention"));
        }
        "aws_s3_bucket_lifecycle_configuration" => {
            found.keeps(Some("bucket"), expires(all, "rule", "status", "Enabled"));
        }
        // A classic balancer logs unless `enabled` says no, the others only when it says yes.
        "aws_lb" | "aws_alb" | "aws_elb"
            if all.line("access_logs").is_some() && all.is("access_logs.enabled", kind == "aws_elb") =>
        {
            found.record(AccessLog, all.line("access_logs.enabled").or(all.line("access_logs")));
            found.store(all, "access_logs.bucket");
        }
        "aws_cloudfront_distribution" if all.line("logging_config.bucket").is_some() => {
            found.record(AccessLog, all.line("logging_config.bucket"));
            found.store(all, "logging_config.bucket");
        }
        "aws_api_gateway_stage" | "aws_apigatewayv2_stage" => found.on(AccessLog, all.line("access_log_settings")),
        "aws_eks_cluster" => {
            found.on(ControlTrail, all.one_of("enabled_cluster_log_types", &["audit"]));
        }
        "aws_db_instance" | "aws_rds_cluster" | "aws_docdb_cluster" | "aws_neptune_cluster" => {
            let logs = all.one_of("enabled_cloudwatch_logs_exports", &["audit", "general", "postgresql"]);
            found.on(AccessLog, logs);
        }
        "aws_opensearch_domain" => {
            let audits = all.block("log_publishing_options.log_type", "AUDIT_LOGS");
            let audits = audits.filter(|block| all.inside(block.inner, "log_publishing_options.enabled", true));
            found.on(AccessLog, audits.map(|said| said.at));
        }
        _ => {}
    }
}

/// Whether a trail records actions on the control plane: it does, unless its selectors leave them out.
fn manages<L: Copy>(all: &Arguments<'_, L>) -> bool {
    let advanced = all.line("advanced_event_selector").is_some();
    let management = all.block("advanced_event_selector.field_selector.equals", "Management").is_some();
    let mut plain = all.at("event_selector").filter(|block| block.text.is_none()).peekable();
    let basic = plain.peek().is_none()
        || plain.any(|block| all.inside(block.inner, "event_selector.include_management_events", true));
    if advanced { management } else { basic }
}

/// The retention by default of a lock on objects.
fn locked<L: Copy>(all: &Arguments<'_, L>, path: &str) -> Option<(u32, L)> {
    let of = |unit: &str, days: u32| {
        let said = all.at(&format!("{path}.{unit}")).next()?;
        Some((said.number()?.checked_mul(days)?, said.at))
    };
    of("days", 1).or_else(|| of("years", 365))
}

/// The earliest expiration among the rules that are switched on.
fn expires<L: Copy>(all: &Arguments<'_, L>, rule: &str, switch: &str, on: &str) -> Option<(u32, L)> {
    let switch = format!("{rule}.{switch}");
    let days = format!("{rule}.expiration.days");
    let is_on = |outer: u32| all.at(&switch).any(|said| said.outer == outer && said.text.as_deref() == Some(on));
    let expirations = all.at(&days).filter(|said| is_on(said.outer));
    expirations
        .filter_map(|said| Some((said.number().filter(|days| *days > 0)?, said.at)))
        .min_by_key(|(days, _)| *days)
}

pub(super) fn azure<L: Copy>(kind: &str, all: &Arguments<'_, L>, found: &mut Found<L>) {
    match kind {
        "azurerm_log_analytics_workspace" => found.keeps_logs(all, "retention_in_days", None),
        // Sign-ins and changes of the directory.
        "azurerm_monitor_aad_diagnostic_setting" => {
            found.on(ControlTrail, diagnosed(all));
        }
        "azurerm_monitor_diagnostic_setting" => {
            let Some(target) = all.at("target_resource_id").next() else { return };
            let Some(at) = diagnosed(all) else { return };
            let written = target.text.as_deref().unwrap_or_default().trim_end_matches('/');
            let audits = ["kube-audit", "kube-audit-admin"];
            if written.strip_prefix("/subscriptions/").is_some_and(|id| !id.contains('/')) {
                // The activity log of the subscription.
                found.record(ControlTrail, Some(at));
            } else if let Some(at) = all.one_of("enabled_log.category", &audits).or(all.one_of("log.category", &audits))
            {
                found.about("target_resource_id", ControlTrail, Some(at));
            } else {
                found.about("target_resource_id", AccessLog, Some(at));
            }
        }
        "azurerm_mssql_server_extended_auditing_policy" if all.is("enabled", true) => {
            found.about("server_id", AccessLog, all.line("server_id"));
        }
        "azurerm_postgresql_flexible_server_configuration" => {
            let text = |path: &str| all.at(path).find_map(|said| said.text.as_deref()).unwrap_or_default();
            if database_logs(text("name"), text("value")) {
                found.about("server_id", AccessLog, all.line("value"));
            }
        }
        _ => {}
    }
}

/// The line of the first log that a diagnostic setting sends on.
fn diagnosed<L: Copy>(all: &Arguments<'_, L>) -> Option<L> {
    let old = all.at("log").filter(|block| block.text.is_none());
    let mut old = old.filter(|block| all.inside(block.inner, "log.enabled", false)).map(|block| block.at);
    let new = ["enabled_log.category", "enabled_log.category_group", "enabled_log"];
    new.iter().find_map(|path| all.line(path)).or(old.next())
}

/// Whether a setting of PostgreSQL logs what is done in the database.
pub(crate) fn database_logs(name: &str, value: &str) -> bool {
    let value = value.trim().trim_matches(['\'', '"']).to_ascii_lowercase();
    match name {
        "pgaudit.log" => !matches!(value.as_str(), "" | "none"),
        "log_statement" => matches!(value.as_str(), "ddl" | "mod" | "all"),
        "cloudsql.enable_pgaudit" => value == "on",
        _ => false,
    }
}

pub(super) fn google<L: Copy>(kind: &str, all: &Arguments<'_, L>, found: &mut Found<L>) {
    match kind {
        "google_project_iam_audit_config"
        | "google_folder_iam_audit_config"
        | "google_organization_iam_audit_config" => {
            found.on(ControlTrail, all.line("audit_log_config"));
        }
        "google_storage_bucket" if all.line("logging").is_some() => {
            found.record(AccessLog, all.line("logging.log_bucket").or(all.line("logging")));
            found.store(all, "logging.log_bucket");
        }
        "google_compute_backend_service" if all.is("log_config.enable", false) => {
            found.record(AccessLog, all.line("log_config.enable"));
        }
        "google_sql_database_instance" => {
            let flags = all.at("settings.database_flags.name");
            let value = |inner: u32| {
                let mut values = all.at("settings.database_flags.value");
                values.find(|value| value.inner == inner).and_then(|value| value.text.as_deref()).unwrap_or_default()
            };
            let mut logs =
                flags.filter(|flag| database_logs(flag.text.as_deref().unwrap_or_default(), value(flag.inner)));
            found.on(AccessLog, logs.next().map(|flag| flag.at));
        }
        _ if kind.ends_with("_sink") => {
            // Without a filter it takes everything, the audit logs too.
            let filter = all.at("filter").next();
            let takes = |text: &str| text.trim().is_empty() || text.contains("cloudaudit.googleapis.com");
            let audits = filter.is_none_or(|filter| filter.text.as_deref().is_some_and(takes));
            if audits && all.off("disabled") {
                found.record(ControlTrail, filter.map(|filter| filter.at));
            }
        }
        _ if kind.ends_with("_bucket_config") => found.keeps_logs(all, "retention_days", None),
        _ => {}
    }
}

pub(super) fn others<L: Copy>(kind: &str, all: &Arguments<'_, L>, found: &mut Found<L>) {
    match kind {
        "exoscale_sks_cluster" if all.line("audit.endpoint").is_some() && all.is("audit.enabled", false) => {
            found.record(ControlTrail, all.line("audit.endpoint"));
        }
        "ovh_cloud_project_kube_log_subscription" if all.block("kind", "audit").is_some() => {
            found.about("kube_id", ControlTrail, all.line("kind"));
        }
        "ovh_dbaas_logs_output_graylog_stream" | "ovh_dbaas_logs_output_opensearch_index" => {
            found.record(LogStore, None)
        }
        "scaleway_lb_frontend" if all.is("enable_access_logs", false) => {
            found.record(AccessLog, all.line("enable_access_logs"));
        }
        "opentelekomcloud_cts_tracker_v1" | "opentelekomcloud_cts_tracker_v3" | "alicloud_actiontrail_trail"
            if all.at("status").all(|said| matches!(said.text.as_deref(), Some("enabled" | "Enable"))) =>
        {
            found.record(ControlTrail, all.line("status"));
            found.store(all, "bucket_name");
            found.store(all, "oss_bucket_name");
        }
        "ibm_atracker_route" => found.record(ControlTrail, None),
        "oci_audit_configuration" => {
            found.record(ControlTrail, None);
            found.keeps_logs(all, "retention_period_days", None);
        }
        _ => {}
    }
}

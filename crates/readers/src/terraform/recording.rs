//! What the arguments of a resource show of how things are recorded: trails, access logs, stores of logs.
//!
//! Only what a file states counts: an argument that is known only after apply shows nothing, and a default counts where
//! the documentation of the provider states it. Source of types and arguments: the documentation of each provider.

mod providers;
#[cfg(test)]
mod tests;

use allod_facts::{ComponentRef, Evidence, Record, RecordKind};
use rustc_hash::FxHashMap;

pub(crate) use providers::database_logs;

/// An argument of a resource, or a block of it, as configurations, plans and states give it.
#[derive(Clone, Debug)]
pub(crate) struct Said<L> {
    /// Names from the top, joined by dots, without numbers of blocks.
    pub path: String,
    /// `None`: a block, or a value that is not known.
    pub text: Option<String>,
    pub at: L,
    /// The number of the block at the top that it stands in.
    pub outer: u32,
    /// The number of the block that it stands in.
    pub inner: u32,
}

/// Something that a resource shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown<L> {
    pub what: What,
    /// The argument that names the component which this is about; `None`: the resource itself.
    pub about: Option<&'static str>,
    pub days: Option<u32>,
    /// Where it stands; `None`: it is how the resource is when nothing is said.
    pub at: Option<L>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Record(RecordKind),
    /// The store keeps what is in it for so many days, whatever that is.
    Keeps,
}

/// Arguments and blocks of one resource that are looked at; more are made by a generator.
pub(crate) const MAX_SAID: usize = 512;

/// Whether a resource of a type may show something.
pub(crate) fn concerns(kind: &str) -> bool {
    KINDS.binary_search(&kind).is_ok()
}

/// Sorted.
const KINDS: &[&str] = &[
    "alicloud_actiontrail_trail",
    "aws_alb",
    "aws_api_gateway_stage",
    "aws_apigatewayv2_stage",
    "aws_cloudfront_distribution",
    "aws_cloudtrail",
    "aws_cloudtrail_event_data_store",
    "aws_cloudwatch_log_group",
    "aws_db_instance",
    "aws_docdb_cluster",
    "aws_eks_cluster",
    "aws_elb",
    "aws_lb",
    "aws_neptune_cluster",
    "aws_opensearch_domain",
    "aws_rds_cluster",
    "aws_s3_bucket",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_object_lock_configuration",
    "azurerm_log_analytics_workspace",
    "azurerm_monitor_aad_diagnostic_setting",
    "azurerm_monitor_diagnostic_setting",
    "azurerm_mssql_server_extended_auditing_policy",
    "azurerm_postgresql_flexible_server_configuration",
    "exoscale_sks_cluster",
    "google_compute_backend_service",
    "google_folder_iam_audit_config",
    "google_logging_billing_account_bucket_config",
    "google_logging_billing_account_sink",
    "google_logging_folder_bucket_config",
    "google_logging_folder_sink",
    "google_logging_organization_bucket_config",
    "google_logging_organization_sink",
    "google_logging_project_bucket_config",
    "google_logging_project_sink",
    "google_organization_iam_audit_config",
    "google_project_iam_audit_config",
    "google_sql_database_instance",
    "google_storage_bucket",
    "ibm_atracker_route",
    "oci_audit_configuration",
    "opentelekomcloud_cts_tracker_v1",
    "opentelekomcloud_cts_tracker_v3",
    "ovh_cloud_project_kube_log_subscription",
    "ovh_dbaas_logs_output_graylog_stream",
    "ovh_dbaas_logs_output_opensearch_index",
    "scaleway_lb_frontend",
];

/// The name of an argument at the top that any of the rules looks at.
pub(crate) fn argument(name: &str) -> Option<&'static str> {
    ARGUMENTS.binary_search(&name).ok().and_then(|at| ARGUMENTS.get(at)).copied()
}

/// Sorted.
const ARGUMENTS: &[&str] = &[
    "access_log_settings",
    "access_logs",
    "advanced_event_selector",
    "audit",
    "audit_log_config",
    "bucket",
    "bucket_name",
    "cloud_watch_logs_group_arn",
    "disabled",
    "enable_access_logs",
    "enable_logging",
    "enabled",
    "enabled_cloudwatch_logs_exports",
    "enabled_cluster_log_types",
    "enabled_log",
    "event_selector",
    "filter",
    "kind",
    "kube_id",
    "lifecycle_rule",
    "log",
    "log_config",
    "log_publishing_options",
    "logging",
    "logging_config",
    "name",
    "object_lock_configuration",
    "oss_bucket_name",
    "retention_days",
    "retention_in_days",
    "retention_period",
    "retention_period_days",
    "rule",
    "s3_bucket_name",
    "server_id",
    "settings",
    "status",
    "target_bucket",
    "target_resource_id",
    "value",
];

/// What a resource of a type shows with these arguments.
pub(crate) fn shown<L: Copy>(kind: &str, said: &[Said<L>]) -> Vec<Shown<L>> {
    let all = Arguments(said);
    let mut found = Found(Vec::new());
    if kind.starts_with("aws_") {
        providers::aws(kind, &all, &mut found);
    } else if kind.starts_with("azurerm_") {
        providers::azure(kind, &all, &mut found);
    } else if kind.starts_with("google_") {
        providers::google(kind, &all, &mut found);
    } else {
        providers::others(kind, &all, &mut found);
    }
    found.0
}

/// The arguments of one resource.
struct Arguments<'s, L>(&'s [Said<L>]);

impl<'s, L: Copy> Arguments<'s, L> {
    fn at(&self, path: &str) -> impl Iterator<Item = &'s Said<L>> + use<'s, '_, L> {
        let path = path.to_owned();
        self.0.iter().filter(move |said| said.path == path)
    }

    /// The line of an argument or block, whatever it says.
    fn line(&self, path: &str) -> Option<L> {
        self.at(path).next().map(|said| said.at)
    }

    /// Whether a switch is on; `default`: when it is not there. One that is not known is not on.
    fn is(&self, path: &str, default: bool) -> bool {
        self.at(path).next().map_or(default, |said| said.text.as_deref() == Some("true"))
    }

    /// Whether a switch is off, as it is when it is not there.
    fn off(&self, path: &str) -> bool {
        self.at(path).all(|said| said.text.as_deref() == Some("false"))
    }

    /// The same of a switch in the block with a number.
    fn inside(&self, block: u32, path: &str, default: bool) -> bool {
        let mut said = self.at(path).filter(|said| said.inner == block);
        said.next().map_or(default, |said| said.text.as_deref() == Some("true"))
    }

    /// The first argument of a path that says a text.
    fn block(&self, path: &str, text: &str) -> Option<&'s Said<L>> {
        self.at(path).find(|said| said.text.as_deref() == Some(text))
    }

    /// The line of the first argument of a path that says one of some texts.
    fn one_of(&self, path: &str, texts: &[&str]) -> Option<L> {
        self.at(path).find(|said| said.text.as_deref().is_some_and(|text| texts.contains(&text))).map(|said| said.at)
    }
}

impl<L> Said<L> {
    fn number(&self) -> Option<u32> {
        self.text.as_deref()?.parse().ok()
    }
}

struct Found<L>(Vec<Shown<L>>);

impl<L: Copy> Found<L> {
    /// The resource itself.
    fn record(&mut self, kind: RecordKind, at: Option<L>) {
        self.0.push(Shown { what: What::Record(kind), about: None, days: None, at });
    }

    fn on(&mut self, kind: RecordKind, at: Option<L>) {
        if at.is_some() {
            self.record(kind, at);
        }
    }

    /// What an argument names.
    fn about(&mut self, argument: &'static str, kind: RecordKind, at: Option<L>) {
        self.0.push(Shown { what: What::Record(kind), about: Some(argument), days: None, at });
    }

    /// Logs are written to what an argument names.
    fn store(&mut self, all: &Arguments<'_, L>, argument: &'static str) {
        if let Some(at) = all.line(argument) {
            self.about(argument, RecordKind::LogStore, Some(at));
        }
    }

    /// The resource keeps logs: 0 days are for ever, and `unset` is what the provider does when nothing is said.
    fn keeps_logs(&mut self, all: &Arguments<'_, L>, argument: &str, unset: Option<u32>) {
        let said = all.at(argument).next();
        let days = said.map_or(unset, |said| said.number());
        let days = days.map(|days| if days == 0 { Record::FOR_EVER } else { days });
        self.0.push(Shown {
            what: What::Record(RecordKind::LogStore),
            about: None,
            days,
            at: said.map(|said| said.at),
        });
    }

    fn keeps(&mut self, about: Option<&'static str>, kept: Option<(u32, L)>) {
        if let Some((days, at)) = kept {
            self.0.push(Shown { what: What::Keeps, about, days: Some(days), at: Some(at) });
        }
    }
}

/// Stores of logs, and for how long stores keep what is in them; which store keeps logs is known only in the end.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    logs: Vec<(ComponentRef, Evidence)>,
    kept: FxHashMap<ComponentRef, (u32, Evidence)>,
}

impl Stores {
    /// Logs are written to a store.
    pub fn log(&mut self, store: ComponentRef, seen: Evidence) {
        self.logs.push((store, seen));
    }

    /// A store keeps what is in it: at least as long as a lock says, and no longer than the earliest expiration, which
    /// cannot end a lock; so the longer of both.
    pub fn keeps(&mut self, store: ComponentRef, days: Option<u32>, seen: Evidence) {
        let Some(days) = days else { return };
        let new = (days, seen);
        match self.kept.get_mut(&store) {
            Some(known) if (known.0, std::cmp::Reverse(&known.1)) >= (new.0, std::cmp::Reverse(&new.1)) => {}
            Some(known) => *known = new,
            None => {
                self.kept.insert(store, new);
            }
        }
    }

    pub fn settle(self) -> impl Iterator<Item = (ComponentRef, Record)> {
        let Stores { logs, kept } = self;
        logs.into_iter().map(move |(store, seen)| {
            let (days, evidence) = match kept.get(&store) {
                Some((days, line)) => (Some(*days), line.clone()),
                None => (None, seen),
            };
            (store, Record { kind: RecordKind::LogStore, days, evidence })
        })
    }
}

//! The arguments of a resource that may lead to something else, found by their names.

use crate::terraform::value::{Data, Value};
use std::rc::Rc;

/// What an argument of this name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Image,
    /// An address that the resource speaks to.
    Address,
    /// An environment variable of a workload.
    Env,
    Key,
    Role,
    Secret,
    Bucket,
    Certificate,
    Cluster,
}

/// An argument with a rule.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub rule: Rule,
    pub name: Rc<str>,
    /// The name of the block or object around it; empty at the top.
    pub inside: Rc<str>,
    pub value: Value,
}

/// Subtrees that speak about other things than what the resource uses.
const SKIPPED: &[&str] = &[
    "tags",
    "tags_all",
    "labels",
    "default_labels",
    "annotations",
    "policy",
    "assume_role_policy",
    "inline_policy",
    "access_policy",
    "description",
    "user_data",
    "user_data_base64",
    "template_body",
    "cors_rule",
    "cors_configuration",
    "cors",
];

const ENVIRONMENTS: &[&str] = &[
    "environment",
    "environment_variables",
    "env",
    "env_vars",
    "envs",
    "app_settings",
    "config_vars",
    "runtime_environment_variables",
    "secret_environment_variables",
];

/// The arguments with a rule, in the order of their names.
pub(super) fn leaves(kind: &str, fields: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    let top: Rc<str> = Rc::from("");
    walk(kind, &top, &top, fields, &mut found);
    found
}

fn walk(kind: &str, inside: &Rc<str>, name: &Rc<str>, value: &Value, found: &mut Vec<Leaf>) {
    match &value.data {
        Data::Object(fields) => {
            for (key, field) in &fields.map {
                if SKIPPED.contains(&&**key) {
                    continue;
                }
                if ENVIRONMENTS.contains(&&**key) {
                    environment(key, field, found);
                } else {
                    walk(kind, name, key, field, found);
                }
            }
        }
        Data::List(list) => list.items.iter().for_each(|item| walk(kind, inside, name, item, found)),
        Data::Text(_) | Data::Unknown(_) => {
            if let Some(rule) = rule(kind, inside, name) {
                found.push(Leaf { rule, name: name.clone(), inside: inside.clone(), value: value.clone() });
            }
        }
        Data::Null | Data::Bool(_) | Data::Number(_) => {}
    }
}

/// A map of variables, a list of `{name, value}`, or either in one more block (`variables`).
fn environment(inside: &Rc<str>, value: &Value, found: &mut Vec<Leaf>) {
    let mut push = |name: &Rc<str>, value: &Value| {
        if matches!(value.data, Data::Text(_) | Data::Unknown(_)) {
            found.push(Leaf { rule: Rule::Env, name: name.clone(), inside: inside.clone(), value: value.clone() });
        }
    };
    match &value.data {
        Data::List(list) => list.items.iter().for_each(|item| environment(inside, item, found)),
        Data::Object(fields) => {
            let name = ["name", "key"].iter().find_map(|key| fields.map.get(*key)).and_then(Value::to_text);
            match (name, fields.map.get("value")) {
                (Some(name), Some(value)) => push(&name, value),
                _ => {
                    for (name, value) in &fields.map {
                        match &value.data {
                            Data::Object(inner) => inner.map.iter().for_each(|(name, value)| push(name, value)),
                            _ => push(name, value),
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

fn rule(kind: &str, inside: &str, name: &str) -> Option<Rule> {
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    Some(match name {
        "image" | "image_uri" | "image_identifier" | "primary_container_image" if runs_images(kind) => Rule::Image,
        "name" if kind == "docker_image" => Rule::Image,
        "kms_key_id"
        | "kms_master_key_id"
        | "kms_key_arn"
        | "kms_key"
        | "kms_key_name"
        | "kms_key_self_link"
        | "key_vault_key_id"
        | "encryption_key"
        | "default_kms_key_name"
        | "disk_encryption_set_id"
        | "kms_arn"
        | "key_arn"
        | "cloudwatch_log_group_kms_key_id"
        | "performance_insights_kms_key_id" => Rule::Key,
        "certificate_arn"
        | "acm_certificate_arn"
        | "certificate_id"
        | "certificate_ids"
        | "ssl_certificates"
        | "ssl_certificate_id"
        | "regional_certificate_arn" => Rule::Certificate,
        "cluster" | "cluster_id" | "cluster_name" | "cluster_arn" | "kubernetes_cluster_id" => Rule::Cluster,
        "secret_arn"
        | "secret_id"
        | "valuefrom"
        | "valueFrom"
        | "credentials_parameter"
        | "key_vault_id"
        | "credentials_secret_arn" => Rule::Secret,
        "role"
        | "role_arn"
        | "execution_role_arn"
        | "task_role_arn"
        | "iam_role_arn"
        | "iam_instance_profile"
        | "service_account"
        | "service_account_email"
        | "user_pool_id"
        | "identity_provider_arn"
        | "service_role_arn"
        | "node_role_arn"
        | "pod_execution_role_arn"
        | "lambda_role_arn" => Rule::Role,
        _ if name.contains("kms_key") => Rule::Key,
        _ if ends(&["bucket", "bucket_name", "bucket_arn", "storage_account_id", "storage_account_name"]) => {
            Rule::Bucket
        }
        "s3_bucket_id" | "destination" | "log_destination" | "source_bucket" => Rule::Bucket,
        "domain_name" if inside == "origin" => Rule::Address,
        "address" | "host" | "server" | "bootstrap_servers" if connects(kind, inside) => Rule::Address,
        _ if NOT_CONTACTED.contains(&name) => return None,
        "issuer" | "issuer_uri" | "issuer_url" => Rule::Address,
        _ if name == "url" || name == "uri" || name == "endpoint" || name == "brokers" => Rule::Address,
        _ if ends(&["_url", "_uri", "_endpoint", "_webhook"]) => Rule::Address,
        _ => return None,
    })
}

/// Types whose `image` is a container image, not one of an operating system.
fn runs_images(kind: &str) -> bool {
    const WORDS: &[&str] = &[
        "kubernetes_",
        "kubectl_",
        "docker_",
        "_ecs_",
        "_lambda_",
        "apprunner",
        "cloud_run",
        "cloudfunctions",
        "container_app",
        "container_group",
        "_batch_",
        "_container",
        "sagemaker",
        "koyeb_",
        "clevercloud_docker",
        "web_app",
        "_app",
    ];
    WORDS.iter().any(|word| kind.contains(word))
}

/// Places where `host`, `address` or `server` is a peer and not the resource's own name.
fn connects(kind: &str, inside: &str) -> bool {
    const WORDS: &[&str] =
        &["endpoint", "integration", "webhook", "data_source", "datasource", "destination", "contact", "notification"];
    const INSIDE: &[&str] = &["backend", "origin", "destination", "http_endpoint_configuration", "source", "target"];
    WORDS.iter().any(|word| kind.contains(word)) || INSIDE.contains(&inside)
}

/// Addresses of the resource itself, of people's browsers, or of documents.
const NOT_CONTACTED: &[&str] = &[
    "redirect_uri",
    "homepage_url",
    "home_page_url",
    "documentation_url",
    "logo_url",
    "logo_uri",
    "icon_url",
    "tos_uri",
    "policy_uri",
    "privacy_statement_url",
    "terms_of_service_url",
    "support_url",
    "marketing_url",
    "initiate_login_uri",
    "login_uri",
    "log_uri",
    "logout_url",
    "login_url",
    "callback_url",
    "default_redirect_uri",
    "root_url",
    "artifact_url",
    "runbook_url",
    "dashboard_url",
    "vpc_endpoint",
    "private_endpoint",
    "public_endpoint",
    "custom_endpoint",
    "secret_uri",
    "vault_uri",
    "s3_uri",
    "script_uri",
    "sitemap_url",
    "external_url",
    "html_url",
    "avatar_url",
    "invoke_url",
    "key_uri",
    "schema_url",
];

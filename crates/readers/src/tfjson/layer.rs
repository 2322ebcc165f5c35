//! The layer of a Terraform resource, from the words of its type.

use allod_facts::Layer;

/// Words of resource types, the most telling first: the first row with a word that the type has decides.
/// A word is one or more whole parts of the type (`s3`, `load_balancer`), never a piece of one.
const WORDS: &[(Layer, &[&str])] = &[
    (Layer::Iac, &["remote_state", "tfe", "cloudformation", "spacelift"]),
    (Layer::Secrets, &["kms", "secret", "secrets", "secretsmanager", "key_vault", "vault", "hsm", "keymanager"]),
    (Layer::Certificates, &["acm", "certificate", "acme", "acmpca", "ssl_certificate", "certificate_pack"]),
    (Layer::Registry, &["ecr", "ecrpublic", "artifact_registry", "container_registry", "registry"]),
    (Layer::Ci, &["codebuild", "codepipeline", "cloudbuild", "codedeploy", "runner", "actions", "pipeline", "devops"]),
    (Layer::Source, &["codecommit", "repository", "github", "gitlab", "gitea", "forgejo", "sourcerepo"]),
    (Layer::Cdn, &["cloudfront", "cdn", "frontdoor", "front_door", "fastly", "edge_services"]),
    (Layer::Registrar, &["registrar", "registered_domain", "domain_registration"]),
    (Layer::Dns, &["route53", "route53domains", "dns", "record", "zone", "domain", "cloudflare_record"]),
    (Layer::Mail, &["ses", "sesv2", "email", "mail", "mailgun", "sendgrid", "tem"]),
    (
        Layer::Messaging,
        &["sns", "sqs", "pubsub", "kinesis", "msk", "mq", "eventbridge", "servicebus", "eventhub", "queue", "topic"],
    ),
    (
        Layer::Identity,
        &["iam", "cognito", "auth0", "okta", "azuread", "active_directory", "identity", "identitystore", "sso", "oidc"],
    ),
    (Layer::Identity, &["user", "role", "policy", "service_account", "access_policy", "role_assignment", "keycloak"]),
    (Layer::AiModel, &["bedrock", "sagemaker", "vertex", "cognitive", "openai", "inference", "ai"]),
    (Layer::ErrorTracking, &["sentry", "rollbar", "bugsnag"]),
    (
        Layer::Observability,
        &[
            "cloudwatch",
            "cloudtrail",
            "monitor",
            "monitoring",
            "logging",
            "log",
            "logs",
            "datadog",
            "newrelic",
            "grafana",
            "alert",
            "metric",
            "dashboard",
            "log_analytics",
            "application_insights",
            "diagnostic_setting",
            "logz",
            "honeycomb",
            "statuspage",
            "pagerduty",
            "opsgenie",
            "cockpit",
            "uptime",
        ],
    ),
    (
        Layer::Database,
        &[
            "db",
            "rds",
            "sql",
            "mysql",
            "postgresql",
            "postgres",
            "mssql",
            "mariadb",
            "mongodb",
            "mongodbatlas",
            "cosmosdb",
            "dynamodb",
            "redis",
            "elasticache",
            "memorystore",
            "database",
            "redshift",
            "bigquery",
            "opensearch",
            "elasticsearch",
            "spanner",
            "bigtable",
            "neptune",
            "docdb",
            "firestore",
            "rdb",
            "snowflake",
            "databricks",
            "athena",
            "glue",
            "synapse",
            "kusto",
            "valkey",
            "memorydb",
            "aurora",
        ],
    ),
    (
        Layer::Storage,
        &[
            "s3",
            "bucket",
            "storage",
            "object",
            "objectstorage",
            "blob",
            "ebs",
            "efs",
            "volume",
            "disk",
            "snapshot",
            "backup",
            "glacier",
            "fsx",
            "filestore",
            "share",
            "file_share",
            "minio",
            "recovery_services",
        ],
    ),
    (
        Layer::Compute,
        &[
            "instance",
            "instances",
            "server",
            "vm",
            "machine",
            "virtual_machine",
            "lambda",
            "function",
            "functions",
            "ecs",
            "eks",
            "aks",
            "gke",
            "kubernetes",
            "k8s",
            "mks",
            "container",
            "app_service",
            "cloud_run",
            "run",
            "batch",
            "autoscaling",
            "node",
            "node_pool",
            "nodepool",
            "droplet",
            "compute",
            "cluster",
            "linode",
            "ami",
            "service_plan",
            "web_app",
            "apprunner",
            "fargate",
            "launch_template",
            "ec2",
            "baremetal",
            "worker",
            "pages",
        ],
    ),
    (
        Layer::Network,
        &[
            "vpc",
            "subnet",
            "network",
            "networking",
            "lb",
            "alb",
            "elb",
            "nlb",
            "load_balancer",
            "loadbalancer",
            "gateway",
            "firewall",
            "security_group",
            "route",
            "router",
            "eip",
            "ip",
            "vnet",
            "nat",
            "vpn",
            "peering",
            "waf",
            "wafv2",
            "forwarding_rule",
            "private_endpoint",
            "virtual_hub",
            "virtual_wan",
            "floatingip",
            "floating_ip",
            "public_ip",
            "interface",
            "address",
            "nic",
        ],
    ),
    (Layer::Cloud, &["project", "organization", "account", "resource_group", "tenant", "folder", "subscription"]),
];

/// The layer of a resource type; `Unclassified` when no word of it is known.
pub(super) fn layer_of(kind: &str) -> Layer {
    let has = |word: &str| {
        kind.match_indices(word).any(|(at, _)| {
            let before = kind.get(..at).is_some_and(|part| part.is_empty() || part.ends_with('_'));
            before && kind.get(at + word.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    };
    WORDS.iter().find(|(_, words)| words.iter().any(|word| has(word))).map_or(Layer::Unclassified, |(layer, _)| *layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_common_types() {
        let check = |kind: &str, layer| assert_eq!(layer_of(kind), layer, "{kind}");
        check("aws_s3_bucket", Layer::Storage);
        check("aws_instance", Layer::Compute);
        check("aws_lambda_function", Layer::Compute);
        check("aws_db_instance", Layer::Database);
        check("aws_rds_cluster", Layer::Database);
        check("aws_route53_record", Layer::Dns);
        check("aws_kms_key", Layer::Secrets);
        check("azurerm_firewall", Layer::Network);
        check("azurerm_kubernetes_cluster", Layer::Compute);
        check("azurerm_mssql_server", Layer::Database);
        check("google_storage_bucket", Layer::Storage);
        check("google_container_cluster", Layer::Compute);
        check("openstack_compute_instance_v2", Layer::Compute);
        check("openstack_networking_network_v2", Layer::Network);
        check("scaleway_rdb_instance", Layer::Database);
        check("cloudflare_record", Layer::Dns);
        check("aws_iam_role", Layer::Identity);
        check("whatever_thing", Layer::Unclassified);
    }
}

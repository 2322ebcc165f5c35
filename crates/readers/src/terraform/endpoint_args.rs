//! Which arguments of a provider say where its service is, and which providers have no service of their own.

/// What is known about where a provider's service runs when its configuration does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The vendor's own service: the provider's name tells whose it is.
    Fixed,
    /// Nobody's: it speaks to whatever it is pointed at.
    Nowhere,
}

/// Arguments that hold the address of the service, in the order of their weight; `a.b` looks into a nested block.
pub(super) const ENDPOINT_ARGUMENTS: &[&str] = &[
    "auth_url",
    "base_url",
    "api_url",
    "server_url",
    "org_service_url",
    "url",
    "endpoint",
    "api_endpoint",
    "host",
    "hosts",
    "hostname",
    "address",
    "server_addr",
    "server",
    "uri",
    "universe_domain",
    "metadata_host",
    "kubernetes.host",
    "elasticsearch.endpoints",
    "update.server",
];

/// The endpoint arguments of one provider, by the last part of its source, when the general ones do not fit.
pub(super) fn endpoint_arguments(provider: &str) -> &'static [&'static str] {
    SPECIAL.iter().find(|(name, _)| *name == provider).map_or(ENDPOINT_ARGUMENTS, |(_, arguments)| arguments)
}

const SPECIAL: &[(&str, &[&str])] = &[
    // Several services, each with an endpoint of its own; see `services`.
    ("aws", &[]),
    ("alicloud", &[]),
    ("azurerm", &["metadata_host"]),
    ("google", &["universe_domain"]),
    ("google-beta", &["universe_domain"]),
    ("azurestack", &["arm_endpoint", "metadata_host"]),
    ("auth0", &["domain"]),
    ("zitadel", &["domain"]),
    ("minio", &["minio_server"]),
    ("vsphere", &["vsphere_server"]),
    ("proxmox", &["endpoint", "pm_api_url"]),
    ("kafka", &["bootstrap_servers"]),
    ("confluent", &["endpoint"]),
    ("pagerduty", &["api_url_override"]),
    ("helm", &["kubernetes.host"]),
    ("flux", &["kubernetes.host"]),
    ("kustomization", &["host"]),
    ("scaleway", &["api_url"]),
    // A word for one of the vendor's own regions.
    ("ovh", &[]),
    ("hcloud", &["endpoint"]),
    ("restapi", &["uri"]),
    ("http", &[]),
];

/// Providers that speak to any service of their kind, by the last part of their source.
pub(super) fn home(provider: &str) -> Home {
    if NOWHERE.contains(&provider) { Home::Nowhere } else { Home::Fixed }
}

const NOWHERE: &[&str] = &[
    "openstack",
    "vault",
    "kubernetes",
    "kubectl",
    "helm",
    "kustomization",
    "flux",
    "argocd",
    "grafana",
    "postgresql",
    "mysql",
    "mssql",
    "clickhouse",
    "clickhousedbops",
    "redis",
    "minio",
    "rabbitmq",
    "kafka",
    "kafka-connect",
    "elasticstack",
    "elasticsearch",
    "opensearch",
    "consul",
    "nomad",
    "boundary",
    "keycloak",
    "proxmox",
    "vsphere",
    "vcd",
    "nsxt",
    "nutanix",
    "azurestack",
    "libvirt",
    "lxd",
    "incus",
    "docker",
    "gitea",
    "forgejo",
    "harbor",
    "rancher2",
    "jenkins",
    "artifactory",
    "nexus",
    "sonarqube",
    "zabbix",
    "powerdns",
    "dns",
    "acme",
    "ldap",
    "ad",
    "authentik",
    "zitadel",
    "unifi",
    "routeros",
    "truenas",
    "netbox",
    "awx",
    "aap",
    "restapi",
    "splunk",
    "graylog",
    "mongodb",
    "cassandra",
    "influxdb-v2",
    "concourse",
    "coder",
    "matchbox",
    "maas",
    "talos",
    "ssh",
    "sftp",
    "foreman",
    "phpipam",
    "infoblox",
    "bigip",
    "fortios",
    "panos",
    "vyos",
];

/// Providers that only compute values on the machine that runs them.
pub(super) fn is_local(provider: &str) -> bool {
    LOCAL.contains(&provider)
}

const LOCAL: &[&str] = &[
    "random",
    "null",
    "local",
    "time",
    "tls",
    "template",
    "terraform",
    "archive",
    "external",
    "http",
    "cloudinit",
    "assert",
    "utils",
    "validation",
    "deepmerge",
    "curl",
    "pkcs12",
];

/// The source of providers that old configurations name without one, as the registry redirects them.
pub(super) fn well_known_source(name: &str) -> Option<&'static str> {
    WELL_KNOWN.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}

const WELL_KNOWN: &[(&str, &str)] = &[
    ("alicloud", "aliyun/alicloud"),
    ("auth0", "auth0/auth0"),
    ("cloudflare", "cloudflare/cloudflare"),
    ("datadog", "datadog/datadog"),
    ("digitalocean", "digitalocean/digitalocean"),
    ("exoscale", "exoscale/exoscale"),
    ("fastly", "fastly/fastly"),
    ("github", "integrations/github"),
    ("gitlab", "gitlabhq/gitlab"),
    ("grafana", "grafana/grafana"),
    ("hcloud", "hetznercloud/hcloud"),
    ("heroku", "heroku/heroku"),
    ("ibm", "ibm-cloud/ibm"),
    ("linode", "linode/linode"),
    ("mongodbatlas", "mongodb/mongodbatlas"),
    ("newrelic", "newrelic/newrelic"),
    ("oci", "oracle/oci"),
    ("okta", "okta/okta"),
    ("openstack", "terraform-provider-openstack/openstack"),
    ("ovh", "ovh/ovh"),
    ("pagerduty", "pagerduty/pagerduty"),
    ("scaleway", "scaleway/scaleway"),
    ("sentry", "jianyuan/sentry"),
    ("snowflake", "snowflake-labs/snowflake"),
    ("tencentcloud", "tencentcloudstack/tencentcloud"),
    ("upcloud", "upcloudltd/upcloud"),
    ("vultr", "vultr/vultr"),
    ("yandex", "yandex-cloud/yandex"),
];

use super::*;
use allod_facts::Role;

fn facts_of(files: &[(&str, &str)]) -> String {
    shown(&read_tree(files))
}

fn snapshot(name: &str, files: &[(&str, &str)]) {
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, facts_of(files));
    });
}

/// A component's line of evidence and place, by id.
fn seen(facts: &Facts, id: &str) -> (Vec<String>, Option<String>) {
    let at = facts.find(id).unwrap_or_else(|| panic!("{id} in {}", shown(facts)));
    let component = &facts.components[at as usize];
    let lines = component.evidence.iter().map(|seen| format!("{}:{}", seen.path, seen.line)).collect();
    (lines, component.place.as_ref().and_then(|place| place.region.as_deref()).map(str::to_owned))
}

#[test]
fn a_whole_tree() {
    snapshot(
        "a_whole_tree",
        &[
            (
                "prod/main.tf",
                r#"terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
  backend "s3" {
    bucket = "state"
    region = "eu-central-1"
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { "allod-environment" = "production" }
  }
}

provider "aws" {
  alias  = "dr"
  region = local.dr
}

locals {
  dr = "us-east-1"
}

module "store" {
  source    = "../modules/store"
  for_each  = toset(["a", "b"])
  name      = each.key
  providers = { aws = aws, aws.copy = aws.dr }
}

module "vpc" {
  source = "terraform-aws-modules/vpc/aws"
}

resource "aws_kms_key" "main" {}

resource "aws_db_instance" "db" {
  kms_key_id = aws_kms_key.main.arn
  tags       = { "allod-data" = "patient,billing" }
}

resource "random_id" "x" {}
"#,
            ),
            ("prod/variables.tf", "variable \"region\" {\n  type    = string\n  default = \"eu-west-1\"\n}\n"),
            ("prod/terraform.tfvars", "\nregion = \"eu-west-3\"\n"),
            (
                "modules/store/main.tf",
                r#"variable "name" {}

resource "aws_s3_bucket" "this" {
  bucket = "data-${var.name}"
}

resource "aws_s3_bucket" "copy" {
  provider = aws.copy
  bucket   = "copy-${var.name}"
}

resource "aws_s3_bucket_logging" "this" {
  bucket        = aws_s3_bucket.this.id
  target_bucket = aws_s3_bucket.copy.id
}
"#,
            ),
        ],
    );
}

#[test]
fn endpoints_decide_whose_service_it_is() {
    snapshot(
        "endpoints_decide_whose_service_it_is",
        &[(
            "main.tf",
            r#"provider "aws" {
  region = "eu-1"
  endpoints {
    s3 = "http://minio:9000"
  }
}
resource "aws_s3_bucket" "own" {}
resource "aws_sqs_queue" "theirs" {}

provider "openstack" {
  auth_url = "https://auth.cloud.provider.eu:5000/v3"
  region   = "GRA9"
}
resource "openstack_compute_instance_v2" "vm" {}

provider "gitlab" {
  base_url = var.gitlab
}
variable "gitlab" {
  default = "https://git.hospital.lu/api/v4/"
}
resource "gitlab_project" "p" {}

provider "vault" {}
resource "vault_mount" "kv" {}

provider "kubernetes" {
  host = scaleway_k8s_cluster.k.kubeconfig[0].host
}
resource "scaleway_k8s_cluster" "k" {
  region = "fr-par"
}
resource "kubernetes_deployment" "app" {
  spec {
    template {
      spec {
        container {
          image = "ghcr.io/clinic/app:1.2"
          env {
            name  = "LLM_URL"
            value = "https://api.mistral.ai/v1"
          }
        }
      }
    }
  }
}

resource "helm_release" "db" {
  repository = "https://charts.bitnami.com/bitnami"
  chart      = "postgresql"
}
"#,
        )],
    );
}

#[test]
fn records_and_workloads_lead_out() {
    snapshot(
        "records_and_workloads_lead_out",
        &[(
            "main.tf",
            r#"resource "cloudflare_zone" "z" {
  zone = "clinic.lu"
}
resource "cloudflare_record" "www" {
  zone_id = cloudflare_zone.z.id
  type    = "CNAME"
  content = "clinic.netlify.app"
}
resource "cloudflare_record" "mail" {
  zone_id = cloudflare_zone.z.id
  type    = "MX"
  content = "mx1.mail.infomaniak.com"
}
resource "cloudflare_record" "spf" {
  zone_id = cloudflare_zone.z.id
  type    = "TXT"
  content = "v=spf1 include:spf.infomaniak.ch -all"
}
resource "aws_ecr_repository" "app" {}
resource "aws_ecs_task_definition" "app" {
  container_definitions = jsonencode([
    {
      name  = "app"
      image = "${aws_ecr_repository.app.repository_url}:latest"
      environment = [
        { name = "SENTRY_DSN", value = "https://abc:def@o1.ingest.sentry.io/2" },
        { name = "BUCKET", value = aws_s3_bucket.files.bucket },
      ]
    },
    {
      name  = "agent"
      image = "public.ecr.aws/datadog/agent:${var.version}"
    }
  ])
}
resource "aws_s3_bucket" "files" {
  bucket = "files"
}
resource "aws_iam_openid_connect_provider" "gh" {
  url = "https://token.actions.githubusercontent.com"
}
data "http" "ips" {
  url = "https://api.fastly.com/public-ip-list"
}
data "terraform_remote_state" "net" {
  backend = "gcs"
  config  = { bucket = "state" }
}
"#,
        )],
    );
}

#[test]
fn numbers_of_instances() {
    let main = r#"variable "on" { default = false }
variable "open" {}
resource "aws_instance" "never" { count = 0 }
resource "aws_instance" "flip" { count = var.on ? 1 : 0 }
resource "aws_instance" "open" { count = var.open }
resource "aws_instance" "two" { count = 2 }
resource "aws_instance" "map" { for_each = { x = 1 } }
resource "aws_instance" "after" { for_each = toset([aws_instance.two[0].id]) }
module "off" {
  source = "./m"
  on     = false
}
"#;
    let module = "variable \"on\" {}\nresource \"aws_instance\" \"x\" {\n  count = var.on ? 1 : 0\n}\n";
    let facts = read_tree(&[("main.tf", main), ("m/main.tf", module)]);
    let instances: Vec<String> = facts
        .components
        .iter()
        .filter(|component| &*component.kind == "aws_instance")
        .map(|component| format!("{} {:?}", component.id, component.confidence))
        .collect();
    assert_eq!(
        instances,
        [
            "tf:.#aws_instance.flip[*] Low",
            "tf:.#aws_instance.open[*] Medium",
            "tf:.#aws_instance.two[0] High",
            "tf:.#aws_instance.two[1] High",
            "tf:.#aws_instance.map[\"x\"] High",
            "tf:.#aws_instance.after[*] Medium",
        ]
    );
    let codes: Vec<&str> = facts.unresolved.iter().map(|unresolved| unresolved.code).collect();
    assert_eq!(codes, ["U001", "U002", "U001", "U005"]);
}

#[test]
fn settings_files_have_an_order_and_candidates_are_only_named() {
    let facts = read_tree(&[
        (
            "main.tf",
            "variable \"a\" {}\nvariable \"b\" {}\nprovider \"aws\" {\n  region = var.a\n}\nprovider \"google\" {\n  region = var.b\n}\n",
        ),
        ("terraform.tfvars", "a = \"eu-west-1\"\n"),
        ("x.auto.tfvars", "a = \"eu-west-2\"\n"),
        ("env/prod.tfvars", "a = \"us-east-1\"\nb = \"europe-west1\"\n"),
    ]);
    let (lines, region) = seen(&facts, "tf:.#provider.aws");
    assert_eq!(region.as_deref(), Some("eu-west-2"));
    assert!(lines.contains(&"x.auto.tfvars:1".to_owned()), "{lines:?}");
    let (lines, region) = seen(&facts, "tf:.#provider.google");
    assert_eq!(region, None);
    assert!(lines.contains(&"env/prod.tfvars:2".to_owned()), "{lines:?}");
    assert!(facts.unresolved[0].message.contains("`env/prod.tfvars`"), "{:?}", facts.unresolved);
}

#[test]
fn the_json_syntax_says_the_same() {
    let json = r#"{
  "variable": { "region": { "default": "eu-west-1" } },
  "provider": { "aws": [ { "region": "${var.region}" }, { "alias": "us", "region": "us-east-1" } ] },
  "terraform": { "backend": { "s3": { "bucket": "b" } } },
  "resource": {
    "aws_s3_bucket": {
      "here": { "bucket": "a" },
      "there": { "provider": "aws.us" }
    }
  }
}
"#;
    let facts = read_tree(&[("main.tf.json", json)]);
    assert_eq!(seen(&facts, "tf:.#aws_s3_bucket.here").1.as_deref(), Some("eu-west-1"));
    assert_eq!(seen(&facts, "tf:.#aws_s3_bucket.there").1.as_deref(), Some("us-east-1"));
    assert_eq!(seen(&facts, "tf:.#aws_s3_bucket.there").0[0], "main.tf.json:8");
    assert!(facts.find("tf:.#backend").is_some());
}

#[test]
fn a_module_that_is_called_is_no_root() {
    let facts = read_tree(&[
        ("main.tf", "resource \"aws_instance\" \"x\" {}\n"),
        ("examples/one/main.tf", "module \"m\" {\n  source = \"../../\"\n}\n"),
        ("examples/two/main.tf", "module \"m\" {\n  source = \"../..\"\n  count  = 2\n}\n"),
    ]);
    let ids: Vec<&str> = facts
        .components
        .iter()
        .filter(|component| &*component.kind == "aws_instance")
        .map(|component| &*component.id)
        .collect();
    assert_eq!(
        ids,
        [
            "tf:examples/one#module.m.aws_instance.x",
            "tf:examples/two#module.m[0].aws_instance.x",
            "tf:examples/two#module.m[1].aws_instance.x"
        ]
    );
}

#[test]
fn secrets_stay_out() {
    let text = r#"provider "openstack" {
  auth_url = "https://admin:hunter2@auth.cloud.eu/v3?token=hunter2"
  password = "hunter2"
}
module "m" {
  source = "git::https://hunter2@git.corp.net/m.git?ref=hunter2"
}
resource "aws_lambda_function" "f" {
  environment {
    variables = { DB_URL = "postgres://u:hunter2@db.provider.eu/x", TOKEN = "hunter2" }
  }
}
"#;
    let shown = facts_of(&[("main.tf", text)]);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("host:db.provider.eu") && shown.contains("auth.cloud.eu"), "{shown}");
}

/// The names of the components, by id.
fn names(facts: &Facts) -> Vec<(&str, &str)> {
    facts.components.iter().map(|one| (&*one.id, &*one.name)).collect()
}

#[test]
fn names_that_people_use() {
    let facts = read_tree(&[
        (
            "infra/backup/main.tf",
            r#"terraform {
  cloud {
    organization = "clinic"
  }
}
module "shop" {
  source = "../store"
}
module "desk" {
  source   = "../store"
  for_each = toset(["a"])
}
resource "aws_s3_bucket" "main" {}
resource "hcloud_server" "worker" {
  for_each = toset(["1"])
}
"#,
        ),
        ("infra/store/main.tf", "resource \"aws_s3_bucket\" \"this\" {}\nresource \"aws_s3_bucket\" \"logs\" {}\n"),
    ]);
    let names: Vec<(&str, &str)> = names(&facts).into_iter().filter(|(id, _)| id.contains('#')).collect();
    for expect in [
        ("tf:infra/backup#backend", "state of infra/backup"),
        ("tf:infra/backup#aws_s3_bucket.main", "s3_bucket"),
        ("tf:infra/backup#hcloud_server.worker[\"1\"]", "worker[\"1\"]"),
        ("tf:infra/backup#module.shop.aws_s3_bucket.this", "shop.s3_bucket"),
        ("tf:infra/backup#module.shop.aws_s3_bucket.logs", "shop.logs"),
        ("tf:infra/backup#module.desk[\"a\"].aws_s3_bucket.this", "desk[\"a\"].s3_bucket"),
    ] {
        assert!(names.contains(&expect), "{expect:?} in {names:?}");
    }
    let backend = facts.find("tf:infra/backup#backend").and_then(|at| facts.components.get(at as usize));
    assert_eq!(backend.map(|backend| &*backend.kind), Some("cloud block"));
}

#[test]
fn settings_belong_to_what_they_set_up() {
    let facts = read_tree(&[(
        "main.tf",
        r#"resource "aws_s3_bucket" "files" {}
resource "aws_s3_bucket_policy" "files" {
  bucket = aws_s3_bucket.files.id
}
resource "aws_s3_bucket_policy" "elsewhere" {
  bucket = "a-bucket-of-others"
}
resource "aws_acm_certificate" "site" {}
resource "aws_acm_certificate_validation" "site" {
  certificate_arn = aws_acm_certificate.site.arn
}
resource "aws_lb" "web" {}
resource "aws_lb_listener" "tls" {
  load_balancer_arn = aws_lb.web.arn
  certificate_arn   = aws_acm_certificate_validation.site.certificate_arn
}
resource "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.tls.arn
}
"#,
    )]);
    let ids: Vec<&str> = facts.components.iter().map(|one| &*one.id).collect();
    let parts = ["aws_s3_bucket.files", "aws_acm_certificate.site", "aws_lb.web", "aws_s3_bucket_policy.elsewhere"];
    for part in parts {
        assert!(ids.contains(&&*format!("tf:.#{part}")), "{part} in {ids:?}");
    }
    assert_eq!(ids.len(), parts.len() + 2, "{ids:?}");
    // A rule of a listener of a load balancer: a setting of a setting.
    assert_eq!(seen(&facts, "tf:.#aws_lb.web").0, ["main.tf:12", "main.tf:13", "main.tf:17"]);
    assert_eq!(seen(&facts, "tf:.#aws_s3_bucket.files").0, ["main.tf:1", "main.tf:2"]);
    assert!(shown(&facts).contains("tf:.#aws_lb.web resolved_by tf:.#aws_acm_certificate.site"));
}

#[test]
fn what_is_looked_up_is_seen_at_its_provider() {
    let facts = read_tree(&[(
        "main.tf",
        "provider \"azurerm\" {}\n\ndata \"azurerm_key_vault\" \"shared\" {}\ndata \"azurerm_client_config\" \"me\" {}\n",
    )]);
    assert_eq!(seen(&facts, "tf:.#provider.azurerm").0, ["main.tf:1", "main.tf:3"]);
}

#[test]
fn the_home_of_a_provider() {
    let check = |provider: &str, arguments: &str, expect: &str| {
        let text = format!("provider \"{provider}\" {{\n{arguments}\n}}\nvariable \"x\" {{}}\n");
        let facts = read_tree(&[("main.tf", &text)]);
        let found = facts.find(&format!("tf:.#provider.{provider}")).map(|at| &facts.components[at as usize]);
        let found = found.map(|found| match (found.role, found.clues.first()) {
            (Role::Own, _) => "own".to_owned(),
            (_, Some(clue)) => clue.text.to_string(),
            (_, None) => "unknown".to_owned(),
        });
        assert_eq!(found.as_deref(), Some(expect), "{provider} {arguments}");
    };
    // A name of one's own, or one that is not known, is still the vendor's service where only they offer it.
    check("auth0", "domain = var.x", "auth0/auth0");
    check("auth0", "domain = \"login.clinic.lu\"", "auth0/auth0");
    check("auth0", "domain = \"clinic.eu.auth0.com\"", "clinic.eu.auth0.com");
    check("datadog", "api_url = var.x", "datadog/datadog");
    check("datadog", "api_url = \"https://api.datadoghq.eu/\"", "api.datadoghq.eu");
    check("opentelekomcloud", "auth_url = var.x", "hashicorp/opentelekomcloud");
    // These run anywhere, with a home when nothing is said.
    check("sentry", "", "jianyuan/sentry");
    check("sentry", "base_url = var.x", "unknown");
    check("gitlab", "base_url = \"https://git.clinic.lu/api/v4/\"", "git.clinic.lu");
    // These have no home.
    check("grafana", "url = var.x", "unknown");
    check("grafana", "", "unknown");
    check("grafana", "cloud_access_policy_token = var.x", "grafana/grafana");
    check("keycloak", "", "unknown");
    check("rabbitmq", "endpoint = \"http://localhost:15672\"", "own");
}

#[test]
fn looking_names_up_is_no_service() {
    let text = "provider \"dns\" {}\ndata \"dns_a_record_set\" \"x\" {\n  host = \"clinic.lu\"\n}\n";
    let facts = read_tree(&[("main.tf", text)]);
    assert_eq!(facts.components.len(), 1, "{}", shown(&facts));
    let facts = read_tree(&[("main.tf", "provider \"dns\" {\n  update {\n    server = \"ns1.clinic.lu\"\n  }\n}\n")]);
    assert!(facts.find("tf:.#provider.dns").is_some(), "{}", shown(&facts));
}

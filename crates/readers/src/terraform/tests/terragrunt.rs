use super::*;

const ROOT: &str = r#"locals {
  region_vars = read_terragrunt_config(find_in_parent_folders("region.hcl"))
  region      = local.region_vars.locals.region
}

generate "provider" {
  path     = "provider.tf"
  contents = <<EOF
provider "aws" {
  region              = "${local.region}"
  allowed_account_ids = [${local.account}]
}
EOF
}

remote_state {
  backend = "s3"
  config = {
    bucket = "state"
    region = local.region
    key    = "${path_relative_to_include()}/x"
  }
}

inputs = merge(local.region_vars.locals, { owner = "ops" })
"#;

const UNIT: &str = r#"include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../../modules//db"
}

dependency "vpc" {
  config_path = "../vpc"
}

inputs = {
  name = "records"
  vpc  = dependency.vpc.outputs.id
}
"#;

const MODULE: &str = r#"variable "name" {}
variable "region" {
  default = "us-east-1"
}
variable "owner" {}
resource "aws_db_instance" "this" {
  identifier = var.name
}
resource "aws_s3_bucket" "copy" {
  region = var.region
}
"#;

#[test]
fn units_call_their_modules() {
    let facts = read_tree(&[
        ("root.hcl", ROOT),
        ("eu/region.hcl", "locals {\n  region = \"eu-west-3\"\n}\n"),
        ("eu/db/terragrunt.hcl", UNIT),
        ("modules/db/main.tf", MODULE),
    ]);
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("units_call_their_modules", shown(&facts));
    });
}

#[test]
fn modules_that_lie_elsewhere_are_seen_where_their_address_stands() {
    let facts = read_tree(&[
        ("root.hcl", "remote_state {\n  backend = \"gcs\"\n}\n"),
        ("common/db.hcl", "locals {\n  base = \"git::git@github.com:clinic/modules.git//db\"\n}\n"),
        (
            "prod/db/terragrunt.hcl",
            r#"include {
  path = find_in_parent_folders("root.hcl")
}
include "common" {
  path = "${dirname(find_in_parent_folders("root.hcl"))}/common/db.hcl"
}
terraform {
  source = "${include.common.locals.base}?ref=v1"
}
"#,
        ),
    ]);
    let module = facts.find("module:github.com/clinic/modules//db").map(|at| &facts.components[at as usize]);
    let lines: Vec<String> =
        module.into_iter().flat_map(|one| &one.evidence).map(|seen| format!("{}:{}", seen.path, seen.line)).collect();
    assert_eq!(lines, ["prod/db/terragrunt.hcl:7", "prod/db/terragrunt.hcl:8", "common/db.hcl:2"]);
    assert!(facts.find("tf:root.hcl#backend").is_some(), "{}", shown(&facts));
    assert!(facts.diagnostics.is_empty(), "{}", shown(&facts));
}

#[test]
fn files_that_include_each_other_end() {
    let facts = read_tree(&[
        ("a.hcl", "include {\n  path = \"./b.hcl\"\n}\nlocals {\n  x = read_terragrunt_config(\"b.hcl\")\n}\n"),
        (
            "b.hcl",
            "include {\n  path = \"./a.hcl\"\n}\nlocals {\n  x = read_terragrunt_config(\"a.hcl\")\n}\nremote_state {\n  backend = \"s3\"\n  config = { region = local.x.locals.x }\n}\n",
        ),
        ("c.hcl", "terraform {\n  source = \".\"\n}\ninputs = local.y\n"),
    ]);
    assert!(facts.components.len() < 10, "{}", shown(&facts));
}

#[test]
fn what_many_units_include_is_one_thing_in_each_region() {
    let unit = "include {\n  path = find_in_parent_folders(\"root.hcl\")\n}\n";
    let facts = read_tree(&[
        ("root.hcl", ROOT),
        ("eu/region.hcl", "locals {\n  region = \"eu-west-3\"\n}\n"),
        ("us/region.hcl", "locals {\n  region = \"us-east-1\"\n}\n"),
        ("eu/a/terragrunt.hcl", unit),
        ("eu/b/terragrunt.hcl", unit),
        ("us/a/terragrunt.hcl", unit),
    ]);
    let ids: Vec<&str> = facts.components.iter().map(|one| &*one.id).filter(|id| id.contains('#')).collect();
    let expect = [
        "tf:root.hcl:eu-west-3#backend",
        "tf:root.hcl:eu-west-3#provider.aws",
        "tf:root.hcl:us-east-1#backend",
        "tf:root.hcl:us-east-1#provider.aws",
    ];
    assert_eq!(ids, expect);
}

pub mod incremental;
pub mod rules;
pub mod stack;

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each command; the median is shown.
const RUNS: usize = 3;
/// Lines of the generated Terraform tree.
const TREE_LINES: usize = 30_000;
/// How often the peak memory of a process is looked at.
const LOOK_EVERY_MS: u64 = 2;

/// Measures the audit in release builds, in one run: Terraform trees against Checkov, plan JSON against plain parsing.
/// `--no-checkov` leaves Checkov out, `--max N` is the largest plan in resources.
pub fn audit(root: &Path, args: &[&str]) -> Result<(), String> {
    let most: usize =
        args.iter().position(|arg| *arg == "--max").and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(1_000_000);
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    build(root)?;
    let allod = root.join("target/release/allod");
    if !args.contains(&"--no-checkov") {
        against_checkov(&folder, &allod)?;
    }
    plans(root, &folder, &allod, most)
}

fn build(root: &Path) -> Result<(), String> {
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--bin", "allod", "--bin", "xtask", "--workspace"])
        .current_dir(root)
        .status();
    if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err("the release build failed".to_owned()) }
}

/// Parses a file into a plain value, as the baseline does it: `xtask parse FILE`.
pub fn parse(path: &Path) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    println!("{}", value.as_object().map_or(0, serde_json::Map::len));
    Ok(())
}

struct Measured {
    wall: Duration,
    peak_bytes: u64,
}

/// The median run of a command by wall time, with its peak resident memory (`VmHWM` of the process).
fn measure(command: &Path, args: &[&str]) -> Result<Measured, String> {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        let mut child = Command::new(command)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", command.display()))?;
        let status = format!("/proc/{}/status", child.id());
        let mut peak_bytes = 0;
        while child.try_wait().map_err(|error| error.to_string())?.is_none() {
            peak_bytes = peak_bytes.max(peak(&status));
            std::thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
        }
        runs.push(Measured { wall: started.elapsed(), peak_bytes });
    }
    runs.sort_by_key(|run| run.wall);
    runs.into_iter().nth(RUNS / 2).ok_or_else(|| "no run".to_owned())
}

fn peak(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn against_checkov(folder: &Path, allod: &Path) -> Result<(), String> {
    let tree = folder.join("tree");
    let lines = terraform_tree(&tree)?;
    let checkov = folder.join("venv/bin/checkov");
    if !checkov.exists() {
        let venv = folder.join("venv");
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "checkov"]))?;
    }
    let tree = tree.display().to_string();
    let ours = measure(allod, &["audit", &tree, "--exit-zero"])?;
    let theirs = measure(&checkov, &["--directory", &tree, "--framework", "terraform", "--quiet", "--compact"])?;
    println!("Terraform tree of {lines} lines");
    println!("  allod audit   {}", shown(&ours));
    println!("  checkov       {}", shown(&theirs));
    println!(
        "  ratio         {:.0} times faster, {:.2} of the memory (wanted: at least 50 times)",
        theirs.wall.as_secs_f64() / ours.wall.as_secs_f64(),
        ours.peak_bytes as f64 / theirs.peak_bytes.max(1) as f64
    );
    Ok(())
}

fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}

fn shown(measured: &Measured) -> String {
    format!("{:>8.3} s  {:>7.1} MB", measured.wall.as_secs_f64(), measured.peak_bytes as f64 / 1e6)
}

fn plans(root: &Path, folder: &Path, allod: &Path, most: usize) -> Result<(), String> {
    println!("plan JSON: whole audit beside plain serde_json parsing of the same file");
    println!("  shape  resources     file     audit     parse  throughput   memory  per resource");
    let sizes = [10_000, 100_000, 1_000_000].into_iter().filter(|resources| *resources <= most);
    for (shape, resources) in sizes.flat_map(|resources| [(Shape::Full, resources), (Shape::Dense, resources)]) {
        let path = folder.join(format!("plan-{resources}.tfplan.json"));
        plan(&path, resources, shape).map_err(|error| error.to_string())?;
        let size = std::fs::metadata(&path).map_err(|error| error.to_string())?.len();
        let text = path.display().to_string();
        let ours = measure(allod, &["audit", &text, "--exit-zero"])?;
        let parse = measure(&root.join("target/release/xtask"), &["parse", &text])?;
        println!(
            "  {:<5} {resources:>10} {:>5.0} MB {:>7.2} s {:>7.2} s  {:>8.2} x  {:>5.2} B/B  {:>7.2} us",
            shape.name(),
            size as f64 / 1e6,
            ours.wall.as_secs_f64(),
            parse.wall.as_secs_f64(),
            parse.wall.as_secs_f64() / ours.wall.as_secs_f64(),
            ours.peak_bytes as f64 / size as f64,
            ours.wall.as_secs_f64() * 1e6 / resources as f64,
        );
        std::fs::remove_file(&path).map_err(|error| error.to_string())?;
    }
    println!("  (wanted: throughput at least 0.4 x, memory at most 2 bytes a byte, time a resource not growing)");
    Ok(())
}

/// How much of a resource a generated plan spells out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// As in public repositories, where plans have 1.9 to 3.4 kB a resource: about 2.1 kB.
    Full,
    /// Nothing but the attributes that somebody set, about 0.9 kB: the most resources a byte.
    Dense,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Full => "full",
            Shape::Dense => "dense",
        }
    }
}

/// A plan as `terraform show -json` writes it: planned values, changes and configuration of several resource types.
fn plan(path: &Path, resources: usize, shape: Shape) -> std::io::Result<()> {
    let unknown = if shape == Shape::Full { UNKNOWN } else { r#"{"id":true,"arn":true}"# };
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    out.write_all(
        br#"{"format_version":"1.2","terraform_version":"1.9.8","planned_values":{"root_module":{"resources":["#,
    )?;
    for at in 0..resources {
        let (kind, values) = resource(at, shape);
        let comma = if at == 0 { "" } else { "," };
        write!(
            out,
            r#"{comma}{{"address":"{kind}.r{at}","mode":"managed","type":"{kind}","name":"r{at}","provider_name":"registry.terraform.io/hashicorp/aws","schema_version":0,"values":{{{values}}},"sensitive_values":{{"tags":{{}}}}}}"#
        )?;
    }
    out.write_all(br#"]}},"resource_changes":["#)?;
    for at in 0..resources {
        let (kind, values) = resource(at, shape);
        let comma = if at == 0 { "" } else { "," };
        write!(
            out,
            r#"{comma}{{"address":"{kind}.r{at}","mode":"managed","type":"{kind}","name":"r{at}","provider_name":"registry.terraform.io/hashicorp/aws","change":{{"actions":["create"],"before":null,"after":{{{values}}},"after_unknown":{unknown},"before_sensitive":false,"after_sensitive":{{}}}}}}"#
        )?;
    }
    out.write_all(br#"],"configuration":{"provider_config":{"aws":{"name":"aws","full_name":"registry.terraform.io/hashicorp/aws","expressions":{"region":{"constant_value":"eu-central-1"}}}},"root_module":{"resources":["#)?;
    for at in 0..resources {
        let (kind, _) = resource(at, shape);
        let comma = if at == 0 { "" } else { "," };
        write!(
            out,
            r#"{comma}{{"address":"{kind}.r{at}","mode":"managed","type":"{kind}","name":"r{at}","provider_config_key":"aws","expressions":{{"tags":{{"references":["local.tags","var.environment","local","var"]}},"name":{{"constant_value":"r{at}"}}}},"schema_version":1}}"#
        )?;
    }
    out.write_all(b"]}}}")?;
    out.flush()
}

/// What a provider computes, as a plan lists it.
const UNKNOWN: &str = r#"{"arn":true,"id":true,"availability_zone":true,"cpu_core_count":true,"cpu_threads_per_core":true,"credit_specification":[],"ebs_block_device":[{"encrypted":true,"kms_key_id":true,"snapshot_id":true,"throughput":true,"volume_id":true}],"enclave_options":true,"host_id":true,"instance_state":true,"ipv6_addresses":true,"key_name":true,"metadata_options":true,"network_interface":true,"placement_group":true,"private_ip":true,"public_dns":true,"public_ip":true,"subnet_id":true,"tags_all":true,"tenancy":true}"#;

/// Attributes that most resources of a plan carry without a value.
const EMPTY: &str = r#""credit_specification":[],"disable_api_termination":null,"get_password_data":false,"hibernation":null,"iam_instance_profile":null,"launch_template":[],"source_dest_check":true,"timeouts":null,"user_data_replace_on_change":false,"volume_tags":null"#;

/// The type of a resource and its attributes.
fn resource(at: usize, shape: Shape) -> (&'static str, String) {
    let (kind, own) = match at % 4 {
        0 => (
            "aws_s3_bucket",
            format!(
                r#""bucket":"data-{at}","force_destroy":false,"object_lock_enabled":true,"tags":{{"team":"t{}","cost":"{}"}}"#,
                at % 97,
                at % 31
            ),
        ),
        1 => (
            "aws_instance",
            format!(
                r#""ami":"ami-{at:08x}","instance_type":"m5.large","availability_zone":"eu-central-1a","user_data":"{}","tags":{{"name":"vm-{at}"}},"ebs_optimized":true,"monitoring":false"#,
                "x".repeat(200)
            ),
        ),
        2 => (
            "aws_db_instance",
            format!(
                r#""identifier":"db-{at}","engine":"postgres","engine_version":"16.4","instance_class":"db.t4g.medium","allocated_storage":100,"multi_az":true,"storage_encrypted":true,"kms_key_id":null"#
            ),
        ),
        _ => (
            "aws_route53_record",
            format!(
                r#""name":"r{at}.clinic.example","type":"A","ttl":300,"records":["192.0.2.{}"],"zone_id":"Z{at:010}","alias":[],"set_identifier":null"#,
                at % 256
            ),
        ),
    };
    (kind, if shape == Shape::Full { format!("{own},{EMPTY}") } else { own })
}

/// A tree of root modules with a shared local module, written anew; says how many lines it has.
fn terraform_tree(folder: &PathBuf) -> Result<usize, String> {
    let failed = |error: std::io::Error| error.to_string();
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(failed)?;
    }
    let mut lines = 0;
    let mut write = |path: PathBuf, text: String| -> Result<usize, String> {
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        lines += text.lines().count();
        std::fs::write(path, text).map_err(failed)?;
        Ok(lines)
    };
    write(folder.join("modules/store/main.tf"), MODULE.to_owned())?;
    let mut number = 0;
    while write(folder.join(format!("stacks/s{number}/main.tf")), stack(number))? < TREE_LINES {
        number += 1;
    }
    Ok(lines)
}

const MODULE: &str = r#"variable "name" {
  type = string
}

variable "tags" {
  type    = map(string)
  default = {}
}

resource "aws_kms_key" "this" {
  description             = "key of ${var.name}"
  deletion_window_in_days = 10
  enable_key_rotation     = true
}

resource "aws_s3_bucket" "this" {
  bucket = "clinic-${var.name}"
  tags   = merge(var.tags, { name = var.name })
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    apply_server_side_encryption_by_default {
      kms_master_key_id = aws_kms_key.this.arn
      sse_algorithm     = "aws:kms"
    }
  }
}

output "bucket" {
  value = aws_s3_bucket.this.id
}
"#;

fn stack(number: usize) -> String {
    let mut text = format!(
        r#"terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }}
  }}
  backend "s3" {{
    bucket = "state"
    key    = "s{number}.tfstate"
    region = "eu-west-1"
  }}
}}

variable "region" {{
  type    = string
  default = "eu-west-1"
}}

variable "names" {{
  type    = list(string)
  default = ["a", "b", "c"]
}}

locals {{
  prefix = "s{number}"
  tags   = {{ for name in var.names : name => "${{local.prefix}}-${{name}}" }}
}}

provider "aws" {{
  region = var.region
  default_tags {{
    tags = local.tags
  }}
}}

module "store" {{
  source   = "../../modules/store"
  for_each = toset(var.names)
  name     = "${{local.prefix}}-${{each.key}}"
  tags     = local.tags
}}
"#
    );
    for at in 0..8 {
        let _ = write!(
            text,
            r#"
resource "aws_instance" "vm{at}" {{
  count         = length(var.names)
  ami           = "ami-{at:08x}"
  instance_type = "m5.large"
  tags          = merge(local.tags, {{ index = count.index }})

  root_block_device {{
    encrypted   = true
    volume_size = 50
  }}
}}

resource "aws_security_group" "sg{at}" {{
  name = format("%s-%02d", local.prefix, {at})

  dynamic "ingress" {{
    for_each = [443, 8443]
    content {{
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = [cidrsubnet("10.0.0.0/8", 8, {at})]
    }}
  }}
}}

resource "aws_route53_record" "r{at}" {{
  zone_id = "Z123"
  name    = "vm{at}.clinic.example"
  type    = "A"
  ttl     = 300
  records = [for vm in aws_instance.vm{at} : vm.private_ip]
}}
"#
        );
    }
    text
}

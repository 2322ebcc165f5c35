use super::*;
use crate::limits::MAX_INSTANCES;

const SAMPLE: &str = r#"terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
  backend "s3" { bucket = "b" }
}
variable "n" { default = { a = ["x", 1] } }
locals {
  all = { for k, v in var.n : k => "${k}-%{ if true }${v[0]}%{ endif }" if k != "" }
}
provider "aws" {
  region = try(var.n.r, "eu-west-1")
}
resource "aws_s3_bucket" "b" {
  for_each = local.all
  bucket   = <<-EOT
    ${each.key}
  EOT
  dynamic "rule" {
    for_each = [1, 2]
    content { id = rule.value + 1 }
  }
}
module "m" {
  source = "./m"
  x      = aws_s3_bucket.b["a"].arn
}
"#;

fn codes(facts: &Facts) -> Vec<(&str, u32)> {
    facts.diagnostics.iter().map(|found| (found.code, found.line)).collect()
}

#[test]
fn truncated_and_mutated_files_are_read_as_far_as_they_go() {
    assert!(codes(&read_tree(&[("a.tf", SAMPLE)])).iter().all(|(code, _)| *code == "D008"));
    for end in 0..SAMPLE.len() {
        read_tree(&[("a.tf", SAMPLE.get(..end).unwrap())]);
    }
    for letter in ["{", "}", "\"", "${", "%{", "\n", "<<X\n", "(", "]", "\u{0}", "é", "/*", "..."] {
        for at in (0..SAMPLE.len()).step_by(2) {
            let (before, after) = SAMPLE.split_at(at);
            read_tree(&[("a.tf", &format!("{before}{letter}{after}"))]);
            read_tree(&[("a.tf", &format!("{before}{letter}{}", after.get(1..).unwrap()))]);
        }
    }
}

#[test]
fn a_broken_block_leaves_the_others() {
    let text = "resource \"aws_s3_bucket\" \"a\" {\n  bucket = \n}\n\nresource \"aws_s3_bucket\" \"b\" {\n}\n";
    let facts = read_tree(&[("a.tf", text)]);
    assert_eq!(codes(&facts), [("D004", 2)]);
    assert!(facts.find("tf:.#aws_s3_bucket.a").is_some() && facts.find("tf:.#aws_s3_bucket.b").is_some());
    let cut = "resource \"aws_s3_bucket\" \"a\" {\n  bucket = \"x\"\n";
    assert!(read_tree(&[("a.tf", cut)]).find("tf:.#aws_s3_bucket.a").is_some());
}

#[test]
fn what_is_no_text_is_said() {
    let mut files = Files::new();
    files.insert("a.tf", &b"\x00\xff"[..]);
    files.insert("b.tf.json", &b"{"[..]);
    let facts = read(&files, &["a.tf", "b.tf.json"]);
    assert_eq!(facts.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["D002", "D004"]);
}

#[test]
fn nesting_has_a_limit() {
    let deep = |open: &str, close: &str, count: usize| {
        let text = format!("locals {{\n  a = {}1{}\n}}\n", open.repeat(count), close.repeat(count));
        read_tree(&[("a.tf", &text)]).diagnostics.first().map(|found| found.code)
    };
    for (open, close) in [("[", "]"), ("(", ")"), ("{a=", "}"), ("-", ""), ("!", ""), ("true ? 1 : ", ""), ("f(", ")")]
    {
        assert_eq!(deep(open, close, 100_000), Some("D005"), "{open}");
        assert_eq!(deep(open, close, MAX_DEPTH / 4), None, "{open}");
    }
    assert_eq!(deep("\"${", "}\"", 10_000), Some("D005"));
    let directives =
        format!("locals {{\n  a = \"{}{}\"\n}}\n", "%{ if true }".repeat(10_000), "%{ endif }".repeat(10_000));
    assert_eq!(codes(&read_tree(&[("a.tf", &directives)])), [("D005", 2)]);
    assert_eq!(deep("1 + ", "", 100_000), Some("D004"));
    let blocks = format!("a {{\n{}", "b {\n".repeat(100_000));
    assert_eq!(codes(&read_tree(&[("a.tf", &blocks)])).first().map(|(code, _)| *code), Some("D005"));
}

#[test]
fn long_chains_and_doubling_end() {
    let mut chain = String::from("locals {\n  a0 = 1\n  t0 = \"xxxxxxxxxxxxxxxx\"\n  d0 = [1, 2]\n");
    for at in 1..5_000 {
        chain.push_str(&format!("  a{at} = max(local.a{}, [for x in [1] : x + 1]...)\n", at - 1));
        chain.push_str(&format!("  t{at} = \"${{local.t{0}}}${{local.t{0}}}\"\n", at - 1));
        chain.push_str(&format!("  d{at} = [local.d{0}, local.d{0}]\n", at - 1));
    }
    chain.push_str("}\nresource \"aws_instance\" \"x\" {\n  count = local.a4999\n  tags = { a = local.t4999, b = ");
    chain.push_str("jsonencode(flatten(local.d4999)) }\n}\nresource \"aws_instance\" \"y\" {\n  tags = { b = ");
    chain.push_str("jsonencode(flatten(local.d40)), c = local.t18 }\n}\n");
    let facts = read_tree(&[("a.tf", &chain)]);
    assert!(facts.unresolved.iter().any(|unresolved| unresolved.message.contains("too many others")));
}

#[test]
fn long_ways_through_resources_and_modules_end() {
    // The last one stands first, so that nothing is known when it is asked for.
    let mut resources =
        String::from("resource \"aws_instance\" \"last\" {\n  count = aws_instance.r2999.b[0].c[0].d[0]\n}\n");
    let mut calls = String::from("module \"m0\" {\n  source = \"./m\"\n  x = 1\n}\n");
    for at in (1..3_000).rev() {
        let last = at - 1;
        resources.push_str(&format!(
            "resource \"aws_instance\" \"r{at}\" {{\n  b {{\n    c {{\n      d = [for x in [0] : \"${{aws_instance.r{last}.b[0].c[0].d[x]}}\"]\n    }}\n  }}\n}}\n"
        ));
        calls.push_str(&format!("module \"m{at}\" {{\n  source = \"./m\"\n  x = module.m{last}.y\n}}\n"));
    }
    calls.push_str("resource \"aws_instance\" \"m\" {\n  count = module.m2999.y\n}\n");
    let module =
        "variable \"x\" {\n  type = number\n}\nlocals {\n  z = var.x\n}\noutput \"y\" {\n  value = local.z\n}\n";
    let facts = read_tree(&[("r/a.tf", &resources), ("a.tf", &calls), ("m/a.tf", module)]);
    let given_up = facts.unresolved.iter().filter(|unresolved| unresolved.message.contains("too many others"));
    assert_eq!(given_up.count(), 2);
}

#[test]
fn modules_that_call_each_other_end() {
    let facts = read_tree(&[
        ("a/main.tf", "module \"b\" {\n  source = \"../b\"\n}\n"),
        ("b/main.tf", "module \"a\" {\n  source = \"../a\"\n}\nresource \"aws_instance\" \"x\" {}\n"),
        ("c/main.tf", "module \"c\" {\n  source = \"./\"\n}\nresource \"aws_instance\" \"x\" {}\n"),
    ]);
    assert_eq!(codes(&facts), [("D007", 1), ("D007", 1)]);
    assert!(facts.find("tf:a#module.b.aws_instance.x").is_some());
    assert!(facts.find("tf:c#aws_instance.x").is_some());
}

#[test]
fn modules_that_double_meet_a_limit() {
    let mut files: Vec<(String, String)> = Vec::new();
    for at in 0..30 {
        let call = |name: &str| format!("module \"{name}\" {{\n  source = \"../m{}\"\n}}\n", at + 1);
        files.push((format!("m{at}/main.tf"), call("a") + &call("b")));
    }
    files.push(("m30/main.tf".into(), "resource \"aws_instance\" \"x\" {}\n".into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert!(codes(&read_tree(&files)).iter().any(|(code, _)| *code == "D006"));
}

#[test]
fn an_endless_expression_spoils_no_other() {
    let slow = "jsonencode([for x in range(1000) : [for y in range(1000) : [for z in range(1000) : z]]])";
    let text = format!(
        "resource \"aws_instance\" \"a\" {{\n  availability_zone = {slow}\n}}\nresource \"aws_instance\" \"b\" {{\n  \
         availability_zone = lower(\"EU-1\")\n}}\n"
    );
    let facts = read_tree(&[("a.tf", &text)]);
    let told: Vec<&str> = facts.unresolved.iter().map(|unresolved| unresolved.message.as_str()).collect();
    assert_eq!(told.iter().filter(|message| message.contains("too many steps")).count(), 1, "{told:?}");
    let place = facts.components[facts.find("tf:.#aws_instance.b").unwrap() as usize].place.clone();
    assert_eq!(place.and_then(|place| place.region).as_deref(), Some("eu-1"));
}

#[test]
fn many_instances_become_one() {
    let text = format!("resource \"aws_instance\" \"x\" {{\n  count = {}\n}}\n", MAX_INSTANCES + 1);
    let facts = read_tree(&[("a.tf", &text)]);
    assert!(facts.find("tf:.#aws_instance.x[*]").is_some());
    assert!(facts.unresolved.iter().any(|unresolved| unresolved.message.contains("10001 instances")));
}

#[test]
fn the_order_of_files_changes_nothing() {
    let other = "resource \"aws_sqs_queue\" \"q\" {\n  kms_master_key_id = aws_kms_key.k.id\n}\nresource \"aws_kms_key\" \"k\" {}\n";
    let mut files = Files::new();
    files.insert("a.tf", SAMPLE.as_bytes());
    files.insert("z/b.tf", other.as_bytes());
    files.insert("m/c.tf", other.as_bytes());
    let one = shown(&read(&files, &["a.tf", "z/b.tf", "m/c.tf"]));
    assert_eq!(one, shown(&read(&files, &["m/c.tf", "z/b.tf", "a.tf", "a.tf"])));
}

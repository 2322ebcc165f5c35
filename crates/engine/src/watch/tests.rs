use super::*;
use allod_evidence::Look;
use allod_evidence::watch::{line, moment};
use std::fmt::Write;

const RULES: &str = "version: 1\nrules:\n  home: { layer: storage, must: { be_in: EU } }\n";
const MAIN: &str = "provider \"aws\" {\n  region = \"eu-central-1\"\n}\nresource \"aws_s3_bucket\" \"logs\" {\n  bucket = \"logs\"\n}\n";

struct Trees {
    folder: tempfile::TempDir,
}

impl Trees {
    fn new(files: &[(&str, &str)]) -> Trees {
        let trees = Trees { folder: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(path, text)| trees.write(path, text));
        trees
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn bucket(region: &str) -> String {
    format!(
        "{{\"version\":4,\"terraform_version\":\"1.9.0\",\"serial\":3,\"lineage\":\"x\",\"outputs\":{{}},\"resources\":[\n{{\"mode\":\"managed\",\"type\":\"aws_s3_bucket\",\"name\":\"logs\",\"provider\":\"provider[\\\"registry.terraform.io/hashicorp/aws\\\"]\",\"instances\":[{{\"attributes\":{{\"bucket\":\"logs\",\"region\":\"{region}\"}}}}]}}]}}"
    )
}

fn day() -> Date {
    Date::parse("2026-11-24").unwrap()
}

/// What is done, with its name.
type Step<'a> = (&'a str, &'a dyn Fn(&Trees));

/// The lines that the steps of a script make. Each happens a minute after the one before.
fn script(steps: &[Step<'_>]) -> String {
    let trees = Trees::new(&[
        ("repo/main.tf", MAIN),
        ("repo/rules/a.yaml", RULES),
        ("repo/allod.yaml", "version: 1\nhome: [EU]\n"),
        ("run/terraform.tfstate", &bucket("eu-central-1")),
    ]);
    let register = Register::builtin().unwrap();
    let options =
        WatchOptions { running: vec![trees.path("run")], allowed: vec![trees.path("repo")], ..WatchOptions::default() };
    let source = RunningFiles::new(&options.running, &register);
    let mut rounds = Rounds::new(Watch::new(options, Box::new(source), &register));
    let mut out = String::new();
    for (at, (name, step)) in (0_u64..).zip(steps) {
        step(&trees);
        let _ = writeln!(out, "# {name}");
        let look = Look { width: 80, colour: false };
        let mut log = |event: &Event<'_>| out.push_str(&line(event, look));
        match rounds.round(1_795_000_000 + 60 * at, day(), &mut log) {
            Ok(state) => {
                let outcome = state.outcome();
                let _ = writeln!(out, "{outcome:?}");
            }
            Err(error) => _ = writeln!(out, "error: {error}"),
        }
    }
    out.replace(&trees.folder.path().display().to_string(), "")
}

use allod_evidence::watch::Event;

#[test]
fn a_drift_begins_changes_and_ends() {
    let text = script(&[
        ("as allowed", &|_| {}),
        ("nothing new", &|_| {}),
        ("the bucket moves", &|trees| trees.write("run/terraform.tfstate", &bucket("us-east-1"))),
        ("it moves on", &|trees| trees.write("run/terraform.tfstate", &bucket("ap-northeast-1"))),
        ("the repository follows", &|trees| {
            trees.write("repo/main.tf", &MAIN.replace("eu-central-1", "ap-northeast-1"));
        }),
        ("both come back", &|trees| {
            trees.write("repo/main.tf", MAIN);
            trees.write("run/terraform.tfstate", &bucket("eu-central-1"));
        }),
        ("the resource is gone", &|trees| {
            trees.write("run/terraform.tfstate", &bucket("eu-central-1").replace("aws_s3_bucket", "aws_sqs_queue"))
        }),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn what_cannot_be_seen_or_judged_is_never_well() {
    let text = script(&[
        ("as allowed", &|_| {}),
        ("a drift", &|trees| trees.write("run/terraform.tfstate", &bucket("us-east-1"))),
        ("the state is gone", &|trees| std::fs::remove_dir_all(trees.path("run")).unwrap()),
        ("still gone", &|_| {}),
        ("it is back", &|trees| trees.write("run/terraform.tfstate", &bucket("eu-central-1"))),
        ("it is half written", &|trees| {
            trees.write("run/terraform.tfstate", "{\"version\":4,\"terraform_version\":\"1.9.0\",\"resources\":[{\"mo")
        }),
        ("whole again", &|trees| trees.write("run/terraform.tfstate", &bucket("eu-central-1"))),
        ("a drift", &|trees| trees.write("run/terraform.tfstate", &bucket("us-east-1"))),
        ("half written again", &|trees| {
            trees.write("run/terraform.tfstate", "{\"version\":4,\"terraform_version\":\"1.9.0\",\"resources\":[{\"mo")
        }),
        ("the drift was there all the time", &|trees| trees.write("run/terraform.tfstate", &bucket("us-east-1"))),
        ("broken rules, and a drift", &|trees| {
            trees.write("repo/rules/a.yaml", "version: 1\nrules: [");
            trees.write("run/terraform.tfstate", &bucket("us-east-1"));
        }),
        ("rules again", &|trees| trees.write("repo/rules/a.yaml", RULES)),
        ("no rules", &|trees| std::fs::remove_dir_all(trees.path("repo/rules")).unwrap()),
        ("other rules", &|trees| trees.write("repo/rules/b.yaml", &RULES.replace("EU", "[US]"))),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn moments_are_told_in_utc() {
    for (at, expect) in
        [(0, "1970-01-01T00:00:00Z"), (86_399, "1970-01-01T23:59:59Z"), (1_795_000_000, "2026-11-18T11:06:40Z")]
    {
        assert_eq!(moment(at), expect);
    }
}

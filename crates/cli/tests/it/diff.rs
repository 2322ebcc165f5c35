//! `allod diff` as a user runs it.

use super::{allod, code, root, text, tree};
use serde_json::Value;
use std::path::Path;

const COLLECTOR: &str = "examples/clinic/telemetry/collector.yaml";

pub fn collector() -> String {
    std::fs::read_to_string(root().join(COLLECTOR)).unwrap()
}

/// The collector, with a second exporter.
pub fn collector_with(host: &str) -> String {
    let exporter = format!("      otlphttp/two:\n        endpoint: https://{host}:4318\n");
    let added = collector()
        .replace("          key: ${env:DD_API_KEY}\n", &format!("          key: ${{env:DD_API_KEY}}\n{exporter}"))
        .replace("exporters: [datadog]", "exporters: [datadog, otlphttp/two]");
    assert_ne!(added, collector());
    format!("# one line more\n{added}")
}

pub fn diff(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = allod(&[&["diff"], args].concat(), folder);
    (code(&output), text(&output.stdout), text(&output.stderr))
}

pub fn diff_json(folder: &Path, args: &[&str]) -> (i32, Value) {
    let (code, out, err) = diff(folder, &[args, &["--format", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

#[test]
fn what_a_new_exporter_gives() {
    let folder = tree(&[
        ("before/telemetry/collector.yaml", &collector()),
        ("before/web/Dockerfile", "FROM node:22-bookworm-slim\n"),
        ("after/telemetry/collector.yaml", &collector_with("api.newrelic.com")),
        ("after/web/Dockerfile", "FROM node:23-bookworm-slim\n"),
    ]);
    let mut shown = String::new();
    for (args, expect) in [
        (&["before", "after"][..], 1),
        (&["after", "before"], 0),
        (&["before", "after", "--format", "markdown"], 1),
        (&["before", "after", "--exit-zero"], 0),
        (&["before", "before"], 0),
    ] {
        let (code, out, err) = diff(folder.path(), args);
        assert_eq!(code, expect, "{args:?}: {out}{err}");
        shown += &format!("$ allod diff {}\n{out}\n", args.join(" "));
    }
    assert!(!shown.contains('\u{1b}'), "no colour when it is no terminal");
    insta::assert_snapshot!("diff_exporter", shown);
}

#[test]
fn exit_codes_of_a_diff() {
    let check = |before: &str, after: &str, args: &[&str], expect: i32| {
        let folder = tree(&[("a/x.env", before), ("b/x.env", after)]);
        let (code, out, err) = diff(folder.path(), &[&["a", "b"], args].concat());
        assert_eq!(code, expect, "{before} {after} {args:?}\n{out}{err}");
    };
    let home = "MISTRAL_URL=https://api.mistral.ai/v1\n";
    let foreign = "MISTRAL_URL=https://api.mistral.ai/v1\nLOGS_URL=https://api.datadoghq.eu/v1\n";
    let unknown = "MISTRAL_URL=https://api.mistral.ai/v1\nAPI_URL=https://api.nobody-knows-this.io/v1\n";
    check(home, foreign, &[], 1);
    check(foreign, home, &[], 0);
    check(foreign, foreign, &[], 0);
    check(home, foreign, &["--home", "EU,US"], 0);
    check(foreign, &format!("\n\n{foreign}"), &["--fail-on-unknown"], 0);
    check(home, unknown, &[], 0);
    check(home, unknown, &["--fail-on-unknown"], 1);
    check(unknown, home, &["--fail-on-unknown"], 0);
    check(home, foreign, &["--exit-zero", "--fail-on-unknown"], 2);
    check(home, foreign, &["--home", "Europe"], 2);
    check(home, foreign, &["--since", "HEAD"], 2);
    check(home, foreign, &["third"], 2);
}

#[test]
fn the_json_of_a_diff_is_what_its_schema_says() {
    let schema = std::fs::read_to_string(root().join("schemas/allod.diff.1.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let folder = tree(&[
        ("before/telemetry/collector.yaml", &collector()),
        ("before/infra/main.tf", "resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"x\"\n  region = \"eu-west-1\"\n}\n"),
        (
            "before/old/app.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: nginx}]}\n",
        ),
        ("after/telemetry/collector.yaml", &collector_with("api.nobody-knows-this.io")),
        ("after/infra/main.tf", "resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"x\"\n  region = \"us-east-1\"\n}\n"),
        (
            "after/new/app.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: nginx}]}\n",
        ),
        ("after/broken.tf", "resource \"aws_s3_bucket\" \"x\" {\n  bucket = \n"),
    ]);
    let mut diffs = Vec::new();
    for args in [["before", "after"], ["after", "before"], ["before", "before"]] {
        let (_, value) = diff_json(folder.path(), &args);
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        diffs.push(value);
    }
    let [forth, back, none] = diffs.as_slice() else { panic!() };
    let list = |value: &Value, name: &str| value[name].as_array().unwrap().len();
    assert_eq!((list(none, "gained"), list(none, "lost")), (0, 0));
    assert_eq!(list(forth, "renamed"), 1, "{forth:#}");
    assert!(list(forth, "locations") > 0 && list(forth, "gained") > 0, "{forth:#}");
    assert_eq!(forth["diagnostics"]["gained"][0]["path"], Value::Null);
    assert_eq!(forth["diagnostics"]["gained"][0]["seen"]["path"], "broken.tf");
    for (one, other) in [("gained", "lost"), ("lost", "gained")] {
        for (a, b) in forth[one].as_array().unwrap().iter().zip(back[other].as_array().unwrap()) {
            assert_eq!((&a["powers"], &a["cause"]["component"]), (&b["powers"], &b["cause"]["component"]));
        }
        assert_eq!(list(forth, one), list(back, other));
    }
}

#[test]
fn a_saved_audit_is_as_good_as_its_tree() {
    let folder = tree(&[("b/telemetry/collector.yaml", &collector_with("api.newrelic.com"))]);
    let clinic = root().join("examples/clinic");
    let clinic = clinic.to_str().unwrap();
    for (path, name) in [(clinic, "a.json"), ("b", "b.json")] {
        assert_eq!(code(&allod(&["audit", path, "--format", "json", "--output", name], folder.path())), 1);
    }
    let without_names = |mut value: Value| {
        value["before"].take();
        value["after"].take();
        value
    };
    let (code, trees) = diff_json(folder.path(), &[clinic, "b"]);
    assert!(trees["lost"].as_array().unwrap().len() > 5, "{trees:#}");
    for pair in [["a.json", "b.json"], [clinic, "b.json"], ["a.json", "b"]] {
        let (other, saved) = diff_json(folder.path(), &pair);
        assert_eq!((other, without_names(saved)), (code, without_names(trees.clone())), "{pair:?}");
    }
    // Any order of anything, as another tool may write it.
    let mut turned: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("a.json")).unwrap()).unwrap();
    for list in turned.as_object_mut().unwrap().values_mut().filter_map(Value::as_array_mut) {
        list.reverse();
    }
    std::fs::write(folder.path().join("turned.json"), format!("\n {turned}")).unwrap();
    let (_, saved) = diff_json(folder.path(), &["turned.json", "b.json"]);
    assert_eq!(without_names(saved), without_names(trees));
    assert!(diff(folder.path(), &["turned.json", clinic]).1.contains("nothing changed"));
}

#[test]
fn saved_audits_that_cannot_be_used() {
    let folder = tree(&[("a/x.env", "MISTRAL_URL=https://api.mistral.ai/v1\n")]);
    let save =
        |args: &[&str]| text(&allod(&[&["audit", "a", "--format", "json"], args].concat(), folder.path()).stdout);
    let whole = save(&[]);
    let mut shown = String::new();
    for (name, bytes) in [
        ("version", whole.replace("allod.audit/1", "allod.audit/2")),
        ("kind", whole.replace("allod.audit/1", "allod.diff/1")),
        ("cut", whole.chars().take(whole.len() / 2).collect()),
        ("nearly", whole.chars().take(whole.len() - 3).collect()),
        ("part", save(&["--only", "dns"])),
        ("no-home", whole.replace("\"EU\"", "\"XX\"")),
        ("shape", whole.replacen("\"line\": 1", "\"line\": -1", 1)),
        ("role", whole.replacen("\"role\": \"provided\"", "\"role\": \"strange\"", 1)),
        ("layer", whole.replacen("\"layer\": \"", "\"layer\": \"x", 1)),
        ("country", whole.replacen("\"jurisdiction\": \"FR\"", "\"jurisdiction\": \"France\"", 1)),
        ("nowhere", whole.replacen("\"component\": \"host:", "\"component\": \"nohost:", 1)),
    ] {
        let file = format!("{name}.json");
        assert_ne!(bytes, whole, "{name}");
        std::fs::write(folder.path().join(&file), bytes).unwrap();
        // Whichever side it is on.
        for args in [["a", &file], [&file, "a"]] {
            let (code, out, err) = diff(folder.path(), &args);
            assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
            assert!(err.starts_with("error[E005]: ") && err.contains("\nhint: "), "{args:?}: {err}");
            if args[1] == "a" {
                // Where in the file it broke changes with every field that an audit gets.
                shown += &err
                    .lines()
                    .map(|line| format!("{}\n", line.split(" at line ").next().unwrap()))
                    .collect::<String>();
            }
        }
    }
    // JSON that is something else is audited as a file.
    std::fs::write(folder.path().join("package.json"), "{\"name\": \"x\", \"schema\": \"none\"}").unwrap();
    assert_eq!(diff(folder.path(), &["package.json", "package.json"]).0, 0);
    // The home of a saved audit is that of both sides; two of them, or one and another `--home`, contradict.
    std::fs::write(folder.path().join("home.json"), save(&["--home", "LU"])).unwrap();
    std::fs::write(folder.path().join("whole.json"), &whole).unwrap();
    assert!(diff(folder.path(), &["home.json", "a"]).1.contains("home: LU"));
    assert_eq!(diff(folder.path(), &["home.json", "a", "--home", "LU"]).0, 0);
    for args in [&["home.json", "whole.json"][..], &["home.json", "a", "--home", "EU"]] {
        let (code, _, err) = diff(folder.path(), args);
        assert_eq!(code, 2, "{args:?}");
        shown += &err;
    }
    insta::assert_snapshot!("diff_bad_saved", shown);
}

#[test]
fn a_comment_is_never_too_long() {
    let hosts: String = (0..3_000).map(|n| format!("A{n}_URL=https://a{n}.{}.io/v1\n", "nobody".repeat(8))).collect();
    let folder = tree(&[("a/x.env", "MISTRAL_URL=https://api.mistral.ai/v1\n"), ("b/x.env", &hosts)]);
    let (_, out, _) = diff(folder.path(), &["a", "b", "--format", "markdown"]);
    // What GitHub takes; and enough of it is used.
    assert!((50_000..65_536).contains(&out.chars().count()), "{}", out.chars().count());
    assert!(out.trim_end().ends_with("`allod diff` shows them."), "{:?}", out.lines().last());
    let (_, out, _) = diff(folder.path(), &["a", "b"]);
    assert!(out.lines().count() < 200 && out.contains("more: --verbose shows all"), "{out}");
    let (_, all, _) = diff(folder.path(), &["a", "b", "--verbose"]);
    assert!(all.contains("a2999.") && !all.contains("--verbose"));
}

#[test]
fn the_parts_that_lead_to_a_new_host_say_so() {
    let compose = |service: &str| format!("services:\n  old:\n    image: nginx\n{service}");
    let folder = tree(&[
        ("a/compose.yaml", &compose("")),
        (
            "b/compose.yaml",
            &compose("  new:\n    image: nginx\n    environment:\n      LOGS_URL: https://api.newrelic.com/v1\n"),
        ),
    ]);
    let (code, out, _) = diff(folder.path(), &["a", "b"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("diff_through", out);
}

#[test]
fn names_from_files_are_no_markup() {
    let before = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {\"allod/data\": a}}\nspec: {containers: [{name: a, image: nginx}]}\n";
    let after =
        before.replace("name: a,", "name: a, env: [{name: U, value: \"https://api.datadoghq.com/`<b>@all|x`\"}],");
    let folder = tree(&[("a/x.yaml", before), ("b/`<img src=x>@all.yaml", &after)]);
    let (_, out, _) = diff(folder.path(), &["a", "b", "--format", "markdown"]);
    // What stands outside of code has nothing of it.
    for line in out.lines() {
        let prose: String = line.split('`').step_by(2).collect();
        assert!(line.matches('`').count() % 2 == 0 && !prose.contains("<img") && !prose.contains("@all"), "{line}");
    }
    assert!(out.contains("<img src=x>@all.yaml"), "{out}");
}

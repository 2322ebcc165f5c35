//! `allod check`: what the rules say of a tree, in each format.

use super::*;

const TODAY: [&str; 2] = ["--today", "2026-11-24"];

fn check(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = allod(&[&["check"], args, &TODAY].concat(), folder);
    (code(&output), text(&output.stdout), text(&output.stderr))
}

fn value(folder: &Path, args: &[&str]) -> Value {
    let (code, out, err) = check(folder, &[args, &["--format", "json", "--quiet"]].concat());
    assert!(code < 2, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

pub fn validator(name: &str) -> jsonschema::Validator {
    let schema = std::fs::read_to_string(root().join(format!("schemas/allod.{name}.1.json"))).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
}

pub fn is_valid(validator: &jsonschema::Validator, value: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).take(5).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

const AFTER: [&str; 3] = ["examples/clinic-after", "--rules", "examples/clinic/rules"];

/// A stack, an organisation and its rules: two buckets in the wrong place, one of them excepted.
fn small() -> tempfile::TempDir {
    tree(&[
        ("main.tf", BUCKET),
        ("allod.yaml", "version: 1\nhome: [EU]\ndata:\n  patient: { address: aws_s3_bucket.records }\n"),
        ("rules/a.yaml", RULES),
    ])
}

const BUCKET: &str = "provider \"aws\" {\n  region = \"us-east-1\"\n}\nresource \"aws_s3_bucket\" \"records\" {\n  bucket = \"records\"\n}\nresource \"aws_s3_bucket\" \"assets\" {\n  bucket = \"assets\"\n}\n";
const MORE: &str = "resource \"aws_s3_bucket\" \"more\" {\n  bucket = \"more\"\n}\n";
const RULES: &str = "version: 1\nrules:\n  here:\n    why: <the law> & \"more\"\n    layer: storage\n    must: { be_in: EU }\n  ours: { severity: warn, data: patient, must: { keys: ours } }\n  mail: { layer: mail, must: { be_in: EU } }\nexceptions:\n  - { rule: here, component: \"*.assets\", until: 2026-12-31, by: me, why: it moves }\n  - { rule: here, component: old, until: 2026-01-31, by: me, why: it moved }\n";

#[test]
fn what_the_rules_say_of_the_clinic() {
    let (code, out, err) = check(&root(), &["examples/clinic"]);
    assert_eq!((code, err.as_str()), (1, ""));
    for line in out.lines() {
        assert!(line.chars().count() <= 80 || line.trim_start().split(' ').count() <= 2, "{line}");
    }
    assert!(!out.contains('\u{1b}'), "no colour when it is no terminal");
    insta::assert_snapshot!("check_clinic", out);
    let (code, out, _) = check(&root(), &AFTER);
    insta::assert_snapshot!("check_clinic_after", out);
    assert_eq!(code, 0);
}

#[test]
fn the_json_of_a_check_is_what_its_schema_says() {
    let validator = validator("check");
    let folder = small();
    std::fs::write(folder.path().join("broken.tf"), "resource \"aws_s3_bucket\" \"x\" {\n  bucket = \n").unwrap();
    let checks = [
        value(&root(), &["examples/clinic"]),
        value(&root(), &AFTER),
        value(folder.path(), &[]),
        value(folder.path(), &["--allow-unread"]),
    ];
    checks.iter().for_each(|one| is_valid(&validator, one));
    let [clinic, after, broken, unread] = &checks;
    assert_eq!((&clinic["allowed"], &after["allowed"]), (&Value::from(false), &Value::from(true)));
    let rules = |value: &Value| -> BTreeSet<String> {
        value["violations"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
    };
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(rules(broken), named(&["allod/readable", "here", "ours"]));
    assert_eq!(rules(unread), named(&["here", "ours"]));
    // Each violation stands in a file of the tree, and its rule in a file of rules.
    for one in clinic["violations"].as_array().unwrap() {
        assert!(root().join("examples/clinic").join(one["evidence"]["path"].as_str().unwrap()).is_file(), "{one}");
        let rule = &one["rule_at"];
        let file = std::fs::read_to_string(root().join(rule["path"].as_str().unwrap())).unwrap();
        assert!(file.lines().nth(rule["line"].as_u64().unwrap() as usize - 1).is_some(), "{one}");
    }
}

#[test]
fn exit_codes_of_a_check() {
    let run = |files: &[(&str, &str)], args: &[&str], expect: i32| {
        let folder = tree(files);
        let (code, out, err) = check(folder.path(), args);
        assert_eq!(code, expect, "{args:?}\n{out}{err}");
        assert!(expect != 2 || out.is_empty() && err.starts_with("error["), "{out}{err}");
        err
    };
    let rule = |text: &str| format!("version: 1\nrules:\n  here: {{ {text}must: {{ be_in: EU }} }}\n");
    let (deny, warn) = (rule(""), rule("severity: warn, "));
    let with =
        |rules: &str, args: &[&str], expect: i32| run(&[("main.tf", BUCKET), ("rules/a.yaml", rules)], args, expect);
    with(&deny, &[], 1);
    with(&deny, &["--exit-zero"], 0);
    with(&warn, &[], 0);
    with(&deny.replace("EU", "US"), &[], 0);
    with(&deny.replace("EU", "home"), &[], 1);
    with(&deny.replace("EU", "home"), &["--home", "US"], 0);
    let denied = with(&deny, &["--format", "json"], 1);
    assert!(denied.contains("the rules say no"), "{denied}");
    // A gate without sound rules lets nothing through.
    run(&[("main.tf", BUCKET)], &[], 2);
    with("version: 1\n", &[], 2);
    with(&deny.replace("be_in", "be_inn"), &[], 2);
    with(&deny.replace("version: 1", "version: 2"), &[], 2);
    with(&deny, &["--home", "Europe"], 2);
    with(&deny, &["--rules", "nowhere"], 2);
    with(&deny, &["--config", "nowhere.yaml"], 2);
    with(&deny, &["--baseline", "nowhere.json"], 2);
    with(&deny, &["--since", "HEAD"], 2);
    run(&[("rules/a.yaml", &deny)], &[], 2);
    let bad_day = allod(&["check", ".", "--today", "soon"], small().path());
    assert_eq!(code(&bad_day), 2);
    run(&[("main.tf", BUCKET), ("allod.yaml", "version: 1\ndata: [a]\n"), ("rules/a.yaml", &deny)], &[], 2);
    run(
        &[("main.tf", BUCKET), ("rules/a.yaml", &deny), ("rules/own.cedar", "forbid (principal, action, resource")],
        &[],
        2,
    );
}

#[test]
fn broken_rules_are_told_with_their_lines() {
    let rules = "version: 1\nrules:\n  here:\n    layer: storrage\n    must: { be_in: EU }\n  ours:\n    must: { keyz: ours }\nexceptions:\n  - { rule: here, component: a, until: 2027-02-30, by: me, why: so }\n";
    let folder = tree(&[("main.tf", BUCKET), ("rules/a.yaml", rules)]);
    let (code, out, err) = check(folder.path(), &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    insta::assert_snapshot!("check_broken_rules", err);
}

fn git(folder: &Path, args: &[&str]) {
    let done = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "commit.gpgsign=false",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{args:?}: {}", text(&done.stderr));
}

#[test]
fn only_what_is_new_since_a_revision() {
    let folder = small();
    let path = folder.path();
    git(path, &["init", "--quiet"]);
    git(path, &["add", "-A"]);
    git(path, &["commit", "--quiet", "-m", "first"]);
    assert_eq!(check(path, &[]).0, 1);
    assert_eq!(check(path, &["--since", "HEAD"]).0, 0);
    // A line more, and a new bucket: one is new, what moved is not.
    std::fs::write(path.join("main.tf"), format!("\n\n{BUCKET}{MORE}")).unwrap();
    let new = value(path, &["--since", "HEAD"]);
    is_valid(&validator("check"), &new);
    let components = |list: &Value| -> Vec<String> {
        let all = list.as_array().unwrap().iter().flat_map(|one| one["components"].as_array().unwrap());
        all.map(|one| one.as_str().unwrap().rsplit('#').next().unwrap().to_owned()).collect()
    };
    assert_eq!(components(&new["violations"]), ["aws_s3_bucket.more"]);
    assert_eq!(components(&new["before"]), ["aws_s3_bucket.records", "aws_s3_bucket.records"]);
    let (code, out, _) = check(path, &["--since", "HEAD"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("check_since", out);
    // A stricter rule is asked of both: what breaks it was there before.
    std::fs::write(path.join("main.tf"), BUCKET).unwrap();
    std::fs::write(path.join("rules/b.yaml"), "version: 1\nrules:\n  more: { must: { be_controlled_from: EU } }\n")
        .unwrap();
    assert_eq!(check(path, &["--since", "HEAD"]).0, 0);
    assert_eq!(check(path, &[]).0, 1);
}

#[test]
fn a_baseline_is_worked_off() {
    let folder = small();
    let path = folder.path();
    assert_eq!(check(path, &["--write-baseline", "old.json", "--exit-zero"]).0, 0);
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(path.join("old.json")).unwrap()).unwrap();
    is_valid(&validator("baseline"), &saved);
    assert!(saved["violations"].as_array().unwrap().len() >= 2, "{saved:#}");
    let (code, out, _) = check(path, &["--baseline", "old.json"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("there before (baseline old.json)"), "{out}");
    std::fs::write(path.join("main.tf"), format!("{BUCKET}{MORE}")).unwrap();
    let new = value(path, &["--baseline", "old.json"]);
    assert_eq!(new["violations"].as_array().unwrap().len(), 1, "{new:#}");
    // Written again with what was there before, it has both.
    assert_eq!(check(path, &["--baseline", "old.json", "--write-baseline", "new.json"]).0, 1);
    assert_eq!(check(path, &["--baseline", "new.json"]).0, 0);
    for broken in
        ["{", "[]", "{\"schema\": \"allod.baseline/2\", \"violations\": []}", "{\"schema\": \"allod.baseline/1\"}"]
    {
        std::fs::write(path.join("bad.json"), broken).unwrap();
        let (code, _, err) = check(path, &["--baseline", "bad.json"]);
        assert!(code == 2 && err.starts_with("error[E007]") && err.contains("hint: "), "{broken}: {err}");
    }
}

#[test]
fn formats_for_review() {
    let folder = small();
    let show = |format: &str| {
        let (code, out, _) = check(folder.path(), &["--format", format]);
        assert_eq!(code, 1);
        out
    };
    for format in ["github", "gitlab", "junit"] {
        insta::assert_snapshot!(format!("check_{format}"), show(format));
    }
    let sarif: Value = serde_json::from_str(&show("sarif")).unwrap();
    let run = &sarif["runs"][0];
    let rules: BTreeSet<&str> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    let mut suppressed = 0;
    for result in run["results"].as_array().unwrap() {
        assert!(rules.contains(result["ruleId"].as_str().unwrap()), "no rule for {result}");
        suppressed += usize::from(result.get("suppressions").is_some());
        for place in result["locations"].as_array().unwrap() {
            let uri = place["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            assert!(folder.path().join(uri).is_file(), "{result}");
        }
    }
    assert_eq!(suppressed, 1, "{sarif:#}");
    let gitlab: Value = serde_json::from_str(&show("gitlab")).unwrap();
    let marks: BTreeSet<&str> =
        gitlab.as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(marks.len(), gitlab.as_array().unwrap().len(), "fingerprints are unique");
}

#[test]
fn names_in_reports_are_text() {
    let name = "a]]>\u{1}\u{b}<b>%0A::error::x\n\u{fffe}&amp;";
    let quoted = serde_json::to_string(name).unwrap();
    let folder = tree(&[
        ("compose.yaml", &format!("services:\n  {quoted}:\n    image: nginx\n")),
        (
            "rules/a.yaml",
            &format!(
                "version: 1\nrules:\n  here: {{ why: {quoted}, must: {{ be_in: LU, audit: full, exit: tested }} }}\n"
            ),
        ),
    ]);
    let (code, junit, err) = check(folder.path(), &["--format", "junit"]);
    assert_eq!(code, 1, "{err}");
    // Characters that XML 1.0 does not have are no part of any XML.
    let bad = |letter: char| matches!(letter, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(!junit.contains(bad), "{junit:?}");
    assert!(!junit.contains("<b>") && junit.contains("&lt;b&gt;"), "{junit}");
    let github = check(folder.path(), &["--format", "github"]).1;
    for line in github.lines() {
        assert!(
            line.starts_with("::error ") || line.starts_with("::warning ") || line.starts_with("::notice "),
            "{line}"
        );
    }
}

#[test]
fn the_same_tree_gives_the_same_check() {
    for format in ["human", "json", "sarif", "junit"] {
        let first = check(&root(), &["examples/clinic", "--format", format]).1;
        assert!(check(&root(), &["examples/clinic", "--format", format]).1 == first, "{format}");
    }
}

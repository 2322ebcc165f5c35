//! `allod diff --since` against real repositories.

use super::{code, text, tree};
use crate::diff::{collector, collector_with, diff, diff_json};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn git(folder: &Path, args: &[&str]) {
    let user = ["-c", "user.name=Test", "-c", "user.email=test@clinic.example", "-c", "commit.gpgsign=false"];
    let output = Command::new("git")
        .args([&user[..], &["-c", "protocol.file.allow=always"], args].concat())
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", text(&output.stderr));
}

fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tree(files);
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "--message", "first"]);
    folder
}

#[test]
fn since_a_revision() {
    let env = "MISTRAL_URL=https://api.mistral.ai/v1\n";
    let folder = repository(&[
        ("telemetry/collector.yaml", &collector()),
        ("sub/folder/x.env", env),
        ("ignored/y.env", env),
        (".gitignore", "*.local.env\n"),
    ]);
    let path = folder.path();
    std::os::unix::fs::symlink("/etc", path.join("link")).unwrap();
    git(path, &["add", "--all"]);
    git(path, &["commit", "--quiet", "--message", "link"]);
    git(path, &["tag", "v1"]);
    let temporary = tempfile::tempdir().unwrap();
    let since = |folder: &Path, args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_allod"))
            .args([&["diff", "--format", "json", "--since"], args].concat())
            .current_dir(folder)
            .env("TMPDIR", temporary.path())
            .output()
            .unwrap();
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "the temporary folder is gone");
        let value: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        (code(&output), value)
    };
    let causes = |value: &Value, way: &str| -> Vec<String> {
        value[way]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["cause"]["component"].as_str().unwrap().to_owned())
            .collect()
    };
    let state = || {
        let output = Command::new("git").args(["status", "--porcelain"]).current_dir(path).output().unwrap();
        let index = std::fs::read(path.join(".git/index")).unwrap();
        (text(&output.stdout), index)
    };
    // Nothing changed; links in the tree are no change either.
    let (code, same) = since(path, &["HEAD"]);
    assert_eq!(
        (code, causes(&same, "gained"), same["diagnostics"]["gained"].as_array().unwrap().len()),
        (0, vec![], 0)
    );

    std::fs::write(path.join("telemetry/collector.yaml"), collector_with("api.newrelic.com")).unwrap();
    std::fs::write(path.join("secret.local.env"), "LOGS_URL=https://api.datadoghq.com/v1\n").unwrap();
    std::fs::write(path.join("sub/folder/x.env"), "MISTRAL_URL=https://api.mistral.ai/v2\n").unwrap();
    let before = state();
    let (code, gained) = since(path, &["v1"]);
    assert_eq!((code, causes(&gained, "gained")), (1, vec!["host:api.newrelic.com".to_owned()]), "{gained:#}");
    assert_eq!(gained["gained"][0]["cause"]["seen"]["path"], "telemetry/collector.yaml");
    assert_eq!(state(), before, "nothing in the repository was touched");
    // From a folder within, of a folder, of a file; and of one that nothing changed in.
    for (folder, args, expect) in [
        (path.join("sub"), &["HEAD", ".."][..], 1),
        (path.to_owned(), &["HEAD", "telemetry"], 1),
        (path.to_owned(), &["HEAD~0", "telemetry/collector.yaml"], 1),
        (path.join("sub"), &["HEAD", "folder"], 0),
        (path.join("sub/folder"), &["HEAD"], 0),
        (path.to_owned(), &["HEAD", "sub/folder/x.env"], 0),
    ] {
        let (code, value) = since(&folder, args);
        assert_eq!(code, expect, "{args:?}: {value:#}");
    }
    // A folder that is new since then, and one with nothing left to read.
    git(path, &["commit", "--quiet", "--all", "--message", "second"]);
    std::fs::create_dir(path.join("new")).unwrap();
    std::fs::write(path.join("new/z.env"), "LOGS_URL=https://api.datadoghq.com/v1\n").unwrap();
    assert_eq!(since(path, &["HEAD", "new"]).0, 1);
    std::fs::remove_file(path.join("ignored/y.env")).unwrap();
    let (code, lost) = since(path, &["HEAD", "ignored"]);
    assert_eq!((code, lost["lost"].as_array().unwrap().is_empty()), (0, false), "{lost:#}");
}

#[test]
fn the_overlay_of_each_revision_is_its_own() {
    let record = "entities:\n  partner: {name: Partner SA, country: LU}\nservices:\n  partner-api:\n    name: Partner API\n    layer: application\n    operator: partner\n    match: {domains: [partner-of-ours.io]}\n";
    let folder = repository(&[("x.env", "API_URL=https://api.partner-of-ours.io/v1\n"), ("register/own.yaml", record)]);
    std::fs::write(folder.path().join("register/own.yaml"), record.replace("country: LU", "country: US")).unwrap();
    let (code, value) = diff_json(folder.path(), &["--since", "HEAD"]);
    assert_eq!((code, &value["gained"][0]["cause"]["kind"]), (1, &Value::from("control-changed")), "{value:#}");
    assert_eq!(value["controllers"][0]["gained"][0]["country"], "US");
}

#[test]
fn a_submodule_is_read_at_the_commit_of_the_revision() {
    let inner = repository(&[("x.env", "LOGS_URL=https://api.datadoghq.com/v1\n")]);
    let outer = repository(&[("y.env", "MISTRAL_URL=https://api.mistral.ai/v1\n")]);
    let path = outer.path();
    git(path, &["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "parts/inner"]);
    git(path, &["commit", "--quiet", "--message", "submodule"]);
    assert_eq!(diff(path, &["--since", "HEAD"]).0, 0);
    std::fs::write(path.join("parts/inner/z.env"), "NR_URL=https://api.newrelic.com/v1\n").unwrap();
    let (code, value) = diff_json(path, &["--since", "HEAD"]);
    let causes: Vec<&Value> =
        value["gained"].as_array().unwrap().iter().map(|one| &one["cause"]["component"]).collect();
    assert_eq!(
        (code, causes),
        (1, vec![&Value::from("config:parts/inner/z.env"), &Value::from("host:api.newrelic.com")])
    );
    // Before there was a submodule.
    assert_eq!(diff(path, &["--since", "HEAD~1"]).0, 1);
}

#[test]
fn revisions_that_cannot_be_read() {
    let env = "MISTRAL_URL=https://api.mistral.ai/v1\n";
    let (inside, outside) = (repository(&[("x.env", env)]), tree(&[("x.env", env)]));
    let mut shown = String::new();
    let mut check = |folder: &Path, revision: &str, path: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_allod"))
            .args(["diff", &format!("--since={revision}")])
            .current_dir(folder)
            .env("PATH", path)
            .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap())
            .output()
            .unwrap();
        assert_eq!((code(&output), output.stdout.len()), (2, 0));
        let err = text(&output.stderr);
        assert!(err.starts_with("error[E006]: ") && err.contains("\nhint: "), "{err}");
        shown += &err;
    };
    let path = std::env::var("PATH").unwrap();
    check(outside.path(), "HEAD", &path);
    check(inside.path(), "no-such-branch", &path);
    check(inside.path(), "HEAD:x.env", &path);
    check(inside.path(), "--output=/tmp/x", &path);
    check(inside.path(), "", &path);
    check(inside.path(), "HEAD", "/nowhere");
    insta::assert_snapshot!("diff_bad_revision", shown);
}

#[test]
fn a_repository_runs_nothing_and_fetches_nothing() {
    let folder = repository(&[("x.env", "MISTRAL_URL=https://api.mistral.ai/v1\n")]);
    let path = folder.path();
    let canary = path.join("canary");
    let run = format!("touch {}; false", canary.display());
    for (key, value) in [
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", path.to_str().unwrap()),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", &run),
        ("core.fsmonitor", &run),
        ("core.sshCommand", &run),
        ("protocol.file.allow", "always"),
        ("diff.external", &run),
        ("core.pager", &run),
    ] {
        git(path, &["config", key, value]);
    }
    assert_eq!(diff(path, &["--since", "HEAD"]).0, 0);
    // An object that the repository says its remote has.
    let object = Command::new("git").args(["rev-parse", "HEAD:x.env"]).current_dir(path).output().unwrap();
    let object = text(&object.stdout);
    let (folder, file) = object.trim().split_at(2);
    std::fs::remove_file(path.join(".git/objects").join(folder).join(file)).unwrap();
    let (code, _, err) = diff(path, &["--since", "HEAD"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error[E006]: ") && err.contains("is partial"), "{err}");
    assert!(!canary.exists());
}

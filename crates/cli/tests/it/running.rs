//! `allod watch`: what runs, as a user sees it.

use super::check::{is_valid, validator};
use super::{allod, code, root, text, tree};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The longest that one line is waited for; it comes within two seconds.
const DEADLINE: Duration = Duration::from_secs(60);

const TODAY: [&str; 2] = ["--today", "2026-11-24"];

const MANIFEST: &str = "apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: prod }
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example.lu/web:1
          env: [{ name: API_URL, value: https://api.mistral.ai/v1 }]
";

/// What was allowed, its rules, and what runs: as it was allowed, in the form of a dump.
fn world() -> tempfile::TempDir {
    let dump = format!("apiVersion: v1\nkind: List\nitems:\n- {}", MANIFEST.replace('\n', "\n  "));
    tree(&[
        ("repo/deploy/web.yaml", MANIFEST),
        ("repo/allod.yaml", "version: 1\nhome: [EU]\n"),
        (
            "repo/rules/a.yaml",
            "version: 1\nrules:\n  no-model-abroad:\n    why: the works council\n    layer: ai-model\n    must: { be_controlled_from: home }\n",
        ),
        ("run/dump.yaml", &dump),
    ])
}

fn dump(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("run/dump.yaml")).unwrap()
}

fn watch(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = allod(&[&["watch", "run", "--allowed", "repo", "--once"], args, &TODAY].concat(), folder);
    (code(&output), text(&output.stdout), text(&output.stderr))
}

/// Another model, another image, an object that nobody allowed; one is gone.
fn drifted() -> tempfile::TempDir {
    let folder = world();
    let text =
        dump(folder.path()).replace("api.mistral.ai", "api.openai.com").replace("registry.example.lu/web:1", "nginx");
    let extra = "\n- { apiVersion: batch/v1, kind: CronJob, metadata: { name: copy, namespace: prod }, spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: a, image: docker.io/somebody/copy }] } } } } } }\n";
    std::fs::write(folder.path().join("run/dump.yaml"), text + extra).unwrap();
    let gone = MANIFEST.replace("name: web,", "name: gone,");
    std::fs::write(folder.path().join("repo/deploy/gone.yaml"), gone).unwrap();
    folder
}

#[test]
fn the_state_of_what_runs() {
    let folder = world();
    let (ended, out, err) = watch(folder.path(), &[]);
    assert_eq!((ended, err.as_str()), (0, ""), "{out}");
    insta::assert_snapshot!("watch_as_allowed", out);
    let folder = drifted();
    let (ended, out, _) = watch(folder.path(), &[]);
    assert_eq!(ended, 1);
    for line in out.lines() {
        assert!(line.chars().count() <= 80 || line.trim_start().split(' ').count() <= 3, "{line}");
    }
    insta::assert_snapshot!("watch_drifted", out);
    assert_eq!(watch(folder.path(), &["--exit-zero"]).0, 0);
    // Without something to compare with, the rules alone.
    let output = allod(&[&["watch", "run", "--once", "--rules", "repo/rules"][..], &TODAY].concat(), folder.path());
    assert_eq!(code(&output), 1);
    insta::assert_snapshot!("watch_by_rules", text(&output.stdout));
}

#[test]
fn the_json_of_a_state_is_what_its_schema_says() {
    let folder = drifted();
    let (ended, out, _) = watch(folder.path(), &["--format", "json"]);
    assert_eq!(ended, 1);
    let mut value: Value = serde_json::from_str(&out).unwrap();
    is_valid(&validator("watch"), &value);
    value["at"] = "AT".into();
    insta::assert_snapshot!("watch_json", serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn what_is_missing_counts_when_it_is_asked_for() {
    let folder = world();
    let gone = MANIFEST.replace("name: web,", "name: gone,");
    std::fs::write(folder.path().join("repo/deploy/gone.yaml"), gone).unwrap();
    let (ended, out, _) = watch(folder.path(), &[]);
    assert_eq!(ended, 0);
    assert!(out.contains("F013 Deployment/prod/gone deploy/gone.yaml:2"), "{out}");
    assert_eq!(watch(folder.path(), &["--fail-on-missing"]).0, 1);
}

#[test]
fn a_baseline_takes_out_what_is_known_and_nothing_else() {
    let folder = drifted();
    let written = watch(folder.path(), &["--write-baseline", "known.json", "--exit-zero"]);
    assert_eq!(written.0, 0);
    let (ended, out, _) = watch(folder.path(), &["--baseline", "known.json"]);
    assert_eq!(ended, 0, "{out}");
    assert!(out.contains("3 in the"), "{out}");
    let text = dump(folder.path()).replace("nginx", "httpd");
    std::fs::write(folder.path().join("run/dump.yaml"), text).unwrap();
    let (ended, out, _) = watch(folder.path(), &["--baseline", "known.json"]);
    assert_eq!(ended, 1, "another image is another drift: {out}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = world();
    let cases: [(&[&str], &str); 9] = [
        (&["watch"], "required arguments were not provided"),
        (&["watch", "nothing", "--once", "--rules", "repo/rules"], "error[E001]"),
        (&["watch", "run", "--once"], "error[E007]"),
        (&["watch", "run", "--allowed", "nothing", "--once", "--rules", "repo/rules"], "error[E001]"),
        (&["watch", "run", "--interval", "0s"], "an interval is 1s to 24h"),
        (&["watch", "run", "--cluster", "x"], "cannot be used with"),
        (&["watch", "--cluster", "x", "--kubeconfig", "nothing", "--allowed", "repo"], "error[E011]"),
        (&["watch", "run", "--exclude", "x"], "cannot be used with"),
        (&["watch", "run", "--fail-on-missing"], "--allowed"),
    ];
    for (args, expect) in cases {
        let output = allod(args, folder.path());
        assert_eq!(code(&output), 2, "{args:?}");
        let err = text(&output.stderr);
        assert!(err.contains(expect), "{args:?}: {err}");
    }
}

#[test]
fn the_role_for_a_cluster_is_printed() {
    let output = allod(&["watch", "--rbac"], &root());
    assert_eq!(code(&output), 0);
    insta::assert_snapshot!("watch_rbac", text(&output.stdout));
}

/// Ends the process with the test.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watching {
    fn start(folder: &Path, args: &[&str]) -> Watching {
        let mut child = Command::new(env!("CARGO_BIN_EXE_allod"))
            .args(["watch", "run", "--allowed", "repo", "--interval", "1s", "--quiet"])
            .args(args)
            .args(TODAY)
            .env("COLUMNS", "80")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (send, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Watching { child, lines }
    }

    fn line(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no line with `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ends it as a supervisor does, and gives its code.
    fn end(mut self, signal: &str) -> i32 {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code().unwrap()
    }
}

#[test]
fn each_change_is_an_event_and_the_end_has_the_code_of_the_last_state() {
    let folder = world();
    let path = folder.path().join("run/dump.yaml");
    let allowed = dump(folder.path());
    let watching = Watching::start(folder.path(), &["--format", "json"]);
    let validator = validator("watch-event");
    let event = |words: &str| {
        let value: Value = serde_json::from_str(&watching.line(words)).unwrap();
        is_valid(&validator, &value);
        value
    };
    assert_eq!(event("outcome")["outcome"], "clean");
    std::fs::write(&path, allowed.replace("api.mistral.ai", "api.openai.com")).unwrap();
    let drift = event("drift");
    assert_eq!((&drift["change"], &drift["code"]), (&"began".into(), &"F011".into()));
    assert_eq!(event("violation")["violation"]["rule"], "no-model-abroad");
    assert_eq!(event("outcome")["outcome"], "found");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(event("unseen")["code"], "F012");
    assert_eq!(event("outcome")["outcome"], "unseen");
    std::fs::write(&path, &allowed).unwrap();
    assert_eq!(event("\"ended\"")["what"], "drift");
    assert_eq!(event("outcome")["outcome"], "clean");
    assert_eq!(watching.end("-TERM"), 0);
}

#[test]
fn a_person_sees_the_state_and_then_a_line_a_change() {
    let folder = world();
    let path = folder.path().join("run/dump.yaml");
    let watching = Watching::start(folder.path(), &[]);
    watching.line("Is what runs allowed? yes");
    std::fs::write(&path, dump(folder.path()).replace("web:1", "web:2")).unwrap();
    let line = watching.line("+ drift");
    assert!(line.contains("+ drift F011 Deployment/prod/web: is built from registry.example.lu/web:2; allowed: registry.example.lu/web:1"), "{line}");
    watching.line("= something runs that may not");
    assert_eq!(watching.end("-INT"), 1);
}

//! The audit of a session is that of a fresh one, whatever happened to the files between.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::{Session, Work};
use crate::{Options, audit};
use allod_evidence::{Audit, Show, json};
use allod_register::Register;
use allod_stack::{Home, Renewed};
use proptest::prelude::*;
use std::borrow::Borrow;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

static REGISTER: LazyLock<Register> = LazyLock::new(|| Register::builtin().unwrap());

fn options(folder: &Path) -> Options {
    let home = Home::new(&["EU".to_owned()]).unwrap();
    Options { paths: vec![folder.to_owned()], home, register: None, resolve: None }
}

fn shown<'r>(done: Result<impl Borrow<Audit<'r>>, crate::Error>) -> String {
    match done {
        Err(error) => error.to_string(),
        Ok(audit) => {
            let mut out = Vec::new();
            json(audit.borrow(), Show { all: true, ..Show::default() }, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        }
    }
}

/// Writes a file, or removes it. Files are old, so that only what the file system says about them tells of a change.
fn put(folder: &Path, path: &str, text: Option<&str>) {
    let real = folder.join(path);
    let Some(text) = text else { return drop(std::fs::remove_file(real)) };
    std::fs::create_dir_all(real.parent().unwrap()).unwrap();
    std::fs::write(&real, text).unwrap();
    let file = std::fs::File::options().write(true).open(&real).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).unwrap();
}

fn check(session: &mut Session<'_>, what: &str) -> Work {
    let ours = shown(session.audit(&|_| {}));
    let fresh = shown(audit(&session.options, &REGISTER, &|_| {}));
    if ours != fresh {
        let line = ours.lines().zip(fresh.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let around = |text: &str| text.lines().skip(line.saturating_sub(8)).take(16).collect::<Vec<_>>().join("\n");
        panic!("{what}: line {line}\nsession:\n{}\nfresh:\n{}", around(&ours), around(&fresh));
    }
    session.work
}

const MODULE: &str = "variable \"name\" {}\nresource \"aws_s3_bucket\" \"b\" { bucket = var.name }\n";
const CALLS: &str =
    "provider \"aws\" { region = \"eu-central-1\" }\nmodule \"m\" {\n  source = \"../m\"\n  name = \"x\"\n}\n";
const APP: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: w, image: \"ghcr.io/a/web:1\", env: [{name: DB, value: \"postgres://db:5432\"}, {name: URL, value: \"https://api.mistral.ai\"}]}]}}}\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {type: ExternalName, externalName: x.eu-west-1.rds.amazonaws.com}\n";
const FLUX: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: r}\nspec: {url: \"https://github.com/a/b\"}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: k}\nspec: {path: ./k/o, sourceRef: {kind: GitRepository, name: r}}\n";

/// Paths with what can stand there.
const POOL: &[(&str, &[&str])] = &[
    (
        "m/main.tf",
        &[MODULE, "resource \"google_storage_bucket\" \"b\" {\n  name = file(\"../x.txt\")\n}\n", "resource {"],
    ),
    (
        "r1/main.tf",
        &[CALLS, "module \"m\" { source = \"../n\" }\n", "provider \"aws\" { region = var.r }\n", "locals {}\n"],
    ),
    ("r1/x_override.tf", &["module \"m\" { source = \"../n\" }\n"]),
    ("r1/main.tofu", &["module \"m\" { source = \"../m\" }\n"]),
    ("r1/a.auto.tfvars", &["r = \"eu-west-1\"\n", "r = \"us-east-1\"\n", "r = {"]),
    ("envs/p.tfvars", &["r = \"eu-west-3\"\n"]),
    ("r2/main.tf", &[CALLS, "module \"m\" { source = \"${local.s}\" }\nlocals { s = \"../m\" }\n"]),
    (
        "n/main.tf",
        &[
            MODULE,
            "module \"back\" { source = \"../r1\" }\n",
            "resource \"hcloud_server\" \"s\" { location = \"fsn1\" }\n",
        ],
    ),
    ("x.txt", &["eins", "zwei"]),
    (
        "live/terragrunt.hcl",
        &[
            "terraform { source = \"../m\" }\ninputs = { name = \"t\" }\n",
            "include \"root\" { path = find_in_parent_folders(\"root.hcl\") }\n",
        ],
    ),
    (
        "root.hcl",
        &[
            "remote_state {\n  backend = \"s3\"\n  config = { bucket = \"b\", region = \"eu-west-1\" }\n}\n",
            "locals { a = 1 }\n",
        ],
    ),
    (
        "plan.tfplan.json",
        &[
            "{\"format_version\":\"1.2\",\"planned_values\":{\"root_module\":{\"resources\":[{\"address\":\"aws_s3_bucket.p\",\"mode\":\"managed\",\"type\":\"aws_s3_bucket\",\"name\":\"p\",\"values\":{\"bucket\":\"p\"}}]}}}",
            "{\"format_version\":\"1.2\",\"planned_values\":{}}",
        ],
    ),
    ("k/app.yaml", &[APP, SERVICE, "apiVersion: v1\nkind: [\n", FLUX]),
    ("k/db.yaml", &[SERVICE, "a: https://api.openai.com\n"]),
    ("k/flux.yaml", &[FLUX]),
    (
        "k/o/kustomization.yaml",
        &[
            "resources: [../app.yaml, \"https://github.com/a/b\"]\n",
            "resources: [../p]\n",
            "images: [{name: a, newName: quay.io/x/y}]\n",
        ],
    ),
    ("k/p/kustomization.yaml", &["resources: [../o]\n", "resources: [../db.yaml]\n"]),
    (
        "c/compose.yaml",
        &[
            "services: {a: {image: \"x:${T}\", environment: {B: \"http://b:80\"}}, b: {image: redis}}\n",
            "include: [../d/compose.yaml]\nservices: {a: {image: y, environment: {B: \"http://z:80\"}}}\n",
        ],
    ),
    ("c/compose.override.yaml", &["services: {a: {image: \"z:1\"}}\n"]),
    ("c/.env", &["T=1\n", "T=2\nU=https://api.mistral.ai\n"]),
    (
        "d/compose.yaml",
        &["services: {z: {build: ., image: y}}\n", "services: {z: {extends: {file: ../c/compose.yaml, service: a}}}\n"],
    ),
    ("d/Dockerfile", &["FROM python:3\n", "FROM ghcr.io/a/b\nRUN pip install x\n"]),
    (
        "h/Chart.yaml",
        &["name: c\ndependencies: [{name: pg, repository: \"https://charts.bitnami.com/bitnami\", version: 1}]\n"],
    ),
    ("h/values.yaml", &["image: {repository: quay.io/a/b, tag: 1}\n", "image: {repository: ghcr.io/a/b}\n"]),
    (
        "h/templates/d.yaml",
        &[
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: \"{{ .Values.image.repository }}\"}]}\n",
        ],
    ),
    (
        "z/clinic.zone",
        &[
            "$ORIGIN clinic.lu.\n@ IN SOA a. b. 1 2 3 4 5\n@ NS ada.ns.cloudflare.com.\n$INCLUDE mail.zone\n",
            "$ORIGIN clinic.lu.\n@ IN SOA a. b. 1 2 3 4 5\n@ MX 1 mxext1.mailbox.org.\n",
        ],
    ),
    ("z/mail.zone", &["@ MX 1 aspmx.l.google.com.\n", "www CNAME x.netlify.app.\n"]),
    (
        ".github/workflows/d.yml",
        &[
            "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{uses: ./act}, {run: kubectl apply -f k}, {run: terraform -chdir=r1 apply}]}}\n",
            "on: push\njobs: {j: {runs-on: self-hosted, steps: [{run: kubectl apply -k k/o}]}}\n",
        ],
    ),
    ("act/action.yml", &["runs: {using: composite, steps: []}\n"]),
    (".gitlab-ci.yml", &["include: [{local: '/ci/**.yml'}]\nj: {image: node, script: [npm ci]}\n"]),
    ("ci/a.yml", &["x: {image: python}\n"]),
    ("package.json", &["{\"dependencies\":{\"@aws-sdk/client-s3\":\"1\",\"stripe\":\"2\"}}"]),
    (".npmrc", &["registry=https://npm.clinic.lu\n"]),
    (".gitignore", &["c\n", "k\nr1\n"]),
];

#[derive(Clone, Debug)]
struct Edit {
    path: usize,
    /// `None` removes the file.
    text: Option<usize>,
}

fn edit() -> impl Strategy<Value = Edit> {
    (0..POOL.len(), prop::option::weighted(0.75, 0..4_usize))
        .prop_map(|(path, text)| Edit { path, text: text.map(|at| at % POOL[path].1.len()) })
}

fn apply(folder: &Path, edit: &Edit) {
    let (path, texts) = POOL[edit.path];
    put(folder, path, edit.text.map(|at| texts[at]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn random_changes_of_random_trees(
        start in prop::collection::vec(edit(), 5..40),
        steps in prop::collection::vec(prop::collection::vec(edit(), 0..4), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        start.iter().for_each(|edit| apply(folder.path(), edit));
        let mut session = Session::new(options(folder.path()), &REGISTER);
        check(&mut session, "at the start");
        for step in &steps {
            step.iter().for_each(|edit| apply(folder.path(), edit));
            check(&mut session, &format!("{step:?}"));
        }
    }
}

#[test]
fn every_file_alone_comes_changes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    POOL.iter()
        .filter(|(path, _)| *path != ".gitignore")
        .for_each(|(path, texts)| put(folder.path(), path, texts.first().copied()));
    let mut session = Session::new(options(folder.path()), &REGISTER);
    check(&mut session, "at the start");
    for (path, texts) in POOL {
        for text in texts.iter().rev().map(Some).chain([None, texts.first()]) {
            put(folder.path(), path, text.copied());
            check(&mut session, &format!("{path}: {text:?}"));
        }
        if *path == ".gitignore" {
            put(folder.path(), path, None);
        }
    }
}

#[test]
fn the_clinic_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("examples/clinic");
    let mut paths = Vec::new();
    each(&clinic, &mut paths);
    let texts: Vec<(String, String)> = paths
        .iter()
        .map(|path| {
            let inside = path.strip_prefix(&clinic).unwrap().to_str().unwrap().to_owned();
            (inside, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    texts.iter().for_each(|(path, text)| put(folder.path(), path, Some(text)));
    let mut session = Session::new(options(folder.path()), &REGISTER);
    check(&mut session, "at the start");
    for (path, text) in &texts {
        put(folder.path(), path, None);
        check(&mut session, &format!("without {path}"));
        // Half a file is broken, or says less.
        let half: String = text.lines().take(text.lines().count() / 2).flat_map(|line| [line, "\n"]).collect();
        put(folder.path(), path, Some(&half));
        check(&mut session, &format!("half of {path}"));
        put(folder.path(), path, Some(text));
        check(&mut session, &format!("{path} again"));
    }
}

fn each(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { each(&path, found) } else { found.push(path) }
    }
    found.sort();
}

#[test]
fn only_what_a_change_can_affect_is_read_again() {
    // What is changed, with how many jobs are run then.
    let cases: &[(&str, Option<&str>, usize)] = &[
        ("r1/main.tf", Some("provider \"aws\" { region = \"us-east-1\" }\nmodule \"m\" { source = \"../m\" }\n"), 1),
        ("m/main.tf", Some("resource \"aws_s3_bucket\" \"c\" {}\n"), 2),
        ("r3/main.tf", Some("provider \"hcloud\" {}\n"), 1),
        ("r3/main.tf", None, 0),
        ("c/.env", Some("T=3\n"), 2),
        ("d/compose.yaml", Some("services: {q: {image: q}}\n"), 1),
        ("h/values.yaml", Some("image: {repository: docker.io/a/b}\n"), 1),
        ("z/clinic.zone", Some("$ORIGIN a.lu.\n@ IN SOA a. b. 1 2 3 4 5\n"), 1),
        ("README.md", Some("nothing"), 0),
        ("unread.txt", Some("nothing that anybody asked for"), 0),
    ];
    let folder = tempfile::tempdir().unwrap();
    let start = [
        ("m/main.tf", MODULE),
        ("r1/main.tf", CALLS),
        ("r2/main.tf", CALLS),
        ("c/compose.yaml", "services: {a: {image: \"x:${T}\"}}\n"),
        ("c/.env", "T=1\n"),
        ("d/compose.yaml", "services: {z: {image: y}}\n"),
        ("h/Chart.yaml", "name: c\n"),
        ("h/values.yaml", "image: {repository: quay.io/a/b}\n"),
        ("z/clinic.zone", "$ORIGIN clinic.lu.\n@ IN SOA a. b. 1 2 3 4 5\n"),
    ];
    start.iter().for_each(|(path, text)| put(folder.path(), path, Some(text)));
    let mut session = Session::new(options(folder.path()), &REGISTER);
    let first = check(&mut session, "at the start");
    assert_eq!(first.run, first.jobs);
    for (path, text, expect) in cases {
        put(folder.path(), path, *text);
        assert_eq!(check(&mut session, path).run, *expect, "{path}: {text:?}");
    }
    assert_eq!(
        check(&mut session, "nothing changed"),
        Work { changed: 0, run: 0, stack: Renewed::Same, ..session.work }
    );
}

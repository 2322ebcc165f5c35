//! The binary as a user runs it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::needless_pass_by_value)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "it/admit.rs"]
mod admit;
#[path = "it/check.rs"]
mod check;
#[path = "it/diff.rs"]
mod diff;
#[path = "it/drill.rs"]
mod drill;
#[path = "it/formats.rs"]
mod formats;
#[path = "it/ledger.rs"]
mod ledger;
#[path = "it/revision.rs"]
mod revision;
#[path = "it/rules.rs"]
mod rules;
#[path = "it/running.rs"]
mod running;
#[path = "it/watch.rs"]
mod watch;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn allod(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_allod"))
        .args(args)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env("COLUMNS", "80")
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn clinic() -> Value {
    let output = allod(&["audit", "examples/clinic", "--format", "json"], &root());
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The page of a tree, and the data in it for its script.
fn page(of: &str, folder: &Path) -> (String, Value) {
    let output = allod(&["audit", of, "--format", "html", "--exit-zero"], folder);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let html = text(&output.stdout);
    let data = html.split("<script type=\"application/json\" id=\"data\">").nth(1).unwrap();
    let data = serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
    (html, data)
}

/// A tree of files in a folder that lives as long as the test.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn the_clinic_shows_what_is_foreign_and_what_is_not() {
    let audit = clinic();
    let components = audit["components"].as_array().unwrap();
    let at = |path: &str, line: u64| -> Vec<&Value> {
        let seen = |seen: &Value| seen["path"] == path && seen["line"] == line;
        components.iter().filter(|one| one["evidence"].as_array().unwrap().iter().any(seen)).collect()
    };
    let check = |path: &str, line: u64, country: &str, layer: &str| {
        let found = at(path, line);
        assert!(
            found.iter().any(|one| {
                one["controlled_from"].as_array().unwrap().iter().any(|code| code == country) && one["layer"] == layer
            }),
            "{path}:{line} {country} {layer}: {found:#?}"
        );
    };
    check("telemetry/collector.yaml", 21, "US", "observability");
    check("dns/clinic.example.zone", 10, "US", "dns");
    check("infra/backup/main.tf", 27, "US", "storage");
    check(".github/workflows/release.yml", 12, "US", "ci");
    // The sovereign model and compute beside them.
    check("infra/cluster/main.tf", 46, "FR", "compute");
    let cluster = components.iter().find(|one| one["kind"] == "hpc-cluster").unwrap();
    assert!(cluster["controlled_from"].as_array().unwrap().iter().all(|code| code != "US"), "{cluster:#?}");
    // Located in Virginia, as the default of a variable says.
    let bucket = at("infra/backup/main.tf", 27)[0];
    assert_eq!(bucket["location"]["country"], "US");
    assert_eq!(bucket["data"][0], "patient");
    // A client of Amazon's against our own store is no use of Amazon.
    let bucket = components.iter().find(|one| one["id"] == "compose:compose.yaml#bucket").unwrap();
    assert_eq!((&bucket["control"], bucket["controlled_from"].as_array().unwrap().len()), (&Value::from("self"), 0));
}

#[test]
fn the_json_is_what_its_schema_says() {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("schemas/allod.audit.1.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut audits = vec![clinic()];
    for args in [["--unresolved", "--quiet"], ["--only", "dns"]] {
        let output = allod(&[&["audit", "examples/clinic", "--format", "json"], &args[..]].concat(), &root());
        audits.push(serde_json::from_slice(&output.stdout).unwrap());
    }
    for audit in &audits {
        let errors: Vec<String> =
            validator.iter_errors(audit).map(|error| format!("{}: {error}", error.instance_path())).take(5).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    // Every id that is referred to exists.
    let audit = &audits[0];
    let ids: BTreeSet<&str> =
        audit["components"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    for link in audit["links"].as_array().unwrap() {
        assert!(ids.contains(link["from"].as_str().unwrap()) && ids.contains(link["to"].as_str().unwrap()), "{link}");
    }
    for power in audit["powers"].as_array().unwrap() {
        assert!(ids.contains(power["path"][0].as_str().unwrap()), "{power}");
    }
}

#[test]
fn the_json_shows_what_is_recorded() {
    let tf = "resource \"aws_cloudwatch_log_group\" \"a\" {\n  retention_in_days = 365\n}\nresource \"aws_cloudwatch_log_group\" \"b\" {}\nresource \"aws_eks_cluster\" \"c\" {\n  enabled_cluster_log_types = [\"audit\"]\n}\nresource \"aws_sqs_queue\" \"d\" {\n  tags = { team = \"hidden\" }\n}\n";
    let gate = "on: push\njobs:\n  rules:\n    runs-on: x\n    steps:\n      - run: pre-commit run -a\n";
    let hooks = "repos:\n  - repo: local\n    hooks:\n      - {id: rules, entry: allod check}\n";
    let folder = tree(&[("main.tf", tf), (".github/workflows/gate.yml", gate), (".pre-commit-config.yaml", hooks)]);
    let output = allod(&["audit", ".", "--format", "json"], folder.path());
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("schemas/allod.audit.1.json")).unwrap()).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&audit), "{audit:#}");
    let mut shown = Vec::new();
    for one in audit["components"].as_array().unwrap() {
        for record in one.get("records").into_iter().flat_map(|records| records.as_array().unwrap()) {
            let seen = &record["evidence"];
            shown.push(format!(
                "{} {} {} {}:{}",
                one["name"], record["kind"], record["days"], seen["path"], seen["line"]
            ));
        }
    }
    shown.sort();
    let expect = [
        r#""a" "log-store" 365 "main.tf":2"#,
        r#""b" "log-store" "unlimited" "main.tf":4"#,
        r#""c" "control-trail" null "main.tf":6"#,
        r#""rules" "rule-gate" null ".github/workflows/gate.yml":6"#,
    ];
    assert_eq!(shown, expect);
    assert!(!text(&output.stdout).contains("hidden"), "labels are no part of the JSON");
}

#[test]
fn the_first_screen() {
    for width in ["80", "160"] {
        let output = Command::new(env!("CARGO_BIN_EXE_allod"))
            .args(["audit", "examples/clinic"])
            .current_dir(root())
            .env("COLUMNS", width)
            .output()
            .unwrap();
        let shown = text(&output.stdout);
        let columns: usize = width.parse().unwrap();
        for line in shown.lines() {
            // A path is never broken, so that it can be clicked.
            assert!(line.chars().count() <= columns || line.trim_start().split(' ').count() == 1, "{width}: {line}");
        }
        assert!(!shown.contains('\u{1b}'), "no colour when it is no terminal");
        insta::assert_snapshot!(format!("clinic_{width}"), shown);
    }
}

#[test]
fn the_readme_shows_what_the_command_prints() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("```text\n").nth(1).unwrap().split("[...]").next().unwrap();
    let output = allod(&["audit", "examples/clinic"], &root());
    assert!(block.lines().count() > 20 && text(&output.stdout).starts_with(block), "update the README:\n{block}");
}

#[test]
fn other_renderings_of_the_clinic() {
    let output = allod(&["audit", "examples/clinic", "--format", "markdown"], &root());
    insta::assert_snapshot!("clinic_markdown", text(&output.stdout));
    let output = allod(&["audit", "examples/clinic", "--explain", "records-api"], &root());
    insta::assert_snapshot!("clinic_explain", text(&output.stdout));
    let output = allod(&["audit", "examples/clinic", "--format", "sarif"], &root());
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules: BTreeSet<&str> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    for result in run["results"].as_array().unwrap() {
        assert!(rules.contains(result["ruleId"].as_str().unwrap()), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert!(root().join(place["artifactLocation"]["uri"].as_str().unwrap()).is_file(), "{result}");
    }
}

#[test]
fn the_page_stands_alone() {
    let (html, data) = page("examples/clinic", &root());
    let summary = html.split("<section id=\"summary\"").nth(1).unwrap().split("</section>").next().unwrap();
    insta::assert_snapshot!("clinic_page_summary", summary);
    assert_eq!(data["parts"].as_array().unwrap().len(), clinic()["components"].as_array().unwrap().len());
    // Nothing is loaded: what a browser fetches by itself stands in none of these.
    for fetched in
        [" src=", "@import", "url(h", "<iframe", "<object", "<embed", "srcset", "fetch(", "XMLHttp", "import("]
    {
        assert!(!html.contains(fetched), "{fetched}");
    }
    assert_eq!(html.matches("<link ").count(), html.matches("<link rel=\"icon\" href=\"data:,\">").count());
    assert!(html.contains("content=\"default-src 'none'; style-src 'sha256-"));
}

#[test]
fn names_in_the_page_are_text() {
    let name = "</script><!-- <img src=x onerror=alert(1)>";
    let folder = tree(&[
        ("compose.yaml", &format!("services:\n  \"{name}\":\n    image: nginx\n  b: {{image: '${{{name}'}}\n")),
        (
            "k.yaml",
            &format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: \"{name}\", labels: {{allod/data: \"{name}\"}}}}\nspec: {{containers: [{{name: a, image: \"{name}\"}}]}}\n"
            ),
        ),
        ("a<img src=x onerror=alert(2)>/compose.yaml", "services: {db: {image: 'postgres:16'}}\n"),
    ]);
    let (html, data) = page(".", folder.path());
    assert!(data["parts"].as_array().unwrap().iter().any(|part| part[1] == name), "the name is kept as it is");
    assert_eq!(html.matches("<script").count(), 3);
    assert_eq!(html.matches("</script").count(), 3);
    assert!(!html.contains("<img") && !html.contains("<!--"));
}

#[test]
fn exit_codes() {
    let check = |files: &[(&str, &str)], args: &[&str], expect: i32| {
        let folder = tree(files);
        let output = allod(&[&["audit", "."], args].concat(), folder.path());
        assert_eq!(code(&output), expect, "{args:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    };
    let foreign = [("main.tf", "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n")];
    let home = [(".env", "MISTRAL_URL=https://api.mistral.ai/v1\n")];
    let unknown = [(".env", "API_URL=https://api.nobody-knows-this.io/v1\n")];
    check(&foreign, &[], 1);
    check(&foreign, &["--exit-zero"], 0);
    check(&foreign, &["--home", "EU,US"], 0);
    check(&home, &[], 0);
    check(&home, &["--home", "LU"], 1);
    check(&unknown, &[], 0);
    check(&unknown, &["--fail-on-unknown"], 1);
    check(&[("a.txt", "nothing")], &[], 2);
    check(&foreign, &["--home", "Europe"], 2);
    check(&foreign, &["--only", "nonsense"], 2);
    check(&foreign, &["--explain", "nonsense"], 2);
    check(&foreign, &["--register", "nowhere"], 2);
    let output = allod(&["audit", "does/not/exist"], &root());
    assert_eq!(code(&output), 2);
    insta::assert_snapshot!("no_such_path", text(&output.stderr));
}

#[test]
fn broken_files_are_diagnostics_and_the_audit_goes_on() {
    let folder = tree(&[
        ("good.tf", "provider \"aws\" {\n  region = \"us-east-1\"\n}\n"),
        ("bad/broken.tf", "resource \"aws_s3_bucket\" \"x\" {\n  bucket = \n"),
        ("deep.json", &format!("{{\"a\":{}", "[".repeat(5000))),
        ("app.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x\n"),
        ("bomb.yml", "apiVersion: v1\nkind: X\na: &a [x,x]\nb: &b [*a,*a]\n"),
        ("loop/main.tf", "module \"self\" {\n  source = \"./\"\n}\n"),
        ("plan.tfplan.json", "{\"format_version\":\"1.2\",\"planned_values\":{\"root_module\":{\"resources\":["),
        ("compose.yaml", "services:\n  a:\n    extends: {service: b}\n  b:\n    extends: {service: a}\n"),
        ("x.zone", "\u{1}\u{2}(((((\n"),
    ]);
    std::fs::write(folder.path().join("binary.yaml"), [0, 159, 146, 150]).unwrap();
    std::fs::write(folder.path().join("utf16.env"), [0xff, 0xfe, b'A', 0]).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.yaml")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"odd\xff.env");
    std::fs::write(folder.path().join(odd), "MISTRAL_URL=https://api.mistral.ai/v1\n").unwrap();
    let output = allod(&["audit", ".", "--format", "json"], folder.path());
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(audit["components"].as_array().unwrap().iter().any(|one| one["evidence"][0]["path"] == "good.tf"));
    // A name that is no UTF-8 is shown with a replacement, and the file is read.
    let read = |one: &Value| one["evidence"][0]["path"] == "odd\u{fffd}.env";
    assert!(audit["components"].as_array().unwrap().iter().any(read));
    let problems: BTreeSet<(String, String)> = audit["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["path"].as_str().unwrap().to_owned(), one["code"].as_str().unwrap().to_owned()))
        .collect();
    let has = |path: &str, codes: &[&str]| {
        assert!(
            codes.iter().any(|code| problems.contains(&(path.to_owned(), (*code).to_owned()))),
            "{path} {codes:?}: {problems:#?}"
        );
    };
    has("bad/broken.tf", &["D004"]);
    has("deep.json", &["D004", "D005"]);
    has("app.yaml", &["D004"]);
    has("loop/main.tf", &["D007"]);
    has("plan.tfplan.json", &["D004"]);
    has("compose.yaml", &["D007"]);
    has("binary.yaml", &["D002"]);
    has("link.yaml", &["D009"]);
    assert!(!text(&output.stdout).contains("root:x:"), "what a link leads to was read");
}

#[test]
fn secrets_are_not_shown() {
    let folder = tree(&[
        (
            ".env",
            "DATABASE_URL=postgres://app:hunter2hunter2@db.eu-west-1.rds.amazonaws.com:5432/x?password=hunter2hunter2\nSTRIPE_API_KEY=sk_live_hunter2hunter2\n",
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    image: nginx\n    environment:\n      URL: https://user:hunter2hunter2@api.datadoghq.eu/x?key=hunter2hunter2\n",
        ),
        (
            "main.tf",
            "provider \"aws\" {\n  region     = \"eu-west-1\"\n  secret_key = \"hunter2hunter2\"\n}\nresource \"aws_db_instance\" \"a\" {\n  password = \"hunter2hunter2\"\n}\n",
        ),
        ("s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {token: hunter2hunter2}\n"),
    ]);
    for format in
        ["human", "json", "sarif", "markdown", "cyclonedx", "mermaid", "dot", "csv", "github", "gitlab", "html"]
    {
        let output = allod(&["audit", ".", "--verbose", "--format", format], folder.path());
        assert!(!text(&output.stdout).contains("hunter2"), "{format}: {}", text(&output.stdout));
        assert!(!text(&output.stderr).contains("hunter2"), "{format}");
    }
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let first = allod(&["audit", "examples/clinic", "--format", "json"], &root()).stdout;
    for _ in 0..3 {
        assert!(allod(&["audit", "examples/clinic", "--format", "json"], &root()).stdout == first);
    }
    let page = || allod(&["audit", "examples/clinic", "--format", "html"], &root()).stdout;
    assert!(page() == page());
}

#[test]
fn an_overlay_is_the_users_own_word() {
    let record = "entities:\n  partner: {name: Partner SA, country: LU}\nservices:\n  partner-api:\n    name: Partner API\n    layer: application\n    operator: partner\n    match: {domains: [partner-of-ours.io]}\n";
    let folder = tree(&[(".env", "API_URL=https://api.partner-of-ours.io/v1\n"), ("register/own.yaml", record)]);
    let output = allod(&["audit", ".", "--format", "json"], folder.path());
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    let host =
        audit["components"].as_array().unwrap().iter().find(|one| one["id"] == "host:api.partner-of-ours.io").unwrap();
    assert_eq!(host["controlled_from"][0], "LU");
    assert_eq!(host["controllers"][0]["confidence"], "unverified");
    std::fs::write(folder.path().join("register/own.yaml"), record.replace("operator: partner", "operator: nobody"))
        .unwrap();
    let output = allod(&["audit", "."], folder.path());
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("R003"), "{}", text(&output.stderr));
}

#[test]
fn the_register_answers() {
    let run = |args: &[&str]| {
        let output = allod(&[&["register"], args].concat(), &root());
        (code(&output), text(&output.stdout))
    };
    let check = |host: &str, id: &str, words: &[&str]| {
        let (code, shown) = run(&["find", host]);
        assert_eq!(code, 0, "{host}: {shown}");
        assert!(shown.contains(&format!("({id})")), "{host} is not {id}: {shown}");
        words.iter().for_each(|word| assert!(shown.contains(word), "{host}: {word}: {shown}"));
    };
    // The known traps.
    check("https://api.datadoghq.eu/api/v2/logs", "datadog-eu", &["Datadog, Inc.", "US", "https://"]);
    check("ns-1234.awsdns-56.co.uk", "aws-route53", &["US"]);
    assert!(run(&["find", "api.mistral.ai"]).1 != run(&["find", "api.eu.mistral.ai"]).1);
    assert_eq!(run(&["find", "nobody-knows-this.io"]).0, 2);
    assert_eq!(run(&["check"]).0, 0);
    let (code, list) = run(&["list"]);
    assert_eq!(code, 0);
    let services = list.lines().filter(|line| !line.contains(" software")).count();
    assert!(services >= 300, "{services}");
}

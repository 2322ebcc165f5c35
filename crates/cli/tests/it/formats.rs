//! Every output format, as a user gets it. What their official schemas and tools say is asked by `./x formats`.

use super::{allod, code, root, text, tree};
use serde_json::Value;
use std::collections::BTreeSet;

const FORMATS: [&str; 6] = ["cyclonedx", "mermaid", "dot", "csv", "github", "gitlab"];

/// A workload with an image, a foreign and a home service, a store with a data class, and a mistake.
const SMALL: [(&str, &str); 3] = [
    (
        "compose.yaml",
        "services:\n  web:\n    image: postgres:17\n    environment:\n      LOGS: https://http-intake.logs.datadoghq.eu/v1\n      MODEL: https://api.mistral.ai/v1\n      OTHER: https://api.nobody-knows-this.io/v1\n",
    ),
    (
        "main.tf",
        "provider \"aws\" {\n  region = \"us-east-1\"\n}\n\nresource \"aws_s3_bucket\" \"b\" {\n  bucket = \"b\"\n  tags = {\n    data = \"patient\"\n  }\n}\n",
    ),
    ("bad/broken.tf", "resource \"aws_s3_bucket\" \"x\" {\n  bucket = \n"),
];

fn written(folder: &std::path::Path, args: &[&str]) -> String {
    let output = allod(&[&["audit", "--quiet", "--exit-zero"], args].concat(), folder);
    assert_eq!(code(&output), 0, "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn each_format_of_a_small_tree() {
    let folder = tree(&SMALL);
    for format in FORMATS {
        let shown = written(folder.path(), &[".", "--format", format]);
        insta::assert_snapshot!(format!("small_{format}"), shown.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}

#[test]
fn pictures_of_the_clinic() {
    for format in ["mermaid", "csv", "github"] {
        let shown = written(&root(), &["examples/clinic", "--format", format]);
        insta::assert_snapshot!(format!("clinic_{format}"), shown);
    }
}

#[test]
fn one_layer_refers_to_nothing_that_is_not_there() {
    let bom = written(&root(), &["examples/clinic", "--only", "dns", "--format", "cyclonedx"]);
    let bom: Value = serde_json::from_str(&bom).unwrap();
    let list = |key: &str| bom[key].as_array().unwrap().clone();
    let parts = [list("components"), list("services")].concat();
    let refs: BTreeSet<&str> = parts.iter().map(|part| part["bom-ref"].as_str().unwrap()).collect();
    assert!(refs.contains("zone:clinic.example") && !refs.contains("host:datadoghq.eu"), "{refs:?}");
    let dependencies = list("dependencies");
    let targets = |one: &Value| one["dependsOn"].as_array().unwrap().clone();
    assert!(dependencies.iter().any(|one| !targets(one).is_empty()));
    for one in &dependencies {
        assert!(refs.contains(one["ref"].as_str().unwrap()), "{one}");
        assert!(targets(one).iter().all(|to| refs.contains(to.as_str().unwrap())), "{one}");
    }
    let citations = list("citations");
    assert!(!citations.is_empty());
    for pointer in citations.iter().flat_map(|one| one["pointers"].as_array().unwrap()) {
        assert!(bom.pointer(pointer.as_str().unwrap()).is_some(), "{pointer}");
    }
    let mermaid = written(&root(), &["examples/clinic", "--only", "dns", "--format", "mermaid"]);
    assert!(mermaid.contains("subgraph layer_dns") && mermaid.matches("subgraph").count() == 1, "{mermaid}");
    let csv = written(&root(), &["examples/clinic", "--only", "dns", "--format", "csv"]);
    assert_eq!(csv.lines().count() - 1, refs.len());
    let github = written(&root(), &["examples/clinic", "--only", "dns", "--format", "github"]);
    assert!(github.contains("::error") && !github.contains("datadog"), "{github}");
}

#[test]
fn what_was_not_understood_alone() {
    let folder = tree(&SMALL);
    for format in ["cyclonedx", "mermaid", "dot", "csv"] {
        let output = allod(&["audit", ".", "--unresolved", "--format", format], folder.path());
        assert_eq!(code(&output), 2, "{format}");
        assert!(text(&output.stderr).contains("error[E002]") && output.stdout.is_empty(), "{}", text(&output.stderr));
    }
    for format in ["github", "gitlab"] {
        let shown = written(folder.path(), &[".", "--unresolved", "--format", format]);
        assert!(shown.contains("D004") && shown.contains("U008") && !shown.contains("F001"), "{format}: {shown}");
    }
}

#[test]
fn paths_are_those_of_the_folder_that_one_is_in() {
    let folder = tree(&[("a/infra/main.tf", "provider \"aws\" {\n  region = \"us-east-1\"\n}\n")]);
    let absolute = folder.path().canonicalize().unwrap().join("a/infra");
    for asked in ["a", "./a/infra", "a/infra/main.tf", ".", absolute.to_str().unwrap()] {
        let shown = written(folder.path(), &[asked, "--format", "github"]);
        assert!(shown.contains("file=a/infra/main.tf,line=1,"), "{asked}: {shown}");
        let report = written(folder.path(), &[asked, "--format", "gitlab"]);
        assert!(report.contains("\"path\": \"a/infra/main.tf\""), "{asked}: {report}");
    }
}

#[test]
fn a_graph_that_mermaid_would_not_draw_is_cut_and_says_so() {
    let mut compose = "services:\n".to_owned();
    for at in 0..400 {
        compose += &format!(
            "  a-service-{at}:\n    image: docker.io/owner/image-{at}:1\n    environment:\n      A: https://api.mistral.ai/v1\n      B: https://http-intake.logs.datadoghq.eu/v1\n"
        );
    }
    let folder = tree(&[("compose.yaml", &compose)]);
    let shown = written(folder.path(), &[".", "--format", "mermaid"]);
    assert!(shown.len() <= 50_000 && shown.matches("-->").count() <= 500, "{}", shown.len());
    assert!(shown.contains("are left out") && shown.contains("more[\"not drawn: "), "{:?}", shown.lines().nth(1));
    // The links that lead abroad are those that stay.
    let node = |name: &str| {
        let line = shown.lines().find(|line| line.contains(name)).unwrap();
        line.trim().split('[').next().unwrap().to_owned()
    };
    let into = |id: &str| shown.lines().filter(|line| line.ends_with(&format!("| {id}"))).count();
    assert!(into(&node("http-intake.logs.datadoghq.eu")) > 100);
    assert!(!shown.contains("api.mistral.ai") || into(&node("api.mistral.ai")) < 100);
    let whole = written(folder.path(), &[".", "--format", "dot"]);
    assert_eq!(whole.matches(" -> ").count(), 1200);
}

use crate::Reader;
use crate::files::{decode, name_of};
use crate::{
    ci, compose, config, dns, dockerfile, helm, kubernetes, kustomize, manifests, sbom, slurm, telemetry, terraform,
    tfjson,
};

use std::borrow::Cow;

/// How many bytes of a file decide about its format.
pub const HEAD_BYTES: usize = 16 << 10;

/// Which reader takes a file, from its path and its first bytes (up to 16 KiB); `None` when no reader knows it.
///
/// A path that can mean one format only decides alone; YAML and JSON are told apart by the keys at their start.
pub fn recognise(path: &str, head: &[u8]) -> Option<&'static Reader> {
    let lower = path.to_ascii_lowercase();
    let name = name_of(&lower);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    by_path(&lower, name, extension).or_else(|| by_content(&lower, name, extension, head))
}

/// Source code and media, which no reader takes: a walk does not even open them.
const NEVER_READ: &[&str] = &[
    "rs", "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "java", "kt", "scala", "c", "h", "cc", "cpp", "hpp", "cs",
    "php", "rb", "swift", "m", "css", "scss", "less", "html", "htm", "md", "mdx", "rst", "adoc", "svg", "png", "jpg",
    "jpeg", "gif", "ico", "webp", "avif", "pdf", "woff", "woff2", "ttf", "eot", "otf", "zip", "gz", "tgz", "xz", "bz2",
    "zst", "tar", "jar", "war", "so", "a", "o", "dll", "exe", "dylib", "class", "pyc", "wasm", "mp3", "mp4", "webm",
    "mov", "lock", "sum", "po", "mo", "csv", "tsv", "parquet", "ipynb", "snap", "patch", "diff", "proto", "vue",
    "svelte", "ex", "exs", "erl", "hs", "ml", "lua", "pl", "r", "jl", "dart", "zig", "nim", "asm", "s",
];

/// Files that other files refer to by name: templates, policies, scripts, variables.
const REFERRED_TO: &[&str] = &[
    "tpl", "tmpl", "tftpl", "json", "yaml", "yml", "txt", "sh", "cfg", "conf", "env", "zone", "j2", "pem", "crt",
    "toml", "npmrc",
];

/// Whether a file could be of a format that is read, by its name alone. `go` files are left out, `go.mod` is not.
pub fn worth_opening(path: &str) -> bool {
    let lower = name_of(path).to_ascii_lowercase();
    let extension = lower.rsplit_once('.').map_or("", |(_, extension)| extension);
    let known_name = matches!(lower.as_str(), "chart.lock" | "requirements.txt");
    known_name || !(NEVER_READ.contains(&extension) || extension == "go")
}

/// Whether a file that no reader takes is kept for those that refer to it.
pub fn may_be_referred_to(path: &str) -> bool {
    let lower = name_of(path).to_ascii_lowercase();
    lower == "nuget.config" || lower.rsplit_once('.').is_some_and(|(_, extension)| REFERRED_TO.contains(&extension))
}

fn by_path(path: &str, name: &str, extension: &str) -> Option<&'static Reader> {
    let yaml = matches!(extension, "yaml" | "yml");
    let in_folder = |folder: &str| path.starts_with(&format!("{folder}/")) || path.contains(&format!("/{folder}/"));
    if matches!(extension, "tf" | "tofu" | "tfvars")
        || [".tf.json", ".tofu.json", ".tfvars.json"].iter().any(|end| name.ends_with(end))
    {
        return Some(&terraform::READER);
    }
    if name == "terragrunt.hcl" {
        return Some(&terraform::READER);
    }
    if extension == "tfstate" || name.ends_with(".tfstate.backup") || name.ends_with(".tfplan.json") {
        return Some(&tfjson::READER);
    }
    if yaml && in_folder(".github/workflows") || matches!(name, "action.yml" | "action.yaml") {
        return Some(&ci::GITHUB);
    }
    if yaml && (in_folder(".forgejo/workflows") || in_folder(".gitea/workflows")) {
        return Some(&ci::FORGEJO);
    }
    if matches!(name, ".gitlab-ci.yml" | ".gitlab-ci.yaml")
        || yaml && in_folder(".gitlab/ci")
        || name.ends_with(".gitlab-ci.yml")
    {
        return Some(&ci::GITLAB);
    }
    if yaml && (matches!(name, ".woodpecker.yml" | ".woodpecker.yaml") || in_folder(".woodpecker")) {
        return Some(&ci::WOODPECKER);
    }
    if matches!(name, ".drone.yml" | ".drone.yaml") {
        return Some(&ci::WOODPECKER);
    }
    if yaml && (ci::is_other_name(name) || in_folder(".circleci") || in_folder(".buildkite"))
        || name.starts_with("jenkinsfile")
    {
        return Some(&ci::OTHER);
    }
    if matches!(name, "kustomization.yaml" | "kustomization.yml" | "kustomization") {
        return Some(&kustomize::READER);
    }
    if matches!(name, "chart.yaml" | "chart.lock")
        || name == "requirements.yaml"
        || yaml && helm::is_values_name(name)
        || in_folder("templates") && yaml
    {
        return Some(&helm::READER);
    }
    if yaml && is_compose_name(name) {
        return Some(&compose::READER);
    }
    if matches!(name, "dockerfile" | "containerfile")
        || name.starts_with("dockerfile.")
        || extension == "dockerfile"
        || name.starts_with("containerfile.")
    {
        return Some(&dockerfile::READER);
    }
    if matches!(extension, "zone" | "bind")
        || name.starts_with("db.")
            && !matches!(extension, "json" | "yaml" | "yml" | "js" | "ts" | "py" | "go" | "rs" | "sql")
    {
        return Some(&dns::ZONE);
    }
    if name.ends_with(".cdx.json") || name == "bom.json" {
        return Some(&sbom::CYCLONEDX);
    }
    if name.ends_with(".spdx.json") {
        return Some(&sbom::SPDX);
    }
    if manifests::is_manifest(name) {
        return Some(&manifests::READER);
    }
    if telemetry::is_telemetry_path(path, name, extension) {
        return Some(&telemetry::READER);
    }
    if matches!(extension, "slurm" | "sbatch") {
        return Some(&slurm::READER);
    }
    config::is_config_name(name, extension).then_some(&config::READER)
}

fn is_compose_name(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    ["compose", "docker-compose", "podman-compose"]
        .iter()
        .any(|word| stem.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_'])))
}

fn by_content(path: &str, name: &str, extension: &str, head: &[u8]) -> Option<&'static Reader> {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    // UTF-16 is converted (whole units only); anything else is looked at as it is.
    let units = head.get(..head.len() & !1).unwrap_or(head);
    let text = match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => decode(units).map_or(String::from_utf8_lossy(head), Cow::Owned),
        _ => String::from_utf8_lossy(head),
    };
    let key = |word: &str| text.lines().any(|line| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(':')));
    match extension {
        "yaml" | "yml" => {
            if key("apiVersion") && key("kind") {
                return Some(&kubernetes::READER);
            }
            if telemetry::is_telemetry_yaml(&text) {
                return Some(&telemetry::READER);
            }
            if key("services") && (text.contains("image:") || text.contains("build:")) {
                return Some(&compose::READER);
            }
            if dns::is_octodns(path, &text) {
                return Some(&dns::OCTODNS);
            }
            Some(&config::READER)
        }
        "json" => {
            if text.contains("\"bomFormat\"") {
                return Some(&sbom::CYCLONEDX);
            }
            if text.contains("\"spdxVersion\"") {
                return Some(&sbom::SPDX);
            }
            if tfjson::is_plan_or_state(&text) {
                return Some(&tfjson::READER);
            }
            if text.contains("\"apiVersion\"") && text.contains("\"kind\"") {
                return Some(&kubernetes::READER);
            }
            Some(&config::READER)
        }
        // Lock files, machine images and jobs are written in the same language.
        "hcl" => {
            let others = name == ".terraform.lock.hcl" || name.ends_with(".pkr.hcl") || name.ends_with(".nomad.hcl");
            const BLOCKS: &[&str] =
                &["locals {", "include", "remote_state {", "generate \"", "inputs =", "dependency \"", "terraform {"];
            let starts = |line: &str| BLOCKS.iter().any(|block| line.starts_with(block));
            (!others && text.lines().any(starts)).then_some(&terraform::READER)
        }
        "toml" => Some(if telemetry::is_vector_toml(&text) { &telemetry::READER } else { &config::READER }),
        "sh" | "bash" | "" | "job" => {
            if text.lines().take(200).any(|line| line.starts_with("#SBATCH")) {
                return Some(&slurm::READER);
            }
            (dns::is_zone_text(&text) && extension.is_empty()).then_some(&dns::ZONE)
        }
        _ => (dns::is_zone_text(&text) && !name.ends_with(".md")).then_some(&dns::ZONE),
    }
}

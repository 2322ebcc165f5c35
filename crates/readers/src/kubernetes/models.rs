//! Model weights that a server loads: `--model org/name`, `MODEL_ID`, KServe's `storageUri`.

use super::object::Object;
use super::scene::Scene;
use super::settings::{argument_list, literal_environment};
use crate::node::{Node, Value};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Confidence, Evidence, Facts, Layer, LinkKind, Role};

/// Images and commands that serve models.
const SERVERS: &[&str] = &[
    "vllm",
    "text-generation-inference",
    "text-embeddings-inference",
    "sglang",
    "tgi",
    "lmdeploy",
    "huggingface",
    "ray-llm",
    "rayllm",
    "kserve",
    "triton",
    "llama",
    "infinity",
    "mlserver",
    "nim",
    "openllm",
    "ollama",
];

/// Names of flags and variables that take a model.
const MODEL_KEYS: &[&str] = &[
    "model",
    "model-id",
    "model_id",
    "MODEL",
    "MODEL_ID",
    "MODEL_NAME",
    "HF_MODEL_ID",
    "model-path",
    "model_name",
    "tokenizer",
    "storageUri",
    "model_source",
    "MODEL_PATH",
    "VLLM_MODEL",
    "hf-model",
    "hf-repo",
    "LLM_MODEL",
    "EMBEDDING_MODEL",
];

pub(super) fn describe(scene: &mut Scene<'_>, at: usize, object: &Object<'_>) -> bool {
    let serving = object.group == "serving.kserve.io" || object.group == "ray.io" || object.group.ends_with("kaito.sh");
    if !serving {
        return scene.component(at).is_some();
    }
    let own = scene.own(at, object, Layer::Application);
    let mut found = Vec::new();
    object.node.walk_scalars(&mut |path, node| {
        let key = path.last().copied().unwrap_or("");
        let Some(text) = node.as_str() else { return };
        if matches!(key, "storageUri" | "uri") {
            found.push((text.to_owned(), node.line));
        }
        if key == "serveConfigV2" {
            let by_line = matches!(&node.value, Value::Scalar(scalar) if scalar.literal);
            for (offset, line) in text.lines().enumerate() {
                let line_number = if by_line { node.line + offset as u32 } else { node.line };
                let setting = line.trim().trim_start_matches("- ").split_once(':');
                if let Some((_, value)) = setting.filter(|(key, _)| MODEL_KEYS.contains(&key.trim())) {
                    found.push((value.trim().trim_matches(['"', '\'']).to_owned(), line_number));
                }
            }
        }
    });
    for (text, line) in found {
        load(scene, own, object, &text, line);
    }
    true
}

/// Models that a container's arguments and environment name.
pub(super) fn of_container(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, container: &Node) {
    let image = container.str_at(&["image"]).unwrap_or("");
    let first = |list: &str| container.get(list).map(Node::items).unwrap_or_default().iter().filter_map(Node::as_str);
    let serves = |text: &str| SERVERS.iter().any(|word| text.contains(word));
    if !serves(image) && !first("command").chain(first("args")).take(64).any(serves) {
        return;
    }
    let mut found: Vec<(String, u32)> = Vec::new();
    let mut serve = false;
    for (flag, text, node) in argument_list(container) {
        if MODEL_KEYS.contains(&flag) || (serve && flag.is_empty()) {
            found.push((text.to_owned(), node.line));
        }
        serve = text == "serve";
        if text.contains(' ') {
            found.extend(in_script(text, node));
        }
    }
    for (name, text, line) in literal_environment(container) {
        if MODEL_KEYS.contains(&name) {
            found.push((text, line));
        }
    }
    for (text, line) in found {
        load(scene, workload, object, &text, line);
    }
}

/// `vllm serve org/name --port 1` in a shell line.
fn in_script(text: &str, node: &Node) -> Vec<(String, u32)> {
    let by_line = matches!(&node.value, Value::Scalar(scalar) if scalar.literal);
    let mut found = Vec::new();
    for (offset, line) in text.lines().enumerate() {
        let line_number = if by_line { node.line + offset as u32 } else { node.line };
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            if let [before, after] = pair {
                let flag = before.trim_start_matches('-');
                if *before == "serve" || (before.starts_with("--") && MODEL_KEYS.contains(&flag)) {
                    found.push(((*after).trim_matches(['"', '\'']).to_owned(), line_number));
                }
            }
        }
        for (flag, value) in words.iter().filter_map(|word| word.strip_prefix("--")?.split_once('=')) {
            if MODEL_KEYS.contains(&flag) {
                found.push((value.trim_matches(['"', '\'']).to_owned(), line_number));
            }
        }
    }
    found
}

fn load(scene: &mut Scene<'_>, workload: ComponentRef, object: &Object<'_>, text: &str, line: u32) {
    let seen = object.at(line);
    if let Some(model) = model(scene.facts, text, seen.clone()) {
        let kind = if text.starts_with("s3://") || text.starts_with("gs://") {
            LinkKind::StoresIn
        } else {
            LinkKind::BuiltFrom
        };
        scene.link(workload, kind, model, seen);
    }
}

/// The component of model weights: from the hub by `org/name` or `hf://`, from a bucket, or from a URL.
fn model(facts: &mut Facts, text: &str, seen: Evidence) -> Option<ComponentRef> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("gs://") {
        let bucket = rest.split('/').next().filter(|bucket| !bucket.is_empty())?;
        return Some(facts.add(bucket_component("gs", bucket, "storage.googleapis.com", seen)));
    }
    if let Some(rest) = text.strip_prefix("s3://") {
        let bucket = rest.split('/').next().filter(|bucket| !bucket.is_empty())?;
        let mut component = bucket_component("s3", bucket, "", seen.clone());
        component.clues.clear();
        let bucket = facts.add(component);
        let message = "the bucket is at an S3 endpoint which the file does not name".to_owned();
        facts.unresolved("U007", message, Some(bucket), seen);
        return Some(bucket);
    }
    if text.starts_with("https://") && !text.starts_with("https://huggingface.co/") {
        return match crate::endpoint::sight(facts, text, seen, Confidence::High) {
            Some(crate::endpoint::Target::Host(host)) => Some(host),
            _ => None,
        };
    }
    let text = text.strip_prefix("hf://").or_else(|| text.strip_prefix("https://huggingface.co/")).unwrap_or(text);
    let (owner, rest) = text.split_once('/')?;
    let name = rest.split(['/', ':', '@']).next().unwrap_or(rest);
    let fine = |part: &str| {
        !part.is_empty() && part.len() < 100 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let is_path = text.starts_with(['/', '.', '~']) || rest.matches('/').count() > 1;
    if !fine(owner) || !fine(name) || is_path {
        return None;
    }
    let short = format!("{owner}/{name}");
    let mut component = Component::new(
        &format!("model:huggingface.co/{}", short.to_ascii_lowercase()),
        &short,
        "model-weights",
        Layer::AiModel,
        Role::Artefact,
        seen,
    );
    component.clues.push(Clue::new(ClueKind::Host, "huggingface.co"));
    Some(facts.add(component))
}

fn bucket_component(scheme: &str, bucket: &str, host: &str, seen: Evidence) -> Component {
    let mut component =
        Component::new(&format!("bucket:{scheme}/{bucket}"), bucket, "bucket", Layer::Storage, Role::Provided, seen);
    component.clues.push(Clue::new(ClueKind::Host, host));
    component
}

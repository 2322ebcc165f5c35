//! The configuration of AI agents: MCP servers, models, and where a model is reached.

use super::ID;
use crate::command;
use crate::destination::Use;
use crate::image;
use crate::node::Node;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Ecosystem, Evidence, Facts, Layer, LinkKind, Role,
};
use std::sync::Arc;

const SERVERS: &[&str] = &["mcpServers", "mcp_servers", "mcp-servers"];
const MODEL_KEYS: &[&str] = &[
    "model",
    "model_name",
    "modelName",
    "default_model",
    "defaultModel",
    "chat_model",
    "embedding_model",
    "llm_model",
];
const ENDPOINT_KEYS: &[&str] = &[
    "base_url", "baseUrl", "baseURL", "api_base", "apiBase", "endpoint", "url", "api_url", "apiUrl", "host", "server",
];

/// Whether a tree configures agents.
pub(super) fn is_agents(root: &Node) -> bool {
    let server_list = SERVERS.iter().any(|key| root.get(key).is_some_and(|node| node.as_map().is_some()));
    let agents = root.get("agents").is_some_and(|node| node.as_map().is_some() || node.as_seq().is_some());
    let vscode = root.get("servers").is_some_and(|node| {
        node.entries().any(|(_, _, server)| server.get("command").is_some() && server.get("args").is_some())
    });
    let model = MODEL_KEYS.iter().any(|key| root.str_at(&[key]).is_some_and(is_model));
    let models = root.get("model_list").is_some_and(|node| node.as_seq().is_some());
    server_list || vscode || model || models || agents && (has_model(root, 0) || root.get("tools").is_some())
}

fn has_model(node: &Node, depth: usize) -> bool {
    if depth > 6 {
        return false;
    }
    if MODEL_KEYS.iter().any(|key| node.str_at(&[key]).is_some_and(is_model)) {
        return true;
    }
    node.as_map().unwrap_or_default().iter().any(|(_, value)| has_model(value, depth + 1))
        || node.as_seq().unwrap_or_default().iter().any(|value| has_model(value, depth + 1))
}

/// Whether a text is the name of a language model.
fn is_model(text: &str) -> bool {
    const FAMILIES: &[&str] = &[
        "gpt-",
        "chatgpt",
        "claude",
        "mistral",
        "mixtral",
        "ministral",
        "codestral",
        "magistral",
        "devstral",
        "pixtral",
        "llama",
        "gemini",
        "gemma",
        "qwen",
        "deepseek",
        "command-r",
        "grok",
        "phi-",
        "o1-",
        "o3-",
        "o4-",
        "nova-",
        "text-embedding",
        "voxtral",
        "olmo",
        "kimi",
        "glm-",
        "nemotron",
        "titan-",
    ];
    let name = text.rsplit('/').next().unwrap_or(text).to_ascii_lowercase();
    text.len() < 120 && !text.contains(char::is_whitespace) && FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Adds what is not a plain value: programs of MCP servers, models whose provider is named or not known.
pub(super) fn read(facts: &mut Facts, own: ComponentRef, path: &Arc<str>, root: &Node) {
    for key in SERVERS.iter().chain(&["servers"]) {
        for (name, _, server) in root.get(key).into_iter().flat_map(Node::entries) {
            program(facts, own, path, name, server);
        }
    }
    models(facts, own, path, root, 0, false);
}

/// The package or image that an MCP server is started from.
fn program(facts: &mut Facts, own: ComponentRef, path: &Arc<str>, name: &str, server: &Node) {
    let Some((key, command)) = server.entry("command") else { return };
    let command_text = command.as_str().unwrap_or_default();
    let arguments: Vec<(&str, u32)> = server
        .get("args")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|argument| Some((argument.as_str()?, argument.line)))
        .collect();
    let operand = || arguments.iter().find(|(text, _)| !text.starts_with('-')).copied();
    let mut package = |ecosystem: Ecosystem, (text, line): (&str, u32)| {
        // `@scope/name@version`, `name==version`
        let version = text.char_indices().skip(1).find(|(_, char)| matches!(char, '@' | '=' | '[')).map(|(at, _)| at);
        let name = version.and_then(|at| text.get(..at)).unwrap_or(text);
        let seen = Evidence::line(path, line, ID);
        let id = format!("package:{}/{name}", ecosystem.name());
        let component = Component::new(&id, name, "package", Layer::Packages, Role::Artefact, seen.clone())
            .with_clue(Clue::new(ClueKind::Package(ecosystem), name));
        let to = facts.add(component);
        facts.link(own, LinkKind::BuiltFrom, to, seen);
    };
    match command_text.rsplit('/').next().unwrap_or_default() {
        "npx" | "bunx" | "pnpx" => {
            if let Some(found) = operand() {
                package(Ecosystem::Npm, found);
            }
        }
        "uvx" | "pipx" => {
            if let Some(found) = operand().filter(|(text, _)| *text != "run") {
                package(Ecosystem::Pypi, found);
            }
        }
        "docker" | "podman" => {
            // The image is the last word that is one, before the program's own arguments.
            let found = arguments.iter().rev().find_map(|(text, line)| {
                let image = image::parse(text).filter(|image| text.contains('/') && !image.name.contains("//"))?;
                (!text.starts_with(['-', '/', '.']) && !text.contains('=')).then_some((image, *line))
            });
            if let Some((image, line)) = found {
                command::link_image(facts, &image, &Use::new(own, LinkKind::BuiltFrom, Evidence::line(path, line, ID)));
            }
        }
        "" => {}
        _ => {
            let message =
                format!("the MCP server `{name}` is a program of the machine, and whom it talks to is not known");
            facts.unresolved("U007", message, Some(own), Evidence::line(path, key.line, ID));
        }
    }
}

/// Models by name: with an endpoint beside them the endpoint says everything, with a provider the provider is named,
/// else nobody can know who runs them.
fn models(facts: &mut Facts, own: ComponentRef, path: &Arc<str>, node: &Node, depth: usize, endpoint_above: bool) {
    if depth > crate::limits::MAX_DEPTH {
        return;
    }
    let endpoint = endpoint_above
        || ENDPOINT_KEYS
            .iter()
            .any(|key| node.str_at(&[key]).is_some_and(|text| text.contains("://") || text.contains('.')));
    for (name, key, value) in node.entries() {
        let Some(text) = value.as_str().filter(|text| MODEL_KEYS.contains(&name) && is_model(text)) else { continue };
        if endpoint {
            continue;
        }
        let seen = Evidence::line(path, key.line, ID);
        let provider = node.str_at(&["provider"]).or_else(|| text.split_once('/').map(|(provider, _)| provider));
        match provider.filter(|provider| {
            !matches!(*provider, "ollama" | "local" | "vllm" | "llamacpp" | "lmstudio" | "openai-compatible")
        }) {
            Some(provider) => {
                let id = format!("model:{path}#{provider}");
                let mut component =
                    Component::new(&id, provider, "model-provider", Layer::AiModel, Role::Provided, seen.clone())
                        .with_clue(Clue::new(ClueKind::Name, provider));
                component.confidence = Confidence::Medium;
                let to = facts.add(component);
                facts.link(own, LinkKind::SendsTo, to, seen);
            }
            None => {
                let message = format!("model `{text}` is used, and no endpoint says who runs it");
                facts.unresolved("U007", message, Some(own), seen);
            }
        }
    }
    for (_, value) in node.as_map().unwrap_or_default() {
        models(facts, own, path, value, depth + 1, endpoint);
    }
    for value in node.as_seq().unwrap_or_default() {
        models(facts, own, path, value, depth + 1, endpoint);
    }
}

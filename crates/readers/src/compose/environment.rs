//! The environment of a service: `environment`, `env_file`, and labels as maps or lists.

use super::ID;
use super::project::{Layer, Project, Service};
use crate::config::dotenv;
use crate::files::{Files, folder_of, join};
use crate::node::Node;
use crate::settings::Setting;
use allod_facts::{ComponentRef, Confidence, Evidence, Facts};
use std::collections::BTreeMap;

/// The settings of a service; a later file replaces what an earlier one sets, and `environment` replaces `env_file`.
pub(super) fn settings(
    files: &Files,
    project: &Project,
    service: &Service<'_>,
    own: ComponentRef,
    facts: &mut Facts,
) -> Vec<Setting> {
    let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
    for (layer, node) in service.all("env_file") {
        for item in node.items() {
            for setting in from_file(files, project, layer, item, own, facts) {
                settings.insert(setting.key.clone(), setting);
            }
        }
    }
    for (layer, node) in service.all("environment") {
        for (key, value, line) in pairs(node) {
            settings.insert(key.to_owned(), setting(project, layer, key, value, line));
        }
    }
    let mut settings: Vec<Setting> = settings.into_values().collect();
    settings.sort_by(|a, b| (&a.seen, &a.key).cmp(&(&b.seen, &b.key)));
    settings
}

fn setting(project: &Project, layer: &Layer<'_>, key: &str, value: Option<&str>, line: u32) -> Setting {
    let seen = Evidence::line(&layer.path, line, ID);
    match value {
        Some(value) => {
            let expanded = project.expand(&layer.path, value);
            let confidence = expanded.confidence();
            Setting { key: key.to_owned(), value: Some(expanded.text), seen, also: expanded.seen, confidence }
        }
        // A name alone takes its value from `.env` or from the shell.
        None => {
            let known = project.known(&layer.path, key);
            let also = known.iter().filter_map(|known| known.seen.clone()).collect();
            let value = known.map(|known| known.value);
            Setting { key: key.to_owned(), value, seen, also, confidence: Confidence::High }
        }
    }
}

fn from_file(
    files: &Files,
    project: &Project,
    layer: &Layer<'_>,
    item: &Node,
    own: ComponentRef,
    facts: &mut Facts,
) -> Vec<Setting> {
    let Some(written) = item.as_str().or_else(|| item.str_at(&["path"])) else { return Vec::new() };
    let name = project.expand(&layer.path, written).text;
    let path = join(folder_of(&layer.path), &name);
    let text = path.as_deref().and_then(|path| files.text(path));
    let (Some(path), Some(Ok(text))) = (path, text) else {
        let message = format!("the environment file `{written}` is not in the tree");
        facts.unresolved("U001", message, Some(own), Evidence::line(&layer.path, item.line, ID));
        return Vec::new();
    };
    let path = files.shared_path(&path);
    dotenv::parse(&text)
        .into_iter()
        .map(|entry| Setting {
            key: entry.key,
            value: entry.value,
            seen: Evidence::line(&path, entry.line, ID),
            also: Vec::new(),
            confidence: if entry.defaulted { Confidence::Medium } else { Confidence::High },
        })
        .collect()
}

/// The pairs of a map, or of a list of `key=value`, with the line of each.
pub(super) fn pairs(node: &Node) -> Vec<(&str, Option<&str>, u32)> {
    if node.as_map().is_some() {
        return node.entries().map(|(key, name, value)| (key, value.as_str(), name.line)).collect();
    }
    let items = node.as_seq().unwrap_or_default().iter();
    items
        .filter_map(|item| {
            let text = item.as_str()?;
            let (key, value) = match text.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (text, None),
            };
            Some((key.trim(), value, item.line))
        })
        .collect()
}

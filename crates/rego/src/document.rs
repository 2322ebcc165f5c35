mod value;
mod yaml;

use crate::limits::MAX_INPUT_BYTES;
use crate::policies::problem;
use allod_facts::Diagnostic;
use allod_readers::node::{self, Broken};
use allod_readers::{config, dockerfile, terraform};
use regorus::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use value::to_json;

/// A file as rules see it: one value, or several that are looked at one after the other (the documents of a YAML file,
/// the items of a list).
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub path: Arc<str>,
    pub(crate) parts: Vec<Value>,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Yaml,
    /// Also what tools write as JSON: Terraform plans, SBOMs.
    Json,
    Toml,
    Dockerfile,
    /// Terraform, OpenTofu, Packer, Terragrunt.
    Hcl,
    Dotenv,
}

impl Kind {
    /// The kind of a file by its name, as conftest decides it. `None`: rules cannot be asked about it.
    pub fn of(path: &str) -> Option<Kind> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if name == "dockerfile" || name.starts_with("dockerfile.") || extension == "dockerfile" {
            return Some(Kind::Dockerfile);
        }
        if name.starts_with(".env.") {
            return Some(Kind::Dotenv);
        }
        match extension {
            "yml" | "yaml" => Some(Kind::Yaml),
            "hcl" | "tf" | "tfvars" => Some(Kind::Hcl),
            "env" => Some(Kind::Dotenv),
            "json" => Some(Kind::Json),
            "toml" => Some(Kind::Toml),
            _ => None,
        }
    }
}

impl Document {
    /// Reads a file. What no rule could see rightly is a diagnostic (`P044`) and no document.
    ///
    /// # Errors
    /// The file breaks its format, is too large or has a value that JSON cannot express.
    pub fn parse(path: &str, kind: Kind, text: &str) -> Result<Document, Diagnostic> {
        let problem = |line, message| problem("P044", path, line, message);
        if text.len() > MAX_INPUT_BYTES {
            return Err(problem(0, format!("larger than {MAX_INPUT_BYTES} bytes")));
        }
        let broken = |broken: Broken| problem(broken.line, broken.message);
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parts = match kind {
            Kind::Yaml => yaml::parts(text).map_err(broken)?,
            Kind::Json => {
                // The tree of the readers knows lines, and rules have no use for them.
                let whole: Value = serde_json::from_str(text).map_err(|error| {
                    let message = error.to_string();
                    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(short, _)| short);
                    problem(u32::try_from(error.line()).unwrap_or(0), message.to_owned())
                })?;
                split(whole)
            }
            Kind::Toml => vec![value::of_toml(&node::parse_toml(text).map_err(broken)?).map_err(broken)?],
            Kind::Hcl => vec![value::of_json(terraform::plain(text).map_err(broken)?).map_err(broken)?],
            Kind::Dockerfile => vec![value::of_json(dockerfile::plain(text).map_err(broken)?).map_err(broken)?],
            Kind::Dotenv => vec![value::of_json(config::plain_dotenv(text).map_err(broken)?).map_err(broken)?],
        };
        Ok(Document { path: Arc::from(path), parts })
    }

    /// All documents as one, for rules that compare files (`--combine`): a list of `{"path", "contents"}`, sorted by path.
    pub fn combine(mut documents: Vec<Document>) -> Document {
        documents.sort_by(|one, other| one.path.cmp(&other.path));
        let entry = |path: &Arc<str>, part: Value| {
            Value::from(BTreeMap::from([(Value::from("path"), Value::from(&**path)), (Value::from("contents"), part)]))
        };
        let all: Vec<Value> = documents
            .into_iter()
            .flat_map(|document| document.parts.into_iter().map(move |part| entry(&document.path, part)))
            .collect();
        Document { path: Arc::from("Combined"), parts: vec![Value::from(all)] }
    }

    /// How often the rules are asked about it.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What the rules see, for whoever writes one.
    pub fn to_json(&self) -> serde_json::Value {
        self.parts.iter().map(to_json).collect()
    }

    /// The first value.
    pub(crate) fn whole(self) -> Value {
        self.parts.into_iter().next().unwrap_or(Value::Null)
    }
}

/// A list is looked at item by item.
fn split(whole: Value) -> Vec<Value> {
    match whole {
        Value::Array(items) => items.iter().cloned().collect(),
        other => vec![other],
    }
}

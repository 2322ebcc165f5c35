//! AdmissionReview v1, as `k8s.io/api/admission/v1` defines it: the request as far as it is looked at, and the answer.

use crate::judge::{Gvk, Operation};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";
/// The API server cuts warnings longer than this many characters (`truncateItemRunes` of its warning filter).
const WARNING_CHARS: usize = 256;
/// All warnings of a request together have 4,096 characters there before they are cut shorter.
const WARNINGS: usize = 16;
/// Names in Kubernetes have 253 characters at most, and uids 36.
pub const NAME_CHARS: usize = 253;
/// A refusal is read by a person in a terminal.
const MESSAGE_CHARS: usize = 8_000;

/// What the API server asks. Objects are kept as text until somebody needs them: an object that cannot be parsed leaves
/// the rest readable, so that it can be denied under its own uid.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub uid: String,
    pub kind: Gvk,
    pub resource: Resource,
    #[serde(default)]
    pub sub_resource: String,
    pub operation: Operation,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub namespace: String,
    #[serde(default)]
    pub object: Option<Box<RawValue>>,
    #[serde(default)]
    pub old_object: Option<Box<RawValue>>,
    #[serde(default)]
    pub dry_run: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resource {
    pub group: String,
    pub resource: String,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "apiVersion", default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Identity {
    #[serde(default)]
    uid: String,
}

/// Why a body is no request.
#[derive(Debug, PartialEq, Eq)]
pub enum Malformed {
    /// There is no uid under which it could be answered.
    Nameless(String),
    Named {
        uid: String,
        why: String,
    },
}

/// Reads a request.
pub fn read(body: &[u8]) -> Result<Request, Malformed> {
    let nameless = |why: &str| Err(Malformed::Nameless(why.to_owned()));
    let envelope: Envelope<'_> = match serde_json::from_slice(body) {
        Ok(envelope) => envelope,
        Err(error) => return nameless(&format!("the body is no AdmissionReview in JSON: {}", defect(&error))),
    };
    if (envelope.api_version.as_str(), envelope.kind.as_str()) != (API_VERSION, KIND) {
        let (version, kind) = (cut(&envelope.api_version, NAME_CHARS), cut(&envelope.kind, NAME_CHARS));
        return nameless(&format!("`{version}` `{kind}` is not `{API_VERSION}` `{KIND}`"));
    }
    let Some(request) = envelope.request else { return nameless("the AdmissionReview has no request") };
    let uid = match serde_json::from_str::<Identity>(request.get()) {
        Ok(Identity { uid }) if (1..=NAME_CHARS).contains(&uid.len()) => uid,
        _ => return nameless("the request has no uid"),
    };
    serde_json::from_str(request.get())
        .map_err(|error| Malformed::Named { uid, why: format!("the request cannot be read: {}", defect(&error)) })
}

/// What is wrong with JSON. The parser's own words quote values, which have no place in a log.
pub fn defect(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Syntax => "no JSON, or nested too deeply",
        Category::Data => "a value is missing, or not what it must be",
        Category::Eof => "it ends too early",
        Category::Io => "it cannot be read",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub uid: String,
    pub refusal: Option<Refusal>,
    pub warnings: Vec<String>,
    pub annotations: BTreeMap<&'static str, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// An HTTP status, 400 or more.
    pub code: u16,
    pub message: String,
}

/// The machine-readable reason of a status, in the words of `metav1.StatusReason`.
pub fn reason(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        403 => "Forbidden",
        405 => "MethodNotAllowed",
        404 => "NotFound",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        408 | 504 => "Timeout",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    }
}

/// `metav1.Status`. As the body of an HTTP error it is what the API server shows of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status<'a> {
    api_version: &'static str,
    kind: &'static str,
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: &'a str,
}

impl Status<'_> {
    pub fn new(code: u16, message: &str) -> Status<'_> {
        Status { api_version: "v1", kind: "Status", status: "Failure", code, reason: reason(code), message }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: &'a BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Answer {
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let message = self.refusal.as_ref().map(|refusal| cut(&refusal.message, MESSAGE_CHARS));
        let status = self.refusal.as_ref().zip(message.as_deref());
        serde_json::to_vec(&Review {
            api_version: API_VERSION,
            kind: KIND,
            response: Response {
                uid: &self.uid,
                allowed: self.refusal.is_none(),
                status: status.map(|(refusal, message)| Status::new(refusal.code, message)),
                audit_annotations: &self.annotations,
                warnings: self.warnings.iter().take(WARNINGS).map(|text| warning(text)).collect(),
            },
        })
    }
}

/// A warning travels in a header: one line, and not longer than is shown.
fn warning(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&line, WARNING_CHARS)
}

pub fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests;

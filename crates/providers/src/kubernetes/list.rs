use super::client::{Connection, Failed};
use super::kinds::Kind;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Objects of one page, as kubectl asks for them.
const PAGE: usize = 500;
/// Pages of one list: more objects than are kept.
const MAX_PAGES: usize = 2_000;
/// Lists that a server lets expire in the middle, one after the other.
const MAX_RESTARTS: usize = 3;

/// The whole list of a kind, with the version to watch it from.
pub(super) struct List {
    pub items: Vec<Value>,
    pub version: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Meta,
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(rename = "resourceVersion")]
    version: String,
    #[serde(rename = "continue")]
    next: String,
}

/// Lists all objects of a kind, page by page. A list that expires between two pages is begun anew.
pub(super) async fn list(connection: &mut Connection, kind: &Kind, version: &str) -> Result<List, Failed> {
    let path = kind.path(version);
    let mut items = Vec::new();
    let mut next = String::new();
    let mut restarts = 0;
    for _ in 0..MAX_PAGES {
        let query = if next.is_empty() { String::new() } else { format!("&continue={}", encoded(&next)) };
        let page = match connection.get_whole(&format!("{path}?limit={PAGE}{query}")).await {
            Ok(bytes) => bytes,
            Err(failed) if failed.is(StatusCode::GONE) && restarts < MAX_RESTARTS => {
                restarts += 1;
                items.clear();
                next.clear();
                continue;
            }
            Err(failed) => return Err(failed),
        };
        let page: Page = serde_json::from_slice(&page)
            .map_err(|error| Failed::Lost(format!("the list is no JSON of a list: {error}")))?;
        let Some(more) = page.items else { return Err(Failed::Lost("the list has no items".to_owned())) };
        items.extend(more);
        if page.metadata.next.is_empty() {
            return Ok(List { items, version: page.metadata.version });
        }
        next = page.metadata.next;
    }
    Err(Failed::Lost(format!("the list has more than {MAX_PAGES} pages")))
}

/// The versions that the server prefers, by group; the core has `v1`.
pub(super) async fn groups(connection: &mut Connection) -> Result<BTreeMap<String, String>, Failed> {
    #[derive(Deserialize)]
    struct Groups {
        groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        name: String,
        #[serde(rename = "preferredVersion")]
        preferred: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }
    let bytes = connection.get_whole("/apis").await?;
    let groups: Groups = serde_json::from_slice(&bytes)
        .map_err(|error| Failed::Lost(format!("what the API server has is no JSON of groups: {error}")))?;
    let mut versions = BTreeMap::from([(String::new(), "v1".to_owned())]);
    let plain = |version: &str| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let all = groups.groups.into_iter().filter(|group| plain(&group.preferred.version));
    versions.extend(all.map(|group| (group.name, group.preferred.version)));
    Ok(versions)
}

/// Percent-encoded for a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

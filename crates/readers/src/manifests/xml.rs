//! Manifests in XML: Maven's `pom.xml` and the project files of .NET.

use super::found::Found;
use crate::limits::MAX_DEPTH;
use crate::node::Broken;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rustc_hash::FxHashMap;

/// One element that is open.
struct Open {
    name: String,
    line: u32,
}

/// What is told about each element, from the outside in.
enum Seen<'a> {
    /// An element with its attributes; its own name is the last of the path.
    Start {
        attributes: &'a [(String, String)],
    },
    Text(&'a str),
    End,
}

/// Walks over an XML text. Entities of the document's own are not expanded, and nothing recurses.
fn walk(text: &str, visit: &mut dyn FnMut(&[Open], u32, Seen<'_>)) -> Result<(), Broken> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    let mut path: Vec<Open> = Vec::new();
    loop {
        let event = reader.read_event();
        let line = lines.at(reader.buffer_position());
        match event {
            Err(error) => {
                let line = lines.at(reader.error_position());
                return Err(Broken { code: "D004", message: error.to_string(), line });
            }
            Ok(Event::Start(start)) => {
                if path.len() >= MAX_DEPTH {
                    let message = format!("nested deeper than {MAX_DEPTH} levels");
                    return Err(Broken { code: "D005", message, line });
                }
                path.push(Open { name: local_name(&start), line });
                visit(&path, line, Seen::Start { attributes: &attributes(&start) });
            }
            Ok(Event::Empty(start)) => {
                path.push(Open { name: local_name(&start), line });
                visit(&path, line, Seen::Start { attributes: &attributes(&start) });
                visit(&path, line, Seen::End);
                path.pop();
            }
            Ok(Event::End(_)) => {
                visit(&path, line, Seen::End);
                path.pop();
            }
            Ok(Event::Text(text)) => {
                let text = text.trim();
                if !text.is_empty() {
                    visit(&path, line, Seen::Text(text));
                }
            }
            Ok(Event::CData(text)) => visit(&path, line, Seen::Text(text.trim())),
            Ok(Event::Eof) if path.is_empty() => return Ok(()),
            Ok(Event::Eof) => {
                return Err(Broken { code: "D004", message: "the file ends in the middle".into(), line });
            }
            Ok(_) => {}
        }
    }
}

/// Byte offsets to lines, for offsets that only grow.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn at(&mut self, offset: u64) -> u32 {
        let offset = offset as usize;
        if let Some(passed) = self.text.get(self.at..offset.min(self.text.len())) {
            self.line += memchr::memchr_iter(b'\n', passed).count() as u32;
            self.at = offset.min(self.text.len());
        }
        self.line
    }
}

fn local_name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

fn attributes(start: &BytesStart<'_>) -> Vec<(String, String)> {
    let all = start.attributes().flatten();
    all.map(|attribute| (attribute.key.as_ref().to_owned(), attribute.value.into_owned())).collect()
}

/// Elements with coordinates or a URL directly inside them.
const DRAFTED: &[&str] =
    &["dependency", "plugin", "extension", "parent", "artifactItem", "path", "repository", "pluginRepository"];

/// A dependency, plugin or repository while it is open.
#[derive(Default)]
struct Draft {
    group: String,
    artifact: String,
    url: Option<(String, u32)>,
    line: u32,
}

/// Source: Maven's "POM Reference".
pub(super) fn pom(text: &str) -> Result<Found, Broken> {
    let mut found = Found::default();
    let mut properties: FxHashMap<String, String> = FxHashMap::default();
    let mut packages: Vec<Draft> = Vec::new();
    // A plugin may have dependencies inside it.
    let mut drafts: Vec<Draft> = Vec::new();
    let outcome = walk(text, &mut |path, line, seen| {
        let name =
            |back: usize| path.len().checked_sub(back).and_then(|at| path.get(at)).map_or("", |open| &*open.name);
        let (own, outer) = (name(1), name(2));
        let own_line = path.last().map_or(line, |open| open.line);
        match seen {
            Seen::Start { .. } if DRAFTED.contains(&own) => drafts.push(Draft { line, ..Draft::default() }),
            Seen::End if DRAFTED.contains(&own) => {
                let Some(draft) = drafts.pop() else { return };
                match draft.url {
                    // Where releases are sent to is no place that code comes from.
                    Some(_) if path.iter().any(|open| open.name == "distributionManagement") => {}
                    Some((url, line)) => found.registry(&url, line),
                    None => packages.push(draft),
                }
            }
            Seen::Text(text) if own == "artifactId" && path.len() == 2 => {
                found.name = Some((text.to_owned(), own_line));
            }
            Seen::Text(text) if outer == "properties" => {
                properties.insert(own.to_owned(), text.to_owned());
            }
            Seen::Text(text) if DRAFTED.contains(&outer) => {
                let Some(draft) = drafts.last_mut() else { return };
                match own {
                    "groupId" => text.clone_into(&mut draft.group),
                    "artifactId" => (draft.artifact, draft.line) = (text.to_owned(), own_line),
                    "url" => draft.url = Some((text.to_owned(), own_line)),
                    _ => {}
                }
            }
            _ => {}
        }
    });
    for Draft { group, artifact, line, .. } in packages {
        // Maven's own plugins may leave out the group.
        let group = if group.is_empty() { "org.apache.maven.plugins".to_owned() } else { filled(&group, &properties) };
        let artifact = filled(&artifact, &properties);
        // What stays open is the project's own group, nearly always: a sibling, not fetched.
        if artifact.is_empty() {
            continue;
        }
        if !group.contains("${") && !artifact.contains("${") {
            found.package(&format!("{group}:{artifact}"), line);
        } else if !group.contains("${project.") && !group.contains("${pom.") {
            found.unknown.push((format!("{group}:{artifact}"), line));
        }
    }
    outcome.map(|()| found)
}

/// `${name}` from the properties of the same file; a whole text only, as people write it.
fn filled(text: &str, properties: &FxHashMap<String, String>) -> String {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.and_then(|name| properties.get(name)).cloned().unwrap_or_else(|| text.to_owned())
}

/// Project files, `Directory.Packages.props` and `packages.config`. Source: Microsoft's "PackageReference in project
/// files".
pub(super) fn dotnet(text: &str) -> Result<Found, Broken> {
    let mut found = Found::default();
    let outcome = walk(text, &mut |path, line, seen| {
        let name = path.last().map_or("", |open| &*open.name);
        match (name, seen) {
            (
                "PackageReference" | "PackageVersion" | "GlobalPackageReference" | "package",
                Seen::Start { attributes },
            ) => {
                let id = attributes.iter().find(|(key, _)| matches!(key.as_str(), "Include" | "Update" | "id"));
                if let Some((_, id)) = id.filter(|(_, id)| !id.contains("$(")) {
                    found.package(id, line);
                }
            }
            ("AssemblyName" | "PackageId", Seen::Text(text)) if !text.contains("$(") => {
                found.name.get_or_insert((text.to_owned(), line));
            }
            ("RestoreSources" | "RestoreAdditionalProjectSources", Seen::Text(text)) => {
                found.replaces_default |= name == "RestoreSources" && !text.contains("$(");
                text.split(';').filter(|url| url.contains("://")).for_each(|url| found.registry(url, line));
            }
            _ => {}
        }
    });
    outcome.map(|()| found)
}

/// The package sources of a `nuget.config` with their lines, and whether the default one is cleared away. Of a broken
/// file, what stands before the break.
pub(super) fn package_sources(text: &str) -> (Vec<(String, u32)>, bool) {
    let (mut sources, mut clears) = (Vec::new(), false);
    let _ = walk(text, &mut |path, line, seen| {
        let inside = path.iter().any(|open| open.name == "packageSources");
        if let (true, Some("add" | "clear"), Seen::Start { attributes }) =
            (inside, path.last().map(|open| &*open.name), seen)
        {
            clears |= path.last().is_some_and(|open| open.name == "clear");
            let url = attributes.iter().find(|(key, _)| key == "value").map(|(_, url)| url);
            sources.extend(url.filter(|url| url.contains("://")).map(|url| (url.clone(), line)));
        }
    });
    (sources, clears)
}

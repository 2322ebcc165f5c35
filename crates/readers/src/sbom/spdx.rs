use super::part::{Bill, Entry, EntryKind};
use crate::node::Node;
use allod_facts::LinkKind;
use rustc_hash::FxHashSet;

/// Reads one document. Source: SPDX 2.3, "Package information" and "Relationships between SPDX elements".
pub(super) fn read(bill: &mut Bill, node: &Node) {
    bill.reader = super::SPDX.id;
    let version = node.get("spdxVersion");
    if !version.and_then(Node::as_str).is_some_and(|version| version.starts_with("SPDX-2.")) {
        let line = version.map_or(1, |version| version.line);
        let shown = version.and_then(Node::as_str).unwrap_or("3");
        return bill.warn("D010", &format!("SPDX version `{shown}` is not read"), line);
    }
    let packages = node.get("packages").map(Node::items).unwrap_or_default();
    let described = described(node);
    let main = packages.iter().find(|package| package.str_at(&["SPDXID"]).is_some_and(|id| described.contains(id)));
    match main {
        Some(package) => bill.add_root(&Entry { kind_name: "application", ..entry_of(package) }),
        None => bill.add_root(&Entry {
            name: node.str_at(&["name"]).unwrap_or_default(),
            line: node.get("name").map_or(1, |name| name.line),
            end_line: node.end_line,
            ..Entry::default()
        }),
    };
    for package in packages {
        let is_root = main.is_some_and(|main| std::ptr::eq(main, package));
        if !is_root {
            bill.add(&entry_of(package));
        }
    }
    relationships(bill, node);
}

/// What the document is about.
fn described(node: &Node) -> FxHashSet<&str> {
    let listed = node.get("documentDescribes").map(Node::items).unwrap_or_default().iter().filter_map(Node::as_str);
    let related = node.get("relationships").map(Node::items).unwrap_or_default().iter().filter_map(|relation| {
        match relation.str_at(&["relationshipType"])? {
            "DESCRIBES" => relation.str_at(&["relatedSpdxElement"]),
            "DESCRIBED_BY" => relation.str_at(&["spdxElementId"]),
            _ => None,
        }
    });
    listed.chain(related).collect()
}

fn entry_of(node: &Node) -> Entry<'_> {
    let purl = node.get("externalRefs").map(Node::items).unwrap_or_default().iter().find_map(|reference| {
        let locator = reference.get("referenceLocator")?;
        (reference.str_at(&["referenceType"]) == Some("purl")).then_some((locator.as_str()?, locator.line))
    });
    let mut makers: Vec<(&str, u32)> = Vec::new();
    for key in ["supplier", "originator"] {
        // `Organization: Red Hat (contact@...)`; persons are nobody's business here.
        let maker = node.get(key).and_then(|maker| Some((maker.as_str()?.strip_prefix("Organization:")?, maker.line)));
        if let Some((name, line)) = maker {
            let name = name.split('(').next().unwrap_or(name).trim();
            if !name.is_empty() && makers.iter().all(|(known, _)| *known != name) {
                makers.push((name, line));
            }
        }
    }
    let kind = match node.str_at(&["primaryPackagePurpose"]) {
        Some("OPERATING-SYSTEM" | "OPERATING_SYSTEM") => EntryKind::OperatingSystem,
        Some("CONTAINER") => EntryKind::Container,
        Some("DEVICE" | "FIRMWARE") => EntryKind::Device,
        Some("FILE" | "ARCHIVE" | "SOURCE") if purl.is_none() => EntryKind::Content,
        _ => EntryKind::Library,
    };
    let download = node
        .get("downloadLocation")
        .and_then(|location| Some((location.as_str()?, location.line)))
        .filter(|(text, _)| !matches!(*text, "NOASSERTION" | "NONE" | ""));
    Entry {
        reference: node.str_at(&["SPDXID"]).unwrap_or_default(),
        name: node.str_at(&["name"]).unwrap_or_default(),
        version: node.str_at(&["versionInfo"]).unwrap_or_default(),
        purl,
        makers,
        kind,
        kind_name: match kind {
            EntryKind::OperatingSystem => "operating-system",
            EntryKind::Container => "container",
            EntryKind::Device => "device",
            _ => "library",
        },
        download,
        line: node.get("name").map_or(node.line, |name| name.line),
        end_line: node.end_line,
    }
}

/// Between libraries a relationship changes nothing about who holds what: each of them is linked from the root.
fn relationships(bill: &mut Bill, node: &Node) {
    for relation in node.get("relationships").map(Node::items).unwrap_or_default() {
        let part = |key: &str| relation.str_at(&[key]).and_then(|reference| bill.parts.get(reference)).copied();
        let (Some(one), Some(other)) = (part("spdxElementId"), part("relatedSpdxElement")) else { continue };
        let (from, to) = match relation.str_at(&["relationshipType"]) {
            Some("DEPENDS_ON" | "CONTAINS" | "GENERATED_FROM" | "STATIC_LINK" | "DYNAMIC_LINK" | "DESCENDANT_OF") => {
                (one, other)
            }
            Some(
                "DEPENDENCY_OF" | "CONTAINED_BY" | "BUILD_TOOL_OF" | "RUNTIME_DEPENDENCY_OF" | "BUILD_DEPENDENCY_OF",
            ) => (other, one),
            _ => continue,
        };
        if !(from.is_library && to.is_library) {
            bill.link(from.at, LinkKind::BuiltFrom, to.at, relation.line);
        }
    }
}

use crate::record::*;
use allod_facts::{Country, Layer};
use allod_readers::node::{Node, parse_yaml_document};
use compact_str::{CompactString, format_compact};
use std::collections::BTreeMap;

/// Something wrong in a register file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub path: String,
    pub line: u32,
    /// `R001` to `R005`.
    pub code: &'static str,
    pub message: String,
}

/// The keys of a `match:` block, besides `sdk`.
pub(crate) const MATCHERS: &[&str] = &[
    "domains",
    "host_patterns",
    "ns",
    "mx",
    "cname",
    "spf",
    "caa",
    "terraform",
    "terraform_providers",
    "backends",
    "images",
    "actions",
    "ci",
    "runners",
    "env",
    "exporters",
    "helm",
    "kubernetes",
    "names",
];

/// Reads one register file into `records`. What is wrong is added to `problems`; the rest is kept.
pub fn load_file(path: &str, text: &str, records: &mut Records, problems: &mut Vec<Problem>) {
    let mut file = File { path, problems };
    let root = match parse_yaml_document(text) {
        Ok(root) => root,
        Err(broken) => return file.problem(broken.line, "R001", broken.message),
    };
    file.only_keys(&root, &["entities", "services", "software", "regions"]);
    for (id, key, node) in section(&root, "entities") {
        let entity = file.entity(id, key, node);
        records.entities.push(entity);
    }
    for (id, key, node) in section(&root, "services") {
        if let Some(service) = file.service(id, key, node) {
            records.services.push(service);
        }
    }
    for (id, key, node) in section(&root, "software") {
        if let Some(software) = file.software(id, key, node) {
            records.software.push(software);
        }
    }
    for (id, key, node) in section(&root, "regions") {
        let regions = file.regions(id, key, node);
        records.regions.push(regions);
    }
    records.sort();
}

fn section<'a>(root: &'a Node, name: &str) -> Vec<(&'a str, &'a Node, &'a Node)> {
    root.get(name).map(|node| node.entries().collect()).unwrap_or_default()
}

struct File<'a> {
    path: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl File<'_> {
    fn problem(&mut self, line: u32, code: &'static str, message: String) {
        self.problems.push(Problem { path: self.path.to_owned(), line, code, message });
    }

    fn only_keys(&mut self, node: &Node, known: &[&str]) {
        if node.as_map().is_none() && !node.is_null() {
            self.problem(node.line, "R001", "a map is expected here".into());
        }
        for (name, key, _) in node.entries() {
            if !known.contains(&name) {
                self.problem(key.line, "R002", format!("unknown key `{name}`"));
            }
        }
    }

    fn text(&mut self, node: &Node, key: &str) -> Option<CompactString> {
        let value = node.get(key)?;
        if value.is_null() {
            return None;
        }
        if value.as_str().is_none() {
            self.problem(value.line, "R001", format!("`{key}` is a text"));
        }
        value.as_str().map(CompactString::from)
    }

    fn name(&mut self, id: &str, key: &Node, node: &Node) -> CompactString {
        let fine = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fine {
            self.problem(key.line, "R001", format!("id `{id}` is not lower case letters, digits and dashes"));
        }
        self.text(node, "name").unwrap_or_else(|| {
            self.problem(key.line, "R001", format!("`{id}` has no name"));
            id.into()
        })
    }

    fn origin(&self, key: &Node) -> Origin {
        Origin { file: self.path.into(), line: key.line, users_own: false }
    }

    fn claim(&mut self, node: &Node) -> Option<Claim> {
        let claim = node.get("claim").filter(|claim| !claim.is_null())?;
        self.only_keys(claim, &["source", "seen", "confidence", "title", "note"]);
        let source = self.text(claim, "source").unwrap_or_default();
        let seen = self.text(claim, "seen").unwrap_or_default();
        let confidence = self.text(claim, "confidence").and_then(|name| Confidence::from_name(&name));
        let date = seen.len() == 10
            && seen.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
        match confidence {
            Some(confidence) if date && (source.starts_with("https://") || source.starts_with("http://")) => {
                Some(Claim { source, seen, confidence })
            }
            _ => {
                self.problem(
                    claim.line,
                    "R005",
                    "a claim has a source URL, a date `seen` and a known confidence".into(),
                );
                None
            }
        }
    }

    fn country(&mut self, node: &Node) -> Option<Country> {
        let value = node.get("country").filter(|value| !value.is_null())?;
        let country = value.as_str().and_then(Country::new);
        if country.is_none() {
            self.problem(value.line, "R001", "`country` is an ISO 3166-1 alpha-2 code".into());
        }
        country
    }

    fn layer(&mut self, id: &str, key: &Node, node: &Node) -> Option<Layer> {
        let layer = node.str_at(&["layer"]).and_then(Layer::from_name);
        if layer.is_none() {
            self.problem(key.line, "R001", format!("`{id}` has no known layer"));
        }
        layer
    }

    fn entity(&mut self, id: &str, key: &Node, node: &Node) -> Entity {
        self.only_keys(node, &["name", "country", "lei", "kind", "claim", "control", "note"]);
        let edges = node.get("control").map(Node::items).unwrap_or_default();
        Entity {
            id: id.into(),
            name: self.name(id, key, node),
            country: self.country(node),
            lei: self.text(node, "lei"),
            claim: self.claim(node),
            control: edges.iter().filter_map(|edge| self.edge(edge)).collect(),
            note: self.text(node, "note"),
            origin: self.origin(key),
        }
    }

    fn edge(&mut self, node: &Node) -> Option<ControlEdge> {
        self.only_keys(node, &["holder", "kind", "share_pct", "votes_pct", "from", "to", "claim", "note"]);
        let kind = match node.str_at(&["kind"]) {
            Some("ultimate") => ControlKind::Ultimate,
            Some("majority") => ControlKind::Majority,
            Some("minority") => ControlKind::Minority,
            Some("licensor") => ControlKind::Licensor,
            _ => {
                self.problem(node.line, "R001", "`kind` is ultimate, majority, minority or licensor".into());
                return None;
            }
        };
        let Some(holder) = self.text(node, "holder") else {
            self.problem(node.line, "R001", "a control edge has a holder".into());
            return None;
        };
        Some(ControlEdge {
            holder,
            kind,
            share_pct: node.str_at(&["share_pct"]).and_then(|share| share.parse().ok()),
            from: self.text(node, "from"),
            to: self.text(node, "to"),
            claim: self.claim(node),
        })
    }

    fn service(&mut self, id: &str, key: &Node, node: &Node) -> Option<Service> {
        self.only_keys(
            node,
            &[
                "name",
                "layer",
                "operator",
                "contracting",
                "claim",
                "match",
                "regions",
                "locations",
                "ends_tls",
                "mitigations",
                "alternatives",
                "note",
            ],
        );
        let layer = self.layer(id, key, node)?;
        let items = |key: &str| node.get(key).map(Node::items).unwrap_or_default();
        Some(Service {
            id: id.into(),
            name: self.name(id, key, node),
            layer,
            operator: self.text(node, "operator"),
            contracting: items("contracting")
                .iter()
                .map(|item| Contracting {
                    customer: self.text(item, "customer").unwrap_or_default(),
                    entity: self.text(item, "entity").unwrap_or_default(),
                    claim: self.claim(item),
                })
                .collect(),
            claim: self.claim(node),
            matchers: self.matchers(node),
            regions: self.text(node, "regions"),
            locations: self.locations(node),
            ends_tls: node.get("ends_tls").and_then(Node::as_bool).unwrap_or(false),
            mitigations: items("mitigations")
                .iter()
                .map(|item| Offer { kind: self.text(item, "kind").unwrap_or_default(), claim: self.claim(item) })
                .collect(),
            alternatives: items("alternatives").iter().filter_map(Node::as_str).map(CompactString::from).collect(),
            note: self.text(node, "note"),
            origin: self.origin(key),
        })
    }

    fn software(&mut self, id: &str, key: &Node, node: &Node) -> Option<Software> {
        self.only_keys(
            node,
            &["name", "layer", "publisher", "licence", "claim", "match", "talks_to", "note", "alternatives"],
        );
        let layer = self.layer(id, key, node)?;
        let talks_to = node.get("talks_to").map(Node::items).unwrap_or_default();
        Some(Software {
            id: id.into(),
            name: self.name(id, key, node),
            layer,
            publisher: self.text(node, "publisher"),
            licence: self.text(node, "licence"),
            claim: self.claim(node),
            matchers: self.matchers(node),
            talks_to: talks_to
                .iter()
                .map(|item| TalksTo {
                    service: self.text(item, "service").unwrap_or_default(),
                    why: self.text(item, "why").unwrap_or_default(),
                    claim: self.claim(item),
                })
                .collect(),
            note: self.text(node, "note"),
            origin: self.origin(key),
        })
    }

    fn matchers(&mut self, node: &Node) -> Matchers {
        let mut lists: BTreeMap<CompactString, Vec<CompactString>> = BTreeMap::new();
        let Some(node) = node.get("match") else { return Matchers::default() };
        let mut put = |name: CompactString, values: &Node| {
            let texts: Vec<CompactString> =
                values.items().iter().filter_map(Node::as_str).map(CompactString::from).collect();
            if !texts.is_empty() {
                lists.insert(name, texts);
            }
        };
        for (name, key, values) in node.entries() {
            match name {
                "sdk" => {
                    values.entries().for_each(|(ecosystem, _, names)| put(format_compact!("sdk/{ecosystem}"), names))
                }
                "claim" => {}
                name if MATCHERS.contains(&name) => put(name.into(), values),
                name => self.problems.push(Problem {
                    path: self.path.to_owned(),
                    line: key.line,
                    code: "R002",
                    message: format!("unknown matcher `{name}`"),
                }),
            }
        }
        Matchers { lists }
    }

    fn locations(&mut self, node: &Node) -> BTreeMap<CompactString, Location> {
        let mut locations = BTreeMap::new();
        for (kind, _, value) in node.get("locations").into_iter().flat_map(Node::entries) {
            let list = value.get("value").unwrap_or(value);
            let texts = list.items().iter().filter_map(Node::as_str).map(CompactString::from).collect();
            let claim = if value.as_map().is_some() { self.claim(value) } else { None };
            locations.insert(kind.into(), Location { value: texts, claim });
        }
        locations
    }

    fn regions(&mut self, id: &str, key: &Node, node: &Node) -> Regions {
        self.only_keys(node, &["claim", "list", "name", "note"]);
        let mut list = BTreeMap::new();
        for (name, _, region) in node.get("list").into_iter().flat_map(Node::entries) {
            let country = self.country(region);
            let place = self.text(region, "place");
            list.insert(name.to_ascii_lowercase().into(), Region { name: name.into(), country, place });
        }
        Regions { id: id.into(), claim: self.claim(node), list, origin: self.origin(key) }
    }
}

use super::PLACES;
use crate::pattern::Pattern;
use crate::source::Source;
use allod_facts::Role;
use allod_readers::node::Node;
use allod_stack::Part;

/// Where a word of the organisation applies: all keys that are given have to fit, of each key's patterns one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Where {
    /// Of the files that describe the part.
    pub path: Vec<Pattern>,
    /// Of Terraform, without the root (`aws_s3_bucket.*`).
    pub address: Vec<Pattern>,
    /// Of Kubernetes.
    pub namespace: Vec<Pattern>,
    /// `key=value` of a tag, label or annotation; `key` alone for any value.
    pub label: Vec<Pattern>,
    /// Id or name, as `allod audit` shows them.
    pub component: Vec<Pattern>,
    /// `Deployment`, `aws_s3_bucket`.
    pub kind: Vec<Pattern>,
    pub line: u32,
}

impl Where {
    /// The places of an entry: the keys in it, or each of the maps under `on`.
    pub(crate) fn read_all(node: &Node, source: &mut Source<'_>) -> Vec<Where> {
        if node.is_null() {
            return Vec::new();
        }
        let inline = PLACES.iter().any(|key| node.get(key).is_some());
        let listed = node.entry("on");
        if let (true, Some((key, _))) = (inline, listed) {
            source.error("P001", key.line, "`on` stands beside the places that belong into it".to_owned(), None);
        }
        let mut all = Vec::new();
        if inline {
            all.push(Where::read(node, source));
        }
        for item in listed.map(|(_, on)| on.items()).unwrap_or_default() {
            if !source.keys(item, &PLACES, "a place") {
                continue;
            }
            if item.as_map().is_none_or(<[_]>::is_empty) {
                source.error(
                    "P001",
                    item.line,
                    "this says no place".to_owned(),
                    Some(format!("use {}", PLACES.join(", "))),
                );
            } else {
                all.push(Where::read(item, source));
            }
        }
        all
    }

    fn read(node: &Node, source: &mut Source<'_>) -> Where {
        let mut patterns = |key: &str, make: fn(&str) -> Option<Pattern>| -> Vec<Pattern> {
            let Some(value) = node.get(key) else { return Vec::new() };
            let said = source.texts(value, &format!("`{key}`"));
            let mut patterns = Vec::new();
            for one in said {
                match make(&one.text) {
                    Some(pattern) => patterns.push(pattern),
                    None => source.error("P001", one.line, format!("`{}` is no pattern", one.text), None),
                }
            }
            patterns
        };
        let named = |text: &str| Some(Pattern::of_names(text));
        Where {
            path: patterns("path", Pattern::of_paths),
            address: patterns("address", named),
            namespace: patterns("namespace", named),
            label: patterns("label", named),
            component: patterns("component", named),
            kind: patterns("kind", named),
            line: node.line,
        }
    }

    /// Whether a part is meant; `base` is what is looked at, as seen from the folder of the file. Paths, namespaces and kinds mean what the files describe, not every host that they
    /// name: what those carry follows from the links.
    pub fn fits(&self, part: &Part<'_>, base: &str) -> bool {
        let any = |patterns: &[Pattern], texts: &[&str]| {
            patterns.is_empty() || patterns.iter().any(|one| texts.iter().any(|text| one.matches(text)))
        };
        let nothing_said = [&self.path, &self.address, &self.namespace, &self.label, &self.component, &self.kind]
            .iter()
            .all(|patterns| patterns.is_empty());
        if nothing_said || self.component.is_empty() && !is_described(part) {
            return false;
        }
        let path = part.fact.evidence.first().map_or("", |seen| &seen.path);
        let from_base = if base.is_empty() { String::new() } else { format!("{base}/{path}") };
        any(&self.path, &[if base.is_empty() { path } else { &from_base }])
            && any(&self.address, address(part).as_slice())
            && any(&self.namespace, namespace(part).as_slice())
            && any(&self.component, &names(part))
            && any(&self.kind, &[&part.fact.kind])
            && (self.label.is_empty() || self.label.iter().any(|pattern| has_label(part, pattern)))
    }
}

fn has_label(part: &Part<'_>, pattern: &Pattern) -> bool {
    part.fact.labels.iter().flat_map(|labels| labels.iter()).any(|(key, value)| {
        if pattern.text.contains('=') { pattern.matches(&format!("{key}={value}")) } else { pattern.matches(key) }
    })
}

/// Whether a file describes the part itself: a block, an object, a service; not a host or an image that it names.
pub(crate) fn is_described(part: &Part<'_>) -> bool {
    part.fact.role == Role::Own || part.fact.role == Role::Provided && part.fact.id.contains('#')
}

/// The Terraform address of a part.
pub(crate) fn address<'p>(part: &'p Part<'_>) -> Option<&'p str> {
    part.fact.id.strip_prefix("tf:").and_then(|rest| rest.rsplit_once('#')).map(|(_, address)| address)
}

/// The Kubernetes namespace of a part: ids are `k8s:PATH#KIND/NAMESPACE/NAME`.
pub(crate) fn namespace<'p>(part: &'p Part<'_>) -> Option<&'p str> {
    let (_, object) = part.fact.id.strip_prefix("k8s:")?.rsplit_once('#')?;
    object.split('/').nth(1).filter(|namespace| !namespace.is_empty())
}

/// What a part is called: its id, its name, and the end of its id.
pub(crate) fn names<'p>(part: &'p Part<'_>) -> Vec<&'p str> {
    let id: &str = &part.fact.id;
    let end = id.rsplit_once('#').map(|(_, end)| end);
    [Some(id), Some(part.fact.name.as_str()), end].into_iter().flatten().collect()
}

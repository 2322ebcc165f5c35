use crate::files::folder_of;
use crate::helm::template::HOLE;
use crate::node::Node;
use allod_facts::{Evidence, Facts};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Lists inside lists: real ones have one level.
const MAX_LIST_DEPTH: usize = 8;

/// One parsed document of a file, with the reader on whose behalf it is read.
#[derive(Debug)]
pub(crate) struct Document {
    pub path: Arc<str>,
    pub reader: &'static str,
    pub node: Node,
}

/// One Kubernetes object.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a> {
    pub path: &'a Arc<str>,
    pub reader: &'static str,
    pub node: &'a Node,
    /// The API group without version, `""` for the core.
    pub group: &'a str,
    pub kind: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub line: u32,
}

impl<'a> Object<'a> {
    fn new(document: &'a Document, node: &'a Node, kind_key: &Node, kind: &'a str) -> Object<'a> {
        let version = node.str_at(&["apiVersion"]).unwrap_or("");
        let name = node.str_at(&["metadata", "name"]).or_else(|| node.str_at(&["metadata", "generateName"]));
        Object {
            path: &document.path,
            reader: document.reader,
            node,
            group: version.split_once('/').map_or("", |(group, _)| group),
            kind,
            namespace: node.str_at(&["metadata", "namespace"]).unwrap_or(""),
            name: name.unwrap_or(""),
            line: kind_key.line,
        }
    }

    /// The address of the object, with `suffix` for a part of it.
    pub fn id(&self, suffix: &str) -> String {
        let id = format!("k8s:{}#{}/{}/{}{suffix}", self.path, self.kind, self.namespace, self.name);
        id.replace(HOLE, "*")
    }

    pub fn shown_name(&self) -> String {
        self.name.replace(HOLE, "*")
    }

    /// The whole object.
    pub fn block(&self) -> Evidence {
        Evidence { end_line: self.node.end_line.max(self.line), ..self.at(self.line) }
    }

    pub fn at(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, self.reader)
    }

    pub fn seen(&self, node: &Node) -> Evidence {
        self.at(node.line)
    }

    /// From a key's line to the end of its value.
    pub fn span(&self, key: &Node, value: &Node) -> Evidence {
        Evidence { end_line: value.end_line.max(key.line), ..self.at(key.line) }
    }

    pub fn spec(&self) -> Option<&'a Node> {
        self.node.get("spec")
    }

    pub fn annotation(&self, name: &str) -> Option<&'a Node> {
        self.node.at(&["metadata", "annotations"])?.get(name)
    }

    pub fn annotations(&self) -> impl Iterator<Item = (&'a str, &'a Node, &'a Node)> + use<'a> {
        self.node.at(&["metadata", "annotations"]).into_iter().flat_map(Node::entries)
    }

    /// Kind and name of what made the object and replaces it, as a cluster writes it: the replica set of a pod.
    pub fn owner(&self) -> Option<(&'a str, &'a str)> {
        let owners = self.node.at(&["metadata", "ownerReferences"])?.items();
        let owner = owners.iter().find(|one| one.get("controller").and_then(Node::as_bool) == Some(true))?;
        Some((owner.str_at(&["kind"])?, owner.str_at(&["name"])?))
    }

    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

/// Every object of the documents, lists unfolded, in their order.
pub(crate) fn collect<'a>(documents: impl IntoIterator<Item = &'a Document>, facts: &mut Facts) -> Vec<Object<'a>> {
    let mut objects = Vec::new();
    for document in documents {
        unfold(document, &document.node, 0, &mut objects, facts);
    }
    objects
}

fn unfold<'a>(document: &'a Document, node: &'a Node, depth: usize, objects: &mut Vec<Object<'a>>, facts: &mut Facts) {
    if node.is_null() || depth > MAX_LIST_DEPTH {
        return;
    }
    if let Some(items) = node.as_seq() {
        return items.iter().for_each(|item| unfold(document, item, depth + 1, objects, facts));
    }
    let kind = node.entry("kind").and_then(|(key, kind)| Some((key, kind.as_str()?)));
    match kind {
        Some((_, kind)) if kind.ends_with("List") && node.get("items").is_some() => {
            for item in node.get("items").map(Node::items).unwrap_or_default() {
                unfold(document, item, depth + 1, objects, facts);
            }
        }
        Some((key, kind)) => objects.push(Object::new(document, node, key, kind)),
        None if document.reader == crate::helm::READER.id => {}
        None => {
            let seen = Evidence::line(&document.path, node.line, document.reader);
            facts.unresolved("U010", "a document without `kind`".to_owned(), None, seen);
        }
    }
}

/// Objects by what other objects call them.
#[derive(Debug, Default)]
pub(crate) struct Index<'a> {
    exact: FxHashMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    /// By kind and name whatever the namespace.
    loose: FxHashMap<(&'a str, &'a str), Vec<usize>>,
    paths: Vec<&'a str>,
}

/// Objects of one kind and name (in the overlays of many environments, say) among which the nearest is looked for.
const MAX_NAMESAKES: usize = 256;

impl<'a> Index<'a> {
    pub fn new(objects: &[Object<'a>]) -> Index<'a> {
        let mut index = Index::default();
        for (at, object) in objects.iter().enumerate() {
            index.paths.push(object.path);
            let exact = index.exact.entry((object.kind, object.namespace, object.name)).or_default();
            let loose = index.loose.entry((object.kind, object.name)).or_default();
            for list in [exact, loose] {
                if list.len() < MAX_NAMESAKES {
                    list.push(at);
                }
            }
        }
        index
    }

    /// The object that a reference in the file `from` means: the nearest one in the namespace, else the only one of
    /// that name (overlays set the namespace later), or the only one in the same folder.
    pub fn find(&self, kind: &str, namespace: &str, name: &str, from: &str) -> Option<usize> {
        if name.trim_matches(HOLE).is_empty() {
            return None;
        }
        let exact = self.exact.get(&(kind, namespace, name)).and_then(|list| self.nearest(list, from));
        exact.or_else(|| match self.loose.get(&(kind, name)).map(Vec::as_slice) {
            Some([only]) => Some(*only),
            Some(list) => {
                let folder = folder_of(from);
                let mut beside =
                    list.iter().filter(|&&at| self.paths.get(at).is_some_and(|path| folder_of(path) == folder));
                beside.next().copied().filter(|_| beside.next().is_none())
            }
            None => None,
        })
    }

    /// The nearest object of the very namespace that a reference names.
    pub fn find_exact(&self, kind: &str, namespace: &str, name: &str, from: &str) -> Option<usize> {
        let known = self.exact.get(&(kind, namespace, name)).filter(|_| !name.trim_matches(HOLE).is_empty());
        known.and_then(|list| self.nearest(list, from))
    }

    /// The object whose file shares the longest path with `from`; the first of those that share as much.
    fn nearest(&self, list: &[usize], from: &str) -> Option<usize> {
        let shared = |at: usize| {
            let path = self.paths.get(at).copied().unwrap_or("");
            if path == from {
                return usize::MAX;
            }
            path.split('/').zip(from.split('/')).take_while(|(a, b)| a == b).count()
        };
        let mut best: Option<(usize, usize)> = None;
        for &at in list {
            let near = shared(at);
            if best.is_none_or(|(known, _)| near > known) {
                best = Some((near, at));
            }
        }
        best.map(|(_, at)| at)
    }
}

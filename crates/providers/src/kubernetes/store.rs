use super::kinds::Kind;
use allod_readers::kubernetes::Live;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Objects of all kinds that are kept. The largest clusters that Kubernetes is tested with have 150 000 pods.
const MAX_OBJECTS: usize = 400_000;
/// What these objects have as text, together; parsed they take some times as much. A pod has about 4 KiB.
const MAX_BYTES: usize = 1 << 30;

/// Objects of one kind that could not be kept and are remembered: one is enough to say that the kind is not seen.
const MAX_BROKEN: usize = 1_000;

/// What is known of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// In the order of their paths.
    pub objects: Vec<Arc<Live>>,
    /// Kinds that cannot be seen.
    pub gaps: Vec<Gap>,
    /// Kinds that the cluster serves and that could be listed.
    pub kinds: BTreeSet<&'static str>,
}

/// A kind of object that is not seen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// `deployments.apps`; the API server itself when nothing is seen.
    pub what: String,
    pub why: String,
    /// When it was last seen, in seconds since 1970; `None`: never.
    pub since: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    kinds: BTreeMap<Kind, OfKind>,
    /// Why the API server does not say what it has.
    pub unreachable: Option<Gap>,
    pub last_reached: Option<u64>,
    objects: usize,
    bytes: usize,
    /// Grows with every change of what is seen.
    pub revision: u64,
}

#[derive(Debug, Default)]
struct OfKind {
    objects: BTreeMap<String, Kept>,
    listed: bool,
    seen: Option<u64>,
    failed: Option<String>,
    /// Objects that came and could not be kept, with the reason: they are not seen until they come otherwise.
    broken: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Kept {
    live: Arc<Live>,
    /// What was parsed: the same text again is no change.
    text: Box<str>,
}

/// An object as it came, made ready to be kept.
pub(super) struct Object {
    path: String,
    text: String,
}

impl Object {
    /// Without what the API server keeps itself, and what could hold secrets. `None`: it has no name.
    pub fn of(mut value: Value, kind: &Kind, api_version: &str) -> Option<Object> {
        let fields = value.as_object_mut()?;
        // Items of a list do not repeat these.
        fields.insert("apiVersion".into(), api_version.into());
        fields.insert("kind".into(), kind.kind.into());
        let phase = fields.get("status").and_then(|status| status.get("phase")).cloned();
        fields.remove("status");
        if let (Some(phase), "Pod") = (phase, kind.kind) {
            fields.insert("status".into(), serde_json::json!({ "phase": phase }));
        }
        let metadata = fields.get_mut("metadata")?.as_object_mut()?;
        for key in ["managedFields", "resourceVersion", "generation", "selfLink", "uid", "creationTimestamp"] {
            metadata.remove(key);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        let name = metadata.get("name")?.as_str()?.to_owned();
        let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = format!("cluster:{api_version}/{}/{namespace}/{name}", kind.kind);
        Some(Object { path, text: value.to_string() })
    }
}

/// The namespace of an object, and of a namespace its name.
pub(super) fn namespace_of(value: &Value, kind: &Kind) -> String {
    let key = if kind.kind == "Namespace" && kind.group.is_empty() { "name" } else { "namespace" };
    value.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Store {
    /// Takes the whole list of a kind in place of what was known of it.
    pub fn replace(&mut self, kind: Kind, objects: Vec<Object>, at: u64) {
        let before = self.kinds.remove(&kind).unwrap_or_default();
        let (count, bytes) = before.size();
        (self.objects, self.bytes) = (self.objects.saturating_sub(count), self.bytes.saturating_sub(bytes));
        let broken = !before.broken.is_empty();
        let gone = before.objects.keys().cloned().collect::<BTreeSet<String>>();
        let paths: BTreeSet<String> = objects.iter().map(|one| one.path.clone()).collect();
        if gone != paths || !before.listed || before.failed.is_some() || broken {
            self.revision += 1;
        }
        self.kinds.insert(kind, OfKind { listed: true, seen: Some(at), ..OfKind::default() });
        let mut old = before.objects;
        for object in objects {
            // What did not change keeps what was parsed of it.
            match old.remove(&object.path).filter(|kept| *kept.text == *object.text) {
                Some(kept) => self.keep(kind, object.path, kept),
                None => self.put(kind, object, at),
            }
        }
    }

    /// An object that is new or changed.
    pub fn put(&mut self, kind: Kind, object: Object, at: u64) {
        self.touch(kind, at);
        let known = self.kinds.get(&kind).and_then(|of| of.objects.get(&object.path));
        if known.is_some_and(|kept| *kept.text == *object.text) {
            if self.kinds.get_mut(&kind).is_some_and(|of| of.broken.remove(&object.path).is_some()) {
                self.revision += 1;
            }
            return;
        }
        match Live::parse(&object.path, &object.text) {
            Ok(live) => {
                let kept = Kept { live: Arc::new(live), text: object.text.into() };
                self.revision += 1;
                self.keep(kind, object.path, kept);
            }
            Err(broken) => {
                let why = format!("`{}` cannot be read: {}", object.path, broken.message);
                self.broke(kind, object.path, why);
            }
        }
    }

    fn keep(&mut self, kind: Kind, path: String, kept: Kept) {
        if self.objects >= MAX_OBJECTS || self.bytes + kept.text.len() > MAX_BYTES {
            let why = format!("more than {MAX_OBJECTS} objects or {MAX_BYTES} bytes are not kept");
            return self.broke(kind, path, why);
        }
        self.objects += 1;
        self.bytes += kept.text.len();
        let of = self.kinds.entry(kind).or_default();
        of.broken.remove(&path);
        if let Some(old) = of.objects.insert(path, kept) {
            self.objects = self.objects.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(old.text.len());
        }
    }

    fn broke(&mut self, kind: Kind, path: String, why: String) {
        self.revision += 1;
        let broken = &mut self.kinds.entry(kind).or_default().broken;
        if broken.len() < MAX_BROKEN {
            broken.insert(path, why);
        }
    }

    pub fn remove(&mut self, kind: Kind, object: &Object, at: u64) {
        self.touch(kind, at);
        if self.kinds.get_mut(&kind).is_some_and(|of| of.broken.remove(&object.path).is_some()) {
            self.revision += 1;
        }
        if let Some(old) = self.kinds.get_mut(&kind).and_then(|of| of.objects.remove(&object.path)) {
            self.objects = self.objects.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(old.text.len());
            self.revision += 1;
        }
    }

    /// Something was heard of the kind.
    pub fn touch(&mut self, kind: Kind, at: u64) {
        self.kinds.entry(kind).or_default().seen = Some(at);
    }

    /// The watch of a kind goes on after a failure.
    pub fn recovered(&mut self, kind: Kind, at: u64) {
        let of = self.kinds.entry(kind).or_default();
        of.seen = Some(at);
        if of.failed.take().is_some() {
            self.revision += 1;
        }
    }

    pub fn fail(&mut self, kind: Kind, why: String) {
        let of = self.kinds.entry(kind).or_default();
        if of.failed.as_ref() != Some(&why) {
            of.failed = Some(why);
            self.revision += 1;
        }
    }

    /// The cluster does not have the kind any more.
    pub fn drop_kind(&mut self, kind: Kind) {
        if let Some(of) = self.kinds.remove(&kind) {
            let (count, bytes) = of.size();
            (self.objects, self.bytes) = (self.objects.saturating_sub(count), self.bytes.saturating_sub(bytes));
            self.revision += 1;
        }
    }

    pub fn expect(&mut self, kind: Kind) {
        self.kinds.entry(kind).or_default();
    }

    /// Whether each kind was listed or has failed.
    pub fn is_settled(&self) -> bool {
        self.unreachable.is_some()
            || !self.kinds.is_empty() && self.kinds.values().all(|of| of.listed || of.failed.is_some())
    }

    pub fn seen(&self) -> Seen {
        let mut all: Vec<(&String, &Kept)> = self.kinds.values().flat_map(|of| &of.objects).collect();
        all.sort_by_key(|(path, _)| *path);
        let gap = |(kind, of): (&Kind, &OfKind)| {
            let why = match (&of.failed, of.broken.values().next(), of.listed) {
                (Some(why), ..) | (None, Some(why), _) => why.clone(),
                (None, None, false) => "it was not listed yet".to_owned(),
                (None, None, true) => return None,
            };
            Some(Gap { what: kind.name(), why, since: of.seen })
        };
        let mut gaps: Vec<Gap> = self.kinds.iter().filter_map(gap).collect();
        if !gaps.is_empty() && gaps.len() == self.kinds.len() {
            // Nothing is seen: that is one thing to tell, not one for each kind.
            let since = gaps.iter().filter_map(|gap| gap.since).max();
            let why = gaps.swap_remove(0).why;
            gaps = vec![Gap { what: "the API server".to_owned(), why, since }];
        } else {
            gaps.extend(self.unreachable.iter().cloned());
        }
        if gaps.is_empty() && self.kinds.is_empty() {
            gaps.push(Gap { what: "the API server".to_owned(), why: "it was not asked yet".to_owned(), since: None });
        }
        let listed = self.kinds.iter().filter(|(_, of)| of.listed).map(|(kind, _)| kind.kind);
        Seen { objects: all.into_iter().map(|(_, kept)| kept.live.clone()).collect(), gaps, kinds: listed.collect() }
    }
}

impl OfKind {
    fn size(&self) -> (usize, usize) {
        (self.objects.len(), self.objects.values().map(|kept| kept.text.len()).sum())
    }
}

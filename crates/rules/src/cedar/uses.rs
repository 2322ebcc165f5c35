use super::compile::{BASE, Compiled};
use super::entity::{ATTRIBUTES, Value, attributes};
use super::text::quoted;
use crate::subject::Subject;
use rustc_hash::FxHashMap;

/// Which attributes and tags the policies can look at. What they cannot look at makes no difference: it is not given to
/// the engine, and components that differ in nothing else are alike.
pub(super) struct Uses {
    attributes: [bool; ATTRIBUTES],
    texts: Vec<String>,
    /// Whether any policy names a tag, by the tag: the same ones come with every component.
    tags: FxHashMap<String, bool>,
    /// A policy of the user may look at anything.
    everything: bool,
}

impl Uses {
    pub fn of(compiled: &Compiled) -> Uses {
        let everything = compiled.policies.iter().any(|policy| policy.must.is_none() && policy.id != BASE);
        let texts: Vec<String> = compiled.policies.iter().map(|policy| policy.text.clone()).collect();
        let names = attributes(&Subject::default()).map(|(name, _)| name);
        let attributes = names.map(|name| everything || texts.iter().any(|text| looks_at(text, name)));
        Uses { attributes, texts, tags: FxHashMap::default(), everything }
    }

    /// As if policies could look at anything.
    #[cfg(test)]
    pub fn all(compiled: &Compiled) -> Uses {
        Uses { attributes: [true; ATTRIBUTES], everything: true, ..Uses::of(compiled) }
    }

    /// Whether a policy can look at a tag.
    fn tag(&mut self, name: &str) -> bool {
        if let Some(used) = self.tags.get(name) {
            return *used;
        }
        let written = format!("Tag({})", quoted(name));
        let used = self.everything || self.texts.iter().any(|text| text.contains(&written));
        self.tags.insert(name.to_owned(), used);
        used
    }

    /// The attributes and tags of a component that the policies can look at.
    pub fn seen<'s>(&mut self, subject: &'s Subject) -> Seen<'s> {
        let all = attributes(subject).into_iter().zip(self.attributes);
        let attributes = all.filter(|(_, used)| *used).map(|(one, _)| one).collect();
        let tags = subject.tags.iter().filter(|(name, _)| self.tag(name));
        Seen { attributes, tags: tags.map(|(name, values)| (name.as_str(), Value::Words(values))).collect() }
    }

    /// Whether components can be alike at all: each has an id of its own.
    pub fn tells_all_apart(&self) -> bool {
        self.everything || self.attributes.first().copied().unwrap_or(true)
    }
}

/// What the policies see of a component.
pub(super) struct Seen<'s> {
    pub attributes: Vec<(&'static str, Value<'s>)>,
    pub tags: Vec<(&'s str, Value<'s>)>,
}

impl Seen<'_> {
    /// Writes all that is seen, so that what differs is written differently.
    pub fn write(&self, into: &mut Vec<u8>) {
        into.clear();
        self.attributes.iter().for_each(|(_, value)| value.write(into));
        for (name, value) in &self.tags {
            Value::Text(name).write(into);
            value.write(into);
        }
    }
}

/// Whether a policy can look at an attribute: the same letters in a text of it do no harm.
fn looks_at(policy: &str, attribute: &str) -> bool {
    policy.split("resource.").skip(1).any(|rest| {
        let after = rest.strip_prefix(attribute).map(|after| after.chars().next());
        after.is_some_and(|next| !next.is_some_and(|next| next.is_alphanumeric() || next == '_'))
    })
}

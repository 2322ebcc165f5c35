//! Labels of components: tags, labels and annotations as files write them. What repeats is kept once.
//!
//! A value that the files do not give is left out, and so is what may be a secret: labels of proxies hold passwords.

use allod_facts::Labels;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// Keys and values that are longer are data, not labels: AWS and Azure allow 256 characters, Google and Kubernetes 63;
/// what is longer is an annotation such as the last applied configuration.
const MAX_LABEL_CHARS: usize = 256;
/// Labels of one component. Azure and AWS allow 50, Google 64; an object with more annotations is made by a generator.
const MAX_LABELS: usize = 128;

/// Sets of labels that are remembered, the last for each place: a stack repeats few of them (the default tags of its
/// providers, the labels of its teams), and remembering all of a plan whose sets all differ would take memory for nothing.
const SLOTS: usize = 256;

/// The sets of labels that a reader saw lately, so that components share them.
#[derive(Debug)]
pub(crate) struct Shelf {
    slots: Vec<Option<Labels>>,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf { slots: vec![None; SLOTS] }
    }
}

impl Shelf {
    /// The labels among some pairs; of a key that stands twice, the first value.
    pub fn labels<K: AsRef<str>, V: AsRef<str>>(&mut self, pairs: impl IntoIterator<Item = (K, V)>) -> Option<Labels> {
        let pairs: Vec<(K, V)> =
            pairs.into_iter().filter(|(key, value)| is_label(key.as_ref(), value.as_ref())).collect();
        let mut first: Vec<(&str, &str)> = Vec::with_capacity(pairs.len().min(MAX_LABELS));
        for (key, value) in pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).take(MAX_LABELS) {
            if let Err(at) = first.binary_search_by(|(known, _)| (*known).cmp(key)) {
                first.insert(at, (key, value));
            }
        }
        let labels = Labels::new(first)?;
        let mut hasher = FxHasher::default();
        labels.hash(&mut hasher);
        let slot = self.slots.get_mut((hasher.finish() % SLOTS as u64) as usize)?;
        match slot {
            Some(known) if *known == labels => Some(known.clone()),
            _ => {
                *slot = Some(labels.clone());
                Some(labels)
            }
        }
    }
}

fn is_label(key: &str, value: &str) -> bool {
    let fits = |text: &str| text.len() <= MAX_LABEL_CHARS || text.chars().count() <= MAX_LABEL_CHARS;
    !key.is_empty() && fits(key) && fits(value) && !is_secret(key, value)
}

/// Whether the key speaks of a secret, or the value is a URL with one in it.
fn is_secret(key: &str, value: &str) -> bool {
    const WORDS: &[&str] =
        &["password", "passwd", "secret", "token", "basicauth", "digestauth", "credential", "apikey", "privatekey"];
    let key: String = key.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    let userinfo = value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    userinfo || WORDS.iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pairs: &[(&str, &str)]) -> String {
        let labels = Shelf::default().labels(pairs.iter().copied());
        labels
            .iter()
            .flat_map(|all| all.iter())
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn what_is_kept() {
        let long = "x".repeat(MAX_LABEL_CHARS + 1);
        let wide = "ü".repeat(MAX_LABEL_CHARS);
        let check = |pairs: &[(&str, &str)], expect: &str| assert_eq!(shown(pairs), expect, "{pairs:?}");
        check(&[], "");
        check(&[("b", "2"), ("a", "1")], "a=1 b=2");
        check(&[("a", "1"), ("a", "2")], "a=1");
        check(&[("", "1"), ("a", "")], "a=");
        check(&[("last-applied", &long), (&long, "1"), ("w", &wide)], &format!("w={wide}"));
        check(&[("traefik.http.middlewares.a.basicauth.users", "me:$apr1$x"), ("db_password", "x")], "");
        check(&[("source", "https://me:word@git.clinic.lu/x"), ("mail", "a@b.lu")], "mail=a@b.lu");
    }

    #[test]
    fn what_repeats_is_shared() {
        let mut shelf = Shelf::default();
        let one = shelf.labels([("team", "records"), ("env", "prod")]).unwrap();
        let same = shelf.labels([("env", "prod"), ("team", "records")]).unwrap();
        let other = shelf.labels([("team", "billing"), ("env", "prod")]).unwrap();
        assert!(one.is_shared_with(&same) && !one.is_shared_with(&other));
    }
}

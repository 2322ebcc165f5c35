use std::sync::Arc;

/// Key and value of each tag, label or annotation of a component, sorted, each pair once.
///
/// One text, because a plan may have a million components and most of them have tags: a list of pairs would take three
/// times the memory. Many components may share one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<str>);

/// Ends each key and each value. No format allows it in a label.
const END: char = '\0';

impl Labels {
    /// `None` for no pairs. A pair with a NUL in it is left out.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Labels> {
        let fits = |(key, value): &(&str, &str)| !key.contains(END) && !value.contains(END);
        let mut pairs: Vec<(&str, &str)> = pairs.into_iter().filter(fits).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut text = String::with_capacity(pairs.iter().map(|(key, value)| key.len() + value.len() + 2).sum());
        for part in pairs.iter().flat_map(|(key, value)| [key, value]) {
            text.push_str(part);
            text.push(END);
        }
        (!text.is_empty()).then(|| Labels(Arc::from(text)))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.0.split_terminator(END);
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The pairs of both.
    pub fn united(&self, other: &Labels) -> Labels {
        if self == other {
            return self.clone();
        }
        Labels::new(self.iter().chain(other.iter())).unwrap_or_else(|| self.clone())
    }

    /// Whether both are one text in memory.
    pub fn is_shared_with(&self, other: &Labels) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_kept_sorted_and_once() {
        let check = |pairs: &[(&str, &str)], expect: &[(&str, &str)]| {
            let labels = Labels::new(pairs.iter().copied());
            let shown: Vec<(&str, &str)> = labels.iter().flat_map(Labels::iter).collect();
            assert_eq!(shown, expect, "{pairs:?}");
        };
        check(&[], &[]);
        check(&[("b", ""), ("a", "1"), ("b", "")], &[("a", "1"), ("b", "")]);
        check(&[("a", ""), ("a", "2")], &[("a", ""), ("a", "2")]);
        check(&[("", ""), ("", "x")], &[("", ""), ("", "x")]);
        check(&[("a\0", "1"), ("b", "\0")], &[]);
    }

    #[test]
    fn sets_are_united() {
        let of = |pairs: &[(&'static str, &'static str)]| Labels::new(pairs.iter().copied()).unwrap();
        let (one, other) = (of(&[("a", "1"), ("b", "2")]), of(&[("a", "3"), ("b", "2")]));
        let both = one.united(&other);
        assert_eq!(both, other.united(&one));
        assert_eq!(both.iter().collect::<Vec<_>>(), [("a", "1"), ("a", "3"), ("b", "2")]);
        assert_eq!((both.get("a"), both.get("c")), (Some("1"), None));
        assert!(one.united(&one.clone()).is_shared_with(&one));
    }
}

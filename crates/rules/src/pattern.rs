use globset::{GlobBuilder, GlobMatcher};

/// A pattern as people write it. Of paths: `*` for any letters within a folder, `**` for any folders, `?` for one letter.
/// Of names: `*` for any letters and nothing else, as Cedar's `like` has it.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: String,
    /// Of paths only.
    glob: Option<GlobMatcher>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Of paths: `*` stays within one folder.
    pub(crate) fn of_paths(text: &str) -> Option<Pattern> {
        let text = text.strip_prefix("./").unwrap_or(text);
        let glob = GlobBuilder::new(text).literal_separator(true).build().ok()?;
        Some(Pattern { text: text.to_owned(), glob: Some(glob.compile_matcher()) })
    }

    /// Of names: `*` is any letters.
    pub(crate) fn of_names(text: &str) -> Pattern {
        Pattern { text: text.to_owned(), glob: None }
    }

    pub fn matches(&self, text: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(text),
            None => is_like(&self.text, text),
        }
    }
}

/// Whether a text is like a pattern in which `*` stands for any letters, also for none. Source of the meaning:
/// <https://docs.cedarpolicy.com/policies/syntax-operators.html>, `like`.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut rest = rest;
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        // The first place leaves the most to the pieces after it.
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        let path = |pattern: &str, text: &str| Pattern::of_paths(pattern).is_some_and(|pattern| pattern.matches(text));
        assert!(path("deploy/prod/**", "deploy/prod/a/b.yaml") && path("./deploy/*.yaml", "deploy/a.yaml"));
        assert!(!path("deploy/*.yaml", "deploy/prod/a.yaml") && !path("deploy/prod/**", "deploy/production/a.yaml"));
        let name = |pattern: &str, text: &str| Pattern::of_names(pattern).matches(text);
        assert!(name("aws_s3_bucket.*", "aws_s3_bucket.assets") && name("*/records/*", "a/b/records/c"));
        assert!(name("module.a[\"x\"].b", "module.a[\"x\"].b") && !name("a[xy]", "ax"));
        assert!(name("a{b,c}", "a{b,c}") && !name("a{b,c}", "ab") && !name("a?", "ab"));
        // No folders in names: `**/` is not nothing, and not more than `*/`.
        assert!(!name("**/records", "records") && name("**/records", "/records") && name("a/**", "a/"));
        assert!(name("*", "") && name("**", "x") && name("", "") && !name("", "x"));
        assert!(!name("ab*ba", "aba") && name("a*b*a", "abba") && !name("a*b*c", "acb"));
    }

    /// The same by trying everything.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some(('*', pattern)), _) => (0..=text.len()).any(|at| slowly(pattern, &text[at..])),
            (Some((letter, pattern)), Some((other, text))) => letter == other && slowly(pattern, text),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn like_is_what_trying_everything_says(pattern in "[ab*/é]{0,8}", text in "[ab/é]{0,10}") {
            let letters = |text: &str| text.chars().collect::<Vec<char>>();
            prop_assert_eq!(Pattern::of_names(&pattern).matches(&text), slowly(&letters(&pattern), &letters(&text)));
        }
    }
}

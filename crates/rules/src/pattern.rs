use globset::{GlobBuilder, GlobMatcher};

/// A pattern as people write it. Of paths: `*` for any letters within a folder, `**` for any folders, `?` for one letter.
/// Of names: `*` for any letters, as Cedar's `like` has it.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: String,
    matcher: GlobMatcher,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Of paths: `*` stays within one folder.
    pub(crate) fn of_paths(text: &str) -> Option<Pattern> {
        Pattern::new(text.strip_prefix("./").unwrap_or(text), true)
    }

    /// Of names: `*` is any letters.
    pub(crate) fn of_names(text: &str) -> Option<Pattern> {
        Pattern::new(text, false)
    }

    fn new(text: &str, literal_separator: bool) -> Option<Pattern> {
        // Indexes of Terraform addresses stand in brackets: they are letters here, not a choice.
        let escaped = if literal_separator { text.to_owned() } else { escape_brackets(text) };
        let glob = GlobBuilder::new(&escaped).literal_separator(literal_separator).build().ok()?;
        Some(Pattern { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    pub fn matches(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }
}

fn escape_brackets(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '[' | '{' | ']' | '}' | '?' => escaped.extend(['[', letter, ']']),
            '\\' => escaped.push_str("\\\\"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let path = |pattern: &str, text: &str| Pattern::of_paths(pattern).is_some_and(|pattern| pattern.matches(text));
        assert!(path("deploy/prod/**", "deploy/prod/a/b.yaml") && path("./deploy/*.yaml", "deploy/a.yaml"));
        assert!(!path("deploy/*.yaml", "deploy/prod/a.yaml") && !path("deploy/prod/**", "deploy/production/a.yaml"));
        let name = |pattern: &str, text: &str| Pattern::of_names(pattern).is_some_and(|pattern| pattern.matches(text));
        assert!(name("aws_s3_bucket.*", "aws_s3_bucket.assets") && name("*/records/*", "a/b/records/c"));
        assert!(name("module.a[\"x\"].b", "module.a[\"x\"].b") && !name("a[xy]", "ax"));
        assert!(name("a{b,c}", "a{b,c}") && !name("a{b,c}", "ab"));
    }
}

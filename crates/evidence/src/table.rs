//! Text in columns of a terminal.

/// Cuts a text to a width, with an ellipsis at the end.
pub(crate) fn cut_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// Cuts a text to a width and fills it up with spaces.
pub(crate) fn cell(text: &str, width: usize) -> String {
    let cut = cut_end(text, width);
    let fill = width.saturating_sub(cut.chars().count());
    cut + &" ".repeat(fill)
}

/// Breaks a text into lines of a width at spaces; a word that is longer stands alone. Later lines are indented.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let first = lines.len() == 1;
        let room = if first { width } else { width.saturating_sub(indent) };
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                line.push_str(word);
            } else if line.chars().count() + 1 + word.chars().count() <= room {
                line.push(' ');
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// `1 part`, `2 parts`.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_their_columns() {
        assert_eq!(cell("abc", 5), "abc  ");
        assert_eq!(cell("abcdef", 5), "abcd…");
        assert_eq!(wrap("aa bb cc", 5, 2), "aa bb\n  cc");
        assert_eq!(count(1, "part"), "1 part");
        assert_eq!(count(0, "part"), "0 parts");
    }
}

use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// A text as content or attribute of an element.
pub fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A name must not turn the direction of the text around it.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// The source of a statement: a link where it is a web address, text otherwise (a user's overlay can say anything).
pub fn source(url: &str) -> String {
    if url.starts_with("https://") || url.starts_with("http://") {
        format!("<a href=\"{0}\" rel=\"noreferrer noopener\">{0}</a>", esc(url))
    } else {
        esc(url)
    }
}

/// Writes JSON so that it can stand in a `script` element: no `<`, which could end the element or open a comment.
/// In JSON the sign is in strings only.
pub struct InScript<'a>(pub &'a mut dyn Write);

impl Write for InScript<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'<') {
            match piece.strip_suffix(b"<") {
                Some(before) => {
                    self.0.write_all(before)?;
                    self.0.write_all(b"\\u003c")?;
                }
                None => self.0.write_all(piece)?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The source expression of a Content-Security-Policy that allows exactly this inline text.
pub fn policy_hash(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("'sha256-");
    for three in Sha256::digest(text.as_bytes()).chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (word >> (18 - 6 * digit) & 63) as usize;
            let known = DIGITS.get(value).filter(|_| digit <= three.len());
            out.push(known.map_or('=', |digit| char::from(*digit)));
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_stay_texts() {
        let check = |text: &str, expect: &str| assert_eq!(esc(text), expect);
        check("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;");
        check("x\u{202e}y", "x\u{fffd}y");
        assert_eq!(source("javascript:alert(1)"), "javascript:alert(1)");
        assert_eq!(
            source("https://a.example/\"x"),
            "<a href=\"https://a.example/&quot;x\" rel=\"noreferrer noopener\">https://a.example/&quot;x</a>"
        );
        let mut out = Vec::new();
        serde_json::to_writer(InScript(&mut out), &["</script><!-- <b", "<"]).unwrap();
        assert_eq!(out, br#"["\u003c/script>\u003c!-- \u003cb","\u003c"]"#);
    }

    // `printf %s ... | openssl dgst -sha256 -binary | base64`
    #[test]
    fn hashes_are_those_of_openssl() {
        assert_eq!(policy_hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
        assert_eq!(policy_hash("alert(1)"), "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='");
    }
}

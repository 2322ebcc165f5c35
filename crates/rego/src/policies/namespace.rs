//! Packages as conftest names them, and the patterns that choose among them.

/// The name of a package by the parts of its path: `main`, `main.gke`, `a["b-c"]`.
pub(super) fn name(components: &[String]) -> String {
    let mut name = String::new();
    for component in components {
        if !is_plain(component) && !name.is_empty() {
            // A string of Rego has the escapes of JSON.
            name.push_str(&format!("[{}]", serde_json::Value::from(component.as_str())));
            continue;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(component);
    }
    name
}

/// The path of a rule below `data`, as a query.
pub(super) fn query(components: &[String]) -> String {
    let all: Vec<String> = std::iter::once("data".to_owned()).chain(components.iter().cloned()).collect();
    name(&all)
}

fn is_plain(component: &str) -> bool {
    let mut letters = component.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

/// Whether a name fits a pattern of `*`, `?` and `[...]`, where the dot is an ordinary letter and `/` is matched by no
/// wildcard (Go's `path.Match`).
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // The places of the pattern that the letters so far can have led to.
    let mut places = vec![0];
    follow_stars(&pattern, &mut places);
    for letter in name {
        let mut next = Vec::new();
        for place in places {
            match pattern.get(place) {
                Some('*') if letter != '/' => next.push(place),
                Some('?') if letter != '/' => next.push(place + 1),
                Some('[') => next.extend(class(&pattern, place + 1, letter)),
                Some('\\') if pattern.get(place + 1) == Some(&letter) => next.push(place + 2),
                Some(own) if *own == letter && !matches!(own, '*' | '?' | '\\') => next.push(place + 1),
                _ => {}
            }
        }
        follow_stars(&pattern, &mut next);
        next.sort_unstable();
        next.dedup();
        places = next;
    }
    places.contains(&pattern.len())
}

/// A star may stand for nothing.
fn follow_stars(pattern: &[char], places: &mut Vec<usize>) {
    let mut at = 0;
    while let Some(place) = places.get(at).copied() {
        if pattern.get(place) == Some(&'*') {
            places.push(place + 1);
        }
        at += 1;
    }
}

/// The place behind a class of letters (`[a-z]`, `[^x]`), if the letter is in it.
fn class(pattern: &[char], mut at: usize, letter: char) -> Option<usize> {
    let negated = pattern.get(at) == Some(&'^');
    at += usize::from(negated);
    let mut inside = false;
    loop {
        let low = match pattern.get(at)? {
            ']' => return (inside != negated && letter != '/').then_some(at + 1),
            '\\' => {
                at += 1;
                *pattern.get(at)?
            }
            other => *other,
        };
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&'-') {
            high = *pattern.get(at + 1)?;
            at += 2;
        }
        inside |= (low..=high).contains(&letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_path_match() {
        for (pattern, name, fit) in [
            ("main", "main", true),
            ("main", "main.gke", false),
            ("*", "main.gke", true),
            ("c*", "commands", true),
            ("c*", "main", false),
            ("main.*", "main.gke", true),
            ("*.gke", "main.gke", true),
            ("m?in", "main", true),
            ("m?in", "min", false),
            ("[l-n]ain", "main", true),
            ("[^l-n]ain", "main", false),
            ("[", "m", false),
            ("**", "", true),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }

    #[test]
    fn odd_packages_are_quoted() {
        let path = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        assert_eq!(query(&path(&["a", "b-c", "deny"])), r#"data.a["b-c"].deny"#);
        assert_eq!(name(&path(&["main", "gke"])), "main.gke");
    }
}

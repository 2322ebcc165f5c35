//! Image references: `[registry/]namespace/name[:tag][@digest]`, with Docker's defaults spelled out.
//! Source of the rules: the reference grammar of the distribution project and Docker's `docker.io/library` defaults.

use allod_facts::{Clue, ClueKind, Component, Confidence, Evidence, Layer, Role};

/// A parsed image reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    /// Fully qualified name without tag and digest: `docker.io/library/postgres`.
    pub name: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

/// `None` when the text is no image reference (empty, has spaces, has an unexpanded `$` or `{`).
pub fn parse(text: &str) -> Option<ImageRef> {
    let text = text.trim();
    let text = text.strip_prefix("docker://").or_else(|| text.strip_prefix("oci://")).unwrap_or(text);
    if text.is_empty() || text.contains([' ', '$', '{', '}', '<', '>', '"', '\'', '\\']) || !text.is_ascii() {
        return None;
    }
    let (rest, digest) = match text.split_once('@') {
        // `user:password@host:5000/name` is no digest.
        Some((rest, digest)) if digest.contains(':') && !digest.contains('/') => (rest, Some(digest.to_owned())),
        Some(_) => return None,
        None => (text, None),
    };
    // A colon after the last slash starts a tag; one before it belongs to a port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
        _ => (rest, None),
    };
    if name.is_empty() || name.starts_with('/') || name.ends_with('/') || name.contains("//") {
        return None;
    }
    let name = match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => {
            let registry = match first {
                "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io",
                other => other,
            };
            if registry == "docker.io" && !path.contains('/') {
                format!("docker.io/library/{path}")
            } else {
                format!("{registry}/{path}")
            }
        }
        Some(_) => format!("docker.io/{name}"),
    };
    Some(ImageRef { name: name.to_ascii_lowercase(), tag, digest })
}

impl ImageRef {
    /// The registry's host (with port, if it has one).
    pub fn registry(&self) -> &str {
        self.name.split_once('/').map_or(self.name.as_str(), |(registry, _)| registry)
    }

    /// The component of this image: one for each name, tag and digest, shared by all readers.
    pub fn component(&self, seen: Evidence) -> Component {
        let mut full = self.name.clone();
        if let Some(tag) = &self.tag {
            full = format!("{full}:{tag}");
        }
        if let Some(digest) = &self.digest {
            full = format!("{full}@{digest}");
        }
        let short = full.strip_prefix("docker.io/library/").or_else(|| full.strip_prefix("docker.io/"));
        let mut component = Component::new(
            &format!("image:{full}"),
            short.unwrap_or(&full),
            "image",
            Layer::Registry,
            Role::Artefact,
            seen,
        );
        component.clues.push(Clue::new(ClueKind::Image, &self.name));
        component.confidence = Confidence::High;
        component
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fully_qualified() {
        let check = |text: &str, expect: Option<&str>| {
            let shown = parse(text).map(|image| {
                let part = |sign, part: Option<String>| part.map_or(String::new(), |text| format!("{sign}{text}"));
                format!("{}{}{}", image.name, part(":", image.tag), part("@", image.digest))
            });
            assert_eq!(shown.as_deref(), expect, "{text}");
        };
        check("postgres", Some("docker.io/library/postgres"));
        check("postgres:11.5", Some("docker.io/library/postgres:11.5"));
        check("zenko/cloudserver", Some("docker.io/zenko/cloudserver"));
        check("docker.io/nginx", Some("docker.io/library/nginx"));
        check("ghcr.io/a/b:1@sha256:00", Some("ghcr.io/a/b:1@sha256:00"));
        check("localhost:5000/a:2", Some("localhost:5000/a:2"));
        check("registry.example:5000/a/b", Some("registry.example:5000/a/b"));
        check("docker://quay.io/x/y:z", Some("quay.io/x/y:z"));
        check("${IMAGE}", None);
        check("a b", None);
        check("", None);
        check("a@b", None);
        check("user:password@host:5000/a", None);
    }
}

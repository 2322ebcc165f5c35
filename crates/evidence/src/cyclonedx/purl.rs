use allod_stack::Part;

/// A package URL with the version in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Purl {
    pub version: Option<String>,
    pub text: String,
}

/// The package URL of an artefact, when its id tells one: images, packages, actions, models.
/// Sources: the specification and the type definitions of <https://github.com/package-url/purl-spec>.
pub(super) fn purl(part: &Part<'_>) -> Option<Purl> {
    of(&part.fact.kind, &part.fact.id)
}

fn of(kind: &str, id: &str) -> Option<Purl> {
    let (prefix, name) = id.split_once(':')?;
    match (kind, prefix) {
        ("image", "image") => image(name),
        ("package", "package") => package(name),
        ("action", "action") => action(name),
        ("model", "model") => model(name),
        _ => None,
    }
}

/// `registry/namespace/name[:tag][@digest]`. The type `docker` is for any registry: the one that is not its default
/// becomes a qualifier.
fn image(full: &str) -> Option<Purl> {
    let (rest, digest) = match full.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (full, None),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    let (registry, path) = path.split_once('/')?;
    let official = registry == "docker.io";
    let path = if official { path.strip_prefix("library/").unwrap_or(path) } else { path };
    let registry = (!official).then_some(registry);
    build("docker", path, digest.or(tag), registry)
}

/// `ecosystem/name`, the name with the separators of its ecosystem.
fn package(name: &str) -> Option<Purl> {
    let (ecosystem, name) = name.split_once('/')?;
    match ecosystem {
        "npm" | "pypi" | "cargo" | "gem" | "composer" | "nuget" => build(ecosystem, name, None, None),
        "go" => build("golang", name, None, None),
        "maven" => build("maven", &name.replacen(':', "/", 1), None, None),
        _ => None,
    }
}

/// `owner/name@ref`: a repository of GitHub; one of another forge has its host in front.
fn action(full: &str) -> Option<Purl> {
    let (path, version) = full.split_once('@')?;
    let (owner, name) = path.split_once('/')?;
    let github = !name.contains('/') && !owner.is_empty();
    github.then(|| build("github", &path.to_ascii_lowercase(), Some(version), None)).flatten()
}

fn model(full: &str) -> Option<Purl> {
    build("huggingface", full.strip_prefix("huggingface.co/")?, None, None)
}

fn build(kind: &str, path: &str, version: Option<&str>, registry: Option<&str>) -> Option<Purl> {
    if path.split('/').any(str::is_empty) {
        return None;
    }
    let path: Vec<String> = path.split('/').map(encoded).collect();
    let mut text = format!("pkg:{kind}/{}", path.join("/"));
    let version = version.filter(|version| !version.is_empty());
    if let Some(version) = version {
        text.push('@');
        text.push_str(&encoded(version));
    }
    if let Some(registry) = registry {
        text.push_str("?repository_url=");
        text.push_str(&encoded(registry));
    }
    Some(Purl { version: version.map(str::to_owned), text })
}

/// Percent-encodes all but letters, digits, `.-_~` and the colon (specification, "Character encoding").
fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls() {
        let check = |kind: &str, id: &str, expect: &str| {
            assert_eq!(of(kind, id).map_or("none".to_owned(), |purl| purl.text), expect, "{id}");
        };
        check("image", "image:docker.io/library/postgres:17.5", "pkg:docker/postgres@17.5");
        check("image", "image:docker.io/minio/minio", "pkg:docker/minio/minio");
        check(
            "image",
            "image:registry.clinic.example:5000/a/b:1@sha256:0a",
            "pkg:docker/a/b@sha256:0a?repository_url=registry.clinic.example:5000",
        );
        check("package", "package:npm/@sentry/node", "pkg:npm/%40sentry/node");
        check("package", "package:maven/org.acme:tool", "pkg:maven/org.acme/tool");
        check("package", "package:go/github.com/a/b", "pkg:golang/github.com/a/b");
        check("os-packages", "package:deb/debian", "none");
        check("action", "action:Actions/Checkout@v4", "pkg:github/actions/checkout@v4");
        check("action", "action:data.forgejo.org/actions/checkout@v4", "none");
        check("model", "model:huggingface.co/mistralai/Mistral-7B", "pkg:huggingface/mistralai/Mistral-7B");
        check("model", "model:agents/x.yaml#provider", "none");
        check("host", "host:a.b", "none");
    }
}

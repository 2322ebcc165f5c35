//! Package URLs: `pkg:type/namespace/name@version?qualifiers#subpath`. Source: the purl specification.

use allod_facts::Ecosystem;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Purl {
    /// Lower case: `npm`, `maven`, `deb`, `oci`, ...
    pub kind: String,
    /// Namespace parts, joined with `/`; empty when there is none.
    pub namespace: String,
    pub name: String,
    pub version: Option<String>,
    /// Of the qualifiers, the registry that the package comes from when it is not the default one.
    pub repository: Option<String>,
}

/// `None` when the text is no package URL.
pub(super) fn parse(text: &str) -> Option<Purl> {
    let rest = text.trim().strip_prefix("pkg:")?.trim_start_matches('/');
    let rest = rest.split('#').next().unwrap_or(rest);
    let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, rest) = rest.split_once('/')?;
    let (rest, version) = match rest.rsplit_once('@') {
        // An `@` at the start belongs to an npm scope that was not escaped.
        Some((before, version)) if !before.is_empty() && !version.contains('/') => (before, Some(decoded(version))),
        _ => (rest, None),
    };
    let rest = rest.trim_matches('/');
    let (namespace, name) = rest.rsplit_once('/').unwrap_or(("", rest));
    let name = decoded(name);
    let repository = qualifiers
        .split('&')
        .find_map(|pair| pair.strip_prefix("repository_url="))
        .map(decoded)
        .filter(|url| !url.is_empty());
    let kind = kind.to_ascii_lowercase();
    (!name.is_empty() && !kind.is_empty()).then(|| Purl {
        kind,
        namespace: decoded(namespace),
        name,
        version,
        repository,
    })
}

impl Purl {
    pub fn ecosystem(&self) -> Option<Ecosystem> {
        Some(match self.kind.as_str() {
            "npm" => Ecosystem::Npm,
            "pypi" => Ecosystem::Pypi,
            "cargo" => Ecosystem::Cargo,
            "golang" => Ecosystem::Go,
            "maven" => Ecosystem::Maven,
            "gem" => Ecosystem::Gem,
            "composer" => Ecosystem::Composer,
            "nuget" => Ecosystem::Nuget,
            _ => return None,
        })
    }

    /// The name in its ecosystem: `@scope/name`, `group:artifact`, `github.com/owner/module`.
    pub fn full_name(&self) -> String {
        match (self.namespace.as_str(), self.kind.as_str()) {
            ("", _) => self.name.clone(),
            (namespace, "maven") => format!("{namespace}:{}", self.name),
            (namespace, _) => format!("{namespace}/{}", self.name),
        }
    }

    /// The host that packages of the other ecosystems come from.
    pub fn default_host(&self) -> Option<&'static str> {
        Some(match self.kind.as_str() {
            "huggingface" => "huggingface.co",
            "github" | "swift" => "github.com",
            "bitbucket" => "bitbucket.org",
            "pub" => "pub.dev",
            "hex" => "repo.hex.pm",
            "cocoapods" => "cdn.cocoapods.org",
            "cran" => "cran.r-project.org",
            "hackage" => "hackage.haskell.org",
            "conan" => "center2.conan.io",
            "conda" => "conda.anaconda.org",
            _ => return None,
        })
    }

    /// Packages of an operating system, all from the distribution that the namespace names.
    pub fn is_os_package(&self) -> bool {
        matches!(self.kind.as_str(), "deb" | "rpm" | "apk" | "alpm" | "qpkg")
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let ahead = rest.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, digit(rest.next()), digit(rest.next())) {
            (b'%', Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => {
                rest = ahead;
                bytes.push(byte);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_are_taken_apart() {
        let check = |text: &str, kind: &str, name: &str, version: Option<&str>| {
            let purl = parse(text).unwrap();
            assert_eq!((purl.kind.as_str(), purl.full_name().as_str(), purl.version.as_deref()), (kind, name, version));
        };
        check("pkg:maven/org.bouncycastle/bcprov@1.62?type=jar", "maven", "org.bouncycastle:bcprov", Some("1.62"));
        check("pkg:npm/%40sentry/node@7", "npm", "@sentry/node", Some("7"));
        check("pkg:npm/@sentry/node", "npm", "@sentry/node", None);
        check("pkg:golang/github.com/a/b@v1#sub/x", "golang", "github.com/a/b", Some("v1"));
        check("pkg:pypi/x", "pypi", "x", None);
        assert_eq!(parse("pkg:maven"), None);
        assert_eq!(parse("https://x"), None);
        let purl = parse("pkg:npm/a@1?repository_url=https:%2F%2Fnpm.acme.eu&x=y").unwrap();
        assert_eq!(purl.repository.as_deref(), Some("https://npm.acme.eu"));
    }
}

//! Packages of an ecosystem and the registries that they come from by default.

use allod_facts::{Clue, ClueKind, Component, Confidence, Ecosystem, Evidence, Layer, Role};

/// The host that the ecosystem's tools fetch from when nothing else is configured.
pub(crate) fn default_registry(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Npm => "registry.npmjs.org",
        Ecosystem::Pypi => "pypi.org",
        Ecosystem::Cargo => "index.crates.io",
        Ecosystem::Go => "proxy.golang.org",
        Ecosystem::Maven => "repo1.maven.org",
        Ecosystem::Gem => "rubygems.org",
        Ecosystem::Composer => "packagist.org",
        Ecosystem::Nuget => "api.nuget.org",
    }
}

/// The component of a package: a hint that the code can call what it is an SDK of. The register decides whether it is
/// one; nearly all are not, so it is kept small.
pub(crate) fn component(ecosystem: Ecosystem, name: &str, seen: Evidence) -> Component {
    let name = normalised(ecosystem, name);
    let id = format!("package:{}/{name}", ecosystem.name());
    let mut component = Component::new(&id, &name, "package", Layer::Packages, Role::Artefact, seen)
        .with_clue(Clue::new(ClueKind::Package(ecosystem), &name));
    component.confidence = Confidence::Low;
    component
}

/// One spelling for one package: PEP 503 for Python, lower case where the registry has no case.
fn normalised(ecosystem: Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::Pypi => {
            let mut plain = String::with_capacity(name.len());
            for character in name.chars() {
                match character {
                    '-' | '_' | '.' if plain.ends_with('-') => {}
                    '-' | '_' | '.' => plain.push('-'),
                    other => plain.push(other.to_ascii_lowercase()),
                }
            }
            plain
        }
        Ecosystem::Composer | Ecosystem::Npm => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_have_one_spelling() {
        assert_eq!(normalised(Ecosystem::Pypi, "Sentry_SDK"), "sentry-sdk");
        assert_eq!(normalised(Ecosystem::Pypi, "a-_.b"), "a-b");
        assert_eq!(normalised(Ecosystem::Go, "github.com/A/b"), "github.com/A/b");
    }
}

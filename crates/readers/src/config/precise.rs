//! What keeps configuration apart from everything else in YAML, JSON and TOML: documents that describe, files of
//! tools, keys that hold prose or links to documents.

use crate::files::name_of;
use crate::node::Node;
use crate::settings;
use allod_facts::LinkKind;

/// Files whose URLs are links for people, identifiers, recorded data or another reader's.
pub(super) fn is_skipped(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "node_modules",
        "vendor",
        "i18n",
        "locales",
        "__locales",
        "license-list-data",
        "locale",
        "lang",
        "translations",
        "messages",
        "fixtures",
        "testdata",
        "tests",
        "test",
        "__tests__",
        "seeder",
        "seeds",
        "e2e",
        "cypress",
        "__fixtures__",
        "__snapshots__",
        "snapshots",
        ".snapshots",
        "test_resources",
        "test-resources",
        "test_data",
        "test-data",
        "__mocks__",
        "mocks",
        "cassettes",
        "schemas",
        "schema",
        "issue_template",
        "docs",
        "doc",
        "website",
        ".vscode-test",
        "third_party",
        "_data",
        "openapi",
        "swagger",
        "crds",
        "dashboards",
        "storybook-static",
        "golden",
        "test-fixtures",
        "changelogs",
        "licenses",
    ];
    const NAMES: &[&str] = &[
        "package-lock.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "composer.lock",
        "composer.json",
        "package.json",
        "tsconfig.json",
        "jsconfig.json",
        "mkdocs.yml",
        "mkdocs.yaml",
        "citation.cff",
        "funding.yml",
        "codecov.yml",
        ".codecov.yml",
        "renovate.json",
        "renovate.json5",
        ".renovaterc.json",
        "dependabot.yml",
        "dependabot.yaml",
        ".prettierrc.json",
        ".eslintrc.json",
        ".markdownlint.json",
        "lerna.json",
        "nx.json",
        "turbo.json",
        "angular.json",
        "manifest.json",
        "codemeta.json",
        ".zenodo.json",
        "cargo.lock",
        "poetry.lock",
        "uv.lock",
        "flake.lock",
        "project.json",
        "deno.lock",
        "bower.json",
        "_config.yml",
        "antora.yml",
        "book.toml",
        "netlify.toml.bak",
        ".all-contributorsrc",
        "contributors.json",
        "labeler.yml",
        "labels.yml",
        "release-please-config.json",
        ".release-please-manifest.json",
        "cspell.json",
        ".cspell.json",
        "biome.json",
        "galaxy.yml",
        "publiccode.yml",
        "catalog-info.yaml",
        ".readthedocs.yaml",
        ".readthedocs.yml",
        "conda-lock.yml",
        "security-insights.yml",
        "vcpkg.json",
        "conanfile.txt",
        "deny.toml",
        "clippy.toml",
        "rustfmt.toml",
        "typos.toml",
        "cliff.toml",
        "launchsettings.json",
        "global.json",
        "components.json",
        "svelte.config.json",
        "web-types.json",
        "words.json",
        "adopters.yaml",
        "adopters.yml",
        "owners",
        "changelog.yaml",
        "changelog.yml",
        "mlc_config.json",
        "cog.toml",
        ".lycheeignore",
        "lychee.toml",
        ".lychee.toml",
        "sidebars.json",
        "openapi.yaml",
        "openapi.yml",
        "openapi.json",
        "swagger.json",
        "swagger.yaml",
        "swagger.yml",
        "metadata.json",
        "pubspec.lock",
        "podfile.lock",
        "gems.locked",
    ];
    let lower = path.to_ascii_lowercase();
    let name = name_of(&lower);
    let folders = lower.strip_suffix(name).unwrap_or_default();
    NAMES.contains(&name)
        || folders.split('/').any(|part| FOLDERS.contains(&part))
        || [
            ".schema.json",
            ".lock.json",
            ".geojson",
            ".ipynb",
            ".map",
            ".snap",
            ".webmanifest",
            ".postman_collection.json",
            ".excalidraw.json",
        ]
        .iter()
        .any(|end| name.ends_with(end))
        || name.starts_with(".eslintrc")
        || name.starts_with("tsconfig.")
        || name.ends_with("-lock.json")
        || name.starts_with("grafana-dashboard")
}

/// Whether a file is an example of what one would set.
pub(super) fn is_sample(name: &str) -> bool {
    ["example", "sample", "template", "dist", "tmpl", "default", "defaults"]
        .iter()
        .any(|word| name.split(['.', '-', '_']).any(|part| part == *word))
}

/// Whether a tree describes something (a schema, an API, a dashboard, a lock) and configures nothing.
pub(super) fn is_description(root: &Node) -> bool {
    const KEYS: &[&str] = &[
        "openapi",
        "swagger",
        "asyncapi",
        "$defs",
        "definitions",
        "lockfileVersion",
        "AWSTemplateFormatVersion",
        "jsonschema",
        "panels",
        "nbformat",
        "@context",
        "FeatureCollection",
        "coordinates",
        "arazzo",
        "mappings",
    ];
    let schema = root.str_at(&["$schema"]).is_some_and(|text| text.contains("json-schema.org"));
    schema
        || KEYS.iter().any(|key| root.get(key).is_some())
        || root.get("info").is_some() && root.get("paths").is_some()
}

/// Whether a text is a template of another language: what breaks its syntax is filled in later.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("<%")
}

pub(super) fn has_comments(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("//") || line.contains("/*"))
}

/// Whether a scalar can name a host at all: its keys hold no prose and no links for people.
pub(super) fn may_name_host(keys: &[&str], text: &str) -> bool {
    if text.starts_with('#') || text.contains('\n') && !text.contains("://") {
        return false;
    }
    let url = text.contains("://");
    if !url && !text.contains('.') && !text.contains("$") {
        return false;
    }
    // Prose with a link in it.
    if url && text.split_whitespace().take(8).count() > 6 {
        return false;
    }
    let last = keys.last().map_or_else(Vec::new, |key| settings::words(key));
    let document = |words: &[String]| {
        const DOCUMENTS: &[&str] = &[
            "schema",
            "homepage",
            "repository",
            "bugs",
            "documentation",
            "docs",
            "license",
            "licence",
            "licenses",
            "description",
            "readme",
            "changelog",
            "note",
            "notes",
            "summary",
            "title",
            "comment",
            "author",
            "authors",
            "maintainer",
            "maintainers",
            "contributors",
            "references",
            "reference",
            "see",
            "links",
            "link",
            "funding",
            "sponsor",
            "badge",
            "badges",
            "icon",
            "logo",
            "avatar",
            "thumbnail",
            "screenshot",
            "news",
            "faq",
            "tags",
            "keywords",
            "text",
            "message",
            "help",
            "sources",
            "citation",
            "xmlns",
            "id",
            "image",
            "img",
            "href",
        ];
        words.iter().any(|word| DOCUMENTS.contains(&word.as_str()))
    };
    if document(&last) || settings::is_own_name(&last) {
        return false;
    }
    // A parent that holds documents: `links: {issues: https://...}`, `project.urls.Homepage` (but not `database.urls`).
    let parents = keys.iter().rev().skip(1).take(3);
    !parents.into_iter().any(|key| {
        let words = settings::words(key);
        document(&words)
            && !matches!(key.to_ascii_lowercase().as_str(), "image" | "images" | "repository" | "tags" | "id")
            || words.iter().any(|word| matches!(word.as_str(), "examples" | "example" | "cors" | "copyright"))
    })
}

/// Whether something is fetched from the place, or sent to it.
pub(super) fn kind_of(path: &str, key: &[String]) -> LinkKind {
    const FETCHED: &[&str] =
        &["repo", "repos", "repository", "registry", "mirror", "index", "download", "source", "git", "feed", "channel"];
    let name = name_of(path).to_ascii_lowercase();
    let tool =
        [".pre-commit-config", "pip.", "nuget", ".npmrc", "cargo.toml"].iter().any(|start| name.starts_with(start));
    if tool || key.iter().any(|word| FETCHED.contains(&word.as_str())) {
        LinkKind::BuiltFrom
    } else {
        LinkKind::SendsTo
    }
}

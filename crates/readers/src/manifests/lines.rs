//! Manifests that are read line by line: pip's requirements, `setup.cfg`, `go.mod`, Gemfiles and Gradle scripts.
//!
//! Gradle scripts and Gemfiles are programs; what is read of them are the forms that people write. Nothing is run.

use super::found::Found;
use crate::node::Broken;

/// The lines of a text with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(text.lines())
}

/// Source: pip's "Requirements File Format".
pub(super) fn requirements(text: &str) -> Result<Found, Broken> {
    let mut found = Found::default();
    for (line, text) in numbered(text) {
        let text = text.split(" #").next().unwrap_or(text).trim().trim_end_matches('\\').trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let option = text.split_once(['=', ' ']).filter(|_| text.starts_with('-'));
        match option.map(|(name, value)| (name, value.trim())) {
            Some(("-i" | "--index-url" | "--pypi-url", url)) => {
                found.registry(url, line);
                found.replaces_default = true;
            }
            Some(("--extra-index-url" | "-f" | "--find-links", url)) => found.registry(url, line),
            Some(("-e" | "--editable", requirement)) if requirement.contains("://") => {
                python_requirement(&mut found, requirement, line);
            }
            Some(_) => {}
            None if text.starts_with('-') => found.replaces_default |= text == "--no-index",
            None => python_requirement(&mut found, text, line),
        }
    }
    Ok(found)
}

/// One requirement as PEP 508 and pip write it: `name[extra]>=1; marker`, `name @ url`, a bare URL.
pub(super) fn python_requirement(found: &mut Found, text: &str, line: u32) {
    let text = text.trim();
    let is_name = |byte: char| byte.is_ascii_alphanumeric() || matches!(byte, '.' | '_' | '-');
    let name = text.split(|character| !is_name(character)).next().unwrap_or("");
    let rest = text.get(name.len()..).unwrap_or_default().trim_start();
    let url = match rest.strip_prefix('@') {
        Some(url) => Some(url.split(';').next().unwrap_or(url).trim()),
        None if text.contains("://") && rest.starts_with([':', '+']) => Some(text),
        None => None,
    };
    match url {
        Some(url) if url.starts_with("git+") => {
            let revision =
                url.split('#').next().and_then(|url| url.rsplit_once('@')).map_or("", |(_, revision)| revision);
            found.git(url, line, revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        Some(url) if url.starts_with("file:") => {}
        Some(url) => {
            if rest.starts_with('@') {
                found.package(name, line);
            }
            found.registry(url, line);
        }
        None if text.starts_with(['.', '/']) || name.is_empty() => {}
        None => found.package(name, line),
    }
}

/// The sections of setuptools that list requirements.
pub(super) fn setup_cfg(text: &str) -> Result<Found, Broken> {
    let mut found = Found::default();
    let (mut section, mut key) = (String::new(), String::new());
    for (line, text) in numbered(text) {
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, key) = (name.to_owned(), String::new());
            continue;
        }
        let continued = text.starts_with([' ', '\t']);
        let value = match text.split_once('=') {
            Some((name, value)) if !continued => {
                key = name.trim().to_owned();
                value.trim()
            }
            _ => trimmed,
        };
        let lists = match section.as_str() {
            "options" => matches!(key.as_str(), "install_requires" | "setup_requires" | "tests_require"),
            "options.extras_require" => true,
            _ => false,
        };
        if section == "metadata" && key == "name" && !continued {
            found.name = Some((value.to_owned(), line));
        } else if lists && !value.is_empty() {
            python_requirement(&mut found, value, line);
        }
    }
    Ok(found)
}

/// Source: "Go Modules Reference", go.mod files. Indirect requirements are left out: the code does not call them.
pub(super) fn go_mod(text: &str) -> Result<Found, Broken> {
    let mut found = Found::default();
    let mut block = String::new();
    for (line, text) in numbered(text) {
        let (code, comment) = text.split_once("//").unwrap_or((text, ""));
        let mut words = code.split_whitespace();
        let Some(first) = words.next() else { continue };
        let directive = if block.is_empty() { first } else { block.as_str() };
        if first == ")" {
            block.clear();
            continue;
        }
        let rest: Vec<&str> = if block.is_empty() { words.collect() } else { code.split_whitespace().collect() };
        if rest.first() == Some(&"(") {
            block = directive.to_owned();
            continue;
        }
        match (directive, rest.as_slice()) {
            ("module", [name, ..]) => found.name = Some((name.trim_matches('"').to_owned(), line)),
            ("require" | "tool", [name, ..]) if comment.trim() != "indirect" => {
                found.package(name.trim_matches('"'), line)
            }
            ("replace", parts) => {
                let target = parts.iter().skip_while(|part| **part != "=>").nth(1);
                if let Some(target) = target.filter(|target| !target.starts_with(['.', '/'])) {
                    found.package(target, line);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// `Gemfile`, `gems.rb` and gem specifications.
pub(super) fn gemfile(text: &str) -> Result<Found, Broken> {
    let mut found = Found::default();
    for (line, text) in numbered(text) {
        let text = text.trim();
        let (word, rest) = text.split_once([' ', '(']).unwrap_or((text, ""));
        let quoted = quoted(rest);
        let Some(first) = quoted.first() else { continue };
        let method = word.rsplit_once('.').map_or(word, |(_, method)| method);
        match method {
            "source" => {
                found.registry(first, line);
                // Without a block it is the source of everything.
                found.replaces_default |= !text.ends_with(" do");
            }
            "gem" | "add_dependency" | "add_runtime_dependency" | "add_development_dependency" => {
                let option = |name: &str| {
                    let new = rest.split_once(&format!("{name}:")).map(|(_, after)| after);
                    let old = rest.split_once(&format!(":{name} =>")).map(|(_, after)| after);
                    new.or(old).and_then(|after| self::quoted(after).first().map(|text| (*text).to_owned()))
                };
                if let Some(url) = option("git") {
                    found.git(&url, line, option("ref").is_some());
                } else if let Some(path) = option("github") {
                    found.git(&format!("https://github.com/{path}"), line, option("ref").is_some());
                } else if option("path").is_none() {
                    found.package(first, line);
                }
            }
            "name=" | "name" if word.contains('.') => found.name = Some(((*first).to_owned(), line)),
            _ => {}
        }
    }
    Ok(found)
}

/// Words before a dependency in a Gradle script; each also with a prefix (`testImplementation`).
const CONFIGURATIONS: &[&str] = &[
    "implementation",
    "api",
    "compile",
    "compileonly",
    "runtimeonly",
    "runtime",
    "kapt",
    "ksp",
    "annotationprocessor",
    "classpath",
    "developmentonly",
];

/// Groovy and Kotlin scripts of Gradle.
pub(super) fn gradle(text: &str) -> Result<Found, Broken> {
    let mut found = Found::default();
    let mut in_plugins = false;
    for (line, text) in numbered(text) {
        let text = text.trim();
        if text.starts_with("//") || text.starts_with('*') || text.starts_with("/*") {
            continue;
        }
        in_plugins = (in_plugins || text.starts_with("plugins")) && text != "}";
        let word = text.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap_or("");
        let quoted = quoted(text);
        let lower = word.to_ascii_lowercase();
        if CONFIGURATIONS.iter().any(|known| lower.ends_with(known)) {
            gradle_dependency(&mut found, text, &quoted, line);
        } else if in_plugins && word == "id" {
            plugin_portal(&mut found, line);
        } else if matches!(word, "url" | "setUrl" | "maven") || text.contains("maven {") || text.contains("uri(") {
            quoted.iter().filter(|text| text.contains("://")).for_each(|url| found.registry(url, line));
        } else if word == "rootProject" && text.contains("name") {
            found.name = quoted.first().map(|name| ((*name).to_owned(), line));
        }
        for (call, host) in [
            ("google()", "https://maven.google.com"),
            ("jcenter()", "https://jcenter.bintray.com"),
            ("mavenCentral()", "https://repo1.maven.org"),
        ] {
            if text.contains(call) {
                found.registry(host, line);
            }
        }
        if text.contains("gradlePluginPortal()") {
            plugin_portal(&mut found, line);
        }
    }
    // What a script names is all that there is; without any repository it inherits them.
    found.replaces_default = found.registries.iter().any(|(url, _)| !url.contains("plugins.gradle.org"));
    Ok(found)
}

fn plugin_portal(found: &mut Found, line: u32) {
    const PORTAL: &str = "https://plugins.gradle.org";
    if !found.registries.iter().any(|(url, _)| url == PORTAL) {
        found.registry(PORTAL, line);
    }
}

fn gradle_dependency(found: &mut Found, text: &str, quoted: &[&str], line: u32) {
    let plain = |part: &str| !part.is_empty() && !part.contains(['$', '{', '/', ' ']);
    if text.contains("group:") || text.contains("group =") {
        if let [group, name, ..] = quoted
            && plain(group)
            && plain(name)
        {
            found.package(&format!("{group}:{name}"), line);
        }
        return;
    }
    for coordinates in quoted {
        let mut parts = coordinates.split(':');
        if let (Some(group), Some(name)) = (parts.next(), parts.next())
            && plain(group)
            && plain(name)
        {
            found.package(&format!("{group}:{name}"), line);
        }
    }
}

/// The texts in single or double quotes, in order.
fn quoted(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = if rest.get(at..).is_some_and(|rest| rest.starts_with('"')) { '"' } else { '\'' };
        let Some(after) = rest.get(at + 1..) else { break };
        let Some((inside, behind)) = after.split_once(quote) else { break };
        found.push(inside);
        rest = behind;
    }
    found
}

use super::*;

/// Packages with their lines, then the rest, one line a fact.
fn shown(inputs: &[(&str, &str)]) -> Vec<String> {
    let mut files = Files::new();
    for (path, text) in inputs {
        files.insert(path, text.as_bytes());
    }
    let mine: Vec<&str> = files
        .paths()
        .filter(|path| is_manifest(&name_of(path).to_ascii_lowercase()))
        .map(|path| path as &str)
        .collect();
    let facts = read(&files, &mine);
    let mut lines = Vec::new();
    for component in &facts.components {
        let at: Vec<_> = component.evidence.iter().map(|seen| format!("{}:{}", seen.path, seen.line)).collect();
        lines.push(format!("{} ({}) {:?} {}", component.id, component.name, component.confidence, at.join(" ")));
    }
    lines.extend(facts.unresolved.iter().map(|u| format!("{} {} @{}", u.code, u.message, u.evidence.line)));
    lines.extend(facts.diagnostics.iter().map(|d| format!("{} {} @{}", d.code, d.message, d.line)));
    let root_links =
        facts.links.iter().filter(|link| facts.components[link.from as usize].kind.as_ref() == "application");
    assert_eq!(root_links.count(), facts.links.len());
    lines
}

#[track_caller]
fn check(path: &str, text: &str, expect: &[&str]) {
    check_all(&[(path, text)], expect);
}

#[track_caller]
fn check_all(inputs: &[(&str, &str)], expect: &[&str]) {
    let shown = shown(inputs);
    assert_eq!(shown, expect, "\n{}", shown.join("\n"));
}

#[test]
fn npm() {
    check(
        "web/package.json",
        r#"{
  "name": "portal",
  "dependencies": {
    "@sentry/node": "^8",
    "left": "npm:@acme/pad@1",
    "tool": "github:acme/tool#0123456789012345678901234567890123456789",
    "other": "git+ssh://git@codeberg.org/acme/other.git",
    "local": "file:../local"
  },
  "devDependencies": {"vite": "5"}
}"#,
        &[
            "app:web/package.json (portal) High web/package.json:2",
            "package:npm/@sentry/node (@sentry/node) Low web/package.json:4",
            "package:npm/@acme/pad (@acme/pad) Low web/package.json:5",
            "package:npm/vite (vite) Low web/package.json:10",
            "git:github.com/acme/tool (acme/tool) High web/package.json:6",
            "git:codeberg.org/acme/other (acme/other) High web/package.json:7",
            "host:registry.npmjs.org (registry.npmjs.org) Medium web/package.json:4",
        ],
    );
    check_all(
        &[
            ("a/package.json", r#"{"dependencies": {"x": "1"}}"#),
            (
                ".npmrc",
                "registry=https://npm.acme.eu/\n@pro:registry=https://npm.pro.dev/\n//npm.acme.eu/:_authToken=s3cret\n",
            ),
        ],
        &[
            "app:a/package.json (a) High a/package.json:1",
            "package:npm/x (x) Low a/package.json:1",
            "host:npm.acme.eu (npm.acme.eu) High .npmrc:1",
            "host:npm.pro.dev (npm.pro.dev) High .npmrc:2",
        ],
    );
    check("package.json", "{\n\"dependencies\": {\n", &["D004 EOF while parsing an object @3"]);
}

#[test]
fn python() {
    check(
        "requirements.txt",
        "# tools\n--index-url https://user:pw@pypi.acme.eu/simple\n-r base.txt\nSentry_SDK[flask]>=1 ; python_version > '3'\n\
         git+https://github.com/acme/lib@main#egg=lib\nopenai @ https://files.acme.eu/openai.whl\n",
        &[
            "app:requirements.txt (requirements.txt) High requirements.txt:1",
            "package:pypi/sentry-sdk (sentry-sdk) Low requirements.txt:4",
            "package:pypi/openai (openai) Low requirements.txt:6",
            "git:github.com/acme/lib (acme/lib) High requirements.txt:5",
            "host:pypi.acme.eu (pypi.acme.eu) High requirements.txt:2",
            "host:files.acme.eu (files.acme.eu) High requirements.txt:6",
        ],
    );
    check(
        "pyproject.toml",
        "[project]\nname = \"api\"\ndependencies = [\n  \"mistralai>=1\",\n  \"boto3\",\n]\n[tool.poetry.dependencies]\npython = \"^3\"\nstripe = {version = \"1\"}\n\
         [[tool.poetry.source]]\nname = \"acme\"\nurl = \"https://pypi.acme.eu/simple\"\n",
        &[
            "app:pyproject.toml (api) High pyproject.toml:2",
            "package:pypi/mistralai (mistralai) Low pyproject.toml:4",
            "package:pypi/boto3 (boto3) Low pyproject.toml:5",
            "package:pypi/stripe (stripe) Low pyproject.toml:9",
            "host:pypi.acme.eu (pypi.acme.eu) High pyproject.toml:12",
            "host:pypi.org (pypi.org) Medium pyproject.toml:4",
        ],
    );
    check(
        "Pipfile",
        "[[source]]\nurl = \"https://pypi.org/simple\"\n[packages]\nflask = \"*\"\n",
        &[
            "app:Pipfile (Pipfile) High Pipfile:1",
            "package:pypi/flask (flask) Low Pipfile:4",
            "host:pypi.org (pypi.org) High Pipfile:2",
        ],
    );
    check(
        "setup.cfg",
        "[metadata]\nname = tool\n[options]\ninstall_requires =\n    requests>=2\n    boto3\nzip_safe = False\n",
        &[
            "app:setup.cfg (tool) High setup.cfg:2",
            "package:pypi/requests (requests) Low setup.cfg:5",
            "package:pypi/boto3 (boto3) Low setup.cfg:6",
            "host:pypi.org (pypi.org) Medium setup.cfg:5",
        ],
    );
}

#[test]
fn cargo_and_go() {
    check_all(
        &[
            (
                "Cargo.toml",
                "[package]\nname = \"x\"\n[dependencies]\naws-sdk-s3 = \"1\"\nmine = { path = \"../mine\" }\nother = { git = \"https://codeberg.org/a/b\", rev = \"1\" }\n[target.'cfg(unix)'.dependencies]\nlibc = { version = \"0.2\" }\n",
            ),
            (
                ".cargo/config.toml",
                "[source.crates-io]\nreplace-with = \"mirror\"\n[source.mirror]\nregistry = \"sparse+https://crates.acme.eu/\"\n",
            ),
        ],
        &[
            "app:Cargo.toml (x) High Cargo.toml:2",
            "package:cargo/aws-sdk-s3 (aws-sdk-s3) Low Cargo.toml:4",
            "package:cargo/libc (libc) Low Cargo.toml:8",
            "git:codeberg.org/a/b (a/b) High Cargo.toml:6",
            "host:crates.acme.eu (crates.acme.eu) High .cargo/config.toml:4",
        ],
    );
    check(
        "go.mod",
        "module codeberg.org/acme/api\n\ngo 1.23\n\nrequire (\n\tgithub.com/getsentry/sentry-go v0.28.0\n\tgolang.org/x/sys v0.1.0 // indirect\n)\n\nrequire github.com/aws/aws-sdk-go-v2 v1.0.0\nreplace a.b/c => ./c\nreplace d.e/f => g.h/i v1.0.0\n",
        &[
            "app:go.mod (codeberg.org/acme/api) High go.mod:1",
            "package:go/github.com/getsentry/sentry-go (github.com/getsentry/sentry-go) Low go.mod:6",
            "package:go/github.com/aws/aws-sdk-go-v2 (github.com/aws/aws-sdk-go-v2) Low go.mod:10",
            "package:go/g.h/i (g.h/i) Low go.mod:12",
            "host:proxy.golang.org (proxy.golang.org) Medium go.mod:6",
        ],
    );
}

#[test]
fn maven_and_gradle() {
    check(
        "pom.xml",
        r#"<?xml version="1.0"?>
<project>
  <groupId>eu.acme</groupId>
  <artifactId>records</artifactId>
  <properties><dd.group>com.datadoghq</dd.group></properties>
  <dependencies>
    <dependency>
      <groupId>${dd.group}</groupId>
      <artifactId>dd-trace-api</artifactId>
      <exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId></dependency>
    <dependency><groupId>${who.knows}</groupId><artifactId>z</artifactId></dependency>
  </dependencies>
  <build><plugins><plugin>
    <artifactId>maven-shade-plugin</artifactId>
    <dependencies><dependency><groupId>g</groupId><artifactId>inner</artifactId></dependency></dependencies>
  </plugin></plugins></build>
  <repositories><repository><id>a</id><url>https://maven.acme.eu/releases</url></repository></repositories>
  <distributionManagement><repository><url>https://deploy.acme.eu</url></repository></distributionManagement>
</project>
"#,
        &[
            "app:pom.xml (records) High pom.xml:4",
            "package:maven/com.datadoghq:dd-trace-api (com.datadoghq:dd-trace-api) Low pom.xml:9",
            "package:maven/g:inner (g:inner) Low pom.xml:17",
            "package:maven/org.apache.maven.plugins:maven-shade-plugin (org.apache.maven.plugins:maven-shade-plugin) Low pom.xml:16",
            "host:maven.acme.eu (maven.acme.eu) High pom.xml:19",
            "host:repo1.maven.org (repo1.maven.org) Medium pom.xml:9",
            "U002 `${who.knows}:z` is not evaluated @13",
        ],
    );
    check("pom.xml", "<project>\n<a>\n", &["D004 the file ends in the middle @3"]);
    check(
        "build.gradle.kts",
        "plugins {\n    id(\"org.springframework.boot\") version \"3\"\n}\nrepositories {\n    mavenCentral()\n    maven { url = uri(\"https://repo.acme.eu/maven\") }\n}\ndependencies {\n    implementation(\"io.sentry:sentry:7.0\")\n    testImplementation group: 'a.b', name: 'c', version: '1'\n    implementation(project(\":core\"))\n}\n",
        &[
            "app:build.gradle.kts (build.gradle.kts) High build.gradle.kts:1",
            "package:maven/io.sentry:sentry (io.sentry:sentry) Low build.gradle.kts:9",
            "package:maven/a.b:c (a.b:c) Low build.gradle.kts:10",
            "host:plugins.gradle.org (plugins.gradle.org) High build.gradle.kts:2",
            "host:repo1.maven.org (repo1.maven.org) High build.gradle.kts:5",
            "host:repo.acme.eu (repo.acme.eu) High build.gradle.kts:6",
        ],
    );
    check(
        "libs.versions.toml",
        "[libraries]\na = { module = \"com.stripe:stripe-java\", version.ref = \"x\" }\nb = \"g:n:1\"\n",
        &[
            "app:libs.versions.toml (libs.versions.toml) High libs.versions.toml:1",
            "package:maven/com.stripe:stripe-java (com.stripe:stripe-java) Low libs.versions.toml:2",
            "package:maven/g:n (g:n) Low libs.versions.toml:3",
            "host:repo1.maven.org (repo1.maven.org) Medium libs.versions.toml:2",
        ],
    );
}

#[test]
fn ruby_php_and_dotnet() {
    check(
        "Gemfile",
        "source \"https://rubygems.org\"\ngem 'rails', '~> 7'\ngem \"tool\", git: \"https://codeberg.org/a/tool.git\"\ngem 'local', path: 'x'\nsource 'https://gems.acme.eu' do\n  gem 'inner'\nend\n",
        &[
            "app:Gemfile (Gemfile) High Gemfile:1",
            "package:gem/rails (rails) Low Gemfile:2",
            "package:gem/inner (inner) Low Gemfile:6",
            "git:codeberg.org/a/tool (a/tool) High Gemfile:3",
            "host:rubygems.org (rubygems.org) High Gemfile:1",
            "host:gems.acme.eu (gems.acme.eu) High Gemfile:5",
        ],
    );
    check(
        "composer.json",
        "{\"name\": \"a/b\",\n\"require\": {\"php\": \"8\", \"ext-json\": \"*\",\n\"mailjet/mailjet-apiv3-php\": \"1\"},\n\"repositories\": [{\"type\": \"vcs\",\n\"url\": \"https://github.com/x/y\"}]}",
        &[
            "app:composer.json (a/b) High composer.json:1",
            "package:composer/mailjet/mailjet-apiv3-php (mailjet/mailjet-apiv3-php) Low composer.json:3",
            "git:github.com/x/y (x/y) High composer.json:5",
            "host:packagist.org (packagist.org) Medium composer.json:3",
        ],
    );
    check_all(
        &[
            (
                "src/api.csproj",
                "<Project>\n<ItemGroup>\n<PackageReference Include=\"Sentry\" Version=\"4\" />\n</ItemGroup>\n</Project>\n",
            ),
            (
                "nuget.config",
                "<configuration>\n<packageSources>\n<clear />\n<add key=\"a\" value=\"https://nuget.acme.eu/v3/index.json\" />\n</packageSources>\n</configuration>",
            ),
        ],
        &[
            "app:src/api.csproj (src) High src/api.csproj:1",
            "package:nuget/Sentry (Sentry) Low src/api.csproj:3",
            "host:nuget.acme.eu (nuget.acme.eu) High nuget.config:4",
        ],
    );
}

#[test]
fn names_of_manifests() {
    for name in
        ["package.json", "requirements-dev.txt", "dev-requirements.txt", "cargo.toml", "api.csproj", "x.gemspec"]
    {
        assert!(is_manifest(name), "{name}");
    }
    for name in ["package-lock.json", "requirementsfoo.txt", "cargo.lock", "readme.md", "go.sum"] {
        assert!(!is_manifest(name), "{name}");
    }
}

#[test]
fn no_cut_and_no_binary_panics() {
    let text =
        "[dependencies]\na = {git = \"x\"}\n<project><dependency><url>\" gem 'x', git: implementation(\"a:b:c\") é ${";
    for name in [
        "package.json",
        "composer.json",
        "Cargo.toml",
        "pyproject.toml",
        "Pipfile",
        "setup.cfg",
        "go.mod",
        "Gemfile",
        "pom.xml",
        "build.gradle",
        "libs.versions.toml",
        "packages.config",
        "requirements.txt",
    ] {
        for cut in 0..text.len() {
            let mut files = Files::new();
            files.insert(name, &text.as_bytes()[..cut]);
            read(&files, &[name]);
        }
        let mut files = Files::new();
        files.insert(name, vec![0_u8, 159, 146, 150]);
        assert_eq!(read(&files, &[name]).diagnostics[0].code, "D002");
        let deep = if name.ends_with("json") { "[".repeat(100_000) } else { "<a>".repeat(100_000) };
        files.insert(name, deep.into_bytes());
        read(&files, &[name]);
    }
}

#[test]
fn indexes_beside_a_python_manifest() {
    check_all(
        &[
            ("a/requirements.txt", "flask\n"),
            ("a/uv.toml", "[[index]]\nurl = \"https://pypi.acme.eu/simple\"\ndefault = true\n"),
            ("b/requirements.txt", "flask\n"),
            ("b/pip.conf", "[global]\nextra-index-url = https://u:p@extra.acme.eu/simple\n"),
        ],
        &[
            "app:a/requirements.txt (a) High a/requirements.txt:1",
            "package:pypi/flask (flask) Low a/requirements.txt:1 b/requirements.txt:1",
            "host:pypi.acme.eu (pypi.acme.eu) High a/uv.toml:2",
            "app:b/requirements.txt (b) High b/requirements.txt:1",
            "host:extra.acme.eu (extra.acme.eu) High b/pip.conf:2",
            "host:pypi.org (pypi.org) Medium b/requirements.txt:1",
        ],
    );
}

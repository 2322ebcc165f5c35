//! Programs that talk to somebody without being told: package managers and the tools of clouds.

use super::words::Word;

/// The registry that a package manager fetches from when the command names no other.
pub(super) fn default_registry(program: &str, arguments: &[Word]) -> Option<&'static str> {
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(&word.text.as_str()));
    let option = |starts: &[&str]| arguments.iter().any(|word| starts.iter().any(|start| word.text.starts_with(start)));
    let first = arguments.iter().find(|word| !word.text.starts_with('-')).map_or("", |word| word.text.as_str());
    let pip = program.strip_prefix("pip").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    let (uses, named, host) = match program {
        _ if pip => (has(&["install", "download", "wheel"]), &["-i", "--index-url", "--no-index"][..], "pypi.org"),
        "pipx" | "poetry" | "pipenv" | "pdm" | "hatch" => {
            (matches!(first, "install" | "add" | "run" | "sync" | "update" | "inject"), &[][..], "pypi.org")
        }
        "uv" => (
            matches!(first, "pip" | "sync" | "add" | "tool" | "lock" | "run"),
            &["--index", "--default-index", "--no-index", "--offline"][..],
            "pypi.org",
        ),
        "uvx" => (true, &["--index"][..], "pypi.org"),
        "npm" | "pnpm" | "bun" => (
            matches!(first, "ci" | "install" | "i" | "add" | "update" | "exec" | "fetch" | "dlx" | "clean-install"),
            &["--registry", "--offline"][..],
            "registry.npmjs.org",
        ),
        "npx" | "bunx" => (true, &["--registry", "--no-install"][..], "registry.npmjs.org"),
        "yarn" => (
            matches!(first, "" | "install" | "add" | "dlx" | "global"),
            &["--registry", "--offline"][..],
            "registry.yarnpkg.com",
        ),
        "cargo" => (
            matches!(
                first,
                "build" | "install" | "fetch" | "test" | "run" | "check" | "clippy" | "binstall" | "nextest"
            ),
            &["--index", "--registry", "--offline", "--frozen"][..],
            "index.crates.io",
        ),
        "go" => (
            matches!(first, "mod" | "get" | "install" | "build" | "test" | "run") && !has(&["vendor", "-mod=vendor"]),
            &["-mod=vendor"][..],
            "proxy.golang.org",
        ),
        "gem" => (first == "install", &["--source", "-s", "--local"][..], "rubygems.org"),
        "bundle" | "bundler" => (matches!(first, "" | "install" | "update"), &["--local"][..], "rubygems.org"),
        "mvn" | "mvnw" => (!arguments.is_empty(), &["-o", "--offline"][..], "repo.maven.apache.org"),
        "composer" => {
            (matches!(first, "install" | "update" | "require" | "create-project"), &[][..], "repo.packagist.org")
        }
        "dotnet" => (
            matches!(first, "restore" | "build" | "publish" | "test" | "add" | "tool" | "pack"),
            &["--no-restore", "--source", "-s"][..],
            "api.nuget.org",
        ),
        "conda" | "mamba" | "micromamba" => {
            (matches!(first, "install" | "create" | "env" | "update"), &["--offline"][..], "conda.anaconda.org")
        }
        "rustup" => (true, &[][..], "static.rust-lang.org"),
        "huggingface-cli" | "hf" => (first == "download", &[][..], "huggingface.co"),
        "ollama" => (matches!(first, "pull" | "run"), &[][..], "registry.ollama.ai"),
        "terraform" => (first == "init", &["-plugin-dir"][..], "registry.terraform.io"),
        "tofu" => (first == "init", &["-plugin-dir"][..], "registry.opentofu.org"),
        "ansible-galaxy" => (has(&["install"]), &["-s", "--server"][..], "galaxy.ansible.com"),
        _ => return None,
    };
    (uses && !option(named)).then_some(host)
}

/// The platform whose own tool a program is, in the register's words.
pub(super) fn cloud_of(program: &str) -> Option<&'static str> {
    Some(match program {
        "aws" | "sam" | "eb" | "ecs-cli" | "copilot" => "aws",
        "gcloud" | "gsutil" | "bq" => "gcp",
        "az" | "azd" | "func" => "azure",
        "doctl" => "digitalocean",
        "flyctl" | "fly" => "fly.io",
        "heroku" => "heroku",
        "vercel" | "now" => "vercel",
        "netlify" => "netlify",
        "wrangler" => "cloudflare",
        "firebase" => "firebase",
        "hcloud" => "hetzner",
        "scw" => "scaleway",
        "exo" => "exoscale",
        "clever" => "clever cloud",
        "scalingo" => "scalingo",
        "oci" => "oracle cloud",
        "ibmcloud" => "ibm cloud",
        "linode-cli" => "linode",
        "railway" => "railway",
        "sentry-cli" => "sentry",
        "snyk" => "snyk",
        "codecov" => "codecov",
        "eas" => "expo",
        _ => return None,
    })
}

/// Whether a command changes a Kubernetes cluster.
pub(super) fn changes_cluster(program: &str, arguments: &[Word]) -> bool {
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(&word.text.as_str()));
    match program {
        "kubectl" | "oc" => has(&["apply", "rollout", "set", "create", "delete", "patch", "replace", "scale"]),
        "helm" => has(&["upgrade", "install", "uninstall", "rollback"]),
        "helmfile" => has(&["apply", "sync"]),
        "skaffold" => has(&["run", "deploy"]),
        _ => false,
    }
}

//! Actions that use a service, by the service's names in the register. An action itself is an artefact; what it talks
//! to is another matter.

use allod_facts::Layer;

/// The names and layer of the service that an action (`owner/name`, lower case) works with.
pub(super) fn service_of(action: &str) -> Option<(&'static [&'static str], Layer)> {
    let (owner, name) = action.split_once('/')?;
    let cloud = |names: &'static [&'static str]| Some((names, Layer::Cloud));
    match owner {
        "aws-actions" => return cloud(&["aws", "Amazon Web Services"]),
        "azure" if !name.starts_with("setup-") && !matches!(name, "k8s-bake" | "k8s-lint") => {
            return cloud(&["azure", "Microsoft Azure"]);
        }
        "google-github-actions" if !name.contains("release") => return cloud(&["gcp", "Google Cloud"]),
        "cloudflare" => return cloud(&["cloudflare"]),
        "scaleway" => return cloud(&["scaleway"]),
        "superfly" => return cloud(&["fly.io"]),
        "netlify" => return cloud(&["netlify"]),
        "datadog" => return Some((&["datadog"], Layer::Observability)),
        "snyk" => return Some((&["snyk"], Layer::Ci)),
        "codecov" => return Some((&["codecov"], Layer::Ci)),
        "coverallsapp" => return Some((&["coveralls"], Layer::Ci)),
        _ => {}
    }
    SERVICES.iter().find(|(known, _, _)| *known == action).map(|(_, names, layer)| (*names, *layer))
}

const SERVICES: &[(&str, &[&str], Layer)] = &[
    ("amondnet/vercel-action", &["vercel"], Layer::Cloud),
    ("nwtgck/actions-netlify", &["netlify"], Layer::Cloud),
    ("digitalocean/action-doctl", &["digitalocean"], Layer::Cloud),
    ("digitalocean/app_action", &["digitalocean"], Layer::Cloud),
    ("akhileshns/heroku-deploy", &["heroku"], Layer::Cloud),
    ("firebaseextended/action-hosting-deploy", &["firebase"], Layer::Cloud),
    ("hetznercloud/setup-hcloud", &["hetzner"], Layer::Cloud),
    ("jakejarvis/s3-sync-action", &["aws"], Layer::Cloud),
    ("actions/deploy-pages", &["GitHub Pages"], Layer::Cloud),
    ("peaceiris/actions-gh-pages", &["GitHub Pages"], Layer::Cloud),
    ("jamesives/github-pages-deploy-action", &["GitHub Pages"], Layer::Cloud),
    ("sonarsource/sonarcloud-github-action", &["SonarCloud"], Layer::Ci),
    ("getsentry/action-release", &["sentry"], Layer::ErrorTracking),
    ("slackapi/slack-github-action", &["slack"], Layer::Collaboration),
    ("8398a7/action-slack", &["slack"], Layer::Collaboration),
    ("rtcamp/action-slack-notify", &["slack"], Layer::Collaboration),
    ("hashicorp/tfc-workflows-github", &["HCP Terraform"], Layer::Iac),
    ("pulumi/actions", &["Pulumi Cloud"], Layer::Iac),
    ("infracost/actions", &["infracost"], Layer::Ci),
    ("bridgecrewio/checkov-action", &[], Layer::Ci),
];

/// The registry that a publishing action sends to when nothing else is said.
pub(super) fn registry_of(action: &str) -> Option<&'static str> {
    Some(match action {
        "pypa/gh-action-pypi-publish" => "upload.pypi.org",
        "js-devtools/npm-publish" => "registry.npmjs.org",
        "rubygems/release-gem" => "rubygems.org",
        "docker/login-action" => "docker.io",
        _ => return None,
    })
}

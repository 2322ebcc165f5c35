use std::sync::Arc;

/// A text in a file by which the register can recognise whose a thing is: a host name, a resource type, an image.
/// A clue is what the file says, not a conclusion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clue {
    pub kind: ClueKind,
    /// The text, normalised by the constructor: lower case where the namespace has no case, no trailing dot.
    pub text: Arc<str>,
}

/// What kind of name a clue is. Each kind has its own namespace in the register's `match:` blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClueKind {
    /// A host name or IP address that something connects to (register: `domains`, `host_patterns`).
    Host,
    /// A name server of a zone (`ns`).
    NameServer,
    /// A mail exchanger (`mx`).
    MailExchanger,
    /// The target of a CNAME (`cname`, then `domains`).
    CanonicalName,
    /// The domain of an SPF `include:` (`spf`).
    SpfInclude,
    /// The issuer of a CAA record (`caa`).
    CaaIssuer,
    /// A Terraform resource or data source type (`terraform`).
    TerraformType,
    /// A Terraform provider source, `namespace/name` (`terraform_providers`).
    TerraformProvider,
    /// A Terraform backend type; `cloud` for the `cloud` block (`backends`).
    TerraformBackend,
    /// A fully qualified image name without tag or digest, e.g. `docker.io/library/postgres` (`images`).
    Image,
    /// A GitHub or Forgejo action, `owner/name` (`actions`).
    Action,
    /// The id of a CI platform, e.g. `github-actions` (`ci`).
    CiPlatform,
    /// The label of a runner hosted by the platform (`runners`).
    Runner,
    /// A package of an ecosystem (`sdk`).
    Package(Ecosystem),
    /// The name of an environment variable (`env`).
    EnvVar,
    /// A component type of a telemetry pipeline (`exporters`).
    Exporter,
    /// A Helm chart, `repository-host-and-path/chart`, or its repository (`helm`).
    HelmChart,
    /// A word of Kubernetes: CSI driver, API group, issuer, DNS or secret-store provider (`kubernetes`).
    Kubernetes,
    /// A name in free text or an SBOM: a product, a supplier, a cloud (`names`).
    Name,
    /// Who runs it, as the file itself states, by name or home page (`names`, `domains`): it decides where an endpoint is nobody's that is known.
    Provider,
}

/// Package ecosystems, by the name that package URLs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    Npm,
    Pypi,
    Cargo,
    Go,
    Maven,
    Gem,
    Composer,
    Nuget,
}

impl Ecosystem {
    /// The key in the register's `sdk:` map (and the package URL type, but for `gem`).
    pub fn name(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::Pypi => "pypi",
            Ecosystem::Cargo => "cargo",
            Ecosystem::Go => "go",
            Ecosystem::Maven => "maven",
            Ecosystem::Gem => "gem",
            Ecosystem::Composer => "composer",
            Ecosystem::Nuget => "nuget",
        }
    }
}

impl ClueKind {
    /// Whether the namespace tells upper from lower case. Where it does not, texts are compared in lower case.
    fn keeps_case(self) -> bool {
        matches!(self, ClueKind::EnvVar)
    }
}

impl Clue {
    pub fn new(kind: ClueKind, text: &str) -> Clue {
        let text = text.trim();
        let text = match kind {
            ClueKind::Host
            | ClueKind::NameServer
            | ClueKind::MailExchanger
            | ClueKind::CanonicalName
            | ClueKind::SpfInclude
            | ClueKind::CaaIssuer => text.trim_end_matches('.'),
            _ => text,
        };
        let text = if kind.keeps_case() { Arc::from(text) } else { Arc::from(text.to_ascii_lowercase()) };
        Clue { kind, text }
    }
}

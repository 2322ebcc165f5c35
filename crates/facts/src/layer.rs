use serde::Serialize;

/// The layers of a stack: a closed list, in the order in which reports show them (see `docs/GLOSSARY.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    Application,
    Agents,
    AiModel,
    Cloud,
    Compute,
    Os,
    Storage,
    Database,
    Network,
    Cdn,
    Dns,
    Registrar,
    Certificates,
    Mail,
    Messaging,
    Identity,
    Secrets,
    Ci,
    Source,
    Iac,
    Registry,
    Packages,
    Observability,
    ErrorTracking,
    Analytics,
    Payments,
    Collaboration,
    Support,
    Hardware,
    /// A part whose layer the file does not tell.
    Unclassified,
}

impl Layer {
    /// Every layer with its name in files and reports.
    pub const ALL: [(Layer, &'static str); 30] = [
        (Layer::Application, "application"),
        (Layer::Agents, "agents"),
        (Layer::AiModel, "ai-model"),
        (Layer::Cloud, "cloud"),
        (Layer::Compute, "compute"),
        (Layer::Os, "os"),
        (Layer::Storage, "storage"),
        (Layer::Database, "database"),
        (Layer::Network, "network"),
        (Layer::Cdn, "cdn"),
        (Layer::Dns, "dns"),
        (Layer::Registrar, "registrar"),
        (Layer::Certificates, "certificates"),
        (Layer::Mail, "mail"),
        (Layer::Messaging, "messaging"),
        (Layer::Identity, "identity"),
        (Layer::Secrets, "secrets"),
        (Layer::Ci, "ci"),
        (Layer::Source, "source"),
        (Layer::Iac, "iac"),
        (Layer::Registry, "registry"),
        (Layer::Packages, "packages"),
        (Layer::Observability, "observability"),
        (Layer::ErrorTracking, "error-tracking"),
        (Layer::Analytics, "analytics"),
        (Layer::Payments, "payments"),
        (Layer::Collaboration, "collaboration"),
        (Layer::Support, "support"),
        (Layer::Hardware, "hardware"),
        (Layer::Unclassified, "unclassified"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(layer, _)| *layer == self).map_or("unclassified", |(_, name)| name)
    }

    pub fn from_name(name: &str) -> Option<Layer> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(layer, _)| *layer)
    }
}

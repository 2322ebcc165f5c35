//! The manifests that install the webhook in a cluster. Fields as in `k8s.io/api` (admissionregistration/v1, apps/v1,
//! policy/v1) and in cert-manager's `cert-manager.io/v1`.

use crate::settings::{Connect, Mode};

const SERVER: &str = include_str!("manifests/server.yaml");
const CERT_MANAGER: &str = include_str!("manifests/cert-manager.yaml");
const WEBHOOK: &str = include_str!("manifests/webhook.yaml");

/// How the webhook is installed.
#[derive(Clone, Debug)]
pub struct Install {
    pub namespace: String,
    pub image: String,
    pub replicas: u32,
    pub mode: Mode,
    pub connect: Connect,
    pub trust: Trust,
    /// Namespaces that are not asked about, besides its own and `kube-system`.
    pub exclude: Vec<String>,
    /// Further resources, as `GROUP/VERSION/RESOURCE`.
    pub also: Vec<String>,
}

/// How the API server comes to trust the certificate.
#[derive(Clone, Debug)]
pub enum Trust {
    /// cert-manager makes the certificate and fills in its authority. It runs in this namespace, which is not asked
    /// about: a certificate that has expired could never be renewed otherwise.
    CertManager { namespace: String },
    /// The certificate lies in the Secret `allod-admit-tls`; this PEM is the authority behind it.
    Bundle(Vec<u8>),
}

/// What cannot be written into a manifest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unusable {
    #[error("`{0}` is no name of a namespace")]
    Namespace(String),
    #[error("`{0}` is no image")]
    Image(String),
    #[error("`{0}` is not of the form `GROUP/VERSION/RESOURCE`")]
    Resource(String),
    #[error("the bundle is no PEM with certificates")]
    Bundle,
}

/// The manifests as YAML, in the order in which they are to be applied.
///
/// # Errors
/// [`Unusable`]: a value that would be refused by the API server, or change the meaning of what stands around it.
pub fn render(install: &Install) -> Result<String, Unusable> {
    let mut excluded = vec![install.namespace.as_str(), "kube-system"];
    let mut parts = vec![SERVER];
    let mut inject = String::new();
    let mut bundle = String::new();
    match &install.trust {
        Trust::CertManager { namespace } => {
            parts.push(CERT_MANAGER);
            excluded.push(namespace);
            let from = format!("{}/allod-admit", install.namespace);
            inject = format!("\n  annotations:\n    cert-manager.io/inject-ca-from: {from}");
        }
        Trust::Bundle(pem) => {
            if !pem.starts_with(b"-----BEGIN CERTIFICATE-----") {
                return Err(Unusable::Bundle);
            }
            bundle = format!("\n      caBundle: {}", base64(pem));
        }
    }
    excluded.extend(install.exclude.iter().map(String::as_str));
    for name in &excluded {
        if !is_label(name) {
            return Err(Unusable::Namespace((*name).to_owned()));
        }
    }
    // What a reference to an image can have: nothing of it means something to YAML in quotes.
    let fits = |c: char| c.is_ascii_alphanumeric() || "./:@_-".contains(c);
    if install.image.is_empty() || !install.image.chars().all(fits) {
        return Err(Unusable::Image(install.image.clone()));
    }
    excluded.sort_unstable();
    excluded.dedup();
    parts.push(WEBHOOK);
    let failure = match install.mode {
        Mode::Enforce => "    # Without an answer nothing is let through.\n    failurePolicy: Fail",
        Mode::Audit => "    # Audit mode holds nothing back, also when there is no answer.\n    failurePolicy: Ignore",
    };
    let deny_connect = match install.connect {
        Connect::Allow => "",
        Connect::Deny => "\n            - --deny-connect",
    };
    Ok(parts
        .concat()
        .replace("@NAMESPACE@", &install.namespace)
        .replace("@REPLICAS@", &install.replicas.to_string())
        .replace("@IMAGE@", &format!("\"{}\"", install.image))
        .replace("@MODE@", install.mode.name())
        .replace("@DENY_CONNECT@", deny_connect)
        .replace("@INJECT@", &inject)
        .replace("@CA_BUNDLE@", &bundle)
        .replace("@FAILURE_POLICY@", failure)
        .replace("@EXCLUDED@", &excluded.join(", "))
        .replace("@MORE@\n", &more(install)?))
}

/// The rules that not every installation has.
fn more(install: &Install) -> Result<String, Unusable> {
    let mut text = String::new();
    for also in &install.also {
        let parts: Vec<&str> = also.split('/').collect();
        let [group, version, resource] = *parts.as_slice() else { return Err(Unusable::Resource(also.clone())) };
        let is_name = |text: &str| text.split('.').all(is_label);
        if !(group.is_empty() || is_name(group)) || !is_label(version) || !is_label(resource) {
            return Err(Unusable::Resource(also.clone()));
        }
        text.push_str(&rule(&format!("\"{group}\""), version, "CREATE, UPDATE", resource));
    }
    if install.connect == Connect::Deny {
        let resources = "pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy";
        text.push_str(&rule("\"\"", "v1", "CONNECT", resources));
    }
    Ok(text)
}

fn rule(group: &str, version: &str, operations: &str, resources: &str) -> String {
    format!(
        "      - apiGroups: [{group}]\n        apiVersions: [{version}]\n        operations: [{operations}]\n        \
         resources: [{resources}]\n        scope: Namespaced\n"
    )
}

/// A label of RFC 1123, which is what names of namespaces are.
fn is_label(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('-') && !text.ends_with('-')
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| chunk.get(index).map_or(0, |byte| u32::from(*byte));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            let digit = ALPHABET.get((bits >> (18 - 6 * place) & 0x3f) as usize).copied().unwrap_or(b'=');
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install() -> Install {
        Install {
            namespace: "allod".into(),
            image: "registry.example/allod@sha256:0123".into(),
            replicas: 2,
            mode: Mode::Enforce,
            connect: Connect::Allow,
            trust: Trust::CertManager { namespace: "cert-manager".into() },
            exclude: Vec::new(),
            also: Vec::new(),
        }
    }

    #[test]
    fn with_cert_manager() {
        insta::assert_snapshot!(render(&install()).unwrap());
    }

    #[test]
    fn with_a_bundle_in_audit_mode() {
        let text = render(&Install {
            mode: Mode::Audit,
            connect: Connect::Deny,
            trust: Trust::Bundle(b"-----BEGIN CERTIFICATE-----\n".to_vec()),
            exclude: vec!["storage".into()],
            also: vec!["argoproj.io/v1alpha1/applications".into(), "/v1/podtemplates".into()],
            ..install()
        });
        insta::assert_snapshot!(text.unwrap());
    }

    #[test]
    fn nothing_slips_into_the_yaml() {
        let check = |change: &dyn Fn(&mut Install), expect: Unusable| {
            let mut install = install();
            change(&mut install);
            assert_eq!(render(&install), Err(expect));
        };
        for name in ["", "Allod", "a b", "a\nb: c", "-a", "a]", &"a".repeat(64)] {
            check(&|install| install.namespace = name.to_owned(), Unusable::Namespace(name.to_owned()));
            check(&|install| install.exclude.push(name.to_owned()), Unusable::Namespace(name.to_owned()));
        }
        for image in ["", "a b", "a\"", "a\nb"] {
            check(&|install| install.image = image.to_owned(), Unusable::Image(image.to_owned()));
        }
        for also in ["pods", "a/b", "a/b/c/d", "a/v1/p]", "A/v1/pods", "a/*/pods"] {
            check(&|install| install.also.push(also.to_owned()), Unusable::Resource(also.to_owned()));
        }
        check(&|install| install.trust = Trust::Bundle(b"key".to_vec()), Unusable::Bundle);
    }

    #[test]
    fn base64_of_the_rfc() {
        let examples = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, expect) in examples.iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), *expect);
        }
    }
}

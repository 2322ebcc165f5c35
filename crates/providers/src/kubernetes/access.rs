use super::Error;
use super::kubeconfig::{Entry, Kubeconfig, bytes};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Where a pod finds its own service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Where distributions keep the authorities of the machine.
const AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];
const HTTPS_PORT: u16 = 443;

/// How an API server is reached, and who asks.
#[derive(Clone)]
pub struct Access {
    /// The context of kubeconfig, or `in-cluster`.
    pub name: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands before the paths of the API; empty, or beginning with `/`.
    pub(super) prefix: String,
    pub(super) server_name: ServerName<'static>,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) token: Token,
}

/// Never printed.
#[derive(Clone)]
pub(super) enum Token {
    None,
    Text(String),
    /// Read again for each connection: it is renewed in place.
    File(PathBuf),
}

impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Access({} at {}:{})", self.name, self.host, self.port)
    }
}

/// Finds out how to reach a cluster: by a kubeconfig, or by the service account of the pod that this is.
///
/// # Errors
/// [`Error`]; nothing was asked yet.
pub fn access(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Access, Error> {
    let files = match kubeconfig {
        Some(path) => vec![path.to_owned()],
        None => default_files(),
    };
    if files.is_empty() {
        return in_cluster(Path::new(SERVICE_ACCOUNT));
    }
    of_kubeconfig(&Kubeconfig::read(&files)?, context)
}

/// KUBECONFIG, otherwise `~/.kube/config`; what is not there is left out.
fn default_files() -> Vec<PathBuf> {
    let stated = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    let files: Vec<PathBuf> = match stated {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    };
    files.into_iter().filter(|path| path.is_file()).collect()
}

fn in_cluster(folder: &Path) -> Result<Access, Error> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let host = variable("KUBERNETES_SERVICE_HOST").ok_or(Error::Nowhere)?;
    let port = variable("KUBERNETES_SERVICE_PORT").and_then(|port| port.parse().ok()).unwrap_or(HTTPS_PORT);
    let token = folder.join("token");
    if !token.is_file() {
        return Err(Error::Nowhere);
    }
    let server_name = server_name(&host)?;
    let roots = roots(Some(bytes(&folder.join("ca.crt"))?))?;
    let tls = Arc::new(config(roots, None)?);
    let name = "in-cluster".to_owned();
    Ok(Access { name, host, port, prefix: String::new(), server_name, tls, token: Token::File(token) })
}

fn of_kubeconfig(files: &Kubeconfig, context: Option<&str>) -> Result<Access, Error> {
    let name = context.or_else(|| files.current()).ok_or(Error::NoCurrentContext)?;
    let of = files.find("contexts", name, "context").ok_or_else(|| Error::NoContext(name.to_owned()))?;
    let dangling = |what, of: &str| Error::Dangling { context: name.to_owned(), what, name: of.to_owned() };
    let named = |key| of.text(key).unwrap_or_default();
    let cluster =
        files.find("clusters", named("cluster"), "cluster").ok_or_else(|| dangling("cluster", named("cluster")))?;
    let user = files.find("users", named("user"), "user").ok_or_else(|| dangling("user", named("user")))?;
    refuse(&cluster, &user)?;
    let server = cluster.text("server").unwrap_or_default();
    let (host, port, prefix) = address(server).ok_or_else(|| Error::Address(server.to_owned()))?;
    let server_name = server_name(cluster.text("tls-server-name").unwrap_or(&host))?;
    let roots = roots(cluster.data("certificate-authority-data", "certificate-authority")?)?;
    let certificate = user.data("client-certificate-data", "client-certificate")?;
    let key = user.data("client-key-data", "client-key")?;
    if certificate.is_some() != key.is_some() {
        // Half of a pair would ask as nobody.
        return Err(Error::Pem { what: "the client certificate or its key".to_owned() });
    }
    let tls = Arc::new(config(roots, certificate.zip(key))?);
    let token = match (user.text("tokenFile"), user.text("token")) {
        (Some(path), _) => Token::File(user.folder.join(path)),
        (None, Some(text)) => Token::Text(text.to_owned()),
        (None, None) => Token::None,
    };
    Ok(Access { name: name.to_owned(), host, port, prefix, server_name, tls, token })
}

/// What would run a program, speak to somebody else than is told, or to anybody.
fn refuse(cluster: &Entry<'_>, user: &Entry<'_>) -> Result<(), Error> {
    const PROGRAM: &str = "no programs are run; give a token or a client certificate";
    let cases: [(&Entry<'_>, &'static str, &'static str); 7] = [
        (user, "exec", PROGRAM),
        (user, "auth-provider", PROGRAM),
        (user, "username", "API servers take no passwords since 1.19; give a token or a client certificate"),
        (user, "as", "nobody is impersonated; use a service account of its own"),
        (user, "as-user-extra", "nobody is impersonated; use a service account of its own"),
        (cluster, "proxy-url", "proxies are not supported"),
        (cluster, "insecure-skip-tls-verify", "whoever answers would be believed; give the certificate authority"),
    ];
    for (entry, what, why) in cases {
        let off = |node: &allod_readers::node::Node| node.is_null() || node.as_bool() == Some(false);
        if entry.node.get(what).is_some_and(|node| !off(node)) {
            return Err(Error::Refused { what, why });
        }
    }
    Ok(())
}

/// Host, port and prefix of `https://host:port/prefix`.
fn address(server: &str) -> Option<(String, u16, String)> {
    let rest = server.strip_prefix("https://")?;
    let (authority, prefix) = match rest.split_once('/') {
        Some((authority, prefix)) => (authority, format!("/{}", prefix.trim_end_matches('/'))),
        None => (rest, String::new()),
    };
    let prefix = if prefix == "/" { String::new() } else { prefix };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(HTTPS_PORT), |port| port.parse().ok())?;
    let sound = !host.is_empty() && !authority.contains('@') && !prefix.contains(['?', '#', ' ']);
    sound.then(|| (host.to_owned(), port, prefix))
}

fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(host.to_owned()).map_err(|_| Error::Address(host.to_owned()))
}

/// The authorities that a cluster names, otherwise those of the machine.
fn roots(stated: Option<Vec<u8>>) -> Result<RootCertStore, Error> {
    let of_machine = || AUTHORITIES.iter().map(Path::new).find(|path| path.is_file());
    let pem = match (stated, of_machine()) {
        (Some(pem), _) => pem,
        (None, Some(path)) => bytes(path)?,
        (None, None) => return Err(Error::NoAuthority),
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 { Err(Error::NoAuthority) } else { Ok(roots) }
}

fn config(roots: RootCertStore, client: Option<(Vec<u8>, Vec<u8>)>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::Certificate)?
        .with_root_certificates(roots);
    let Some((certificate, key)) = client else { return Ok(builder.with_no_client_auth()) };
    let bad = |what: &str| Error::Pem { what: what.to_owned() };
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| bad("the client certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| bad("the client key"))?;
    builder.with_client_auth_cert(chain, key).map_err(Error::Certificate)
}

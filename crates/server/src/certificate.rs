//! The certificate of the server, read again when its files change. Connections that are open keep theirs; the next
//! handshake gets the new one. Files that do not fit together (one is new, the other not yet) leave the old one in place.

use crate::expiry::not_after;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

/// A chain of certificates has some kilobytes.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("could not read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("`{}` is larger than {MAX_PEM_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("`{}` has no usable PEM", path.display())]
    Pem {
        path: PathBuf,
        #[source]
        cause: pem::Error,
    },
    #[error("`{}` has no certificate", path.display())]
    Empty { path: PathBuf },
    #[error("the certificate in `{}` and the key in `{}` cannot be used together", certificate.display(), key.display())]
    Pair {
        certificate: PathBuf,
        key: PathBuf,
        #[source]
        cause: rustls::Error,
    },
}

/// The certificate that is shown now.
#[derive(Debug)]
pub struct Certificate {
    files: [PathBuf; 2],
    provider: Arc<CryptoProvider>,
    now: RwLock<Shown>,
}

#[derive(Clone, Debug)]
struct Shown {
    /// The bytes of both files, to see a change: times and links say less.
    bytes: [Vec<u8>; 2],
    key: Arc<CertifiedKey>,
    ends: Option<SystemTime>,
}

impl Certificate {
    pub fn load(certificate: &Path, key: &Path) -> Result<Certificate, CertificateError> {
        let files = [certificate.to_owned(), key.to_owned()];
        let provider = Arc::new(ring::default_provider());
        let shown = parse(&files, read(&files)?, &provider)?;
        Ok(Certificate { files, provider, now: RwLock::new(shown) })
    }

    /// Takes what is in the files, if it is something else; tells whether it was.
    pub fn reload(&self) -> Result<bool, CertificateError> {
        let bytes = read(&self.files)?;
        if self.shown().bytes == bytes {
            return Ok(false);
        }
        let new = parse(&self.files, bytes, &self.provider)?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }

    /// When the certificate ends, if it says so in a way that is understood.
    pub fn ends(&self) -> Option<SystemTime> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).ends
    }

    fn shown(&self) -> Shown {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, and whatever certificate is shown at the time of a handshake.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let builder =
            ServerConfig::builder_with_provider(self.provider.clone()).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

fn read(files: &[PathBuf; 2]) -> Result<[Vec<u8>; 2], CertificateError> {
    let [certificate, key] = files;
    Ok([bytes(certificate)?, bytes(key)?])
}

fn bytes(path: &Path) -> Result<Vec<u8>, CertificateError> {
    use std::io::Read;
    let unreadable = |cause| CertificateError::Unreadable { path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_PEM_BYTES {
        return Err(CertificateError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

fn parse(files: &[PathBuf; 2], bytes: [Vec<u8>; 2], provider: &CryptoProvider) -> Result<Shown, CertificateError> {
    let ([certificate, key], [certificate_bytes, key_bytes]) = (files, &bytes);
    let chain = CertificateDer::pem_slice_iter(certificate_bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| CertificateError::Pem { path: certificate.clone(), cause })?;
    let Some(leaf) = chain.first() else { return Err(CertificateError::Empty { path: certificate.clone() }) };
    let ends = not_after(leaf);
    let private =
        PrivateKeyDer::from_pem_slice(key_bytes).map_err(|cause| CertificateError::Pem { path: key.clone(), cause })?;
    let pair = CertifiedKey::from_der(chain, private, provider).map_err(|cause| CertificateError::Pair {
        certificate: certificate.clone(),
        key: key.clone(),
        cause,
    })?;
    Ok(Shown { key: Arc::new(pair), ends, bytes })
}

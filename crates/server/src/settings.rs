use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How the webhook runs.
#[derive(Clone)]
pub struct Settings {
    /// Where the API server asks, over HTTPS.
    pub listen: SocketAddr,
    /// Where kubelet and Prometheus ask, over plain HTTP: apart, so that neither the limits of the other port nor an
    /// expired certificate can make a probe fail and have the webhook killed.
    pub probes: SocketAddr,
    /// PEM files; read again when they change.
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub mode: Mode,
    pub connect: Connect,
    /// Log what was allowed, too.
    pub log_allowed: bool,
    pub limits: Limits,
    /// The clock, for the expiry of the certificate.
    pub now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

/// What a violation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It denies.
    Enforce,
    /// It is told as a warning, and the object is let through. Everything shown says so.
    Audit,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Audit => "audit",
        }
    }
}

/// What is answered to CONNECT (exec, attach, port-forward, proxy). There is no object to judge. The manifests send no
/// CONNECT here unless it is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    Allow,
    Deny,
}

/// What one client, or all together, can take of the webhook.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one AdmissionReview.
    pub review_bytes: usize,
    /// Bytes of all AdmissionReviews that are being read or judged.
    pub buffered_bytes: usize,
    /// Open connections.
    pub connections: usize,
    /// Objects that are judged at the same time; as many more are read.
    pub judgements: usize,
    /// From the connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the handshake to the first request.
    pub first_request: Duration,
    /// Without any request on a connection of HTTP/1, and from the first to the last byte of its headers.
    pub idle: Duration,
    /// From the headers to the last byte of the body.
    pub body: Duration,
    /// From the last byte of the body to the judgement.
    pub answer: Duration,
    /// Between two looks at the certificate files.
    pub reload: Duration,
    /// How long connections are still accepted after the signal to end.
    pub lame_duck: Duration,
    /// How long requests that are under way may take after that.
    pub drain: Duration,
}

/// The API server takes request bodies of up to 3 MiB (`MaxRequestBodyBytes` in its configuration). A review has the new
/// and the old object, and JSON can be longer than the protobuf that came in.
const REVIEW_BYTES: usize = 8 << 20;
/// 16 of the largest reviews at once, and some 10,000 ordinary ones: with what parsing adds, below the memory limit in
/// the manifests.
const BUFFERED_BYTES: usize = 128 << 20;
/// An API server keeps one connection (HTTP/2) or few; a cluster has few API servers.
const CONNECTIONS: usize = 512;
/// Judging takes the processor: more at once than this only makes each slower.
const JUDGEMENTS_PER_CORE: usize = 2;
/// A handshake takes two round trips within a cluster.
const HANDSHAKE: Duration = Duration::from_secs(5);
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// The clients of the API server drop a connection that was idle for 90 s. One that is dropped here first, while a
/// request is on its way, would deny that request.
const IDLE: Duration = Duration::from_secs(120);
/// The API server gives up after `timeoutSeconds` of the manifests (5 s): what takes as long is no API server.
const BODY: Duration = Duration::from_secs(5);
/// Below `timeoutSeconds`, so that the answer is ours, with a reason.
const ANSWER: Duration = Duration::from_secs(4);
/// cert-manager renews weeks before the end, and kubelet brings a changed Secret within about a minute.
const RELOAD: Duration = Duration::from_secs(10);
/// The API server learns of an endpoint that is gone a moment after the signal.
const LAME_DUCK: Duration = Duration::from_secs(5);
/// With LAME_DUCK below the 30 s after which kubelet kills.
const DRAIN: Duration = Duration::from_secs(15);

impl Default for Limits {
    fn default() -> Limits {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Limits {
            review_bytes: REVIEW_BYTES,
            buffered_bytes: BUFFERED_BYTES,
            connections: CONNECTIONS,
            judgements: cores * JUDGEMENTS_PER_CORE,
            handshake: HANDSHAKE,
            first_request: FIRST_REQUEST,
            idle: IDLE,
            body: BODY,
            answer: ANSWER,
            reload: RELOAD,
            lame_duck: LAME_DUCK,
            drain: DRAIN,
        }
    }
}

impl Settings {
    /// Enforcing, with the default limits and the clock of the machine.
    pub fn new(listen: SocketAddr, probes: SocketAddr, certificate: PathBuf, key: PathBuf) -> Settings {
        Settings {
            listen,
            probes,
            certificate,
            key,
            mode: Mode::Enforce,
            connect: Connect::Allow,
            log_allowed: false,
            limits: Limits::default(),
            now: Arc::new(SystemTime::now),
        }
    }
}

//! A webhook on loopback with its own certificate, and a client that trusts it.

use allod_server::{Admission, Judge, Judgement, Settings, Severity, Subject, Unjudged, Violation};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Longer than anything here takes on a busy machine; a test that waits for it has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);
const NAME: &str = "allod-admit.allod.svc";

pub struct World {
    pub folder: TempDir,
    pub admit: SocketAddr,
    pub probes: SocketAddr,
    pub certificate: CertificateDer<'static>,
    log: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    pub running: JoinHandle<()>,
}

/// Writes a new certificate with its key, as a Secret has them.
pub fn certify(folder: &Path) -> CertificateDer<'static> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2090, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}

/// Denies images of `docker.io`, warns about namespaces called `test`, breaks down and gives up on request.
pub fn judge(subject: Subject) -> Result<Judgement, Unjudged> {
    let says = |severity, message: &str| Violation {
        rule: "r1".into(),
        severity,
        message: message.into(),
        why: String::new(),
        hint: String::new(),
    };
    match subject.name.as_str() {
        "panic" => panic!("on request"),
        "unknown" => return Err(Unjudged("nobody knows".into())),
        _ => {}
    }
    let mut violations = Vec::new();
    if subject.facts.components.iter().any(|one| one.id.contains("docker.io")) {
        violations.push(says(Severity::Deny, "an image of docker.io"));
    }
    if subject.namespace == "test" {
        violations.push(says(Severity::Warn, "a namespace for tests"));
    }
    Ok(Judgement { violations })
}

pub fn start(change: impl FnOnce(&mut Settings)) -> World {
    start_with(change, Arc::new(judge))
}

pub fn start_with(change: impl FnOnce(&mut Settings), judge: Arc<dyn Judge>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let certificate = certify(folder.path());
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut settings = Settings::new(any, any, folder.path().join("tls.crt"), folder.path().join("tls.key"));
    settings.limits.lame_duck = Duration::ZERO;
    settings.limits.reload = Duration::from_millis(20);
    change(&mut settings);
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = log.clone();
    let admission =
        Admission::bind(settings, judge, Arc::new(move |line| lines.lock().unwrap().push(line.to_owned()))).unwrap();
    let (admit, probes) = admission.addresses().unwrap();
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        admission.run_until(stopped).await.unwrap();
    });
    World { folder, admit, probes, certificate, log, stop: Some(stop), running }
}

impl World {
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        connect(self.admit, &self.certificate, protocol).await.unwrap()
    }

    /// Posts a body as JSON, over one protocol.
    pub async fn post(&self, protocol: &str, body: impl Into<Bytes>) -> (u16, Value) {
        let request = hyper::Request::post(format!("https://{NAME}/admit"))
            .header("host", NAME)
            .header("content-type", "application/json");
        self.send(protocol, request.body(Full::new(body.into())).unwrap()).await
    }

    pub async fn send(&self, protocol: &str, request: hyper::Request<Full<Bytes>>) -> (u16, Value) {
        let stream = TokioIo::new(self.connect(protocol).await);
        let response = if protocol == "h2" {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (code, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// A review of one request; the answer is a review under the same uid.
    pub async fn review(&self, request: Value) -> Value {
        let (code, answer) = self.post("h2", review(request)).await;
        assert_eq!((code, &answer["kind"], &answer["response"]["uid"]), (200, &json!("AdmissionReview"), &json!("u")));
        answer["response"].clone()
    }

    /// What is at a path of the port for probes.
    pub async fn probe(&self, path: &str) -> (u16, String) {
        let stream = TokioIo::new(TcpStream::connect(self.probes).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::get(path).header("host", "x").body(Full::<Bytes>::default()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (code, String::from_utf8(body.to_vec()).unwrap())
    }
}

pub async fn connect(
    to: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let mut config =
        builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(to).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).unwrap(), stream).await
}

/// An AdmissionReview around a request, with what every request has.
pub fn review(mut request: Value) -> Vec<u8> {
    let base = json!({
        "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "prod", "name": "web",
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "operation": "CREATE",
        "requestKind": {"group": "", "version": "v1", "kind": "Pod"}, "dryRun": false,
        "userInfo": {"username": "jane@clinic.example", "groups": ["system:authenticated"]},
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}, "oldObject": null,
    });
    for (key, value) in base.as_object().unwrap() {
        request.as_object_mut().unwrap().entry(key).or_insert(value.clone());
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string().into_bytes()
}

pub fn pod(image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "prod"},
        "spec": {"containers": [{"name": "a", "image": image, "env": [{"name": "TOKEN", "value": "hunter2hunter2"}]}]},
    })
}

/// Waits until a condition holds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::task::yield_now().await;
    }
}

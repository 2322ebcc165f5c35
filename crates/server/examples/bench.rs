//! How long an answer takes: requests at a fixed rate over HTTPS, with a judge that only counts.
//!
//! `cargo run --release -p allod-server --example bench [RATE] [SECONDS] [http/1.1 CONNECTIONS] [--rules FOLDER]`
//!
//! With a folder, its rules judge instead (its `allod.yaml` and `rules/`), and what its files describe is the context.
//!
//! Requests are sent at their times whether or not earlier ones were answered, and the time of an answer counts from
//! when its request was due: a server that falls behind is not spared. Client and server share the machine.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use allod_engine::{Policies, PolicyOptions, facts_of};
use allod_register::Register;
use allod_server::{Admission, Judge, Judgement, PolicyJudge, Settings, Severity, Subject, Violation};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const NAME: &str = "allod-admit.allod.svc";
/// Answers before the measurement, so that connections and caches are warm.
const WARM_UP: usize = 200;

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let rules = args.iter().position(|arg| arg == "--rules").map(|at| args.drain(at..at + 2).next_back().unwrap());
    let number = |at: usize, default: u64| args.get(at).and_then(|arg| arg.parse().ok()).unwrap_or(default);
    let (rate, seconds) = (number(0, 500), number(1, 20));
    let connections = args.get(2).filter(|arg| *arg == "http/1.1").map(|_| number(3, 16));

    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    std::fs::write(folder.path().join("tls.crt"), pair.cert.pem()).unwrap();
    std::fs::write(folder.path().join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = Settings::new(any, any, folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let judge = |subject: Subject| {
        let violation = Violation {
            rule: "count".into(),
            severity: Severity::Warn,
            message: format!("{} parts", subject.facts.components.len()),
            why: String::new(),
            hint: String::new(),
        };
        Ok(Judgement { violations: vec![violation] })
    };
    let judge: Arc<dyn Judge> = match &rules {
        Some(folder) => Arc::new(policies(folder)),
        None => Arc::new(judge),
    };
    let admission = Admission::bind(settings, judge, Arc::new(|_| {})).unwrap();
    let (address, _) = admission.addresses().unwrap();
    std::thread::spawn(move || admission.run());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bodies = bodies();
    let mut took = runtime.block_on(measure(address, pair.cert.der(), &bodies, rate, seconds, connections));
    let wrong = took.iter().filter(|one| one.is_none()).count();
    let mut times: Vec<Duration> = took.drain(..).flatten().collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let sizes: Vec<usize> = bodies.iter().map(Bytes::len).collect();
    let over = connections.map_or("1 connection of HTTP/2".to_owned(), |many| format!("{many} of HTTP/1.1"));
    println!("{rate} requests a second for {seconds} s, {over}, bodies of {sizes:?} bytes: {} answers", times.len());
    println!(
        "p50 {:.2} ms  p90 {:.2} ms  p99 {:.2} ms  p99.9 {:.2} ms  max {:.2} ms  wrong {wrong}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

/// The rules of a folder, with what its files describe.
fn policies(folder: &str) -> PolicyJudge {
    let register = Register::builtin().unwrap();
    let paths = [std::path::PathBuf::from(folder)];
    let policies = Policies::load(&paths, &PolicyOptions::default(), &register).unwrap();
    let context = facts_of(&paths, &|_| {}).unwrap();
    PolicyJudge { policies, register, context }
}

enum Client {
    Two(hyper::client::conn::http2::SendRequest<Full<Bytes>>),
    One(Vec<Arc<tokio::sync::Mutex<hyper::client::conn::http1::SendRequest<Full<Bytes>>>>>),
}

async fn measure(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
    bodies: &[Bytes],
    rate: u64,
    seconds: u64,
    connections: Option<u64>,
) -> Vec<Option<Duration>> {
    let client = match connections {
        None => {
            let stream = TokioIo::new(connect(address, certificate, "h2").await);
            let (sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            Client::Two(sender)
        }
        Some(many) => {
            let mut senders = Vec::new();
            for _ in 0..many {
                let stream = TokioIo::new(connect(address, certificate, "http/1.1").await);
                let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
                tokio::spawn(connection);
                senders.push(Arc::new(tokio::sync::Mutex::new(sender)));
            }
            Client::One(senders)
        }
    };
    for at in 0..WARM_UP {
        assert!(send(&client, bodies, at, Instant::now()).await.unwrap().is_some());
    }
    let total = (rate * seconds) as usize;
    let started = Instant::now();
    let mut asked = Vec::with_capacity(total);
    for at in 0..total {
        let due = started + Duration::from_secs_f64(at as f64 / rate as f64);
        tokio::time::sleep_until(due.into()).await;
        asked.push(send(&client, bodies, at, due));
    }
    let mut took = Vec::with_capacity(total);
    for one in asked {
        took.push(one.await.unwrap());
    }
    took
}

/// Sends one request; its time from when it was due, or nothing when the answer was not the one expected.
fn send(client: &Client, bodies: &[Bytes], at: usize, due: Instant) -> tokio::task::JoinHandle<Option<Duration>> {
    let request = hyper::Request::post(format!("https://{NAME}/admit"))
        .header("host", NAME)
        .header("content-type", "application/json")
        .body(Full::new(bodies[at % bodies.len()].clone()))
        .unwrap();
    let read = async move |response: hyper::Response<hyper::body::Incoming>| {
        let body = response.into_body().collect().await.ok()?.to_bytes();
        let answer: Value = serde_json::from_slice(&body).ok()?;
        let answered = answer["response"]["allowed"].is_boolean() && answer["response"]["status"]["code"] != 500;
        answered.then(|| due.elapsed())
    };
    match client {
        Client::Two(sender) => {
            let mut sender = sender.clone();
            tokio::spawn(async move { read(sender.send_request(request).await.ok()?).await })
        }
        Client::One(senders) => {
            let sender = senders[at % senders.len()].clone();
            tokio::spawn(async move {
                let mut sender = sender.lock().await;
                sender.ready().await.ok()?;
                let response = sender.send_request(request).await.ok()?;
                read(response).await
            })
        }
    }
}

async fn connect(to: SocketAddr, trusted: &CertificateDer<'static>, protocol: &str) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(to).await.unwrap();
    stream.set_nodelay(true).unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap()
}

/// Reviews as a cluster makes them: a pod that is created, a deployment that is updated.
fn bodies() -> Vec<Bytes> {
    let env: Vec<Value> = (0..20)
        .map(|at| json!({"name": format!("SERVICE_{at}_URL"), "value": format!("https://api{at}.clinic.example/v1")}))
        .collect();
    let container = json!({
        "name": "web", "image": "registry.clinic.example/records/web:1.4.2", "env": env,
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "periodSeconds": 10},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/web", "readOnly": true}],
        "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent",
    });
    let spec = json!({
        "containers": [container, {"name": "proxy", "image": "registry.clinic.example/base/envoy:1.31"}],
        "initContainers": [{"name": "migrate", "image": "registry.clinic.example/records/migrate:1.4.2"}],
        "volumes": [{"name": "config", "configMap": {"name": "web"}}], "serviceAccountName": "web",
    });
    let managed: Vec<Value> =
        (0..40).map(|at| json!({format!("f:field{at}"): {"f:name": {}, "f:value": {}}})).collect();
    let metadata = |labels: Value| {
        json!({"name": "web", "namespace": "records", "uid": "3f0c", "labels": labels,
               "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsV1": managed}]})
    };
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata(json!({"app": "web"})), "spec": spec});
    let deployment = |replicas: u32| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(json!({"allod/data": "patient"})),
               "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                        "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec}}})
    };
    let review = |operation: &str, group: &str, kind: &str, resource: &str, object: Value, old: Value| {
        let request = json!({
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "name": "web", "namespace": "records", "operation": operation,
            "kind": {"group": group, "version": "v1", "kind": kind},
            "resource": {"group": group, "version": "v1", "resource": resource},
            "userInfo": {"username": "deployer", "groups": ["system:authenticated"]},
            "object": object, "oldObject": old, "dryRun": false,
        });
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        Bytes::from(review.to_string())
    };
    vec![
        review("CREATE", "", "Pod", "pods", pod, Value::Null),
        review("UPDATE", "apps", "Deployment", "deployments", deployment(4), deployment(3)),
    ]
}

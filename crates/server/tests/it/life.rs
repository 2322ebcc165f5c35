use crate::world::{DEADLINE, certify, connect, pod, review, start, start_with, until};
use allod_server::{Admission, Judgement, NoRules, Settings, Subject};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn request() -> hyper::Request<Full<Bytes>> {
    hyper::Request::post("https://allod-admit.allod.svc/admit")
        .header("content-type", "application/json")
        .body(Full::new(review(json!({"object": pod("registry.clinic.example/web:1")})).into()))
        .unwrap()
}

#[tokio::test]
async fn a_new_certificate_is_taken_without_dropping_a_connection() {
    let world = start(|_| {});
    // As kubelet lays a Secret: names that are links through a folder that is swapped.
    let stream = TokioIo::new(world.connect("h2").await);
    let (mut open, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(open.send_request(request()).await.unwrap().status(), 200);

    // A certificate whose key has not come yet changes nothing.
    let folder = world.folder.path();
    let key = std::fs::read(folder.join("tls.key")).unwrap();
    let next = folder.join("next");
    std::fs::create_dir(&next).unwrap();
    let new = certify(&next);
    std::fs::copy(next.join("tls.crt"), folder.join("tls.crt")).unwrap();
    until("the failure in the log", || async { world.log().contains("certificate-not-reloaded") }).await;
    assert!(connect(world.admit, &world.certificate, "h2").await.is_ok());
    assert!(connect(world.admit, &new, "h2").await.is_err());

    std::fs::remove_file(folder.join("tls.key")).unwrap();
    std::os::unix::fs::symlink("next/tls.key", folder.join("tls.key")).unwrap();
    until("the new certificate", || async { connect(world.admit, &new, "h2").await.is_ok() }).await;
    assert!(connect(world.admit, &world.certificate, "h2").await.is_err());
    // The connection from before goes on.
    assert_eq!(open.send_request(request()).await.unwrap().status(), 200);
    assert!(world.log().contains("certificate-reloaded"));
    assert!(world.probe("/metrics").await.1.contains("reloads_total{result=\"taken\"} 1"));
    assert!(!world.log().contains(std::str::from_utf8(&key[30..60]).unwrap()));
}

#[tokio::test]
async fn an_expired_certificate_is_not_ready_but_alive() {
    let now = Arc::new(Mutex::new(UNIX_EPOCH + Duration::from_secs(3_786_912_000 - 1)));
    let clock = now.clone();
    let world = start(|settings| settings.now = Arc::new(move || *clock.lock().unwrap()));
    assert_eq!(world.probe("/readyz").await.0, 200);
    *now.lock().unwrap() += Duration::from_secs(1);
    let not_ready = "not ready: the certificate has expired\nmode: enforce\n".to_owned();
    assert_eq!(world.probe("/readyz").await, (503, not_ready));
    assert_eq!(world.probe("/healthz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_waits_for_what_is_under_way() {
    let (release, held) = mpsc::channel::<()>();
    let (started, judging) = mpsc::channel::<()>();
    let (held, started) = (Mutex::new(held), Mutex::new(started));
    let judge = move |_: Subject| {
        started.lock().unwrap().send(()).unwrap();
        let _ = held.lock().unwrap().recv();
        Ok(Judgement::default())
    };
    let mut world = start_with(|_| {}, Arc::new(judge));
    let mut senders = Vec::new();
    for _ in 0..2 {
        let stream = TokioIo::new(world.connect("h2").await);
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        senders.push(sender);
    }
    let under_way: Vec<_> = senders.iter_mut().map(|sender| tokio::spawn(sender.send_request(request()))).collect();
    tokio::task::spawn_blocking(move || (judging.recv().unwrap(), judging.recv().unwrap())).await.unwrap();
    world.stop();
    until("no more connections", || async { TcpStream::connect(world.admit).await.is_err() }).await;
    assert_eq!(world.probe("/readyz").await.0, 503);
    assert!(!world.running.is_finished());
    release.send(()).unwrap();
    release.send(()).unwrap();
    for one in under_way {
        let response = one.await.unwrap().unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["response"]["allowed"], true);
    }
    timeout(DEADLINE, &mut world.running).await.expect("it did not end").unwrap();
    assert!(world.log().contains("\"event\":\"ended\"") && !world.log().contains("cut-off"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_does_not_wait_for_ever() {
    let (release, held) = mpsc::channel::<()>();
    let (started, judging) = mpsc::channel::<()>();
    let (held, started) = (Mutex::new(held), Mutex::new(started));
    let judge = move |_: Subject| {
        started.lock().unwrap().send(()).unwrap();
        let _ = held.lock().unwrap().recv();
        Ok(Judgement::default())
    };
    let mut world = start_with(|settings| settings.limits.drain = Duration::from_millis(50), Arc::new(judge));
    let stream = TokioIo::new(world.connect("h2").await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let _under_way = tokio::spawn(sender.send_request(request()));
    tokio::task::spawn_blocking(move || judging.recv().unwrap()).await.unwrap();
    world.stop();
    timeout(DEADLINE, &mut world.running).await.expect("it did not end").unwrap();
    assert!(world.log().contains("cut-off"));
    drop(release);
}

#[test]
fn what_keeps_it_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let path = |name: &str| folder.path().join(name);
    let settings = |certificate: &str, key: &str| Settings::new(any, any, path(certificate), path(key));
    let check = |settings: Settings, expect: &[&str]| {
        let error = Admission::bind(settings, Arc::new(NoRules), Arc::new(|_| {})).err().expect("it started");
        let mut texts = vec![error.to_string()];
        let mut next = std::error::Error::source(&error);
        while let Some(cause) = next {
            texts.push(cause.to_string());
            next = cause.source();
        }
        for (text, expect) in texts.iter().zip(expect) {
            assert!(text.contains(expect), "{texts:?}");
        }
        assert!(texts.len() >= expect.len(), "{texts:?}");
    };
    let unusable = "the certificate cannot be used";
    check(settings("tls.crt", "tls.key"), &[unusable, "could not read", "No such file"]);
    certify(folder.path());
    std::fs::write(path("empty"), "").unwrap();
    std::fs::write(path("large"), vec![b'a'; (1 << 20) + 1]).unwrap();
    std::fs::create_dir(path("other")).unwrap();
    certify(&path("other"));
    check(settings("empty", "tls.key"), &[unusable, "has no certificate"]);
    check(settings("tls.crt", "empty"), &[unusable, "no usable PEM"]);
    check(settings("tls.key", "tls.crt"), &[unusable, "has no certificate"]);
    check(settings("large", "tls.key"), &[unusable, "larger than"]);
    check(settings("tls.crt", "other/tls.key"), &[unusable, "cannot be used together"]);
    let taken = std::net::TcpListener::bind(any).unwrap();
    let mut busy = settings("tls.crt", "tls.key");
    busy.listen = taken.local_addr().unwrap();
    check(busy, &["could not listen on", "in use"]);
}

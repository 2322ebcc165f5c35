use crate::world::{DEADLINE, World, pod, review, start, start_with, until};
use allod_server::{Judgement, Subject};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(200);
const HEAD: &str = "POST /admit HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

/// What the webhook says to bytes over TLS, until it ends the connection.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = world.connect("http/1.1").await;
    stream.write_all(bytes).await.unwrap();
    let mut told = Vec::new();
    // A connection that ends without its close_notify has ended as well.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut told)).await.expect("the connection was not ended");
    String::from_utf8(told).unwrap()
}

/// It still answers.
async fn well(world: &World) {
    let response = world.review(json!({"object": pod("registry.clinic.example/web:1")})).await;
    assert_eq!(response["allowed"], true);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let world = start(|settings| settings.limits.review_bytes = 20_000);
    let large = review(json!({"object": pod("registry.clinic.example/web:1"), "x": "a".repeat(30_000)}));
    for protocol in ["h2", "http/1.1"] {
        let (code, status) = world.post(protocol, large.clone()).await;
        assert_eq!((code, &status["reason"]), (413, &json!("RequestEntityTooLarge")), "{protocol}");
    }
    // Without a length it shows only on the way.
    let mut chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for chunk in large.chunks(1_000) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    assert!(raw(&world, &chunked).await.starts_with("HTTP/1.1 413 "));
    well(&world).await;
}

#[tokio::test]
async fn what_is_too_much_together_is_refused() {
    let world = start(|settings| settings.limits.buffered_bytes = 10_000);
    let large = review(json!({"object": pod("registry.clinic.example/web:1"), "x": "a".repeat(30_000)}));
    let (code, status) = world.post("h2", large).await;
    assert_eq!((code, &status["reason"]), (429, &json!("TooManyRequests")));
    well(&world).await;
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let world = start(|settings| settings.limits.body = SHORT);
    let told = raw(&world, format!("{HEAD}content-length: 100\r\n\r\n{{\"kind\":").as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("did not arrive within"), "{told}");
    well(&world).await;
    let world = start(|settings| settings.limits.first_request = SHORT);
    assert_eq!(raw(&world, b"POST /admit HT").await, "");
    well(&world).await;
    let world = start(|settings| settings.limits.idle = SHORT);
    let told = raw(&world, b"GET /admit HTTP/1.1\r\nhost: x").await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 408 "), "{told}");
    well(&world).await;
}

#[tokio::test]
async fn what_is_no_tls_harms_nobody() {
    let world = start(|settings| settings.limits.handshake = SHORT);
    let hello = [0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xfb];
    let random: Vec<u8> = (0..4_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for bytes in [b"GET /admit HTTP/1.1\r\n\r\n".as_slice(), &hello, &random, &[0x16; 70_000], b"", b"\x16"] {
        let mut stream = TcpStream::connect(world.admit).await.unwrap();
        // It may hang up before all of it is written.
        let _ = stream.write_all(bytes).await;
        let mut told = Vec::new();
        let _ = timeout(DEADLINE, stream.read_to_end(&mut told)).await.expect("the connection was not ended");
        assert!(!told.starts_with(b"HTTP"), "{told:?}");
    }
    well(&world).await;
    let (_, metrics) = world.probe("/metrics").await;
    assert!(metrics.contains("allod_admit_handshakes_failed_total 6\n"), "{metrics}");
    // Many failures, one line.
    assert_eq!(world.log().matches("handshake-failed").count(), 1, "{}", world.log());
}

#[tokio::test]
async fn malformed_http_is_an_error_of_its_client() {
    let world = start(|_| {});
    for bytes in [
        "NONSENSE\r\n\r\n".to_owned(),
        "POST /admit HTTP/9.9\r\n\r\n".to_owned(),
        format!("{HEAD}content-length: x\r\n\r\n"),
        format!("POST /admit HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(100_000)),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n"),
    ] {
        let told = raw(&world, bytes.as_bytes()).await;
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 4"), "{told}");
        well(&world).await;
    }
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_turn() {
    let world = start(|settings| settings.limits.connections = 1);
    let first = world.connect("http/1.1").await;
    let mut waiting = Box::pin(world.review(json!({"operation": "DELETE"})));
    assert!(timeout(SHORT, waiting.as_mut()).await.is_err(), "there was a second place");
    drop(first);
    assert_eq!(timeout(DEADLINE, waiting).await.unwrap()["allowed"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_hangs_denies_and_takes_no_more_than_its_place() {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let judge = move |subject: Subject| {
        if subject.name == "hang" {
            let _ = held.lock().unwrap().recv();
        }
        Ok(Judgement::default())
    };
    let limits = |settings: &mut allod_server::Settings| {
        settings.limits.answer = SHORT;
        settings.limits.judgements = 1;
    };
    let world = start_with(limits, Arc::new(judge));
    let late = |response: &Value| {
        assert_eq!((&response["allowed"], &response["status"]["code"]), (&json!(false), &json!(504)), "{response}");
    };
    let object = pod("registry.clinic.example/web:1");
    late(&world.review(json!({"object": object, "name": "hang"})).await);
    // The only place is taken: the next one is denied as well, in time. What needs no judge waits for none.
    late(&world.review(json!({"object": object})).await);
    assert_eq!(world.review(json!({"operation": "DELETE", "object": null})).await["allowed"], true);
    let bookkeeping = json!({"operation": "UPDATE", "object": object, "oldObject": object});
    assert_eq!(world.review(bookkeeping).await["allowed"], true);
    release.send(()).unwrap();
    until("a judge that is free again", || async { world.review(json!({"object": object})).await["allowed"] == true })
        .await;
}

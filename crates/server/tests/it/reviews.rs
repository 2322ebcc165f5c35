use crate::world::{pod, review, start, start_with};
use allod_server::{Connect, Mode, NoRules};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

const FOREIGN: &str = "nginx:1.27";
const OURS: &str = "registry.clinic.example/web:1";

#[tokio::test]
async fn what_breaks_a_rule_is_denied_over_either_protocol() {
    let world = start(|_| {});
    for protocol in ["h2", "http/1.1"] {
        let (code, denied) = world.post(protocol, review(json!({"object": pod(FOREIGN)}))).await;
        assert_eq!(code, 200);
        let response = &denied["response"];
        assert_eq!((&response["uid"], &response["allowed"]), (&json!("u"), &json!(false)));
        assert_eq!(response["status"]["code"], 403);
        assert_eq!(response["status"]["message"], "r1: an image of docker.io");
        assert_eq!(response["auditAnnotations"], json!({"mode": "enforce", "decision": "denied", "rules": "r1"}));
        let (_, allowed) = world.post(protocol, review(json!({"object": pod(OURS)}))).await;
        assert_eq!((&allowed["response"]["allowed"], &allowed["response"]["status"]), (&json!(true), &Value::Null));
    }
    let warned = world.review(json!({"object": pod(OURS), "namespace": "test"})).await;
    assert_eq!((&warned["allowed"], &warned["warnings"]), (&json!(true), &json!(["r1: a namespace for tests"])));
    // What the log has: names, no content, not who asked.
    let log = world.log();
    assert!(log.contains("\"event\":\"denied\"") && log.contains("\"rules\":\"r1\""), "{log}");
    assert!(!log.contains("hunter2") && !log.contains("jane") && !log.contains("\"event\":\"allowed\""), "{log}");
    let (_, metrics) = world.probe("/metrics").await;
    assert!(
        metrics.contains("requests_total{operation=\"CREATE\",decision=\"denied\",mode=\"enforce\"} 2"),
        "{metrics}"
    );
    assert!(
        metrics.contains("requests_total{operation=\"CREATE\",decision=\"allowed\",mode=\"enforce\"} 3"),
        "{metrics}"
    );
    assert!(metrics.contains("allod_admit_duration_seconds_count 5\n"), "{metrics}");
    assert!(metrics.contains("allod_admit_certificate_not_after_seconds 3786912000\n"), "{metrics}");
}

#[tokio::test]
async fn audit_mode_lets_through_and_says_so_everywhere() {
    let world = start(|settings| settings.mode = Mode::Audit);
    for (name, would, decision) in [
        ("web", "r1: an image of docker.io", "would-deny"),
        ("unknown", "could not be judged: nobody knows", "would-error"),
        ("panic", "could not be judged: the judge broke down", "would-error"),
    ] {
        let response = world.review(json!({"object": pod(FOREIGN), "name": name})).await;
        assert_eq!(response["allowed"], true, "{name}");
        assert_eq!(response["warnings"], json!([format!("audit mode: would be denied: {would}")]), "{name}");
        assert_eq!(response["auditAnnotations"]["mode"], "audit");
        assert_eq!(response["auditAnnotations"]["decision"], decision);
    }
    assert_eq!(world.probe("/healthz").await, (200, "ok\nmode: audit\n".to_owned()));
    assert_eq!(world.probe("/readyz").await, (200, "ready\nmode: audit\n".to_owned()));
    assert!(world.probe("/metrics").await.1.contains("allod_admit_mode{mode=\"audit\"} 1"));
    assert!(world.log().contains("\"event\":\"would-deny\"") && world.log().contains("\"mode\":\"audit\""));
}

#[tokio::test]
async fn what_cannot_be_judged_is_denied_under_its_uid() {
    let world = start(|_| {});
    for (request, code, why) in [
        (json!({"object": pod(OURS), "name": "unknown"}), 500, "could not be judged: nobody knows"),
        (json!({"object": pod(OURS), "name": "panic"}), 500, "the judge broke down"),
        (json!({"object": null}), 400, "no object"),
        (json!({"object": "hunter2hunter2"}), 400, "cannot be read"),
        (
            json!({"object": {"apiVersion": "v1", "kind": "Pod", "metadata": "hunter2hunter2"}}),
            400,
            "not what it must be",
        ),
        (json!({"object": pod(OURS), "operation": "PATCH"}), 400, "not what it must be"),
        (json!({"object": pod(OURS), "namespace": 7}), 400, "the request cannot be read"),
    ] {
        let response = world.review(request.clone()).await;
        assert_eq!((&response["allowed"], &response["status"]["code"]), (&json!(false), &json!(code)), "{request}");
        assert!(response["status"]["message"].as_str().unwrap().contains(why), "{request}: {response}");
    }
    assert!(!world.log().contains("hunter2"), "{}", world.log());
    // It goes on after all of that.
    assert_eq!(world.review(json!({"object": pod(OURS)})).await["allowed"], true);
    let strict = start_with(|_| {}, Arc::new(NoRules));
    let response = strict.review(json!({"object": pod(OURS)})).await;
    assert_eq!(response["status"]["message"], "could not be judged: no rules loaded");
    assert_eq!(strict.review(json!({"operation": "DELETE", "object": null})).await["allowed"], true);
}

#[tokio::test]
async fn connect_can_be_closed() {
    let request = json!({"operation": "CONNECT", "subResource": "exec", "object": {"kind": "PodExecOptions"}});
    assert_eq!(start(|_| {}).review(request.clone()).await["allowed"], true);
    let closed = start(|settings| settings.connect = Connect::Deny).review(request).await;
    assert_eq!(closed["status"]["message"], "CONNECT to `pods/exec` is closed");
}

#[tokio::test]
async fn what_is_no_review_gets_a_status() {
    let world = start(|_| {});
    let request = |method: &str, path: &str, kind: &str, body: &str| {
        let builder = hyper::Request::builder().method(method).uri(format!("https://allod-admit.allod.svc{path}"));
        let builder = builder.header("host", "allod-admit.allod.svc").header("content-type", kind);
        builder.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
    };
    let json = "application/json";
    let old = r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"u"}}"#;
    let nameless = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}"#;
    for protocol in ["h2", "http/1.1"] {
        for (method, path, kind, body, code, why) in [
            ("GET", "/admit", json, "", 405, "posted"),
            ("POST", "/", json, "{}", 404, "/admit"),
            ("POST", "/healthz", json, "{}", 404, "/admit"),
            ("POST", "/admit", "text/yaml", "{}", 415, "application/json"),
            ("POST", "/admit", json, "", 400, "no AdmissionReview in JSON"),
            ("POST", "/admit", json, "kind: AdmissionReview", 400, "no AdmissionReview in JSON"),
            ("POST", "/admit", json, "\u{fffd}", 400, "no AdmissionReview in JSON"),
            ("POST", "/admit", "application/json; charset=utf-8", old, 400, "v1beta1"),
            ("POST", "/admit", json, nameless, 400, "no uid"),
        ] {
            let (got, status) = world.send(protocol, request(method, path, kind, body)).await;
            assert_eq!(got, code, "{protocol} {method} {path} {body}");
            assert_eq!((&status["kind"], &status["status"]), (&json!("Status"), &json!("Failure")));
            assert!(status["message"].as_str().unwrap().contains(why), "{status}");
        }
    }
    assert!(world.probe("/metrics").await.1.contains("allod_admit_rejected_total{code=\"415\"} 2"));
    assert_eq!(world.probe("/nowhere").await.0, 404);
}

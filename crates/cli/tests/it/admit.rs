//! `allod admit` as a process: it starts, says its mode, and ends on SIGTERM.

use crate::{allod, code, root, text};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

fn certify(folder: &Path) {
    let pair = rcgen::generate_simple_self_signed(vec!["allod-admit.allod.svc".to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), pair.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
}

/// What the port for probes says to a path.
fn probe(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

/// Without rules the webhook does not start.
fn rules(folder: &std::path::Path) {
    std::fs::create_dir(folder.join("rules")).unwrap();
    let text = "version: 1\nrules:\n  at-home: { must: { be_controlled_from: home } }\n";
    std::fs::write(folder.join("rules/rules.yaml"), text).unwrap();
}

#[test]
fn the_webhook_starts_and_ends_on_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    rules(folder.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_allod"))
        .args(["admit", "--listen", "127.0.0.1:0", "--probes", "127.0.0.1:0", "--mode", "audit"])
        .args(["--tls-cert", "tls.crt", "--tls-key", "tls.key"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let started: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((&started["event"], &started["mode"]), (&Value::from("started"), &Value::from("audit")));
    let probes = started["probes"].as_str().unwrap();
    assert!(probe(probes, "/healthz").ends_with("\r\n\r\nok\nmode: audit\n"));
    assert!(probe(probes, "/readyz").starts_with("HTTP/1.1 200 "));
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ending: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!(ending["event"], "ending");
    // Until the endpoint is gone, requests still come.
    assert!(probe(probes, "/readyz").starts_with("HTTP/1.1 503 "));
    let ended: Vec<String> = lines.collect();
    assert!(ended.last().unwrap().contains("\"event\":\"ended\""), "{ended:?}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn arguments_of_the_webhook() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    rules(folder.path());
    let check = |args: &[&str], expect: i32, says: &str| {
        let output = allod(&[&["admit"], args].concat(), folder.path());
        let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(code(&output), expect, "{args:?}\n{shown}");
        assert!(shown.contains(says), "{args:?}\n{shown}");
    };
    check(&[], 2, "--tls-cert");
    check(&["--tls-cert", "tls.crt", "--tls-key", "nowhere"], 2, "error[E010]: the certificate cannot be used");
    check(&["--tls-cert", "tls.crt", "--tls-key", "tls.crt"], 2, "cause: `tls.crt` has no usable PEM");
    check(&["manifests"], 2, "--image");
    check(&["manifests", "--image", "a b"], 2, "error[E002]: `a b` is no image");
    check(&["manifests", "--image", "allod", "--ca-bundle", "nowhere"], 2, "error[E001]");
    check(&["manifests", "--image", "allod", "--ca-bundle", "tls.key"], 2, "no PEM with certificates");
    check(
        &["manifests", "--image", "allod", "--ca-bundle", "tls.crt"],
        0,
        "caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    );
    check(&["manifests", "--image", "allod", "--mode", "audit"], 0, "failurePolicy: Ignore");
    // The manifests are read by our own reader without a complaint.
    let output = allod(&["admit", "manifests", "--image", "registry.example/allod:1"], &root());
    std::fs::write(folder.path().join("install.yaml"), &output.stdout).unwrap();
    let audit = allod(&["audit", "install.yaml", "--format", "json", "--exit-zero"], folder.path());
    let audit: Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(audit["diagnostics"], Value::Array(Vec::new()));
    assert!(audit["components"].as_array().unwrap().iter().any(|one| one["name"] == "allod-admit"));
}

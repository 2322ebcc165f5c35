#![allow(clippy::needless_pass_by_value)]

use super::*;
use crate::review::read;
use proptest::prelude::*;
use serde_json::json;

/// A request for an object, judged by a judge that denies whatever it sees.
fn decide_on(request: Value) -> Decision {
    let deny = |subject: Subject| {
        let message = format!("{} {:?} {}", subject.path, subject.scale, subject.facts.components.len());
        Ok(Judgement { violations: vec![violation(Severity::Deny, &message)] })
    };
    decide_with(request, Connect::Allow, &deny)
}

fn decide_with(mut request: Value, connect: Connect, by: &dyn Judge) -> Decision {
    let base = json!({
        "uid": "u", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "namespace": "prod", "name": "web",
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"}, "operation": "UPDATE",
    });
    for (key, value) in base.as_object().unwrap() {
        request.as_object_mut().unwrap().entry(key).or_insert(value.clone());
    }
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let request = read(review.to_string().as_bytes()).unwrap();
    at_once(&request, connect)
        .unwrap_or_else(|| prepare(&request).map_or_else(|decision| decision, |subject| judge(by, subject)))
}

fn violation(severity: Severity, message: &str) -> Violation {
    Violation { rule: "r".into(), severity, message: message.into(), why: String::new(), hint: String::new() }
}

fn passed(request: Value, why: &'static str) {
    assert_eq!(decide_on(request.clone()), Decision::Passed(why), "{request}");
}

fn judged(request: Value) -> String {
    match decide_on(request.clone()) {
        Decision::Judged(judgement) => judgement.violations[0].message.clone(),
        other => panic!("{request}: {other:?}"),
    }
}

fn deployment() -> Value {
    let container =
        json!({"name": "a", "image": "nginx", "env": [{"name": "URL", "value": "https://api.datadoghq.com"}]});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "prod", "finalizers": ["example.org/a"], "ownerReferences": []},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [container]}}}
    })
}

/// The deployment with one value changed.
fn changed(pointer: &str, value: Value) -> Value {
    let mut object = deployment();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    object
}

#[test]
fn deletions_are_never_looked_at() {
    passed(json!({"operation": "DELETE", "oldObject": deployment()}), "deletion");
    passed(json!({"operation": "DELETE", "object": null, "oldObject": "nonsense"}), "deletion");
    let pods = json!({"group": "", "version": "v1", "resource": "pods"});
    passed(json!({"operation": "CREATE", "resource": pods, "subResource": "eviction", "object": {}}), "deletion");
}

#[test]
fn finalizers_and_owners_are_bookkeeping_whoever_changes_them() {
    let old = deployment();
    for (pointer, value) in [
        ("/metadata/finalizers", json!([])),
        ("/metadata/finalizers", json!(["foregroundDeletion"])),
        ("/metadata/ownerReferences", json!([{"kind": "Gone"}])),
        ("/metadata/managedFields", json!([{}])),
        ("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z")),
    ] {
        passed(json!({"object": changed(pointer, value), "oldObject": old}), "bookkeeping");
    }
    // The names of the garbage collector and of the namespace controller open nothing.
    for user in ["generic-garbage-collector", "namespace-controller"] {
        let user =
            json!({"username": format!("system:serviceaccount:kube-system:{user}"), "groups": ["system:masters"]});
        judged(json!({"object": changed("/spec/paused", json!(true)), "oldObject": old, "userInfo": user}));
    }
}

#[test]
fn an_object_that_is_being_deleted_is_no_way_round() {
    let mut old = changed("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
    let mut new = old.clone();
    new["spec"]["paused"] = json!(true);
    judged(json!({"object": new, "oldObject": old}));
    // Without its last finalizer it is gone, whatever else is in it.
    new["metadata"]["finalizers"] = json!([]);
    passed(json!({"object": new, "oldObject": old}), "removal");
    // But not while the grace period runs, and not when nobody deleted it.
    old["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    judged(json!({"object": new, "oldObject": old}));
    judged(json!({"object": new, "oldObject": deployment()}));
}

#[test]
fn fewer_replicas_pass_and_more_do_not() {
    let old = deployment();
    passed(json!({"object": changed("/spec/replicas", json!(0)), "oldObject": old}), "fewer replicas");
    judged(json!({"object": changed("/spec/replicas", json!(4)), "oldObject": old}));
    let mut other = changed("/spec/replicas", json!(0));
    other["spec"]["paused"] = json!(true);
    judged(json!({"object": other, "oldObject": old}));
    let scale = |replicas: Value| json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": replicas});
    let kind = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
    let request =
        |from: Value, to: Value| json!({"subResource": "scale", "kind": kind, "object": to, "oldObject": from});
    passed(request(scale(json!({"replicas": 3})), scale(json!({}))), "fewer replicas");
    passed(request(scale(json!({"replicas": 3})), scale(json!({"replicas": 3}))), "fewer replicas");
    let up = judged(request(scale(json!({})), scale(json!({"replicas": 3}))));
    assert_eq!(up, "admission:autoscaling/v1/Scale/prod/web Some(Scale { from: Some(0), to: 3 }) 0");
    let blind = judged(request(Value::Null, scale(json!({"replicas": 3}))));
    assert!(blind.contains("from: None"), "{blind}");
}

#[test]
fn what_is_judged_has_its_facts() {
    let message = judged(json!({"operation": "CREATE", "object": deployment()}));
    assert_eq!(message, "admission:apps/v1/Deployment/prod/web None 3");
    let unnamed = json!({"metadata": {"generateName": "web-"}, "kind": "Pod", "apiVersion": "v1"});
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let message = judged(json!({"operation": "CREATE", "object": unnamed, "kind": kind, "name": ""}));
    assert!(message.starts_with("admission:v1/Pod/prod/web- "), "{message}");
    // A debugging container is a container.
    let mut pod = deployment();
    pod["kind"] = json!("Pod");
    pod["apiVersion"] = json!("v1");
    pod["spec"] = json!({"ephemeralContainers": [{"name": "d", "image": "busybox"}]});
    let message = judged(json!({"subResource": "ephemeralcontainers", "object": pod, "oldObject": {}, "kind": kind}));
    assert!(message.ends_with(" None 2"), "{message}");
    // Braces are no template here.
    let braces = changed("/metadata/annotations", json!({"a": "{{ x }}"}));
    assert_eq!(
        judged(json!({"operation": "CREATE", "object": braces})),
        "admission:apps/v1/Deployment/prod/web None 3"
    );
}

#[test]
fn status_changes_nothing_that_runs() {
    passed(json!({"subResource": "status", "object": deployment(), "oldObject": {}}), "status");
    let namespaces = json!({"group": "", "version": "v1", "resource": "namespaces"});
    passed(json!({"subResource": "finalize", "resource": namespaces, "object": {}, "oldObject": {}}), "bookkeeping");
    judged(json!({"subResource": "finalize", "object": deployment(), "oldObject": {}}));
}

#[test]
fn connect_is_as_the_settings_say() {
    let request = json!({"operation": "CONNECT", "subResource": "exec", "object": {"kind": "PodExecOptions"}});
    let broken = |_: Subject| -> Result<Judgement, Unjudged> { panic!("nobody is asked") };
    assert_eq!(decide_with(request.clone(), Connect::Allow, &broken), Decision::Passed("connect"));
    assert_eq!(decide_with(request, Connect::Deny, &broken), Decision::Closed);
}

#[test]
fn what_cannot_be_judged_is_denied() {
    let check = |request: Value, code: u16, expect: &str| match decide_on(request.clone()) {
        Decision::Unjudged(refusal) => {
            assert!(refusal.code == code && refusal.message.contains(expect), "{request}: {refusal:?}");
        }
        other => panic!("{request}: {other:?}"),
    };
    check(json!({"operation": "CREATE"}), 400, "no object");
    check(json!({"operation": "UPDATE", "object": null, "oldObject": deployment()}), 400, "no object");
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    check(json!({"operation": "CREATE", "object": changed("/spec/x", deep)}), 400, "D005");
    for (pointer, value) in [("/kind", json!("Pod")), ("/apiVersion", json!("v1")), ("/kind", json!("DeploymentList"))]
    {
        let request = json!({"operation": "CREATE", "object": changed(pointer, value)});
        check(request, 400, "does not say that it is `apps/v1` `Deployment`");
    }
    for object in [json!("text"), json!([deployment()]), json!(["apps/v1", "Deployment", {}]), json!({})] {
        check(json!({"operation": "CREATE", "object": object}), 400, "cannot be read");
    }
    let rules = decide_with(json!({"operation": "CREATE", "object": deployment()}), Connect::Allow, &crate::NoRules);
    let refusal = Refusal { code: 500, message: "could not be judged: no rules loaded".into() };
    assert_eq!(rules, Decision::Unjudged(refusal));
}

#[test]
fn words_for_a_person() {
    let full = Violation {
        rule: "no-foreign-images".into(),
        severity: Severity::Deny,
        message: "the image comes from docker.io".into(),
        why: "Docker, Inc., US".into(),
        hint: "use the mirror".into(),
    };
    let judgement =
        Judgement { violations: vec![violation(Severity::Warn, "w"), full.clone(), violation(Severity::Deny, "d")] };
    let (refusal, warnings) = words(&judgement);
    insta::assert_snapshot!(refusal.unwrap(), @r"
    no-foreign-images: the image comes from docker.io (Docker, Inc., US); hint: use the mirror
    r: d
    ");
    assert_eq!(warnings, ["r: w"]);
    let (refusal, _) = words(&Judgement { violations: vec![full; 30] });
    assert!(refusal.unwrap().ends_with("\nand 10 more"));
    assert_eq!(words(&Judgement::default()), (None, Vec::new()));
}

proptest! {
    /// Whatever a field outside of the bookkeeping becomes, the update is judged.
    #[test]
    fn a_change_of_substance_is_always_judged(
        field in prop::sample::select(vec!["/spec/template/spec/containers", "/spec/selector", "/metadata/labels", "/metadata/annotations", "/data", "/status"]),
        text in "[a-z]{1,8}",
        finalizers in prop::collection::vec("[a-z]{1,4}", 1..3),
        deleting in any::<bool>(),
    ) {
        let mut old = deployment();
        if deleting {
            old["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        let mut new = old.clone();
        let (parent, key) = field.rsplit_once('/').unwrap();
        new.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), json!(text));
        new["metadata"]["finalizers"] = json!(finalizers);
        judged(json!({"object": new, "oldObject": old}));
    }
}

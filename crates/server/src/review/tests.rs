use super::*;

fn named(body: &str) -> Malformed {
    read(body.as_bytes()).unwrap_err()
}

#[test]
fn what_is_no_request_says_why() {
    let check = |body: &str, expect: &str| match named(body) {
        Malformed::Nameless(why) => assert!(why.contains(expect), "{body}: {why}"),
        other => panic!("{body}: {other:?}"),
    };
    check("", "no AdmissionReview in JSON");
    check("[", "no AdmissionReview in JSON");
    check("null", "no AdmissionReview in JSON");
    check("{}", "`` ``");
    check(r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#, "v1beta1");
    check(r#"{"apiVersion":"admission.k8s.io/v1","kind":"Pod"}"#, "`Pod`");
    let review = |request: &str| {
        format!(r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{request}}}"#)
    };
    check(&review("null"), "no request");
    check(&review("{}"), "no uid");
    check(&review("7"), "no uid");
    check(&review(r#"{"uid":7}"#), "no uid");
    check(&review(r#"{"uid":""}"#), "no uid");
    check(&review(&format!(r#"{{"uid":"{}"}}"#, "a".repeat(300))), "no uid");
    // With a uid it can be answered.
    for request in [r#"{"uid":"a"}"#, r#"{"uid":"a","kind":{},"resource":{},"operation":"PATCH"}"#] {
        assert!(matches!(named(&review(request)), Malformed::Named { uid, .. } if uid == "a"), "{request}");
    }
}

#[test]
fn an_object_too_deep_to_parse_leaves_the_uid_readable() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"a","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"operation":"CREATE","object":{deep}}}}}"#
    );
    let request = read(body.as_bytes()).unwrap();
    assert_eq!((request.uid.as_str(), request.object.unwrap().get().len()), ("a", 20_000));
}

#[test]
fn answers_as_the_api_server_reads_them() {
    let allowed = Answer { uid: "u".into(), refusal: None, warnings: Vec::new(), annotations: BTreeMap::new() };
    let text = |answer: &Answer| String::from_utf8(answer.to_json().unwrap()).unwrap();
    insta::assert_snapshot!(text(&allowed), @r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u","allowed":true}}"#);
    let denied = Answer {
        refusal: Some(Refusal { code: 403, message: "no-foreign-images: no".into() }),
        warnings: vec!["two\nlines".into()],
        annotations: BTreeMap::from([("mode", "enforce".to_owned())]),
        ..allowed.clone()
    };
    insta::assert_snapshot!(text(&denied), @r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u","allowed":false,"status":{"apiVersion":"v1","kind":"Status","status":"Failure","code":403,"reason":"Forbidden","message":"no-foreign-images: no"},"auditAnnotations":{"mode":"enforce"},"warnings":["two lines"]}}"#);
    let long = Answer { warnings: vec!["ä".repeat(1_000); 99], ..allowed };
    let read: serde_json::Value = serde_json::from_str(&text(&long)).unwrap();
    let warnings = read["response"]["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), WARNINGS);
    assert_eq!(warnings[0].as_str().unwrap().chars().count(), WARNING_CHARS);
}

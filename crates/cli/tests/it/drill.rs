//! Chokepoints and drills as a user asks for them.

use super::*;

const REPLACE_THE_FOUR: [&str; 8] = [
    "--what-if",
    "replace=datadog-eu:signoz-self",
    "--what-if",
    "replace=cloudflare-dns:desec",
    "--what-if",
    "replace=aws-s3:ovhcloud-object-storage",
    "--what-if",
    "replace=github-actions:forgejo",
];

fn drill(args: &[&str]) -> Value {
    let output = allod(&[&["drill", "examples/clinic", "--format", "json", "--exit-zero"], args].concat(), &root());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let drill: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("schemas/allod.drill.1.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&drill).map(|error| format!("{}: {error}", error.instance_path())).take(5).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    drill
}

fn hit(drill: &Value, is: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    let hits = drill["hit"].as_array().unwrap().iter();
    hits.filter(|one| is(one)).map(|one| one["component"].as_str().unwrap()).collect()
}

#[test]
fn drills_of_the_clinic() {
    for (name, args) in [
        ("cut", &["--cut", "US"][..]),
        ("compel", &["--compel", "US"]),
        ("tamper", &["--tamper", "US"]),
        ("cut_cloudflare", &["--cut", "cloudflare"]),
        ("what_if", &[&["--compel", "US"], &REPLACE_THE_FOUR[..]].concat()),
    ] {
        let output = allod(&[&["drill", "examples/clinic"], args].concat(), &root());
        assert_eq!(code(&output), 1, "{}", text(&output.stderr));
        let shown = text(&output.stdout);
        for line in shown.lines() {
            assert!(line.chars().count() <= 80 || line.trim_start().split(' ').count() == 1, "{name}: {line}");
        }
        insta::assert_snapshot!(format!("drill_{name}"), shown);
    }
}

#[test]
fn what_stops_in_production_and_what_survives() {
    let cut = drill(&["--cut", "US"]);
    // The API is reached by a name that Cloudflare answers for; the cluster that OVHcloud runs stays.
    let at_once = hit(&cut, |one| one["event"] == "at-once" && one["environment"] == "production");
    assert!(at_once.iter().any(|id| id.contains("records-api")), "{at_once:?}");
    let safe = cut["safe"].as_array().unwrap();
    assert!(safe.iter().any(|one| one["component"].as_str().unwrap().contains("infra/cluster")), "{safe:#?}");
    assert_eq!(cut["layers_not_seen"], serde_json::json!(["hardware", "os"]));
}

#[test]
fn the_four_replaced_leave_no_foreign_reader_of_patient_data() {
    let patient = |drill: &Value| hit(drill, |one| one["data"] == "patient").len();
    assert!(patient(&drill(&["--compel", "US"])) >= 3);
    let after = drill(&[&["--compel", "US"], &REPLACE_THE_FOUR[..]].concat());
    assert_eq!(patient(&after), 0);
    // What remains is said: the state of the backups' design, the model hub; registries by other powers than *read*.
    let otherwise = after["theirs_otherwise"].as_array().unwrap();
    assert!(otherwise.iter().any(|id| id.as_str().unwrap().starts_with("image:")), "{otherwise:?}");
    assert_eq!(after["replaced"].as_array().unwrap().len(), 4);
    assert!(after["counts"]["hit"].as_u64().unwrap() > 0);
    // And of *stop* nothing at once is left over production.
    let after = drill(&[&["--cut", "US"], &REPLACE_THE_FOUR[..]].concat());
    let at_once = hit(&after, |one| one["event"] == "at-once" && one["environment"] == "production");
    assert_eq!(at_once, BTreeSet::new());
    assert!(!hit(&after, |one| one["event"] == "build").is_empty(), "registries remain");
}

#[test]
fn chokepoints_of_the_clinic() {
    let output = allod(&["audit", "examples/clinic", "--chokepoints"], &root());
    assert_eq!(code(&output), 1);
    insta::assert_snapshot!("chokepoints", text(&output.stdout));
    let audit = clinic();
    let cuts = audit["chokepoints"]["cuts"].as_array().unwrap();
    let patient = cuts.iter().find(|cut| cut["target"]["data"] == "patient" && cut["jurisdiction"] == "US").unwrap();
    assert_eq!((&patient["components"].as_array().unwrap().len(), &patient["exact"]), (&2, &Value::from(true)));
    // What the cut says holds: these two replaced, nobody in the US reads patient data.
    let replace: Vec<String> = patient["components"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|id| ["--what-if".to_owned(), format!("replace={}:ovhcloud-object-storage", id.as_str().unwrap())])
        .collect();
    let args: Vec<&str> = ["--compel", "US"].into_iter().chain(replace.iter().map(String::as_str)).collect();
    assert_eq!(hit(&drill(&args), |one| one["data"] == "patient").len(), 0);
    // Over one target only.
    let of = |target: &str| {
        let args = ["audit", "examples/clinic", "--chokepoints", "--of", target, "--format", "json", "--exit-zero"];
        let output = allod(&args, &root());
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["cuts"].as_array().map(Vec::len)
    };
    assert_eq!(of("data:patient"), Some(4));
    assert_eq!(of("infra/cluster"), Some(0));
}

#[test]
fn drills_that_cannot_be_done() {
    let check = |args: &[&str], says: &str| {
        let output = allod(&[&["drill", "examples/clinic"], args].concat(), &root());
        let errors = text(&output.stderr);
        assert_eq!(code(&output), 2, "{args:?}: {errors}");
        assert!(errors.contains(says), "{args:?}: {errors}");
    };
    check(&[], "required");
    check(&["--cut", "US", "--compel", "US"], "cannot be used with");
    check(&["--cut", "XX"], "error[E002]: nobody is known as `XX`");
    check(&["--cut", "clou"], "did you mean");
    check(&["--cut", "US", "--what-if", "datadog-eu:signoz-self"], "says no replacement");
    check(&["--cut", "US", "--what-if", "replace=:signoz-self"], "says no replacement");
    check(&["--cut", "US", "--what-if", "replace=datadog:signoz-self"], "host:datadoghq.eu");
    check(&["--cut", "US", "--what-if", "replace=datadog-eu:signoz"], "signoz-self");
    let output = allod(&["audit", "examples/clinic", "--chokepoints", "--of", "nothing"], &root());
    assert_eq!(code(&output), 2);
    let output = allod(&["audit", "examples/clinic", "--of", "data:patient"], &root());
    assert_eq!(code(&output), 2);
    let output = allod(&["audit", "examples/clinic", "--chokepoints", "--format", "sarif"], &root());
    assert_eq!(code(&output), 2);
    // Nobody of the stack: nothing is hit.
    let output = allod(&["drill", "examples/clinic", "--cut", "JP"], &root());
    assert_eq!(code(&output), 0, "{}", text(&output.stdout));
}

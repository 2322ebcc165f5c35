//! `allod rules`: what people who own rules ask about them.

use super::*;

const RULES: &str = "version: 1\ntiers: { gold: { use: [stays] } }\nrules:\n  here:\n    why: the law\n    data: patient\n    must: { be_in: [LU] }\n  stays: { must: { not_be_stoppable_from: { outside: home } } }\nexceptions:\n  - { rule: here, component: old, until: 2027-01-31, by: me, why: it moves }\n";
const ORGANISATION: &str = "version: 1\nhome: [EU]\ndata: { patient: {} }\nworkloads: { records: { tier: gold } }\n";
const CASES: &str = "version: 1\ncases:\n  - { name: a bucket abroad, expect: deny, rules: here, component: { data: patient, in: US } }\n  - { name: a bucket here, expect: allow, component: { data: patient, in: LU } }\n";

fn folder(more: &[(&str, &str)]) -> tempfile::TempDir {
    let files = [("allod.yaml", ORGANISATION), ("rules/a.yaml", RULES), ("rules/a.test.yaml", CASES)];
    tree(&[&files, more].concat())
}

fn rules(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = allod(&[&["rules"], args].concat(), folder);
    (code(&output), text(&output.stdout), text(&output.stderr))
}

fn ask(more: &[(&str, &str)], args: &[&str], expect: i32) -> String {
    let (code, out, err) = rules(folder(more).path(), args);
    assert_eq!(code, expect, "{args:?}\n{out}{err}");
    if code == 2 { err } else { out }
}

#[test]
fn rules_shown_explained_and_tested() {
    let mut shown = String::new();
    for (args, expect) in [
        (&["show"][..], 0),
        (&["explain"], 0),
        (&["explain", "here"], 0),
        (&["explain", "nowhere"], 2),
        (&["test"], 0),
        (&["test", "--all-rules"], 1),
        (&["test", "--verbose"], 0),
    ] {
        shown += &format!("$ allod rules {}\n{}\n", args.join(" "), ask(&[], args, expect));
    }
    insta::assert_snapshot!("rules_asked", shown);
    let wrong = CASES.replace("expect: allow", "expect: deny").replace("rules: here", "rules: [here, stays]");
    insta::assert_snapshot!("rules_test_fails", ask(&[("rules/a.test.yaml", &wrong)], &["test"], 1));
    let broken = CASES.replace("in: US", "in: Virginia").replace("name: a bucket here, ", "");
    insta::assert_snapshot!("rules_test_broken", ask(&[("rules/a.test.yaml", &broken)], &["test"], 2));
    assert!(ask(&[], &["schema"], 0).contains("entity Component"));
}

#[test]
fn claims_and_comparisons() {
    let cvc5 = Command::new(std::env::var_os("CVC5").unwrap_or_else(|| "cvc5".into())).arg("--version").output();
    assert!(cvc5.is_ok(), "this test needs cvc5 (apt-get install cvc5, or the variable CVC5): {cvc5:?}");
    let proved = ask(&[], &["prove", "patient data is never outside LU"], 0);
    assert!(proved.contains("PROVED (be_in)") && proved.contains("exceptions are no part of a proof"), "{proved}");
    let refuted = ask(&[], &["prove", "patient data is never outside FR"], 1);
    assert!(refuted.contains("REFUTED (be_in)") && refuted.contains("data = [\"patient\"]"), "{refuted}");
    ask(&[], &["prove", "patients are safe"], 2);
    let claims = "version: 1\nrules:\n  c: { data: patient, must: { be_in: EU } }\n";
    ask(&[("claims.yaml", claims)], &["prove", "--claims", "claims.yaml"], 0);
    // A claim about something that does not exist is no claim.
    let typo = ask(&[("claims.yaml", &claims.replace("patient", "patiant"))], &["prove", "--claims", "claims.yaml"], 2);
    assert!(typo.contains("P003") && typo.contains("did you mean `patient`?"), "{typo}");
    let looser = RULES.replace("[LU]", "[LU, FR]");
    let more = [("old/a.yaml", RULES), ("new/a.yaml", looser.as_str())];
    assert!(ask(&more, &["diff", "old", "old"], 0).contains("equivalent"));
    assert!(ask(&more, &["diff", "old", "new"], 1).contains("looser"));
    ask(&more, &["diff", "old", "new", "--allow-looser"], 0);
    assert!(ask(&more, &["diff", "new", "old"], 0).contains("stricter"));
    // A new exception loosens, too; what ends earlier does not.
    let longer = RULES.replace("2027-01-31", "2027-02-28");
    let more = [("old/a.yaml", RULES), ("new/a.yaml", longer.as_str())];
    assert!(ask(&more, &["diff", "old", "new"], 1).contains("new exception: here for old until 2027-02-28"));
    ask(&more, &["diff", "new", "old"], 0);
}

/// What the solver does not answer is not proved; without a solver nothing is claimed.
#[test]
fn without_a_solver() {
    let run = |solver: &str, args: &[&str]| {
        let program = root().join("crates/rules/src/prove/solvers").join(solver);
        let folder = folder(&[("new/a.yaml", &RULES.replace("[LU]", "[FR]"))]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_allod"));
        let output = command.arg("rules").args(args).current_dir(folder.path()).env("CVC5", program).output().unwrap();
        (code(&output), text(&output.stdout) + &text(&output.stderr))
    };
    for solver in ["unknown.sh", "ends.sh", "fails.sh", "lies.sh"] {
        let (code, shown) = run(solver, &["prove", "patient data is never outside LU"]);
        assert!(code == 1 && shown.contains("NOT PROVED") && !shown.contains("\nPROVED"), "{solver}: {shown}");
        let (code, shown) = run(solver, &["diff", "rules", "new", "--allow-looser"]);
        assert!(code == 1 && shown.contains("the new rules are not known"), "{solver}: {shown}");
    }
    let (code, shown) = run("nowhere", &["prove", "patient data is never outside LU"]);
    assert!(code == 2 && shown.contains("error[E008]") && shown.contains("hint: install it"), "{shown}");
}

//! Proofs, with the solver itself; and with programs in its place that do not answer.

use super::*;
use crate::lint;
use crate::organisation::Organisation;
use crate::tests::{compiled, organisation, register, rules, shown};
use std::fmt::Write as _;
use std::time::Duration;

const ORGANISATION: &str = "version: 1\nhome: [EU]\ndata: { patient: {}, public: {} }\nenvironments: { production: {} }\nworkloads: { records: { tier: gold } }\n";

fn cvc5() -> Solver {
    let solver = Solver::cvc5();
    let there = std::process::Command::new(&solver.program).arg("--version").output();
    assert!(there.is_ok(), "these tests need cvc5 (apt-get install cvc5, or the variable CVC5): {there:?}");
    solver
}

struct Book {
    organisation: Organisation,
    rules: RuleSet,
    compiled: Compiled,
}

fn book(text: &str) -> Book {
    let organisation = organisation(ORGANISATION);
    let rules = rules(&[&format!("version: 1\ntiers: {{ gold: {{}} }}\n{text}")], &organisation.home.clone().unwrap());
    let compiled = compiled(&rules, &organisation);
    Book { organisation, rules, compiled }
}

fn asked(book: &Book, sentence: &str, solver: &Solver) -> Vec<Proof> {
    let home = book.organisation.home.clone().unwrap();
    let claim = claim(sentence, &book.organisation, &book.rules, &home).unwrap_or_else(|error| panic!("{error}"));
    let proofs = prove(&book.compiled, &claim, register(), solver).unwrap();
    proofs.into_iter().map(|(_, proof)| proof).collect()
}

const LUXEMBOURG: &str = "rules:\n  here: { data: patient, must: { be_in: [LU], keys: ours } }\n  off: { tier: gold, must: { not_be_stoppable_from: { outside: home } } }\n";

#[test]
fn claims_that_hold_and_claims_that_do_not() {
    let (book, solver) = (book(LUXEMBOURG), cvc5());
    let mut shown = String::new();
    for sentence in [
        "patient data is never outside LU",
        "patient data is never outside the EU",
        "patient data is always in LU or FR",
        "patient data is always encrypted with our keys",
        "tier gold is never stoppable from US",
        "the tier gold is never stoppable from outside home",
        "patient data is never outside FR",
        "public data is never outside LU",
        "patient data is never readable from US",
        "tier gold is never stoppable ever from US",
        "everything is always auditable",
        "production is always controlled from home",
    ] {
        for proof in asked(&book, sentence, &solver) {
            let answer = match &proof {
                Proof::Proved => "proved".to_owned(),
                Proof::Refuted(_) => "refuted".to_owned(),
                Proof::NotProved(why) => format!("NOT PROVED: {why}"),
            };
            let _ = writeln!(shown, "{answer}: {sentence}");
        }
    }
    insta::assert_snapshot!("claims", shown);
}

#[test]
fn what_refutes_a_claim_is_shown() {
    let book = book(LUXEMBOURG);
    let proofs = asked(&book, "public data is never outside LU", &cvc5());
    let [Proof::Refuted(example)] = proofs.as_slice() else { panic!("not refuted: {proofs:?}") };
    // The engine was asked again: what is shown does hold public data, and is somewhere else.
    assert!(example.values["data"].contains("\"public\""), "{example}");
    assert!(example.values["countries"] != "[\"LU\"]" && example.values["placed"] == "true", "{example}");
    assert!(!example.values["data"].contains("patient") || example.values["countries"] == "[]", "{example}");
}

#[test]
fn a_reason_is_no_policy() {
    let open = book("rules:\n  r: { data: public, must: { keys: ours } }\n");
    let text = "version: 1\nrules:\n  c: { why: 'forbid (principal', data: patient, must: { be_in: LU } }\n";
    let claims = rules(&[text], &open.organisation.home.clone().unwrap());
    let proofs = prove(&open.compiled, &claims.rules[0], register(), &cvc5()).unwrap();
    assert!(matches!(proofs.as_slice(), [("be_in", Proof::Refuted(_))]), "{proofs:?}");
}

#[test]
fn sentences_that_are_no_claims() {
    let book = book(LUXEMBOURG);
    let home = book.organisation.home.clone().unwrap();
    let mut shown = String::new();
    for sentence in [
        "",
        "patient data",
        "patients data is never outside LU",
        "patient data is safe",
        "patient data is never outside Mars",
        "patient data is never eaten from US",
        "patient data is never readable",
        "patient data is always in",
        "data is never outside LU",
        "patient data is never outside or",
        "patient data is always encrypted",
    ] {
        let error = claim(sentence, &book.organisation, &book.rules, &home).unwrap_err();
        let _ = writeln!(shown, "{sentence:?}: {error}");
    }
    insta::assert_snapshot!("no_claims", shown);
}

fn compared(old: &str, new: &str) -> (bool, bool) {
    let (old, new) = (book(old), book(new));
    let Comparison { looser, stricter } = compare(&old.compiled, &new.compiled, &cvc5()).unwrap();
    let some = |answer: &Answer| match answer {
        Answer::Nothing => false,
        Answer::Example(_) => true,
        Answer::Unknown(why) => panic!("{why}"),
    };
    (some(&looser), some(&stricter))
}

#[test]
fn two_sets_of_rules() {
    let of = |place: &str| format!("rules:\n  here: {{ data: patient, must: {{ be_in: {place} }} }}\n");
    assert_eq!(compared(&of("[LU, FR]"), &of("[FR, LU, LU]")), (false, false));
    assert_eq!(compared(&of("[LU]"), &of("[LU, FR]")), (true, false));
    assert_eq!(compared(&of("[LU, FR]"), &of("[LU]")), (false, true));
    assert_eq!(compared(&of("[LU]"), &of("[FR]")), (true, true));
    assert_eq!(compared(&of("[LU]"), &format!("{}  more: {{ must: {{ keys: ours }} }}\n", of("[LU]"))), (false, true));
    // A rule that only warns lets everything through.
    assert_eq!(compared(&of("[LU]"), &of("[LU]").replace("{ data", "{ severity: warn, data")), (true, false));
    assert_eq!(compared(&of("[LU]"), &format!("default: deny\n{}", of("[LU]"))), (false, true));
    // The order and the names of rules are no difference.
    let (a, b) = ("  a: { must: { keys: ours } }\n", "  b: { data: public, must: { be_in: home } }\n");
    assert_eq!(
        compared(&format!("rules:\n{a}{b}"), &format!("rules:\n{}{}", b.replace("b:", "c:"), a)),
        (false, false)
    );
}

fn linted(text: &str, solver: &Solver) -> String {
    let book = book(text);
    shown(&lint::by_solver(&book.rules, &book.compiled, register(), solver).unwrap())
}

#[test]
fn rules_that_contradict_and_rules_that_are_needless() {
    let solver = cvc5();
    let check = |text: &str, expect: &[&str]| {
        let told = linted(&format!("rules:\n{text}"), &solver);
        let codes: Vec<&str> =
            told.lines().filter_map(|line| line.split(' ').next().filter(|code| code.starts_with('P'))).collect();
        assert_eq!(codes, expect, "{text}\n{told}");
    };
    check("  a: { data: patient, must: { be_in: LU } }\n", &[]);
    check("  a: { data: patient, must: { be_in: LU } }\n  b: { data: patient, must: { be_in: EU } }\n", &["P012"]);
    check("  a: { must: { keys: ours } }\n  a2: { must: { keys: ours } }\n", &["P012", "P012"]);
    // A warning makes nothing needless, and is not looked at itself.
    check("  a: { severity: warn, must: { keys: ours } }\n  b: { must: { keys: ours } }\n", &[]);
    // Nothing serves both and neither.
    check(
        "  a: { provider: aws, only_for: { workloads: [records] } }\n  b: { provider: aws, except: { kind: provider }, must: { only_for: { data: [public] } } }\n",
        &[],
    );
    check(
        "  a: { kind: x, provider: aws, must: { be_operated_by: [ovhcloud] } }\n  b: { kind: x, provider: aws, must: { not_be_stoppable_by: [aws-s3] } }\n",
        &[],
    );
    // A rule of the name that files of policies have.
    check("  cedar: { data: public, must: { be_in: LU } }\n", &[]);
}

#[test]
fn without_an_answer_nothing_is_proved() {
    let (other, book) = (book("rules:\n  here: { data: patient, must: { be_in: [FR] } }\n"), book(LUXEMBOURG));
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/prove/solvers");
    let mut solvers: Vec<(&str, Solver)> = ["unknown", "ends", "fails", "talks", "hangs", "lies"]
        .into_iter()
        .map(|name| (name, Solver::new(folder.join(format!("{name}.sh")))))
        .collect();
    // Only the one that hangs needs it.
    solvers[4].1.limit = Duration::from_millis(100);
    for (name, solver) in &solvers {
        let proofs = asked(&book, "patient data is never outside LU", solver);
        assert!(matches!(proofs.as_slice(), [Proof::NotProved(_)]), "{name}: {proofs:?}");
        let comparison = compare(&book.compiled, &other.compiled, solver).unwrap();
        assert!(matches!(comparison.looser, Answer::Unknown(_)), "{name}: {comparison:?}");
        let told = lint::by_solver(&book.rules, &book.compiled, register(), solver).unwrap();
        assert!(!told.is_empty() && told.iter().all(|one| one.code == "P014"), "{name}: {}", shown(&told));
    }
    let claim = claim(
        "everything is always auditable",
        &book.organisation,
        &book.rules,
        &book.organisation.home.clone().unwrap(),
    )
    .unwrap();
    let none = prove(&book.compiled, &claim, register(), &Solver::new(folder.join("nowhere")));
    assert!(matches!(none, Err(ProveError::NoSolver { .. })), "{none:?}");
}

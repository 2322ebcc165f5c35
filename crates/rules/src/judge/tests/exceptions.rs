use super::*;

const RULE: &str = "version: 1\nrules:\n  home: { must: { be_controlled_from: home } }\n";

/// Components that violate, components that are excepted, and codes of what is told.
fn check(exceptions: &[&str], today: &'static str, expect: (&[&str], &[&str], &[&str])) {
    let lines: String =
        exceptions.iter().map(|one| format!("  - {{ rule: home, {one}, by: me, why: so }}\n")).collect();
    let rules = format!("{RULE}exceptions:\n{lines}");
    let rules = if exceptions.is_empty() { RULE.to_owned() } else { rules };
    let case = Case { today, ..case("version: 1\nhome: [EU]\n", &[&rules]) };
    let judgement = case.of(&[("main.tf", TF)]);
    fn ends<'v>(all: impl Iterator<Item = &'v Violation>) -> Vec<String> {
        let ends = all.flat_map(|one| &one.components).map(|one| one.rsplit('#').next().unwrap_or(one).to_owned());
        let mut ends: Vec<String> = ends.collect();
        ends.sort();
        ends
    }
    let codes: Vec<&str> = judgement.diagnostics.iter().map(|one| one.code).collect();
    let violations = ends(judgement.violations.iter());
    let excepted = ends(judgement.excepted.iter().map(|one| &one.violation));
    let got = (violations, excepted, codes);
    let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    assert_eq!(got, (owned(expect.0), owned(expect.1), expect.2.to_vec()), "{exceptions:?} on {today}");
}

const ASSETS: &str = "aws_s3_bucket.assets";
const LOGS: &str = "aws_s3_bucket.logs";
const PEOPLE: &str = "aws_dynamodb_table.people";
const ACCOUNT: &str = "provider.aws";

#[test]
fn an_exception_holds_until_its_day() {
    let one = "component: aws_s3_bucket.assets, until: 2027-03-31";
    check(&[], "2026-11-24", (&[PEOPLE, ASSETS, LOGS, ACCOUNT], &[], &[]));
    check(&[one], "2027-03-30", (&[PEOPLE, LOGS, ACCOUNT], &[ASSETS], &[]));
    check(&[one], "2027-03-31", (&[PEOPLE, LOGS, ACCOUNT], &[ASSETS], &[]));
    check(&[one], "2027-04-01", (&[PEOPLE, ASSETS, LOGS, ACCOUNT], &[], &["P005"]));
}

#[test]
fn what_an_exception_covers() {
    let day = "2026-11-24";
    check(&["component: aws_s3_bucket.*, until: 2027-03-31"], day, (&[PEOPLE, ACCOUNT], &[ASSETS, LOGS], &[]));
    check(
        &["component: 'tf:*#aws_s3_bucket.logs', until: 2027-03-31"],
        day,
        (&[PEOPLE, ASSETS, ACCOUNT], &[LOGS], &[]),
    );
    check(&["component: nothing, until: 2027-03-31"], day, (&[PEOPLE, ASSETS, LOGS, ACCOUNT], &[], &["P006"]));
    // One that is over and one that holds: the second one counts, the first one is told.
    let both = ["component: aws_s3_bucket.logs, until: 2026-01-01", "component: aws_s3_bucket.l*, until: 2026-12-01"];
    check(&both, day, (&[PEOPLE, ASSETS, ACCOUNT], &[LOGS], &["P005"]));
    // One that is over and fits nothing is told once.
    check(&["component: nothing, until: 2026-01-01"], day, (&[PEOPLE, ASSETS, LOGS, ACCOUNT], &[], &["P005"]));
}

#[test]
fn by_the_cause_or_by_what_suffers_from_it() {
    let rule = "version: 1\nrules:\n  read: { must: { not_be_readable_from: { outside: home } } }\n";
    let of = |component: &str| {
        let text = format!(
            "{rule}exceptions:\n  - {{ rule: read, component: \"{component}\", until: 2027-01-01, by: me, why: so }}\n"
        );
        case(ORGANISATION, &[&text]).of(&[("compose.yaml", COMPOSE)])
    };
    let left = |judgement: &Judgement| -> Vec<String> {
        let datadog = judgement.violations.iter().filter(|one| one.cause == "datadog-eu");
        datadog.flat_map(|one| one.components.clone()).collect()
    };
    let all = ["compose:compose.yaml#records", "compose:compose.yaml#web"];
    assert_eq!(left(&of("nothing")), all);
    let by_cause = of("datadog-eu");
    assert_eq!((left(&by_cause).len(), by_cause.excepted.len()), (0, 1));
    assert_eq!(by_cause.excepted[0].violation.components, all);
    // What else is broken is no part of it.
    assert!(!by_cause.violations.is_empty());
    let of_one = of("web");
    assert_eq!(left(&of_one), all[..1]);
    assert!(of_one.excepted.iter().all(|one| one.violation.components == all[1..]));
}

#[test]
fn a_policy_can_be_excepted_by_its_id() {
    let cedar = "@id(\"no-buckets\")\n@why(\"so\")\nforbid (principal, action, resource) when { resource.kind == \"aws_s3_bucket\" };\n";
    let exception =
        "version: 1\nexceptions:\n  - { rule: no-buckets, component: '*logs', until: 2027-01-01, by: me, why: so }\n";
    let judgement = case("version: 1\n", &[cedar, exception]).of(&[("main.tf", TF)]);
    insta::assert_snapshot!("a_policy_excepted", told(&judgement));
    assert!(judgement.denies());
    // One of another name is an exception to nothing, also beside policies.
    let typo = exception.replace("no-buckets", "no-bucket");
    let (compiled, told) =
        Compiled::new(&rules(&[cedar, &typo], &Home::default()), &Organisation::default(), register());
    assert!(compiled.is_none());
    assert_eq!(
        shown(&told),
        "P003 rules/1.yaml:3 there is no rule `no-bucket`\n     hint: did you mean `no-buckets`?\n"
    );
}

#[test]
fn denied_unless_a_policy_permits() {
    let permit = "permit (principal, action, resource) when { resource.layer == \"storage\" };\n";
    let judgement = case("version: 1\n", &["version: 1\ndefault: deny\n", permit]).of(&[("main.tf", TF)]);
    insta::assert_snapshot!("denied_by_default", told(&judgement));
}

#[test]
fn a_warning_does_not_deny() {
    let rule = RULE.replace("home: {", "home: { severity: warn,");
    let judgement = case("version: 1\nhome: [EU]\n", &[&rule]).of(&[("main.tf", TF)]);
    assert!(!judgement.denies() && judgement.violations.len() >= 3, "{}", told(&judgement));
    assert!(judgement.violations.iter().all(|one| one.severity == Severity::Warn));
}

use super::*;
use crate::tests::{organisation, rules, told};

const USER: &str = "permit (principal, action == Allod::Action::\"deploy\", resource);\n";

#[test]
fn what_is_wrong_with_policies() {
    let cases = [
        ("no policy", "permit (principal, action, resource)\nwhen { resource.data.contains( };\n"),
        (
            "an attribute that there is not",
            "// one\nforbid (principal, action, resource)\nwhen { resource.dtaa.contains(\"patient\") };\n",
        ),
        (
            "compared with the wrong type",
            "@id(\"x\")\nforbid (principal, action, resource)\nwhen { resource.ours == \"yes\" };\n",
        ),
        (
            "a tag that is not asked for first",
            "forbid (principal, action, resource)\nwhen { resource.getTag(\"readable-from\").contains(\"US\") };\n",
        ),
        ("an action that there is not", "forbid (principal, action == Allod::Action::\"read\", resource);\n"),
        ("an entity that there is not", "forbid (principal == User::\"me\", action, resource);\n"),
        ("a template", "permit (principal == ?principal, action, resource);\n"),
        (
            "lines are those of the policy that is wrong",
            "// forbid (principal, action, resource);\n@why(\"one\npermit (a); two\")\n@id(\"a\") forbid (principal, action, resource)\nwhen { resource.ours ||\n  resource.placed };\n\npermit\n(principal, action, resource) when { resource.nothing };\n",
        ),
        ("severity", "@severity(\"fatal\")\nforbid (principal, action, resource);\n"),
    ];
    let check = |text: &str| {
        let files = [("rules/own.cedar".to_owned(), text.to_owned())];
        let (rules, told) = crate::RuleSet::parse(&files, &allod_stack::Home::default());
        assert!(told.is_empty());
        let (compiled, told) = Compiled::new(&rules, &crate::Organisation::default(), register());
        assert_eq!(compiled.is_none(), !told.is_empty());
        told
    };
    insta::assert_snapshot!("cedar_told", told(&cases, check));
}

fn decide(texts: &[&str], subject: &Subject) -> (bool, Vec<String>) {
    let organisation = organisation("version: 1\ndata: { patient: {} }\n");
    let rules = rules(texts, &allod_stack::Home::default());
    let compiled = compiled(&rules, &organisation);
    let decision = Decider::new(&compiled, Gate::Repository).unwrap().decide(subject);
    let rule = |broken: &Broken| match broken {
        Broken::Policy { at, severity } => format!("{} {}", severity.name(), compiled.policies[*at].rule),
        other => format!("{other:?}"),
    };
    (decision.allowed, decision.broken.iter().map(rule).collect())
}

fn named(name: &str) -> Subject {
    Subject {
        id: Arc::from(name),
        name: name.to_owned(),
        layer: "storage",
        role: "own",
        ours: true,
        ..Subject::default()
    }
}

#[test]
fn policies_of_the_user() {
    let forbid = "@id(\"no-a\")\n@why(\"so\")\nforbid (principal, action, resource) when { resource.name == \"a\" };\nforbid (principal, action, resource) when { resource.name == \"b\" };\n@severity(\"warn\")\n@id(\"mind-c\")\nforbid (principal, action, resource) when { resource.name == \"c\" };\n";
    assert_eq!(decide(&[forbid], &named("a")), (false, vec!["deny no-a".to_owned()]));
    // Without an id it is named by its file and its place.
    assert_eq!(decide(&[forbid], &named("b")), (false, vec!["deny 0-2".to_owned()]));
    assert_eq!(decide(&[forbid], &named("c")), (true, vec!["warn mind-c".to_owned()]));
    assert_eq!(decide(&[forbid], &named("d")), (true, vec![]));
    let compiled = compiled(&rules(&[forbid], &allod_stack::Home::default()), &crate::Organisation::default());
    let why: Vec<(Option<&str>, u32)> = compiled.policies.iter().map(|one| (one.why.as_deref(), one.line)).collect();
    assert_eq!(why, [(None, 0), (Some("so"), 3), (None, 4), (None, 7)]);
}

#[test]
fn denied_by_default() {
    let deny = "version: 1\ndefault: deny\n";
    assert_eq!(decide(&[deny], &named("a")), (false, vec!["NotPermitted".to_owned()]));
    assert_eq!(decide(&[deny, USER], &named("a")), (true, vec![]));
    let some = "permit (principal, action, resource) when { resource.name == \"a\" };\n";
    assert_eq!(decide(&[deny, some], &named("a")), (true, vec![]));
    assert_eq!(decide(&[deny, some], &named("b")), (false, vec!["NotPermitted".to_owned()]));
    // A rule denies what a policy permits, and a warning permits nothing.
    let rule = "version: 1\nrules:\n  keys: { must: { keys: ours } }\n";
    let subject = Subject { at_rest: true, keys: UNKNOWN, ..named("a") };
    assert_eq!(decide(&[deny, some, rule], &subject), (false, vec!["deny keys".to_owned()]));
    let warning = "@severity(\"warn\")\npermit (principal, action, resource);\n";
    assert_eq!(decide(&[deny, warning], &named("a")), (false, vec!["NotPermitted".to_owned()]));
    // One file that says `allow` takes nothing back.
    assert!(!decide(&[deny, "version: 1\ndefault: allow\n"], &named("a")).0);
}

#[test]
fn a_rule_that_only_warns() {
    let rule =
        "version: 1\nrules:\n  keys: { severity: warn, must: { keys: ours } }\n  here: { must: { be_in: LU } }\n";
    let subject = Subject { at_rest: true, placed: true, keys: UNKNOWN, countries: vec!["LU".into()], ..named("a") };
    assert_eq!(decide(&[rule], &subject), (true, vec!["warn keys".to_owned()]));
    let abroad = Subject { countries: vec!["US".into()], ..subject };
    assert_eq!(decide(&[rule], &abroad), (false, vec!["deny here".to_owned(), "warn keys".to_owned()]));
}

#[test]
fn a_policy_that_fails_denies() {
    // Cedar leaves out a policy that overflows; here nothing is let through that could not be decided.
    let overflow = "forbid (principal, action, resource) when { resource.exitTestedDays * 9223372036854775807 > 1 };\n";
    let subject = Subject { exit_tested_days: 400, ..named("a") };
    let (allowed, broken) = decide(&[overflow], &subject);
    assert!(!allowed && broken.len() == 1 && broken[0].starts_with("Undecided"), "{broken:?}");
}

#[test]
fn rules_as_policies() {
    let rules = rules(
        &[
            "version: 1\ntiers: { gold: { use: [exit] } }\nrules:\n  patient:\n    why: \"GDPR \\\"art\\\" 9\"\n    data: [patient, public]\n    except: { label: team=core, component: \"*x\" }\n    must: { be_in: [LU], not_be_readable_from: { among: [US] }, not_be_stoppable_by: { parties: [aws-s3], when: ever } }\n  exit: { severity: warn, must: { exit: tested, at_most: { share: 50%, of: jurisdiction } } }\n",
        ],
        &allod_stack::Home::default(),
    );
    let organisation = organisation("version: 1\ndata: { patient: {}, public: {} }\n");
    let texts: Vec<String> = compiled(&rules, &organisation).policies.into_iter().map(|one| one.text).collect();
    insta::assert_snapshot!("rules_as_policies", texts.join("\n"));
}

#[test]
fn what_is_not_known_breaks_a_rule() {
    let tagged = |tag: &str, holders: &[&str]| {
        let holders = holders.iter().map(|one| Arc::from(*one)).collect();
        Subject { tags: [(tag.to_owned(), holders)].into(), ..named("a") }
    };
    let check = |must: &str, tag: &str, holders: &[&str], expect: bool| {
        let rule = format!("version: 1\nrules:\n  r: {{ must: {{ {must} }} }}\n");
        assert_eq!(decide(&[&rule], &tagged(tag, holders)).0, expect, "{must} {tag} {holders:?}");
    };
    for must in ["not_be_stoppable_from: [US]", "not_be_stoppable_from: { outside: home }"] {
        check(must, "stoppable-from", &[], true);
        check(must, "stoppable-from", &["LU"], true);
        check(must, "stoppable-from", &["LU", "US"], false);
        check(must, "stoppable-from", &["LU", UNKNOWN], false);
        check(must, "stoppable-ever-from", &[], false);
    }
    check("not_be_changeable_by: [aws-s3]", "changeable-by", &["datadog-eu"], true);
    check("not_be_changeable_by: [aws-s3]", "changeable-by", &["aws-s3"], false);
    check("not_be_changeable_by: [aws-s3]", "changeable-by", &[UNKNOWN], false);
    check("not_be_stoppable_by: { parties: [aws-s3], when: ever }", "stoppable-ever-by", &[], true);
    check("not_be_stoppable_by: { parties: [aws-s3], when: ever }", "stoppable-by", &[], false);
    check("at_most: { share: 50%, of: provider }", "over:r", &[], true);
    check("at_most: { share: 50%, of: provider }", "over:s", &[], true);
}

#[test]
fn what_is_remembered_is_told_apart_by_all_that_policies_see() {
    let organisation = organisation("version: 1\ndata: { 'a \"b\" \\) && c': {} }\n");
    let class = organisation.data.keys().next().unwrap().clone();
    let rule = "version: 1\nrules:\n  r: { data: 'a \"b\" \\) && c', must: { not_be_readable_from: [US] } }\n";
    let rules = rules(&[rule], &allod_stack::Home::default());
    let compiled = compiled(&rules, &organisation);
    let mut decider = Decider::new(&compiled, Gate::Repository).unwrap();
    let tag = Subject::power_tag(allod_stack::Power::Read, false, false, Some(&class));
    let with = |holder: &str| Subject {
        data: vec![Arc::from(class.as_str())],
        tags: [(tag.clone(), vec![Arc::from(holder)])].into(),
        ..named("a")
    };
    assert!(decider.decide(&with("LU")).allowed);
    assert!(!decider.decide(&with("US")).allowed);
    assert!(!decider.decide(&with(UNKNOWN)).allowed);
}

use super::*;

fn with(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    |key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned())
}

#[test]
fn who_acts_is_the_account_and_claims_stay_claims() {
    let plain = principal(&with(&[("USER", "somebody-else"), ("LOGNAME", "somebody-else")]));
    assert_ne!(plain.name, "somebody-else");
    assert_eq!((plain.authenticated, plain.on_behalf_of), (Authentication::OsUser, None));
    let claimed = principal(&with(&[("GITHUB_ACTOR", "marie")]));
    assert_eq!(claimed.on_behalf_of.as_deref(), Some("marie (says GitHub Actions)"));
    let accounts = "root:x:0:0:root:/root:/bin/bash\nmarie:x:1000:1000::/home/marie:/bin/sh\nbroken\n";
    assert_eq!(account(accounts, 1000).as_deref(), Some("marie"));
    assert_eq!(account(accounts, 1001), None);
}

#[test]
fn what_variables_say_is_taken_over_only_where_it_has_the_form() {
    let of = |pairs| trace(&with(pairs)).map(|one| (one.correlation, one.trace_id, one.span_id));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[("GITHUB_RUN_ID", "17")]), Some((Some("17".to_owned()), None, None)));
    assert_eq!(of(&[("CI_PIPELINE_ID", "a\nb")]), None);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (_, trace_id, span_id) =
        trace(&with(&[("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]))
            .map(|one| (one.correlation, one.trace_id, one.span_id))
            .unwrap_or_default();
    assert!(parent.contains(&trace_id.unwrap_or_default()) && parent.contains(&span_id.unwrap_or_default()));
    assert_eq!(of(&[("TRACEPARENT", "00-short-00f067aa0ba902b7-01")]), None);
}

#[test]
fn names_of_rules_are_made_to_fit() {
    assert_eq!(name("patient-stays"), "patient-stays");
    assert_eq!(name("a \"quoted\"\n\\rule"), "a quotedrule");
    assert_eq!(name("\u{7}"), "unnamed");
    assert!(name(&"ü".repeat(100)).len() <= allod_journal::MAX_NAME_BYTES);
}

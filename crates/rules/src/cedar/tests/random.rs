//! Rules as people could write them, and components as they could be.

use crate::Organisation;
use crate::subject::{Set, Subject};
use allod_stack::Power;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

/// Names that a policy has to quote are among them.
const CLASSES: [&str; 3] = ["patient", "we\\\"ird) && x", "é*"];
const ENVIRONMENTS: [&str; 2] = ["production", "a b"];
const WORKLOADS: [&str; 3] = ["records", "website", "x\"y"];
const TIERS: [&str; 2] = ["gold", "silver"];
const PARTIES: [&str; 6] = ["aws", "amazon-com", "aws-s3", "datadog-eu", "mistral", "ovhcloud"];
const PATTERNS: [&str; 9] =
    ["*", "aws_s3_bucket.*", "*.assets", "**/x", "a[0]", "a?", "*[\"é\\n\"]", "k*/records/*", "provider"];
const NAMES: [&str; 10] =
    ["", "aws_s3_bucket.assets", "a[0]", "a0", "ax", "x", "b/x", "k8s/records/y", "m[\"é\\n\"]", "provider"];
const LABELS: [&str; 4] = ["team", "team=core", "q=\"", "*"];
const PLACES: [&str; 5] = ["LU", "DE", "US", "FR", "CH"];

pub fn organisation() -> Organisation {
    let map = |names: &[&str]| names.iter().map(|name| format!("{name:?}: {{}}")).collect::<Vec<_>>().join(", ");
    crate::tests::organisation(&format!(
        "version: 1\nhome: [EU]\ndata: {{ {} }}\nenvironments: {{ {} }}\nworkloads: {{ {} }}\n",
        map(&CLASSES),
        map(&ENVIRONMENTS),
        map(&WORKLOADS)
    ))
}

/// Some of the words, as a list of YAML.
fn list(words: &'static [&'static str]) -> BoxedStrategy<String> {
    let quoted = |words: Vec<&str>| {
        let each: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        format!("[{}]", each.join(", "))
    };
    btree_set(select(words), 1..=2).prop_map(move |words| quoted(words.into_iter().collect())).boxed()
}

fn places() -> BoxedStrategy<String> {
    prop_oneof![list(&PLACES), Just("home".to_owned()), Just("[EEA, CH]".to_owned())].boxed()
}

fn selectors() -> BoxedStrategy<Vec<String>> {
    let layers: &[&str] = &["storage", "database", "application"];
    let services: &[&str] = &["aws-s3", "datadog-eu"];
    let keys: Vec<(&'static str, BoxedStrategy<String>)> = vec![
        ("data", list(&CLASSES)),
        ("environment", list(&ENVIRONMENTS)),
        ("workload", list(&WORKLOADS)),
        ("tier", list(&TIERS)),
        ("provider", list(&PARTIES)),
        ("service", list(services)),
        ("layer", list(layers)),
        ("label", list(&LABELS)),
        ("component", list(&PATTERNS)),
        ("kind", list(&PATTERNS)),
        ("namespace", list(&PATTERNS)),
        ("address", list(&PATTERNS)),
    ];
    // What is about everything, and about data, is asked more often: most pairs of selectors fit nothing.
    let of_data = list(&CLASSES).prop_map(|classes| vec![format!("data: {classes}")]);
    prop_oneof![2 => Just(Vec::new()), 2 => of_data, 3 => some_of(keys, 1..=2)].boxed()
}

fn some_of(
    keys: Vec<(&'static str, BoxedStrategy<String>)>,
    how_many: std::ops::RangeInclusive<usize>,
) -> BoxedStrategy<Vec<String>> {
    let all: Vec<usize> = (0..keys.len()).collect();
    proptest::sample::subsequence(all, how_many)
        .prop_flat_map(move |chosen| {
            let each = |at: usize| {
                let (name, value) = &keys[at];
                let name = *name;
                value.clone().prop_map(move |value| format!("{name}: {value}")).boxed()
            };
            chosen.into_iter().map(each).collect::<Vec<_>>()
        })
        .boxed()
}

fn musts() -> BoxedStrategy<Vec<String>> {
    let who = || {
        (select(&["outside", "among"][..]), places(), option::of(select(&["now", "ever"][..])))
            .prop_map(|(how, places, when)| {
                let when = when.map(|when| format!(", when: {when}")).unwrap_or_default();
                format!("{{ {how}: {places}{when} }}")
            })
            .boxed()
    };
    let by = || {
        prop_oneof![list(&PARTIES), list(&PARTIES).prop_map(|parties| format!("{{ parties: {parties}, when: ever }}")),]
            .boxed()
    };
    let facts: &[&str] = &["control-trail", "access-log", "sink-at-home", "retention", "rule-gate"];
    let only = prop_oneof![
        list(&WORKLOADS).prop_map(|words| format!("{{ workloads: {words} }}")),
        (list(&WORKLOADS), list(&CLASSES)).prop_map(|(a, b)| format!("{{ workloads: {a}, data: {b} }}")),
        (list(&ENVIRONMENTS), list(&CLASSES)).prop_map(|(a, b)| format!("{{ environments: {a}, data: {b} }}")),
    ];
    let keys = vec![
        ("be_in", places()),
        ("be_controlled_from", places()),
        ("be_operated_by", list(&PARTIES)),
        ("not_be_readable_from", who()),
        ("not_be_readable_by", by()),
        ("not_be_stoppable_from", who()),
        ("not_be_stoppable_by", by()),
        ("not_be_changeable_from", who()),
        ("not_be_changeable_by", by()),
        ("keys", Just("ours".to_owned()).boxed()),
        ("audit", prop_oneof![Just("full".to_owned()), list(facts)].boxed()),
        ("exit", prop_oneof![Just("tested".to_owned()), Just("{ tested_within: 90d }".to_owned())].boxed()),
        ("at_most", Just("{ share: 50%, of: provider }".to_owned()).boxed()),
        ("only_for", only.boxed()),
    ];
    some_of(keys, 1..=5)
}

/// A rule file of one to three rules, two of which a tier may use.
fn rules() -> impl Strategy<Value = String> {
    let rule = (selectors(), option::weighted(0.3, selectors()), musts(), any::<bool>(), any::<bool>());
    (vec(rule, 1..=3), any::<bool>()).prop_map(|(rules, in_tier)| {
        let mut text = format!(
            "version: 1\ntiers: {{ gold: {}, silver: {{}} }}\nrules:\n",
            if in_tier { "{ use: r0 }" } else { "{}" }
        );
        for (at, (select, except, must, warns, why)) in rules.into_iter().enumerate() {
            text += &format!("  r{at}:\n");
            select.iter().for_each(|one| text += &format!("    {one}\n"));
            if let Some(except) = except.filter(|except| !except.is_empty()) {
                text += &format!("    except: {{ {} }}\n", except.join(", "));
            }
            if warns {
                text += "    severity: warn\n";
            }
            if why {
                text += "    why: \"so\\n forbid (principal, \\\"x\\\" resource.hasTag(\\\"\"\n";
            }
            text += &format!("    must: {{ {} }}\n", must.join(", "));
        }
        text
    })
}

fn set(words: &'static [&'static str]) -> BoxedStrategy<Set> {
    btree_set(select(words), 0..=2)
        .prop_map(|set: std::collections::BTreeSet<&str>| set.into_iter().map(Arc::from).collect())
        .boxed()
}

fn holders() -> BoxedStrategy<Set> {
    set(&["DE", "LU", "US", "amazon-com", "aws-s3", "datadog-eu", "unknown"])
}

fn tags() -> impl Strategy<Value = std::collections::BTreeMap<String, Set>> {
    let mut names = vec![Subject::over_tag("r0"), Subject::over_tag("r1"), Subject::over_tag("r2")];
    for by in [false, true] {
        names.extend(CLASSES.iter().map(|class| Subject::power_tag(Power::Read, false, by, Some(class))));
        for (power, ever) in [(Power::Read, false), (Power::Stop, false), (Power::Stop, true), (Power::Change, false)] {
            names.push(Subject::power_tag(power, ever, by, None));
        }
    }
    btree_map(select(names), holders(), 10..30)
}

fn subject() -> impl Strategy<Value = Subject> {
    let name = || select(&NAMES[..]).prop_map(str::to_owned);
    let flags = (any::<bool>(), prop::bool::weighted(0.1), any::<bool>(), any::<bool>(), any::<bool>());
    let words = (set(&CLASSES), set(&ENVIRONMENTS), set(&WORKLOADS), set(&TIERS), set(&LABELS));
    let names = (name(), name(), name(), name(), name());
    let layer = select(&["storage", "database", "application", "dns"][..]);
    let service = select(&["", "aws-s3", "datadog-eu"][..]).prop_map(str::to_owned);
    let places = (set(&["CH", "DE", "LU", "US", "unknown"]), set(&["DE", "LU", "US", "unknown"]));
    let audit = set(&["access-log", "control-trail", "retention", "rule-gate", "sink-at-home"]);
    let parties = set(&["amazon-com", "aws", "aws-s3", "datadog-eu", "mistral-ai", "unknown"]);
    let rest = (layer, service, places, audit, parties, any::<bool>(), select(&[-1, 0, 90, 91, 365, 366][..]), tags());
    (flags, words, names, rest).prop_map(|(flags, words, names, rest)| {
        let (ours, hint, placed, described, at_rest) = flags;
        let (data, environments, workloads, tiers, labels) = words;
        let (id, name, kind, namespace, address) = names;
        let (layer, service, (countries, controlled_from), audit, parties, own_keys, exit_tested_days, tags) = rest;
        let (id, kind) = (Arc::from(id), Arc::from(kind));
        let role = if ours { "own" } else { "provided" };
        let keys = if own_keys { "ours" } else { "unknown" };
        Subject {
            id,
            name,
            kind,
            layer,
            role,
            ours,
            hint,
            placed,
            described,
            at_rest,
            data,
            environments,
            workloads,
            tiers,
            labels,
            namespace,
            address,
            service,
            parties,
            controlled_from,
            countries,
            keys,
            audit,
            exit_tested_days,
            tags,
        }
    })
}

pub fn rules_and_subjects() -> impl Strategy<Value = (String, Vec<Subject>)> {
    (rules(), vec(subject(), 1..8))
}

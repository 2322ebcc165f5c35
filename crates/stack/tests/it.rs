//! The stack as a whole: powers against an independent definition, order, explanations.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::needless_pass_by_value)]

use allod_facts::{Clue, ClueKind, Component, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use allod_register::{Records, Register, load_file};
use allod_stack::{Control, Holder, Home, Lane, Power, Powers, Stack, build};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

#[path = "it/chokepoints.rs"]
mod chokepoints;
#[path = "it/drill.rs"]
mod drill;
#[path = "it/kept.rs"]
mod kept;

const REGISTER: &str = r#"
entities:
  us-parent: { name: US Parent Inc., country: US, claim: { source: "https://a.example/1", seen: 2026-11-24, confidence: primary } }
  lu-sub:
    name: LU Sub SARL
    country: LU
    claim: { source: "https://a.example/2", seen: 2026-11-24, confidence: primary }
    control: [{ holder: us-parent, kind: ultimate, claim: { source: "https://a.example/3", seen: 2026-11-24, confidence: primary } }]
  us-other: { name: US Other Inc., country: US }
  fr-op:
    name: FR Op SAS
    country: FR
    control: [{ holder: us-parent, kind: licensor }, { holder: us-other, kind: minority, share_pct: 20 }]
  nowhere: { name: Nowhere Ltd }
  lu-home: { name: Home SARL, country: LU, control: [] }
services:
  idp: { name: IdP, layer: identity, operator: us-other, match: { domains: [idp.test-i.eu] } }
  keys: { name: Keys, layer: secrets, operator: us-other, match: { domains: [keys.test-k.eu] } }
  ca: { name: CA, layer: certificates, operator: us-other, match: { domains: [ca.test-l.eu] } }
  home-logs: { name: Home Logs, layer: observability, operator: lu-home, match: { domains: [logs.test-h.lu] } }
  logs: { name: Logs, layer: observability, operator: lu-sub, match: { domains: [logs.test-a.eu] } }
  other: { name: Other, layer: observability, operator: us-other, match: { domains: [other.test-b.eu] } }
  cloud: { name: Cloud, layer: compute, operator: fr-op, match: { domains: [cloud.test-c.eu] } }
  cdn: { name: CDN, layer: cdn, operator: us-parent, ends_tls: true, match: { domains: [cdn.test-d.eu] } }
  site: { name: Site, layer: observability, operator: us-other, locations: { content: [DE] }, match: { domains: [site.test-f.eu] } }
  dark: { name: Dark, layer: mail, operator: nowhere, match: { domains: [dark.test-e.eu] } }
software:
  own-logs: { name: Own Logs, layer: observability, publisher: us-other, match: { images: [docker.io/own/logs] } }
"#;

fn register() -> Register {
    let (mut records, mut problems) = (Records::default(), Vec::new());
    load_file("test.yaml", REGISTER, &mut records, &mut problems);
    assert_eq!(problems, []);
    Register::new(records)
}

fn seen(line: u32) -> Evidence {
    Evidence::line(&Arc::from("a.yaml"), line, "test")
}

fn own(id: &str) -> Component {
    Component::new(id, id, "workload", Layer::Application, Role::Own, seen(1))
}

fn host(host: &str) -> Component {
    Component::new(&format!("host:{host}"), host, "host", Layer::Unclassified, Role::Provided, seen(2))
        .with_clue(Clue::new(ClueKind::Host, host))
}

fn held(stack: &Stack<'_>, powers: &Powers, id: &str, power: Power) -> Vec<String> {
    let at = stack.find(id).unwrap();
    let mut names = BTreeSet::new();
    for lane in powers.lanes().filter(|lane| lane.power() == power) {
        for holder in powers.held_by(at, lane) {
            match &powers.holders[holder] {
                Holder::Jurisdiction(country) => names.insert(country.to_string()),
                Holder::Unknown => names.insert("unknown".into()),
                _ => false,
            };
        }
    }
    names.into_iter().collect()
}

/// An application that sends to one host: who reads, stops and changes the application?
fn check(target: &str, kind: LinkKind, mitigations: &[Mitigation], read: &[&str], stop: &[&str], change: &[&str]) {
    let register = register();
    let mut facts = Facts::new();
    let (app, to) = (facts.add(own("app")), facts.add(host(target)));
    facts.link(app, kind, to, seen(3)).mitigations.extend(mitigations);
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    let label = format!("{target} {kind:?} {mitigations:?}");
    assert_eq!(held(&stack, &powers, "app", Power::Read), read, "read {label}");
    assert_eq!(held(&stack, &powers, "app", Power::Stop), stop, "stop {label}");
    assert_eq!(held(&stack, &powers, "app", Power::Change), change, "change {label}");
}

#[test]
fn links_pass_powers_and_mitigations_cut_them() {
    use LinkKind::*;
    let both = ["LU", "US"];
    check("logs.test-a.eu", SendsTo, &[], &both, &both, &[]);
    check("logs.test-a.eu", SendsTo, &[Mitigation::NotRequired], &both, &[], &[]);
    check("logs.test-a.eu", StoresIn, &[Mitigation::CustomerHeldKey], &[], &both, &[]);
    check("logs.test-a.eu", RunsOn, &[], &both, &both, &both);
    check("logs.test-a.eu", BuiltFrom, &[], &[], &both, &both);
    check("logs.test-a.eu", BuiltFrom, &[Mitigation::PinnedDigest, Mitigation::LocalMirror], &[], &[], &[]);
    check("logs.test-a.eu", DeployedBy, &[], &both, &both, &both);
    check("logs.test-a.eu", ResolvedBy, &[], &[], &both, &both);
    check("cdn.test-d.eu", ResolvedBy, &[], &["US"], &["US"], &["US"]);
    check("cdn.test-d.eu", ResolvedBy, &[Mitigation::TlsPassesThrough], &[], &["US"], &["US"]);
    // A licensor changes and stops at the next update; a minority holder has nothing.
    check("cloud.test-c.eu", RunsOn, &[], &["FR"], &["FR", "US"], &["FR", "US"]);
    // An operator whose country no source gives is an unknown party, not a home one.
    check("dark.test-e.eu", SendsTo, &[], &["unknown"], &["unknown"], &[]);
    // A host that the register does not know.
    check("api.nobody.io", SendsTo, &[], &["unknown"], &["unknown"], &[]);
}

#[test]
fn alternatives_protect_against_companies_and_not_against_their_country() {
    let register = register();
    let mut facts = Facts::new();
    let app = facts.add(own("app"));
    for target in ["logs.test-a.eu", "other.test-b.eu"] {
        let to = facts.add(host(target));
        facts.link(app, LinkKind::SendsTo, to, seen(3)).any_of = Some("logs".into());
    }
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    assert_eq!(held(&stack, &powers, "app", Power::Stop), ["US"]);
    let at = stack.find("app").unwrap();
    let entity = powers.holder(&Holder::Entity("us-parent".into())).unwrap();
    assert!(!powers.has(at, Lane::Stop, entity));
    assert_eq!(held(&stack, &powers, "app", Power::Read), ["LU", "US"]);
}

#[test]
fn read_is_kept_by_data_class() {
    let register = register();
    let mut facts = Facts::new();
    let mut app = own("app");
    app.data = vec!["billing".into(), "patient".into()];
    let (app, logs, other) = (facts.add(app), facts.add(host("logs.test-a.eu")), facts.add(host("other.test-b.eu")));
    facts.link(app, LinkKind::SendsTo, logs, seen(3)).data.push("billing".into());
    facts.link(app, LinkKind::SendsTo, other, seen(4)).mitigations.push(Mitigation::ClientSideEncryption);
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    let at = stack.find("app").unwrap();
    let us = powers.holder(&Holder::Jurisdiction(allod_facts::Country::new("US").unwrap())).unwrap();
    let read: Vec<&str> = powers
        .lanes()
        .filter(|lane| powers.has(at, *lane, us))
        .filter_map(|lane| if let Lane::Read(class) = lane { Some(&*powers.classes[class]) } else { None })
        .collect();
    assert_eq!(read, ["billing"]);
}

#[test]
fn located_and_controlled_are_told_apart() {
    let register = register();
    let mut facts = Facts::new();
    let mut logs = host("logs.test-a.eu");
    logs.place = Some(allod_facts::Place { region: None, country: allod_facts::Country::new("DE") });
    facts.add(logs);
    let stack = build(vec![facts], &register);
    let part = &stack.parts[0];
    assert_eq!(part.control, Control::Known);
    assert_eq!(part.location.as_ref().unwrap().country.unwrap().code(), "DE");
    let home = Home::new(&["EU".into()]).unwrap();
    let codes: Vec<&str> = stack.findings(&Powers::of(&stack), &home).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["F002"]);
}

#[test]
fn unknown_and_reserved_hosts_say_why() {
    let register = register();
    let mut facts = Facts::new();
    facts.add(host("api.nobody.io"));
    facts.add(host("logs.clinic.example"));
    let stack = build(vec![facts], &register);
    assert!(stack.parts.iter().all(|part| part.control == Control::Unknown));
    let codes: BTreeSet<&str> = stack.unresolved.iter().map(|one| one.code).collect();
    assert_eq!(codes, BTreeSet::from(["U006", "U008"]));
}

#[test]
fn hosts_under_our_own_zone_are_ours() {
    let register = register();
    let mut facts = Facts::new();
    facts.add(Component::new("zone:clinic.example", "clinic.example", "zone", Layer::Dns, Role::Own, seen(1)));
    facts.add(host("logs.clinic.example"));
    let stack = build(vec![facts], &register);
    assert_eq!(stack.parts[stack.find("host:logs.clinic.example").unwrap()].control, Control::SelfHosted);
    assert_eq!(stack.links.len(), 1);
    assert_eq!(stack.unresolved, []);
}

#[test]
fn who_takes_in_mail_holds_nothing_over_what_is_reached_by_name() {
    let register = register();
    let mut facts = Facts::new();
    let zone = Component::new("zone:shop.lu", "shop.lu", "zone", Layer::Dns, Role::Own, seen(1));
    let (zone, app) = (facts.add(zone), facts.add(own("app")));
    let mail = facts.add(Component { layer: Layer::Mail, ..host("logs.test-a.eu") });
    facts.link(app, LinkKind::ResolvedBy, zone, seen(3));
    facts.link(zone, LinkKind::SendsTo, mail, seen(4));
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    for power in [Power::Read, Power::Stop, Power::Change] {
        assert_eq!(held(&stack, &powers, "app", power), Vec::<String>::new());
    }
    assert_eq!(held(&stack, &powers, "mail:shop.lu", Power::Read), ["LU", "US"]);
}

#[test]
fn hosts_under_which_we_are_reached_are_ours() {
    let register = register();
    let mut facts = Facts::new();
    facts.add(Component::new("name:web.shop.lu", "web.shop.lu", "name", Layer::Dns, Role::Own, seen(1)));
    facts.add(Component::new("name:logs.test-a.eu", "logs.test-a.eu", "name", Layer::Dns, Role::Own, seen(1)));
    for name in ["web.shop.lu", "api.shop.lu", "logs.test-a.eu"] {
        facts.add(host(name));
    }
    let stack = build(vec![facts], &register);
    let control = |id: &str| stack.parts[stack.find(id).unwrap()].control;
    assert_eq!(control("host:web.shop.lu"), Control::SelfHosted);
    // Not stated, and known to be somebody else's.
    assert_eq!(control("host:api.shop.lu"), Control::Unknown);
    assert_eq!(control("host:logs.test-a.eu"), Control::Known);
    assert_eq!(stack.links.len(), 1);
}

const HOSTS: [&str; 6] =
    ["logs.test-a.eu", "other.test-b.eu", "cloud.test-c.eu", "cdn.test-d.eu", "dark.test-e.eu", "x.nobody.io"];
const KINDS: [LinkKind; 7] = [
    LinkKind::RunsOn,
    LinkKind::StoresIn,
    LinkKind::SendsTo,
    LinkKind::BuiltFrom,
    LinkKind::DeployedBy,
    LinkKind::ResolvedBy,
    LinkKind::Trusts,
];

#[derive(Clone, Debug)]
struct Sketch {
    apps: usize,
    links: Vec<(usize, usize, usize)>,
}

fn sketches() -> impl Strategy<Value = Sketch> {
    (1_usize..6).prop_flat_map(|apps| {
        let link = (0..apps, 0..apps + HOSTS.len(), 0..KINDS.len());
        proptest::collection::vec(link, 0..14).prop_map(move |links| Sketch { apps, links })
    })
}

/// The same facts as batches: each link in a batch of its own, in the order given.
fn batches(sketch: &Sketch, order: &[usize]) -> Vec<Facts> {
    let component =
        |at: usize| if at < sketch.apps { own(&format!("app-{at}")) } else { host(HOSTS[at - sketch.apps]) };
    let mut batches: Vec<Facts> = (0..sketch.apps)
        .map(|at| {
            let mut facts = Facts::new();
            facts.add(component(at));
            facts
        })
        .collect();
    for at in order {
        let (from, to, kind) = sketch.links[*at];
        let mut facts = Facts::new();
        let (from, to) = (facts.add(component(from)), facts.add(component(to)));
        facts.link(from, KINDS[kind], to, seen(10));
        batches.push(facts);
    }
    batches
}

fn shown(stack: &Stack<'_>) -> String {
    format!(
        "{:?} {:?} {:?}",
        stack.parts.iter().map(|part| &part.fact).collect::<Vec<_>>(),
        stack.links,
        stack.unresolved
    )
}

/// Powers by walking every path, as one would explain them: exponential, for small graphs only.
fn by_paths(stack: &Stack<'_>, at: usize, lane: &str, holder: &Holder, seen: &mut Vec<(usize, String)>) -> bool {
    if seen.contains(&(at, lane.to_owned())) {
        return false;
    }
    seen.push((at, lane.to_owned()));
    let part = &stack.parts[at];
    let mut found = part.fact.role == Role::Provided && {
        let countries = part.service.and_then(|service| service.operator.as_ref()).map(|id| match id.as_str() {
            "lu-sub" => ("LU US", ""),
            "us-other" | "us-parent" => ("US", ""),
            "fr-op" => ("FR", "US"),
            _ => ("unknown", ""),
        });
        let (full, licensor) = countries.unwrap_or(("unknown", ""));
        let name = match holder {
            Holder::Jurisdiction(country) => country.to_string(),
            _ => "unknown".into(),
        };
        let has = |list: &str| list.split(' ').any(|one| one == name);
        match lane {
            "later" => has(licensor),
            "change" => has(full) || has(licensor),
            _ => has(full),
        }
    };
    for link in stack.links.iter().filter(|link| link.from as usize == at) {
        use LinkKind::*;
        let target = &stack.parts[link.to as usize];
        let own = target.fact.role == Role::Own;
        let tls = target.service.is_some_and(|service| service.ends_tls);
        let sources: &[&str] = match (lane, link.kind) {
            ("read", RunsOn | Trusts | StoresIn | SendsTo) => &["read"],
            ("read", ResolvedBy) if own || tls => &["read"],
            ("secrets", RunsOn | Trusts | StoresIn | SendsTo) => &["secrets"],
            ("stop", RunsOn | Trusts | StoresIn | SendsTo | ResolvedBy) => &["stop"],
            ("later", RunsOn | Trusts | StoresIn | SendsTo | ResolvedBy) => &["later"],
            ("later", BuiltFrom | DeployedBy) => &["stop", "later"],
            ("change", RunsOn | Trusts | BuiltFrom | DeployedBy | ResolvedBy) => &["change"],
            _ => &[],
        };
        found |= sources.iter().any(|source| by_paths(stack, link.to as usize, source, holder, seen));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_makes_no_difference(sketch in sketches(), seed in any::<u64>()) {
        let register = register();
        let forward: Vec<usize> = (0..sketch.links.len()).collect();
        let mut shuffled = forward.clone();
        let mut state = seed | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        let mut other = batches(&sketch, &shuffled);
        other.reverse();
        let (one, two) = (build(batches(&sketch, &forward), &register), build(other, &register));
        prop_assert_eq!(shown(&one), shown(&two));
        let (a, b) = (Powers::of(&one), Powers::of(&two));
        for at in 0..one.parts.len() {
            for lane in a.lanes() {
                prop_assert_eq!(a.held_by(at, lane).collect::<Vec<_>>(), b.held_by(at, lane).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn powers_are_those_of_some_path(sketch in sketches()) {
        let register = register();
        let order: Vec<usize> = (0..sketch.links.len()).collect();
        let stack = build(batches(&sketch, &order), &register);
        let powers = Powers::of(&stack);
        for at in 0..stack.parts.len() {
            for (position, holder) in powers.holders.iter().enumerate() {
                if !matches!(holder, Holder::Jurisdiction(_) | Holder::Unknown) {
                    continue;
                }
                for (lane, name) in [(Lane::Stop, "stop"), (Lane::StopLater, "later"), (Lane::Change, "change"), (Lane::Read(0), "read")] {
                    let expected = by_paths(&stack, at, name, holder, &mut Vec::new());
                    prop_assert_eq!(powers.has(at, lane, position), expected, "{:?} {} {:?}", stack.parts[at].fact.id, name, holder);
                }
            }
        }
    }

    #[test]
    fn every_power_is_explained_by_a_path_that_exists(sketch in sketches()) {
        let register = register();
        let order: Vec<usize> = (0..sketch.links.len()).collect();
        let stack = build(batches(&sketch, &order), &register);
        let powers = Powers::of(&stack);
        for at in 0..stack.parts.len() {
            for lane in powers.lanes() {
                for holder in powers.held_by(at, lane).collect::<Vec<_>>() {
                    let path = powers.explain(&stack, at, lane, holder);
                    prop_assert!(path.is_some());
                    let path = path.unwrap();
                    prop_assert_eq!(path.hops[0].part, at);
                    for pair in path.hops.windows(2) {
                        let link = &stack.links[pair[0].link.unwrap()];
                        prop_assert_eq!((link.from as usize, link.to as usize), (pair[0].part, pair[1].part));
                    }
                    // Somebody stands at the end, unless nobody knows who.
                    let unknown = powers.holders[holder] == Holder::Unknown;
                    prop_assert!(unknown || !path.parties.is_empty());
                }
            }
        }
    }
}

#[test]
fn a_hint_tells_the_service_and_not_its_site() {
    let country = |confidence| {
        let mut facts = Facts::new();
        let mut part = host("site.test-f.eu");
        part.confidence = confidence;
        facts.add(part);
        let register = register();
        let stack = build(vec![facts], &register);
        let location = stack.parts[0].location.clone();
        location.and_then(|location| location.country).map(|country| country.to_string())
    };
    assert_eq!(country(Confidence::High).as_deref(), Some("DE"));
    assert_eq!(country(Confidence::Low), None);
}

#[test]
fn a_stated_provider_counts_where_no_endpoint_is_known() {
    let from = |clues: &[(ClueKind, &str)]| {
        let mut facts = Facts::new();
        let mut part = host("api.nobody-g.eu");
        part.clues = clues.iter().map(|(kind, text)| Clue::new(*kind, text)).collect();
        facts.add(part);
        let register = register();
        let stack = build(vec![facts], &register);
        stack.parts[0].controlled_from(&register).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(from(&[(ClueKind::Host, "api.nobody-g.eu"), (ClueKind::Provider, "other.test-b.eu")]), ["US"]);
    assert_eq!(from(&[(ClueKind::Host, "cloud.test-c.eu"), (ClueKind::Provider, "other.test-b.eu")]), ["FR"]);
    assert_eq!(from(&[(ClueKind::Host, "api.nobody-g.eu"), (ClueKind::Name, "Other")]), Vec::<String>::new());
}

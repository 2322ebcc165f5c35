use super::*;
use crate::{Home, Powers, Stack, UNCLASSIFIED, build};
use allod_facts::{
    Clue, ClueKind, Component as Fact, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Place, Role,
};
use allod_register::{Records, Register, load_file};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

const REGISTER: &str = r#"
entities:
  us-inc: { name: US Inc., country: US }
  us-two: { name: US Two Inc., country: US }
  lu-sa: { name: LU SA, country: LU }
  lu-sub: { name: LU Sub, country: LU, control: [{ holder: us-inc, kind: ultimate }] }
services:
  logs: { name: Logs, layer: observability, operator: us-inc, match: { domains: [logs.us] } }
  two: { name: Two, layer: observability, operator: us-two, match: { domains: [two.us] } }
  home: { name: Home, layer: observability, operator: lu-sa, match: { domains: [home.lu] } }
  sub: { name: Sub, layer: compute, operator: lu-sub, match: { domains: [sub.lu] } }
"#;

fn register(text: &str) -> Register {
    let (mut records, mut problems) = (Records::default(), Vec::new());
    load_file("test.yaml", text, &mut records, &mut problems);
    assert_eq!(problems, []);
    Register::new(records)
}

/// A stack in short: `id [class,class] [~] [@region]` for a component, `from kind to [class,class] [!mitigation] [|group]`
/// for a link. What is not `host:` or `image:` is our own. Lines count as in a file.
fn facts(text: &str) -> Facts {
    let mut facts = Facts::new();
    let path: Arc<str> = Arc::from("a.yaml");
    let mut known = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let seen = Evidence::line(&path, at as u32 + 1, "test");
        let words: Vec<&str> = line.split_whitespace().collect();
        let classes = |word: &str| word.split(',').map(Arc::from).collect::<Vec<Arc<str>>>();
        let kind = words.get(1).and_then(|word| KINDS.iter().find(|(name, _)| name == word));
        match (words.as_slice(), kind) {
            ([], _) => {}
            ([from, _, to, terms @ ..], Some((_, kind))) => {
                let link = facts.link(known[from], *kind, known[to], seen);
                for term in terms {
                    match term.split_at(1) {
                        ("!", "key") => link.mitigations.push(Mitigation::CustomerHeldKey),
                        ("!", _) => link.mitigations.push(Mitigation::NotRequired),
                        ("|", group) => link.any_of = Some(Arc::from(group)),
                        _ => link.data = classes(term),
                    }
                }
            }
            ([id, terms @ ..], _) => {
                let (name, role) = match id.split_once(':') {
                    Some(("host", name)) => (name, Role::Provided),
                    Some(("image", name)) => (name, Role::Artefact),
                    _ => (*id, Role::Own),
                };
                let mut one = Fact::new(id, name, "thing", Layer::Unclassified, role, seen);
                match role {
                    Role::Provided => one.clues.push(Clue::new(ClueKind::Host, name)),
                    Role::Artefact => one.clues.push(Clue::new(ClueKind::Image, name)),
                    Role::Own => one.layer = Layer::Application,
                }
                for term in terms {
                    match term.split_at(1) {
                        ("~", _) => one.confidence = Confidence::Low,
                        ("@", region) => one.place = Some(Place::region(region)),
                        _ => one.data = classes(term),
                    }
                }
                known.insert(*id, facts.add(one));
            }
        }
    }
    facts
}

const KINDS: &[(&str, LinkKind)] = &[
    ("runs_on", LinkKind::RunsOn),
    ("stores_in", LinkKind::StoresIn),
    ("sends_to", LinkKind::SendsTo),
    ("built_from", LinkKind::BuiltFrom),
    ("deployed_by", LinkKind::DeployedBy),
    ("trusts", LinkKind::Trusts),
];

fn snapshot_of(stack: &Stack<'_>) -> Snapshot {
    let home = Home::new(&["EU".to_owned()]).unwrap();
    {
        let powers = Powers::of(stack);
        Snapshot::of(stack, &powers, &stack.findings(&powers, &home), &home)
    }
}

fn snapshot(text: &str) -> Snapshot {
    snapshot_of(&build(vec![facts(text)], &register(REGISTER)))
}

/// A diff in short.
fn told(diff: &Diff<'_>) -> String {
    let mut out = String::new();
    for (sign, groups) in [('+', &diff.gained), ('-', &diff.lost)] {
        for group in groups {
            let line = group.cause.seen.map_or(0, |seen| seen.line);
            let link = group.cause.link.map_or(String::new(), |(kind, to)| format!(" {} {}", kind.name(), to.id));
            let _ = writeln!(out, "{sign} {:?} {}{link} :{line}", group.cause.kind, group.cause.component.id);
            for one in &group.powers {
                let who = one.jurisdiction.map_or("unknown".to_owned(), |country| country.to_string());
                let other = one.other.map_or(String::new(), |when| format!(" (there: {})", when.name()));
                let path: Vec<&str> = one.path.iter().map(|component| &*component.id).collect();
                let _ = writeln!(
                    out,
                    "    {who} {} {}{other} [{}] over {}",
                    one.power.name(),
                    one.when.name(),
                    one.data.join(","),
                    path.join(" > ")
                );
            }
        }
    }
    diff.renamed.iter().for_each(|(a, b)| out.push_str(&format!("renamed {} {}\n", a.id, b.id)));
    for one in &diff.controllers {
        let ids = |list: &[&Party]| list.iter().map(|party| party.id.to_string()).collect::<Vec<_>>().join(",");
        let (a, b) = (one.before.control.name(), one.after.control.name());
        let _ = writeln!(out, "control {} {a} {b} +{} -{}", one.after.id, ids(&one.gained), ids(&one.lost));
    }
    diff.locations.iter().for_each(|one| out.push_str(&format!("moved {}\n", one.after.id)));
    for (word, remarks) in [("finding", &diff.findings), ("unresolved", &diff.unresolved)] {
        remarks.gained.iter().for_each(|(one, _)| out.push_str(&format!("+ {word} {} {}\n", one.code, one.message)));
        remarks.lost.iter().for_each(|(one, _)| out.push_str(&format!("- {word} {} {}\n", one.code, one.message)));
    }
    out
}

#[test]
fn each_change_is_the_cause_of_what_it_gives() {
    let cases = [
        (
            "nothing, but lines",
            "app\nhost:logs.us\napp sends_to host:logs.us",
            "\n\napp\n\nhost:logs.us\napp sends_to host:logs.us",
        ),
        (
            "a host is added",
            "records patient\ncollector\nrecords sends_to collector",
            "records patient\ncollector\nrecords sends_to collector\nhost:logs.us\ncollector sends_to host:logs.us",
        ),
        (
            "a host is replaced by one of the same country",
            "app\nhost:logs.us\napp sends_to host:logs.us",
            "app\nhost:two.us\napp sends_to host:two.us",
        ),
        (
            "a host is replaced by one at home",
            "app\nhost:logs.us\napp sends_to host:logs.us",
            "app\nhost:home.lu\napp sends_to host:home.lu",
        ),
        ("a link is added", "app\nhost:logs.us", "app\nhost:logs.us\napp sends_to host:logs.us"),
        (
            "a mitigation is removed",
            "app\nhost:logs.us\napp stores_in host:logs.us !key",
            "app\nhost:logs.us\napp stores_in host:logs.us",
        ),
        (
            "an alternative is removed",
            "app\nhost:logs.us\nhost:home.lu\napp sends_to host:logs.us |g\napp sends_to host:home.lu |g",
            "app\nhost:logs.us\napp sends_to host:logs.us |g",
        ),
        (
            "from the next build to now",
            "app\nimage:logs.us/x\napp built_from image:logs.us/x",
            "app\nimage:logs.us/x\nhost:logs.us\napp built_from image:logs.us/x\napp runs_on host:logs.us",
        ),
        (
            "a class is stated upstream",
            "db\ncollector\nhost:logs.us\ndb sends_to collector\ncollector sends_to host:logs.us",
            "db patient\ncollector\nhost:logs.us\ndb sends_to collector\ncollector sends_to host:logs.us",
        ),
        (
            "a link upstream brings a class",
            "db patient\ncollector\nhost:logs.us\ncollector sends_to host:logs.us",
            "db patient\ncollector\nhost:logs.us\ndb sends_to collector\ncollector sends_to host:logs.us",
        ),
        (
            "a new part upstream brings a class",
            "collector\nhost:logs.us\ncollector sends_to host:logs.us",
            "db patient\ncollector\nhost:logs.us\ndb sends_to collector\ncollector sends_to host:logs.us",
        ),
        (
            "a link carries more",
            "db patient,billing\nhost:logs.us\ndb sends_to host:logs.us billing",
            "db patient,billing\nhost:logs.us\ndb sends_to host:logs.us billing,patient",
        ),
        (
            "a deployer that is read brings the secrets",
            "app\nhost:logs.us\napp runs_on host:logs.us",
            "app\nci\nhost:logs.us\napp runs_on host:logs.us\napp deployed_by ci\nci runs_on app",
        ),
        (
            "another link carries another class",
            "db billing,patient\nhost:logs.us\nhost:two.us\ndb sends_to host:logs.us billing",
            "db billing,patient\nhost:logs.us\nhost:two.us\ndb sends_to host:logs.us billing\ndb sends_to host:two.us patient",
        ),
        (
            "who read the secrets reads all",
            "app\nhost:logs.us\napp deployed_by host:logs.us",
            "app\nhost:logs.us\napp deployed_by host:logs.us\napp runs_on host:logs.us",
        ),
        (
            "a link to a host is removed, and nothing reaches it any more",
            "db patient\nhost:logs.us\ndb sends_to host:logs.us",
            "db patient\nhost:logs.us",
        ),
        (
            "a class is not stated any more",
            "db patient\nhost:logs.us\ndb sends_to host:logs.us",
            "db\nhost:logs.us\ndb sends_to host:logs.us",
        ),
        ("nobody knows the new host", "app", "app\nhost:api.nobody.io\napp sends_to host:api.nobody.io"),
        ("a hint", "app", "app\nhost:logs.us ~\napp sends_to host:logs.us"),
        (
            "another version of an image",
            "app\nimage:logs.us/x:1\napp built_from image:logs.us/x:1",
            "app\nimage:logs.us/x:2\napp built_from image:logs.us/x:2",
        ),
        ("another place", "host:logs.us @eu-west-1", "host:logs.us @us-east-1"),
    ];
    let mut out = String::new();
    for (name, before, after) in cases {
        let (before, after) = (snapshot(before), snapshot(after));
        let _ = writeln!(out, "## {name}\n{}", told(&diff(&before, &after)));
    }
    insta::assert_snapshot!("causes", out);
}

#[test]
fn an_owner_that_changed_is_the_cause() {
    let text = "app\nhost:sub.lu\napp runs_on host:sub.lu";
    let sold = REGISTER.replace("country: LU, control: [{ holder: us-inc, kind: ultimate }]", "country: LU");
    let (before, after) = (register(&sold), register(REGISTER));
    let (before, after) =
        (snapshot_of(&build(vec![facts(text)], &before)), snapshot_of(&build(vec![facts(text)], &after)));
    insta::assert_snapshot!("owner", told(&diff(&before, &after)));
}

#[test]
fn a_file_that_is_moved_gives_nobody_a_power() {
    let one = |path: &str, ids: &[&str]| {
        let mut facts = Facts::new();
        let path: Arc<str> = Arc::from(path);
        for id in ids {
            let seen = Evidence::line(&path, 1, "test");
            let own = facts.add(Fact::new(id, "web", "Deployment", Layer::Application, Role::Own, seen.clone()));
            let host = Fact::new("host:logs.us", "logs.us", "host", Layer::Unclassified, Role::Provided, seen.clone());
            let host = facts.add(host.with_clue(Clue::new(ClueKind::Host, "logs.us")));
            facts.link(own, LinkKind::SendsTo, host, seen);
        }
        snapshot_of(&build(vec![facts], &register(REGISTER)))
    };
    let before = one("old/app.yaml", &["k8s:old/app.yaml#Deployment//web"]);
    let after = one("new/app.yaml", &["k8s:new/app.yaml#Deployment//web"]);
    let moved = diff(&before, &after);
    assert_eq!((moved.gained.len(), moved.lost.len(), moved.renamed.len()), (0, 0, 1), "{}", told(&moved));
    // Two that could be it: which one it was is not guessed.
    let after = one("new/app.yaml", &["k8s:new/app.yaml#Deployment//web", "tf:new#Deployment//web"]);
    assert_eq!(diff(&before, &after).renamed.len(), 1, "another reader's id is another thing");
    let two = one("new/app.yaml", &["k8s:new/app.yaml#Deployment//web", "k8s:new#Deployment//web"]);
    assert_eq!(diff(&before, &two).renamed.len(), 0);
    assert!(!diff(&before, &two).gained.is_empty());
}

/// Random stacks over one set of names, so that two of them have much in common.
fn stack_text() -> impl Strategy<Value = String> {
    const PARTS: &[&str] =
        &["a", "b", "c", "d", "host:logs.us", "host:two.us", "host:home.lu", "host:sub.lu", "host:no.io"];
    let part = (any::<bool>(), prop_oneof![3 => Just(""), 1 => Just("patient"), 1 => Just("billing,patient")]);
    let terms = prop_oneof![
        5 => Just(""), 1 => Just("!key"), 1 => Just("!not"), 2 => Just("|g"), 1 => Just("patient"), 1 => Just("billing"),
    ];
    let link = (0..4_usize, 0..PARTS.len(), 0..KINDS.len(), terms);
    (proptest::collection::vec(part, PARTS.len()), proptest::collection::vec(link, 0..10)).prop_map(|(parts, links)| {
        let mut text = String::new();
        let there = |at: usize| parts[at].0 || at < 2;
        for (at, id) in PARTS.iter().enumerate().filter(|(at, _)| there(*at)) {
            let classes = if at < 4 { parts[at].1 } else { "" };
            let _ = writeln!(text, "{id} {classes}");
        }
        for (from, to, kind, terms) in links {
            if from != to && there(from) && there(to) {
                let _ = writeln!(text, "{} {} {} {terms}", PARTS[from], KINDS[kind].0, PARTS[to]);
            }
        }
        text
    })
}

/// Every power as one text, at its finest: by class, and *stop now* besides *stop later*.
fn finest(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for held in &snapshot.powers {
        let id = &snapshot.components[held.component as usize].id;
        let name = format!("{:?} {} {id}", held.jurisdiction, held.power.name());
        let counts = |class: &str| class != UNCLASSIFIED || !id.contains(':');
        all.extend(held.data.iter().filter(|class| counts(class)).map(|class| format!("{name} {class}")));
        all.insert(name.clone());
        if held.when == When::Now && held.power == Power::Stop {
            all.insert(format!("{name} now"));
        }
    }
    all
}

fn finest_of(groups: &[Group<'_>]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for one in groups.iter().flat_map(|group| &group.powers) {
        let name = format!("{:?} {} {}", one.jurisdiction, one.power.name(), one.component.id);
        let counts = |class: &str| class != UNCLASSIFIED || !one.component.id.contains(':');
        all.extend(one.data.iter().filter(|class| counts(class)).map(|class| format!("{name} {class}")));
        if one.other.is_none() {
            all.insert(name.clone());
        }
        if one.when == When::Now && one.power == Power::Stop {
            all.insert(format!("{name} now"));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn gained_is_what_is_there_after_and_not_before(one in stack_text(), two in stack_text()) {
        let (before, after) = (snapshot(&one), snapshot(&two));
        prop_assert!(diff(&before, &before).is_empty());
        let (forth, back) = (diff(&before, &after), diff(&after, &before));
        let (old, new) = (finest(&before), finest(&after));
        prop_assert_eq!(finest_of(&forth.gained), new.difference(&old).cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(finest_of(&forth.lost), old.difference(&new).cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(&forth.gained, &back.lost);
        prop_assert_eq!(&forth.lost, &back.gained);
        prop_assert_eq!(&forth.findings.gained, &back.findings.lost);
        // The register is the same one: whatever happened is in the facts, and has to be found there.
        for group in forth.gained.iter().chain(&forth.lost) {
            prop_assert!(group.cause.kind != CauseKind::Unseen, "{}", told(&forth));
        }
    }

    #[test]
    fn order_makes_no_difference(one in stack_text(), two in stack_text(), seed in any::<u64>()) {
        let shuffled = |snapshot: &Snapshot| {
            // Any order of everything but the components, whose positions are names.
            let mut other = snapshot.clone();
            let turn = |len: usize| if len == 0 { 0 } else { (seed % len as u64) as usize };
            let by = turn(other.links.len());
            other.links.rotate_left(by);
            let by = turn(other.powers.len());
            other.powers.rotate_left(by);
            other.findings.reverse();
            other.unresolved.reverse();
            other.sort();
            other
        };
        let (before, after) = (snapshot(&one), snapshot(&two));
        prop_assert_eq!(told(&diff(&before, &after)), told(&diff(&shuffled(&before), &shuffled(&after))));
    }
}

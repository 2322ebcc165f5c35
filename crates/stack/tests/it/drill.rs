use super::*;
use allod_facts::Country;
use allod_stack::{Event, Replacement, Why};

fn us() -> Holder {
    Holder::Jurisdiction(Country::new("US").unwrap())
}

/// An application that uses one host: what happens when the US stop, read, change?
fn hit(target: &str, kind: LinkKind, mitigations: &[Mitigation]) -> String {
    let register = register();
    let mut facts = Facts::new();
    let app = facts.add(own("app"));
    let to = facts.add(host(target));
    facts.link(app, kind, to, seen(3)).mitigations.extend(mitigations);
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    Power::ALL
        .map(|power| {
            let drill = powers.drill(&stack, power, &[us()]);
            match (drill.hit.first(), drill.unknown.first(), drill.safe.first()) {
                (Some(hit), ..) => hit.event.name().to_owned(),
                (_, Some(_), _) => "unknown".to_owned(),
                (.., Some(safe)) => match safe.why.first() {
                    None => "safe".to_owned(),
                    Some(Why::Mitigated { mitigation, .. }) => format!("safe: {mitigation:?}"),
                    Some(Why::Alternative { .. }) => "safe: alternative".to_owned(),
                    Some(Why::NotPassed { .. }) => "safe: not passed".to_owned(),
                },
                _ => "nothing".to_owned(),
            }
        })
        .join(" | ")
}

#[test]
fn when_and_why() {
    use LinkKind::*;
    let check = |target, kind, mitigations: &[Mitigation], expected: &str| {
        assert_eq!(hit(target, kind, mitigations), expected, "{target} {kind:?} {mitigations:?}");
    };
    let none = &[][..];
    check("other.test-b.eu", SendsTo, none, "at once | at once | safe: not passed");
    check("other.test-b.eu", SendsTo, &[Mitigation::NotRequired], "at once | safe: NotRequired | safe: not passed");
    check(
        "other.test-b.eu",
        StoresIn,
        &[Mitigation::CustomerHeldKey],
        "safe: CustomerHeldKey | at once | safe: not passed",
    );
    check("other.test-b.eu", BuiltFrom, none, "safe: not passed | at the next build | at once");
    check("other.test-b.eu", DeployedBy, none, "at once | at the next deploy | at once");
    check("idp.test-i.eu", Trusts, none, "at once | at the next token refresh | at once");
    check("keys.test-k.eu", Trusts, none, "at once | at once | at once");
    check("ca.test-l.eu", ResolvedBy, none, "safe: not passed | at the next renewal | at once");
    check("cdn.test-d.eu", ResolvedBy, none, "at once | at once | at once");
    // An EU operator with a technology licensor in the US.
    check("cloud.test-c.eu", RunsOn, none, "safe | at the next renewal | at once");
    check("dark.test-e.eu", SendsTo, none, "unknown | unknown | safe");
    check("api.nobody.io", RunsOn, none, "unknown | unknown | unknown");
}

#[test]
fn events_follow_the_way() {
    let register = register();
    let mut facts = Facts::new();
    let (app, job, cluster) = (facts.add(own("app")), facts.add(own("job")), facts.add(own("cluster")));
    let other = facts.add(host("other.test-b.eu"));
    facts.link(app, LinkKind::RunsOn, cluster, seen(3));
    facts.link(cluster, LinkKind::DeployedBy, job, seen(4));
    facts.link(job, LinkKind::RunsOn, other, seen(5));
    let stack = build(vec![facts], &register);
    let drill = Powers::of(&stack).drill(&stack, Power::Stop, &[us()]);
    let told: Vec<(&str, Event, usize)> = drill
        .hit
        .iter()
        .map(|hit| (stack.parts[hit.part].fact.name.as_str(), hit.event, hit.path.hops.len()))
        .collect();
    assert_eq!(told, [("job", Event::AtOnce, 2), ("app", Event::Deploy, 4), ("cluster", Event::Deploy, 3)]);
    assert_eq!(drill.hit[1].path.parties[0].entity.id, "us-other");
    assert_eq!(drill.theirs, [stack.find("host:other.test-b.eu").unwrap()]);
}

#[test]
fn alternatives_carry_on_unless_all_fall() {
    let register = register();
    let mut facts = Facts::new();
    let app = facts.add(own("app"));
    for target in ["logs.test-a.eu", "other.test-b.eu"] {
        let to = facts.add(host(target));
        facts.link(app, LinkKind::SendsTo, to, seen(3)).any_of = Some("logs".into());
    }
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    let entity = |id: &str| Holder::Entity(id.into());
    let hit = |by: &[Holder]| powers.drill(&stack, Power::Stop, by).hit.len();
    assert_eq!(hit(&[us()]), 1);
    assert_eq!(hit(&[entity("us-other")]), 0);
    assert_eq!(hit(&[entity("us-other"), entity("us-parent")]), 1);
    let drill = powers.drill(&stack, Power::Stop, &[entity("us-other")]);
    assert!(matches!(drill.safe[0].why[..], [Why::Alternative { .. }]));
}

#[test]
fn a_replacement_before_the_drill() {
    let register = register();
    let mut facts = Facts::new();
    let (app, other) = (facts.add(own("app")), facts.add(host("other.test-b.eu")));
    facts.link(app, LinkKind::SendsTo, other, seen(3));
    let after = |what: &str, by: &str| {
        let mut stack = build(vec![facts.clone()], &register);
        let replaced = stack.replace(&Replacement { what: what.into(), by: by.into() });
        let powers = Powers::of(&stack);
        let hits = Power::ALL.map(|power| powers.drill(&stack, power, &[us()]).hit.len());
        (replaced.map(|ids| ids.len()).map_err(|_| ()), hits)
    };
    assert_eq!(after("other", "home-logs"), (Ok(1), [0, 0, 0]));
    assert_eq!(after("host:other.test-b.eu", "home-logs"), (Ok(1), [0, 0, 0]));
    assert_eq!(after("us-other", "home-logs"), (Ok(1), [0, 0, 0]));
    // Run by ourselves: its publisher can change the next version, of the software and of what needs it.
    assert_eq!(after("other", "own-logs"), (Ok(1), [0, 0, 2]));
    assert_eq!(after("nobody", "home-logs"), (Err(()), [1, 1, 0]));
    assert_eq!(after("other", "nothing"), (Err(()), [1, 1, 0]));
    assert_eq!(
        Replacement::parse("host:a.b:home-logs"),
        Some(Replacement { what: "host:a.b".into(), by: "home-logs".into() })
    );
    assert_eq!(Replacement::parse("a"), None);
    assert_eq!(Replacement::parse(":b"), None);
}

#[test]
fn owners_of_a_publisher_have_no_more_than_the_publisher() {
    let software = r#"
software:
  owned: { name: Owned, layer: database, publisher: lu-sub, match: { images: [registry.nobody.lu/own/db] } }
"#;
    let (mut records, mut problems) = (Records::default(), Vec::new());
    load_file("test.yaml", REGISTER, &mut records, &mut problems);
    load_file("more.yaml", software, &mut records, &mut problems);
    assert_eq!(problems, []);
    let register = Register::new(records);
    let name = "registry.nobody.lu/own/db";
    let image = Component::new(&format!("image:{name}"), name, "image", Layer::Unclassified, Role::Artefact, seen(2))
        .with_clue(Clue::new(ClueKind::Image, name));
    let mut facts = Facts::new();
    let (app, image) = (facts.add(own("app")), facts.add(image));
    facts.link(app, LinkKind::BuiltFrom, image, seen(3));
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    let hit = |power| powers.drill(&stack, power, &[us()]).hit.len();
    assert_eq!(Power::ALL.map(hit), [0, 0, 1]);
}

#[test]
fn names_of_parties() {
    let register = register();
    let stack = build(vec![Facts::new()], &register);
    let party = |name: &str| stack.party(name).map_err(|missing| missing.near);
    assert_eq!(party("us"), Ok(us()));
    assert_eq!(party("us-parent"), Ok(Holder::Entity("us-parent".into())));
    assert_eq!(party("logs"), Ok(Holder::Service("logs".into())));
    assert_eq!(party("Nowhere"), Ok(Holder::Entity("nowhere".into())));
    // `fr-op`, by the first part of its id; several of one name are not guessed at.
    assert_eq!(party("XX"), Err(vec![]));
    assert_eq!(party("parent"), Err(vec!["us-parent".to_owned()]));
}

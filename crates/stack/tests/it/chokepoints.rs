use super::*;
use allod_facts::Country;
use allod_stack::{Cut, Replacement, Target};

/// Links of `(from, to, kind, group, class)`; a group of 0 is none, a class of 0 is none.
#[derive(Clone, Debug)]
struct Web {
    apps: usize,
    links: Vec<(usize, usize, usize, usize, usize)>,
}

const CLASSES: [&str; 3] = ["", "billing", "patient"];

fn webs() -> impl Strategy<Value = Web> {
    (1_usize..5).prop_flat_map(|apps| {
        let all = apps + HOSTS.len();
        // Most links are of our own parts; what is provided depends on something, too.
        let link = (0..all, 0..all, 0..KINDS.len(), 0..4_usize, 0..5_usize);
        proptest::collection::vec(link, 0..16).prop_map(move |links| Web { apps, links })
    })
}

fn stack_of<'r>(web: &Web, register: &'r Register) -> Stack<'r> {
    let mut facts = Facts::new();
    let at: Vec<u32> = (0..web.apps)
        .map(|app| {
            let mut one = own(&format!("app-{app}"));
            if app == 0 {
                one.data = vec!["billing".into(), "patient".into()];
            }
            facts.add(one)
        })
        .chain(HOSTS.iter().map(|_| 0))
        .collect();
    let hosts: Vec<u32> = HOSTS.iter().map(|name| facts.add(host(name))).collect();
    let part = |n: usize| if n < web.apps { at[n] } else { hosts[n - web.apps] };
    for (from, to, kind, group, class) in &web.links {
        if from == to {
            continue;
        }
        // What others provide is deployed by us; it depends on nothing of ours otherwise. (If it did, replacing it would
        // also change which data is where, which a scenario takes as it is.)
        let ours = *from >= web.apps && *to < web.apps;
        let kind = if ours { LinkKind::DeployedBy } else { KINDS[*kind] };
        let link = facts.link(part(*from), kind, part(*to), seen(10));
        // Two groups, each of one kind of need; the other values are no group.
        link.any_of = (1..=2).contains(group).then(|| format!("g{group} {}", kind == LinkKind::DeployedBy).into());
        // Files state classes where our own parts send: what a provider passes on is all that it has.
        link.data = CLASSES
            .get(*class)
            .filter(|class| !class.is_empty() && *from < web.apps)
            .map(|class| Arc::from(*class))
            .into_iter()
            .collect();
    }
    build(vec![facts], register)
}

fn starts(stack: &Stack<'_>, powers: &Powers, target: Target) -> Vec<usize> {
    let is_start = |at: &usize| match target {
        Target::Part(part) => part == *at,
        Target::Stack => stack.parts[*at].fact.role == Role::Own,
        Target::Class(class) => stack.parts[*at].fact.role == Role::Own && powers.classes_of[*at] >> class & 1 == 1,
    };
    (0..stack.parts.len()).filter(is_start).collect()
}

fn is_asked(lane: Lane, target: Target, power: Power) -> bool {
    match (lane, target) {
        (Lane::Read(class), Target::Class(asked)) => class == asked && power == Power::Read,
        _ => lane.power() == power,
    }
}

/// Whether the holder still has the power when these parts were really replaced by somebody at home.
fn holds_after(web: &Web, register: &Register, replaced: &[usize], starts: &[usize], cut: &Cut) -> bool {
    let mut stack = stack_of(web, register);
    let ids: Vec<String> = replaced.iter().map(|at| stack.parts[*at].fact.id.to_string()).collect();
    for what in ids {
        stack.replace(&Replacement { what, by: "home-logs".into() }).unwrap();
    }
    let powers = Powers::of(&stack);
    let Some(holder) = powers.holder(&Holder::Jurisdiction(cut.jurisdiction)) else { return false };
    starts
        .iter()
        .any(|at| powers.lanes().any(|lane| is_asked(lane, cut.target, cut.power) && powers.has(*at, lane, holder)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_are_the_smallest_replacements(web in webs()) {
        let register = register();
        let stack = stack_of(&web, &register);
        let powers = Powers::of(&stack);
        let us = Country::new("US").unwrap();
        let Some(holder) = powers.holder(&Holder::Jurisdiction(us)) else { return Ok(()) };
        let replaceable: Vec<usize> =
            (0..stack.parts.len()).filter(|at| stack.parts[*at].fact.role != Role::Own).collect();
        let parts = (0..stack.parts.len()).filter(|at| stack.parts[*at].fact.role == Role::Own).map(Target::Part);
        let classes = (1..powers.classes.len()).map(Target::Class);
        for target in std::iter::once(Target::Stack).chain(classes).chain(parts) {
            for power in Power::ALL {
                if matches!(target, Target::Class(_)) && power != Power::Read {
                    continue;
                }
                let starts = starts(&stack, &powers, target);
                let held = starts
                    .iter()
                    .any(|at| powers.lanes().any(|lane| is_asked(lane, target, power) && powers.has(*at, lane, holder)));
                let cut = powers.cut(&stack, target, holder, us, power);
                prop_assert_eq!(cut.is_some(), held, "{:?} {:?}", target, power);
                let Some(cut) = cut else { continue };
                // It does end the power, and no smaller set of replacements does.
                prop_assert!(!holds_after(&web, &register, &cut.parts, &starts, &cut), "{:?} does not end it", cut);
                let smallest = (0_u32..1 << replaceable.len())
                    .filter(|set| (set.count_ones() as usize) < cut.parts.len())
                    .filter(|set| {
                        let chosen: Vec<usize> =
                            replaceable.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, at)| *at).collect();
                        !holds_after(&web, &register, &chosen, &starts, &cut)
                    })
                    .map(u32::count_ones)
                    .min();
                match smallest {
                    None => prop_assert!(cut.at_least <= cut.parts.len()),
                    Some(smaller) => {
                        prop_assert!(!cut.is_exact(), "{:?}: {} are enough", cut, smaller);
                        prop_assert!(cut.at_least <= smaller as usize, "{:?}: {} are enough", cut, smaller);
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_replacement_ends_ends_when_it_is_done(web in webs()) {
        let register = register();
        let home = Home::new(&["EU".into()]).unwrap();
        let stack = stack_of(&web, &register);
        let powers = Powers::of(&stack);
        let count = |stack: &Stack<'_>| {
            let powers = Powers::of(stack);
            let mut counts = [0_usize; 3];
            for (holder, _) in powers.abroad(&home) {
                for at in (0..stack.parts.len()).filter(|at| stack.parts[*at].fact.role == Role::Own) {
                    for (power, count) in Power::ALL.iter().zip(&mut counts) {
                        *count += usize::from(powers.lanes().any(|lane| lane.power() == *power && powers.has(at, lane, holder)));
                    }
                }
            }
            counts
        };
        let before = count(&stack);
        for point in powers.chokepoints(&stack, &home) {
            let mut replaced = stack_of(&web, &register);
            for at in &point.parts {
                let what = stack.parts[*at].fact.id.to_string();
                replaced.replace(&Replacement { what, by: "home-logs".into() }).unwrap();
            }
            let after = count(&replaced);
            for power in 0..3 {
                prop_assert_eq!(before[power] - after[power], point.ends[power], "{:?} {}", point, power);
                prop_assert!(point.ends[power] <= point.holds[power]);
            }
        }
    }
}

#[test]
fn the_whole_stack_at_the_fewest() {
    let register = register();
    let mut facts = Facts::new();
    let (a, b) = (facts.add(own("a")), facts.add(own("b")));
    let (logs, other, cdn) =
        (facts.add(host("logs.test-a.eu")), facts.add(host("other.test-b.eu")), facts.add(host("cdn.test-d.eu")));
    for from in [a, b] {
        facts.link(from, LinkKind::SendsTo, logs, seen(3));
    }
    facts.link(a, LinkKind::SendsTo, other, seen(4)).any_of = Some("x".into());
    facts.link(a, LinkKind::SendsTo, cdn, seen(5)).any_of = Some("x".into());
    let stack = build(vec![facts], &register);
    let powers = Powers::of(&stack);
    let us = Country::new("US").unwrap();
    let holder = powers.holder(&Holder::Jurisdiction(us)).unwrap();
    let names = |power, target| {
        let cut = powers.cut(&stack, target, holder, us, power).unwrap();
        assert!(cut.is_exact());
        cut.parts.iter().map(|at| stack.parts[*at].fact.name.clone()).collect::<Vec<_>>()
    };
    // Of the two alternatives one is enough against *stop*, and both are needed against *read*.
    assert_eq!(names(Power::Stop, Target::Stack).len(), 2);
    assert_eq!(names(Power::Read, Target::Stack).len(), 3);
    assert_eq!(names(Power::Stop, Target::Part(stack.find("b").unwrap())), ["logs.test-a.eu"]);
    let home = Home::new(&["EU".into()]).unwrap();
    let first = &powers.chokepoints(&stack, &home)[0];
    assert_eq!(first.service.unwrap().id, "logs");
    assert_eq!((first.holds, first.ends), ([2, 2, 0], [1, 1, 0]));
    assert_eq!(first.touches.len(), 2);
}

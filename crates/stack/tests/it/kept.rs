//! A stack that is kept is the one that a fresh build gives, whatever comes and goes.

use super::*;
use allod_facts::{Country, Delivered, Delivery, Diagnostic, Place, Severity};
use allod_stack::{Kept, Renewed};
use std::fmt::Write as _;

const MORE: &str = r#"
services:
  mailer: { name: Mailer, layer: mail, operator: us-other, match: { domains: [mail.test-m.eu], mx: [mail.test-m.eu] } }
  calls: { name: Calls, layer: observability, operator: us-parent, match: { domains: [calls.test-n.eu] } }
  nobody: { name: Nobody's, layer: observability, match: { domains: [nobody.test-o.eu] } }
  sdk: { name: SDK, layer: payments, operator: us-other, match: { sdk: { npm: [known-sdk] } } }
  forge: { name: Forge, layer: registry, operator: us-parent, match: { domains: [docker.io] } }
software:
  caller: { name: Caller, layer: database, publisher: us-other, match: { images: [docker.io/own/caller] }, talks_to: [{ service: calls }] }
  caller-two: { name: Caller Two, layer: messaging, publisher: lu-home, match: { images: [docker.io/own/caller-two] }, talks_to: [{ service: calls }, { service: nobody }] }
"#;

fn register() -> Register {
    let (mut records, mut problems) = (Records::default(), Vec::new());
    load_file("test.yaml", REGISTER, &mut records, &mut problems);
    load_file("more.yaml", MORE, &mut records, &mut problems);
    assert_eq!(problems, []);
    Register::new(records)
}

/// What one batch says: each is a row of numbers, which choose from what there is.
#[derive(Clone, Debug, Default)]
struct Says {
    components: Vec<(usize, usize)>,
    links: Vec<(usize, usize, usize, usize, usize)>,
    unresolved: Vec<(usize, usize)>,
    deliveries: Vec<(usize, usize)>,
}

/// Component `which` in one of its variants, as one file has it.
fn component(which: usize, variant: usize) -> Component {
    let at = |line: u32| Evidence::line(&Arc::from(["k/a.yaml", "k/b.yaml", "ci/c.yaml"][variant % 3]), line, "test");
    let seen = at(which as u32 + variant as u32 / 3);
    let make = |id: &str, kind: &str, layer: Layer, role: Role| {
        let name = id.split_once(':').map_or(id, |(_, name)| name);
        Component::new(id, name, kind, layer, role, seen.clone())
    };
    let host = |name: &str| {
        make(&format!("host:{name}"), "host", Layer::Unclassified, Role::Provided)
            .with_clue(Clue::new(ClueKind::Host, name))
    };
    let image = |name: &str| {
        make(&format!("image:{name}"), "image", Layer::Os, Role::Artefact).with_clue(Clue::new(ClueKind::Image, name))
    };
    let mut one = match which {
        0..6 => {
            let mut app = make(&format!("app:{which}"), "workload", Layer::Application, Role::Own);
            app.data = [&["billing"][..], &["billing", "patient"], &[], &[], &[], &["staff"]][variant % 6]
                .iter()
                .map(|class| Arc::from(*class))
                .collect();
            app.environment = variant.is_multiple_of(4).then(|| Arc::from("prod"));
            app
        }
        6 => host("logs.test-a.eu"),
        7 => host("other.test-b.eu"),
        8 => host("cdn.test-d.eu"),
        9 => host("dark.test-e.eu"),
        10 => host("x.nobody.io"),
        11 => host("web.shop.lu"),
        12 => host("nobody.test-o.eu"),
        13 => make("zone:shop.lu", if variant % 5 == 4 { "record" } else { "zone" }, Layer::Dns, Role::Own),
        14 => make("name:web.shop.lu", if variant % 5 == 4 { "record" } else { "name" }, Layer::Dns, Role::Own),
        15 => make("name:x.nobody.io", "name", Layer::Dns, Role::Own),
        16 => Component {
            layer: if variant % 5 == 4 { Layer::Unclassified } else { Layer::Mail },
            ..host("mail.test-m.eu")
        },
        17 => image("docker.io/own/caller"),
        18 => image("docker.io/own/caller-two"),
        19 => image("shop.lu/ours"),
        20 => make("package:known", "package", Layer::Packages, Role::Provided)
            .with_clue(Clue::new(ClueKind::Package(allod_facts::Ecosystem::Npm), "known-sdk")),
        21 => make("package:left-pad", "package", Layer::Packages, Role::Artefact)
            .with_clue(Clue::new(ClueKind::Package(allod_facts::Ecosystem::Npm), "left-pad")),
        22 => make("env:THING", "variable", Layer::Unclassified, Role::Provided),
        23 => make("ci:deploy", "job", Layer::Ci, Role::Own),
        24 => make("tf:bucket", "aws_s3_bucket", Layer::Storage, Role::Provided)
            .with_clue(Clue::new(ClueKind::TerraformType, "aws_s3_bucket")),
        25 => make("zone:test-b.eu", "zone", Layer::Dns, Role::Own),
        // Another owner of the same mail domain.
        _ => Component { name: "shop.lu".into(), ..make("name:shop.lu", "name", Layer::Dns, Role::Own) },
    };
    one.confidence = [Confidence::High, Confidence::High, Confidence::Medium, Confidence::Low][variant % 4];
    if variant % 7 == 6 {
        one.place = Some(Place { region: None, country: Country::new("DE") });
    }
    if variant % 3 == 2 {
        one.evidence.push(at(variant as u32 + 40));
    }
    one
}

const COMPONENTS: usize = 27;

fn batch(says: &Says) -> Facts {
    let mut facts = Facts::new();
    let refs: Vec<u32> =
        says.components.iter().map(|(which, variant)| facts.add(component(*which, *variant))).collect();
    let of = |at: usize| refs[at % refs.len()];
    if refs.is_empty() {
        return facts;
    }
    for (from, to, kind, how, line) in &says.links {
        let (from, to) = (of(*from), of(*to));
        let link = facts.link(from, KINDS[kind % KINDS.len()], to, seen(10 + *line as u32 % 3));
        match how % 9 {
            0 => link.any_of = Some("one".into()),
            1 => link.any_of = Some("two".into()),
            2 => link.mitigations.push(Mitigation::PinnedDigest),
            3 => link.mitigations.extend([Mitigation::NotRequired, Mitigation::ClientSideEncryption]),
            4 => link.data.push("patient".into()),
            5 => link.data.push("rare".into()),
            _ => {}
        }
    }
    for (about, what) in &says.unresolved {
        let code = ["U001", "U008", "U012"][what % 3];
        let about = (about % 4 != 3).then(|| of(*about));
        facts.unresolved(code, format!("because {}", what % 2), about, seen(*what as u32 % 4));
    }
    for (by, what) in &says.deliveries {
        let what = match what % 4 {
            0 => Delivered::Files("k".into()),
            1 => Delivered::Files(String::new()),
            2 => Delivered::Image("docker.io/own/caller".into()),
            _ => Delivered::Files("ci".into()),
        };
        facts.deliveries.push(Delivery { by: of(*by), what, evidence: seen(*by as u32 % 5) });
    }
    if says.unresolved.len() == 2 {
        let path = Arc::from("k/a.yaml");
        let message = format!("broken {}", says.components.len());
        facts.diagnostics.push(Diagnostic {
            code: "D001",
            severity: Severity::Error,
            message,
            path,
            line: 1,
            hint: None,
        });
    }
    facts.settle();
    facts
}

fn says() -> impl Strategy<Value = Says> {
    let few = 0..8_usize;
    (
        proptest::collection::vec((0..COMPONENTS, 0..24_usize), 0..7),
        proptest::collection::vec((few.clone(), few.clone(), 0..KINDS.len(), 0..18_usize, 0..3_usize), 0..9),
        proptest::collection::vec((few.clone(), 0..12_usize), 0..3),
        proptest::collection::vec((few, 0..8_usize), 0..2),
    )
        .prop_map(|(components, links, unresolved, deliveries)| {
            // Few batches deliver: a delivery concerns the whole stack.
            let deliveries = if components.len() == 6 { deliveries } else { Vec::new() };
            Says { components, links, unresolved, deliveries }
        })
}

/// Everything that a stack and its powers say.
fn picture(stack: &Stack<'_>, powers: &Powers) -> String {
    let home = Home::new(&["EU".into()]).unwrap();
    let mut out = format!("{} hidden\n", stack.hints_without_service);
    for (at, part) in stack.parts.iter().enumerate() {
        let (service, software) = (part.service.map(|one| &one.id), part.software.map(|one| &one.id));
        let (by, operator) = (part.matched_by, part.operator.map(|one| &one.id));
        let _ = writeln!(
            out,
            "{at} {:?} {:?} {:?} {service:?} {software:?} {by:?} {operator:?} {:?} {:b}",
            part.fact, part.layer, part.control, part.location, powers.classes_of[at]
        );
        for lane in powers.lanes() {
            let held: Vec<String> =
                powers.held_by(at, lane).map(|holder| format!("{:?}", powers.holders[holder])).collect();
            let base: Vec<usize> =
                (0..powers.holders.len()).filter(|holder| powers.base_has(at, lane, *holder)).collect();
            let _ = writeln!(out, "  {lane:?} {held:?} {base:?}");
        }
    }
    for (at, link) in stack.links.iter().enumerate() {
        let _ = writeln!(out, "{at} {link:?} {:?}", stack.passes(link));
    }
    let _ = writeln!(out, "{:?} {:?}", powers.classes, powers.holders);
    for one in &stack.unresolved {
        let _ = writeln!(out, "{one:?}");
    }
    let _ = writeln!(out, "{:?}", stack.diagnostics);
    for finding in stack.findings(powers, &home) {
        let _ = writeln!(out, "{finding:?} {}", finding.message(stack, &home));
    }
    for one in stack.priorities(powers, &home) {
        let counts = (&one.parts, one.reads, one.stops, one.changes, &one.classes, &one.alternatives, one.score);
        let _ = writeln!(out, "{} {counts:?}", one.service.id);
    }
    out
}

/// A session: what is kept, with the stack and its powers.
struct Session<'r> {
    register: &'r Register,
    kept: Kept<'r>,
    stack: Stack<'r>,
    powers: Powers,
}

impl<'r> Session<'r> {
    fn new(batches: &[Arc<Facts>], register: &'r Register) -> Session<'r> {
        let (kept, stack) = Kept::of(batches, register);
        let powers = Powers::of(&stack);
        let session = Session { register, kept, stack, powers };
        session.compare(batches, "at first");
        session
    }

    fn renew(&mut self, batches: &[Arc<Facts>]) -> Renewed {
        let renewed = self.kept.renew(batches, &mut self.stack, &mut self.powers);
        self.compare(batches, &format!("{renewed:?}"));
        renewed
    }

    fn compare(&self, batches: &[Arc<Facts>], what: &str) {
        let fresh = build(batches.iter().map(|facts| Facts::clone(facts)).collect(), self.register);
        let (ours, theirs) = (picture(&self.stack, &self.powers), picture(&fresh, &Powers::of(&fresh)));
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            assert_eq!(ours, theirs, "{what}");
        }
        assert_eq!(ours.lines().count(), theirs.lines().count(), "{what}");
    }
}

/// What is said by several files of which each is known to others, and by one that is edited.
fn edited(edit: impl FnOnce(&mut Says)) -> Vec<Arc<Facts>> {
    let apps = |of: &[usize]| of.iter().map(|which| (*which, 2)).collect::<Vec<_>>();
    let links = vec![(0, 1, 2, 8, 0), (0, 2, 3, 8, 0), (1, 2, 0, 8, 0)];
    let mut all: Vec<Says> = [[0, 6, 17], [1, 7, 18], [2, 0, 1], [3, 6, 24]]
        .iter()
        .map(|of| Says { components: apps(of), links: links.clone(), ..Says::default() })
        .collect();
    all.push(Says { components: apps(&[13, 14, 16]), links, ..Says::default() });
    edit(&mut all[3]);
    all.iter().map(|says| Arc::new(batch(says))).collect()
}

#[test]
fn ordinary_changes_cost_what_they_touch() {
    type Edit = fn(&mut Says);
    let cases: &[(&str, Edit)] = &[
        ("nothing, read again", |_| {}),
        ("a component more", |says| says.components.push((4, 2))),
        ("a component less", |says| says.components.truncate(2)),
        ("a link more", |says| says.links.push((0, 2, 1, 8, 2))),
        ("a link less", |says| says.links.truncate(2)),
        ("a provider that nobody used", |says| says.components.push((9, 2))),
        ("a zone of ours", |says| says.components.push((25, 2))),
        ("a delivery of the file", |says| says.deliveries.push((0, 1))),
        ("another line", |says| says.components[0].1 += 6),
        ("something not understood", |says| says.unresolved.push((0, 0))),
        ("a hint of nobody", |says| says.components.push((21, 3))),
        ("a class of data that nobody had", |says| says.components.push((5, 5))),
    ];
    let register = register();
    let before = edited(|_| {});
    let mut shown = String::new();
    for (what, edit) in cases {
        let mut session = Session::new(&before, &register);
        let there = session.renew(&edited(*edit));
        let _ = writeln!(shown, "{what}: {there:?}, and back {:?}", session.renew(&before));
    }
    insta::assert_snapshot!(shown);
}

/// Who deploys holds what the deployer reads of any class, also of one that is gone with who reads it.
#[test]
fn a_class_of_data_that_vanishes_takes_its_readers_along() {
    let register = register();
    let stays = {
        let mut facts = Facts::new();
        let [app, job, store] = ["app", "job", "store"].map(|id| facts.add(own(id)));
        facts.link(app, LinkKind::DeployedBy, job, seen(1));
        facts.link(job, LinkKind::SendsTo, store, seen(2));
        // Who holds something is the same before and after.
        facts.add(host("logs.test-a.eu"));
        Arc::new(facts)
    };
    let goes = {
        let mut facts = Facts::new();
        let [other, job, store] = ["other", "job", "store"].map(|id| facts.add(own(id)));
        let logs = facts.add(host("logs.test-a.eu"));
        facts.link(other, LinkKind::SendsTo, job, seen(3)).data.push("rare".into());
        let link = facts.link(store, LinkKind::SendsTo, logs, seen(4));
        link.data.push("rare".into());
        // Only read is passed on.
        link.mitigations.push(Mitigation::NotRequired);
        Arc::new(facts)
    };
    let mut session = Session::new(&[stays.clone(), goes.clone()], &register);
    let secrets = |session: &Session<'_>| {
        let app = session.stack.find("app").unwrap();
        session.powers.held_by(app, Lane::Read(1)).count()
    };
    assert_ne!(secrets(&session), 0);
    session.renew(std::slice::from_ref(&stays));
    assert_eq!(secrets(&session), 0);
    session.renew(&[stays, goes]);
}

#[test]
fn a_hint_that_becomes_a_part_builds_anew() {
    let register = register();
    let thing = |variant| Arc::new(batch(&Says { components: vec![(22, variant)], ..Says::default() }));
    let (hint, certain) = (thing(3), thing(0));
    let mut session = Session::new(std::slice::from_ref(&hint), &register);
    assert_eq!(session.renew(&[hint.clone(), certain.clone()]), Renewed::Whole);
    assert_eq!(session.renew(&[hint.clone(), certain]), Renewed::Same);
    assert_eq!(session.renew(&[hint]), Renewed::Whole);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_changes_and_goes(
        start in proptest::collection::vec(says(), 0..8),
        steps in proptest::collection::vec(proptest::collection::vec((0..10_usize, proptest::option::weighted(0.75, says())), 1..4), 1..6),
    ) {
        let register = register();
        let mut batches: Vec<Arc<Facts>> = start.iter().map(|says| Arc::new(batch(says))).collect();
        let mut session = Session::new(&batches, &register);
        for step in &steps {
            for (at, says) in step {
                match says {
                    Some(says) if *at < batches.len() => batches[*at] = Arc::new(batch(says)),
                    Some(says) => batches.push(Arc::new(batch(says))),
                    None if *at < batches.len() => drop(batches.remove(*at)),
                    None => {}
                }
            }
            session.renew(&batches);
        }
    }

    /// What is said of one component changes a little, and of nothing else.
    #[test]
    fn one_component_differs(
        start in proptest::collection::vec(says(), 2..8),
        edits in proptest::collection::vec((0..8_usize, 0..8_usize, 0..COMPONENTS, 0..24_usize), 1..8),
    ) {
        let register = register();
        let mut all = start;
        let mut batches: Vec<Arc<Facts>> = all.iter().map(|says| Arc::new(batch(says))).collect();
        let mut session = Session::new(&batches, &register);
        for (at, place, which, variant) in edits {
            let at = at % all.len();
            let says = &mut all[at];
            match says.components.get_mut(place) {
                Some(one) => *one = (which, variant),
                None => says.components.push((which, variant)),
            }
            batches[at] = Arc::new(batch(says));
            session.renew(&batches);
        }
    }
}

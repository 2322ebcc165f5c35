//! Rules over a large stack, made in memory: how much of the speed of the bare policy engine is left when subjects are
//! made of parts, told apart, and asked about. Each stack runs in a process of its own, so that its memory is its own.

use super::peak;
use allod_facts::{Clue, ClueKind, Component, Evidence, Facts, Labels, Layer, LinkKind, Place, Role};
use allod_register::Register;
use allod_rules::{Compiled, Date, Decider, Gate, Organisation, RuleSet, Rulebook, Scene, Subject, judge};
use allod_stack::{Home, Powers, build};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const COMPONENTS: usize = 100_000;
const RULES: usize = 50;
/// Questions that stand ready for the bare engine at once: all of them would take gigabytes.
const CHUNK: usize = 1_000;

/// How much the rules can tell components apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stack {
    /// By words, places and powers: many are alike.
    Alike,
    /// By labels as well, of which each component has its own.
    Labelled,
    /// By names as well.
    Named,
}

const STACKS: [(Stack, &str); 3] =
    [(Stack::Alike, "alike"), (Stack::Labelled, "own labels"), (Stack::Named, "own names")];

const FIGURES: [&str; 6] = ["build", "subjects", "bare", "decide", "judge", "alike"];

pub fn run(root: &Path) -> Result<(), String> {
    super::build(root)?;
    println!("{RULES} rules asked about {COMPONENTS} components: seconds a step");
    print!("  components  ");
    FIGURES.iter().for_each(|step| print!("  {step:>9}"));
    println!("  {:>9}  {:>12}", "memory", "bare : decide");
    for (_, name) in STACKS {
        let output = Command::new(root.join("target/release/xtask"))
            .args(["rules-run", name, &COMPONENTS.to_string()])
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        let [build, subjects, bare, decide, judge, alike, memory] = figures.as_slice() else {
            return Err(format!("no figures: {}", String::from_utf8_lossy(&output.stderr)));
        };
        print!("  {name:<12}");
        [build, subjects, bare, decide, judge].iter().for_each(|step| print!("  {step:>9.3}"));
        println!("  {alike:>9}  {:>6.0} MB  {:>9.2} x", memory / 1e6, bare / decide);
    }
    println!("  (wanted: at least 0.5 x of the bare engine, in each row)");
    Ok(())
}

/// One stack, in this process: prints the figures and the peak memory.
pub fn run_one(name: &str, components: usize) -> Result<(), String> {
    let stack_kind = STACKS.iter().find(|(_, known)| *known == name).map(|(stack, _)| *stack).ok_or("no such stack")?;
    let register = Register::builtin().map_err(|error| error.to_string())?;
    let home = Home::default();
    let told = |told: &[allod_facts::Diagnostic]| told.iter().map(|one| format!("{one:?}\n")).collect::<String>();
    let (organisation, problems) = Organisation::parse("allod.yaml", ORGANISATION);
    if !problems.is_empty() {
        return Err(told(&problems));
    }
    let (rules, problems) = RuleSet::parse(&[("rules/bench.yaml".to_owned(), rules(stack_kind))], &home);
    if !problems.is_empty() {
        return Err(told(&problems));
    }
    let (compiled, problems) = Compiled::new(&rules, &organisation, &register);
    let Some(compiled) = compiled else { return Err(told(&problems)) };
    let today = Date::of_unix_seconds(1_795_500_000);

    let mut lap = Instant::now();
    let mut seconds = || std::mem::replace(&mut lap, Instant::now()).elapsed().as_secs_f64();
    let mut stack = build(vec![facts(components)], &register);
    organisation.apply(&mut stack);
    let powers = Powers::of(&stack);
    let built = seconds();
    let scene = Scene::new(&stack, &powers, &organisation, &rules, &home, today);
    let subjects = scene.subjects();
    let made = seconds();
    let (bare, allowed) = bare(&compiled, &subjects)?;
    seconds();
    let mut decider = Decider::new(&compiled, Gate::Plan).ok_or("no decider")?;
    let decided = subjects.iter().filter(|subject| decider.decide(subject).allowed).count();
    let decide = seconds();
    if decided != allowed {
        return Err(format!("the bare engine allows {allowed}, and the decider {decided}"));
    }
    let book = Rulebook { rules: &rules, compiled: &compiled, organisation: &organisation, home: &home, today };
    let alike = decider.remembered();
    drop(decider);
    seconds();
    let judgement = judge(book, &stack, &powers, Gate::Plan);
    let judged = seconds();
    println!("{built} {made} {bare} {decide} {judged} {alike} {}", peak("/proc/self/status"));
    let broken: usize = judgement.violations.iter().map(|one| one.components.len()).sum();
    eprintln!(
        "{} policies, {} parts, {} links; {allowed} allowed; {} violations of {broken} components",
        compiled.policies.len(),
        stack.parts.len(),
        stack.links.len(),
        judgement.violations.len(),
    );
    Ok(())
}

/// The seconds that the engine alone takes over questions that stand ready, and how many it allows.
fn bare(compiled: &Compiled, subjects: &[Subject]) -> Result<(f64, usize), String> {
    let mut decider = Decider::new(compiled, Gate::Plan).ok_or("no decider")?;
    let (mut took, mut allowed) = (Duration::ZERO, 0);
    for chunk in subjects.chunks(CHUNK) {
        let questions: Result<Vec<_>, String> = chunk.iter().map(|subject| decider.question(subject)).collect();
        let questions = questions?;
        let started = Instant::now();
        allowed += questions.iter().filter(|question| decider.allows(question)).count();
        took += started.elapsed();
    }
    Ok((took.as_secs_f64(), allowed))
}

const ORGANISATION: &str = r#"version: 1
home: [EU]
data: { patient: { is: [personal, health] }, billing: {}, staff: {}, public: {} }
environments: { production: {}, staging: {} }
workloads:
  records: { label: ["app=records"], tier: critical, exit: { tested: 2026-09-14 } }
  billing: { label: ["app=billing"], tier: business }
  website: { label: ["app=website"] }
"#;

/// What rules are about; the last two tell components apart by labels and by names.
const SELECTORS: [&str; 10] = [
    "data: patient",
    "data: [billing, staff]",
    "environment: production",
    "workload: records",
    "tier: critical",
    "layer: [storage, database]",
    "provider: aws",
    "kind: \"aws_db_*\"",
    "label: [\"team=t7\", \"team=t11\"]",
    "component: \"*.legacy-*\"",
];

const REQUIREMENTS: [&str; 14] = [
    "be_in: [EU]",
    "be_controlled_from: [EU, US]",
    "be_operated_by: [aws, hetzner, ovhcloud]",
    "not_be_readable_from: { among: [CN, RU] }",
    "not_be_readable_by: [google-llc]",
    "not_be_stoppable_from: { among: [CN] }",
    "not_be_stoppable_by: [google-llc]",
    "not_be_changeable_from: { among: [RU] }",
    "not_be_changeable_by: [google-llc]",
    "keys: ours",
    "audit: [access-log]",
    "exit: { tested_within: 365d }",
    "at_most: { share: 100%, of: provider }",
    "only_for: { data: [patient, billing, staff, public] }",
];

/// Rules of every shape, with every selector that tells components apart no more than the stack wants.
fn rules(stack: Stack) -> String {
    let selectors = match stack {
        Stack::Alike => SELECTORS.len() - 2,
        Stack::Labelled => SELECTORS.len() - 1,
        Stack::Named => SELECTORS.len(),
    };
    let mut text = "version: 1\ntiers: { critical: {}, business: {} }\nrules:\n".to_owned();
    for at in 0..RULES {
        let selector = SELECTORS.get(at % selectors).copied().unwrap_or_default();
        let requirement = REQUIREMENTS.get(at % REQUIREMENTS.len()).copied().unwrap_or_default();
        let severity = if at % 10 == 9 { "warn" } else { "deny" };
        let _ = write!(text, "  rule-{at}:\n    severity: {severity}\n    {selector}\n    must: {{ {requirement} }}\n");
    }
    text
}

/// Kind of resource, its provider, layer, and regions.
const KINDS: [(&str, &str, Layer, [&str; 3]); 6] = [
    ("aws_instance", "hashicorp/aws", Layer::Compute, ["eu-central-1", "eu-west-1", "eu-west-3"]),
    ("aws_s3_bucket", "hashicorp/aws", Layer::Storage, ["eu-central-1", "eu-west-1", "us-east-1"]),
    ("aws_db_instance", "hashicorp/aws", Layer::Database, ["eu-central-1", "eu-west-3", "eu-west-1"]),
    ("hcloud_server", "hetznercloud/hcloud", Layer::Compute, ["fsn1", "nbg1", "hel1"]),
    ("scaleway_object_bucket", "scaleway/scaleway", Layer::Storage, ["fr-par", "nl-ams", "pl-waw"]),
    ("google_storage_bucket", "hashicorp/google", Layer::Storage, ["europe-west1", "europe-west3", "us-central1"]),
];
const CLASSES: [&str; 5] = ["patient", "billing", "staff", "public", ""];
const APPS: [&str; 4] = ["records", "billing", "website", "tools"];

/// Workloads of our own with what they run on, keep data in and send to: names and labels of their own, as teams write
/// them. The same every time.
fn facts(components: usize) -> Facts {
    let path: Arc<str> = Arc::from("infra/main.tf");
    let seen = |line: usize| Evidence::line(&path, line as u32 + 1, "terraform");
    let mut facts = Facts::new();
    let mut own = Vec::new();
    for at in 0..components {
        let pick = |list: &[&str], step: usize| list.get(at / step % list.len()).map(|one| (*one).to_owned());
        let team = format!("t{}", at % 97);
        let (service, app) = (format!("svc-{at}"), pick(&APPS, 7).unwrap_or_default());
        let pairs = [("team", team.as_str()), ("service", service.as_str()), ("app", app.as_str())];
        let mut component = if at % 3 == 0 {
            let id = format!("k8s:prod/{app}/{service}");
            Component::new(&id, &service, "Deployment", Layer::Application, Role::Own, seen(at))
        } else {
            let Some((kind, provider, layer, regions)) = KINDS.get(at / 5 % KINDS.len()) else { continue };
            let id = format!("tf:infra/main.tf#{kind}.{service}");
            let mut component = Component::new(&id, &service, kind, *layer, Role::Provided, seen(at));
            let clues = [Clue::new(ClueKind::TerraformType, kind), Clue::new(ClueKind::TerraformProvider, provider)];
            component.clues = clues.into_iter().collect();
            component.place = Some(Place { region: pick(regions, 11).map(Arc::from), country: None });
            component
        };
        component.labels = Labels::new(pairs);
        component.data = pick(&CLASSES, 13).filter(|class| !class.is_empty()).into_iter().map(Arc::from).collect();
        component.environment = pick(&["production", "staging"], 17).map(Arc::from);
        let is_own = component.role == Role::Own;
        let at = facts.add(component);
        if is_own {
            own.push(at);
        }
    }
    for (line, from) in own.into_iter().enumerate() {
        let kinds = [LinkKind::RunsOn, LinkKind::StoresIn, LinkKind::SendsTo];
        for (step, kind) in (1..).zip(kinds) {
            // Near ones: what a team runs stands together.
            let to = (from + step * 5) as usize;
            if to < components {
                facts.link(from, kind, to as u32, seen(line));
            }
        }
    }
    facts
}

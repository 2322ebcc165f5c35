//! A large stack, made in memory: build, powers, chokepoints, a drill. Each size runs in a process of its own, so that
//! its memory is its own.

use super::peak;
use allod_facts::{Clue, ClueKind, Component, Country, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use allod_register::Register;
use allod_stack::{Holder, Home, Power, Powers, Target, build};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// Components and links of the stacks.
const SIZES: [(usize, usize); 3] = [(10_000, 100_000), (30_000, 300_000), (100_000, 1_000_000)];
/// Every so-many-th component is somebody's service; the others are our own.
pub(super) const PROVIDED_EVERY: usize = 10;

const STEPS: [&str; 7] = ["build", "powers", "cuts", "replacements", "one workload", "drill", "walk"];

/// Runs every size and prints the time of each step, and what a link costs beside the smallest size. The baseline is a
/// plain breadth-first walk over the links.
pub fn run(root: &Path) -> Result<(), String> {
    super::build(root)?;
    println!("stack in memory: seconds a step");
    print!("  components      links");
    STEPS.iter().for_each(|step| print!("  {step:>12}"));
    println!("  {:>12}  {:>12}", "memory", "us a link");
    let mut first = None;
    for (components, links) in SIZES {
        let output = Command::new(root.join("target/release/xtask"))
            .args(["stack-run", &components.to_string(), &links.to_string()])
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        let (Some((memory, steps)), true) = (figures.split_last(), figures.len() == STEPS.len() + 1) else {
            return Err(format!("no figures: {}", String::from_utf8_lossy(&output.stderr)));
        };
        print!("  {components:>10} {links:>10}");
        steps.iter().for_each(|step| print!("  {step:>12.3}"));
        // The walk is the baseline, and no part of the analysis.
        let analysis: f64 = steps.iter().take(STEPS.len() - 1).sum();
        let a_link = analysis * 1e6 / links as f64;
        let smallest = *first.get_or_insert(a_link);
        println!("  {:>9.0} MB  {a_link:>12.2}  ({:.2} x the smallest)", memory / 1e6, a_link / smallest);
        let walk = steps.last().copied().unwrap_or_default();
        println!(
            "  {:>21}  powers cost {:.0} walks over the links",
            "",
            steps.get(1).copied().unwrap_or_default() / walk
        );
    }
    println!("  (wanted: growth near linear)");
    Ok(())
}

/// One size, in this process: prints the seconds of each step and the peak memory.
pub fn run_one(components: usize, links: usize) -> Result<(), String> {
    let register = Register::builtin().map_err(|error| error.to_string())?;
    let home = Home::new(&["EU".to_owned()]).map_err(|unknown| unknown.0)?;
    let facts = facts(components, links);
    let mut lap = Lap(Instant::now());
    let stack = build(vec![facts], &register);
    lap.print();
    let powers = Powers::of(&stack);
    lap.print();
    let cuts = powers.cuts(&stack, &home);
    lap.print();
    let replacements = powers.chokepoints(&stack, &home);
    lap.print();
    let us = Country::new("US").ok_or("no country")?;
    let holder = powers.holder(&Holder::Jurisdiction(us)).ok_or("nobody from the US in the stack")?;
    let workload = stack.find("app:7").ok_or("no workload")?;
    let of_one: Vec<_> = Power::ALL
        .into_iter()
        .filter_map(|power| powers.cut(&stack, Target::Part(workload), holder, us, power))
        .collect();
    lap.print();
    let drill = powers.drill(&stack, Power::Stop, &[Holder::Jurisdiction(us)]);
    lap.print();
    let seen = walk(&stack);
    lap.print();
    println!("{}", peak("/proc/self/status"));
    eprintln!(
        "{} parts, {} links; {} cuts ({} exact), {} replacements, {} cuts of one, {} hit; {seen} walked",
        stack.parts.len(),
        stack.links.len(),
        cuts.len(),
        cuts.iter().filter(|cut| cut.is_exact()).count(),
        replacements.len(),
        of_one.len(),
        drill.hit.len()
    );
    Ok(())
}

struct Lap(Instant);

impl Lap {
    fn print(&mut self) {
        println!("{:.6}", self.0.elapsed().as_secs_f64());
        self.0 = Instant::now();
    }
}

/// The baseline: every part reached from every other that was not reached yet, once over all links.
fn walk(stack: &allod_stack::Stack<'_>) -> usize {
    let mut first = vec![0_usize; stack.parts.len() + 1];
    stack.links.iter().for_each(|link| first.iter_mut().skip(link.from as usize + 1).take(1).for_each(|n| *n += 1));
    (1..first.len()).for_each(|at| {
        let before = first.get(at - 1).copied().unwrap_or(0);
        first.iter_mut().skip(at).take(1).for_each(|n| *n += before);
    });
    let mut seen = vec![false; stack.parts.len()];
    let mut count = 0;
    for root in 0..stack.parts.len() {
        let mut open = vec![root];
        while let Some(at) = open.pop() {
            if seen.get_mut(at).is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            count += 1;
            let range = first.get(at).copied().unwrap_or(0)..first.get(at + 1).copied().unwrap_or(0);
            open.extend(stack.links.get(range).unwrap_or_default().iter().map(|link| link.to as usize));
        }
    }
    count
}

/// Services that the components of the bench are of.
pub(super) const HOSTS: [&str; 8] = [
    "datadoghq.eu",
    "api.mistral.ai",
    "s3.us-east-1.amazonaws.com",
    "hooks.slack.com",
    "sentry.io",
    "s3.fr-par.scw.cloud",
    "api.stripe.com",
    "smtp.mailbox.org",
];
pub(super) const KINDS: [LinkKind; 6] = [
    LinkKind::RunsOn,
    LinkKind::StoresIn,
    LinkKind::SendsTo,
    LinkKind::BuiltFrom,
    LinkKind::DeployedBy,
    LinkKind::Trusts,
];
pub(super) const CLASSES: [&str; 4] = ["billing", "patient", "public", "staff"];

/// Workloads that use one another and services; a few cycles, groups of alternatives and mitigations. The same every
/// time.
fn facts(components: usize, links: usize) -> Facts {
    let path: Arc<str> = Arc::from("bench.yaml");
    let seen = |line: usize| Evidence::line(&path, line as u32 + 1, "bench");
    let mut facts = Facts::new();
    let at: Vec<u32> = (0..components)
        .map(|at| {
            let mut component = if at % PROVIDED_EVERY == 0 {
                let host = HOSTS.get(at / PROVIDED_EVERY % HOSTS.len()).copied().unwrap_or_default();
                let id = format!("host:{at}.{host}");
                Component::new(&id, &id, "host", Layer::Unclassified, Role::Provided, seen(at))
                    .with_clue(Clue::new(ClueKind::Host, &format!("{at}.{host}")))
            } else {
                let id = format!("app:{at}");
                Component::new(&id, &id, "workload", Layer::Application, Role::Own, seen(at))
            };
            if at % 50 == 7 {
                component.data =
                    CLASSES.get(at / 50 % CLASSES.len()).map(|class| Arc::from(*class)).into_iter().collect();
            }
            facts.add(component)
        })
        .collect();
    let mut random = Random(7);
    for line in 0..links {
        let from = random.below(components);
        // Mostly to later components; one in a hundred anywhere, so that there are cycles.
        let to = if line % 100 == 0 { random.below(components) } else { from + 1 + random.below(components - from) };
        let kind = KINDS.get(random.below(KINDS.len())).copied().unwrap_or(LinkKind::SendsTo);
        let (Some(from), Some(to)) = (at.get(from), at.get(to.min(components - 1))) else { continue };
        if from == to {
            continue;
        }
        let link = facts.link(*from, kind, *to, seen(line));
        if line % 40 == 3 {
            link.any_of = Some(Arc::from("alternatives"));
        }
        if line % 3 == 1 {
            link.mitigations.extend([
                Mitigation::PinnedDigest,
                Mitigation::ClientSideEncryption,
                Mitigation::NotRequired,
            ]);
        }
    }
    facts
}

/// A linear congruential generator (Knuth, MMIX): the same numbers every time.
pub(super) struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit.max(1) as u64) as usize
    }
}

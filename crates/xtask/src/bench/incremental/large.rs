use super::super::stack::{CLASSES, HOSTS, KINDS, PROVIDED_EVERY, Random};
use allod_facts::{Clue, ClueKind, Component, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use allod_register::Register;
use allod_stack::{Home, Kept, Powers, Renewed, Stack};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Files of the stack, and what one has.
const FILES: usize = 1_000;
const COMPONENTS: usize = 100;
const LINKS: usize = 1_000;
/// One link in so many leads to a component that many files know: a host, a service of another team.
const SHARED_ONE_IN: usize = 5;
/// One file in so many is known to others, with its first components.
const KNOWN_ONE_IN: usize = 50;
/// Times that each thing is done; the fastest is shown, as other programs run.
const RUNS: usize = 5;

/// How a file is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    /// A component with links to others of the file and to shared ones.
    Added,
    /// A component says what data it has, and that it needs something else.
    Edited,
    Removed,
    /// A line above everything else: all evidence is of other lines.
    Line,
    /// A host of a service that nobody used before.
    Service,
    /// A class of data that nobody had before.
    Class,
    /// Every line of so many files that everything is built anew.
    Many,
}

/// A file that nobody else knows, and one whose components others use.
const ORDINARY: usize = FILES / 2 + 1;
const KNOWN: usize = FILES / 2;

const CHANGES: [(Change, usize, &str); 9] = [
    (Change::Added, ORDINARY, "component added"),
    (Change::Edited, ORDINARY, "component edited"),
    (Change::Removed, ORDINARY, "component removed"),
    (Change::Line, ORDINARY, "every line moved"),
    (Change::Removed, KNOWN, "removed where known"),
    (Change::Line, KNOWN, "moved where known"),
    (Change::Service, ORDINARY, "new service"),
    (Change::Class, ORDINARY, "new data class"),
    (Change::Many, ORDINARY, "400 files at once (all anew)"),
];

/// Measures what follows the reading, for a stack of 100,000 components and 1,000,000 links in memory, of 1,000 files:
/// the first time, and after one file changed.
pub fn large() -> Result<(), String> {
    let register = Register::builtin().map_err(|error| error.to_string())?;
    let home = Home::new(&["EU".to_owned()]).map_err(|_| "no home".to_owned())?;
    let files: Vec<Arc<Facts>> = (0..FILES).map(|at| Arc::new(file(at, Change::None, 0))).collect();

    let build_all = |files: &[Arc<Facts>]| {
        let facts = files.iter().map(|facts| Facts::clone(facts)).collect();
        (None, allod_stack::build(facts, &register))
    };
    let fresh = (0..RUNS).map(|_| first(&files, &home, &build_all).0).min_by_key(|times| times.whole);
    let fresh = fresh.ok_or("no run")?;
    let (times, (kept, mut stack, mut powers)) = first(&files, &home, &|files| {
        let (kept, stack) = Kept::of(files, &register);
        (Some(kept), stack)
    });
    let mut kept = kept.ok_or("nothing kept")?;
    println!("  {} parts, {} links, {} files", stack.parts.len(), stack.links.len(), files.len());
    println!("  first, nothing kept         {}", fresh.shown());
    println!("  first of a session          {}", times.shown());
    for (change, file_of, what) in CHANGES {
        let mut all = Vec::new();
        for run in 0..RUNS {
            let mut now = files.clone();
            let changed = if change == Change::Many { FILES * 2 / 5 } else { 1 };
            for (at, place) in now.iter_mut().enumerate().skip(file_of).take(changed) {
                *place = Arc::new(file(at, change, run));
            }
            let started = Instant::now();
            let renewed = kept.renew(&now, &mut stack, &mut powers);
            let built = started.elapsed();
            let findings = stack.findings(&powers, &home).len() + stack.priorities(&powers, &home).len();
            all.push((Times { whole: started.elapsed(), built, held: built, findings }, renewed));
            // Back to where it was, so that every run is the same one.
            if kept.renew(&files, &mut stack, &mut powers) == Renewed::Same {
                return Err("nothing changed".to_owned());
            }
        }
        all.sort_by_key(|(times, _)| times.whole);
        let Some((times, renewed)) = all.into_iter().next() else { continue };
        let ratio = times.whole.as_secs_f64() / fresh.whole.as_secs_f64();
        println!("  {what:<27} {}   {ratio:.3} of the first, {renewed:?}", times.shown());
    }
    println!("  peak memory {:.0} MB", super::super::peak("/proc/self/status") as f64 / 1e6);
    Ok(())
}

struct Times {
    whole: Duration,
    built: Duration,
    held: Duration,
    findings: usize,
}

impl Times {
    fn shown(&self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let held =
            if self.held > self.built { format!(", powers {:.0}", ms(self.held - self.built)) } else { String::new() };
        format!(
            "{:>7.1} ms (stack {:.1}{held}, findings {:.1}: {})",
            ms(self.whole),
            ms(self.built),
            ms(self.whole - self.held),
            self.findings
        )
    }
}

type Built<'r> = (Option<Kept<'r>>, Stack<'r>);

fn first<'r>(
    files: &[Arc<Facts>],
    home: &Home,
    build: &dyn Fn(&[Arc<Facts>]) -> Built<'r>,
) -> (Times, (Option<Kept<'r>>, Stack<'r>, Powers)) {
    let started = Instant::now();
    let (kept, stack) = build(files);
    let built = started.elapsed();
    let powers = Powers::of(&stack);
    let held = started.elapsed();
    let findings = stack.findings(&powers, home).len() + stack.priorities(&powers, home).len();
    (Times { whole: started.elapsed(), built, held, findings }, (kept, stack, powers))
}

/// One file: workloads that use one another, hosts, and things that other files know. A few cycles, groups of
/// alternatives and mitigations. The same every time, but for the change.
fn file(number: usize, change: Change, run: usize) -> Facts {
    let path: Arc<str> = Arc::from(format!("files/{number}.yaml"));
    let down = if matches!(change, Change::Line | Change::Many) { run + 1 } else { 0 };
    let seen = |line: usize| Evidence::line(&path, (line + down) as u32 + 1, "bench");
    let mut facts = Facts::new();
    let gone = (change == Change::Removed).then_some(COMPONENTS / 2 + run);
    let mut at: Vec<Option<u32>> =
        (0..COMPONENTS).map(|one| (Some(one) != gone).then(|| facts.add(component(number, one, seen(one))))).collect();
    let shared: Vec<u32> = (0..COMPONENTS / 4)
        .map(|one| {
            let of = (number + one * KNOWN_ONE_IN) / KNOWN_ONE_IN * KNOWN_ONE_IN % FILES;
            facts.add(component(of, one % PROVIDED_EVERY, seen(COMPONENTS + one)))
        })
        .collect();
    let mut random = Random(number as u64 + 7);
    for line in 0..LINKS {
        let from = random.below(COMPONENTS);
        // Mostly to later components; one in a hundred anywhere, so that there are cycles.
        let to = if line % 100 == 0 { random.below(COMPONENTS) } else { from + 1 + random.below(COMPONENTS - from) };
        let other = shared.get(random.below(shared.len())).copied();
        let to = if line % SHARED_ONE_IN == 0 { other } else { at.get(to.min(COMPONENTS - 1)).copied().flatten() };
        let kind = KINDS.get(random.below(KINDS.len())).copied().unwrap_or(LinkKind::SendsTo);
        let (Some(Some(from)), Some(to)) = (at.get(from).copied(), to) else { continue };
        if from == to {
            continue;
        }
        let link = facts.link(from, kind, to, seen(COMPONENTS + line));
        if line % 40 == 3 {
            link.any_of = Some(Arc::from("alternatives"));
        }
        if line % 3 == 1 {
            let all = [Mitigation::PinnedDigest, Mitigation::ClientSideEncryption, Mitigation::NotRequired];
            link.mitigations.extend(all);
        }
    }
    let middle = at.get(COMPONENTS / 2).copied().flatten();
    match change {
        Change::Added => {
            let id = format!("app:{number}:more{run}");
            let seen = seen(5_000);
            let more = Component::new(&id, &id, "workload", Layer::Application, Role::Own, seen.clone());
            at.push(Some(facts.add(more)));
            let from = at.last().copied().flatten();
            for to in at.iter().skip(COMPONENTS / 2).take(3).copied().chain([shared.first().copied()]) {
                if let (Some(from), Some(to)) = (from, to) {
                    facts.link(from, LinkKind::SendsTo, to, seen.clone());
                }
            }
        }
        Change::Edited | Change::Class => {
            if let (Some(from), Some(to)) = (middle, shared.last()) {
                facts.link(from, LinkKind::StoresIn, *to, seen(5_000 + run));
            }
            let class = if change == Change::Class { "research" } else { "staff" };
            let edited = middle.and_then(|middle| facts.get_mut(middle));
            edited.into_iter().for_each(|one| one.data = vec![Arc::from(class)]);
        }
        Change::Service => {
            let host = Component::new("host:x.io", "x.io", "host", Layer::Unclassified, Role::Provided, seen(5_000));
            let to = facts.add(host.with_clue(Clue::new(ClueKind::Host, "api.openai.com")));
            if let Some(from) = middle {
                facts.link(from, LinkKind::SendsTo, to, seen(5_000));
            }
        }
        Change::None | Change::Removed | Change::Line | Change::Many => {}
    }
    facts.settle();
    facts
}

fn component(number: usize, at: usize, seen: Evidence) -> Component {
    if at.is_multiple_of(PROVIDED_EVERY) {
        let host = HOSTS.get((number + at / PROVIDED_EVERY) % HOSTS.len()).copied().unwrap_or_default();
        let id = format!("host:{number}-{at}.{host}");
        return Component::new(&id, &id, "host", Layer::Unclassified, Role::Provided, seen)
            .with_clue(Clue::new(ClueKind::Host, &format!("{number}-{at}.{host}")));
    }
    let id = format!("app:{number}:{at}");
    let mut one = Component::new(&id, &id, "workload", Layer::Application, Role::Own, seen);
    if at == 7 {
        one.data = CLASSES.get(number % CLASSES.len()).map(|class| Arc::from(*class)).into_iter().collect();
    }
    one
}

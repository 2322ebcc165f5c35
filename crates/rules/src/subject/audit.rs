use super::Set;
use crate::rule::AuditFact;
use allod_facts::{Country, Layer, LinkKind, RecordKind};
use allod_stack::{Control, Home, Part, Stack};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// For each part, which facts of full auditability the files show. `docs/rules.md` defines them; what is not shown does
/// not hold.
pub(super) struct Audit {
    of: Vec<Vec<AuditFact>>,
}

impl Audit {
    pub fn of(stack: &Stack<'_>, home: &Home, countries: &dyn Fn(usize) -> Set) -> Audit {
        let out = |part: usize| {
            let first = stack.links.partition_point(|link| (link.from as usize) < part);
            stack.links.iter().skip(first).take_while(move |link| link.from as usize == part)
        };
        let sinks = Sinks::of(stack, home, countries);
        let trails: BTreeSet<Account<'_>> =
            stack.parts.iter().filter(|part| has(part, RecordKind::ControlTrail)).filter_map(account).collect();
        let of = stack.parts.iter().enumerate().map(|(at, part)| {
            let mut facts = Vec::new();
            let hosts = out(at).filter(|link| link.kind == LinkKind::RunsOn).map(|link| link.to as usize);
            let mut around: Vec<usize> = vec![at];
            around.extend(hosts);
            let trail = |at: &usize| {
                let part = stack.parts.get(*at);
                part.is_some_and(|part| {
                    has(part, RecordKind::ControlTrail) || account(part).is_some_and(|one| trails.contains(&one))
                })
            };
            if around.iter().any(trail) {
                facts.push(AuditFact::ControlTrail);
            }
            let reached = sinks.reached(stack, at);
            if has(part, RecordKind::AccessLog) || !reached.is_empty() {
                facts.push(AuditFact::AccessLog);
            }
            let all = |flags: &BTreeMap<usize, Sink>, holds: fn(&Sink) -> bool| {
                !reached.is_empty() && reached.iter().all(|sink| flags.get(sink).is_some_and(holds))
            };
            if all(&sinks.ends, |sink| sink.at_home) {
                facts.push(AuditFact::SinkAtHome);
            }
            if all(&sinks.ends, |sink| sink.retention) {
                facts.push(AuditFact::Retention);
            }
            let mut deployers =
                out(at).filter(|link| link.kind == LinkKind::DeployedBy).map(|link| link.to as usize).peekable();
            let gate = |at: usize| {
                stack
                    .parts
                    .get(at)
                    .is_some_and(|part| has(part, RecordKind::RuleGate) && is_ours_or_home(part, stack, home))
            };
            if deployers.peek().is_some() && deployers.all(gate) {
                facts.push(AuditFact::RuleGate);
            }
            facts
        });
        Audit { of: of.collect() }
    }

    pub fn facts(&self, part: usize) -> &[AuditFact] {
        self.of.get(part).map_or(&[], Vec::as_slice)
    }
}

fn has(part: &Part<'_>, kind: RecordKind) -> bool {
    part.fact.records.iter().any(|record| record.kind == kind)
}

/// What shares a control plane: the resources of one Terraform root at one provider, the objects of Kubernetes.
fn account<'p>(part: &'p Part<'_>) -> Option<Account<'p>> {
    let id: &str = &part.fact.id;
    if id.starts_with("k8s:") {
        return Some(Account::Kubernetes);
    }
    let (root, _) = id.strip_prefix("tf:")?.split_once('#')?;
    Some(Account::Terraform { root, operator: &part.operator?.id })
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Account<'p> {
    Kubernetes,
    Terraform { root: &'p str, operator: &'p str },
}

/// Where logs end.
struct Sinks {
    ends: BTreeMap<usize, Sink>,
}

struct Sink {
    at_home: bool,
    retention: bool,
}

impl Sinks {
    fn of(stack: &Stack<'_>, home: &Home, countries: &dyn Fn(usize) -> Set) -> Sinks {
        let is_sink =
            |part: &Part<'_>| part.layer == Layer::Observability && !part.is_hint() || has(part, RecordKind::LogStore);
        let ends = stack.parts.iter().enumerate().filter(|(_, part)| is_sink(part)).map(|(at, part)| {
            let days = part.fact.records.iter().filter(|record| record.kind == RecordKind::LogStore);
            let retention = days.into_iter().any(|record| record.days.is_some());
            (at, Sink { at_home: is_at_home(part, stack, home, &countries(at)), retention })
        });
        Sinks { ends: ends.collect() }
    }

    /// The sinks that logs of a part end in: what it sends to, through collectors of our own.
    fn reached(&self, stack: &Stack<'_>, part: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        if self.ends.is_empty() {
            return found;
        }
        let mut seen = BTreeSet::from([part]);
        let mut next = vec![part];
        while let Some(at) = next.pop() {
            let first = stack.links.partition_point(|link| (link.from as usize) < at);
            let links = stack.links.iter().skip(first).take_while(|link| link.from as usize == at);
            let mut on = links
                .filter(|link| matches!(link.kind, LinkKind::SendsTo | LinkKind::StoresIn))
                .map(|link| link.to as usize)
                .filter(|to| self.ends.contains_key(to))
                .peekable();
            // What keeps logs itself ends there, too.
            if on.peek().is_none() && (at != part || self.ends.contains_key(&at)) {
                found.insert(at);
            }
            for to in on {
                if seen.insert(to) {
                    next.push(to);
                }
            }
        }
        found
    }
}

/// Located at home, and controlled from home.
fn is_at_home(part: &Part<'_>, stack: &Stack<'_>, home: &Home, countries: &[Arc<str>]) -> bool {
    let here = |code: &Arc<str>| Country::new(code).is_some_and(|country| crate::union::is_home(home, country));
    let located = !countries.is_empty() && countries.iter().all(here);
    located && is_ours_or_home(part, stack, home)
}

/// Run by ourselves, or provided from home by nobody who is owned from elsewhere.
fn is_ours_or_home(part: &Part<'_>, stack: &Stack<'_>, home: &Home) -> bool {
    match part.control {
        Control::SelfHosted => true,
        Control::Unknown => false,
        Control::Known => {
            let from = part.controlled_from(stack.register);
            !from.is_empty() && from.iter().all(|country| home.has(*country))
        }
    }
}

use super::{Set, UNKNOWN, sorted};
use crate::organisation::Organisation;
use crate::rule::RuleSet;
use allod_facts::{LinkKind, Role};
use allod_stack::{Part, Stack};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The words of the organisation by part: what a workload or an environment uses belongs to it, too; and where each
/// part is, through what it runs on.
pub(super) struct Reach {
    environments: Words,
    workloads: Words,
    /// By workload, its tier with those that this one extends.
    tiers: Vec<Set>,
    countries: Vec<Arc<Set>>,
}

/// Words beyond these are not told apart: rows are bits of four machine words.
pub const MAX_WORDS: usize = 256;

type Row = [u64; MAX_WORDS / 64];

struct Words {
    names: Vec<Arc<str>>,
    of: Vec<Row>,
}

impl Words {
    fn at(&self, part: usize) -> Set {
        let Some(row) = self.of.get(part) else { return Vec::new() };
        let names = row.iter().enumerate().flat_map(|(word, bits)| super::bits(*bits).map(move |bit| word * 64 + bit));
        names.filter_map(|at| self.names.get(at).cloned()).collect()
    }
}

impl Reach {
    pub fn of(stack: &Stack<'_>, organisation: &Organisation, rules: &RuleSet) -> Reach {
        let out = Out::of(stack);
        let mut names: BTreeSet<Arc<str>> =
            stack.parts.iter().filter_map(|part| part.fact.environment.clone()).collect();
        names.extend(organisation.environments.keys().map(|name| Arc::from(name.as_str())));
        let environments =
            out.flow(stack, names.into_iter().collect(), |part, name| part.fact.environment.as_deref() == Some(name));
        let names: Vec<Arc<str>> = organisation.workloads.keys().map(|name| Arc::from(name.as_str())).collect();
        let workloads = out.flow(stack, names, |part, name| {
            organisation
                .workloads
                .get(name)
                .is_some_and(|workload| workload.on.iter().any(|one| one.fits(part, &organisation.base)))
        });
        let tiers = organisation.workloads.values().map(|workload| {
            let tier = workload.tier.as_ref().map(|said| said.text.as_str());
            tier.map(|tier| sorted(rules.tier_and_extended(tier).into_iter().map(Arc::from).collect()))
                .unwrap_or_default()
        });
        Reach { environments, workloads, tiers: tiers.collect(), countries: out.countries(stack) }
    }

    pub fn environments(&self, part: usize) -> Set {
        self.environments.at(part)
    }

    pub fn workloads(&self, part: usize) -> Set {
        self.workloads.at(part)
    }

    pub fn tiers(&self, part: usize) -> Set {
        let Some(row) = self.workloads.of.get(part) else { return Vec::new() };
        let workloads =
            row.iter().enumerate().flat_map(|(word, bits)| super::bits(*bits).map(move |bit| word * 64 + bit));
        sorted(workloads.filter_map(|at| self.tiers.get(at)).flatten().cloned().collect())
    }

    pub fn countries(&self, part: usize) -> Set {
        self.countries.get(part).map(|set| set.to_vec()).unwrap_or_else(|| vec![Arc::from(UNKNOWN)])
    }
}

/// Links by the part that they lead from.
struct Out {
    first: Vec<usize>,
}

impl Out {
    fn of(stack: &Stack<'_>) -> Out {
        // Links are sorted by `from`.
        let mut first = Vec::with_capacity(stack.parts.len() + 1);
        for (at, link) in stack.links.iter().enumerate() {
            while first.len() <= link.from as usize {
                first.push(at);
            }
        }
        first.resize(stack.parts.len() + 1, stack.links.len());
        Out { first }
    }

    fn links<'s>(&self, stack: &'s Stack<'_>, part: usize) -> &'s [allod_stack::Edge] {
        let at = |part: usize| self.first.get(part).copied().unwrap_or(stack.links.len());
        stack.links.get(at(part)..at(part + 1)).unwrap_or_default()
    }

    /// Each word from the parts that it is on, to everything that these use.
    fn flow(&self, stack: &Stack<'_>, names: Vec<Arc<str>>, is_on: impl Fn(&Part<'_>, &str) -> bool) -> Words {
        let mut of = vec![Row::default(); stack.parts.len()];
        let mut queue = VecDeque::new();
        if !names.is_empty() {
            for (at, (part, row)) in stack.parts.iter().zip(&mut of).enumerate() {
                for (bit, _) in names.iter().take(MAX_WORDS).enumerate().filter(|(_, name)| is_on(part, name)) {
                    row.iter_mut().skip(bit / 64).take(1).for_each(|word| *word |= 1 << (bit % 64));
                }
                if *row != Row::default() {
                    queue.push_back(at);
                }
            }
        }
        let mut queued = vec![false; stack.parts.len()];
        while let Some(part) = queue.pop_front() {
            queued.iter_mut().skip(part).take(1).for_each(|flag| *flag = false);
            let has = of.get(part).copied().unwrap_or_default();
            for link in self.links(stack, part) {
                let to = link.to as usize;
                let Some(there) = of.get_mut(to) else { continue };
                let mut united = *there;
                united.iter_mut().zip(has).for_each(|(word, more)| *word |= more);
                if united != *there {
                    *there = united;
                    if let Some(flag) = queued.get_mut(to).filter(|flag| !**flag) {
                        *flag = true;
                        queue.push_back(to);
                    }
                }
            }
        }
        Words { names, of }
    }

    /// Where each part is: as its own file or region says, otherwise where all that it runs on is.
    fn countries(&self, stack: &Stack<'_>) -> Vec<Arc<Set>> {
        let unknown: Arc<Set> = Arc::new(vec![Arc::from(UNKNOWN)]);
        let mut known: BTreeMap<String, Arc<Set>> = BTreeMap::new();
        let mut of: Vec<Option<Arc<Set>>> = stack
            .parts
            .iter()
            .map(|part| {
                let country = part.location.as_ref().and_then(|place| place.country)?;
                let code = country.code().to_owned();
                Some(known.entry(code).or_insert_with(|| Arc::new(vec![Arc::from(country.code())])).clone())
            })
            .collect();
        for at in 0..stack.parts.len() {
            if of.get(at).is_some_and(Option::is_none) {
                let places = self.below(stack, at, &of).map_or_else(|| unknown.clone(), Arc::new);
                of.iter_mut().skip(at).take(1).for_each(|slot| *slot = Some(places.clone()));
            }
        }
        of.into_iter().map(|places| places.unwrap_or_else(|| unknown.clone())).collect()
    }

    /// The places of what a part runs on, through as many layers as it takes. `None` when it runs on nothing.
    fn below(&self, stack: &Stack<'_>, part: usize, of: &[Option<Arc<Set>>]) -> Option<Set> {
        let role = stack.parts.get(part)?.fact.role;
        if role == Role::Artefact {
            return None;
        }
        let mut places: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut seen = BTreeSet::from([part]);
        let mut next = vec![part];
        while let Some(at) = next.pop() {
            let mut hosts = self.links(stack, at).iter().filter(|link| link.kind == LinkKind::RunsOn).peekable();
            if hosts.peek().is_none() {
                places.insert(Arc::from(UNKNOWN));
            }
            for host in hosts.map(|link| link.to as usize) {
                match of.get(host).cloned().flatten() {
                    Some(set) => places.extend(set.iter().cloned()),
                    None if seen.insert(host) => next.push(host),
                    None => {}
                }
            }
        }
        Some(places.into_iter().collect()).filter(|places: &Set| !places.is_empty())
    }
}

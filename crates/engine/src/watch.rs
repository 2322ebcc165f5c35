#[cfg(feature = "kubernetes")]
mod cluster;
mod rounds;
#[cfg(test)]
mod tests;

use crate::audit::{Error, Options};
use crate::policies::{Policies, PolicyOptions, base_of, organisation, texts};
use crate::session::Session;
use allod_evidence::check::{Key, READABLE, unread};
use allod_evidence::watch::{State, Unseen};
use allod_facts::{Diagnostic, Facts, Severity};
use allod_register::Register;
use allod_rules::{Date, Gate, Organisation, Violation};
use allod_stack::diff::{Component, Snapshot};
use allod_stack::drift::drift;
use allod_stack::{Home, Powers, Stack, build};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "kubernetes")]
pub use cluster::{ClusterOptions, RunningCluster, cluster_rbac};
pub use rounds::Rounds;

/// What is watched, by which rules, compared with what.
#[derive(Clone, Debug, Default)]
pub struct WatchOptions {
    /// Files that describe what runs; empty when something else than files is watched.
    pub running: Vec<PathBuf>,
    /// What was allowed; empty: what runs is judged by the rules, and compared with nothing.
    pub allowed: Vec<PathBuf>,
    /// Files that describe what the running parts stand on. They are looked at, and not judged.
    pub context: Vec<PathBuf>,
    pub policy: PolicyOptions,
    /// See [`Options::register`].
    pub register: Option<PathBuf>,
    /// Files of what runs that cannot be read are no violation.
    pub allow_unread: bool,
    /// That something allowed does not run counts.
    pub fail_on_missing: bool,
    /// What is known already, and worked off.
    pub baseline: BTreeSet<Key>,
}

/// Where it is seen what runs.
pub trait Running {
    /// What is seen now.
    ///
    /// # Errors
    /// Nothing can be seen; it may again later.
    fn look(&mut self) -> Result<Sight, Error>;

    /// What to call it.
    fn name(&self) -> String;

    /// Whether it would show a component, if it ran, that was allowed and is not seen.
    fn shows(&self, component: &Component) -> bool;
}

/// What a source saw.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// `None`: the same as the time before.
    pub facts: Option<Vec<Arc<Facts>>>,
    /// Parts of it that could not be seen.
    pub unseen: Vec<Unseen>,
}

/// What runs, as files show it: manifests that were exported, a state, Compose files.
pub struct RunningFiles<'r> {
    session: Session<'r>,
    paths: Vec<PathBuf>,
    /// Schemes of ids (`tf`, `k8s`) that the files have components of.
    schemes: BTreeSet<String>,
}

impl<'r> RunningFiles<'r> {
    pub fn new(paths: &[PathBuf], register: &'r Register) -> RunningFiles<'r> {
        let options = Options { paths: paths.to_vec(), home: Home::default(), register: None, resolve: None };
        RunningFiles { session: Session::new(options, register), paths: paths.to_vec(), schemes: BTreeSet::new() }
    }
}

impl Running for RunningFiles<'_> {
    fn look(&mut self) -> Result<Sight, Error> {
        let facts = self.session.facts_if_changed(&|_| {})?;
        if let Some(facts) = &facts {
            let ids = facts.iter().flat_map(|facts| &facts.components).map(|one| one.id.split_once(':'));
            self.schemes = ids.flatten().map(|(scheme, _)| scheme.to_owned()).collect();
        }
        Ok(Sight { facts, unseen: Vec::new() })
    }

    fn name(&self) -> String {
        shown(&self.paths)
    }

    fn shows(&self, component: &Component) -> bool {
        // A dump of one kind says nothing about another: a state of Terraform has no manifests.
        component.id.split_once(':').is_some_and(|(scheme, _)| self.schemes.contains(scheme))
    }
}

/// Looks at what runs, again and again.
///
/// The register is the one of the beginning: a changed overlay counts from the next start on.
pub struct Watch<'r> {
    options: WatchOptions,
    register: &'r Register,
    source: Box<dyn Running + 'r>,
    allowed: Option<Session<'r>>,
    context: Option<Session<'r>>,
    seen: Seen,
}

/// What the last look was made from.
#[derive(Default)]
struct Seen {
    running: Vec<Arc<Facts>>,
    allowed: Vec<Arc<Facts>>,
    context: Vec<Arc<Facts>>,
    rules: Vec<(String, String)>,
    today: Option<Date>,
    /// What was found then, without what could not be seen; `None` when anything is new.
    state: Option<State>,
    /// The last that was found at all.
    last: Option<State>,
}

impl<'r> Watch<'r> {
    pub fn new(options: WatchOptions, source: Box<dyn Running + 'r>, register: &'r Register) -> Watch<'r> {
        let session = |paths: &[PathBuf]| {
            let options = Options { paths: paths.to_vec(), home: Home::default(), register: None, resolve: None };
            (!paths.is_empty()).then(|| Session::new(options, register))
        };
        let (allowed, context) = (session(&options.allowed), session(&options.context));
        Watch { options, register, source, allowed, context, seen: Seen::default() }
    }

    /// What runs now, judged and compared. What did not change since the last look is not judged again.
    ///
    /// # Errors
    /// Those of an audit and of [`Policies::load`]: then nothing is known, and that is no yes. The next look can succeed.
    pub fn look(&mut self, today: Date) -> Result<State, Error> {
        let Sight { facts, mut unseen } = self.source.look()?;
        // What is found is forgotten as soon as anything is new: a look that fails half way leaves nothing that is old.
        let mut changed = renew(&mut self.seen.running, facts);
        if changed {
            self.seen.state = None;
        }
        for (session, known) in
            [(&mut self.allowed, &mut self.seen.allowed), (&mut self.context, &mut self.seen.context)]
        {
            if let Some(session) = session
                && renew(known, session.facts_if_changed(&|_| {})?)
            {
                (changed, self.seen.state) = (true, None);
            }
        }
        let paths = self.beside();
        let rules = texts(&paths, &self.options.policy)?;
        changed |= rules != self.seen.rules || self.seen.today != Some(today);
        let state = match self.seen.state.take() {
            Some(state) if !changed => state,
            _ => self.judge(&paths, today)?,
        };
        (self.seen.rules, self.seen.today) = (rules, Some(today));
        self.seen.state = Some(state.clone());
        self.seen.last = Some(state.clone());
        if state.components == 0 && unseen.is_empty() {
            // That nothing was asked about is no yes.
            let why = "nothing that could be judged is seen to run".to_owned();
            unseen.push(Unseen { what: self.source.name(), why, since: None });
        }
        Ok(State { unseen, ..state })
    }

    /// Beside which files the rules are looked for.
    fn beside(&self) -> Vec<PathBuf> {
        let here = || vec![PathBuf::from(".")];
        match (self.options.allowed.as_slice(), self.options.running.as_slice()) {
            ([], []) => here(),
            ([], running) => running.to_vec(),
            (allowed, _) => allowed.to_vec(),
        }
    }

    fn judge(&self, paths: &[PathBuf], today: Date) -> Result<State, Error> {
        let mut policies = Policies::load(paths, &self.options.policy, self.register)?;
        if !self.options.running.is_empty() {
            let stated = self.options.policy.organisation.as_deref();
            policies.organisation.base = base_of(stated, paths, &self.options.running);
        }
        let asked: BTreeSet<&str> =
            self.seen.running.iter().flat_map(|one| &one.components).map(|one| &*one.id).collect();
        let both = self.seen.context.iter().chain(&self.seen.running);
        let mut stack = build(both.map(|one| (**one).clone()).collect(), self.register);
        let told = applied(&policies.organisation, &mut stack)?;
        let powers = Powers::of(&stack);
        let judgement = policies.judge(&stack, &powers, Gate::Running, today);
        let has_context = !self.seen.context.is_empty();
        let about = |one: &mut Violation| {
            one.components.retain(|id| !has_context || asked.contains(id.as_str()));
            !one.components.is_empty()
        };
        let files: Vec<Diagnostic> = self.seen.running.iter().flat_map(|one| &one.diagnostics).cloned().collect();
        let mut violations = if self.options.allow_unread { Vec::new() } else { unread(&files) };
        violations.extend(judgement.violations);
        violations.retain_mut(|one| one.rule == READABLE || about(one));
        let mut excepted = judgement.excepted;
        excepted.retain_mut(|one| about(&mut one.violation));
        let mut diagnostics = policies.diagnostics.clone();
        diagnostics.extend(told);
        diagnostics.extend(judgement.diagnostics);
        let mut state = State {
            running: self.source.name(),
            home: policies.home.clone(),
            rules: policies.rules.rules.len(),
            components: judgement.components,
            violations,
            excepted,
            missing_counts: self.options.fail_on_missing,
            diagnostics,
            ..State::default()
        };
        if !self.options.allowed.is_empty() {
            self.compare(&stack, &powers, &policies.home, &asked, &mut state)?;
        }
        state.known(&self.options.baseline);
        self.keep_unread(&files, &mut state);
        Ok(state)
    }

    /// What was found in a file that cannot be read now has not ended: nobody knows. And what it described is not
    /// missing.
    fn keep_unread(&self, diagnostics: &[Diagnostic], state: &mut State) {
        let paths: BTreeSet<String> = unread(diagnostics).into_iter().map(|one| one.cause).collect();
        let Some(last) = self.seen.last.as_ref().filter(|_| !paths.is_empty()) else { return };
        let of_file = |path: Option<&str>| path.is_some_and(|path| paths.contains(path));
        for one in &last.drifts {
            let known = state.drifts.iter().any(|now| now.running.id == one.running.id);
            if !known && of_file(one.running.seen.as_ref().map(|(path, _)| path.as_str())) {
                state.drifts.push(one.clone());
            }
        }
        for one in last.violations.iter().filter(|one| one.rule != READABLE) {
            let same =
                |now: &Violation| (&now.rule, now.requirement, &now.cause) == (&one.rule, one.requirement, &one.cause);
            if !state.violations.iter().any(same) && of_file(one.evidence.as_ref().map(|seen| &*seen.path)) {
                state.violations.push(one.clone());
            }
        }
        state.missing.clone_from(&last.missing);
    }

    fn compare(
        &self,
        stack: &Stack<'_>,
        powers: &Powers,
        home: &Home,
        asked: &BTreeSet<&str>,
        state: &mut State,
    ) -> Result<(), Error> {
        let mut allowed = build(self.seen.allowed.iter().map(|one| (**one).clone()).collect(), self.register);
        if let Some(words) = organisation(&self.options.allowed, self.options.policy.organisation.as_deref())? {
            applied(&words, &mut allowed)?;
        }
        let allowed_powers = Powers::of(&allowed);
        let allowed = Snapshot::of(&allowed, &allowed_powers, &[], home);
        let running = Snapshot::of(stack, powers, &[], home);
        let mut found = drift(&allowed, &running, &|one| self.source.shows(one));
        // What only the context describes does not run here.
        found.drifts.retain(|one| self.seen.context.is_empty() || asked.contains(one.running.id.as_str()));
        (state.drifts, state.missing) = (found.drifts, found.missing);
        state.allowed = Some(shown(&self.options.allowed));
        Ok(())
    }
}

/// Takes what is new, and says whether there was anything.
fn renew(known: &mut Vec<Arc<Facts>>, new: Option<Vec<Arc<Facts>>>) -> bool {
    let Some(new) = new else { return false };
    *known = new;
    true
}

/// Applies the words of an organisation to a stack.
fn applied(organisation: &Organisation, stack: &mut Stack<'_>) -> Result<Vec<Diagnostic>, Error> {
    let told = organisation.apply(stack);
    if told.iter().any(|one| one.severity == Severity::Error) {
        return Err(Error::RuleProblems(told));
    }
    Ok(told)
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}

use super::SCHEMA;
use super::text::{all, any, countries, like, lines_of_policies, quoted, set};
use crate::organisation::Organisation;
use crate::rule::{
    AuditFact, CedarFile, Must, OnlyFor, Requirement, Rule, RuleSet, Selector, SelectorKey, Severity, Who,
};
use crate::select::{Parties, parties, parties_let_in};
use crate::source::Said;
use crate::subject::{Subject, UNKNOWN};
use allod_facts::{Diagnostic, Severity as Weight};
use allod_register::Register;
use allod_stack::Power;
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic as _;
use std::str::FromStr as _;
use std::sync::Arc;

/// The rules as policies: one for each requirement of a rule, so that Cedar's own answer names what failed.
#[derive(Debug)]
pub struct Compiled {
    /// In the order of the rules; the policies of the user last.
    pub policies: Vec<PolicyText>,
    pub(crate) deny: PolicySet,
    pub(crate) warn: PolicySet,
    pub(crate) schema: Schema,
}

/// One policy, with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// `RULE/REQUIREMENT`.
    pub id: String,
    /// Of a rule; a policy of the user is a rule by its `@id`.
    pub rule: String,
    /// Position in the rule; `None` for a policy of the user, and for the base policy.
    pub must: Option<usize>,
    pub severity: Severity,
    pub why: Option<String>,
    pub path: Arc<str>,
    pub line: u32,
    pub text: String,
}

/// The policy that allows what no rule forbids.
pub(super) const BASE: &str = "allod/base";

impl Compiled {
    /// Compiles rules, and checks the policies of the user against the schema. `None` with diagnostics when anything
    /// cannot be compiled: half a rule set is none.
    pub fn new(
        rules: &RuleSet,
        organisation: &Organisation,
        register: &Register,
    ) -> (Option<Compiled>, Vec<Diagnostic>) {
        let mut told = crate::check::check(rules, organisation, register);
        let mut policies = Vec::new();
        if !rules.default_deny {
            policies.push(base());
        }
        for rule in &rules.rules {
            for (at, must) in rule.must.iter().enumerate() {
                policies.push(policy(rules, rule, at, must, register));
            }
        }
        for file in &rules.cedar {
            match user_policies(file) {
                Ok(more) => policies.extend(more),
                Err(mut problems) => told.append(&mut problems),
            }
        }
        if told.iter().any(|one| one.severity == Weight::Error) {
            return (None, told);
        }
        told.extend(crate::check::exceptions(
            rules,
            policies.iter().filter(|one| one.id != BASE).map(|one| one.rule.as_str()),
        ));
        if !told.is_empty() {
            return (None, told);
        }
        match assemble(policies) {
            Ok(compiled) => (Some(compiled), told),
            Err(mut problems) => {
                told.append(&mut problems);
                (None, told)
            }
        }
    }
}

fn base() -> PolicyText {
    PolicyText {
        id: BASE.to_owned(),
        rule: BASE.to_owned(),
        must: None,
        severity: Severity::Deny,
        why: None,
        path: Arc::from(""),
        line: 0,
        text: format!(
            "// What no rule forbids is allowed (`default: allow`).\n@id({})\npermit (principal, action == Allod::Action::\"deploy\", resource);\n",
            quoted(BASE)
        ),
    }
}

fn assemble(policies: Vec<PolicyText>) -> Result<Compiled, Vec<Diagnostic>> {
    let told = |policy: &PolicyText, message: String| Diagnostic {
        code: "P010",
        severity: Weight::Error,
        message,
        path: policy.path.clone(),
        line: policy.line,
        hint: Some("`allod rules schema` prints what policies can use".to_owned()),
    };
    let schema = Schema::from_str(SCHEMA).map_err(|error| {
        let message = format!("the built-in schema is broken: {error}");
        vec![Diagnostic { code: "P010", severity: Weight::Error, message, path: Arc::from(""), line: 0, hint: None }]
    })?;
    let (mut deny, mut warn, mut problems) = (PolicySet::new(), PolicySet::new(), Vec::new());
    for policy in &policies {
        match Policy::parse(Some(PolicyId::new(&policy.id)), &policy.text) {
            Ok(parsed) => {
                let into = if policy.severity == Severity::Warn { &mut warn } else { &mut deny };
                if let Err(error) = into.add(parsed) {
                    problems.push(told(policy, error.to_string()));
                }
            }
            Err(error) => problems.push(told(policy, error.to_string())),
        }
    }
    let validator = Validator::new(schema.clone());
    for set in [&deny, &warn] {
        for error in validator.validate(set, ValidationMode::Strict).validation_errors() {
            let id = error.policy_id().to_string();
            let about = policies.iter().find(|policy| policy.id == id);
            problems.extend(about.map(|policy| told(policy, error.to_string())));
        }
    }
    // Of warnings, what is not broken is allowed.
    let allow = Policy::parse(Some(PolicyId::new(BASE)), base().text);
    if let Some(allow) = allow.ok().filter(|_| warn.policies().next().is_some()) {
        drop(warn.add(allow));
    }
    if problems.is_empty() { Ok(Compiled { policies, deny, warn, schema }) } else { Err(problems) }
}

/// The policy of one requirement.
pub(crate) fn policy(rules: &RuleSet, rule: &Rule, at: usize, must: &Must, register: &Register) -> PolicyText {
    let mut when = vec!["!resource.hint".to_owned()];
    when.extend(rules.scope(rule).iter().map(|selector| selected(selector, register, parties)));
    if !rule.except.is_empty() {
        let except = all(rule.except.iter().map(|selector| selected(selector, register, parties_let_in)).collect());
        when.push(format!("!{except}", except = bracketed(&except)));
    }
    when.extend(applies(&must.requirement).map(str::to_owned));
    let unless = holds(rule, &must.requirement, register);
    let id = format!("{}/{}", rule.id, must.requirement.name());
    let mut text = format!("@id({})\n", quoted(&id));
    if let Some(why) = &rule.why {
        text.push_str(&format!("@why({})\n", quoted(why)));
    }
    text.push_str(&format!("@severity({})\n", quoted(rule.severity.name())));
    text.push_str(&format!("@source({})\n", quoted(&format!("{}:{}", rule.path, must.line))));
    text.push_str("forbid (principal, action == Allod::Action::\"deploy\", resource)\n");
    text.push_str(&format!("when {{\n  {}\n}}\nunless {{\n  {unless}\n}};\n", when.join(" &&\n  ")));
    PolicyText {
        id,
        rule: rule.id.clone(),
        must: Some(at),
        severity: rule.severity,
        why: rule.why.clone(),
        path: rule.path.clone(),
        line: must.line,
        text,
    }
}

fn bracketed(piece: &str) -> String {
    if piece.starts_with('(') { piece.to_owned() } else { format!("({piece})") }
}

/// Of which components a requirement can be asked at all.
fn applies(requirement: &Requirement) -> Option<&'static str> {
    match requirement {
        Requirement::BeIn(_) | Requirement::Audit(_) => Some("resource.placed"),
        Requirement::BeControlledFrom(_) | Requirement::BeOperatedBy(_) | Requirement::AtMost { .. } => {
            Some("!resource.ours")
        }
        Requirement::OwnKeys => Some("resource.atRest"),
        Requirement::ExitTested { .. } => Some("resource.ours && resource.placed"),
        // What somebody else holds over a thing of theirs is shown where we depend on it.
        Requirement::NotFrom { .. } | Requirement::NotBy { .. } => {
            Some("(resource.ours || resource.placed && resource.described)")
        }
        Requirement::OnlyFor(_) => Some("resource.kind != \"provider\""),
    }
}

fn selected(selector: &Selector, register: &Register, parties: Parties) -> String {
    let words = || set(selector.values.iter().map(|said| said.text.as_str()));
    let in_set = |attribute: &str| match selector.values.as_slice() {
        [one] => format!("resource.{attribute}.contains({})", quoted(&one.text)),
        _ => format!("resource.{attribute}.containsAny({})", words()),
    };
    let in_words = |attribute: &str| match selector.values.as_slice() {
        [one] => format!("resource.{attribute} == {}", quoted(&one.text)),
        _ => format!("{}.contains(resource.{attribute})", words()),
    };
    let likes = |attributes: &[&str]| {
        let each = |said: &Said| attributes.iter().map(|one| like(one, &said.text)).collect::<Vec<_>>();
        any(selector.values.iter().flat_map(each).collect())
    };
    match selector.key {
        SelectorKey::Data => in_set("data"),
        SelectorKey::Workload => in_set("workloads"),
        SelectorKey::Environment => in_set("environments"),
        SelectorKey::Tier => in_set("tiers"),
        SelectorKey::Label => in_set("labels"),
        SelectorKey::Provider => {
            let ids = selector.values.iter().flat_map(|said| parties(register, said));
            format!("resource.parties.containsAny({})", set(ids.collect::<Vec<_>>().iter().map(String::as_str)))
        }
        SelectorKey::Service => in_words("service"),
        SelectorKey::Layer => in_words("layer"),
        SelectorKey::Component => likes(&["id", "name", "address"]),
        SelectorKey::Kind => likes(&["kind"]),
        SelectorKey::Namespace => likes(&["namespace"]),
        SelectorKey::Address => likes(&["address"]),
    }
}

/// The condition under which a requirement holds. What is not known is in no list, so that it never does.
fn holds(rule: &Rule, requirement: &Requirement, register: &Register) -> String {
    match requirement {
        Requirement::BeIn(places) => format!("{}.containsAll(resource.countries)", countries(places)),
        Requirement::BeControlledFrom(places) => format!("{}.containsAll(resource.controlledFrom)", countries(places)),
        Requirement::BeOperatedBy(said) => {
            let ids: Vec<String> = said.iter().flat_map(|said| parties_let_in(register, said)).collect();
            format!("resource.parties.containsAny({})", set(ids.iter().map(String::as_str)))
        }
        Requirement::NotFrom { power, ever, who } => held(rule, *power, *ever, false, &|tag| match who {
            Who::Outside(places) => format!("{}.containsAll({tag})", countries(places)),
            Who::Among(places) => {
                let listed: Vec<&str> = places.iter().map(|one| one.code()).chain([UNKNOWN]).collect();
                format!("!{tag}.containsAny({})", set(listed))
            }
        }),
        Requirement::NotBy { power, ever, parties: said } => held(rule, *power, *ever, true, &|tag| {
            let ids: Vec<String> = said.iter().flat_map(|said| parties(register, said)).collect();
            format!("!{tag}.containsAny({})", set(ids.iter().map(String::as_str).chain([UNKNOWN])))
        }),
        Requirement::OwnKeys => "resource.keys == \"ours\"".to_owned(),
        Requirement::Audit(facts) => {
            format!("resource.audit.containsAll({})", set(facts.iter().copied().map(AuditFact::name)))
        }
        Requirement::ExitTested { days } => {
            format!("resource.exitTestedDays >= 0 && resource.exitTestedDays <= {days}")
        }
        Requirement::AtMost { .. } => {
            let tag = quoted(&Subject::over_tag(&rule.id));
            format!("resource.hasTag({tag}) && resource.getTag({tag}).isEmpty()")
        }
        Requirement::OnlyFor(only) => only_for(only),
    }
}

/// A condition on who holds a power; for *read*, of each class that the rule is about, where the component has it.
fn held(rule: &Rule, power: Power, ever: bool, by: bool, condition: &dyn Fn(&str) -> String) -> String {
    let of = |class: Option<&str>| {
        let tag = quoted(&Subject::power_tag(power, ever, by, class));
        format!("resource.hasTag({tag}) && {}", condition(&format!("resource.getTag({tag})")))
    };
    let classes: Vec<&Said> = rule
        .select
        .iter()
        .filter(|selector| selector.key == SelectorKey::Data && power == Power::Read)
        .flat_map(|selector| &selector.values)
        .collect();
    if classes.is_empty() {
        return of(None);
    }
    let each =
        |class: &&Said| format!("(!resource.data.contains({}) || {})", quoted(&class.text), of(Some(&class.text)));
    classes.iter().map(each).collect::<Vec<_>>().join(" &&\n  ")
}

fn only_for(only: &OnlyFor) -> String {
    let pieces = [("workloads", &only.workloads), ("data", &only.data), ("environments", &only.environments)];
    let within = |(attribute, said): &(&str, &Vec<Said>)| {
        let words = set(said.iter().map(|said| said.text.as_str()));
        format!("!resource.{attribute}.isEmpty() && {words}.containsAll(resource.{attribute})")
    };
    pieces.iter().filter(|(_, said)| !said.is_empty()).map(within).collect::<Vec<_>>().join(" &&\n  ")
}

/// The policies of a file that the user wrote in Cedar.
fn user_policies(file: &CedarFile) -> Result<Vec<PolicyText>, Vec<Diagnostic>> {
    let problem = |line: u32, message: String| Diagnostic {
        code: "P010",
        severity: Weight::Error,
        message,
        path: file.path.clone(),
        line,
        hint: Some("`allod rules schema` prints what policies can use".to_owned()),
    };
    let parsed = PolicySet::from_str(&file.text).map_err(|errors| {
        let each = errors.iter().map(|error| {
            let offset = error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
            let line = file.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
            problem(line as u32, error.to_string())
        });
        each.collect::<Vec<_>>()
    })?;
    let lines = lines_of_policies(&file.text);
    // `policy0`, `policy1`, ...: in the order of the file.
    let number = |id: &PolicyId| id.to_string().trim_start_matches("policy").parse::<usize>().unwrap_or(0);
    let line = |id: &PolicyId| lines.get(number(id)).copied().unwrap_or(1);
    let mut problems: Vec<Diagnostic> = parsed
        .templates()
        .map(|one| problem(line(one.id()), "a template is no policy: rules are decided, not linked".to_owned()))
        .collect();
    for policy in parsed.policies() {
        if let Some(other) = policy.annotation("severity").filter(|one| !matches!(*one, "deny" | "warn")) {
            problems.push(problem(line(policy.id()), format!("`{other}` is no severity: use deny or warn")));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut policies: Vec<&Policy> = parsed.policies().collect();
    policies.sort_by_key(|policy| number(policy.id()));
    let name = file.path.rsplit('/').next().unwrap_or(&file.path).trim_end_matches(".cedar").to_owned();
    let each = policies.iter().enumerate().map(|(at, policy)| {
        let rule = policy.annotation("id").map_or_else(|| format!("{name}-{}", at + 1), str::to_owned);
        PolicyText {
            id: format!("cedar/{}#{at}", file.path),
            rule,
            must: None,
            severity: if policy.annotation("severity") == Some("warn") { Severity::Warn } else { Severity::Deny },
            why: policy.annotation("why").map(str::to_owned),
            path: file.path.clone(),
            line: line(policy.id()),
            text: policy.to_string(),
        }
    });
    Ok(each.collect())
}

mod exceptions;
mod ways;

use super::*;
use crate::tests::{compiled, organisation, register, rules, shown};
use crate::{Compiled, Organisation};
use allod_readers::{Files, READERS, Read, recognise};
use allod_stack::build;
use std::fmt::Write as _;

/// The stack of some files, with what the organisation says of it.
pub fn stack(files: &[(&str, &str)], organisation: &Organisation) -> Stack<'static> {
    let mut loaded = Files::new();
    files.iter().for_each(|(path, text)| loaded.insert(path, text.as_bytes().to_vec()));
    let mut facts = Vec::new();
    for reader in READERS {
        let is_its =
            |(path, text): &&(&str, &str)| recognise(path, text.as_bytes()).is_some_and(|one| one.id == reader.id);
        let mine: Vec<&str> = files.iter().filter(is_its).map(|(path, _)| *path).collect();
        match reader.read {
            Read::Loaded(read) if !mine.is_empty() => facts.push(read(&loaded, &mine)),
            _ => {}
        }
    }
    let mut stack = build(facts, register());
    let told = organisation.apply(&mut stack);
    assert_eq!(shown(&told), "");
    stack
}

/// What is judged, and by what.
pub struct Case {
    pub organisation: Organisation,
    pub rules: RuleSet,
    pub compiled: Compiled,
    pub home: Home,
    pub today: &'static str,
}

pub fn case(organisation_text: &str, texts: &[&str]) -> Case {
    let organisation = organisation(organisation_text);
    let home = organisation.home.clone().unwrap_or_default();
    let rules = rules(texts, &home);
    let compiled = compiled(&rules, &organisation);
    Case { organisation, rules, compiled, home, today: "2026-11-24" }
}

impl Case {
    pub fn judge(&self, stack: &Stack<'_>) -> Judgement {
        let Case { organisation, rules, compiled, home, today } = self;
        let today = Date::parse(today).unwrap();
        judge(Rulebook { rules, compiled, organisation, home, today }, stack, &Powers::of(stack), Gate::Repository)
    }

    pub fn of(&self, files: &[(&str, &str)]) -> Judgement {
        self.judge(&stack(files, &self.organisation))
    }
}

pub fn told(judgement: &Judgement) -> String {
    let mut out = String::new();
    for one in &judgement.violations {
        let seen = one.evidence.as_ref().map_or(String::new(), |seen| format!("{}:{}", seen.path, seen.line));
        let (severity, rule, requirement) = (one.severity.name(), &one.rule, one.requirement);
        let _ = writeln!(out, "{severity} {rule} ({requirement}) {}:{}", one.rule_path, one.rule_line);
        let _ = writeln!(out, "  {}\n  at {seen}, of {}", one.message, one.components.join(", "));
        for way in &one.way_out {
            let _ = writeln!(out, "  way out: {way}");
        }
    }
    for one in &judgement.excepted {
        let (rule, components) = (&one.violation.rule, one.violation.components.join(", "));
        let _ = writeln!(out, "excepted {rule} until {} by {}: {components}", one.until, one.by);
    }
    out.push_str(&shown(&judgement.diagnostics));
    out
}

const TF: &str = "provider \"aws\" {\n  region = \"us-east-1\"\n}\nresource \"aws_s3_bucket\" \"assets\" {\n  bucket = \"assets\"\n}\nresource \"aws_s3_bucket\" \"logs\" {\n  bucket = \"logs\"\n}\nresource \"aws_dynamodb_table\" \"people\" {\n  name = \"people\"\n}\n";
const COMPOSE: &str = "services:\n  records:\n    image: registry.clinic.example/records:1\n    environment:\n      LOGS: https://http-intake.logs.datadoghq.eu/api/v2/logs\n      MODEL: https://api.mistral.ai/v1\n  web:\n    image: registry.clinic.example/web:1\n    environment:\n      LOGS: https://http-intake.logs.datadoghq.eu/api/v2/logs\n      ODD: https://api.nobody-knows-this.io/v1\n";
const ORGANISATION: &str = "version: 1\nhome: [EU]\ndata:\n  patient: { component: [records, people] }\nworkloads:\n  records: { component: records, exit: { tested: 2026-11-01 } }\n";

#[test]
fn every_requirement_says_what_failed_where_and_what_would_pass() {
    let rules = "version: 1\nrules:\n  place: { layer: [storage, database], must: { be_in: [LU, DE] } }\n  control: { must: { be_controlled_from: home } }\n  operator: { layer: storage, must: { be_operated_by: [ovhcloud] } }\n  read: { data: patient, must: { not_be_readable_from: { outside: home } } }\n  stop: { component: [records, web], must: { not_be_stoppable_from: { outside: home, when: ever } } }\n  by: { component: records, must: { not_be_changeable_by: [datadog-eu, mistral] } }\n  keys: { must: { keys: ours } }\n  audit: { component: records, must: { audit: [access-log, retention] } }\n  exit: { component: [records, web], severity: warn, must: { exit: { tested_within: 7d } } }\n  share: { must: { at_most: { share: 40%, of: provider } } }\n  only: { provider: aws, only_for: { workloads: [records] } }\n";
    let judgement = case(ORGANISATION, &[rules]).of(&[("infra/main.tf", TF), ("compose.yaml", COMPOSE)]);
    insta::assert_snapshot!("every_requirement", told(&judgement));
}

#[test]
fn one_cause_is_told_once() {
    let rules = "version: 1\nrules:\n  stop: { must: { not_be_readable_from: { outside: home } } }\n";
    let judgement = case(ORGANISATION, &[rules]).of(&[("compose.yaml", COMPOSE)]);
    let datadog: Vec<&Violation> = judgement.violations.iter().filter(|one| one.cause == "datadog-eu").collect();
    assert_eq!(datadog.len(), 1, "{}", told(&judgement));
    assert_eq!(datadog[0].components, ["compose:compose.yaml#records", "compose:compose.yaml#web"]);
    // What nobody knows is no way round the rule.
    assert!(
        judgement.violations.iter().any(|one| one.cause == "host:api.nobody-knows-this.io"),
        "{}",
        told(&judgement)
    );
}

#[test]
fn hints_break_nothing() {
    let rules = "version: 1\nrules:\n  all: { must: { be_controlled_from: home, keys: ours } }\n";
    let package = "{\"dependencies\": {\"@aws-sdk/client-s3\": \"^3\"}}";
    let case = case("version: 1\n", &[rules]);
    let stack = stack(&[("package.json", package)], &case.organisation);
    assert!(stack.parts.iter().any(|part| part.is_hint()), "the test shows nothing without a hint");
    let hints: Vec<&str> = stack.parts.iter().filter(|part| part.is_hint()).map(|part| &*part.fact.id).collect();
    let judgement = case.judge(&stack);
    let broken = judgement.violations.iter().flat_map(|one| &one.components);
    assert_eq!(broken.filter(|one| hints.contains(&one.as_str())).count(), 0, "{}", told(&judgement));
}

#[test]
fn the_order_of_files_and_rules_changes_nothing() {
    let one = "version: 1\nrules:\n  keys: { must: { keys: ours } }\n";
    let two = "version: 1\nrules:\n  read: { must: { not_be_readable_from: { outside: home } } }\n";
    let files = [("infra/main.tf", TF), ("compose.yaml", COMPOSE)];
    let turned = [("compose.yaml", COMPOSE), ("infra/main.tf", TF)];
    let place_of_rule = |text: String| text.replace("rules/1", "rules/0");
    let first = place_of_rule(told(&case(ORGANISATION, &[one, two]).of(&files)));
    assert_eq!(first, place_of_rule(told(&case(ORGANISATION, &[two, one]).of(&turned))));
    assert!(first.contains("deny keys") && first.contains("deny read"));
}

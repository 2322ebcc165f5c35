//! How many times a second rules are asked about inputs, beside the evaluator alone.
//!
//! usage: throughput DOCUMENTS RULES   (release build)

use allod_rego::{Document, Kind, Options, Policies};
use regorus::{Engine, Value};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let documents = numbers.next().transpose()?.unwrap_or(1000);
    let rules = numbers.next().transpose()?.unwrap_or(50);
    let policy = policy(rules)?;
    let inputs: Vec<String> = (0..documents).map(input).collect();
    let out = &mut std::io::stdout();

    let start = Instant::now();
    let (policies, diagnostics) =
        Policies::load(vec![("a.rego".into(), policy.clone())], Vec::new(), Options::default());
    if !diagnostics.is_empty() {
        return Err(format!("{diagnostics:?}").into());
    }
    let asked = policies.rules().len() * documents;
    writeln!(out, "{documents} documents, {} rules: {asked} evaluations", policies.rules().len())?;
    writeln!(out, "loading: {:.1} ms", start.elapsed().as_secs_f64() * 1e3)?;

    let start = Instant::now();
    let read: Result<Vec<Document>, _> =
        inputs.iter().map(|text| Document::parse("a.yaml", Kind::Yaml, text)).collect();
    let read = read.map_err(|diagnostic| diagnostic.message)?;
    let seconds = start.elapsed().as_secs_f64();
    writeln!(out, "reading YAML: {:.1} ms, {:.0} documents a second", seconds * 1e3, documents as f64 / seconds)?;

    let start = Instant::now();
    let mut found = 0;
    for document in &read {
        found += policies.evaluate(document)?.len();
    }
    let ours = start.elapsed().as_secs_f64();
    writeln!(
        out,
        "allod-rego: {:.1} ms, {:.0} evaluations a second, {found} findings",
        ours * 1e3,
        asked as f64 / ours
    )?;

    let mut engine = Engine::new();
    engine.add_policy("a.rego".into(), policy)?;
    let queries: Vec<String> =
        policies.rules().iter().map(|rule| format!("data.{}.{}", rule.namespace, rule.name)).collect();
    let values: Vec<Value> =
        read.iter().filter_map(|document| document.to_json().get(0).cloned()).map(Value::from).collect();
    let start = Instant::now();
    let mut bare_found = 0;
    for value in &values {
        engine.set_input(value.clone());
        for query in &queries {
            bare_found += engine.eval_rule(query.clone())?.as_set().map_or(0, |set| set.iter().count());
        }
    }
    let bare = start.elapsed().as_secs_f64();
    writeln!(
        out,
        "regorus alone: {:.1} ms, {:.0} evaluations a second, {bare_found} findings",
        bare * 1e3,
        asked as f64 / bare
    )?;
    writeln!(out, "ratio: {:.2}", ours / bare)?;
    Ok(())
}

/// Rules as teams have them: some fields, a loop over the containers, a message.
fn policy(rules: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from("package main\n\nis_deployment if input.kind == \"Deployment\"\n");
    for rule in 0..rules {
        write!(
            text,
            r#"
deny_{rule} contains msg if {{
	is_deployment
	some container in input.spec.template.spec.containers
	not container.securityContext.runAsNonRoot
	endswith(container.image, ":{rule}")
	msg := sprintf("%s: %s is not allowed", [input.metadata.name, container.image])
}}
"#
        )?;
    }
    Ok(text)
}

fn input(number: usize) -> String {
    let containers: String = (0..4)
        .map(|at| format!("        - name: c{at}\n          image: registry.example/app{at}:{}\n          ports: [{{containerPort: 80}}]\n", number % 97 + at))
        .collect();
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop-{number}\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n{containers}"
    )
}

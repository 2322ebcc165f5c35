//! Every way out that is shown is one: put in the place of the cause, it ends the violation.

use super::*;
use allod_facts::{Component, Facts, Layer, LinkKind, Role};
use allod_register::{Register, Service};
use allod_stack::{Replacement, Stated, StatedFact};

/// A workload of ours, with data of patients, that trusts something that a service provides.
fn served_by(service: &'static Service) -> Stack<'static> {
    let seen = Evidence::line(&Arc::from("a.yaml"), 1, "test");
    let mut facts = Facts::new();
    let mut app = Component::new("app", "app", "workload", Layer::Application, Role::Own, seen.clone());
    app.data.push("patient".into());
    let app = facts.add(app);
    let used = facts.add(Component::new("used", "used", "host", service.layer, Role::Provided, seen.clone()));
    facts.link(app, LinkKind::Trusts, used, seen.clone());
    let mut stack = build(vec![facts], register());
    let at = stack.parts.iter().position(|part| &*part.fact.id == "used").unwrap();
    stack.state(&[Stated { part: at, fact: StatedFact::ProvidedBy(service), evidence: seen }]);
    stack
}

/// The ids of what a way out names: of services, and of software that one runs oneself.
fn named(register: &Register, way: &str) -> Vec<String> {
    let records = &register.records;
    let used = way.strip_prefix("use ");
    let run = way.strip_prefix("run ").and_then(|rest| rest.strip_suffix(" yourself"));
    let services = records.services.iter().filter(|one| used == Some(one.name.as_str())).map(|one| one.id.to_string());
    let software = records.software.iter().filter(|one| run == Some(one.name.as_str())).map(|one| one.id.to_string());
    services.chain(software).collect()
}

/// Tries each way out of each service of the register that breaks the requirement; says how many there were, and those
/// that end nothing.
fn check(about: &str, must: &str, ends: &dyn Fn(&Stack<'_>) -> bool) {
    let rule = format!("version: 1\nrules:\n  r: {{ component: {about}, must: {{ {must} }} }}\n");
    let case = case("version: 1\nhome: [EU]\ndata: { patient: {} }\n", &[&rule]);
    let (mut tried, mut wrong, mut known) = (0, Vec::new(), BTreeMap::new());
    for service in &register().records.services {
        for violation in case.judge(&served_by(service)).violations {
            for (way, id) in
                violation.way_out.iter().flat_map(|way| named(register(), way).into_iter().map(move |id| (way, id)))
            {
                tried += 1;
                // What was there before is gone: the same replacement gives the same.
                let left = known.entry((service.layer, id.clone())).or_insert_with(|| {
                    let mut stack = served_by(service);
                    stack.replace(&Replacement { what: "used".to_owned(), by: id.clone() }).unwrap();
                    let after = case.judge(&stack).violations;
                    after.into_iter().map(|one| one.message).find(|_| !ends(&stack))
                });
                if let Some(left) = left {
                    wrong.push(format!("{}: {way} ({id}): {left}", service.id));
                }
            }
        }
    }
    assert!(tried > 50, "{must}: only {tried} ways out were tried");
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{must}: {} of {tried}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_way_out_ends_the_violation() {
    let never = |_: &Stack<'_>| false;
    for must in [
        "not_be_readable_from: { outside: home }",
        "not_be_stoppable_from: { outside: home }",
        "not_be_stoppable_from: { outside: home, when: ever }",
        "not_be_stoppable_from: { among: [US] }",
        "not_be_changeable_from: { outside: home }",
        "not_be_changeable_from: { among: [US] }",
        "not_be_readable_by: [amazon-com]",
        "be_controlled_from: home",
    ] {
        check("[app, used]", must, &never);
    }
}

#[test]
fn a_way_out_is_where_it_has_to_be() {
    // A provider with regions in these countries is one: which region is one's own choice, as the place of what one
    // runs oneself.
    let in_region = |stack: &Stack<'_>| {
        let used = stack.parts.iter().find(|part| &*part.fact.id == "used").unwrap();
        if used.is_ours() {
            return true;
        }
        let table = used.service.and_then(|service| service.regions.as_ref());
        let table = register().records.regions.iter().find(|one| Some(&one.id) == table);
        table.is_some_and(|table| {
            table.list.values().any(|region| region.country.is_some_and(|one| ["DE", "FR"].contains(&one.code())))
        })
    };
    check("used", "be_in: [DE, FR]", &in_region);
}
